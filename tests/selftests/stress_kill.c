// SPDX-License-Identifier: GPL-2.0
/*
 * VMMs that are killed, each step of their VM's life by turns, at a random moment of it.
 */

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "stress.h"
#include "testvm.h"

#define KILLS			200
#define WAIT_MS			60000

enum step {
	STEP_CREATE,
	STEP_GIVE_MEMORY,
	STEP_START,
	STEP_RUN,
	STEP_EXIT,
	STEP_CLOSE,
	STEPS
};

static const char *const step_names[STEPS] = {
	"create", "give memory", "start", "run", "exit", "close",
};

/* What the VMM does, for the process that kills it; it goes on from one VMM to the next. */
static struct progress {
	enum step step;
	unsigned int number;	/* of steps so far */
	long us[STEPS];		/* how long each took the last time */
} *progress;

static unsigned int hits[STEPS];

static long us_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000;
}

static bool create(struct testvm *vm)
{
	return testvm_open(vm) && testvm_add_cpus(vm, 1);
}

static bool give_memory(struct testvm *vm)
{
	return testvm_load(vm, true, PROGRAM(write)) && testvm_give(vm);
}

static bool start(struct testvm *vm)
{
	return !testvm_ioctl_start(vm);
}

static bool run(struct testvm *vm)
{
	return testvm_expect(vm, 0, &guest_writes[0]) && testvm_expect(vm, 0, &guest_writes[1]);
}

static bool run_to_the_end(struct testvm *vm)
{
	return testvm_expect(vm, 0, &guest_writes[2]) && testvm_expect(vm, 0, &guest_writes[3]) &&
	       testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static bool close_it(struct testvm *vm)
{
	testvm_close(vm);
	return true;
}

static bool (*const steps[STEPS])(struct testvm *vm) = {
	[STEP_CREATE]		= create,
	[STEP_GIVE_MEMORY]	= give_memory,
	[STEP_START]		= start,
	[STEP_RUN]		= run,
	[STEP_EXIT]		= run_to_the_end,
	[STEP_CLOSE]		= close_it,
};

static bool make_step(struct testvm *vm, enum step step)
{
	struct timespec since;
	bool ok;

	__atomic_store_n(&progress->step, step, __ATOMIC_RELAXED);
	__atomic_add_fetch(&progress->number, 1, __ATOMIC_RELEASE);
	clock_gettime(CLOCK_MONOTONIC, &since);
	ok = steps[step](vm);
	__atomic_store_n(&progress->us[step], us_since(&since), __ATOMIC_RELAXED);
	return ok;
}

/* In the child: never returns. Every other VM is closed while it runs. */
static void be_vmm(void)
{
	unsigned int lives;
	struct testvm vm;
	enum step step;

	for (lives = 0;; lives++)
		for (step = 0; step < STEPS; step++)
			if ((step != STEP_EXIT || lives % 2) && !make_step(&vm, step))
				_exit(1);
}

static enum step step_now(void)
{
	return __atomic_load_n(&progress->step, __ATOMIC_RELAXED);
}

static unsigned int steps_so_far(void)
{
	return __atomic_load_n(&progress->number, __ATOMIC_ACQUIRE);
}

/* It comes again and again; not the one that an earlier VMM was killed in. */
static bool wait_for_step(enum step step, unsigned int number)
{
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	while (steps_so_far() == number || step_now() != step) {
		if (!check(ms_since(&since) < WAIT_MS, "the VMM does not come to \"%s\"",
			   step_names[step]))
			return false;
		sched_yield();
	}
	return true;
}

static void spin_us(long us)
{
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	while (us_since(&since) < us)
		;
}

static bool kill_in_step(unsigned int round)
{
	unsigned int number = steps_so_far();
	enum step step = round % STEPS;
	int status;
	pid_t pid;
	bool ok;

	pid = fork();
	if (!pid)
		be_vmm();
	if (!check(pid > 0, "no process"))
		return false;
	ok = wait_for_step(step, number);
	if (ok)
		spin_us(stress_random(__atomic_load_n(&progress->us[step], __ATOMIC_RELAXED) + 1));
	kill(pid, SIGKILL);
	ok &= check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		    "the VMM ended by itself, status %#x", status);
	hits[step_now()]++;
	return ok;
}

/* One VMM that nobody kills in its first two lives says how long each step takes. */
static bool measure(void)
{
	struct timespec since;
	int status;
	pid_t pid;
	bool ok;

	pid = fork();
	if (!pid)
		be_vmm();
	if (!check(pid > 0, "no process"))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &since);
	while (steps_so_far() < 2 * STEPS && ms_since(&since) < WAIT_MS)
		sleep_ms(1);
	ok = check(steps_so_far() >= 2 * STEPS, "the VMM does not come to its third VM");
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && ok;
}

void stress_kills(void)
{
	struct stress stress;
	enum step step;
	unsigned int i;
	bool ok;

	if (!stress_begin(&stress))
		return;
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok = check(progress != MAP_FAILED, "no memory") && measure();
	for (i = 0; ok && i < stress_times(KILLS); i++) {
		tap_alive();
		ok = stress_move_or_not(i) && check(kill_in_step(i), "in round %u", i + 1);
	}
	for (step = 0; ok && step < STEPS; step++) {
		note("%u killed in step \"%s\", which takes %ld us", hits[step], step_names[step],
		     progress->us[step]);
		check(hits[step], "nobody was killed in step \"%s\"", step_names[step]);
	}
	munmap(progress, sizeof(*progress));
	stress_end(&stress);
}
