// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: how user memory is pinned, and that whatever goes wrong every page is
 * released as often as it was pinned.
 *
 * The code is compiled in here, with another memory management below it. Its
 * pages are numbers only, and nobody looks at what a pointer to one points to.
 */

#include <kunit/test.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define UADDR		0x10000000UL
/* As many as one page of pointers takes */
#define BATCH		(PAGE_SIZE / sizeof(struct page *))
#define MAX_PAGES	(3 * BATCH)
#define MAX_PFN		(2 * MAX_PAGES + 2)
#define NEVER		SIZE_MAX

/**
 * struct fake_mm - memory of a process, and what became of it
 * @test: the test
 * @pfn: where the nth page is
 * @gap: for some of these: from which page on
 * @step: how many pages are pinned at a time, at most
 * @fail_at: number of the page that cannot be pinned
 * @error: why not
 * @changed_at: number of the page that turns out to be a file's when it is pinned
 * @killed_at: number of the page before which the caller is killed
 * @over_limit: too much memory is locked
 * @no_access: it is not the user's
 * @fail_alloc: number of the allocation that fails, from 1 on, or 0
 * @vmas: what is mapped
 * @n_vmas: how many of these there are
 * @pins: how often each page frame is pinned
 * @n_pinned: how many pages were
 * @unpaired: how many pages were released that were not pinned, or not only once
 * @dirty: how many pages were released as written
 * @accounted: how many pages are locked
 * @grabbed: references to the process
 * @locked: the process's mappings are
 * @flags: for pinning
 * @n_allocs: how many allocations there were
 * @largest: size of the largest
 */
static struct fake_mm {
	struct kunit *test;
	u64 (*pfn)(size_t n);
	size_t gap;
	size_t step;
	size_t fail_at;
	int error;
	size_t changed_at;
	size_t killed_at;
	bool over_limit;
	bool no_access;
	unsigned int fail_alloc;
	struct vm_area_struct vmas[3];
	unsigned int n_vmas;
	u8 pins[MAX_PFN];
	size_t n_pinned;
	size_t unpaired;
	size_t dirty;
	long accounted;
	int grabbed;
	bool locked;
	unsigned int flags;
	unsigned int n_allocs;
	size_t largest;
} *fake;

static struct address_space fake_shmem, fake_disk;
static struct file fake_shmem_file = { .f_mapping = &fake_shmem };
static struct file fake_disk_file = { .f_mapping = &fake_disk };
static struct file fake_hugetlb_file = { .f_mapping = &fake_disk };

static void fake_map(size_t first, size_t end, struct file *file)
{
	struct vm_area_struct *vma = &fake->vmas[fake->n_vmas++];

	vma->vm_start = UADDR + first * PAGE_SIZE;
	vma->vm_end = UADDR + end * PAGE_SIZE;
	vma->vm_file = file;
}

static struct vm_area_struct *fake_find_vma(unsigned long addr)
{
	unsigned int i;

	KUNIT_EXPECT_TRUE(fake->test, fake->locked);
	for (i = 0; i < fake->n_vmas; i++) {
		if (addr < fake->vmas[i].vm_end)
			return &fake->vmas[i];
	}
	return NULL;
}

static int fake_lock(void)
{
	KUNIT_EXPECT_FALSE(fake->test, fake->locked);
	fake->locked = true;
	return 0;
}

static void fake_unlock(void)
{
	KUNIT_EXPECT_TRUE(fake->test, fake->locked);
	fake->locked = false;
}

static long fake_pin(unsigned long addr, int n, unsigned int flags, struct page **pages)
{
	size_t first = (addr - UADDR) / PAGE_SIZE, i;

	KUNIT_ASSERT_GT(fake->test, n, 0);
	KUNIT_EXPECT_LE(fake->test, (size_t)n, BATCH);
	fake->flags = flags;
	for (i = 0; i < min_t(size_t, n, fake->step) && first + i != fake->fail_at; i++) {
		u64 pfn = fake->pfn(first + i);

		KUNIT_ASSERT_LT(fake->test, pfn, MAX_PFN);
		fake->pins[pfn]++;
		fake->n_pinned++;
		pages[i] = (struct page *)(unsigned long)pfn;
	}
	return i ? i : fake->error;
}

static void fake_unpin_pfn(unsigned long pfn)
{
	KUNIT_ASSERT_LT(fake->test, pfn, MAX_PFN);
	fake->unpaired += fake->pins[pfn] != 1;
	fake->pins[pfn]--;
}

static void fake_unpin(struct page **pages, unsigned long n)
{
	while (n--)
		fake_unpin_pfn((unsigned long)*pages++);
}

static void fake_unpin_range(struct page *page, unsigned long n, bool dirty)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		fake_unpin_pfn((unsigned long)page + i);
	if (dirty)
		fake->dirty += n;
}

static int fake_account(unsigned long n, bool inc)
{
	if (inc && fake->over_limit)
		return -ENOMEM;
	fake->accounted += inc ? (long)n : -(long)n;
	return 0;
}

/* A page is a folio of its own; the number that comes next is the one that was not pinned. */
static bool fake_is_anon(struct folio *folio)
{
	return fake->changed_at == NEVER ||
	       (unsigned long)folio != fake->pfn(fake->changed_at);
}

static bool fake_alloc(size_t size)
{
	fake->largest = max(fake->largest, size);
	return ++fake->n_allocs != fake->fail_alloc;
}

static void *fake_kmalloc(size_t size, gfp_t flags)
{
	return fake_alloc(size) ? kmalloc(size, flags) : NULL;
}

static unsigned long fake_get_page(gfp_t flags)
{
	return fake_alloc(PAGE_SIZE) ? __get_free_page(flags) : 0;
}

#define find_vma(mm, addr)		fake_find_vma(addr)
#define mmap_read_lock_killable(mm)	fake_lock()
#define mmap_read_unlock(mm)		fake_unlock()
#define is_vm_hugetlb_page(vma)		((vma)->vm_file == &fake_hugetlb_file)
#define shmem_mapping(mapping)		((mapping) == &fake_shmem)
#define folio_test_anon(folio)		fake_is_anon(folio)
#define folio_test_hugetlb(folio)	false
#define folio_mapping(folio)		(&fake_disk)
#define pin_user_pages_fast		fake_pin
#define unpin_user_pages		fake_unpin
#define unpin_user_page_range_dirty_lock	fake_unpin_range
#define account_locked_vm(mm, n, inc)	fake_account(n, inc)
#define mmgrab(mm)			(fake->grabbed++)
#define mmdrop(mm)			(fake->grabbed--)
#define fatal_signal_pending(task)	(fake->n_pinned >= fake->killed_at)
#undef kmalloc
#define kmalloc				fake_kmalloc
#undef kzalloc
#define kzalloc(size, flags)		fake_kmalloc(size, (flags) | __GFP_ZERO)
#undef __get_free_page
#define __get_free_page			fake_get_page
#undef access_ok
#define access_ok(addr, size)		(!fake->no_access)
#undef page_folio
#define page_folio(page)		((struct folio *)(page))
#undef page_to_pfn
#define page_to_pfn(page)		((unsigned long)(page))
#undef pfn_to_page
#define pfn_to_page(pfn)		((struct page *)(pfn))
#undef page_to_phys
#define page_to_phys(page)		((u64)(unsigned long)(page) << PAGE_SHIFT)

#include "../../drivers/virt/gunyah/vm_mgr_extent.c"
#include "../../drivers/virt/gunyah/vm_mgr_pin.c"

/*
 * Layouts
 */

static u64 contiguous(size_t n)
{
	return 1 + n;
}

static u64 scattered(size_t n)
{
	return 1 + 2 * n;
}

static u64 backwards(size_t n)
{
	return MAX_PAGES - n;
}

static u64 with_a_gap(size_t n)
{
	return 1 + n + (n >= fake->gap);
}

/* As long as a batch, which they do not begin with */
static u64 huge_pages(size_t n)
{
	return 1 + n + (n + 5) / BATCH;
}

static u64 (* const layouts[])(size_t n) = {
	contiguous, scattered, backwards, with_a_gap, huge_pages,
};

static const size_t steps[] = { 1, 7, BATCH - 1, BATCH };

/* What is next to the ends of batches */
static const size_t edges[] = {
	0, 1, 2, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH - 1, 2 * BATCH, 2 * BATCH + 1,
};

/*
 * Fixture
 */

/* As if nothing had been asked for yet */
static void fake_reset(struct kunit *test)
{
	memset(fake, 0, sizeof(*fake));
	fake->test = test;
	fake->pfn = scattered;
	fake->gap = BATCH;
	fake->step = BATCH;
	fake->fail_at = NEVER;
	fake->error = -EFAULT;
	fake->changed_at = NEVER;
	fake->killed_at = NEVER;
	fake_map(0, MAX_PAGES, NULL);
}

static int pin_init(struct kunit *test)
{
	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	if (!fake)
		return -ENOMEM;
	fake_reset(test);
	return 0;
}

static struct gh_vm_backing *pin_pages(size_t n, size_t max_extents)
{
	return gh_vm_pin_user(UADDR, n * PAGE_SIZE, max_extents);
}

static void expect_nothing_left(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(fake->pins, 0, sizeof(fake->pins)), NULL);
	KUNIT_EXPECT_EQ(test, fake->unpaired, 0);
	KUNIT_EXPECT_EQ(test, fake->accounted, 0);
	KUNIT_EXPECT_EQ(test, fake->grabbed, 0);
	KUNIT_EXPECT_FALSE(test, fake->locked);
}

static void expect_error(struct kunit *test, size_t n, int error)
{
	struct gh_vm_backing *backing = pin_pages(n, n);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(backing), error);
	if (!IS_ERR(backing))
		backing->ops->release(backing);
	expect_nothing_left(test);
}

/* All pages in their order, and what lies in a row as one */
static void expect_extents(struct kunit *test, const struct gh_extents *extents, size_t n)
{
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	size_t i = 0, runs = 0;
	u64 end = 0, pfn;

	gh_extents_iter_init(&iter, extents);
	while ((extent = gh_extents_iter_next(&iter))) {
		KUNIT_EXPECT_NE(test, extent->start, end);
		end = extent->start + extent->size;
		for (pfn = extent->start >> PAGE_SHIFT; pfn < end >> PAGE_SHIFT; pfn++, i++)
			KUNIT_ASSERT_EQ(test, pfn, fake->pfn(i));
		runs++;
	}
	KUNIT_EXPECT_EQ(test, i, n);
	KUNIT_EXPECT_EQ(test, runs, extents->count);
	KUNIT_EXPECT_EQ(test, extents->bytes, n * PAGE_SIZE);
}

static void pin_and_release(struct kunit *test, size_t n)
{
	struct gh_vm_backing *backing = pin_pages(n, n);
	size_t i;

	KUNIT_ASSERT_EQ(test, PTR_ERR_OR_ZERO(backing), 0);
	expect_extents(test, &backing->extents, n);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, fake->pins[fake->pfn(i)], 1);
	KUNIT_EXPECT_EQ(test, fake->n_pinned, n);
	KUNIT_EXPECT_EQ(test, fake->accounted, (long)n);
	/* Not what the process could lose by writing to it */
	KUNIT_EXPECT_EQ(test, fake->flags, FOLL_WRITE | FOLL_LONGTERM);
	/* However much it is */
	KUNIT_EXPECT_LE(test, fake->largest, PAGE_SIZE);
	backing->ops->release(backing);
	KUNIT_EXPECT_EQ(test, fake->dirty, n);
	expect_nothing_left(test);
}

/*
 * Tests
 */

static void each_page_once(struct kunit *test)
{
	size_t l, s, e;

	for (l = 0; l < ARRAY_SIZE(layouts); l++) {
		for (s = 0; s < ARRAY_SIZE(steps); s++) {
			for (e = 1; e < ARRAY_SIZE(edges); e++) {
				fake_reset(test);
				fake->pfn = layouts[l];
				fake->step = steps[s];
				pin_and_release(test, edges[e]);
			}
		}
	}
}

static void runs_across_batches(struct kunit *test)
{
	struct gh_vm_backing *backing;
	size_t e;

	for (e = 0; e < ARRAY_SIZE(edges); e++) {
		fake_reset(test);
		fake->pfn = with_a_gap;
		fake->gap = edges[e];
		backing = pin_pages(MAX_PAGES, 2);
		KUNIT_ASSERT_EQ(test, PTR_ERR_OR_ZERO(backing), 0);
		KUNIT_EXPECT_EQ(test, backing->extents.count, edges[e] ? 2 : 1);
		backing->ops->release(backing);
		expect_nothing_left(test);
	}
}

static void pages_that_cannot_be_pinned(struct kunit *test)
{
	static const int errors[] = { -EFAULT, -ENOMEM, -EINTR };
	size_t s, e, i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		for (s = 0; s < ARRAY_SIZE(steps); s++) {
			for (e = 0; e < ARRAY_SIZE(edges); e++) {
				fake_reset(test);
				fake->step = steps[s];
				fake->fail_at = edges[e];
				fake->error = errors[i];
				expect_error(test, MAX_PAGES, errors[i]);
				KUNIT_EXPECT_EQ(test, fake->n_pinned, edges[e]);
			}
		}
	}

	/* None, but no error either */
	fake_reset(test);
	fake->fail_at = 3;
	fake->error = 0;
	expect_error(test, 5, -EFAULT);
}

static void too_scattered(struct kunit *test)
{
	struct gh_vm_backing *backing;
	size_t e;

	for (e = 1; e < ARRAY_SIZE(edges); e++) {
		fake_reset(test);
		backing = pin_pages(edges[e], edges[e] - 1);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(backing), -E2BIG);
		expect_nothing_left(test);
		fake_reset(test);
		pin_and_release(test, edges[e]);
	}
}

static void allocations_that_fail(struct kunit *test)
{
	struct gh_vm_backing *backing;
	unsigned int n;

	for (n = 1; ; n++) {
		fake_reset(test);
		fake->fail_alloc = n;
		backing = pin_pages(MAX_PAGES, MAX_PAGES);
		if (!IS_ERR(backing))
			break;
		KUNIT_EXPECT_EQ(test, PTR_ERR(backing), -ENOMEM);
		expect_nothing_left(test);
	}
	/* All of the list, and what goes with it */
	KUNIT_EXPECT_GT(test, n, MAX_PAGES / (PAGE_SIZE / sizeof(struct gh_extent)));
	backing->ops->release(backing);
	expect_nothing_left(test);
}

static void kinds_of_memory(struct kunit *test)
{
	static const struct {
		struct file *file;
		int error;
	} kinds[] = {
		{ NULL, 0 },
		{ &fake_shmem_file, 0 },
		{ &fake_hugetlb_file, 0 },
		{ &fake_disk_file, -EOPNOTSUPP },
	};
	size_t i, e;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (e = 0; e < ARRAY_SIZE(edges); e++) {
			fake_reset(test);
			fake->n_vmas = 0;
			fake_map(0, edges[e], NULL);
			fake_map(edges[e], edges[e] + 1, kinds[i].file);
			fake_map(edges[e] + 1, MAX_PAGES, &fake_shmem_file);
			expect_error(test, MAX_PAGES, kinds[i].error);
		}
	}
}

static void holes(struct kunit *test)
{
	size_t e;

	for (e = 0; e < ARRAY_SIZE(edges); e++) {
		fake_reset(test);
		fake->n_vmas = 0;
		fake_map(0, edges[e], NULL);
		fake_map(edges[e] + 1, MAX_PAGES, NULL);
		expect_error(test, MAX_PAGES, -EFAULT);
		fake_reset(test);
		fake->vmas[0].vm_end = UADDR + edges[e] * PAGE_SIZE;
		expect_error(test, edges[e] + 1, -EFAULT);
	}
}

/* A file is mapped there after somebody looked. */
static void mapping_changes(struct kunit *test)
{
	size_t e;

	for (e = 0; e < ARRAY_SIZE(edges); e++) {
		fake_reset(test);
		fake->changed_at = edges[e];
		expect_error(test, MAX_PAGES, -EOPNOTSUPP);
	}
}

static void over_the_limit(struct kunit *test)
{
	fake->over_limit = true;
	expect_error(test, MAX_PAGES, -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake->n_pinned, 0);
}

static void killed(struct kunit *test)
{
	size_t e;

	/* Up to where the last batch begins */
	for (e = 0; edges[e] <= MAX_PAGES - BATCH; e++) {
		fake_reset(test);
		fake->killed_at = edges[e];
		expect_error(test, MAX_PAGES, -EINTR);
		KUNIT_EXPECT_LE(test, fake->n_pinned, edges[e] + BATCH);
	}
}

static void not_the_users(struct kunit *test)
{
	fake->no_access = true;
	expect_error(test, 1, -EFAULT);
	KUNIT_EXPECT_EQ(test, fake->n_pinned, 0);
}

/* Another VM may have it: it stays pinned, and counted. */
static void abandoned(struct kunit *test)
{
	struct gh_vm_backing *backing = pin_pages(MAX_PAGES, MAX_PAGES);
	size_t i;

	KUNIT_ASSERT_EQ(test, PTR_ERR_OR_ZERO(backing), 0);
	backing->ops->abandon(backing);
	for (i = 0; i < MAX_PAGES; i++)
		KUNIT_ASSERT_EQ(test, fake->pins[fake->pfn(i)], 1);
	KUNIT_EXPECT_EQ(test, fake->accounted, (long)MAX_PAGES);
	KUNIT_EXPECT_EQ(test, fake->grabbed, 0);
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE(each_page_once),
	KUNIT_CASE(runs_across_batches),
	KUNIT_CASE(pages_that_cannot_be_pinned),
	KUNIT_CASE(too_scattered),
	KUNIT_CASE(allocations_that_fail),
	KUNIT_CASE(kinds_of_memory),
	KUNIT_CASE(holes),
	KUNIT_CASE(mapping_changes),
	KUNIT_CASE(over_the_limit),
	KUNIT_CASE(killed),
	KUNIT_CASE(not_the_users),
	KUNIT_CASE(abandoned),
	{}
};

static struct kunit_suite pin_suite = {
	.name = "gunyah-vm-pin",
	.init = pin_init,
	.test_cases = pin_cases,
};

kunit_test_suite(pin_suite);

MODULE_DESCRIPTION("KUnit: memory that is pinned for Gunyah VMs");
MODULE_LICENSE("GPL");
