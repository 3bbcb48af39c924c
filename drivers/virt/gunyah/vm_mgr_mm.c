// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions of a VM: what its maker gives it before it is started.
 */

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "guest_mem.h"
#include "vm_mgr.h"

/* The Resource Manager takes no address from here on. */
#define GH_VM_GPA_END	BIT_ULL(44)

/**
 * gh_vm_check_gpa() - can a guest have memory there?
 * @gpa: guest physical address
 * @size: in bytes
 *
 * What the guest has is in pages of the Resource Manager's, what the host gives is in
 * its own.
 *
 * Return: 0; -EINVAL if not, or if it is not of whole pages; -EOVERFLOW if it wraps.
 */
int gh_vm_check_gpa(u64 gpa, u64 size)
{
	u64 end;

	if (!IS_ALIGNED(gpa, GH_RM_PAGE_SIZE) || !PAGE_ALIGNED(size))
		return -EINVAL;
	if (check_add_overflow(gpa, size, &end))
		return -EOVERFLOW;
	return end > GH_VM_GPA_END ? -EINVAL : 0;
}

static int gh_vm_check_region(const struct gh_userspace_memory_region *arg)
{
	u64 end;

	/* The hypervisor has no mapping that can be written or executed only. */
	if (!(arg->flags & GH_MEM_ALLOW_READ) || (arg->flags & ~GH_VM_REGION_FLAGS))
		return -EINVAL;

	if (!PAGE_ALIGNED(arg->userspace_addr))
		return -EINVAL;
	if (check_add_overflow(arg->userspace_addr, arg->memory_size, &end))
		return -EOVERFLOW;

	return gh_vm_check_gpa(arg->guest_phys_addr, arg->memory_size);
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

/**
 * gh_vm_is_free() - is there room for a region?
 * @ghvm: the VM; its configuration is locked
 * @label: what it is to be called
 * @gpa: where it is to be
 * @size: its size
 *
 * Return: whether no other region has the label or any of the addresses.
 */
bool gh_vm_is_free(struct gh_vm *ghvm, u32 label, u64 gpa, u64 size)
{
	return !gh_vm_find_region(ghvm, label) && gh_vm_range_is_free(ghvm, gpa, size);
}

static bool gh_vm_region_is_own(const struct gh_vm_region *region)
{
	size_t i;

	for (i = 0; i < region->n_parcels; i++) {
		if (region->parcels[i].state != GH_VM_PARCEL_OWN)
			return false;
	}

	return true;
}

/**
 * gh_vm_free_region() - free a region
 * @ghvm: the VM; its configuration is locked
 * @region: the region
 *
 * What the Resource Manager still has of it stays out of use for ever.
 */
void gh_vm_free_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	size_t i;

	lockdep_assert_held(&ghvm->config_lock);
	list_del(&region->node);
	if (gh_vm_region_is_own(region)) {
		gh_vm_uncount_region(ghvm, region);
		region->backing->ops->release(region->backing);
	} else {
		gh_vm_abandon_region(region);
		region->backing->ops->abandon(region->backing);
	}
	for (i = 0; i < region->n_parcels; i++)
		gh_rm_mem_unclaim(region->parcels[i].claim);
	kfree(region);
}

/* Lent regions are given in the order of their addresses: see vm_mgr_parcel.c */
static void gh_vm_list_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	struct list_head *pos;

	lockdep_assert_held(&ghvm->config_lock);
	list_for_each(pos, &ghvm->regions) {
		if (list_entry(pos, struct gh_vm_region, node)->gpa > region->gpa)
			break;
	}
	list_add_tail(&region->node, pos);
	gh_vm_count_region(ghvm, region);
}

/**
 * gh_vm_add_region() - give a VM a region
 * @ghvm: the VM; its configuration is locked
 * @backing: the memory; released if it fails
 * @label: what it is called
 * @flags: GH_MEM_*
 * @gpa: where it is
 * @size: its size
 *
 * Return: 0 or -ENOMEM.
 */
int gh_vm_add_region(struct gh_vm *ghvm, struct gh_vm_backing *backing, u32 label, u32 flags,
		     u64 gpa, u64 size)
{
	struct gh_vm_region *region = gh_vm_alloc_region(backing);

	if (!region) {
		backing->ops->release(backing);
		return -ENOMEM;
	}

	region->label = label;
	region->flags = flags;
	region->gpa = gpa;
	region->size = size;
	gh_vm_list_region(ghvm, region);
	return 0;
}

/**
 * gh_vm_replace_region() - have a region consist of other memory
 * @ghvm: the VM; its configuration is locked
 * @region: the region; the host's alone, and freed
 * @new: made by gh_vm_alloc_region() of the other memory; takes its place
 */
void gh_vm_replace_region(struct gh_vm *ghvm, struct gh_vm_region *region,
			  struct gh_vm_region *new)
{
	new->label = region->label;
	new->flags = region->flags;
	new->gpa = region->gpa;
	new->size = region->size;
	gh_vm_free_region(ghvm, region);
	gh_vm_list_region(ghvm, new);
}

static struct gh_vm_backing *gh_vm_take_user(const struct gh_userspace_memory_region *arg)
{
	struct gh_vm_backing *backing;

	backing = gh_guest_mem_bind_user(arg->userspace_addr, arg->memory_size);
	if (backing)
		return backing;
	return gh_vm_pin_user(arg->userspace_addr, arg->memory_size,
			      gh_vm_max_extents(arg->flags));
}

static int gh_vm_add_user_region(struct gh_vm *ghvm,
				 const struct gh_userspace_memory_region *arg)
{
	struct gh_vm_backing *backing;

	if (!gh_vm_is_free(ghvm, arg->label, arg->guest_phys_addr, arg->memory_size))
		return -EEXIST;

	backing = gh_vm_take_user(arg);
	if (IS_ERR(backing))
		return PTR_ERR(backing);

	return gh_vm_add_region(ghvm, backing, arg->label, arg->flags, arg->guest_phys_addr,
				arg->memory_size);
}

/* Deleting what is not there succeeds. */
static void gh_vm_delete_region(struct gh_vm *ghvm, u32 label)
{
	struct gh_vm_region *region = gh_vm_find_region(ghvm, label);

	if (region)
		gh_vm_free_region(ghvm, region);
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

	/* It is this memory that is locked and counted; others have files of theirs. */
	if (current->mm != ghvm->mm)
		return -EPERM;

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

	ret = gh_vm_lock_config(ghvm);
	if (ret)
		return ret;
	if (region.memory_size)
		ret = gh_vm_add_user_region(ghvm, &region);
	else
		gh_vm_delete_region(ghvm, region.label);
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
	int ret;

	/* The Resource Manager maps the devicetree by whole pages of its own. */
	if (!IS_ALIGNED(arg->guest_phys_addr, GH_RM_PAGE_SIZE) || !arg->size)
		return -EINVAL;
	size = ALIGN(arg->size, GH_RM_PAGE_SIZE);
	if (!size || check_add_overflow(arg->guest_phys_addr, size, &end))
		return -EOVERFLOW;

	ret = gh_vm_lock_config(ghvm);
	if (ret)
		return ret;
	ghvm->dtb_gpa = arg->guest_phys_addr;
	ghvm->dtb_size = size;
	mutex_unlock(&ghvm->config_lock);

	return 0;
}

/**
 * gh_vm_region_around() - the region that a range of the guest's memory is in
 * @ghvm: the VM; its configuration is locked or frozen
 * @gpa: start of the range
 * @size: its size; the end does not overflow
 *
 * Return: the region that all of the range is inside of, or NULL.
 */
struct gh_vm_region *gh_vm_region_around(struct gh_vm *ghvm, u64 gpa, u64 size)
{
	struct gh_vm_region *region;

	if (!size)
		return NULL;

	list_for_each_entry(region, &ghvm->regions, node) {
		if (gpa >= region->gpa && gpa + size <= region->gpa + region->size)
			return region;
	}

	return NULL;
}

/**
 * gh_vm_free_own_memory() - free the regions that nobody else has
 * @ghvm: the VM; ends
 *
 * They need not wait for others that do not come back, nor for the VMID.
 */
void gh_vm_free_own_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region, *next;

	mutex_lock(&ghvm->config_lock);
	list_for_each_entry_safe(region, next, &ghvm->regions, node) {
		if (gh_vm_region_is_own(region))
			gh_vm_free_region(ghvm, region);
	}
	mutex_unlock(&ghvm->config_lock);
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
	list_for_each_entry_safe(region, next, &ghvm->regions, node)
		gh_vm_free_region(ghvm, region);
	mutex_unlock(&ghvm->config_lock);
}
