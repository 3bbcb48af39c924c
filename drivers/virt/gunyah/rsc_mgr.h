/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: inside.
 *
 *	rsc_mgr.c		device, life of the object, notifications
 *	rsc_mgr_call.c		requests: queue, send, wait, match replies
 *	rsc_mgr_watchdog.c	requests that are not answered
 *	rsc_mgr_packet.c	wire format
 *	rsc_mgr_probe.c		which messages there are
 *	rsc_mgr_names.c		names of messages, errors and callers
 *	rsc_mgr_stats.c		counters, latencies, tracepoints
 *	rsc_mgr_debugfs.c	what debugfs shows of all that
 *	rsc_mgr_resource.c	resources and their interrupts
 *	rsc_mgr_rpc.c		messages about virtual machines
 *	rsc_mgr_id.c		messages about who is who
 *	rsc_mgr_mem.c		messages about memory parcels
 */

#ifndef _GUNYAH_RSC_MGR_H
#define _GUNYAH_RSC_MGR_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/gunyah.h>
#include <linux/gunyah_msgq.h>
#include <linux/gunyah_rm_msg.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mailbox_client.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "rsc_mgr_packet.h"

struct dentry;
struct gh_rm_queued_notification;
struct irq_domain;

/* What is counted; named in rsc_mgr_debugfs.c. */
enum gh_rm_counter {
	GH_RM_COUNT_REQUESTS,
	GH_RM_COUNT_REPLIES,
	GH_RM_COUNT_ERRORS,
	GH_RM_COUNT_LATE_REPLIES,
	GH_RM_COUNT_UNMATCHED_REPLIES,
	GH_RM_COUNT_BAD_REPLIES,
	GH_RM_COUNT_LOST_REPLIES,
	GH_RM_COUNT_KILLED,
	GH_RM_COUNT_UNSENT,
	GH_RM_COUNT_ENDED,
	GH_RM_COUNT_PROBES,
	GH_RM_COUNT_SILENCES,
	GH_RM_COUNT_NOTIFICATIONS,
	GH_RM_COUNT_LOST_NOTIFICATIONS,
	GH_RM_COUNT_DROPPED_PACKETS,
	GH_RM_COUNT_ABORTED_MESSAGES,
	GH_RM_COUNT_FOREIGN_REQUESTS,
	GH_RM_N_COUNTERS
};

#define GH_RM_LATENCY_BUCKETS		32

/**
 * struct gh_rm_latency - times from first packets of requests to their replies
 * @count: number of replies
 * @total: sum of their times, in us
 * @max: longest time, in us
 * @buckets: number of replies after 2^i us up to twice that; after 0 or 1 us in
 *	     the first, and after all longer times in the last
 */
struct gh_rm_latency {
	u64 count;
	u64 total;
	u64 max;
	u32 buckets[GH_RM_LATENCY_BUCKETS];
};

/* Text of a few words, which needs no memory */
struct gh_rm_text {
	char s[96];
};

/* Sequence numbers have 16 bits. */
#define GH_RM_N_SEQS			65536

/**
 * struct gh_rm - a Resource Manager
 * @ref: its device while bound, and everybody who calls
 * @dev: its device
 * @tx_queue: message queue to it
 * @rx_queue: message queue from it
 * @msgq: both of these, or NULL
 * @client: our side of the mailbox channel
 * @tx: the packet that is being sent; belongs to the channel while @tx_busy
 * @lock: guards what follows up to @notify_tail, and the state of requests. Taken
 *	  before the channel's own lock; never held while anybody is called
 * @gone: the device goes away; no more requests
 * @tx_busy: the channel has @tx
 * @seqs: sequence numbers that are in use: of requests without a reply
 * @next_seq: where to look for one that is not
 * @queued: requests that wait for their turn
 * @active: the one request that is being sent or waits for its reply, or NULL
 * @overdue: requests without a reply for so long that others go ahead
 * @granted: requests with a late reply, which grants what is to be given back
 * @probe: request that is to find out whether replies were lost, or NULL
 * @silent: it was reported that there are no replies
 * @silent_since: since when
 * @counters: how often what happened
 * @latencies: how long replies took, by gh_rm_message_index()
 * @notify_head: number of notifications that were put into @notifications
 * @notify_tail: number of these that were handed to the chain
 * @notifications: ring of notifications that wait to be handed to the chain
 * @notify_wq: for @notify_work
 * @notify_work: calls the notifier chain, in order
 * @notifiers: the notifier chain
 * @wq: for @watchdog and @dispose_work
 * @dispose_work: gives back what is @granted
 * @disposed: woken when @granted becomes empty
 * @watchdog: looks for a reply that does not come
 * @debugfs: directory of this Resource Manager
 * @rx: message that is being received; used by the receive callback only
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
	DECLARE_BITMAP(seqs, GH_RM_N_SEQS);
	u16 next_seq;
	struct list_head queued;
	struct gh_rm_request *active;
	struct list_head overdue;
	struct list_head granted;
	struct gh_rm_request *probe;
	bool silent;
	ktime_t silent_since;
	u64 counters[GH_RM_N_COUNTERS];
	struct gh_rm_latency *latencies;
	unsigned int notify_head;
	unsigned int notify_tail;

	struct gh_rm_queued_notification *notifications;
	struct workqueue_struct *notify_wq;
	struct work_struct notify_work;
	struct blocking_notifier_head notifiers;

	struct workqueue_struct *wq;
	struct work_struct dispose_work;
	wait_queue_head_t disposed;
	struct delayed_work watchdog;
	struct dentry *debugfs;

	struct gh_rm_assembly rx;

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
 * @queued: since when it waits for its turn, or did
 * @pid: thread of the caller
 * @comm: its name
 * @header: of the message
 * @sent: number of packets that were handed to the channel
 * @started: when the first was
 * @done: completed for the caller, unless orphaned
 * @ret: result for the caller: 0, an error of ours or that of the reply
 * @rm_error: the Resource Manager's own code
 * @expected: code that need not be reported
 * @quiet: no code need be reported
 * @unanswered: the Resource Manager may have done it, or may do it still
 * @reply: what followed the code; allocated, or @short_reply
 * @reply_size: size of @reply
 * @short_reply: a short reply
 * @refused: the Resource Manager did not do it
 * @claimed: somebody will look at a late reply
 * @late: result of a late reply to a claimed request
 * @dispose: gives back what a late reply, in @reply, grants, or NULL; may call.
 *	     Is tried again, some times, if it returns -ENOMEM
 * @size: size of @payload
 * @payload: of the request
 */
struct gh_rm_request {
	struct kref ref;
	struct gh_rm *rm;
	struct list_head node;
	enum gh_rm_request_state state;
	bool orphaned;

	ktime_t queued;
	pid_t pid;
	char comm[TASK_COMM_LEN];

	struct gh_rm_message_header header;
	unsigned int sent;
	ktime_t started;

	struct completion done;
	int ret;
	u32 rm_error;
	u32 expected;
	bool quiet;
	bool unanswered;
	void *reply;
	size_t reply_size;
	u8 short_reply[GH_RM_SHORT_REPLY];

	bool refused;
	bool claimed;
	int late;
	int (*dispose)(struct gh_rm *rm, struct gh_rm_request *req);

	size_t size;
	u8 payload[];
};

struct gh_rm_request *gh_rm_request_alloc(u32 msg_id, size_t size);
void gh_rm_request_put(struct gh_rm_request *req);
int gh_rm_request_call(struct gh_rm *rm, struct gh_rm_request *req);
int gh_rm_request_late_result(struct gh_rm_request *req);
void gh_rm_request_unclaim(struct gh_rm_request *req);
int gh_rm_bad_reply(struct gh_rm_request *req);

void gh_rm_queue(struct gh_rm *rm, struct gh_rm_request *req);
void gh_rm_pump(struct gh_rm *rm);
void gh_rm_request_finish(struct gh_rm *rm, struct gh_rm_request *req, int result);

void gh_rm_calls_init(struct gh_rm *rm);
void gh_rm_calls_end(struct gh_rm *rm);
void gh_rm_calls_tx_done(struct gh_rm *rm, int result);
void gh_rm_calls_reply(struct gh_rm *rm, const struct gh_rm_message_header *header,
		       const void *payload, size_t size);
void gh_rm_calls_reply_lost(struct gh_rm *rm, const struct gh_rm_message_header *header);

void gh_rm_watchdog_init(struct gh_rm *rm);
void gh_rm_watchdog_start(struct gh_rm *rm);
void gh_rm_watchdog_arm(struct gh_rm *rm);
bool gh_rm_silence_end(struct gh_rm *rm, s64 *silent_ms);

unsigned int gh_rm_n_messages(void);
unsigned int gh_rm_message_index(u32 msg_id);
const char *gh_rm_message_name(unsigned int index, u32 *msg_id);
const char *gh_rm_message_text(struct gh_rm_text *text, u32 msg_id);
const char *gh_rm_error_text(struct gh_rm_text *text, u32 error);
const char *gh_rm_request_caller(struct gh_rm_text *text, const struct gh_rm_request *req);

/* For an argument of printk(): valid to the end of the block */
#define gh_rm_message_string(msg_id) \
	gh_rm_message_text(&(struct gh_rm_text){}, msg_id)
#define gh_rm_error_string(error) \
	gh_rm_error_text(&(struct gh_rm_text){}, error)

int gh_rm_stats_init(struct gh_rm *rm);
void gh_rm_stats_exit(struct gh_rm *rm);
void gh_rm_count(struct gh_rm *rm, enum gh_rm_counter counter);
void gh_rm_stats_request(struct gh_rm_request *req);
void gh_rm_stats_reply(struct gh_rm_request *req, size_t size, u32 error);
int gh_rm_stats_no_reply(struct gh_rm_request *req, int error, enum gh_rm_counter counter);
void gh_rm_stats_notification(struct gh_rm *rm, const struct gh_rm_message_header *header,
			      size_t size);

struct dentry *gh_debugfs_init(void);
void gh_debugfs_exit(void);
void gh_rm_debugfs_add(struct gh_rm *rm);
void gh_rm_debugfs_remove(struct gh_rm *rm);

int gh_rm_resource_init(struct gh_rm *rm, unsigned int irq);
void gh_rm_resource_exit(struct gh_rm *rm);

#endif /* _GUNYAH_RSC_MGR_H */
