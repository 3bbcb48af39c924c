// SPDX-License-Identifier: GPL-2.0
/*
 * What the Resource Manager did last: requests that it handled, and
 * notifications that it made, in order.
 */

#include "ctl.h"

#define TRACE_SIZE		256
#define NOTHING			(~0U)

struct entry {
	u64 nr;			/* 1 is the first; 0: not used */
	u32 id;
	u32 vmid;
	u32 handle;
	bool notification;
	u32 code;
};

static struct entry ring[TRACE_SIZE];
static u64 total;
/* The request that is being handled */
static struct entry current;

static void add(const struct entry *entry)
{
	struct entry *slot = &ring[total % TRACE_SIZE];

	*slot = *entry;
	slot->nr = ++total;
}

/* For whom a parcel is; requests about memory do not tell. */
static u32 parcel_vmid(u32 handle)
{
	const struct rm_parcel *parcel = rm_parcel_find(handle);
	unsigned int i;

	for (i = 0; parcel && i < parcel->nr_members; i++)
		if (parcel->member[i].vmid != parcel->owner)
			return parcel->member[i].vmid;

	return NOTHING;
}

static u32 first_word(const void *data, size_t len, size_t size)
{
	u32 value = 0;

	if (len < size)
		return NOTHING;
	memcpy(&value, data, size);

	return value;
}

static bool names_vm(u32 id)
{
	return id >> 24 == 0x56 && id != RM_HOST_GET_TYPE &&
	       id != RM_VM_LOOKUP_NAME && id != RM_VM_LOOKUP_URI &&
	       id != RM_VM_LOOKUP_GUID;
}

static bool names_parcel(u32 id)
{
	switch (id) {
	case RM_MEM_RECLAIM:
	case RM_MEM_APPEND:
	case RM_MEM_NOTIFY:
	case RM_NOTIF_MEM_SHARED:
	case RM_NOTIF_MEM_RELEASED:
	case RM_NOTIF_MEM_ACCEPTED:
	case RM_NOTIF_MEM_RECALL:
		return true;
	default:
		return false;
	}
}

/* Their answer is the handle of a parcel. */
static bool finds_parcel(u32 id)
{
	return id == RM_MEM_DONATE || id == RM_MEM_LEND || id == RM_MEM_SHARE ||
	       id == RM_MEM_LOOKUP_SGL;
}

static struct entry describe(u32 id, const void *data, size_t len)
{
	struct entry entry = {
		.id = id,
		.vmid = NOTHING,
		.handle = NOTHING,
	};

	if (names_vm(id)) {
		entry.vmid = first_word(data, len, sizeof(u16));
	} else if (names_parcel(id)) {
		entry.handle = first_word(data, len, sizeof(u32));
		entry.vmid = parcel_vmid(entry.handle);
	}

	return entry;
}

void ctl_trace_begin(u32 id, const struct rm_call *call)
{
	current = describe(id, call->req, call->len);
}

/* What was made is known only now. */
void ctl_trace_end(const struct rm_call *call, u32 error)
{
	u32 made = first_word(call->body, call->body_len, sizeof(u32));

	current.code = error;
	if (!error && finds_parcel(current.id)) {
		current.handle = made;
		current.vmid = parcel_vmid(made);
	} else if (!error && current.id == RM_VM_ALLOCATE && !current.vmid) {
		current.vmid = made;
	}
	add(&current);
}

void ctl_trace_notification(u32 id, const void *payload, size_t len)
{
	struct entry entry = describe(id, payload, len);

	entry.notification = true;
	add(&entry);
}

static const char *notification_name(u32 id)
{
	switch (id) {
	case RM_NOTIF_MEM_SHARED:
		return "notif-MEM_SHARED";
	case RM_NOTIF_MEM_RELEASED:
		return "notif-MEM_RELEASED";
	case RM_NOTIF_MEM_ACCEPTED:
		return "notif-MEM_ACCEPTED";
	case RM_NOTIF_MEM_RECALL:
		return "notif-MEM_RECALL";
	case RM_NOTIF_VM_EXITED:
		return "notif-VM_EXITED";
	case RM_NOTIF_VM_STATUS:
		return "notif-VM_STATUS";
	default:
		return "notif-unknown";
	}
}

static void tell(ctl_put_fn put, void *arg, const struct entry *entry)
{
	put(arg, "count trace %lu 0x%x %s", (unsigned long)entry->nr, entry->id,
	    entry->notification ? notification_name(entry->id) :
				  rm_message_name(entry->id));
	if (entry->vmid != NOTHING)
		put(arg, " vm %u", entry->vmid);
	if (entry->handle != NOTHING)
		put(arg, " handle %u", entry->handle);
	if (!entry->notification)
		put(arg, " code 0x%x", entry->code);
	put(arg, "\n");
}

/* The oldest first */
void ctl_trace_tell(ctl_put_fn put, void *arg)
{
	u64 nr;

	for (nr = total; nr < total + TRACE_SIZE; nr++)
		if (ring[nr % TRACE_SIZE].nr)
			tell(put, arg, &ring[nr % TRACE_SIZE]);
}
