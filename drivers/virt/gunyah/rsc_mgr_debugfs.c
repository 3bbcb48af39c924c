// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: debugfs
 *
 * Removing a file waits for those who read it, so the Resource Manager object is
 * there as long as anybody does.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "rsc_mgr.h"

/* Of each kind: interrupts are off while they are printed. */
#define GH_RM_MAX_SHOWN	256

/* Where this module's files are: <debugfs>/gunyah */
static struct dentry *gh_debugfs_root;

static const char * const gh_rm_counter_names[] = {
	[GH_RM_COUNT_REQUESTS]			= "requests",
	[GH_RM_COUNT_REPLIES]			= "replies",
	[GH_RM_COUNT_ERRORS]			= "error_replies",
	[GH_RM_COUNT_LATE_REPLIES]		= "late_replies",
	[GH_RM_COUNT_UNMATCHED_REPLIES]		= "unmatched_replies",
	[GH_RM_COUNT_BAD_REPLIES]		= "bad_replies",
	[GH_RM_COUNT_LOST_REPLIES]		= "lost_replies",
	[GH_RM_COUNT_KILLED]			= "killed_callers",
	[GH_RM_COUNT_UNSENT]			= "unsent_requests",
	[GH_RM_COUNT_ENDED]			= "ended_by_unbind",
	[GH_RM_COUNT_PROBES]			= "probes",
	[GH_RM_COUNT_SILENCES]			= "silences",
	[GH_RM_COUNT_NOTIFICATIONS]		= "notifications",
	[GH_RM_COUNT_LOST_NOTIFICATIONS]	= "lost_notifications",
	[GH_RM_COUNT_DROPPED_PACKETS]		= "dropped_packets",
	[GH_RM_COUNT_ABORTED_MESSAGES]		= "aborted_messages",
	[GH_RM_COUNT_FOREIGN_REQUESTS]		= "foreign_requests",
};

/* Called with the lock held. */
static void gh_rm_request_show(struct seq_file *m, const struct gh_rm_request *req,
			       const char *state)
{
	const char *name = gh_rm_message_name(gh_rm_message_index(req->header.msg_id), NULL);
	struct gh_rm_text caller;
	char seq[8] = "-";

	if (req->sent)
		snprintf(seq, sizeof(seq), "%u", req->header.seq);
	seq_printf(m, "%-8s %#010x %-20s %5s %5zu %8lld %s\n", state, req->header.msg_id,
		   name ?: "-", seq, req->size, ktime_ms_delta(ktime_get(), req->queued),
		   gh_rm_request_caller(&caller, req));
}

/* Called with the lock held. There may be very many. */
static void gh_rm_requests_list(struct seq_file *m, struct list_head *list, const char *state)
{
	struct gh_rm_request *req;
	unsigned int n = 0;

	list_for_each_entry(req, list, node) {
		if (n++ == GH_RM_MAX_SHOWN) {
			seq_printf(m, "... more that are %s\n", state);
			break;
		}
		gh_rm_request_show(m, req, state);
	}
}

/* Oldest first */
static int gh_rm_requests_show(struct seq_file *m, void *unused)
{
	struct gh_rm *rm = m->private;
	unsigned long flags;

	seq_puts(m, "state    id         message                seq  size   age_ms caller\n");

	spin_lock_irqsave(&rm->lock, flags);
	gh_rm_requests_list(m, &rm->overdue, "overdue");
	if (rm->active)
		gh_rm_request_show(m, rm->active, rm->active->state == GH_RM_REQUEST_SENDING ?
						  "sending" : "waiting");
	gh_rm_requests_list(m, &rm->queued, "queued");
	spin_unlock_irqrestore(&rm->lock, flags);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_rm_requests);

static int gh_rm_counters_show(struct seq_file *m, void *unused)
{
	struct gh_rm *rm = m->private;
	u64 counters[GH_RM_N_COUNTERS];
	unsigned long flags;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(gh_rm_counter_names) != GH_RM_N_COUNTERS);

	spin_lock_irqsave(&rm->lock, flags);
	memcpy(counters, rm->counters, sizeof(counters));
	spin_unlock_irqrestore(&rm->lock, flags);

	for (i = 0; i < GH_RM_N_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", gh_rm_counter_names[i], counters[i]);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_rm_counters);

static void gh_rm_latency_show(struct seq_file *m, const struct gh_rm_latency *latency,
			       unsigned int index)
{
	const char *name;
	unsigned int i;
	u32 msg_id;

	name = gh_rm_message_name(index, &msg_id);
	seq_printf(m, "%#010x %-20s %8llu %10llu %8llu", msg_id, name ?: "-", latency->count,
		   latency->total, latency->max);
	for (i = 0; i < GH_RM_LATENCY_BUCKETS; i++) {
		if (latency->buckets[i])
			seq_printf(m, " %lu:%u", i ? BIT(i) : 0, latency->buckets[i]);
	}
	seq_putc(m, '\n');
}

/* Only messages that were answered */
static int gh_rm_latencies_show(struct seq_file *m, void *unused)
{
	struct gh_rm *rm = m->private;
	struct gh_rm_latency latency;
	unsigned long flags;
	unsigned int i;

	seq_puts(m, "id         message                 count   total_us   max_us from_us:count...\n");

	for (i = 0; i < gh_rm_n_messages(); i++) {
		spin_lock_irqsave(&rm->lock, flags);
		latency = rm->latencies[i];
		spin_unlock_irqrestore(&rm->lock, flags);
		if (latency.count)
			gh_rm_latency_show(m, &latency, i);
	}

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(gh_rm_latencies);

/**
 * gh_rm_debugfs_add() - make the files of a Resource Manager
 * @rm: the Resource Manager
 */
void gh_rm_debugfs_add(struct gh_rm *rm)
{
	rm->debugfs = debugfs_create_dir("rm", gh_debugfs_root);
	debugfs_create_file("requests", 0400, rm->debugfs, rm, &gh_rm_requests_fops);
	debugfs_create_file("counters", 0400, rm->debugfs, rm, &gh_rm_counters_fops);
	debugfs_create_file("latency", 0400, rm->debugfs, rm, &gh_rm_latencies_fops);
}

/**
 * gh_rm_debugfs_remove() - remove them, and wait for those who read them
 * @rm: the Resource Manager
 */
void gh_rm_debugfs_remove(struct gh_rm *rm)
{
	debugfs_remove(rm->debugfs);
}

/**
 * gh_debugfs_init() - make the directory of this module
 *
 * Return: the directory.
 */
struct dentry *gh_debugfs_init(void)
{
	gh_debugfs_root = debugfs_create_dir("gunyah", NULL);
	return gh_debugfs_root;
}

/**
 * gh_debugfs_exit() - remove the directory of this module
 */
void gh_debugfs_exit(void)
{
	debugfs_remove(gh_debugfs_root);
}
