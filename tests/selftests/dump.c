// SPDX-License-Identifier: GPL-2.0
/*
 * The Resource Manager's dump.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dump.h"
#include "files.h"
#include "modules.h"
#include "tap.h"

#define OPTIONS_VARIABLE	"GUNYAH_TEST_OPTIONS"
#define DUMP_FILE		"/dev/gunyah_test_ctl"
#define DUMP_MAX		(256 * 1024)
#define COUNT			"count "

#define VMSTAT			"/proc/vmstat"
/* Written to, it adds up what each CPU has counted: only then is the above exact. */
#define VMSTAT_REFRESH		"/proc/sys/vm/stat_refresh"

#define SETTLE_SECONDS		60
#define POLL_MS			100

const char *test_options(void)
{
	return getenv(OPTIONS_VARIABLE);
}

bool dump_supported(void)
{
	/* The test hypervisor has one: if that is missing, it is an error. */
	return test_options() || !access(DUMP_FILE, R_OK);
}

/* Pages of all processes, and of those that are no more, that somebody in the kernel has pinned */
static long pinned_pages(void)
{
	long acquired = -1, released = -1, n;
	char key[64];
	FILE *file;

	if (!write_file(VMSTAT_REFRESH, "1"))
		return -1;
	file = fopen(VMSTAT, "re");
	while (file && fscanf(file, "%63s %ld", key, &n) == 2) {
		if (!strcmp(key, "nr_foll_pin_acquired"))
			acquired = n;
		else if (!strcmp(key, "nr_foll_pin_released"))
			released = n;
	}
	if (file)
		fclose(file);
	check(acquired >= 0 && released >= 0, VMSTAT " does not tell of pinned pages");
	return acquired - released;
}

bool dump_take(struct dump *dump)
{
	ssize_t n;
	int fd;

	dump->pinned = pinned_pages();
	dump->text = NULL;
	fd = open(DUMP_FILE, O_RDONLY | O_CLOEXEC);
	if (!check(fd >= 0, "%s: errno %d", DUMP_FILE, errno))
		return false;
	dump->text = malloc(DUMP_MAX + 1);
	if (!check(dump->text, "no memory")) {
		close(fd);
		return false;
	}
	n = read_all(fd, dump->text, DUMP_MAX);
	close(fd);
	dump->text[n > 0 ? n : 0] = '\0';
	return check(n > 0, "%s: %zd bytes", DUMP_FILE, n);
}

void dump_free(struct dump *dump)
{
	free(dump->text);
	dump->text = NULL;
}

/* The next line that is no counter; @len is 0 at the end. */
static const char *next_line(const char *text, size_t *len)
{
	while (*text) {
		*len = strcspn(text, "\n");
		if (*len && strncmp(text, COUNT, strlen(COUNT)))
			return text;
		text += *len + (text[*len] == '\n');
	}
	*len = 0;
	return text;
}

/* Print the first difference if @report. */
static bool same(const struct dump *a, const struct dump *b, bool report)
{
	const char *p = a->text, *q = b->text;
	size_t m, n;

	for (;;) {
		p = next_line(p, &m);
		q = next_line(q, &n);
		if (m != n || memcmp(p, q, m)) {
			if (report)
				note("dump was \"%.*s\", is \"%.*s\"", (int)m, p, (int)n, q);
			return false;
		}
		if (!m)
			return true;
		p += m;
		q += n;
	}
}

long dump_count(const struct dump *dump, const char *name)
{
	const char *line = dump->text;
	size_t len = strlen(name);

	while (line && *line) {
		if (!strncmp(line, COUNT, strlen(COUNT))) {
			line += strlen(COUNT);
			if (!strncmp(line, name, len) && line[len] == ' ')
				return strtol(line + len, NULL, 10);
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -1;
}

long dump_count_now(const char *name)
{
	struct dump dump;
	long n;

	if (!dump_take(&dump))
		return -1;
	n = dump_count(&dump, name);
	dump_free(&dump);
	return n;
}

static bool same_pins(const struct dump *a, const struct dump *b, bool report)
{
	if (a->pinned == b->pinned)
		return true;
	if (report)
		note("%ld pages were pinned, %ld are", a->pinned, b->pinned);
	return false;
}

/* @lost: pages may have been given up; returns how many are pinned by that. */
static bool wait_until_same(const struct dump *before, long *lost)
{
	struct timespec now, end;
	struct dump after;
	bool equal, late;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += SETTLE_SECONDS;
	for (;;) {
		if (!dump_take(&after))
			return false;
		clock_gettime(CLOCK_MONOTONIC, &now);
		late = now.tv_sec > end.tv_sec;
		equal = same(before, &after, late) && (lost || same_pins(before, &after, late));
		if (lost)
			*lost = after.pinned - before->pinned;
		dump_free(&after);
		if (equal)
			return true;
		if (late)
			return check(false, "something is left in the dump");
		sleep_ms(POLL_MS);
	}
}

bool dump_check_same(const struct dump *before)
{
	return wait_until_same(before, NULL);
}

bool dump_check_same_but_lost(struct dump *before)
{
	long lost = 0;
	bool ok;

	ok = wait_until_same(before, &lost);
	before->pinned += lost;
	return ok && check(lost >= 0, "%ld pages too many were released", -lost);
}

void dump_check_rounds(unsigned int rounds, bool (*run)(unsigned int round, void *arg),
		       void *arg)
{
	struct dump before;
	unsigned int i;
	int users;

	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return;
	}
	if (!dump_take(&before))
		return;
	users = modules_users();
	for (i = 0; i < rounds; i++) {
		if (!run(i, arg) || !dump_check_same(&before)) {
			note("in round %u", i + 1);
			break;
		}
	}
	modules_check_users(users);
	dump_free(&before);
}
