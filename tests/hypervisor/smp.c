// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs: who owns which, how they come and go, and the one lock.
 *
 * The primary owns the CPUs that its tree lists. The others are the
 * hypervisor's own, for the Resource Manager and for vCPUs that are not
 * proxy-scheduled.
 */
#include <libfdt.h>

#include "core.h"

#define GICR_TYPER	0x08
#define GICR_TYPER_LAST	BIT(4)

#define STACK_SIZE	65536

struct cpu cpus[MAX_CPUS];
u8 stacks[MAX_CPUS][STACK_SIZE] __aligned(16);

static u32 lock;

void hyp_lock(void)
{
	u32 free;

	for (;;) {
		free = 0;
		if (__atomic_compare_exchange_n(&lock, &free, 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		while (__atomic_load_n(&lock, __ATOMIC_RELAXED))
			asm volatile("yield");
	}
}

void hyp_unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

u64 firmware_call(u64 fn, u64 a0, u64 a1, u64 a2)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a0;
	register u64 x2 asm("x2") = a1;
	register u64 x3 asm("x3") = a2;

	asm volatile("smc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     : : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		       "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

static bool cpu_in_tree(const void *fdt, u64 mpidr)
{
	const fdt32_t *reg;
	const char *type;
	int node, len;
	u64 value;

	fdt_for_each_subnode(node, fdt, fdt_path_offset(fdt, "/cpus")) {
		type = fdt_getprop(fdt, node, "device_type", NULL);
		reg = fdt_getprop(fdt, node, "reg", &len);
		if (!type || strcmp(type, "cpu") || !reg)
			continue;
		value = fdt32_to_cpu(reg[0]);
		if (len == 8)
			value = value << 32 | fdt32_to_cpu(reg[1]);
		if (value == mpidr)
			return true;
	}
	return false;
}

static struct cpu *cpu_find(u64 mpidr)
{
	unsigned int i;

	for (i = 0; i < MAX_CPUS; i++) {
		if (cpus[i].state != CPU_ABSENT && cpus[i].mpidr == mpidr)
			return &cpus[i];
	}
	return NULL;
}

static u64 typer_mpidr(u64 typer)
{
	u64 aff = typer >> 32;

	return (aff & 0xffffff) | (aff >> 24) << 32;
}

/* The redistributors tell which CPUs there are. */
void smp_init(const void *fdt)
{
	struct cpu *boot = this_cpu();
	unsigned int next = 1;
	u64 gicr, typer;
	struct cpu *cpu;

	boot->mpidr = sysreg_read(mpidr_el1) & MPIDR_AFF_MASK;
	boot->state = CPU_ON;
	for (gicr = GICR_BASE; ; gicr += GICR_STRIDE) {
		typer = read64(gicr + GICR_TYPER);
		cpu = cpu_find(typer_mpidr(typer));
		if (!cpu && next < MAX_CPUS) {
			cpu = &cpus[next];
			cpu->id = next++;
			cpu->mpidr = typer_mpidr(typer);
			cpu->state = CPU_OFF;
		}
		if (cpu) {
			cpu->gicr = gicr;
			cpu->service = !cpu_in_tree(fdt, cpu->mpidr);
		}
		if (typer & GICR_TYPER_LAST)
			break;
	}
	if (boot->service)
		hyp_panic("the boot CPU is not in the primary's tree");
}

void smp_start_service_cpus(void)
{
	unsigned int i, started = 0;

	for (i = 0; i < MAX_CPUS; i++) {
		if (cpus[i].state != CPU_OFF || !cpus[i].service)
			continue;
		cpus[i].state = CPU_ON;
		if (!firmware_call(PSCI_CPU_ON, cpus[i].mpidr, (u64)secondary_entry,
				   (u64)&cpus[i]))
			started++;
		else
			cpus[i].state = CPU_OFF;
	}
	if (!started)
		hyp_panic("no CPU is left for the Resource Manager: raise -smp by one");
}

static bool is_own(const struct cpu *cpu)
{
	return cpu->service && cpu->state == CPU_ON;
}

/* The hypervisor's own CPU that stands for that physical one. */
struct cpu *smp_own_cpu(u32 number)
{
	unsigned int i, nr = 0;

	for (i = 0; i < MAX_CPUS; i++)
		nr += is_own(&cpus[i]);
	number %= nr;
	for (i = 0; !is_own(&cpus[i]) || number--; i++)
		;
	return &cpus[i];
}

bool cpu_exists(u32 number)
{
	return number < MAX_CPUS && cpus[number].state != CPU_ABSENT;
}

/* The primary's CPU_ON. */
s64 smp_cpu_on(u64 mpidr, u64 entry, u64 context)
{
	struct cpu *cpu = cpu_find(mpidr);
	s64 ret;

	if (!cpu || cpu->service)
		return PSCI_INVALID_PARAMETERS;
	if (cpu->state == CPU_ON)
		return PSCI_ALREADY_ON;
	cpu->entry = entry;
	cpu->context = context;
	ret = firmware_call(PSCI_CPU_ON, mpidr, (u64)secondary_entry, (u64)cpu);
	if (!ret)
		cpu->state = CPU_ON;
	return ret;
}

/* The primary's CPU_OFF; comes back only if the firmware refuses. */
void smp_cpu_off(void)
{
	struct cpu *cpu = this_cpu();

	cpu->state = CPU_OFF;
	cpu->last_vcpu = NULL;
	hyp_unlock();
	firmware_call(PSCI_CPU_OFF, 0, 0, 0);
	hyp_lock();
	cpu->state = CPU_ON;
}
