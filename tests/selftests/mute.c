// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager that does not answer, or not in time: callers can be killed, wait no
 * longer than they have to, and what it grants too late is given back.
 */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "kmsg.h"
#include "modules.h"

#define NO_REPLY		"no reply"

/* It is killed while it waits; the reply comes later. */
static void killed_at(const char *line, const char *reached, enum life_kind life)
{
	struct dump before;
	pid_t pid;

	tap_alive();
	if (!dump_take(&before))
		return;
	ctl("%s", line);
	pid = start_in_child(life);
	if (pid) {
		wait_for_dump(reached, true);
		kill_child(pid);
	}
	ctl("clear");
	if (pid)
		bury_child(pid);
	check(dump_check_same(&before), "with \"%s\"", line);
	dump_free(&before);
	live(LIFE_PLAIN, 0);
}

static void mute_and_kill(void)
{
	killed_at("mute " VM_ALLOCATE, "muted\n", LIFE_PLAIN);
	killed_at("mute " MEM_LEND, "muted\n", LIFE_PLAIN);
	killed_at("mute " MEM_LEND " nth=2", "muted\n", LIFE_SCATTERED);
	killed_at("mute " MEM_APPEND, "muted\n", LIFE_SCATTERED);
	killed_at("mute " VM_CONFIG_IMAGE, "muted\n", LIFE_PLAIN);
	killed_at("mute " VM_INIT, "muted\n", LIFE_PLAIN);
	killed_at("mute " VM_GET_RESOURCES, "muted\n", LIFE_WIDE);
	killed_at("mute " VM_START, "muted\n", LIFE_PLAIN);
}

static void hold_and_kill(void)
{
	killed_at("hold " VM_ALLOCATE, "held\n", LIFE_PLAIN);
	killed_at("hold " MEM_LEND, "held\n", LIFE_PLAIN);
	killed_at("hold " MEM_APPEND, "held\n", LIFE_SCATTERED);
	killed_at("hold " VM_INIT, "held\n", LIFE_PLAIN);
	killed_at("hold " VM_GET_RESOURCES, "held\n", LIFE_WIDE);
	killed_at("hold " VM_START, "held\n", LIFE_PLAIN);
}

/* It does not wait for ever for the end of its VM. */
static void bounded_close(void)
{
	struct dump before;
	int status;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("mute " VM_STOP);
	pid = start_in_child(LIFE_STOPPED);
	if (pid)
		check(waitpid(pid, &status, 0) == pid && !status, "status %#x", status);
	wait_for_dump("muted\n", true);
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
}

/* The last process that has to do with a VM is killed while it waits for the end. */
static void killed_at_end(void)
{
	static const char * const requests[] = {
		VM_STOP, VM_RESET, MEM_RECLAIM, VM_DEALLOCATE,
	};
	struct dump before;
	unsigned int i;
	pid_t pid;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		ctl("mute %s", requests[i]);
		/* It starts, and exits at once. */
		pid = start_in_child(LIFE_STOPPED);
		if (pid) {
			wait_for_dump("muted\n", true);
			kill(pid, SIGKILL);
		}
		ctl("clear");
		if (pid)
			waitpid(pid, NULL, 0);
		check(dump_check_same(&before), "at %s", requests[i]);
	}
	dump_free(&before);
	live(LIFE_PLAIN, 0);
}

/*
 * No reply to START's requests: a later one is answered, which tells that none will come.
 * At the end of a VM it is tried again.
 */
static void lost_replies(void)
{
	static const struct fault_case cases[] = {
		{ "drop " VM_CONFIG_IMAGE, LIFE_PLAIN, ETIMEDOUT },
		{ "drop " VM_INIT, LIFE_PLAIN, ETIMEDOUT },
		{ "drop " VM_GET_RESOURCES, LIFE_WIDE, ETIMEDOUT },
		{ "drop " MEM_APPEND, LIFE_SCATTERED, ETIMEDOUT },
		{ "drop " VM_START, LIFE_PLAIN, ETIMEDOUT },
		{ "drop " VM_STOP, LIFE_STOPPED, 0 },
		{ "drop " VM_RESET, LIFE_PLAIN, 0 },
		{ "drop " MEM_RECLAIM, LIFE_PLAIN, 0 },
		{ "drop " VM_DEALLOCATE, LIFE_PLAIN, 0 },
		{ "reply " VM_INIT " seq=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_INIT " id=0x" VM_START, LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_INIT " api=0x11", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_INIT " fragments=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_RESET " seq=1", LIFE_PLAIN, 0 },
		{ "reply " MEM_RECLAIM " seq=0xffff", LIFE_PLAIN, 0 },
		{ "reply " VM_DEALLOCATE " fragments=63", LIFE_PLAIN, 0 },
	};

	run_lost_cases(cases, ARRAY_SIZE(cases));
}

/* They come when nobody waits any more: behind the reply to a later request. */
static void overtaken_replies(void)
{
	static const struct fault_case cases[] = {
		{ "reply " VM_ALLOCATE " after=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " MEM_LEND " after=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " MEM_LEND " after=1 nth=2", LIFE_SCATTERED, ETIMEDOUT },
		{ "reply " MEM_APPEND " after=1", LIFE_SCATTERED, ETIMEDOUT },
		{ "reply " VM_INIT " after=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_GET_RESOURCES " after=1", LIFE_WIDE, ETIMEDOUT },
		{ "reply " VM_START " after=2", LIFE_PLAIN, ETIMEDOUT },
		{ "fail " MEM_LEND " code=1 after=1", LIFE_PLAIN, ETIMEDOUT },
		{ "reply " VM_RESET " after=1", LIFE_PLAIN, 0 },
		{ "reply " MEM_RECLAIM " after=1", LIFE_PLAIN, 0 },
		{ "reply " VM_DEALLOCATE " after=1", LIFE_PLAIN, 0 },
	};

	run_lost_cases(cases, ARRAY_SIZE(cases));
}

/* As the driver is when it is loaded and nobody changes its parameter */
static void default_limit(void)
{
	static const struct fault_case cases[] = {
		{ "drop " VM_INIT, LIFE_PLAIN, ETIMEDOUT },
	};
	struct modules modules;
	struct timespec start;
	unsigned int overdue;
	int kmsg;

	if (!modules_unload(&modules) || !modules_load(&modules))
		return;
	overdue = set_overdue(OVERDUE_MIN_MS);
	check(overdue == OVERDUE_DEFAULT_MS, "the limit is %u ms", overdue);
	set_overdue(overdue);
	kmsg = kmsg_open();
	clock_gettime(CLOCK_MONOTONIC, &start);
	run_fault_cases(cases, ARRAY_SIZE(cases));
	check(ms_since(&start) >= (long)overdue, "given up after %ld ms", ms_since(&start));
	check(kmsg_count(kmsg, NO_REPLY) == 1, "that was not reported once");
	close(kmsg);
}

/* The driver says once what waits, and goes on when there is an answer. */
static void outlasts(const char *line, const char *reached, enum life_kind life)
{
	struct dump before;
	pid_t pid;
	int kmsg;

	if (!dump_take(&before))
		return;
	kmsg = kmsg_open();
	ctl("%s", line);
	pid = start_in_child(life);
	wait_for_dump(reached, true);
	kmsg_wait(kmsg, NO_REPLY);
	/* Long enough to fill the queue with whatever the driver tries by itself */
	sleep_ms(20 * OVERDUE_MIN_MS);
	check(!kmsg_count(kmsg, NO_REPLY), "reported more than once");
	check(pid && !waitpid(pid, NULL, WNOHANG), "START did not wait");
	ctl("clear");
	if (pid)
		check(!child_result(pid), "START failed");
	check(dump_check_same(&before), "with \"%s\"", line);
	dump_free(&before);
	close(kmsg);
}

static void mute_for_long(void)
{
	unsigned int overdue = set_overdue(OVERDUE_MIN_MS);

	outlasts("mute", "muted\n", LIFE_PLAIN);
	outlasts("mute " MEM_LEND " nth=2", "muted\n", LIFE_SCATTERED);
	outlasts("mute " VM_GET_RESOURCES, "muted\n", LIFE_WIDE);
	outlasts("hold " VM_ALLOCATE, "held\n", LIFE_PLAIN);
	outlasts("hold " VM_GET_RESOURCES, "held\n", LIFE_WIDE);
	set_overdue(overdue);
	live(LIFE_PLAIN, 0);
}

/* Requests wait until an earlier owner's are out of the queue. */
static void full_queue(void)
{
	struct dump before, full;
	pid_t pid = 0;

	if (!dump_take(&before))
		return;
	if (fill_queue(&full)) {
		pid = start_in_child(LIFE_PLAIN);
		if (pid)
			wait_for_count(&full, COUNT_SENDS, 1);
		dump_free(&full);
	}
	ctl("clear");
	if (pid)
		check(!child_result(pid), "START behind a full queue");
	dump_check_same(&before);
	dump_free(&before);
}

/*
 * The queue is full of the first packets of a request, and the VMM that made it is killed.
 * The reply to the request before it is let out when the Resource Manager reads no more.
 */
static void killed_between_packets(void)
{
	struct dump before;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("hold " MEM_LEND);
	pid = start_in_child(LIFE_SCATTERED);
	wait_for_dump("held\n", true);
	ctl("mute");
	ctl("release");
	if (pid) {
		/* Two requests were done. */
		wait_for_count(&before, COUNT_SENDS, 2 + QUEUE_DEPTH);
		kill_child(pid);
	}
	ctl("clear");
	if (pid)
		bury_child(pid);
	dump_check_same(&before);
	dump_free(&before);
	live(LIFE_SCATTERED, 0);
}

/* One request waits for its reply, two for their turn; the first of these gives up. */
static void killed_in_line(void)
{
	struct dump before;
	pid_t pids[3];
	unsigned int i;

	if (!dump_take(&before))
		return;
	ctl("mute " VM_ALLOCATE);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = start_in_child(LIFE_PLAIN);
		if (!pids[i] || !wait_for_start(pids[i]))
			break;
	}
	if (check(i == ARRAY_SIZE(pids), "not all are in START"))
		kill_child(pids[1]);
	ctl("clear");
	if (i == ARRAY_SIZE(pids)) {
		bury_child(pids[1]);
		check(!child_result(pids[0]), "START failed");
		check(!child_result(pids[2]), "START behind it failed");
	}
	dump_check_same(&before);
	dump_free(&before);
}

static const struct tap_test tests[] = {
	{ "killed while the Resource Manager is mute", mute_and_kill },
	{ "killed before the reply comes", hold_and_kill },
	{ "killed while the VM is taken down", killed_at_end },
	{ "closed while the Resource Manager is mute", bounded_close },
	{ "killed between the packets of a request", killed_between_packets },
	{ "killed while others are first", killed_in_line },
	{ "replies that do not come", lost_replies },
	{ "replies that come behind those to later requests", overtaken_replies },
	{ "the time limit without a reply", default_limit },
	{ "mute or silent for a long time", mute_for_long },
	{ "a queue that is full", full_queue },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
