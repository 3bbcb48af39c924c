// SPDX-License-Identifier: GPL-2.0
/*
 * Two users of message queues that talk to each other: each sends messages of
 * all sizes and looks at what comes from the other. The module loads if all
 * that was sent arrived, in order.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gunyah_msgq.h>
#include <linux/ktime.h>
#include <linux/mailbox_client.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "gunyah_test_loopback.h"

#define QUEUE_DEPTH	8
/* More than a queue holds, less than the mailbox framework does */
#define IN_FLIGHT	16
#define NOISE_SIZE	4099
/* Of a queue for messages that are shorter than those of the mailbox */
#define SMALL_SIZE	100

static unsigned int count = 500000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "messages in each direction");

static unsigned int push;
module_param(push, uint, 0444);
MODULE_PARM_DESC(push, "send every Nth message with PUSH; 0: none");

static char *oversize;
module_param(oversize, charp, 0444);
MODULE_PARM_DESC(oversize,
		 "send a message too long for its queue instead: refuse or swallow is what the hypervisor does");

/* Much for one message, even where everything is emulated */
static unsigned int timeout_ms = 60000;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "give up after this long without progress, in ms");

/**
 * struct end - one user
 * @client: its side of the mailbox
 * @msgq: its queues
 * @offset: tells the two directions apart
 * @lock: guards what follows up to @error, so that messages are numbered in the
 *	  order in which they are sent
 * @tx: messages on their way
 * @prepared: how many were given to the mailbox
 * @sent: how many of these are through
 * @error: what went wrong, or 0
 * @received: how many have come
 * @bad: how many of these were not what was sent
 */
struct end {
	struct mbox_client client;
	struct gh_msgq *msgq;
	unsigned int offset;
	spinlock_t lock;	/* see above */
	struct gh_msgq_tx_data tx[IN_FLIGHT];
	unsigned int prepared;
	unsigned int sent;
	int error;
	unsigned int received;
	unsigned int bad;
};

static struct gunyah_test_queue queues[2];
static struct end ends[2];
static u8 noise[NOISE_SIZE + GH_MSGQ_MAX_MSG_SIZE];

static size_t message_length(unsigned int nr)
{
	return nr % GH_MSGQ_MAX_MSG_SIZE + 1;
}

/* What message @nr consists of, except that it begins with @nr if that fits. */
static const u8 *message_noise(unsigned int offset, unsigned int nr)
{
	return noise + (nr + offset) % NOISE_SIZE;
}

static void fill_message(struct gh_msgq_tx_data *tx, unsigned int offset, unsigned int nr)
{
	tx->length = message_length(nr);
	tx->push = push && nr % push == 0;
	memcpy(tx->data, message_noise(offset, nr), tx->length);
	if (tx->length >= sizeof(nr))
		memcpy(tx->data, &nr, sizeof(nr));
}

static bool message_right(const struct gh_msgq_rx_data *rx, unsigned int offset, unsigned int nr)
{
	size_t numbered = rx->length >= sizeof(nr) ? sizeof(nr) : 0;

	return rx->length == message_length(nr) && !memcmp(rx->data, &nr, numbered) &&
	       !memcmp(rx->data + numbered, message_noise(offset, nr) + numbered,
		       rx->length - numbered);
}

static void end_received(struct mbox_client *client, void *message)
{
	struct end *end = container_of(client, struct end, client);
	const struct end *other = &ends[end == &ends[0]];

	if (!message_right(message, other->offset, end->received))
		end->bad++;
	WRITE_ONCE(end->received, end->received + 1);
}

static void send_next(struct end *end, struct gh_msgq_tx_data *tx)
{
	int ret;

	lockdep_assert_held(&end->lock);

	if (end->prepared == count || end->error)
		return;

	fill_message(tx, end->offset, end->prepared);
	ret = mbox_send_message(gh_msgq_chan(end->msgq), tx);
	if (ret < 0)
		end->error = ret;
	else
		end->prepared++;
}

/* Its place is free for the next one. */
static void end_sent(struct mbox_client *client, void *message, int result)
{
	struct end *end = container_of(client, struct end, client);
	unsigned long flags;

	spin_lock_irqsave(&end->lock, flags);
	if (result)
		end->error = result;
	end->sent++;
	send_next(end, message);
	spin_unlock_irqrestore(&end->lock, flags);
}

static void send_first(struct end *end)
{
	unsigned long flags;
	int i;

	for (i = 0; i < IN_FLIGHT; i++) {
		spin_lock_irqsave(&end->lock, flags);
		send_next(end, &end->tx[i]);
		spin_unlock_irqrestore(&end->lock, flags);
	}
}

/* Until all is there, or nothing comes any more */
static void wait_for_all(void)
{
	unsigned long limit = jiffies + msecs_to_jiffies(timeout_ms);
	u64 before = 0, now = 0;

	while (now < 4ULL * count && time_before(jiffies, limit)) {
		msleep(20);
		now = (u64)READ_ONCE(ends[0].received) + READ_ONCE(ends[1].received) +
		      READ_ONCE(ends[0].sent) + READ_ONCE(ends[1].sent);
		if (now != before)
			limit = jiffies + msecs_to_jiffies(timeout_ms);
		before = now;
	}
}

static int end_result(const struct end *end)
{
	pr_info("%u sent, %u received, %u of these wrong, error %d\n", end->sent, end->received,
		end->bad, end->error);
	if (end->error)
		return end->error;

	return end->sent == count && end->received == count && !end->bad ? 0 : -EIO;
}

static int open_end(struct device *parent, int i)
{
	struct end *end = &ends[i];
	struct gh_msgq *msgq;

	spin_lock_init(&end->lock);
	end->offset = i * NOISE_SIZE / 2;
	end->client.dev = parent;
	end->client.rx_callback = end_received;
	end->client.tx_done = end_sent;
	msgq = gh_msgq_create(parent, &end->client, &queues[i].tx, &queues[!i].rx);
	if (IS_ERR(msgq))
		return PTR_ERR(msgq);
	end->msgq = msgq;

	return 0;
}

static int run_ends(struct device *parent)
{
	ktime_t start;
	int i, ret;
	s64 ms;

	get_random_bytes(noise, sizeof(noise));
	ret = open_end(parent, 0) ?: open_end(parent, 1);
	if (!ret) {
		start = ktime_get();
		send_first(&ends[0]);
		send_first(&ends[1]);
		wait_for_all();
		ms = ktime_ms_delta(ktime_get(), start);
		pr_info("%llu messages in %lld ms: %llu per second\n", 2ULL * count, ms,
			div64_u64(2000ULL * count, max_t(u64, ms, 1)));
	}
	for (i = 0; i < 2; i++)
		if (ends[i].msgq)
			gh_msgq_destroy(ends[i].msgq);

	return ret ?: end_result(&ends[0]) ?: end_result(&ends[1]);
}

/**
 * struct echo - a user that talks to itself
 * @client: its side of the mailbox
 * @msgq: a queue, both ends of it
 * @tx: the message on its way
 * @sent: it is through, or was refused
 * @result: which of these
 * @received: a message has come
 * @messages: how many have come
 * @length: of the last of these
 */
struct echo {
	struct mbox_client client;
	struct gh_msgq *msgq;
	struct gh_msgq_tx_data tx;
	struct completion sent;
	int result;
	struct completion received;
	unsigned int messages;
	size_t length;
};

static void echo_received(struct mbox_client *client, void *message)
{
	struct echo *echo = container_of(client, struct echo, client);
	const struct gh_msgq_rx_data *rx = message;

	echo->messages++;
	echo->length = rx->length;
	complete(&echo->received);
}

static void echo_sent(struct mbox_client *client, void *message, int result)
{
	struct echo *echo = container_of(client, struct echo, client);

	echo->result = result;
	complete(&echo->sent);
}

/* Return: 0 if the message was sent with this result. */
static int echo_send(struct echo *echo, size_t length, int result)
{
	int ret;

	echo->tx.length = length;
	ret = mbox_send_message(gh_msgq_chan(echo->msgq), &echo->tx);
	if (ret < 0)
		return ret;
	if (!wait_for_completion_timeout(&echo->sent, msecs_to_jiffies(timeout_ms)))
		return -ETIMEDOUT;
	if (echo->result == result)
		return 0;

	pr_err("%zu bytes: %d, not %d\n", length, echo->result, result);
	return -EIO;
}

/* What is too long gets lost, one way or the other; what is behind it arrives. */
static int echo_run(struct echo *echo)
{
	int ret;

	ret = echo_send(echo, SMALL_SIZE + 1, sysfs_streq(oversize, "swallow") ? 0 : -EINVAL) ?:
	      echo_send(echo, SMALL_SIZE, 0);
	if (ret)
		return ret;
	if (!wait_for_completion_timeout(&echo->received, msecs_to_jiffies(timeout_ms)))
		return -ETIMEDOUT;
	if (echo->messages == 1 && echo->length == SMALL_SIZE)
		return 0;

	pr_err("%u messages, the last of %zu bytes\n", echo->messages, echo->length);
	return -EIO;
}

static int run_oversize(struct device *parent)
{
	struct gunyah_test_queue queue;
	struct echo *echo;
	int ret;

	echo = kzalloc(sizeof(*echo), GFP_KERNEL);
	if (!echo)
		return -ENOMEM;
	ret = gunyah_test_loopback_create(&queue, QUEUE_DEPTH, SMALL_SIZE);
	if (ret)
		goto free_echo;

	init_completion(&echo->sent);
	init_completion(&echo->received);
	echo->client.dev = parent;
	echo->client.rx_callback = echo_received;
	echo->client.tx_done = echo_sent;
	echo->msgq = gh_msgq_create(parent, &echo->client, &queue.tx, &queue.rx);
	ret = PTR_ERR_OR_ZERO(echo->msgq);
	if (!ret) {
		ret = echo_run(echo);
		gh_msgq_destroy(echo->msgq);
	}
	gunyah_test_loopback_destroy(&queue);

free_echo:
	kfree(echo);
	return ret;
}

static int run_queues(struct device *parent)
{
	int ret;

	ret = gunyah_test_loopback_create(&queues[0], QUEUE_DEPTH, GH_MSGQ_MAX_MSG_SIZE);
	if (ret)
		return ret;
	ret = gunyah_test_loopback_create(&queues[1], QUEUE_DEPTH, GH_MSGQ_MAX_MSG_SIZE);
	if (!ret) {
		ret = run_ends(parent);
		gunyah_test_loopback_destroy(&queues[1]);
	}
	gunyah_test_loopback_destroy(&queues[0]);

	return ret;
}

static int __init loopback_init(void)
{
	struct device *parent = root_device_register(KBUILD_MODNAME);
	int ret;

	if (IS_ERR(parent))
		return PTR_ERR(parent);
	ret = oversize ? run_oversize(parent) : run_queues(parent);
	root_device_unregister(parent);

	return ret;
}
module_init(loopback_init);

/* All was done in the beginning. */
static void __exit loopback_exit(void)
{
}
module_exit(loopback_exit);

MODULE_DESCRIPTION("Loopback test of Gunyah message queues");
MODULE_LICENSE("GPL");
