// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: message queues as a mailbox channel
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gunyah_msgq.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mailbox_client.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/wait.h>

#include "gunyah_hypercall_fake.h"

/* A capability may be 0. */
#define TX_CAP		0
#define RX_CAP		0xaa241640044412ULL
#define TX_INTID	960
#define RX_INTID	961

#define MAX_EVENTS	64
#define TIMEOUT		(60 * HZ)
#define TIMEOUT_US	(60 * USEC_PER_SEC)

/**
 * struct gh_msgq_context - a channel and what came of it
 * @pdev: device that it belongs to
 * @parent: of the channel: @pdev as a device
 * @client: the test as its client
 * @tx: the queue to send
 * @rx: the queue to receive
 * @tx_res: @tx as the driver is given it
 * @rx_res: @rx as the driver is given it
 * @msgq: the channel
 * @out: messages to send
 * @wait: woken when something happens
 * @n_done: how many were reported to be sent
 * @done: which these were
 * @results: with which result
 * @n_received: how many were received
 * @received: first bytes of these
 * @lengths: sizes of these
 */
struct gh_msgq_context {
	struct platform_device *pdev;
	struct device *parent;
	struct mbox_client client;
	struct gh_fake_msgq tx;
	struct gh_fake_msgq rx;
	struct gh_resource tx_res;
	struct gh_resource rx_res;
	struct gh_msgq *msgq;
	struct gh_msgq_tx_data out[MAX_EVENTS];
	wait_queue_head_t wait;
	atomic_t n_done;
	void *done[MAX_EVENTS];
	int results[MAX_EVENTS];
	atomic_t n_received;
	u8 received[MAX_EVENTS];
	size_t lengths[MAX_EVENTS];
};

static void gh_msgq_tx_done(struct mbox_client *client, void *mssg, int result)
{
	struct gh_msgq_context *ctx = container_of(client, struct gh_msgq_context, client);
	int i = atomic_read(&ctx->n_done);

	if (i < MAX_EVENTS) {
		ctx->done[i] = mssg;
		ctx->results[i] = result;
	}
	atomic_inc(&ctx->n_done);
	wake_up(&ctx->wait);
}

static void gh_msgq_rx_callback(struct mbox_client *client, void *mssg)
{
	struct gh_msgq_context *ctx = container_of(client, struct gh_msgq_context, client);
	int i = atomic_read(&ctx->n_received);
	struct gh_msgq_rx_data *data = mssg;

	if (i < MAX_EVENTS) {
		ctx->received[i] = data->data[0];
		ctx->lengths[i] = data->length;
	}
	atomic_inc(&ctx->n_received);
	wake_up(&ctx->wait);
}

static void gh_msgq_sent(void *priv)
{
	struct gh_msgq_context *ctx = priv;

	wake_up(&ctx->wait);
}

static void gh_msgq_open(struct kunit *test, const struct gh_resource *tx,
			 const struct gh_resource *rx)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_msgq *msgq;

	msgq = gh_msgq_create(ctx->parent, &ctx->client, tx, rx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(msgq));
	ctx->msgq = msgq;
}

static int gh_msgq_test_init(struct kunit *test)
{
	struct gh_msgq_context *ctx;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	init_waitqueue_head(&ctx->wait);
	ctx->client.tx_done = gh_msgq_tx_done;
	ctx->client.rx_callback = gh_msgq_rx_callback;
	ctx->tx.type = GH_RESOURCE_TYPE_MSGQ_TX;
	ctx->tx.capid = TX_CAP;
	ctx->tx.intid = TX_INTID;
	ctx->tx.sent = gh_msgq_sent;
	ctx->tx.priv = ctx;
	ctx->rx.type = GH_RESOURCE_TYPE_MSGQ_RX;
	ctx->rx.capid = RX_CAP;
	ctx->rx.intid = RX_INTID;

	ctx->pdev = platform_device_register_simple("gunyah-msgq-test", PLATFORM_DEVID_NONE,
						    NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx->pdev));
	ctx->parent = &ctx->pdev->dev;
	ctx->client.dev = ctx->parent;
	test->priv = ctx;

	KUNIT_ASSERT_EQ(test, gh_fake_msgq_add(&ctx->tx), 0);
	KUNIT_ASSERT_EQ(test, gh_fake_msgq_add(&ctx->rx), 0);
	gh_fake_msgq_resource(&ctx->tx, &ctx->tx_res);
	gh_fake_msgq_resource(&ctx->rx, &ctx->rx_res);

	return 0;
}

static void gh_msgq_test_exit(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;

	if (!ctx)
		return;
	if (ctx->msgq)
		gh_msgq_destroy(ctx->msgq);
	gh_fake_msgq_del(&ctx->rx);
	gh_fake_msgq_del(&ctx->tx);
	platform_device_unregister(ctx->pdev);
	gh_fake_script_clear();
	gh_fake_log_watch(NULL);
}

static int gh_msgq_send(struct gh_msgq_context *ctx, unsigned int i, size_t length, bool push)
{
	ctx->out[i].length = length;
	ctx->out[i].push = push;
	ctx->out[i].data[0] = i;

	return mbox_send_message(gh_msgq_chan(ctx->msgq), &ctx->out[i]);
}

#define SOON(ctx, condition)	wait_event_timeout((ctx)->wait, condition, TIMEOUT)

/* Gives what must not happen the time to do so. */
static void gh_msgq_settle(struct gh_msgq_context *ctx)
{
	msleep(50);
	synchronize_irq(ctx->tx.irq);
	synchronize_irq(ctx->rx.irq);
}

static void gh_msgq_refuses(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_resource bad = ctx->tx_res;
	struct mbox_client *client = &ctx->client;

	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, NULL, NULL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, &ctx->rx_res, NULL)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, NULL, &ctx->tx_res)),
			-EINVAL);
	bad.irq = IRQ_NOTCONNECTED;
	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, &bad, NULL)), -EINVAL);
	bad.irq = 0;
	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, &bad, NULL)), -EINVAL);

	client->tx_block = true;
	KUNIT_EXPECT_EQ(test, PTR_ERR(gh_msgq_create(ctx->parent, client, &ctx->tx_res, NULL)),
			-EINVAL);
}

/* The second interrupt cannot be had: the first is given back. */
static void gh_msgq_no_irq(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_msgq *msgq;

	irq_set_status_flags(ctx->rx.irq, IRQ_NOREQUEST);
	msgq = gh_msgq_create(ctx->parent, &ctx->client, &ctx->tx_res, &ctx->rx_res);
	irq_clear_status_flags(ctx->rx.irq, IRQ_NOREQUEST);
	KUNIT_EXPECT_EQ(test, PTR_ERR(msgq), -EINVAL);

	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
}

static void gh_msgq_sends(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;

	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 1, false), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 1, 240, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 2));
	KUNIT_EXPECT_PTR_EQ(test, ctx->done[1], (void *)&ctx->out[1]);
	KUNIT_EXPECT_EQ(test, ctx->results[0], 0);
	KUNIT_EXPECT_EQ(test, ctx->results[1], 0);

	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_EQ(test, message.size, 1UL);
	KUNIT_EXPECT_FALSE(test, message.push);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_EQ(test, message.size, 240UL);
	KUNIT_EXPECT_TRUE(test, message.push);
	KUNIT_EXPECT_EQ(test, message.data[0], 1);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), 2);
}

/* More than fits: the last one that did is done when there is room again. */
static void gh_msgq_full(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;
	int i;

	gh_msgq_open(test, &ctx->tx_res, NULL);
	for (i = 0; i < GH_FAKE_MSGQ_DEPTH + 3; i++)
		KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, i, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, ctx->tx.count == GH_FAKE_MSGQ_DEPTH));
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), GH_FAKE_MSGQ_DEPTH - 1);

	for (i = 0; i < GH_FAKE_MSGQ_DEPTH + 3; i++) {
		KUNIT_EXPECT_TRUE(test, SOON(ctx, ctx->tx.count || i == atomic_read(&ctx->n_done)));
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
		KUNIT_EXPECT_EQ(test, message.data[0], i);
		gh_msgq_settle(ctx);
	}
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == GH_FAKE_MSGQ_DEPTH + 3));
	for (i = 0; i < GH_FAKE_MSGQ_DEPTH + 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ctx->done[i], (void *)&ctx->out[i]);
		KUNIT_EXPECT_EQ(test, ctx->results[i], 0);
	}
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, GH_FAKE_MSGQ_DEPTH + 3U);
}

static void gh_msgq_fill_tx(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 stale = 0xee;
	int i;

	for (i = 0; i < GH_FAKE_MSGQ_DEPTH; i++)
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->tx, &stale, 1, false));
}

/* What the owner before us sent, and nobody took: we wait, and then go on. */
static void gh_msgq_full_at_first(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;
	int i;

	gh_msgq_fill_tx(test);
	gh_msgq_open(test, &ctx->tx_res, NULL);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 5, 10, true), 0);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), 0);
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 1U);

	/* An interrupt for nothing: still full */
	gh_fake_irq_raise(TX_INTID);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), 0);
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 2U);

	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, ctx->tx.count == GH_FAKE_MSGQ_DEPTH));
	for (i = 0; i < GH_FAKE_MSGQ_DEPTH; i++)
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_EQ(test, message.data[0], 5);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_EXPECT_EQ(test, ctx->results[0], 0);
}

/*
 * It finds the queue full, and meets an error later. Those behind it do not try
 * before, and have results of their own.
 */
static void gh_msgq_full_then_error(struct kunit *test)
{
	struct gh_fake_answer answer = {
		.call = GH_FAKE_MSGQ_SEND,
		.capid = TX_CAP,
		.error = GH_ERROR_DENIED,
	};
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;
	int i;

	gh_msgq_fill_tx(test);
	gh_msgq_open(test, &ctx->tx_res, NULL);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, i, 10, false), 0);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 1U);

	KUNIT_ASSERT_EQ(test, gh_fake_script(&answer), 0);
	for (i = 0; i < GH_FAKE_MSGQ_DEPTH; i++)
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 3));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ctx->done[i], (void *)&ctx->out[i]);
		KUNIT_EXPECT_EQ(test, ctx->results[i], i ? 0 : -EACCES);
	}
	KUNIT_EXPECT_EQ(test, ctx->tx.count, 2U);
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 4U);
}

/* Whatever the hypervisor may answer */
static const enum gh_error gh_msgq_errors[] = {
	GH_ERROR_UNIMPLEMENTED, GH_ERROR_RETRY, GH_ERROR_ARG_INVAL, GH_ERROR_ARG_SIZE,
	GH_ERROR_ARG_ALIGN, GH_ERROR_NOMEM, GH_ERROR_NORESOURCES, GH_ERROR_ADDR_OVFL,
	GH_ERROR_ADDR_UNFL, GH_ERROR_ADDR_INVAL, GH_ERROR_DENIED, GH_ERROR_BUSY,
	GH_ERROR_IDLE, GH_ERROR_OBJECT_STATE, GH_ERROR_OBJECT_CONFIG,
	GH_ERROR_OBJECT_CONFIGURED, GH_ERROR_FAILURE, GH_ERROR_CSPACE_CAP_NULL,
	GH_ERROR_CSPACE_CAP_REVOKED, GH_ERROR_CSPACE_WRONG_OBJ_TYPE,
	GH_ERROR_CSPACE_INSUF_RIGHTS, GH_ERROR_CSPACE_FULL, 12345,
};

static void gh_msgq_send_error(struct kunit *test, enum gh_error error)
{
	struct gh_fake_answer answer = {
		.call = GH_FAKE_MSGQ_SEND,
		.capid = TX_CAP,
		.error = error,
	};
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;

	atomic_set(&ctx->n_done, 0);
	KUNIT_ASSERT_EQ(test, gh_fake_script(&answer), 0);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 10, true), 0);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 1, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 2));
	KUNIT_EXPECT_EQ(test, gh_fake_script_left(), 0U);
	KUNIT_EXPECT_EQ(test, ctx->results[0], gh_error_remap(error));
	KUNIT_EXPECT_EQ(test, ctx->results[1], 0);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_EQ(test, message.data[0], 1);
	KUNIT_EXPECT_FALSE(test, gh_fake_msgq_take(&ctx->tx, &message));
}

/* An error is reported for the message that met it, and for no other. */
static void gh_msgq_send_errors(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	int i;

	gh_msgq_open(test, &ctx->tx_res, NULL);
	for (i = 0; i < ARRAY_SIZE(gh_msgq_errors); i++)
		gh_msgq_send_error(test, gh_msgq_errors[i]);
	gh_msgq_send_error(test, GH_ERROR_MSGQUEUE_EMPTY);
}

/* The hypervisor would swallow these without a word. */
static void gh_msgq_send_sizes(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;

	gh_msgq_open(test, &ctx->tx_res, NULL);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 0, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 1, 241, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 2));
	KUNIT_EXPECT_EQ(test, ctx->results[0], -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->results[1], -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 0U);
}

/* Interrupts for nothing complete nothing. */
static void gh_msgq_spurious(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;

	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	gh_fake_irq_raise(TX_INTID);
	gh_fake_irq_raise(RX_INTID);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_received), 0);

	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
}

/* N messages are received by N calls. */
static void gh_msgq_receives(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data[GH_FAKE_MSGQ_SIZE];
	unsigned int calls;
	u8 i;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	calls = ctx->rx.calls;
	for (i = 0; i < 5; i++) {
		data[0] = i;
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, data, 60 * i ?: 1, false));
	}
	gh_fake_irq_raise(RX_INTID);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 5));
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, ctx->received[i], i);
		KUNIT_EXPECT_EQ(test, ctx->lengths[i], 60UL * i ?: 1UL);
	}
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls - calls, 5U);
}

/* There was an interrupt for these, but it went to the owner before us. */
static void gh_msgq_receives_stale(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data = 7;

	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, false));
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, false));
	gh_msgq_open(test, NULL, &ctx->rx_res);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 2));
}

static void gh_msgq_script_receive(struct kunit *test, enum gh_error error, u64 size, bool more,
				   unsigned int times)
{
	struct gh_fake_answer answer = {
		.call = GH_FAKE_MSGQ_RECV,
		.capid = RX_CAP,
		.error = error,
		.x = { size, more },
	};

	while (times--)
		KUNIT_ASSERT_EQ(test, gh_fake_script(&answer), 0);
}

/*
 * One message, one interrupt, and so many answers before it that are none: it
 * comes without another interrupt. Just one call more is made for each of them,
 * and the trouble is reported once.
 */
static void gh_msgq_receive_after(struct kunit *test, enum gh_error error, unsigned int times)
{
	struct gh_msgq_context *ctx = test->priv;
	unsigned int calls;
	u8 data = 0x5a;

	atomic_set(&ctx->n_received, 0);
	gh_msgq_script_receive(test, error, 0, true, times);
	calls = ctx->rx.calls;
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 1));
	KUNIT_EXPECT_EQ(test, ctx->received[0], data);
	KUNIT_EXPECT_EQ(test, gh_fake_script_left(), 0U);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls, calls + times + 1);
}

/* Nobody is woken by what is not received. */
static void gh_msgq_wait_calls(struct kunit *test, unsigned int first, unsigned int n)
{
	struct gh_msgq_context *ctx = test->priv;
	unsigned int calls;

	KUNIT_EXPECT_EQ(test, read_poll_timeout(READ_ONCE, calls, calls - first >= n, 20000,
						TIMEOUT_US, false, ctx->rx.calls), 0);
}

/* Each error is reported once, and again after it was gone. */
static void gh_msgq_receive_reports(struct kunit *test)
{
	static const enum gh_error errors[] = {
		GH_ERROR_MSGQUEUE_FULL, GH_ERROR_ADDR_INVAL, GH_ERROR_CSPACE_CAP_REVOKED, 12345,
	};
	struct gh_msgq_context *ctx = test->priv;
	unsigned int calls;
	char text[32];
	int i;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		snprintf(text, sizeof(text), "receive failed: %d", errors[i]);
		gh_fake_log_watch(text);
		gh_msgq_receive_after(test, errors[i], 4);
		KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	}

	/* Gone because there is nothing to receive */
	gh_fake_log_watch("receive failed: 30");
	for (i = 0; i < 2; i++) {
		gh_msgq_script_receive(test, GH_ERROR_DENIED, 0, false, 2);
		calls = READ_ONCE(ctx->rx.calls);
		gh_fake_irq_raise(RX_INTID);
		/* The third finds nothing. */
		gh_msgq_wait_calls(test, calls, 3);
		gh_msgq_settle(ctx);
	}
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 2U);

	/* This is no error. */
	gh_fake_log_watch("gunyah-msgq");
	gh_fake_irq_raise(RX_INTID);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 0U);
}

/* No error keeps the messages from us, or others. */
static void gh_msgq_receive_errors(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	int i;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	for (i = 0; i < ARRAY_SIZE(gh_msgq_errors); i++)
		gh_msgq_receive_after(test, gh_msgq_errors[i], 1);
	gh_msgq_receive_after(test, GH_ERROR_MSGQUEUE_FULL, 1);
}

/* The interrupt was for a message that is gone. */
static void gh_msgq_receive_empty(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	unsigned int calls;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	calls = ctx->rx.calls;
	gh_fake_irq_raise(RX_INTID);
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls, calls + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_received), 0);
}

/* "There is a message, and it has no bytes": not to be asked again and again. */
static void gh_msgq_receive_size_0(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	unsigned int calls, made;
	ktime_t start;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	gh_fake_log_watch("received 0 bytes");
	gh_msgq_receive_after(test, GH_ERROR_OK, 3);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);

	/* With pauses that grow, the first of 10 ms (a jiffy may be missing) */
	gh_msgq_script_receive(test, GH_ERROR_OK, 0, true, 200);
	calls = ctx->rx.calls;
	start = ktime_get();
	gh_fake_irq_raise(RX_INTID);
	msleep(500);
	gh_msgq_wait_calls(test, calls, 2);
	made = READ_ONCE(ctx->rx.calls) - calls;
	/* Not before it was counted */
	KUNIT_EXPECT_LE(test, (s64)made - 4, ktime_ms_delta(ktime_get(), start) / 80);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 2U);

	/* Ended while it tries */
	gh_msgq_destroy(ctx->msgq);
	ctx->msgq = NULL;
	calls = ctx->rx.calls;
	msleep(1200);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls, calls);
	gh_fake_script_clear();

	/* As if nothing had happened */
	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	gh_msgq_receive_after(test, GH_ERROR_OK, 1);
}

/* More than the hypervisor was allowed to write: nobody knows where it is. */
static void gh_msgq_receive_excess(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data = 2;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	gh_fake_log_watch("received 1024 bytes");
	gh_msgq_script_receive(test, GH_ERROR_OK, 1024, true, 1);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 1));
	KUNIT_EXPECT_EQ(test, ctx->received[0], data);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
}

/* Messages that are too long cost a call each, and not those behind them. */
static void gh_msgq_receive_sizes(struct kunit *test)
{
	static const size_t sizes[] = { 1, 241, 240, 1023, 239, 2 };
	struct gh_msgq_context *ctx = test->priv;
	u8 data[GH_FAKE_MSGQ_SIZE] = {};
	unsigned int calls;
	u8 i;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	gh_msgq_settle(ctx);
	gh_fake_log_watch(" bytes dropped");
	calls = ctx->rx.calls;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		data[0] = i;
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, data, sizes[i], false));
	}
	gh_fake_irq_raise(RX_INTID);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 4));
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_received), 4);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls - calls, (unsigned int)ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 2U);
	for (i = 0; i < 4; i++) {
		static const u8 good[] = { 0, 2, 4, 5 };

		KUNIT_EXPECT_EQ(test, ctx->received[i], good[i]);
		KUNIT_EXPECT_EQ(test, ctx->lengths[i], sizes[good[i]]);
	}
}

/* 0 is a capability as any other. */
static void gh_msgq_capability_0(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data = 3;

	ctx->tx.capid = RX_CAP;
	ctx->rx.capid = 0;
	gh_fake_msgq_resource(&ctx->tx, &ctx->tx_res);
	gh_fake_msgq_resource(&ctx->rx, &ctx->rx_res);
	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 1));
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_EXPECT_EQ(test, ctx->results[0], 0);
}

/* A channel with one direction says so when it is used the other way. */
static void gh_msgq_receive_only(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data = 4;

	gh_msgq_open(test, NULL, &ctx->rx_res);
	KUNIT_EXPECT_EQ(test, gh_msgq_send(ctx, 0, 10, true), -EINVAL);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 1));
	KUNIT_EXPECT_EQ(test, ctx->tx.calls, 0U);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_done), 0);
}

static void gh_msgq_transmit_only(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	u8 data = 5;

	gh_msgq_open(test, &ctx->tx_res, NULL);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	gh_msgq_settle(ctx);
	KUNIT_EXPECT_EQ(test, ctx->rx.calls, 0U);
	KUNIT_EXPECT_EQ(test, atomic_read(&ctx->n_received), 0);
}

/* Ended while messages are on their way, again and again */
static void gh_msgq_reopen(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;
	u8 data = 1;
	int i;

	for (i = 0; i < 20; i++) {
		gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
		gh_msgq_send(ctx, 0, 10, true);
		gh_msgq_send(ctx, 1, 10, true);
		gh_fake_msgq_put(&ctx->rx, &data, 1, true);
		gh_msgq_destroy(ctx->msgq);
		ctx->msgq = NULL;
		while (gh_fake_msgq_take(&ctx->tx, &message))
			;
	}

	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	gh_msgq_settle(ctx);
	atomic_set(&ctx->n_done, 0);
	atomic_set(&ctx->n_received, 0);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 0, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_put(&ctx->rx, &data, 1, true));
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_received) == 1));
}

/* Ended while a message waits for room: it is not sent, and nobody is told. */
static void gh_msgq_end_when_full(struct kunit *test)
{
	struct gh_msgq_context *ctx = test->priv;
	struct gh_fake_message message;
	int i;

	gh_msgq_fill_tx(test);
	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	/* One is with the driver, and what the framework takes */
	for (i = 0; i < 21; i++)
		KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, i, 10, true), 0);
	KUNIT_EXPECT_EQ(test, gh_msgq_send(ctx, 21, 10, true), -ENOBUFS);
	gh_msgq_destroy(ctx->msgq);
	ctx->msgq = NULL;
	memset(ctx->out, 0, sizeof(ctx->out));

	for (i = 0; i < GH_FAKE_MSGQ_DEPTH; i++)
		KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	gh_msgq_open(test, &ctx->tx_res, &ctx->rx_res);
	KUNIT_ASSERT_GE(test, gh_msgq_send(ctx, 30, 10, true), 0);
	KUNIT_EXPECT_TRUE(test, SOON(ctx, atomic_read(&ctx->n_done) == 1));
	KUNIT_EXPECT_PTR_EQ(test, ctx->done[0], (void *)&ctx->out[30]);
	KUNIT_ASSERT_TRUE(test, gh_fake_msgq_take(&ctx->tx, &message));
	KUNIT_EXPECT_EQ(test, message.data[0], 30);
	KUNIT_EXPECT_EQ(test, ctx->tx.count, 0U);
}

static struct kunit_case gh_msgq_test_cases[] = {
	KUNIT_CASE(gh_msgq_refuses),
	KUNIT_CASE(gh_msgq_no_irq),
	KUNIT_CASE(gh_msgq_sends),
	KUNIT_CASE(gh_msgq_full),
	KUNIT_CASE(gh_msgq_full_at_first),
	KUNIT_CASE(gh_msgq_full_then_error),
	KUNIT_CASE(gh_msgq_send_errors),
	KUNIT_CASE(gh_msgq_send_sizes),
	KUNIT_CASE(gh_msgq_spurious),
	KUNIT_CASE(gh_msgq_receives),
	KUNIT_CASE(gh_msgq_receives_stale),
	KUNIT_CASE(gh_msgq_receive_empty),
	KUNIT_CASE(gh_msgq_receive_size_0),
	KUNIT_CASE(gh_msgq_receive_excess),
	KUNIT_CASE(gh_msgq_receive_sizes),
	KUNIT_CASE(gh_msgq_receive_reports),
	KUNIT_CASE(gh_msgq_receive_errors),
	KUNIT_CASE(gh_msgq_capability_0),
	KUNIT_CASE(gh_msgq_receive_only),
	KUNIT_CASE(gh_msgq_transmit_only),
	KUNIT_CASE(gh_msgq_reopen),
	KUNIT_CASE(gh_msgq_end_when_full),
	{}
};

static struct kunit_suite gh_msgq_test_suite = {
	.name = "gunyah_msgq",
	.init = gh_msgq_test_init,
	.exit = gh_msgq_test_exit,
	.test_cases = gh_msgq_test_cases,
};

kunit_test_suite(gh_msgq_test_suite);

MODULE_LICENSE("GPL");
