// SPDX-License-Identifier: GPL-2.0
/*
 * VMs that are not proxy-scheduled: the hypervisor runs them by itself, nobody here has to.
 * What they do is seen in memory that they share, their end by the VM file.
 */

#include <endian.h>
#include <errno.h>
#include <libfdt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "guest_tree.h"
#include "testmem.h"
#include "testvm.h"

#define ROUNDS			50
#define VMS			3
#define WAIT_MS			60000
#define ENDED			(POLLIN | POLLRDNORM | POLLHUP)

#define FIRST_SPI		32
#define SHARED_LABEL		10
#define SHARED_GPA		(2 * GUEST_RAM_BASE)
#define WORDS			(SZ_4K / sizeof(u64))
#define IDLE_PHANDLE		77
#define TICKS			20

/* The VMM has nothing there. */
#define NOWHERE			(GUEST_PORT + GUEST_PORT_IN)
/* Beyond what a VMM can emulate */
#define FAR_NOWHERE		0x7f00000000ULL

/* How the hypervisor is to run the vCPUs */
struct scheduling {
	unsigned int cpus;
	u32 map[TESTVM_MAX_CPUS];
	unsigned int map_len;		/* 0: as many as CPUs */
	const char *affinity;		/* NULL: "static" */
	u32 timeslice;			/* 0: not said */
	int priority;			/* 0: not said */
	bool no_map;
	bool no_idle;
	bool priority_zero;
};

struct static_vm {
	struct testvm vm;
	u64 *words;
};

static const struct scheduling one_cpu = { .cpus = 1 };

static u64 word(const struct static_vm *st, unsigned int n)
{
	return __atomic_load_n(&st->words[n], __ATOMIC_SEQ_CST);
}

/* Whether it comes to that */
static bool wait_for_word(const struct static_vm *st, unsigned int n, u64 value)
{
	unsigned int ms;

	for (ms = 0; ms < WAIT_MS && word(st, n) < value; ms++)
		sleep_ms(1);
	return check(word(st, n) >= value, "word %u is %llu, not %llu", n, word(st, n), value);
}

/*
 * The devicetree
 */

static int describe_idle_states(void *fdt, unsigned int cpus)
{
	int ret, node;
	char path[32];
	unsigned int i;

	for (i = 0; i < cpus; i++) {
		snprintf(path, sizeof(path), "/cpus/cpu@%x", i);
		ret = fdt_setprop_u32(fdt, fdt_path_offset(fdt, path), "cpu-idle-states",
				      IDLE_PHANDLE);
		if (ret)
			return ret;
	}
	node = fdt_add_subnode(fdt, fdt_path_offset(fdt, "/cpus"), "idle-states");
	if (node >= 0)
		node = fdt_add_subnode(fdt, node, "cpu-sleep");
	ret = node < 0 ? node : fdt_setprop_string(fdt, node, "compatible", "arm,idle-state");
	return ret ? ret : fdt_setprop_u32(fdt, node, "phandle", IDLE_PHANDLE);
}

static int describe_scheduling(void *fdt, const struct scheduling *sched)
{
	unsigned int i, len = sched->map_len ? sched->map_len : sched->cpus;
	int node = fdt_path_offset(fdt, "/gunyah-vm-config/vcpus");
	u32 map[TESTVM_MAX_CPUS];
	int ret;

	for (i = 0; i < len; i++)
		map[i] = htobe32(sched->map[i]);
	ret = fdt_setprop_string(fdt, node, "affinity",
				 sched->affinity ? sched->affinity : "static");
	if (!ret && !sched->no_map)
		ret = fdt_setprop(fdt, node, "affinity-map", map, len * sizeof(map[0]));
	if (!ret && sched->timeslice)
		ret = fdt_setprop_u32(fdt, node, "sched-timeslice", sched->timeslice);
	if (!ret && (sched->priority || sched->priority_zero))
		ret = fdt_setprop_u32(fdt, node, "sched-priority", sched->priority);
	if (!ret && !sched->no_idle)
		ret = describe_idle_states(fdt, sched->cpus);
	return ret;
}

/*
 * VMs
 */

static bool load(struct static_vm *st, const struct scheduling *sched,
		 struct guest_program program)
{
	const unsigned int files = st->vm.cpus;
	bool ok;
	int err;

	/* The tree is to have these CPUs, however many vCPU files there are: most often none. */
	st->vm.cpus = sched->cpus;
	ok = testvm_load(&st->vm, true, program);
	st->vm.cpus = files;
	if (!ok)
		return false;
	err = describe_scheduling(st->vm.ram.hva + TESTVM_DTB, sched);
	return check(!err, "devicetree: %s", fdt_strerror(err));
}

/* All but memory and devicetree; nothing needs to be undone if it fails. */
static bool open_vm(struct static_vm *st)
{
	*st = (struct static_vm) { .vm.fd = -1 };
	st->words = (u64 *)testmem_scattered(SZ_4K);
	if (!check(st->words, "no memory"))
		return false;
	memset(st->words, 0, SZ_4K);
	return testvm_open(&st->vm);
}

static bool load_and_give(struct static_vm *st, const struct scheduling *sched,
			  struct guest_program program)
{
	return load(st, sched, program) && testvm_give(&st->vm) &&
	       check_errno(testmem_set(st->vm.fd, SHARED_LABEL, TESTMEM_RWX, SHARED_GPA,
				       (u8 *)st->words, SZ_4K), 0, "shared region");
}

static bool create(struct static_vm *st, const struct scheduling *sched,
		   struct guest_program program)
{
	return open_vm(st) && load_and_give(st, sched, program);
}

static bool start(struct static_vm *st)
{
	return check_errno(testvm_ioctl_start(&st->vm), 0, "START");
}

static void close_vm(struct static_vm *st)
{
	testvm_close(&st->vm);
	if (st->words)
		testmem_free((u8 *)st->words, SZ_4K);
	st->words = NULL;
}

static bool has_ended(const struct static_vm *st, int timeout)
{
	struct pollfd pollfd = { .fd = st->vm.fd, .events = ENDED };
	int ret = poll(&pollfd, 1, timeout);

	check(ret >= 0, "poll: errno %d", errno);
	check(!ret || pollfd.revents == ENDED, "poll: %#x", pollfd.revents);
	return ret > 0;
}

static bool check_status(const struct static_vm *st, enum gh_vm_status status, u16 exit_type)
{
	struct gh_vm_status_info info;

	return check_errno(ioctl(st->vm.fd, GH_VM_GET_STATUS, &info), 0, "GET_STATUS") &&
	       check(info.status == status && info.exit_type == exit_type,
		     "status %u, exit type %u, not %u and %u", info.status, info.exit_type,
		     status, exit_type);
}

static void check_running(const struct static_vm *st)
{
	check(!has_ended(st, 0), "it has ended");
	check_status(st, GH_VM_STATUS_RUNNING, 0);
}

static bool check_end(const struct static_vm *st, u16 exit_type)
{
	return check(has_ended(st, WAIT_MS), "no end") &&
	       check_status(st, GH_VM_STATUS_EXITED, exit_type);
}

/*
 * What they do
 */

static void check_pattern(const struct static_vm *st)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (!check(word(st, i) == GUEST_CONTEXT + i, "word %u is %#llx", i, word(st, i)))
			break;
}

static void writes_and_powers_off(void)
{
	struct static_vm st;

	if (create(&st, &one_cpu, PROGRAM(share_write))) {
		check_status(&st, GH_VM_STATUS_NEW, 0);
		check(!word(&st, 0), "written before START");
		if (start(&st) && check_end(&st, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
			check_pattern(&st);
		check_errno(testvm_ioctl_start(&st.vm), ENODEV, "START after the end");
	}
	close_vm(&st);
}

static void resets(void)
{
	struct static_vm st;

	if (create(&st, &one_cpu, PROGRAM(reset)) && start(&st))
		check_end(&st, GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET);
	close_vm(&st);
}

/* Stopped by force, and really: it no longer counts, and its memory is ours again. */
static void stops_when_closed(void)
{
	struct dump before;
	struct static_vm st;
	u64 last;

	if (!dump_take(&before))
		return;
	if (create(&st, &one_cpu, PROGRAM(share_count)) && start(&st)) {
		wait_for_word(&st, 0, 1000);
		check_running(&st);
		wait_for_word(&st, 0, word(&st, 0) + 1000);
		check(access_signal(st.vm.ram.hva, false), "the host has what it lent");
		testvm_close_files(&st.vm);
		dump_check_same(&before);
		last = word(&st, 0);
		sleep_ms(50);
		check(word(&st, 0) == last, "it goes on");
		check(!access_signal(st.vm.ram.hva, true), "its memory is not back");
	}
	close_vm(&st);
	dump_free(&before);
}

static void irqfd_interrupts(void)
{
	struct device *a = NULL, *b = NULL;
	struct static_vm st;
	unsigned int i;

	if (open_vm(&st)) {
		a = testvm_add_irq(&st.vm);
		b = testvm_add_irq(&st.vm);
	}
	if (a && b && load_and_give(&st, &one_cpu, PROGRAM(share_irq)) && start(&st) &&
	    wait_for_word(&st, 0, 1))
		for (i = 1; i <= 10; i++) {
			device_raise_irq(a);
			if (!wait_for_word(&st, FIRST_SPI + a->irq, i))
				break;
			/* Most likely it sleeps by now. */
			sleep_ms(10);
			device_raise_irq(b);
			if (!wait_for_word(&st, FIRST_SPI + b->irq, i))
				break;
		}
	if (a && b)
		check(word(&st, FIRST_SPI + a->irq) == 10 && word(&st, FIRST_SPI + b->irq) == 10,
		      "%llu and %llu interrupts", word(&st, FIRST_SPI + a->irq),
		      word(&st, FIRST_SPI + b->irq));
	check_running(&st);
	close_vm(&st);
}

static void sleeps_with_timer(void)
{
	struct static_vm st;

	if (create(&st, &one_cpu, PROGRAM(share_timer))) {
		st.words[0] = TICKS;
		if (start(&st) && check_end(&st, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
			check(word(&st, 1) == TICKS, "%llu ticks", word(&st, 1));
	}
	close_vm(&st);
}

/* Nobody emulates for it, and nobody waits for that: it is told at once. */
static void accesses_nothing(void)
{
	static const u64 addresses[] = { NOWHERE, FAR_NOWHERE };
	struct static_vm st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		if (create(&st, &one_cpu, PROGRAM(share_peek))) {
			st.words[0] = addresses[i];
			if (start(&st) && check_end(&st, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
				check(word(&st, 1) == GUEST_FAULT, "%#llx: read %#llx",
				      addresses[i], word(&st, 1));
		}
		close_vm(&st);
	}
}

/*
 * Several vCPUs and VMs
 */

static void check_cpus(const struct scheduling *sched)
{
	struct static_vm st;
	unsigned int i;

	if (create(&st, sched, PROGRAM(share_cpus))) {
		st.words[0] = sched->cpus;
		if (start(&st) && check_end(&st, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
			for (i = 1; i < sched->cpus; i++)
				check(word(&st, i) >= 1000, "CPU %u counted to %llu", i,
				      word(&st, i));
	}
	close_vm(&st);
}

static void several_cpus(void)
{
	check_cpus(&(struct scheduling) { .cpus = 2, .map = { 0, 0 } });
	check_cpus(&(struct scheduling) { .cpus = 2, .map = { 0, 1 }, .timeslice = 1000 });
	check_cpus(&(struct scheduling) { .cpus = 4, .map = { 1, 0, 1, 0 }, .priority = -1 });
	check_cpus(&(struct scheduling) { .cpus = 2, .affinity = "pinned" });
	check_cpus(&(struct scheduling) { .cpus = 2, .affinity = "something" });
}

/* All of them loop; each gets its share, and so does the Resource Manager. */
static void several_vms(void)
{
	struct static_vm st[VMS];
	unsigned int i, n = 0;
	bool ok = true;

	while (n < VMS && ok) {
		ok = create(&st[n], &one_cpu, PROGRAM(share_count)) && start(&st[n]);
		n++;
	}
	for (i = 0; ok && i < 2 * VMS; i++)
		ok = wait_for_word(&st[i % VMS], 0, word(&st[i % VMS], 0) + 1000);
	while (n)
		close_vm(&st[--n]);
}

/* A VM of each kind, at the same time */
static void beside_a_proxy(void)
{
	struct testvm proxy;
	struct static_vm st;
	unsigned int i;

	if (create(&st, &one_cpu, PROGRAM(share_count)) && start(&st) &&
	    testvm_start(&proxy, 1, PROGRAM(count))) {
		for (i = 0; i < 10; i++) {
			testvm_expect_out(&proxy, 0, i);
			wait_for_word(&st, 0, word(&st, 0) + 1);
		}
		check_running(&st);
		testvm_close(&proxy);
	}
	close_vm(&st);
}

/*
 * Mistakes and misfortune
 */

/* The number of the physical CPU is the label by which there is a vCPU. */
static void check_run_refused(u32 map, int err, struct guest_program program)
{
	const struct scheduling sched = { .cpus = 1, .map = { map } };
	struct static_vm st;

	if (open_vm(&st) && testvm_add_cpus(&st.vm, 1) &&
	    load_and_give(&st, &sched, program) && start(&st)) {
		wait_for_word(&st, 0, 1);
		/* Most likely it sleeps by now, if it ever does. */
		sleep_ms(10);
		check_errno(testvm_run(&st.vm, 0), err, "RUN");
		check_errno(testvm_run(&st.vm, 0), err, "RUN again");
		check_running(&st);
	}
	close_vm(&st);
}

static void cannot_be_run(void)
{
	check_run_refused(0, EBUSY, PROGRAM(share_count));
	check_run_refused(0, EBUSY, PROGRAM(share_irq));
	check_run_refused(1, ENODEV, PROGRAM(share_irq));
}

/* The guest crashes, says the Resource Manager. */
static void crashes(void)
{
	struct static_vm st;

	if (!ctl_supported()) {
		skip("no control channel");
		return;
	}
	if (create(&st, &one_cpu, PROGRAM(share_count)) && start(&st) &&
	    wait_for_word(&st, 0, 1)) {
		ctl("exit vm=" ANY_VMID " type=5 reason=7");
		check_end(&st, GH_VM_EXIT_TYPE_HYP_ERROR);
	}
	close_vm(&st);
}

/* An exception without a handler, over and over */
static void goes_astray(void)
{
	struct static_vm st;

	if (create(&st, &one_cpu, PROGRAM(spin)) && start(&st)) {
		sleep_ms(50);
		check_running(&st);
	}
	close_vm(&st);
}

static void bad_scheduling(void)
{
	static const struct {
		const char *what;
		struct scheduling sched;
		int err;
	} cases[] = {
		{ "no map", { .cpus = 1, .no_map = true }, EINVAL },
		{ "map too long", { .cpus = 1, .map_len = 2 }, EINVAL },
		{ "map too short", { .cpus = 2, .map_len = 1 }, EINVAL },
		{ "no such CPU", { .cpus = 1, .map = { 1000 } }, EINVAL },
		{ "not the first", { .cpus = 2, .map = { 0, 0xffffffff } }, EINVAL },
		{ "no idle states", { .cpus = 1, .no_idle = true }, EINVAL },
		{ "time slice too short", { .cpus = 1, .timeslice = 1 }, EINVAL },
		{ "time slice too long", { .cpus = 1, .timeslice = 10000000 }, EINVAL },
		{ "priority of the owner", { .cpus = 1, .priority_zero = true }, EPERM },
		{ "priority above", { .cpus = 1, .priority = 1 }, EPERM },
	};
	struct dump before;
	struct static_vm st;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (create(&st, &cases[i].sched, PROGRAM(off)))
			check_errno(testvm_ioctl_start(&st.vm), cases[i].err, "%s: START",
				    cases[i].what);
		close_vm(&st);
		dump_check_same(&before);
	}
	dump_free(&before);
}

static bool one_of_many(unsigned int round, void *arg)
{
	const struct scheduling sched = { .cpus = 1 + round % 2, .map = { round % 2 } };
	struct static_vm st;
	bool ok;

	(void)arg;
	switch (round % 4) {
	case 0:
		ok = create(&st, &sched, PROGRAM(share_write)) && start(&st) &&
		     check_end(&st, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		break;
	case 1:
		/* closed at any moment of its life */
		ok = create(&st, &sched, PROGRAM(off)) && start(&st);
		break;
	case 2:
		ok = create(&st, &sched, PROGRAM(share_count)) && start(&st);
		sleep_ms(round);
		break;
	default:
		ok = create(&st, &sched, PROGRAM(wait)) && start(&st);
		break;
	}
	close_vm(&st);
	tap_alive();
	return ok;
}

static void again_and_again(void)
{
	dump_check_rounds(ROUNDS, one_of_many, NULL);
}

static const struct tap_test tests[] = {
	{ "writes to shared memory and powers off", writes_and_powers_off },
	{ "resets", resets },
	{ "stopped by closing it", stops_when_closed },
	{ "interrupted by irqfds", irqfd_interrupts },
	{ "sleeps with a timer", sleeps_with_timer },
	{ "accesses what nobody emulates", accesses_nothing },
	{ "several vCPUs", several_cpus },
	{ "several VMs that loop", several_vms },
	{ "beside one that is proxy-scheduled", beside_a_proxy },
	{ "cannot be run by its owner", cannot_be_run },
	{ "crashes", crashes },
	{ "has exceptions without end", goes_astray },
	{ "scheduling that cannot be", bad_scheduling },
	{ "50 lives leave nothing behind", again_and_again },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
