// SPDX-License-Identifier: GPL-2.0
/*
 * Writing into the guest's devicetree what the guest has to know: the
 * hypervisor, its doorbells, where its memory is, a seed.
 *
 * Offsets into a tree change with every write, so nodes are looked up again
 * each time. All functions return 0 or a negative libfdt error.
 */

#include <libfdt.h>

#include "rm.h"

#define MAX_REGIONS		(RM_PARCELS_PER_OWNER + 1)
#define NODE_NAME_MAX		(RM_PATH_MAX + 20)
#define STANDARD_MAX		64	/* of compatible strings */

struct region {
	u64 base;
	u64 size;
};

/*
 * Properties
 */

static int set_u32(void *fdt, int node, const char *name, u32 value)
{
	return fdt_setprop_u32(fdt, node, name, value);
}

/* Strings that lie one after the other, each with its zero */
#define set_strings(fdt, node, name, strings) \
	fdt_setprop(fdt, node, name, strings, sizeof(strings))

/* The node of a path; made when it is not there, with all above it. */
static int make_path(void *fdt, const char *path)
{
	int node = 0;

	while (*path == '/') {
		const char *name = ++path;
		int len, child;

		while (*path && *path != '/')
			path++;
		len = path - name;
		child = fdt_subnode_offset_namelen(fdt, node, name, len);
		if (child == -FDT_ERR_NOTFOUND)
			child = fdt_add_subnode_namelen(fdt, node, name, len);
		if (child < 0)
			return child;
		node = child;
	}

	return node;
}

/*
 * /hypervisor
 */

static int add_identity(struct rm_vm *vm, void *fdt)
{
	static const char compatible[] =
		"qcom,gunyah-vm-id-1.0\0qcom,gunyah-vm-id";
	const struct rm_vm_config *config = &vm->config;
	int node = make_path(fdt, "/hypervisor/qcom,gunyah-vm");

	if (node < 0)
		return node;
	if (set_strings(fdt, node, "compatible", compatible) ||
	    set_u32(fdt, node, "qcom,vmid", vm->vmid) ||
	    set_u32(fdt, node, "qcom,owner-vmid", vm->owner) ||
	    fdt_setprop_string(fdt, node, "qcom,vendor", "Qualcomm") ||
	    fdt_setprop_string(fdt, node, "qcom,image-name", config->name) ||
	    (config->uri[0] &&
	     fdt_setprop_string(fdt, node, "qcom,vm-uri", config->uri)) ||
	    (config->has_guid &&
	     fdt_setprop(fdt, node, "qcom,vm-guid", config->guid,
			 RM_GUID_SIZE)))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_hypervisor(struct rm_vm *vm, void *fdt)
{
	static const char compatible[] =
		"gunyah-hypervisor\0"
		"qcom,gunyah-hypervisor-1.0\0"
		"qcom,gunyah-hypervisor\0"
		"simple-bus";
	int node = fdt_add_subnode(fdt, 0, "hypervisor");

	/* One that is there already is a mistake of whoever wrote the tree. */
	if (node < 0)
		return node;
	if (set_strings(fdt, node, "compatible", compatible) ||
	    set_u32(fdt, node, "#address-cells", 2) ||
	    set_u32(fdt, node, "#size-cells", 0))
		return -FDT_ERR_NOSPACE;

	return add_identity(vm, fdt);
}

/* What the VMM wants a device to be first, then what it is; and its label. */
static int describe(void *fdt, int node, const struct rm_vdevice *dev,
		    const char *standard, size_t len)
{
	char all[RM_PUSH_COMPATIBLE_MAX + STANDARD_MAX];

	if (len > STANDARD_MAX)
		return -FDT_ERR_INTERNAL;
	memcpy(all, dev->push, dev->push_len);
	memcpy(all + dev->push_len, standard, len);
	if (fdt_setprop(fdt, node, "compatible", all, dev->push_len + len) ||
	    set_u32(fdt, node, "label", dev->label) ||
	    set_u32(fdt, node, "qcom,label", dev->label))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_bell(void *fdt, const struct rm_bell *bell)
{
	static const char receiver[] =
		"qcom,gunyah-doorbell\0qcom,gunyah-capability";
	static const char source[] =
		"qcom,gunyah-doorbell-source\0qcom,gunyah-capability";
	const char *compatible = bell->from_guest ? source : receiver;
	size_t len = bell->from_guest ? sizeof(source) : sizeof(receiver);
	char path[NODE_NAME_MAX];
	fdt32_t spec[3] = {
		cpu_to_fdt32(0),
		cpu_to_fdt32(bell->spi),
		cpu_to_fdt32(bell->trigger),
	};
	int node;

	snprintf(path, sizeof(path), "%s@%016lx", bell->dev.generate,
		 (unsigned long)bell->guest_cap);
	node = make_path(fdt, path);
	if (node < 0)
		return node;
	if (describe(fdt, node, &bell->dev, compatible, len) ||
	    fdt_setprop_u64(fdt, node, "reg", bell->guest_cap) ||
	    (!bell->from_guest &&
	     fdt_setprop(fdt, node, "interrupts", spec, sizeof(spec))))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_bells(struct rm_vm *vm, void *fdt)
{
	const struct rm_bell *bell;
	int error = 0;

	for (bell = vm->config.bells; bell && !error; bell = bell->next)
		error = add_bell(fdt, bell);

	return error;
}

/*
 * Memory
 */

static bool is_private(const struct rm_parcel *parcel, const struct rm_vm *vm)
{
	return rm_parcel_private(parcel) || parcel->handle == vm->image.handle;
}

static unsigned int sort_in(struct region *regions, unsigned int nr, u64 base,
			    u64 size)
{
	unsigned int i = nr;

	for (; i && regions[i - 1].base > base; i--)
		regions[i] = regions[i - 1];
	regions[i].base = base;
	regions[i].size = size;

	return nr + 1;
}

/* Joins each region to the one that it continues. */
static unsigned int join(struct region *regions, unsigned int nr)
{
	unsigned int last = 0, i;

	for (i = 1; i < nr; i++) {
		if (regions[last].base + regions[last].size == regions[i].base)
			regions[last].size += regions[i].size;
		else
			regions[++last] = regions[i];
	}

	return last + 1;
}

/* The image is always there, so there is at least one region. */
static unsigned int find_memory(const struct rm_vm *vm, struct region *regions)
{
	struct rm_parcel *parcel;
	unsigned int nr = 0;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		const struct rm_member *member =
			rm_parcel_member(parcel, vm->vmid);

		if (member && member->accepted && is_private(parcel, vm))
			nr = sort_in(regions, nr, member->ipa, parcel->size);
	}

	return join(regions, nr);
}

static u32 *put_cells(u32 *to, u64 value, unsigned int cells)
{
	unsigned int i;

	for (i = cells; i; i--, value >>= 32)
		to[i - 1] = cpu_to_fdt32((u32)value);

	return to + cells;
}

/* A reg property with the cells that the node's parent declares */
static int set_reg(void *fdt, int node, const struct region *regions,
		   unsigned int nr)
{
	int parent = fdt_parent_offset(fdt, node);
	unsigned int ac = rm_fdt_address_cells(fdt, parent);
	unsigned int sc = rm_fdt_size_cells(fdt, parent);
	u32 cells[MAX_REGIONS * 8], *end = cells;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		end = put_cells(end, regions[i].base, ac);
		end = put_cells(end, regions[i].size, sc);
	}

	return fdt_setprop(fdt, node, "reg", cells,
			   (end - cells) * sizeof(*cells));
}

static int replace_memory(struct rm_vm *vm, void *fdt)
{
	struct region regions[MAX_REGIONS];
	unsigned int nr = find_memory(vm, regions);
	int node = fdt_subnode_offset(fdt, 0, "memory");

	if (node >= 0)
		fdt_del_node(fdt, node);
	node = fdt_add_subnode(fdt, 0, "memory");
	if (node < 0)
		return node;
	if (fdt_setprop_string(fdt, node, "device_type", "memory"))
		return -FDT_ERR_NOSPACE;

	return set_reg(fdt, node, regions, nr);
}

/*
 * Reserved memory: what the tree lists there has to be known to us, as a parcel
 * of this label or at this place. Ranges that the guest chooses itself are not
 * our business.
 */
static bool reservation_known(const struct rm_vm *vm, const void *fdt, int node)
{
	int parent = fdt_parent_offset(fdt, node);
	unsigned int ac = rm_fdt_address_cells(fdt, parent);
	unsigned int sc = rm_fdt_size_cells(fdt, parent);
	struct rm_parcel *parcel;
	u32 label = 0;
	bool labelled = rm_fdt_u32(fdt, node, "qcom,label", &label);
	const u32 *reg;
	int len;

	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg)
		return fdt_getprop(fdt, node, "size", NULL);
	if ((size_t)len != (ac + sc) * sizeof(*reg))
		return false;

	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel)) {
		const struct rm_member *member =
			rm_parcel_member(parcel, vm->vmid);

		if (!member || !member->accepted)
			continue;
		if (labelled ? parcel->label == label :
		    member->ipa == rm_fdt_cells(reg, ac) &&
		    parcel->size == rm_fdt_cells(reg + ac, sc))
			return true;
	}

	return false;
}

static int check_reservations(struct rm_vm *vm, const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory");
	int node;

	if (parent < 0)
		return 0;
	fdt_for_each_subnode(node, fdt, parent)
		if (!reservation_known(vm, fdt, node))
			return -FDT_ERR_BADVALUE;

	return 0;
}

/* Memory that others see, too: the guest must not take it for its RAM. */
static int add_buffer(void *fdt, const struct rm_parcel *parcel, u64 ipa)
{
	struct region region = { .base = ipa, .size = parcel->size };
	char path[NODE_NAME_MAX];
	u32 phandle;
	int node;

	if (fdt_generate_phandle(fdt, &phandle))
		return -FDT_ERR_NOPHANDLES;
	snprintf(path, sizeof(path), "/reserved-memory/buffer@%lx",
		 (unsigned long)ipa);
	node = make_path(fdt, path);
	if (node < 0)
		return node;
	if (fdt_setprop_string(fdt, node, "compatible", "qcom,shared-memory") ||
	    set_reg(fdt, node, &region, 1) ||
	    fdt_setprop(fdt, node, "no-map", NULL, 0) ||
	    set_u32(fdt, node, "qcom,rm-mem-handle", parcel->handle) ||
	    set_u32(fdt, node, "qcom,label", parcel->label) ||
	    set_u32(fdt, node, "phandle", phandle))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int make_reserved_memory(void *fdt)
{
	int node = fdt_path_offset(fdt, "/reserved-memory");

	if (node >= 0)
		return 0;
	node = fdt_add_subnode(fdt, 0, "reserved-memory");
	if (node < 0)
		return node;
	if (set_u32(fdt, node, "#address-cells", 2) ||
	    set_u32(fdt, node, "#size-cells", 2) ||
	    fdt_setprop(fdt, node, "ranges", NULL, 0))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_buffers(struct rm_vm *vm, void *fdt)
{
	struct rm_parcel *parcel;
	int error = 0;

	for (parcel = rm_parcel_next(NULL); parcel && !error;
	     parcel = rm_parcel_next(parcel)) {
		const struct rm_member *member =
			rm_parcel_member(parcel, vm->vmid);

		if (!member || !member->accepted || is_private(parcel, vm))
			continue;
		error = make_reserved_memory(fdt);
		if (!error)
			error = add_buffer(fdt, parcel, member->ipa);
	}

	return error;
}

/* What the tree asked for by label; the memory was described as a buffer. */
static int add_shm(struct rm_vm *vm, void *fdt, const struct rm_shm *shm)
{
	static const char compatible[] = "qcom,shared-memory";
	struct rm_parcel *parcel = rm_vm_find_parcel(vm, shm->label);
	char path[NODE_NAME_MAX];
	u32 phandle;
	int node;

	if (!parcel)
		return 0;
	snprintf(path, sizeof(path), "/reserved-memory/buffer@%lx",
		 (unsigned long)rm_parcel_member(parcel, vm->vmid)->ipa);
	phandle = fdt_get_phandle(fdt, fdt_path_offset(fdt, path));
	/* It is the guest's own memory, and no buffer. */
	if (!phandle)
		return 0;
	node = make_path(fdt, shm->dev.generate);
	if (node < 0)
		return node;
	if (describe(fdt, node, &shm->dev, compatible, sizeof(compatible)) ||
	    set_u32(fdt, node, "buffer", phandle) ||
	    set_u32(fdt, node, "memory-region", phandle) ||
	    (shm->has_dma_base &&
	     fdt_setprop_u64(fdt, node, "dma_base", shm->dma_base)))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_shms(struct rm_vm *vm, void *fdt)
{
	const struct rm_shm *shm;
	int error = 0;

	for (shm = vm->config.shms; shm && !error; shm = shm->next)
		error = add_shm(vm, fdt, shm);

	return error;
}

/*
 * The rest
 */

/* Without PSCI a guest turns its CPUs on by their capabilities. */
static int add_cpu_caps(struct rm_vm *vm, void *fdt)
{
	unsigned int i;
	int cpu = -1;

	for (i = 0; !vm->config.psci && i < vm->config.nr_cpus; i++) {
		u64 cap = cap_add(vm->vm, OBJ_VCPU, vm->vm->vcpus[i],
				  CAP_VCPU_POWER);
		int cpus = fdt_path_offset(fdt, vm->config.cpus_path);
		int error;

		if (cap == CAP_INVALID)
			return -FDT_ERR_INTERNAL;
		cpu = rm_fdt_next_cpu(fdt, cpus, cpu);
		error = fdt_setprop_u64(fdt, cpu, "qcom,gunyah-capability", cap);
		if (error)
			return error;
	}

	return 0;
}

/* Only a node without addresses gets the ones that were chosen for it. */
static int patch_gic(struct rm_vm *vm, void *fdt)
{
	const struct rm_gic_config *gic = &vm->config.gic;
	struct region frames[] = {
		{ .base = gic->gicd, .size = 0x10000 },
		{ .base = gic->gicr, .size = gic->stride * vm->config.nr_cpus },
	};
	int node;

	if (!gic->patch)
		return 0;
	node = fdt_path_offset(fdt, gic->path);
	if (node < 0)
		return node;
	if (set_u32(fdt, node, "#redistributor-regions", 1) ||
	    fdt_setprop_u64(fdt, node, "redistributor-stride", gic->stride))
		return -FDT_ERR_NOSPACE;

	return set_reg(fdt, node, frames, ARRAY_SIZE(frames));
}

static int add_vsoc(void *fdt)
{
	int node = fdt_add_subnode(fdt, 0, "vsoc");

	if (node == -FDT_ERR_EXISTS)
		return 0;
	if (node < 0)
		return node;
	if (fdt_setprop_string(fdt, node, "compatible", "simple-bus") ||
	    set_u32(fdt, node, "#address-cells", 2) ||
	    set_u32(fdt, node, "#size-cells", 2) ||
	    fdt_setprop(fdt, node, "ranges", NULL, 0))
		return -FDT_ERR_NOSPACE;

	return 0;
}

static int add_seed(void *fdt)
{
	int node = make_path(fdt, "/chosen");

	return node < 0 ? node :
	       fdt_setprop_u64(fdt, node, "kaslr-seed", random64());
}

int rm_overlay_guest(struct rm_vm *vm, void *fdt, size_t size)
{
	int error = fdt_open_into(fdt, fdt, size);

	if (!error)
		error = check_reservations(vm, fdt);
	if (!error)
		error = add_hypervisor(vm, fdt);
	if (!error)
		error = add_bells(vm, fdt);
	if (!error)
		error = replace_memory(vm, fdt);
	if (!error)
		error = add_buffers(vm, fdt);
	if (!error)
		error = add_shms(vm, fdt);
	if (!error)
		error = add_cpu_caps(vm, fdt);
	if (!error)
		error = patch_gic(vm, fdt);
	if (!error)
		error = add_vsoc(fdt);
	if (!error)
		error = add_seed(fdt);
	if (!error)
		error = fdt_pack(fdt);
	if (error)
		hyp_log("RM: tree of VM %s: %s", vm->config.name,
			fdt_strerror(error));

	return error;
}
