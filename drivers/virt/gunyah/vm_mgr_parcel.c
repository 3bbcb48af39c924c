// SPDX-License-Identifier: GPL-2.0
/*
 * Parcels: how memory regions go to the guest when a VM is started, and come
 * back at its end. All of this is the worker's; the regions no longer change.
 *
 * The Resource Manager is not told guest addresses. It puts
 * - the image, which is one parcel, where the devicetree says that RAM begins,
 * - other lent memory right behind that, in the order in which it gets it,
 * - shared memory where it likes, and says so in the guest's devicetree,
 * - and memory with the label of a device of the guest's where that device is.
 * That order is nowhere written down; it is what allocating from the bottom gives.
 * So a region can be more than one parcel only if it is of the second kind.
 */

#include <linux/device.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "vm_mgr.h"

/**
 * gh_vm_max_extents() - how scattered a region may be
 * @flags: GH_MEM_*
 *
 * Return: a number of extents; at the start of the VM less may turn out to be
 * possible.
 */
size_t gh_vm_max_extents(u32 flags)
{
	/* What moves is no longer scattered then. */
	if ((flags & GH_MEM_LENT) && !gh_vm_lends_in_place())
		return SIZE_MAX;
	return GH_VM_PARCEL_EXTENTS * (flags & GH_MEM_LENT ? GH_VM_MAX_PARCELS : 1);
}

/**
 * gh_vm_alloc_region() - make a region, and divide its memory into parcels
 * @backing: the memory
 *
 * Return: the region, or NULL; then the backing is still the caller's.
 */
struct gh_vm_region *gh_vm_alloc_region(struct gh_vm_backing *backing)
{
	size_t n = DIV_ROUND_UP(backing->extents.count, GH_VM_PARCEL_EXTENTS);
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	struct gh_vm_region *region;
	size_t i;

	region = kzalloc(struct_size(region, parcels, n), GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;

	region->backing = backing;
	region->n_parcels = n;
	for (i = 0; i < n; i++)
		region->parcels[i].mem_handle = GH_MEM_HANDLE_INVAL;

	gh_extents_iter_init(&iter, &backing->extents);
	for (i = 0; (extent = gh_extents_iter_next(&iter)); i++) {
		region->parcels[i / GH_VM_PARCEL_EXTENTS].n_extents++;
		region->parcels[i / GH_VM_PARCEL_EXTENTS].size += extent->size;
	}

	return region;
}

/**
 * gh_vm_region_handle() - name of a region that is one parcel
 * @region: the region with the image, or any of a VM with firmware; was given
 *
 * Return: the handle.
 */
u32 gh_vm_region_handle(const struct gh_vm_region *region)
{
	return region->parcels[0].mem_handle;
}

/*
 * Giving
 */

/* Whether it goes where it is to be even if the guest gets it piece by piece. */
static bool gh_vm_is_divisible(struct gh_vm *ghvm, const struct gh_vm_region *region)
{
	const struct gh_vm_region *image = gh_vm_region_around(ghvm, ghvm->dtb_gpa,
								  ghvm->dtb_size);
	const struct gh_vm_region *other;
	u64 next = image->gpa + image->size;

	/* With firmware it is the guest's devicetree that says what lies where. */
	if (gh_vm_has_firmware(ghvm))
		return false;

	list_for_each_entry(other, &ghvm->regions, node) {
		if (other == image || !(other->flags & GH_MEM_LENT))
			continue;
		if (other == region)
			return region->gpa == next;
		next += other->size;
	}

	return false;
}

/**
 * gh_vm_check_memory() - can all regions be given?
 * @ghvm: the VM; its configuration is locked, and it has a devicetree
 *
 * Return: 0, or -E2BIG if a region is too scattered for where it is.
 */
int gh_vm_check_memory(struct gh_vm *ghvm)
{
	struct gh_vm_region *region;

	lockdep_assert_held(&ghvm->config_lock);
	list_for_each_entry(region, &ghvm->regions, node) {
		if (region->n_parcels > GH_VM_MAX_PARCELS ||
		    (region->n_parcels > 1 && !gh_vm_is_divisible(ghvm, region)))
			return -E2BIG;
	}

	return 0;
}

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

/* @desc says what is the same for all parcels of the region. */
static int gh_vm_give_parcel(struct gh_vm *ghvm, struct gh_vm_region *region,
			     struct gh_vm_parcel *parcel, struct gh_rm_mem_parcel *desc)
{
	int ret;

	desc->n_mem_entries = parcel->n_extents;
	desc->mem_handle = GH_MEM_HANDLE_INVAL;
	desc->held = false;
	desc->claim = &parcel->claim;

	if (region->flags & GH_MEM_LENT)
		ret = gh_rm_mem_lend(ghvm->mgr->rm, desc);
	else
		ret = gh_rm_mem_share(ghvm->mgr->rm, desc);

	parcel->mem_handle = desc->mem_handle;
	parcel->reclaiming = desc->reclaiming;
	if (desc->held)
		gh_vm_set_parcel_state(ghvm, region, parcel,
				       ret ? GH_VM_PARCEL_STUCK : GH_VM_PARCEL_GIVEN);
	return ret;
}

static int gh_vm_give_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	struct gh_rm_mem_acl_entry acl[2] = {};
	struct gh_extents_iter iter;
	struct gh_rm_mem_parcel desc = {
		.mem_type = GH_RM_MEM_TYPE_NORMAL,
		.label = region->label,
		.n_acl_entries = 1,
		.acl_entries = acl,
		.next_entries = gh_vm_next_entries,
		.priv = &iter,
	};
	u16 host_vmid;
	size_t i;
	int ret;

	acl[0].vmid = cpu_to_le16(ghvm->vmid);
	acl[0].perms = gh_vm_region_perms(region);
	if (!(region->flags & GH_MEM_LENT)) {
		ret = gh_vm_host_vmid(ghvm->mgr, &host_vmid);
		if (ret)
			return ret;
		acl[1].vmid = cpu_to_le16(host_vmid);
		acl[1].perms = GH_RM_ACL_R | GH_RM_ACL_W | GH_RM_ACL_X;
		desc.n_acl_entries = 2;
	}

	/* Each parcel goes on where the one before ended. */
	gh_extents_iter_init(&iter, &region->backing->extents);
	for (i = 0; i < region->n_parcels; i++) {
		ret = gh_vm_aborted(ghvm);
		if (!ret)
			ret = gh_vm_give_parcel(ghvm, region, &region->parcels[i], &desc);
		if (ret)
			return ret;
	}

	return 0;
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
		ret = gh_vm_give_region(ghvm, region);
		if (ret)
			return ret;
	}

	return 0;
}

/*
 * Taking back
 */

/*
 * It did not tell us the handle when it was asked for the parcel: it may have
 * done so since, or have said that there is none.
 */
static int gh_vm_find_handle(struct gh_vm_parcel *parcel)
{
	return parcel->claim ? gh_rm_mem_claim(parcel->claim, &parcel->mem_handle) : -EBADMSG;
}

static int gh_vm_reclaim_parcel(struct gh_vm *ghvm, struct gh_vm_region *region,
				struct gh_vm_parcel *parcel)
{
	u8 flags = region->flags & GH_MEM_SANITIZE ? GH_RM_MEM_SANITIZE : 0;
	int ret;

	if (parcel->mem_handle == GH_MEM_HANDLE_INVAL) {
		ret = gh_vm_find_handle(parcel);
		if (ret)
			return ret == -ENOENT ? 0 : ret;
	}

	ret = gh_rm_mem_reclaim(ghvm->mgr->rm, parcel->mem_handle, flags);
	if (ret != -ESTALE) {
		parcel->reclaiming = ret;
		return ret;
	}

	/* There is no such parcel: it came back before, whatever was said then. */
	return parcel->reclaiming ? 0 : ret;
}

static bool gh_vm_reclaim_region(struct gh_vm *ghvm, struct gh_vm_region *region)
{
	struct gh_vm_parcel *parcel;
	bool all = true;
	size_t i;
	int ret;

	for (i = 0; i < region->n_parcels; i++) {
		parcel = &region->parcels[i];
		if (parcel->state == GH_VM_PARCEL_OWN)
			continue;

		ret = gh_vm_reclaim_parcel(ghvm, region, parcel);
		if (ret) {
			dev_err_ratelimited(gh_rm_dev(ghvm->mgr->rm),
					    "VM %u: failed to reclaim region %u, its memory is kept: %d\n",
					    ghvm->vmid, region->label, ret);
			gh_vm_set_parcel_state(ghvm, region, parcel, GH_VM_PARCEL_STUCK);
			all = false;
		} else {
			gh_vm_set_parcel_state(ghvm, region, parcel, GH_VM_PARCEL_OWN);
			parcel->mem_handle = GH_MEM_HANDLE_INVAL;
			gh_rm_mem_unclaim(parcel->claim);
			parcel->claim = NULL;
		}
	}

	return all;
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
		if (!gh_vm_reclaim_region(ghvm, region))
			all = false;
	}

	return all;
}
