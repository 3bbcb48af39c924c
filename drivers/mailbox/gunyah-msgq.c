// SPDX-License-Identifier: GPL-2.0
/*
 * Gunyah message queues
 *
 * A message queue is one-way: up to 255 messages of up to 1023 bytes, with an
 * interrupt for each side. The receiver's is raised when the queue is no longer
 * empty, the sender's when it is no longer full. A mailbox channel consists of
 * one queue to send, one to receive, or both.
 *
 * Each pair is a device of its own, since the mailbox framework pins the module
 * of the controller's driver as long as the channel is in use: if that were our
 * client's driver, its module could never be unloaded.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/gunyah.h>
#include <linux/gunyah_msgq.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mailbox_client.h>
#include <linux/mailbox_controller.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define CREATE_TRACE_POINTS
#include <trace/events/gunyah_msgq.h>

#define GH_MSGQ_DRIVER_NAME	"gunyah-msgq"

/*
 * No queue can be made for longer messages. What does not fit into the buffer
 * stays in the queue, and whatever is behind it as well.
 */
#define GH_MSGQ_RX_SIZE		1023

/* After an error, receive again */
#define GH_MSGQ_RETRY_FIRST_MS	10U
#define GH_MSGQ_RETRY_LAST_MS	1000U

/**
 * enum gh_msgq_tx_state - where the message to send is
 * @GH_MSGQ_TX_IDLE: there is none
 * @GH_MSGQ_TX_WAITING: with us; the queue is full and will interrupt us
 * @GH_MSGQ_TX_LAST: in the queue, which is full now and will interrupt us
 * @GH_MSGQ_TX_DONE: in the queue, or refused
 */
enum gh_msgq_tx_state {
	GH_MSGQ_TX_IDLE,
	GH_MSGQ_TX_WAITING,
	GH_MSGQ_TX_LAST,
	GH_MSGQ_TX_DONE,
};

/**
 * struct gh_msgq_queues - the queues of a pair; the platform data of its device
 * @has_tx: whether there is one to send
 * @has_rx: whether there is one to receive
 * @tx: the queue to send
 * @rx: the queue to receive
 */
struct gh_msgq_queues {
	bool has_tx;
	bool has_rx;
	struct gh_resource tx;
	struct gh_resource rx;
};

/**
 * struct gh_msgq - a pair of message queues
 * @pdev: the device of this pair
 * @queues: which they are
 * @mbox: our side towards the mailbox framework
 * @chan: the one channel
 * @started: whether the interrupts are ours
 * @tx_lock: guards the other tx_*, and makes the hypercall and its outcome one
 *	     step for the thread; taken with the channel's lock held
 * @tx_state: where the message is
 * @tx_result: how sending went, in state GH_MSGQ_TX_DONE
 * @tx_data: the message, in state GH_MSGQ_TX_WAITING
 * @rx_retry: wakes the thread that receives, after an error
 * @rx_retry_ms: after which time it does; 0 if there was no error
 * @rx_message: the message that the client is called with
 * @rx_buffer: the same, with room for longer ones
 */
struct gh_msgq {
	struct platform_device *pdev;
	struct gh_msgq_queues queues;
	struct mbox_controller mbox;
	struct mbox_chan chan;
	bool started;

	spinlock_t tx_lock;	/* see above */
	enum gh_msgq_tx_state tx_state;
	int tx_result;
	const struct gh_msgq_tx_data *tx_data;

	struct delayed_work rx_retry;
	unsigned int rx_retry_ms;
	union {
		struct gh_msgq_rx_data rx_message;
		u8 rx_buffer[offsetof(struct gh_msgq_rx_data, data) + GH_MSGQ_RX_SIZE];
	};
};

static struct gh_msgq *to_gh_msgq(struct mbox_chan *chan)
{
	return container_of(chan, struct gh_msgq, chan);
}

static void gh_msgq_rx_retry(struct work_struct *work)
{
	struct gh_msgq *msgq = container_of(work, struct gh_msgq, rx_retry.work);

	irq_wake_thread(msgq->queues.rx.irq, msgq);
}

/*
 * There may be no interrupt any more, as the queue is not empty. So come again
 * in a while.
 */
static void gh_msgq_rx_failed(struct gh_msgq *msgq, enum gh_error err, size_t size)
{
	struct device *dev = &msgq->pdev->dev;

	if (msgq->rx_retry_ms)
		msgq->rx_retry_ms = min(2 * msgq->rx_retry_ms, GH_MSGQ_RETRY_LAST_MS);
	else if (err)
		dev_err_ratelimited(dev, "receive failed: %d\n", err);
	else
		dev_err_ratelimited(dev, "received %zu bytes\n", size);

	msgq->rx_retry_ms = msgq->rx_retry_ms ?: GH_MSGQ_RETRY_FIRST_MS;
	schedule_delayed_work(&msgq->rx_retry, msecs_to_jiffies(msgq->rx_retry_ms));
}

static void gh_msgq_rx_works(struct gh_msgq *msgq)
{
	if (!msgq->rx_retry_ms)
		return;

	msgq->rx_retry_ms = 0;
	cancel_delayed_work(&msgq->rx_retry);
}

/* Return: whether there was a message and there may be another. */
static bool gh_msgq_receive_one(struct gh_msgq *msgq)
{
	struct gh_msgq_rx_data *message = &msgq->rx_message;
	u8 *buffer = msgq->rx_buffer + offsetof(struct gh_msgq_rx_data, data);
	struct device *dev = &msgq->pdev->dev;
	enum gh_error err;
	size_t size;
	bool more;

	err = gh_hypercall_msgq_recv(msgq->queues.rx.capid, buffer, GH_MSGQ_RX_SIZE, &size,
				     &more);
	trace_gunyah_msgq_receive(dev, msgq->queues.rx.capid, size, err, more);
	if (err == GH_ERROR_MSGQUEUE_EMPTY) {
		gh_msgq_rx_works(msgq);
		return false;
	}

	/* No bytes: this is how Gunyah tells that it could not copy the message. */
	if (err != GH_ERROR_OK || !size || size > GH_MSGQ_RX_SIZE) {
		gh_msgq_rx_failed(msgq, err, size);
		return false;
	}

	gh_msgq_rx_works(msgq);
	if (size > sizeof(message->data)) {
		dev_err_ratelimited(dev, "message of %zu bytes dropped\n", size);
		return more;
	}

	message->length = size;
	mbox_chan_received_data(&msgq->chan, message);

	return more;
}

static irqreturn_t gh_msgq_rx_thread(int irq, void *dev_id)
{
	struct gh_msgq *msgq = dev_id;

	/*
	 * Queue gone empty and filled again: there is a new interrupt then. A
	 * sender that never stops must not keep us from ending.
	 */
	while (READ_ONCE(msgq->started) && gh_msgq_receive_one(msgq))
		cond_resched();

	return IRQ_HANDLED;
}

static enum gh_error gh_msgq_hypercall_send(struct gh_msgq *msgq, bool *ready)
{
	const struct gh_msgq_tx_data *data = msgq->tx_data;
	u64 tx_flags = data->push ? GH_HYPERCALL_MSGQ_TX_FLAGS_PUSH : 0;
	u64 capid = msgq->queues.tx.capid;
	enum gh_error err;

	/* The hypervisor would drop it and say that all is well. */
	if (!data->length || data->length > sizeof(data->data)) {
		*ready = false;
		return GH_ERROR_ARG_SIZE;
	}

	err = gh_hypercall_msgq_send(capid, data->length, data->data, tx_flags, ready);
	trace_gunyah_msgq_send(&msgq->pdev->dev, capid, data->length, data->push, err, *ready);

	return err;
}

static void gh_msgq_send(struct gh_msgq *msgq)
{
	enum gh_error err;
	bool ready;

	lockdep_assert_held(&msgq->tx_lock);

	err = gh_msgq_hypercall_send(msgq, &ready);
	if (err == GH_ERROR_MSGQUEUE_FULL) {
		msgq->tx_state = GH_MSGQ_TX_WAITING;
		return;
	}

	if (err != GH_ERROR_OK)
		dev_err_ratelimited(&msgq->pdev->dev, "send failed: %d\n", err);

	msgq->tx_data = NULL;
	msgq->tx_result = gh_error_remap(err);
	msgq->tx_state = err == GH_ERROR_OK && !ready ? GH_MSGQ_TX_LAST : GH_MSGQ_TX_DONE;
}

/*
 * Runs when the queue is no longer full, and is woken by gh_msgq_send_data()
 * when there is no need to wait for that.
 */
static irqreturn_t gh_msgq_tx_thread(int irq, void *dev_id)
{
	struct gh_msgq *msgq = dev_id;
	unsigned long flags;
	bool done = false;
	int result;

	spin_lock_irqsave(&msgq->tx_lock, flags);
	if (msgq->tx_state == GH_MSGQ_TX_WAITING)
		gh_msgq_send(msgq);
	else if (msgq->tx_state == GH_MSGQ_TX_LAST)
		msgq->tx_state = GH_MSGQ_TX_DONE;

	if (msgq->tx_state == GH_MSGQ_TX_DONE) {
		done = true;
		result = msgq->tx_result;
		msgq->tx_state = GH_MSGQ_TX_IDLE;
	}
	spin_unlock_irqrestore(&msgq->tx_lock, flags);

	/* Until then, the framework has no other message for us. */
	if (done)
		mbox_chan_txdone(&msgq->chan, result);

	return IRQ_HANDLED;
}

/*
 * Called with the channel's lock held, when there is no other message on its
 * way. The framework takes no refusal of a message, and does not want to hear
 * from here that it is done: so the thread reports errors, too. If it kept what
 * finds the queue full, it would try again for each message behind it.
 */
static int gh_msgq_send_data(struct mbox_chan *chan, void *mssg)
{
	struct gh_msgq *msgq = to_gh_msgq(chan);
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&msgq->tx_lock, flags);
	msgq->tx_data = mssg;
	gh_msgq_send(msgq);
	done = msgq->tx_state == GH_MSGQ_TX_DONE;
	spin_unlock_irqrestore(&msgq->tx_lock, flags);

	if (done)
		irq_wake_thread(msgq->queues.tx.irq, msgq);

	return 0;
}

static int gh_msgq_startup(struct mbox_chan *chan)
{
	struct gh_msgq *msgq = to_gh_msgq(chan);
	const char *name = dev_name(&msgq->pdev->dev);
	int ret;

	if (msgq->queues.has_tx) {
		ret = request_threaded_irq(msgq->queues.tx.irq, NULL, gh_msgq_tx_thread,
					   IRQF_ONESHOT, name, msgq);
		if (ret)
			return ret;
	}

	if (msgq->queues.has_rx) {
		ret = request_threaded_irq(msgq->queues.rx.irq, NULL, gh_msgq_rx_thread,
					   IRQF_ONESHOT, name, msgq);
		if (ret)
			goto err_free_tx;
	}

	WRITE_ONCE(msgq->started, true);

	/* There is no interrupt for what an earlier owner left in the queue. */
	if (msgq->queues.has_rx)
		irq_wake_thread(msgq->queues.rx.irq, msgq);

	return 0;

err_free_tx:
	if (msgq->queues.has_tx)
		free_irq(msgq->queues.tx.irq, msgq);
	return ret;
}

static void gh_msgq_shutdown(struct mbox_chan *chan)
{
	struct gh_msgq *msgq = to_gh_msgq(chan);

	/* The framework comes here even if the start-up failed. */
	if (!msgq->started)
		return;

	WRITE_ONCE(msgq->started, false);
	/*
	 * Both wait for their threads: no callback is made afterwards. To wake a
	 * thread that is no more does nothing.
	 */
	if (msgq->queues.has_rx)
		free_irq(msgq->queues.rx.irq, msgq);
	if (msgq->queues.has_tx)
		free_irq(msgq->queues.tx.irq, msgq);
	cancel_delayed_work_sync(&msgq->rx_retry);
}

static const struct mbox_chan_ops gh_msgq_ops = {
	.send_data = gh_msgq_send_data,
	.startup = gh_msgq_startup,
	.shutdown = gh_msgq_shutdown,
};

static int gh_msgq_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct gh_msgq_queues *queues = dev_get_platdata(dev);
	struct gh_msgq *msgq;
	int ret;

	if (!queues)
		return -ENODEV;

	msgq = devm_kzalloc(dev, sizeof(*msgq), GFP_KERNEL);
	if (!msgq)
		return -ENOMEM;

	msgq->pdev = pdev;
	msgq->queues = *queues;
	spin_lock_init(&msgq->tx_lock);
	INIT_DELAYED_WORK(&msgq->rx_retry, gh_msgq_rx_retry);
	msgq->mbox.dev = dev;
	msgq->mbox.ops = &gh_msgq_ops;
	msgq->mbox.chans = &msgq->chan;
	msgq->mbox.num_chans = 1;
	msgq->mbox.txdone_irq = true;

	ret = devm_mbox_controller_register(dev, &msgq->mbox);
	if (ret)
		return ret;

	platform_set_drvdata(pdev, msgq);

	return 0;
}

static struct platform_driver gh_msgq_driver = {
	.probe = gh_msgq_probe,
	.driver = {
		.name = GH_MSGQ_DRIVER_NAME,
		/* gh_msgq_create() wants to see the outcome. */
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
};

static bool gh_msgq_queue_is_valid(const struct gh_resource *queue, enum gh_resource_type type)
{
	return queue->type == type && queue->irq && queue->irq != IRQ_NOTCONNECTED;
}

static int gh_msgq_set_queues(struct gh_msgq_queues *queues, const struct gh_resource *tx,
			      const struct gh_resource *rx)
{
	if (!tx && !rx)
		return -EINVAL;
	if (tx && !gh_msgq_queue_is_valid(tx, GH_RESOURCE_TYPE_MSGQ_TX))
		return -EINVAL;
	if (rx && !gh_msgq_queue_is_valid(rx, GH_RESOURCE_TYPE_MSGQ_RX))
		return -EINVAL;

	queues->has_tx = tx;
	queues->has_rx = rx;
	if (tx)
		queues->tx = *tx;
	if (rx)
		queues->rx = *rx;

	return 0;
}

/**
 * gh_msgq_create() - make a mailbox channel from one or two message queues
 * @parent: the device that the queues belong to
 * @cl: who uses it, with what it wants of tx_done() and rx_callback(). It must
 *	not want mbox_send_message() to wait (tx_block): the framework stops
 *	waiting after a time, and then it forgets messages that are on their way
 * @tx: queue to send, of type GH_RESOURCE_TYPE_MSGQ_TX, or NULL if there is none
 * @rx: queue to receive, of type GH_RESOURCE_TYPE_MSGQ_RX, or NULL if there is
 *	none
 *
 * A queue has an interrupt, and is used by one channel at a time. Messages that
 * an earlier user of @rx left there are received; those that it left in @tx are
 * with the other side, which has to take them before ours.
 *
 * The client's callbacks are called from threads and may sleep. tx_done() and
 * rx_callback() may run at the same time, and both may send; rx_callback() may
 * be called before this function returns.
 *
 * Context: process context, may sleep.
 * Return: the pair of message queues, or an ERR_PTR: -EINVAL for arguments that
 * are not as described, -EPROBE_DEFER if the device has no driver now, -ENOMEM,
 * or why an interrupt cannot be had.
 */
struct gh_msgq *gh_msgq_create(struct device *parent, struct mbox_client *cl,
			       const struct gh_resource *tx, const struct gh_resource *rx)
{
	struct gh_msgq_queues queues = {};
	struct platform_device_info info = {
		.parent = parent,
		.name = GH_MSGQ_DRIVER_NAME,
		.id = PLATFORM_DEVID_AUTO,
		.data = &queues,
		.size_data = sizeof(queues),
	};
	struct platform_device *pdev;
	struct gh_msgq *msgq;
	int ret;

	if (cl->tx_block)
		return ERR_PTR(-EINVAL);

	ret = gh_msgq_set_queues(&queues, tx, rx);
	if (ret)
		return ERR_PTR(ret);

	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev))
		return ERR_CAST(pdev);

	msgq = platform_get_drvdata(pdev);
	if (!msgq) {
		ret = -EPROBE_DEFER;
		goto err_unregister;
	}

	ret = mbox_bind_client(&msgq->chan, cl);
	if (ret)
		goto err_unregister;

	return msgq;

err_unregister:
	platform_device_unregister(pdev);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(gh_msgq_create);

/**
 * gh_msgq_chan() - the channel, for mbox_send_message()
 * @msgq: pair of message queues
 *
 * The framework keeps up to 20 messages, struct gh_msgq_tx_data, which are sent
 * in order. The client's tx_done() is called for each: with 0 when the queue has
 * the message and is not full any more; with -EINVAL for a size that cannot be
 * sent, -EACCES without a right to send, or another errno that stands for the
 * hypervisor's answer, when the message is lost.
 *
 * Context: any context, and so is mbox_send_message().
 * Return: the channel, which lives as long as @msgq; NULL if there is no queue
 * to send, mbox_send_message() refuses that with -EINVAL.
 */
struct mbox_chan *gh_msgq_chan(struct gh_msgq *msgq)
{
	return msgq->queues.has_tx ? &msgq->chan : NULL;
}
EXPORT_SYMBOL_GPL(gh_msgq_chan);

/**
 * gh_msgq_destroy() - give up the queues
 * @msgq: pair of message queues
 *
 * When this returns, no callback of the client runs or will run. There is no
 * tx_done() for messages that did not reach the queue: they are lost. Those in
 * the queues stay there, for who takes them next.
 *
 * Nobody but the callbacks may send while this runs; what they send is lost.
 *
 * Context: process context, may sleep; not from a callback.
 */
void gh_msgq_destroy(struct gh_msgq *msgq)
{
	struct platform_device *pdev = msgq->pdev;

	mbox_free_channel(&msgq->chan);
	platform_device_unregister(pdev);
}
EXPORT_SYMBOL_GPL(gh_msgq_destroy);

static int __init gh_msgq_init(void)
{
	if (!gh_api_has_feature(GH_FEATURE_MSGQUEUE))
		return -ENODEV;

	return platform_driver_register(&gh_msgq_driver);
}
module_init(gh_msgq_init);

static void __exit gh_msgq_exit(void)
{
	platform_driver_unregister(&gh_msgq_driver);
}
module_exit(gh_msgq_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gunyah message queue mailbox");
