// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the guest's devicetree: what /gunyah-vm-config asks for.
 *
 * A number whose property is not exactly as long as the cells in force say is
 * taken for absent. So are, with a word in the log, things that are optional
 * and not understood.
 */

#include <libfdt.h>

#include "rm.h"

#define DEFAULT_BASE		0x28800000ULL
#define BASE_ALIGN		0x200000ULL

/* In microseconds */
#define DEFAULT_TIMESLICE	5000
#define MIN_TIMESLICE		100
#define MAX_TIMESLICE		100000

/*
 * Properties
 */

bool rm_fdt_u32(const void *fdt, int node, const char *name, u32 *value)
{
	int len;
	const fdt32_t *prop = fdt_getprop(fdt, node, name, &len);

	if (!prop || len != sizeof(*prop))
		return false;
	*value = fdt32_ld(prop);

	return true;
}

bool rm_fdt_string(const void *fdt, int node, const char *name,
		   const char **value)
{
	int len;

	*value = fdt_getprop(fdt, node, name, &len);

	return *value && len && strnlen(*value, len) == (size_t)len - 1;
}

/* Higher cells than the second are beyond any address there is. */
u64 rm_fdt_cells(const u32 *data, unsigned int cells)
{
	u64 value = 0;

	while (cells--)
		value = value << 32 | fdt32_ld(data++);

	return value;
}

bool rm_fdt_number(const void *fdt, int node, const char *name,
		   unsigned int cells, u64 *value)
{
	int len;
	const u32 *prop = fdt_getprop(fdt, node, name, &len);

	if (!prop || (size_t)len != cells * sizeof(*prop))
		return false;
	*value = rm_fdt_cells(prop, cells);

	return true;
}

/* Not libfdt's: that one knows another default for the size. */
static unsigned int cells(const void *fdt, int node, const char *name,
			  unsigned int def)
{
	u32 value;

	return rm_fdt_u32(fdt, node, name, &value) && value <= 4 ? value : def;
}

unsigned int rm_fdt_address_cells(const void *fdt, int node)
{
	return cells(fdt, node, "#address-cells", 2);
}

unsigned int rm_fdt_size_cells(const void *fdt, int node)
{
	return cells(fdt, node, "#size-cells", 1);
}

/* A string property that has to fit; true when it is absent, too. */
static bool copy_string(const void *fdt, int node, const char *name, char *to,
			size_t size)
{
	const char *value;

	if (!fdt_getprop(fdt, node, name, NULL))
		return true;
	if (!rm_fdt_string(fdt, node, name, &value) || strlen(value) >= size)
		return false;
	memcpy(to, value, strlen(value) + 1);

	return true;
}

/*
 * Who the VM is
 */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

/* 8-4-4-4-12 digits; bytes in the order of the text */
static bool parse_guid(const char *text, u8 *guid)
{
	unsigned int i;

	for (i = 0; i < RM_GUID_SIZE; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		guid[i] = high << 4 | low;
		text += 2;
	}

	return !*text;
}

static u32 parse_attributes(const void *fdt, int node,
			    struct rm_vm_config *config)
{
	const char *attr;
	int i;

	for (i = 0; (attr = fdt_stringlist_get(fdt, node, "vm-attrs", i, NULL));
	     i++) {
		/* Only for who is trusted */
		if (!strcmp(attr, "crash-fatal"))
			return RM_MEM_INVALID;
		if (!strcmp(attr, "no-shutdown"))
			config->no_shutdown = true;
		else if (!strcmp(attr, "no-reset"))
			config->no_reset = true;
		else
			hyp_log("RM: VM attribute %s ignored", attr);
	}

	return RM_OK;
}

static u32 parse_identity(const void *fdt, int node,
			  struct rm_vm_config *config)
{
	const char *guid;

	if (!copy_string(fdt, node, "image-name", config->name, RM_STRING_MAX) ||
	    !config->name[0] ||
	    !copy_string(fdt, node, "vm-uri", config->uri, RM_STRING_MAX) ||
	    !copy_string(fdt, node, "vendor", config->vendor, RM_STRING_MAX))
		return RM_MEM_INVALID;
	if (fdt_getprop(fdt, node, "vm-guid", NULL)) {
		if (!rm_fdt_string(fdt, node, "vm-guid", &guid) ||
		    !parse_guid(guid, config->guid))
			return RM_MEM_INVALID;
		config->has_guid = true;
	}
	/* Nobody vouches for this VM, so it gets no hardware. */
	if (fdt_getprop(fdt, node, "iomemory-ranges", NULL) ||
	    fdt_getprop(fdt, node, "gic-irq-ranges", NULL))
		return RM_DENIED;
	rm_fdt_number(fdt, node, "kernel-entry-offset",
		      rm_fdt_address_cells(fdt, node), &config->entry_offset);

	return parse_attributes(fdt, node, config);
}

/*
 * Where its memory is to be
 */

/* Any node that says it is memory has to be the one that is replaced. */
static bool memory_nodes_valid(const void *fdt)
{
	int allowed = fdt_path_offset(fdt, "/memory");
	const char *name;
	int node = -1;

	for (;;) {
		node = fdt_node_offset_by_prop_value(fdt, node, "device_type",
						     "memory", sizeof("memory"));
		if (node < 0)
			return true;
		name = fdt_get_name(fdt, node, NULL);
		if (node != allowed || strcmp(name, "memory"))
			return false;
	}
}

/* A number that may be absent, but has to be whole pages. */
static bool get_pages(const void *fdt, int node, const char *name,
		      unsigned int cells, u64 *value)
{
	return !rm_fdt_number(fdt, node, name, cells, value) ||
	       !(*value % PAGE_SIZE);
}

static u32 parse_memory(const void *fdt, int vm_node,
			struct rm_vm_config *config)
{
	/* By the letter of the devicetree's rules: cells of the parent */
	unsigned int ac = rm_fdt_address_cells(fdt, vm_node);
	unsigned int sc = rm_fdt_size_cells(fdt, vm_node);
	int node = fdt_subnode_offset(fdt, vm_node, "memory");
	u64 ignored = 0;

	config->base = DEFAULT_BASE;
	config->size_max = ~0ULL;
	config->firmware_base = RM_NO_ADDRESS;
	if (node < 0)
		return RM_OK;

	if (!get_pages(fdt, node, "base-address", ac, &config->base) ||
	    !get_pages(fdt, node, "size-max", sc, &config->size_max) ||
	    !get_pages(fdt, node, "size-min", sc, &ignored) ||
	    !get_pages(fdt, node, "firmware-address", ac,
		       &config->firmware_base) ||
	    !get_pages(fdt, node, "firmware-size-max", sc, &ignored) ||
	    fdt_getprop(fdt, node, "is-direct", NULL))
		return RM_ARGUMENT_INVALID;

	if (config->base % BASE_ALIGN) {
		config->base += BASE_ALIGN - config->base % BASE_ALIGN;
		hyp_log("RM: base address rounded up to 0x%lx", config->base);
	}
	if (config->size_max > ~0ULL - config->base)
		config->size_max = ~0ULL - config->base;

	return RM_OK;
}

/*
 * CPUs
 */

int rm_fdt_next_cpu(const void *fdt, int cpus, int cpu)
{
	const char *text;

	for (;;) {
		cpu = cpu < 0 ? fdt_first_subnode(fdt, cpus) :
				fdt_next_subnode(fdt, cpu);
		if (cpu < 0)
			return cpu;
		if (!rm_fdt_string(fdt, cpu, "device_type", &text) ||
		    strcmp(text, "cpu"))
			continue;
		if (rm_fdt_string(fdt, cpu, "status", &text) &&
		    !strncmp(text, "fail", strlen("fail")))
			continue;
		return cpu;
	}
}

/* How a CPU that is off at first is turned on */
static bool parse_enable_method(const void *fdt, int cpus, int cpu,
				struct rm_vm_config *config)
{
	const char *method;

	if (!rm_fdt_string(fdt, cpu, "enable-method", &method) &&
	    !rm_fdt_string(fdt, cpus, "enable-method", &method))
		return false;
	if (!strcmp(method, "psci"))
		config->psci = true;
	else if (strcmp(method, "qcom,gunyah-hvc"))
		return false;

	return true;
}

static u32 parse_cpu(const void *fdt, int cpus, int cpu,
		     struct rm_vm_config *config)
{
	const char *status;
	bool boot;

	if (!rm_fdt_string(fdt, cpu, "status", &status))
		boot = !config->nr_cpus;
	else if (!strcmp(status, "okay"))
		boot = true;
	else if (!strcmp(status, "disabled"))
		boot = false;
	else
		return RM_MEM_INVALID;

	if (config->nr_cpus == MAX_VCPUS)
		return RM_DENIED;
	config->boot_cpu[config->nr_cpus++] = boot;
	if (fdt_getprop(fdt, cpu, "cpu-idle-states", NULL)) {
		config->nr_idle_cpus++;
		config->psci = true;
	}
	if (!boot && !parse_enable_method(fdt, cpus, cpu, config))
		return RM_MEM_INVALID;

	return RM_OK;
}

static u32 parse_cpus(const void *fdt, struct rm_vm_config *config)
{
	int cpus = fdt_path_offset(fdt, config->cpus_path);
	int cpu = -1;
	u32 error;

	if (cpus < 0)
		return RM_MEM_INVALID;
	while ((cpu = rm_fdt_next_cpu(fdt, cpus, cpu)) >= 0) {
		error = parse_cpu(fdt, cpus, cpu, config);
		if (error)
			return error;
	}
	if (fdt_node_offset_by_compatible(fdt, -1, "arm,psci-0.2") >= 0 ||
	    fdt_node_offset_by_compatible(fdt, -1, "arm,psci-1.0") >= 0)
		config->psci = true;

	return config->nr_cpus ? RM_OK : RM_DENIED;
}

/* Also when it is missing */
static bool parse_affinity(const void *fdt, int node)
{
	static const char * const by_hypervisor[] = { "static", "sticky", "pinned" };
	const char *affinity;
	unsigned int i;

	if (!rm_fdt_string(fdt, node, "affinity", &affinity))
		return false;
	if (!strcmp(affinity, "proxy"))
		return true;
	for (i = 0; i < ARRAY_SIZE(by_hypervisor); i++)
		if (!strcmp(affinity, by_hypervisor[i]))
			return false;
	hyp_log("RM: affinity %s taken for static", affinity);

	return false;
}

/* What is not proxy-scheduled has a place on a physical CPU each, and a rank. */
static u32 parse_scheduling(const void *fdt, int node,
			    struct rm_vm_config *config)
{
	const u32 *map;
	unsigned int i;
	u32 priority;
	int len;

	map = fdt_getprop(fdt, node, "affinity-map", &len);
	if (!map || (size_t)len != config->nr_cpus * sizeof(*map))
		return RM_MEM_INVALID;
	for (i = 0; i < config->nr_cpus; i++) {
		config->affinity[i] = rm_fdt_cells(map + i, 1);
		if (!cpu_exists(config->affinity[i]))
			return RM_ARGUMENT_INVALID;
	}

	config->timeslice = DEFAULT_TIMESLICE;
	rm_fdt_u32(fdt, node, "sched-timeslice", &config->timeslice);
	if (config->timeslice < MIN_TIMESLICE ||
	    config->timeslice > MAX_TIMESLICE)
		return RM_ARGUMENT_INVALID;
	/* An offset from the owner's, which has to stay below it */
	if (rm_fdt_u32(fdt, node, "sched-priority", &priority) &&
	    (s32)priority >= 0)
		return RM_DENIED;
	/* It has to be able to say when it has nothing to do. */
	if (config->psci && config->nr_idle_cpus != config->nr_cpus)
		return RM_MEM_INVALID;

	return RM_OK;
}

static u32 parse_vcpus(const void *fdt, int vm_node,
		       struct rm_vm_config *config)
{
	int node = fdt_subnode_offset(fdt, vm_node, "vcpus");
	u32 error;

	memcpy(config->cpus_path, "/cpus", sizeof("/cpus"));
	if (!copy_string(fdt, node, "config", config->cpus_path, RM_PATH_MAX))
		return RM_MEM_INVALID;
	error = parse_cpus(fdt, config);
	if (error)
		return error;

	config->proxy = parse_affinity(fdt, node);

	return config->proxy ? RM_OK : parse_scheduling(fdt, node, config);
}

/*
 * All of it
 */

static int find_vm_node(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/gunyah-vm-config");

	return node >= 0 ? node : fdt_path_offset(fdt, "/qcom,vm-config");
}

/* Virtual devices may be anywhere in the tree. */
static u32 parse_vdevices(const void *fdt, struct rm_vm_config *config)
{
	int node = 0;
	u32 error;

	while ((node = fdt_next_node(fdt, node, NULL)) >= 0) {
		if (!fdt_getprop(fdt, node, "vdevice-type", NULL))
			continue;
		error = rm_config_parse_vdevice(fdt, node, config);
		if (error)
			return error;
	}

	return RM_OK;
}

u32 rm_config_parse(const void *fdt, struct rm_vm_config *config)
{
	int vm_node = find_vm_node(fdt);
	u32 error;

	if (vm_node < 0 || !memory_nodes_valid(fdt))
		return RM_MEM_INVALID;
	error = parse_identity(fdt, vm_node, config);
	if (!error)
		error = parse_memory(fdt, vm_node, config);
	if (!error)
		error = parse_vcpus(fdt, vm_node, config);
	if (!error)
		error = rm_config_parse_gic(fdt, vm_node, config);
	if (!error)
		error = parse_vdevices(fdt, config);

	return error;
}

void rm_config_free(struct rm_vm_config *config)
{
	while (config->bells) {
		struct rm_bell *bell = config->bells;

		config->bells = bell->next;
		hyp_free(bell);
	}
	while (config->shms) {
		struct rm_shm *shm = config->shms;

		config->shms = shm->next;
		hyp_free(shm);
	}
	memset(config, 0, sizeof(*config));
}
