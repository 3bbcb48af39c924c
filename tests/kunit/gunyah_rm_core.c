// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: requests, replies and notifications of the Resource Manager, in bad
 * order and with callers that do not wait
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/sched/signal.h>

#include "gunyah_rm_peer.h"

#define VM_ALLOCATE	0x56000001U
#define VM_DEALLOCATE	0x56000002U
#define MEM_RECLAIM	0x51000015U
#define GET_VMID	0x56000024U

/* Long enough to see what should not happen, on a slow machine mostly */
#define SETTLE_MS	100

static const u8 vmid_128[] = { 128, 0, 0, 0 };
static const u8 vmid_3[] = { 3, 0, 0, 0 };
static const struct gh_peer_reply muted = { .mute = true };
static const struct gh_peer_reply done = {};
static const struct gh_peer_reply allocated = { .body = vmid_128, .size = sizeof(vmid_128) };
static const struct gh_peer_reply is_hlos = { .body = vmid_3, .size = sizeof(vmid_3) };

static int gh_core_test_init(struct kunit *test)
{
	struct gh_peer *peer = gh_peer_create();

	KUNIT_ASSERT_NOT_NULL(test, peer);
	test->priv = peer;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);

	return 0;
}

static void gh_core_test_exit(struct kunit *test)
{
	if (test->priv)
		gh_peer_destroy(test->priv);
}

static int gh_core_get_vmid(struct gh_rm *rm, void *arg)
{
	return gh_rm_get_vmid(rm, arg);
}

static int gh_core_alloc_vmid(struct gh_rm *rm, void *arg)
{
	return gh_rm_alloc_vmid(rm, arg);
}

/* The core is as it should be if a simple call works. */
static void gh_core_expect_works(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u16 vmid = 0;

	gh_peer_forget(peer);
	gh_peer_script(peer, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
}

/* In order, of all sizes, and also when nobody asks for anything */
static void gh_core_notifications(struct kunit *test)
{
	static const size_t sizes[] = { 0, 1, 8, 232, 233, 2000, 14616 };
	struct gh_peer *peer = test->priv;
	u8 *payload;
	int i;

	payload = kunit_kzalloc(test, 14616, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	for (i = 0; i < 3 * ARRAY_SIZE(sizes); i++) {
		payload[0] = i;
		KUNIT_ASSERT_TRUE(test, gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, i,
						     GH_RM_NOTIF_VM_STATUS + i, payload,
						     sizes[i % ARRAY_SIZE(sizes)]));
	}
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_notified(peer, i));
	for (i = 0; i < 3 * ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_EQ(test, peer->notified[i].msg_id, GH_RM_NOTIF_VM_STATUS + i + 0UL);
		KUNIT_EXPECT_EQ(test, peer->notified[i].size, sizes[i % ARRAY_SIZE(sizes)]);
		if (peer->notified[i].size)
			KUNIT_EXPECT_EQ(test, peer->notified[i].first, i);
	}
	gh_core_expect_works(test);
}

/* A listener that is stuck: notifications are lost, which is said; no reply is. */
static void gh_core_notifications_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u16 vmid = 0;
	int i;

	mutex_lock(&peer->listen);
	gh_fake_log_watch("notification 0x56100008 is lost");
	for (i = 0; i < 300; i++)
		gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, i, GH_RM_NOTIF_VM_STATUS, vmid_3, 4);
	gh_peer_script(peer, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
	KUNIT_EXPECT_GE(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	mutex_unlock(&peer->listen);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 256));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, i, GH_RM_NOTIF_VM_STATUS, vmid_3, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 257));
}

static void gh_core_notified_within(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 7, GH_RM_NOTIF_VM_EXITED, vmid_3, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
}

/* What is not the reply is dropped; what comes after it as well. */
static void gh_core_other_replies(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	const struct gh_rm_message_header *header = &peer->requests[0].header;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq + 1, header->msg_id, vmid_128, 4);
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq - 1, header->msg_id, vmid_128, 4);
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq, VM_ALLOCATE, vmid_128, 4);
	gh_peer_send(peer, GH_RM_PACKET_REQUEST, header->seq, header->msg_id, vmid_128, 4);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &is_hlos);
	gh_peer_reply(peer, 0, &allocated);
	gh_peer_reply(peer, 0, &allocated);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	gh_core_expect_works(test);
}

/* Rubbish before the reply does not cost the reply. */
static void gh_core_rubbish_within(struct kunit *test)
{
	static const u8 packets[][12] = {
		{}, { 0x21 }, { 0x20, 2, 0, 0, 1 }, { 0x21, 0xff, 0, 0, 1 }, { 0x21, 0, 0, 0, 1 },
		{ 0x21, 2 | 5 << 2, 0, 0, 1 }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;
	int i;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		gh_peer_send_packet(peer, packets[i], 1);
		gh_peer_send_packet(peer, packets[i], sizeof(packets[i]));
	}
	gh_peer_reply(peer, 0, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
}

/* A reply that ends in the middle ends the call, and nothing else. */
static void gh_core_reply_cut_off(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	const struct gh_rm_message_header *request = &peer->requests[0].header;
	u8 packet[GH_RM_PACKET_SIZE] = {};
	struct gh_rm_packet_header *header = (struct gh_rm_packet_header *)packet;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	header->api = GH_RM_PACKET_API;
	header->type = GH_RM_PACKET_REPLY | 3 << 2;
	header->seq = cpu_to_le16(request->seq);
	header->msg_id = cpu_to_le32(request->msg_id);
	gh_peer_send_packet(peer, packet, sizeof(packet));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_STATUS, vmid_3, 4);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EBADMSG);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_EQ(test, vmid, 0);
	gh_core_expect_works(test);
}

/* One request at a time; who is killed in the queue was never there. */
static void gh_core_killed_in_queue(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller first, second;
	u16 vmid[2] = {};

	KUNIT_ASSERT_EQ(test, gh_peer_call(&first, peer->rm, gh_core_get_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	KUNIT_ASSERT_EQ(test, gh_peer_call(&second, peer->rm, gh_core_alloc_vmid, &vmid[1]), 0);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	gh_peer_kill(&second);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&second), -EINTR);
	gh_peer_reply(peer, 0, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&first), 0);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	gh_core_expect_works(test);
}

/* Killed while it waits: what the late reply grants is given back, once. */
static void gh_core_killed_late_reply(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	gh_peer_script(peer, &muted);
	gh_peer_script(peer, &done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);

	gh_peer_reply(peer, 0, &allocated);
	gh_peer_reply(peer, 0, &allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, VM_DEALLOCATE);
	KUNIT_EXPECT_EQ(test, memcmp(peer->requests[1].payload, vmid_128, sizeof(vmid_128)), 0);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 2U);
	KUNIT_EXPECT_EQ(test, vmid, 0);
	gh_core_expect_works(test);
}

/* The late reply grants nothing: there is nothing to give back. */
static void gh_core_killed_late_error(struct kunit *test)
{
	const struct gh_peer_reply refused = { .code = GH_RM_ERROR_NORESOURCE };
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	gh_peer_reply(peer, 0, &refused);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);
	gh_core_expect_works(test);
}

static size_t gh_core_runs(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	memset(entries, 0, max * sizeof(*entries));

	return max;
}

/* Only the claim of the parcel is kept. */
static int gh_core_lend(struct gh_rm *rm, void *arg)
{
	struct gh_rm_mem_parcel *parcel = arg;
	static const struct gh_rm_mem_acl_entry acl;

	*parcel = (struct gh_rm_mem_parcel) {
		.n_acl_entries = 1,
		.acl_entries = &acl,
		.n_mem_entries = 512,
		.next_entries = gh_core_runs,
		.claim = parcel->claim,
	};

	return gh_rm_mem_lend(rm, parcel);
}

/* Killed between two packets: the message is sent to its end all the same. */
static void gh_core_killed_while_sending(struct kunit *test)
{
	const u8 handle[] = { 0, 0, 0, 0 };
	const struct gh_peer_reply lent = { .body = handle, .size = sizeof(handle) };
	struct gh_peer *peer = test->priv;
	struct gh_rm_mem_parcel parcel = {};
	struct gh_peer_caller caller;

	gh_peer_block(peer, true);
	gh_peer_script(peer, &lent);
	gh_peer_script(peer, &done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_lend, &parcel), 0);
	while (READ_ONCE(peer->tx.count) < GH_FAKE_MSGQ_DEPTH)
		msleep(20);
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	KUNIT_EXPECT_TRUE(test, parcel.held);
	KUNIT_EXPECT_EQ(test, parcel.mem_handle, GH_MEM_HANDLE_INVAL);

	gh_peer_block(peer, false);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, peer->requests[0].size, 8 + 8 + 4 + 512 * 16 + 4UL);
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, MEM_RECLAIM);
	gh_core_expect_works(test);
}

/* Has a lend killed whose reply did not come; returns what stands for it. */
static struct gh_rm_request *gh_core_claim(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_rm_request *claim = NULL;
	struct gh_rm_mem_parcel parcel = { .claim = &claim };
	struct gh_peer_caller caller;
	u32 handle = 0;

	gh_peer_forget(peer);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_lend, &parcel), 0);
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
static void gh_core_claims(struct kunit *test)
{
	const u8 handle_5[] = { 5, 0, 0, 0 };
	const struct gh_peer_reply lent = { .body = handle_5, .size = sizeof(handle_5) };
	const struct gh_peer_reply refused = { .code = GH_RM_ERROR_NOMEM };
	struct gh_peer *peer = test->priv;
	struct gh_rm_request *claim;
	u32 handle = 0;

	claim = gh_core_claim(test);
	gh_peer_reply(peer, 0, &lent);
	gh_core_expect_works(test);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), 0);
	KUNIT_EXPECT_EQ(test, handle, 5U);
	gh_rm_mem_unclaim(claim);

	claim = gh_core_claim(test);
	gh_peer_reply(peer, 0, &refused);
	gh_core_expect_works(test);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -ENOENT);
	gh_rm_mem_unclaim(claim);

	claim = gh_core_claim(test);
	gh_peer_reply(peer, 0, &done);
	gh_core_expect_works(test);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -EBADMSG);
	gh_rm_mem_unclaim(claim);

	claim = gh_core_claim(test);
	gh_peer_unbind(peer);
	KUNIT_EXPECT_EQ(test, gh_rm_mem_claim(claim, &handle), -ENODEV);
	gh_rm_mem_unclaim(claim);
}

/* A signal that does not kill does not end the wait. */
static void gh_core_signalled(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	send_sig(SIGUSR1, caller.task, 1);
	msleep(SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
}

/* No reply, but one to what was asked later: it is lost. It may yet come. */
static void gh_core_reply_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	gh_fake_log_watch("no reply to message 0x56000001");
	gh_peer_script(peer, &muted);
	gh_peer_script(peer, &is_hlos);
	gh_peer_script(peer, &done);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	KUNIT_ASSERT_EQ(test, peer->n_requests, 2U);
	KUNIT_EXPECT_EQ(test, peer->requests[1].header.msg_id, GET_VMID);

	gh_peer_reply(peer, 0, &allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 3));
	KUNIT_EXPECT_EQ(test, peer->requests[2].header.msg_id, VM_DEALLOCATE);
	KUNIT_EXPECT_EQ(test, vmid, 0);
	gh_core_expect_works(test);
}

/* What was asked later has no reply either: it is asked again. */
static void gh_core_probe_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	gh_peer_script(peer, &muted);
	gh_peer_script(peer, &muted);
	gh_peer_script(peer, &is_hlos);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 3U);
	gh_core_expect_works(test);
}

/* No reply at all: nobody is told that it is lost, and it may be very late. */
static void gh_core_mute(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_core_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	msleep(SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	gh_peer_reply(peer, 1, &is_hlos);
	gh_core_expect_works(test);
}

static void gh_core_send_error(struct kunit *test)
{
	const struct gh_fake_answer answer = {
		.call = GH_FAKE_MSGQ_SEND,
		.capid = GH_PEER_TX_CAP,
		.error = GH_ERROR_CSPACE_CAP_REVOKED,
	};
	struct gh_peer *peer = test->priv;
	u16 vmid;

	KUNIT_ASSERT_EQ(test, gh_fake_script(&answer), 0);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), -EACCES);
	gh_core_expect_works(test);
}

/* The device goes away: all calls end, and later ones fail. */
static void gh_core_unbind(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller waiting, queued;
	u16 vmid[2];

	KUNIT_ASSERT_EQ(test, gh_peer_call(&waiting, peer->rm, gh_core_alloc_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	KUNIT_ASSERT_EQ(test, gh_peer_call(&queued, peer->rm, gh_core_get_vmid, &vmid[1]), 0);
	msleep(SETTLE_MS);
	gh_peer_unbind(peer);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&waiting), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&queued), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid[0]), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_rm_vm_start(peer->rm, 128), -ENODEV);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);

	gh_rm_notifier_unregister(peer->rm, &peer->nb);
	gh_rm_put(peer->rm);
	peer->rm = NULL;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);
	gh_core_expect_works(test);
}

/* What an earlier owner of the queues left behind: replies, and half of one */
static void gh_core_stale(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u8 packet[GH_RM_PACKET_SIZE] = { 0x21, 2 | 1 << 2, 0, 0, 1 };
	int i;

	gh_peer_unbind(peer);
	gh_rm_notifier_unregister(peer->rm, &peer->nb);
	gh_rm_put(peer->rm);
	peer->rm = NULL;

	for (i = 0; i < 3; i++)
		gh_peer_send(peer, GH_RM_PACKET_REPLY, i, GET_VMID, vmid_128, 4);
	gh_peer_send_packet(peer, packet, sizeof(packet));
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);
	gh_core_expect_works(test);
}

static irqreturn_t gh_core_irq_handler(int irq, void *data)
{
	atomic_inc((atomic_t *)data);

	return IRQ_HANDLED;
}

static void gh_core_resource_irq(struct kunit *test)
{
	struct gh_rm_hyp_resource entry = {
		.type = GH_RESOURCE_TYPE_VCPU,
		.resource_label = cpu_to_le32(7),
		/* A capability may be 0. */
		.cap_id = 0,
		.virq = cpu_to_le32(962),
	};
	struct gh_peer *peer = test->priv;
	struct gh_resource *resource;
	atomic_t raised = ATOMIC_INIT(0);
	int i;

	for (i = 0; i < 3; i++) {
		resource = gh_rm_alloc_resource(peer->rm, &entry);
		KUNIT_ASSERT_FALSE(test, IS_ERR(resource));
		KUNIT_EXPECT_EQ(test, resource->type, GH_RESOURCE_TYPE_VCPU);
		KUNIT_EXPECT_EQ(test, resource->label, 7U);
		KUNIT_EXPECT_EQ(test, resource->capid, 0ULL);
		KUNIT_EXPECT_EQ(test, PTR_ERR(gh_rm_alloc_resource(peer->rm, &entry)), -EBUSY);

		KUNIT_ASSERT_EQ(test, request_irq(resource->irq, gh_core_irq_handler,
						  IRQF_TRIGGER_RISING, "gunyah-test", &raised), 0);
		gh_fake_irq_raise(962);
		KUNIT_EXPECT_EQ(test, atomic_read(&raised), i + 1);
		free_irq(resource->irq, &raised);
		gh_rm_free_resource(resource);
	}
}

/* Numbers that are no interrupt for us: the resource is usable without. */
static void gh_core_resource_no_irq(struct kunit *test)
{
	static const u32 intids[] = { 0, 1, 31, 1020, 1023, 8192, U32_MAX };
	struct gh_rm_hyp_resource entry = {
		.type = 9,
		.cap_id = cpu_to_le64(0x123456789abcdef0ULL),
	};
	struct gh_peer *peer = test->priv;
	struct gh_resource *resource;
	int i;

	for (i = 0; i < ARRAY_SIZE(intids); i++) {
		entry.virq = cpu_to_le32(intids[i]);
		resource = gh_rm_alloc_resource(peer->rm, &entry);
		KUNIT_ASSERT_FALSE(test, IS_ERR(resource));
		KUNIT_EXPECT_EQ(test, resource->irq, IRQ_NOTCONNECTED);
		KUNIT_EXPECT_EQ(test, resource->capid, 0x123456789abcdef0ULL);
		gh_rm_free_resource(resource);
	}
}

/* A resource keeps the interrupts alive after the device has gone. */
static void gh_core_resource_outlives(struct kunit *test)
{
	const struct gh_rm_hyp_resource entry = { .virq = cpu_to_le32(1019) };
	struct gh_peer *peer = test->priv;
	struct gh_resource *resource;

	resource = gh_rm_alloc_resource(peer->rm, &entry);
	KUNIT_ASSERT_FALSE(test, IS_ERR(resource));
	gh_peer_unbind(peer);
	gh_rm_notifier_unregister(peer->rm, &peer->nb);
	gh_rm_put(peer->rm);
	peer->rm = NULL;
	gh_rm_free_resource(resource);
}

static struct kunit_case gh_core_test_cases[] = {
	KUNIT_CASE(gh_core_notifications),
	KUNIT_CASE(gh_core_notifications_lost),
	KUNIT_CASE(gh_core_notified_within),
	KUNIT_CASE(gh_core_other_replies),
	KUNIT_CASE(gh_core_rubbish_within),
	KUNIT_CASE(gh_core_reply_cut_off),
	KUNIT_CASE(gh_core_killed_in_queue),
	KUNIT_CASE(gh_core_killed_late_reply),
	KUNIT_CASE(gh_core_killed_late_error),
	KUNIT_CASE(gh_core_killed_while_sending),
	KUNIT_CASE(gh_core_claims),
	KUNIT_CASE(gh_core_signalled),
	KUNIT_CASE(gh_core_reply_lost),
	KUNIT_CASE(gh_core_probe_lost),
	KUNIT_CASE(gh_core_mute),
	KUNIT_CASE(gh_core_send_error),
	KUNIT_CASE(gh_core_unbind),
	KUNIT_CASE(gh_core_stale),
	KUNIT_CASE(gh_core_resource_irq),
	KUNIT_CASE(gh_core_resource_no_irq),
	KUNIT_CASE(gh_core_resource_outlives),
	{}
};

static struct kunit_suite gh_core_test_suite = {
	.name = "gunyah_rm_core",
	.init = gh_core_test_init,
	.exit = gh_core_test_exit,
	.test_cases = gh_core_test_cases,
};

kunit_test_suite(gh_core_test_suite);
