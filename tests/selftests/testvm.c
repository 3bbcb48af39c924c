// SPDX-License-Identifier: GPL-2.0
/*
 * VMs for tests.
 */

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_tree.h"
#include "testvm.h"
#include "vm.h"

static_assert(GUEST_GICD_BASE == GUEST_GICD, "guest.S has the wrong GIC");
static_assert(GUEST_GICD_BASE - GUEST_GICR_SIZE == GUEST_GICR_0, "and redistributor");

int testvm_main(const struct tap_test *tests, unsigned int count)
{
	if (access(GUNYAH_DEVICE, F_OK))
		return tap_skip_all("no " GUNYAH_DEVICE);
	return tap_run(tests, count);
}

bool testvm_open(struct testvm *vm)
{
	struct gunyah gunyah;
	struct vm files;
	bool ok;

	*vm = (struct testvm) { .fd = -1 };
	ok = !gunyah_open(&gunyah) && !vm_open(&files, &gunyah);
	gunyah_close(&gunyah);
	if (!check(ok, "no VM"))
		return false;
	vm->fd = files.fd;
	return true;
}

static bool map_run_page(struct testvm *vm, unsigned int cpu)
{
	void *p;
	int size;

	size = ioctl(vm->vcpu_fd[cpu], GH_VCPU_MMAP_SIZE);
	if (!check(size >= (int)sizeof(struct gh_vcpu_run), "run page of %d bytes", size))
		return false;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd[cpu], 0);
	if (!check(p != MAP_FAILED, "mmap of vCPU %u: errno %d", cpu, errno))
		return false;
	vm->run_size = size;
	vm->run[cpu] = p;
	return true;
}

bool testvm_add_cpus(struct testvm *vm, unsigned int cpus)
{
	struct vm files = { .fd = vm->fd };

	while (vm->cpus < cpus) {
		unsigned int cpu = vm->cpus;

		vm->vcpu_fd[cpu] = vm_add_vcpu(&files, cpu);
		if (!check(vm->vcpu_fd[cpu] >= 0, "no vCPU %u", cpu))
			return false;
		vm->cpus++;
		if (!map_run_page(vm, cpu))
			return false;
	}
	return true;
}

static void free_device(struct device *dev)
{
	free(dev);
}

static void describe_nothing(struct device *dev, struct fdt_writer *fdt)
{
	(void)dev;
	(void)fdt;
}

static const struct device_ops irq_ops = {
	.name = "test",
	.node = "test",
	.describe = describe_nothing,
	.destroy = free_device,
};

struct device *testvm_add_irq(struct testvm *vm)
{
	struct device *dev = calloc(1, sizeof(*dev));

	if (!check(dev, "no memory"))
		return NULL;
	dev->ops = &irq_ops;
	if (!check(!bus_add(&vm->bus, dev), "no device")) {
		free(dev);
		return NULL;
	}
	return dev;
}

bool testvm_fill(struct testvm *vm, struct guest_program program)
{
	const struct guest_tree tree = {
		.ram_base = vm->ram.gpa,
		.ram_size = vm->ram.size,
		.cpus = vm->cpus,
		.cmdline = "",
		.bus = &vm->bus,
	};

	memcpy(vm->ram.hva, program.start, program.end - program.start);
	return check(!guest_tree_write(&tree, vm->ram.hva + TESTVM_DTB), "no devicetree");
}

bool testvm_load(struct testvm *vm, bool lend, struct guest_program program)
{
	vm->ram = (struct guest_mem) {
		.label = GUEST_RAM_LABEL,
		.lend = lend,
		.gpa = GUEST_RAM_BASE,
		.size = TESTVM_MEM_SIZE,
	};
	return check(!guest_mem_alloc(&vm->ram), "no guest memory") &&
	       testvm_fill(vm, program);
}

/* As the Resource Manager is to make one */
bool testvm_describe_bell(struct testvm *vm, u32 label)
{
	void *fdt = vm->ram.hva + TESTVM_DTB;
	int node = fdt_add_subnode(fdt, fdt_path_offset(fdt, "/gunyah-vm-config/vdevices"), "out");
	int err = node < 0 ? node : fdt_setprop_string(fdt, node, "vdevice-type",
						       "doorbell-source");

	if (!err)
		err = fdt_setprop_string(fdt, node, "generate", "/hypervisor/ring");
	if (!err)
		err = fdt_setprop_u32(fdt, node, "label", label);
	if (!err)
		err = fdt_setprop(fdt, node, "peer-default", NULL, 0);
	return check(!err, "devicetree: %s", fdt_strerror(err));
}

bool testvm_give(struct testvm *vm)
{
	struct vm files = { .fd = vm->fd };

	return check(!bus_attach(&vm->bus, &files), "no irqfd") &&
	       check(!guest_mem_give(&vm->ram, &files), "memory refused") &&
	       check(!vm_set_dtb(&files, GUEST_RAM_BASE + TESTVM_DTB, GUEST_TREE_SIZE),
		     "devicetree refused");
}

bool testvm_create(struct testvm *vm, unsigned int cpus, struct guest_program program)
{
	return testvm_open(vm) && testvm_add_cpus(vm, cpus) &&
	       testvm_load(vm, true, program) && testvm_give(vm);
}

bool testvm_start(struct testvm *vm, unsigned int cpus, struct guest_program program)
{
	return testvm_create(vm, cpus, program) &&
	       check_errno(testvm_ioctl_start(vm), 0, "START");
}

void testvm_close_files(struct testvm *vm)
{
	while (vm->cpus) {
		vm->cpus--;
		if (vm->run[vm->cpus])
			munmap(vm->run[vm->cpus], vm->run_size);
		close(vm->vcpu_fd[vm->cpus]);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
	bus_destroy(&vm->bus);
}

void testvm_close(struct testvm *vm)
{
	testvm_close_files(vm);
	guest_mem_free(&vm->ram);
}

int testvm_function(int vm, unsigned long request, u32 type, const void *arg, u32 size)
{
	const struct gh_fn_desc desc = {
		.type = type,
		.arg_size = size,
		.arg = (unsigned long)arg,
	};

	return ioctl(vm, request, &desc);
}

int testvm_ioctl_start(struct testvm *vm)
{
	return ioctl(vm->fd, GH_VM_START);
}

int testvm_run(struct testvm *vm, unsigned int cpu)
{
	return ioctl(vm->vcpu_fd[cpu], GH_VCPU_RUN);
}

const struct port_access guest_writes[GUEST_WRITES] = {
	{ .offset = 0,	.value = 0x77,		     .len = 1, .is_write = true },
	{ .offset = 8,	.value = 0x8877,	     .len = 2, .is_write = true },
	{ .offset = 16,	.value = 0x66558877,	     .len = 4, .is_write = true },
	{ .offset = 24,	.value = 0x2211443366558877, .len = 8, .is_write = true },
};

/* Run until there is something to see; what else runs in this test may send signals. */
static bool run_to_exit(struct testvm *vm, unsigned int cpu)
{
	int ret;

	do {
		ret = testvm_run(vm, cpu);
	} while (ret && errno == EINTR);
	return check_errno(ret, 0, "RUN of vCPU %u", cpu);
}

bool testvm_expect(struct testvm *vm, unsigned int cpu, const struct port_access *access)
{
	struct gh_vcpu_run *run = vm->run[cpu];
	u64 value = access->value;

	if (!run_to_exit(vm, cpu))
		return false;
	if (!check(run->exit_reason == GH_VCPU_EXIT_MMIO, "exit reason %u",
		   run->exit_reason))
		return false;
	if (!check(run->mmio.phys_addr == GUEST_PORT + access->offset &&
		   run->mmio.len == access->len && run->mmio.is_write == access->is_write,
		   "%s of %u bytes at %#llx, not of %u at %#llx",
		   run->mmio.is_write ? "write" : "read", run->mmio.len,
		   run->mmio.phys_addr, access->len, GUEST_PORT + access->offset))
		return false;
	if (!access->is_write) {
		memset(run->mmio.data, 0xee, sizeof(run->mmio.data));
		memcpy(run->mmio.data, &value, access->len);
		return true;
	}
	value = 0;
	memcpy(&value, run->mmio.data, access->len);
	return check(value == access->value, "%#llx written, not %#llx", value,
		     access->value);
}

bool testvm_expect_out(struct testvm *vm, unsigned int cpu, u64 value)
{
	const struct port_access access = {
		.offset = GUEST_PORT_OUT,
		.value = value,
		.len = 8,
		.is_write = true,
	};

	return testvm_expect(vm, cpu, &access);
}

bool testvm_peek(struct testvm *vm, u64 gpa, u64 value, const char *what)
{
	const struct port_access address = { .len = 8, .value = gpa };

	return check(testvm_expect(vm, 0, &address) && testvm_expect_out(vm, 0, value),
		     "%s (%#llx)", what, gpa);
}

bool testvm_poke(struct testvm *vm, u64 gpa, u64 value, u64 out)
{
	const struct port_access address = { .len = 8, .value = gpa | 1 };
	const struct port_access what = { .len = 8, .value = value };

	return check(testvm_expect(vm, 0, &address) && testvm_expect(vm, 0, &what) &&
		     testvm_expect_out(vm, 0, out), "write of %#llx", gpa);
}

bool testvm_power_off(struct testvm *vm)
{
	const struct port_access zero = { .len = 8 };

	return testvm_expect(vm, 0, &zero) &&
	       testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

bool testvm_expect_end(struct testvm *vm, unsigned int cpu, u16 exit_type)
{
	const struct gh_vcpu_run *run = vm->run[cpu];

	return run_to_exit(vm, cpu) &&
	       check(run->exit_reason == GH_VCPU_EXIT_STATUS, "exit reason %u",
		     run->exit_reason) &&
	       check(run->status.status == GH_VM_STATUS_EXITED, "status %u",
		     run->status.status) &&
	       check(run->status.exit_info.type == exit_type, "exit type %u, not %u",
		     run->status.exit_info.type, exit_type);
}

static sigjmp_buf after_fault;

static void caught(int sig)
{
	siglongjmp(after_fault, sig);
}

int access_signal(void *p, bool write)
{
	const struct sigaction action = { .sa_handler = caught };
	struct sigaction old_bus, old_segv;
	u8 *byte = p;
	int sig;

	sigaction(SIGBUS, &action, &old_bus);
	sigaction(SIGSEGV, &action, &old_segv);
	sig = sigsetjmp(after_fault, 1);
	if (!sig) {
		if (write)
			__atomic_store_n(byte, 0, __ATOMIC_RELAXED);
		else
			__atomic_load_n(byte, __ATOMIC_RELAXED);
	}
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGSEGV, &old_segv, NULL);
	return sig;
}
