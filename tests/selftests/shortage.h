/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations in the kernel that fail.
 */

#ifndef SELFTEST_SHORTAGE_H
#define SELFTEST_SHORTAGE_H

#include <stdbool.h>

/*
 * From now on those that may wait can fail as well, and without a word about it. The test is
 * skipped, and false returned, if the kernel cannot do that.
 */
bool shortage_begin(void);
void shortage_end(void);

/*
 * A call whose nth allocation fails, or access to user memory, which counts as well. Returns
 * whether there were as many; then @result is what the call returned, and errno as it left it.
 */
bool shortage_nth(unsigned int n, long (*call)(void *arg), void *arg, long *result);

/* A call that can be made again and again, with the same argument */
struct shortage_operation {
	const char *name;
	long (*run)(void *arg);
	/* After @run has worked, which is when it has not returned -1 */
	void (*undo)(void *arg, long result);
	/* It does allocate */
	bool allocates;
};

/*
 * Each allocation of the call fails in turn: it works nevertheless, or it says that there is
 * no memory. Returns whether it works in the end.
 */
bool shortage_sweep(const struct shortage_operation *operation, void *arg);

/*
 * The next allocation fails, in any thread, that is made by this function of the driver or by
 * what it calls. Returns whether there is such a function; shortage_happened() ends it, and
 * returns whether there was such an allocation.
 */
bool shortage_in(const char *function);
bool shortage_happened(void);

#endif
