// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: requests that it does not answer
 *
 * A request without a reply becomes overdue after a while, and the next is sent.
 * Only a reply to a later one tells that a reply is lost; if there is no later
 * request a probe is sent. All the time without any reply is one silence, which
 * is reported when it is noticed and when it ends.
 */

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "rsc_mgr.h"

static unsigned int overdue_ms = 5000;
module_param(overdue_ms, uint, 0644);
MODULE_PARM_DESC(overdue_ms, "Time without a reply after which this is reported, in ms");

/* Less would make the watchdog busy. */
#define GH_RM_MIN_OVERDUE_MS	100U

/**
 * struct gh_rm_silence - a report on the Resource Manager's silence
 * @msg_id: message of the oldest request that somebody waits for
 * @seq: its sequence number
 * @age_ms: time since its first packet was sent
 * @caller: who waits for it
 * @others: how many wait besides
 */
struct gh_rm_silence {
	u32 msg_id;
	u16 seq;
	s64 age_ms;
	struct gh_rm_text caller;
	unsigned int others;
};

static unsigned int gh_rm_overdue_limit(void)
{
	return max(READ_ONCE(overdue_ms), GH_RM_MIN_OVERDUE_MS);
}

static void gh_rm_watchdog_delay(struct gh_rm *rm, unsigned int ms)
{
	lockdep_assert_held(&rm->lock);

	mod_delayed_work(rm->wq, &rm->watchdog, msecs_to_jiffies(ms));
}

/**
 * gh_rm_watchdog_start() - have the watchdog look in time, if it does not anyhow
 * @rm: the Resource Manager
 *
 * Context: rm->lock held.
 */
void gh_rm_watchdog_start(struct gh_rm *rm)
{
	lockdep_assert_held(&rm->lock);

	queue_delayed_work(rm->wq, &rm->watchdog, msecs_to_jiffies(gh_rm_overdue_limit()));
}

/**
 * gh_rm_watchdog_arm() - have the watchdog look after the time that is allowed
 * @rm: the Resource Manager
 *
 * Context: rm->lock held.
 */
void gh_rm_watchdog_arm(struct gh_rm *rm)
{
	gh_rm_watchdog_delay(rm, gh_rm_overdue_limit());
}

static bool gh_rm_request_is_awaited(const struct gh_rm_request *req)
{
	return !req->orphaned;
}

/* The first packet went to the channel then, or should have gone. */
static ktime_t gh_rm_request_since(const struct gh_rm_request *req)
{
	return req->sent ? req->started : req->queued;
}

/* Return: the request that does not get on if time goes by, or NULL. */
static struct gh_rm_request *gh_rm_unfinished(struct gh_rm *rm)
{
	lockdep_assert_held(&rm->lock);

	if (rm->active)
		return rm->active;

	/* The channel has the end of a request that was answered before its time. */
	if (rm->tx_busy)
		return list_first_entry_or_null(&rm->queued, struct gh_rm_request, node);

	return NULL;
}

/* Return: the first overdue request that anybody waits for, or NULL. */
static struct gh_rm_request *gh_rm_awaited(struct gh_rm *rm)
{
	struct gh_rm_request *req;

	lockdep_assert_held(&rm->lock);

	list_for_each_entry(req, &rm->overdue, node) {
		if (gh_rm_request_is_awaited(req))
			return req;
	}

	return NULL;
}

static unsigned int gh_rm_count_awaited(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	unsigned int n = 0;

	lockdep_assert_held(&rm->lock);

	list_for_each_entry(req, &rm->overdue, node)
		n += gh_rm_request_is_awaited(req);
	list_for_each_entry(req, &rm->queued, node)
		n += gh_rm_request_is_awaited(req);

	if (rm->active)
		n += gh_rm_request_is_awaited(rm->active);

	return n;
}

/* Return: whether the silence begins with @last, and is to be reported. */
static bool gh_rm_silence_begin(struct gh_rm *rm, const struct gh_rm_request *last,
				struct gh_rm_silence *silence)
{
	const struct gh_rm_request *req = gh_rm_awaited(rm) ?: last;

	lockdep_assert_held(&rm->lock);

	/* Nobody waits for a probe. */
	if (rm->silent || req == rm->probe)
		return false;

	rm->silent = true;
	rm->silent_since = gh_rm_request_since(last);
	rm->counters[GH_RM_COUNT_SILENCES]++;

	silence->msg_id = req->header.msg_id;
	silence->seq = req->header.seq;
	silence->age_ms = ktime_ms_delta(ktime_get(), gh_rm_request_since(req));
	silence->others = gh_rm_count_awaited(rm) - gh_rm_request_is_awaited(req);
	gh_rm_request_caller(&silence->caller, req);

	return true;
}

static void gh_rm_silence_report(struct gh_rm *rm, const struct gh_rm_silence *silence)
{
	dev_warn(rm->dev, "no reply to %s, sequence %u, of %s for %lld ms; %u others wait\n",
		 gh_rm_message_string(silence->msg_id), silence->seq, silence->caller.s,
		 silence->age_ms, silence->others);
}

/**
 * gh_rm_silence_end() - a reply has come
 * @rm: the Resource Manager
 * @silent_ms: set to how long there was none, if that was reported
 *
 * Context: rm->lock held.
 * Return: whether the end is to be reported.
 */
bool gh_rm_silence_end(struct gh_rm *rm, s64 *silent_ms)
{
	bool silent = rm->silent;

	lockdep_assert_held(&rm->lock);

	if (silent)
		*silent_ms = ktime_ms_delta(ktime_get(), rm->silent_since);
	rm->silent = false;

	return silent;
}

/* Asks something harmless, so as to see whether there are replies at all. */
static void gh_rm_send_probe(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	unsigned long flags;

	req = gh_rm_request_alloc(GH_RM_VM_GET_VMID, 0);
	if (req)
		req->orphaned = true;

	spin_lock_irqsave(&rm->lock, flags);
	if (rm->gone || rm->active || rm->probe) {
		/* No need for it any more */
	} else if (!req) {
		gh_rm_watchdog_arm(rm);
	} else {
		rm->probe = req;
		rm->counters[GH_RM_COUNT_PROBES]++;
		gh_rm_queue(rm, req);
		req = NULL;
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	if (req)
		gh_rm_request_put(req);
}

/* Lets others go ahead of the active request. Return: whether to send a probe. */
static bool gh_rm_set_overdue(struct gh_rm *rm)
{
	struct gh_rm_request *req = rm->active;

	lockdep_assert_held(&rm->lock);

	rm->active = NULL;
	/* A probe is not waited for: the next one will do as well. */
	if (req == rm->probe)
		gh_rm_request_finish(rm, req, gh_rm_stats_no_reply(req, -ETIMEDOUT,
								   GH_RM_COUNT_LOST_REPLIES));
	else
		list_add_tail(&req->node, &rm->overdue);
	gh_rm_pump(rm);

	return !rm->active && gh_rm_awaited(rm);
}

/*
 * Real Resource Managers were seen to leave a request without a reply, and to
 * answer the next. So do not let one such request hold up all others.
 */
static void gh_rm_watchdog(struct work_struct *work)
{
	struct gh_rm *rm = container_of(work, struct gh_rm, watchdog.work);
	unsigned int limit = gh_rm_overdue_limit();
	struct gh_rm_request *req;
	struct gh_rm_silence silence;
	bool report = false;
	bool probe = false;
	unsigned long flags;
	s64 age;

	spin_lock_irqsave(&rm->lock, flags);
	req = gh_rm_unfinished(rm);
	if (rm->gone)
		goto unlock;

	if (!req) {
		probe = gh_rm_awaited(rm);
		goto unlock;
	}

	age = ktime_ms_delta(ktime_get(), gh_rm_request_since(req));
	if (age < limit) {
		gh_rm_watchdog_delay(rm, limit - age);
		goto unlock;
	}

	report = gh_rm_silence_begin(rm, req, &silence);
	if (req->state == GH_RM_REQUEST_WAITING && !rm->tx_busy)
		probe = gh_rm_set_overdue(rm);
	else
		gh_rm_watchdog_arm(rm);

unlock:
	spin_unlock_irqrestore(&rm->lock, flags);

	if (report)
		gh_rm_silence_report(rm, &silence);
	if (probe)
		gh_rm_send_probe(rm);
}

/**
 * gh_rm_watchdog_init() - make the watchdog
 * @rm: the Resource Manager
 */
void gh_rm_watchdog_init(struct gh_rm *rm)
{
	INIT_DELAYED_WORK(&rm->watchdog, gh_rm_watchdog);
}
