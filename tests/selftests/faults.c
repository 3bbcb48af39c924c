// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager that fails, is late or talks nonsense: whatever it does, callers get
 * an error or what they asked for, and nothing is left behind.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "testvm.h"

#define MEM_LEND		"51000012"
#define MEM_RECLAIM		"51000015"
#define VM_ALLOCATE		"56000001"
#define VM_DEALLOCATE		"56000002"
#define VM_START		"56000004"
#define VM_STOP			"56000005"
#define VM_RESET		"56000006"
#define VM_CONFIG_IMAGE		"56000009"
#define VM_INIT			"5600000b"
#define VM_GET_RESOURCES	"56000020"

#define ANY_VMID		"128"
#define FULL_US			300000
#define POLL_US			10000
#define POLL_SECONDS		60

/* START with something wrong is to fail like this. */
static void check_start(int err)
{
	struct testvm vm;

	if (testvm_create(&vm, 1, PROGRAM(off)))
		check_errno(testvm_ioctl_start(&vm), err, "START");
	testvm_close(&vm);
}

/* A VM as it should be */
static void check_life(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(off)))
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
}

/* A command, then something under its influence. In the end nothing is left of both. */
static bool with_fault(const char *line, void (*run)(int err), int err)
{
	struct dump before;
	bool ok;

	if (!dump_take(&before))
		return false;
	ok = ctl("%s", line);
	if (ok)
		run(err);
	ok &= ctl("clear") && dump_check_same(&before);
	dump_free(&before);
	return check(ok, "with \"%s\"", line);
}

static void life(int err)
{
	(void)err;
	check_life();
}

static void lives_with(const char * const *lines, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		with_fault(lines[i], life, 0);
}

static void commands(void)
{
	static const char * const bad[] = {
		"", "nonsense", "fail", "fail any", "fail any code=0", "fail any code=x",
		"fail 0 code=1", "fail any code=1 nth=0", "fail any code=1 colour=3",
		"reply any copies=99", "notify", "raw", "raw hex=0", "raw hex=zz",
		"irq", "irq both", "hypercall 0x1b", "hypercall 0x12 lost",
		"hypercall 0x1b lost error=1", "mute any extra", "unmute now",
	};
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		check(ctl_try(bad[i]) < 0, "command \"%s\" was taken", bad[i]);
	check_errno(ctl_try("exit vm=" ANY_VMID), EINVAL, "exit without a VM");
	dump_check_same(&before);
	dump_free(&before);
}

static void failed_requests(void)
{
	static const struct {
		const char *line;
		int err;
	} cases[] = {
		{ "fail " VM_ALLOCATE " code=2", ENOSPC },
		{ "fail " VM_ALLOCATE " code=3", EPERM },
		{ "fail " MEM_LEND " code=1", ENOMEM },
		{ "fail " MEM_LEND " code=10", EINVAL },
		{ "fail " VM_CONFIG_IMAGE " code=3", EPERM },
		{ "fail " VM_INIT " code=5", EBUSY },
		{ "fail " VM_INIT " code=0xffffffff", EOPNOTSUPP },
		{ "fail " VM_GET_RESOURCES " code=1", ENOMEM },
		{ "fail " VM_START " code=0x14", EBADFD },
		{ "reply " VM_INIT " len=8", EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=7", EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=1000", EBADMSG },
		{ "reply " VM_START " error=5", EBUSY },
		{ "hypercall 0x1b error=31", EBUSY },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		with_fault(cases[i].line, check_start, cases[i].err);
}

/* Taking it down has to be tried again. */
static void failed_end(void)
{
	static const char * const lines[] = {
		"fail " MEM_RECLAIM " code=5 count=2",
		"fail " VM_DEALLOCATE " code=5",
		"fail " VM_RESET " code=5",
	};

	lives_with(lines, ARRAY_SIZE(lines));
}

static void unasked(void)
{
	static const char * const lines[] = {
		"notify 0x56100008 at=any count=0",
		"notify 0x56100001 at=any count=0 len=7",
		"notify 0x56100001 at=any count=0 len=3000",
		"notify 0x51234567 at=any count=0 len=233 times=20",
		"notify 0x56100011 times=300",
		"status vm=77 state=11 at=any count=0",
		"status vm=" ANY_VMID " state=3 at=any count=0",
		"exited vm=77 type=7 at=any count=0",
		"exited vm=77 type=65535 size=0xffffffff at=any count=0",
		"irq rx",
		"irq tx",
	};

	lives_with(lines, ARRAY_SIZE(lines));
}

/* The real reply follows, and is found. */
static void malformed_packets(void)
{
	static const char * const lines[] = {
		"raw hex=00 at=any count=0",
		"raw hex=21020000010056 at=any count=0",
		"raw hex=1102000001000056 at=any count=0",
		"raw hex=2202000001000056 at=any count=0",
		"raw hex=2101000001000056 at=any count=0",
		"raw hex=2100000001000056 at=any count=0",
		"raw hex=2104000001000056 at=any count=0",
		"raw hex=21fe000001000056 len=240 at=any count=0",
		"raw hex=2106000001000056 len=240 at=any count=0",
		"raw hex=2107000008001056 len=240 at=any count=0",
		"raw hex=ffffffffffffffff len=240 at=any count=0 times=20",
		"reply any copies=2 count=0",
		"reply any copies=3 count=0",
	};

	lives_with(lines, ARRAY_SIZE(lines));
}

static long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
	       (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void late_reply(void)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (with_fault("reply " VM_INIT " delay=700", life, 0))
		check(ms_since(&start) >= 700, "nothing was late: %ld ms",
		      ms_since(&start));
}

/* Wait until the dump has such a line, or has it no more. */
static bool wait_for_line(const char *line, bool present)
{
	const struct timespec pause = { .tv_nsec = POLL_US * 1000L };
	struct timespec start;
	struct dump dump;
	bool found;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (!dump_take(&dump))
			return false;
		found = strstr(dump.text, line);
		dump_free(&dump);
		if (found == present)
			return true;
		nanosleep(&pause, NULL);
	} while (ms_since(&start) < POLL_SECONDS * 1000L);
	return check(false, "\"%s\" in the dump: not %s", line, present ? "yes" : "no");
}

/* A VMM that does not come back from START */
static pid_t start_stuck(void)
{
	struct testvm vm;
	pid_t pid = fork();

	if (pid)
		return check(pid > 0, "no process") ? pid : 0;
	if (testvm_create(&vm, 1, PROGRAM(spin)))
		testvm_ioctl_start(&vm);
	_exit(1);
}

/* It is killed while it waits; the reply comes later. */
static void killed_at(const char *line, const char *reached)
{
	struct dump before;
	int status;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("%s", line);
	pid = start_stuck();
	if (pid) {
		wait_for_line(reached, true);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		check(WIFSIGNALED(status), "with \"%s\": START came back", line);
	}
	ctl("clear");
	check(dump_check_same(&before), "with \"%s\"", line);
	dump_free(&before);
	check_life();
}

static void mute_and_kill(void)
{
	killed_at("mute " VM_ALLOCATE, "muted\n");
	killed_at("mute " MEM_LEND, "muted\n");
	killed_at("mute " VM_CONFIG_IMAGE, "muted\n");
	killed_at("mute " VM_INIT, "muted\n");
	killed_at("mute " VM_GET_RESOURCES, "muted\n");
	killed_at("mute " VM_START, "muted\n");
}

static void hold_and_kill(void)
{
	killed_at("hold " VM_ALLOCATE, "held\n");
	killed_at("hold " MEM_LEND, "held\n");
	killed_at("hold " VM_INIT, "held\n");
	killed_at("hold " VM_START, "held\n");
}

/* A reply that nobody can make sense of: a later one tells that it will not come. */
static void lost_replies(void)
{
	static const char * const lines[] = {
		"drop " VM_INIT,
		"reply " VM_INIT " seq=1",
		"reply " VM_INIT " id=0x" VM_START,
		"reply " VM_INIT " api=0x11",
		"reply " VM_INIT " fragments=1",
		"reply " VM_GET_RESOURCES " len=600 skip=1",
		"reply " VM_GET_RESOURCES " len=600 cseq=1",
		"reply " VM_GET_RESOURCES " len=600 cfragments=5",
	};
	struct dump before;
	unsigned int i;
	pid_t pid;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		ctl("%s", lines[i]);
		pid = start_stuck();
		if (!pid)
			break;
		wait_for_line("armed", false);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		check_life();
		if (!check(dump_check_same(&before), "with \"%s\"", lines[i]))
			break;
	}
	ctl("clear");
	dump_free(&before);
}

/* Requests wait until an earlier owner's are out of the queue. */
static void full_queue(void)
{
	struct dump before;
	int status;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("mute");
	ctl("fill");
	pid = fork();
	if (!pid) {
		struct testvm vm;

		_exit(!(testvm_create(&vm, 1, PROGRAM(off)) && !testvm_ioctl_start(&vm)));
	}
	usleep(FULL_US);
	check(pid > 0 && !waitpid(pid, &status, WNOHANG), "START did not wait");
	ctl("clear");
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		check(!status, "START behind a full queue: status %#x", status);
	dump_check_same(&before);
	dump_free(&before);
}

/* The first VM in the dump that is not the host */
static unsigned int find_vm(void)
{
	unsigned int vmid = 0;
	struct dump dump;
	const char *line;

	if (!dump_take(&dump))
		return 0;
	line = strstr(dump.text, "\nvm ");
	if (check(line && sscanf(line, "\nvm %u", &vmid) == 1, "no VM in the dump"))
		note("VM %u", vmid);
	dump_free(&dump);
	return vmid;
}

/* Ends of a guest that it does not bring about itself */
static void ended(void)
{
	static const u16 types[] = { 0, 4, 5, 6, 7 };
	struct testvm vm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (testvm_start(&vm, 1, PROGRAM(spin)) &&
		    ctl("exit vm=%u type=%u", find_vm(), types[i]))
			testvm_expect_end(&vm, 0, types[i]);
		testvm_close(&vm);
	}
}

/* A message costs one hypercall: to send it, and to receive it. */
static void cost(void)
{
	struct dump before, after;
	long sent, received;

	if (!dump_take(&before))
		return;
	check_life();
	dump_check_same(&before);
	if (dump_take(&after)) {
		sent = dump_count(&after, "packets-in") - dump_count(&before, "packets-in");
		received = dump_count(&after, "packets-out") -
			   dump_count(&before, "packets-out");
		note("%ld packets sent, %ld received", sent, received);
		check(sent > 0 && dump_count(&after, "hypercall 0x1b") -
		      dump_count(&before, "hypercall 0x1b") == sent, "sends");
		check(received > 0 && dump_count(&after, "hypercall 0x1c") -
		      dump_count(&before, "hypercall 0x1c") == received, "receives");
		dump_free(&after);
	}
	dump_free(&before);
}

/* What was traced last, in this order, with other lines in between */
static void traced(void)
{
	static const char * const order[] = {
		" VM_ALLOCATE ", " MEM_LEND ", " VM_CONFIG_IMAGE ", " VM_INIT ",
		" VM_GET_RESOURCES ", " VM_START ", " notif-VM_EXITED ", " VM_RESET ",
		" MEM_RECLAIM ", " VM_DEALLOCATE ",
	};
	struct dump before, after;
	const char *at;
	char last[64];
	unsigned int i;

	if (!dump_take(&before))
		return;
	at = strrchr(before.text, '\n');
	while (at > before.text && at[-1] != '\n')
		at--;
	snprintf(last, sizeof(last), "%.*s", (int)strcspn(at, "x"), at);
	check_life();
	dump_check_same(&before);
	dump_free(&before);
	if (!dump_take(&after))
		return;
	at = strstr(after.text, last);
	for (i = 0; check(at, "\"%s\" is not in its place", i ? order[i - 1] : last) &&
	     i < ARRAY_SIZE(order); i++)
		at = strstr(at, order[i]);
	dump_free(&after);
}

static const struct tap_test tests[] = {
	{ "commands that make no sense", commands },
	{ "START says which error a request met", failed_requests },
	{ "errors on the way down are tried again", failed_end },
	{ "notifications and interrupts that nobody asked for", unasked },
	{ "malformed packets before a reply, and replies twice", malformed_packets },
	{ "a late reply", late_reply },
	{ "killed while the Resource Manager is mute", mute_and_kill },
	{ "killed before the reply comes", hold_and_kill },
	{ "replies that are lost, or of no use", lost_replies },
	{ "a queue that is full", full_queue },
	{ "a guest that is ended from outside", ended },
	{ "a packet costs one hypercall", cost },
	{ "a life's requests in order", traced },
};

int main(void)
{
	if (!ctl_supported())
		return tap_skip_all("no control channel");
	return testvm_main(tests, ARRAY_SIZE(tests));
}
