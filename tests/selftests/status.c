// SPDX-License-Identifier: GPL-2.0
/*
 * What a VM file tells of its VM: poll, GH_VM_GET_STATUS and GH_VM_GET_CRASH_MSG, without
 * any vCPU.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "modules.h"
#include "testvm.h"

#define WAITERS			8
#define WAIT_MS			60000
#define ENDED			(POLLIN | POLLRDNORM | POLLHUP)
#define REASON			0x5eed
/* What the Resource Manager keeps of what a guest says when it crashes */
#define CRASH_MSG_MAX		192

static struct gh_vm_status_info status_of(const struct testvm *vm)
{
	struct gh_vm_status_info info;
	unsigned int i;

	memset(&info, 0xee, sizeof(info));
	check_errno(ioctl(vm->fd, GH_VM_GET_STATUS, &info), 0, "GET_STATUS");
	check(!info.padding, "padding is %#x", info.padding);
	for (i = 0; i < ARRAY_SIZE(info.reserved); i++)
		check(!info.reserved[i], "reserved[%u] is %#llx", i, info.reserved[i]);
	return info;
}

static void check_status(const struct testvm *vm, enum gh_vm_status want)
{
	struct gh_vm_status_info info = status_of(vm);

	check(info.status == want, "status %u, not %u", info.status, want);
}

static void check_exited(const struct testvm *vm, u16 exit_type)
{
	struct gh_vm_status_info info = status_of(vm);

	check(info.status == GH_VM_STATUS_EXITED, "status %u", info.status);
	check(info.exit_type == exit_type, "exit type %u, not %u", info.exit_type, exit_type);
	check(!info.start_error, "START failed with %u", info.start_error);
}

/* What poll() says, at once or after a while */
static int poll_vm(const struct testvm *vm, int timeout)
{
	struct pollfd pollfd = { .fd = vm->fd, .events = ENDED };

	if (poll(&pollfd, 1, timeout) < 0)
		return -errno;
	return pollfd.revents;
}

static void check_poll(const struct testvm *vm, int want)
{
	int events = poll_vm(vm, 0);

	check(events == want, "poll: %#x, not %#x", events, want);
}

/* Threads that wait for the end of a VM. */
struct waiters {
	const struct testvm *vm;
	unsigned int count;
	pthread_t thread[WAITERS];
};

static void *wait_for_end(void *arg)
{
	return (void *)(long)poll_vm(arg, WAIT_MS);
}

static void waiters_start(struct waiters *waiters, struct testvm *vm, unsigned int count)
{
	waiters->count = 0;
	while (waiters->count < count &&
	       check(!pthread_create(&waiters->thread[waiters->count], NULL, wait_for_end, vm),
		     "no thread"))
		waiters->count++;
	/* So that they most likely wait; it matters not if they do not. */
	sleep_ms(20);
}

static void waiters_check(struct waiters *waiters)
{
	void *events;

	while (waiters->count) {
		pthread_join(waiters->thread[--waiters->count], &events);
		check((long)events == ENDED, "a waiter got %#lx", (long)events);
	}
}

static void from_new_to_exited(void)
{
	struct testvm vm;

	if (testvm_create(&vm, 1, PROGRAM(off))) {
		check_status(&vm, GH_VM_STATUS_NEW);
		check_poll(&vm, 0);
		check_errno(testvm_ioctl_start(&vm), 0, "START");
		check_status(&vm, GH_VM_STATUS_RUNNING);
		check_poll(&vm, 0);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		check_exited(&vm, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		check_poll(&vm, ENDED);
		check_exited(&vm, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static void power_off_wakes(void)
{
	struct waiters waiters;
	struct testvm vm;

	if (testvm_create(&vm, 1, PROGRAM(off))) {
		waiters_start(&waiters, &vm, WAITERS);
		check_errno(testvm_ioctl_start(&vm), 0, "START");
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		waiters_check(&waiters);
	}
	testvm_close(&vm);
}

/* No vCPU is run, so that nobody else learns of it. */
static void check_told(u16 exit_type)
{
	struct gh_vm_status_info info;
	struct waiters waiters;
	struct dump before;
	struct testvm vm;
	u32 word = 0;

	if (!dump_take(&before))
		return;
	if (testvm_start(&vm, 1, PROGRAM(spin))) {
		waiters_start(&waiters, &vm, 2);
		check_poll(&vm, 0);
		ctl("exit vm=" ANY_VMID " type=%u reason=%u", exit_type, REASON);
		waiters_check(&waiters);
		check_exited(&vm, exit_type);
		info = status_of(&vm);
		memcpy(&word, info.reason, sizeof(word));
		check(info.reason_size == sizeof(word) && word == REASON,
		      "%u bytes of reason, %#x", info.reason_size, word);
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

static void crash_wakes(void)
{
	if (!ctl_supported())
		return skip("no control channel");
	check_told(GH_VM_EXIT_TYPE_HYP_ERROR);
	check_told(GH_VM_EXIT_TYPE_WDT_BITE);
}

static void forced_end_wakes(void)
{
	if (!ctl_supported())
		return skip("no control channel");
	check_told(GH_VM_EXIT_TYPE_VM_FORCE_STOPPED);
}

static void failed_start_wakes(void)
{
	struct gh_vm_status_info info;
	struct waiters waiters;
	struct dump before;
	struct testvm vm;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	ctl("fail " VM_INIT " code=5");
	if (testvm_create(&vm, 1, PROGRAM(off))) {
		waiters_start(&waiters, &vm, 2);
		check_errno(testvm_ioctl_start(&vm), EBUSY, "START");
		waiters_check(&waiters);
		check_poll(&vm, ENDED);
		info = status_of(&vm);
		check(info.status == GH_VM_STATUS_LOAD_FAILED, "status %u", info.status);
		check(info.start_error == EBUSY, "start error %u", info.start_error);
		check_errno(testvm_ioctl_start(&vm), ENODEV, "START again");
		check_status(&vm, GH_VM_STATUS_LOAD_FAILED);
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

/* A START that was refused before anything happened is none. */
static void early_refusal(void)
{
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(testvm_ioctl_start(&vm), EINVAL, "START without a devicetree");
		check_status(&vm, GH_VM_STATUS_NEW);
		check_poll(&vm, 0);
	}
	testvm_close(&vm);
}

static void *start_vm(void *arg)
{
	check_errno(testvm_ioctl_start(arg), 0, "START");
	return NULL;
}

static void starting(void)
{
	struct waiters waiters;
	struct dump before;
	struct testvm vm;
	pthread_t thread;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	if (testvm_create(&vm, 1, PROGRAM(off))) {
		ctl("mute " VM_INIT);
		waiters_start(&waiters, &vm, 1);
		check(!pthread_create(&thread, NULL, start_vm, &vm), "no thread");
		wait_for_dump("muted\n", true);
		check_status(&vm, GH_VM_STATUS_STARTING);
		check_poll(&vm, 0);
		ctl("clear");
		pthread_join(thread, NULL);
		check_status(&vm, GH_VM_STATUS_RUNNING);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		waiters_check(&waiters);
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

static void unbinding_wakes(void)
{
	struct waiters new_waiters, running_waiters;
	struct testvm new_vm, running_vm, ended_vm;
	struct dump before;
	bool ok;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	ok = testvm_create(&new_vm, 1, PROGRAM(off));
	ok &= testvm_start(&running_vm, 1, PROGRAM(spin));
	ok &= testvm_start(&ended_vm, 1, PROGRAM(off)) &&
	      testvm_expect_end(&ended_vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	if (ok) {
		waiters_start(&new_waiters, &new_vm, 2);
		waiters_start(&running_waiters, &running_vm, 2);
		rm_unbind();
		waiters_check(&new_waiters);
		waiters_check(&running_waiters);
		check_status(&new_vm, GH_VM_STATUS_CRASHED);
		check_exited(&running_vm, GH_VM_EXIT_TYPE_VM_FORCE_STOPPED);
		check_exited(&ended_vm, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		rm_bind();
		check_status(&new_vm, GH_VM_STATUS_CRASHED);
		check_poll(&new_vm, ENDED);
		check_exited(&running_vm, GH_VM_EXIT_TYPE_VM_FORCE_STOPPED);
	}
	testvm_close(&new_vm);
	testvm_close(&running_vm);
	testvm_close(&ended_vm);
	dump_check_same(&before);
	dump_free(&before);
}

/* Told once by each, and at the next look again to those who want levels. */
static void edge_and_level(void)
{
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET }, level = { .events = EPOLLIN };
	int edges = epoll_create1(EPOLL_CLOEXEC), levels = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	struct testvm vm;
	unsigned int i;

	if (testvm_create(&vm, 1, PROGRAM(off)) &&
	    check_errno(epoll_ctl(edges, EPOLL_CTL_ADD, vm.fd, &edge), 0, "EPOLL_CTL_ADD") &&
	    check_errno(epoll_ctl(levels, EPOLL_CTL_ADD, vm.fd, &level), 0, "EPOLL_CTL_ADD")) {
		check(!epoll_wait(edges, &event, 1, 0), "edge of a new VM");
		check(!epoll_wait(levels, &event, 1, 0), "level of a new VM");
		check_errno(testvm_ioctl_start(&vm), 0, "START");
		check(!epoll_wait(edges, &event, 1, 0), "edge of one that runs");
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		check(epoll_wait(edges, &event, 1, WAIT_MS) == 1 &&
		      event.events == (EPOLLIN | EPOLLHUP), "no edge");
		for (i = 0; i < 2; i++)
			check(epoll_wait(levels, &event, 1, WAIT_MS) == 1 &&
			      event.events == (EPOLLIN | EPOLLHUP), "no level %u", i);
	}
	testvm_close(&vm);
	close(edges);
	close(levels);
}

/* Bytes of a crash message: a NUL is the first of them. */
static u8 crash_byte(unsigned int i)
{
	return i * 89;
}

/* A crash message of that size, or none; the last one is forgotten. */
static void leave_crash_msg(unsigned int size)
{
	char hex[2 * CRASH_MSG_MAX + 1] = "";
	unsigned int i;

	for (i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", crash_byte(i));
	ctl("crashmsg vm=" ANY_VMID "%s%s", size ? " hex=" : "", hex);
}

static int read_crash_msg(const struct testvm *vm)
{
	struct gh_vm_crash_msg msg;

	return ioctl(vm->fd, GH_VM_GET_CRASH_MSG, &msg);
}

static void check_crash_msg(const struct testvm *vm, unsigned int size)
{
	struct gh_vm_crash_msg msg;
	unsigned int i;

	memset(&msg, 0xee, sizeof(msg));
	if (!check_errno(ioctl(vm->fd, GH_VM_GET_CRASH_MSG, &msg), 0, "GET_CRASH_MSG"))
		return;
	check(msg.size == size && !msg.reserved, "%u bytes, not %u", msg.size, size);
	for (i = 0; i < sizeof(msg.msg); i++) {
		u8 want = i < size ? crash_byte(i) : 0;

		if (!check(msg.msg[i] == want, "byte %u is %#x, not %#x", i, msg.msg[i], want))
			break;
	}
}

static void crash_messages(void)
{
	struct dump before;
	struct testvm vm;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	if (testvm_create(&vm, 1, PROGRAM(spin))) {
		check_errno(read_crash_msg(&vm), ENODEV, "GET_CRASH_MSG of a new VM");
		check_errno(testvm_ioctl_start(&vm), 0, "START");
		check_crash_msg(&vm, 0);
		leave_crash_msg(1);
		check_crash_msg(&vm, 1);
		leave_crash_msg(0);
		check_crash_msg(&vm, 0);
		leave_crash_msg(CRASH_MSG_MAX);
		check_crash_msg(&vm, CRASH_MSG_MAX);
		check_errno(ioctl(vm.fd, GH_VM_GET_CRASH_MSG, NULL), EFAULT, "GET_CRASH_MSG");
		ctl("exit vm=" ANY_VMID " type=%u", GH_VM_EXIT_TYPE_HYP_ERROR);
		check(poll_vm(&vm, WAIT_MS) == ENDED, "no end");
		check_crash_msg(&vm, CRASH_MSG_MAX);
		check_crash_msg(&vm, CRASH_MSG_MAX);
	}
	testvm_close(&vm);
	dump_check_same(&before);

	/* The next one has nothing of it, though it may have its VMID. */
	if (testvm_start(&vm, 1, PROGRAM(off))) {
		check_crash_msg(&vm, 0);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		check_crash_msg(&vm, 0);
	}
	testvm_close(&vm);

	ctl("fail " VM_INIT " code=5");
	if (testvm_create(&vm, 1, PROGRAM(off))) {
		check_errno(testvm_ioctl_start(&vm), EBUSY, "START");
		check_errno(read_crash_msg(&vm), ENODEV, "GET_CRASH_MSG of one that failed");
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

static void crash_message_refused(void)
{
	static const struct {
		const char *line;
		int err;
	} cases[] = {
		{ "fail " VM_GET_CRASH_MSG " code=0xffffffff", ENOTTY },
		{ "fail " VM_GET_CRASH_MSG " code=6", EINVAL },
		{ "fail " VM_GET_CRASH_MSG " code=1", ENOMEM },
		/* No code, only a code, no bytes, one too few, and one too many */
		{ "reply " VM_GET_CRASH_MSG " len=2", EBADMSG },
		{ "reply " VM_GET_CRASH_MSG " len=4", EBADMSG },
		{ "reply " VM_GET_CRASH_MSG " len=8", EBADMSG },
		{ "reply " VM_GET_CRASH_MSG " len=199", EBADMSG },
		{ "reply " VM_GET_CRASH_MSG " len=201", EBADMSG },
		{ "drop " VM_GET_CRASH_MSG, ETIMEDOUT },
	};
	unsigned int i, overdue;
	struct dump before;
	struct testvm vm;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	overdue = set_overdue(OVERDUE_MIN_MS);
	if (testvm_start(&vm, 1, PROGRAM(spin))) {
		leave_crash_msg(CRASH_MSG_MAX);
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			ctl("%s", cases[i].line);
			check_errno(read_crash_msg(&vm), cases[i].err, "\"%s\"", cases[i].line);
			check_crash_msg(&vm, CRASH_MSG_MAX);
		}
		check_status(&vm, GH_VM_STATUS_RUNNING);
	}
	testvm_close(&vm);
	set_overdue(overdue);
	dump_check_same(&before);
	dump_free(&before);
}

/* The VM, which is not the reader's alone, takes no notice. */
static void crash_message_reader_killed(void)
{
	struct dump before;
	struct testvm vm;
	int status = 0;
	pid_t pid;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	if (testvm_start(&vm, 1, PROGRAM(spin))) {
		leave_crash_msg(1);
		ctl("mute " VM_GET_CRASH_MSG);
		pid = fork();
		if (!pid)
			_exit(read_crash_msg(&vm) ? 1 : 0);
		if (check(pid > 0, "no process")) {
			wait_for_dump("muted\n", true);
			kill(pid, SIGKILL);
			check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
			      "it came back: status %#x", status);
		}
		ctl("clear");
		check_status(&vm, GH_VM_STATUS_RUNNING);
		check_crash_msg(&vm, 1);
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

/* What ends does so while others begin to wait: nobody may wait for ever. */
static bool one_race(unsigned int round, void *arg)
{
	struct waiters waiters;
	struct testvm vm;
	bool ok = false;

	(void)arg;
	if (testvm_start(&vm, 1, PROGRAM(off))) {
		waiters_start(&waiters, &vm, round % 2 ? WAITERS : 1);
		ok = testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		waiters_check(&waiters);
	}
	testvm_close(&vm);
	return ok;
}

static void waiting_races_with_the_end(void)
{
	dump_check_rounds(20, one_race, NULL);
}

static void bad_pointer(void)
{
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(ioctl(vm.fd, GH_VM_GET_STATUS, NULL), EFAULT, "GET_STATUS");
		check_errno(ioctl(vm.fd, GH_VM_GET_STATUS, -1UL), EFAULT, "GET_STATUS");
	}
	testvm_close(&vm);
}

static const struct tap_test tests[] = {
	{ "from new to exited", from_new_to_exited },
	{ "a power-off wakes all who poll", power_off_wakes },
	{ "a crash wakes who polls", crash_wakes },
	{ "a forced end wakes who polls", forced_end_wakes },
	{ "a failed START wakes who polls", failed_start_wakes },
	{ "a START that is refused early is none", early_refusal },
	{ "while START waits", starting },
	{ "unbinding the Resource Manager wakes who polls", unbinding_wakes },
	{ "epoll by edge and by level", edge_and_level },
	{ "crash messages", crash_messages },
	{ "no good answer to who reads a crash message", crash_message_refused },
	{ "who reads a crash message is killed", crash_message_reader_killed },
	{ "polls begin while VMs end", waiting_races_with_the_end },
	{ "bad pointers", bad_pointer },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
