// SPDX-License-Identifier: GPL-2.0
/*
 * What the Resource Manager keeps of VMs whose driver went away without an answer.
 *
 * Requests are put into its queue by the test hypervisor; the driver gets replies that it
 * did not ask for.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "fault.h"
#include "leftover.h"

/* Header of a request in one packet: version, type, any sequence number, then the ID */
#define HEADER			"21010000"

#define STOP_FORCE		1

#define POLL_MS			100
#define POLL_SECONDS		60

static void put_u32(char *hex, u32 value)
{
	snprintf(hex, 9, "%02x%02x%02x%02x", value & 0xff, value >> 8 & 0xff,
		 value >> 16 & 0xff, value >> 24);
}

/* A request about one VM or parcel; @more are more bytes of it. */
static void request(const char *id, u32 what, const char *more)
{
	char id_hex[9], what_hex[9];

	put_u32(id_hex, strtoul(id, NULL, 16));
	put_u32(what_hex, what);
	ctl("fill times=1 hex=" HEADER "%s%s%s", id_hex, what_hex, more);
}

static bool has_line(const struct dump *dump, const char *line, size_t len)
{
	const char *at = dump->text;

	while (at && strncmp(at, line, len)) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at;
}

/* One line of the dump: ask for what it tells of. Returns whether it is a VM or parcel. */
static bool give_back(const char *line)
{
	char state[16];
	unsigned int nr;

	if (sscanf(line, "parcel %u", &nr) == 1) {
		request(MEM_RECLAIM, nr, "00000000");
		return true;
	}
	if (sscanf(line, "vm %u state %15s", &nr, state) != 2)
		return false;
	if (!strcmp(state, "INIT"))
		request(VM_INIT, nr, "");
	else if (!strcmp(state, "RUNNING"))
		request(VM_STOP, nr | STOP_FORCE << 16, "03000000");
	else if (!strcmp(state, "LOAD") || !strcmp(state, "RESET"))
		request(VM_DEALLOCATE, nr, "");
	else
		request(VM_RESET, nr, "");
	return true;
}

/* Everything that is new; returns how much that is. */
static int give_back_all(const struct dump *before, const struct dump *now)
{
	const char *line = now->text;
	size_t len;
	int count = 0;

	while (*line) {
		len = strcspn(line, "\n");
		if (!has_line(before, line, len))
			count += give_back(line);
		line += len + (line[len] == '\n');
	}
	return count;
}

int leftover_give_back(struct dump *before)
{
	struct timespec start;
	int left, first = -1;
	struct dump now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (!dump_take(&now))
			return -1;
		left = give_back_all(before, &now);
		dump_free(&now);
		if (first < 0)
			first = left;
		if (left)
			sleep_ms(POLL_MS);
	} while (left && ms_since(&start) < POLL_SECONDS * 1000L);
	return dump_check_same_but_lost(before) ? first : -1;
}
