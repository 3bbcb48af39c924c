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

#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

#define GH_RM_DISPOSE_RETRY_MS	100
#define GH_RM_DISPOSE_TRIES	30
/* How long the end of the core waits for what is given back. */
#define GH_RM_DISPOSE_TIMEOUT	(5 * HZ)

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
	req->header.type = GH_RM_PACKET_REQUEST;
	req->header.msg_id = msg_id;
	req->header.fragments = gh_rm_message_fragments(size);
	req->size = size;

	return req;
}

/*
 * There is no memory for what gives it back? There will be, unless it is the
 * Resource Manager that says so for ever: others wait behind.
 */
static void gh_rm_dispose(struct gh_rm *rm, struct gh_rm_request *req)
{
	unsigned int tries = 1;
	int ret;

	while ((ret = req->dispose(rm, req)) == -ENOMEM && !READ_ONCE(rm->gone) &&
	       tries++ < GH_RM_DISPOSE_TRIES)
		msleep(GH_RM_DISPOSE_RETRY_MS);

	if (ret)
		dev_err_ratelimited(rm->dev, "what a late reply to %s granted is lost: %d\n",
				    gh_rm_message_string(req->header.msg_id), ret);
}

/* Gives back what late replies grant. */
static void gh_rm_dispose_work(struct work_struct *work)
{
	struct gh_rm *rm = container_of(work, struct gh_rm, dispose_work);
	struct gh_rm_request *req;
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	while (!list_empty(&rm->granted)) {
		req = list_first_entry(&rm->granted, struct gh_rm_request, node);
		spin_unlock_irqrestore(&rm->lock, flags);

		gh_rm_dispose(rm, req);

		/* In the list until then, so that one can see that it is not done. */
		spin_lock_irqsave(&rm->lock, flags);
		list_del_init(&req->node);
		gh_rm_request_put(req);
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	wake_up_all(&rm->disposed);
}

static bool gh_rm_is_all_disposed(struct gh_rm *rm)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&rm->lock, flags);
	ret = list_empty(&rm->granted);
	spin_unlock_irqrestore(&rm->lock, flags);

	return ret;
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

/**
 * gh_rm_request_finish() - the core is through with a request
 * @rm: the Resource Manager
 * @req: the request, which is in none of its lists any more
 * @result: for the caller
 *
 * Context: rm->lock held.
 */
void gh_rm_request_finish(struct gh_rm *rm, struct gh_rm_request *req, int result)
{
	lockdep_assert_held(&rm->lock);

	req->state = GH_RM_REQUEST_DONE;
	if (req->sent)
		__clear_bit(req->header.seq, rm->seqs);
	if (req == rm->probe)
		rm->probe = NULL;

	if (!req->orphaned) {
		req->ret = result;
		complete(&req->done);
	} else if (req->claimed) {
		req->late = result;
	} else if (!result && req->dispose) {
		/* With our reference */
		list_add_tail(&req->node, &rm->granted);
		queue_work(rm->wq, &rm->dispose_work);
		return;
	}

	gh_rm_request_put(req);
}

/* A message that lacks a packet is dropped at the other side. */
static void gh_rm_unsent(struct gh_rm *rm)
{
	struct gh_rm_request *req = rm->active;

	rm->active = NULL;
	req->refused = true;
	if (!req->orphaned)
		req->unanswered = false;
	gh_rm_request_finish(rm, req, gh_rm_stats_no_reply(req, -ECOMM, GH_RM_COUNT_UNSENT));
}

/*
 * Replies are told apart by their sequence number, and some come very late: so a
 * number is not used again before its reply has come, or need not be known.
 */
static int gh_rm_get_seq(struct gh_rm *rm, u16 *seq)
{
	unsigned long next;

	lockdep_assert_held(&rm->lock);

	next = find_next_zero_bit(rm->seqs, GH_RM_N_SEQS, rm->next_seq);
	if (next == GH_RM_N_SEQS)
		next = find_first_zero_bit(rm->seqs, GH_RM_N_SEQS);
	if (next == GH_RM_N_SEQS)
		return -EBUSY;

	__set_bit(next, rm->seqs);
	*seq = next;
	rm->next_seq = next + 1;

	return 0;
}

/* Return: the request that is to be sent, or goes on being sent, or NULL. */
static struct gh_rm_request *gh_rm_request_to_send(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	int ret;

	lockdep_assert_held(&rm->lock);

	while (!rm->active && !list_empty(&rm->queued)) {
		req = list_first_entry(&rm->queued, struct gh_rm_request, node);
		list_del_init(&req->node);
		gh_rm_watchdog_arm(rm);

		ret = gh_rm_get_seq(rm, &req->header.seq);
		if (ret) {
			gh_rm_stats_no_reply(req, ret, GH_RM_COUNT_UNSENT);
			gh_rm_request_finish(rm, req, ret);
			continue;
		}

		req->state = GH_RM_REQUEST_SENDING;
		req->started = ktime_get();
		rm->active = req;
		gh_rm_stats_request(req);
	}

	req = rm->active;

	return req && req->state == GH_RM_REQUEST_SENDING ? req : NULL;
}

/**
 * gh_rm_pump() - send the next packet, if there is one and the channel takes it
 * @rm: the Resource Manager
 *
 * Context: rm->lock held.
 */
void gh_rm_pump(struct gh_rm *rm)
{
	struct gh_rm_request *req;
	int ret;

	lockdep_assert_held(&rm->lock);

	while (!rm->gone && !rm->tx_busy) {
		req = gh_rm_request_to_send(rm);
		if (!req)
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
		gh_rm_unsent(rm);
	}
}

/**
 * gh_rm_queue() - give a request to the core, with a reference
 * @rm: the Resource Manager, not gone
 * @req: the request
 *
 * Context: rm->lock held.
 */
void gh_rm_queue(struct gh_rm *rm, struct gh_rm_request *req)
{
	lockdep_assert_held(&rm->lock);

	req->rm = rm;
	req->state = GH_RM_REQUEST_QUEUED;
	req->queued = ktime_get();
	list_add_tail(&req->node, &rm->queued);
	gh_rm_watchdog_start(rm);
	gh_rm_pump(rm);
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
		gh_rm_unsent(rm);
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
	bool keep;

	lockdep_assert_held(&rm->lock);

	list_for_each_entry_safe(req, next, &rm->overdue, node) {
		if (&req->node == until)
			return;

		/* What the reply grants must not be lost if it should ever come. */
		keep = req->dispose || req->claimed;
		if (!req->orphaned || !keep)
			gh_rm_stats_no_reply(req, -ETIMEDOUT, GH_RM_COUNT_LOST_REPLIES);

		if (!req->orphaned) {
			req->orphaned = true;
			req->ret = -ETIMEDOUT;
			complete(&req->done);
		}

		if (!keep) {
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
		return gh_rm_stats_no_reply(req, -EBADMSG, GH_RM_COUNT_BAD_REPLIES);

	memcpy(&word, payload, sizeof(word));
	code = le32_to_cpu(word);
	payload += sizeof(word);
	size -= sizeof(word);
	gh_rm_stats_reply(req, size, code);

	/* A caller that was told that there is no reply does not look again. */
	if (!req->orphaned) {
		req->rm_error = code;
		req->unanswered = false;
	}
	req->refused = code;
	if (code)
		return gh_rm_error_remap(code);

	if (size <= sizeof(req->short_reply)) {
		memcpy(req->short_reply, payload, size);
		req->reply = req->short_reply;
	} else if (spare) {
		memcpy(spare, payload, size);
		req->reply = spare;
	} else {
		return gh_rm_stats_no_reply(req, -ENOMEM, GH_RM_COUNT_LOST_REPLIES);
	}
	req->reply_size = size;

	return 0;
}

/*
 * Ends the request that a reply belongs to. @payload is NULL if the reply is not
 * complete. Return: whether there was such a request.
 */
static bool gh_rm_answer(struct gh_rm *rm, const struct gh_rm_message_header *header,
			 const void *payload, size_t size)
{
	struct gh_rm_request *req;
	unsigned long flags;
	bool report = false;
	void *spare = NULL;
	s64 silent_ms;
	int ret;

	if (payload && size > GH_RM_SHORT_REPLY)
		spare = kmalloc(size, GFP_KERNEL);

	spin_lock_irqsave(&rm->lock, flags);
	req = gh_rm_take_request(rm, header);
	if (req) {
		if (payload)
			ret = gh_rm_request_keep(req, payload, size, spare);
		else
			ret = gh_rm_stats_no_reply(req, -EBADMSG, GH_RM_COUNT_BAD_REPLIES);
		if (req->reply == spare)
			spare = NULL;
		report = gh_rm_silence_end(rm, &silent_ms);
		gh_rm_request_finish(rm, req, ret);
		gh_rm_pump(rm);
	} else {
		rm->counters[GH_RM_COUNT_UNMATCHED_REPLIES]++;
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	kfree(spare);
	if (report)
		dev_info(rm->dev, "replies again after %lld ms\n", silent_ms);

	return req;
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
	if (!gh_rm_answer(rm, header, payload, size))
		dev_warn_ratelimited(rm->dev, "reply to nobody: %s, sequence %u\n",
				     gh_rm_message_string(header->msg_id), header->seq);
}

/**
 * gh_rm_calls_reply_lost() - a reply began to come, and will not be complete
 * @rm: the Resource Manager
 * @header: of the reply
 */
void gh_rm_calls_reply_lost(struct gh_rm *rm, const struct gh_rm_message_header *header)
{
	gh_rm_answer(rm, header, NULL, 0);
}

/* Return: 0 if the result was there already, or -EINTR. */
static int gh_rm_request_abandon(struct gh_rm *rm, struct gh_rm_request *req)
{
	unsigned long flags;
	int ret = -EINTR;

	spin_lock_irqsave(&rm->lock, flags);
	if (completion_done(&req->done)) {
		ret = 0;
		goto unlock;
	}

	gh_rm_stats_no_reply(req, ret, GH_RM_COUNT_KILLED);
	if (req->state == GH_RM_REQUEST_QUEUED) {
		list_del_init(&req->node);
		gh_rm_request_put(req);
	} else {
		/* It stays with the core, and what it is granted is given back. */
		req->orphaned = true;
		req->unanswered = true;
	}

unlock:
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
 * gh_rm_request_unclaim() - nobody looks at a late reply any more
 * @req: a claimed request, whose reference is dropped
 */
void gh_rm_request_unclaim(struct gh_rm_request *req)
{
	struct gh_rm *rm = req->rm;
	unsigned long flags;

	spin_lock_irqsave(&rm->lock, flags);
	req->claimed = false;
	spin_unlock_irqrestore(&rm->lock, flags);

	gh_rm_request_put(req);
}

/* The Resource Manager's own code is worth more than the errno. */
static void gh_rm_request_report(const struct gh_rm_request *req)
{
	struct device *dev = req->rm->dev;
	u32 msg_id = req->header.msg_id;

	if (req->rm_error && (req->quiet || req->rm_error == req->expected))
		dev_dbg(dev, "%s: error %s\n", gh_rm_message_string(msg_id),
			gh_rm_error_string(req->rm_error));
	else if (req->rm_error)
		dev_err_ratelimited(dev, "%s: error %s\n", gh_rm_message_string(msg_id),
				    gh_rm_error_string(req->rm_error));
	else if (req->ret && req->ret != -ENODEV)
		dev_err_ratelimited(dev, "%s failed: %d\n", gh_rm_message_string(msg_id),
				    req->ret);
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

	req->pid = task_pid_nr(current);
	get_task_comm(req->comm, current);

	spin_lock_irqsave(&rm->lock, flags);
	if (rm->gone) {
		spin_unlock_irqrestore(&rm->lock, flags);
		return -ENODEV;
	}

	kref_get(&req->ref);
	gh_rm_queue(rm, req);
	spin_unlock_irqrestore(&rm->lock, flags);

	if (wait_for_completion_killable(&req->done) && gh_rm_request_abandon(rm, req))
		return -EINTR;

	gh_rm_request_report(req);

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
	gh_rm_count(req->rm, GH_RM_COUNT_BAD_REPLIES);
	dev_err_ratelimited(req->rm->dev, "%s: bad reply of %zu bytes\n",
			    gh_rm_message_string(req->header.msg_id), req->reply_size);

	return -EBADMSG;
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
	INIT_LIST_HEAD(&rm->granted);
	INIT_WORK(&rm->dispose_work, gh_rm_dispose_work);
	init_waitqueue_head(&rm->disposed);
	gh_rm_watchdog_init(rm);
	/* Replies to an earlier owner of the queues shall not match. */
	rm->next_seq = get_random_u32();
}

/**
 * gh_rm_calls_end() - fail all requests, now and later, with -ENODEV
 * @rm: the Resource Manager
 *
 * Context: process context, may sleep.
 */
void gh_rm_calls_end(struct gh_rm *rm)
{
	struct gh_rm_request *req, *next;
	unsigned int grants = 0;
	unsigned long flags;
	LIST_HEAD(ended);

	/* A Resource Manager that does not answer must not hold this up. */
	wait_event_timeout(rm->disposed, gh_rm_is_all_disposed(rm), GH_RM_DISPOSE_TIMEOUT);

	spin_lock_irqsave(&rm->lock, flags);
	WRITE_ONCE(rm->gone, true);
	if (rm->active)
		list_add_tail(&rm->active->node, &ended);
	rm->active = NULL;
	list_splice_tail_init(&rm->overdue, &ended);
	list_splice_tail_init(&rm->queued, &ended);

	list_for_each_entry_safe(req, next, &ended, node) {
		list_del_init(&req->node);
		grants += req->dispose && req->sent;
		gh_rm_stats_no_reply(req, -ENODEV, GH_RM_COUNT_ENDED);
		gh_rm_request_finish(rm, req, -ENODEV);
	}
	spin_unlock_irqrestore(&rm->lock, flags);

	if (grants)
		dev_warn(rm->dev, "what %u replies may yet grant is lost\n", grants);
}
