// SPDX-License-Identifier: GPL-2.0
/*
 * What is to go wrong with requests: a list of faults, each armed for one
 * message or any, and used up as requests come.
 */

#include "ctl.h"

static struct ctl_fault *faults;
static bool muted;

void ctl_fault_init(struct ctl_fault *fault)
{
	static const struct ctl_header right = {
		.api = CTL_UNSET,
		.fragments = CTL_UNSET,
		.id = CTL_UNSET,
	};

	memset(fault, 0, sizeof(*fault));
	fault->code = CTL_UNSET;
	fault->reply = (struct ctl_mangle) {
		.copies = 1,
		.len = CTL_UNSET,
		.error = CTL_UNSET,
		.all = right,
		.more = right,
		.skip = CTL_UNSET,
		.swap = CTL_UNSET,
	};
}

static void read_reply(struct ctl_line *line, struct ctl_mangle *reply)
{
	const u64 packets = RM_MAX_CONTINUATIONS;

	reply->copies = ctl_number(line, "copies", 16, reply->copies);
	reply->len = ctl_number(line, "len", RM_MAX_MESSAGE, CTL_UNSET);
	reply->error = ctl_number(line, "error", ~0U, CTL_UNSET);
	reply->all.api = ctl_number(line, "api", 0xff, CTL_UNSET);
	reply->all.fragments = ctl_number(line, "fragments", 0x3f, CTL_UNSET);
	reply->all.id = ctl_number(line, "id", ~0U, CTL_UNSET);
	reply->all.seq = ctl_number(line, "seq", 0xffff, 0);
	reply->more.fragments = ctl_number(line, "cfragments", 0x3f, CTL_UNSET);
	reply->more.id = ctl_number(line, "cid", ~0U, CTL_UNSET);
	reply->more.seq = ctl_number(line, "cseq", 0xffff, 0);
	reply->skip = ctl_number(line, "skip", packets, CTL_UNSET);
	reply->swap = ctl_number(line, "swap", packets, CTL_UNSET);
	reply->delay = ctl_number(line, "delay", 3600000, 0);
	reply->after = ctl_number(line, "after", ~0U, 0);
}

int ctl_fault_arm(struct ctl_line *line, struct ctl_fault *fault, u32 id)
{
	struct ctl_fault *new, **link;

	fault->id = id;
	fault->nth = ctl_number(line, "nth", ~0U, 1);
	fault->count = ctl_number(line, "count", ~0U, 1);
	if (!ctl_line_good(line) || !fault->nth)
		return GH_ARGUMENT_INVALID;

	new = hyp_zalloc(sizeof(*new));
	if (!new)
		return GH_NOMEM;
	*new = *fault;
	for (link = &faults; *link; link = &(*link)->next)
		;
	*link = new;

	return GH_OK;
}

static int arm_reply(struct ctl_line *line, struct ctl_fault *fault)
{
	u32 id = ctl_word_id(line, true);

	read_reply(line, &fault->reply);

	return ctl_fault_arm(line, fault, id);
}

int ctl_fail(struct ctl_line *line)
{
	struct ctl_fault fault;

	ctl_fault_init(&fault);
	fault.code = ctl_number(line, "code", ~0U, CTL_UNSET);
	if (fault.code == CTL_UNSET || !fault.code)
		return GH_ARGUMENT_INVALID;

	return arm_reply(line, &fault);
}

int ctl_reply(struct ctl_line *line)
{
	struct ctl_fault fault;

	ctl_fault_init(&fault);

	return arm_reply(line, &fault);
}

int ctl_drop(struct ctl_line *line)
{
	struct ctl_fault fault;

	ctl_fault_init(&fault);
	fault.reply.copies = 0;

	return arm_reply(line, &fault);
}

/* Without a message they take effect at once. */
int ctl_mute(struct ctl_line *line)
{
	struct ctl_fault fault;

	if (line->nr > 1) {
		ctl_fault_init(&fault);
		fault.mute = true;
		return arm_reply(line, &fault);
	}
	muted = true;

	return GH_OK;
}

int ctl_hold(struct ctl_line *line)
{
	struct ctl_fault fault;

	if (line->nr > 1) {
		ctl_fault_init(&fault);
		fault.hold = true;
		return arm_reply(line, &fault);
	}
	rm_rpc_hold(true);

	return GH_OK;
}

/* While it is mute, this sends what it has, and then nothing more comes. */
int ctl_release(struct ctl_line *line)
{
	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	rm_rpc_hold(false);

	return GH_OK;
}

int ctl_unmute(struct ctl_line *line)
{
	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	muted = false;
	rm_rpc_hold(false);

	return GH_OK;
}

static void remove_fault(struct ctl_fault **link)
{
	struct ctl_fault *fault = *link;

	*link = fault->next;
	hyp_free(fault);
}

/* Back to normal: what waits goes out, and nothing else is going to happen. */
int ctl_clear(struct ctl_line *line)
{
	int error = ctl_unmute(line);

	if (error)
		return error;
	while (faults)
		remove_fault(&faults);
	ctl_hypercall_clear();
	rm_set_init();
	ctl_reply_clear();

	return GH_OK;
}

bool ctl_muted(void)
{
	return muted;
}

const struct ctl_fault *ctl_fault_take(u32 id)
{
	static struct ctl_fault taken;
	struct ctl_fault **link, *fault;

	for (link = &faults; *link; link = &(*link)->next) {
		fault = *link;
		if (fault->id && fault->id != id)
			continue;
		if (fault->nth > 1) {
			fault->nth--;
			continue;
		}
		taken = *fault;
		if (fault->count && !--fault->count)
			remove_fault(link);
		if (taken.mute)
			muted = true;
		return &taken;
	}

	return NULL;
}

void ctl_fault_tell(ctl_put_fn put, void *arg)
{
	const struct ctl_fault *fault;

	if (muted)
		put(arg, "muted\n");
	if (rm_rpc_held())
		put(arg, "held\n");
	for (fault = faults; fault; fault = fault->next)
		put(arg, "armed message 0x%x nth %u count %u\n", fault->id,
		    fault->nth, fault->count);
	if (ctl_reply_waiting())
		put(arg, "delayed %u\n", ctl_reply_waiting());
}
