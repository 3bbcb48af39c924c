// SPDX-License-Identifier: GPL-2.0
/*
 * Backing of memory regions by user memory, which is pinned where it is.
 */

#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vm_mgr.h"

/* As many as fit the page that holds them. */
#define GH_VM_PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))

/* Guest memory must not be what a file system wants to write back. */
static bool gh_vma_is_pinnable(struct vm_area_struct *vma)
{
	return !vma->vm_file || is_vm_hugetlb_page(vma) || shmem_mapping(vma->vm_file->f_mapping);
}

static int gh_check_vmas(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (; start < end && !ret; start = vma->vm_end) {
		vma = find_vma(mm, start);
		if (!vma || vma->vm_start > start) {
			ret = -EFAULT;
			break;
		}
		if (!gh_vma_is_pinnable(vma))
			ret = -EOPNOTSUPP;
	}
	mmap_read_unlock(mm);

	return ret;
}

/* What is mapped there may have changed since it was looked at. */
static bool gh_folio_is_pinnable(struct folio *folio)
{
	struct address_space *mapping;

	if (folio_test_anon(folio) || folio_test_hugetlb(folio))
		return true;
	mapping = folio_mapping(folio);
	return mapping && shmem_mapping(mapping);
}

static int gh_check_pages(struct page **pages, unsigned long n)
{
	struct folio *folio = NULL;
	unsigned long i;

	for (i = 0; i < n; i++) {
		if (folio == page_folio(pages[i]))
			continue;
		folio = page_folio(pages[i]);
		if (!gh_folio_is_pinnable(folio))
			return -EOPNOTSUPP;
	}

	return 0;
}

/*
 * Always for writing, even if the guest may only read: otherwise a page that
 * the process shares copy-on-write could be pinned, and the guest would not see
 * what the process writes later.
 *
 * Without the mmap lock, as far as pages are there: with it, many kernels look
 * up each page of a huge page by itself.
 */
static long gh_pin_batch(struct mm_struct *mm, unsigned long addr, unsigned long n,
			 struct page **pages)
{
	long ret, got;

	ret = gh_check_vmas(mm, addr, addr + n * PAGE_SIZE);
	if (ret)
		return ret;

	got = pin_user_pages_fast(addr, n, FOLL_WRITE | FOLL_LONGTERM, pages);
	if (got <= 0)
		return got ? got : -EFAULT;

	ret = gh_check_pages(pages, got);
	if (ret)
		unpin_user_pages(pages, got);

	return ret ? ret : got;
}

/* Return: how many of the pages are in a row. */
static unsigned long gh_run_length(struct page **pages, unsigned long n)
{
	unsigned long pfn = page_to_pfn(pages[0]);
	unsigned long i;

	for (i = 1; i < n && page_to_pfn(pages[i]) == pfn + i; i++)
		;
	return i;
}

static int gh_add_pages(struct gh_extents *extents, struct page **pages, unsigned long n,
			size_t max_extents)
{
	unsigned long run, i;
	int ret = 0;

	for (i = 0; i < n && !ret; i += run) {
		run = gh_run_length(pages + i, n - i);
		ret = gh_extents_add(extents, page_to_phys(pages[i]), run * PAGE_SIZE);
		if (ret)
			break;
		/* One too many is found out when it is in: it is undone like all. */
		if (extents->count > max_extents)
			ret = -E2BIG;
	}
	if (ret)
		unpin_user_pages(pages + i, n - i);

	return ret;
}

static int gh_pin_range(struct gh_vm_pin *pin, unsigned long addr, unsigned long npages,
			size_t max_extents)
{
	struct page **pages;
	int ret = 0;
	long n;

	pages = (struct page **)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;

	while (npages && !ret) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		n = gh_pin_batch(pin->mm, addr, min(npages, GH_VM_PIN_BATCH), pages);
		if (n < 0) {
			ret = n;
			break;
		}
		ret = gh_add_pages(&pin->backing.extents, pages, n, max_extents);
		addr += n * PAGE_SIZE;
		npages -= n;
		cond_resched();
	}

	free_page((unsigned long)pages);
	return ret;
}

static void gh_unpin_extents(struct gh_extents *extents)
{
	const struct gh_extent *extent;
	struct gh_extents_iter iter;

	gh_extents_iter_init(&iter, extents);
	while ((extent = gh_extents_iter_next(&iter))) {
		unpin_user_page_range_dirty_lock(pfn_to_page(PHYS_PFN(extent->start)),
						 extent->size >> PAGE_SHIFT, true);
		cond_resched();
	}
}

static struct gh_vm_pin *to_gh_vm_pin(struct gh_vm_backing *backing)
{
	return container_of(backing, struct gh_vm_pin, backing);
}

static void gh_vm_pin_free(struct gh_vm_pin *pin)
{
	gh_extents_free(&pin->backing.extents);
	mmdrop(pin->mm);
	kfree(pin);
}

static void gh_vm_pin_release(struct gh_vm_backing *backing)
{
	struct gh_vm_pin *pin = to_gh_vm_pin(backing);

	gh_unpin_extents(&backing->extents);
	account_locked_vm(pin->mm, pin->npages, false);
	gh_vm_pin_free(pin);
}

static void gh_vm_pin_abandon(struct gh_vm_backing *backing)
{
	gh_vm_pin_free(to_gh_vm_pin(backing));
}

static const struct gh_vm_backing_ops gh_vm_pin_ops = {
	.release = gh_vm_pin_release,
	.abandon = gh_vm_pin_abandon,
};

/**
 * gh_vm_pin_user() - make a backing of the caller's memory
 * @uaddr: start of the range; page aligned
 * @size: its size in bytes; whole pages, not 0, @uaddr + @size does not wrap
 * @max_extents: how many physically contiguous runs it may consist of
 *
 * The memory counts against RLIMIT_MEMLOCK. It must be anonymous, shared memory
 * or hugetlb.
 *
 * Return: the backing or an error pointer: -EFAULT if it is not all there to be
 * written, -EOPNOTSUPP for other kinds of memory, -E2BIG if it is too scattered,
 * -ENOMEM, -EINTR.
 */
struct gh_vm_backing *gh_vm_pin_user(u64 uaddr, u64 size, size_t max_extents)
{
	unsigned long addr = untagged_addr((unsigned long)uaddr);
	struct gh_vm_pin *pin;
	int ret;

	if (!access_ok((void __user *)addr, size))
		return ERR_PTR(-EFAULT);

	pin = kzalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	if (!pin)
		return ERR_PTR(-ENOMEM);

	pin->backing.ops = &gh_vm_pin_ops;
	gh_extents_init(&pin->backing.extents);
	pin->uaddr = addr;
	pin->npages = size >> PAGE_SHIFT;
	pin->mm = current->mm;
	mmgrab(pin->mm);

	ret = account_locked_vm(pin->mm, pin->npages, true);
	if (ret) {
		gh_vm_pin_free(pin);
		return ERR_PTR(ret);
	}

	ret = gh_pin_range(pin, addr, pin->npages, max_extents);
	if (ret) {
		gh_vm_pin_release(&pin->backing);
		return ERR_PTR(ret);
	}

	return &pin->backing;
}

/**
 * gh_vm_pin_of() - what a backing consists of
 * @backing: of any kind
 *
 * Return: the pinned user memory, or NULL if it is another kind of backing.
 */
struct gh_vm_pin *gh_vm_pin_of(struct gh_vm_backing *backing)
{
	return backing->ops == &gh_vm_pin_ops ? to_gh_vm_pin(backing) : NULL;
}
