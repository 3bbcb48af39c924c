// SPDX-License-Identifier: GPL-2.0
/*
 * A process that is killed leaves nothing of its VM behind.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dump.h"
#include "testmem.h"
#include "testvm.h"

#define ROUNDS			5

/* In the child: never returns. */
static void be_vmm(int ready, bool start_first, struct guest_program program)
{
	struct testvm vm;

	if (!testvm_create(&vm, 1, program))
		_exit(1);
	if (start_first && testvm_ioctl_start(&vm))
		_exit(1);
	/* The test is about what comes next. */
	if (write(ready, "", 1) != 1)
		_exit(1);
	if (!start_first && testvm_ioctl_start(&vm))
		_exit(1);
	while (!testvm_run(&vm, 0))
		;
	_exit(1);
}

/* Start a VMM, and kill it when that long has passed since it was ready. */
static bool kill_vmm(bool start_first, unsigned int ms, struct guest_program program)
{
	int status, ready[2];
	bool ok;
	char c;
	pid_t pid;

	if (!check(!pipe(ready), "no pipe"))
		return false;
	pid = fork();
	if (!pid)
		be_vmm(ready[1], start_first, program);
	close(ready[1]);
	ok = check(pid > 0, "no process") &&
	     check(read(ready[0], &c, 1) == 1, "the VMM did not come to life");
	close(ready[0]);
	if (pid <= 0)
		return false;
	sleep_ms(ms);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ok && check(WIFSIGNALED(status), "the VMM ended by itself, status %#x", status);
}

struct kill_arg {
	bool start_first;
	unsigned int step_ms;
	struct guest_program program;
};

static bool kill_one(unsigned int round, void *arg)
{
	const struct kill_arg *kill = arg;

	return kill_vmm(kill->start_first, round * kill->step_ms, kill->program);
}

static void check_kills(bool start_first, unsigned int step_ms,
			struct guest_program program)
{
	struct kill_arg arg = { start_first, step_ms, program };

	dump_check_rounds(ROUNDS, kill_one, &arg);
}

static void busy(void)
{
	check_kills(true, 50, PROGRAM(spin));
}

static void waiting(void)
{
	check_kills(true, 50, PROGRAM(wait));
}

static void exiting(void)
{
	check_kills(true, 50, PROGRAM(count));
}

/* At moments from the beginning of START until after it. */
static void starting(void)
{
	check_kills(false, 3, PROGRAM(spin));
}

/* Pinned memory, which is neither copied nor mapped anew */
static void kill_in_place(void)
{
	busy();
	starting();
}

static void in_place(void)
{
	testmem_run_in_place(kill_in_place);
}

static const struct tap_test tests[] = {
	{ "killed while the guest is busy", busy },
	{ "killed while the guest waits", waiting },
	{ "killed while the guest makes exits", exiting },
	{ "killed while the guest is started", starting },
	{ "killed with memory that is lent in place", in_place },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
