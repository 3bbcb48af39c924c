// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory from anonymous memory of this process, in huge pages.
 *
 * The Resource Manager keeps a record for each physically contiguous piece and runs out
 * of memory after some 8,000 of them, which would be 32 MiB in single pages.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

/* Of Linux 5.14, 6.1 and asm-generic; the C library's headers may be older. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB		(21 << 26)
#endif

#define PAGEMAP_PRESENT		BIT_ULL(63)
#define PAGEMAP_PFN		(BIT_ULL(55) - 1)

/*
 * A child or a core dump would touch lent memory from inside the kernel, which the
 * host may not survive.
 */
static void keep_private(struct guest_mem *mem)
{
	if (madvise(mem->hva, mem->size, MADV_DONTFORK) ||
	    madvise(mem->hva, mem->size, MADV_DONTDUMP))
		log_debug("memory cannot be kept out of children and core dumps");
}

static int hugetlb_alloc(struct guest_mem *mem)
{
	void *p = mmap(NULL, mem->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (p == MAP_FAILED)
		return -errno;

	/* The reservation may not be met, for want of memory on this node, say. */
	if (madvise(p, mem->size, MADV_POPULATE_WRITE)) {
		int err = errno;

		munmap(p, mem->size);
		return -err;
	}
	mem->hva = p;
	return 0;
}

/* Map a 2 MiB-aligned range by cutting it out of a larger one. */
static u8 *map_aligned(u64 size)
{
	u8 *p = mmap(NULL, size + SZ_2M, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u64 head;

	if (p == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)p & (SZ_2M - 1);
	if (head)
		munmap(p, head);
	if (head != SZ_2M)
		munmap(p + head + size, SZ_2M - head);
	return p + head;
}

/* In bytes, or as much as there can be if the kernel does not tell. */
static u64 available_memory(void)
{
	unsigned long long kib;
	u64 available = ~0ULL;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	if (!file)
		return available;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			available = kib << 10;
	fclose(file);
	return available;
}

static int thp_alloc(struct guest_mem *mem)
{
	u8 *p;
	int err;

	/* All of it is about to be used: too much would bring the OOM killer, not an error. */
	if (mem->size > available_memory())
		return -ENOMEM;
	p = map_aligned(mem->size);
	if (!p)
		return -ENOMEM;
	if (madvise(p, mem->size, MADV_HUGEPAGE))
		log_debug("no transparent huge pages on this kernel");
	if (madvise(p, mem->size, MADV_POPULATE_WRITE)) {
		err = errno;
		munmap(p, mem->size);
		return -err;
	}

	/* What the page fault found no huge page for may be moved into one. */
	if (madvise(p, mem->size, MADV_COLLAPSE))
		log_debug("not all memory could be collapsed into huge pages");
	mem->hva = p;
	return 0;
}

static int anon_give(struct guest_mem *mem, struct vm *vm)
{
	struct gh_userspace_memory_region region = {
		.label = mem->label,
		.flags = GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC,
		.guest_phys_addr = mem->gpa,
		.memory_size = mem->size,
		.userspace_addr = (uintptr_t)mem->hva,
	};

	if (mem->lend)
		region.flags |= GH_MEM_LENT;
	return vm_add_memory(vm, &region);
}

static void anon_free(struct guest_mem *mem)
{
	munmap(mem->hva, mem->size);
}

static const struct mem_backing hugetlb_backing = {
	.name = "hugetlb pages",
	.alloc = hugetlb_alloc,
	.give = anon_give,
	.free = anon_free,
};

static const struct mem_backing thp_backing = {
	.name = "anonymous memory",
	.alloc = thp_alloc,
	.give = anon_give,
	.free = anon_free,
};

/* In the order they are tried. */
static const struct mem_backing *const backings[] = {
	&hugetlb_backing,
	&thp_backing,
};

/*
 * How many physically contiguous pieces the memory has, or 0 when the kernel does not
 * tell. Only root is told.
 */
static u64 count_pieces(const struct guest_mem *mem)
{
	u64 page = sysconf(_SC_PAGESIZE), pieces = 0, last = 0;
	u64 entries[512];
	u64 at, n, i;
	off_t offset;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	for (at = 0; at < mem->size / page; at += n) {
		n = mem->size / page - at;
		if (n > ARRAY_SIZE(entries))
			n = ARRAY_SIZE(entries);
		offset = ((uintptr_t)mem->hva / page + at) * sizeof(*entries);
		if (pread(fd, entries, n * sizeof(*entries), offset) !=
		    (ssize_t)(n * sizeof(*entries)))
			goto unknown;
		for (i = 0; i < n; i++) {
			u64 pfn = entries[i] & PAGEMAP_PFN;

			if (!(entries[i] & PAGEMAP_PRESENT) || !pfn)
				goto unknown;
			if (pfn != last + 1)
				pieces++;
			last = pfn;
		}
	}
	close(fd);
	return pieces;

unknown:
	close(fd);
	return 0;
}

static void report_pieces(const struct guest_mem *mem)
{
	u64 pieces = log_verbose ? count_pieces(mem) : 0;

	if (pieces)
		log_debug("%llu MiB of %s in %llu pieces", mem->size >> 20,
			  mem->backing->name, pieces);
}

int guest_mem_alloc(struct guest_mem *mem)
{
	int ret = -ENOMEM;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backings); i++) {
		mem->backing = backings[i];
		ret = mem->backing->alloc(mem);
		if (!ret) {
			keep_private(mem);
			report_pieces(mem);
			return 0;
		}
		log_debug("no memory from %s: errno %d", mem->backing->name, -ret);
	}
	mem->hva = NULL;
	log_error(-ret, "%llu MiB of guest memory", mem->size >> 20);
	if (ret == -ENOMEM)
		log_hint("%llu MiB are available: give less --mem",
			 available_memory() >> 20);
	return ret;
}

void guest_mem_free(struct guest_mem *mem)
{
	if (mem->hva)
		mem->backing->free(mem);
	mem->hva = NULL;
}

int guest_mem_give(struct guest_mem *mem, struct vm *vm)
{
	return mem->backing->give(mem, vm);
}

void guest_mem_started(struct guest_mem *mem)
{
	/*
	 * The driver holds the pages, so this process can let go of them. What is not
	 * mapped cannot be touched by mistake, by a system call or a debugger.
	 */
	if (mem->lend)
		guest_mem_free(mem);
}

void *guest_mem_ptr(const struct guest_mem *mem, u64 gpa, u64 size)
{
	if (!mem->hva || gpa < mem->gpa || size > mem->size ||
	    gpa - mem->gpa > mem->size - size)
		return NULL;
	return mem->hva + (gpa - mem->gpa);
}
