/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test hypervisor's Resource Manager believes, as text, and how much memory the
 * kernel keeps for it.
 *
 * Lines that begin with "count " are counters; the others are what exists. A test that
 * cleans up after itself leaves the others as they were.
 */

#ifndef SELFTEST_DUMP_H
#define SELFTEST_DUMP_H

#include "util.h"

struct dump {
	char *text;
	long pinned;		/* pages, of the whole system */
};

/* The test hypervisor's boot options, NULL if this is not said to be one. */
const char *test_options(void);

/* Whether there is a dump to be had; the real Resource Manager has none. */
bool dump_supported(void);

bool dump_take(struct dump *dump);
void dump_free(struct dump *dump);

/* The counter of that name, or -1. */
long dump_count(const struct dump *dump, const char *name);
/* The same of a dump that is taken for it. */
long dump_count_now(const char *name);

/*
 * Wait until the dump is as it was in @before, counters aside, and as many pages are pinned.
 * The last file of a VM may be closed by a process that is still about to die.
 */
bool dump_check_same(const struct dump *before);
/*
 * The same when the driver gave up memory that did not come back: that stays pinned, and is
 * part of @before from now on.
 */
bool dump_check_same_but_lost(struct dump *before);

/*
 * The same for each of several rounds: @run returns whether to go on. In the end the modules
 * are used by as many as before, too. The test is skipped where there is no dump.
 */
void dump_check_rounds(unsigned int rounds, bool (*run)(unsigned int round, void *arg),
		       void *arg);

#endif
