/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Emulated devices, and the bus that guest accesses reach them by.
 *
 * A device embeds struct device and is added to the bus, which gives it an address and an
 * interrupt. Its callbacks may run on several vCPU threads at the same time.
 */

#ifndef VMM_DEVICE_H
#define VMM_DEVICE_H

#include "util.h"
#include "vm.h"

struct device;
struct fdt_writer;

struct device_ops {
	const char *name;
	/* @len is 1, 2, 4 or 8; @offset + @len may go beyond the device's size. */
	u64 (*read)(struct device *dev, u64 offset, unsigned int len);
	void (*write)(struct device *dev, u64 offset, unsigned int len, u64 value);
	/* Properties of the device's node, but for reg and interrupts. */
	void (*describe)(struct device *dev, struct fdt_writer *fdt);
	/* Name of the node, the unit address left out. */
	const char *node;
	/* Connect what else there is to a new VM, besides the interrupt; may be NULL. */
	int (*attach)(struct device *dev, struct vm *vm);
	/* As after power-on, for a guest that boots again. No vCPU runs. */
	void (*reset)(struct device *dev);
	void (*destroy)(struct device *dev);
};

struct device {
	const struct device_ops *ops;
	u64 base;
	u64 size;
	u32 irq;	/* SPI, which is the label of its doorbell as well */
	int irq_fd;	/* eventfd that rings it */
};

#define BUS_MAX_DEVICES		16

struct bus {
	struct device *devices[BUS_MAX_DEVICES];
	unsigned int count;
};

/* The device belongs to the bus when this returns 0. */
int bus_add(struct bus *bus, struct device *dev);
void bus_destroy(struct bus *bus);

/* Connect the devices to the VM: their interrupts first. */
int bus_attach(const struct bus *bus, struct vm *vm);
void bus_reset(const struct bus *bus);

/*
 * Carry out the access of a vCPU, @data as in struct gh_vcpu_run. What hits no device
 * reads as all ones, and is not written.
 */
void bus_access(const struct bus *bus, u64 addr, u8 *data, unsigned int len,
		bool is_write);

/* The interrupt is an edge: one call, one interrupt. */
void device_raise_irq(const struct device *dev);

#endif
