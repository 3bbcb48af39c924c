// SPDX-License-Identifier: GPL-2.0
/*
 * Standard input and output as the guest's console.
 *
 * Input is always read from a terminal, so that Ctrl-a x gets through to a guest that
 * does not listen; what the guest has no room for is lost, as on a wire. From a pipe or
 * a file no more is read than the guest takes.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

#define ESCAPE			0x01	/* Ctrl-a */

static struct termios saved_termios;
static atomic_bool is_raw;

void terminal_restore(void)
{
	if (atomic_exchange(&is_raw, false))
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	atomic_store(&log_raw, false);
}

/* After a fault of this program the user gets the terminal back, then the signal. */
static void fatal_signal(int sig)
{
	terminal_restore();
	raise(sig);
}

static void catch_fatal_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = {
		.sa_handler = fatal_signal,
		.sa_flags = SA_RESETHAND,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

static int make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved_termios))
		return log_error(errno, "tcgetattr");
	raw = saved_termios;
	cfmakeraw(&raw);
	atexit(terminal_restore);
	catch_fatal_signals();
	atomic_store(&is_raw, true);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return log_error(errno, "tcsetattr");
	atomic_store(&log_raw, isatty(STDERR_FILENO));
	return 0;
}

static size_t room(struct terminal *term)
{
	size_t n;

	pthread_mutex_lock(&term->lock);
	n = sizeof(term->buf) - term->count;
	pthread_mutex_unlock(&term->lock);
	return n;
}

static void put(struct terminal *term, const u8 *buf, size_t size)
{
	size_t i;

	pthread_mutex_lock(&term->lock);
	for (i = 0; i < size && term->count < sizeof(term->buf); i++) {
		size_t tail = (term->head + term->count++) % sizeof(term->buf);

		term->buf[tail] = buf[i];
	}
	if (!term->is_tty && term->count == sizeof(term->buf)) {
		term->stalled = true;
		loop_watch(term->loop, STDIN_FILENO, false);
	}
	pthread_mutex_unlock(&term->lock);

	if (term->chardev.notify)
		term->chardev.notify(term->chardev.arg);
}

/* Take the escape sequences out; returns how many characters are left. */
static size_t filter_escapes(struct terminal *term, u8 *buf, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < size; i++) {
		if (!term->escape && buf[i] == ESCAPE) {
			term->escape = true;
			continue;
		}
		if (term->escape && buf[i] == 'x')
			term->quit(term->arg, 0);
		else if (!term->escape || buf[i] == 'a')
			buf[n++] = term->escape ? ESCAPE : buf[i];
		term->escape = false;
	}
	return n;
}

static void read_input(void *arg)
{
	struct terminal *term = arg;
	size_t size = term->is_tty ? sizeof(term->buf) : room(term);
	u8 buf[TERMINAL_BUFFER];
	ssize_t n = read(STDIN_FILENO, buf, size);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		loop_watch(term->loop, STDIN_FILENO, false);
		return;
	}
	if (term->is_tty)
		n = filter_escapes(term, buf, n);
	put(term, buf, n);
}

static void input_has_room(void *arg)
{
	struct terminal *term = arg;
	u64 value;

	if (read(term->room_fd, &value, sizeof(value)) == sizeof(value))
		loop_watch(term->loop, STDIN_FILENO, true);
}

static size_t read_nothing(struct chardev *chardev, u8 *buf, size_t size)
{
	(void)chardev;
	(void)buf;
	(void)size;
	return 0;
}

static size_t terminal_read(struct chardev *chardev, u8 *buf, size_t size)
{
	struct terminal *term = container_of(chardev, struct terminal, chardev);
	u64 one = 1;
	size_t i;

	pthread_mutex_lock(&term->lock);
	for (i = 0; i < size && term->count; i++) {
		buf[i] = term->buf[term->head];
		term->head = (term->head + 1) % sizeof(term->buf);
		term->count--;
	}
	if (term->stalled && term->count < sizeof(term->buf) / 2) {
		term->stalled = false;
		if (write(term->room_fd, &one, sizeof(one)) < 0)
			log_error(errno, "eventfd");
	}
	pthread_mutex_unlock(&term->lock);
	return i;
}

/* The output may have been made non-blocking by who shares it. */
static void wait_output(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	poll(&fd, 1, -1);
}

static void put_out(struct terminal *term, const u8 *buf, size_t size)
{
	while (size && !atomic_load(&term->interrupted)) {
		ssize_t n = write(STDOUT_FILENO, buf, size);

		if (n >= 0) {
			buf += n;
			size -= n;
		} else if (errno == EAGAIN) {
			wait_output();
		} else if (errno != EINTR) {
			term->quit(term->arg, errno);
			return;
		}
	}
}

static void terminal_write(struct chardev *chardev, const u8 *buf, size_t size)
{
	put_out(container_of(chardev, struct terminal, chardev), buf, size);
}

static void output_write(struct chardev *chardev, const u8 *buf, size_t size)
{
	put_out(container_of(chardev, struct terminal, output), buf, size);
}

static const struct chardev_ops terminal_ops = {
	.read = terminal_read,
	.write = terminal_write,
};

static const struct chardev_ops output_ops = {
	.read = read_nothing,
	.write = output_write,
};

int terminal_init(struct terminal *term, struct loop *loop,
		  void (*quit)(void *arg, int err), void *arg)
{
	*term = (struct terminal) {
		.chardev.ops = &terminal_ops,
		.output.ops = &output_ops,
		.loop = loop,
		.is_tty = isatty(STDIN_FILENO),
		.quit = quit,
		.arg = arg,
	};
	pthread_mutex_init(&term->lock, NULL);
	term->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (term->room_fd < 0)
		return log_error(errno, "eventfd");
	return 0;
}

void terminal_destroy(struct terminal *term)
{
	if (term->room_fd >= 0)
		close(term->room_fd);
	pthread_mutex_destroy(&term->lock);
}

int terminal_start(struct terminal *term)
{
	int ret;

	atomic_store(&term->interrupted, false);
	if (term->started)
		return 0;
	term->started = true;
	signal(SIGPIPE, SIG_IGN);
	ret = loop_add(term->loop, term->room_fd, input_has_room, term);
	if (!ret)
		ret = loop_add(term->loop, STDIN_FILENO, read_input, term);
	if (!ret && term->is_tty)
		ret = make_raw();
	return ret;
}

void terminal_interrupt(struct terminal *term)
{
	atomic_store(&term->interrupted, true);
}

void terminal_stop(struct terminal *term)
{
	terminal_interrupt(term);
	terminal_restore();
}
