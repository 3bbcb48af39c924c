/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the Resource Manager keeps of VMs whose driver went away without an answer.
 */

#ifndef SELFTEST_LEFTOVER_H
#define SELFTEST_LEFTOVER_H

#include "dump.h"

/*
 * Ask for it back, behind the driver's back, until the dump is as before. Returns how many
 * VMs and parcels there were that are not in @before, negative if that fails. Their memory
 * stays pinned, as nobody tells the driver, and is part of @before from now on.
 */
int leftover_give_back(struct dump *before);

#endif
