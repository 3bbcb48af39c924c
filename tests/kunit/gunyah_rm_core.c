// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: requests, replies and notifications of the Resource Manager, in bad
 * order, and its device
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "gunyah_rm_peer.h"

#define VM_ALLOCATE	0x56000001U
#define GET_VMID	0x56000024U

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
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* A listener that is stuck: notifications are lost, which is said; no reply is. */
static void gh_core_notifications_lost(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u16 vmid = 0;
	int i;

	mutex_lock(&peer->listen);
	gh_fake_log_watch("notification VM_STATUS (0x56100008) is lost");
	for (i = 0; i < 300; i++) {
		/* Receiving must not stop; else no reply would come either. */
		if (gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, i, GH_RM_NOTIF_VM_STATUS,
				 gh_peer_hlos, 4))
			continue;
		mutex_unlock(&peer->listen);
		KUNIT_FAIL(test, "notification %d was not received", i);
		return;
	}
	gh_peer_script(peer, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
	KUNIT_EXPECT_GE(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	mutex_unlock(&peer->listen);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 256));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, i, GH_RM_NOTIF_VM_STATUS, gh_peer_hlos, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 257));
}

static void gh_core_notified_within(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 7, GH_RM_NOTIF_VM_EXITED, gh_peer_hlos, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
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

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq + 1, header->msg_id, gh_peer_vmid, 4);
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq - 1, header->msg_id, gh_peer_vmid, 4);
	gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq, VM_ALLOCATE, gh_peer_vmid, 4);
	gh_peer_send(peer, GH_RM_PACKET_REQUEST, header->seq, header->msg_id, gh_peer_vmid, 4);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
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

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		gh_peer_send_packet(peer, packets[i], 1);
		gh_peer_send_packet(peer, packets[i], sizeof(packets[i]));
	}
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
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

	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	header->api = GH_RM_PACKET_API;
	header->type = GH_RM_PACKET_REPLY | 3 << 2;
	header->seq = cpu_to_le16(request->seq);
	header->msg_id = cpu_to_le32(request->msg_id);
	gh_peer_send_packet(peer, packet, sizeof(packet));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_STATUS, gh_peer_hlos, 4);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EBADMSG);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_EQ(test, vmid, 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* A signal in the thread that receives, which must not mind. */
static void gh_core_receiver_signalled(struct kunit *test)
{
	const size_t size = 4 + 200 * sizeof(struct gh_rm_hyp_resource);
	struct gh_peer *peer = test->priv;
	struct gh_peer_reply reply = { .size = size };
	struct gh_rm_hyp_resources *body;
	struct gh_peer_caller caller;

	body = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);
	body->n_entries = cpu_to_le32(200);
	reply.body = body;

	gh_fake_msgq_signal(&peer->rx, true);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_ASSERT_NOT_NULL(test, peer->rx.thread);
	KUNIT_EXPECT_TRUE(test, signal_pending(peer->rx.thread));
	gh_peer_script(peer, &reply);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_resources, NULL), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_STATUS, body, size);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	gh_fake_msgq_signal(&peer->rx, false);
}

/* What was sent by an earlier owner, fills the queue. */
static void gh_core_stale_full(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	const u8 stale[] = { 0x21, GH_RM_PACKET_CONTINUATION, 0, 0, 1, 0, 0, 0 };
	struct gh_peer_caller caller;
	u16 vmid = 0;
	int i;

	gh_peer_unbind(peer);
	gh_peer_detach(peer);
	gh_peer_block(peer, true);
	for (i = 0; i < GH_FAKE_MSGQ_DEPTH; i++) {
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&peer->tx, stale, sizeof(stale), false));
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&peer->rx, stale, sizeof(stale), false));
	}
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	msleep(GH_PEER_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.done));
	KUNIT_EXPECT_EQ(test, peer->tx.count, (unsigned int)GH_FAKE_MSGQ_DEPTH);
	KUNIT_EXPECT_EQ(test, peer->rx.count, 0U);

	gh_peer_script(peer, &gh_peer_is_hlos);
	gh_peer_block(peer, false);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_EQ(test, vmid, GH_VMID_HLOS);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/**
 * struct gh_core_listener - calls when it is notified
 * @nb: listens
 * @peer: the Resource Manager
 * @ret: what the call returned
 */
struct gh_core_listener {
	struct notifier_block nb;
	struct gh_peer *peer;
	int ret;
};

static int gh_core_notified_call(struct notifier_block *nb, unsigned long msg_id, void *data)
{
	struct gh_core_listener *listener = container_of(nb, struct gh_core_listener, nb);

	listener->ret = gh_rm_vm_start(listener->peer->rm, 128);

	return NOTIFY_DONE;
}

/* A listener may call, even while a call waits for its reply. */
static void gh_core_notified_calls(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_core_listener listener = {
		.nb.notifier_call = gh_core_notified_call,
		/* Before the peer's own */
		.nb.priority = 1,
		.peer = peer,
		.ret = 1,
	};
	struct gh_peer_caller caller;
	u16 vmid = 0;

	KUNIT_ASSERT_EQ(test, gh_rm_notifier_register(peer->rm, &listener.nb), 0);
	KUNIT_EXPECT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 7, GH_RM_NOTIF_VM_EXITED, gh_peer_hlos, 4);
	gh_peer_script(peer, &gh_peer_done);
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	gh_rm_notifier_unregister(peer->rm, &listener.nb);
	KUNIT_EXPECT_EQ(test, listener.ret, 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* A notification that ends in the middle: this is said, and the next one comes. */
static void gh_core_notification_cut_off(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	const struct gh_rm_message_header header = {
		.type = GH_RM_PACKET_NOTIFICATION,
		.fragments = 1,
		.msg_id = GH_RM_NOTIF_VM_STATUS,
	};
	u8 packet[GH_RM_PACKET_SIZE];
	u8 payload[233] = {};
	size_t len;

	len = gh_rm_packet_fill(packet, &header, payload, sizeof(payload), 0);
	gh_fake_log_watch("0x56100008");
	KUNIT_EXPECT_TRUE(test, gh_peer_send_packet(peer, packet, len));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_EXITED, gh_peer_hlos, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	KUNIT_EXPECT_EQ(test, peer->notified[0].msg_id, GH_RM_NOTIF_VM_EXITED + 0UL);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
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
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), -ECOMM);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* The device goes away: all calls end, and later ones fail. */
static void gh_core_unbind(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller waiting, queued;
	u16 vmid[2];

	KUNIT_ASSERT_EQ(test, gh_peer_call(&waiting, peer->rm, gh_peer_alloc_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	KUNIT_EXPECT_EQ(test, gh_peer_call(&queued, peer->rm, gh_peer_get_vmid, &vmid[1]), 0);
	msleep(GH_PEER_SETTLE_MS);
	gh_peer_unbind(peer);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&waiting), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&queued), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid[0]), -ENODEV);
	KUNIT_EXPECT_EQ(test, gh_rm_vm_start(peer->rm, 128), -ENODEV);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 1U);

	gh_peer_detach(peer);
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* What an earlier owner of the queues left behind: replies, and half of one */
static void gh_core_stale(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u8 packet[GH_RM_PACKET_SIZE] = { 0x21, 2 | 1 << 2, 0, 0, 1 };
	int i;

	gh_peer_unbind(peer);
	gh_peer_detach(peer);

	for (i = 0; i < 3; i++)
		gh_peer_send(peer, GH_RM_PACKET_REPLY, i, GET_VMID, gh_peer_vmid, 4);
	gh_peer_send_packet(peer, packet, sizeof(packet));
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
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

/* An interrupt that another device has stays what it is. */
static void gh_core_resource_foreign_irq(struct kunit *test)
{
	const struct gh_rm_hyp_resource entry = { .virq = cpu_to_le32(GH_PEER_RX_INTID) };
	struct gh_peer *peer = test->priv;

	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_rm_alloc_resource(peer->rm, &entry)), -EBUSY);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

/* A Resource Manager that never stops to send does not keep the driver. */
static void gh_core_unbind_endless(struct kunit *test)
{
	static const u8 payload[8];
	struct gh_peer *peer = test->priv;
	unsigned int calls = peer->rx.calls;
	unsigned int now;

	WRITE_ONCE(peer->rx.endless, true);
	KUNIT_ASSERT_TRUE(test, gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, 0x51000001,
					     payload, sizeof(payload)));
	KUNIT_EXPECT_EQ(test, read_poll_timeout(READ_ONCE, now, now - calls > 100, 1000,
						GH_PEER_TIMEOUT_US, false, peer->rx.calls), 0);
	gh_peer_unbind(peer);
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
	gh_peer_detach(peer);
	gh_rm_free_resource(resource);
}

static struct kunit_case gh_core_test_cases[] = {
	KUNIT_CASE(gh_core_notifications),
	KUNIT_CASE(gh_core_notifications_lost),
	KUNIT_CASE(gh_core_notified_within),
	KUNIT_CASE(gh_core_other_replies),
	KUNIT_CASE(gh_core_rubbish_within),
	KUNIT_CASE(gh_core_reply_cut_off),
	KUNIT_CASE(gh_core_receiver_signalled),
	KUNIT_CASE(gh_core_notified_calls),
	KUNIT_CASE(gh_core_notification_cut_off),
	KUNIT_CASE(gh_core_send_error),
	KUNIT_CASE(gh_core_unbind),
	KUNIT_CASE(gh_core_stale),
	KUNIT_CASE(gh_core_stale_full),
	KUNIT_CASE(gh_core_resource_irq),
	KUNIT_CASE(gh_core_resource_foreign_irq),
	KUNIT_CASE(gh_core_resource_no_irq),
	KUNIT_CASE(gh_core_unbind_endless),
	KUNIT_CASE(gh_core_resource_outlives),
	{}
};

static struct kunit_suite gh_core_test_suite = {
	.name = "gunyah_rm_core",
	.init = gh_peer_test_init,
	.exit = gh_peer_test_exit,
	.test_cases = gh_core_test_cases,
};

kunit_test_suite(gh_core_test_suite);
