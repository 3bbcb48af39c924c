/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loop of the main thread: waits for file descriptors and calls their handlers. All
 * of these functions are for the thread that runs it.
 */

#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include <poll.h>

#include "util.h"

#define LOOP_MAX_FDS		8

struct loop {
	struct pollfd fds[LOOP_MAX_FDS];
	struct {
		void (*fn)(void *arg);
		void *arg;
	} handlers[LOOP_MAX_FDS];
	unsigned int count;
	bool quit;
};

/* Call @fn when @fd is readable or was hung up; it is watched from now on. */
int loop_add(struct loop *loop, int fd, void (*fn)(void *arg), void *arg);
void loop_watch(struct loop *loop, int fd, bool on);

int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
