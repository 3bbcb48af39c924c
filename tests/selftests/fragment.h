/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of one program: guest memory files where memory is scarce.
 */

#ifndef SELFTEST_FRAGMENT_H
#define SELFTEST_FRAGMENT_H

#include "dump.h"

/* What there was before a test, and has to be after it */
struct state {
	struct dump dump;
	long locked;
	long long unused;
	long kills;
};

bool state_begin(struct state *before);
void state_end(struct state *before);

/* A counter in /proc/vmstat */
long vm_event(const char *name);

/* fragment_nomem.c: allocations of the kernel that fail */
void file_shortage(void);
void start_shortage(void);

#endif
