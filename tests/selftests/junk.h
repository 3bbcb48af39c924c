/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host whose memory is in pieces.
 */

#ifndef SELFTEST_JUNK_H
#define SELFTEST_JUNK_H

#include "util.h"

/*
 * Fill the memory of the system with anonymous pages, and give back every second one: the
 * kernel can move the others. Returns whether that worked, as those below do.
 */
bool junk_movable(void);

/* A page in every piece of that size that the kernel cannot move; for most of the memory */
bool junk_unmovable(u64 piece);

/* Give all of that back. */
void junk_free(void);

#endif
