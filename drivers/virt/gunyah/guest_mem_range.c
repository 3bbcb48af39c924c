// SPDX-License-Identifier: GPL-2.0
/*
 * Parts of guest memory files that VMs have.
 *
 * While a part is lent, it is unmapped from all processes, and no page of it can be
 * mapped again; nobody else has a reference to one; and each is marked offline, so
 * that what goes through all of memory, as /proc/kcore and hibernation do, leaves it
 * out. All of that must be so before the memory is taken away, and stays so until
 * it is back.
 */

#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "guest_mem.h"
#include "vm_mgr.h"

/* Somebody may just be looking at a page, and find that he may not have it. */
#define GH_GUEST_MEM_LEND_TRIES	50
#define GH_GUEST_MEM_LEND_MS	10

/**
 * struct gh_guest_mem_range - part of a guest memory file that a VM has
 * @backing: the backing
 * @gm: the file; a reference to its inode
 * @node: in the file's list
 * @first: its first page
 * @npages: its size
 * @lent: the host has no access; changed under the file's lock by the VM, which may
 *	  read it without
 */
struct gh_guest_mem_range {
	struct gh_vm_backing backing;
	struct gh_guest_mem *gm;
	struct list_head node;
	unsigned long first;
	unsigned long npages;
	bool lent;
};

static struct gh_guest_mem_range *to_gh_guest_mem_range(struct gh_vm_backing *backing)
{
	return container_of(backing, struct gh_guest_mem_range, backing);
}

static struct gh_guest_mem_range *gh_guest_mem_find_range(struct gh_guest_mem *gm,
							  unsigned long first,
							  unsigned long npages)
{
	struct gh_guest_mem_range *range;

	lockdep_assert_held(&gm->lock);
	list_for_each_entry(range, &gm->ranges, node) {
		if (first < range->first + range->npages && range->first < first + npages)
			return range;
	}

	return NULL;
}

/**
 * gh_guest_mem_is_bound() - does a VM have some of a part of a file?
 * @gm: the file; its lock is held
 * @first: first page of the part
 * @npages: its size
 *
 * Return: whether one has, or will have for ever.
 */
bool gh_guest_mem_is_bound(struct gh_guest_mem *gm, unsigned long first, unsigned long npages)
{
	return gh_guest_mem_find_range(gm, first, npages);
}

/**
 * gh_guest_mem_is_lent() - is the host kept from a page of a file?
 * @gm: the file; its lock is held
 * @page: the page
 *
 * Return: whether it is lent.
 */
bool gh_guest_mem_is_lent(struct gh_guest_mem *gm, unsigned long page)
{
	struct gh_guest_mem_range *range = gh_guest_mem_find_range(gm, page, 1);

	return range && range->lent;
}

/* They are read without the lock. */
static void gh_guest_mem_count_ranges(struct gh_guest_mem *gm)
{
	struct gh_guest_mem_range *range;
	unsigned long lent = 0, shared = 0;

	lockdep_assert_held_write(&gm->lock);
	list_for_each_entry(range, &gm->ranges, node) {
		if (range->lent)
			lent += range->npages;
		else
			shared += range->npages;
	}
	WRITE_ONCE(gm->info.lent, lent);
	WRITE_ONCE(gm->info.shared, shared);
}

/**
 * gh_guest_mem_free_ranges() - forget what never comes back
 * @gm: the file; nobody has it any more
 */
void gh_guest_mem_free_ranges(struct gh_guest_mem *gm)
{
	struct gh_guest_mem_range *range, *next;

	list_for_each_entry_safe(range, next, &gm->ranges, node)
		kfree(range);
}

/*
 * Lending
 */

static void gh_guest_mem_unmap(struct gh_guest_mem_range *range)
{
	unmap_mapping_range(range->gm->inode->i_mapping, (loff_t)range->first << PAGE_SHIFT,
			    (loff_t)range->npages << PAGE_SHIFT, 1);
}

/* Return: whether nobody else has a reference to any of the pages. */
static bool gh_guest_mem_is_unused(struct gh_guest_mem_range *range)
{
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	unsigned long i;

	gh_extents_iter_init(&iter, &range->backing.extents);
	while ((extent = gh_extents_iter_next(&iter))) {
		for (i = 0; i < extent->size >> PAGE_SHIFT; i++) {
			if (page_count(pfn_to_page(PHYS_PFN(extent->start) + i)) != 1)
				return false;
		}
		cond_resched();
	}

	return true;
}

/*
 * Not under the file's lock: who reads all of memory may take it in a page fault. The
 * part is bound, and lent, so nothing of it changes meanwhile.
 */
static void gh_guest_mem_set_offline(struct gh_guest_mem_range *range, bool offline)
{
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	struct page *page;
	unsigned long i;

	/* There are no pages of the pool that anybody could read. */
	if (range->gm->pooled)
		return;

	/* Waits for who reads memory page by page and asks before each. */
	page_offline_begin();
	gh_extents_iter_init(&iter, &range->backing.extents);
	while ((extent = gh_extents_iter_next(&iter))) {
		for (i = 0; i < extent->size >> PAGE_SHIFT; i++) {
			page = pfn_to_page(PHYS_PFN(extent->start) + i);
			if (offline)
				__SetPageOffline(page);
			else
				__ClearPageOffline(page);
			if (!(i % (SZ_2M >> PAGE_SHIFT)))
				cond_resched();
		}
	}
	page_offline_end();
}

static int gh_guest_mem_make_unused(struct gh_guest_mem_range *range)
{
	unsigned int tries = GH_GUEST_MEM_LEND_TRIES;

	while (!gh_guest_mem_is_unused(range)) {
		if (!--tries)
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		msleep(GH_GUEST_MEM_LEND_MS);
	}

	return 0;
}

static int gh_guest_mem_do_lend(struct gh_guest_mem_range *range)
{
	int ret;

	lockdep_assert_held_write(&range->gm->lock);
	range->lent = true;
	gh_guest_mem_unmap(range);
	/* Nor can anybody have one. */
	ret = range->gm->pooled ? 0 : gh_guest_mem_make_unused(range);
	if (ret)
		range->lent = false;
	gh_guest_mem_count_ranges(range->gm);
	return ret;
}

static int gh_guest_mem_lend(struct gh_vm_backing *backing)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);
	int ret;

	if (down_write_killable(&range->gm->lock))
		return -EINTR;
	ret = gh_guest_mem_do_lend(range);
	up_write(&range->gm->lock);
	if (!ret)
		gh_guest_mem_set_offline(range, true);

	return ret;
}

static void gh_guest_mem_unlend(struct gh_vm_backing *backing)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);

	if (!range->lent)
		return;

	gh_guest_mem_set_offline(range, false);
	down_write(&range->gm->lock);
	range->lent = false;
	gh_guest_mem_count_ranges(range->gm);
	up_write(&range->gm->lock);
}

static void gh_guest_mem_release(struct gh_vm_backing *backing)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);
	struct inode *inode = range->gm->inode;

	gh_guest_mem_unlend(backing);
	down_write(&range->gm->lock);
	list_del(&range->node);
	gh_guest_mem_count_ranges(range->gm);
	up_write(&range->gm->lock);

	gh_extents_free(&backing->extents);
	kfree(range);
	iput(inode);
}

/* The range stays in the file's list, and all as it is: nobody can have it any more. */
static void gh_guest_mem_abandon(struct gh_vm_backing *backing)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);
	struct inode *inode = range->gm->inode;

	gh_extents_free(&backing->extents);
	iput(inode);
}

static const struct gh_vm_backing_ops gh_guest_mem_ops = {
	.lend = gh_guest_mem_lend,
	.unlend = gh_guest_mem_unlend,
	.release = gh_guest_mem_release,
	.abandon = gh_guest_mem_abandon,
};

/*
 * Binding
 */

static int gh_guest_mem_add_extents(struct gh_guest_mem *gm, unsigned long first,
				    unsigned long npages, struct gh_extents *extents)
{
	struct gh_guest_mem_run *run;
	unsigned long skip, n;
	int ret;

	for (; npages; first += n, npages -= n) {
		run = gh_guest_mem_find_run(gm, first);
		skip = first - run->first;
		n = min(npages, run->npages - skip);
		ret = gh_extents_add(extents, PFN_PHYS(run->pfn + skip), (u64)n << PAGE_SHIFT);
		if (ret)
			return ret;
	}

	return extents->count > GH_VM_PARCEL_EXTENTS ? -E2BIG : 0;
}

static int gh_guest_mem_do_bind(struct gh_guest_mem_range *range, unsigned int how)
{
	struct gh_guest_mem *gm = range->gm;
	int ret;

	if (gh_guest_mem_is_bound(gm, range->first, range->npages))
		return -EEXIST;

	ret = gh_guest_mem_populate(gm, range->first, range->npages, how);
	if (ret)
		return ret;

	ret = gh_guest_mem_add_extents(gm, range->first, range->npages, &range->backing.extents);
	if (ret)
		return ret;

	ihold(gm->inode);
	list_add_tail(&range->node, &gm->ranges);
	gh_guest_mem_count_ranges(gm);
	return 0;
}

/**
 * gh_guest_mem_bind() - give a part of a file to a VM
 * @gm: the file
 * @offset: start of the part in bytes; page aligned
 * @size: its size in bytes; whole pages, not 0
 * @how: GH_FILL_*, for what is missing of it
 *
 * Until the backing is released nobody else can have the part, and it stays
 * allocated.
 *
 * Return: the backing or an error pointer: -EINVAL if it is not inside the file,
 * -EEXIST if a VM has some of it, -E2BIG if it is too scattered, -ENOMEM, -EINTR.
 */
struct gh_vm_backing *gh_guest_mem_bind(struct gh_guest_mem *gm, u64 offset, u64 size,
					unsigned int how)
{
	u64 file_size = (u64)gm->npages << PAGE_SHIFT;
	struct gh_guest_mem_range *range;
	int ret;

	if (offset > file_size || size > file_size - offset)
		return ERR_PTR(-EINVAL);

	range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return ERR_PTR(-ENOMEM);

	range->backing.ops = &gh_guest_mem_ops;
	gh_extents_init(&range->backing.extents);
	range->gm = gm;
	range->first = offset >> PAGE_SHIFT;
	range->npages = size >> PAGE_SHIFT;

	ret = -EINTR;
	if (!down_write_killable(&gm->lock)) {
		ret = gh_guest_mem_do_bind(range, how);
		up_write(&gm->lock);
	}
	if (ret) {
		gh_extents_free(&range->backing.extents);
		kfree(range);
		return ERR_PTR(ret);
	}

	return &range->backing;
}

/*
 * Return: the file, with a reference to its inode, that all of a range of user memory
 * maps in one piece, or NULL. *@offset is where in the file that begins.
 */
static struct gh_guest_mem *gh_guest_mem_mapped_at(struct mm_struct *mm, unsigned long start,
						   unsigned long end, u64 *offset)
{
	struct gh_guest_mem *gm = NULL;
	struct vm_area_struct *vma;
	unsigned long addr;
	u64 at;

	for (addr = start; addr < end; addr = vma->vm_end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr || !vma->vm_file)
			return NULL;
		at = ((u64)vma->vm_pgoff << PAGE_SHIFT) + addr - vma->vm_start;
		if (addr == start) {
			gm = gh_guest_mem_of(vma->vm_file);
			*offset = at;
		}
		if (!gm || gm != gh_guest_mem_of(vma->vm_file) || at != *offset + addr - start)
			return NULL;
	}

	if (gm)
		ihold(gm->inode);
	return gm;
}

/**
 * gh_guest_mem_bind_user() - give a VM what a process has mapped of a file
 * @uaddr: start of the mapping in the caller
 * @size: its size in bytes; @uaddr + @size does not wrap
 *
 * Return: the backing; NULL if it is not one part of one guest memory file; or an
 * error pointer as of gh_guest_mem_bind().
 */
struct gh_vm_backing *gh_guest_mem_bind_user(u64 uaddr, u64 size)
{
	unsigned long start = untagged_addr((unsigned long)uaddr);
	struct gh_vm_backing *backing;
	struct gh_guest_mem *gm;
	u64 offset;

	if (mmap_read_lock_killable(current->mm))
		return ERR_PTR(-EINTR);
	gm = gh_guest_mem_mapped_at(current->mm, start, start + size, &offset);
	mmap_read_unlock(current->mm);
	if (!gm)
		return NULL;

	backing = gh_guest_mem_bind(gm, offset, size, GH_FILL_INTERRUPTIBLE);
	iput(gm->inode);
	return backing;
}

/**
 * gh_guest_mem_bound() - where in which file is a backing?
 * @backing: of any kind
 * @offset: out: where it begins, in bytes
 *
 * Return: the file, or NULL if it is another kind of backing.
 */
struct gh_guest_mem *gh_guest_mem_bound(struct gh_vm_backing *backing, u64 *offset)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);

	if (backing->ops != &gh_guest_mem_ops)
		return NULL;

	*offset = (u64)range->first << PAGE_SHIFT;
	return range->gm;
}

/**
 * gh_guest_mem_trim() - take the start or the end of its part from a VM
 * @backing: what the VM has; not lent
 * @offset: where in the file the rest begins, in bytes
 * @size: size of the rest in bytes; not 0, and all of it inside what there was
 *
 * Return: 0 or -ENOMEM; then nothing has changed.
 */
int gh_guest_mem_trim(struct gh_vm_backing *backing, u64 offset, u64 size)
{
	struct gh_guest_mem_range *range = to_gh_guest_mem_range(backing);
	unsigned long first = offset >> PAGE_SHIFT, npages = size >> PAGE_SHIFT;
	struct gh_extents extents;
	int ret;

	gh_extents_init(&extents);
	down_write(&range->gm->lock);
	ret = gh_guest_mem_add_extents(range->gm, first, npages, &extents);
	if (!ret) {
		range->first = first;
		range->npages = npages;
		gh_extents_swap(&backing->extents, &extents);
		gh_guest_mem_count_ranges(range->gm);
	}
	up_write(&range->gm->lock);
	gh_extents_free(&extents);

	return ret;
}
