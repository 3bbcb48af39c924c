// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: requests and their replies
 *
 * One request at a time: the next is sent when the reply has come, since the
 * Resource Manager keeps only one reply that does not fit into the queue. A
 * request belongs to the core from the moment it is queued until its reply, or
 * the end of the core; its caller may be gone by then.
 *
 * Nobody waits for the channel: it calls back when it took a packet, and then
 * gets the next.
 */

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

static unsigned int overdue_ms = 5000;
module_param(overdue_ms, uint, 0644);
MODULE_PARM_DESC(overdue_ms, "Time without a reply after which this is reported, in ms");

/* Less would make the watchdog busy. */
#define GH_RM_MIN_OVERDUE_MS	100U

static unsigned long gh_rm_overdue_limit(void)
{
	return msecs_to_jiffies(max(READ_ONCE(overdue_ms), GH_RM_MIN_OVERDUE_MS));
}

static void gh_rm_request_dispose(struct work_struct *work)
{
	struct gh_rm_request *req = container_of(work, struct gh_rm_request, dispose_work);

	req->dispose(req->rm, req);
	gh_rm_request_put(req);
}

/**
 * gh_rm_request_alloc() - make a request
 * @msg_id: what it is about
 * @size: size of its payload, which the caller fills in
 *
 * Return: the request, with one reference, or NULL.
 */
struct gh_rm_request *gh_rm_request_alloc(u32 msg_id, size_t size)
{
	struct gh_rm_request *req;

	if (size > GH_RM_MAX_MESSAGE_SIZE)
		return NULL;

	req = kzalloc(struct_size(req, payload, size), GFP_KERNEL);
	if (!req)
		return NULL;

	kref_init(&req->ref);
	INIT_LIST_HEAD(&req->node);
	init_completion(&req->done);
	INIT_WORK(&req->dispose_work, gh_rm_request_dispose);
	req->header.type = GH_RM_PACKET_REQUEST;
	req->header.msg_id = msg_id;
	req->header.fragments = gh_rm_message_fragments(size);
	req->size = size;

	return req;
}

static void gh_rm_request_release(struct kref *ref)
{
	struct gh_rm_request *req = container_of(ref, struct gh_rm_request, ref);

	if (req->reply != req->short_reply)
		kfree(req->reply);
	kfree(req);
}

/**
 * gh_rm_request_put() - drop a reference to a request
 * @req: the request
 */
void gh_rm_request_put(struct gh_rm_request *req)
{
	kref_put(&req->ref, gh_rm_request_release);
}

/*
 * The core is through with a request, which is in none of its lists any more.
 * Called with rm->lock held.
 */
static void gh_rm_request_finish(struct gh_rm *rm, struct gh_rm_request *req, int result)
{
	lockdep_assert_held(&rm->lock);

	req->state = GH_RM_REQUEST_DONE;
	if (req == rm->probe)
		rm->probe = NULL;

	if (!req->orphaned) {
		req->ret = result;
		complete(&req->done);
	} else if (req->claimed) {
		req->late = result;
	} else if (!result && req->dispose) {
		/* With our reference */
		queue_work(rm->wq, &req->dispose_work);
		return;
	}

	gh_rm_request_put(req);
}

/* A message that lacks a packet is dropped at the other side. */
static void gh_rm_unsent(struct gh_rm *rm, int result)
{
	struct gh_rm_request *req = rm->active;

	rm->active = NULL;
	if (!req->orphaned)
		req->unanswered = false;
	gh_rm_request_finish(rm, req, result);
}

/*
 * Sends the next packet of the request whose turn it is, if the channel can
 * take one.
 */
static void gh_rm_pump(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	int ret;

	lockdep_assert_held(&rm->lock);

	while (!rm->gone && !rm->tx_busy) {
		if (!rm->active && !list_empty(&rm->queued)) {
			req = list_first_entry(&rm->queued, struct gh_rm_request, node);
			list_del_init(&req->node);
			req->header.seq = rm->next_seq++;
			req->state = GH_RM_REQUEST_SENDING;
			req->started = jiffies;
			rm->active = req;
			queue_delayed_work(rm->wq, &rm->watchdog, gh_rm_overdue_limit());
		}

		req = rm->active;
		if (!req || req->state != GH_RM_REQUEST_SENDING)
			return;

		rm->tx.length = gh_rm_packet_fill(rm->tx.data, &req->header, req->payload,
						  req->size, req->sent);
		rm->tx.push = req->sent == req->header.fragments;
		if (req->sent++ == req->header.fragments) {
			req->state = GH_RM_REQUEST_WAITING;
			req->unanswered = true;
		}

		rm->tx_busy = true;
		ret = mbox_send_message(gh_msgq_chan(rm->msgq), &rm->tx);
		if (ret >= 0)
			return;

		rm->tx_busy = false;
		gh_rm_unsent(rm, ret);
	}
}

/**
 * gh_rm_calls_tx_done() - the channel is through with our packet
 * @rm: the Resource Manager
 * @result: 0 if it was sent, or an errno
 */
void gh_rm_calls_tx_done(struct gh_rm *rm, int result)
{
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	rm->tx_busy = false;
	/* No other request could become the active one meanwhile. */
	if (result && rm->active)
		gh_rm_unsent(rm, result);
	gh_rm_pump(rm);
	spin_unlock_irqrestore(&rm->lock, flags);
}

/*
 * The Resource Manager answers in the order in which it was asked. When it
 * answered a request, the replies to those before @until are lost, or are at
 * least nothing to wait for.
 */
static void gh_rm_overdue_lost(struct gh_rm *rm, struct list_head *until)
{
	struct gh_rm_request *req, *next;

	lockdep_assert_held(&rm->lock);

	list_for_each_entry_safe(req, next, &rm->overdue, node) {
		if (&req->node == until)
			return;

		if (!req->orphaned) {
			req->orphaned = true;
			req->ret = -ETIMEDOUT;
			complete(&req->done);
		}

		/* What the reply grants must not be lost if it should ever come. */
		if (!req->dispose && !req->claimed) {
			list_del_init(&req->node);
			gh_rm_request_finish(rm, req, -ETIMEDOUT);
		}
	}
}

static bool gh_rm_request_matches(const struct gh_rm_request *req,
				  const struct gh_rm_message_header *header)
{
	return req->state == GH_RM_REQUEST_WAITING && req->header.seq == header->seq &&
	       req->header.msg_id == header->msg_id;
}

/* Takes the request that a reply belongs to away from the core. */
static struct gh_rm_request *gh_rm_take_request(struct gh_rm *rm,
						const struct gh_rm_message_header *header)
{
	struct gh_rm_request *req = rm->active;

	lockdep_assert_held(&rm->lock);

	if (req && gh_rm_request_matches(req, header)) {
		rm->active = NULL;
		gh_rm_overdue_lost(rm, &rm->overdue);
		return req;
	}

	list_for_each_entry(req, &rm->overdue, node) {
		if (gh_rm_request_matches(req, header)) {
			gh_rm_overdue_lost(rm, &req->node);
			list_del_init(&req->node);
			return req;
		}
	}

	return NULL;
}

/* Return: what the reply says, or -EBADMSG or -ENOMEM. */
static int gh_rm_request_keep(struct gh_rm_request *req, const void *payload, size_t size,
			      void *spare)
{
	__le32 word;
	u32 code;

	if (size < sizeof(word))
		return -EBADMSG;

	memcpy(&word, payload, sizeof(word));
	code = le32_to_cpu(word);
	/* A caller that was told that there is no reply does not look again. */
	if (!req->orphaned) {
		req->rm_error = code;
		req->unanswered = false;
	}
	req->refused = code;
	if (code)
		return gh_rm_error_remap(code);

	payload += sizeof(word);
	size -= sizeof(word);
	if (size <= sizeof(req->short_reply)) {
		memcpy(req->short_reply, payload, size);
		req->reply = req->short_reply;
	} else if (spare) {
		memcpy(spare, payload, size);
		req->reply = spare;
	} else {
		return -ENOMEM;
	}
	req->reply_size = size;

	return 0;
}

/**
 * gh_rm_calls_reply() - a reply has come
 * @rm: the Resource Manager
 * @header: of the reply
 * @payload: of the reply
 * @size: size of @payload
 */
void gh_rm_calls_reply(struct gh_rm *rm, const struct gh_rm_message_header *header,
		       const void *payload, size_t size)
{
	struct gh_rm_request *req;
	unsigned long flags;
	void *spare = NULL;
	int ret;

	if (size > GH_RM_SHORT_REPLY)
		spare = kmalloc(size, GFP_KERNEL);

	spin_lock_irqsave(&rm->lock, flags);
	req = gh_rm_take_request(rm, header);
	if (req) {
		ret = gh_rm_request_keep(req, payload, size, spare);
		if (req->reply == spare)
			spare = NULL;
		gh_rm_request_finish(rm, req, ret);
		gh_rm_pump(rm);
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	kfree(spare);
	if (!req)
		dev_warn_ratelimited(rm->dev, "reply to nobody: message %#x, sequence %u\n",
				     header->msg_id, header->seq);
}

/**
 * gh_rm_calls_reply_lost() - a reply began to come, and will not be complete
 * @rm: the Resource Manager
 * @header: of the reply
 */
void gh_rm_calls_reply_lost(struct gh_rm *rm, const struct gh_rm_message_header *header)
{
	struct gh_rm_request *req;
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	req = gh_rm_take_request(rm, header);
	if (req) {
		gh_rm_request_finish(rm, req, -EBADMSG);
		gh_rm_pump(rm);
	}
	spin_unlock_irqrestore(&rm->lock, flags);
}

/* Asks something harmless, so as to see whether there are replies at all. */
static void gh_rm_send_probe(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	unsigned long flags;

	req = gh_rm_request_alloc(GH_RM_VM_GET_VMID, 0);
	if (req) {
		req->rm = rm;
		req->orphaned = true;
		/* The report on what it follows says it all. */
		req->warned = true;
	}

	spin_lock_irqsave(&rm->lock, flags);
	if (rm->gone || rm->active || rm->probe) {
		/* No need for it any more */
	} else if (!req) {
		queue_delayed_work(rm->wq, &rm->watchdog, gh_rm_overdue_limit());
	} else {
		rm->probe = req;
		req->state = GH_RM_REQUEST_QUEUED;
		list_add_tail(&req->node, &rm->queued);
		gh_rm_pump(rm);
		req = NULL;
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	if (req)
		gh_rm_request_put(req);
}

/* Whether anybody waits for an overdue reply */
static bool gh_rm_is_awaited(struct gh_rm *rm)
{
	struct gh_rm_request *req;

	lockdep_assert_held(&rm->lock);

	list_for_each_entry(req, &rm->overdue, node) {
		if (!req->orphaned || req->claimed)
			return true;
	}

	return false;
}

/*
 * Real Resource Managers were seen to leave a request without a reply, and to
 * answer the next. So do not let one such request hold up all others.
 */
static void gh_rm_watchdog(struct work_struct *work)
{
	struct gh_rm *rm = container_of(work, struct gh_rm, watchdog.work);
	unsigned long limit = gh_rm_overdue_limit();
	struct gh_rm_request *req;
	unsigned long flags;
	bool probe = false;
	u32 report = 0;

	spin_lock_irqsave(&rm->lock, flags);
	req = rm->active;
	if (rm->gone)
		goto unlock;

	if (!req) {
		probe = gh_rm_is_awaited(rm);
		goto unlock;
	}

	if (time_before(jiffies, req->started + limit)) {
		queue_delayed_work(rm->wq, &rm->watchdog, req->started + limit - jiffies);
		goto unlock;
	}

	if (!req->warned)
		report = req->header.msg_id;
	req->warned = true;

	if (req->state == GH_RM_REQUEST_WAITING && !rm->tx_busy) {
		rm->active = NULL;
		/* A probe is not waited for: the next one will do as well. */
		if (req == rm->probe)
			gh_rm_request_finish(rm, req, -ETIMEDOUT);
		else
			list_add_tail(&req->node, &rm->overdue);
		gh_rm_pump(rm);
		probe = !rm->active && gh_rm_is_awaited(rm);
	} else {
		queue_delayed_work(rm->wq, &rm->watchdog, limit);
	}

unlock:
	spin_unlock_irqrestore(&rm->lock, flags);

	if (report)
		dev_warn(rm->dev, "no reply to message %#x for %u ms\n", report,
			 jiffies_to_msecs(limit));
	if (probe)
		gh_rm_send_probe(rm);
}

/* Return: 0 if the result was there already, or -EINTR. */
static int gh_rm_request_abandon(struct gh_rm *rm, struct gh_rm_request *req)
{
	unsigned long flags;
	int ret = -EINTR;

	spin_lock_irqsave(&rm->lock, flags);
	if (completion_done(&req->done)) {
		ret = 0;
	} else if (req->state == GH_RM_REQUEST_QUEUED) {
		list_del_init(&req->node);
		gh_rm_request_put(req);
	} else {
		/* It stays with the core, and what it is granted is given back. */
		req->orphaned = true;
		req->unanswered = true;
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	return ret;
}

/**
 * gh_rm_request_late_result() - ask for the outcome of a claimed request, after
 *				 its caller was told that there is no reply
 * @req: the request
 *
 * Return: 0 if a good reply has come, -EAGAIN if none has come so far, or why
 * none will come.
 */
int gh_rm_request_late_result(struct gh_rm_request *req)
{
	struct gh_rm *rm = req->rm;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&rm->lock, flags);
	ret = req->state == GH_RM_REQUEST_DONE ? req->late : -EAGAIN;
	spin_unlock_irqrestore(&rm->lock, flags);

	return ret;
}

/**
 * gh_rm_request_call() - send a request and wait for its reply
 * @rm: the Resource Manager
 * @req: the request; to be called once. @req->reply and @req->unanswered are
 *	 valid afterwards as far as the return value says
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_request_call(struct gh_rm *rm, struct gh_rm_request *req)
{
	unsigned long flags;

	req->rm = rm;

	spin_lock_irqsave(&rm->lock, flags);
	if (rm->gone) {
		spin_unlock_irqrestore(&rm->lock, flags);
		return -ENODEV;
	}

	kref_get(&req->ref);
	req->state = GH_RM_REQUEST_QUEUED;
	list_add_tail(&req->node, &rm->queued);
	gh_rm_pump(rm);
	spin_unlock_irqrestore(&rm->lock, flags);

	if (wait_for_completion_killable(&req->done) && gh_rm_request_abandon(rm, req))
		return -EINTR;

	if (req->rm_error && req->rm_error == req->expected)
		dev_dbg(rm->dev, "message %#x: error %#x\n", req->header.msg_id, req->rm_error);
	else if (req->rm_error)
		dev_err_ratelimited(rm->dev, "message %#x: error %#x\n", req->header.msg_id,
				    req->rm_error);
	else if (req->ret && req->ret != -ENODEV)
		dev_err_ratelimited(rm->dev, "message %#x failed: %d\n", req->header.msg_id,
				    req->ret);

	return req->ret;
}

/**
 * gh_rm_bad_reply() - refuse a reply that is not as it should be
 * @req: the request
 *
 * Return: -EBADMSG.
 */
int gh_rm_bad_reply(struct gh_rm_request *req)
{
	dev_err_ratelimited(req->rm->dev, "message %#x: bad reply of %zu bytes\n",
			    req->header.msg_id, req->reply_size);

	return -EBADMSG;
}

/**
 * gh_rm_request_call_empty() - send a request whose reply is empty
 * @rm: the Resource Manager
 * @req: the request; to be called once
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_request_call_empty(struct gh_rm *rm, struct gh_rm_request *req)
{
	int ret = gh_rm_request_call(rm, req);

	if (!ret && req->reply_size)
		ret = gh_rm_bad_reply(req);

	return ret;
}

/**
 * gh_rm_call() - send a request with a short payload and an empty reply
 * @rm: the Resource Manager
 * @msg_id: what it is about
 * @payload: of the request
 * @size: size of @payload
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_call(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size)
{
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_alloc(msg_id, size);
	if (!req)
		return -ENOMEM;

	memcpy(req->payload, payload, size);
	ret = gh_rm_request_call_empty(rm, req);
	gh_rm_request_put(req);

	return ret;
}

/**
 * gh_rm_calls_init() - make ready for requests
 * @rm: the Resource Manager
 */
void gh_rm_calls_init(struct gh_rm *rm)
{
	spin_lock_init(&rm->lock);
	INIT_LIST_HEAD(&rm->queued);
	INIT_LIST_HEAD(&rm->overdue);
	INIT_DELAYED_WORK(&rm->watchdog, gh_rm_watchdog);
	/* Replies to an earlier owner of the queues shall not match. */
	rm->next_seq = get_random_u32();
}

/**
 * gh_rm_calls_end() - fail all requests, now and later, with -ENODEV
 * @rm: the Resource Manager
 */
void gh_rm_calls_end(struct gh_rm *rm)
{
	struct gh_rm_request *req, *next;
	unsigned long flags;
	LIST_HEAD(ended);

	spin_lock_irqsave(&rm->lock, flags);
	rm->gone = true;
	if (rm->active)
		list_add_tail(&rm->active->node, &ended);
	rm->active = NULL;
	list_splice_tail_init(&rm->overdue, &ended);
	list_splice_tail_init(&rm->queued, &ended);

	list_for_each_entry_safe(req, next, &ended, node) {
		list_del_init(&req->node);
		gh_rm_request_finish(rm, req, -ENODEV);
	}
	spin_unlock_irqrestore(&rm->lock, flags);
}
