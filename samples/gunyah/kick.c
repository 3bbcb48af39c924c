// SPDX-License-Identifier: GPL-2.0
/*
 * Kicks for threads that wait.
 */

#include "kick.h"

#define KICK_INTERVAL_NS	20000000

/* To end the system call is all. */
static void kicked(int sig)
{
	(void)sig;
}

void kick_init(void)
{
	struct sigaction action = { .sa_handler = kicked };

	sigaction(KICK_SIGNAL, &action, NULL);
}

void kick_thread(pthread_t thread, struct timespec *until)
{
	pthread_kill(thread, KICK_SIGNAL);
	clock_gettime(CLOCK_REALTIME, until);
	until->tv_nsec += KICK_INTERVAL_NS;
	if (until->tv_nsec >= 1000000000) {
		until->tv_nsec -= 1000000000;
		until->tv_sec++;
	}
}
