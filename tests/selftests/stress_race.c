// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that turn themselves off while their last file is closed. Which comes first is seen
 * in what became of the STOP that the driver sends for a VM that runs.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "fault.h"
#include "stress.h"
#include "testvm.h"

#define RACES			1000

#define NS_PER_S		1000000000L
#define STEP_MIN_NS		1000
#define STEP_MAX_NS		(10 * NS_PER_S)

/* The Resource Manager's answer, if the VM does not run */
#define RM_ERROR_STATE		0x14

enum outcome {
	OFF_WITHOUT_STOP,	/* the driver knew */
	OFF_BEFORE_STOP,	/* it did not know yet: the STOP was refused */
	STOPPED,
	OUTCOMES
};

/*
 * When to close, in ns from when the guest may run; less than 0 if that is earlier. Closing
 * too early or too late makes the next attempt later or earlier; by twice as much as the last
 * time if that was on the same side, and half as much if not.
 */
static struct search {
	long at;
	long step;
	int side;
} search;

struct racer {
	struct testvm vm;
	pthread_t thread;
	bool ready;
	long go;		/* when the race begins */
	int err;
};

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void wait_until(long ns)
{
	while (now_ns() < ns)
		;
}

static void search_next(enum outcome outcome)
{
	int side = (outcome == STOPPED) - (outcome == OFF_WITHOUT_STOP);

	if (side && side == search.side)
		search.step *= 2;
	else
		search.step /= 2;
	if (search.step < STEP_MIN_NS)
		search.step = STEP_MIN_NS;
	if (search.step > STEP_MAX_NS)
		search.step = STEP_MAX_NS;
	search.at += side * search.step;
	search.side = side;
}

/*
 * Its file may be closed before RUN, and it may not run any more. What else there is to be
 * told would be in the run page, which nobody has.
 */
static void *run_racer(void *arg)
{
	struct racer *racer = arg;
	long go;

	__atomic_store_n(&racer->ready, true, __ATOMIC_RELEASE);
	while (!(go = __atomic_load_n(&racer->go, __ATOMIC_ACQUIRE)))
		;
	wait_until(go - search.at);
	racer->err = testvm_run(&racer->vm, 0) ? errno : 0;
	return NULL;
}

/* The thread is what uses the VM's files, after they were closed. */
static bool racer_start(struct racer *racer)
{
	*racer = (struct racer) { };
	if (!testvm_start(&racer->vm, 1, PROGRAM(off)) ||
	    !check(!munmap(racer->vm.run[0], racer->vm.run_size), "no munmap"))
		return false;
	racer->vm.run[0] = NULL;
	return check(!pthread_create(&racer->thread, NULL, run_racer, racer), "no thread");
}

static void racer_go(struct racer *racer)
{
	while (!__atomic_load_n(&racer->ready, __ATOMIC_ACQUIRE))
		sched_yield();
	__atomic_store_n(&racer->go, now_ns(), __ATOMIC_RELEASE);
}

static void close_files(struct racer *racer)
{
	close(racer->vm.vcpu_fd[0]);
	racer->vm.cpus = 0;
	close(racer->vm.fd);
	racer->vm.fd = -1;
}

static bool racer_end(struct racer *racer)
{
	pthread_join(racer->thread, NULL);
	testvm_close(&racer->vm);
	return check(!racer->err || racer->err == ENODEV || racer->err == EBADF,
		     "RUN: errno %d", racer->err);
}

/* The answer to the last STOP, if that is none that was seen before; else -1. */
static int last_stop(const struct dump *dump)
{
	static unsigned long seen;
	unsigned long nr, last = seen;
	const char *line = dump->text;
	unsigned int code;
	int answer = -1;

	while (line && *line) {
		if (sscanf(line, "count trace %lu %*x VM_STOP vm %*u code %x", &nr, &code) == 2 &&
		    nr > last) {
			last = nr;
			answer = code;
		}
		line = strchr(line, '\n');
		line += !!line;
	}
	seen = last;
	return answer;
}

static int last_stop_now(void)
{
	struct dump dump;
	int answer = -1;

	if (dump_take(&dump))
		answer = last_stop(&dump);
	dump_free(&dump);
	return answer;
}

static unsigned int outcomes[OUTCOMES];

static bool race(unsigned int round)
{
	enum outcome outcome = OFF_WITHOUT_STOP;
	struct racer racer;
	int answer;
	bool ok;

	(void)round;
	if (!racer_start(&racer)) {
		testvm_close(&racer.vm);
		return false;
	}
	racer_go(&racer);
	wait_until(racer.go + search.at);
	close_files(&racer);
	ok = racer_end(&racer);

	answer = last_stop_now();
	if (answer >= 0)
		outcome = answer ? OFF_BEFORE_STOP : STOPPED;
	outcomes[outcome]++;
	search_next(outcome);
	return ok && check(answer <= 0 || answer == RM_ERROR_STATE, "STOP: %#x", answer);
}

void stress_races(void)
{
	search = (struct search) { .step = NS_PER_S / 1000 };
	memset(outcomes, 0, sizeof(outcomes));
	last_stop_now();
	stress_rounds(RACES, race);
	note("off without a STOP: %u, STOP was refused: %u, stopped: %u",
	     outcomes[OFF_WITHOUT_STOP], outcomes[OFF_BEFORE_STOP], outcomes[STOPPED]);
	note("in the end closed %ld us after the guest may run", search.at / 1000);
	check(outcomes[OFF_WITHOUT_STOP] + outcomes[OFF_BEFORE_STOP], "no guest was faster");
	check(outcomes[STOPPED], "no STOP was faster");
}

/* The guest has turned itself off, but the driver is not told until it has asked for a stop. */
static void stop_late(struct racer *racer)
{
	struct dump held;

	if (!wait_for_dump("state EXITED", true) || !dump_take(&held))
		return;
	close_files(racer);
	wait_for_count(&held, "rpc VM_STOP", 1);
	dump_free(&held);
	check(last_stop_now() == RM_ERROR_STATE, "STOP was not refused");
}

void stress_stop_refused(void)
{
	struct stress stress;
	struct racer racer;
	bool held;

	if (!stress_begin(&stress))
		return;
	search.at = 0;
	last_stop_now();
	if (racer_start(&racer)) {
		held = ctl("hold");
		racer_go(&racer);
		if (held)
			stop_late(&racer);
		ctl("release");
		racer_end(&racer);
	} else {
		testvm_close(&racer.vm);
	}
	stress_end(&stress);
}
