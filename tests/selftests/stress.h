/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many lives of VMs, after which all has to be as it was before.
 *
 * In the environment, GUNYAH_STRESS=N makes all of it N times as much, and GUNYAH_SEED=N
 * repeats the random numbers of a run.
 */

#ifndef SELFTEST_STRESS_H
#define SELFTEST_STRESS_H

#include <time.h>

#include "dump.h"

struct stress {
	struct dump before;
	int users;
	long locked;
	struct timespec start;
};

/* What is to be as before; false if the test is not to go on. */
bool stress_begin(struct stress *stress);
void stress_end(struct stress *stress);

/* Have lent memory move in some rounds, and be lent in place in others. */
bool stress_move_or_not(unsigned int round);

/* So many rounds, each of which returns whether to go on, between the two of above. */
void stress_rounds(unsigned int rounds, bool (*run)(unsigned int round));

unsigned int stress_times(unsigned int n);

/* Less than @limit, which is not 0. Numbers start anew with each test. */
unsigned int stress_random(unsigned int limit);

/* Files of their own; each is one test. */
void stress_kills(void);
void stress_races(void);
void stress_stop_refused(void);
void stress_nonsense(void);

#endif
