// SPDX-License-Identifier: GPL-2.0
/*
 * START: the guest gets its memory, its tree is completed, its first vCPUs go.
 */

#include "rm.h"

/*
 * The image has to be the guest's alone, with all rights. A debug build also
 * takes one that is shared with the owner.
 */
static bool image_acceptable(struct rm_parcel *parcel, u16 vmid)
{
	struct rm_member *member = rm_parcel_member(parcel, vmid);

	if (member->rights != RM_RIGHTS_RWX)
		return false;
	if (parcel->lent)
		return parcel->nr_members == 1;

	return parcel->nr_members == 2 && hyp_option("rm=debug");
}

static u32 accept_at(struct rm_vm *vm, struct rm_parcel *parcel, u64 ipa)
{
	const struct rm_vm_config *config = &vm->config;

	if (ipa < config->base || ipa - config->base > config->size_max ||
	    parcel->size > config->size_max - (ipa - config->base))
		return RM_NORESOURCE;

	return rm_parcel_accept(parcel, vm, ipa);
}

/* Memory that is the guest's alone goes on where the image ends. */
static bool is_private(const struct rm_parcel *parcel)
{
	return parcel->lent && parcel->nr_members == 1;
}

/*
 * Accepts what was given for this VM and is complete: private parcels or the
 * others.
 */
static u32 accept_parcels(struct rm_vm *vm, bool private)
{
	struct rm_parcel *parcel;
	u32 error;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		struct rm_member *member = rm_parcel_member(parcel, vm->vmid);

		if (!member || member->accepted || parcel->open ||
		    is_private(parcel) != private)
			continue;
		error = accept_at(vm, parcel, vm->mem_end);
		if (error)
			return error;
		vm->mem_end += parcel->size;
	}

	return RM_OK;
}

static u32 accept_memory(struct rm_vm *vm)
{
	struct rm_parcel *image = rm_parcel_find(vm->image.handle);
	u32 error;

	if (!image_acceptable(image, vm->vmid)) {
		hyp_log("RM: the image of VM %s is not lent to it alone",
			vm->config.name);
		return RM_NORESOURCE;
	}
	error = accept_at(vm, image, vm->config.base);
	if (error)
		return error;
	vm->mem_end = vm->config.base + image->size;
	error = accept_parcels(vm, true);
	if (error)
		return error;
	/* Shared buffers keep away from what the guest has as its RAM. */
	vm->mem_end = ALIGN(vm->mem_end, BLOCK_SIZE);

	return accept_parcels(vm, false);
}

static u32 complete_tree(struct rm_vm *vm)
{
	void *fdt = rm_dtb_load(vm);

	if (!fdt || rm_overlay_guest(vm, fdt, vm->image.dtb_size) ||
	    !rm_dtb_store(vm, fdt))
		return RM_NORESOURCE;

	return RM_OK;
}

static u32 power_on(struct rm_vm *vm)
{
	const struct rm_vm_config *config = &vm->config;
	u64 pc = config->base + vm->image.image_offset + config->entry_offset;
	u64 dtb = config->base + vm->image.dtb_offset;
	unsigned int i;

	for (i = 0; i < config->nr_cpus; i++)
		if (config->boot_cpu[i] &&
		    vcpu_power_on(vm->vm->vcpus[i], pc, dtb))
			return RM_NORESOURCE;

	return RM_OK;
}

/* The host is not told the details: whatever failed is a lack of something. */
u32 rm_vm_boot(struct rm_vm *vm)
{
	if (!vm->config.gic.present || accept_memory(vm) || complete_tree(vm))
		return RM_NORESOURCE;

	return power_on(vm);
}
