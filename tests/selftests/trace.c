// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints and debugfs of the Resource Manager and its message queues: what they tell of
 * a VM's life, and that trace-cmd can read it.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "files.h"

#define TRACE_CMD		"/bin/trace-cmd"
#define TRACE_FILE		"/tmp/gunyah-trace.dat"
/* Argument of this program: only a VM's life */
#define LIVE			"--live"

#define NAME_MAX_CHARS		40

#define POLL_MS			10
#define POLL_SECONDS		60

static const char *program;

/* What is traced until the VMs of @run are gone, to be freed */
static char *trace(void (*run)(void))
{
	struct dump before;
	char *text = NULL;

	if (!dump_take(&before))
		return strdup("");
	if (write_file(TRACING "trace", "") &&
	    write_file(TRACING "events/gunyah_rm/enable", "1") &&
	    write_file(TRACING "events/gunyah_msgq/enable", "1")) {
		run();
		dump_check_same(&before);
		text = read_file(TRACING "trace");
	}
	write_file(TRACING "events/gunyah_msgq/enable", "0");
	write_file(TRACING "events/gunyah_rm/enable", "0");
	dump_free(&before);
	return text ?: strdup("");
}

/* Lines that have both */
static unsigned int count_lines(const char *text, const char *event, const char *more)
{
	unsigned int count = 0;
	const char *end, *at;

	for (at = strstr(text, event); at; at = strstr(end, event)) {
		end = at + strcspn(at, "\n");
		count += !!memmem(at, end - at, more, strlen(more));
	}
	return count;
}

static void check_line(const char *text, const char *event, const char *more)
{
	check(count_lines(text, event, more), "no \"%s\" with \"%s\"", event, more);
}

/* Each request has a name, and a reply of that name and number behind it. */
static void check_replies(const char *text)
{
	unsigned int id, seq, requests = 0;
	char name[NAME_MAX_CHARS], want[80];
	const char *at = text;

	while ((at = strstr(at, "gunyah_rm_request: "))) {
		if (!check(sscanf(at, "gunyah_rm_request: %39s (%x) seq=%u", name, &id,
				  &seq) == 3, "request \"%.60s\"", at))
			return;
		snprintf(want, sizeof(want), "gunyah_rm_reply: %s (0x%x) seq=%u ", name, id,
			 seq);
		at++;
		check(strstr(at, want), "no \"%s\"", want);
		requests++;
	}
	check(requests && requests == count_lines(text, "gunyah_rm_reply: ", "latency_us="),
	      "%u requests, %u replies", requests,
	      count_lines(text, "gunyah_rm_reply: ", "latency_us="));
}

static void check_names(const char *text, const char *event)
{
	static const char * const names[] = {
		"VM_ALLOCATE ", "MEM_LEND ", "VM_CONFIG_IMAGE ", "VM_INIT ",
		"VM_GET_HYP_RESOURCES ", "VM_START ", "VM_RESET ", "MEM_RECLAIM ",
		"VM_DEALLOCATE ",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		check_line(text, event, names[i]);
}

static void plain_life(void)
{
	live(LIFE_PLAIN, 0);
}

static long more(const struct dump *before, const struct dump *after, const char *name)
{
	return dump_count(after, name) - dump_count(before, name);
}

static void traced_life(void)
{
	struct dump before, after;
	char *text;

	if (!dump_take(&before))
		return;
	text = trace(plain_life);
	check_replies(text);
	check_names(text, "gunyah_rm_request: ");
	check_names(text, "gunyah_rm_reply: ");
	check_line(text, "gunyah_rm_notification: ", "VM_EXITED ");
	check_line(text, "gunyah_rm_notification: ", "VM_STATUS ");
	check(!strstr(text, "gunyah_rm_no_reply: "), "a request without reply");
	if (dump_take(&after)) {
		long sent = more(&before, &after, "packets-in");
		long received = more(&before, &after, "packets-out");

		check(count_lines(text, "gunyah_msgq_send: ", "error=OK") == sent,
		      "not %ld packets sent", sent);
		check(count_lines(text, "gunyah_msgq_receive: ", "error=OK") == received,
		      "not %ld packets received", received);
		dump_free(&after);
	}
	free(text);
	dump_free(&before);
}

static void failing_life(void)
{
	ctl("fail " VM_INIT " code=5");
	live(LIFE_PLAIN, EBUSY);
	ctl("hypercall 0x1b error=30");
	live(LIFE_PLAIN, ECOMM);
	ctl("clear");
}

static void traced_errors(void)
{
	char *text = trace(failing_life);

	check_line(text, "gunyah_rm_reply: VM_INIT ", "error=BUSY (0x5)");
	check_line(text, "gunyah_rm_no_reply: VM_ALLOCATE ", "error=-70");
	check_line(text, "gunyah_msgq_send: ", "error=DENIED ");
	free(text);
}

/* What a file of debugfs says of something, in a column behind its name; -1: nothing. */
static long long debugfs_number(const char *file, const char *name)
{
	char *text = read_file(file);
	size_t len = strlen(name);
	long long number = -1;
	const char *at;

	for (at = strstr(text, name); at; at = strstr(at + len, name)) {
		if ((at == text || isspace(at[-1])) && isspace(at[len]) &&
		    sscanf(at + len, "%lld", &number) == 1)
			break;
	}
	free(text);
	return number;
}

/* What makes a request may not be there yet when START waits. */
static void wait_for_request(const char *state, const char *name)
{
	struct timespec start;
	bool found;
	char *text;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		text = read_file(RM_DEBUGFS "requests");
		found = count_lines(text, state, name);
		free(text);
		if (found)
			return;
		sleep_ms(POLL_MS);
	} while (ms_since(&start) < POLL_SECONDS * 1000L);
	check(false, "no request \"%s\" %s", name, state);
}

static void outstanding(void)
{
	/* However long it takes to make the second VM, the first one's request waits. */
	unsigned int overdue = set_overdue(OVERDUE_NEVER_MS);
	pid_t pids[2];
	unsigned int i;
	char *text;

	ctl("mute " VM_INIT);
	pids[0] = start_in_child(LIFE_PLAIN);
	wait_for_dump("muted\n", true);
	pids[1] = start_in_child(LIFE_PLAIN);
	wait_for_request("waiting ", "VM_INIT");
	wait_for_request("queued ", "VM_ALLOCATE");
	ctl("clear");
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		if (pids[i])
			check(!child_result(pids[i]), "START");
	set_overdue(overdue);
	plain_life();
	text = read_file(RM_DEBUGFS "requests");
	check(!count_lines(text, "waiting ", "VM_INIT"), "VM_INIT still waits");
	free(text);
}

static void counters(void)
{
	static const char * const names[] = {
		"requests", "replies", "notifications", "error_replies",
	};
	long long before[ARRAY_SIZE(names)], after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		before[i] = debugfs_number(RM_DEBUGFS "counters", names[i]);
	plain_life();
	failing_life();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		after = debugfs_number(RM_DEBUGFS "counters", names[i]);
		check(before[i] >= 0 && after > before[i], "%s: %lld, then %lld", names[i],
		      before[i], after);
	}
}

static void latencies(void)
{
	long long before, after;

	plain_life();
	before = debugfs_number(RM_DEBUGFS "latency", "VM_INIT");
	plain_life();
	after = debugfs_number(RM_DEBUGFS "latency", "VM_INIT");
	check(before > 0 && after == before + 1, "VM_INIT: %lld, then %lld", before, after);
}

/* Its report is made of the binary trace and the formats, not of the kernel's own text. */
static void trace_cmd(void)
{
	char command[512], *text;
	FILE *report;

	if (access(TRACE_CMD, X_OK)) {
		skip("no trace-cmd");
		return;
	}
	snprintf(command, sizeof(command),
		 TRACE_CMD " record -q -e gunyah_rm -e gunyah_msgq -o " TRACE_FILE " %s " LIVE
		 " >/dev/null", program);
	if (!check(!system(command), "trace-cmd record"))
		return;
	report = popen(TRACE_CMD " report -i " TRACE_FILE, "re");
	text = read_stream(report, "trace-cmd report");
	if (report)
		check(!pclose(report), "trace-cmd report");
	check_names(text, "gunyah_rm_request:");
	check_names(text, "gunyah_rm_reply:");
	check_line(text, "gunyah_rm_reply:", "error=OK");
	check_line(text, "gunyah_rm_notification:", "VM_EXITED");
	check_line(text, "gunyah_msgq_send:", "error=OK");
	check_line(text, "gunyah_msgq_receive:", "error=OK");
	check(!strstr(text, "FAILED TO PARSE"), "an event that it cannot parse");
	free(text);
	unlink(TRACE_FILE);
}

static const struct tap_test tests[] = {
	{ "a VM's lifetime in the trace", traced_life },
	{ "errors in the trace", traced_errors },
	{ "requests that wait", outstanding },
	{ "counters", counters },
	{ "latencies", latencies },
	{ "trace-cmd", trace_cmd },
};

int main(int argc, char **argv)
{
	program = argv[0];
	if (argc > 1 && !strcmp(argv[1], LIVE)) {
		plain_life();
		return 0;
	}
	return fault_main(tests, ARRAY_SIZE(tests));
}
