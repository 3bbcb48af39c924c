// SPDX-License-Identifier: GPL-2.0
/*
 * Running vCPUs: several at once, and what ends GH_VCPU_RUN from outside.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testvm.h"

#define NUDGE_SIGNAL		SIGUSR1
#define NUDGE_MS		20

/* INTID of SPI 0 */
#define FIRST_SPI		32

static void do_nothing(int sig)
{
	(void)sig;
}

/* A thread that sends signals to another, or writes to a page, until it is told to stop. */
struct nudger {
	pthread_t thread;
	pthread_t victim;
	u8 *page;
	atomic_bool stop;
};

static void *nudge(void *arg)
{
	struct nudger *nudger = arg;

	while (!atomic_load(&nudger->stop)) {
		sleep_ms(NUDGE_MS);
		pthread_kill(nudger->victim, NUDGE_SIGNAL);
	}
	return NULL;
}

static bool start_nudging(struct nudger *nudger)
{
	/* Nor is RUN restarted: whoever called it wants to know. */
	const struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };

	sigaction(NUDGE_SIGNAL, &action, NULL);
	nudger->victim = pthread_self();
	atomic_init(&nudger->stop, false);
	return check(!pthread_create(&nudger->thread, NULL, nudge, nudger), "no thread");
}

static void stop_nudging(struct nudger *nudger)
{
	atomic_store(&nudger->stop, true);
	pthread_join(nudger->thread, NULL);
}

/* Signals end RUN, each time, and the guest can be run again. */
static void check_signal(struct testvm *vm, unsigned int cpu)
{
	struct nudger nudger;
	unsigned int i;

	if (!start_nudging(&nudger))
		return;
	for (i = 0; i < 10; i++)
		check_errno(testvm_run(vm, cpu), EINTR, "RUN of vCPU %u", cpu);
	stop_nudging(&nudger);
}

static void signal_spinning(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(spin))) {
		testvm_expect_out(&vm, 0, GUEST_RAM_BASE + TESTVM_DTB);
		check_signal(&vm, 0);
	}
	testvm_close(&vm);
}

static void signal_waiting(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(wait))) {
		testvm_expect_out(&vm, 0, GUEST_RAM_BASE + TESTVM_DTB);
		check_signal(&vm, 0);
	}
	testvm_close(&vm);
}

/* The second CPU was not turned on by the guest. */
static void signal_powered_off(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 2, PROGRAM(wait))) {
		testvm_expect_out(&vm, 0, GUEST_RAM_BASE + TESTVM_DTB);
		check_signal(&vm, 1);
	}
	testvm_close(&vm);
}

static void immediate_exit(void)
{
	struct testvm vm;
	unsigned int i;

	if (testvm_start(&vm, 1, PROGRAM(count))) {
		for (i = 0; i < 10; i++) {
			vm.run[0]->immediate_exit = 1;
			check_errno(testvm_run(&vm, 0), EINTR, "RUN");
			vm.run[0]->immediate_exit = 0;
			testvm_expect_out(&vm, 0, i);
		}
	}
	testvm_close(&vm);
}

/* The length in the run page is the kernel's to say, and not asked back. */
static void wrong_length(void)
{
	const struct port_access access = { .offset = 0, .value = 0xa1, .len = 1 };
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(read)) && testvm_expect(&vm, 0, &access)) {
		vm.run[0]->mmio.len = 4096;
		testvm_expect_out(&vm, 0, 0xa1);
	}
	testvm_close(&vm);
}

/* A thread that runs a vCPU until RUN fails. */
struct runner {
	pthread_t thread;
	struct testvm *vm;
	unsigned int cpu;
	int err;
};

static void *run_until_error(void *arg)
{
	struct runner *runner = arg;

	while (!testvm_run(runner->vm, runner->cpu))
		;
	runner->err = errno;
	return NULL;
}

static void check_ends_run(struct guest_program program,
			   void (*end_it)(struct testvm *vm))
{
	struct runner runner = { };
	struct testvm vm;

	if (testvm_start(&vm, 1, program)) {
		runner.vm = &vm;
		if (check(!pthread_create(&runner.thread, NULL, run_until_error, &runner),
			  "no thread")) {
			sleep_ms(200);
			end_it(&vm);
			pthread_join(runner.thread, NULL);
			check(runner.err == ENODEV, "RUN ended with errno %d", runner.err);
		}
	}
	testvm_close(&vm);
}

static void remove_vcpu(struct testvm *vm)
{
	const struct gh_fn_vcpu_arg arg = { .id = 0 };

	check_errno(testvm_function(vm->fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &arg,
				    sizeof(arg)), 0, "REMOVE_FUNCTION");
}

static void close_vm_file(struct testvm *vm)
{
	close(vm->fd);
	vm->fd = -1;
}

static void remove_while_running(void)
{
	check_ends_run(PROGRAM(spin), remove_vcpu);
	check_ends_run(PROGRAM(wait), remove_vcpu);
	check_ends_run(PROGRAM(count), remove_vcpu);
}

static void close_while_running(void)
{
	check_ends_run(PROGRAM(spin), close_vm_file);
	check_ends_run(PROGRAM(wait), close_vm_file);
	check_ends_run(PROGRAM(count), close_vm_file);
}

/* A second CPU: it puts something out, turns itself off, and then the VM ends. */
static void *run_secondary(void *arg)
{
	struct runner *runner = arg;

	testvm_expect_out(runner->vm, runner->cpu, GUEST_CONTEXT + runner->cpu);
	testvm_expect_end(runner->vm, runner->cpu, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	return NULL;
}

static void check_cpus(unsigned int cpus)
{
	const struct port_access number = { .offset = 0, .value = cpus, .len = 8 };
	struct runner runners[TESTVM_MAX_CPUS] = { };
	struct testvm vm;
	unsigned int i;

	if (testvm_start(&vm, cpus, PROGRAM(cpus))) {
		for (i = 1; i < cpus; i++) {
			runners[i].vm = &vm;
			runners[i].cpu = i;
			if (!check(!pthread_create(&runners[i].thread, NULL, run_secondary,
						   &runners[i]), "no thread"))
				_exit(1);
		}
		testvm_expect(&vm, 0, &number);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		for (i = 1; i < cpus; i++)
			pthread_join(runners[i].thread, NULL);
	}
	testvm_close(&vm);
}

/* The guest suspends itself, and goes on where it was when it is interrupted. */
static void suspended(void)
{
	struct device *dev;
	struct testvm vm;
	unsigned int i;

	if (!testvm_open(&vm) || !testvm_add_cpus(&vm, 1))
		goto out;
	dev = testvm_add_irq(&vm);
	if (!dev || !testvm_load(&vm, true, PROGRAM(suspend)) || !testvm_give(&vm) ||
	    !check_errno(testvm_ioctl_start(&vm), 0, "START") || !testvm_expect_out(&vm, 0, 0))
		goto out;
	for (i = 0; i < 3; i++) {
		check_signal(&vm, 0);
		device_raise_irq(dev);
		/* PSCI says SUCCESS. */
		if (!testvm_expect_out(&vm, 0, 0) ||
		    !testvm_expect_out(&vm, 0, FIRST_SPI + dev->irq))
			break;
	}
out:
	testvm_close(&vm);
}

/* Given up and taken again, it goes on where it was; so it does in another thread. */
static void added_again(void)
{
	const struct gh_fn_vcpu_arg arg = { .id = 0 };
	struct testvm vm;
	unsigned int i;

	if (!testvm_start(&vm, 1, PROGRAM(count)))
		goto out;
	for (i = 0; i < 20; i++) {
		if (!testvm_expect_out(&vm, 0, i))
			break;
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &arg,
					    sizeof(arg)), 0, "REMOVE");
		check_errno(testvm_run(&vm, 0), ENODEV, "RUN after REMOVE");
		munmap(vm.run[0], vm.run_size);
		close(vm.vcpu_fd[0]);
		vm.cpus = 0;
		if (!testvm_add_cpus(&vm, 1))
			break;
	}
out:
	testvm_close(&vm);
}

/* Another thread writes what it likes to the page all the time. */
static void *scribble(void *arg)
{
	struct nudger *nudger = arg;
	unsigned int i = 0;

	while (!atomic_load(&nudger->stop)) {
		i = (i + 1) % sizeof(struct gh_vcpu_run);
		/* What would be said in answer to an exit, and who wants to leave, stays. */
		if (i && (i < offsetof(struct gh_vcpu_run, mmio.data) ||
			  i >= offsetof(struct gh_vcpu_run, mmio.data) + 8) &&
		    i != offsetof(struct gh_vcpu_run, mmio.resume_action))
			__atomic_store_n(&nudger->page[i], i * 37, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What the guest reads is right whatever else the page says meanwhile. */
static void untrusted_page(void)
{
	struct nudger nudger = { };
	const u64 data = 0x8877665544332211;
	struct testvm vm;
	unsigned int i, len;

	if (!testvm_start(&vm, 1, PROGRAM(read)))
		goto out;
	nudger.page = (u8 *)vm.run[0];
	atomic_init(&nudger.stop, false);
	if (!check(!pthread_create(&nudger.thread, NULL, scribble, &nudger), "no thread"))
		goto out;
	for (i = 0, len = 1; i < 4; i++, len *= 2) {
		u64 want = len == 8 ? data : data & ((1ULL << 8 * len) - 1), got;

		if (!check_errno(testvm_run(&vm, 0), 0, "RUN: read of %u bytes", len))
			break;
		memcpy(vm.run[0]->mmio.data, &data, sizeof(data));
		if (!check_errno(testvm_run(&vm, 0), 0, "RUN: write"))
			break;
		memcpy(&got, vm.run[0]->mmio.data, sizeof(got));
		check(got == want, "%#llx read, not %#llx", got, want);
	}
	stop_nudging(&nudger);
out:
	testvm_close(&vm);
}

static void two_cpus(void)
{
	check_cpus(2);
}

static void four_cpus(void)
{
	check_cpus(4);
}

/* As many as the hypervisor has for a VM */
static void all_cpus(void)
{
	check_cpus(TESTVM_MAX_CPUS);
}

static const struct tap_test tests[] = {
	{ "2 vCPUs", two_cpus },
	{ "4 vCPUs", four_cpus },
	{ "as many vCPUs as there can be", all_cpus },
	{ "a signal ends RUN of a busy vCPU", signal_spinning },
	{ "a signal ends RUN of a waiting vCPU", signal_waiting },
	{ "a signal ends RUN of a vCPU that is off", signal_powered_off },
	{ "immediate_exit", immediate_exit },
	{ "length changed in the run page", wrong_length },
	{ "run page that another thread writes to", untrusted_page },
	{ "suspended by PSCI, resumed by an interrupt", suspended },
	{ "vCPU removed and added while the VM runs", added_again },
	{ "vCPU removed while it runs", remove_while_running },
	{ "VM file closed while its vCPU runs", close_while_running },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
