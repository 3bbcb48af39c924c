// SPDX-License-Identifier: GPL-2.0
/*
 * What the hypervisor's vendor has its test program ask for.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl.h"
#include "modules.h"
#include "replay.h"

#define RAM_BASE		0x80000000ULL
#define RAM_SIZE		SZ_2M
#define IMAGE			SZ_64K
#define STACK			(RAM_BASE + SZ_64K / 2)
#define DTB			SZ_1M
#define DTB_SIZE		SZ_64K

/* Labels count from 1. */
#define FIRST_LABEL		1

#define CREATE_GUEST_MEM	0x40404708
#define MAP_MEM			0x40204709
#define LEND_RWX		0x71

#define REG_PC			0x100
#define REG_SP_EL1		0x201

#define HANDLED			0
#define FAULT			1

#define LINES			2
#define LEVEL_LINE		1
#define ALL_EDGES		0xaaaaaaaa
#define PSCI_SYSTEM_OFF		0x84000008

enum memory {
	KIND_LENT,
	KIND_SHARED,
	KIND_FILE,		/* of guest memory, lent */
};

static const struct replay_bell bells[LINES] = { { 0, 1 }, { LEVEL_LINE, 4 } };

/* The flag has another name, so no doorbell may be masked: that is no reason not to start. */
static bool load(struct replay *r, struct guest_program program)
{
	const struct replay_tree tree = {
		.name = "gunyah-vmm-vm",
		.ram_base = RAM_BASE,
		.cpus = 1,
		.idle_states = true,
		.may_clear = "source-can-clean",
		.bells = bells,
		.n_bells = LINES,
	};

	memcpy(r->ram + IMAGE, program.start, program.end - program.start);
	return replay_tree_write(&tree, r->ram + DTB, DTB_SIZE);
}

static int make_file(struct replay *r, enum memory kind)
{
	const u64 arg[8] = { [1] = RAM_SIZE };
	int fd;

	if (kind == KIND_FILE)
		return ioctl(r->device, CREATE_GUEST_MEM, arg);
	fd = memfd_create("guest", MFD_CLOEXEC);
	check(!ftruncate(fd, RAM_SIZE), "ftruncate: errno %d", errno);
	return fd;
}

static int give(struct replay *r, enum memory kind, int fd)
{
	const struct {
		u64 gpa;
		u32 flags;
		u32 fd;
		u64 offset;
		u64 size;
	} map = { RAM_BASE, LEND_RWX, fd, 0, RAM_SIZE };

	if (kind == KIND_FILE)
		return replay_call(r, MAP_MEM, &map);
	return replay_region(r, kind == KIND_LENT ? REPLAY_LEND : REPLAY_SET_MEM_REGION,
			     FIRST_LABEL, REPLAY_RWX, RAM_BASE, RAM_SIZE);
}

static bool add_memory(struct replay *r, enum memory kind)
{
	int fd = make_file(r, kind);
	void *p;

	if (!check_errno(fd, 0, "memory"))
		return false;
	p = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!check(p != MAP_FAILED, "mmap: errno %d", errno)) {
		close(fd);
		return false;
	}
	r->ram = p;
	r->ram_base = RAM_BASE;
	r->ram_size = RAM_SIZE;
	/* Advice, which not all memory takes */
	madvise(p, RAM_SIZE, MADV_NOHUGEPAGE);
	check_errno(give(r, kind, fd), 0, "memory");
	if (kind != KIND_FILE)
		check_errno(give(r, kind, fd), EEXIST, "the same label");
	close(fd);
	return true;
}

/* The image comes last, after all that says where it is. */
static bool configure(struct replay *r, enum memory kind, struct guest_program program)
{
	const struct replay_range dtb = { RAM_BASE + DTB, DTB_SIZE };

	return check_errno(replay_call(r, REPLAY_SET_DTB_CONFIG, &dtb), 0, "SET_DTB_CONFIG") &&
	       check_errno(replay_context(r, REG_PC, RAM_BASE + IMAGE), 0, "the PC") &&
	       check_errno(replay_context(r, REG_SP_EL1, STACK), 0, "SP_EL1") &&
	       load(r, program) && replay_start(r, kind == KIND_SHARED);
}

static bool start(struct replay *r, enum memory kind, const int *events,
		  struct guest_program program)
{
	return replay_open(r, O_RDWR | O_CLOEXEC) && replay_add_vcpu(r, 0, 0) &&
	       replay_add_lines(r, events, LINES, LEVEL_LINE) && add_memory(r, kind) &&
	       configure(r, kind, program);
}

/* When its objects are dropped; it panics if that fails. */
static void remove_all(struct replay *r)
{
	const u32 cpu = 0;
	u32 i;

	check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_VCPU, &cpu, sizeof(cpu)), 0,
		    "REMOVE of the vCPU");
	for (i = 0; i < LINES; i++) {
		const struct replay_irqfd arg = { .label = i };

		check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_IRQFD, &arg,
					    sizeof(arg)), 0, "REMOVE of irqfd %u", i);
	}
}

/* It does not work without a boot context. */
static void with_vm(enum memory kind, struct guest_program program,
		    bool (*run)(struct replay *r, const int *events))
{
	const int events[LINES] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	struct replay r;

	if (!ctl_supported())
		return skip("no control channel");
	if (rm_set_boot_context(true)) {
		if (start(&r, kind, events, program) && run(&r, events))
			remove_all(&r);
		replay_close(&r, false);
		rm_reset_boot_context();
	}
	close(events[0]);
	close(events[1]);
}

static bool visit(struct replay *r, const int *events)
{
	return replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 4, ALL_EDGES, HANDLED) &&
	       check_errno(replay_call(r, REPLAY_START, NULL), 0, "START again") &&
	       replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 8, 1, HANDLED) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, 1) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_NOTIFY, 4, 3) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, RAM_BASE + DTB) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, STACK) &&
	       replay_interrupt(r, events[0], 0, 0) &&
	       replay_interrupt(r, events[0], 0, PSCI_SYSTEM_OFF) && replay_is_off(r, 0) &&
	       check_errno(replay_call(r, REPLAY_START, NULL), ENODEV, "START after the end");
}

void replay_vendor_lent(void)
{
	with_vm(KIND_LENT, PROGRAM(visit), visit);
}

void replay_vendor_shared(void)
{
	with_vm(KIND_SHARED, PROGRAM(visit), visit);
}

void replay_vendor_files(void)
{
	with_vm(KIND_FILE, PROGRAM(visit), visit);
}

static bool look(struct replay *r, u64 addr, u64 value, u8 action)
{
	return replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 8, addr, HANDLED) &&
	       replay_read(r, 0, addr, 8, value, action);
}

static bool look_and_say(struct replay *r, u64 addr, u64 value)
{
	return look(r, addr, value, HANDLED) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, value);
}

/* Hypervisors of 2023 take the value, whatever else is asked for. */
static bool look_and_fault(struct replay *r, u64 addr, u64 value)
{
	u64 said = 0;

	if (!look(r, addr, value, FAULT) || !check(!replay_run(r, 0), "RUN: errno %d", errno))
		return false;
	memcpy(&said, r->page[0] + PAGE_MMIO_DATA, sizeof(said));
	return check(said == value || said == GUEST_FAULT, "the guest says %#llx", said);
}

/* What means nothing is refused, and can be mended. */
static bool look_and_err(struct replay *r, u64 addr, u64 value)
{
	if (!look(r, addr, value, 7) ||
	    !check_errno(replay_run(r, 0), EINVAL, "RUN with resume action 7"))
		return false;
	r->page[0][PAGE_MMIO_ACTION] = HANDLED;
	return replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, value);
}

static bool addresses(struct replay *r, const int *events)
{
	(void)events;
	return look_and_say(r, 0x6000, 0x6a6b6c6d6e6f6061) && look_and_say(r, 0x7000, 7) &&
	       look_and_say(r, 0x3f800, 0) && look_and_fault(r, 0x6000, 5) &&
	       look_and_err(r, 0x6000, 9) &&
	       replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 8, 0, HANDLED) &&
	       replay_is_off(r, 0);
}

void replay_vendor_addresses(void)
{
	with_vm(KIND_LENT, PROGRAM(peek), addresses);
}

static bool add_and_remove(struct replay *r, u32 id)
{
	unsigned int i;
	int fd;

	for (i = 0; i < 10; i++) {
		fd = replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_VCPU, &id, sizeof(id));
		if (!check_errno(fd, 0, "ADD"))
			return false;
		check_errno(replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_VCPU, &id, sizeof(id)),
			    EEXIST, "ADD of what is there");
		check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_VCPU, &id,
					    sizeof(id)), 0, "REMOVE");
		close(fd);
	}
	return true;
}

/* Who adds a vCPU again goes on where the guest was. */
static bool twice(struct replay *r, const int *events)
{
	const u32 cpu = 0;

	(void)events;
	if (!look_and_say(r, 0x6000, 1) || !add_and_remove(r, 1) ||
	    !check_errno(replay_call(r, REPLAY_START, NULL), 0, "START again") ||
	    !check_errno(replay_function(r, REPLAY_REMOVE_FUNCTION, REPLAY_VCPU, &cpu,
					 sizeof(cpu)), 0, "REMOVE"))
		return false;
	check_errno(replay_run(r, 0), ENODEV, "RUN after REMOVE");
	munmap(r->page[0], 4096);
	close(r->vcpu[0]);
	r->cpus = 0;
	return add_and_remove(r, cpu) && replay_add_vcpu(r, cpu, 0) &&
	       look_and_say(r, 0x7000, 2) &&
	       replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 8, 0, HANDLED) &&
	       replay_is_off(r, 0);
}

void replay_vendor_twice(void)
{
	with_vm(KIND_LENT, PROGRAM(peek), twice);
}
