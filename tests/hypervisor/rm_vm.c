// SPDX-License-Identifier: GPL-2.0
/*
 * VMs and their lives. Each VM goes through these states:
 *
 *   ALLOCATE -> LOAD -CONFIG_IMAGE-> [AUTH -AUTH_IMAGE->] INIT -INIT-> READY
 *     -START-> RUNNING -(powers off, or STOP)-> EXITED
 *   CONFIG_IMAGE, INIT and START end in INIT_FAILED when they fail.
 *   {READY, EXITED, INIT_FAILED} -RESET-> RESETTING -(later)-> RESET
 *   RESET -CONFIG_IMAGE-> as above; {LOAD, RESET} -DEALLOCATE-> gone
 */

#include "rm.h"

static struct rm_vm *vms[RM_VMID_COUNT];

struct rm_vm *rm_vm_find(u16 vmid)
{
	return vmid < RM_VMID_COUNT ? vms[vmid] : NULL;
}

struct rm_vm *rm_vm_resolve(const struct rm_call *call, u16 vmid)
{
	return rm_vm_find(vmid == RM_VMID_SELF ? call->sender : vmid);
}

struct rm_vm *rm_vm_next(const struct rm_vm *vm)
{
	unsigned int vmid;

	for (vmid = vm ? vm->vmid + 1 : 0; vmid < RM_VMID_COUNT; vmid++)
		if (vms[vmid])
			return vms[vmid];

	return NULL;
}

struct vm *rm_primary(void)
{
	return vms[RM_VMID_HLOS]->vm;
}

const char *rm_vm_state_name(enum rm_vm_state state)
{
	static const char * const names[] = {
		[RM_STATE_NONE] = "NONE",
		[RM_STATE_INIT] = "INIT",
		[RM_STATE_READY] = "READY",
		[RM_STATE_RUNNING] = "RUNNING",
		[RM_STATE_PAUSED] = "PAUSED",
		[RM_STATE_LOAD] = "LOAD",
		[RM_STATE_AUTH] = "AUTH",
		[RM_STATE_INIT_FAILED] = "INIT_FAILED",
		[RM_STATE_EXITED] = "EXITED",
		[RM_STATE_RESETTING] = "RESETTING",
		[RM_STATE_RESET] = "RESET",
	};

	return names[state];
}

void rm_vm_set_state(struct rm_vm *vm, enum rm_vm_state state)
{
	struct rm_vm_status status = {
		.vmid = vm->vmid,
		.vm_state = state,
		.os_state = vm->os_state,
		.app_status = vm->app_status,
	};

	vm->state = state;
	rm_rpc_notify(vm->owner, RM_NOTIF_VM_STATUS, &status, sizeof(status));
}

static struct rm_vm *add_vm(u16 vmid, u16 owner, enum rm_vm_state state)
{
	struct rm_vm *vm = hyp_zalloc(sizeof(*vm));

	if (!vm)
		return NULL;
	vm->vmid = vmid;
	vm->owner = owner;
	vm->state = state;
	vms[vmid] = vm;

	return vm;
}

/* The primary VM was there before us; nobody owns it. */
void rm_vm_setup(struct vm *primary)
{
	struct rm_vm *vm = add_vm(RM_VMID_HLOS, RM_VMID_SELF, RM_STATE_RUNNING);

	if (!vm)
		hyp_panic("RM: no memory");
	vm->vm = primary;
}

/*
 * Life and death of a VMID
 */

static int find_free_vmid(void)
{
	unsigned int vmid;

	for (vmid = RM_VMID_DYN_FIRST; vmid <= RM_VMID_DYN_LAST; vmid++)
		if (!vms[vmid])
			return vmid;

	return -1;
}

u32 rm_vm_allocate(struct rm_call *call)
{
	const struct rm_vmid_req *req = call->req;
	int vmid = req->vmid;

	if (req->zero)
		return RM_ARGUMENT_INVALID;
	if (call->sender != RM_VMID_HLOS)
		return RM_DENIED;

	if (!req->vmid)
		vmid = find_free_vmid();
	else if (vmid < RM_VMID_FIXED_FIRST || vmid > RM_VMID_FIXED_LAST ||
		 vms[vmid])
		vmid = -1;
	if (vmid < 0)
		return RM_NORESOURCE;

	if (!add_vm(vmid, call->sender, RM_STATE_LOAD))
		return RM_NOMEM;
	/* Who asked for a certain number knows it. */
	if (!req->vmid)
		rm_put_u32(call, vmid);

	return RM_OK;
}

u32 rm_vm_find_own(const struct rm_call *call, u16 vmid, u16 zero,
		   struct rm_vm **vm)
{
	if (zero)
		return RM_ARGUMENT_INVALID;
	*vm = rm_vm_find(vmid);
	if (!*vm)
		return RM_VMID_INVALID;
	if ((*vm)->owner != call->sender)
		return RM_DENIED;

	return RM_OK;
}

u32 rm_vm_deallocate(struct rm_call *call)
{
	const struct rm_vmid_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	error = rm_vm_find_own(call, req->vmid, req->zero, &vm);
	if (error)
		return error;
	if (vm->state != RM_STATE_LOAD && vm->state != RM_STATE_RESET)
		return RM_VM_STATE;
	vms[vm->vmid] = NULL;
	hyp_free(vm);

	return RM_OK;
}

/*
 * From an image to a VM that runs
 */

static u32 take_image(struct rm_vm *vm, const struct rm_config_image_req *req)
{
	struct rm_parcel *parcel = rm_parcel_find(req->handle);

	if (!parcel || !rm_parcel_member(parcel, vm->vmid) || parcel->open)
		return RM_MEM_INVALID;
	if (!rm_range_in(req->image_offset, req->image_size, parcel->size) ||
	    !rm_range_in(req->dtb_offset, req->dtb_size, parcel->size))
		return RM_ARGUMENT_INVALID;
	if (req->auth >= RM_AUTH_COUNT)
		return RM_ARGUMENT_INVALID;

	parcel->locked++;
	vm->set.auth = req->auth;
	vm->image = (struct rm_image) {
		.valid = true,
		.handle = req->handle,
		.image_offset = req->image_offset,
		.image_size = req->image_size,
		.dtb_offset = req->dtb_offset,
		.dtb_size = req->dtb_size,
	};

	return RM_OK;
}

u32 rm_vm_config_image(struct rm_call *call)
{
	const struct rm_config_image_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	error = rm_vm_find_own(call, req->vmid, 0, &vm);
	if (error)
		return error;
	if (vm->state != RM_STATE_LOAD && vm->state != RM_STATE_RESET)
		return RM_VM_STATE;

	error = take_image(vm, req);
	if (error)
		rm_vm_set_state(vm, RM_STATE_INIT_FAILED);
	else if (req->auth == RM_AUTH_PLATFORM)
		rm_vm_set_state(vm, RM_STATE_AUTH);
	else
		rm_vm_set_state(vm, RM_STATE_INIT);

	return error;
}

/* Signatures are for platforms that have somebody to check them. */
u32 rm_vm_auth_image(struct rm_call *call)
{
	const struct rm_auth_image_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	if (call->len < sizeof(*req) ||
	    call->len != sizeof(*req) + req->nr * sizeof(req->entry[0]))
		return RM_MSG_INVALID;
	error = rm_vm_find_own(call, req->vmid, 0, &vm);
	if (error)
		return error;
	if (vm->state != RM_STATE_AUTH)
		return RM_VM_STATE;
	rm_vm_set_state(vm, RM_STATE_INIT);

	return RM_OK;
}

static u32 change_state(struct rm_call *call, enum rm_vm_state from,
			u32 (*change)(struct rm_vm *vm), enum rm_vm_state to)
{
	const struct rm_vmid_req *req = call->req;
	struct rm_vm *vm;
	u32 error;

	error = rm_vm_find_own(call, req->vmid, req->zero, &vm);
	if (error)
		return error;
	if (vm->state != from)
		return RM_VM_STATE;

	error = change(vm);
	rm_vm_set_state(vm, error ? RM_STATE_INIT_FAILED : to);

	return error;
}

u32 rm_vm_init(struct rm_call *call)
{
	return change_state(call, RM_STATE_INIT, rm_vm_build, RM_STATE_READY);
}

u32 rm_vm_start(struct rm_call *call)
{
	return change_state(call, RM_STATE_READY, rm_vm_boot, RM_STATE_RUNNING);
}

/*
 * The end
 */

static void vm_exited(struct rm_vm *vm, enum rm_exit_type type,
		      const u32 *reason, unsigned int nr_words)
{
	struct rm_vm_exited exited = {
		.vmid = vm->vmid,
		.type = type,
		.reason_size = nr_words * sizeof(*reason),
	};

	memcpy(exited.reason, reason, exited.reason_size);
	rm_vm_set_state(vm, RM_STATE_EXITED);
	rm_rpc_notify(vm->owner, RM_NOTIF_VM_EXITED, &exited,
		      offsetof(struct rm_vm_exited, reason) +
		      exited.reason_size);
}

/*
 * The core tells, on whatever CPU it was, that a VM has ended by itself. A STOP
 * that is handled before rm_vm_work() comes to it wins: then the VM was running
 * to the very end and was stopped by force.
 */
void rm_vm_exited(struct vm *vm, enum vm_exit_type type, u64 arg, u64 cookie)
{
	struct rm_exit *exit = &vms[vm->vmid]->exit;

	exit->pending = true;
	exit->type = (enum rm_exit_type)type;
	exit->arg = arg;
	exit->cookie = cookie;
}

static void report_exit(struct rm_vm *vm)
{
	const struct rm_exit *exit = &vm->exit;
	u32 reason[RM_EXIT_MAX_REASON] = { 0 };
	unsigned int nr_words = 1;

	if (exit->type == RM_EXIT_ERROR) {
		reason[0] = RM_EXIT_CODE_SOFTWARE << RM_EXIT_CODE_SHIFT;
	} else if (exit->type == RM_EXIT_PSCI_RESET2) {
		reason[0] = exit->arg >> 63 ? RM_EXIT_FLAG_SMC64 : 0;
		reason[1] = exit->arg;
		reason[2] = exit->cookie;
		reason[3] = exit->cookie >> 32;
		nr_words = 4;
	}
	vm_exited(vm, exit->type, reason, nr_words);
}

bool rm_vm_end(u16 vmid, enum rm_exit_type type, u32 reason)
{
	u32 words[RM_EXIT_MAX_REASON] = { reason };
	struct rm_vm *vm = rm_vm_find(vmid);

	if (!vm || vmid == RM_VMID_HLOS || vm->state != RM_STATE_RUNNING)
		return false;
	vm_kill(vm->vm);
	vm->exit.pending = false;
	vm_exited(vm, type, words,
		  type == RM_EXIT_PSCI_RESET2 ? RM_EXIT_MAX_REASON : 1);

	return true;
}

u32 rm_vm_stop(struct rm_call *call)
{
	static const u32 no_flags;
	const struct rm_stop_req *req = call->req;
	struct rm_vm *vm = rm_vm_find(req->vmid);

	if (req->zero || req->flags & ~RM_STOP_FORCE)
		return RM_ARGUMENT_INVALID;
	if (!vm || vm->owner != call->sender)
		return RM_VMID_INVALID;
	if (vm->state != RM_STATE_RUNNING && vm->state != RM_STATE_PAUSED)
		return RM_VM_STATE;
	if (vm->config.no_shutdown)
		return RM_DENIED;

	/* Without force the guest is only asked, if it listens. */
	if (!(req->flags & RM_STOP_FORCE)) {
		vm->set.asked_to_stop = true;
		vm->set.stop_reason = req->reason;
		rm_rpc_notify(vm->vmid, RM_NOTIF_VM_SHUTDOWN, &req->reason,
			      sizeof(req->reason));
		return RM_OK;
	}

	vm_kill(vm->vm);
	vm->exit.pending = false;
	vm_exited(vm, RM_EXIT_FORCED, &no_flags, 1);

	return RM_OK;
}

u32 rm_vm_reset(struct rm_call *call)
{
	const struct rm_vmid_req *req = call->req;
	struct rm_vm *vm = rm_vm_find(req->vmid);

	if (req->zero)
		return RM_ARGUMENT_INVALID;
	if (!vm || vm->owner != call->sender)
		return RM_VMID_INVALID;
	if (vm->state != RM_STATE_EXITED && vm->state != RM_STATE_READY &&
	    vm->state != RM_STATE_INIT_FAILED)
		return RM_VM_STATE;
	if (vm->config.no_reset)
		return RM_DENIED;

	/* It may be on already if START failed at the very end. */
	if (vm->vm && !vm->vm->dead)
		vm_kill(vm->vm);
	rm_vm_set_state(vm, RM_STATE_RESETTING);

	return RM_OK;
}

/* Everything that the VM had accepted goes back to who gave it. */
static void release_parcels(struct rm_vm *vm)
{
	struct rm_parcel *parcel;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		struct rm_member *member = rm_parcel_member(parcel, vm->vmid);
		struct rm_mem_event released = {
			.handle = parcel->handle,
			.vmid = vm->vmid,
		};

		if (!member || !member->accepted)
			continue;
		rm_parcel_release(parcel, vm);
		rm_rpc_notify(parcel->owner, RM_NOTIF_MEM_RELEASED, &released,
			      sizeof(released));
	}
}

/* What it boots from can be taken back now, and what was said is forgotten. */
static void forget(struct rm_vm *vm)
{
	if (vm->image.valid)
		rm_parcel_find(vm->image.handle)->locked--;
	vm->image.valid = false;
	if (vm->set.firmware.valid)
		rm_parcel_find(vm->set.firmware.handle)->locked--;
	memset(&vm->set, 0, sizeof(vm->set));
}

static void finish_reset(struct rm_vm *vm)
{
	release_parcels(vm);
	rm_vm_unbuild(vm);
	forget(vm);
	vm->exit.pending = false;
	rm_vm_set_state(vm, RM_STATE_RESET);
}

static bool vm_work(struct rm_vm *vm)
{
	if (vm->exit.pending && vm->state == RM_STATE_RUNNING) {
		vm->exit.pending = false;
		report_exit(vm);
		return true;
	}
	/* A vCPU that was killed may still be on its way out. */
	if (vm->state == RM_STATE_RESETTING &&
	    (!vm->vm || vm_quiescent(vm->vm))) {
		finish_reset(vm);
		return true;
	}

	return false;
}

bool rm_vm_work(void)
{
	struct rm_vm *vm;

	for (vm = rm_vm_next(NULL); vm; vm = rm_vm_next(vm))
		if (vm_work(vm))
			return true;

	return false;
}
