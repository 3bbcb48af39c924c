// SPDX-License-Identifier: GPL-2.0
/*
 * Memory parcels, as the Resource Manager's dump has them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "parcel.h"
#include "tap.h"

static bool read_parcel(const char *line, u32 label, struct parcel *parcel)
{
	const char *end = line + strcspn(line, "\n"), *at = strstr(line, "@0x");
	unsigned long long size;
	unsigned int at_label;
	char how[8];

	if (sscanf(line, "parcel %*u owner %*u %7s label %u entries %u size 0x%llx", how,
		   &at_label, &parcel->entries, &size) != 4 || at_label != label)
		return false;
	parcel->size = size;
	parcel->lent = !strcmp(how, "lent");
	parcel->gpa = at && at < end ? strtoull(at + 1, NULL, 16) : 0;
	return true;
}

bool parcel_find(u32 label, unsigned int nth, struct parcel *parcel)
{
	bool found = false;
	struct dump dump;
	const char *line;

	if (!dump_take(&dump))
		return false;
	for (line = dump.text; *line && !found; line += strcspn(line, "\n") + 1) {
		found = read_parcel(line, label, parcel) && !nth--;
		if (!line[strcspn(line, "\n")])
			break;
	}
	dump_free(&dump);
	return found;
}

u64 parcel_address(u32 label)
{
	struct parcel parcel = { 0 };

	check(parcel_find(label, 0, &parcel) && parcel.gpa,
	      "the guest does not have parcel %u", label);
	return parcel.gpa;
}

long parcel_requests(const char *name)
{
	char counter[64];
	long n;

	snprintf(counter, sizeof(counter), "rpc %s", name);
	n = dump_count_now(counter);
	return n < 0 ? 0 : n;
}
