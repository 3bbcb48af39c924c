// SPDX-License-Identifier: GPL-2.0
/*
 * The loop of the main thread.
 */

#include <errno.h>

#include "loop.h"

int loop_add(struct loop *loop, int fd, void (*fn)(void *arg), void *arg)
{
	if (loop->count == LOOP_MAX_FDS)
		return log_error(ENOSPC, "too many files to wait for");
	loop->fds[loop->count] = (struct pollfd) { .fd = fd, .events = POLLIN };
	loop->handlers[loop->count].fn = fn;
	loop->handlers[loop->count].arg = arg;
	loop->count++;
	return 0;
}

void loop_watch(struct loop *loop, int fd, bool on)
{
	unsigned int i;

	/* poll() skips negative numbers, and with them hang-ups that nobody reads. */
	for (i = 0; i < loop->count; i++)
		if (loop->fds[i].fd == fd || loop->fds[i].fd == ~fd)
			loop->fds[i].fd = on ? fd : ~fd;
}

int loop_run(struct loop *loop)
{
	unsigned int i;

	while (!loop->quit) {
		if (poll(loop->fds, loop->count, -1) < 0) {
			if (errno == EINTR)
				continue;
			return log_error(errno, "poll");
		}
		for (i = 0; i < loop->count && !loop->quit; i++)
			if (loop->fds[i].fd >= 0 && loop->fds[i].revents)
				loop->handlers[i].fn(loop->handlers[i].arg);
	}
	return 0;
}

void loop_quit(struct loop *loop)
{
	loop->quit = true;
}
