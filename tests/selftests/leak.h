/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test has to leave as it was: what the Resource Manager knows, users of the modules,
 * locked memory, and memory of the system.
 */

#ifndef SELFTEST_LEAK_H
#define SELFTEST_LEAK_H

#include <stdbool.h>

#include "dump.h"

struct leak {
	struct dump dump;
	int users;
	long locked;
	long long unused;
	long kills;
};

/* Before a test; returns whether that worked. */
bool leak_begin(struct leak *before);
/* After it: waits until all is back. */
void leak_end(struct leak *before);

#endif
