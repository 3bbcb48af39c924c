// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls of the primary: how many there were, and answers made up for those
 * that a test wants to fail.
 */

#include "core.h"
#include "ctl.h"

#define NR_COUNTED		0x80
#define NR_MSGQ_SEND		0x1b
#define NR_MSGQ_RECEIVE		0x1c

/**
 * struct hypercall_fault - answers made up
 * @next: the one that was armed next
 * @nr: number of the call
 * @cap: its first argument; CTL_UNSET: any
 * @nth: the first call that it is for, 1 is the next one
 * @count: how many calls it is for; 0: all
 * @lost: answer OK and do nothing, as the real hypervisor does when it cannot
 *	  copy a message
 * @error: else answer this
 */
struct hypercall_fault {
	struct hypercall_fault *next;
	u32 nr;
	u64 cap;
	u32 nth;
	u32 count;
	bool lost;
	s64 error;
};

bool ctl_msgq_swallow;

static u64 counts[NR_COUNTED];
static struct hypercall_fault *faults;

int ctl_msgq(struct ctl_line *line)
{
	const char *word = ctl_word(line);
	bool swallow = word && !strcmp(word, "swallow");

	if (!word || (!swallow && strcmp(word, "refuse")) || !ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	ctl_msgq_swallow = swallow;

	return GH_OK;
}

int ctl_hypercall(struct ctl_line *line)
{
	struct hypercall_fault new = { 0 }, *fault, **link;
	const char *word;

	new.nr = ctl_word_number(line, NR_COUNTED - 1);
	word = ctl_word(line);
	new.lost = word && !strcmp(word, "lost");
	if (new.lost == ctl_has(line, "error") || (word && !new.lost) ||
	    (new.lost && new.nr != NR_MSGQ_SEND && new.nr != NR_MSGQ_RECEIVE))
		return GH_ARGUMENT_INVALID;
	new.error = ctl_number(line, "error", 0xffff, 0);
	new.cap = ctl_number(line, "cap", CTL_UNSET, CTL_UNSET);
	new.nth = ctl_number(line, "nth", ~0U, 1);
	new.count = ctl_number(line, "count", ~0U, 1);
	if (!ctl_line_good(line) || !new.nth)
		return GH_ARGUMENT_INVALID;

	fault = hyp_zalloc(sizeof(*fault));
	if (!fault)
		return GH_NOMEM;
	*fault = new;
	for (link = &faults; *link; link = &(*link)->next)
		;
	*link = fault;

	return GH_OK;
}

static void remove_fault(struct hypercall_fault **link)
{
	struct hypercall_fault *fault = *link;

	*link = fault->next;
	hyp_free(fault);
}

void ctl_hypercall_clear(void)
{
	while (faults)
		remove_fault(&faults);
	ctl_msgq_swallow = false;
}

/*
 * Counts a call of the primary; true when the answer was made up: then nothing
 * is to be done.
 */
bool ctl_hypercall_take(u32 nr, const u64 *arg, u64 *ret)
{
	struct hypercall_fault **link, *fault;

	if (nr < NR_COUNTED)
		counts[nr]++;

	for (link = &faults; *link; link = &(*link)->next) {
		fault = *link;
		if (fault->nr != nr ||
		    (fault->cap != CTL_UNSET && fault->cap != arg[0]))
			continue;
		if (fault->nth > 1) {
			fault->nth--;
			continue;
		}
		ret[0] = fault->error;
		if (nr == NR_MSGQ_SEND) {
			ret[1] = fault->lost;
		} else if (nr == NR_MSGQ_RECEIVE) {
			ret[1] = 0;
			ret[2] = fault->lost;
		}
		if (fault->count && !--fault->count)
			remove_fault(link);
		return true;
	}

	return false;
}

void ctl_hypercall_tell(ctl_put_fn put, void *arg)
{
	const struct hypercall_fault *fault;

	if (ctl_msgq_swallow)
		put(arg, "armed msgq swallow\n");
	for (fault = faults; fault; fault = fault->next)
		put(arg, "armed hypercall 0x%x nth %u count %u %s %ld\n",
		    fault->nr, fault->nth, fault->count,
		    fault->lost ? "lost" : "error", (long)fault->error);
}

void ctl_hypercall_tell_counts(ctl_put_fn put, void *arg)
{
	u32 nr;

	for (nr = 0; nr < NR_COUNTED; nr++)
		if (counts[nr])
			put(arg, "count hypercall 0x%x %lu\n", nr,
			    (unsigned long)counts[nr]);
}
