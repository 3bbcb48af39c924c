// SPDX-License-Identifier: GPL-2.0
/*
 * VMs from creation to the end: what guests do is seen, how they end is told, and nothing
 * is left behind.
 */

#include <errno.h>
#include <unistd.h>

#include "dump.h"
#include "testvm.h"

#define ROUNDS			20

/* Power off or reset, and what is said of it. */
static void check_end(struct guest_program program, u16 exit_type)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, program)) {
		testvm_expect_end(&vm, 0, exit_type);
		/* Once ended, it stays so. */
		testvm_expect_end(&vm, 0, exit_type);
		check_errno(testvm_ioctl_start(&vm), ENODEV, "START after the end");
	}
	testvm_close(&vm);
}

static void power_off(void)
{
	check_end(PROGRAM(off), GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static void reset(void)
{
	check_end(PROGRAM(reset), GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET);
}

static void mmio_write(void)
{
	struct testvm vm;
	size_t i;

	if (testvm_start(&vm, 1, PROGRAM(write))) {
		for (i = 0; i < GUEST_WRITES; i++)
			if (!testvm_expect(&vm, 0, &guest_writes[i]))
				break;
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static void mmio_read(void)
{
	static const struct port_access accesses[] = {
		{ .offset = 0,	.value = 0xa1,			.len = 1 },
		{ .offset = 8,	.value = 0xb2b1,		.len = 2 },
		{ .offset = 16,	.value = 0xc4c3c2c1,		.len = 4 },
		{ .offset = 24,	.value = 0xd8d7d6d5d4d3d2d1,	.len = 8 },
	};
	struct testvm vm;
	size_t i;

	if (testvm_start(&vm, 1, PROGRAM(read))) {
		/* What the guest puts out shows what it got: no more than it asked for. */
		for (i = 0; i < ARRAY_SIZE(accesses); i++)
			if (!testvm_expect(&vm, 0, &accesses[i]) ||
			    !testvm_expect_out(&vm, 0, accesses[i].value))
				break;
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static void start_twice(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(write)))
		check_errno(testvm_ioctl_start(&vm), 0, "START again");
	testvm_close(&vm);
}

/* Closed while the guest has not even been run once, and while it is half-way. */
static void close_running(void)
{
	struct testvm vm;

	testvm_start(&vm, 1, PROGRAM(count));
	testvm_close(&vm);

	if (testvm_start(&vm, 1, PROGRAM(count))) {
		testvm_expect_out(&vm, 0, 0);
		testvm_expect_out(&vm, 0, 1);
	}
	testvm_close(&vm);
}

static void close_unstarted(void)
{
	struct testvm vm;

	testvm_open(&vm);
	testvm_close(&vm);

	testvm_create(&vm, 2, PROGRAM(off));
	testvm_close(&vm);
}

/* A vCPU's file alone keeps the struct alive, not the guest. */
static void close_vm_file_first(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(count))) {
		testvm_expect_out(&vm, 0, 0);
		close(vm.fd);
		vm.fd = -1;
		check_errno(testvm_run(&vm, 0), ENODEV, "RUN without the VM file");
	}
	testvm_close(&vm);
}

static bool one_of_many(unsigned int round, void *arg)
{
	struct testvm vm;

	(void)arg;
	if (testvm_start(&vm, 1 + round % 2, PROGRAM(off)))
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
	return true;
}

static void again_and_again(void)
{
	dump_check_rounds(ROUNDS, one_of_many, NULL);
}

static void two_at_once(void)
{
	struct testvm a, b;
	bool started;
	unsigned int i;

	started = testvm_start(&a, 1, PROGRAM(count));
	started &= testvm_start(&b, 1, PROGRAM(count));
	for (i = 0; started && i < 10; i++) {
		testvm_expect_out(&a, 0, i);
		testvm_expect_out(&b, 0, i);
	}
	testvm_close(&a);
	if (started)
		testvm_expect_out(&b, 0, 10);
	testvm_close(&b);
}

static const struct tap_test tests[] = {
	{ "power off", power_off },
	{ "reset", reset },
	{ "MMIO writes of all sizes", mmio_write },
	{ "MMIO reads of all sizes", mmio_read },
	{ "START twice", start_twice },
	{ "close while the guest runs", close_running },
	{ "close before the start", close_unstarted },
	{ "close the VM file before the vCPU's", close_vm_file_first },
	{ "two VMs at once", two_at_once },
	{ "20 VMs in turn leave nothing behind", again_and_again },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
