// SPDX-License-Identifier: GPL-2.0
/*
 * What the primary VM does to get something done.
 */

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "counts.h"
#include "dump.h"
#include "tap.h"

#define MAX_CPUS		64

#define BELL_SEND		0x12
#define VCPU_RUN		0x65
#define COUNT_HYPERCALL		"count hypercall %x %llu"

#define INTERRUPTS		"/proc/interrupts"
#define VCPU_INTERRUPT		"gh-vcpu:"

static int events[MAX_CPUS];
static unsigned int nr_events;

/* Of everything on that CPU; neither the hypervisor nor guests. */
static int open_event(unsigned int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.pinned = 1,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

bool counts_open(void)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN);

	while (nr_events < cpus && nr_events < MAX_CPUS) {
		events[nr_events] = open_event(nr_events);
		if (events[nr_events] < 0) {
			skip("no counter of instructions: errno %d", errno);
			return false;
		}
		nr_events++;
	}
	return true;
}

static u64 read_events(void)
{
	u64 sum = 0, value;
	unsigned int i;

	for (i = 0; i < nr_events; i++) {
		if (!check(read(events[i], &value, sizeof(value)) == sizeof(value),
			   "the counter of CPU %u has stopped", i))
			return 0;
		sum += value;
	}
	return sum;
}

static bool read_hypercalls(struct counts *counts)
{
	unsigned int nr;
	struct dump dump;
	const char *line;
	u64 n;

	if (!dump_supported())
		return true;
	if (!dump_take(&dump))
		return false;
	for (line = dump.text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, COUNT_HYPERCALL, &nr, &n) != 2)
			continue;
		if (nr == BELL_SEND)
			counts->bell_sends = n;
		else if (nr == VCPU_RUN)
			counts->vcpu_runs = n;
		else
			counts->other_hypercalls += n;
	}
	dump_free(&dump);
	return true;
}

/* Each line has a name, a number for each CPU, and what it is. */
static u64 line_interrupts(const char *line)
{
	const char *p = strchr(line, ':');
	u64 sum = 0, n;
	int len;

	while (p && sscanf(p + 1, "%llu%n", &n, &len) == 1) {
		sum += n;
		p += len;
	}
	return sum;
}

static bool read_interrupts(struct counts *counts)
{
	FILE *file = fopen(INTERRUPTS, "re");
	char line[1024];

	if (!check(file, INTERRUPTS))
		return false;
	while (fgets(line, sizeof(line), file))
		if (!strstr(line, VCPU_INTERRUPT))
			counts->interrupts += line_interrupts(line);
	fclose(file);
	return check(counts->interrupts, "no interrupts");
}

bool counts_begin(struct counts *counts)
{
	*counts = (struct counts) {};
	if (!read_interrupts(counts) || !read_hypercalls(counts))
		return false;
	counts->ns = bench_now();
	counts->instructions = read_events();
	return counts->instructions;
}

bool counts_end(struct counts *counts)
{
	u64 instructions = read_events(), ns = bench_now();
	struct counts now = {};

	if (!instructions || !read_hypercalls(&now) || !read_interrupts(&now))
		return false;
	counts->instructions = instructions - counts->instructions;
	counts->ns = ns - counts->ns;
	counts->bell_sends = now.bell_sends - counts->bell_sends;
	counts->vcpu_runs = now.vcpu_runs - counts->vcpu_runs;
	counts->other_hypercalls = now.other_hypercalls - counts->other_hypercalls;
	counts->interrupts = now.interrupts - counts->interrupts;
	return true;
}
