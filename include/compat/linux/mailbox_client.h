/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Before Linux 6.4 a mailbox client could only find its channel by way of the
 * devicetree.
 */

#ifndef _COMPAT_LINUX_MAILBOX_CLIENT_H
#define _COMPAT_LINUX_MAILBOX_CLIENT_H

#include_next <linux/mailbox_client.h>

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/mailbox_controller.h>
#include <linux/module.h>
#include <linux/spinlock.h>

/*
 * For a channel that nobody else can find, and a controller with an interrupt
 * for "sent". Some stable releases have the real one: hence the other name.
 */
static inline int compat_mbox_bind_client(struct mbox_chan *chan, struct mbox_client *cl)
{
	unsigned long flags;
	int ret;

	if (chan->cl || !try_module_get(chan->mbox->dev->driver->owner))
		return -EBUSY;

	spin_lock_irqsave(&chan->lock, flags);
	chan->msg_free = 0;
	chan->msg_count = 0;
	chan->active_req = NULL;
	chan->cl = cl;
	init_completion(&chan->tx_complete);
	spin_unlock_irqrestore(&chan->lock, flags);

	ret = chan->mbox->ops->startup ? chan->mbox->ops->startup(chan) : 0;
	if (ret)
		mbox_free_channel(chan);

	return ret;
}

#define mbox_bind_client compat_mbox_bind_client

#endif /* before 6.4 */

#endif /* _COMPAT_LINUX_MAILBOX_CLIENT_H */
