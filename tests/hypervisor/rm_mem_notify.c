// SPDX-License-Identifier: GPL-2.0
/*
 * NOTIFY: those who have to do with a parcel tell each other through us that it
 * is there, wanted back, accepted or released.
 */

#include "rm.h"

/* The lists of MEM_SHARED: whom the parcel is for, with their rights.. */
static bool put_members(struct rm_call *msg, const struct rm_parcel *parcel)
{
	struct rm_list_header list = { .nr = parcel->nr_members };
	bool ok = rm_put(msg, &list, sizeof(list));
	unsigned int i;

	for (i = 0; i < parcel->nr_members; i++) {
		struct rm_acl_entry entry = {
			.vmid = parcel->member[i].vmid,
			.rights = parcel->member[i].rights,
		};

		ok = ok && rm_put(msg, &entry, sizeof(entry));
	}

	return ok;
}

/* ..how long its pieces are, as where they are is the owner's business.. */
static bool put_sizes(struct rm_call *msg, const struct rm_parcel *parcel)
{
	struct rm_list_header list = { .nr = parcel->nr_entries };
	bool ok = rm_put(msg, &list, sizeof(list));
	const struct rm_chunk *chunk;
	u64 i;

	for (chunk = parcel->first; chunk; chunk = chunk->next)
		for (i = 0; i < chunk->nr; i++)
			ok = ok && rm_put(msg, &chunk->entry[i].size,
					  sizeof(chunk->entry[i].size));

	return ok;
}

/* ..and how it is cached, if not as usual. */
static bool put_attributes(struct rm_call *msg, const struct rm_parcel *parcel)
{
	size_t start = msg->body_len;
	struct rm_list_header list = { 0 };
	bool ok = rm_put(msg, &list, sizeof(list));
	unsigned int i;

	for (i = 0; i < parcel->nr_members; i++) {
		struct rm_attr_entry entry = {
			.attr = parcel->member[i].attr,
			.vmid = parcel->member[i].vmid,
		};

		if (entry.attr == RM_ATTR_NORMAL)
			continue;
		ok = ok && rm_put(msg, &entry, sizeof(entry));
		list.nr++;
	}
	if (ok)
		memcpy(msg->body + start, &list, sizeof(list));

	return ok;
}

static bool build_shared(struct rm_call *msg, const struct rm_parcel *parcel,
			 u32 tag)
{
	const struct rm_mem_shared shared = {
		.handle = parcel->handle,
		.type = RM_MEM_NORMAL,
		.trans = parcel->trans,
		.flags = parcel->sanitize ? RM_SHARED_SANITIZED : 0,
		.owner = parcel->owner,
		.label = parcel->label,
		.tag = tag,
	};

	return rm_put(msg, &shared, sizeof(shared)) &&
	       put_members(msg, parcel) && put_sizes(msg, parcel) &&
	       put_attributes(msg, parcel);
}

static void tell_owner(const struct rm_parcel *parcel, u32 id, u16 vmid, u32 tag)
{
	const struct rm_mem_event event = {
		.handle = parcel->handle,
		.vmid = vmid,
		.tag = tag,
	};

	rm_rpc_notify(parcel->owner, id, &event, sizeof(event));
}

/* A VM that does not run yet has us accept for it. */
static u32 accept_for(struct rm_vm *vm, struct rm_parcel *parcel, u32 tag)
{
	u32 error;

	if (rm_parcel_member(parcel, vm->vmid)->accepted)
		return RM_OK;
	error = rm_vm_accept(vm, parcel);
	if (!error)
		tell_owner(parcel, RM_NOTIF_MEM_ACCEPTED, vm->vmid, tag);

	return error;
}

/* From the owner to the members that are named: it is there for you. */
static u32 notify_shared(struct rm_parcel *parcel, u32 tag,
			 const struct rm_vmid_req *vmids, unsigned int nr)
{
	static u8 body[RM_BODY_MAX];
	struct rm_call msg = { .body = body };
	u32 error = RM_OK;
	unsigned int i;

	if (!build_shared(&msg, parcel, tag))
		return RM_NORESOURCE;
	for (i = 0; i < nr && !error; i++) {
		struct rm_vm *vm = rm_vm_find(vmids[i].vmid);

		if (vm && vm->state == RM_STATE_READY)
			error = accept_for(vm, parcel, tag);
		else
			rm_rpc_notify(vmids[i].vmid, RM_NOTIF_MEM_SHARED,
				      msg.body, msg.body_len);
	}

	return error;
}

/* From the owner to the members that are named: it is wanted back. */
static void notify_recall(const struct rm_parcel *parcel, u32 tag,
			  const struct rm_vmid_req *vmids, unsigned int nr)
{
	const struct rm_mem_recall recall = {
		.handle = parcel->handle,
		.tag = tag,
	};
	unsigned int i;

	for (i = 0; i < nr; i++)
		rm_rpc_notify(vmids[i].vmid, RM_NOTIF_MEM_RECALL, &recall,
			      sizeof(recall));
}

static u32 check_vmids(struct rm_parcel *parcel,
		       const struct rm_vmid_req *vmids, unsigned int nr)
{
	unsigned int i;

	if (!nr)
		return RM_ARGUMENT_INVALID;
	for (i = 0; i < nr; i++) {
		if (vmids[i].zero)
			return RM_ARGUMENT_INVALID;
		if (!rm_parcel_member(parcel, vmids[i].vmid))
			return RM_VMID_INVALID;
	}

	return RM_OK;
}

static u32 from_owner(const struct rm_call *call, struct rm_parcel *parcel,
		      const struct rm_notify_req *req)
{
	const struct rm_list_header *list = (const void *)(req + 1);
	const struct rm_vmid_req *vmids = (const void *)(list + 1);
	u32 error;

	if (parcel->owner != call->sender || parcel->open)
		return RM_DENIED;
	if (list->zero)
		return RM_ARGUMENT_INVALID;
	error = check_vmids(parcel, vmids, list->nr);
	if (error)
		return error;
	if (req->what == RM_NOTIFY_SHARED)
		return notify_shared(parcel, req->tag, vmids, list->nr);
	notify_recall(parcel, req->tag, vmids, list->nr);

	return RM_OK;
}

static u32 from_member(const struct rm_call *call, struct rm_parcel *parcel,
		       const struct rm_notify_req *req)
{
	if (parcel->owner == call->sender)
		return RM_DENIED;
	if (!rm_parcel_member(parcel, call->sender))
		return RM_HANDLE_INVALID;
	tell_owner(parcel, req->what == RM_NOTIFY_RELEASED ?
			   RM_NOTIF_MEM_RELEASED : RM_NOTIF_MEM_ACCEPTED,
		   call->sender, req->tag);

	return RM_OK;
}

static bool length_right(const struct rm_call *call, bool has_list)
{
	const struct rm_notify_req *req = call->req;
	const struct rm_list_header *list = (const void *)(req + 1);
	size_t len = sizeof(*req);

	if (!has_list)
		return call->len == len;
	len += sizeof(*list);

	return call->len >= len &&
	       call->len == len + list->nr * sizeof(struct rm_vmid_req);
}

u32 rm_mem_notify(struct rm_call *call)
{
	const struct rm_notify_req *req = call->req;
	struct rm_parcel *parcel;
	bool owner;

	if (call->len < sizeof(*req))
		return RM_MSG_INVALID;
	owner = req->what == RM_NOTIFY_SHARED || req->what == RM_NOTIFY_RECALL;
	if ((!owner && req->what != RM_NOTIFY_RELEASED &&
	     req->what != RM_NOTIFY_ACCEPTED) ||
	    req->zero[0] || req->zero[1] || req->zero[2])
		return RM_ARGUMENT_INVALID;
	if (!length_right(call, owner))
		return RM_MSG_INVALID;

	parcel = rm_parcel_find(req->handle);
	if (!parcel)
		return RM_HANDLE_INVALID;

	return owner ? from_owner(call, parcel, req) :
		       from_member(call, parcel, req);
}
