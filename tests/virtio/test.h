/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VIRTIO_TEST_H
#define VIRTIO_TEST_H

#include <stdbool.h>
#include <stdnoreturn.h>

/* The test itself cannot go on. */
noreturn void fail(const char *what);

/* Count as part of the case; say so if it is not true. */
#define check(condition) check_that(condition, #condition, __FILE__, __LINE__)
void check_that(bool ok, const char *condition, const char *file, int line);

struct test_case {
	const char *name;
	void (*run)(void);
};

/* Each ends with a case without name. */
extern const struct test_case ring_cases[];
extern const struct test_case blk_cases[];
extern const struct test_case rng_cases[];
extern const struct test_case console_cases[];
extern const struct test_case net_cases[];

#endif
