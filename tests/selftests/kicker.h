/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU that runs is called back by another thread, as VMMs do it.
 */

#ifndef SELFTEST_KICKER_H
#define SELFTEST_KICKER_H

#include <pthread.h>
#include <stdbool.h>

#include "util.h"

#define KICK_SIGNAL		SIGRTMIN

struct kicker {
	pthread_t thread;
	pthread_t victim;
	u8 *page;
};

/*
 * A while later a thread sets the first byte of the vCPU's page, immediate_exit, and sends this
 * thread a signal. kick_done() waits for that, and clears the byte.
 */
bool kick_later(struct kicker *kicker, void *page);
void kick_done(struct kicker *kicker);

#endif
