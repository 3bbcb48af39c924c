/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory files: memory in large contiguous runs that belongs to this driver,
 * so that it can be taken away from the host while a guest has it alone.
 *
 * An inode holds the memory. Files, mappings of them, and the parts that VMs have
 * hold the inode.
 */

#ifndef _GUNYAH_GUEST_MEM_H
#define _GUNYAH_GUEST_MEM_H

#include <linux/fs.h>
#include <linux/gunyah.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/xarray.h>

#include "vm_mgr_extent.h"

/* How a file is filled: any signal ends it after some of it, not only a fatal one */
#define GH_FILL_INTERRUPTIBLE	BIT(0)
/* The caller is going to overwrite all of it before anybody can see it */
#define GH_FILL_UNCLEARED	BIT(1)

#define GH_GUEST_MEM_FLAGS	(GH_GUEST_MEM_CLOEXEC | GH_GUEST_MEM_ALLOW_HUGEPAGE)

struct gh_vm_backing;
struct seq_file;

/**
 * struct gh_guest_mem_run - physically contiguous memory of a file
 * @first: page of the file that it starts with
 * @npages: how many pages it has
 * @pfn: the first of these
 *
 * Unless it is of the pool, the page before it in physical memory is the driver's,
 * too: who reads unaligned words beyond the end of what he owns does not touch it.
 */
struct gh_guest_mem_run {
	unsigned long first;
	unsigned long npages;
	unsigned long pfn;
};

/**
 * struct gh_guest_mem_info - how much memory a file has, and who has it
 * @allocated: pages that it has
 * @largest: pages of the largest run
 * @n_runs: how many runs there are
 * @lent: pages of parts that the host is kept from
 * @shared: pages of other parts that VMs have
 */
struct gh_guest_mem_info {
	unsigned long allocated;
	unsigned long largest;
	unsigned long n_runs;
	unsigned long lent;
	unsigned long shared;
};

/**
 * struct gh_guest_mem - a guest memory file
 * @inode: its inode
 * @npages: its size
 * @flags: GH_GUEST_MEM_* it was made with
 * @mm: whose locked memory it counts as; a reference to the struct
 * @pooled: all of it is one run of the pool, which the kernel has no pages for
 * @lock: guards @runs, @ranges and changes of @info; held for reading while pages are
 *	  mapped, so that none are after those of a part that is lent were unmapped.
 *	  Inside mmap_lock.
 * @runs: by the last page of the file in each
 * @ranges: parts that VMs have
 * @info: accounts of these
 */
struct gh_guest_mem {
	struct inode *inode;
	unsigned long npages;
	u64 flags;
	struct mm_struct *mm;
	bool pooled;
	struct rw_semaphore lock;	/* see above */
	struct xarray runs;
	struct list_head ranges;
	struct gh_guest_mem_info info;
};

/**
 * struct gh_run_search - allocation of several runs, one after the other
 * @npages: as much as can still be hoped for in one run
 * @min_npages: no run is smaller, but for the last
 * @moved: memory is moved out of the way for large runs; else it is the page allocator
 *	   that is asked for them
 * @nid: node that is being looked through
 * @end: page frame below which it goes on
 * @clear: runs are to be all zeros
 */
struct gh_run_search {
	unsigned long npages;
	unsigned long min_npages;
	bool moved;
	int nid;
	unsigned long end;
	bool clear;
};

/* guest_mem.c: files */
int gh_guest_mem_init(void);
void gh_guest_mem_exit(void);
long gh_guest_mem_ioctl_create(void __user *argp);
struct file *gh_guest_mem_create(u64 flags, u64 size);
void gh_guest_mem_charge(struct gh_guest_mem *gm, struct mm_struct *mm);
struct gh_guest_mem *gh_guest_mem_of(struct file *file);

/* guest_mem_pages.c: the memory of a file */
struct gh_guest_mem_run *gh_guest_mem_find_run(struct gh_guest_mem *gm, unsigned long page);
int gh_guest_mem_add_run(struct gh_guest_mem *gm, struct gh_guest_mem_run *run);
int gh_guest_mem_clear_pooled(unsigned long pfn, unsigned long npages);
int gh_guest_mem_populate(struct gh_guest_mem *gm, unsigned long first, unsigned long npages,
			  unsigned int how);
int gh_guest_mem_populate_around(struct gh_guest_mem *gm, unsigned long page);
int gh_guest_mem_punch(struct gh_guest_mem *gm, unsigned long first, unsigned long end);
int gh_guest_mem_zero(struct gh_guest_mem *gm, unsigned long first, unsigned long end);
unsigned long gh_guest_mem_free_runs(struct gh_guest_mem *gm);

/* guest_mem_run.c: memory from the system */
void gh_run_search_init(struct gh_run_search *search, unsigned long npages,
			unsigned long file_npages, bool clear);
int gh_run_alloc(struct gh_run_search *search, unsigned long npages,
		 struct gh_guest_mem_run *run);
void gh_run_free(unsigned long pfn, unsigned long npages);

/* guest_mem_pool.c: memory that the devicetree reserves */
void gh_guest_mem_pool_init(void);
void gh_guest_mem_pool_exit(void);
int gh_guest_mem_pool_alloc(unsigned long npages, unsigned long *pfn);
void gh_guest_mem_pool_free(unsigned long pfn, unsigned long npages);
void *gh_guest_mem_pool_map(unsigned long pfn, unsigned long npages);
void gh_guest_mem_pool_unmap(void *addr);

/* guest_mem_range.c: parts that VMs have */
struct gh_vm_backing *gh_guest_mem_bind(struct gh_guest_mem *gm, u64 offset, u64 size,
					unsigned int how);
struct gh_vm_backing *gh_guest_mem_bind_user(u64 uaddr, u64 size);
struct gh_guest_mem *gh_guest_mem_bound(struct gh_vm_backing *backing, u64 *offset);
int gh_guest_mem_trim(struct gh_vm_backing *backing, u64 offset, u64 size);
bool gh_guest_mem_is_bound(struct gh_guest_mem *gm, unsigned long first, unsigned long npages);
bool gh_guest_mem_is_lent(struct gh_guest_mem *gm, unsigned long page);
void gh_guest_mem_free_ranges(struct gh_guest_mem *gm);

#endif /* _GUNYAH_GUEST_MEM_H */
