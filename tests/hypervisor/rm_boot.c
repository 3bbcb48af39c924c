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
	if (rm_parcel_private(parcel))
		return true;

	return parcel->trans == RM_TRANS_SHARE && parcel->nr_members == 2 &&
	       hyp_option("rm=debug");
}

static u32 accept_at(struct rm_vm *vm, struct rm_parcel *parcel, u64 ipa)
{
	const struct rm_vm_config *config = &vm->config;

	if (ipa < config->base || ipa - config->base > config->size_max ||
	    parcel->size > config->size_max - (ipa - config->base))
		return RM_NORESOURCE;

	return rm_parcel_accept(parcel, vm, ipa);
}

/* The tree says where a parcel of this label goes. */
static u64 place_of(const struct rm_vm *vm, const struct rm_parcel *parcel)
{
	const struct rm_shm *shm = rm_config_find_shm(&vm->config, parcel->label);

	return shm ? shm->base : RM_NO_ADDRESS;
}

static u32 accept_at_place(struct rm_vm *vm, struct rm_parcel *parcel, u64 ipa)
{
	u32 error = accept_at(vm, parcel, ipa);

	if (!error && vm->mem_end < ipa + parcel->size)
		vm->mem_end = ipa + parcel->size;

	return error;
}

u32 rm_vm_accept(struct rm_vm *vm, struct rm_parcel *parcel)
{
	u64 place = place_of(vm, parcel);
	u32 error;

	if (parcel->handle == vm->image.handle)
		return accept_at(vm, parcel, vm->config.base);
	if (place != RM_NO_ADDRESS)
		return accept_at_place(vm, parcel, place);
	error = accept_at(vm, parcel, vm->mem_end);
	if (!error)
		vm->mem_end += parcel->size;

	return error;
}

struct rm_parcel *rm_vm_find_parcel(const struct rm_vm *vm, u32 label)
{
	struct rm_parcel *parcel;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		const struct rm_member *member =
			rm_parcel_member(parcel, vm->vmid);

		if (member && member->accepted && parcel->label == label)
			return parcel;
	}

	return NULL;
}

/* In the order in which they get their addresses */
enum kind {
	PRIVATE,	/* more RAM */
	PLACED,		/* the tree says where */
	SHARED,
};

static enum kind kind_of(const struct rm_vm *vm, const struct rm_parcel *parcel)
{
	if (place_of(vm, parcel) != RM_NO_ADDRESS)
		return PLACED;

	return rm_parcel_private(parcel) ? PRIVATE : SHARED;
}

/* Accepts what was given for this VM and is complete. */
static u32 accept_parcels(struct rm_vm *vm, enum kind kind)
{
	struct rm_parcel *parcel;
	u32 error;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		struct rm_member *member = rm_parcel_member(parcel, vm->vmid);

		if (!member || member->accepted || parcel->open ||
		    kind_of(vm, parcel) != kind)
			continue;
		error = rm_vm_accept(vm, parcel);
		if (error)
			return error;
	}

	return RM_OK;
}

/* Room for firmware has a place of its own if the tree says so. */
static u32 accept_firmware(struct rm_vm *vm)
{
	const struct rm_firmware_mem *firmware = &vm->set.firmware;
	struct rm_parcel *parcel;

	if (!firmware->valid || vm->config.firmware_base == RM_NO_ADDRESS)
		return RM_OK;
	parcel = rm_parcel_find(firmware->handle);
	if (rm_parcel_member(parcel, vm->vmid)->accepted)
		return RM_OK;

	return rm_parcel_accept(parcel, vm, vm->config.firmware_base);
}

/* Parcels that the tree insists on */
static bool shms_complete(const struct rm_vm *vm)
{
	const struct rm_shm *shm;

	for (shm = vm->config.shms; shm; shm = shm->next)
		if (!shm->optional && !rm_vm_find_parcel(vm, shm->label))
			return false;

	return true;
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
	if (!rm_parcel_member(image, vm->vmid)->accepted) {
		error = rm_vm_accept(vm, image);
		if (error)
			return error;
	}
	error = accept_firmware(vm);
	if (!error)
		error = accept_parcels(vm, PRIVATE);
	if (!error)
		error = accept_parcels(vm, PLACED);
	if (error)
		return error;
	/* Shared buffers keep away from what the guest has as its RAM. */
	vm->mem_end = ALIGN(vm->mem_end, BLOCK_SIZE);
	error = accept_parcels(vm, SHARED);
	if (!error && !shms_complete(vm))
		error = RM_NORESOURCE;

	return error;
}

static u32 complete_tree(struct rm_vm *vm)
{
	void *fdt = rm_dtb_load(vm);

	if (!fdt || rm_overlay_guest(vm, fdt, vm->image.dtb_size) ||
	    !rm_dtb_store(vm, fdt))
		return RM_NORESOURCE;

	return RM_OK;
}

static void set_registers(const struct rm_boot_context *context,
			  struct vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < RM_BOOT_X_COUNT; i++)
		if (context->has_x & BIT(i))
			vcpu_set_reg(vcpu, VCPU_REG_X, i, context->x[i]);
	for (i = 0; i < RM_BOOT_SP_COUNT; i++)
		if (context->has_sp & BIT(i))
			vcpu_set_reg(vcpu, VCPU_REG_SP, i, context->sp[i]);
	if (context->has_pc)
		vcpu_set_reg(vcpu, VCPU_REG_PC, 0, context->pc);
}

/* Firmware comes first, and is told about the image. */
static void enter_firmware(const struct rm_vm *vm, struct vcpu *vcpu, u64 pc)
{
	const struct rm_firmware_mem *firmware = &vm->set.firmware;
	struct rm_parcel *parcel = rm_parcel_find(firmware->handle);
	u64 base = rm_parcel_member(parcel, vm->vmid)->ipa + firmware->offset;

	vcpu_set_reg(vcpu, VCPU_REG_X, 1, pc);
	vcpu_set_reg(vcpu, VCPU_REG_X, 2, vm->image.image_size);
	vcpu_set_reg(vcpu, VCPU_REG_PC, 0, base);
}

static u32 power_on(struct rm_vm *vm)
{
	const struct rm_vm_config *config = &vm->config;
	u64 pc = config->base + vm->image.image_offset + config->entry_offset;
	u64 dtb = config->base + vm->image.dtb_offset;
	bool first = true;
	unsigned int i;

	for (i = 0; i < config->nr_cpus; i++) {
		struct vcpu *vcpu = vm->vm->vcpus[i];

		if (!config->boot_cpu[i])
			continue;
		if (vcpu_power_on(vcpu, pc, dtb))
			return RM_NORESOURCE;
		if (vm->set.auth == RM_AUTH_ANDROID)
			enter_firmware(vm, vcpu, pc);
		else if (first)
			set_registers(&vm->set.context, vcpu);
		first = false;
	}

	return RM_OK;
}

/* The host is not told the details: most failures are a lack of something. */
u32 rm_vm_boot(struct rm_vm *vm)
{
	if (vm->set.auth == RM_AUTH_ANDROID && !rm_firmware_load(vm))
		return RM_DENIED;
	if (!vm->config.gic.present || accept_memory(vm) || complete_tree(vm))
		return RM_NORESOURCE;

	return power_on(vm);
}
