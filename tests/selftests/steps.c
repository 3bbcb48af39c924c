// SPDX-License-Identifier: GPL-2.0
/*
 * What the Resource Manager did, in order.
 */

#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "steps.h"
#include "tap.h"

#define TRACE			"count trace "
/* What the driver asks when it gets no replies, and once for its own sake */
#define PROBE			"VM_GET_VMID"

#define TEXT_MAX		4096

/* One line of the dump; returns its number in the trace, or -1 if it is not of it. */
static long parse(const char *line, struct step *step)
{
	size_t len = strcspn(line, "\n");
	char copy[160];
	const char *at;
	long nr;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
	if (sscanf(copy, TRACE "%ld 0x%*x %31s", &nr, step->name) != 2)
		return -1;
	step->handle = -1;
	step->code = 0;
	at = strstr(copy, " handle ");
	if (at)
		sscanf(at, " handle %ld", &step->handle);
	at = strstr(copy, " code ");
	if (at)
		sscanf(at, " code %x", &step->code);
	return nr;
}

static const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	return line && line[1] ? line + 1 : NULL;
}

long steps_last(void)
{
	const char *line;
	struct dump dump;
	struct step step;
	long nr, last = -1;

	if (!dump_take(&dump))
		return -1;
	for (line = dump.text; line; line = next_line(line)) {
		nr = parse(line, &step);
		if (nr > last)
			last = nr;
	}
	dump_free(&dump);
	return last;
}

bool steps_since(long last, struct steps *steps)
{
	const char *line;
	struct dump dump;
	struct step step;
	long nr, first = -1;

	steps->count = 0;
	if (!dump_take(&dump))
		return false;
	for (line = dump.text; line; line = next_line(line)) {
		nr = parse(line, &step);
		if (nr < 0)
			continue;
		if (first < 0)
			first = nr;
		if (nr > last && steps->count < STEPS_MAX && strcmp(step.name, PROBE))
			steps->step[steps->count++] = step;
	}
	dump_free(&dump);
	return check(first >= 0 && first <= last + 1, "the trace begins at %ld, not %ld", first,
		     last + 1);
}

unsigned int steps_done(const struct steps *steps, const char *name, long handle)
{
	unsigned int i, n = 0;

	for (i = 0; i < steps->count; i++)
		n += !strcmp(steps->step[i].name, name) && !steps->step[i].code &&
		     (handle < 0 || steps->step[i].handle == handle);
	return n;
}

int steps_find_last(const struct steps *steps, const char *name)
{
	int i = steps->count;

	while (i-- > 0)
		if (!strcmp(steps->step[i].name, name))
			break;
	return i;
}

static bool is_same(const struct step *a, const struct step *b)
{
	return !strcmp(a->name, b->name) && !a->code == !b->code;
}

bool steps_check(const struct steps *steps, const char *want)
{
	char text[TEXT_MAX] = "";
	unsigned int i, n;
	size_t len = 0;

	for (i = 0; i < steps->count && len < sizeof(text); i += n) {
		const struct step *step = &steps->step[i];

		for (n = 1; i + n < steps->count && is_same(step, step + n); n++)
			;
		len += snprintf(text + len, sizeof(text) - len, "%s%s%s", i ? " " : "",
				step->code ? "!" : "", step->name);
		if (n > 1 && len < sizeof(text))
			len += snprintf(text + len, sizeof(text) - len, "*%u", n);
	}
	return check(!strcmp(text, want), "steps \"%s\", not \"%s\"", text, want);
}
