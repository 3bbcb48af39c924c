// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: all messages to the Resource Manager
 *
 * Each call is made with a good reply, with each error code, with replies that
 * are too short or too long, and with what its reply may have wrong otherwise.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "gunyah_rm_calls.h"
#include "gunyah_rm_peer.h"

#define VM_DEALLOCATE	0x56000002U

/*
 * Makes a call that gets @reply. More than 0 is returned if it had a result
 * without such a reply, or did not ask for it once.
 */
static int gh_rpc_make(struct gh_peer *peer, const struct gh_rpc_call *call,
		       const struct gh_peer_reply *reply, char *text)
{
	const struct gh_peer_reply before = {
		.body = call->before.data,
		.size = call->before.size,
	};
	const struct gh_peer_reply after = {};
	unsigned int asked = call->before.size ? 1 : 0;
	int ret;

	gh_peer_forget(peer);
	if (call->before.size)
		gh_peer_script(peer, &before);
	gh_peer_script(peer, reply);
	/* What goes back after a failure */
	gh_peer_script(peer, &after);
	*text = '\0';
	ret = call->fn(peer->rm, text);

	if (peer->n_requests <= asked || peer->requests[asked].header.msg_id != call->msg_id)
		return 1;
	if (peer->n_requests != asked + 1 && !(ret && call->before.size))
		return 1;

	return ret;
}

/* A good reply, and the request to the byte */
static void gh_rpc_good(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	char text[GH_RPC_TEXT_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(gh_rpc_calls); i++) {
		const struct gh_rpc_call *call = &gh_rpc_calls[i];
		struct gh_peer_reply reply = { .body = call->reply.data, .size = call->reply.size };
		struct gh_peer_request *request = &peer->requests[call->before.size ? 1 : 0];

		KUNIT_ASSERT_EQ_MSG(test, gh_rpc_make(peer, call, &reply, text), 0, "%s",
				    call->name);
		KUNIT_EXPECT_STREQ_MSG(test, text, call->text, "%s", call->name);
		KUNIT_EXPECT_EQ(test, request->header.type, GH_RM_PACKET_REQUEST);
		KUNIT_ASSERT_EQ_MSG(test, request->size, call->request.size, "%s", call->name);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(request->payload, call->request.data,
						 request->size), 0, "%s", call->name);
		KUNIT_EXPECT_EQ(test, request->push, 1ULL);
	}
}

static void gh_rpc_error(struct kunit *test, const struct gh_rpc_call *call, u32 code,
			 const struct gh_rpc_bytes *body)
{
	struct gh_peer_reply reply = { .code = code, .body = body->data, .size = body->size };
	char text[GH_RPC_TEXT_SIZE];

	KUNIT_EXPECT_EQ_MSG(test, gh_rpc_make(test->priv, call, &reply, text),
			    gh_rm_error_remap(code), "%s, error %#x and %zu bytes", call->name,
			    code, body->size);
}

/* An error is an error, also when something follows the code, even what is good. */
static void gh_rpc_errors(struct kunit *test)
{
	static const u32 unknown[] = { 0x15, 0x80000000, 0xfffffffe };
	const struct gh_rpc_call *call = test->param_value;
	static const u8 zero[4];
	const struct gh_rpc_bytes none = {}, word = { zero, sizeof(zero) };
	const struct gh_rpc_bytes *more = call->reply.size ? &call->reply : &word;
	u32 code;
	int i;

	for (code = GH_RM_ERROR_NOMEM; code <= GH_RM_ERROR_VM_STATE; code++) {
		gh_rpc_error(test, call, code, &none);
		gh_rpc_error(test, call, code, more);
	}
	gh_rpc_error(test, call, GH_RM_ERROR_UNIMPLEMENTED, &none);
	gh_rpc_error(test, call, GH_RM_ERROR_UNIMPLEMENTED, more);
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		gh_rpc_error(test, call, unknown[i], &none);
		gh_rpc_error(test, call, unknown[i], more);
	}
}

static void gh_rpc_size(struct kunit *test, const struct gh_rpc_call *call, const void *body,
			size_t size, bool raw)
{
	struct gh_peer_reply reply = { .body = body, .size = size, .raw = raw };
	char text[GH_RPC_TEXT_SIZE];

	KUNIT_EXPECT_EQ_MSG(test, gh_rpc_make(test->priv, call, &reply, text), -EBADMSG,
			    "%s, %zu bytes%s", call->name, size, raw ? " in all" : "");
}

/* Replies of every size but the right one */
static void gh_rpc_sizes(struct kunit *test)
{
	static const size_t more[] = { 1, 2, 3, 4, 8, 44, 232 };
	const struct gh_rpc_call *call = test->param_value;
	const size_t max = GH_RM_MAX_MESSAGE_SIZE - 4;
	size_t size;
	u8 *body;
	int i;

	body = kunit_kzalloc(test, max, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);
	memcpy(body, call->reply.data, call->reply.size);

	for (size = 0; size < call->reply.size; size++)
		gh_rpc_size(test, call, body, size, false);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		gh_rpc_size(test, call, body, call->reply.size + more[i], false);
	gh_rpc_size(test, call, body, max, false);
	/* Not even a code */
	for (size = 0; size < 4; size++)
		gh_rpc_size(test, call, body, size, true);
}

/* What is special about some, and counts, lengths and values that cannot be */
static void gh_rpc_contents(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	char text[GH_RPC_TEXT_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(gh_rpc_replies); i++) {
		const struct gh_rpc_reply *special = &gh_rpc_replies[i];
		const struct gh_peer_reply reply = {
			.body = special->reply.data,
			.size = special->reply.size,
		};

		gh_peer_forget(peer);
		gh_peer_script(peer, &reply);
		*text = '\0';
		KUNIT_EXPECT_EQ_MSG(test, special->fn(peer->rm, text),
				    special->text ? 0 : -EBADMSG, "%ps: %s", special->fn,
				    special->what);
		KUNIT_EXPECT_STREQ_MSG(test, text, special->text ?: "", "%ps: %s", special->fn,
				       special->what);
	}
}

/* Nothing is sent of what cannot be sent. */
static void gh_rpc_refused(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	char text[GH_RPC_TEXT_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(gh_rpc_refusals); i++)
		KUNIT_EXPECT_EQ_MSG(test, gh_rpc_refusals[i].fn(peer->rm, text), -EINVAL, "%s",
				    gh_rpc_refusals[i].what);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 0U);
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
	KUNIT_ASSERT_EQ(test, gh_rm_get_hyp_resources(peer->rm, 0x85, &resources), 0);
	KUNIT_EXPECT_EQ(test, memcmp(resources, body, size), 0);
	kfree(resources);
}

/* The longest reply there can be, to the longest request */
static void gh_rpc_longest(struct kunit *test)
{
	const size_t n = (GH_RM_MAX_MESSAGE_SIZE - 8) / 4, len = GH_RM_MAX_MESSAGE_SIZE - 4;
	struct gh_peer_reply reply = { .size = 4 + n * 4 };
	struct gh_rm_vmids *vmids = NULL;
	struct gh_peer *peer = test->priv;
	struct gh_peer_request *request = &peer->requests[0];
	__le32 *body;
	char *name;
	size_t i;

	body = kunit_kzalloc(test, reply.size, GFP_KERNEL);
	name = kunit_kzalloc(test, len + 1, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, body && name);
	body[0] = cpu_to_le32(n);
	for (i = 0; i < n; i++)
		body[1 + i] = cpu_to_le32(i);
	for (i = 0; i < len; i++)
		name[i] = 'a' + i % 26;
	reply.body = body;

	gh_peer_script(peer, &reply);
	KUNIT_ASSERT_EQ(test, gh_rm_vm_lookup_name(peer->rm, name, &vmids), 0);
	KUNIT_EXPECT_EQ(test, vmids->n, n);
	for (i = 0; i < vmids->n; i++)
		KUNIT_ASSERT_EQ(test, vmids->vmids[i], i);
	kfree(vmids);
	KUNIT_EXPECT_EQ(test, request->header.fragments, GH_RM_MAX_FRAGMENTS);
	KUNIT_ASSERT_EQ(test, request->size, (size_t)GH_RM_MAX_MESSAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memcmp(request->payload + 4, name, len), 0);
}

static int gh_rpc_alloc_fixed_vmid(struct gh_rm *rm, void *arg)
{
	return gh_rm_alloc_fixed_vmid(rm, *(u16 *)arg);
}

/* The reply to a fixed VMID is empty: what was asked for is given back. */
static void gh_rpc_fixed_vmid_late(struct kunit *test)
{
	const struct gh_peer_reply mute = { .mute = true }, done = {};
	static const u8 expected[] = { 0x34, 0x12, 0, 0 };
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0x1234;

	gh_peer_script(peer, &mute);
	gh_peer_script(peer, &done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_rpc_alloc_fixed_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);

	gh_peer_reply(peer, 0, &done);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, VM_DEALLOCATE);
	KUNIT_ASSERT_EQ(test, peer->requests[1].size, sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(peer->requests[1].payload, expected, sizeof(expected)), 0);
}

static void gh_rpc_call_name(const struct gh_rpc_call *call, char *desc)
{
	strscpy(desc, call->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(gh_rpc_call, gh_rpc_calls, gh_rpc_call_name);

static struct kunit_case gh_rpc_test_cases[] = {
	KUNIT_CASE(gh_rpc_good),
	KUNIT_CASE_PARAM(gh_rpc_errors, gh_rpc_call_gen_params),
	KUNIT_CASE_PARAM(gh_rpc_sizes, gh_rpc_call_gen_params),
	KUNIT_CASE(gh_rpc_contents),
	KUNIT_CASE(gh_rpc_refused),
	KUNIT_CASE(gh_rpc_many_resources),
	KUNIT_CASE(gh_rpc_longest),
	KUNIT_CASE(gh_rpc_fixed_vmid_late),
	{}
};

static struct kunit_suite gh_rpc_test_suite = {
	.name = "gunyah_rm_rpc",
	.init = gh_peer_test_init,
	.exit = gh_peer_test_exit,
	.test_cases = gh_rpc_test_cases,
};

kunit_test_suite(gh_rpc_test_suite);

MODULE_LICENSE("GPL");
