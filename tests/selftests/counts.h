/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the primary VM does to get something done: instructions, hypercalls and interrupts.
 */

#ifndef SELFTEST_COUNTS_H
#define SELFTEST_COUNTS_H

#include <stdbool.h>

#include "util.h"

struct counts {
	u64 instructions;	/* at EL0 and EL1, of all that runs in the primary */
	u64 ns;
	u64 interrupts;		/* but those of vCPUs that wake up */
	/* Of the primary; the test hypervisor tells, else 0 */
	u64 bell_sends;
	u64 vcpu_runs;
	u64 other_hypercalls;
};

/*
 * Before the first of those below, as often as you like. Without a counter of instructions the
 * test is skipped.
 */
bool counts_open(void);

/* From the one to the other; they return false if the test has failed. */
bool counts_begin(struct counts *counts);
bool counts_end(struct counts *counts);

#endif
