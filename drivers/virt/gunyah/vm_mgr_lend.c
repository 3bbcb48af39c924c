// SPDX-License-Identifier: GPL-2.0
/*
 * Lending: what has to be done to memory before it is taken away from the host.
 *
 * The kernel cannot be kept from user memory: any system call with a pointer into
 * it, a core dump, or a read of a word in the page before would be an abort in the
 * kernel. So what user memory contains moves to a guest memory file when the VM is
 * started, and a mapping of that takes the place of the mapping of the process.
 */

#include <linux/device.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "guest_mem.h"
#include "vm_mgr.h"

static bool unsafe_lend_in_place;
module_param_unsafe(unsafe_lend_in_place, bool, 0644);
MODULE_PARM_DESC(unsafe_lend_in_place,
		 "Lend user memory where it is. DANGEROUS: any process that has it can crash the host, on purpose or not.");

/**
 * gh_vm_lends_in_place() - is user memory lent where it is?
 *
 * Return: whether the parameter of the module says so.
 */
bool gh_vm_lends_in_place(void)
{
	return READ_ONCE(unsafe_lend_in_place);
}

/*
 * Is it what the process has there?
 */

#define GH_MOVE_BATCH	64

/* Return: 0, or -EADDRINUSE if others have it mapped or if it is other memory. */
static int gh_move_check_page(struct page *page, phys_addr_t expected)
{
	if (page_to_phys(page) != expected || folio_maybe_mapped_shared(page_folio(page)))
		return -EADDRINUSE;
	return 0;
}

static int gh_move_check_batch(unsigned long addr, phys_addr_t expected, unsigned long n)
{
	struct page *pages[GH_MOVE_BATCH];
	int got, ret = 0, i;

	got = get_user_pages_fast(addr, n, 0, pages);
	if (got <= 0)
		return -EADDRINUSE;
	for (i = 0; i < got; i++) {
		if (!ret)
			ret = gh_move_check_page(pages[i], expected + i * PAGE_SIZE);
		put_page(pages[i]);
	}

	return ret ? ret : got;
}

static int gh_move_check_extent(unsigned long addr, const struct gh_extent *extent)
{
	u64 at;
	int n;

	for (at = 0; at < extent->size; at += n * PAGE_SIZE) {
		n = min_t(u64, (extent->size - at) >> PAGE_SHIFT, GH_MOVE_BATCH);
		n = gh_move_check_batch(addr + at, extent->start + at, n);
		if (n < 0)
			return n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	return 0;
}

static int gh_move_check_mapping(const struct gh_vm_pin *pin)
{
	unsigned long addr = pin->uaddr;
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	int ret;

	gh_extents_iter_init(&iter, &pin->backing.extents);
	while ((extent = gh_extents_iter_next(&iter))) {
		ret = gh_move_check_extent(addr, extent);
		if (ret)
			return ret;
		addr += extent->size;
	}

	return 0;
}

/*
 * A process may have let go of all of it, or be gone: then there is no mapping to
 * replace. Nobody else can have his own replaced.
 */
static int gh_move_is_mapped(const struct gh_vm_pin *pin, bool *mapped)
{
	*mapped = false;
	if (current->mm != pin->mm) {
		if (!mmget_not_zero(pin->mm))
			return 0;
		mmput(pin->mm);
		return -EPERM;
	}

	if (mmap_read_lock_killable(pin->mm))
		return -EINTR;
	*mapped = find_vma_intersection(pin->mm, pin->uaddr,
					pin->uaddr + pin->backing.extents.bytes);
	mmap_read_unlock(pin->mm);
	return 0;
}

/*
 * Contents
 */

static int gh_move_copy_pages(struct gh_guest_mem *gm, unsigned long to, unsigned long from,
			      unsigned long npages)
{
	unsigned long i;
	void *addr;

	if (!gm->pooled) {
		for (i = 0; i < npages; i++)
			copy_highpage(pfn_to_page(to + i), pfn_to_page(from + i));
		return 0;
	}

	addr = gh_guest_mem_pool_map(to, npages);
	if (!addr)
		return -ENOMEM;
	for (i = 0; i < npages; i++)
		memcpy_from_page(addr + i * PAGE_SIZE, pfn_to_page(from + i), 0, PAGE_SIZE);
	gh_guest_mem_pool_unmap(addr);
	return 0;
}

static int gh_move_copy(struct gh_guest_mem *gm, const struct gh_extents *to,
			const struct gh_extents *from)
{
	const struct gh_extent *dst = NULL, *src = NULL;
	struct gh_extents_iter to_iter, from_iter;
	u64 dst_at = 0, src_at = 0, n, done;
	int ret;

	gh_extents_iter_init(&to_iter, to);
	gh_extents_iter_init(&from_iter, from);
	for (done = 0; done < from->bytes; done += n) {
		if (!dst || dst_at == dst->size) {
			dst = gh_extents_iter_next(&to_iter);
			dst_at = 0;
		}
		if (!src || src_at == src->size) {
			src = gh_extents_iter_next(&from_iter);
			src_at = 0;
		}
		n = min3(dst->size - dst_at, src->size - src_at, (u64)SZ_2M);
		ret = gh_move_copy_pages(gm, PHYS_PFN(dst->start + dst_at),
					 PHYS_PFN(src->start + src_at), n >> PAGE_SHIFT);
		if (ret)
			return ret;
		dst_at += n;
		src_at += n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	return 0;
}

/*
 * Mappings
 */

#define GH_MOVE_MAX_PARTS	64

/**
 * struct gh_move_part - part of a range that is mapped in one way
 * @end: its end; it begins where the one before it ends
 * @prot: PROT_*. Nothing of the guest's is executed by the host
 */
struct gh_move_part {
	unsigned long end;
	unsigned long prot;
};

/* Whether it can be replaced up to there: nothing in the middle of a page of hugetlb. */
static bool gh_move_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	if (addr <= vma->vm_start || addr >= vma->vm_end)
		return true;
	return !vma->vm_ops || !vma->vm_ops->may_split || !vma->vm_ops->may_split(vma, addr);
}

/*
 * Linux 6.1 says -ENOMEM if a part cannot be split off, as if there were no memory for it:
 * so that is looked at before.
 *
 * Return: how many parts there are, or a negative errno.
 */
static int gh_move_get_parts(struct mm_struct *mm, unsigned long addr, unsigned long end,
			     struct gh_move_part *parts)
{
	struct vm_area_struct *vma;
	int n;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (n = 0; addr < end && n < GH_MOVE_MAX_PARTS; n++) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr || !gh_move_may_split(vma, addr) ||
		    !gh_move_may_split(vma, end))
			break;
		addr = min(end, vma->vm_end);
		parts[n].end = addr;
		parts[n].prot = (vma->vm_flags & VM_READ ? PROT_READ : 0) |
				(vma->vm_flags & VM_WRITE ? PROT_WRITE : 0);
	}
	mmap_read_unlock(mm);

	return addr == end ? n : -EADDRINUSE;
}

static int gh_move_map(struct file *file, const struct gh_vm_pin *pin, unsigned long start,
		       const struct gh_move_part *part)
{
	unsigned long ret;

	ret = vm_mmap(file, start, part->end - start, part->prot, MAP_SHARED | MAP_FIXED,
		      start - pin->uaddr);
	/* It may be sealed, for one. */
	if (IS_ERR_VALUE(ret))
		return ret == -EINTR || ret == -ENOMEM ? (int)ret : -EADDRINUSE;
	return 0;
}

/*
 * All at once, so that there is never half of it: then what was allowed in each part
 * is all that is allowed again. If the kernel has no memory for that more is, which
 * is no harm to anybody else.
 */
static int gh_move_replace_mapping(struct file *file, const struct gh_vm_pin *pin)
{
	struct gh_move_part all = {
		.end = pin->uaddr + pin->backing.extents.bytes,
		.prot = PROT_READ | PROT_WRITE,
	};
	unsigned long start = pin->uaddr;
	struct gh_move_part *parts;
	int ret, n, i;

	parts = kmalloc_array(GH_MOVE_MAX_PARTS, sizeof(*parts), GFP_KERNEL);
	if (!parts)
		return -ENOMEM;

	n = gh_move_get_parts(pin->mm, start, all.end, parts);
	ret = n < 0 ? n : gh_move_map(file, pin, start, &all);
	for (i = 0; !ret && i < n; i++) {
		if (parts[i].prot != all.prot)
			gh_move_map(file, pin, start, &parts[i]);
		start = parts[i].end;
	}
	kfree(parts);

	return ret;
}

/*
 * Regions
 */

/* The file counts as locked memory in place of what it replaces. */
static void gh_move_charge(struct gh_guest_mem *gm, struct gh_vm_pin *pin)
{
	gh_guest_mem_charge(gm, pin->mm);
	pin->npages = 0;
}

static int gh_move_to_region(struct gh_vm *ghvm, struct gh_vm_region *region, struct file *file,
			     struct gh_vm_region *new, bool mapped)
{
	struct gh_vm_pin *pin = gh_vm_pin_of(region->backing);
	struct gh_guest_mem *gm = gh_guest_mem_of(file);
	int ret;

	ret = gh_move_copy(gm, &new->backing->extents, &pin->backing.extents);
	if (!ret && mapped)
		ret = gh_move_replace_mapping(file, pin);
	if (ret)
		return ret;

	gh_move_charge(gm, pin);
	gh_vm_replace_region(ghvm, region, new);
	return 0;
}

static int gh_move_to_file(struct gh_vm *ghvm, struct gh_vm_region *region, struct file *file,
			   bool mapped)
{
	struct gh_vm_backing *backing;
	struct gh_vm_region *new;
	int ret;

	/* Who starts a VM does not expect to be asked to try again. */
	backing = gh_guest_mem_bind(gh_guest_mem_of(file), 0, region->size, GH_FILL_UNCLEARED);
	if (IS_ERR(backing))
		return PTR_ERR(backing);

	new = gh_vm_alloc_region(backing);
	if (!new) {
		backing->ops->release(backing);
		return -ENOMEM;
	}

	ret = gh_move_to_region(ghvm, region, file, new, mapped);
	if (ret) {
		backing->ops->release(backing);
		kfree(new);
	}

	return ret;
}

/* Memory that a guest gets twice: the Resource Manager would not have it, either. */
static bool gh_move_is_twice(struct gh_vm *ghvm, const struct gh_vm_pin *pin)
{
	const struct gh_vm_region *region;
	const struct gh_vm_pin *other;

	list_for_each_entry(region, &ghvm->regions, node) {
		other = gh_vm_pin_of(region->backing);
		if (other && other != pin &&
		    pin->uaddr < other->uaddr + other->backing.extents.bytes &&
		    other->uaddr < pin->uaddr + pin->backing.extents.bytes)
			return true;
	}

	return false;
}

static int gh_move_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	struct gh_vm_pin *pin = gh_vm_pin_of(region->backing);
	struct file *file;
	bool mapped;
	int ret;

	if (gh_move_is_twice(ghvm, pin))
		return -EINVAL;

	ret = gh_move_is_mapped(pin, &mapped);
	if (!ret && mapped)
		ret = gh_move_check_mapping(pin);
	if (ret)
		return ret;

	file = gh_guest_mem_create(0, region->size);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = gh_move_to_file(ghvm, region, file, mapped);
	fput(file);

	return ret;
}

/* User memory that is to be lent becomes memory that the host can be kept from. */
static int gh_vm_move_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region, *next;
	int ret;

	if (gh_vm_lends_in_place())
		return 0;

	list_for_each_entry_safe(region, next, &ghvm->regions, node) {
		if (!(region->flags & GH_MEM_LENT) || !gh_vm_pin_of(region->backing))
			continue;
		ret = gh_move_region(ghvm, region);
		if (ret) {
			dev_info_ratelimited(gh_rm_dev(ghvm->mgr->rm),
					     "failed to move region %u of a VM, which is to be lent: %d\n",
					     region->label, ret);
			return ret;
		}
	}

	return 0;
}

static int gh_vm_lend_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	const struct gh_vm_backing_ops *ops = region->backing->ops;
	struct device *dev = gh_rm_dev(ghvm->mgr->rm);
	int ret;

	if (!(region->flags & GH_MEM_LENT))
		return 0;
	if (!ops->lend) {
		dev_warn_once(dev, "user memory is lent where it is\n");
		return 0;
	}

	ret = ops->lend(region->backing);
	if (ret)
		dev_info_ratelimited(dev, "failed to keep the host from region %u of a VM: %d\n",
				     region->label, ret);
	return ret;
}

static void gh_vm_unlend_region(struct gh_vm_region *region)
{
	const struct gh_vm_backing_ops *ops = region->backing->ops;

	if ((region->flags & GH_MEM_LENT) && ops->unlend)
		ops->unlend(region->backing);
}

/**
 * gh_vm_prepare_lending() - keep the host from what is going to be lent
 * @ghvm: the VM; its configuration is locked, and it has a devicetree
 *
 * Return: 0 or a negative errno; then everything is as it was, but that memory may
 * have moved. -EBUSY if somebody uses the memory, -EADDRINUSE if its mapping cannot be
 * replaced, -EPERM if it is another process's, -EINVAL if it is in two regions,
 * -E2BIG, -ENOMEM, -EINTR.
 */
int gh_vm_prepare_lending(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;
	int ret;

	lockdep_assert_held(&ghvm->config_lock);

	ret = gh_vm_move_memory(ghvm);
	if (ret)
		return ret;

	ret = gh_vm_check_memory(ghvm);
	if (ret)
		return ret;

	list_for_each_entry(region, &ghvm->regions, node) {
		ret = gh_vm_lend_region(ghvm, region);
		if (ret)
			goto err_unlend;
	}

	return 0;

err_unlend:
	list_for_each_entry_continue_reverse(region, &ghvm->regions, node)
		gh_vm_unlend_region(region);
	return ret;
}

/**
 * gh_vm_cancel_lending() - nothing is going to be lent after all
 * @ghvm: the VM; its configuration is locked
 */
void gh_vm_cancel_lending(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;

	list_for_each_entry(region, &ghvm->regions, node)
		gh_vm_unlend_region(region);
}
