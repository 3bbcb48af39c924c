// SPDX-License-Identifier: GPL-2.0
/*
 * How a VM boots: registers and firmware, as far as the Resource Manager has them. And what
 * can be done at all.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "modules.h"
#include "testvm.h"
#include "vm.h"

/* Where the other program is, apart from the one at the start of the image. */
#define OTHER_OFFSET		SZ_64K
#define OTHER_ADDR		(GUEST_RAM_BASE + OTHER_OFFSET)
#define STACK			(GUEST_RAM_BASE + 2 * OTHER_OFFSET)

#define X(_index)		GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_X, _index)
#define VM_SET_BOOT_CONTEXT	"56000031"

#define PC			GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_PC, 0)
#define SP(_index)		GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_SP, _index)

static int set_reg(const struct testvm *vm, u32 reg, u64 value)
{
	struct gh_vm_boot_context context = { .reg = reg, .value = value };

	return ioctl(vm->fd, GH_VM_SET_BOOT_CONTEXT, &context);
}

static int set_fw(const struct testvm *vm, u64 gpa, u64 size)
{
	struct gh_vm_firmware_config config = { .guest_phys_addr = gpa, .size = size };

	return ioctl(vm->fd, GH_VM_ANDROID_SET_FW_CONFIG, &config);
}

/* All but START; one program where a VM boots by itself, the other elsewhere. */
static bool create_with_two(struct testvm *vm, struct guest_program first,
			    struct guest_program other)
{
	if (!testvm_open(vm) || !testvm_add_cpus(vm, 1) || !testvm_load(vm, true, first))
		return false;
	memcpy(vm->ram.hva + OTHER_OFFSET, other.start, other.end - other.start);
	return testvm_give(vm);
}

static u64 capability(int fd, u32 id)
{
	struct gh_capability cap = { .id = id, .value = ~0ULL };

	check_errno(ioctl(fd, GH_GET_CAPABILITY, &cap), 0, "GET_CAPABILITY %u", id);
	return cap.value;
}

static bool has_boot_context(const struct testvm *vm)
{
	return capability(vm->fd, GH_CAP_BOOT_CONTEXT);
}

/* Returns whether it is so. */
static bool with_boot_context(bool on)
{
	if (!ctl_supported()) {
		skip("no control channel");
		return false;
	}
	return rm_set_boot_context(on);
}

static void check_registers(void)
{
	struct testvm vm;

	if (!create_with_two(&vm, PROGRAM(spin), PROGRAM(context))) {
		testvm_close(&vm);
		return;
	}
	check(has_boot_context(&vm), "boot context is missing");
	check_errno(set_reg(&vm, PC, GUEST_RAM_BASE), 0, "SET_BOOT_CONTEXT of the PC");
	check_errno(set_reg(&vm, PC, OTHER_ADDR), 0, "and again");
	check_errno(set_reg(&vm, X(0), 0), 0, "SET_BOOT_CONTEXT of X0");
	check_errno(set_reg(&vm, X(1), 0x1122334455667788), 0, "SET_BOOT_CONTEXT of X1");
	check_errno(set_reg(&vm, SP(1), STACK), 0, "SET_BOOT_CONTEXT of SP_EL1");
	if (check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		check_errno(set_reg(&vm, PC, 0), EINVAL, "SET_BOOT_CONTEXT after START");
		testvm_expect_out(&vm, 0, 0);
		testvm_expect_out(&vm, 0, 0x1122334455667788);
		testvm_expect_out(&vm, 0, STACK);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static void boot_context(void)
{
	if (with_boot_context(true)) {
		check_registers();
		rm_reset_boot_context();
	}
}

static void check_no_registers(void)
{
	struct testvm vm;

	if (testvm_create(&vm, 1, PROGRAM(off))) {
		check(!has_boot_context(&vm), "boot context is there");
		check_errno(set_reg(&vm, PC, GUEST_RAM_BASE), ENOTTY, "SET_BOOT_CONTEXT");
		if (check_errno(testvm_ioctl_start(&vm), 0, "START")) {
			check_errno(set_reg(&vm, PC, 0), ENOTTY, "SET_BOOT_CONTEXT after START");
			testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		}
	}
	testvm_close(&vm);
}

/* VMMs that start at the beginning of the image go on without it. */
static void no_boot_context(void)
{
	if (with_boot_context(false)) {
		check_no_registers();
		rm_reset_boot_context();
	}
}

static void no_such_register(void)
{
	static const u32 bad[] = {
		X(32), GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_PC, 1), SP(3), GH_VM_BOOT_REG(3, 0),
		0x10000, 0x80000000, ~0U,
	};
	struct testvm vm;
	unsigned int i;

	if (testvm_open(&vm)) {
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			check_errno(set_reg(&vm, bad[i], 0), EINVAL, "register %#x", bad[i]);
		check_errno(ioctl(vm.fd, GH_VM_SET_BOOT_CONTEXT, NULL), EFAULT, "no pointer");
	}
	testvm_close(&vm);
}

/* The Resource Manager has got no firmware from a boot loader. */
static void no_firmware(void)
{
	struct dump before;
	struct testvm vm;

	if (!dump_supported())
		return skip("no dump");
	if (!dump_take(&before))
		return;
	if (create_with_two(&vm, PROGRAM(spin), PROGRAM(off))) {
		check_errno(set_fw(&vm, OTHER_ADDR, SZ_4K), 0, "SET_FW_CONFIG");
		check_errno(testvm_ioctl_start(&vm), EPERM, "START");
	}
	testvm_close(&vm);
	dump_check_same(&before);
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

static bool give_firmware(struct guest_program program)
{
	char hex[2 * 480 + 1];
	const char *p;
	size_t n = 0;

	for (p = program.start; p < program.end && n + 2 < sizeof(hex); p++)
		n += sprintf(hex + n, "%02x", (u8)*p);
	return ctl("firmware hex=%s", hex);
}

static void firmware(void)
{
	struct dump before;
	struct testvm vm;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	if (give_firmware(PROGRAM(off)) &&
	    create_with_two(&vm, PROGRAM(spin), PROGRAM(spin))) {
		check_errno(set_fw(&vm, OTHER_ADDR, SZ_4K), 0, "SET_FW_CONFIG");
		/* It has its own beginning. */
		if (has_boot_context(&vm))
			check_errno(set_reg(&vm, PC, GUEST_RAM_BASE), 0, "SET_BOOT_CONTEXT");
		if (check_errno(testvm_ioctl_start(&vm), 0, "START"))
			testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		testvm_close(&vm);
	}
	ctl("firmware");
	dump_check_same(&before);
	dump_free(&before);
}

static void bad_firmware_config(void)
{
	static const struct {
		u64 gpa;
		u64 size;
		int set;
		int start;
	} bad[] = {
		{ OTHER_ADDR, 0, EINVAL, 0 },
		{ OTHER_ADDR, -OTHER_ADDR, EOVERFLOW, 0 },
		{ -1ULL, -1ULL, EOVERFLOW, 0 },
		{ OTHER_ADDR + 1, SZ_4K, 0, EINVAL },
		{ OTHER_ADDR, SZ_4K + 1, 0, EINVAL },
		{ OTHER_ADDR, TESTVM_MEM_SIZE, 0, ENXIO },
		{ GUEST_RAM_BASE - SZ_4K, 2 * SZ_4K, 0, ENXIO },
		{ 0, SZ_4K, 0, ENXIO },
	};
	struct testvm vm;
	unsigned int i;

	if (testvm_create(&vm, 1, PROGRAM(off))) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			check_errno(set_fw(&vm, bad[i].gpa, bad[i].size), bad[i].set,
				    "SET_FW_CONFIG %u", i);
			if (!bad[i].set)
				check_errno(testvm_ioctl_start(&vm), bad[i].start, "START %u", i);
		}
		check_errno(ioctl(vm.fd, GH_VM_ANDROID_SET_FW_CONFIG, NULL), EFAULT,
			    "no pointer");
	}
	testvm_close(&vm);
}

/* START reports what the Resource Manager says of a register, and of a protected VM. */
static void refused_requests(void)
{
	struct dump before;
	struct testvm vm;

	if (!ctl_supported())
		return skip("no control channel");
	if (!dump_take(&before))
		return;
	if (testvm_create(&vm, 1, PROGRAM(off)) && has_boot_context(&vm)) {
		check_errno(set_reg(&vm, X(1), 1), 0, "SET_BOOT_CONTEXT");
		check_errno(set_reg(&vm, X(2), 2), 0, "SET_BOOT_CONTEXT");
		ctl("fail " VM_SET_BOOT_CONTEXT " code=3 nth=2");
		check_errno(testvm_ioctl_start(&vm), EPERM, "START with a register refused");
	}
	testvm_close(&vm);
	dump_check_same(&before);

	if (testvm_create(&vm, 1, PROGRAM(off))) {
		check_errno(set_fw(&vm, OTHER_ADDR, SZ_4K), 0, "SET_FW_CONFIG");
		ctl("fail " VM_CONFIG_IMAGE " code=6");
		check_errno(testvm_ioctl_start(&vm), EINVAL, "START as a protected VM");
	}
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

static void capabilities(void)
{
	static const struct {
		u32 id;
		u64 value;
	} want[] = {
		{ 0, 0 },
		{ GH_CAP_API_VERSION, 1 },
		{ GH_CAP_FUNCTIONS, 1 << GH_FN_VCPU | 1 << GH_FN_IRQFD | 1 << GH_FN_IOEVENTFD |
		  1ULL << GH_FN_BELLFD },
		{ GH_CAP_VCPU_EXITS, 1 << GH_VCPU_EXIT_MMIO | 1 << GH_VCPU_EXIT_STATUS |
		  1 << GH_VCPU_EXIT_PAGE_FAULT },
		{ GH_CAP_MAX_REGIONS, 64 },
		{ GH_CAP_VM_POLL, 1 },
		{ GH_CAP_VM_STATUS, 1 },
		{ 1000000, 0 },
		{ 0xffffffff, 0 },
	};
	int device = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	struct testvm vm;
	unsigned int i;

	if (testvm_open(&vm)) {
		for (i = 0; i < ARRAY_SIZE(want); i++) {
			check(capability(device, want[i].id) == want[i].value,
			      "capability %u of the device is %#llx", want[i].id,
			      capability(device, want[i].id));
			check(capability(vm.fd, want[i].id) == want[i].value,
			      "capability %u of the VM", want[i].id);
		}
		check(capability(device, GH_CAP_MAX_VCPUS) ==
		      (u64)sysconf(_SC_NPROCESSORS_CONF), "vCPUs: %llu",
		      capability(device, GH_CAP_MAX_VCPUS));
		check(capability(device, GH_CAP_VARIANT), "no variant");
		check(capability(device, GH_CAP_FEATURES_0), "no features");
		check(capability(device, GH_CAP_MEM_FLAGS) & GH_MEM_LENT, "no lending");
	}
	testvm_close(&vm);
	close(device);
}

static void capability_arguments(void)
{
	struct gh_capability cap = { .id = GH_CAP_API_VERSION, .reserved = 1 };
	int device = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);

	check_errno(ioctl(device, GH_GET_CAPABILITY, &cap), EINVAL, "reserved 1");
	cap.reserved = 0x80000000;
	check_errno(ioctl(device, GH_GET_CAPABILITY, &cap), EINVAL, "reserved 1 << 31");
	check_errno(ioctl(device, GH_GET_CAPABILITY, NULL), EFAULT, "no pointer");
	close(device);
}

/* No harm is done by asking for what is not there. */
static void not_there(void)
{
	static const u32 codes[] = {
		0x40104113, 0x40284115, 0x40104116, 0x00004110, 0x40404708, 0x40209409, 0x44204704,
	};
	struct testvm vm;
	unsigned int i;

	if (testvm_open(&vm)) {
		for (i = 0; i < ARRAY_SIZE(codes); i++)
			check_errno(ioctl(vm.fd, codes[i], 0), ENOTTY, "%#x", codes[i]);
		for (i = 0; i < 32; i++)
			check(!ioctl(vm.fd, GH_VM_ANDROID_CHECK_EXTENSION, i), "extension %u", i);
	}
	testvm_close(&vm);
}

static const struct tap_test tests[] = {
	{ "registers at boot", boot_context },
	{ "no boot context", no_boot_context },
	{ "registers that do not exist", no_such_register },
	{ "no firmware", no_firmware },
	{ "a protected VM boots from firmware", firmware },
	{ "places where firmware cannot be", bad_firmware_config },
	{ "refused by the Resource Manager", refused_requests },
	{ "capabilities", capabilities },
	{ "arguments of the capabilities' ioctl", capability_arguments },
	{ "ioctls that are not there", not_there },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
