// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: counters, latencies and tracepoints
 */

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

/* Sparse does not like what the tracepoints are made with. */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#endif
#include <trace/events/gunyah_rm.h>

EXPORT_TRACEPOINT_SYMBOL_GPL(gunyah_rm_request);
EXPORT_TRACEPOINT_SYMBOL_GPL(gunyah_rm_reply);
EXPORT_TRACEPOINT_SYMBOL_GPL(gunyah_rm_no_reply);
EXPORT_TRACEPOINT_SYMBOL_GPL(gunyah_rm_notification);

/**
 * gh_rm_stats_init() - make room for latencies
 * @rm: the Resource Manager
 *
 * Return: 0 or -ENOMEM.
 */
int gh_rm_stats_init(struct gh_rm *rm)
{
	rm->latencies = kcalloc(gh_rm_n_messages(), sizeof(*rm->latencies), GFP_KERNEL);

	return rm->latencies ? 0 : -ENOMEM;
}

/**
 * gh_rm_stats_exit() - free what gh_rm_stats_init() allocated
 * @rm: the Resource Manager
 */
void gh_rm_stats_exit(struct gh_rm *rm)
{
	kfree(rm->latencies);
}

/**
 * gh_rm_count() - count something
 * @rm: the Resource Manager
 * @counter: what it is
 */
void gh_rm_count(struct gh_rm *rm, enum gh_rm_counter counter)
{
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	rm->counters[counter]++;
	spin_unlock_irqrestore(&rm->lock, flags);
}

/**
 * gh_rm_n_replies() - how many requests were answered so far
 * @rm: the Resource Manager
 *
 * Return: a number that only grows, and shows that there is somebody who answers.
 */
u64 gh_rm_n_replies(struct gh_rm *rm)
{
	unsigned long flags;
	u64 n;

	spin_lock_irqsave(&rm->lock, flags);
	n = rm->counters[GH_RM_COUNT_REPLIES];
	spin_unlock_irqrestore(&rm->lock, flags);

	return n;
}

/**
 * gh_rm_stats_request() - the first packet of a request goes to the channel
 * @req: the request
 *
 * Context: rm->lock held.
 */
void gh_rm_stats_request(struct gh_rm_request *req)
{
	req->rm->counters[GH_RM_COUNT_REQUESTS]++;
	trace_gunyah_rm_request(req->header.msg_id, req->header.seq, req->size,
				req->header.fragments);
}

static void gh_rm_latency_add(struct gh_rm_latency *latency, u64 us)
{
	unsigned int bucket = us ? ilog2(us) : 0;

	latency->count++;
	latency->total += us;
	latency->max = max(latency->max, us);
	latency->buckets[min(bucket, GH_RM_LATENCY_BUCKETS - 1U)]++;
}

/**
 * gh_rm_stats_reply() - a reply has come
 * @req: the request
 * @size: size of what follows the code
 * @error: the code
 *
 * Context: rm->lock held.
 */
void gh_rm_stats_reply(struct gh_rm_request *req, size_t size, u32 error)
{
	s64 us = ktime_us_delta(ktime_get(), req->started);
	struct gh_rm *rm = req->rm;
	bool late = req->orphaned && req != rm->probe;

	rm->counters[GH_RM_COUNT_REPLIES]++;
	if (error)
		rm->counters[GH_RM_COUNT_ERRORS]++;
	if (late)
		rm->counters[GH_RM_COUNT_LATE_REPLIES]++;
	gh_rm_latency_add(&rm->latencies[gh_rm_message_index(req->header.msg_id)], us);

	trace_gunyah_rm_reply(req->header.msg_id, req->header.seq, size, error, us, late);
}

/**
 * gh_rm_stats_no_reply() - a request ends without a reply, or its caller is killed
 * @req: the request
 * @error: the errno
 * @counter: what to count it as
 *
 * Context: rm->lock held.
 * Return: @error.
 */
int gh_rm_stats_no_reply(struct gh_rm_request *req, int error, enum gh_rm_counter counter)
{
	req->rm->counters[counter]++;
	trace_gunyah_rm_no_reply(req->header.msg_id, req->header.seq, req->sent, error);

	return error;
}

/**
 * gh_rm_stats_notification() - a notification has come
 * @rm: the Resource Manager
 * @header: of the notification
 * @size: of its payload
 *
 * Context: rm->lock held.
 */
void gh_rm_stats_notification(struct gh_rm *rm, const struct gh_rm_message_header *header,
			      size_t size)
{
	rm->counters[GH_RM_COUNT_NOTIFICATIONS]++;
	trace_gunyah_rm_notification(header->msg_id, header->seq, size);
}
