// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the Resource Manager's messages about memory parcels
 */

#include <kunit/test.h>
#include <linux/minmax.h>

#include "gunyah_rm_peer.h"

#define MEM_LEND	0x51000012U
#define MEM_SHARE	0x51000013U
#define MEM_RECLAIM	0x51000015U
#define MEM_APPEND	0x51000018U

#define GUEST		0x85

/**
 * struct gh_mem_context - a parcel of runs that are easy to tell
 * @peer: the Resource Manager
 * @parcel: the parcel
 * @acl: who gets it
 * @given: how many runs were given so far
 * @step: how many are given at once, at most
 * @end: give no more than these
 */
struct gh_mem_context {
	struct gh_peer *peer;
	struct gh_rm_mem_parcel parcel;
	struct gh_rm_mem_acl_entry acl[2];
	size_t given;
	size_t step;
	size_t end;
};

static u64 gh_mem_addr(size_t i)
{
	return 0x123400000000ULL + i * 0x3000;
}

static size_t gh_mem_next(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	struct gh_mem_context *ctx = priv;
	size_t n = min3(max, ctx->step, ctx->end - ctx->given), i;

	for (i = 0; i < n; i++) {
		entries[i].phys_addr = cpu_to_le64(gh_mem_addr(ctx->given + i));
		entries[i].size = cpu_to_le64(0x1000 + ctx->given + i);
	}
	ctx->given += n;

	return n;
}

static void gh_mem_prepare(struct gh_mem_context *ctx, size_t n_runs)
{
	gh_peer_forget(ctx->peer);
	ctx->acl[0].vmid = cpu_to_le16(GUEST);
	ctx->acl[0].perms = GH_RM_ACL_R | GH_RM_ACL_W | GH_RM_ACL_X;
	ctx->acl[1].vmid = cpu_to_le16(GH_VMID_HLOS);
	ctx->acl[1].perms = GH_RM_ACL_R | GH_RM_ACL_W;
	ctx->given = 0;
	ctx->step = SIZE_MAX;
	ctx->end = n_runs;
	ctx->parcel = (struct gh_rm_mem_parcel) {
		.mem_type = GH_RM_MEM_TYPE_NORMAL,
		.label = 0x0a0b0c0d,
		.n_acl_entries = 1,
		.acl_entries = ctx->acl,
		.n_mem_entries = n_runs,
		.next_entries = gh_mem_next,
		.priv = ctx,
		/* The calls must set these. */
		.mem_handle = 77,
		.held = true,
	};
}

static int gh_mem_test_init(struct kunit *test)
{
	struct gh_mem_context *ctx;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->peer = gh_peer_create();
	KUNIT_ASSERT_NOT_NULL(test, ctx->peer);
	test->priv = ctx;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(ctx->peer), 0);

	return 0;
}

static void gh_mem_test_exit(struct kunit *test)
{
	struct gh_mem_context *ctx = test->priv;

	if (ctx)
		gh_peer_destroy(ctx->peer);
}

static const __le32 handle_0;

static void gh_mem_script(struct gh_mem_context *ctx, u32 code, const __le32 *handle)
{
	struct gh_peer_reply reply = {
		.code = code,
		.body = handle,
		.size = handle ? sizeof(*handle) : 0,
	};

	gh_peer_script(ctx->peer, &reply);
}

/* To the byte; and the first parcel's handle is 0. */
static void gh_mem_lend_one(struct kunit *test)
{
	static const u8 expected[] = {
		0, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a,
		1, 0, 0, 0, GUEST, 0, 7, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0,
	};
	struct gh_mem_context *ctx = test->priv;
	struct gh_peer_request *request = &ctx->peer->requests[0];

	gh_mem_prepare(ctx, 1);
	gh_mem_script(ctx, 0, &handle_0);
	KUNIT_ASSERT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), 0);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, 0U);
	KUNIT_EXPECT_TRUE(test, ctx->parcel.held);
	KUNIT_ASSERT_EQ(test, ctx->peer->n_requests, 1U);
	KUNIT_EXPECT_EQ(test, request->header.msg_id, MEM_LEND);
	KUNIT_ASSERT_EQ(test, request->size, sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(request->payload, expected, sizeof(expected)), 0);
}

static void gh_mem_share_two(struct kunit *test)
{
	static const u8 expected[] = {
		1, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a,
		2, 0, 0, 0, GUEST, 0, 7, 0, 3, 0, 6, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
		0, 0x30, 0, 0, 0x34, 0x12, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0,
	};
	struct gh_mem_context *ctx = test->priv;
	struct gh_peer_request *request = &ctx->peer->requests[0];

	gh_mem_prepare(ctx, 2);
	ctx->parcel.n_acl_entries = 2;
	ctx->parcel.mem_type = GH_RM_MEM_TYPE_IO;
	ctx->step = 1;
	gh_mem_script(ctx, 0, &handle_0);
	KUNIT_ASSERT_EQ(test, gh_rm_mem_share(ctx->peer->rm, &ctx->parcel), 0);
	KUNIT_EXPECT_EQ(test, request->header.msg_id, MEM_SHARE);
	KUNIT_ASSERT_EQ(test, request->size, sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(request->payload, expected, sizeof(expected)), 0);
}

/* Return: how many runs a message has, and false if they are not the right ones. */
static bool gh_mem_check_runs(const struct gh_peer_request *request, size_t offset, size_t first,
			      size_t n)
{
	const struct gh_rm_mem_entry *entries = request->payload + offset + 4;
	const u8 *count = request->payload + offset;
	size_t i;

	if (request->size < offset + 4 + n * sizeof(*entries) ||
	    count[0] + (count[1] << 8) != n)
		return false;

	for (i = 0; i < n; i++) {
		if (le64_to_cpu(entries[i].phys_addr) != gh_mem_addr(first + i) ||
		    le64_to_cpu(entries[i].size) != 0x1000 + first + i)
			return false;
	}

	return true;
}

/* ceil(runs / 512) messages, each with the right runs, only the last one ends. */
static void gh_mem_append(struct kunit *test)
{
	static const size_t runs[] = { 512, 513, 1024, 1025 };
	struct gh_mem_context *ctx = test->priv;
	const u8 *body;
	int i, j, n;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		n = DIV_ROUND_UP(runs[i], 512);
		gh_mem_prepare(ctx, runs[i]);
		ctx->step = 100;
		gh_mem_script(ctx, 0, &handle_0);
		for (j = 1; j < n; j++)
			gh_mem_script(ctx, 0, NULL);
		KUNIT_ASSERT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), 0);
		KUNIT_ASSERT_EQ(test, ctx->peer->n_requests, (unsigned int)n);

		for (j = 0; j < n; j++) {
			struct gh_peer_request *request = &ctx->peer->requests[j];
			size_t count = min_t(size_t, 512, runs[i] - 512 * j);

			body = request->payload;
			KUNIT_EXPECT_EQ(test, request->header.msg_id, j ? MEM_APPEND : MEM_LEND);
			KUNIT_EXPECT_TRUE(test, gh_mem_check_runs(request, j ? 8 : 16, 512 * j,
								  count));
			if (j)
				KUNIT_EXPECT_EQ(test, body[4], j == n - 1);
			else
				KUNIT_EXPECT_EQ(test, body[2], n > 1 ? 2 : 0);
			/* Pushed is the last of the packets, and no other. */
			KUNIT_EXPECT_EQ(test, request->push,
					BIT_ULL(request->header.fragments));
		}
	}
}

/* Each append in turn fails: what was created is reclaimed. */
static void gh_mem_append_fails(struct kunit *test)
{
	__le32 handle = cpu_to_le32(0x11223344);
	struct gh_mem_context *ctx = test->priv;
	const u8 expected[8] = { 0x44, 0x33, 0x22, 0x11 };
	int bad, i;

	for (bad = 1; bad <= 3; bad++) {
		gh_mem_prepare(ctx, 3 * 512 + 1);
		gh_mem_script(ctx, 0, &handle);
		for (i = 1; i < bad; i++)
			gh_mem_script(ctx, 0, NULL);
		gh_mem_script(ctx, GH_RM_ERROR_NOMEM, NULL);
		gh_mem_script(ctx, 0, NULL);

		KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -ENOMEM);
		KUNIT_ASSERT_EQ(test, ctx->peer->n_requests, bad + 2U);
		KUNIT_EXPECT_EQ(test, ctx->peer->requests[bad + 1].header.msg_id, MEM_RECLAIM);
		KUNIT_ASSERT_EQ(test, ctx->peer->requests[bad + 1].size, sizeof(expected));
		KUNIT_EXPECT_EQ(test, memcmp(ctx->peer->requests[bad + 1].payload, expected,
					     sizeof(expected)), 0);
		KUNIT_EXPECT_FALSE(test, ctx->parcel.held);
		KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, GH_MEM_HANDLE_INVAL);
	}
}

/* No way forward, and none back */
static void gh_mem_reclaim_fails(struct kunit *test)
{
	__le32 handle = cpu_to_le32(9);
	struct gh_mem_context *ctx = test->priv;

	gh_mem_prepare(ctx, 600);
	gh_mem_script(ctx, 0, &handle);
	gh_mem_script(ctx, GH_RM_ERROR_NORESOURCE, NULL);
	gh_mem_script(ctx, GH_RM_ERROR_BUSY, NULL);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -ENOSPC);
	KUNIT_EXPECT_TRUE(test, ctx->parcel.held);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, 9U);
}

/* The runs end early: nothing is sent, or what was sent is taken back. */
static void gh_mem_runs_missing(struct kunit *test)
{
	struct gh_mem_context *ctx = test->priv;

	gh_mem_prepare(ctx, 100);
	ctx->end = 99;
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->peer->n_requests, 0U);
	KUNIT_EXPECT_FALSE(test, ctx->parcel.held);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, GH_MEM_HANDLE_INVAL);

	gh_mem_prepare(ctx, 600);
	ctx->end = 599;
	gh_mem_script(ctx, 0, &handle_0);
	gh_mem_script(ctx, 0, NULL);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->peer->n_requests, 2U);
	KUNIT_EXPECT_EQ(test, ctx->peer->requests[1].header.msg_id, MEM_RECLAIM);
	KUNIT_EXPECT_FALSE(test, ctx->parcel.held);
}

static void gh_mem_bad_parcels(struct kunit *test)
{
	struct gh_mem_context *ctx = test->priv;

	gh_mem_prepare(ctx, 0);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	KUNIT_EXPECT_FALSE(test, ctx->parcel.held);
	gh_mem_prepare(ctx, 1);
	ctx->parcel.n_acl_entries = 0;
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	ctx->parcel.n_acl_entries = 513;
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->peer->n_requests, 0U);
}

/* Refused: ours. A reply that makes no sense: nobody knows. */
static void gh_mem_create_fails(struct kunit *test)
{
	__le32 invalid = cpu_to_le32(U32_MAX);
	struct gh_mem_context *ctx = test->priv;

	gh_mem_prepare(ctx, 3);
	gh_mem_script(ctx, GH_RM_ERROR_MEM_INVALID, NULL);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EINVAL);
	KUNIT_EXPECT_FALSE(test, ctx->parcel.held);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, GH_MEM_HANDLE_INVAL);

	gh_mem_prepare(ctx, 3);
	gh_mem_script(ctx, 0, NULL);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EBADMSG);
	KUNIT_EXPECT_TRUE(test, ctx->parcel.held);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, GH_MEM_HANDLE_INVAL);

	gh_mem_prepare(ctx, 3);
	gh_mem_script(ctx, 0, &invalid);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -EBADMSG);
	KUNIT_EXPECT_TRUE(test, ctx->parcel.held);
	KUNIT_EXPECT_EQ(test, ctx->parcel.mem_handle, GH_MEM_HANDLE_INVAL);
}

/* A packet that cannot be sent: the message never was whole. */
static void gh_mem_send_fails(struct kunit *test)
{
	struct gh_fake_answer answer = {
		.call = GH_FAKE_MSGQ_SEND,
		.capid = GH_PEER_TX_CAP,
		.error = GH_ERROR_DENIED,
	};
	struct gh_mem_context *ctx = test->priv;

	for (answer.skip = 0; answer.skip < 3; answer.skip++) {
		gh_mem_prepare(ctx, 40);
		KUNIT_ASSERT_EQ(test, gh_fake_script(&answer), 0);
		KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), -ECOMM);
		KUNIT_EXPECT_EQ(test, ctx->peer->n_requests, 0U);
		KUNIT_EXPECT_FALSE(test, ctx->parcel.held);

		gh_mem_prepare(ctx, 40);
		gh_mem_script(ctx, 0, &handle_0);
		KUNIT_EXPECT_EQ(test, gh_rm_mem_lend(ctx->peer->rm, &ctx->parcel), 0);
	}
}

static struct kunit_case gh_mem_test_cases[] = {
	KUNIT_CASE(gh_mem_lend_one),
	KUNIT_CASE(gh_mem_share_two),
	KUNIT_CASE(gh_mem_append),
	KUNIT_CASE(gh_mem_append_fails),
	KUNIT_CASE(gh_mem_reclaim_fails),
	KUNIT_CASE(gh_mem_runs_missing),
	KUNIT_CASE(gh_mem_bad_parcels),
	KUNIT_CASE(gh_mem_create_fails),
	KUNIT_CASE(gh_mem_send_fails),
	{}
};

static struct kunit_suite gh_mem_test_suite = {
	.name = "gunyah_rm_mem",
	.init = gh_mem_test_init,
	.exit = gh_mem_test_exit,
	.test_cases = gh_mem_test_cases,
};

kunit_test_suite(gh_mem_test_suite);
