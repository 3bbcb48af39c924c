// SPDX-License-Identifier: GPL-2.0
/*
 * What tests of a Resource Manager that misbehaves have in common.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "testmem.h"

#define OVERDUE_FILE		"/sys/module/gunyah_rsc_mgr/parameters/overdue_ms"

/* What is not expected to answer is not waited for any longer than this. */
#define OVERDUE_MS		300

#define WIDE_CPUS		TESTVM_MAX_CPUS

/* More pieces than fit into one request, in a place that the guest does not know of */
#define SCATTERED_PAGES		600
#define SCATTERED_SIZE		(SCATTERED_PAGES * SZ_4K)
#define SCATTERED_GPA		0xc0000000
#define SCATTERED_LABEL		77

#define POLL_MS			10
#define POLL_SECONDS		60

#define NO_START		255

/* Neighbours go to somebody else, so that each page is a piece of its own, if it stays there. */
static u8 *alloc_scattered(void)
{
	u8 *p = mmap(NULL, 2 * SCATTERED_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (!check(p != MAP_FAILED && !madvise(p, 2 * SCATTERED_SIZE, MADV_NOHUGEPAGE) &&
		   !madvise(p, 2 * SCATTERED_SIZE, MADV_DONTFORK), "no memory"))
		return NULL;
	for (i = 0; i < SCATTERED_SIZE; i += SZ_4K) {
		p[i] = 1;
		p[SCATTERED_SIZE + i] = 1;
	}
	return p;
}

static bool give_scattered(struct testvm *vm, u8 **memory)
{
	struct gh_userspace_memory_region region = {
		.label = SCATTERED_LABEL,
		.flags = GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE,
		.guest_phys_addr = SCATTERED_GPA,
		.memory_size = SCATTERED_SIZE,
	};

	*memory = alloc_scattered();
	if (!*memory)
		return false;
	region.userspace_addr = (unsigned long)*memory;
	return check_errno(ioctl(vm->fd, GH_VM_ANDROID_LEND_USER_MEM, &region), 0,
			   "LEND_USER_MEM");
}

static bool create(struct testvm *vm, enum life_kind life, u8 **memory)
{
	*memory = NULL;
	return testvm_create(vm, life == LIFE_WIDE ? WIDE_CPUS : 1,
			     life == LIFE_STOPPED ? PROGRAM(spin) : PROGRAM(off)) &&
	       (life != LIFE_SCATTERED || give_scattered(vm, memory));
}

/* Before START, and after it */
static void set_in_place(enum life_kind life, bool in_place)
{
	if (life == LIFE_SCATTERED)
		testmem_lend_in_place(in_place);
}

static int start(struct testvm *vm, enum life_kind life)
{
	int ret, err;

	set_in_place(life, true);
	ret = testvm_ioctl_start(vm);
	err = errno;
	set_in_place(life, false);
	errno = err;
	return ret;
}

void live(enum life_kind life, int err)
{
	struct testvm vm;
	u8 *memory;

	if (create(&vm, life, &memory) && check_errno(start(&vm, life), err, "START") && !err) {
		if (life == LIFE_STOPPED)
			testvm_expect_out(&vm, 0, GUEST_RAM_BASE + TESTVM_DTB);
		else
			testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
	if (memory)
		munmap(memory, 2 * SCATTERED_SIZE);
}

/* The kind of the child that is in START */
static enum life_kind child_life;

pid_t start_in_child(enum life_kind life)
{
	struct testvm vm;
	u8 *memory;
	pid_t pid;

	child_life = life;
	set_in_place(life, true);
	pid = fork();
	if (pid)
		return check(pid > 0, "no process") ? pid : 0;
	if (!create(&vm, life, &memory))
		_exit(NO_START);
	_exit(testvm_ioctl_start(&vm) ? errno : 0);
}

int child_result(pid_t pid)
{
	int status;
	bool ok;

	ok = waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	     WEXITSTATUS(status) != NO_START;
	set_in_place(child_life, false);
	if (!ok)
		return -1;
	return WEXITSTATUS(status);
}

/* The system call that a process waits in, and its second argument; -1 if it does not. */
static int syscall_of(pid_t pid, unsigned long *arg)
{
	char name[40];
	FILE *file;
	int nr = -1;

	snprintf(name, sizeof(name), "/proc/%d/syscall", pid);
	file = fopen(name, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d %*x %lx", &nr, arg) != 2)
		nr = -1;
	fclose(file);
	return nr;
}

static bool is_in_start(pid_t pid)
{
	unsigned long arg;

	return syscall_of(pid, &arg) == SYS_ioctl && arg == GH_VM_START;
}

static bool is_in_write(pid_t pid)
{
	unsigned long arg;

	return syscall_of(pid, &arg) == SYS_write;
}

static bool wait_for(bool (*is)(pid_t pid), bool wanted, pid_t pid)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (is(pid) != wanted) {
		if (!check(ms_since(&start) < POLL_SECONDS * 1000L, "the call is not %s",
			   wanted ? "reached" : "left"))
			return false;
		sleep_ms(POLL_MS);
	}
	return true;
}

bool wait_for_start(pid_t pid)
{
	return wait_for(is_in_start, true, pid);
}

bool wait_for_write(pid_t pid)
{
	return wait_for(is_in_write, true, pid);
}

void kill_child(pid_t pid)
{
	wait_for(is_in_start, true, pid);
	kill(pid, SIGKILL);
	wait_for(is_in_start, false, pid);
}

void bury_child(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
	      "START came back: status %#x", status);
	set_in_place(child_life, false);
}

/* Not all commands are armed; those that are for all requests stay so. */
static bool wait_for_fault(const char *line)
{
	return strstr(line, "count=0") || wait_for_dump("\narmed ", false);
}

void run_fault_cases(const struct fault_case *cases, unsigned int count)
{
	struct dump before;
	unsigned int i;
	bool ok = true;

	if (!dump_take(&before))
		return;
	for (i = 0; ok && i < count; i++) {
		const struct fault_case *c = &cases[i];

		tap_alive();
		ok = ctl("%s", c->line);
		if (ok) {
			live(c->life, c->err);
			ok = wait_for_fault(c->line);
		}
		ok &= ctl("clear") && dump_check_same(&before);
		check(ok, "with \"%s\"", c->line);
	}
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

void run_lost_cases(const struct fault_case *cases, unsigned int count)
{
	unsigned int overdue = set_overdue(OVERDUE_MS);

	run_fault_cases(cases, count);
	set_overdue(overdue);
}

bool wait_for_dump(const char *text, bool present)
{
	struct timespec start;
	struct dump dump;
	bool found;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (!dump_take(&dump))
			return false;
		found = strstr(dump.text, text);
		dump_free(&dump);
		if (found == present)
			return true;
		sleep_ms(POLL_MS);
	} while (ms_since(&start) < POLL_SECONDS * 1000L);
	return check(false, "\"%s\" in the dump: not %s", text, present ? "yes" : "no");
}

bool wait_for_count(const struct dump *before, const char *name, long more)
{
	struct timespec start;
	struct dump now;
	long count;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (!dump_take(&now))
			return false;
		count = dump_count(&now, name) - dump_count(before, name);
		dump_free(&now);
	} while (count < more && ms_since(&start) < POLL_SECONDS * 1000L);
	return check(count >= more, "%s: only %ld more", name, count);
}

bool fill_queue(struct dump *full)
{
	return ctl("mute") && ctl("fill") && dump_take(full);
}

unsigned int set_overdue(unsigned int ms)
{
	unsigned int old = 0;
	FILE *file;

	if (!ms)
		return 0;
	file = fopen(OVERDUE_FILE, "r+e");
	if (!check(file, OVERDUE_FILE ": errno %d", errno))
		return 0;
	if (fscanf(file, "%u", &old) == 1) {
		rewind(file);
		fprintf(file, "%u\n", ms);
	}
	check(!fclose(file) && old, OVERDUE_FILE " is not as it should be");
	return old;
}

int fault_main(const struct tap_test *tests, unsigned int count)
{
	if (!ctl_supported())
		return tap_skip_all("no control channel");
	ctl_try("clear");
	set_overdue(OVERDUE_DEFAULT_MS);
	return testvm_main(tests, count);
}

long ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
	       (now.tv_nsec - start->tv_nsec) / 1000000;
}
