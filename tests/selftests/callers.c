// SPDX-License-Identifier: GPL-2.0
/*
 * Callers of the Resource Manager that are killed: before their request is sent, in the
 * middle of it, and while they wait. Nothing of what it is granted is lost, and nobody else
 * notices.
 *
 * VMs have a worker that calls for them, so this takes a driver that calls for whoever
 * writes to its file.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "kmsg.h"
#include "modules.h"

#define CALLER_MODULE		"gunyah_test_rm"
#define CALLER_FILE		"/dev/gunyah_test_rm"

#define HOST			"3"
#define NAME_BYTES		3000
#define RESULT_MAX		64

#define MEMORY			"memory 65536"
#define NO_REPLY		"no reply"

/* Make a call; @result, of RESULT_MAX bytes, is what it told. */
static bool call(int fd, const char *line, char *result)
{
	ssize_t n;

	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return false;
	n = pread(fd, result, RESULT_MAX - 1, 0);
	if (n <= 0)
		return false;
	result[n] = '\0';
	return strncmp(result, "error", strlen("error"));
}

/* A process that has the driver make these calls; 0 if there is none. */
static pid_t call_in_child(const char *first, const char *second)
{
	char result[RESULT_MAX];
	pid_t pid = fork();
	int fd;

	if (pid)
		return check(pid > 0, "no process") ? pid : 0;
	fd = open(CALLER_FILE, O_RDWR | O_CLOEXEC);
	_exit(fd < 0 || !call(fd, first, result) || (second && !call(fd, second, result)));
}

/* It is gone at once, whatever the Resource Manager does. */
static void kill_caller(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
	      "the call came back: status %#x", status);
}

/* Others can call, and it makes sense what they hear. */
static void check_calls(void)
{
	int fd = open(CALLER_FILE, O_RDWR | O_CLOEXEC);
	char result[RESULT_MAX] = "";

	check(call(fd, "get_vmid", result) && !strcmp(result, HOST), "get_vmid: \"%s\"", result);
	close(fd);
	live(LIFE_PLAIN, 0);
}

/* Killed at that point; late replies come after it. */
static void killed_at(const char *line, const char *reached, const char *first,
		      const char *second)
{
	struct dump before;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("%s", line);
	pid = call_in_child(first, second);
	if (pid && wait_for_dump(reached, true))
		kill_caller(pid);
	ctl("clear");
	check(dump_check_same(&before), "with \"%s\"", line);
	check_calls();
	check(dump_check_same(&before), "with \"%s\"", line);
	dump_free(&before);
}

static void waiting(void)
{
	unsigned int overdue;

	killed_at("mute " VM_ALLOCATE, "muted\n", "alloc", NULL);
	killed_at("mute " VM_GET_VMID, "muted\n", "get_vmid", NULL);
	killed_at("hold " VM_ALLOCATE, "held\n", "alloc", NULL);
	killed_at("hold " VM_GET_VMID, "held\n", "get_vmid", NULL);
	/* No other request is sent, whose reply would tell that there is none to this. */
	overdue = set_overdue(OVERDUE_NEVER_MS);
	killed_at("reply " VM_ALLOCATE " delay=600000", "delayed", "alloc", NULL);
	set_overdue(overdue);
}

/* As above, with memory that is lent to a VM or shared with it */
static void giving_memory(void)
{
	int fd = open(CALLER_FILE, O_RDWR | O_CLOEXEC);
	char vmid[RESULT_MAX] = "", line[2 * RESULT_MAX], result[RESULT_MAX];

	if (check(call(fd, "alloc", vmid), "no VMID")) {
		snprintf(line, sizeof(line), "lend 5 0 %s 7", vmid);
		killed_at("mute " MEM_LEND, "muted\n", MEMORY, line);
		killed_at("hold " MEM_LEND, "held\n", MEMORY, line);
		snprintf(line, sizeof(line), "share 5 0 %s 7 " HOST " 7", vmid);
		killed_at("mute " MEM_SHARE, "muted\n", MEMORY, line);
		killed_at("hold " MEM_SHARE, "held\n", MEMORY, line);
		snprintf(line, sizeof(line), "dealloc %s", vmid);
		check(call(fd, line, result), "%s: \"%s\"", line, result);
	}
	close(fd);
}

/* The driver has long noticed that there is no reply. */
static void overdue_at(const char *line, const char *reached, const char *request)
{
	unsigned int overdue;
	struct dump before;
	pid_t pid;
	int kmsg;

	if (!dump_take(&before))
		return;
	overdue = set_overdue(OVERDUE_MIN_MS);
	kmsg = kmsg_open();
	ctl("%s", line);
	pid = call_in_child(request, NULL);
	if (pid && wait_for_dump(reached, true)) {
		kmsg_wait(kmsg, NO_REPLY);
		kill_caller(pid);
	}
	ctl("clear");
	check(dump_check_same(&before), "with \"%s\"", line);
	check_calls();
	dump_free(&before);
	close(kmsg);
	set_overdue(overdue);
}

static void waiting_for_long(void)
{
	overdue_at("mute " VM_ALLOCATE, "muted\n", "alloc");
	overdue_at("hold " VM_ALLOCATE, "held\n", "alloc");
	overdue_at("mute " VM_GET_VMID, "muted\n", "get_vmid");
}

static void in_line(void)
{
	struct dump before;
	pid_t first, second;

	if (!dump_take(&before))
		return;
	ctl("mute " VM_GET_VMID);
	first = call_in_child("get_vmid", NULL);
	wait_for_dump("muted\n", true);
	second = call_in_child("alloc", NULL);
	if (second && wait_for_write(second))
		kill_caller(second);
	ctl("clear");
	if (first)
		check(!child_result(first), "the first call failed");
	dump_check_same(&before);
	dump_free(&before);
	check_calls();
}

/* The queue takes only the first packets; the Resource Manager gets all of them later. */
static void between_packets(void)
{
	char line[NAME_BYTES + 32] = "lookup_name ";
	struct dump before;
	pid_t pid;

	memset(line + strlen(line), 'x', NAME_BYTES);
	if (!dump_take(&before))
		return;
	ctl("mute");
	pid = call_in_child(line, NULL);
	if (pid) {
		wait_for_count(&before, COUNT_SENDS, QUEUE_DEPTH);
		kill_caller(pid);
	}
	ctl("clear");
	check_calls();
	dump_check_same(&before);
	dump_free(&before);
}

/* Not even its first packet fits into the queue. */
static void queue_full(void)
{
	struct dump before, full;
	pid_t pid;

	if (!dump_take(&before))
		return;
	if (fill_queue(&full)) {
		pid = call_in_child("alloc", NULL);
		if (pid) {
			wait_for_count(&full, COUNT_SENDS, 1);
			kill_caller(pid);
		}
		dump_free(&full);
	}
	ctl("clear");
	dump_check_same(&before);
	check_calls();
	dump_check_same(&before);
	dump_free(&before);
}

static const struct tap_test tests[] = {
	{ "while they wait", waiting },
	{ "when they have waited for too long", waiting_for_long },
	{ "while they give memory", giving_memory },
	{ "while others are first", in_line },
	{ "between the packets of a request", between_packets },
	{ "before a full queue", queue_full },
};

int main(void)
{
	/* If it cannot be loaded no test has a file to open. */
	if (ctl_supported() && access(CALLER_FILE, F_OK))
		module_load(CALLER_MODULE);
	return fault_main(tests, ARRAY_SIZE(tests));
}
