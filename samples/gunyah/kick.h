/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kicks: a signal that takes a thread out of whatever system call it waits in. It may
 * come before the call that it is to end, so who kicks waits a little and kicks again.
 */

#ifndef VMM_KICK_H
#define VMM_KICK_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define KICK_SIGNAL		SIGUSR1

/* Before there is a thread to kick; harmless if done again. */
void kick_init(void);

/* Kick, and return in @until when (CLOCK_REALTIME) it is time for another kick. */
void kick_thread(pthread_t thread, struct timespec *until);

#endif
