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
#include <linux/kthread.h>
#include <linux/mailbox_client.h>
#include <linux/module.h>

#include "gunyah_test_loopback.h"

#define QUEUE_DEPTH	8

static unsigned int count = 1000000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "messages in each direction");

/* Much for one message, even where everything is emulated */
static unsigned int timeout_ms = 60000;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "how long nothing may happen");

/**
 * struct end - one user
 * @client: its side of the mailbox
 * @msgq: its queues
 * @tx: the message on its way
 * @sent: @tx is free again
 * @tx_result: how sending it went
 * @seed: tells the two directions apart
 * @next: number of the message that has to come now
 * @bad: messages that were not what was sent
 */
struct end {
	struct mbox_client client;
	struct gh_msgq *msgq;
	struct gh_msgq_tx_data tx;
	struct completion sent;
	int tx_result;
	u32 seed;
	unsigned int next;
	unsigned int bad;
};

static struct gunyah_test_queue queues[2];
static struct end ends[2];

static size_t message_length(unsigned int nr)
{
	return nr % GH_MSGQ_MAX_MSG_SIZE + 1;
}

static u8 message_byte(u32 seed, unsigned int nr, unsigned int i)
{
	return (nr * 2654435761u + seed) >> 8 ^ i;
}

static bool message_right(const struct gh_msgq_rx_data *rx, u32 seed, unsigned int nr)
{
	unsigned int i;

	if (rx->length != message_length(nr))
		return false;
	for (i = 0; i < rx->length; i++)
		if (rx->data[i] != message_byte(seed, nr, i))
			return false;

	return true;
}

static void end_received(struct mbox_client *client, void *message)
{
	struct end *end = container_of(client, struct end, client);

	if (!message_right(message, end->seed ^ 1, end->next))
		end->bad++;
	WRITE_ONCE(end->next, end->next + 1);
}

static void end_sent(struct mbox_client *client, void *message, int result)
{
	struct end *end = container_of(client, struct end, client);

	end->tx_result = result;
	complete(&end->sent);
}

static int send_one(struct end *end, unsigned int nr)
{
	unsigned int i;
	int ret;

	end->tx.length = message_length(nr);
	end->tx.push = nr % 7 == 0;
	for (i = 0; i < end->tx.length; i++)
		end->tx.data[i] = message_byte(end->seed, nr, i);

	ret = mbox_send_message(gh_msgq_chan(end->msgq), &end->tx);
	if (ret < 0)
		return ret;
	if (!wait_for_completion_timeout(&end->sent, msecs_to_jiffies(timeout_ms)))
		return -ETIMEDOUT;

	return end->tx_result;
}

static int send_all(void *data)
{
	struct end *end = data;
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < count && !ret; nr++)
		ret = send_one(end, nr);
	while (!kthread_should_stop())
		msleep_interruptible(10);

	return ret;
}

/* Until all is there, or nothing comes any more */
static void wait_for_all(void)
{
	unsigned long limit = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int before = 0, now = 0;

	while (now < 2 * count && time_before(jiffies, limit)) {
		msleep(20);
		now = READ_ONCE(ends[0].next) + READ_ONCE(ends[1].next);
		if (now != before)
			limit = jiffies + msecs_to_jiffies(timeout_ms);
		before = now;
	}
}

static int run(void)
{
	struct task_struct *threads[2];
	int i, ret = 0, result;

	for (i = 0; i < 2; i++)
		threads[i] = kthread_run(send_all, &ends[i], "gunyah-loop/%d", i);
	if (!IS_ERR(threads[0]) && !IS_ERR(threads[1]))
		wait_for_all();
	for (i = 0; i < 2; i++) {
		result = IS_ERR(threads[i]) ? PTR_ERR(threads[i]) : kthread_stop(threads[i]);
		ret = ret ?: result;
		pr_info("end %d: %u messages received, %u of them wrong\n", i, ends[i].next,
			ends[i].bad);
		if (ends[i].next != count || ends[i].bad)
			ret = ret ?: -EIO;
	}

	return ret;
}

static int run_ends(struct device *parent)
{
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++) {
		struct end *end = &ends[i];

		end->seed = 0x5eed00 | i;
		end->client.dev = parent;
		end->client.rx_callback = end_received;
		end->client.tx_done = end_sent;
		init_completion(&end->sent);
		end->msgq = gh_msgq_create(parent, &end->client, &queues[i].tx,
					   &queues[!i].rx);
		if (IS_ERR(end->msgq)) {
			ret = PTR_ERR(end->msgq);
			end->msgq = NULL;
		}
	}
	ret = ret ?: run();
	for (i = 0; i < 2; i++)
		if (ends[i].msgq)
			gh_msgq_destroy(ends[i].msgq);

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
	ret = run_queues(parent);
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
