/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test programs: a list of tests, run one after the other, reported as TAP with
 * kselftest's exit codes.
 */

#ifndef SELFTEST_TAP_H
#define SELFTEST_TAP_H

#include <stdbool.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Before each test, and after it; if the first of them returns false, it is not run. */
void tap_around(bool (*before)(void), void (*after)(void));
/* When the program ends; if a test takes too long, that is in another thread. */
void tap_at_end(void (*run)(void));
/* Run the tests; returns the program's exit code. */
int tap_run(const struct tap_test *tests, unsigned int count);
/* Instead of tap_run(): nothing can be tested here. */
int tap_skip_all(const char *reason);

/* For use in a test: it fails if @ok is false, and goes on. Returns @ok. */
bool check(bool ok, const char *fmt, ...) __printf(2, 3);
/* The test is skipped if nothing else fails; return from it then. */
void skip(const char *fmt, ...) __printf(1, 2);
/* A remark. */
void note(const char *fmt, ...) __printf(1, 2);

/*
 * @result is what a system call returned. It has to have failed with @err, or, if @err is
 * 0, to have succeeded. Returns whether it did so.
 */
bool check_errno(long result, int err, const char *fmt, ...) __printf(3, 4);

/* A test is given up when it takes too long from its start, or the last of these. */
void tap_alive(void);
/* That time, for tests of which a single step takes long. */
void tap_set_timeout(unsigned int seconds);

void sleep_ms(unsigned int ms);

#endif
