// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions of a VM, and the parcels they become when it is started.
 */

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vm_mgr.h"

#define GH_MEM_ACCESS	(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)

/* Whatever the size of the host's pages is. */
#define GH_RM_PAGE_SIZE	SZ_4K

/* The Resource Manager takes no address from here on. */
#define GH_VM_GPA_END	BIT_ULL(44)

/*
 * The Resource Manager keeps books of each extent in little memory of its own.
 * Some stop to answer at all when they run out of it, so keep away from there.
 */
#define GH_VM_MAX_EXTENTS	7168

/*
 * Configuration
 */

static int gh_vm_check_region(const struct gh_userspace_memory_region *arg)
{
	u64 end;

	/* The hypervisor has no mapping that can be written or executed only. */
	if (!(arg->flags & GH_MEM_ALLOW_READ) || (arg->flags & ~(GH_MEM_ACCESS | GH_MEM_LENT)))
		return -EINVAL;

	if (!PAGE_ALIGNED(arg->guest_phys_addr) || !PAGE_ALIGNED(arg->memory_size) ||
	    !PAGE_ALIGNED(arg->userspace_addr))
		return -EINVAL;

	if (check_add_overflow(arg->guest_phys_addr, arg->memory_size, &end) ||
	    check_add_overflow(arg->userspace_addr, arg->memory_size, &end))
		return -EOVERFLOW;

	if (arg->guest_phys_addr + arg->memory_size > GH_VM_GPA_END)
		return -EINVAL;

	return 0;
}

static struct gh_vm_region *gh_vm_find_region(struct gh_vm *ghvm, u32 label)
{
	struct gh_vm_region *region;

	lockdep_assert_held(&ghvm->config_lock);
	list_for_each_entry(region, &ghvm->regions, node) {
		if (region->label == label)
			return region;
	}

	return NULL;
}

static bool gh_vm_range_is_free(struct gh_vm *ghvm, u64 gpa, u64 size)
{
	struct gh_vm_region *region;

	lockdep_assert_held(&ghvm->config_lock);
	list_for_each_entry(region, &ghvm->regions, node) {
		if (gpa < region->gpa + region->size && region->gpa < gpa + size)
			return false;
	}

	return true;
}

static void gh_vm_free_region(struct gh_vm_region *region)
{
	if (region->held)
		region->backing->ops->abandon(region->backing);
	else
		region->backing->ops->release(region->backing);
	gh_rm_mem_unclaim(region->claim);
	kfree(region);
}

static int gh_vm_add_region(struct gh_vm *ghvm, const struct gh_userspace_memory_region *arg)
{
	struct gh_vm_region *region;
	struct gh_vm_backing *backing;

	if (gh_vm_find_region(ghvm, arg->label) ||
	    !gh_vm_range_is_free(ghvm, arg->guest_phys_addr, arg->memory_size))
		return -EEXIST;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return -ENOMEM;

	backing = gh_vm_pin_user(arg->userspace_addr, arg->memory_size, GH_VM_MAX_EXTENTS);
	if (IS_ERR(backing)) {
		kfree(region);
		return PTR_ERR(backing);
	}

	region->label = arg->label;
	region->flags = arg->flags;
	region->gpa = arg->guest_phys_addr;
	region->size = arg->memory_size;
	region->backing = backing;
	region->mem_handle = GH_MEM_HANDLE_INVAL;
	list_add_tail(&region->node, &ghvm->regions);
	return 0;
}

/* Deleting what is not there succeeds. */
static int gh_vm_delete_region(struct gh_vm *ghvm, u32 label)
{
	struct gh_vm_region *region = gh_vm_find_region(ghvm, label);

	if (region) {
		list_del(&region->node);
		gh_vm_free_region(region);
	}

	return 0;
}

/**
 * gh_vm_set_region() - add or delete a memory region
 * @ghvm: the VM
 * @arg: the region; size 0 deletes
 * @lend: take it away from the host, whatever the flags say; never deletes
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_set_region(struct gh_vm *ghvm, const struct gh_userspace_memory_region *arg, bool lend)
{
	struct gh_userspace_memory_region region = *arg;
	int ret;

	if (lend) {
		if (!region.memory_size || (region.flags & GH_MEM_LENT))
			return -EINVAL;
		region.flags |= GH_MEM_LENT;
	}

	if (region.memory_size) {
		ret = gh_vm_check_region(&region);
		if (ret)
			return ret;
	}

	if (mutex_lock_interruptible(&ghvm->config_lock))
		return -EINTR;
	if (ghvm->frozen)
		ret = -EBUSY;
	else if (region.memory_size)
		ret = gh_vm_add_region(ghvm, &region);
	else
		ret = gh_vm_delete_region(ghvm, region.label);
	mutex_unlock(&ghvm->config_lock);

	return ret;
}

/**
 * gh_vm_set_dtb_config() - remember where the devicetree is
 * @ghvm: the VM
 * @arg: the place; that it is in a region is checked at the start
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_set_dtb_config(struct gh_vm *ghvm, const struct gh_vm_dtb_config *arg)
{
	u64 size, end;
	int ret = 0;

	/* The Resource Manager maps the devicetree by whole pages of its own. */
	if (!IS_ALIGNED(arg->guest_phys_addr, GH_RM_PAGE_SIZE) || !arg->size)
		return -EINVAL;
	size = ALIGN(arg->size, GH_RM_PAGE_SIZE);
	if (!size || check_add_overflow(arg->guest_phys_addr, size, &end))
		return -EOVERFLOW;

	if (mutex_lock_interruptible(&ghvm->config_lock))
		return -EINTR;
	if (ghvm->frozen) {
		ret = -EBUSY;
	} else {
		ghvm->dtb_gpa = arg->guest_phys_addr;
		ghvm->dtb_size = size;
	}
	mutex_unlock(&ghvm->config_lock);

	return ret;
}

/**
 * gh_vm_dtb_region() - the region that the VM boots from
 * @ghvm: the VM; its configuration is locked or frozen
 *
 * Return: the region that the devicetree is inside of, or NULL.
 */
struct gh_vm_region *gh_vm_dtb_region(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;

	if (!ghvm->dtb_size)
		return NULL;

	list_for_each_entry(region, &ghvm->regions, node) {
		if (ghvm->dtb_gpa >= region->gpa &&
		    ghvm->dtb_gpa + ghvm->dtb_size <= region->gpa + region->size)
			return region;
	}

	return NULL;
}

/*
 * Parcels: the worker's, the regions no longer change
 */

static int gh_vm_host_vmid(struct gh_vm_mgr *mgr, u16 *vmid)
{
	int ret;

	mutex_lock(&mgr->lock);
	*vmid = mgr->host_vmid;
	mutex_unlock(&mgr->lock);
	if (*vmid != GH_VMID_INVAL)
		return 0;

	ret = gh_rm_get_vmid(mgr->rm, vmid);
	if (ret)
		return ret;

	mutex_lock(&mgr->lock);
	mgr->host_vmid = *vmid;
	mutex_unlock(&mgr->lock);
	return 0;
}

static size_t gh_vm_next_entries(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	struct gh_extents_iter *iter = priv;
	const struct gh_extent *extent;
	size_t n;

	for (n = 0; n < max; n++) {
		extent = gh_extents_iter_next(iter);
		if (!extent)
			break;
		entries[n].phys_addr = cpu_to_le64(extent->start);
		entries[n].size = cpu_to_le64(extent->size);
	}

	return n;
}

static u8 gh_vm_region_perms(const struct gh_vm_region *region)
{
	u8 perms = 0;

	if (region->flags & GH_MEM_ALLOW_READ)
		perms |= GH_RM_ACL_R;
	if (region->flags & GH_MEM_ALLOW_WRITE)
		perms |= GH_RM_ACL_W;
	if (region->flags & GH_MEM_ALLOW_EXEC)
		perms |= GH_RM_ACL_X;
	return perms;
}

static int gh_vm_give_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	struct gh_rm_mem_acl_entry acl[2] = {};
	struct gh_extents_iter iter;
	struct gh_rm_mem_parcel parcel = {
		.mem_type = GH_RM_MEM_TYPE_NORMAL,
		.label = region->label,
		.n_acl_entries = 1,
		.acl_entries = acl,
		.n_mem_entries = region->backing->extents.count,
		.next_entries = gh_vm_next_entries,
		.priv = &iter,
		.mem_handle = GH_MEM_HANDLE_INVAL,
		.claim = &region->claim,
	};
	u16 host_vmid;
	int ret;

	gh_extents_iter_init(&iter, &region->backing->extents);
	acl[0].vmid = cpu_to_le16(ghvm->vmid);
	acl[0].perms = gh_vm_region_perms(region);

	if (region->flags & GH_MEM_LENT) {
		ret = gh_rm_mem_lend(ghvm->mgr->rm, &parcel);
	} else {
		ret = gh_vm_host_vmid(ghvm->mgr, &host_vmid);
		if (ret)
			return ret;
		acl[1].vmid = cpu_to_le16(host_vmid);
		acl[1].perms = GH_RM_ACL_R | GH_RM_ACL_W | GH_RM_ACL_X;
		parcel.n_acl_entries = 2;
		ret = gh_rm_mem_share(ghvm->mgr->rm, &parcel);
	}

	region->mem_handle = parcel.mem_handle;
	region->held = parcel.held;
	return ret;
}

/**
 * gh_vm_give_memory() - lend or share all regions
 * @ghvm: the VM; has a VMID
 *
 * Return: 0 or a negative errno; then some regions may be given.
 */
int gh_vm_give_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;
	int ret;

	list_for_each_entry(region, &ghvm->regions, node) {
		ret = gh_vm_aborted(ghvm);
		if (!ret)
			ret = gh_vm_give_region(ghvm, region);
		if (ret)
			return ret;
	}

	return 0;
}

/*
 * It did not tell us the handle when it was asked for the parcel: it may have
 * done so since, or have said that there is none.
 */
static bool gh_vm_find_handle(struct gh_vm_region *region)
{
	int ret;

	if (!region->claim)
		return false;

	ret = gh_rm_mem_claim(region->claim, &region->mem_handle);
	if (ret == -ENOENT)
		region->held = false;
	return !ret;
}

static bool gh_vm_reclaim_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	int ret;

	if (region->mem_handle == GH_MEM_HANDLE_INVAL && !gh_vm_find_handle(region))
		return !region->held;

	/* A parcel that is not there any more came back when we asked before. */
	ret = gh_rm_mem_reclaim(ghvm->mgr->rm, region->mem_handle, 0);
	if (ret == -ESTALE && region->reclaim_tried)
		ret = 0;
	region->reclaim_tried = true;
	if (ret) {
		dev_err(gh_rm_dev(ghvm->mgr->rm),
			"VM %u: failed to reclaim region %u, its memory is kept: %d\n",
			ghvm->vmid, region->label, ret);
		return false;
	}

	region->held = false;
	region->mem_handle = GH_MEM_HANDLE_INVAL;
	return true;
}

/**
 * gh_vm_reclaim_memory() - take back what was lent and shared
 * @ghvm: the VM
 *
 * Return: whether everything is ours again. If not it can be called again, and
 * tries what is missing.
 */
bool gh_vm_reclaim_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;
	bool all = true;

	list_for_each_entry(region, &ghvm->regions, node) {
		if (region->held && !gh_vm_reclaim_region(ghvm, region))
			all = false;
	}

	return all;
}

/**
 * gh_vm_free_memory() - free all regions
 * @ghvm: the VM
 *
 * What the Resource Manager still has stays out of use for ever.
 */
void gh_vm_free_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region, *next;

	mutex_lock(&ghvm->config_lock);
	list_for_each_entry_safe(region, next, &ghvm->regions, node) {
		list_del(&region->node);
		gh_vm_free_region(region);
	}
	mutex_unlock(&ghvm->config_lock);
}
