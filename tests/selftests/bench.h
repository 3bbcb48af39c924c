/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time that things take, and that other things take which they can be compared with.
 */

#ifndef SELFTEST_BENCH_H
#define SELFTEST_BENCH_H

#include <stdbool.h>

#include "util.h"

/* Nanoseconds */
u64 bench_now(void);
/* The least of all so far, in which 0 is none yet */
void bench_less(u64 *best, u64 ns);

/* How long it takes to copy it from there, to somewhere else, or to clear it. */
u64 bench_memcpy(const u8 *p, u64 size);
u64 bench_memset(u8 *p, u64 size);

#endif
