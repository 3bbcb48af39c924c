// SPDX-License-Identifier: GPL-2.0
/*
 * What guest memory costs: to allocate it as a file, to lend it, to have it back, and to move
 * user memory that is lent. Nothing fails for being slow: the figures are in relation to
 * memset() and memcpy() of the same memory on the same machine.
 *
 *	gunyah_guestmembench [MIB]
 *
 * from 64 MiB to as much as given, by factors of four. A kernel with debugging costs many
 * times more.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "parcel.h"
#include "testgmem.h"
#include "testmem.h"

#define ROUNDS			3
#define MIN_SIZE		(64 * SZ_1M)

/* Behind what the guest boots from */
#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define USER_LABEL		10

#define POLL_US			200

static u64 max_size = MIN_SIZE;

/* In nanoseconds, the best of some rounds; and how many of a round */
struct cost {
	u64 size;
	u64 base;
	u64 allocate;
	u64 start;
	u64 end;
	u64 entries;
	long requests;
};

/* Of a VM that has nothing but what it boots from */
static u64 bare_start;
static u64 bare_end;

static long memory_requests(void)
{
	return parcel_requests("MEM_LEND") + parcel_requests("MEM_APPEND");
}

static bool measure_start(struct testvm *vm, u64 *ns, long *requests)
{
	long before = memory_requests();
	u64 start = bench_now();

	if (!check_errno(testvm_ioctl_start(vm), 0, "START"))
		return false;
	bench_less(ns, bench_now() - start);
	/* One is about what it boots from. */
	*requests = memory_requests() - before - 1;
	return true;
}

/* It ends when the memory of this file is back; the VM had it lent. */
static bool measure_end(struct testvm *vm, int fd, u64 *ns)
{
	u64 start;

	if (!testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
		return false;
	start = bench_now();
	testvm_close(vm);
	while (gmem_info(fd, "lent") > 0)
		usleep(POLL_US);
	bench_less(ns, bench_now() - start);
	return true;
}

static bool measure_bare(void)
{
	int ram = gmem_new(0, TESTVM_MEM_SIZE);
	struct testvm vm = { .fd = -1 };
	bool ok = ram >= 0;
	unsigned int i;
	long requests;

	for (i = 0; ok && i < ROUNDS; i++) {
		tap_alive();
		ok = gmem_vm_create(&vm, ram, 0, PROGRAM(off)) &&
		     measure_start(&vm, &bare_start, &requests) &&
		     measure_end(&vm, ram, &bare_end);
		testvm_close(&vm);
	}
	close(ram);
	return ok;
}

static u64 more(u64 ns, u64 bare)
{
	return ns > bare ? ns - bare : 0;
}

static void row(const char *what, const struct cost *cost, u64 ns)
{
	note("%6llu MiB  %-34s %10.2f ms  %8.2f %%", cost->size / SZ_1M, what, ns / 1e6,
	     cost->base ? 100.0 * ns / cost->base : 0.0);
}

static void requests_row(const struct cost *cost)
{
	note("%6llu MiB  %llu entries, %ld requests; %.0f entries in a GiB", cost->size / SZ_1M,
	     cost->entries, cost->requests, (double)cost->entries * SZ_1G / cost->size);
}

/*
 * A file
 */

static bool lend_file(int fd, int ram, u32 flags, struct cost *cost)
{
	struct testvm vm = { .fd = -1 };
	bool ok;

	tap_alive();
	ok = gmem_vm_create(&vm, ram, 0, PROGRAM(off)) &&
	     check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND | flags, fd, 0, cost->size), 0,
			 "MAP_MEM") &&
	     measure_start(&vm, &cost->start, &cost->requests) &&
	     measure_end(&vm, fd, &cost->end);
	cost->entries = gmem_info(fd, "runs");
	testvm_close(&vm);
	return ok;
}

static bool measure_file(struct cost *kept, struct cost *cleared)
{
	int fd = gmem_new(0, kept->size), ram = gmem_new(0, TESTVM_MEM_SIZE);
	bool ok = fd >= 0 && ram >= 0;
	u8 *p = NULL;
	u64 start;

	if (ok) {
		start = bench_now();
		ok = check_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, kept->size), 0,
				 "fallocate()");
		bench_less(&kept->allocate, bench_now() - start);
	}
	if (ok)
		p = gmem_mmap(fd, kept->size);
	if (p) {
		/* All is mapped the second time. */
		bench_memset(p, kept->size);
		bench_less(&kept->base, bench_memset(p, kept->size));
		cleared->base = kept->base;
		ok = lend_file(fd, ram, GH_MAP_MEM_KEEP_CONTENTS, kept) &&
		     lend_file(fd, ram, 0, cleared);
		munmap(p, kept->size);
	}
	close(fd);
	close(ram);
	return ok && p;
}

static void file(void)
{
	u64 size;

	for (size = MIN_SIZE; size <= max_size; size *= 4) {
		struct cost kept = { .size = size }, cleared = { .size = size };
		unsigned int i;

		for (i = 0; i < ROUNDS; i++)
			if (!measure_file(&kept, &cleared))
				return;
		requests_row(&kept);
		row("memset()", &kept, kept.base);
		row("allocation", &kept, kept.allocate);
		row("lending, in START", &kept, more(kept.start, bare_start));
		row("taking back", &kept, more(kept.end, bare_end));
		row("taking back, cleared", &cleared, more(cleared.end, bare_end));
	}
}

/*
 * User memory
 */

static bool measure_move(struct cost *cost, u8 *(*alloc)(u64 size))
{
	u8 *p = alloc(cost->size);
	struct testvm vm;
	bool ok;

	tap_alive();
	if (!check(p, "no memory"))
		return false;
	bench_less(&cost->base, bench_memcpy(p, cost->size));
	ok = testvm_create(&vm, 1, PROGRAM(off)) &&
	     check_errno(testmem_set(vm.fd, USER_LABEL, TESTMEM_LENT, BEHIND, p, cost->size), 0,
			 "region") &&
	     measure_start(&vm, &cost->start, &cost->requests) &&
	     testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	/* The image's included, which is one */
	cost->entries = testmem_info(vm.fd, "mem-entries") - 1;
	testvm_close(&vm);
	testmem_free(p, cost->size);
	return ok;
}

static void move(const char *what, u8 *(*alloc)(u64 size))
{
	struct cost cost = { .size = MIN_SIZE };
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		if (!measure_move(&cost, alloc))
			return;
	requests_row(&cost);
	row("memcpy()", &cost, cost.base);
	row(what, &cost, more(cost.start, bare_start));
}

static void user_memory(void)
{
	move("move and lending, of huge pages", testmem_thp);
	move("move and lending, of single pages", testmem_scattered);
}

static void bare(void)
{
	if (measure_bare())
		note("START of a VM of 2 MiB takes %.2f ms, its end %.2f ms", bare_start / 1e6,
		     bare_end / 1e6);
}

static const struct tap_test tests[] = {
	{ "cost of a VM", bare },
	{ "cost of a guest memory file", file },
	{ "cost of user memory that is lent", user_memory },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		max_size = strtoull(argv[1], NULL, 10) * SZ_1M;
	tap_set_timeout(1800);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
