// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the Resource Manager's messages about virtual machines
 *
 * Each call is made with a good reply, with each error code, and with replies
 * that are too short or too long.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "gunyah_rm_peer.h"

#define VMID	0x85

/* What a call returned */
struct gh_rpc_result {
	u16 vmid;
	struct gh_rm_hyp_resources *resources;
};

struct gh_rpc_case {
	const char *name;
	int (*call)(struct gh_rm *rm, struct gh_rpc_result *result);
	u32 msg_id;
	const u8 *request;
	size_t request_size;
	const u8 *reply;
	size_t reply_size;
};

static int gh_rpc_alloc(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_alloc_vmid(rm, &result->vmid);
}

static int gh_rpc_dealloc(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_dealloc_vmid(rm, VMID);
}

static int gh_rpc_start(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_vm_start(rm, VMID);
}

static int gh_rpc_stop(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_vm_stop(rm, VMID, GH_RM_VM_STOP_FLAG_FORCE, 3);
}

static int gh_rpc_reset(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_vm_reset(rm, VMID);
}

static int gh_rpc_configure(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_vm_configure(rm, VMID, GH_RM_VM_AUTH_QCOM_ANDROID_PVM, 0x01020304,
				  0x1112131415161718, 0x2122232425262728,
				  0x3132333435363738, 0x4142434445464748);
}

static int gh_rpc_init(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_vm_init(rm, VMID);
}

static int gh_rpc_get_resources(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_get_hyp_resources(rm, VMID, &result->resources);
}

static int gh_rpc_get_vmid(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_get_vmid(rm, &result->vmid);
}

static int gh_rpc_reclaim(struct gh_rm *rm, struct gh_rpc_result *result)
{
	return gh_rm_mem_reclaim(rm, 0, 0);
}

static const u8 request_any[] = { 0, 0, 0, 0 };
static const u8 request_vmid[] = { VMID, 0, 0, 0 };
/* Forced, reason 3 */
static const u8 request_stop[] = { VMID, 0, 1, 0, 3, 0, 0, 0 };
static const u8 request_config[] = {
	VMID, 0, 2, 0, 0x04, 0x03, 0x02, 0x01,
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
	0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
	0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31,
	0x48, 0x47, 0x46, 0x45, 0x44, 0x43, 0x42, 0x41,
};

static const u8 request_reclaim[] = { 0, 0, 0, 0, 0, 0, 0, 0 };
static const u8 reply_vmid[] = { VMID, 0, 0, 0 };
/* A vCPU, and a doorbell without an interrupt */
static const u8 reply_resources[4 + 2 * 44] = {
	2, 0, 0, 0,
	4, 0, VMID, 0, 0, 0, 0, 0, 7, 0, 0, 0,
	0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0,
	0xc2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, VMID, 0,
};

#define CASE(_call, _msg_id, _request, _request_size, _reply, _reply_size)	\
	{ #_call, gh_rpc_##_call, _msg_id, _request, _request_size, _reply, _reply_size }

static const struct gh_rpc_case gh_rpc_cases[] = {
	CASE(alloc, 0x56000001, request_any, 4, reply_vmid, 4),
	CASE(dealloc, 0x56000002, request_vmid, 4, NULL, 0),
	CASE(start, 0x56000004, request_vmid, 4, NULL, 0),
	CASE(stop, 0x56000005, request_stop, 8, NULL, 0),
	CASE(reset, 0x56000006, request_vmid, 4, NULL, 0),
	CASE(configure, 0x56000009, request_config, 40, NULL, 0),
	CASE(init, 0x5600000b, request_vmid, 4, NULL, 0),
	CASE(get_resources, 0x56000020, request_vmid, 4, reply_resources, 4 + 2 * 44),
	CASE(get_vmid, 0x56000024, NULL, 0, reply_vmid, 4),
	CASE(reclaim, 0x51000015, request_reclaim, 8, NULL, 0),
};

static int gh_rpc_test_init(struct kunit *test)
{
	struct gh_peer *peer = gh_peer_create();

	KUNIT_ASSERT_NOT_NULL(test, peer);
	test->priv = peer;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);

	return 0;
}

static void gh_rpc_test_exit(struct kunit *test)
{
	if (test->priv)
		gh_peer_destroy(test->priv);
}

static int gh_rpc_call(struct gh_peer *peer, const struct gh_rpc_case *rpc,
		       const struct gh_peer_reply *reply, struct gh_rpc_result *result)
{
	int ret;

	memset(result, 0, sizeof(*result));
	gh_peer_forget(peer);
	gh_peer_script(peer, reply);
	ret = rpc->call(peer->rm, result);
	/* Only a reply that makes sense has a result. */
	if (ret)
		ret = result->resources || result->vmid ? 1 : ret;

	return ret;
}

/* A good reply, and the request to the byte */
static void gh_rpc_good(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rpc_result result;
	int i;

	for (i = 0; i < ARRAY_SIZE(gh_rpc_cases); i++) {
		const struct gh_rpc_case *rpc = &gh_rpc_cases[i];
		struct gh_peer_reply reply = { .body = rpc->reply, .size = rpc->reply_size };
		struct gh_peer_request *request = &peer->requests[0];

		KUNIT_ASSERT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result), 0, "%s",
				    rpc->name);
		KUNIT_ASSERT_EQ(test, peer->n_requests, 1U);
		KUNIT_EXPECT_EQ(test, request->header.type, GH_RM_PACKET_REQUEST);
		KUNIT_EXPECT_EQ(test, request->header.msg_id, rpc->msg_id);
		KUNIT_ASSERT_EQ_MSG(test, request->size, rpc->request_size, "%s", rpc->name);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(request->payload, rpc->request, request->size), 0,
				    "%s", rpc->name);
		KUNIT_EXPECT_EQ(test, request->push, 1ULL);

		if (rpc->reply_size == sizeof(reply_vmid))
			KUNIT_EXPECT_EQ(test, result.vmid, VMID);
		if (result.resources)
			KUNIT_EXPECT_EQ(test, memcmp(result.resources, reply_resources,
						     sizeof(reply_resources)), 0);
		kfree(result.resources);
	}
}

/* An error is an error, also when something follows the code. */
static void gh_rpc_errors(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rpc_result result;
	int i;

	for (i = 0; i < ARRAY_SIZE(gh_rpc_cases); i++) {
		const struct gh_rpc_case *rpc = &gh_rpc_cases[i];
		struct gh_peer_reply reply = {};
		u32 code;

		for (code = 1; code <= 0x16; code++) {
			reply.code = code == 0x16 ? GH_RM_ERROR_UNIMPLEMENTED : code;
			reply.size = 0;
			KUNIT_EXPECT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result),
					    gh_rm_error_remap(reply.code), "%s, error %#x",
					    rpc->name, reply.code);
			reply.body = reply_vmid;
			reply.size = sizeof(reply_vmid);
			KUNIT_EXPECT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result),
					    gh_rm_error_remap(reply.code), "%s, error %#x",
					    rpc->name, reply.code);
		}
	}
}

/* Replies of every size but the right one */
static void gh_rpc_sizes(struct kunit *test)
{
	static const size_t more[] = { 1, 4, 44, 1000 };
	struct gh_peer *peer = test->priv;
	struct gh_rpc_result result;
	u8 *body;
	int i, j;

	body = kunit_kzalloc(test, sizeof(reply_resources) + 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);

	for (i = 0; i < ARRAY_SIZE(gh_rpc_cases); i++) {
		const struct gh_rpc_case *rpc = &gh_rpc_cases[i];
		struct gh_peer_reply reply = { .body = body };

		memcpy(body, rpc->reply, rpc->reply_size);
		for (reply.size = 0; reply.size < rpc->reply_size; reply.size++)
			KUNIT_EXPECT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result),
					    -EBADMSG, "%s, %zu bytes", rpc->name, reply.size);
		for (j = 0; j < ARRAY_SIZE(more); j++) {
			reply.size = rpc->reply_size + more[j];
			KUNIT_EXPECT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result),
					    -EBADMSG, "%s, %zu bytes", rpc->name, reply.size);
		}
		/* Not even a code */
		reply.raw = true;
		for (reply.size = 0; reply.size < 4; reply.size++)
			KUNIT_EXPECT_EQ_MSG(test, gh_rpc_call(peer, rpc, &reply, &result),
					    -EBADMSG, "%s, %zu bytes in all", rpc->name,
					    reply.size);
	}
}

static void gh_rpc_bad_vmid(struct kunit *test)
{
	static const u8 none[] = { 0xff, 0xff, 0, 0 };
	static const u8 too_large[] = { VMID, 0, 1, 0 };
	struct gh_peer_reply reply = { .body = none, .size = sizeof(none) };
	struct gh_peer *peer = test->priv;
	u16 vmid;

	gh_peer_script(peer, &reply);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), -EBADMSG);
	reply.body = too_large;
	gh_peer_script(peer, &reply);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), -EBADMSG);
}

/* Numbers of entries that do not go with the size, or overflow when multiplied */
static void gh_rpc_bad_count(struct kunit *test)
{
	static const u32 counts[] = { 0, 1, 3, 0x05d1745d, 0x5d1745d3, 0xffffffff };
	struct gh_rm_hyp_resources *resources = NULL;
	struct gh_peer *peer = test->priv;
	u8 body[sizeof(reply_resources)];
	struct gh_peer_reply reply = { .body = body, .size = sizeof(body) };
	__le32 count;
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		memcpy(body, reply_resources, sizeof(body));
		count = cpu_to_le32(counts[i]);
		memcpy(body, &count, sizeof(count));
		gh_peer_script(peer, &reply);
		KUNIT_EXPECT_EQ(test, gh_rm_get_hyp_resources(peer->rm, VMID, &resources),
				-EBADMSG);
	}
	KUNIT_EXPECT_NULL(test, resources);
}

/* A reply of many packets */
static void gh_rpc_many_resources(struct kunit *test)
{
	const size_t n = 300, size = 4 + n * sizeof(struct gh_rm_hyp_resource);
	struct gh_rm_hyp_resources *resources = NULL;
	struct gh_peer_reply reply = { .size = size };
	struct gh_rm_hyp_resources *body;
	struct gh_peer *peer = test->priv;
	int i;

	body = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);
	body->n_entries = cpu_to_le32(n);
	for (i = 0; i < n; i++)
		body->entries[i].cap_id = cpu_to_le64(i * 0x10001000100010ULL);
	reply.body = body;

	gh_peer_script(peer, &reply);
	KUNIT_ASSERT_EQ(test, gh_rm_get_hyp_resources(peer->rm, VMID, &resources), 0);
	KUNIT_EXPECT_EQ(test, memcmp(resources, body, size), 0);
	kfree(resources);
}

static struct kunit_case gh_rpc_test_cases[] = {
	KUNIT_CASE(gh_rpc_good),
	KUNIT_CASE(gh_rpc_errors),
	KUNIT_CASE(gh_rpc_sizes),
	KUNIT_CASE(gh_rpc_bad_vmid),
	KUNIT_CASE(gh_rpc_bad_count),
	KUNIT_CASE(gh_rpc_many_resources),
	{}
};

static struct kunit_suite gh_rpc_test_suite = {
	.name = "gunyah_rm_rpc",
	.init = gh_rpc_test_init,
	.exit = gh_rpc_test_exit,
	.test_cases = gh_rpc_test_cases,
};

kunit_test_suite(gh_rpc_test_suite);

MODULE_LICENSE("GPL");
