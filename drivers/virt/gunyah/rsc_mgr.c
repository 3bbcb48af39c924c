// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: device, life of the object, notifications
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "rsc_mgr.h"
#include "vm_mgr.h"

/* Of the "reg" and "interrupts" properties */
#define GH_RM_TX	0
#define GH_RM_RX	1

/* A listener that is stuck must not use up the memory. */
#define GH_RM_MAX_NOTIFICATIONS		256

/*
 * Notifications up to this size need no memory that might not be there: all that
 * are about VMs.
 */
#define GH_RM_SHORT_NOTIFICATION	32

/**
 * struct gh_rm_queued_notification - a notification on its way to the chain
 * @msg_id: what it is about
 * @size: size of @payload
 * @payload: as it came; allocated, or @short_payload
 * @short_payload: a short payload
 */
struct gh_rm_queued_notification {
	u32 msg_id;
	size_t size;
	void *payload;
	u8 short_payload[GH_RM_SHORT_NOTIFICATION];
};

static struct gh_rm_queued_notification *gh_rm_notification_slot(struct gh_rm *rm,
								 unsigned int index)
{
	return &rm->notifications[index % GH_RM_MAX_NOTIFICATIONS];
}

static void gh_rm_call_notifiers(struct gh_rm *rm, struct gh_rm_queued_notification *queued)
{
	struct gh_rm_notification notification = {
		.buff = queued->payload,
		.size = queued->size,
	};

	blocking_notifier_call_chain(&rm->notifiers, queued->msg_id, &notification);
	if (queued->payload != queued->short_payload)
		kfree(queued->payload);
}

static void gh_rm_notify_work(struct work_struct *work)
{
	struct gh_rm *rm = container_of(work, struct gh_rm, notify_work);
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	while (rm->notify_tail != rm->notify_head) {
		spin_unlock_irqrestore(&rm->lock, flags);
		/* The slot is in use up to here. */
		gh_rm_call_notifiers(rm, gh_rm_notification_slot(rm, rm->notify_tail));
		spin_lock_irqsave(&rm->lock, flags);
		rm->notify_tail++;
	}
	spin_unlock_irqrestore(&rm->lock, flags);
}

/* Return: whether the notification, whose payload becomes ours then, is queued. */
static bool gh_rm_queue_notification(struct gh_rm *rm, u32 msg_id, const void *payload,
				     size_t size, void *spare)
{
	struct gh_rm_queued_notification *queued;

	lockdep_assert_held(&rm->lock);

	if (rm->notify_head - rm->notify_tail == GH_RM_MAX_NOTIFICATIONS)
		return false;

	queued = gh_rm_notification_slot(rm, rm->notify_head);
	if (size > sizeof(queued->short_payload) && !spare)
		return false;

	queued->msg_id = msg_id;
	queued->size = size;
	queued->payload = spare ?: queued->short_payload;
	memcpy(queued->payload, payload, size);
	rm->notify_head++;

	return true;
}

static void gh_rm_notify(struct gh_rm *rm, const struct gh_rm_message_header *header,
			 const void *payload, size_t size)
{
	unsigned long flags;
	void *spare = NULL;
	bool queued;

	if (size > GH_RM_SHORT_NOTIFICATION)
		spare = kmalloc(size, GFP_KERNEL);

	spin_lock_irqsave(&rm->lock, flags);
	gh_rm_stats_notification(rm, header, size);
	queued = gh_rm_queue_notification(rm, header->msg_id, payload, size, spare);
	if (!queued)
		rm->counters[GH_RM_COUNT_LOST_NOTIFICATIONS]++;
	spin_unlock_irqrestore(&rm->lock, flags);

	if (queued) {
		queue_work(rm->notify_wq, &rm->notify_work);
		return;
	}

	kfree(spare);
	dev_err_ratelimited(rm->dev, "notification %s is lost\n",
			    gh_rm_message_string(header->msg_id));
}

/**
 * gh_rm_notifier_register() - be called for each notification
 * @rm: the Resource Manager
 * @nb: to be called, see struct gh_rm_notification
 *
 * Return: 0 or an errno.
 */
int gh_rm_notifier_register(struct gh_rm *rm, struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&rm->notifiers, nb);
}
EXPORT_SYMBOL_GPL(gh_rm_notifier_register);

/**
 * gh_rm_notifier_unregister() - be called no longer
 * @rm: the Resource Manager
 * @nb: was registered; is not in use any more when this returns
 *
 * Return: 0 or an errno.
 */
int gh_rm_notifier_unregister(struct gh_rm *rm, struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&rm->notifiers, nb);
}
EXPORT_SYMBOL_GPL(gh_rm_notifier_unregister);

static void gh_rm_report_aborted(struct gh_rm *rm)
{
	const struct gh_rm_message_header *header = &rm->rx.aborted_header;

	gh_rm_count(rm, GH_RM_COUNT_ABORTED_MESSAGES);
	dev_err_ratelimited(rm->dev, "%s of type %d is incomplete\n",
			    gh_rm_message_string(header->msg_id), header->type);
	if (header->type == GH_RM_PACKET_REPLY)
		gh_rm_calls_reply_lost(rm, header);
	else if (header->type == GH_RM_PACKET_NOTIFICATION)
		gh_rm_count(rm, GH_RM_COUNT_LOST_NOTIFICATIONS);
}

static void gh_rm_report_dropped(struct gh_rm *rm, const struct gh_msgq_rx_data *packet)
{
	gh_rm_count(rm, GH_RM_COUNT_DROPPED_PACKETS);
	dev_err_ratelimited(rm->dev, "packet of %zu bytes dropped: %*ph\n", packet->length,
			    (int)min(packet->length, sizeof(struct gh_rm_packet_header)),
			    packet->data);
}

/* Called from one thread only. */
static void gh_rm_rx_callback(struct mbox_client *client, void *mssg)
{
	struct gh_rm *rm = container_of(client, struct gh_rm, client);
	struct gh_msgq_rx_data *packet = mssg;
	struct gh_rm_assembly *rx = &rm->rx;
	int ret;

	ret = gh_rm_packet_add(rx, packet->data, packet->length);
	if (rx->aborted)
		gh_rm_report_aborted(rm);
	if (ret < 0)
		gh_rm_report_dropped(rm, packet);
	if (ret <= 0)
		return;

	switch (rx->header.type) {
	case GH_RM_PACKET_REPLY:
		gh_rm_calls_reply(rm, &rx->header, rx->payload, rx->size);
		break;
	case GH_RM_PACKET_NOTIFICATION:
		gh_rm_notify(rm, &rx->header, rx->payload, rx->size);
		break;
	default:
		gh_rm_count(rm, GH_RM_COUNT_FOREIGN_REQUESTS);
		dev_err_ratelimited(rm->dev, "request %s is not for us\n",
				    gh_rm_message_string(rx->header.msg_id));
		break;
	}
}

static void gh_rm_tx_done(struct mbox_client *client, void *mssg, int result)
{
	gh_rm_calls_tx_done(container_of(client, struct gh_rm, client), result);
}

static void gh_rm_release(struct kref *ref)
{
	struct gh_rm *rm = container_of(ref, struct gh_rm, ref);

	gh_rm_resource_exit(rm);
	gh_rm_stats_exit(rm);
	put_device(rm->dev);
	kvfree(rm->notifications);
	kfree(rm);
}

/**
 * gh_rm_get() - take a reference
 * @rm: the Resource Manager
 *
 * Return: @rm.
 */
struct gh_rm *gh_rm_get(struct gh_rm *rm)
{
	kref_get(&rm->ref);

	return rm;
}
EXPORT_SYMBOL_GPL(gh_rm_get);

/**
 * gh_rm_put() - drop a reference
 * @rm: the Resource Manager
 *
 * Context: process context, may sleep.
 */
void gh_rm_put(struct gh_rm *rm)
{
	kref_put(&rm->ref, gh_rm_release);
}
EXPORT_SYMBOL_GPL(gh_rm_put);

/**
 * gh_rm_dev() - the device of a Resource Manager, for messages
 * @rm: the Resource Manager
 *
 * Return: the device; it lives as long as @rm.
 */
struct device *gh_rm_dev(struct gh_rm *rm)
{
	return rm->dev;
}
EXPORT_SYMBOL_GPL(gh_rm_dev);

/* Undoes what gh_rm_probe() did, as far as it came. */
static void gh_rm_unbind(void *data)
{
	struct gh_rm *rm = data;

	gh_rm_debugfs_remove(rm);
	gh_rm_calls_end(rm);
	if (rm->msgq)
		gh_msgq_destroy(rm->msgq);
	cancel_delayed_work_sync(&rm->watchdog);
	if (rm->wq)
		destroy_workqueue(rm->wq);
	if (rm->notify_wq)
		destroy_workqueue(rm->notify_wq);

	gh_rm_put(rm);
}

static void gh_rm_unregister_vm_mgr(void *data)
{
	gh_vm_mgr_unregister(data);
}

static struct gh_rm *gh_rm_alloc(struct device *dev)
{
	struct gh_rm *rm;

	rm = kzalloc(sizeof(*rm), GFP_KERNEL);
	if (!rm)
		return NULL;

	kref_init(&rm->ref);
	rm->dev = get_device(dev);
	BLOCKING_INIT_NOTIFIER_HEAD(&rm->notifiers);
	INIT_WORK(&rm->notify_work, gh_rm_notify_work);
	gh_rm_calls_init(rm);

	rm->notifications = kvcalloc(GH_RM_MAX_NOTIFICATIONS, sizeof(*rm->notifications),
				     GFP_KERNEL);
	if (!rm->notifications || gh_rm_stats_init(rm)) {
		gh_rm_put(rm);
		return NULL;
	}

	return rm;
}

static int gh_rm_get_queues(struct gh_rm *rm, struct platform_device *pdev)
{
	u64 capids[2];
	int ret;

	ret = device_property_read_u64_array(rm->dev, "reg", capids, ARRAY_SIZE(capids));
	if (ret)
		return dev_err_probe(rm->dev, ret, "no capabilities of the message queues\n");

	rm->tx_queue.type = GH_RESOURCE_TYPE_MSGQ_TX;
	rm->tx_queue.capid = capids[GH_RM_TX];
	rm->rx_queue.type = GH_RESOURCE_TYPE_MSGQ_RX;
	rm->rx_queue.capid = capids[GH_RM_RX];

	ret = platform_get_irq(pdev, GH_RM_TX);
	if (ret < 0)
		return ret;
	rm->tx_queue.irq = ret;

	ret = platform_get_irq(pdev, GH_RM_RX);
	if (ret < 0)
		return ret;
	rm->rx_queue.irq = ret;

	return 0;
}

static int gh_rm_open_channel(struct gh_rm *rm)
{
	struct gh_msgq *msgq;

	rm->client.dev = rm->dev;
	rm->client.rx_callback = gh_rm_rx_callback;
	rm->client.tx_done = gh_rm_tx_done;

	msgq = gh_msgq_create(rm->dev, &rm->client, &rm->tx_queue, &rm->rx_queue);
	if (IS_ERR(msgq))
		return dev_err_probe(rm->dev, PTR_ERR(msgq), "no message queues\n");

	rm->msgq = msgq;

	return 0;
}

static int gh_rm_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct gh_rm *rm;
	int ret;

	rm = gh_rm_alloc(dev);
	if (!rm)
		return -ENOMEM;

	ret = devm_add_action_or_reset(dev, gh_rm_unbind, rm);
	if (ret)
		return ret;

	ret = gh_rm_get_queues(rm, pdev);
	if (ret)
		return ret;

	ret = gh_rm_resource_init(rm, rm->rx_queue.irq);
	if (ret)
		return dev_err_probe(dev, ret, "no interrupts for resources\n");

	rm->wq = alloc_workqueue("gunyah_rm", WQ_UNBOUND, 0);
	rm->notify_wq = alloc_ordered_workqueue("gunyah_rm_notify", 0);
	if (!rm->wq || !rm->notify_wq)
		return -ENOMEM;

	ret = gh_rm_open_channel(rm);
	if (ret)
		return ret;

	gh_rm_debugfs_add(rm);
	platform_set_drvdata(pdev, rm);
	ret = gh_vm_mgr_register(rm);
	if (ret)
		return ret;

	/* Comes first when the device is unbound: it still has things to do. */
	return devm_add_action_or_reset(dev, gh_rm_unregister_vm_mgr, rm);
}

static const struct of_device_id gh_rm_of_match[] = {
	{ .compatible = "gunyah-resource-manager" },
	{}
};
MODULE_DEVICE_TABLE(of, gh_rm_of_match);

static struct platform_driver gh_rm_driver = {
	.probe = gh_rm_probe,
	.driver = {
		.name = "gunyah_rsc_mgr",
		.of_match_table = gh_rm_of_match,
	},
};

static int __init gh_rm_init(void)
{
	int ret;

	ret = gh_vm_mgr_init();
	if (ret)
		return ret;

	gh_vm_mgr_debugfs_init(gh_debugfs_init());
	ret = platform_driver_register(&gh_rm_driver);
	if (ret) {
		gh_debugfs_exit();
		gh_vm_mgr_exit();
	}

	return ret;
}
module_init(gh_rm_init);

static void __exit gh_rm_exit(void)
{
	platform_driver_unregister(&gh_rm_driver);
	gh_debugfs_exit();
	gh_vm_mgr_exit();
}
module_exit(gh_rm_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gunyah Resource Manager");
