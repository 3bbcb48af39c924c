// SPDX-License-Identifier: GPL-2.0
/*
 * Writing /hypervisor into the primary VM's devicetree, so that its drivers
 * find the Resource Manager. Names differ from the published binding in the
 * way in which the real one's do: matching is by compatible.
 */

#include <libfdt.h>

#include "rm.h"

#define set_strings(fdt, node, name, strings) \
	fdt_setprop(fdt, node, name, strings, sizeof(strings))

static int add_hypervisor(void *fdt)
{
	static const char compatible[] =
		"qcom,gunyah-hypervisor-1.0\0"
		"qcom,gunyah-hypervisor\0"
		"simple-bus";
	int node = fdt_add_subnode(fdt, 0, "hypervisor");

	if (node < 0)
		return node;
	if (set_strings(fdt, node, "compatible", compatible) ||
	    fdt_setprop_u32(fdt, node, "#address-cells", 2) ||
	    fdt_setprop_u32(fdt, node, "#size-cells", 0))
		return -FDT_ERR_NOSPACE;

	return node;
}

static int add_identity(void *fdt, int hypervisor)
{
	static const char compatible[] =
		"qcom,gunyah-vm-id-1.0\0qcom,gunyah-vm-id";
	int node = fdt_add_subnode(fdt, hypervisor, "qcom,gunyah-vm");

	if (node < 0)
		return node;
	if (set_strings(fdt, node, "compatible", compatible) ||
	    fdt_setprop_u32(fdt, node, "qcom,vmid", RM_VMID_HLOS) ||
	    fdt_setprop_string(fdt, node, "qcom,vendor", "Qualcomm"))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int set_interrupts(void *fdt, int node,
			  const struct rm_host_channel *chan)
{
	fdt32_t spec[] = {
		cpu_to_fdt32(0),
		cpu_to_fdt32(chan->tx_irq - RM_SPI_FIRST),
		cpu_to_fdt32(RM_IRQ_EDGE),
		cpu_to_fdt32(0),
		cpu_to_fdt32(chan->rx_irq - RM_SPI_FIRST),
		cpu_to_fdt32(RM_IRQ_EDGE),
	};

	return fdt_setprop(fdt, node, "interrupts", spec, sizeof(spec));
}

static int add_channel(void *fdt, int hypervisor,
		       const struct rm_host_channel *chan)
{
	static const char compatible[] =
		"gunyah-resource-manager\0"
		"qcom,resource-manager-1-0\0"
		"qcom,resource-manager";
	char name[64];
	int node;

	snprintf(name, sizeof(name), "qcom,resource-manager-rpc@%016lx",
		 (unsigned long)chan->tx_cap);
	node = fdt_add_subnode(fdt, hypervisor, name);
	if (node < 0)
		return node;
	if (set_strings(fdt, node, "compatible", compatible) ||
	    fdt_setprop_u64(fdt, node, "reg", chan->tx_cap) ||
	    fdt_appendprop_u64(fdt, node, "reg", chan->rx_cap) ||
	    set_interrupts(fdt, node, chan) ||
	    fdt_setprop_u32(fdt, node, "qcom,free-irq-start", chan->tx_irq) ||
	    fdt_setprop(fdt, node, "qcom,is-full-duplex", NULL, 0) ||
	    fdt_setprop_u32(fdt, node, "qcom,tx-message-size", RM_PACKET_SIZE) ||
	    fdt_setprop_u32(fdt, node, "qcom,rx-message-size", RM_PACKET_SIZE) ||
	    fdt_setprop_u32(fdt, node, "qcom,tx-queue-depth", RM_QUEUE_DEPTH) ||
	    fdt_setprop_u32(fdt, node, "qcom,rx-queue-depth", RM_QUEUE_DEPTH))
		return -FDT_ERR_NOSPACE;

	return 0;
}

int rm_overlay_host(void *fdt, size_t size, const struct rm_host_channel *chan)
{
	int error = fdt_open_into(fdt, fdt, size);
	int hypervisor;

	if (error)
		return error;
	hypervisor = add_hypervisor(fdt);
	if (hypervisor < 0)
		return hypervisor;
	/* New nodes go in front, so the offset of their parent stays right. */
	error = add_channel(fdt, hypervisor, chan);
	if (!error)
		error = add_identity(fdt, hypervisor);
	if (!error)
		error = fdt_pack(fdt);

	return error;
}
