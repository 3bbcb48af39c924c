// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: finding out which optional messages the Resource Manager has
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "gunyah_rm_peer.h"

static const struct gh_probe_case {
	const char *name;
	struct gh_peer_reply reply;
	int want;
} gh_probe_cases[] = {
	{ "unknown", { .code = GH_RM_ERROR_UNIMPLEMENTED }, 0 },
	{ "wrong length", { .code = GH_RM_ERROR_INVALID }, 1 },
	{ "wrong argument", { .code = GH_RM_ERROR_ARGUMENT_INVALID }, 1 },
	{ "not allowed", { .code = GH_RM_ERROR_DENIED }, 1 },
	{ "error nobody knows", { .code = 0x1234 }, 1 },
	{ "done", { .code = GH_RM_ERROR_OK }, 1 },
	/* These say nothing of the message. */
	{ "no memory", { .code = GH_RM_ERROR_NOMEM }, -ENOMEM },
	{ "busy", { .code = GH_RM_ERROR_BUSY }, -EBUSY },
	{ "no resource", { .code = GH_RM_ERROR_NORESOURCE }, -ENOSPC },
	{ "no code", { .raw = true }, -EBADMSG },
};

static void gh_probe_case_desc(const struct gh_probe_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(gh_probe, gh_probe_cases, gh_probe_case_desc);

static void gh_probe_answer(struct kunit *test)
{
	static const u32 ids[] = { 0x56000031, 0x56000032 };
	const struct gh_probe_case *c = test->param_value;
	struct gh_peer *peer = test->priv;
	enum gh_rm_optional what;

	for (what = 0; what < GH_RM_N_OPTIONAL; what++) {
		gh_peer_script(peer, &c->reply);
		KUNIT_EXPECT_EQ(test, gh_rm_has(peer->rm, what), c->want);
		KUNIT_ASSERT_EQ(test, peer->n_requests, what + 1U);
		KUNIT_EXPECT_EQ(test, peer->requests[what].header.msg_id, ids[what]);
		KUNIT_EXPECT_EQ(test, peer->requests[what].size, 0UL);
	}
}

static int gh_probe_call(struct gh_rm *rm, void *arg)
{
	return gh_rm_has(rm, GH_RM_OPTIONAL_BOOT_CONTEXT);
}

/* The answer comes when nobody waits for it, and is nobody else's. */
static void gh_probe_killed(struct kunit *test)
{
	static const struct gh_peer_reply mute = { .mute = true };
	static const struct gh_peer_reply unknown = { .code = GH_RM_ERROR_UNIMPLEMENTED };
	static const struct gh_peer_reply known = { .code = GH_RM_ERROR_INVALID };
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;

	gh_peer_script(peer, &mute);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_probe_call, NULL), 0);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	KUNIT_EXPECT_TRUE(test, gh_peer_reply(peer, 0, &unknown));

	gh_peer_script(peer, &known);
	KUNIT_EXPECT_EQ(test, gh_rm_has(peer->rm, GH_RM_OPTIONAL_BOOT_CONTEXT), 1);
}

static void gh_probe_unbound(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rm *rm = gh_rm_get(peer->rm);

	gh_peer_unbind(peer);
	KUNIT_EXPECT_EQ(test, gh_rm_has(rm, GH_RM_OPTIONAL_FIRMWARE_MEM), -ENODEV);
	gh_rm_put(rm);
}

static int gh_probe_init(struct kunit *test)
{
	struct gh_peer *peer = gh_peer_create();

	KUNIT_ASSERT_NOT_NULL(test, peer);
	test->priv = peer;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);

	return 0;
}

static void gh_probe_exit(struct kunit *test)
{
	if (test->priv)
		gh_peer_destroy(test->priv);
}

static struct kunit_case gh_probe_kunit_cases[] = {
	KUNIT_CASE_PARAM(gh_probe_answer, gh_probe_gen_params),
	KUNIT_CASE(gh_probe_killed),
	KUNIT_CASE(gh_probe_unbound),
	{}
};

static struct kunit_suite gh_probe_suite = {
	.name = "gunyah-rm-probe",
	.init = gh_probe_init,
	.exit = gh_probe_exit,
	.test_cases = gh_probe_kunit_cases,
};

kunit_test_suite(gh_probe_suite);
