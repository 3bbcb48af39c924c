// SPDX-License-Identifier: GPL-2.0
/*
 * The Resource Manager's device is unbound by sysfs, with VMs in all states: everything that
 * is asked of them fails from then on, nothing hangs, and it can be bound again.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "leftover.h"
#include "modules.h"
#include "testmem.h"
#include "vm.h"

static void check_vm_gone(const struct testvm *vm)
{
	struct gh_userspace_memory_region region = { .flags = GH_MEM_ALLOW_READ };
	const struct gh_fn_vcpu_arg vcpu = { .id = 0 }, other = { .id = 1 };
	struct gh_vm_dtb_config dtb = { .guest_phys_addr = GUEST_RAM_BASE, .size = SZ_4K };
	struct gh_vm_crash_msg msg;

	region.memory_size = SZ_4K;
	region.label = 99;
	region.userspace_addr = (unsigned long)vm->ram.hva;
	check_errno(ioctl(vm->fd, GH_VM_START), ENODEV, "START");
	check_errno(ioctl(vm->fd, GH_VM_SET_DTB_CONFIG, &dtb), ENODEV, "SET_DTB_CONFIG");
	check_errno(ioctl(vm->fd, GH_VM_SET_USER_MEM_REGION, &region), ENODEV,
		    "SET_USER_MEM_REGION");
	check_errno(ioctl(vm->fd, GH_VM_ANDROID_LEND_USER_MEM, &region), ENODEV,
		    "LEND_USER_MEM");
	check_errno(testvm_function(vm->fd, GH_VM_ADD_FUNCTION, GH_FN_VCPU, &other,
				    sizeof(other)), ENODEV, "ADD_FUNCTION");
	check_errno(testvm_function(vm->fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &vcpu,
				    sizeof(vcpu)), ENODEV, "REMOVE_FUNCTION");
	check_errno(ioctl(vm->fd, GH_VM_GET_CRASH_MSG, &msg), ENODEV, "GET_CRASH_MSG");
	if (vm->cpus)
		check_errno(ioctl(vm->vcpu_fd[0], GH_VCPU_RUN), ENODEV, "RUN");
}

/* One with an irqfd and an ioeventfd */
static bool create_with_events(struct testvm *vm, int event)
{
	const struct gh_fn_ioeventfd_arg arg = { .addr = GUEST_PORT, .fd = event };

	return testvm_open(vm) && testvm_add_cpus(vm, 1) && testvm_add_irq(vm) &&
	       testvm_load(vm, true, PROGRAM(off)) && testvm_give(vm) &&
	       check_errno(testvm_function(vm->fd, GH_VM_ADD_FUNCTION, GH_FN_IOEVENTFD, &arg,
					   sizeof(arg)), 0, "ADD_FUNCTION");
}

/* Unbind and bind; the VM is gone before and after. */
static void check_rebind(const struct testvm *vm)
{
	if (!rm_unbind())
		return;
	check_vm_gone(vm);
	check_errno(open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC), ENOENT, GUNYAH_DEVICE);
	if (!rm_bind())
		return;
	check_vm_gone(vm);
	live(LIFE_PLAIN, 0);
}

static void no_vms(void)
{
	int fd = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	struct dump before;

	if (!dump_take(&before))
		return;
	if (rm_unbind()) {
		check_errno(ioctl(fd, GH_CREATE_VM, 0), ENODEV, "CREATE_VM");
		rm_bind();
		check_errno(ioctl(fd, GH_CREATE_VM, 0), ENODEV, "CREATE_VM of the old file");
		live(LIFE_PLAIN, 0);
	}
	close(fd);
	dump_check_same(&before);
	dump_free(&before);
}

static void unstarted(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct dump before;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (testvm_open(&vm))
		check_rebind(&vm);
	testvm_close(&vm);

	if (create_with_events(&vm, event)) {
		check_rebind(&vm);
		device_raise_irq(vm.bus.devices[0]);
	}
	testvm_close(&vm);
	close(event);
	dump_check_same(&before);
	dump_free(&before);
}

static void ended(void)
{
	struct dump before;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (testvm_start(&vm, 1, PROGRAM(off)) &&
	    testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
		check_rebind(&vm);
	testvm_close(&vm);

	/* One that did not come to life */
	ctl("fail " VM_INIT " code=5");
	if (testvm_create(&vm, 1, PROGRAM(off)) &&
	    check_errno(testvm_ioctl_start(&vm), EBUSY, "START"))
		check_rebind(&vm);
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

/* A thread that runs a vCPU until RUN fails; exits are of no interest. */
struct runner {
	struct testvm vm;
	pthread_t thread;
	int err;
};

static void *run_until_error(void *arg)
{
	struct runner *runner = arg;

	while (!testvm_run(&runner->vm, 0))
		;
	runner->err = errno;
	return NULL;
}

static bool start_runner(struct runner *runner, struct guest_program program)
{
	return testvm_start(&runner->vm, 1, program) &&
	       testvm_expect(&runner->vm, 0, &(struct port_access) {
				.offset = GUEST_PORT_OUT,
				.value = GUEST_RAM_BASE + TESTVM_DTB,
				.len = 8,
				.is_write = true,
			}) &&
	       check(!pthread_create(&runner->thread, NULL, run_until_error, runner),
		     "no thread");
}

static void running(void)
{
	struct runner busy = { .vm.fd = -1 }, waiting = { .vm.fd = -1 };
	struct dump before;
	bool both;

	if (!dump_take(&before))
		return;
	if (start_runner(&busy, PROGRAM(spin))) {
		both = start_runner(&waiting, PROGRAM(wait));
		/* Nothing else ends the threads. */
		check_rebind(&busy.vm);
		pthread_join(busy.thread, NULL);
		check(busy.err == ENODEV, "RUN of a busy vCPU: errno %d", busy.err);
		if (both) {
			pthread_join(waiting.thread, NULL);
			check(waiting.err == ENODEV, "RUN of one that waits: errno %d",
			      waiting.err);
			check_vm_gone(&waiting.vm);
		}
	}
	testvm_close(&busy.vm);
	testvm_close(&waiting.vm);
	dump_check_same(&before);
	dump_free(&before);
}

/*
 * START waits for a Resource Manager that is mute. It is given up some seconds after the
 * device is gone, and what there is of the VM stays with the Resource Manager: here nothing,
 * as its request never got there.
 */
static void queue_full(void)
{
	struct dump before, full;
	pid_t pid;

	if (!dump_take(&before))
		return;
	if (fill_queue(&full)) {
		pid = start_in_child(LIFE_PLAIN);
		if (pid && wait_for_count(&full, COUNT_SENDS, 1) && rm_unbind()) {
			check(child_result(pid) == ENODEV, "START did not fail with ENODEV");
			rm_bind();
		}
		dump_free(&full);
	}
	ctl("clear");
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

/* The answer comes when there is another driver, which has begun to ask for something. */
static void muted_at(const char *request, enum life_kind life)
{
	struct dump before;
	pid_t pid, next = 0;

	tap_alive();
	if (!dump_take(&before))
		return;
	ctl("mute %s", request);
	pid = start_in_child(life);
	if (pid && wait_for_dump("muted\n", true) && rm_unbind()) {
		check(child_result(pid) == ENODEV, "START did not fail with ENODEV");
		if (rm_bind())
			next = start_in_child(LIFE_PLAIN);
		if (next)
			wait_for_start(next);
	}
	ctl("clear");
	if (next)
		check(!child_result(next), "START of the next driver");
	check(leftover_give_back(&before) > 0, "at %s: nothing, or not all, was left", request);
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

static void starting(void)
{
	muted_at(VM_ALLOCATE, LIFE_PLAIN);
	muted_at(MEM_LEND, LIFE_SCATTERED);
	muted_at(VM_GET_RESOURCES, LIFE_WIDE);
	muted_at(VM_START, LIFE_PLAIN);
}

/* The memory does not come back: it is not used any more, and the unbinding goes on. */
static void reclaim_refused(void)
{
	struct dump before;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (testvm_start(&vm, 1, PROGRAM(off)) &&
	    testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF)) {
		ctl("fail " MEM_RECLAIM " code=5 count=0");
		if (rm_unbind()) {
			check_vm_gone(&vm);
			rm_bind();
		}
		ctl("clear");
	}
	testvm_close(&vm);
	check(leftover_give_back(&before) == 2, "not the VM and its parcel were left");
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

static void reclaim_refused_in_place(void)
{
	testmem_run_in_place(reclaim_refused);
}

static int debugfs_open(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/debug/gunyah/rm/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* They say no more, and are closed when there is another driver. */
static void open_debugfs(void)
{
	static const char * const names[] = { "requests", "counters", "latency" };
	int old[ARRAY_SIZE(names)], fd;
	unsigned int i;
	char byte;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		old[i] = debugfs_open(names[i]);
		check(read(old[i], &byte, 1) == 1, "%s: errno %d", names[i], errno);
	}
	if (rm_unbind()) {
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			check_errno(read(old[i], &byte, 1), EIO, names[i]);
			check_errno(debugfs_open(names[i]), ENOENT, names[i]);
		}
		rm_bind();
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		check_errno(read(old[i], &byte, 1), EIO, names[i]);
		close(old[i]);
		fd = debugfs_open(names[i]);
		check(read(fd, &byte, 1) == 1, "%s: errno %d", names[i], errno);
		close(fd);
	}
	live(LIFE_PLAIN, 0);
}

static const struct tap_test tests[] = {
	{ "no VMs", no_vms },
	{ "VMs that are not started", unstarted },
	{ "VMs that have ended", ended },
	{ "VMs that run", running },
	{ "START behind a full queue", queue_full },
	{ "START that is not answered", starting },
	{ "memory that does not come back", reclaim_refused },
	{ "memory lent in place that does not come back", reclaim_refused_in_place },
	{ "open files of debugfs", open_debugfs },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
