// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of all kinds, where it lies, and what the kernel says that a VM has of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "modules.h"
#include "tap.h"
#include "testmem.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB		(21 << 26)
#endif

#define IN_PLACE		"/sys/module/" RM_MODULE "/parameters/unsafe_lend_in_place"
#define NR_HUGEPAGES		"/proc/sys/vm/nr_hugepages"

#define SETTLE_MS		60000
#define POLL_MS			20

/*
 * Memory
 */

/* 2 MiB aligned, not populated */
static u8 *reserve(u64 size)
{
	u64 room = size + SZ_2M, head;
	u8 *p;

	p = mmap(NULL, room, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)p & (SZ_2M - 1);
	if (head)
		munmap(p, head);
	munmap(p + head + size, room - head - size);
	return p + head;
}

/* A line "KEY:<blanks>NUMBER" of a file, or -1 */
static long long number_in(const char *path, const char *key)
{
	long long number = -1;
	size_t len = strlen(key);
	char line[256];
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			number = strtoll(line + len + 1, NULL, 10);
	fclose(file);
	return number;
}

static bool available(u64 size)
{
	long long kib = number_in("/proc/meminfo", "MemAvailable");

	/* Leave some for everybody else. */
	return kib < 0 || size + 64 * SZ_1M < (u64)kib << 10;
}

/*
 * Pages that are allocated one after the other tend to be neighbours: so do not
 * have them one after the other in the range.
 */
u8 *testmem_scattered(u64 size)
{
	u64 page = sysconf(_SC_PAGESIZE), half = align_up(size / 2, page), at;
	u8 *p;

	p = available(size) ? reserve(size) : NULL;
	if (!p)
		return NULL;
	madvise(p, size, MADV_NOHUGEPAGE);
	for (at = 0; at < half; at += page) {
		p[at] = 1;
		if (half + at < size)
			p[half + at] = 1;
	}
	return p;
}

u8 *testmem_thp(u64 size)
{
	u8 *p;

	p = available(size) ? reserve(size) : NULL;
	if (!p)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	if (madvise(p, size, MADV_POPULATE_WRITE)) {
		munmap(p, size);
		return NULL;
	}
	madvise(p, size, MADV_COLLAPSE);
	return p;
}

static unsigned long long hugepages_before;

static void set_hugepages(unsigned long long n)
{
	FILE *file = fopen(NR_HUGEPAGES, "we");

	if (!file)
		return;
	fprintf(file, "%llu\n", n);
	fclose(file);
}

static void restore_hugepages(void)
{
	set_hugepages(hugepages_before);
}

static void more_hugepages(u64 n)
{
	unsigned long long now = 0;
	FILE *file;

	file = fopen(NR_HUGEPAGES, "re");
	if (!file)
		return;
	if (fscanf(file, "%llu", &now) == 1 && now < n) {
		if (!hugepages_before) {
			hugepages_before = now;
			atexit(restore_hugepages);
		}
		set_hugepages(n);
	}
	fclose(file);
}

u8 *testmem_hugetlb(u64 size)
{
	u8 *p;

	if (available(size))
		more_hugepages(size / SZ_2M + 8);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, size, MADV_POPULATE_WRITE)) {
		munmap(p, size);
		return NULL;
	}
	return p;
}

void testmem_free(u8 *p, u64 size)
{
	if (p)
		munmap(p, size);
}

/*
 * Where it lies
 */

/*
 * Walks page by page until there are more than @max runs, or a page that nothing is told
 * of; returns the size until then.
 */
static u64 walk(const u8 *p, u64 size, u64 max, u64 *runs)
{
	u64 page = sysconf(_SC_PAGESIZE), at = 0, last = 0, entries[512], pfn;
	ssize_t n, i;
	int fd;

	*runs = 0;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && at < size) {
		n = pread(fd, entries, sizeof(entries),
			  ((uintptr_t)p + at) / page * sizeof(*entries));
		n /= (ssize_t)sizeof(*entries);
		for (i = 0; i < n && at < size; i++, at += page) {
			pfn = entries[i] & PAGEMAP_PFN;
			if (!(entries[i] & PAGEMAP_PRESENT) || !pfn ||
			    (pfn != last + 1 && ++*runs > max)) {
				close(fd);
				return at;
			}
			last = pfn;
		}
		if (n <= 0)
			break;
	}
	close(fd);
	return at;
}

u64 testmem_runs(const u8 *p, u64 size)
{
	u64 runs;

	return walk(p, size, ~0ULL, &runs) == size ? runs : 0;
}

u64 testmem_size_of_runs(const u8 *p, u64 size, u64 runs)
{
	u64 n;

	size = walk(p, size, runs, &n);
	return n > runs ? size : 0;
}

u64 testmem_pfn(const u8 *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	u64 entry = 0;

	if (pread(fd, &entry, sizeof(entry),
		  (uintptr_t)p / sysconf(_SC_PAGESIZE) * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

/*
 * What the kernel says
 */

int testmem_set(int vm, u32 label, u32 flags, u64 gpa, const u8 *p, u64 size)
{
	const struct gh_userspace_memory_region region = {
		.label = label,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)p,
	};

	return ioctl(vm, GH_VM_SET_USER_MEM_REGION, &region);
}

/* The module may be gone, and this be another thread than that of the tests. */
static void move_again(void)
{
	int fd = open(IN_PLACE, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "N", 1) == 1)
		close(fd);
}

bool testmem_lend_in_place(bool in_place)
{
	static bool registered;

	if (!registered)
		tap_at_end(move_again);
	registered = true;
	return write_file(IN_PLACE, in_place ? "Y" : "N");
}

void testmem_run_in_place(void (*run)(void))
{
	if (testmem_lend_in_place(true))
		run();
	testmem_lend_in_place(false);
}

long long testmem_info(int vm, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vm);
	return number_in(path, key);
}

long testmem_locked(void)
{
	return number_in("/proc/self/status", "VmLck");
}

bool testmem_check_locked(long kib, const char *when)
{
	unsigned int ms;

	for (ms = 0; ms < SETTLE_MS && testmem_locked() != kib; ms += POLL_MS)
		sleep_ms(POLL_MS);
	return check(testmem_locked() == kib, "%s: %ld KiB are locked, not %ld", when,
		     testmem_locked(), kib);
}

static long long system_memory(const char *key)
{
	/* Each CPU counts by itself for a while. */
	write_file("/proc/sys/vm/stat_refresh", "1");
	return number_in("/proc/meminfo", key) * 1024;
}

long long testmem_unused(void)
{
	return system_memory("MemFree");
}

long long testmem_slab(void)
{
	return system_memory("SUnreclaim");
}
