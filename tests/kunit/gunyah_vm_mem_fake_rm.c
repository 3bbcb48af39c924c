// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager that knows about memory only, in place of the core that
 * sends requests, for the test of memory regions, which includes this. It keeps
 * parcels, checks that each run comes once and in order, and fails on demand.
 */

#include <linux/slab.h>

#include "../../drivers/virt/gunyah/rsc_mgr_rpc.h"

#define FAKE_HOST	3
#define FAKE_GUEST	128
#define FAKE_MAX	80

/**
 * enum fault - what goes wrong with a request
 * @FAULT_NONE: nothing
 * @FAULT_REFUSED: it is refused
 * @FAULT_LOST: it is done, and the caller is told that there is no reply
 * @FAULT_UNHEARD: it is not done, and the caller is told the same
 * @FAULT_UNSENT: it is not sent
 */
enum fault {
	FAULT_NONE,
	FAULT_REFUSED,
	FAULT_LOST,
	FAULT_UNHEARD,
	FAULT_UNSENT,
};

/**
 * struct fake_parcel - a parcel; its handle is its index
 * @used: it is there
 * @open: more runs have to follow
 * @lent: not shared
 * @label: see there
 * @n: number of runs
 * @reclaims: how often it was given back
 * @sanitized: it was to be cleared
 */
struct fake_parcel {
	bool used;
	bool open;
	bool lent;
	u32 label;
	size_t n;
	unsigned int reclaims;
	bool sanitized;
};

/**
 * struct fake_rm - the Resource Manager
 * @rm: what the driver knows of it
 * @test: the test
 * @parcels: all that were there; handles are not used again
 * @n_parcels: how many
 * @next: where the next run of a label has to start, by label
 * @want: instead: the runs that have to come; goes on with them
 * @n_requests: how many there were
 * @n_stale: how many parcels were to be taken back that were not there
 * @fail_at: number of the request that fails
 * @fail_count: how many from there on do
 * @fault: in which way
 */
struct fake_rm {
	struct gh_rm rm;
	struct kunit *test;
	struct fake_parcel parcels[FAKE_MAX];
	u32 n_parcels;
	u64 next[4];
	const struct gh_extent *want;
	unsigned int n_requests;
	unsigned int n_stale;
	unsigned int fail_at;
	unsigned int fail_count;
	enum fault fault;
};

static struct fake_rm *to_fake(struct gh_rm *rm)
{
	return container_of(rm, struct fake_rm, rm);
}

/* Scattered memory, by label: no run adjoins the next. */
static u64 fake_memory(u32 label)
{
	return (u64)(label + 1) << 36;
}

static void fake_take_run(struct fake_rm *fake, u32 label, u64 start, u64 size)
{
	const struct gh_extent next = { fake->next[label], PAGE_SIZE };
	const struct gh_extent *want = fake->want ? fake->want++ : &next;

	KUNIT_ASSERT_EQ(fake->test, start, want->start);
	KUNIT_ASSERT_EQ(fake->test, size, want->size);
	fake->next[label] += 2 * PAGE_SIZE;
}

static u32 fake_take_runs(struct fake_rm *fake, struct fake_parcel *parcel,
			  const struct gh_rm_mem_section *section)
{
	const struct gh_rm_mem_entry *entry = (const void *)(section + 1);
	size_t n = le16_to_cpu(section->n_entries), i;

	KUNIT_ASSERT_LT(fake->test, parcel->label, ARRAY_SIZE(fake->next));
	KUNIT_EXPECT_LE(fake->test, n, GH_RM_MAX_MEM_ENTRIES);
	for (i = 0; i < n; i++)
		fake_take_run(fake, parcel->label, le64_to_cpu(entry[i].phys_addr),
			      le64_to_cpu(entry[i].size));
	parcel->n += n;
	return GH_RM_ERROR_OK;
}

static u32 fake_create(struct fake_rm *fake, struct gh_rm_request *req, bool lent)
{
	const struct gh_rm_mem_create_req *body = (const void *)req->payload;
	const struct gh_rm_mem_section *acl = (const void *)(body + 1);
	const struct gh_rm_mem_acl_entry *entry = (const void *)(acl + 1);
	u32 handle = fake->n_parcels++;
	struct fake_parcel *parcel = &fake->parcels[handle];

	KUNIT_ASSERT_LT(fake->test, handle, FAKE_MAX);
	KUNIT_EXPECT_EQ(fake->test, le16_to_cpu(acl->n_entries), lent ? 1 : 2);
	KUNIT_EXPECT_EQ(fake->test, le16_to_cpu(entry[0].vmid), FAKE_GUEST);
	if (!lent)
		KUNIT_EXPECT_EQ(fake->test, le16_to_cpu(entry[1].vmid), FAKE_HOST);
	parcel->used = true;
	parcel->lent = lent;
	parcel->label = le32_to_cpu(body->label);
	parcel->open = body->flags & GH_RM_MEM_APPEND_FOLLOWS;
	KUNIT_EXPECT_FALSE(fake->test, body->flags & GH_RM_MEM_SANITIZE);

	*(__le32 *)req->short_reply = cpu_to_le32(handle);
	req->reply = req->short_reply;
	req->reply_size = sizeof(__le32);
	return fake_take_runs(fake, parcel, (const void *)(entry + le16_to_cpu(acl->n_entries)));
}

static struct fake_parcel *fake_find(struct fake_rm *fake, __le32 handle)
{
	u32 index = le32_to_cpu(handle);

	if (index >= fake->n_parcels || !fake->parcels[index].used)
		return NULL;
	return &fake->parcels[index];
}

static u32 fake_append(struct fake_rm *fake, struct gh_rm_request *req)
{
	const struct gh_rm_mem_append_req *body = (const void *)req->payload;
	struct fake_parcel *parcel = fake_find(fake, body->mem_handle);

	if (!parcel)
		return GH_RM_ERROR_HANDLE_INVALID;
	KUNIT_EXPECT_TRUE(fake->test, parcel->open);
	parcel->open = !(body->flags & GH_RM_MEM_APPEND_FLAG_END);
	return fake_take_runs(fake, parcel, (const void *)(body + 1));
}

static u32 fake_reclaim(struct fake_rm *fake, struct gh_rm_request *req)
{
	const struct gh_rm_mem_reclaim_req *body = (const void *)req->payload;
	struct fake_parcel *parcel = fake_find(fake, body->mem_handle);

	if (!parcel) {
		fake->n_stale++;
		return GH_RM_ERROR_HANDLE_INVALID;
	}
	parcel->used = false;
	parcel->reclaims++;
	parcel->sanitized = body->flags & GH_RM_MEM_SANITIZE;
	return GH_RM_ERROR_OK;
}

static u32 fake_serve(struct fake_rm *fake, struct gh_rm_request *req)
{
	switch (req->header.msg_id) {
	case GH_RM_MEM_LEND:
		return fake_create(fake, req, true);
	case GH_RM_MEM_SHARE:
		return fake_create(fake, req, false);
	case GH_RM_MEM_APPEND:
		return fake_append(fake, req);
	case GH_RM_MEM_RECLAIM:
		return fake_reclaim(fake, req);
	case GH_RM_VM_GET_VMID:
		return GH_RM_ERROR_OK;
	default:
		return GH_RM_ERROR_UNIMPLEMENTED;
	}
}

static enum fault fake_fault(struct fake_rm *fake)
{
	unsigned int n = fake->n_requests++;

	return n >= fake->fail_at && n - fake->fail_at < fake->fail_count ? fake->fault :
									    FAULT_NONE;
}

/*
 * In place of rsc_mgr_call.c
 */

struct gh_rm_request *gh_rm_request_alloc(u32 msg_id, size_t size)
{
	struct gh_rm_request *req = kzalloc(struct_size(req, payload, size), GFP_KERNEL);

	if (!req)
		return NULL;
	kref_init(&req->ref);
	req->header.msg_id = msg_id;
	req->size = size;
	return req;
}

static void fake_release(struct kref *ref)
{
	kfree(container_of(ref, struct gh_rm_request, ref));
}

void gh_rm_request_unclaim(struct gh_rm_request *req)
{
	req->claimed = false;
	gh_rm_request_put(req);
}

void gh_rm_request_put(struct gh_rm_request *req)
{
	kref_put(&req->ref, fake_release);
}

int gh_rm_request_call(struct gh_rm *rm, struct gh_rm_request *req)
{
	struct fake_rm *fake = to_fake(rm);
	enum fault fault = fake_fault(fake);

	req->rm = rm;
	switch (fault) {
	case FAULT_REFUSED:
		return gh_rm_error_remap(GH_RM_ERROR_BUSY);
	case FAULT_UNSENT:
		return -ENODEV;
	case FAULT_UNHEARD:
	case FAULT_LOST:
		req->orphaned = true;
		req->unanswered = true;
		req->late = fault == FAULT_LOST ? gh_rm_error_remap(fake_serve(fake, req)) :
						  -EAGAIN;
		return -ETIMEDOUT;
	default:
		return gh_rm_error_remap(fake_serve(fake, req));
	}
}

int gh_rm_request_late_result(struct gh_rm_request *req)
{
	return req->late;
}

int gh_rm_bad_reply(struct gh_rm_request *req)
{
	return -EBADMSG;
}

/* Not of memory, but needed for it */
int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid)
{
	int ret = gh_rm_ask(rm, GH_RM_VM_GET_VMID, NULL, 0, gh_rm_parse_nothing, NULL);

	if (!ret)
		*vmid = FAKE_HOST;
	return ret;
}

struct device *gh_rm_dev(struct gh_rm *rm)
{
	return rm->dev;
}

/*
 * For tests
 */

static unsigned int fake_left(const struct fake_rm *fake)
{
	unsigned int n = 0;
	u32 i;

	for (i = 0; i < fake->n_parcels; i++)
		n += fake->parcels[i].used;
	return n;
}

/* As if nothing had happened, but for what is still there. */
static void fake_reset(struct fake_rm *fake)
{
	u32 label;

	KUNIT_ASSERT_EQ(fake->test, 0, fake_left(fake));
	memset(fake->parcels, 0, sizeof(fake->parcels));
	fake->n_parcels = 0;
	fake->n_requests = 0;
	fake->n_stale = 0;
	fake->fail_count = 0;
	fake->want = NULL;
	for (label = 0; label < ARRAY_SIZE(fake->next); label++)
		fake->next[label] = fake_memory(label);
}

static void fake_fail(struct fake_rm *fake, enum fault fault, unsigned int at, unsigned int count)
{
	fake->fault = fault;
	fake->fail_at = at;
	fake->fail_count = count;
}
