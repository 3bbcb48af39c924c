// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: messages about memory parcels
 *
 * A parcel is created with as many runs as one message takes; the rest is
 * appended.
 */

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>

#include "rsc_mgr_rpc.h"

#define GH_RM_MAX_ACL_ENTRIES		512

#define GH_RM_MEM_APPEND_FOLLOWS	BIT(1)

/**
 * struct gh_rm_mem_create_req - start of MEM_DONATE, MEM_LEND and MEM_SHARE, and
 *				 of MEM_QCOM_LOOKUP_SGL
 * @mem_type: enum gh_rm_mem_type
 * @reserved0: 0
 * @flags: GH_RM_MEM_SANITIZE, GH_RM_MEM_APPEND_FOLLOWS; none to look up
 * @reserved1: 0
 * @label: tells parcels apart
 *
 * Sections for access rights, runs and attributes follow.
 */
struct gh_rm_mem_create_req {
	u8 mem_type;
	u8 reserved0;
	u8 flags;
	u8 reserved1;
	__le32 label;
} __packed;

/**
 * struct gh_rm_mem_section - start of a section
 * @n_entries: how many entries follow
 * @reserved: 0
 */
struct gh_rm_mem_section {
	__le16 n_entries;
	__le16 reserved;
} __packed;

#define GH_RM_MEM_APPEND_FLAG_END	BIT(0)

/**
 * struct gh_rm_mem_append_req - start of MEM_APPEND
 * @mem_handle: of the parcel
 * @flags: GH_RM_MEM_APPEND_FLAG_*
 * @reserved: 0
 *
 * A section for runs follows.
 */
struct gh_rm_mem_append_req {
	__le32 mem_handle;
	u8 flags;
	u8 reserved[3];
} __packed;

/**
 * struct gh_rm_mem_reclaim_req - MEM_RECLAIM
 * @mem_handle: of the parcel
 * @flags: GH_RM_MEM_SANITIZE
 * @reserved: 0
 */
struct gh_rm_mem_reclaim_req {
	__le32 mem_handle;
	u8 flags;
	u8 reserved[3];
} __packed;

/**
 * struct gh_rm_mem_notify_req - start of MEM_NOTIFY
 * @mem_handle: of the parcel
 * @event: enum gh_rm_mem_event
 * @reserved: 0
 * @tag: for those who are told
 *
 * If the parcel's owner tells others, a section for VMIDs follows.
 */
struct gh_rm_mem_notify_req {
	__le32 mem_handle;
	u8 event;
	u8 reserved[3];
	__le32 tag;
} __packed;

static size_t gh_rm_section_size(size_t n_entries, size_t entry_size)
{
	return sizeof(struct gh_rm_mem_section) + n_entries * entry_size;
}

/* Return: the entries of the section. */
static void *gh_rm_section_start(void *pos, size_t n_entries)
{
	struct gh_rm_mem_section *section = pos;

	section->n_entries = cpu_to_le16(n_entries);
	section->reserved = 0;

	return section + 1;
}

/* Return: what is behind the section, or NULL if there are fewer runs. */
static void *gh_rm_fill_runs(void *pos, struct gh_rm_mem_parcel *parcel, size_t n)
{
	struct gh_rm_mem_entry *entries = gh_rm_section_start(pos, n);
	size_t got;

	while (n) {
		got = parcel->next_entries(parcel->priv, entries, n);
		if (!got || got > n)
			return NULL;
		entries += got;
		n -= got;
	}

	return entries;
}

/* Return: a request with what is the same in all that describe a parcel, or an errno. */
static struct gh_rm_request *gh_rm_describe_parcel(u32 msg_id, struct gh_rm_mem_parcel *parcel,
						   size_t n_runs, u8 flags)
{
	size_t acl_size = parcel->n_acl_entries * sizeof(*parcel->acl_entries);
	struct gh_rm_mem_create_req *body;
	struct gh_rm_request *req;
	void *pos;

	req = gh_rm_request_alloc(msg_id, sizeof(*body) +
				  gh_rm_section_size(parcel->n_acl_entries,
						     sizeof(*parcel->acl_entries)) +
				  gh_rm_section_size(n_runs, sizeof(struct gh_rm_mem_entry)) +
				  gh_rm_section_size(0, 0));
	if (!req)
		return ERR_PTR(-ENOMEM);

	body = (struct gh_rm_mem_create_req *)req->payload;
	body->mem_type = parcel->mem_type;
	body->flags = flags;
	body->label = cpu_to_le32(parcel->label);

	pos = gh_rm_section_start(body + 1, parcel->n_acl_entries);
	memcpy(pos, parcel->acl_entries, acl_size);
	pos = gh_rm_fill_runs(pos + acl_size, parcel, n_runs);
	if (!pos) {
		gh_rm_request_put(req);
		return ERR_PTR(-EINVAL);
	}
	/* No attributes */
	gh_rm_section_start(pos, 0);

	return req;
}

static int gh_rm_parse_handle(const void *reply, size_t size, void *result)
{
	u32 mem_handle, *handle = result;

	if (gh_rm_parse_word(reply, size, &mem_handle) || mem_handle == GH_MEM_HANDLE_INVAL)
		return -EBADMSG;

	*handle = mem_handle;

	return 0;
}

static int gh_rm_dispose_parcel(struct gh_rm *rm, struct gh_rm_request *req)
{
	u32 mem_handle;

	if (gh_rm_parse_handle(req->reply, req->reply_size, &mem_handle))
		return -EBADMSG;

	return gh_rm_mem_reclaim(rm, mem_handle, 0);
}

static int gh_rm_mem_create(struct gh_rm *rm, u32 msg_id, struct gh_rm_mem_parcel *parcel,
			    size_t n_runs)
{
	u8 flags = parcel->flags;
	struct gh_rm_request *req;
	int ret;

	if (n_runs < parcel->n_mem_entries)
		flags |= GH_RM_MEM_APPEND_FOLLOWS;
	req = gh_rm_describe_parcel(msg_id, parcel, n_runs, flags);
	if (IS_ERR(req))
		return PTR_ERR(req);

	req->claimed = parcel->claim;
	req->dispose = gh_rm_dispose_parcel;
	ret = gh_rm_request_call(rm, req);
	parcel->held = !ret || req->unanswered;
	if (req->claimed && req->orphaned) {
		/* With our reference */
		*parcel->claim = req;
		return ret;
	}

	if (!ret && gh_rm_parse_handle(req->reply, req->reply_size, &parcel->mem_handle))
		ret = gh_rm_bad_reply(req);
	gh_rm_request_put(req);

	return ret;
}

static int gh_rm_mem_append(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel, size_t n_runs,
			    bool end)
{
	struct gh_rm_mem_append_req *body;
	struct gh_rm_request *req;

	req = gh_rm_request_alloc(GH_RM_MEM_APPEND,
				  sizeof(*body) +
				  gh_rm_section_size(n_runs, sizeof(struct gh_rm_mem_entry)));
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_mem_append_req *)req->payload;
	body->mem_handle = cpu_to_le32(parcel->mem_handle);
	body->flags = end ? GH_RM_MEM_APPEND_FLAG_END : 0;
	if (!gh_rm_fill_runs(body + 1, parcel, n_runs)) {
		gh_rm_request_put(req);
		return -EINVAL;
	}

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}

static int gh_rm_mem_append_all(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel, size_t left)
{
	size_t n_runs;
	int ret;

	while (left) {
		n_runs = min_t(size_t, left, GH_RM_MAX_MEM_ENTRIES);
		left -= n_runs;
		ret = gh_rm_mem_append(rm, parcel, n_runs, !left);
		if (ret)
			return ret;
	}

	return 0;
}

static bool gh_rm_parcel_is_valid(const struct gh_rm_mem_parcel *parcel)
{
	return parcel->n_mem_entries && parcel->n_acl_entries &&
	       parcel->n_acl_entries <= GH_RM_MAX_ACL_ENTRIES &&
	       !(parcel->flags & ~GH_RM_MEM_SANITIZE);
}

/* Take back what was created. */
static void gh_rm_mem_undo(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	int ret = gh_rm_mem_reclaim(rm, parcel->mem_handle, 0);

	if (ret) {
		parcel->reclaiming = ret != -ESTALE;
		return;
	}

	parcel->mem_handle = GH_MEM_HANDLE_INVAL;
	parcel->held = false;
}

static int gh_rm_mem_give(struct gh_rm *rm, u32 msg_id, struct gh_rm_mem_parcel *parcel)
{
	size_t n_runs = min_t(size_t, parcel->n_mem_entries, GH_RM_MAX_MEM_ENTRIES);
	int ret;

	parcel->mem_handle = GH_MEM_HANDLE_INVAL;
	parcel->held = false;
	parcel->reclaiming = false;
	if (parcel->claim)
		*parcel->claim = NULL;

	if (!gh_rm_parcel_is_valid(parcel))
		return -EINVAL;

	ret = gh_rm_mem_create(rm, msg_id, parcel, n_runs);
	if (ret)
		return ret;

	ret = gh_rm_mem_append_all(rm, parcel, parcel->n_mem_entries - n_runs);
	if (ret)
		gh_rm_mem_undo(rm, parcel);

	return ret;
}

/**
 * gh_rm_mem_donate() - give memory to another VM for good
 * @rm: the Resource Manager
 * @parcel: the memory, and who gets it: one other VM, with all rights
 *
 * Until the other VM accepts it, it can be reclaimed. Whatever is returned,
 * @parcel->held and @parcel->mem_handle tell where the memory is, see
 * linux/gunyah_rsc_mgr.h.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_donate(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	return gh_rm_mem_give(rm, GH_RM_MEM_DONATE, parcel);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_donate);

/**
 * gh_rm_mem_lend() - give memory to other VMs and lose access to it meanwhile
 * @rm: the Resource Manager
 * @parcel: the memory, and who gets it; must not name this VM
 *
 * Whatever is returned, @parcel->held and @parcel->mem_handle tell where the
 * memory is, see linux/gunyah_rsc_mgr.h.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_lend(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	return gh_rm_mem_give(rm, GH_RM_MEM_LEND, parcel);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_lend);

/**
 * gh_rm_mem_share() - give memory to other VMs and keep access to it
 * @rm: the Resource Manager
 * @parcel: the memory, and who gets it; must name this VM as well
 *
 * Whatever is returned, @parcel->held and @parcel->mem_handle tell where the
 * memory is, see linux/gunyah_rsc_mgr.h.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_share(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	return gh_rm_mem_give(rm, GH_RM_MEM_SHARE, parcel);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_share);

/**
 * gh_rm_mem_claim() - ask again for a parcel whose handle was not known
 * @claim: from struct gh_rm_mem_parcel
 * @mem_handle: set to the handle, if it is known now
 *
 * Return: 0 if the reply has come in the meantime, -EAGAIN if not, -ENOENT if it
 * said that the memory was not taken. Other errnos: nobody will ever know.
 */
int gh_rm_mem_claim(struct gh_rm_request *claim, u32 *mem_handle)
{
	int ret = gh_rm_request_late_result(claim);

	if (claim->refused)
		return -ENOENT;
	if (!ret && gh_rm_parse_handle(claim->reply, claim->reply_size, mem_handle))
		ret = gh_rm_bad_reply(claim);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_rm_mem_claim);

/**
 * gh_rm_mem_unclaim() - ask no more
 * @claim: from struct gh_rm_mem_parcel, or NULL
 *
 * If the reply has not come yet, a parcel that it names is reclaimed.
 */
void gh_rm_mem_unclaim(struct gh_rm_request *claim)
{
	if (claim)
		gh_rm_request_unclaim(claim);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_unclaim);

/**
 * gh_rm_mem_reclaim() - take memory back
 * @rm: the Resource Manager
 * @mem_handle: of the parcel; not valid any more afterwards
 * @flags: GH_RM_MEM_SANITIZE to have the memory cleared, or 0
 *
 * Return: 0, -EBUSY if a VM holds it, -ESTALE if there is no such parcel, -EPERM
 * if it is not ours or is an image or a firmware in use, or an errno as described
 * in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_reclaim(struct gh_rm *rm, u32 mem_handle, u8 flags)
{
	const struct gh_rm_mem_reclaim_req req = {
		.mem_handle = cpu_to_le32(mem_handle),
		.flags = flags,
	};

	return gh_rm_ask(rm, GH_RM_MEM_RECLAIM, &req, sizeof(req), gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_reclaim);

/**
 * gh_rm_mem_notify() - tell other VMs about a parcel
 * @rm: the Resource Manager
 * @mem_handle: of the parcel
 * @event: what happened to it
 * @tag: any number, for those who are told
 * @vmids: whom to tell if the event is %GH_RM_MEM_SHARED or %GH_RM_MEM_RECALL;
 *	   all others go to the owner of the parcel
 * @n_vmids: how many these are: 1..512, or 0
 *
 * Return: 0, -EINVAL also if @n_vmids does not go with the event, or an errno as
 * described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_notify(struct gh_rm *rm, u32 mem_handle, enum gh_rm_mem_event event, u32 tag,
		     const u16 *vmids, size_t n_vmids)
{
	bool listed = event == GH_RM_MEM_SHARED || event == GH_RM_MEM_RECALL;
	struct gh_rm_mem_notify_req *body;
	struct gh_rm_request *req;
	struct gh_rm_vmid *entries;
	size_t size = sizeof(*body), i;

	if (listed != !!n_vmids || n_vmids > GH_RM_MAX_ACL_ENTRIES)
		return -EINVAL;

	if (listed)
		size += gh_rm_section_size(n_vmids, sizeof(*entries));
	req = gh_rm_request_alloc(GH_RM_MEM_NOTIFY, size);
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_mem_notify_req *)req->payload;
	body->mem_handle = cpu_to_le32(mem_handle);
	body->event = event;
	body->tag = cpu_to_le32(tag);
	if (listed) {
		entries = gh_rm_section_start(body + 1, n_vmids);
		for (i = 0; i < n_vmids; i++)
			entries[i] = gh_rm_vmid(vmids[i]);
	}

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_notify);

/**
 * gh_rm_mem_lookup() - ask for the handle of a parcel
 * @rm: the Resource Manager
 * @parcel: the memory, and who may use it; at most 512 runs
 * @mem_handle: set to the handle
 *
 * Return: 0, -ENOENT if there is no such parcel, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_mem_lookup(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel, u32 *mem_handle)
{
	struct gh_rm_request *req;

	if (!gh_rm_parcel_is_valid(parcel) || parcel->n_mem_entries > GH_RM_MAX_MEM_ENTRIES)
		return -EINVAL;

	req = gh_rm_describe_parcel(GH_RM_MEM_QCOM_LOOKUP_SGL, parcel, parcel->n_mem_entries, 0);
	if (IS_ERR(req))
		return PTR_ERR(req);

	req->expected = GH_RM_ERROR_LOOKUP_FAILED;

	return gh_rm_request_ask(rm, req, gh_rm_parse_handle, mem_handle);
}
EXPORT_SYMBOL_GPL(gh_rm_mem_lookup);
