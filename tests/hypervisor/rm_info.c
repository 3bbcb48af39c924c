// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that only ask: who, whose, in which state, with which resources.
 */

#include "rm.h"

/* Any VM may ask about any other; 0 is the one that asks. */
static u32 find_vm(struct rm_call *call, struct rm_vm **vm)
{
	const struct rm_vmid_req *req = call->req;

	if (req->zero)
		return RM_ARGUMENT_INVALID;
	*vm = rm_vm_resolve(call, req->vmid);

	return *vm ? RM_OK : RM_VMID_INVALID;
}

u32 rm_get_vmid(struct rm_call *call)
{
	rm_put_u32(call, call->sender);

	return RM_OK;
}

u32 rm_host_get_type(struct rm_call *call)
{
	rm_put_u32(call, RM_HOST_TYPE);

	return RM_OK;
}

u32 rm_get_owner(struct rm_call *call)
{
	struct rm_vm *vm;
	u32 error = find_vm(call, &vm);

	if (!error)
		rm_put_u32(call, vm->owner);

	return error;
}

u32 rm_get_state(struct rm_call *call)
{
	struct rm_vm *vm;
	u32 error = find_vm(call, &vm);

	if (!error)
		rm_put_u32(call, vm->state | vm->os_state << 8 |
				 (u32)vm->app_status << 16);

	return error;
}

static void put_id(struct rm_call *call, u8 type, const void *data, u16 size)
{
	static const u8 padding[sizeof(u32)];
	struct rm_id_entry entry = {
		.type = type,
		.size = size,
	};

	rm_put(call, &entry, sizeof(entry));
	rm_put(call, data, size);
	rm_put(call, padding, ALIGN(size, sizeof(padding)) - size);
}

static void put_string_id(struct rm_call *call, u8 type, const char *string)
{
	if (string[0])
		put_id(call, type, string, strlen(string));
}

/* There is always a GUID; it is zero when the tree gave none. */
u32 rm_get_id(struct rm_call *call)
{
	const struct rm_vm_config *config;
	struct rm_vm *vm;
	u32 error = find_vm(call, &vm);

	if (error)
		return error;
	config = &vm->config;
	rm_put_u32(call, 1 + !!config->name[0] + !!config->uri[0] +
			 !!config->vendor[0]);
	put_id(call, RM_ID_GUID, config->guid, RM_GUID_SIZE);
	put_string_id(call, RM_ID_NAME, config->name);
	put_string_id(call, RM_ID_URI, config->uri);
	put_string_id(call, RM_ID_SIGN_AUTH, config->vendor);

	return RM_OK;
}

/*
 * Whose name, URI or GUID is this? The answer may be: nobody's.
 */

static bool is_string(const char *string, const struct rm_bytes *bytes)
{
	return bytes->size && strlen(string) == bytes->size &&
	       !memcmp(string, bytes->data, bytes->size);
}

static bool has_name(const struct rm_vm *vm, const struct rm_bytes *bytes)
{
	return is_string(vm->config.name, bytes);
}

static bool has_uri(const struct rm_vm *vm, const struct rm_bytes *bytes)
{
	return is_string(vm->config.uri, bytes);
}

static bool has_guid(const struct rm_vm *vm, const struct rm_bytes *bytes)
{
	return vm->config.has_guid &&
	       !memcmp(vm->config.guid, bytes->data, RM_GUID_SIZE);
}

static u32 lookup(struct rm_call *call,
		  bool (*fits)(const struct rm_vm *vm,
			       const struct rm_bytes *bytes))
{
	const struct rm_bytes *bytes = call->req;
	const struct rm_vm *vm;
	u32 nr = 0;

	if (call->len < sizeof(*bytes) ||
	    call->len != sizeof(*bytes) + ALIGN(bytes->size, sizeof(u32)))
		return RM_MSG_INVALID;
	if (bytes->zero)
		return RM_ARGUMENT_INVALID;

	rm_put_u32(call, 0);
	for (vm = rm_vm_next(NULL); vm; vm = rm_vm_next(vm)) {
		if (!fits(vm, bytes))
			continue;
		rm_put_u32(call, vm->vmid);
		nr++;
	}
	memcpy(call->body, &nr, sizeof(nr));

	return RM_OK;
}

u32 rm_lookup_name(struct rm_call *call)
{
	return lookup(call, has_name);
}

u32 rm_lookup_uri(struct rm_call *call)
{
	return lookup(call, has_uri);
}

u32 rm_lookup_guid(struct rm_call *call)
{
	const struct rm_bytes *bytes = call->req;

	if (call->len != sizeof(*bytes) + RM_GUID_SIZE ||
	    bytes->size != RM_GUID_SIZE)
		return RM_MSG_INVALID;

	return lookup(call, has_guid);
}

/* Those that hear of each other: a VM and who owns it */
u32 rm_get_peers(struct rm_call *call)
{
	const struct rm_vm *peer;
	struct rm_vm *vm;
	u32 error = find_vm(call, &vm);
	u32 nr = 0;

	if (error)
		return error;
	rm_put_u32(call, 0);
	for (peer = rm_vm_next(NULL); peer; peer = rm_vm_next(peer)) {
		if (peer->vmid != vm->owner && peer->owner != vm->vmid)
			continue;
		rm_put_u32(call, peer->vmid);
		nr++;
	}
	memcpy(call->body, &nr, sizeof(nr));

	return RM_OK;
}

/* What the guest had to say when it crashed, until RESET */
u32 rm_get_crash_msg(struct rm_call *call)
{
	static const u8 padding[sizeof(u32)];
	struct rm_bytes bytes = { 0 };
	struct rm_vm *vm;
	u32 error = find_vm(call, &vm);

	if (error)
		return error;
	bytes.size = vm->set.crash_len;
	rm_put(call, &bytes, sizeof(bytes));
	rm_put(call, vm->set.crash, bytes.size);
	rm_put(call, padding, ALIGN(bytes.size, sizeof(padding)) - bytes.size);

	return RM_OK;
}

/*
 * Resources: what the one who asks has to do with a VM. Before INIT and after
 * RESET there is none.
 */

static u32 put_vcpus(struct rm_call *call, const struct rm_vm *vm)
{
	const struct rm_vm_config *config = &vm->config;
	unsigned int i;

	for (i = 0; i < config->nr_cpus; i++) {
		struct rm_resource entry = {
			.type = RM_RES_VCPU,
			.label = config->proxy ? i : config->affinity[i],
			.cap = vm->vcpu_cap[i],
			.virq = config->proxy ?
				vcpu_wakeup_virq(vm->vm->vcpus[i]) : RM_NO_VIRQ,
		};

		rm_put(call, &entry, sizeof(entry));
	}

	return i;
}

static u32 put_bells(struct rm_call *call, const struct rm_vm *vm)
{
	const struct rm_bell *bell;
	u32 nr = 0;

	for (bell = vm->config.bells; bell; bell = bell->next) {
		struct rm_resource entry = {
			.type = bell->from_guest ? RM_RES_BELL_RX :
						   RM_RES_BELL_TX,
			.partner = vm->vmid,
			.label = bell->dev.label,
			.cap = bell->owner_cap,
			.virq = bell->virq,
		};

		/* The reply is full; the rest cannot be told. */
		if (!rm_put(call, &entry, sizeof(entry)))
			break;
		nr++;
	}

	return nr;
}

u32 rm_get_resources(struct rm_call *call)
{
	const struct rm_vmid_req *req = call->req;
	struct rm_vm *vm = rm_vm_resolve(call, req->vmid);
	u32 nr = 0;

	if (req->zero || (!vm && req->vmid != RM_VMID_RM))
		return RM_ARGUMENT_INVALID;

	/* The count comes first and is known last. */
	rm_put_u32(call, 0);
	if (vm && vm->owner == call->sender &&
	    (vm->state == RM_STATE_READY || vm->state == RM_STATE_RUNNING ||
	     vm->state == RM_STATE_PAUSED || vm->state == RM_STATE_EXITED)) {
		nr = put_vcpus(call, vm);
		nr += put_bells(call, vm);
	}
	memcpy(call->body, &nr, sizeof(nr));

	return RM_OK;
}
