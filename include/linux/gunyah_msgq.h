/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gunyah message queues, as a mailbox channel
 *
 * A client sends struct gh_msgq_tx_data by mbox_send_message() and receives
 * struct gh_msgq_rx_data in its rx_callback. All callbacks are made from
 * threads and may sleep; tx_done() and rx_callback() may run at the same time.
 */

#ifndef _LINUX_GUNYAH_MSGQ_H
#define _LINUX_GUNYAH_MSGQ_H

#include <linux/gunyah.h>
#include <linux/types.h>

struct device;
struct gh_msgq;
struct mbox_chan;
struct mbox_client;

/* No queue takes or hands out longer messages. */
#define GH_MSGQ_MAX_MSG_SIZE	240

/**
 * struct gh_msgq_tx_data - a message to send
 * @length: its size in bytes, 1..GH_MSGQ_MAX_MSG_SIZE
 * @push: interrupt the receiver even if earlier messages are in its queue
 * @data: the message; must stay as it is until tx_done()
 */
struct gh_msgq_tx_data {
	size_t length;
	bool push;
	u8 data[GH_MSGQ_MAX_MSG_SIZE];
};

/**
 * struct gh_msgq_rx_data - a message that was received
 * @length: its size in bytes, 1..GH_MSGQ_MAX_MSG_SIZE
 * @data: the message, valid during the callback
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
