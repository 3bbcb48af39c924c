// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the guest's devicetree: its interrupt controller and virtual devices.
 */

#include <libfdt.h>

#include "rm.h"

/* Where the interrupt controller goes when the tree does not say */
#define DEFAULT_GICD		0x3fff0000ULL
#define MIN_STRIDE		0x20000ULL
#define GIC_ALIGN		0x10000ULL

#define IRQ_CELLS		3
#define IRQ_CLASS_SPI		0

/*
 * The interrupt controller
 */

/* By path, as it should be, or by phandle, as everybody does */
static int find_named_gic(const void *fdt, int node)
{
	const char *path;
	u32 phandle;

	if (rm_fdt_string(fdt, node, "config", &path) && path[0] == '/')
		return fdt_path_offset(fdt, path);
	if (rm_fdt_u32(fdt, node, "config", &phandle))
		return fdt_node_offset_by_phandle(fdt, phandle);

	return -FDT_ERR_BADVALUE;
}

static int find_root_gic(const void *fdt)
{
	u32 phandle;

	if (!rm_fdt_u32(fdt, 0, "interrupt-parent", &phandle))
		return -FDT_ERR_NOTFOUND;

	return fdt_node_offset_by_phandle(fdt, phandle);
}

/* Addresses: both frames, or none and then it is up to us. */
static bool parse_gic_reg(const void *fdt, int node,
			  struct rm_vm_config *config)
{
	struct rm_gic_config *gic = &config->gic;
	int parent = fdt_parent_offset(fdt, node);
	unsigned int ac = rm_fdt_address_cells(fdt, parent);
	unsigned int entry = ac + rm_fdt_size_cells(fdt, parent);
	const u32 *reg;
	int len;

	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg) {
		gic->patch = true;
		gic->gicd = DEFAULT_GICD;
		gic->gicr = DEFAULT_GICD - config->nr_cpus * gic->stride;
		return true;
	}
	if ((size_t)len < 2 * entry * sizeof(*reg))
		return false;
	gic->gicd = rm_fdt_cells(reg, ac);
	gic->gicr = rm_fdt_cells(reg + entry, ac);

	return !(gic->gicd % GIC_ALIGN) && !(gic->gicr % GIC_ALIGN);
}

static bool parse_gic_node(const void *fdt, int node,
			   struct rm_vm_config *config)
{
	struct rm_gic_config *gic = &config->gic;
	u32 value;

	if (fdt_node_check_compatible(fdt, node, "arm,gic-v3") ||
	    !fdt_getprop(fdt, node, "interrupt-controller", NULL) ||
	    !rm_fdt_u32(fdt, node, "#interrupt-cells", &value) ||
	    value != IRQ_CELLS)
		return false;
	if (rm_fdt_u32(fdt, node, "#redistributor-regions", &value) &&
	    value != 1)
		return false;

	gic->stride = MIN_STRIDE;
	if (!rm_fdt_u32(fdt, node, "redistributor-stride", &value) ||
	    !value)
		rm_fdt_number(fdt, node, "redistributor-stride", 2,
			      &gic->stride);
	else
		gic->stride = value;
	if (gic->stride < MIN_STRIDE || gic->stride % GIC_ALIGN)
		return false;

	gic->present = parse_gic_reg(fdt, node, config) &&
		       !fdt_get_path(fdt, node, gic->path, RM_PATH_MAX);

	return gic->present;
}

/*
 * One that is named has to be right. Without any, the VM can be made, but not
 * started.
 */
u32 rm_config_parse_gic(const void *fdt, int vm_node,
			struct rm_vm_config *config)
{
	int node = fdt_subnode_offset(fdt, vm_node, "interrupts");

	if (node >= 0 && fdt_getprop(fdt, node, "config", NULL)) {
		node = find_named_gic(fdt, node);
		if (node < 0 || !parse_gic_node(fdt, node, config))
			return RM_MEM_INVALID;
		return RM_OK;
	}

	node = find_root_gic(fdt);
	if (node < 0 || !parse_gic_node(fdt, node, config))
		hyp_log("RM: VM %s has no interrupt controller",
			config->name);

	return RM_OK;
}

/*
 * Virtual devices
 */

static bool spi_is_taken(const struct rm_vm_config *config, int spi)
{
	const struct rm_bell *bell;

	for (bell = config->bells; bell; bell = bell->next)
		if (bell->spi == spi)
			return true;

	return false;
}

/* What is not right is ignored: then any interrupt will do. */
static void parse_interrupt(const void *fdt, int node, struct rm_bell *bell)
{
	int len;
	const fdt32_t *spec = fdt_getprop(fdt, node, "interrupts", &len);
	u32 spi, trigger;

	bell->spi = -1;
	bell->trigger = RM_IRQ_EDGE;
	if (bell->from_guest || !spec || len != IRQ_CELLS * sizeof(*spec) ||
	    fdt32_ld(&spec[0]) != IRQ_CLASS_SPI)
		return;
	spi = fdt32_ld(&spec[1]);
	trigger = fdt32_ld(&spec[2]) & 0xf;
	if (spi >= RM_SPI_COUNT ||
	    (trigger != RM_IRQ_EDGE && trigger != RM_IRQ_LEVEL))
		return;
	bell->spi = spi;
	bell->trigger = trigger;
}

/* Up to six strings; without them the standard ones have to do. */
static bool parse_push_compatible(const void *fdt, int node,
				  struct rm_vdevice *dev)
{
	int nr = fdt_stringlist_count(fdt, node, "push-compatible");
	const void *prop;
	int len;

	if (nr == -FDT_ERR_NOTFOUND)
		return true;
	prop = fdt_getprop(fdt, node, "push-compatible", &len);
	if (nr < 0 || nr > 6 || len > RM_PUSH_COMPATIBLE_MAX)
		return false;
	memcpy(dev->push, prop, len);
	dev->push_len = len;

	return true;
}

static bool parse_generate(const void *fdt, int node, const char *path,
			   struct rm_vdevice *dev)
{
	if (fdt_getprop(fdt, node, "generate", NULL) &&
	    !rm_fdt_string(fdt, node, "generate", &path))
		return false;
	if (path[0] != '/' || strlen(path) >= RM_PATH_MAX)
		return false;
	memcpy(dev->generate, path, strlen(path) + 1);

	return true;
}

static bool parse_label(const void *fdt, int node, u32 *label)
{
	return rm_fdt_u32(fdt, node, "qcom,label", label) ||
	       rm_fdt_u32(fdt, node, "label", label);
}

/* @path: of the guest's node if the tree does not say */
static bool parse_common(const void *fdt, int node, const char *path,
			 struct rm_vdevice *dev)
{
	return parse_push_compatible(fdt, node, dev) &&
	       parse_generate(fdt, node, path, dev);
}

static u32 parse_doorbell(const void *fdt, int node, bool from_guest,
			  struct rm_vm_config *config)
{
	const char *path = from_guest ? "/hypervisor/qcom,doorbell-source" :
					"/hypervisor/qcom,doorbell";
	struct rm_bell *bell, **link;

	if (!fdt_getprop(fdt, node, "peer-default", NULL)) {
		hyp_log("RM: doorbell %s ignored: its peer is not the owner",
			fdt_get_name(fdt, node, NULL));
		return RM_OK;
	}

	bell = hyp_zalloc(sizeof(*bell));
	if (!bell)
		return RM_NOMEM;
	for (link = &config->bells; *link; link = &(*link)->next)
		;
	bell->from_guest = from_guest;
	parse_interrupt(fdt, node, bell);
	if (bell->spi >= 0 && spi_is_taken(config, bell->spi))
		bell->spi = -1;
	*link = bell;

	bell->source_can_clear = fdt_getprop(fdt, node, "source-can-clear",
					     NULL);
	if (!parse_label(fdt, node, &bell->dev.label) ||
	    !parse_common(fdt, node, path, &bell->dev))
		return RM_MEM_INVALID;

	return RM_OK;
}

/* Exactly one way to say where: an address, or that any will do */
static bool parse_shm_memory(const void *fdt, int node, struct rm_shm *shm)
{
	int memory = fdt_subnode_offset(fdt, node, "memory");
	bool any;

	if (memory < 0 || !parse_label(fdt, memory, &shm->label))
		return false;
	shm->optional = fdt_getprop(fdt, memory, "optional", NULL);
	any = fdt_getprop(fdt, memory, "allocate-base", NULL);
	shm->base = RM_NO_ADDRESS;
	if (!fdt_getprop(fdt, memory, "base", NULL))
		return any;

	return !any && rm_fdt_number(fdt, memory, "base",
				     rm_fdt_address_cells(fdt, node),
				     &shm->base) &&
	       IS_ALIGNED(shm->base, PAGE_SIZE);
}

static u32 parse_shm(const void *fdt, int node, struct rm_vm_config *config)
{
	struct rm_shm *shm = hyp_zalloc(sizeof(*shm)), **link;

	if (!shm)
		return RM_NOMEM;
	for (link = &config->shms; *link; link = &(*link)->next)
		;
	*link = shm;

	if (!parse_shm_memory(fdt, node, shm) ||
	    !parse_common(fdt, node, "/hypervisor/qcom,shm", &shm->dev))
		return RM_MEM_INVALID;
	if (!parse_label(fdt, node, &shm->dev.label))
		shm->dev.label = shm->label;
	shm->has_dma_base = rm_fdt_number(fdt, node, "dma_base", 2,
					  &shm->dma_base);

	return RM_OK;
}

const struct rm_shm *rm_config_find_shm(const struct rm_vm_config *config,
					u32 label)
{
	const struct rm_shm *shm;

	for (shm = config->shms; shm; shm = shm->next)
		if (shm->label == label)
			return shm;

	return NULL;
}

u32 rm_config_parse_vdevice(const void *fdt, int node,
			    struct rm_vm_config *config)
{
	const char *type;

	if (!rm_fdt_string(fdt, node, "vdevice-type", &type))
		return RM_MEM_INVALID;
	if (!strcmp(type, "doorbell"))
		return parse_doorbell(fdt, node, false, config);
	if (!strcmp(type, "doorbell-source"))
		return parse_doorbell(fdt, node, true, config);
	if (!strcmp(type, "shm"))
		return parse_shm(fdt, node, config);
	hyp_log("RM: virtual device %s ignored: type %s is not known",
		fdt_get_name(fdt, node, NULL), type);

	return RM_OK;
}

/* From the top, where the devices of a VMM seldom are */
int rm_config_free_spi(const struct rm_vm_config *config)
{
	int spi;

	for (spi = RM_SPI_COUNT - 1; spi >= 0; spi--)
		if (!spi_is_taken(config, spi))
			return spi;

	return -1;
}
