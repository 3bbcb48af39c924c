// SPDX-License-Identifier: GPL-2.0
/*
 * What memory a guest memory file has, and how it gets and loses some.
 */

#define pr_fmt(fmt) "gunyah-guest-mem: " fmt

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "guest_mem.h"

/**
 * gh_guest_mem_find_run() - the run that a page of a file is in
 * @gm: the file; its lock is held
 * @page: the page
 *
 * Return: the run, or NULL if the page is not allocated.
 */
struct gh_guest_mem_run *gh_guest_mem_find_run(struct gh_guest_mem *gm, unsigned long page)
{
	struct gh_guest_mem_run *run;
	unsigned long last = page;

	lockdep_assert_held(&gm->lock);
	run = xa_find(&gm->runs, &last, ULONG_MAX, XA_PRESENT);
	return run && run->first <= page ? run : NULL;
}

static unsigned long gh_run_end(const struct gh_guest_mem_run *run)
{
	return run->first + run->npages;
}

/* Where there was one that ended there it is replaced. Return: 0 or -ENOMEM. */
static int gh_guest_mem_store_run(struct gh_guest_mem *gm, struct gh_guest_mem_run *run)
{
	return xa_err(xa_store(&gm->runs, gh_run_end(run) - 1, run, GFP_KERNEL));
}

/* These are read without the lock, while somebody holds it to allocate more. */
static void gh_guest_mem_count_run(struct gh_guest_mem *gm, const struct gh_guest_mem_run *run)
{
	struct gh_guest_mem_info *info = &gm->info;

	WRITE_ONCE(info->allocated, info->allocated + run->npages);
	WRITE_ONCE(info->largest, max(info->largest, run->npages));
	WRITE_ONCE(info->n_runs, info->n_runs + 1);
}

static void gh_guest_mem_count_runs(struct gh_guest_mem *gm)
{
	struct gh_guest_mem_run *run;
	unsigned long last;

	gm->info.allocated = 0;
	gm->info.largest = 0;
	gm->info.n_runs = 0;
	xa_for_each(&gm->runs, last, run)
		gh_guest_mem_count_run(gm, run);
}

/**
 * gh_guest_mem_add_run() - give a file a run
 * @gm: the file; its lock is held for writing, or nobody else knows of it
 * @run: the run; its pages of the file have none
 *
 * Return: 0 or -ENOMEM; then the run is the caller's.
 */
int gh_guest_mem_add_run(struct gh_guest_mem *gm, struct gh_guest_mem_run *run)
{
	int ret = gh_guest_mem_store_run(gm, run);

	if (!ret)
		gh_guest_mem_count_run(gm, run);
	return ret;
}

/*
 * Contents
 */

/**
 * gh_guest_mem_clear_pooled() - clear memory of the pool
 * @pfn: its first page
 * @npages: how many
 *
 * The kernel has no mapping of it but this one, for as long as it takes.
 *
 * Return: 0, -ENOMEM, or -EINTR if a fatal signal came.
 */
int gh_guest_mem_clear_pooled(unsigned long pfn, unsigned long npages)
{
	const unsigned long window = SZ_2M >> PAGE_SHIFT;
	unsigned long n;
	void *addr;

	for (; npages; pfn += n, npages -= n) {
		if (fatal_signal_pending(current))
			return -EINTR;
		n = min(npages, window);
		addr = gh_guest_mem_pool_map(pfn, n);
		if (!addr)
			return -ENOMEM;
		memset(addr, 0, n * PAGE_SIZE);
		gh_guest_mem_pool_unmap(addr);
		cond_resched();
	}

	return 0;
}

static int gh_guest_mem_clear(struct gh_guest_mem *gm, unsigned long first, unsigned long end)
{
	unsigned long last = first, page;
	struct gh_guest_mem_run *run;

	while (first < end) {
		run = xa_find(&gm->runs, &last, ULONG_MAX, XA_PRESENT);
		if (!run || run->first >= end)
			break;

		page = max(first, run->first);
		first = min(end, gh_run_end(run));
		if (gm->pooled)
			return gh_guest_mem_clear_pooled(run->pfn + page - run->first,
							 first - page);

		for (; page < first; page++) {
			clear_highpage(pfn_to_page(run->pfn + page - run->first));
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		last = first;
	}

	return 0;
}

/*
 * Allocation
 */

/* Return: size of the next hole from *@page on, up to @end; *@page is its start. */
static unsigned long gh_guest_mem_next_hole(struct gh_guest_mem *gm, unsigned long *page,
					    unsigned long end)
{
	struct gh_guest_mem_run *run;
	unsigned long last;

	while (*page < end) {
		last = *page;
		run = xa_find(&gm->runs, &last, ULONG_MAX, XA_PRESENT);
		if (!run || run->first >= end)
			return end - *page;
		if (run->first > *page)
			return run->first - *page;
		*page = gh_run_end(run);
	}

	return 0;
}

/*
 * Whether to make the caller come again. Only when he got something: or signals that
 * keep coming would keep him from ever getting all.
 */
static bool gh_guest_mem_is_interrupted(unsigned int how)
{
	return (how & GH_FILL_INTERRUPTIBLE) && signal_pending(current);
}

static int gh_guest_mem_fill(struct gh_guest_mem *gm, struct gh_run_search *search,
			     unsigned long page, unsigned long npages, unsigned int how)
{
	struct gh_guest_mem_run *run;
	int ret;

	while (npages) {
		run = kmalloc(sizeof(*run), GFP_KERNEL_ACCOUNT);
		if (!run)
			return -ENOMEM;

		ret = gh_run_alloc(search, npages, run);
		if (ret) {
			kfree(run);
			return ret;
		}

		run->first = page;
		ret = gh_guest_mem_add_run(gm, run);
		if (ret) {
			gh_run_free(run->pfn - 1, run->npages + 1);
			kfree(run);
			return ret;
		}
		page += run->npages;
		npages -= run->npages;
		if (npages && gh_guest_mem_is_interrupted(how))
			return -EINTR;
	}

	return 0;
}

static u64 gh_pages_to_mib(u64 npages)
{
	return DIV_ROUND_UP_ULL(npages << PAGE_SHIFT, SZ_1M);
}

static int gh_guest_mem_fill_hole(struct gh_guest_mem *gm, unsigned long page,
				  unsigned long npages, unsigned int how)
{
	struct gh_run_search search;
	int ret;

	/* Do not drive out everything else for what cannot be had anyway. */
	if (npages > si_mem_available()) {
		pr_info_ratelimited("%llu MiB are wanted, and %llu MiB available\n",
				    gh_pages_to_mib(npages), gh_pages_to_mib(si_mem_available()));
		return -ENOMEM;
	}

	gh_run_search_init(&search, npages, gm->npages, !(how & GH_FILL_UNCLEARED));
	ret = gh_guest_mem_fill(gm, &search, page, npages, how);
	if (ret == -ENOMEM)
		pr_info_ratelimited("of %llu MiB some are not there in pieces of %llu KiB or more\n",
				    gh_pages_to_mib(npages),
				    (u64)search.min_npages << (PAGE_SHIFT - 10));
	return ret;
}

/**
 * gh_guest_mem_populate() - allocate what is missing of a part of a file
 * @gm: the file; its lock is held for writing
 * @first: first page of the part
 * @npages: its size; inside the file
 * @how: GH_FILL_*
 *
 * What was allocated stays if it fails.
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int gh_guest_mem_populate(struct gh_guest_mem *gm, unsigned long first, unsigned long npages,
			  unsigned int how)
{
	unsigned long page = first, n;
	bool filled = false;
	int ret = 0;

	lockdep_assert_held_write(&gm->lock);
	while (!ret && (n = gh_guest_mem_next_hole(gm, &page, first + npages))) {
		if (filled && gh_guest_mem_is_interrupted(how))
			return -EINTR;
		ret = gh_guest_mem_fill_hole(gm, page, n, how);
		page += n;
		filled = true;
	}

	return ret;
}

/* Return: size of the hole around a page in the file; *@first is its start. */
static unsigned long gh_guest_mem_hole_around(struct gh_guest_mem *gm, unsigned long page,
					      unsigned long *first)
{
	struct gh_guest_mem_run *run;
	unsigned long last, end = gm->npages;

	*first = 0;
	xa_for_each(&gm->runs, last, run) {
		if (run->first > page) {
			end = run->first;
			break;
		}
		*first = gh_run_end(run);
	}

	return end > *first ? end - *first : 0;
}

/**
 * gh_guest_mem_populate_around() - allocate a page of a file, and the hole it is in
 * @gm: the file; its lock is held for writing
 * @page: the page
 *
 * Return: 0, -ENOMEM, or -EINTR if a fatal signal came.
 */
int gh_guest_mem_populate_around(struct gh_guest_mem *gm, unsigned long page)
{
	unsigned long first, npages;

	if (gh_guest_mem_find_run(gm, page))
		return 0;

	npages = gh_guest_mem_hole_around(gm, page, &first);
	return gh_guest_mem_populate(gm, first, npages, 0);
}

/*
 * Holes
 */

/* The pages of a run that are not in [@first, @end), and before that, remain. */
static void gh_run_cut_front(struct gh_guest_mem_run *run, unsigned long end)
{
	unsigned long n = end - run->first;

	/* The last of them becomes the guard page of the rest. */
	gh_run_free(run->pfn - 1, n);
	run->first = end;
	run->pfn += n;
	run->npages -= n;
}

/* Return: 0 or -ENOMEM; then everything is as it was. */
static int gh_run_cut(struct gh_guest_mem *gm, struct gh_guest_mem_run *run,
		      unsigned long first, unsigned long end)
{
	unsigned long run_end = gh_run_end(run), n = end - first;
	struct gh_guest_mem_run *front;
	int ret;

	if (first == run->first && end == run_end) {
		xa_erase(&gm->runs, run_end - 1);
		gh_run_free(run->pfn - 1, run->npages + 1);
		kfree(run);
		return 0;
	}
	if (first == run->first) {
		gh_run_cut_front(run, end);
		return 0;
	}

	front = kmemdup(run, sizeof(*run), GFP_KERNEL_ACCOUNT);
	if (!front)
		return -ENOMEM;
	front->npages = first - run->first;
	ret = gh_guest_mem_store_run(gm, front);
	if (ret) {
		kfree(front);
		return ret;
	}

	run->first = first;
	run->pfn += front->npages;
	run->npages -= front->npages;
	if (end == run_end) {
		xa_erase(&gm->runs, run_end - 1);
		gh_run_free(run->pfn, n);
		kfree(run);
	} else {
		gh_run_free(run->pfn, n - 1);
		run->first = end;
		run->pfn += n;
		run->npages -= n;
	}

	return 0;
}

/**
 * gh_guest_mem_punch() - free a part of a file
 * @gm: the file; its lock is held for writing, and no VM has any of the part
 * @first: first page of the part
 * @end: its end; inside the file
 *
 * Return: 0; -ENOMEM or -EINTR, then some of it may be free.
 */
int gh_guest_mem_punch(struct gh_guest_mem *gm, unsigned long first, unsigned long end)
{
	struct gh_guest_mem_run *run;
	unsigned long last = first;
	int ret = 0;

	unmap_mapping_range(gm->inode->i_mapping, (loff_t)first << PAGE_SHIFT,
			    (loff_t)(end - first) << PAGE_SHIFT, 1);
	/* The pool's memory is not for anybody else. */
	if (gm->pooled)
		return gh_guest_mem_clear(gm, first, end);

	while (!ret && (run = xa_find(&gm->runs, &last, ULONG_MAX, XA_PRESENT)) &&
	       run->first < end) {
		ret = gh_run_cut(gm, run, max(first, run->first), min(end, gh_run_end(run)));
		last = first;
		cond_resched();
	}
	gh_guest_mem_count_runs(gm);

	return ret;
}

/**
 * gh_guest_mem_zero() - clear a part of a file, and allocate what is missing of it
 * @gm: the file; its lock is held for writing, and no VM has any of the part
 * @first: first page of the part
 * @end: its end; inside the file
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int gh_guest_mem_zero(struct gh_guest_mem *gm, unsigned long first, unsigned long end)
{
	int ret;

	ret = gh_guest_mem_clear(gm, first, end);
	return ret ? ret : gh_guest_mem_populate(gm, first, end - first, GH_FILL_INTERRUPTIBLE);
}

/* All but what is lost, and the page before that, which guards it from now on. */
static unsigned long gh_guest_mem_free_around_lost(struct gh_guest_mem *gm,
						   const struct gh_guest_mem_run *run)
{
	unsigned long i, lost = 0;

	for (i = 0; i < run->npages; i++) {
		if (gh_guest_mem_is_bound(gm, run->first + i, 1))
			lost++;
		else if (i + 1 == run->npages || !gh_guest_mem_is_bound(gm, run->first + i + 1, 1))
			gh_run_free(run->pfn + i, 1);
		cond_resched();
	}
	if (!gh_guest_mem_is_bound(gm, run->first, 1))
		gh_run_free(run->pfn - 1, 1);

	return lost;
}

/**
 * gh_guest_mem_free_runs() - free the memory of a file
 * @gm: the file; its lock is held for writing, and nobody has it any more. What is in
 *	a range then was lent or shared and never came back
 *
 * Return: how many pages are lost.
 */
unsigned long gh_guest_mem_free_runs(struct gh_guest_mem *gm)
{
	unsigned long last, lost = 0;
	struct gh_guest_mem_run *run;

	xa_for_each(&gm->runs, last, run) {
		if (gm->pooled && gh_guest_mem_is_bound(gm, run->first, run->npages))
			lost += run->npages;
		else if (gm->pooled)
			gh_guest_mem_pool_free(run->pfn, run->npages);
		else if (gh_guest_mem_is_bound(gm, run->first, run->npages))
			lost += gh_guest_mem_free_around_lost(gm, run);
		else
			gh_run_free(run->pfn - 1, run->npages + 1);
		kfree(run);
	}

	return lost;
}
