// SPDX-License-Identifier: GPL-2.0
/*
 * Lives of VMs, many of them: one after the other, all at once, two by turns. What else is
 * done to many VMs is in other files. Nothing is left of any.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "dump.h"
#include "fault.h"
#include "modules.h"
#include "stress.h"
#include "testmem.h"
#include "testvm.h"
#include "vm.h"

#define CREATIONS		10000
/* Of these every so many have all that they need to be started. */
#define CREATION_CONFIGURED	50
#define LIVES			300

/* So many rounds in which lent memory moves, then as many in which it does not; and so on */
#define ROUNDS_MOVED		6

/* As many as there are VMIDs for */
#define MAX_VMS			63

static unsigned int first_seed;
static unsigned int seed;

/* Different in each run, and told, so that a run can be repeated. */
static void choose_seed(void)
{
	const char *text = getenv("GUNYAH_SEED");
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	first_seed = text ? strtoul(text, NULL, 0) : (unsigned int)(now.tv_sec ^ now.tv_nsec);
}

unsigned int stress_random(unsigned int limit)
{
	return rand_r(&seed) % limit;
}

unsigned int stress_times(unsigned int n)
{
	const char *factor = getenv("GUNYAH_STRESS");

	return n * (factor ? strtoul(factor, NULL, 0) : 1);
}

bool stress_begin(struct stress *stress)
{
	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return false;
	}
	seed = first_seed;
	note("GUNYAH_SEED=%u", seed);
	stress->users = modules_users();
	stress->locked = testmem_locked();
	clock_gettime(CLOCK_MONOTONIC, &stress->start);
	return dump_take(&stress->before);
}

void stress_end(struct stress *stress)
{
	testmem_lend_in_place(false);
	note("%ld s", ms_since(&stress->start) / 1000);
	dump_check_same(&stress->before);
	modules_check_users(stress->users);
	testmem_check_locked(stress->locked, "in the end");
	dump_free(&stress->before);
}

bool stress_move_or_not(unsigned int round)
{
	return testmem_lend_in_place(round / ROUNDS_MOVED % 2);
}

void stress_rounds(unsigned int rounds, bool (*run)(unsigned int round))
{
	struct stress stress;
	unsigned int i;

	if (!stress_begin(&stress))
		return;
	for (i = 0; i < stress_times(rounds); i++) {
		tap_alive();
		if (!stress_move_or_not(i) || !run(i)) {
			note("in round %u", i + 1);
			break;
		}
	}
	stress_end(&stress);
}

static int device;

static bool create_bare(void)
{
	int fd = ioctl(device, GH_CREATE_VM, 0);

	return check(fd >= 0, "CREATE_VM: errno %d", errno) && !close(fd);
}

static bool create_and_close(unsigned int round)
{
	struct testvm vm;
	bool ok;

	if (round % CREATION_CONFIGURED)
		return create_bare();
	ok = testvm_create(&vm, 2, PROGRAM(off));
	testvm_close(&vm);
	return ok;
}

static void creations(void)
{
	device = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	stress_rounds(CREATIONS, create_and_close);
	close(device);
}

/* Every third is stopped. */
static bool live_once(unsigned int round)
{
	struct testvm vm;
	bool ok;

	ok = testvm_start(&vm, 1 + round % 2, PROGRAM(off));
	if (ok && round % 3)
		ok = testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
	return ok;
}

static void lives(void)
{
	stress_rounds(LIVES, live_once);
}

/*
 * All run, one more does not; they are closed in the order in which they came, or not. Memory
 * of every other one stays where it is.
 */
static bool all_at_once(unsigned int round)
{
	static struct testvm vms[MAX_VMS + 1];
	unsigned int n, i;
	bool ok = true;

	for (n = 0; ok && n < MAX_VMS; n++) {
		tap_alive();
		ok = testmem_lend_in_place(n % 2) && testvm_start(&vms[n], 1, PROGRAM(count));
	}
	if (ok) {
		ok = testvm_create(&vms[n], 1, PROGRAM(count)) &&
		     check_errno(testvm_ioctl_start(&vms[n]), ENOSPC, "START of one too many");
		n++;
	}
	for (i = 0; ok && i < MAX_VMS; i++)
		ok = testvm_expect_out(&vms[i], 0, 0);
	for (i = 0; ok && i < MAX_VMS; i++)
		ok = testvm_expect_out(&vms[MAX_VMS - 1 - i], 0, 1);
	for (i = 0; i < n; i++)
		testvm_close(&vms[round % 2 ? n - 1 - i : i]);
	return ok;
}

static void many_vms(void)
{
	stress_rounds(2, all_at_once);
}

/*
 * Two VMs by turns
 */

static bool step_create(struct testvm *vm)
{
	return testvm_open(vm) && testvm_add_cpus(vm, 1);
}

static bool step_regions(struct testvm *vm)
{
	return testvm_load(vm, true, PROGRAM(write)) && testvm_give(vm);
}

static bool step_start(struct testvm *vm)
{
	return check_errno(testvm_ioctl_start(vm), 0, "START");
}

static bool step_run(struct testvm *vm)
{
	unsigned int i;

	for (i = 0; i < GUEST_WRITES; i++)
		if (!testvm_expect(vm, 0, &guest_writes[i]))
			return false;
	return true;
}

static bool step_exit(struct testvm *vm)
{
	return testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static bool step_close(struct testvm *vm)
{
	testvm_close(vm);
	return true;
}

static bool (*const steps[])(struct testvm *vm) = {
	step_create, step_regions, step_start, step_run, step_exit, step_close,
};

#define STEPS			ARRAY_SIZE(steps)
/* Of 12 steps 6 are those of one VM; the first step is, as otherwise they swap names. */
#define ORDERS			462

/* The next larger number with as many bits that are set */
static unsigned int next_order(unsigned int bits)
{
	unsigned int low = bits & -bits, carry = bits + low;

	return carry | (bits ^ carry) / low >> 2;
}

/* Bit N is step N: whether it is the second VM's. Bit 0 is not set. */
static bool live_by_turns(unsigned int round)
{
	static unsigned int order;
	struct testvm vms[2] = { { .fd = -1 }, { .fd = -1 } };
	unsigned int done[2] = { }, i, who;
	bool ok = true;

	order = round % ORDERS ? next_order(order) : (1U << STEPS) - 1;
	for (i = 0; ok && i < 2 * STEPS; i++) {
		who = order << 1 >> i & 1;
		ok = check(steps[done[who]](&vms[who]), "order %#x: step %u of VM %u", order,
			   done[who], who);
		done[who]++;
	}
	testvm_close(&vms[0]);
	testvm_close(&vms[1]);
	return ok;
}

static void by_turns(void)
{
	stress_rounds(ORDERS, live_by_turns);
}

static const struct tap_test tests[] = {
	{ "10,000 VMs are created and closed", creations },
	{ "300 VMs are started and ended", lives },
	{ "63 VMs at once, but not 64", many_vms },
	{ "two VMs with their steps in any order", by_turns },
	{ "killed at 200 random moments", stress_kills },
	{ "1,000 ends that race with the last close", stress_races },
	{ "a STOP that comes too late", stress_stop_refused },
	{ "8 threads that ask one VM for anything for two minutes", stress_nonsense },
};

int main(void)
{
	choose_seed();
	return fault_main(tests, ARRAY_SIZE(tests));
}
