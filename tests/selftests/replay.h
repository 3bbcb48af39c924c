/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What existing virtual machine monitors ask for, call by call. All numbers and layouts are
 * written out, as these programs have them, and not taken from the project's header.
 */

#ifndef SELFTEST_REPLAY_H
#define SELFTEST_REPLAY_H

#include "guest.h"
#include "tap.h"
#include "util.h"

#define REPLAY_MAX_CPUS		2
#define REPLAY_RWX		7

/* Of all of them, on the device, a VM and a vCPU */
#define REPLAY_CREATE_VM	0x00004700
#define REPLAY_SET_MEM_REGION	0x40204701
#define REPLAY_SET_DTB_CONFIG	0x40104702
#define REPLAY_START		0x00004703
#define REPLAY_ADD_FUNCTION	0x40104704
#define REPLAY_RUN		0x00004705
#define REPLAY_MMAP_SIZE	0x00004706
#define REPLAY_REMOVE_FUNCTION	0x40104707
#define REPLAY_BOOT_CONTEXT	0x4010470a
#define REPLAY_LEND		0x40204111

#define REPLAY_VCPU		1
#define REPLAY_IRQFD		2
#define REPLAY_IOEVENTFD	3

/* Where the page of a vCPU has what */
#define PAGE_IMMEDIATE_EXIT	0
#define PAGE_EXIT_REASON	8
#define PAGE_MMIO_ADDR		16
#define PAGE_MMIO_DATA		24
#define PAGE_MMIO_LEN		32
#define PAGE_MMIO_IS_WRITE	36
#define PAGE_MMIO_ACTION	37
#define PAGE_STATUS		16
#define PAGE_EXIT_TYPE		20

struct replay_range {
	u64 gpa;
	u64 size;
};

struct replay_context {
	u32 reg;
	u32 zero;
	u64 value;
};

struct replay_irqfd {
	u32 fd;
	u32 label;
	u32 flags;
	u32 padding;
};

struct replay_ioeventfd {
	u64 datamatch;
	u64 addr;
	u32 len;
	u32 fd;
	u32 flags;
	u32 padding;
};

struct replay {
	int device;
	int vm;
	unsigned int cpus;
	int vcpu[REPLAY_MAX_CPUS];
	u8 *page[REPLAY_MAX_CPUS];
	u8 *ram;
	u64 ram_base;
	u64 ram_size;
};

/* Both as the other program opens the device; these return whether it worked. */
bool replay_open(struct replay *r, int flags);
/* Asks for the size of the page, or takes it for @page_size if that is not 0. */
bool replay_add_vcpu(struct replay *r, u32 id, u32 page_size);
/* The VM file first, or last; and what the others have */
void replay_close(struct replay *r, bool vm_first);

/* The plain calls, errno as they leave it. */
int replay_call(const struct replay *r, unsigned long code, const void *arg);
int replay_function(const struct replay *r, unsigned long code, u32 type, const void *arg,
		    u32 size);
int replay_region(const struct replay *r, unsigned long code, u32 label, u32 flags, u64 gpa,
		  u64 size);
int replay_context(const struct replay *r, u32 reg, u64 value);
int replay_run(const struct replay *r, unsigned int cpu);

/* Interrupts 0, 1 ... @n - 1; the one named @level is level triggered. */
bool replay_add_lines(const struct replay *r, const int *events, u32 n, u32 level);

/*
 * Run a vCPU once; it has to leave for an access of that size there. A read gets @value, and
 * byte 37 says @action; a write has to be of it.
 */
bool replay_read(const struct replay *r, unsigned int cpu, u64 addr, u32 len, u64 value,
		 u8 action);
bool replay_written(const struct replay *r, unsigned int cpu, u64 addr, u32 len, u64 value);
/* Run it once; the VM has to have turned itself off. */
bool replay_is_off(const struct replay *r, unsigned int cpu);

/* The beginning of the program "visit", whose notification comes to @event. */
bool replay_begin_visit(const struct replay *r, u32 triggers, int event);
/* An interrupt of the program, and what it is to do: a function of PSCI, or 0 */
bool replay_interrupt(const struct replay *r, int event, u32 label, u32 psci);
u64 replay_events(int fd);
void replay_signal(int fd);

/* START; if the image is shared it has to be refused where the Resource Manager does so. */
bool replay_start(const struct replay *r, bool shared);

/*
 * Devicetrees, as these programs write them
 */

struct replay_bell {
	u32 label;
	u32 trigger;
};

struct replay_shm {
	u32 label;
	u64 base;
	bool optional;
	bool dma;		/* push-compatible = "dma" */
};

struct replay_tree {
	const char *name;
	u64 ram_base;
	u64 size_max;		/* 0: not said */
	unsigned int cpus;
	bool idle_states;	/* there are some, but none is said */
	const char *may_clear;	/* flag of all doorbells */
	u32 bells_by_level;	/* from label 0 on */
	const struct replay_bell *bells;
	u32 n_bells;
	const struct replay_shm *shm;
};

bool replay_tree_write(const struct replay_tree *tree, void *buf, size_t size);

/* The three of them */
void replay_crosvm(void);
void replay_crosvm_shared(void);
void replay_qemu(void);
void replay_qemu_shared(void);
void replay_vendor_lent(void);
void replay_vendor_shared(void);
void replay_vendor_files(void);
void replay_vendor_addresses(void);
void replay_vendor_twice(void);

#endif
