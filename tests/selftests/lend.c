// SPDX-License-Identifier: GPL-2.0
/*
 * Lent memory is gone from the host while the guest has it, and comes back; shared memory
 * stays.
 */

#include <errno.h>
#include <signal.h>

#include "dump.h"
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

/* Start the guest and let it read and write its data; it then waits for an answer. */
static bool run_to_middle(struct testvm *vm, bool lend)
{
	const struct port_access stop = { .len = 8 };

	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1) ||
	    !testvm_load(vm, lend, PROGRAM(memory)))
		return false;
	*guest_data(vm) = HOST_VALUE;
	if (!testvm_give(vm))
		return false;
	if (testvm_ioctl_start(vm)) {
		if (lend || errno != ENOSPC)
			check_errno(-1, 0, "START");
		else
			skip("this Resource Manager boots no shared memory");
		return false;
	}
	return testvm_expect_out(vm, 0, HOST_VALUE) && testvm_expect(vm, 0, &stop);
}

static void lent(void)
{
	long aborts = count_aborts();
	struct testvm vm;
	u64 offset;
	int sig;

	if (!run_to_middle(&vm, true))
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
		check(aborts == 10, "%ld aborts in the hypervisor", aborts);
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

static void shared(void)
{
	struct testvm vm;

	if (run_to_middle(&vm, false)) {
		u64 value = __atomic_load_n(guest_data(&vm) + 1, __ATOMIC_SEQ_CST);

		check(value == ~HOST_VALUE, "guest wrote %#llx", value);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static const struct tap_test tests[] = {
	{ "lent memory is gone until the end", lent },
	{ "shared memory is shared", shared },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
