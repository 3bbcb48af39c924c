// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails, in every ioctl and in the kernel's worker that starts and ends VMs:
 * the caller is told, nothing leaks, and the next VM lives.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "shortage.h"
#include "testmem.h"
#include "vm.h"

#define IRQ_LABEL		5
#define SHARED_LABEL		11
#define SHARED_GPA		(GUEST_RAM_BASE + TESTVM_MEM_SIZE)

/* What the ioctls need */
struct files {
	int device;
	int vm;
	int vcpu;
	int event;
	size_t run_size;
};

static long call(struct files *files, unsigned long request, u32 type, const void *arg, u32 size)
{
	return testvm_function(files->vm, request, type, arg, size);
}

static void close_result(void *files, long result)
{
	(void)files;
	close(result);
}

static long create_vm(void *arg)
{
	struct files *files = arg;

	return ioctl(files->device, GH_CREATE_VM, 0);
}

static long get_capability(void *arg)
{
	struct gh_capability cap = { .id = GH_CAP_FUNCTIONS };
	struct files *files = arg;

	return ioctl(files->device, GH_GET_CAPABILITY, &cap);
}

static long get_status(void *arg)
{
	struct gh_vm_status_info info;
	struct files *files = arg;

	return ioctl(files->vm, GH_VM_GET_STATUS, &info);
}

static long get_crash_msg(void *arg)
{
	struct gh_vm_crash_msg msg;
	struct files *files = arg;

	return ioctl(files->vm, GH_VM_GET_CRASH_MSG, &msg);
}

static long set_dtb(void *arg)
{
	struct gh_vm_dtb_config config = {
		.guest_phys_addr = GUEST_RAM_BASE,
		.size = SZ_4K,
	};
	struct files *files = arg;

	return ioctl(files->vm, GH_VM_SET_DTB_CONFIG, &config);
}

static const struct gh_fn_vcpu_arg vcpu_arg = { .id = 1 };

static long add_vcpu(void *arg)
{
	return call(arg, GH_VM_ADD_FUNCTION, GH_FN_VCPU, &vcpu_arg, sizeof(vcpu_arg));
}

/* It stays when its file is closed. */
static void remove_vcpu(void *files, long result)
{
	close(result);
	check_errno(call(files, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &vcpu_arg, sizeof(vcpu_arg)), 0,
		    "removal of a vCPU");
}

static long irqfd(struct files *files, unsigned long request)
{
	struct gh_fn_irqfd_arg irqfd_arg = { .fd = files->event, .label = IRQ_LABEL };

	return call(files, request, GH_FN_IRQFD, &irqfd_arg, sizeof(irqfd_arg));
}

static long add_irqfd(void *arg)
{
	return irqfd(arg, GH_VM_ADD_FUNCTION);
}

static void remove_irqfd(void *files, long result)
{
	(void)result;
	check_errno(irqfd(files, GH_VM_REMOVE_FUNCTION), 0, "removal of an irqfd");
}

static long ioeventfd(struct files *files, unsigned long request)
{
	struct gh_fn_ioeventfd_arg ioeventfd_arg = {
		.addr = GUEST_PORT,
		.len = 4,
		.fd = files->event,
	};

	return call(files, request, GH_FN_IOEVENTFD, &ioeventfd_arg, sizeof(ioeventfd_arg));
}

static long add_ioeventfd(void *arg)
{
	return ioeventfd(arg, GH_VM_ADD_FUNCTION);
}

static void remove_ioeventfd(void *files, long result)
{
	(void)result;
	check_errno(ioeventfd(files, GH_VM_REMOVE_FUNCTION), 0, "removal of an ioeventfd");
}

static long map_vcpu(void *arg)
{
	struct files *files = arg;

	return (long)mmap(NULL, files->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  files->vcpu, 0);
}

static void unmap_vcpu(void *arg, long result)
{
	struct files *files = arg;

	munmap((void *)result, files->run_size);
}

static long open_device(void *arg)
{
	(void)arg;
	return open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
}

static const struct shortage_operation operations[] = {
	{ "open of the device", open_device, close_result, true },
	{ "CREATE_VM", create_vm, close_result, true },
	{ "GET_CAPABILITY", get_capability, NULL, false },
	{ "GET_STATUS", get_status, NULL, false },
	{ "SET_DTB_CONFIG", set_dtb, NULL, false },
	{ "ADD_FUNCTION of a vCPU", add_vcpu, remove_vcpu, true },
	{ "ADD_FUNCTION of an irqfd", add_irqfd, remove_irqfd, true },
	{ "ADD_FUNCTION of an ioeventfd", add_ioeventfd, remove_ioeventfd, true },
	{ "mmap of a vCPU", map_vcpu, unmap_vcpu, true },
};

static bool open_files(struct files *files, struct testvm *vm)
{
	files->device = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	files->event = eventfd(0, EFD_CLOEXEC);
	if (!check(files->device >= 0 && files->event >= 0, "no files") || !testvm_open(vm) ||
	    !testvm_add_cpus(vm, 1))
		return false;
	files->vm = vm->fd;
	files->vcpu = vm->vcpu_fd[0];
	files->run_size = vm->run_size;
	return true;
}

static void ioctls(void)
{
	struct dump before;
	struct files files;
	struct testvm vm;
	size_t i;

	if (!dump_take(&before))
		return;
	if (open_files(&files, &vm) && shortage_begin()) {
		for (i = 0; i < ARRAY_SIZE(operations); i++) {
			tap_alive();
			shortage_sweep(&operations[i], &files);
		}
		shortage_end();
	}
	testvm_close(&vm);
	close(files.device);
	close(files.event);
	dump_check_same(&before);
	dump_free(&before);
	live(LIFE_PLAIN, 0);
}

/* Of a VM that runs, and left more than fits into a reply that needs no memory */
static void crash_message(void)
{
	static const struct shortage_operation operation = {
		"GET_CRASH_MSG", get_crash_msg, NULL, true
	};
	struct dump before;
	struct files files;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (testvm_start(&vm, 1, PROGRAM(spin)) &&
	    ctl("crashmsg vm=" ANY_VMID " hex=%0384d", 0) && shortage_begin()) {
		files.vm = vm.fd;
		shortage_sweep(&operation, &files);
		shortage_end();
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

/*
 * The worker
 */

static u8 *shared;

/* A VM that is lent and shared memory; START has to end like this. */
static void life(const char *function, int err)
{
	struct dump before;
	struct testvm vm;

	tap_alive();
	if (!dump_take(&before))
		return;
	if (testvm_create(&vm, 1, PROGRAM(spin)) &&
	    check_errno(testmem_set(vm.fd, SHARED_LABEL, TESTMEM_RWX, SHARED_GPA, shared,
				    SZ_4K), 0, "shared memory") &&
	    shortage_in(function)) {
		check_errno(testvm_ioctl_start(&vm), err, "START without memory in %s",
			    function);
		testvm_close_files(&vm);
		/* It is tried again, sooner or later. */
		dump_check_same(&before);
		check(shortage_happened(), "%s allocates nothing", function);
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

static void lives(const char * const *functions, size_t n, int err)
{
	size_t i;

	shared = testmem_thp(SZ_2M);
	if (check(shared, "no memory") && shortage_begin()) {
		for (i = 0; i < n; i++)
			life(functions[i], err);
		shortage_end();
	}
	testmem_free(shared, SZ_2M);
	live(LIFE_PLAIN, 0);
}

static void starts(void)
{
	static const char * const functions[] = {
		"gh_rm_alloc_vmid", "gh_rm_mem_lend", "gh_rm_mem_share", "gh_rm_vm_configure",
		"gh_rm_vm_init", "gh_rm_get_hyp_resources", "gh_rm_alloc_resource",
		"gh_vcpu_populate", "gh_rm_vm_start",
	};

	lives(functions, ARRAY_SIZE(functions), ENOMEM);
}

static void ends(void)
{
	static const char * const functions[] = {
		"gh_rm_vm_stop", "gh_rm_vm_reset", "gh_rm_mem_reclaim", "gh_rm_dealloc_vmid",
	};

	lives(functions, ARRAY_SIZE(functions), 0);
}

static const struct tap_test tests[] = {
	{ "each allocation of an ioctl fails", ioctls },
	{ "each allocation fails of who reads a crash message", crash_message },
	{ "allocations of the worker that starts VMs fail", starts },
	{ "allocations of the worker that ends VMs fail", ends },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
