// SPDX-License-Identifier: GPL-2.0
/*
 * Devicetrees of existing virtual machine monitors, with what is peculiar to each.
 */

#include <libfdt.h>
#include <stdio.h>

#include "fdt_writer.h"
#include "replay.h"

#define GIC_PHANDLE		1
#define GICD_SIZE		SZ_64K
#define GICR_SIZE		SZ_128K
#define IRQ_LEVEL		4

static void write_cells(struct fdt_writer *fdt)
{
	fdtw_u32(fdt, "#address-cells", 2);
	fdtw_u32(fdt, "#size-cells", 2);
}

static void write_cpus(struct fdt_writer *fdt, const struct replay_tree *tree)
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
		if (tree->idle_states)
			fdtw_flag(fdt, "cpu-idle-states");
		fdtw_end_node(fdt);
	}
	fdtw_end_node(fdt);

	fdtw_node(fdt, "psci");
	fdtw_string(fdt, "compatible", "arm,psci-1.0");
	fdtw_string(fdt, "method", "hvc");
	fdtw_end_node(fdt);
}

static void write_gic(struct fdt_writer *fdt, const struct replay_tree *tree)
{
	const u64 gicr_size = tree->cpus * GICR_SIZE;
	const u64 reg[] = { GUEST_GICD, GICD_SIZE, GUEST_GICD - gicr_size, gicr_size };

	fdtw_node(fdt, "intc@%x", GUEST_GICD);
	fdtw_string(fdt, "compatible", "arm,gic-v3");
	fdtw_flag(fdt, "interrupt-controller");
	fdtw_u32(fdt, "#interrupt-cells", 3);
	fdtw_reg(fdt, "reg", reg, ARRAY_SIZE(reg));
	fdtw_u32(fdt, "phandle", GIC_PHANDLE);
	fdtw_end_node(fdt);
}

static void write_bell(struct fdt_writer *fdt, const struct replay_tree *tree, u32 label,
		       u32 trigger)
{
	const u32 interrupt[] = { 0, label, trigger };
	char path[32];

	snprintf(path, sizeof(path), "/hypervisor/bell-%x", label);
	fdtw_node(fdt, "bell-%x", label);
	fdtw_string(fdt, "vdevice-type", "doorbell");
	fdtw_string(fdt, "generate", path);
	fdtw_u32(fdt, "label", label);
	fdtw_flag(fdt, "peer-default");
	fdtw_flag(fdt, tree->may_clear);
	fdtw_cells(fdt, "interrupts", interrupt, ARRAY_SIZE(interrupt));
	fdtw_end_node(fdt);
}

static void write_shm(struct fdt_writer *fdt, const struct replay_shm *shm)
{
	char path[32];

	snprintf(path, sizeof(path), "/hypervisor/shm-%x", shm->label);
	fdtw_node(fdt, "shm-%x", shm->label);
	fdtw_string(fdt, "vdevice-type", "shm");
	fdtw_string(fdt, "generate", path);
	if (shm->dma)
		fdtw_string(fdt, "push-compatible", "dma");
	fdtw_flag(fdt, "peer-default");
	fdtw_u64(fdt, "dma_base", 0);
	fdtw_node(fdt, "memory");
	write_cells(fdt);
	if (shm->optional)
		fdtw_flag(fdt, "optional");
	fdtw_u32(fdt, "label", shm->label);
	fdtw_u64(fdt, "base", shm->base);
	fdtw_end_node(fdt);
	fdtw_end_node(fdt);
}

/* The cells are on "memory", where they do not count for what is in it. */
static void write_vm_config(struct fdt_writer *fdt, const struct replay_tree *tree)
{
	u32 i;

	fdtw_node(fdt, "gunyah-vm-config");
	fdtw_string(fdt, "image-name", tree->name);
	fdtw_string(fdt, "os-type", "linux");
	fdtw_node(fdt, "memory");
	write_cells(fdt);
	fdtw_u64(fdt, "base-address", tree->ram_base);
	if (tree->size_max)
		fdtw_u64(fdt, "size-max", tree->size_max);
	fdtw_end_node(fdt);
	fdtw_node(fdt, "interrupts");
	fdtw_u32(fdt, "config", GIC_PHANDLE);
	fdtw_end_node(fdt);
	fdtw_node(fdt, "vcpus");
	fdtw_string(fdt, "affinity", "proxy");
	fdtw_end_node(fdt);
	fdtw_node(fdt, "vdevices");
	fdtw_string(fdt, "generate", "/hypervisor");
	for (i = 0; i < tree->bells_by_level; i++)
		write_bell(fdt, tree, i, IRQ_LEVEL);
	for (i = 0; i < tree->n_bells; i++)
		write_bell(fdt, tree, tree->bells[i].label, tree->bells[i].trigger);
	if (tree->shm)
		write_shm(fdt, tree->shm);
	fdtw_end_node(fdt);
	fdtw_end_node(fdt);
}

bool replay_tree_write(const struct replay_tree *tree, void *buf, size_t size)
{
	struct fdt_writer fdt;

	fdtw_begin(&fdt, buf, size);
	fdtw_string(&fdt, "compatible", "linux,dummy-virt");
	write_cells(&fdt);
	fdtw_u32(&fdt, "interrupt-parent", GIC_PHANDLE);
	fdtw_node(&fdt, "chosen");
	fdtw_end_node(&fdt);
	write_cpus(&fdt, tree);
	write_gic(&fdt, tree);
	write_vm_config(&fdt, tree);
	fdtw_end(&fdt, size);
	return check(!fdt.err, "devicetree: %s", fdt_strerror(fdt.err));
}
