// SPDX-License-Identifier: GPL-2.0
/*
 * Physically contiguous runs of memory, with a guard page before each.
 *
 * Large runs are made by moving away what is in their place, from the top of
 * memory down: what lies low is scarce, and not everything can be moved. Runs of
 * less than 2 MiB come from the page allocator as they are, or as it compacts them.
 *
 * Only whole blocks of pages are moved. They are of 2 MiB with pages of 4 KiB, but of
 * 32 MiB with 16 KiB and of 512 MiB with 64 KiB, where something in nearly each of them
 * cannot be moved. So there the page allocator is asked for large runs, too.
 */

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>

#include "guest_mem.h"
#include "vm_mgr.h"

/* What hypervisors map by, and the smallest run that is moved together. */
#define GH_RUN_HUGE	(SZ_2M >> PAGE_SHIFT)
/* With less than this, guard page included, these would be too much. */
#define GH_RUN_SMALLEST	DIV_ROUND_UP(SZ_64K, PAGE_SIZE)

#define GH_RUN_GFP		(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
/* Not worth it to drive out everything else: there are smaller ones. */
#define GH_RUN_LARGE_GFP	(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)

static void gh_run_search_restart(struct gh_run_search *search)
{
	search->nid = MAX_NUMNODES;
	search->end = 0;
}

/**
 * gh_run_search_init() - get ready to allocate several runs
 * @search: what is remembered from one to the next
 * @npages: how much it is in all
 * @file_npages: how much there will be at most in the parcel that they are for
 * @clear: runs are to be all zeros
 */
void gh_run_search_init(struct gh_run_search *search, unsigned long npages,
			unsigned long file_npages, bool clear)
{
	unsigned long least = DIV_ROUND_UP(file_npages, GH_VM_PARCEL_EXTENTS);

	search->npages = npages;
	search->clear = clear;
	search->min_npages = max(GH_RUN_SMALLEST, roundup_pow_of_two(least + 1)) - 1;
	search->moved = true;
	gh_run_search_restart(search);
}

/**
 * gh_run_free() - free pages of a run
 * @pfn: the first page
 * @npages: how many; may be 0
 *
 * A page that somebody else holds, too, is free when he lets go of it.
 */
void gh_run_free(unsigned long pfn, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		__free_page(pfn_to_page(pfn + i));
		if (!(i % GH_RUN_HUGE))
			cond_resched();
	}
}

/* What of a block of the page allocator's is before the run: at least the guard page. */
static unsigned long gh_run_head(unsigned long npages)
{
	/* Less than 2 MiB cannot be mapped in one block anyway, so nothing is wasted. */
	return npages < GH_RUN_HUGE ? 1 : GH_RUN_HUGE;
}

static unsigned long gh_run_block(unsigned long npages)
{
	return roundup_pow_of_two(gh_run_head(npages) + npages);
}

/* The rest of the block goes back. */
static int gh_run_alloc_block(unsigned long npages, unsigned long *pfn)
{
	unsigned long block = gh_run_block(npages), head = gh_run_head(npages);
	unsigned int order = ilog2(block);
	unsigned long start;
	struct page *page;

	page = alloc_pages(npages < GH_RUN_HUGE ? GH_RUN_GFP : GH_RUN_LARGE_GFP, order);
	if (!page)
		return -EBUSY;

	split_page(page, order);
	start = page_to_pfn(page);
	gh_run_free(start, head - 1);
	gh_run_free(start + head + npages, block - head - npages);
	*pfn = start + head;
	return 0;
}

/*
 * Whether a page is free, or one that the kernel can move: a guess, but as good as
 * any without locks. Parts of compound pages have no references of their own. What
 * drivers have pinned, other guests' memory for example, stays where it is.
 */
static bool gh_page_may_move(unsigned long pfn, const struct zone *zone)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || page_zone(page) != zone || PageReserved(page) || PageHuge(page))
		return false;
	/* Since v6.18 the kernel's own small objects may be on pages without references. */
	if (!page_ref_count(page))
		return !PageSlab(page);
	if (PageLRU(page))
		return !folio_maybe_dma_pinned(page_folio(page));
	return page_has_movable_ops(page);
}

/* Return: the first page in the range that cannot be moved, or @end. */
static unsigned long gh_first_unmovable(unsigned long start, unsigned long end)
{
	struct page *page = pfn_to_online_page(start);
	const struct zone *zone;
	unsigned long pfn;

	if (!page)
		return start;

	/* Memory there was promised to go away when it is asked for. */
	zone = page_zone(page);
	if (zone_idx(zone) == ZONE_MOVABLE)
		return start;

	for (pfn = start; pfn < end && gh_page_may_move(pfn, zone); pfn++) {
		if (!(pfn % GH_RUN_HUGE))
			cond_resched();
	}

	return pfn;
}

/* Return: whether there is another node to look through. */
static bool gh_run_search_next_node(struct gh_run_search *search)
{
	while (search->nid-- > 0) {
		if (node_online(search->nid)) {
			search->end = pgdat_end_pfn(NODE_DATA(search->nid));
			return true;
		}
	}

	return false;
}

/*
 * Return: the start of the next range that such a run, with its guard page, might be
 * moved to, or 0 if there is none in this node. The kernel insists that everything in
 * the blocks at both ends can be moved, too.
 */
static unsigned long gh_run_search_candidate(struct gh_run_search *search, unsigned long npages)
{
	unsigned long lowest, start, stop, end;

	lowest = ALIGN(NODE_DATA(search->nid)->node_start_pfn + 1, GH_RUN_HUGE);
	while (search->end >= lowest + npages) {
		start = ALIGN_DOWN(search->end - npages, GH_RUN_HUGE);
		end = ALIGN(start + npages, pageblock_nr_pages);
		stop = gh_first_unmovable(ALIGN_DOWN(start - 1, pageblock_nr_pages), end);
		if (stop == end)
			return start;
		search->end = min(ALIGN_DOWN(stop, pageblock_nr_pages), search->end - 1);
	}

	return 0;
}

static int gh_run_search_node(struct gh_run_search *search, unsigned long npages,
			      unsigned long *pfn)
{
	unsigned long start, step = max(ALIGN_DOWN(npages / 16, GH_RUN_HUGE), GH_RUN_HUGE);
	int ret;

	while ((start = gh_run_search_candidate(search, npages))) {
		if (fatal_signal_pending(current))
			return -EINTR;

		ret = alloc_contig_range(start - 1, start + npages, ACR_FLAGS_NONE, GH_RUN_GFP);
		if (!ret) {
			search->end = start - 1;
			*pfn = start;
			return 0;
		}
		if (ret == -EINTR)
			return ret;
		search->end = start + npages - step;
	}

	return -EBUSY;
}

static int gh_run_alloc_large(struct gh_run_search *search, unsigned long npages,
			      unsigned long *pfn)
{
	int ret;

	if (search->nid == MAX_NUMNODES && !gh_run_search_next_node(search))
		return -EBUSY;

	do {
		ret = gh_run_search_node(search, npages, pfn);
	} while (ret == -EBUSY && gh_run_search_next_node(search));

	return ret;
}

static int gh_run_try(struct gh_run_search *search, unsigned long npages, unsigned long *pfn)
{
	/*
	 * Whole blocks of pages that the page allocator gave would be for what cannot
	 * be moved from then on, and soon no large run could be had any more.
	 */
	return search->moved && npages >= GH_RUN_HUGE ? gh_run_alloc_large(search, npages, pfn) :
							gh_run_alloc_block(npages, pfn);
}

/* The largest run that leaves room for what is before it. */
static unsigned long gh_run_in_block(unsigned long block)
{
	return block > GH_RUN_HUGE ? block - GH_RUN_HUGE : block - 1;
}

/* Have runs of at most half as much from now on, or of what else there may be. */
static void gh_run_search_shrink(struct gh_run_search *search, unsigned long npages)
{
	if (!search->moved || npages < GH_RUN_HUGE) {
		search->npages = gh_run_in_block(gh_run_block(npages) / 2);
	} else if (npages > GH_RUN_HUGE) {
		search->npages = max(ALIGN_DOWN(npages / 2, GH_RUN_HUGE), GH_RUN_HUGE);
	} else {
		search->npages = gh_run_in_block(max(GH_RUN_HUGE, pageblock_nr_pages));
		search->moved = false;
	}
	gh_run_search_restart(search);
}

static int gh_run_clear(unsigned long pfn, unsigned long npages)
{
	unsigned long i;

	/* The kernel has just done so. */
	if (want_init_on_alloc(GFP_KERNEL))
		return 0;

	for (i = 0; i < npages; i++) {
		clear_highpage(pfn_to_page(pfn + i));
		if (i % GH_RUN_HUGE)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	return 0;
}

/**
 * gh_run_alloc() - allocate a run
 * @search: remembers what cannot be had
 * @npages: how much is wanted; not 0
 * @run: out: what there is of it, all zeros if that is asked for
 *
 * Return: 0; -ENOMEM if there is not even the least that is useful; -EINTR if a fatal
 * signal came.
 */
int gh_run_alloc(struct gh_run_search *search, unsigned long npages,
		 struct gh_guest_mem_run *run)
{
	unsigned long want;
	int ret;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;

		want = min(npages, search->npages);
		ret = gh_run_try(search, want, &run->pfn);
		if (!ret) {
			run->npages = want;
			ret = search->clear ? gh_run_clear(run->pfn, want) : 0;
			if (ret)
				gh_run_free(run->pfn - 1, want + 1);
			return ret;
		}
		if (ret == -EINTR)
			return ret;
		gh_run_search_shrink(search, want);
	} while (search->npages >= search->min_npages);

	return -ENOMEM;
}
