// SPDX-License-Identifier: GPL-2.0
/*
 * Lent memory is gone from the host while the guest has it, and comes back; shared memory
 * stays.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "dump.h"
#include "testmem.h"
#include "testvm.h"

#define HOST_VALUE		0x0123456789abcdefULL
#define ABORTS			"aborts-on-lent-memory"

static long count_aborts(void)
{
	struct dump dump;
	long count = -1;

	if (dump_supported() && dump_take(&dump)) {
		count = dump_count(&dump, ABORTS);
		check(count >= 0, "no count of aborts in the dump");
		dump_free(&dump);
	}
	return count;
}

static u64 *guest_data(struct testvm *vm)
{
	return (u64 *)(vm->ram.hva + GUEST_DATA);
}

static bool make(struct testvm *vm, bool lend)
{
	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1) ||
	    !testvm_load(vm, lend, PROGRAM(memory)))
		return false;
	*guest_data(vm) = HOST_VALUE;
	return testvm_give(vm);
}

/* Let the guest read and write its data; it then waits for an answer. */
static bool run_to_middle(struct testvm *vm)
{
	const struct port_access stop = { .len = 8 };

	return testvm_expect_out(vm, 0, HOST_VALUE) && testvm_expect(vm, 0, &stop);
}

/* By the kernel, which knows of memory that has moved; or by the hypervisor, else. */
static void check_lent(long wanted_aborts)
{
	long aborts = count_aborts();
	struct testvm vm;
	u64 offset;
	int sig;

	if (!make(&vm, true) || !check_errno(testvm_ioctl_start(&vm), 0, "START") ||
	    !run_to_middle(&vm))
		goto out;

	/* Beginning, program, data, devicetree, end: all of it is gone. */
	for (offset = 0; offset < TESTVM_MEM_SIZE; offset += TESTVM_MEM_SIZE / 8) {
		sig = access_signal(vm.ram.hva + offset, false);
		check(sig == SIGBUS, "read at %#llx: signal %d", offset, sig);
	}
	sig = access_signal(guest_data(&vm), false);
	check(sig == SIGBUS, "read: signal %d", sig);
	sig = access_signal(guest_data(&vm), true);
	check(sig == SIGBUS, "write: signal %d", sig);
	if (aborts >= 0) {
		aborts = count_aborts() - aborts;
		check(aborts == wanted_aborts, "%ld aborts in the hypervisor, not %ld", aborts,
		      wanted_aborts);
	}
	testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);

	testvm_close_files(&vm);
	for (offset = 0; offset < TESTVM_MEM_SIZE; offset += SZ_4K) {
		sig = access_signal(vm.ram.hva + offset, true);
		if (!check(!sig, "write after the end at %#llx: signal %d", offset, sig))
			break;
	}
out:
	testvm_close(&vm);
}

static void lent(void)
{
	check_lent(0);
}

static void check_lent_in_place(void)
{
	check_lent(10);
}

static void lent_in_place(void)
{
	testmem_run_in_place(check_lent_in_place);
}

/* A production Resource Manager boots no shared memory, and the host keeps it. */
static void check_refused(struct testvm *vm)
{
	int sig;

	check_errno(testvm_ioctl_start(vm), ENOSPC, "START");
	sig = access_signal(guest_data(vm), true);
	check(!sig, "write after START failed: signal %d", sig);
}

static void check_shared(struct testvm *vm)
{
	u64 value;

	if (!run_to_middle(vm))
		return;
	value = __atomic_load_n(guest_data(vm) + 1, __ATOMIC_SEQ_CST);
	check(value == ~HOST_VALUE, "guest wrote %#llx", value);
	testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static void shared(void)
{
	const char *options = test_options();
	struct testvm vm;

	if (!make(&vm, false))
		goto out;
	if (options && !strstr(options, "rm=debug"))
		check_refused(&vm);
	else if (!testvm_ioctl_start(&vm))
		check_shared(&vm);
	else if (!options && errno == ENOSPC)
		skip("this Resource Manager boots from lent memory only");
	else
		check_errno(-1, 0, "START");
out:
	testvm_close(&vm);
}

static const struct tap_test tests[] = {
	{ "lent memory is gone until the end", lent },
	{ "memory lent in place is gone until the end", lent_in_place },
	{ "shared memory is shared, or refused", shared },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
