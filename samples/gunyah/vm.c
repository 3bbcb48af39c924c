// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/gunyah and the VM file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

#define HYPERVISOR_NODE		"/sys/firmware/devicetree/base/hypervisor"
#define RSC_MGR_MODULE		"/sys/module/gunyah_rsc_mgr"

/* The usual causes of a failed ioctl; a NULL name stands for every ioctl. */
static const struct hint {
	const char *name;
	int err;
	const char *text;
} hints[] = {
	{ "GH_VM_SET_USER_MEM_REGION", ENOMEM,
	  "the memory is pinned and counts as locked: see ulimit -l, or run as root" },
	{ "GH_VM_SET_USER_MEM_REGION", E2BIG,
	  "the memory is too scattered: reserve huge pages (vm.nr_hugepages)" },
	{ "GH_VM_SET_USER_MEM_REGION", EFAULT,
	  "the memory could not be pinned: is enough of it free?" },
	{ "GH_CREATE_GUEST_MEM", ENOMEM,
	  "guest memory counts as locked: see ulimit -l, or run as root" },
	{ "GH_VM_MAP_MEM", ENOMEM,
	  "it is not to be had in large pieces: free some memory, or see the kernel log" },
	{ "GH_VM_MAP_MEM", E2BIG,
	  "the memory is in too many pieces: free some memory before it is allocated" },
	{ "GH_VM_MAP_MEM", EEXIST,
	  "another VM has this memory, or something else is at the guest address" },
	{ "GH_VM_START", EBUSY,
	  "somebody uses memory that is to be lent: direct I/O, a debugger?" },
	{ "GH_VM_START", EADDRINUSE,
	  "memory that is to be lent is also mapped elsewhere: see --mem-backing" },
	{ "GH_VM_START", E2BIG,
	  "the memory is too scattered: reserve huge pages (vm.nr_hugepages)" },
	{ "GH_VM_START", EINVAL,
	  "the Resource Manager refused the memory or the devicetree: see the kernel log" },
	{ "GH_VM_START", ENOSPC,
	  "a resource is missing, or only lent memory can boot: try without --share" },
	{ "GH_VM_START", ENOMEM,
	  "no memory in large pieces, or the Resource Manager has none: see the kernel log" },
	{ "GH_VM_START", EPERM,
	  "the Resource Manager denies it: too many VMs, parcels or --cpus?" },
	{ "GH_VM_START", ENODEV,
	  "the Resource Manager is gone: was its driver unbound?" },
	{ "GH_VM_START", ETIMEDOUT,
	  "the Resource Manager did not answer: see the kernel log" },
	{ "GH_VM_ADD_FUNCTION", ENOENT,
	  "modprobe gunyah_vcpu, gunyah_irqfd or gunyah_ioeventfd" },
	{ "GH_VCPU_RUN", ENODEV,
	  "the Resource Manager made no such vCPU: more --cpus than it has?" },
	{ NULL, EPERM, "root may do this" },
	{ NULL, ENOTTY, "the driver does not know this call: is it too old?" },
};

int vm_ioctl_failed(const char *name, const char *arg, int err)
{
	size_t i;

	log_error(err, "%s(%s)", name, arg);
	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		const struct hint *hint = &hints[i];

		if (hint->err == err && (!hint->name || !strcmp(hint->name, name))) {
			log_hint("%s", hint->text);
			break;
		}
	}
	return -err;
}

static void hint_no_device(void)
{
	if (access(HYPERVISOR_NODE, F_OK))
		log_hint("no /hypervisor in the devicetree: does this kernel run under Gunyah?");
	else if (access(RSC_MGR_MODULE, F_OK))
		log_hint("modprobe gunyah_rsc_mgr");
	else
		log_hint("the driver is loaded but found no Resource Manager: see the kernel log");
}

int gunyah_open(struct gunyah *gunyah)
{
	int err;

	gunyah->fd = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	if (gunyah->fd >= 0)
		return 0;
	err = errno;
	log_error(err, "%s", GUNYAH_DEVICE);
	if (err == EACCES || err == EPERM)
		log_hint("run as root, or give yourself access to %s", GUNYAH_DEVICE);
	else
		hint_no_device();
	return -err;
}

void gunyah_close(struct gunyah *gunyah)
{
	if (gunyah->fd >= 0)
		close(gunyah->fd);
	gunyah->fd = -1;
}

int gunyah_create_mem(const struct gunyah *gunyah, u64 size)
{
	struct gh_create_guest_mem arg = { .flags = GH_GUEST_MEM_CLOEXEC, .size = size };
	int fd = ioctl(gunyah->fd, GH_CREATE_GUEST_MEM, &arg);
	char what[32];
	int err = errno;

	if (fd >= 0)
		return fd;
	/* An older driver, or memory that it cannot do this with. */
	if (err == ENOTTY || err == EOPNOTSUPP) {
		log_debug("no guest memory files: errno %d", err);
		return -ENOTTY;
	}
	snprintf(what, sizeof(what), "size %#llx", size);
	return vm_ioctl_failed("GH_CREATE_GUEST_MEM", what, err);
}

int vm_open(struct vm *vm, const struct gunyah *gunyah)
{
	vm->fd = ioctl(gunyah->fd, GH_CREATE_VM, 0);
	return vm->fd < 0 ? vm_ioctl_failed("GH_CREATE_VM", "0", errno) : 0;
}

void vm_close(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

int vm_add_memory(struct vm *vm, const struct gh_userspace_memory_region *region)
{
	char arg[160];
	int err;

	if (!ioctl(vm->fd, GH_VM_SET_USER_MEM_REGION, region))
		return 0;
	err = errno;
	snprintf(arg, sizeof(arg),
		 "label %u, flags %#x, guest address %#llx, size %#llx",
		 region->label, region->flags, region->guest_phys_addr,
		 region->memory_size);
	return vm_ioctl_failed("GH_VM_SET_USER_MEM_REGION", arg, err);
}

int vm_map_memory(struct vm *vm, const struct gh_map_mem *map)
{
	char arg[160];
	int err;

	if (!ioctl(vm->fd, GH_VM_MAP_MEM, map))
		return 0;
	err = errno;
	snprintf(arg, sizeof(arg),
		 "guest address %#llx, flags %#x, offset %#llx, size %#llx",
		 map->guest_addr, map->flags, map->offset, map->size);
	return vm_ioctl_failed("GH_VM_MAP_MEM", arg, err);
}

int vm_set_dtb(struct vm *vm, u64 gpa, u64 size)
{
	struct gh_vm_dtb_config config = { .guest_phys_addr = gpa, .size = size };
	char arg[80];
	int err;

	if (!ioctl(vm->fd, GH_VM_SET_DTB_CONFIG, &config))
		return 0;
	err = errno;
	snprintf(arg, sizeof(arg), "guest address %#llx, size %#llx", gpa, size);
	return vm_ioctl_failed("GH_VM_SET_DTB_CONFIG", arg, err);
}

int vm_start(struct vm *vm)
{
	if (!ioctl(vm->fd, GH_VM_START))
		return 0;
	return vm_ioctl_failed("GH_VM_START", "", errno);
}

static int add_function(struct vm *vm, u32 type, void *arg, u32 size, const char *what)
{
	struct gh_fn_desc desc = {
		.type = type,
		.arg_size = size,
		.arg = (__u64)(unsigned long)arg,
	};
	int ret = ioctl(vm->fd, GH_VM_ADD_FUNCTION, &desc);

	return ret < 0 ? vm_ioctl_failed("GH_VM_ADD_FUNCTION", what, errno) : ret;
}

int vm_add_vcpu(struct vm *vm, u32 id)
{
	struct gh_fn_vcpu_arg arg = { .id = id };
	char what[32];

	snprintf(what, sizeof(what), "vCPU %u", id);
	return add_function(vm, GH_FN_VCPU, &arg, sizeof(arg), what);
}

int vm_add_irqfd(struct vm *vm, int fd, u32 label)
{
	struct gh_fn_irqfd_arg arg = { .fd = fd, .label = label };
	char what[32];

	snprintf(what, sizeof(what), "irqfd, label %u", label);
	return add_function(vm, GH_FN_IRQFD, &arg, sizeof(arg), what);
}

int vm_add_ioeventfd(struct vm *vm, int fd, u64 addr, u32 len)
{
	struct gh_fn_ioeventfd_arg arg = { .addr = addr, .len = len, .fd = fd };
	char what[48];

	snprintf(what, sizeof(what), "ioeventfd, address %#llx", addr);
	return add_function(vm, GH_FN_IOEVENTFD, &arg, sizeof(arg), what);
}

int vm_read_crash_msg(struct vm *vm, struct gh_vm_crash_msg *msg)
{
	int err;

	if (!ioctl(vm->fd, GH_VM_GET_CRASH_MSG, msg))
		return 0;
	err = errno;
	if (err == ENOTTY || err == ENODEV) {
		log_debug("no crash messages: errno %d", err);
		return -err;
	}
	return vm_ioctl_failed("GH_VM_GET_CRASH_MSG", "", err);
}
