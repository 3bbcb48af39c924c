// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager for KUnit
 */

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "gunyah_rm_peer.h"

/* The peer cuts and joins packets as the driver does; bytes are tested apart. */
#include "../../drivers/virt/gunyah/rsc_mgr_packet.c"

const u8 gh_peer_hlos[4] = { GH_VMID_HLOS };
const u8 gh_peer_vmid[4] = { 128 };
const struct gh_peer_reply gh_peer_muted = { .mute = true };
const struct gh_peer_reply gh_peer_done = {};
const struct gh_peer_reply gh_peer_allocated = {
	.body = gh_peer_vmid,
	.size = sizeof(gh_peer_vmid),
};

const struct gh_peer_reply gh_peer_is_hlos = {
	.body = gh_peer_hlos,
	.size = sizeof(gh_peer_hlos),
};

/* Return: false if the host does not receive for a long time. */
bool gh_peer_send_packet(struct gh_peer *peer, const void *packet, size_t size)
{
	unsigned long end = jiffies + GH_PEER_TIMEOUT;

	while (!gh_fake_msgq_put(&peer->rx, packet, size, true)) {
		if (time_after(jiffies, end))
			return false;
		usleep_range(100, 200);
	}

	return true;
}

bool gh_peer_send(struct gh_peer *peer, enum gh_rm_packet_type type, u16 seq, u32 msg_id,
		  const void *payload, size_t size)
{
	struct gh_rm_message_header header = {
		.type = type,
		.fragments = gh_rm_message_fragments(size),
		.seq = seq,
		.msg_id = msg_id,
	};
	u8 packet[GH_RM_PACKET_SIZE];
	unsigned int i;
	size_t len;

	for (i = 0; i <= header.fragments; i++) {
		len = gh_rm_packet_fill(packet, &header, payload, size, i);
		if (!gh_peer_send_packet(peer, packet, len))
			return false;
	}

	return true;
}

static bool gh_peer_send_reply(struct gh_peer *peer, const struct gh_rm_message_header *header,
			       const struct gh_peer_reply *reply)
{
	__le32 code = cpu_to_le32(reply->code);
	size_t offset = reply->raw ? 0 : sizeof(code);
	bool sent;
	u8 *payload;

	payload = kmalloc(offset + reply->size + 1, GFP_KERNEL);
	if (!payload)
		return false;

	memcpy(payload, &code, offset);
	memcpy(payload + offset, reply->body, reply->size);
	sent = gh_peer_send(peer, GH_RM_PACKET_REPLY, header->seq, header->msg_id, payload,
			    offset + reply->size);
	kfree(payload);

	return sent;
}

/* Replies to a request by hand; the request must have come. */
bool gh_peer_reply(struct gh_peer *peer, unsigned int request, const struct gh_peer_reply *reply)
{
	return gh_peer_send_reply(peer, &peer->requests[request].header, reply);
}

/*
 * The parameter is the driver's own: set it as an administrator does. It counts
 * from the next request on.
 */
int gh_peer_set_overdue(unsigned int ms)
{
	char text[16];
	struct file *file;
	loff_t pos = 0;
	ssize_t ret;
	int len;

	file = filp_open("/sys/module/gunyah_rsc_mgr/parameters/overdue_ms", O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);

	len = scnprintf(text, sizeof(text), "%u", ms);
	ret = kernel_write(file, text, len, &pos);
	filp_close(file, NULL);
	if (ret < 0)
		return ret;

	return ret == len ? 0 : -EIO;
}

static void gh_peer_handle_request(struct gh_peer *peer)
{
	struct gh_peer_reply reply = { .mute = true };
	struct gh_peer_request *request;

	if (peer->n_requests < GH_PEER_MAX_REQUESTS) {
		request = &peer->requests[peer->n_requests];
		request->header = peer->assembly.header;
		request->push = peer->push;
		request->size = peer->assembly.size;
		request->payload = kmemdup(peer->assembly.payload, request->size, GFP_KERNEL);
		/* Tests look at it as soon as it counts. */
		smp_store_release(&peer->n_requests, peer->n_requests + 1);
	}
	wake_up(&peer->wait);

	if (peer->next_reply < peer->n_replies)
		reply = peer->replies[peer->next_reply++];
	if (!reply.mute)
		gh_peer_send_reply(peer, &peer->assembly.header, &reply);
}

static void gh_peer_work(struct work_struct *work)
{
	struct gh_peer *peer = container_of(work, struct gh_peer, work);
	struct gh_fake_message message;

	mutex_lock(&peer->lock);
	while (!peer->blocked && gh_fake_msgq_take(&peer->tx, &message)) {
		if (!peer->assembly.partial)
			peer->push = 0;
		if (message.push)
			peer->push |= BIT_ULL(peer->assembly.partial ?
					      peer->assembly.received + 1 : 0);
		if (gh_rm_packet_add(&peer->assembly, message.data, message.size) == 1)
			gh_peer_handle_request(peer);
	}
	mutex_unlock(&peer->lock);
}

static void gh_peer_sent(void *priv)
{
	struct gh_peer *peer = priv;

	queue_work(system_unbound_wq, &peer->work);
}

/* While blocked, requests stay in the queue. */
void gh_peer_block(struct gh_peer *peer, bool blocked)
{
	mutex_lock(&peer->lock);
	peer->blocked = blocked;
	mutex_unlock(&peer->lock);
	queue_work(system_unbound_wq, &peer->work);
}

void gh_peer_forget(struct gh_peer *peer)
{
	mutex_lock(&peer->lock);
	while (peer->n_requests)
		kfree(peer->requests[--peer->n_requests].payload);
	peer->n_replies = 0;
	peer->next_reply = 0;
	mutex_unlock(&peer->lock);
}

/* Adds to the replies; what @reply points to must stay. */
void gh_peer_script(struct gh_peer *peer, const struct gh_peer_reply *reply)
{
	mutex_lock(&peer->lock);
	if (peer->n_replies < GH_PEER_MAX_REQUESTS)
		peer->replies[peer->n_replies++] = *reply;
	mutex_unlock(&peer->lock);
}

bool gh_peer_wait_requests(struct gh_peer *peer, unsigned int n)
{
	/* With what was counted */
	return wait_event_timeout(peer->wait, smp_load_acquire(&peer->n_requests) >= n,
				  GH_PEER_TIMEOUT);
}

bool gh_peer_wait_notified(struct gh_peer *peer, int n)
{
	return wait_event_timeout(peer->wait, atomic_read(&peer->n_notified) >= n,
				  GH_PEER_TIMEOUT);
}

static int gh_peer_notified(struct notifier_block *nb, unsigned long msg_id, void *data)
{
	struct gh_peer *peer = container_of(nb, struct gh_peer, nb);
	struct gh_rm_notification *notification = data;
	int i;

	mutex_lock(&peer->listen);
	i = atomic_read(&peer->n_notified);
	if (i < GH_PEER_MAX_NOTIFIED) {
		peer->notified[i].msg_id = msg_id;
		peer->notified[i].size = notification->size;
		if (notification->size)
			peer->notified[i].first = *(const u8 *)notification->buff;
	}
	atomic_inc(&peer->n_notified);
	mutex_unlock(&peer->listen);
	wake_up(&peer->wait);

	return NOTIFY_DONE;
}

/* Makes the device, and has the driver bind to it. */
int gh_peer_bind(struct gh_peer *peer)
{
	static const u64 capids[] = { GH_PEER_TX_CAP, GH_PEER_RX_CAP };
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_U64_ARRAY("reg", capids),
		{}
	};
	const struct resource resources[] = {
		DEFINE_RES_IRQ(peer->tx.irq),
		DEFINE_RES_IRQ(peer->rx.irq),
	};
	const struct platform_device_info info = {
		.name = "gunyah_rsc_mgr",
		.id = PLATFORM_DEVID_NONE,
		.res = resources,
		.num_res = ARRAY_SIZE(resources),
		.properties = properties,
	};

	int ret;

	ret = gh_peer_set_overdue(GH_PEER_OVERDUE_MS);
	if (ret)
		return ret;

	peer->pdev = platform_device_register_full(&info);
	if (IS_ERR(peer->pdev)) {
		ret = PTR_ERR(peer->pdev);
		peer->pdev = NULL;
		return ret;
	}

	return gh_peer_attach(peer);
}

/* Begins to use what the driver made of the device. */
int gh_peer_attach(struct gh_peer *peer)
{
	struct gh_rm *rm = platform_get_drvdata(peer->pdev);

	if (!rm)
		return -ENODEV;

	peer->rm = gh_rm_get(rm);

	return gh_rm_notifier_register(peer->rm, &peer->nb);
}

void gh_peer_detach(struct gh_peer *peer)
{
	if (!peer->rm)
		return;

	gh_rm_notifier_unregister(peer->rm, &peer->nb);
	gh_rm_put(peer->rm);
	peer->rm = NULL;
}

/* Takes the device away. peer->rm stays until gh_peer_detach(). */
void gh_peer_unbind(struct gh_peer *peer)
{
	if (!peer->pdev)
		return;

	platform_device_unregister(peer->pdev);
	peer->pdev = NULL;
}

struct gh_peer *gh_peer_create(void)
{
	struct gh_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return NULL;

	INIT_WORK(&peer->work, gh_peer_work);
	init_waitqueue_head(&peer->wait);
	mutex_init(&peer->lock);
	mutex_init(&peer->listen);
	peer->nb.notifier_call = gh_peer_notified;
	peer->tx.type = GH_RESOURCE_TYPE_MSGQ_TX;
	peer->tx.capid = GH_PEER_TX_CAP;
	peer->tx.intid = GH_PEER_TX_INTID;
	peer->tx.sent = gh_peer_sent;
	peer->tx.priv = peer;
	peer->rx.type = GH_RESOURCE_TYPE_MSGQ_RX;
	peer->rx.capid = GH_PEER_RX_CAP;
	peer->rx.intid = GH_PEER_RX_INTID;

	if (gh_fake_msgq_add(&peer->tx) || gh_fake_msgq_add(&peer->rx)) {
		gh_peer_destroy(peer);
		return NULL;
	}

	return peer;
}

void gh_peer_destroy(struct gh_peer *peer)
{
	gh_peer_unbind(peer);
	cancel_work_sync(&peer->work);
	gh_peer_detach(peer);
	gh_fake_msgq_del(&peer->rx);
	gh_fake_msgq_del(&peer->tx);
	gh_fake_script_clear();
	gh_fake_log_watch(NULL);
	gh_peer_forget(peer);
	kfree(peer);
}

/* For suites whose test->priv is a peer */
int gh_peer_test_init(struct kunit *test)
{
	struct gh_peer *peer = gh_peer_create();

	KUNIT_ASSERT_NOT_NULL(test, peer);
	test->priv = peer;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(peer), 0);

	return 0;
}

void gh_peer_test_exit(struct kunit *test)
{
	if (test->priv)
		gh_peer_destroy(test->priv);
	/* Stays for the next parameter, whose init may fail */
	test->priv = NULL;
}

int gh_peer_get_vmid(struct gh_rm *rm, void *arg)
{
	return gh_rm_get_vmid(rm, arg);
}

int gh_peer_alloc_vmid(struct gh_rm *rm, void *arg)
{
	return gh_rm_alloc_vmid(rm, arg);
}

int gh_peer_get_resources(struct gh_rm *rm, void *arg)
{
	struct gh_rm_hyp_resources *resources;
	int ret = gh_rm_get_hyp_resources(rm, 128, &resources);

	if (!ret)
		kfree(resources);

	return ret;
}

static int gh_peer_caller_thread(void *data)
{
	struct gh_peer_caller *caller = data;

	allow_signal(SIGKILL);
	allow_signal(SIGUSR1);
	caller->ret = caller->call(caller->rm, caller->arg);
	complete(&caller->done);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);

	return 0;
}

/* Has a thread of its own make a call, which can be killed. */
int gh_peer_call(struct gh_peer_caller *caller, struct gh_rm *rm,
		 int (*call)(struct gh_rm *rm, void *arg), void *arg)
{
	caller->rm = rm;
	caller->call = call;
	caller->arg = arg;
	init_completion(&caller->done);
	caller->task = kthread_run(gh_peer_caller_thread, caller, "gunyah-caller");

	return PTR_ERR_OR_ZERO(caller->task);
}

void gh_peer_kill(struct gh_peer_caller *caller)
{
	if (!IS_ERR(caller->task))
		send_sig(SIGKILL, caller->task, 1);
}

/*
 * The caller and what it works on may go when this returned, so each call needs
 * it, also if the test failed meanwhile, or there is no thread.
 *
 * Return: what the call returned, or 1 if it did not return for a long time.
 */
int gh_peer_return(struct gh_peer_caller *caller)
{
	bool returned;

	if (IS_ERR(caller->task))
		return 1;

	returned = wait_for_completion_timeout(&caller->done, GH_PEER_TIMEOUT);
	if (!returned) {
		gh_peer_kill(caller);
		wait_for_completion(&caller->done);
	}
	kthread_stop(caller->task);

	return returned ? caller->ret : 1;
}

/* Whether a simple call works, and is the only one; it may be that none does. */
bool gh_peer_works(struct gh_peer *peer)
{
	struct gh_peer_caller caller;
	u16 vmid = 0;

	if (gh_peer_set_overdue(GH_PEER_OVERDUE_MS))
		return false;
	gh_peer_forget(peer);
	gh_peer_script(peer, &gh_peer_is_hlos);
	if (gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid))
		return false;

	return !gh_peer_return(&caller) && vmid == GH_VMID_HLOS && peer->n_requests == 1;
}
