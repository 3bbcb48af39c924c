// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to make memory a region of a VM and to take it away again: pinning,
 * merging, accounting. Nothing fails for being slow: the figures are remarks, in relation
 * to memcpy() of the same memory on the same machine.
 *
 *	gunyah_membench [MIB]
 *
 * from 64 MiB to as much as given. A kernel with debugging costs many times more.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "testmem.h"
#include "testvm.h"

#define ROUNDS			5

#define MIN_SIZE		(64 * SZ_1M)

static u64 max_size = MIN_SIZE;

/* In nanoseconds, the best of some rounds; and in bytes of slabs, the most */
struct cost {
	u64 add;
	u64 remove;
	u64 copy;
	long long slab;
};

/* One region cannot have as many entries as single pages may be. */
static u64 region_size(u64 size)
{
	return size < SZ_1G ? size : SZ_1G;
}

static bool add(struct testvm *vm, const u8 *p, u64 size)
{
	u64 at, step = region_size(size);

	for (at = 0; at < size; at += step)
		if (!check_errno(testmem_set(vm->fd, at / step, TESTMEM_LENT, at, p + at, step),
				 0, "region"))
			return false;
	return true;
}

static bool delete(struct testvm *vm, u64 size)
{
	u64 at, step = region_size(size);

	for (at = 0; at < size; at += step)
		if (!check_errno(testmem_set(vm->fd, at / step, 0, 0, NULL, 0), 0, "deletion"))
			return false;
	return true;
}

static u64 count_runs(const u8 *p, u64 size)
{
	u64 at, step = region_size(size), n = 0;

	for (at = 0; at < size; at += step)
		n += testmem_runs(p + at, step);
	return n;
}

static bool measure(struct testvm *vm, const u8 *p, u64 size, struct cost *cost, u64 *entries)
{
	long long slab;
	unsigned int i;
	u64 start;

	for (i = 0; i < ROUNDS; i++) {
		tap_alive();
		bench_less(&cost->copy, bench_memcpy(p, size));
		slab = testmem_slab();
		start = bench_now();
		if (!add(vm, p, size))
			return false;
		bench_less(&cost->add, bench_now() - start);
		slab = testmem_slab() - slab;
		if (slab > cost->slab)
			cost->slab = slab;
		*entries = testmem_info(vm->fd, "mem-entries");
		start = bench_now();
		if (!delete(vm, size))
			return false;
		bench_less(&cost->remove, bench_now() - start);
	}
	return true;
}

static void report(const char *what, u64 size, u64 entries, const struct cost *cost)
{
	u64 pages = size / SZ_4K;

	note("%s, %llu MiB in %llu entries: %.2f %% + %.2f %% of memcpy (add + remove)", what,
	     size / SZ_1M, entries, 100.0 * cost->add / cost->copy,
	     100.0 * cost->remove / cost->copy);
	note("  per 4 KiB %llu + %llu ns of %llu ns, per entry %llu + %llu ns, %lld KiB of slabs",
	     cost->add / pages, cost->remove / pages, cost->copy / pages, cost->add / entries,
	     cost->remove / entries, cost->slab / 1024);
}

/* All sizes for which there is memory: at least the smallest, if @needed. */
static void bench(const char *what, u8 *(*alloc)(u64 size), bool needed)
{
	struct cost cost;
	struct testvm vm;
	u64 size, entries;
	u8 *p;

	if (!testvm_open(&vm))
		return;
	for (size = MIN_SIZE; size <= max_size; size *= 2) {
		tap_alive();
		p = alloc(size);
		if (!p) {
			check(!needed || size > MIN_SIZE, "no memory");
			note("%s: no %llu MiB", what, size / SZ_1M);
			break;
		}
		memset(&cost, 0, sizeof(cost));
		if (measure(&vm, p, size, &cost, &entries) &&
		    check(entries == count_runs(p, size), "%llu entries, not %llu", entries,
			  count_runs(p, size)))
			report(what, size, entries, &cost);
		testmem_free(p, size);
	}
	testvm_close(&vm);
}

static void scattered(void)
{
	bench("scattered", testmem_scattered, true);
}

static void thp(void)
{
	bench("THP", testmem_thp, true);
}

static void hugetlb(void)
{
	bench("hugetlb", testmem_hugetlb, false);
}

static const struct tap_test tests[] = {
	{ "cost of single pages", scattered },
	{ "cost of transparent huge pages", thp },
	{ "cost of hugetlb pages", hugetlb },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		max_size = strtoull(argv[1], NULL, 10) * SZ_1M;
	/* One call may be about gigabytes. */
	tap_set_timeout(1800);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
