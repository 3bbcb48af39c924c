// SPDX-License-Identifier: GPL-2.0
/*
 * TAP output.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* Seconds without progress; the machine may be emulated, by a machine with much to do. */
static unsigned int timeout = 300;
static atomic_long deadline;

#define EXIT_PASS		0
#define EXIT_FAIL		1
#define EXIT_SKIP		4

static unsigned int current;
static const char *current_name;
static bool failed;
static char skip_reason[160];
static bool (*before_each)(void);
static void (*after_each)(void);
static void (*at_end)(void);

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

static void fail(const char *fmt, va_list ap)
{
	failed = true;
	printf("# failed: ");
	vprintf(fmt, ap);
}

bool check(bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return true;
	va_start(ap, fmt);
	fail(fmt, ap);
	va_end(ap);
	printf("\n");
	return false;
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, sizeof(skip_reason), fmt, ap);
	va_end(ap);
}

bool check_errno(long result, int err, const char *fmt, ...)
{
	int got = result < 0 ? errno : 0;
	va_list ap;

	if (got == err)
		return true;
	va_start(ap, fmt);
	fail(fmt, ap);
	va_end(ap);
	printf(": got %d (%s), want %d (%s)\n", got, got ? strerror(got) : "success",
	       err, err ? strerror(err) : "success");
	return false;
}

void sleep_ms(unsigned int ms)
{
	const struct timespec time = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&time, NULL);
}

static long seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void timed_out(void)
{
	char line[160];
	int len;

	len = snprintf(line, sizeof(line),
		       "# failed: no end after %u seconds\nnot ok %u - %s\n", timeout,
		       current, current_name);
	if (len > 0 && write(STDOUT_FILENO, line, len) < 0)
		len = 0;
	if (at_end)
		at_end();
	_exit(EXIT_FAIL);
}

static void *watch(void *unused)
{
	long left;

	(void)unused;
	while ((left = atomic_load(&deadline) - seconds()) > 0)
		sleep_ms(left * 1000);
	timed_out();
	return NULL;
}

/*
 * In a thread that gets no signals of the tests: theirs may be in a system call that does not
 * end, not even for a signal.
 */
static void start_watching(void)
{
	sigset_t all, old;
	pthread_t thread;

	tap_alive();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, watch, NULL))
		abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void tap_alive(void)
{
	atomic_store(&deadline, seconds() + timeout);
}

void tap_set_timeout(unsigned int seconds)
{
	timeout = seconds;
}

void tap_around(bool (*before)(void), void (*after)(void))
{
	before_each = before;
	after_each = after;
}

void tap_at_end(void (*run)(void))
{
	at_end = run;
	atexit(run);
}

static void run_one(const struct tap_test *test)
{
	failed = false;
	skip_reason[0] = '\0';
	current_name = test->name;
	current++;
	tap_alive();
	if (!before_each || before_each()) {
		test->run();
		if (after_each)
			after_each();
	}
}

int tap_skip_all(const char *reason)
{
	printf("TAP version 13\n1..0 # SKIP %s\n", reason);
	return EXIT_SKIP;
}

int tap_run(const struct tap_test *tests, unsigned int count)
{
	unsigned int i, failures = 0, skips = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", count);
	start_watching();
	for (i = 0; i < count; i++) {
		run_one(&tests[i]);
		printf("%s %u - %s", failed ? "not ok" : "ok", i + 1, tests[i].name);
		if (!failed && skip_reason[0])
			printf(" # SKIP %s", skip_reason);
		printf("\n");
		failures += failed;
		skips += !failed && skip_reason[0];
	}
	if (failures)
		return EXIT_FAIL;
	return skips == count ? EXIT_SKIP : EXIT_PASS;
}
