// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what the Resource Manager core tells about itself: names, tracepoints,
 * debugfs, and the report on a Resource Manager that does not answer. And
 * sequence numbers, which only an insider can use up.
 */

#include <kunit/test.h>
#include <linux/iopoll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <trace/events/gunyah_rm.h>

#include "gunyah_rm_peer.h"

/* To call what fills the files; nothing of it is registered here. */
#include "../../drivers/virt/gunyah/rsc_mgr_debugfs.c"
#include "../../drivers/virt/gunyah/rsc_mgr_names.c"

#define MAX_EVENTS	16
#define TEXT_SIZE	8192

static const struct gh_peer_reply no_room = { .code = GH_RM_ERROR_NORESOURCE };

enum gh_observe_event_type {
	REQUEST,
	REPLY,
	NO_REPLY,
	NOTIFICATION,
};

struct gh_observe_event {
	enum gh_observe_event_type type;
	u32 msg_id;
	u16 seq;
	u64 size;
	u32 fragments;
	s64 error;
	bool late;
};

static DEFINE_SPINLOCK(gh_observe_lock);
static struct gh_observe_event gh_observe_events[MAX_EVENTS];
static unsigned int gh_observe_n_events;

static void gh_observe_add(const struct gh_observe_event *event)
{
	unsigned long flags;

	spin_lock_irqsave(&gh_observe_lock, flags);
	if (gh_observe_n_events < MAX_EVENTS)
		gh_observe_events[gh_observe_n_events] = *event;
	gh_observe_n_events++;
	spin_unlock_irqrestore(&gh_observe_lock, flags);
}

static void gh_observe_request(void *data, u32 msg_id, u16 seq, size_t size,
			       unsigned int fragments)
{
	gh_observe_add(&(struct gh_observe_event) {
		.type = REQUEST,
		.msg_id = msg_id,
		.seq = seq,
		.size = size,
		.fragments = fragments,
	});
}

static void gh_observe_reply(void *data, u32 msg_id, u16 seq, size_t size, u32 error,
			     u64 latency_us, bool late)
{
	gh_observe_add(&(struct gh_observe_event) {
		.type = REPLY,
		.msg_id = msg_id,
		.seq = seq,
		.size = size,
		.error = error,
		.late = late,
	});
}

static void gh_observe_no_reply(void *data, u32 msg_id, u16 seq, unsigned int sent, int error)
{
	gh_observe_add(&(struct gh_observe_event) {
		.type = NO_REPLY,
		.msg_id = msg_id,
		.seq = seq,
		.fragments = sent,
		.error = error,
	});
}

static void gh_observe_notification(void *data, u32 msg_id, u16 seq, size_t size)
{
	gh_observe_add(&(struct gh_observe_event) {
		.type = NOTIFICATION,
		.msg_id = msg_id,
		.seq = seq,
		.size = size,
	});
}

static void gh_observe_end(void *unused)
{
	unregister_trace_gunyah_rm_request(gh_observe_request, NULL);
	unregister_trace_gunyah_rm_reply(gh_observe_reply, NULL);
	unregister_trace_gunyah_rm_no_reply(gh_observe_no_reply, NULL);
	unregister_trace_gunyah_rm_notification(gh_observe_notification, NULL);
	tracepoint_synchronize_unregister();
}

static int gh_observe_begin(void)
{
	int ret;

	gh_observe_n_events = 0;
	ret = register_trace_gunyah_rm_request(gh_observe_request, NULL) ?:
	      register_trace_gunyah_rm_reply(gh_observe_reply, NULL) ?:
	      register_trace_gunyah_rm_no_reply(gh_observe_no_reply, NULL) ?:
	      register_trace_gunyah_rm_notification(gh_observe_notification, NULL);
	if (ret)
		gh_observe_end(NULL);

	return ret;
}

/* What a file says, in memory of the test; without a failure, as threads may wait */
static const char *gh_observe_read(struct kunit *test,
				   int (*show)(struct seq_file *m, void *unused))
{
	struct gh_peer *peer = test->priv;
	struct seq_file m = { .size = TEXT_SIZE, .private = peer->rm };

	m.buf = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, m.buf);
	if (!m.buf)
		return "\n";
	KUNIT_EXPECT_EQ(test, show(&m, NULL), 0);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&m));
	m.buf[TEXT_SIZE - 1] = '\0';

	return m.buf;
}

static void gh_observe_expect_text(struct kunit *test, const char *text, const char *wanted)
{
	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, wanted), "no '%s' in:\n%s", wanted, text);
}

static void gh_observe_names(struct kunit *test)
{
	struct gh_rm_text text;

	KUNIT_EXPECT_STREQ(test, gh_rm_message_text(&text, GH_RM_VM_INIT),
			   "VM_INIT (0x5600000b)");
	KUNIT_EXPECT_STREQ(test, gh_rm_message_text(&text, GH_RM_NOTIF_VM_EXITED),
			   "VM_EXITED (0x56100001)");
	KUNIT_EXPECT_STREQ(test, gh_rm_message_text(&text, 0x56000099), "0x56000099");
	KUNIT_EXPECT_STREQ(test, gh_rm_message_text(&text, 0), "0x0");
	KUNIT_EXPECT_STREQ(test, gh_rm_error_text(&text, 0x14), "VM_STATE (0x14)");
	KUNIT_EXPECT_STREQ(test, gh_rm_error_text(&text, 0xffffffff),
			   "UNIMPLEMENTED (0xffffffff)");
	KUNIT_EXPECT_STREQ(test, gh_rm_error_text(&text, 0x15), "0x15");
}

/* The Resource Manager's code is logged by name. */
static void gh_observe_error_logged(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	u16 vmid;

	gh_fake_log_watch("VM_ALLOCATE (0x56000001): error NORESOURCE (0x2)");
	gh_peer_script(peer, &no_room);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), -ENOSPC);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
}

static void gh_observe_expect_events(struct kunit *test, const struct gh_observe_event *expected,
				     unsigned int n)
{
	const struct gh_observe_event *event;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, gh_observe_n_events, n);
	for (i = 0; i < n; i++) {
		event = &gh_observe_events[i];
		KUNIT_EXPECT_EQ_MSG(test, event->type, expected[i].type, "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, event->msg_id, expected[i].msg_id, "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, event->size, expected[i].size, "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, event->fragments, expected[i].fragments, "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, event->error, expected[i].error, "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, event->late, expected[i].late, "event %u", i);
	}
}

static void gh_observe_tracepoints(struct kunit *test)
{
	static const struct gh_observe_event expected[] = {
		{ .type = REQUEST, .msg_id = GH_RM_VM_GET_VMID },
		{ .type = REPLY, .msg_id = GH_RM_VM_GET_VMID, .size = 4 },
		{ .type = REQUEST, .msg_id = GH_RM_VM_ALLOCATE, .size = 4 },
		{ .type = REPLY, .msg_id = GH_RM_VM_ALLOCATE, .error = GH_RM_ERROR_NORESOURCE },
		{ .type = NOTIFICATION, .msg_id = GH_RM_NOTIF_VM_STATUS, .size = 4, .seq = 77 },
		{ .type = REQUEST, .msg_id = GH_RM_VM_ALLOCATE, .size = 4 },
		{ .type = NO_REPLY, .msg_id = GH_RM_VM_ALLOCATE, .fragments = 1, .error = -EINTR },
		{ .type = REPLY, .msg_id = GH_RM_VM_ALLOCATE, .size = 4, .late = true },
		{ .type = REQUEST, .msg_id = GH_RM_VM_DEALLOCATE, .size = 4 },
		{ .type = NO_REPLY, .msg_id = GH_RM_VM_DEALLOCATE, .fragments = 1,
		  .error = -ENODEV },
	};
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid;

	KUNIT_ASSERT_EQ(test, gh_observe_begin(), 0);

	gh_peer_script(peer, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
	gh_peer_script(peer, &no_room);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), -ENOSPC);
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 77, GH_RM_NOTIF_VM_STATUS, gh_peer_hlos, 4);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, 1));
	if (!gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid)) {
		KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 3));
		gh_peer_kill(&caller);
		KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
		gh_peer_reply(peer, 2, &gh_peer_allocated);
		KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 4));
	}
	gh_peer_unbind(peer);

	gh_observe_end(NULL);

	gh_observe_expect_events(test, expected, ARRAY_SIZE(expected));
	KUNIT_EXPECT_EQ(test, gh_observe_events[0].seq, gh_observe_events[1].seq);
	KUNIT_EXPECT_EQ(test, gh_observe_events[4].seq, 77);
	KUNIT_EXPECT_EQ(test, gh_observe_events[5].seq, gh_observe_events[7].seq);
}

static void gh_observe_outstanding(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller waiting, queued;
	const char *text;
	char line[80];
	u16 vmid[2];
	bool empty;

	KUNIT_ASSERT_EQ(test, gh_peer_call(&waiting, peer->rm, gh_peer_get_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	KUNIT_EXPECT_EQ(test, gh_peer_call(&queued, peer->rm, gh_peer_alloc_vmid, &vmid[1]), 0);
	KUNIT_EXPECT_EQ(test, read_poll_timeout(list_empty_careful, empty, !empty, 20000,
						GH_PEER_TIMEOUT_US, false, &peer->rm->queued), 0);

	text = gh_observe_read(test, gh_rm_requests_show);
	snprintf(line, sizeof(line), "\nwaiting  0x56000024 VM_GET_VMID          %5u     0 ",
		 peer->requests[0].header.seq);
	gh_observe_expect_text(test, text, line);
	snprintf(line, sizeof(line), " gunyah-caller[%d]\n", waiting.task->pid);
	gh_observe_expect_text(test, text, line);
	gh_observe_expect_text(test, text,
			       "\nqueued   0x56000001 VM_ALLOCATE              -     4 ");

	gh_peer_kill(&waiting);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&waiting), -EINTR);
	gh_peer_kill(&queued);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&queued), -EINTR);
	text = gh_observe_read(test, gh_rm_requests_show);
	gh_observe_expect_text(test, text, " orphaned\n");
	KUNIT_EXPECT_NULL(test, strstr(text, "queued "));

	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	text = gh_observe_read(test, gh_rm_requests_show);
	KUNIT_EXPECT_STREQ(test, strchr(text, '\n'), "\n");
}

static void gh_observe_counters(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u8 rubbish[12] = { 0x22 };
	const char *text;
	u16 vmid;

	gh_peer_script(peer, &no_room);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), -ENOSPC);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);
	gh_peer_send_packet(peer, rubbish, sizeof(rubbish));
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_STATUS, gh_peer_hlos, 4);
	gh_peer_send(peer, GH_RM_PACKET_REPLY, 0, GH_RM_VM_START, gh_peer_hlos, 4);
	gh_peer_send(peer, GH_RM_PACKET_REQUEST, 0, GH_RM_VM_START, gh_peer_hlos, 4);
	gh_peer_reply(peer, 1, &gh_peer_is_hlos);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));

	text = gh_observe_read(test, gh_rm_counters_show);
	KUNIT_EXPECT_STREQ(test, text,
			   "requests 3\n"
			   "replies 3\n"
			   "error_replies 1\n"
			   "late_replies 1\n"
			   "unmatched_replies 1\n"
			   "bad_replies 0\n"
			   "lost_replies 0\n"
			   "killed_callers 1\n"
			   "unsent_requests 0\n"
			   "ended_by_unbind 0\n"
			   "probes 0\n"
			   "silences 0\n"
			   "notifications 1\n"
			   "lost_notifications 0\n"
			   "dropped_packets 1\n"
			   "aborted_messages 0\n"
			   "foreign_requests 1\n");
}

static void gh_observe_latencies(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	const struct gh_rm_latency *latency;
	unsigned int i, sum = 0;
	const char *text;
	u16 vmid;

	for (i = 0; i < 3; i++) {
		gh_peer_script(peer, &gh_peer_is_hlos);
		KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
	}
	latency = &peer->rm->latencies[gh_rm_message_index(GH_RM_VM_GET_VMID)];
	KUNIT_EXPECT_EQ(test, latency->count, 3ULL);
	KUNIT_EXPECT_GE(test, latency->total, latency->max);
	KUNIT_EXPECT_LE(test, latency->total, 3 * latency->max);
	for (i = 0; i < GH_RM_LATENCY_BUCKETS; i++) {
		sum += latency->buckets[i];
		/* No time is above its bucket, and the longest is in the last in use. */
		if (latency->buckets[i])
			KUNIT_EXPECT_GE(test, latency->max, i ? BIT_ULL(i) : 0ULL);
		if (i && latency->max >= BIT_ULL(i) && latency->max < BIT_ULL(i + 1))
			KUNIT_EXPECT_GE(test, latency->buckets[i], 1U);
	}
	KUNIT_EXPECT_EQ(test, sum, 3U);

	text = gh_observe_read(test, gh_rm_latencies_show);
	gh_observe_expect_text(test, text, "\n0x56000024 VM_GET_VMID                 3 ");
	KUNIT_EXPECT_NULL(test, strstr(text, "VM_START"));
}

/* Has many callers wait while nobody answers: one report, and one at the end. */
static void gh_observe_silence(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller first, others[2];
	char report[80];
	u16 vmid[3];
	int i;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	gh_fake_log_watch("no reply to ");
	KUNIT_ASSERT_EQ(test, gh_peer_call(&first, peer->rm, gh_peer_get_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	/* Overdue, and a probe follows */
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ(test, gh_peer_call(&others[i], peer->rm, gh_peer_get_vmid,
						   &vmid[1 + i]), 0);
	/* The probe's turn is over, and that of both others */
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 5));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);

	gh_fake_log_watch("replies again after ");
	gh_peer_reply(peer, 0, &gh_peer_is_hlos);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&first), 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		gh_peer_reply(peer, 2 + i, &gh_peer_is_hlos);
		KUNIT_EXPECT_EQ(test, gh_peer_return(&others[i]), 0);
	}
	gh_peer_reply(peer, 4, &gh_peer_is_hlos);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);

	/* It may happen again, and then is reported again. */
	gh_peer_forget(peer);
	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&first, peer->rm, gh_peer_alloc_vmid, &vmid[0]), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	snprintf(report, sizeof(report),
		 "no reply to VM_ALLOCATE (0x56000001), sequence %u, of gunyah-caller[%d] for ",
		 peer->requests[0].header.seq, first.task->pid);
	gh_fake_log_watch(report);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 2));
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&first), 0);
	gh_peer_reply(peer, 1, &gh_peer_is_hlos);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_EQ(test, peer->rm->counters[GH_RM_COUNT_SILENCES], 2ULL);
}

/* Pretends that all sequence numbers are in use but those in @free. */
static void gh_observe_use_seqs(struct gh_rm *rm, const u16 *free, unsigned int n_free)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&rm->lock, flags);
	bitmap_fill(rm->seqs, GH_RM_N_SEQS);
	for (i = 0; i < n_free; i++)
		__clear_bit(free[i], rm->seqs);
	spin_unlock_irqrestore(&rm->lock, flags);
}

static void gh_observe_seqs_used_up(struct kunit *test)
{
	static const u16 free[] = { 0, 5, 65535 };
	struct gh_peer *peer = test->priv;
	unsigned int i, seen = 0;
	u16 seq, vmid;

	gh_observe_use_seqs(peer->rm, NULL, 0);
	/* Would be the reply if it was sent all the same */
	gh_peer_script(peer, &gh_peer_is_hlos);
	gh_fake_log_watch("VM_GET_VMID (0x56000024) failed: -16");
	KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), -EBUSY);
	KUNIT_EXPECT_EQ(test, gh_fake_log_seen(), 1U);
	gh_fake_log_watch(NULL);
	KUNIT_EXPECT_EQ(test, peer->n_requests, 0U);
	gh_peer_forget(peer);

	/* Those that are free are used in turn. */
	gh_observe_use_seqs(peer->rm, free, ARRAY_SIZE(free));
	for (i = 0; i < 2 * ARRAY_SIZE(free); i++) {
		gh_peer_script(peer, &gh_peer_is_hlos);
		KUNIT_EXPECT_EQ(test, gh_rm_get_vmid(peer->rm, &vmid), 0);
		seq = peer->requests[i].header.seq;
		KUNIT_EXPECT_TRUE(test, seq == 0 || seq == 5 || seq == 65535);
		if (i < ARRAY_SIZE(free))
			seen += seq;
		else
			KUNIT_EXPECT_EQ(test, seq,
					peer->requests[i - ARRAY_SIZE(free)].header.seq);
	}
	KUNIT_EXPECT_EQ(test, seen, 65540U);
	bitmap_zero(peer->rm->seqs, GH_RM_N_SEQS);
}

/* The number of a request whose reply may come is not given to another. */
static void gh_observe_seq_in_use(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	struct gh_peer_caller caller;
	u16 vmid, seq;

	KUNIT_ASSERT_EQ(test, gh_peer_set_overdue(GH_PEER_SOON_OVERDUE_MS), 0);
	KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_alloc_vmid, &vmid), 0);
	KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
	seq = peer->requests[0].header.seq;
	gh_peer_kill(&caller);
	KUNIT_EXPECT_EQ(test, gh_peer_return(&caller), -EINTR);

	/* It becomes overdue: this goes ahead of it. After 65,536 requests: */
	WRITE_ONCE(peer->rm->next_seq, seq);
	gh_peer_script(peer, &gh_peer_allocated);
	KUNIT_EXPECT_EQ(test, gh_rm_alloc_vmid(peer->rm, &vmid), 0);
	KUNIT_ASSERT_EQ(test, peer->n_requests, 2U);
	KUNIT_EXPECT_NE(test, peer->requests[1].header.seq, seq);

	/* Its reply is its own still: what that grants is given back. */
	gh_peer_script(peer, &gh_peer_done);
	gh_peer_reply(peer, 0, &gh_peer_allocated);
	KUNIT_ASSERT_TRUE(test, gh_peer_wait_requests(peer, 3));
	KUNIT_EXPECT_EQ(test, peer->requests[2].header.msg_id, (u32)GH_RM_VM_DEALLOCATE);
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(peer->rm->seqs, GH_RM_N_SEQS));
}

static struct kunit_case gh_observe_test_cases[] = {
	KUNIT_CASE(gh_observe_names),
	KUNIT_CASE(gh_observe_error_logged),
	KUNIT_CASE(gh_observe_tracepoints),
	KUNIT_CASE(gh_observe_outstanding),
	KUNIT_CASE(gh_observe_counters),
	KUNIT_CASE(gh_observe_latencies),
	KUNIT_CASE(gh_observe_silence),
	KUNIT_CASE(gh_observe_seqs_used_up),
	KUNIT_CASE(gh_observe_seq_in_use),
	{}
};

static struct kunit_suite gh_observe_test_suite = {
	.name = "gunyah_rm_observe",
	.init = gh_peer_test_init,
	.exit = gh_peer_test_exit,
	.test_cases = gh_observe_test_cases,
};

kunit_test_suite(gh_observe_test_suite);
