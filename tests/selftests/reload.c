// SPDX-License-Identifier: GPL-2.0
/*
 * The drivers are loaded and unloaded 200 times, whatever state the queues are in, and go on
 * from there.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "leftover.h"
#include "modules.h"

/* 200 in all */
#define ROUNDS			134
#define ROUNDS_PER_LIFE		20
#define FULL_ROUNDS		30
#define LEFT_FULL_ROUNDS	10
#define NOT_EMPTY_ROUNDS	20

#define FUNCTION_MODULE		"gunyah_vcpu"

static bool check_life(const struct dump *before)
{
	live(LIFE_PLAIN, 0);
	return dump_check_same(before);
}

/* The Resource Manager's module and those that it needs */
static struct modules without_functions(const struct modules *all)
{
	struct modules core = { };
	unsigned int i = 0;

	while (i < all->count && strcmp(all->name[i], RM_MODULE))
		i++;
	for (; i < all->count; i++)
		strcpy(core.name[core.count++], all->name[i]);
	return core;
}

/* Functions are loaded only for VMs: that saves half of the time. */
static bool reload(const struct modules *all, unsigned int round, const struct dump *before)
{
	const struct modules core = without_functions(all);
	struct modules modules;

	if (round % ROUNDS_PER_LIFE)
		return modules_load(&core) && modules_unload(&modules);
	return modules_load(all) && check_life(before) && modules_unload(&modules);
}

static void again_and_again(void)
{
	struct timespec start;
	struct modules all;
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (modules_unload(&all)) {
		for (i = 1; i <= ROUNDS; i++) {
			tap_alive();
			if (!reload(&all, i, &before)) {
				note("in round %u", i);
				break;
			}
		}
		note("%u times in %ld s", ROUNDS, ms_since(&start) / 1000);
		modules_load(&all);
	}
	check_life(&before);
	dump_free(&before);
}

/* Requests wait until an earlier owner's are out of the queue. */
static bool load_full(const struct dump *before)
{
	struct modules modules;
	struct dump full = { };
	pid_t pid = 0;
	bool ok;

	tap_alive();
	if (!modules_unload(&modules))
		return false;
	ok = fill_queue(&full);
	ok &= modules_load(&modules);
	if (ok) {
		pid = start_in_child(LIFE_PLAIN);
		ok = pid && wait_for_count(&full, COUNT_SENDS, 1);
	}
	dump_free(&full);
	ctl("clear");
	if (pid)
		ok &= check(!child_result(pid), "START behind a full queue");
	return ok && dump_check_same(before);
}

static void loaded_full(void)
{
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < FULL_ROUNDS; i++)
		if (!load_full(&before))
			break;
	dump_free(&before);
}

/* It is full when they go, and no more when they come back. */
static void unloaded_full(void)
{
	struct modules modules;
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < LEFT_FULL_ROUNDS; i++) {
		tap_alive();
		if (!ctl("mute") || !ctl("fill"))
			break;
		if (!modules_unload(&modules) || !ctl("clear") || !modules_load(&modules) ||
		    !check_life(&before))
			break;
	}
	ctl("clear");
	dump_free(&before);
}

/* What an earlier owner left unread, and what came when there was none */
static void not_empty(void)
{
	static const char * const lines[] = {
		"notify 0x56100011 times=300",
		"notify 0x51234567 len=3000",
		"exited vm=" ANY_VMID " type=1 times=9",
		/* The beginning of a reply, an end of one, a reply, and noise */
		"raw hex=2106000020000056 len=240",
		"raw hex=2104000020000056 len=240 times=3",
		"raw hex=2102000001000056800000000000 times=8",
		"raw hex=ffff times=3",
	};
	struct modules modules;
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < NOT_EMPTY_ROUNDS; i++) {
		const char *line = lines[i % ARRAY_SIZE(lines)];

		tap_alive();
		if (!modules_unload(&modules) || !ctl("%s", line) ||
		    !modules_load(&modules) || !check_life(&before)) {
			note("with \"%s\"", line);
			break;
		}
	}
	dump_free(&before);
}

/* What the open file of a VM, or the one that VMs are made by, keeps: no module needs it. */
static void check_file_keeps_module(int fd)
{
	struct modules modules = { };

	if (check(fd >= 0, "no file") && check(modules_unload_unused(&modules), "all are gone"))
		check_errno(module_unload(RM_MODULE), EWOULDBLOCK, "unload of " RM_MODULE);
	close(fd);
	check(!modules_unload_unused(&modules), "not all are gone");
	modules_load(&modules);
}

static void check_function_keeps_module(void)
{
	check_errno(module_unload(FUNCTION_MODULE), EWOULDBLOCK, "unload of " FUNCTION_MODULE);
}

static void in_use(void)
{
	struct dump before;
	struct testvm vm;
	pid_t pid;

	if (!dump_take(&before))
		return;
	check_file_keeps_module(open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC));
	testvm_open(&vm);
	check_file_keeps_module(vm.fd);

	if (testvm_start(&vm, 1, PROGRAM(spin)))
		check_function_keeps_module();
	testvm_close(&vm);

	ctl("mute " VM_INIT);
	pid = start_in_child(LIFE_PLAIN);
	if (pid && wait_for_dump("muted\n", true))
		check_function_keeps_module();
	ctl("clear");
	if (pid)
		check(!child_result(pid), "START");
	check_life(&before);
	dump_free(&before);
}

/*
 * There is no file any more, but a VM that waits for the Resource Manager to take it down.
 * While it has its functions, their modules stay. After that, or when the device is gone, it
 * is not waited for without end; and what is said later is not for the next driver.
 */
static bool unload_in_flight(struct dump *before, const char *request, bool functions)
{
	struct modules modules;
	bool ok;
	pid_t pid;

	tap_alive();
	ctl("mute %s", request);
	pid = start_in_child(LIFE_STOPPED);
	ok = pid && wait_for_dump("muted\n", true);
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (functions) {
		check_function_keeps_module();
		ok &= rm_unbind();
	}
	ok &= modules_unload(&modules) && modules_load(&modules);
	ctl("clear");
	live(LIFE_PLAIN, 0);
	return check(leftover_give_back(before) >= 0, "something is left") && ok;
}

static void in_flight(void)
{
	static const struct {
		const char *request;
		bool functions;
	} cases[] = {
		{ VM_ALLOCATE, true },
		{ VM_STOP, true },
		{ VM_RESET, false },
		{ VM_DEALLOCATE, false },
	};
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!unload_in_flight(&before, cases[i].request, cases[i].functions))
			break;
	check_life(&before);
	dump_free(&before);
}

static const struct tap_test tests[] = {
	{ "unloaded and loaded again and again", again_and_again },
	{ "loaded with a full queue", loaded_full },
	{ "unloaded with a full queue", unloaded_full },
	{ "loaded with packets to receive", not_empty },
	{ "not unloaded while in use", in_use },
	{ "unloaded with a request in flight", in_flight },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
