// SPDX-License-Identifier: GPL-2.0
/*
 * What a test has to leave as it was.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "leak.h"
#include "modules.h"
#include "tap.h"
#include "testmem.h"

/* Of the system's memory; others use some of it meanwhile. */
#define MEMORY_SLACK		((long long)(24 * SZ_1M))
#define SETTLE_MS		60000
#define POLL_MS			50

/* Free memory, what each CPU keeps for itself included: that can be a lot. */
static long long unused_memory(void)
{
	unsigned long long n, pages = 0;
	char *text, *line;

	/* Each CPU counts by itself for a while. */
	write_file("/proc/sys/vm/stat_refresh", "1");
	text = read_file("/proc/zoneinfo");
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, " nr_free_pages %llu", &n) == 1 ||
		    sscanf(line, " count: %llu", &n) == 1)
			pages += n;
	}
	free(text);
	return pages * sysconf(_SC_PAGESIZE);
}

/* How many processes the kernel has killed for their memory; -1 where it does not count. */
static long oom_kills(void)
{
	char *text = read_file("/proc/vmstat");
	const char *line = strstr(text, "\noom_kill ");
	long n = -1;

	if (line)
		sscanf(line, " oom_kill %ld", &n);
	free(text);
	return n;
}

bool leak_begin(struct leak *before)
{
	tap_alive();
	before->users = modules_users();
	before->locked = testmem_locked();
	before->unused = unused_memory();
	before->kills = oom_kills();
	return dump_take(&before->dump);
}

static bool has_memory(const struct leak *before)
{
	return unused_memory() >= before->unused - MEMORY_SLACK;
}

void leak_end(struct leak *before)
{
	unsigned int ms;

	tap_alive();
	dump_check_same(&before->dump);
	dump_free(&before->dump);
	modules_check_users(before->users);
	testmem_check_locked(before->locked, "in the end");
	for (ms = 0; ms < SETTLE_MS && !has_memory(before); ms += POLL_MS)
		sleep_ms(POLL_MS);
	check(has_memory(before), "%lld KiB are free, not %lld", unused_memory() >> 10,
	      before->unused >> 10);
	check(oom_kills() == before->kills, "somebody had to die");
}
