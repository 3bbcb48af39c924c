/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: inside.
 *
 *	rsc_mgr.c		device, life of the object, notifications
 *	rsc_mgr_call.c		requests: queue, send, wait, match replies
 *	rsc_mgr_packet.c	wire format
 *	rsc_mgr_resource.c	resources and their interrupts
 *	rsc_mgr_rpc.c		messages about virtual machines
 *	rsc_mgr_mem.c		messages about memory parcels
 */

#ifndef _GUNYAH_RSC_MGR_H
#define _GUNYAH_RSC_MGR_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/gunyah.h>
#include <linux/gunyah_msgq.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mailbox_client.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "rsc_mgr_packet.h"

struct irq_domain;

#define GH_RM_MEM_DONATE		0x51000010
#define GH_RM_MEM_LEND			0x51000012
#define GH_RM_MEM_SHARE			0x51000013
#define GH_RM_MEM_RECLAIM		0x51000015
#define GH_RM_MEM_NOTIFY		0x51000017
#define GH_RM_MEM_APPEND		0x51000018
#define GH_RM_MEM_QCOM_LOOKUP_SGL	0x5100001a
#define GH_RM_VM_ALLOCATE		0x56000001
#define GH_RM_VM_DEALLOCATE		0x56000002
#define GH_RM_VM_START			0x56000004
#define GH_RM_VM_STOP			0x56000005
#define GH_RM_VM_RESET			0x56000006
#define GH_RM_VM_CONFIG_IMAGE		0x56000009
#define GH_RM_VM_AUTH_IMAGE		0x5600000a
#define GH_RM_VM_INIT			0x5600000b
#define GH_RM_VM_GET_ID			0x56000010
#define GH_RM_VM_LOOKUP_URI		0x56000011
#define GH_RM_VM_LOOKUP_GUID		0x56000012
#define GH_RM_VM_LOOKUP_NAME		0x56000013
#define GH_RM_VM_GET_OWNER		0x56000015
#define GH_RM_VM_GET_STATE		0x56000017
#define GH_RM_VM_GET_CRASH_MSG		0x56000019
#define GH_RM_VM_GET_HYP_RESOURCES	0x56000020
#define GH_RM_VM_GET_VMID		0x56000024
#define GH_RM_VM_GET_PEERS		0x56000025
#define GH_RM_VM_SET_TIME_BASE		0x56000030
#define GH_RM_VM_SET_BOOT_CONTEXT	0x56000031
#define GH_RM_VM_SET_FIRMWARE_MEM	0x56000032
#define GH_RM_VM_HOST_GET_TYPE		0x560000a0

/**
 * struct gh_rm - a Resource Manager
 * @ref: its device while bound, and everybody who calls
 * @dev: its device
 * @tx_queue: message queue to it
 * @rx_queue: message queue from it
 * @msgq: both of these, or NULL
 * @client: our side of the mailbox channel
 * @tx: the packet that is being sent; belongs to the channel while @tx_busy
 * @lock: guards what follows up to @probe, and the state of requests. Taken
 *	  before the channel's own lock; never held while anybody is called
 * @gone: the device goes away; no more requests
 * @tx_busy: the channel has @tx
 * @next_seq: sequence number of the next request
 * @queued: requests that wait for their turn
 * @active: the one request that is being sent or waits for its reply, or NULL
 * @overdue: requests without a reply for so long that others go ahead
 * @probe: request that is to find out whether replies were lost, or NULL
 * @wq: for @watchdog, and to give back what late replies grant
 * @watchdog: looks for a reply that does not come
 * @rx: message that is being received; used by the receive callback only
 * @notify_wq: calls the notifier chain, in order
 * @notifiers: the notifier chain
 * @n_notifications: how many wait to be handed to the chain
 * @irq_lock: serialises the mapping of interrupts
 * @irq_domain: interrupts of resources, by number at the interrupt controller
 */
struct gh_rm {
	struct kref ref;
	struct device *dev;

	struct gh_resource tx_queue;
	struct gh_resource rx_queue;
	struct gh_msgq *msgq;
	struct mbox_client client;
	struct gh_msgq_tx_data tx;

	spinlock_t lock;	/* see above */
	bool gone;
	bool tx_busy;
	u16 next_seq;
	struct list_head queued;
	struct gh_rm_request *active;
	struct list_head overdue;
	struct gh_rm_request *probe;

	struct workqueue_struct *wq;
	struct delayed_work watchdog;

	struct gh_rm_assembly rx;

	struct workqueue_struct *notify_wq;
	struct blocking_notifier_head notifiers;
	atomic_t n_notifications;

	struct mutex irq_lock;	/* see above */
	struct irq_domain *irq_domain;
};

enum gh_rm_request_state {
	GH_RM_REQUEST_NEW,
	GH_RM_REQUEST_QUEUED,
	GH_RM_REQUEST_SENDING,
	GH_RM_REQUEST_WAITING,
	GH_RM_REQUEST_DONE,
};

/* Replies up to this size need no memory that might not be there. */
#define GH_RM_SHORT_REPLY	16

/**
 * struct gh_rm_request - a request and its reply
 * @ref: the caller, and the core from queueing to the end
 * @rm: who is asked
 * @node: in one of the lists of @rm
 * @state: how far it is
 * @orphaned: the caller is gone, or was told that there is no reply
 * @warned: it was reported that there is no reply
 * @header: of the message
 * @sent: number of packets that were handed to the channel
 * @started: when the first was, in jiffies
 * @done: completed for the caller, unless orphaned
 * @ret: result for the caller: 0, an error of ours or that of the reply
 * @rm_error: the Resource Manager's own code
 * @expected: code that need not be reported
 * @unanswered: the Resource Manager may have done it, or may do it still
 * @reply: what followed the code; allocated, or @short_reply
 * @reply_size: size of @reply
 * @short_reply: a short reply
 * @refused: the Resource Manager did not do it
 * @claimed: somebody will look at a late reply
 * @late: result of a late reply to a claimed request
 * @dispose: gives back what a late reply, in @reply, grants, or NULL; may call
 * @dispose_work: calls @dispose
 * @size: size of @payload
 * @payload: of the request
 */
struct gh_rm_request {
	struct kref ref;
	struct gh_rm *rm;
	struct list_head node;
	enum gh_rm_request_state state;
	bool orphaned;
	bool warned;

	struct gh_rm_message_header header;
	unsigned int sent;
	unsigned long started;

	struct completion done;
	int ret;
	u32 rm_error;
	u32 expected;
	bool unanswered;
	void *reply;
	size_t reply_size;
	u8 short_reply[GH_RM_SHORT_REPLY];

	bool refused;
	bool claimed;
	int late;
	void (*dispose)(struct gh_rm *rm, struct gh_rm_request *req);
	struct work_struct dispose_work;

	size_t size;
	u8 payload[];
};

struct gh_rm_request *gh_rm_request_alloc(u32 msg_id, size_t size);
void gh_rm_request_put(struct gh_rm_request *req);
int gh_rm_request_call(struct gh_rm *rm, struct gh_rm_request *req);
int gh_rm_request_call_empty(struct gh_rm *rm, struct gh_rm_request *req);
int gh_rm_request_late_result(struct gh_rm_request *req);
int gh_rm_bad_reply(struct gh_rm_request *req);
int gh_rm_call(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size);

void gh_rm_calls_init(struct gh_rm *rm);
void gh_rm_calls_end(struct gh_rm *rm);
void gh_rm_calls_tx_done(struct gh_rm *rm, int result);
void gh_rm_calls_reply(struct gh_rm *rm, const struct gh_rm_message_header *header,
		       const void *payload, size_t size);
void gh_rm_calls_reply_lost(struct gh_rm *rm, const struct gh_rm_message_header *header);

int gh_rm_resource_init(struct gh_rm *rm, unsigned int irq);
void gh_rm_resource_exit(struct gh_rm *rm);

#endif /* _GUNYAH_RSC_MGR_H */
