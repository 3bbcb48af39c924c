// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfds, which take writes of the guest, irqfds, which interrupt it, and bellfds, which it
 * rings.
 */

#include <errno.h>
#include <libfdt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kicker.h"
#include "testvm.h"

/* INTID of SPI 0 */
#define FIRST_SPI		32

#define MANY_VALUES		128
#define MANY_IRQFDS		64
#define STRESS_ROUNDS		300

#define BELL_LABEL		0x51
#define WAIT_MS			60000

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

/* One of all queues is taken, each has its own value; REMOVE by value leaves the others. */
static void ioeventfd_many_values(void)
{
	int fds[3] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK),
		       eventfd(0, EFD_NONBLOCK) };
	const u64 right = guest_writes[2].value;
	struct testvm vm;
	u64 value;

	if (!testvm_create(&vm, 1, PROGRAM(write)))
		goto out;
	for (value = right - MANY_VALUES / 2; value < right + MANY_VALUES / 2; value++)
		check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fds[value == right], 16, 4,
					     &value), 0, "ADD of %#llx", value);
	/* Another length there is another queue. */
	check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, fds[2], 16, 8, &right), 0, "ADD");
	for (value = right - MANY_VALUES / 2; value < right; value++)
		check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 16, 4, &value), 0,
			    "REMOVE of %#llx", value);
	value = 0;
	check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 16, 4, &value), ENOENT,
		    "REMOVE of a value that nobody waits for");
	check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 16, 2, &right), ENOENT,
		    "REMOVE of another length");
	if (check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		testvm_expect(&vm, 0, &guest_writes[0]);
		testvm_expect(&vm, 0, &guest_writes[1]);
		testvm_expect(&vm, 0, &guest_writes[3]);
		check(signals(fds[1]) == 1 && !signals(fds[0]) && !signals(fds[2]),
		      "not the right eventfd was signalled");
	}
	/* The address alone means all of them. */
	check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 16, 0, NULL), 0, "REMOVE");
	check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 16, 0, NULL), ENOENT,
		    "REMOVE again");
out:
	testvm_close(&vm);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
}

/* A thread that runs one of two vCPUs which count at an address each. */
struct counter {
	pthread_t thread;
	struct testvm *vm;
	unsigned int cpu;
	int fd;			/* takes its writes while there is an ioeventfd */
	atomic_ullong exits;
	atomic_ullong taken;
	atomic_bool stop;
};

/* Each write is either an exit or a signal: none is lost, none comes twice. */
static void *run_counter(void *arg)
{
	struct counter *counter = arg;
	const struct gh_vcpu_run *run = counter->vm->run[counter->cpu];
	u64 value;

	while (!atomic_load(&counter->stop)) {
		if (testvm_run(counter->vm, counter->cpu)) {
			check(errno == EINTR, "RUN: errno %d", errno);
			continue;
		}
		memcpy(&value, run->mmio.data, sizeof(value));
		counter->taken += signals(counter->fd);
		if (!check(run->exit_reason == GH_VCPU_EXIT_MMIO &&
			   value == counter->exits + counter->taken,
			   "vCPU %u: write %llu after %llu exits and %llu signals", counter->cpu,
			   value, atomic_load(&counter->exits),
			   atomic_load(&counter->taken)))
			break;
		counter->exits++;
	}
	return NULL;
}

static bool start_counters(struct testvm *vm, struct counter *counters)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		counters[i].vm = vm;
		counters[i].cpu = i;
		counters[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		atomic_init(&counters[i].stop, false);
		if (!check(!pthread_create(&counters[i].thread, NULL, run_counter, &counters[i]),
			   "no thread"))
			_exit(1);
	}
	return true;
}

/* A vCPU whose writes are taken does not come back by itself. */
static void stop_counters(struct counter *counters)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		atomic_store(&counters[i].stop, true);
		counters[i].vm->run[i]->immediate_exit = 1;
		pthread_kill(counters[i].thread, SIGUSR1);
		pthread_join(counters[i].thread, NULL);
		note("vCPU %u: %llu exits, %llu signals", i, atomic_load(&counters[i].exits),
		     atomic_load(&counters[i].taken));
		close(counters[i].fd);
	}
}

static void ignore_signal(int sig)
{
	(void)sig;
}

static bool is_enough(const struct counter *counters)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (counters[i].exits < STRESS_ROUNDS || counters[i].taken < STRESS_ROUNDS)
			return false;
	return true;
}

static void ioeventfd_stress(void)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	struct counter counters[2] = { };
	unsigned int i, cpu;
	struct testvm vm;

	sigaction(SIGUSR1, &action, NULL);
	if (testvm_start(&vm, 2, PROGRAM(counts)) && start_counters(&vm, counters)) {
		for (i = 0; i < STRESS_ROUNDS || !is_enough(counters); i++) {
			cpu = i % 2;
			check_errno(change_ioeventfd(&vm, GH_VM_ADD_FUNCTION, counters[cpu].fd,
						     GUEST_PORT_OUT + 8 * cpu, 8, NULL), 0, "ADD");
			sleep_ms(i % 4);
			check_errno(change_ioeventfd(&vm, GH_VM_REMOVE_FUNCTION, -1,
						     GUEST_PORT_OUT + 8 * cpu, 0, NULL), 0,
				    "REMOVE");
			sleep_ms(i % 3);
		}
		stop_counters(counters);
	}
	testvm_close(&vm);
}

/*
 * Doorbells that the guest rings
 */

static int change_bellfd(struct testvm *vm, unsigned long request, int fd, u32 label)
{
	const struct gh_fn_bellfd_arg arg = { .fd = fd, .label = label };

	return testvm_function(vm->fd, request, GH_FN_BELLFD, &arg, sizeof(arg));
}

/* The guest rings; whoever runs it goes on when it says that it did. */
static void ring(struct testvm *vm, u64 flags)
{
	const struct port_access what = { .len = 8, .value = flags };

	testvm_expect(vm, 0, &what);
	testvm_expect_out(vm, 0, 0);
}

/* The interrupt may come a little after the guest has gone on. */
static void check_rung(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	check(poll(&poll_fd, 1, WAIT_MS) == 1, "not signalled");
	check(signals(fd) == 1, "signalled more than once");
}

static void check_rings(struct testvm *vm, int fd)
{
	ring(vm, 1);
	check_rung(fd);
	ring(vm, 1ULL << 63);
	check_rung(fd);
	check_errno(change_bellfd(vm, GH_VM_REMOVE_FUNCTION, -1, BELL_LABEL), 0, "REMOVE");
	ring(vm, 2);
	check(!signals(fd), "signalled after REMOVE");
	/* What was rung meanwhile is not lost. */
	check_errno(change_bellfd(vm, GH_VM_ADD_FUNCTION, fd, BELL_LABEL), 0, "ADD");
	check_rung(fd);
	ring(vm, 4);
	check_rung(fd);
	testvm_power_off(vm);
}

static void bellfd_rings(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct testvm vm;

	if (testvm_open(&vm) && testvm_add_cpus(&vm, 1) &&
	    testvm_load(&vm, true, PROGRAM(ring)) && testvm_describe_bell(&vm, BELL_LABEL) &&
	    testvm_give(&vm) &&
	    check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, fd, BELL_LABEL), 0, "ADD") &&
	    check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, fd, BELL_LABEL), EEXIST,
			"ADD again") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START"))
		check_rings(&vm, fd);
	testvm_close(&vm);
	close(fd);
}

static void bellfd_arguments(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const struct gh_fn_bellfd_arg flags = { .fd = fd, .flags = 1 };
	const struct gh_fn_bellfd_arg padding = { .fd = fd, .padding = 1 };
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_BELLFD, &flags,
					    sizeof(flags)), EINVAL, "flags");
		check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_BELLFD, &padding,
					    sizeof(padding)), EINVAL, "padding");
		check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_BELLFD, &flags, 12),
			    EINVAL, "size");
		check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, -1, 1), EBADF, "no file");
		check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, vm.fd, 1), EINVAL,
			    "no eventfd");
		check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, fd, 1), 0, "ADD");
		check_errno(change_bellfd(&vm, GH_VM_ADD_FUNCTION, fd, 2), 0, "ADD of another");
		check_errno(change_bellfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 1), 0, "REMOVE");
		check_errno(change_bellfd(&vm, GH_VM_REMOVE_FUNCTION, -1, 1), ENOENT, "again");
	}
	testvm_close(&vm);
	close(fd);
}

/*
 * irqfds
 */

static int change_irqfd(struct testvm *vm, unsigned long request, int fd, u32 label, u32 flags)
{
	const struct gh_fn_irqfd_arg arg = { .fd = fd, .label = label, .flags = flags };

	return testvm_function(vm->fd, request, GH_FN_IRQFD, &arg, sizeof(arg));
}

static void signal_event(int fd)
{
	const u64 one = 1;

	check(write(fd, &one, sizeof(one)) == sizeof(one), "eventfd: errno %d", errno);
}

/* The guest waits, and nothing ends that. */
static void check_waits(struct testvm *vm)
{
	struct kicker kicker;

	if (!kick_later(&kicker, vm->run[0]))
		return;
	check_errno(testvm_run(vm, 0), EINTR, "RUN of a guest that waits");
	kick_done(&kicker);
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

/* Before START, nobody knows the doorbell; after it, it rings at once. Either is delivered. */
static void irqfd_after_start(void)
{
	int first = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int second = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct device *a, *b;
	struct testvm vm;

	if (!start_irq_guest(&vm, &a, &b) ||
	    !check_errno(testvm_ioctl_start(&vm), 0, "START") || !testvm_expect_out(&vm, 0, 0))
		goto out;
	check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, b->irq, 0), 0, "REMOVE");
	device_raise_irq(b);
	/* Signalled already, and its file closed while it is in use */
	check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, first, b->irq, 0), 0, "ADD");
	close(first);
	first = -1;
	testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
	check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, b->irq, 0), 0, "REMOVE");
	check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, second, b->irq, 0), 0, "ADD");
	signal_event(second);
	testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
	/* The one that was not touched */
	device_raise_irq(a);
	testvm_expect_out(&vm, 0, FIRST_SPI + a->irq);
out:
	testvm_close(&vm);
	if (first >= 0)
		close(first);
	close(second);
}

/* Both are rung by one signal, whichever the guest hears of first. */
static void irqfds_of_one_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct device *a, *b;
	struct testvm vm;

	if (!start_irq_guest(&vm, &a, &b) ||
	    !check_errno(testvm_ioctl_start(&vm), 0, "START") || !testvm_expect_out(&vm, 0, 0))
		goto out;
	check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, a->irq, 0), 0, "REMOVE");
	check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, b->irq, 0), 0, "REMOVE");
	check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, fd, a->irq, 0), 0, "ADD");
	check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, fd, b->irq, 0), 0, "ADD");
	signal_event(fd);
	/* The GIC gives out the lower number first. */
	testvm_expect_out(&vm, 0, FIRST_SPI + a->irq);
	testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
	check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, a->irq, 0), 0, "REMOVE");
	signal_event(fd);
	testvm_expect_out(&vm, 0, FIRST_SPI + b->irq);
out:
	/* Still used by the VM */
	close(fd);
	testvm_close(&vm);
}

/* More of them than a guest has; before START, after it, VM and file closed in either order. */
static void many_irqfds(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct testvm vms[2];
	unsigned int i;
	u32 label;

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		if (!testvm_create(&vms[i], 1, PROGRAM(off)))
			continue;
		for (label = 0; label < MANY_IRQFDS; label++)
			check_errno(change_irqfd(&vms[i], GH_VM_ADD_FUNCTION, fd, label, 0), 0,
				    "ADD %u", label);
		signal_event(fd);
		if (check_errno(testvm_ioctl_start(&vms[i]), 0, "START"))
			testvm_expect_end(&vms[i], 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		for (label = 0; label < MANY_IRQFDS; label += 2)
			check_errno(change_irqfd(&vms[i], GH_VM_REMOVE_FUNCTION, -1, label, 0), 0,
				    "REMOVE %u", label);
	}
	signal_event(fd);
	testvm_close(&vms[1]);
	signal_event(fd);
	close(fd);
	testvm_close(&vms[0]);
}

/* The doorbell of the guest's second interrupt by level, with or without the right to mask it */
static bool start_level_guest(struct testvm *vm, struct device **dev, bool may_mask)
{
	const fdt32_t interrupt[] = { 0, cpu_to_fdt32(2), cpu_to_fdt32(4) };
	struct device *other;
	int node, err;
	void *fdt;

	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1))
		return false;
	other = testvm_add_irq(vm);
	*dev = testvm_add_irq(vm);
	if (!other || !*dev || !testvm_load(vm, true, PROGRAM(levels)))
		return false;
	fdt = vm->ram.hva + TESTVM_DTB;
	node = fdt_path_offset(fdt, "/gunyah-vm-config/vdevices/bell-2");
	err = fdt_setprop_inplace(fdt, node, "interrupts", interrupt, sizeof(interrupt));
	if (!err && !may_mask)
		err = fdt_nop_property(fdt, node, "source-can-clear");
	if (!check(!err, "devicetree: %s", fdt_strerror(err)) || !testvm_give(vm))
		return false;
	return check_errno(change_irqfd(vm, GH_VM_REMOVE_FUNCTION, -1, (*dev)->irq, 0), 0,
			   "REMOVE");
}

/* One interrupt for each signal, and none that nobody sent. */
static void irqfd_level(void)
{
	const struct port_access more = { .len = 4, .value = 1 }, no_more = { .len = 4 };
	struct device *dev;
	struct testvm vm;
	unsigned int i;

	if (start_level_guest(&vm, &dev, true) &&
	    check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, dev->irq_fd, dev->irq,
				     GH_IRQFD_FLAGS_LEVEL), 0, "ADD") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START") && testvm_expect_out(&vm, 0, 0)) {
		for (i = 0; i < 3; i++) {
			device_raise_irq(dev);
			testvm_expect_out(&vm, 0, FIRST_SPI + dev->irq);
			testvm_expect(&vm, 0, &more);
		}
		/* It waits now, which a line that stays up would end. */
		check_waits(&vm);
		device_raise_irq(dev);
		testvm_expect_out(&vm, 0, FIRST_SPI + dev->irq);
		testvm_expect(&vm, 0, &no_more);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

/* START does not fail for it, as VMMs are used to; who adds it later is told. */
static void irqfd_level_refused(void)
{
	struct device *dev;
	struct testvm vm;

	if (start_level_guest(&vm, &dev, false) &&
	    check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, dev->irq_fd, dev->irq,
				     GH_IRQFD_FLAGS_LEVEL), 0, "ADD before START") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START") && testvm_expect_out(&vm, 0, 0)) {
		check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, dev->irq, 0), 0,
			    "REMOVE");
		check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, dev->irq_fd, dev->irq,
					 GH_IRQFD_FLAGS_LEVEL), EACCES, "ADD after START");
		/* Nothing is left of it. */
		check_errno(change_irqfd(&vm, GH_VM_REMOVE_FUNCTION, -1, dev->irq, 0), ENOENT,
			    "REMOVE of what was refused");
		check_errno(change_irqfd(&vm, GH_VM_ADD_FUNCTION, dev->irq_fd, dev->irq, 0), 0,
			    "ADD as edge");
		device_raise_irq(dev);
		testvm_expect_out(&vm, 0, FIRST_SPI + dev->irq);
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
	{ "irqfd: removed and added after START", irqfd_after_start },
	{ "irqfd: two of one eventfd", irqfds_of_one_eventfd },
	{ "irqfd: many of one eventfd, in two VMs", many_irqfds },
	{ "irqfd: by level", irqfd_level },
	{ "irqfd: by level without the right", irqfd_level_refused },
	{ "ioeventfd: many values at one address", ioeventfd_many_values },
	{ "ioeventfd: added and removed while two vCPUs write", ioeventfd_stress },
	{ "bellfd: rung by the guest", bellfd_rings },
	{ "bellfd: arguments", bellfd_arguments },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
