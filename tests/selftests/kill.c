// SPDX-License-Identifier: GPL-2.0
/*
 * A process that is killed leaves nothing of its VM behind.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump.h"
#include "testvm.h"

#define ROUNDS			5

static void sleep_us(unsigned int us)
{
	const struct timespec time = {
		.tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000L,
	};

	nanosleep(&time, NULL);
}

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
static bool kill_vmm(bool start_first, unsigned int us, struct guest_program program)
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
	sleep_us(us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ok && check(WIFSIGNALED(status), "the VMM ended by itself, status %#x", status);
}

static void check_kills(bool start_first, unsigned int step_us,
			struct guest_program program)
{
	struct dump before;
	unsigned int i;

	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return;
	}
	if (!dump_take(&before))
		return;
	for (i = 0; i < ROUNDS; i++) {
		if (!kill_vmm(start_first, i * step_us, program) ||
		    !dump_check_same(&before)) {
			note("in round %u", i + 1);
			break;
		}
	}
	dump_free(&before);
}

static void busy(void)
{
	check_kills(true, 50000, PROGRAM(spin));
}

static void waiting(void)
{
	check_kills(true, 50000, PROGRAM(wait));
}

static void exiting(void)
{
	check_kills(true, 50000, PROGRAM(count));
}

/* At moments from the beginning of START until after it. */
static void starting(void)
{
	check_kills(false, 3000, PROGRAM(spin));
}

static const struct tap_test tests[] = {
	{ "killed while the guest is busy", busy },
	{ "killed while the guest waits", waiting },
	{ "killed while the guest makes exits", exiting },
	{ "killed while the guest is started", starting },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
