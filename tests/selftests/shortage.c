// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations in the kernel that fail.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "shortage.h"
#include "tap.h"

#define DEBUGFS			"/sys/kernel/debug/"
#define FAILSLAB		DEBUGFS "failslab/"
#define FAIL_PAGE_ALLOC		DEBUGFS "fail_page_alloc/"

/* No call allocates that often. */
#define MAX_ALLOCATIONS		2000

/* So the names of the driver's modules begin. */
#define DRIVER			"gunyah_"

/* Deep enough for all that the driver calls */
#define STACK_DEPTH		"32"

static bool set_number(const char *path, const char *number)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, number, strlen(number)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool set_all(bool fail)
{
	const char *ignore = fail ? "N" : "Y", *order = fail ? "0" : "1";
	const char *verbose = fail ? "0" : "2";

	return set_number(FAILSLAB "ignore-gfp-wait", ignore) &&
	       set_number(FAIL_PAGE_ALLOC "ignore-gfp-wait", ignore) &&
	       set_number(FAIL_PAGE_ALLOC "ignore-gfp-highmem", ignore) &&
	       set_number(FAIL_PAGE_ALLOC "min-order", order) &&
	       set_number(FAILSLAB "verbose", verbose) &&
	       set_number(FAIL_PAGE_ALLOC "verbose", verbose) &&
	       set_number(DEBUGFS "fail_usercopy/verbose", verbose);
}

bool shortage_begin(void)
{
	bool ok = set_all(true);

	if (!ok)
		skip("no fault injection");
	return ok;
}

void shortage_end(void)
{
	set_all(false);
}

bool shortage_nth(unsigned int n, long (*call)(void *arg), void *arg, long *result)
{
	char number[16] = "";
	bool failed;
	int fd, err;

	fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (!check(fd >= 0, "fail-nth: errno %d", errno))
		return false;
	snprintf(number, sizeof(number), "%u", n);
	if (!check(write(fd, number, strlen(number)) > 0, "fail-nth: errno %d", errno)) {
		close(fd);
		return false;
	}
	*result = call(arg);
	err = errno;
	/* If there were not as many, this access to user memory is the next one. */
	memset(number, 0, sizeof(number));
	failed = pread(fd, number, sizeof(number) - 1, 0) > 0 && !atoi(number);
	/* Last time there may have been some more. This counts as well, so it may fail once. */
	if (!failed && write(fd, "0", 1) < 0)
		check(write(fd, "0", 1) == 1, "fail-nth: errno %d", errno);
	close(fd);
	errno = err;
	return failed;
}

bool shortage_sweep(const struct shortage_operation *operation, void *arg)
{
	unsigned int n, refused = 0;
	long result = -1;
	bool failed;

	for (n = 1; n < MAX_ALLOCATIONS; n++) {
		tap_alive();
		errno = 0;
		failed = shortage_nth(n, operation->run, arg, &result);
		if (result == -1) {
			refused++;
			check(failed && (errno == ENOMEM || errno == EFAULT),
			      "%s: allocation %u: errno %d", operation->name, n, errno);
		} else if (operation->undo) {
			operation->undo(arg, result);
		}
		if (!failed)
			break;
	}
	note("%s: %u of %u were errors", operation->name, refused, n - 1);
	check(n < MAX_ALLOCATIONS, "%s: no end", operation->name);
	check(!operation->allocates || (n > 1 && refused), "%s allocates nothing",
	      operation->name);
	return check(result != -1, "%s does not work in the end: errno %d", operation->name,
		     errno);
}

/* Where a function of the driver begins, and where the next one does; false if unknown. */
static bool find_function(const char *name, unsigned long *start, unsigned long *end)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256], module[64];
	unsigned long address;

	*start = 0;
	*end = ~0UL;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx %*c %255s [%63[^]]]", &address, symbol, module) == 3 &&
		    !strncmp(module, DRIVER, strlen(DRIVER)) && !strcmp(symbol, name))
			*start = address;
	if (file)
		rewind(file);
	while (file && fgets(line, sizeof(line), file)) {
		address = strtoul(line, NULL, 16);
		if (address > *start && address < *end)
			*end = address;
	}
	if (file)
		fclose(file);
	return *start && *end != ~0UL;
}

static bool set_range(unsigned long start, unsigned long end)
{
	char from[24], to[24];

	snprintf(from, sizeof(from), "0x%lx", start);
	snprintf(to, sizeof(to), "0x%lx", end);
	return set_number(FAILSLAB "require-start", from) &&
	       set_number(FAILSLAB "require-end", to);
}

bool shortage_in(const char *function)
{
	unsigned long start, end;

	return check(find_function(function, &start, &end), "there is no %s", function) &&
	       check(set_number(FAILSLAB "stacktrace-depth", STACK_DEPTH) &&
		     set_range(start, end) && set_number(FAILSLAB "times", "1") &&
		     set_number(FAILSLAB "probability", "100"), "failslab: errno %d", errno);
}

bool shortage_happened(void)
{
	char *left = read_file(FAILSLAB "times");
	bool happened = !atoi(left);

	free(left);
	set_number(FAILSLAB "probability", "0");
	set_range(0, ~0UL);
	return happened;
}
