// SPDX-License-Identifier: GPL-2.0
/*
 * Kicks for vCPUs.
 */

#include <signal.h>

#include "kicker.h"
#include "tap.h"

#define KICK_MS			100

static void do_nothing(int sig)
{
	(void)sig;
}

static void *kick(void *arg)
{
	struct kicker *kicker = arg;

	sleep_ms(KICK_MS);
	__atomic_store_n(kicker->page, 1, __ATOMIC_SEQ_CST);
	pthread_kill(kicker->victim, KICK_SIGNAL);
	return NULL;
}

bool kick_later(struct kicker *kicker, void *page)
{
	const struct sigaction action = { .sa_handler = do_nothing };

	sigaction(KICK_SIGNAL, &action, NULL);
	kicker->victim = pthread_self();
	kicker->page = page;
	return check(!pthread_create(&kicker->thread, NULL, kick, kicker), "no thread");
}

void kick_done(struct kicker *kicker)
{
	pthread_join(kicker->thread, NULL);
	__atomic_store_n(kicker->page, 0, __ATOMIC_SEQ_CST);
}
