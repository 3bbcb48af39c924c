// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that prepare a VM: the base of its time, firmware that comes before
 * its image, and the registers that it starts with.
 */

#include "rm.h"

struct rm_firmware rm_firmware;
bool rm_has_boot_context;

void rm_set_init(void)
{
	rm_has_boot_context = hyp_option("rm=bootcontext");
	rm_entries_max = RM_ENTRIES_ANY;
}

/* Two of these messages say four bytes more than needed when they fail. */
static u32 fail(struct rm_call *call, u32 error)
{
	call->error_has_body = true;
	rm_put_u32(call, error);

	return error;
}

/* What time it is to be for a VM: only noted, as guests have no clock here. */
u32 rm_set_time_base(struct rm_call *call)
{
	const struct rm_time_base_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	error = rm_vm_find_own(call, req->vmid, req->zero, &vm);
	if (error)
		return fail(call, error);
	vm->set.has_time_base = true;
	vm->set.time_base = req->time_base;
	vm->set.time_reference = req->reference;

	return RM_OK;
}

/*
 * Registers. The Resource Manager of 2023 does not have this message, later ones
 * do.
 */
static bool set_register(struct rm_boot_context *context,
			 const struct rm_boot_context_req *req)
{
	switch (req->set) {
	case VCPU_REG_X:
		if (req->index >= RM_BOOT_X_COUNT)
			return false;
		context->has_x |= BIT(req->index);
		context->x[req->index] = req->value;
		return true;
	case VCPU_REG_PC:
		if (req->index)
			return false;
		context->has_pc = true;
		context->pc = req->value;
		return true;
	case VCPU_REG_SP:
		if (req->index >= RM_BOOT_SP_COUNT)
			return false;
		context->has_sp |= BIT(req->index);
		context->sp[req->index] = req->value;
		return true;
	default:
		return false;
	}
}

u32 rm_set_boot_context(struct rm_call *call)
{
	const struct rm_boot_context_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	if (!rm_has_boot_context)
		return RM_UNIMPLEMENTED;
	if (call->len != sizeof(*req))
		return RM_MSG_INVALID;
	error = rm_vm_find_own(call, req->vmid, 0, &vm);
	if (error)
		return error;
	if (vm->state != RM_STATE_READY)
		return RM_VM_STATE;
	if (req->zero || !set_register(&vm->set.context, req))
		return RM_ARGUMENT_INVALID;

	return RM_OK;
}

/*
 * Firmware
 */

/* Where firmware goes is kept, like the image, until RESET. */
static u32 take_firmware_mem(struct rm_vm *vm,
			     const struct rm_firmware_mem_req *req)
{
	struct rm_firmware_mem *firmware = &vm->set.firmware;
	struct rm_parcel *parcel = rm_parcel_find(req->handle);

	if (!parcel || !rm_parcel_member(parcel, vm->vmid) || parcel->open)
		return RM_MEM_INVALID;
	if (!rm_range_in(req->offset, req->size, parcel->size) ||
	    req->size < rm_firmware.size)
		return RM_ARGUMENT_INVALID;

	if (firmware->valid)
		rm_parcel_find(firmware->handle)->locked--;
	parcel->locked++;
	*firmware = (struct rm_firmware_mem) {
		.valid = true,
		.handle = req->handle,
		.offset = req->offset,
		.size = req->size,
	};

	return RM_OK;
}

static u32 check_firmware_vm(const struct rm_call *call, const struct rm_vm *vm)
{
	if (!vm)
		return RM_NORESOURCE;
	if (vm->owner != call->sender)
		return RM_DENIED;
	if (vm->state != RM_STATE_INIT)
		return RM_VM_STATE;
	if (vm->set.auth != RM_AUTH_ANDROID)
		return RM_ARGUMENT_INVALID;

	return rm_firmware.present ? RM_OK : RM_DENIED;
}

u32 rm_set_firmware_mem(struct rm_call *call)
{
	const struct rm_firmware_mem_req *req = call->req;
	struct rm_vm *vm = rm_vm_find(req->vmid);
	u32 error = RM_ARGUMENT_INVALID;

	if (!req->zero)
		error = check_firmware_vm(call, vm);
	if (!error)
		error = take_firmware_mem(vm, req);

	return error ? fail(call, error) : RM_OK;
}

static bool load_from_parcel(const struct rm_parcel *to, u64 offset)
{
	const struct rm_parcel *from = rm_parcel_find(rm_firmware.handle);
	static u8 page[PAGE_SIZE];
	u64 done, size;

	for (done = 0; done < rm_firmware.size; done += size) {
		size = min(rm_firmware.size - done, sizeof(page));
		if (!rm_parcel_read(from, done, page, size) ||
		    !rm_parcel_write(to, offset + done, page, size))
			return false;
	}

	return true;
}

bool rm_firmware_load(const struct rm_vm *vm)
{
	const struct rm_firmware_mem *firmware = &vm->set.firmware;
	const struct rm_parcel *to;

	/* A test may have changed its mind about what firmware there is. */
	if (!firmware->valid || !rm_firmware.present ||
	    firmware->size < rm_firmware.size)
		return false;
	to = rm_parcel_find(firmware->handle);
	if (rm_firmware.in_parcel)
		return load_from_parcel(to, firmware->offset);

	return rm_parcel_write(to, firmware->offset, rm_firmware.bytes,
			       rm_firmware.size);
}

/*
 * What boot loaders say before the host runs: which firmware there is, and that
 * there will be no other.
 */
u32 rm_fw_set_vm_firmware(struct rm_call *call)
{
	const struct rm_set_firmware_req *req = call->req;
	const struct rm_member *member;
	struct rm_parcel *parcel;

	if (call->sender != RM_VMID_HLOS || rm_firmware.closed)
		return RM_DENIED;
	if (req->auth != RM_AUTH_ANDROID || req->zero)
		return RM_UNIMPLEMENTED;
	if (rm_firmware.present)
		return RM_BUSY;

	parcel = rm_parcel_find(req->handle);
	member = parcel ? rm_parcel_member(parcel, RM_VMID_RM) : NULL;
	if (!member || parcel->owner != call->sender || parcel->open ||
	    parcel->trans != RM_TRANS_DONATE || member->rights != RM_RIGHTS_RWX)
		return RM_MEM_INVALID;
	if (req->offset || !req->size || req->size > parcel->size)
		return RM_ARGUMENT_INVALID;

	parcel->locked++;
	rm_firmware.present = true;
	rm_firmware.in_parcel = true;
	rm_firmware.handle = req->handle;
	rm_firmware.size = req->size;

	return RM_OK;
}

u32 rm_fw_milestone(struct rm_call *call)
{
	if (call->sender != RM_VMID_HLOS || rm_firmware.closed)
		return RM_DENIED;
	rm_firmware.closed = true;

	return RM_OK;
}
