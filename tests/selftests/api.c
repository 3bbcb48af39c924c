// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong arguments to every ioctl: each has its errno, and leaves a VM that still works.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "testvm.h"
#include "vm.h"

/* What programs were built with must not change: numbers as they are, not as they are made. */
static_assert(GH_CREATE_VM == 0x4700, "GH_CREATE_VM");
static_assert(GH_VM_SET_USER_MEM_REGION == 0x40204701, "GH_VM_SET_USER_MEM_REGION");
static_assert(GH_VM_SET_DTB_CONFIG == 0x40104702, "GH_VM_SET_DTB_CONFIG");
static_assert(GH_VM_START == 0x4703, "GH_VM_START");
static_assert(GH_VM_ADD_FUNCTION == 0x40104704, "GH_VM_ADD_FUNCTION");
static_assert(GH_VCPU_RUN == 0x4705, "GH_VCPU_RUN");
static_assert(GH_VCPU_MMAP_SIZE == 0x4706, "GH_VCPU_MMAP_SIZE");
static_assert(GH_VM_REMOVE_FUNCTION == 0x40104707, "GH_VM_REMOVE_FUNCTION");
static_assert(GH_VM_ANDROID_LEND_USER_MEM == 0x40204111, "GH_VM_ANDROID_LEND_USER_MEM");

static_assert(GH_MEM_ALLOW_READ == 1 && GH_MEM_ALLOW_WRITE == 2, "rights");
static_assert(GH_MEM_ALLOW_EXEC == 4 && GH_MEM_LENT == 8, "rights");
static_assert(GH_FN_BELLFD == 56, "function of this driver");
static_assert(GH_FN_VCPU == 1 && GH_FN_IRQFD == 2 && GH_FN_IOEVENTFD == 3, "functions");
static_assert(GH_IRQFD_FLAGS_LEVEL == 1 && GH_IOEVENTFD_FLAGS_DATAMATCH == 1, "flags");
static_assert(GH_VCPU_EXIT_MMIO == 1 && GH_VCPU_EXIT_STATUS == 2, "reasons of an exit");
static_assert(GH_VM_STATUS_LOAD_FAILED == 1 && GH_VM_STATUS_EXITED == 2 &&
	      GH_VM_STATUS_CRASHED == 3, "statuses");
static_assert(GH_VM_EXIT_TYPE_PSCI_POWER_OFF == 1 && GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET == 2 &&
	      GH_VM_EXIT_TYPE_VM_FORCE_STOPPED == 7, "types of an end");

#define ASSERT_SIZE(type, size) \
	static_assert(sizeof(struct type) == (size), #type)
#define ASSERT_OFFSET(type, member, offset) \
	static_assert(offsetof(struct type, member) == (offset), #type "." #member)

ASSERT_SIZE(gh_userspace_memory_region, 32);
ASSERT_OFFSET(gh_userspace_memory_region, label, 0);
ASSERT_OFFSET(gh_userspace_memory_region, flags, 4);
ASSERT_OFFSET(gh_userspace_memory_region, guest_phys_addr, 8);
ASSERT_OFFSET(gh_userspace_memory_region, memory_size, 16);
ASSERT_OFFSET(gh_userspace_memory_region, userspace_addr, 24);
ASSERT_SIZE(gh_vm_dtb_config, 16);
ASSERT_OFFSET(gh_vm_dtb_config, guest_phys_addr, 0);
ASSERT_OFFSET(gh_vm_dtb_config, size, 8);
ASSERT_SIZE(gh_fn_desc, 16);
ASSERT_OFFSET(gh_fn_desc, type, 0);
ASSERT_OFFSET(gh_fn_desc, arg_size, 4);
ASSERT_OFFSET(gh_fn_desc, arg, 8);
ASSERT_SIZE(gh_fn_vcpu_arg, 4);
ASSERT_SIZE(gh_fn_irqfd_arg, 16);
ASSERT_OFFSET(gh_fn_irqfd_arg, fd, 0);
ASSERT_OFFSET(gh_fn_irqfd_arg, label, 4);
ASSERT_OFFSET(gh_fn_irqfd_arg, flags, 8);
ASSERT_SIZE(gh_fn_ioeventfd_arg, 32);
ASSERT_OFFSET(gh_fn_ioeventfd_arg, datamatch, 0);
ASSERT_OFFSET(gh_fn_ioeventfd_arg, addr, 8);
ASSERT_OFFSET(gh_fn_ioeventfd_arg, len, 16);
ASSERT_OFFSET(gh_fn_ioeventfd_arg, fd, 20);
ASSERT_OFFSET(gh_fn_ioeventfd_arg, flags, 24);
ASSERT_SIZE(gh_fn_bellfd_arg, 16);
ASSERT_OFFSET(gh_fn_bellfd_arg, label, 4);
ASSERT_SIZE(gh_vcpu_run, 40);
ASSERT_OFFSET(gh_vcpu_run, immediate_exit, 0);
ASSERT_OFFSET(gh_vcpu_run, exit_reason, 8);
ASSERT_OFFSET(gh_vcpu_run, mmio.phys_addr, 16);
ASSERT_OFFSET(gh_vcpu_run, mmio.data, 24);
ASSERT_OFFSET(gh_vcpu_run, mmio.len, 32);
ASSERT_OFFSET(gh_vcpu_run, mmio.is_write, 36);
ASSERT_OFFSET(gh_vcpu_run, mmio.resume_action, 37);
ASSERT_OFFSET(gh_vcpu_run, page_fault.phys_addr, 16);
ASSERT_OFFSET(gh_vcpu_run, page_fault.attempt, 24);
ASSERT_OFFSET(gh_vcpu_run, page_fault.resume_action, 28);
ASSERT_OFFSET(gh_vcpu_run, status.status, 16);
ASSERT_OFFSET(gh_vcpu_run, status.exit_info.type, 20);
ASSERT_OFFSET(gh_vcpu_run, status.exit_info.reason_size, 24);
ASSERT_OFFSET(gh_vcpu_run, status.exit_info.reason, 28);

#define RWX			(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)
#define BAD_POINTER		((void *)16UL)
#define BASE			GUEST_RAM_BASE
#define GPA_LIMIT		BIT_ULL(44)

/* Memory of the test, eight pages. */
#define PAGES			8

static u64 page;
static u8 *memory;

static u64 user(unsigned int pages)
{
	return (unsigned long)memory + pages * page;
}

static void make_memory(void)
{
	page = sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		abort();
}

static int set_region(int vm, u32 label, u32 flags, u64 gpa, u64 size, u64 uaddr)
{
	const struct gh_userspace_memory_region region = {
		.label = label,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = uaddr,
	};

	return ioctl(vm, GH_VM_SET_USER_MEM_REGION, &region);
}

static int set_dtb(int vm, u64 gpa, u64 size)
{
	const struct gh_vm_dtb_config config = { .guest_phys_addr = gpa, .size = size };

	return ioctl(vm, GH_VM_SET_DTB_CONFIG, &config);
}

static void unknown_ioctls(void)
{
	/* Others' numbers, other files' calls, and right numbers of the wrong size. */
	static const unsigned long unknown[] = {
		_IO(GH_IOCTL_TYPE, 0xff),
		_IO(GH_ANDROID_IOCTL_TYPE, 0xff),
		_IO('K', 0),
		_IOW(GH_IOCTL_TYPE, 0x1, u64),
		_IOW(GH_IOCTL_TYPE, 0x4, u64),
	};
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	struct testvm vm;
	size_t i;

	if (!testvm_open(&vm) || !testvm_add_cpus(&vm, 1))
		goto out;
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		check_errno(ioctl(dev, unknown[i], 0), ENOTTY, "device: %#lx", unknown[i]);
		check_errno(ioctl(vm.fd, unknown[i], 0), ENOTTY, "VM: %#lx", unknown[i]);
		check_errno(ioctl(vm.vcpu_fd[0], unknown[i], 0), ENOTTY, "vCPU: %#lx",
			    unknown[i]);
	}
	check_errno(ioctl(dev, GH_VM_START), ENOTTY, "device: START");
	check_errno(ioctl(vm.fd, GH_CREATE_VM, 0), ENOTTY, "VM: CREATE_VM");
	check_errno(ioctl(vm.fd, GH_VCPU_RUN), ENOTTY, "VM: RUN");
	check_errno(ioctl(vm.vcpu_fd[0], GH_VM_START), ENOTTY, "vCPU: START");
out:
	testvm_close(&vm);
	close(dev);
}

static void create_vm(void)
{
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	int vm;

	check_errno(ioctl(dev, GH_CREATE_VM, 1), EINVAL, "type 1");
	check_errno(ioctl(dev, GH_CREATE_VM, ~0UL), EINVAL, "type ~0");
	vm = ioctl(dev, GH_CREATE_VM, 0);
	if (check_errno(vm, 0, "type 0")) {
		check(fcntl(vm, F_GETFD) & FD_CLOEXEC, "VM file survives exec()");
		close(vm);
	}
	close(dev);
}

static void region_arguments(void)
{
	const u64 top = -page;
	const struct {
		const char *what;
		u32 flags;
		u64 gpa, size, uaddr;
		int err;
	} cases[] = {
		{ "gpa unaligned", RWX, BASE + 1, page, user(0), EINVAL },
		{ "gpa off by 2 KiB", RWX, BASE + SZ_4K / 2, page, user(0), EINVAL },
		{ "size unaligned", RWX, BASE, page + 1, user(0), EINVAL },
		{ "size less than a page", RWX, BASE, 1, user(0), EINVAL },
		{ "address unaligned", RWX, BASE, page, user(0) + 8, EINVAL },
		{ "gpa wraps to 0", RWX, top, page, user(0), EOVERFLOW },
		{ "gpa wraps", RWX, top, 2 * page, user(0), EOVERFLOW },
		{ "size wraps", RWX, BASE, top, user(0), EOVERFLOW },
		{ "address wraps", RWX, BASE, 2 * page, top, EOVERFLOW },
		{ "gpa too high", RWX, GPA_LIMIT, page, user(0), EINVAL },
		{ "end too high", RWX, GPA_LIMIT - page, 2 * page, user(0), EINVAL },
		{ "unknown flag", RWX | 0x10, BASE, page, user(0), EINVAL },
		{ "all flags", ~0U, BASE, page, user(0), EINVAL },
		{ "no rights", 0, BASE, page, user(0), EINVAL },
		{ "lent without rights", GH_MEM_LENT, BASE, page, user(0), EINVAL },
		{ "write only", GH_MEM_ALLOW_WRITE, BASE, page, user(0), EINVAL },
		{ "execute only", GH_MEM_ALLOW_EXEC, BASE, page, user(0), EINVAL },
		{ "write, execute", RWX & ~GH_MEM_ALLOW_READ, BASE, page, user(0), EINVAL },
		{ "nothing mapped", RWX, BASE, page, page, EFAULT },
		{ "kernel address", RWX, BASE, page, 1ULL << 63, EFAULT },
	};
	struct testvm vm;
	size_t i;

	if (testvm_open(&vm)) {
		check_errno(ioctl(vm.fd, GH_VM_SET_USER_MEM_REGION, BAD_POINTER), EFAULT,
			    "bad pointer");
		for (i = 0; i < ARRAY_SIZE(cases); i++)
			check_errno(set_region(vm.fd, i, cases[i].flags, cases[i].gpa,
					       cases[i].size, cases[i].uaddr),
				    cases[i].err, "%s", cases[i].what);
		/* None of them has left anything in the way of this. */
		check_errno(set_region(vm.fd, 0, RWX, BASE, PAGES * page, user(0)), 0,
			    "region");
	}
	testvm_close(&vm);
}

static void region_last_page(void)
{
	struct testvm vm;

	if (testvm_open(&vm))
		check_errno(set_region(vm.fd, 0, RWX, GPA_LIMIT - page, page, user(0)), 0,
			    "last page");
	testvm_close(&vm);
}

static void region_rights(void)
{
	static const u32 rights[] = {
		GH_MEM_ALLOW_READ,
		GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE,
		GH_MEM_ALLOW_READ | GH_MEM_ALLOW_EXEC,
		RWX,
		RWX | GH_MEM_LENT,
	};
	struct testvm vm;
	unsigned int i;

	if (testvm_open(&vm))
		for (i = 0; i < ARRAY_SIZE(rights); i++)
			check_errno(set_region(vm.fd, i, rights[i], BASE + i * page, page,
					       user(i)), 0, "flags %#x", rights[i]);
	testvm_close(&vm);
}

static void region_collisions(void)
{
	/* Against guest pages 2 and 3, label 7. */
	static const struct {
		const char *what;
		u32 label;
		unsigned int first, pages;
		int err;
	} cases[] = {
		{ "same label elsewhere",	7, 6, 1, EEXIST },
		{ "same range",			8, 2, 2, EEXIST },
		{ "inside",			8, 3, 1, EEXIST },
		{ "around",			8, 0, 8, EEXIST },
		{ "over the start",		8, 1, 2, EEXIST },
		{ "over the end",		8, 3, 2, EEXIST },
		{ "right before",		8, 1, 1, 0 },
		{ "right behind",		9, 4, 1, 0 },
	};
	struct testvm vm;
	size_t i;

	if (testvm_open(&vm) &&
	    check_errno(set_region(vm.fd, 7, RWX, BASE + 2 * page, 2 * page, user(0)), 0,
			"region"))
		for (i = 0; i < ARRAY_SIZE(cases); i++)
			check_errno(set_region(vm.fd, cases[i].label, RWX,
					       BASE + cases[i].first * page,
					       cases[i].pages * page, user(0)),
				    cases[i].err, "%s", cases[i].what);
	testvm_close(&vm);
}

static void region_deletion(void)
{
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(set_region(vm.fd, 1, RWX, BASE, page, user(0)), 0, "add");
		check_errno(set_region(vm.fd, 2, 0, 0, 0, 0), 0, "delete another");
		check_errno(set_region(vm.fd, 3, RWX, BASE, page, user(0)), EEXIST,
			    "add over it");
		check_errno(set_region(vm.fd, 1, 0, 0, 0, 0), 0, "delete");
		check_errno(set_region(vm.fd, 1, RWX, BASE, page, user(0)), 0, "add again");
	}
	testvm_close(&vm);
}

static void check_mapping(const char *what, int fd, int prot, int flags, int err)
{
	struct testvm vm;
	void *p;

	p = mmap(NULL, page, prot, flags, fd, 0);
	if (!check(p != MAP_FAILED, "%s: mmap: errno %d", what, errno))
		return;
	if (testvm_open(&vm))
		check_errno(set_region(vm.fd, 0, RWX, BASE, page, (unsigned long)p), err,
			    "%s", what);
	testvm_close(&vm);
	munmap(p, page);
}

static void region_kinds_of_memory(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int memfd = memfd_create("guest", MFD_CLOEXEC);

	if (check(memfd >= 0 && !ftruncate(memfd, page), "no memfd")) {
		check_mapping("memfd, shared", memfd, rw, MAP_SHARED, 0);
		check_mapping("memfd, private", memfd, rw, MAP_PRIVATE, 0);
	}
	check_mapping("anonymous, shared", -1, rw, MAP_SHARED | MAP_ANONYMOUS, 0);
	check_mapping("read-only", -1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, EFAULT);
	check_mapping("not accessible", -1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, EFAULT);
	close(memfd);
}

/* What a file system writes back must not be the guest's memory. */
static void region_of_file(void)
{
	char dir[] = "/tmp/gunyah-selftest-XXXXXX";
	char path[sizeof(dir) + 8];
	int fd;

	/* The root may be of memory that is good enough; this never is. */
	if (!check(mkdtemp(dir), "%s: errno %d", dir, errno) ||
	    !check(!mount("none", dir, "ramfs", 0, NULL), "ramfs: errno %d", errno))
		return;
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	if (check(fd >= 0 && !ftruncate(fd, page), "no file"))
		check_mapping("file", fd, PROT_READ | PROT_WRITE, MAP_SHARED, EOPNOTSUPP);
	close(fd);
}

static void android_lend(void)
{
	struct gh_userspace_memory_region region = {
		.flags = RWX,
		.guest_phys_addr = BASE,
		.memory_size = page,
		.userspace_addr = user(0),
	};
	struct testvm vm;

	if (!testvm_open(&vm))
		goto out;
	check_errno(ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, BAD_POINTER), EFAULT,
		    "bad pointer");
	check_errno(ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, &region), 0, "lend");
	check_errno(ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, &region), EEXIST, "again");
	region.label = 1;
	region.guest_phys_addr = BASE + page;
	region.flags |= GH_MEM_LENT;
	check_errno(ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, &region), EINVAL,
		    "with our flag");
	region.flags = RWX;
	region.memory_size = 0;
	check_errno(ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, &region), EINVAL, "size 0");
out:
	testvm_close(&vm);
}

static void dtb_arguments(void)
{
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(ioctl(vm.fd, GH_VM_SET_DTB_CONFIG, BAD_POINTER), EFAULT,
			    "bad pointer");
		check_errno(set_dtb(vm.fd, -page, 2 * page), EOVERFLOW, "wraps");
		check_errno(set_dtb(vm.fd, BASE, -1ULL), EOVERFLOW, "size ~0");
		check_errno(set_dtb(vm.fd, BASE + 4, page), EINVAL, "unaligned");
		check_errno(set_dtb(vm.fd, BASE, 0), EINVAL, "size 0");
		check_errno(set_dtb(vm.fd, BASE, page), 0, "right");
		check_errno(set_dtb(vm.fd, BASE, page), 0, "right again");
	}
	testvm_close(&vm);
}

/* With two regions of two pages side by side. */
static void check_bad_start(const char *what, u64 dtb, u64 dtb_size)
{
	struct testvm vm;

	if (testvm_open(&vm)) {
		check_errno(set_region(vm.fd, 0, RWX, BASE, 2 * page, user(0)), 0, "region");
		check_errno(set_region(vm.fd, 1, RWX, BASE + 2 * page, 2 * page, user(2)), 0,
			    "region");
		if (dtb_size)
			check_errno(set_dtb(vm.fd, dtb, dtb_size), 0, "devicetree");
		check_errno(testvm_ioctl_start(&vm), EINVAL, "START: %s", what);
		/* Nothing was started, so this can still be put right. */
		check_errno(set_dtb(vm.fd, BASE, page), 0, "devicetree after: %s", what);
	}
	testvm_close(&vm);
}

static void bad_start(void)
{
	struct testvm vm;

	if (testvm_open(&vm))
		check_errno(testvm_ioctl_start(&vm), EINVAL, "START: nothing set");
	testvm_close(&vm);

	check_bad_start("no devicetree", 0, 0);
	check_bad_start("devicetree below memory", BASE - page, page);
	check_bad_start("devicetree behind memory", BASE + 4 * page, page);
	check_bad_start("devicetree half below", BASE - page, 2 * page);
	check_bad_start("devicetree half behind", BASE + 3 * page, 2 * page);
	check_bad_start("devicetree in two regions", BASE + page, 2 * page);
}

/* The Resource Manager looks at this one. */
static void bad_tree(void)
{
	struct testvm vm;

	if (testvm_open(&vm) && testvm_add_cpus(&vm, 1) &&
	    testvm_load(&vm, true, PROGRAM(off))) {
		memset(vm.ram.hva + TESTVM_DTB, 0, 8);
		if (testvm_give(&vm)) {
			check_errno(testvm_ioctl_start(&vm), EINVAL, "START");
			check_errno(testvm_ioctl_start(&vm), ENODEV, "START again");
		}
	}
	testvm_close(&vm);
}

static void change_started(void)
{
	struct testvm vm;

	if (testvm_start(&vm, 1, PROGRAM(spin))) {
		check_errno(set_region(vm.fd, 9, RWX, 2 * BASE, page, user(0)), EBUSY,
			    "add a region");
		check_errno(set_region(vm.fd, GUEST_RAM_LABEL, 0, 0, 0, 0), EBUSY,
			    "delete a region");
		check_errno(set_dtb(vm.fd, BASE, page), EBUSY, "move the devicetree");
	}
	testvm_close(&vm);
}

/* What goes for a function of any type. */
static void check_function(int vm, unsigned long request, const char *call)
{
	static const u8 big[GH_FN_MAX_ARG_SIZE + 8];
	static const struct {
		u32 type, size;
	} types[] = {
		{ GH_FN_VCPU, sizeof(struct gh_fn_vcpu_arg) },
		{ GH_FN_IRQFD, sizeof(struct gh_fn_irqfd_arg) },
		{ GH_FN_IOEVENTFD, sizeof(struct gh_fn_ioeventfd_arg) },
		{ GH_FN_BELLFD, sizeof(struct gh_fn_bellfd_arg) },
	};
	size_t i;

	check_errno(ioctl(vm, request, BAD_POINTER), EFAULT, "%s: bad pointer", call);
	check_errno(testvm_function(vm, request, 0, big, 4), ENOENT, "%s: type 0", call);
	check_errno(testvm_function(vm, request, 4711, big, 4), ENOENT, "%s: type 4711", call);
	check_errno(testvm_function(vm, request, ~0U, big, 4), ENOENT, "%s: type ~0", call);
	check_errno(testvm_function(vm, request, 4711, big, sizeof(big)), EINVAL,
		    "%s: large argument of type 4711", call);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		u32 type = types[i].type, size = types[i].size;

		check_errno(testvm_function(vm, request, type, BAD_POINTER, size), EFAULT,
			    "%s: type %u, bad argument pointer", call, type);
		check_errno(testvm_function(vm, request, type, big, 0), EINVAL,
			    "%s: type %u, argument of 0 bytes", call, type);
		check_errno(testvm_function(vm, request, type, big, size - 1), EINVAL,
			    "%s: type %u, argument too small", call, type);
		check_errno(testvm_function(vm, request, type, big, size + 1), EINVAL,
			    "%s: type %u, argument too large", call, type);
		check_errno(testvm_function(vm, request, type, big, sizeof(big)), EINVAL,
			    "%s: type %u, largest argument exceeded", call, type);
		check_errno(testvm_function(vm, request, type, big, ~0U), EINVAL,
			    "%s: type %u, argument of ~0 bytes", call, type);
	}
}

static void functions(void)
{
	struct testvm vm;

	/* With a vCPU, so that the type is known when it is to be removed. */
	if (testvm_open(&vm) && testvm_add_cpus(&vm, 1)) {
		const struct gh_fn_irqfd_arg irqfd = { .label = 9, .fd = -1 };
		const struct gh_fn_ioeventfd_arg ioeventfd = { .addr = 9, .fd = -1 };
		const struct gh_fn_vcpu_arg vcpu = { .id = 9 };

		check_function(vm.fd, GH_VM_ADD_FUNCTION, "ADD");
		check_function(vm.fd, GH_VM_REMOVE_FUNCTION, "REMOVE");
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &vcpu,
					    sizeof(vcpu)), ENOENT, "REMOVE a vCPU");
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_IRQFD, &irqfd,
					    sizeof(irqfd)), ENOENT, "REMOVE an irqfd");
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_IOEVENTFD,
					    &ioeventfd, sizeof(ioeventfd)), ENOENT,
			    "REMOVE an ioeventfd");
	}
	testvm_close(&vm);
}

static void vcpus(void)
{
	const struct gh_fn_vcpu_arg arg = { .id = 3 };
	struct testvm vm;
	int i, fd;

	if (!testvm_open(&vm))
		return;
	for (i = 0; i < 3; i++) {
		fd = testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_VCPU, &arg, sizeof(arg));
		check_errno(fd, 0, "ADD");
		check(fcntl(fd, F_GETFD) & FD_CLOEXEC, "vCPU file survives exec()");
		check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_VCPU, &arg,
					    sizeof(arg)), EEXIST, "ADD again");
		check_errno(ioctl(fd, GH_VCPU_RUN), ENODEV, "RUN before START");
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &arg,
					    sizeof(arg)), 0, "REMOVE");
		check_errno(ioctl(fd, GH_VCPU_RUN), ENODEV, "RUN after REMOVE");
		close(fd);
	}
	testvm_close(&vm);
}

static void vcpu_mapping(void)
{
	struct testvm vm;
	u8 *p;
	int sig;

	if (!testvm_open(&vm) || !testvm_add_cpus(&vm, 1))
		goto out;
	check(ioctl(vm.vcpu_fd[0], GH_VCPU_MMAP_SIZE) == (int)page, "MMAP_SIZE");

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu_fd[0], 0);
	if (check(p != MAP_FAILED, "mmap of two pages: errno %d", errno)) {
		sig = access_signal(p, false);
		check(!sig, "signal %d for the first page", sig);
		sig = access_signal(p + page, false);
		check(sig == SIGBUS, "signal %d for the second page", sig);
		munmap(p, 2 * page);
	}
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu_fd[0], page);
	if (p != MAP_FAILED) {
		sig = access_signal(p, false);
		check(sig == SIGBUS, "signal %d for the second page alone", sig);
		munmap(p, page);
	}
out:
	testvm_close(&vm);
}

static void irqfds(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct {
		const char *what;
		struct gh_fn_irqfd_arg arg;
		int err;
	} cases[] = {
		{ "no file", { .fd = -1, .label = 1 }, EBADF },
		{ "file number too large", { .fd = 1 << 30, .label = 1 }, EBADF },
		{ "no eventfd", { .fd = other, .label = 1 }, EINVAL },
		{ "unknown flag", { .fd = fd, .label = 1, .flags = 2 }, EINVAL },
		{ "all flags", { .fd = fd, .label = 1, .flags = ~0U }, EINVAL },
		{ "right", { .fd = fd, .label = 1, .padding = ~0U }, 0 },
		{ "same label", { .fd = fd, .label = 1 }, EEXIST },
		{ "other label", { .fd = fd, .label = 2, .flags = GH_IRQFD_FLAGS_LEVEL }, 0 },
	};
	const struct gh_fn_irqfd_arg first = { .fd = -1, .label = 1 };
	struct testvm vm;
	size_t i;

	if (testvm_open(&vm)) {
		for (i = 0; i < ARRAY_SIZE(cases); i++)
			check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_IRQFD,
						    &cases[i].arg, sizeof(cases[i].arg)),
				    cases[i].err, "%s", cases[i].what);
		/* The label alone says which. */
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_IRQFD, &first,
					    sizeof(first)), 0, "REMOVE");
		check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_IRQFD, &first,
					    sizeof(first)), ENOENT, "REMOVE again");
	}
	testvm_close(&vm);
	close(fd);
	close(other);
}

static void ioeventfds(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);
	const u32 match = GH_IOEVENTFD_FLAGS_DATAMATCH;
	const struct {
		const char *what;
		struct gh_fn_ioeventfd_arg arg;
		int err;
	} cases[] = {
		{ "no file", { .addr = 0x1000, .len = 4, .fd = -1 }, EBADF },
		{ "no eventfd", { .addr = 0x1000, .len = 4, .fd = other }, EINVAL },
		{ "length 3", { .addr = 0x1000, .len = 3, .fd = fd }, EINVAL },
		{ "length 16", { .addr = 0x1000, .len = 16, .fd = fd }, EINVAL },
		{ "length ~0", { .addr = 0x1000, .len = ~0U, .fd = fd }, EINVAL },
		{ "any length with data", { .addr = 0x1000, .fd = fd, .flags = match }, EINVAL },
		{ "wraps", { .addr = -2ULL, .len = 4, .fd = fd }, EINVAL },
		{ "unknown flag", { .addr = 0x1000, .len = 4, .fd = fd, .flags = 2 }, EINVAL },
		{ "right", { .addr = 0x1000, .len = 4, .fd = fd, .padding = ~0U }, 0 },
		{ "the same", { .addr = 0x1000, .len = 4, .fd = fd }, EEXIST },
		{ "any length there", { .addr = 0x1000, .fd = fd }, EEXIST },
		{ "with data there",
		  { .addr = 0x1000, .len = 4, .fd = fd, .flags = match }, EEXIST },
		{ "data 1",
		  { .addr = 0x2000, .len = 4, .fd = fd, .flags = match, .datamatch = 1 }, 0 },
		{ "data 2",
		  { .addr = 0x2000, .len = 4, .fd = fd, .flags = match, .datamatch = 2 }, 0 },
		{ "data 1 again",
		  { .addr = 0x2000, .len = 4, .fd = fd, .flags = match, .datamatch = 1 },
		  EEXIST },
	};
	struct testvm vm;
	size_t i;

	if (testvm_open(&vm))
		for (i = 0; i < ARRAY_SIZE(cases); i++)
			check_errno(testvm_function(vm.fd, GH_VM_ADD_FUNCTION, GH_FN_IOEVENTFD,
						    &cases[i].arg, sizeof(cases[i].arg)),
				    cases[i].err, "%s", cases[i].what);
	testvm_close(&vm);
	close(fd);
	close(other);
}

static const struct tap_test tests[] = {
	{ "unknown ioctls", unknown_ioctls },
	{ "CREATE_VM", create_vm },
	{ "SET_USER_MEM_REGION: arguments", region_arguments },
	{ "SET_USER_MEM_REGION: last guest page", region_last_page },
	{ "SET_USER_MEM_REGION: rights", region_rights },
	{ "SET_USER_MEM_REGION: labels and ranges in use", region_collisions },
	{ "SET_USER_MEM_REGION: deletion", region_deletion },
	{ "SET_USER_MEM_REGION: kinds of memory", region_kinds_of_memory },
	{ "SET_USER_MEM_REGION: file", region_of_file },
	{ "ANDROID_LEND_USER_MEM", android_lend },
	{ "SET_DTB_CONFIG", dtb_arguments },
	{ "START without what it needs", bad_start },
	{ "START with a broken devicetree", bad_tree },
	{ "changes after START", change_started },
	{ "ADD_FUNCTION, REMOVE_FUNCTION", functions },
	{ "ADD_FUNCTION: vCPU", vcpus },
	{ "ADD_FUNCTION: irqfd", irqfds },
	{ "ADD_FUNCTION: ioeventfd", ioeventfds },
	{ "mapping of a vCPU file", vcpu_mapping },
};

int main(void)
{
	make_memory();
	return testvm_main(tests, ARRAY_SIZE(tests));
}
