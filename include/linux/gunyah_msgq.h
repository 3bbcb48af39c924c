/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gunyah message queues, as a mailbox channel
 *
 * A client sends struct gh_msgq_tx_data by mbox_send_message() and receives
 * struct gh_msgq_rx_data in its rx_callback. See
 * Documentation/virt/gunyah/message-queue.rst for an example.
 */

#ifndef _LINUX_GUNYAH_MSGQ_H
#define _LINUX_GUNYAH_MSGQ_H

#include <linux/gunyah.h>
#include <linux/types.h>

struct device;
struct gh_msgq;
struct mbox_chan;
struct mbox_client;

/*
 * Longest message of the Resource Manager's queues, and of this driver: in
 * Gunyah's Resource Manager, the default of "message-size" in a devicetree.
 */
#define GH_MSGQ_MAX_MSG_SIZE	240

/**
 * struct gh_msgq_tx_data - a message to send
 * @length: its size in bytes, 1..GH_MSGQ_MAX_MSG_SIZE. A queue may be made for
 *	    shorter ones: what is longer than that may be lost without an error
 * @push: interrupt the receiver even if earlier messages are in its queue;
 *	  without it, only the first message in an empty queue does so
 * @data: the message
 *
 * It is the driver's from mbox_send_message() to tx_done(), or to
 * gh_msgq_destroy().
 */
struct gh_msgq_tx_data {
	size_t length;
	bool push;
	u8 data[GH_MSGQ_MAX_MSG_SIZE];
};

/**
 * struct gh_msgq_rx_data - a message that was received
 * @length: its size in bytes, 1..GH_MSGQ_MAX_MSG_SIZE
 * @data: the message
 *
 * Valid during the callback only.
 */
struct gh_msgq_rx_data {
	size_t length;
	u8 data[GH_MSGQ_MAX_MSG_SIZE];
};

struct gh_msgq *gh_msgq_create(struct device *parent, struct mbox_client *cl,
			       const struct gh_resource *tx, const struct gh_resource *rx);
struct mbox_chan *gh_msgq_chan(struct gh_msgq *msgq);
void gh_msgq_destroy(struct gh_msgq *msgq);

#endif /* _LINUX_GUNYAH_MSGQ_H */
