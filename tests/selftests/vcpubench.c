// SPDX-License-Identifier: GPL-2.0
/*
 * What exits of vCPUs and interrupts of guests cost: instructions that the primary executes at
 * EL0 and EL1, hypercalls, and time. No figure is too high, but no hypercall may be made that is
 * not needed, and the counter has to count what it says.
 *
 *	gunyah_vcpubench [OPERATIONS]
 *
 * does as many of each. Other work of the machine is counted, too: the fewer CPUs, the better.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "counts.h"
#include "dump.h"
#include "testvm.h"

#define ROUNDS			5
/* To tell the guest what to do, and to hear that it is done */
#define EXTRA_RUNS		3
#define DEFAULT_OPERATIONS	10000

/* Of the loops that show what is counted; a share of them may be other work */
#define LOOP_TIMES		10000000ULL
#define LOOP_SLACK		(LOOP_TIMES / 10)
#define LOOP_INSTRUCTIONS	2
#define GUEST_INSTRUCTIONS	3

/* INTID of SPI 0 */
#define FIRST_SPI		32

/* Memory of the guest that it can write to */
#define GUEST_WORD		(GUEST_RAM_BASE + TESTVM_MEM_SIZE - sizeof(u64))

static u64 operations = DEFAULT_OPERATIONS;

/**
 * struct operation - what is measured
 * @what: as it is called in the table
 * @bell_sends: hypercalls it needs
 * @vcpu_runs: the same
 * @run: does it so many times
 */
struct operation {
	const char *what;
	unsigned int bell_sends;
	unsigned int vcpu_runs;
	bool (*run)(struct testvm *vm, u64 times);
};

static double each(u64 total)
{
	return (double)total / operations;
}

/* A vCPU is left for each interrupt of the primary, and has to be run again. */
static void check_hypercalls(const struct operation *op, const struct counts *counts)
{
	u64 runs = op->vcpu_runs * operations;
	u64 most = runs + counts->interrupts + EXTRA_RUNS;

	if (!dump_supported())
		return;
	check(counts->bell_sends == op->bell_sends * operations, "%s: %llu doorbells rung",
	      op->what, counts->bell_sends);
	check(counts->vcpu_runs >= runs && counts->vcpu_runs <= most,
	      "%s: %llu runs, %llu interrupts", op->what, counts->vcpu_runs, counts->interrupts);
	check(!counts->other_hypercalls, "%s: %llu other hypercalls", op->what,
	      counts->other_hypercalls);
}

/* The round with the least instructions, which has the least of what is not of the operation. */
static bool measure(struct testvm *vm, const struct operation *op)
{
	struct counts best = {}, counts;
	u64 most = 0;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		tap_alive();
		if (!counts_begin(&counts) || !op->run(vm, operations) || !counts_end(&counts))
			return false;
		check_hypercalls(op, &counts);
		if (!i || counts.instructions < best.instructions)
			best = counts;
		if (counts.instructions > most)
			most = counts.instructions;
	}
	note("%-46s %12.0f %7.0f %7.0f %8.3f %9.3f", op->what, each(best.instructions), each(most),
	     each(best.ns), each(best.vcpu_runs), each(best.bell_sends));
	return true;
}

static bool measure_all(struct testvm *vm, const struct operation *op, unsigned int count)
{
	while (count--)
		if (!measure(vm, op++))
			return false;
	return true;
}

/*
 * Exits: the program "repeat"
 */

/* The guest's next run begins with this. */
static bool tell_guest(struct testvm *vm, u64 address, u64 times)
{
	const struct port_access first = { .len = 8, .value = address };
	const struct port_access second = { .len = 8, .value = times };

	return testvm_expect(vm, 0, &first) && testvm_expect(vm, 0, &second);
}

static bool run_exits(struct testvm *vm, u64 address, bool is_write, u64 times)
{
	const struct gh_vcpu_run *run = vm->run[0];

	if (!tell_guest(vm, address, times))
		return false;
	address &= ~1ULL;
	while (times--)
		if (testvm_run(vm, 0) || run->exit_reason != GH_VCPU_EXIT_MMIO ||
		    run->mmio.phys_addr != address || run->mmio.is_write != is_write)
			return check(false, "%llu exits are missing", times + 1);
	return testvm_expect_out(vm, 0, 0);
}

static bool mmio_write(struct testvm *vm, u64 times)
{
	return run_exits(vm, GUEST_PORT + GUEST_PORT_IN, true, times);
}

static bool mmio_read(struct testvm *vm, u64 times)
{
	return run_exits(vm, (GUEST_PORT + GUEST_PORT_IN) | 1, false, times);
}

static int doorbell = -1;

static bool ioeventfd_hit(struct testvm *vm, u64 times)
{
	u64 signals = 0;

	return tell_guest(vm, GUEST_PORT + GUEST_PORT_NOTIFY, times) &&
	       testvm_expect_out(vm, 0, 0) &&
	       check(read(doorbell, &signals, sizeof(signals)) == sizeof(signals) &&
		     signals == times, "%llu signals", signals);
}

/* For comparison */
static bool no_run(struct testvm *vm, u64 times)
{
	int ret = -1;

	vm->run[0]->immediate_exit = 1;
	while (times-- && ret)
		ret = testvm_run(vm, 0);
	vm->run[0]->immediate_exit = 0;
	return check_errno(ret, EINTR, "RUN with immediate_exit");
}

static bool system_call(struct testvm *vm, u64 times)
{
	(void)vm;
	while (times--)
		syscall(SYS_getppid);
	return true;
}

static void heading(void)
{
	note("%llu times each; the least of %u rounds, and the most", operations, ROUNDS);
	note("%-46s %12s %7s %7s %8s %9s", "", "instructions", "", "ns", "vcpu_run", "bell_send");
}

static const struct operation exits[] = {
	{ "system call", 0, 0, system_call },
	{ "RUN that does not enter", 0, 0, no_run },
	{ "MMIO write, to userspace and back", 0, 1, mmio_write },
	{ "MMIO read, to userspace and back", 0, 1, mmio_read },
	{ "ioeventfd hit", 0, 1, ioeventfd_hit },
};

static bool add_ioeventfd(struct testvm *vm)
{
	struct gh_fn_ioeventfd_arg arg = { .addr = GUEST_PORT + GUEST_PORT_NOTIFY, .len = 8 };

	doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	arg.fd = doorbell;
	return check_errno(testvm_function(vm->fd, GH_VM_ADD_FUNCTION, GH_FN_IOEVENTFD, &arg,
					   sizeof(arg)), 0, "ADD_FUNCTION");
}

static void cost_of_exits(void)
{
	struct testvm vm;

	if (!counts_open())
		return;
	heading();
	if (testvm_start(&vm, 1, PROGRAM(repeat)) && add_ioeventfd(&vm) &&
	    measure_all(&vm, exits, ARRAY_SIZE(exits)))
		testvm_power_off(&vm);
	testvm_close(&vm);
	close(doorbell);
}

/*
 * Interrupts: the programs "irq" and "nap"
 */

static struct device *source;

static bool send_interrupt(void)
{
	const u64 one = 1;

	return write(source->irq_fd, &one, sizeof(one)) == sizeof(one);
}

static bool irqfd_signal(struct testvm *vm, u64 times)
{
	while (times--)
		if (!check(send_interrupt(), "eventfd: errno %d", errno))
			return false;
	/* It is one interrupt. */
	return testvm_expect_out(vm, 0, FIRST_SPI + source->irq);
}

static bool irqfd_interrupt(struct testvm *vm, u64 times)
{
	const struct gh_vcpu_run *run = vm->run[0];

	while (times--)
		if (!send_interrupt() || testvm_run(vm, 0) ||
		    run->exit_reason != GH_VCPU_EXIT_MMIO ||
		    run->mmio.data[0] != FIRST_SPI + source->irq)
			return check(false, "%llu interrupts are missing", times + 1);
	return true;
}

static void *run_napper(void *vm)
{
	testvm_expect_out(vm, 0, 0);
	return NULL;
}

/* The vCPU's thread takes the only CPU as soon as there is something to run. */
static bool vcpu_wakeup(struct testvm *vm, u64 times)
{
	const struct port_access number = { .len = 8, .value = times };
	struct sched_param own = { .sched_priority = 1 }, others = { .sched_priority = 2 };
	pthread_t thread;
	bool ok;

	if (!testvm_expect(vm, 0, &number) ||
	    !check_errno(sched_setscheduler(0, SCHED_FIFO, &own), 0, "SCHED_FIFO"))
		return false;
	ok = check(!pthread_create(&thread, NULL, run_napper, vm), "no thread");
	if (ok) {
		pthread_setschedparam(thread, SCHED_FIFO, &others);
		while (times-- && ok)
			ok = check(send_interrupt(), "eventfd: errno %d", errno);
		pthread_join(thread, NULL);
	}
	own.sched_priority = 0;
	sched_setscheduler(0, SCHED_OTHER, &own);
	return ok;
}

static const struct operation interrupts[] = {
	{ "irqfd, signal only", 1, 0, irqfd_signal },
	{ "irqfd, to the guest's interrupt and back", 1, 1, irqfd_interrupt },
};

static const struct operation wakeup = {
	"wake-up of a vCPU by an irqfd, until it sleeps", 1, 1, vcpu_wakeup
};

static bool start_irq_guest(struct testvm *vm, struct guest_program program)
{
	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1))
		return false;
	source = testvm_add_irq(vm);
	return source && testvm_load(vm, true, program) && testvm_give(vm) &&
	       check_errno(testvm_ioctl_start(vm), 0, "START");
}

static void cost_of_interrupts(void)
{
	struct testvm vm;

	if (!counts_open())
		return;
	if (start_irq_guest(&vm, PROGRAM(irq)) && testvm_expect_out(&vm, 0, 0))
		measure_all(&vm, interrupts, ARRAY_SIZE(interrupts));
	testvm_close(&vm);
}

static void cost_of_wakeup(void)
{
	struct testvm vm;

	if (sysconf(_SC_NPROCESSORS_ONLN) != 1) {
		skip("there is more than one CPU");
		return;
	}
	if (!counts_open())
		return;
	if (start_irq_guest(&vm, PROGRAM(nap)) && measure(&vm, &wakeup))
		testvm_power_off(&vm);
	testvm_close(&vm);
}

/*
 * The counter
 */

static void own_loop(u64 times)
{
	__asm__ volatile("1: subs %0, %0, #1\n\t"
			 "b.ne 1b"
			 : "+r"(times) : : "cc");
}

static bool count_own_loop(struct counts *counts)
{
	if (!counts_begin(counts))
		return false;
	own_loop(LOOP_TIMES);
	return counts_end(counts);
}

static bool count_guest_loop(struct counts *counts)
{
	struct testvm vm;
	bool ok;

	ok = testvm_start(&vm, 1, PROGRAM(repeat)) && tell_guest(&vm, GUEST_WORD, LOOP_TIMES) &&
	     counts_begin(counts) && testvm_expect_out(&vm, 0, 0) && counts_end(counts) &&
	     testvm_power_off(&vm);
	testvm_close(&vm);
	return ok;
}

/* What a loop in the primary does is counted, what a guest does is not. */
static void counter(void)
{
	struct counts own, guest;

	if (!counts_open() || !count_own_loop(&own) || !count_guest_loop(&guest))
		return;
	note("loop of %llu instructions: %llu are counted; in a guest, of %llu: %llu",
	     LOOP_INSTRUCTIONS * LOOP_TIMES, own.instructions,
	     GUEST_INSTRUCTIONS * LOOP_TIMES, guest.instructions);
	check(own.instructions >= LOOP_INSTRUCTIONS * LOOP_TIMES &&
	      own.instructions < LOOP_INSTRUCTIONS * LOOP_TIMES + LOOP_SLACK,
	      "not all instructions are counted, or more");
	check(guest.instructions < LOOP_SLACK, "those of guests are counted");
}

static const struct tap_test tests[] = {
	{ "what the counter counts", counter },
	{ "cost of exits", cost_of_exits },
	{ "cost of interrupts", cost_of_interrupts },
	{ "cost of a wake-up", cost_of_wakeup },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		operations = strtoull(argv[1], NULL, 10);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
