// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot: the primary VM, then its kernel.
 */
#include <libfdt.h>

#include "core.h"

#define IMAGE_MAGIC_OFFSET	56
#define IMAGE_MAGIC		0x644d5241	/* "ARM\x64" */
#define MAX_RANGES		8
#define OPTIONS_MAX		256
#define PSTATE_RESET		(PSTATE_DAIF | PSTATE_EL1H)

struct range {
	u64 base;
	u64 size;
};

struct vm *primary;

static struct range ram[MAX_RANGES];
static unsigned int nr_ram;
static char options[OPTIONS_MAX];

bool pa_is_primary_ram(u64 pa, u64 size)
{
	unsigned int i;

	for (i = 0; i < nr_ram; i++) {
		if (pa >= ram[i].base && pa - ram[i].base < ram[i].size &&
		    size <= ram[i].size - (pa - ram[i].base))
			return true;
	}
	return false;
}

bool hyp_option(const char *word)
{
	size_t len = strlen(word);
	const char *p = options;

	for (;;) {
		while (*p == ' ')
			p++;
		if (!*p)
			return false;
		if (!strncmp(p, word, len) && (!p[len] || p[len] == ' '))
			return true;
		while (*p && *p != ' ')
			p++;
	}
}

static u64 read_cells(const fdt32_t **p, int cells)
{
	u64 value = 0;

	for (; cells; cells--)
		value = value << 32 | fdt32_to_cpu(*(*p)++);
	return value;
}

u64 primary_ram_end(void)
{
	u64 end = 0;
	unsigned int i;

	for (i = 0; i < nr_ram; i++)
		end = max(end, ram[i].base + ram[i].size);
	return end;
}

static void check_range(const struct range *range)
{
	u64 end = range->base + range->size;

	if (range->base < HYP_BASE + HYP_SIZE && end > HYP_BASE)
		hyp_panic("the primary's memory reaches the hypervisor's");
	if (range->base < DEVICE_WINDOW || end <= range->base || end > S2_LIMIT)
		hyp_panic("the primary cannot have memory at %lx", range->base);
}

static void parse_memory_node(const void *fdt, int node)
{
	int ac = fdt_address_cells(fdt, 0), sc = fdt_size_cells(fdt, 0);
	const fdt32_t *reg, *end;
	int len;

	reg = fdt_getprop(fdt, node, "reg", &len);
	if (!reg)
		return;
	for (end = reg + len / 4; reg + ac + sc <= end && nr_ram < MAX_RANGES; nr_ram++) {
		ram[nr_ram].base = read_cells(&reg, ac);
		ram[nr_ram].size = read_cells(&reg, sc);
		check_range(&ram[nr_ram]);
		el2_map_ram(ram[nr_ram].base, ram[nr_ram].size);
	}
}

static void parse_tree(const void *fdt)
{
	const char *type, *words;
	const fdt64_t *seed;
	int node, len;

	if (fdt_check_header(fdt) || fdt_totalsize(fdt) > PRIMARY_FDT_ROOM)
		hyp_panic("no devicetree at %llx", PRIMARY_FDT);
	fdt_for_each_subnode(node, fdt, 0) {
		type = fdt_getprop(fdt, node, "device_type", NULL);
		if (type && !strcmp(type, "memory"))
			parse_memory_node(fdt, node);
	}
	if (!nr_ram)
		hyp_panic("the devicetree has no memory");
	node = fdt_path_offset(fdt, "/chosen");
	words = fdt_getprop(fdt, node, "gunyah,test-options", &len);
	if (words)
		snprintf(options, sizeof(options), "%s", words);
	seed = fdt_getprop(fdt, node, "rng-seed", &len);
	random_init(seed && len >= 8 ? fdt64_ld(seed) : 0);
}

static void check_image(void)
{
	u32 magic = *(u32 *)(PRIMARY_IMAGE + IMAGE_MAGIC_OFFSET);

	if (magic != IMAGE_MAGIC)
		hyp_panic("no arm64 Image at %llx (it must not be compressed)",
			  PRIMARY_IMAGE);
}

static void create_primary(void)
{
	unsigned int i;

	primary = vm_create(VMID_PRIMARY);
	if (!primary)
		hyp_panic("no memory for the primary");
	primary->primary = true;
	/* Its stage 1 decides how devices are mapped. */
	if (s2_map(&primary->s2, 0, 0, DEVICE_WINDOW, S2_RWX))
		hyp_panic("cannot map the devices");
	for (i = 0; i < nr_ram; i++) {
		if (s2_map(&primary->s2, ram[i].base, ram[i].base, ram[i].size, S2_RWX))
			hyp_panic("cannot map memory at %lx", ram[i].base);
	}
}

void enter_primary(struct cpu *cpu, u64 pc, u64 x0)
{
	memset(&cpu->host, 0, sizeof(cpu->host));
	el1_reset(&cpu->host_el1);
	el1_start(&cpu->host_el1);
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(cntp_ctl_el0, 0);
	s2_activate(&primary->s2);
	cpu->host.pc = pc;
	cpu->host.x[0] = x0;
	cpu->host.pstate = PSTATE_RESET;
	cpu->cur = &cpu->host;
	enter_lower();
}

void boot_main(void)
{
	void *fdt = (void *)PRIMARY_FDT;
	struct cpu *cpu = this_cpu();

	el2_init(cpu);
	mem_init();
	parse_tree(fdt);
	check_image();
	smp_init(fdt);
	gic_init();
	create_primary();
	rm_init(primary, fdt, PRIMARY_FDT_ROOM);
	smp_start_service_cpus();
	hyp_log("primary VM at EL1%s%s", options[0] ? ", options: " : "", options);
	enter_primary(cpu, PRIMARY_IMAGE, PRIMARY_FDT);
}

/* On a CPU that CPU_ON brought here. */
void secondary_main(void)
{
	struct cpu *cpu = this_cpu();

	el2_init(cpu);
	if (cpu->service)
		service_main();
	enter_primary(cpu, cpu->entry, cpu->context);
}
