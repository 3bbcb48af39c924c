// SPDX-License-Identifier: GPL-2.0
/*
 * Gunyah message queues
 *
 * A message queue is one-way: up to 255 messages of up to 240 bytes, with an
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
#include <linux/mailbox_client.h>
#include <linux/mailbox_controller.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define GH_MSGQ_DRIVER_NAME	"gunyah-msgq"

/* Nothing was handed to the hypervisor since the last report. */
#define GH_MSGQ_TX_IDLE		1

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
 * @tx_lock: guards @tx_result, and makes the hypercall and its outcome one step
 *	     for the thread that reports it; taken with the channel's lock held
 * @tx_result: outcome of the last send that is not reported yet: 0 if the
 *	       hypervisor took the message or told us to come again, an errno,
 *	       or GH_MSGQ_TX_IDLE
 * @rx_data: the message that the client is called with
 */
struct gh_msgq {
	struct platform_device *pdev;
	struct gh_msgq_queues queues;
	struct mbox_controller mbox;
	struct mbox_chan chan;
	bool started;
	spinlock_t tx_lock;	/* see above */
	int tx_result;
	struct gh_msgq_rx_data rx_data;
};

static struct gh_msgq *to_gh_msgq(struct mbox_chan *chan)
{
	return container_of(chan, struct gh_msgq, chan);
}

/* Return: whether there was a message and there may be another. */
static bool gh_msgq_receive_one(struct gh_msgq *msgq)
{
	struct gh_msgq_rx_data *data = &msgq->rx_data;
	struct device *dev = &msgq->pdev->dev;
	enum gh_error err;
	bool more;

	err = gh_hypercall_msgq_recv(msgq->queues.rx.capid, data->data, sizeof(data->data),
				     &data->length, &more);
	if (err == GH_ERROR_MSGQUEUE_EMPTY)
		return false;

	if (err != GH_ERROR_OK) {
		dev_err_ratelimited(dev, "receive failed: %d\n", err);
		return false;
	}

	/*
	 * This is how the hypervisor tells that the message does not fit into
	 * the buffer. The message stays where it is, so do not come again.
	 */
	if (!data->length || data->length > sizeof(data->data)) {
		dev_err_ratelimited(dev, "received a message of %zu bytes\n", data->length);
		return false;
	}

	mbox_chan_received_data(&msgq->chan, data);

	return more;
}

static irqreturn_t gh_msgq_rx_thread(int irq, void *dev_id)
{
	struct gh_msgq *msgq = dev_id;

	/* Queue gone empty and filled again: there is a new interrupt then. */
	while (gh_msgq_receive_one(msgq))
		cond_resched();

	return IRQ_HANDLED;
}

/*
 * Runs when the queue is no longer full, and is woken by gh_msgq_send_data()
 * when there is no need to wait for that.
 */
static irqreturn_t gh_msgq_tx_thread(int irq, void *dev_id)
{
	struct gh_msgq *msgq = dev_id;
	unsigned long flags;
	int result;

	spin_lock_irqsave(&msgq->tx_lock, flags);
	result = msgq->tx_result;
	msgq->tx_result = GH_MSGQ_TX_IDLE;
	spin_unlock_irqrestore(&msgq->tx_lock, flags);

	/* Also makes the framework submit again what found the queue full. */
	if (result != GH_MSGQ_TX_IDLE)
		mbox_chan_txdone(&msgq->chan, result);

	return IRQ_HANDLED;
}

static enum gh_error gh_msgq_send(struct gh_msgq *msgq, const struct gh_msgq_tx_data *data,
				  bool *ready)
{
	u64 tx_flags = data->push ? GH_HYPERCALL_MSGQ_TX_FLAGS_PUSH : 0;

	/* The hypervisor would drop it and say that all is well. */
	if (!data->length || data->length > sizeof(data->data)) {
		*ready = true;
		return GH_ERROR_ARG_SIZE;
	}

	return gh_hypercall_msgq_send(msgq->queues.tx.capid, data->length, data->data, tx_flags,
				      ready);
}

/* Called with the channel's lock held. */
static int gh_msgq_send_data(struct mbox_chan *chan, void *mssg)
{
	struct gh_msgq *msgq = to_gh_msgq(chan);
	enum gh_error err;
	unsigned long flags;
	bool ready;

	if (!msgq->queues.has_tx)
		return -EOPNOTSUPP;

	spin_lock_irqsave(&msgq->tx_lock, flags);
	err = gh_msgq_send(msgq, mssg, &ready);
	if (err == GH_ERROR_MSGQUEUE_FULL)
		msgq->tx_result = 0;
	else
		msgq->tx_result = gh_error_remap(err);
	spin_unlock_irqrestore(&msgq->tx_lock, flags);

	/* The framework keeps it; the interrupt will come. */
	if (err == GH_ERROR_MSGQUEUE_FULL)
		return -EAGAIN;

	if (err != GH_ERROR_OK)
		dev_err_ratelimited(&msgq->pdev->dev, "send failed: %d\n", err);

	/*
	 * The framework does not want to hear from here that it is done. It
	 * takes no refusal of a message either, so errors go the same way.
	 */
	if (err != GH_ERROR_OK || ready)
		irq_wake_thread(msgq->queues.tx.irq, msgq);

	return 0;
}

static int gh_msgq_startup(struct mbox_chan *chan)
{
	struct gh_msgq *msgq = to_gh_msgq(chan);
	const char *name = dev_name(&msgq->pdev->dev);
	int ret;

	msgq->tx_result = GH_MSGQ_TX_IDLE;

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

	msgq->started = true;

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

	msgq->started = false;
	/* Both wait for their threads: no callback is made afterwards. */
	if (msgq->queues.has_rx)
		free_irq(msgq->queues.rx.irq, msgq);
	if (msgq->queues.has_tx)
		free_irq(msgq->queues.tx.irq, msgq);
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
 * @cl: who uses it; its callbacks may be called before this returns
 * @tx: queue to send, or NULL if there is none
 * @rx: queue to receive, or NULL if there is none
 *
 * The channel must not be used in a time-out of the framework (tx_block): a
 * message that does not fit stays with it until it does.
 *
 * Context: process context, may sleep.
 * Return: the pair of message queues, or an ERR_PTR.
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
 * Return: the channel; it lives as long as @msgq.
 */
struct mbox_chan *gh_msgq_chan(struct gh_msgq *msgq)
{
	return &msgq->chan;
}
EXPORT_SYMBOL_GPL(gh_msgq_chan);

/**
 * gh_msgq_destroy() - give up the queues
 * @msgq: pair of message queues
 *
 * Messages that the hypervisor did not take yet are lost. When this returns, no
 * callback of the client runs or will run.
 *
 * Context: process context, may sleep.
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
