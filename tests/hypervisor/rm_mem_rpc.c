// SPDX-License-Identifier: GPL-2.0
/*
 * Messages about memory parcels: DONATE, LEND, SHARE, APPEND, RECLAIM, NOTIFY,
 * LOOKUP_SGL. There is no ACCEPT and no RELEASE, which are for who was given
 * something: nobody here gives anything to the primary VM, and guests have no
 * queue to ask by.
 */

#include "rm.h"

/* What is still to be read of a request */
struct reader {
	const u8 *data;
	size_t left;
};

/* The lists of a DONATE, LEND, SHARE or LOOKUP_SGL request, as they lie in it */
struct mem_lists {
	const struct rm_acl_entry *acl;
	unsigned int nr_acl;
	const struct rm_mem_entry *mem;
	unsigned int nr_mem;
	const struct rm_attr_entry *attr;
	unsigned int nr_attr;
};

static const void *take(struct reader *reader, size_t size)
{
	const void *data = reader->data;

	if (size > reader->left)
		return NULL;
	reader->data += size;
	reader->left -= size;

	return data;
}

/* Reads a count and that many entries. What is missing at the end is empty. */
static u32 take_list(struct reader *reader, size_t entry_size,
		     const void **entries, unsigned int *nr)
{
	const struct rm_list_header *header;

	*nr = 0;
	if (!reader->left)
		return RM_OK;
	header = take(reader, sizeof(*header));
	if (!header)
		return RM_MSG_INVALID;
	if (header->zero)
		return RM_ARGUMENT_INVALID;
	if (header->nr > RM_LIST_MAX)
		return RM_NORESOURCE;
	*nr = header->nr;
	*entries = take(reader, *nr * entry_size);

	return *entries ? RM_OK : RM_MSG_INVALID;
}

static u32 take_lists(struct reader *reader, struct mem_lists *lists)
{
	u32 error;

	error = take_list(reader, sizeof(*lists->acl),
			  (const void **)&lists->acl, &lists->nr_acl);
	if (!error)
		error = take_list(reader, sizeof(*lists->mem),
				  (const void **)&lists->mem, &lists->nr_mem);
	if (!error)
		error = take_list(reader, sizeof(*lists->attr),
				  (const void **)&lists->attr, &lists->nr_attr);
	if (!error && reader->left)
		error = RM_MSG_INVALID;

	return error;
}

/* Nobody can write or execute what it cannot read. */
static bool rights_valid(u8 rights)
{
	return rights == RM_RIGHT_R ||
	       rights == (RM_RIGHT_R | RM_RIGHT_X) ||
	       rights == (RM_RIGHT_R | RM_RIGHT_W) ||
	       rights == RM_RIGHTS_RWX;
}

static const struct rm_acl_entry *find_acl(const struct mem_lists *lists,
					   unsigned int nr, u16 vmid)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (lists->acl[i].vmid == vmid)
			return &lists->acl[i];

	return NULL;
}

static u32 check_acl(const struct mem_lists *lists, u16 owner,
		     enum rm_trans trans)
{
	bool shared = trans == RM_TRANS_SHARE;
	unsigned int i;

	for (i = 0; i < lists->nr_acl; i++) {
		const struct rm_acl_entry *acl = &lists->acl[i];

		if (acl->zero || !rights_valid(acl->rights) ||
		    find_acl(lists, i, acl->vmid))
			return RM_ARGUMENT_INVALID;
		if (!rm_vm_find(acl->vmid) && acl->vmid != RM_VMID_RM)
			return RM_VMID_INVALID;
	}
	/* Who shares says what is left to it; who does not, has nothing left. */
	if (!lists->nr_acl ||
	    shared != !!find_acl(lists, lists->nr_acl, owner))
		return RM_ARGUMENT_INVALID;
	if (trans == RM_TRANS_DONATE &&
	    (lists->nr_acl != 1 || lists->acl->rights != RM_RIGHTS_RWX))
		return RM_ARGUMENT_INVALID;

	return RM_OK;
}

static u32 check_attributes(const struct mem_lists *lists, u8 type)
{
	bool device = false;
	unsigned int i;

	for (i = 0; i < lists->nr_attr; i++) {
		if (lists->attr[i].attr > RM_ATTR_MAX)
			return RM_ARGUMENT_INVALID;
		if (lists->attr[i].attr == RM_ATTR_DEVICE)
			device = true;
	}

	return device == (type == RM_MEM_IO) ? RM_OK : RM_ARGUMENT_INVALID;
}

static u32 check_io(const struct mem_lists *lists, u8 flags)
{
	unsigned int i;

	if (flags & RM_MEM_SANITIZE)
		return RM_ARGUMENT_INVALID;
	for (i = 0; i < lists->nr_acl; i++)
		if (lists->acl[i].rights & RM_RIGHT_X)
			return RM_ARGUMENT_INVALID;

	/* The primary has devices, but none that it may give away. */
	return RM_MEM_INVALID;
}

static u32 check_request(const struct rm_mem_req *req,
			 const struct mem_lists *lists, u16 owner,
			 enum rm_trans trans)
{
	u32 error;

	if (req->type > RM_MEM_IO || req->zero0 || req->zero1 ||
	    req->flags & ~(RM_MEM_SANITIZE | RM_MEM_MORE) || !lists->nr_mem)
		return RM_ARGUMENT_INVALID;

	error = check_acl(lists, owner, trans);
	if (!error)
		error = check_attributes(lists, req->type);
	if (!error && req->type == RM_MEM_IO)
		error = check_io(lists, req->flags);
	if (!error && rm_parcel_count(owner) == RM_PARCELS_PER_OWNER)
		error = RM_DENIED;

	return error;
}

/* What the owner says of caching, for each member; of others it means nothing. */
static u8 member_attr(const struct mem_lists *lists, u16 vmid)
{
	u8 attr = RM_ATTR_NORMAL;
	unsigned int i;

	for (i = 0; i < lists->nr_attr; i++)
		if (lists->attr[i].vmid == vmid)
			attr = lists->attr[i].attr;

	return attr;
}

static u32 take_request(const struct rm_call *call,
			const struct rm_mem_req **req, struct mem_lists *lists)
{
	struct reader reader = { .data = call->req, .left = call->len };

	*req = take(&reader, sizeof(**req));

	return *req ? take_lists(&reader, lists) : RM_MSG_INVALID;
}

static u32 create_parcel(struct rm_call *call, enum rm_trans trans)
{
	struct mem_lists lists = { 0 };
	const struct rm_mem_req *req;
	struct rm_parcel *parcel;
	unsigned int i;
	u32 error;

	error = take_request(call, &req, &lists);
	if (!error)
		error = check_request(req, &lists, call->sender, trans);
	if (error)
		return error;

	parcel = rm_parcel_create(call->sender, trans, lists.nr_acl);
	if (!parcel)
		return RM_NOMEM;
	parcel->label = req->label;
	parcel->open = req->flags & RM_MEM_MORE;
	parcel->sanitize = req->flags & RM_MEM_SANITIZE;
	for (i = 0; i < lists.nr_acl; i++) {
		parcel->member[i].vmid = lists.acl[i].vmid;
		parcel->member[i].rights = lists.acl[i].rights;
		parcel->member[i].attr = member_attr(&lists, lists.acl[i].vmid);
	}
	error = rm_parcel_add(parcel, lists.mem, lists.nr_mem);
	if (error) {
		rm_parcel_destroy(parcel);
		return error;
	}
	rm_put_u32(call, parcel->handle);

	return RM_OK;
}

u32 rm_mem_donate(struct rm_call *call)
{
	return create_parcel(call, RM_TRANS_DONATE);
}

u32 rm_mem_lend(struct rm_call *call)
{
	return create_parcel(call, RM_TRANS_LEND);
}

u32 rm_mem_share(struct rm_call *call)
{
	return create_parcel(call, RM_TRANS_SHARE);
}

/* Unknown handles first, then the ones of others. */
static u32 find_own(const struct rm_call *call, u32 handle,
		    struct rm_parcel **parcel)
{
	*parcel = rm_parcel_find(handle);
	if (!*parcel)
		return RM_HANDLE_INVALID;
	if ((*parcel)->owner != call->sender)
		return RM_DENIED;

	return RM_OK;
}

u32 rm_mem_append(struct rm_call *call)
{
	struct reader reader = { .data = call->req, .left = call->len };
	const struct rm_mem_entry *entries = NULL;
	const struct rm_append_req *req;
	struct rm_parcel *parcel;
	unsigned int nr;
	u32 error;

	req = take(&reader, sizeof(*req));
	if (!req)
		return RM_MSG_INVALID;
	error = take_list(&reader, sizeof(*entries), (const void **)&entries,
			  &nr);
	if (error)
		return error;
	if (reader.left)
		return RM_MSG_INVALID;
	if (req->flags & ~RM_APPEND_END || req->zero[0] || req->zero[1] ||
	    req->zero[2] || !nr)
		return RM_ARGUMENT_INVALID;

	error = find_own(call, req->handle, &parcel);
	if (error)
		return error;
	if (!parcel->open)
		return RM_DENIED;
	error = rm_parcel_add(parcel, entries, nr);
	if (!error && req->flags & RM_APPEND_END)
		parcel->open = false;

	return error;
}

u32 rm_mem_reclaim(struct rm_call *call)
{
	const struct rm_reclaim_req *req = call->req;
	struct rm_parcel *parcel;
	unsigned int i;
	u32 error;

	if (req->flags & ~RM_RECLAIM_SANITIZE || req->zero[0] || req->zero[1] ||
	    req->zero[2])
		return RM_ARGUMENT_INVALID;

	error = find_own(call, req->handle, &parcel);
	if (error)
		return error;
	if (parcel->locked)
		return RM_DENIED;
	for (i = 0; i < parcel->nr_members; i++)
		if (parcel->member[i].accepted)
			return RM_MEM_INUSE;

	if (req->flags & RM_RECLAIM_SANITIZE)
		parcel->sanitize = true;
	rm_parcel_destroy(parcel);

	return RM_OK;
}

/*
 * Finding a parcel by what it is
 */

static bool same_members(const struct rm_parcel *parcel,
			 const struct mem_lists *lists)
{
	unsigned int i;

	if (parcel->nr_members != lists->nr_acl)
		return false;
	for (i = 0; i < parcel->nr_members; i++) {
		const struct rm_member *member = &parcel->member[i];
		const struct rm_acl_entry *acl =
			find_acl(lists, lists->nr_acl, member->vmid);

		if (!acl || acl->rights != member->rights)
			return false;
		if (lists->nr_attr &&
		    member_attr(lists, member->vmid) != member->attr)
			return false;
	}

	return true;
}

static bool same_memory(const struct rm_parcel *parcel,
			const struct mem_lists *lists)
{
	const struct rm_mem_entry *mem = lists->mem;
	const struct rm_chunk *chunk;

	if (parcel->nr_entries != lists->nr_mem)
		return false;
	for (chunk = parcel->first; chunk; chunk = chunk->next) {
		if (memcmp(mem, chunk->entry, chunk->nr * sizeof(*mem)))
			return false;
		mem += chunk->nr;
	}

	return true;
}

u32 rm_mem_lookup_sgl(struct rm_call *call)
{
	struct mem_lists lists = { 0 };
	const struct rm_mem_req *req;
	struct rm_parcel *parcel;
	u32 error;

	error = take_request(call, &req, &lists);
	if (error)
		return error;
	if (req->type > RM_MEM_IO || req->zero0 || req->flags || req->zero1 ||
	    !lists.nr_acl || !lists.nr_mem)
		return RM_ARGUMENT_INVALID;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		if (parcel->owner == call->sender && !parcel->open &&
		    req->type == RM_MEM_NORMAL && parcel->label == req->label &&
		    same_members(parcel, &lists) && same_memory(parcel, &lists)) {
			rm_put_u32(call, parcel->handle);
			return RM_OK;
		}
	}

	return RM_LOOKUP_FAILED;
}
