// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's devicetree.
 */

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <sys/random.h>

#include "fdt_writer.h"
#include "guest_tree.h"
#include "machine.h"

#define GIC_NODE		"interrupt-controller@%llx"
#define GIC_PHANDLE		1	/* GUEST_WINDOW_PHANDLE is 2 */

/* Cells of an interrupt of the GIC. */
#define GIC_SPI			0
#define GIC_PPI			1
#define IRQ_EDGE_RISING		1
#define IRQ_LEVEL_HIGH		4

/* PPIs of the timers: secure and non-secure physical, virtual, hypervisor. */
static const u32 timer_ppis[] = { 13, 14, 11, 10 };

/* The Resource Manager writes one, too, but not into a copy of the tree. */
static void write_seed(struct fdt_writer *fdt)
{
	u64 seed;

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		fdtw_u64(fdt, "kaslr-seed", seed);
}

static void write_chosen(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	char path[64];

	fdtw_node(fdt, "chosen");
	fdtw_string(fdt, "bootargs", tree->cmdline);
	if (tree->initrd_end > tree->initrd) {
		fdtw_u64(fdt, "linux,initrd-start", tree->initrd);
		fdtw_u64(fdt, "linux,initrd-end", tree->initrd_end);
	}
	if (tree->console) {
		snprintf(path, sizeof(path), "/%s@%llx:115200n8",
			 tree->console->ops->node, tree->console->base);
		fdtw_string(fdt, "stdout-path", path);
	}
	write_seed(fdt);
	fdtw_end_node(fdt);
}

static void write_memory(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	const u64 reg[] = {
		tree->ram_base, tree->ram_size,
		tree->window_base, tree->window_size,
	};

	/* The Resource Manager takes this name only, and puts its own node in its place. */
	fdtw_node(fdt, "memory");
	fdtw_string(fdt, "device_type", "memory");
	fdtw_reg(fdt, "reg", reg, ARRAY_SIZE(reg) - (tree->window_size ? 0 : 2));
	fdtw_end_node(fdt);
}

static void write_cell_sizes(struct fdt_writer *fdt)
{
	fdtw_u32(fdt, "#address-cells", 2);
	fdtw_u32(fdt, "#size-cells", 2);
}

/* Linux copies what devices shall see to and from there. */
static void write_window(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	const u64 reg[] = { tree->window_base, tree->window_size };

	fdtw_node(fdt, "reserved-memory");
	write_cell_sizes(fdt);
	fdtw_flag(fdt, "ranges");
	fdtw_node(fdt, "dma-window@%llx", tree->window_base);
	fdtw_string(fdt, "compatible", "restricted-dma-pool");
	fdtw_reg(fdt, "reg", reg, ARRAY_SIZE(reg));
	/* The Resource Manager has to know what is reserved. */
	fdtw_u32(fdt, "qcom,label", tree->window_label);
	fdtw_u32(fdt, "phandle", GUEST_WINDOW_PHANDLE);
	fdtw_end_node(fdt);
	fdtw_end_node(fdt);
}

static void write_cpus(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	unsigned int i;

	fdtw_node(fdt, "cpus");
	fdtw_u32(fdt, "#address-cells", 1);
	fdtw_u32(fdt, "#size-cells", 0);
	for (i = 0; i < tree->cpus; i++) {
		fdtw_node(fdt, "cpu@%x", i);
		fdtw_string(fdt, "device_type", "cpu");
		fdtw_string(fdt, "compatible", "arm,armv8");
		fdtw_u32(fdt, "reg", i);
		fdtw_string(fdt, "enable-method", "psci");
		fdtw_end_node(fdt);
	}
	fdtw_end_node(fdt);
}

static void write_psci(struct fdt_writer *fdt)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	fdtw_node(fdt, "psci");
	fdtw_raw(fdt, "compatible", compatible, sizeof(compatible));
	fdtw_string(fdt, "method", "hvc");
	fdtw_end_node(fdt);
}

static void write_gic(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	const u64 gicr_size = tree->cpus * GUEST_GICR_SIZE;
	const u64 reg[] = {
		GUEST_GICD_BASE, GUEST_GICD_SIZE,
		GUEST_GICD_BASE - gicr_size, gicr_size,
	};

	fdtw_node(fdt, GIC_NODE, GUEST_GICD_BASE);
	fdtw_string(fdt, "compatible", "arm,gic-v3");
	fdtw_flag(fdt, "interrupt-controller");
	fdtw_u32(fdt, "#interrupt-cells", 3);
	fdtw_u32(fdt, "#redistributor-regions", 1);
	fdtw_reg(fdt, "reg", reg, ARRAY_SIZE(reg));
	fdtw_u32(fdt, "phandle", GIC_PHANDLE);
	fdtw_end_node(fdt);
}

static void write_timer(struct fdt_writer *fdt)
{
	u32 cells[3 * ARRAY_SIZE(timer_ppis)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timer_ppis); i++) {
		cells[3 * i] = GIC_PPI;
		cells[3 * i + 1] = timer_ppis[i];
		cells[3 * i + 2] = IRQ_LEVEL_HIGH;
	}
	fdtw_node(fdt, "timer");
	fdtw_string(fdt, "compatible", "arm,armv8-timer");
	fdtw_cells(fdt, "interrupts", cells, ARRAY_SIZE(cells));
	fdtw_flag(fdt, "always-on");
	fdtw_end_node(fdt);
}

static void write_interrupt(struct fdt_writer *fdt, const struct device *dev)
{
	const u32 cells[] = { GIC_SPI, dev->irq, IRQ_EDGE_RISING };

	fdtw_cells(fdt, "interrupts", cells, ARRAY_SIZE(cells));
}

static void write_devices(struct fdt_writer *fdt, const struct bus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		struct device *dev = bus->devices[i];
		const u64 reg[] = { dev->base, dev->size };

		fdtw_node(fdt, "%s@%llx", dev->ops->node, dev->base);
		dev->ops->describe(dev, fdt);
		fdtw_reg(fdt, "reg", reg, ARRAY_SIZE(reg));
		write_interrupt(fdt, dev);
		fdtw_end_node(fdt);
	}
}

/* The doorbell that the host rings for the device's interrupt. */
static void write_doorbell(struct fdt_writer *fdt, const struct device *dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/hypervisor/bell-%x", dev->irq);
	fdtw_node(fdt, "bell-%x", dev->irq);
	fdtw_string(fdt, "vdevice-type", "doorbell");
	fdtw_string(fdt, "generate", path);
	fdtw_u32(fdt, "label", dev->irq);
	fdtw_flag(fdt, "peer-default");
	fdtw_flag(fdt, "source-can-clear");
	write_interrupt(fdt, dev);
	fdtw_end_node(fdt);
}

/* Without this the Resource Manager chooses where shared memory goes. */
static void write_window_place(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	char path[64];

	snprintf(path, sizeof(path), "/hypervisor/shm-%x", tree->window_label);
	fdtw_node(fdt, "shm-%x", tree->window_label);
	fdtw_string(fdt, "vdevice-type", "shm");
	fdtw_string(fdt, "generate", path);
	fdtw_u32(fdt, "label", tree->window_label);
	fdtw_flag(fdt, "peer-default");
	fdtw_u64(fdt, "dma_base", 0);
	write_cell_sizes(fdt);
	fdtw_node(fdt, "memory");
	write_cell_sizes(fdt);
	fdtw_u32(fdt, "label", tree->window_label);
	fdtw_u64(fdt, "base", tree->window_base);
	fdtw_end_node(fdt);
	fdtw_end_node(fdt);
}

/* For the Resource Manager alone. */
static void write_vm_config(struct fdt_writer *fdt, const struct guest_tree *tree)
{
	char path[64];
	unsigned int i;

	fdtw_node(fdt, "gunyah-vm-config");
	fdtw_string(fdt, "image-name", "gunyah-vmm");
	fdtw_string(fdt, "os-type", "linux");
	write_cell_sizes(fdt);

	/* Whose cells hold here, those of this node or its parent's, is not agreed on. */
	fdtw_node(fdt, "memory");
	write_cell_sizes(fdt);
	fdtw_u64(fdt, "base-address", tree->ram_base);
	fdtw_end_node(fdt);

	snprintf(path, sizeof(path), "/" GIC_NODE, GUEST_GICD_BASE);
	fdtw_node(fdt, "interrupts");
	fdtw_string(fdt, "config", path);
	fdtw_end_node(fdt);

	fdtw_node(fdt, "vcpus");
	fdtw_string(fdt, "affinity", "proxy");
	fdtw_end_node(fdt);

	fdtw_node(fdt, "vdevices");
	for (i = 0; i < tree->bus->count; i++)
		write_doorbell(fdt, tree->bus->devices[i]);
	if (tree->window_size)
		write_window_place(fdt, tree);
	fdtw_end_node(fdt);

	fdtw_end_node(fdt);
}

int guest_tree_write(const struct guest_tree *tree, void *buf)
{
	struct fdt_writer fdt;

	fdtw_begin(&fdt, buf, GUEST_TREE_SIZE);
	fdtw_string(&fdt, "compatible", "gunyah,vm");
	fdtw_string(&fdt, "model", "Gunyah virtual machine");
	write_cell_sizes(&fdt);
	fdtw_u32(&fdt, "interrupt-parent", GIC_PHANDLE);
	write_chosen(&fdt, tree);
	write_memory(&fdt, tree);
	if (tree->window_size)
		write_window(&fdt, tree);
	write_cpus(&fdt, tree);
	write_psci(&fdt);
	write_gic(&fdt, tree);
	write_timer(&fdt);
	write_devices(&fdt, tree->bus);
	write_vm_config(&fdt, tree);
	fdtw_end(&fdt, GUEST_TREE_SIZE);
	if (fdt.err) {
		log_error(0, "guest devicetree: %s", fdt_strerror(fdt.err));
		return -ENOSPC;
	}
	return 0;
}
