// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: callers of the Resource Manager that do not wait for their reply, and
 * replies that come late or never
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "gunyah_rm_peer.h"

#define VM_DEALLOCATE	0x56000002U
#define MEM_RECLAIM	0x51000015U
#define GET_VMID	0x56000024U

/* One request at a time; who is killed in the queue was never there. */
static void gh_wait_killed_in_queue(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller first, second;
	u16 vmid[2] = {};

	KUNIT_ASSERT_EQ(test, gh_peer_call(&first, peer->rm, gh_peer_get_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	KUNIT_EXPECT_EQ(test, gh_peer_call(&second, peer->rm, gh_peer_alloc_vmid, &vmid[1]), 0);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	gh_peer_kill(&second);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&second), -EINTR);
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&first), 0);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* Killed while it waits: what the late reply grants is given back, once. */
static void gh_wait_killed_late_reply(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &gh_peer_done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);

	gh_peer_reply(peer, 0, &gh_peer_allocated);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, VM_DEALLOCATE);
	KUNIT_EXPECT_EQ(test, memcmp(peer->requests[1].payload, gh_peer_vmid, 4), 0);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 2U);
	KUNIT_EXPECT_EQ(test, vmid, 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* The late reply grants nothing: there is nothing to give back. */
static void gh_wait_killed_late_error(struct kunit *test)
{
	const struct gh_peer_reply refused = { .code = GH_RM_ERROR_NORESOURCE };
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	gh_peer_reply(peer, 0, &refused);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* Killed when a part of the reply is there: the rest finds nobody. */
static void gh_wait_killed_within_reply(struct kunit *test)
{
	const size_t size = 4 + 4 + 300 * sizeof(struct gh_rm_hyp_resource);
	struct gh_peer *peer = test->priv;
	struct gh_rm_message_header header;
	u8 packet[GH_RM_PACKET_SIZE];
	struct gh_peer_caller caller;
	unsigned int i;
	void *payload;
	size_t len;

	payload = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_resources, NULL), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	header = peer->requests[0].header;
	header.type = GH_RM_PACKET_REPLY;
	header.fragments = gh_rm_message_fragments(size);
	for (i = 0; i <= header.fragments; i++) {
		len = gh_rm_packet_fill(packet, &header, payload, size, i);
		KUNIT_EXPECT_TRUE(test, gh_peer_send_packet(peer, packet, len));
		if (i != header.fragments / 2)
			continue;
		gh_peer_kill(&caller);
		KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	}
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

static bool gh_wait_deallocates(struct gh_peer *peer)
{
	unsigned int i;

	/* Only those that are all there */
	for (i = 0; i < smp_load_acquire(&peer->n_requests); i++) {
		if (peer->requests[i].header.msg_id == VM_DEALLOCATE)
			return true;
	}

	return false;
}

/* Killed when it was reported that there is no reply; it comes after that. */
static void gh_wait_killed_overdue(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	gh_fake_log_watch("no reply to VM_ALLOCATE (0x56000001)");
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);

	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_EXPECT_TRUE(test, wait_event_timeout(peer->wait, gh_wait_deallocates(peer),
						   GH_PEER_TIMEOUT));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	gh_peer_reply(peer, peer->n_requests - 1, &gh_peer_done);
	KUNIT_EXPECT_EQ(test, vmid, 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

static size_t gh_wait_runs(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	memset(entries, 0, max * sizeof(*entries));

	return max;
}

/* Only the claim of the parcel is kept. */
static int gh_wait_lend(struct gh_rm *rm, void *arg)
{
	struct gh_rm_mem_parcel *parcel = arg;
	static const struct gh_rm_mem_acl_entry acl;

	*parcel = (struct gh_rm_mem_parcel) {
		.n_acl_entries = 1,
		.acl_entries = &acl,
		.n_mem_entries = 512,
		.next_entries = gh_wait_runs,
		.claim = parcel->claim,
	};

	return gh_rm_mem_lend(rm, parcel);
}

/* Killed between two packets: the message is sent to its end all the same. */
static void gh_wait_killed_while_sending(struct kunit *test)
{
	const u8 handle[] = { 0, 0, 0, 0 };
	const struct gh_peer_reply lent = { .body = handle, .size = sizeof(handle) };
	struct gh_peer *peer = test->priv;
	struct gh_rm_mem_parcel parcel = {};
	struct gh_peer_caller caller;
	unsigned int count;

	gh_peer_block(peer, true);
	gh_peer_script(peer, &lent);
	gh_peer_script(peer, &gh_peer_done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_wait_lend, &parcel), 0);
	KUNIT_EXPECT_EQ(test, read_poll_timeout(READ_ONCE, count, count == GH_FAKE_MSGQ_DEPTH,
						20000, GH_PEER_TIMEOUT_US, false,
						peer->tx.count), 0);
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	KUNIT_EXPECT_TRUE(test, parcel.held);
	KUNIT_EXPECT_EQ(test, parcel.mem_handle, GH_MEM_HANDLE_INVAL);

	gh_peer_block(peer, false);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[0].size, 8 + 8 + 4 + 512 * 16 + 4UL);
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, MEM_RECLAIM);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* Has a lend killed whose reply did not come; returns what stands for it. */
static struct gh_rm_request *gh_wait_claim(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rm_request *claim = NULL;
	struct gh_rm_mem_parcel parcel = { .claim = &claim };
	struct gh_peer_caller caller;
	u32 handle = 0;

	gh_peer_forget(peer);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_wait_lend, &parcel), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	KUNIT_EXPECT_TRUE(test, parcel.held);
	KUNIT_EXPECT_EQ(test, parcel.mem_handle, GH_MEM_HANDLE_INVAL);
	KUNIT_ASSERT_NOT_NULL(test, claim);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -EAGAIN);

	return claim;
}

/* Who has a claim hears of a late reply, and nobody else acts on it. */
static void gh_wait_claims(struct kunit *test)
{
	const u8 handle_5[] = { 5, 0, 0, 0 };
	const struct gh_peer_reply lent = { .body = handle_5, .size = sizeof(handle_5) };
	const struct gh_peer_reply refused = { .code = GH_RM_ERROR_NOMEM };
	struct gh_peer *peer = test->priv;
	struct gh_rm_request *claim;
	u32 handle = 0;

	claim = gh_wait_claim(test);
	gh_peer_reply(peer, 0, &lent);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), 0);
	KUNIT_EXPECT_EQ(test, handle, 5U);
	gh_rm_mem_unclaim(claim);

	claim = gh_wait_claim(test);
	gh_peer_reply(peer, 0, &refused);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -ENOENT);
	gh_rm_mem_unclaim(claim);

	claim = gh_wait_claim(test);
	gh_peer_reply(peer, 0, &gh_peer_done);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -EBADMSG);
	gh_rm_mem_unclaim(claim);

	claim = gh_wait_claim(test);
	gh_peer_unbind(peer);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -ENODEV);
	gh_rm_mem_unclaim(claim);
}

/* Who drops a claim has what a late reply grants given back. */
static void gh_wait_unclaimed(struct kunit *test)
{
	const u8 handle_5[] = { 5, 0, 0, 0 };
	const struct gh_peer_reply lent = { .body = handle_5, .size = sizeof(handle_5) };
	struct gh_peer *peer = test->priv;

	gh_rm_mem_unclaim(gh_wait_claim(test));
	gh_peer_script(peer, &gh_peer_done);
	gh_peer_reply(peer, 0, &lent);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, MEM_RECLAIM);
	KUNIT_EXPECT_EQ(test, memcmp(peer->requests[1].payload, handle_5, 4), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* Who has a claim was told that the reply is lost: nobody waits any more. */
static void gh_wait_claim_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rm_request *claim = NULL;
	struct gh_rm_mem_parcel parcel = { .claim = &claim };

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_wait_lend(peer->rm, &parcel), -ETIMEDOUT);
	KUNIT_ASSERT_NOT_NULL(test, claim);
	msleep(5 * GH_PEER_SOON_OVERDUE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 2U);
	gh_rm_mem_unclaim(claim);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* There is no memory to give back what a late reply grants: later there is. */
static void gh_wait_given_back_again(struct kunit *test)
{
	const struct gh_peer_reply no_memory = { .code = GH_RM_ERROR_NOMEM };
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	unsigned int i;
	u16 vmid = 0;

	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &no_memory);
	gh_peer_script(peer, &no_memory);
	gh_peer_script(peer, &gh_peer_done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 4));
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_EQ(test, peer->requests[i].header.msg_id, VM_DEALLOCATE);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* A signal that does not kill does not end the wait. */
static void gh_wait_signalled(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	send_sig(SIGUSR1, caller.task, 1);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
}

/* No reply, but one to what was asked later: it is lost. It may yet come. */
static void gh_wait_reply_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	gh_fake_log_watch("no reply to VM_ALLOCATE (0x56000001)");
	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &gh_peer_is_hlos);
	gh_peer_script(peer, &gh_peer_done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	KUNIT_ASSERT_EQ(test, peer->n_requests, 2U);
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, GET_VMID);

	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 3));
	KUNIT_EXPECT_EQ(test, peer->requests[2].header.msg_id, VM_DEALLOCATE);
	KUNIT_EXPECT_EQ(test, vmid, 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* What was asked later has no reply either: it is asked again. */
static void gh_wait_probe_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &gh_peer_muted);
	gh_peer_script(peer, &gh_peer_is_hlos);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 3U);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* No reply at all: nobody is told that it is lost, and it may be very late. */
static void gh_wait_mute(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	gh_peer_reply(peer, 1, &gh_peer_is_hlos);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

static struct kunit_case gh_wait_test_cases[] = {
	KUNIT_CASE(gh_wait_killed_in_queue),
	KUNIT_CASE(gh_wait_killed_late_reply),
	KUNIT_CASE(gh_wait_killed_late_error),
	KUNIT_CASE(gh_wait_killed_while_sending),
	KUNIT_CASE(gh_wait_killed_within_reply),
	KUNIT_CASE(gh_wait_killed_overdue),
	KUNIT_CASE(gh_wait_claims),
	KUNIT_CASE(gh_wait_unclaimed),
	KUNIT_CASE(gh_wait_claim_lost),
	KUNIT_CASE(gh_wait_given_back_again),
	KUNIT_CASE(gh_wait_signalled),
	KUNIT_CASE(gh_wait_reply_lost),
	KUNIT_CASE(gh_wait_probe_lost),
	KUNIT_CASE(gh_wait_mute),
	{}
};

static struct kunit_suite gh_wait_test_suite = {
	.name = "gunyah_rm_wait",
	.init = gh_peer_test_init,
	.exit = gh_peer_test_exit,
	.test_cases = gh_wait_test_cases,
};

kunit_test_suite(gh_wait_test_suite);
