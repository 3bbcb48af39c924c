/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory parcels, as the Resource Manager's dump has them.
 */

#ifndef SELFTEST_PARCEL_H
#define SELFTEST_PARCEL_H

#include <stdbool.h>

#include "util.h"

/* As the driver has it: how many entries it puts in a request, and in a parcel */
#define REQUEST_ENTRIES		512
#define PARCEL_ENTRIES		7168
/* The Resource Manager's, of each owner */
#define PARCELS			64

struct parcel {
	unsigned int entries;
	u64 size;
	bool lent;
	u64 gpa;		/* where the guest has it, or 0 */
};

/* The nth parcel of that label, 0 is the first; returns whether there is one. */
bool parcel_find(u32 label, unsigned int nth, struct parcel *parcel);
/* Where the guest has the first one; the test fails if there is none. */
u64 parcel_address(u32 label);

/* How many requests of that name there were so far. */
long parcel_requests(const char *name);

#endif
