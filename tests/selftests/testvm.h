/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMs for tests: a guest from a bare program, built with the VMM's own parts.
 */

#ifndef SELFTEST_TESTVM_H
#define SELFTEST_TESTVM_H

#include <linux/gunyah.h>

#include "device.h"
#include "guest.h"
#include "machine.h"
#include "memory.h"
#include "tap.h"
#include "util.h"

#define TESTVM_MEM_SIZE		SZ_2M
#define TESTVM_MAX_CPUS		8
/* Where testvm_load() puts the devicetree. */
#define TESTVM_DTB		SZ_1M

struct testvm {
	int fd;
	unsigned int cpus;
	int vcpu_fd[TESTVM_MAX_CPUS];
	struct gh_vcpu_run *run[TESTVM_MAX_CPUS];
	size_t run_size;
	struct guest_mem ram;
	struct bus bus;
};

/* A bare VM; returns whether that worked, as all of these do. */
bool testvm_open(struct testvm *vm);
bool testvm_add_cpus(struct testvm *vm, unsigned int cpus);
/* One more device on the bus, whose only use is its interrupt. */
struct device *testvm_add_irq(struct testvm *vm);
/* Guest memory with program and devicetree in it, for the CPUs and interrupts so far. */
bool testvm_load(struct testvm *vm, bool lend, struct guest_program program);
/* What testvm_load() puts into memory, into any that vm->ram describes. */
bool testvm_fill(struct testvm *vm, struct guest_program program);
/* A doorbell of the host's in the devicetree; the guest's programs look for "ring". */
bool testvm_describe_bell(struct testvm *vm, u32 label);
/* Give memory, devicetree and irqfds to the VM. */
bool testvm_give(struct testvm *vm);
/* All of the above with lent memory and no interrupts. */
bool testvm_create(struct testvm *vm, unsigned int cpus, struct guest_program program);
/* testvm_create(), then start it. */
bool testvm_start(struct testvm *vm, unsigned int cpus, struct guest_program program);

/* Works for a VM in any state of being made. */
void testvm_close(struct testvm *vm);
/* All but the guest's memory, which stays mapped in vm->ram. */
void testvm_close_files(struct testvm *vm);

/* The plain ioctls, errno as they leave it. */
int testvm_ioctl_start(struct testvm *vm);
int testvm_run(struct testvm *vm, unsigned int cpu);
/* GH_VM_ADD_FUNCTION or GH_VM_REMOVE_FUNCTION with such a descriptor. */
int testvm_function(int vm, unsigned long request, u32 type, const void *arg, u32 size);

/* What an access to the port has to be. */
struct port_access {
	u64 offset;
	u64 value;		/* written, or to be given for a read */
	u32 len;
	bool is_write;
};

/* What the program "write" does, in order. */
#define GUEST_WRITES		4
extern const struct port_access guest_writes[GUEST_WRITES];

/* Run a CPU once; it has to leave with this access. */
bool testvm_expect(struct testvm *vm, unsigned int cpu, const struct port_access *access);
/* The same for 8 bytes put out. */
bool testvm_expect_out(struct testvm *vm, unsigned int cpu, u64 value);
/* Run a CPU once; the VM has to have ended in this way. */
bool testvm_expect_end(struct testvm *vm, unsigned int cpu, u16 exit_type);

/*
 * The program "peek" looks at an address, and has to find that there; or writes there, and
 * says @out of it. GUEST_FAULT is what it says if it cannot. Then it powers off.
 */
bool testvm_peek(struct testvm *vm, u64 gpa, u64 value, const char *what);
bool testvm_poke(struct testvm *vm, u64 gpa, u64 value, u64 out);
bool testvm_power_off(struct testvm *vm);

/* The signal that reading or writing a byte there ends in, or 0. */
int access_signal(void *p, bool write);

/* tap_run(), or a skip of everything where there is no /dev/gunyah. */
int testvm_main(const struct tap_test *tests, unsigned int count);

#endif
