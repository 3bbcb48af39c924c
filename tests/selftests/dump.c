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
#include "tap.h"

#define OPTIONS_VARIABLE	"GUNYAH_TEST_OPTIONS"
#define DUMP_FILE		"/dev/gunyah_test_ctl"
#define DUMP_MAX		(256 * 1024)
#define COUNT			"count "

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

bool dump_take(struct dump *dump)
{
	ssize_t n;
	int fd;

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

bool dump_check_same(const struct dump *before)
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
		equal = same(before, &after, late);
		dump_free(&after);
		if (equal)
			return true;
		if (late)
			return check(false, "something is left in the dump");
		sleep_ms(POLL_MS);
	}
}

void dump_check_rounds(unsigned int rounds, bool (*run)(unsigned int round, void *arg),
		       void *arg)
{
	struct dump before;
	unsigned int i;

	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return;
	}
	if (!dump_take(&before))
		return;
	for (i = 0; i < rounds; i++) {
		if (!run(i, arg) || !dump_check_same(&before)) {
			note("in round %u", i + 1);
			break;
		}
	}
	dump_free(&before);
}
