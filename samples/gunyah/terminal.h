/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Standard input and output as the guest's console.
 */

#ifndef VMM_TERMINAL_H
#define VMM_TERMINAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "chardev.h"
#include "loop.h"

#define TERMINAL_BUFFER		4096

struct terminal {
	struct chardev chardev;
	struct chardev output;	/* the same, but for input: it has none */
	struct loop *loop;
	bool is_tty;
	bool escape;		/* the last character was Ctrl-a */
	bool started;
	atomic_bool interrupted;	/* nothing more is put out */
	int room_fd;		/* eventfd: the buffer has room again */

	/* Called for Ctrl-a x, or with the errno of a failed output. */
	void (*quit)(void *arg, int err);
	void *arg;

	pthread_mutex_t lock;	/* of what follows; innermost */
	u8 buf[TERMINAL_BUFFER];
	size_t head;
	size_t count;
	bool stalled;		/* standard input is not read for want of room */
};

/* @quit may be called by any thread. Devices can be given the chardev from here on. */
int terminal_init(struct terminal *term, struct loop *loop,
		  void (*quit)(void *arg, int err), void *arg);
void terminal_destroy(struct terminal *term);

/* Take the user's terminal over and read from it, or go on after an interruption. */
int terminal_start(struct terminal *term);
/* No thread waits for output any more, once it gets a signal. */
void terminal_interrupt(struct terminal *term);
/* That, and give the user's terminal back. */
void terminal_stop(struct terminal *term);

/*
 * Give the terminal back its settings, if terminal_start() changed them. Harmless at any
 * time, and in signal handlers.
 */
void terminal_restore(void);

#endif
