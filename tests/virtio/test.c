// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio devices of the VMM, and guests that break the rules. TAP.
 */

#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "util.h"

static bool this_failed;

void fail(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

void check_that(bool ok, const char *condition, const char *file, int line)
{
	if (ok)
		return;
	printf("# %s:%d: %s\n", file, line, condition);
	this_failed = true;
}

static unsigned int run_cases(const struct test_case *cases, unsigned int number,
			      unsigned int *failed)
{
	for (; cases->name; cases++) {
		this_failed = false;
		cases->run();
		*failed += this_failed;
		printf("%sok %u - %s\n", this_failed ? "not " : "", ++number, cases->name);
		fflush(stdout);
	}
	return number;
}

int main(void)
{
	static const struct test_case *const all[] = {
		ring_cases, blk_cases, rng_cases, console_cases, net_cases,
	};
	unsigned int number = 0, failed = 0, i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		number = run_cases(all[i], number, &failed);
	printf("1..%u\n", number);
	return failed || !number;
}
