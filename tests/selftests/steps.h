/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the Resource Manager did, in order, as its trace tells.
 */

#ifndef SELFTEST_STEPS_H
#define SELFTEST_STEPS_H

#include <stdbool.h>

#define STEPS_MAX		256

struct step {
	char name[32];
	long handle;		/* of a parcel, or -1 */
	unsigned int code;	/* 0: it was done */
};

struct steps {
	unsigned int count;
	struct step step[STEPS_MAX];
};

/* The last step so far; negative if there is no trace. */
long steps_last(void);

/* All after that one, but for probes. */
bool steps_since(long last, struct steps *steps);

/* How many of that name were done; of one parcel, unless @handle is negative. */
unsigned int steps_done(const struct steps *steps, const char *name, long handle);

/* Index of the last of that name, or -1. */
int steps_find_last(const struct steps *steps, const char *name);

/*
 * The steps have to be these: names with a space in between, and "*N" behind one that comes N
 * times in a row. Those that were refused have "!" in front.
 */
bool steps_check(const struct steps *steps, const char *want);

#endif
