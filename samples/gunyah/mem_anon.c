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

	if (p == MAP_FAILED) {
		log_debug("no hugetlb pages: errno %d", errno);
		return -ENOTTY;
	}

	/* The reservation may not be met, for want of memory on this node, say. */
	if (madvise(p, mem->size, MADV_POPULATE_WRITE)) {
		log_debug("huge pages are reserved, but not there: errno %d", errno);
		munmap(p, mem->size);
		return -ENOTTY;
	}
	mem->hva = p;
	keep_private(mem);
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

static int exhausted(const struct guest_mem *mem)
{
	log_error(ENOMEM, "%llu MiB of guest memory", mem->size >> 20);
	log_hint("%llu MiB are available: give less --mem", mem_available() >> 20);
	return -ENOMEM;
}

static int anon_alloc(struct guest_mem *mem)
{
	u8 *p;
	int err;

	/* All of it is about to be used: too much would bring the OOM killer, not an error. */
	if (mem->size > mem_available())
		return exhausted(mem);
	p = map_aligned(mem->size);
	if (!p)
		return exhausted(mem);
	if (madvise(p, mem->size, MADV_HUGEPAGE))
		log_debug("no transparent huge pages on this kernel");
	if (madvise(p, mem->size, MADV_POPULATE_WRITE)) {
		err = errno;
		munmap(p, mem->size);
		return log_error(err, "%llu MiB of guest memory", mem->size >> 20);
	}

	/* What the page fault found no huge page for may be moved into one. */
	if (madvise(p, mem->size, MADV_COLLAPSE))
		log_debug("not all memory could be collapsed into huge pages");
	mem->hva = p;
	keep_private(mem);
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

/*
 * How many physically contiguous pieces the memory has, or 0 when the kernel does not
 * tell. Only root is told.
 */
static u64 anon_pieces(const struct guest_mem *mem)
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

const struct mem_backing mem_backing_hugetlb = {
	.name = "hugetlb",
	.text = "hugetlb pages",
	.hint = "reserve more huge pages of 2 MiB: vm.nr_hugepages",
	.alloc = hugetlb_alloc,
	.give = anon_give,
	.pieces = anon_pieces,
};

const struct mem_backing mem_backing_anon = {
	.name = "anon",
	.text = "anonymous memory",
	.alloc = anon_alloc,
	.give = anon_give,
	.pieces = anon_pieces,
};
