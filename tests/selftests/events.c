// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfds, which take writes of the guest, and irqfds, which interrupt it.
 */

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "testvm.h"

/* INTID of SPI 0 */
#define FIRST_SPI		32

static int change_ioeventfd(struct testvm *vm, unsigned long request, int fd, u64 offset,
			    u32 len, const u64 *datamatch)
{
	struct gh_fn_ioeventfd_arg arg = {
		.addr = GUEST_PORT + offset,
		.len = len,
		.fd = fd,
	};

	if (datamatch) {
		arg.datamatch = *datamatch;
		arg.flags = GH_IOEVENTFD_FLAGS_DATAMATCH;
	}
	return testvm_function(vm->fd, request, GH_FN_IOEVENTFD, &arg, sizeof(arg));
}

static u64 signals(int fd)
{
	u64 value = 0;

	if (read(fd, &value, sizeof(value)) < 0 && errno != EAGAIN)
		check(false, "eventfd: errno %d", errno);
	return value;
}

/* Run all writes; the one numbered @taken comes to the eventfd, the others as exits. */
static void check_taken(u32 len, u64 offset, const u64 *datamatch, int taken)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct testvm vm;
	u64 count;
	int i;

	if (testvm_create(&vm, 1, PROGRAM(write)) &&
	    check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fd, offset, len, datamatch),
			0, "ADD_FUNCTION") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		for (i = 0; i < GUEST_WRITES; i++)
			if (i != taken && !testvm_expect(&vm, 0, &guest_writes[i]))
				break;
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		count = signals(fd);
		check(count == (taken >= 0), "%llu signals", count);
	}
	testvm_close(&vm);
	close(fd);
}

static void ioeventfd_length(void)
{
	check_taken(1, guest_writes[0].offset, NULL, 0);
	check_taken(8, guest_writes[3].offset, NULL, 3);
	check_taken(4, guest_writes[1].offset, NULL, -1);
	check_taken(0, guest_writes[2].offset, NULL, 2);
	check_taken(0, guest_writes[2].offset + 1, NULL, -1);
}

static void ioeventfd_datamatch(void)
{
	const u64 wrong = 0x8876;

	check_taken(2, guest_writes[1].offset, &guest_writes[1].value, 1);
	check_taken(8, guest_writes[3].offset, &guest_writes[3].value, 3);
	check_taken(2, guest_writes[1].offset, &wrong, -1);
}

static void ioeventfd_ignores_reads(void)
{
	const struct port_access access = { .offset = 0, .value = 0xa1, .len = 1 };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct testvm vm;

	if (testvm_create(&vm, 1, PROGRAM(read)) &&
	    check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fd, 0, 0, NULL), 0,
			"ADD_FUNCTION") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		testvm_expect(&vm, 0, &access);
		testvm_expect_out(&vm, 0, 0xa1);
		check(!signals(fd), "signalled by a read");
	}
	testvm_close(&vm);
	close(fd);
}

/* Added and removed while the guest runs. */
static void ioeventfd_comes_and_goes(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct testvm vm;

	if (!testvm_start(&vm, 1, PROGRAM(write)))
		goto out;
	testvm_expect(&vm, 0, &guest_writes[0]);
	check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fd, 8, 2, NULL), 0,
		    "ADD_FUNCTION");
	/* The second write is taken. */
	testvm_expect(&vm, 0, &guest_writes[2]);
	check(signals(fd) == 1, "not signalled");
	check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fd, 24, 8, NULL), 0,
		    "ADD_FUNCTION");
	check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 24, 0, NULL), 0,
		    "REMOVE_FUNCTION");
	testvm_expect(&vm, 0, &guest_writes[3]);
	check(!signals(fd), "signalled after removal");
	testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
out:
	testvm_close(&vm);
	close(fd);
}

/* A guest with two interrupts, both enabled. */
static bool start_irq_guest(struct testvm *vm, struct device **a, struct device **b)
{
	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1))
		return false;
	*a = testvm_add_irq(vm);
	*b = testvm_add_irq(vm);
	return *a && *b && testvm_load(vm, true, PROGRAM(irq)) && testvm_give(vm);
}

static void irqfd_interrupts(void)
{
	struct device *a, *b;
	struct testvm vm;
	unsigned int i;

	if (start_irq_guest(&vm, &a, &b) &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START") &&
	    testvm_expect_out(&vm, 0, 0))
		for (i = 0; i < 10; i++) {
			device_raise_irq(a);
			testvm_expect_out(&vm, 0, FIRST_SPI + a->irq);
			device_raise_irq(b);
			testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
		}
	testvm_close(&vm);
}

static void *raise_later(void *arg)
{
	sleep_ms(200);
	device_raise_irq(arg);
	return NULL;
}

/* The guest sleeps, and so does the thread that runs it. */
static void irqfd_wakes(void)
{
	struct device *a, *b;
	struct testvm vm;
	pthread_t thread;
	unsigned int i;

	if (!start_irq_guest(&vm, &a, &b) ||
	    !check_errno(testvm_ioctl_start(&vm), 0, "START") ||
	    !testvm_expect_out(&vm, 0, 0))
		goto out;
	for (i = 0; i < 5; i++) {
		if (!check(!pthread_create(&thread, NULL, raise_later, b), "no thread"))
			break;
		testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
		pthread_join(thread, NULL);
	}
out:
	testvm_close(&vm);
}

static void irqfd_before_start(void)
{
	struct device *a, *b;
	struct testvm vm;

	if (start_irq_guest(&vm, &a, &b)) {
		device_raise_irq(b);
		if (check_errno(testvm_ioctl_start(&vm), 0, "START") &&
		    testvm_expect_out(&vm, 0, 0))
			testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
	}
	testvm_close(&vm);
}

static const struct tap_test tests[] = {
	{ "ioeventfd: lengths", ioeventfd_length },
	{ "ioeventfd: datamatch", ioeventfd_datamatch },
	{ "ioeventfd: reads are not taken", ioeventfd_ignores_reads },
	{ "ioeventfd: added and removed while the guest runs", ioeventfd_comes_and_goes },
	{ "irqfd: interrupts a running guest", irqfd_interrupts },
	{ "irqfd: wakes a guest that waits", irqfd_wakes },
	{ "irqfd: signalled before START", irqfd_before_start },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
