// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a CPU holds for the VM that runs on it: set up at EL2, and swapped
 * between the primary and a guest.
 */
#include "core.h"

#define MAIR_EL2_VALUE	0xff04ULL	/* 0: device nGnRE, 1: write-back */
#define EL2_BLOCK	(BIT(10) | 3ULL << 8 | BIT(6) | BIT(0))
#define EL2_NORMAL	BIT(2)
#define EL2_XN		BIT(54)
#define TCR_EL2_VALUE	(BIT(31) | BIT(23) | BIT(17) | 3ULL << 12 | \
			 BIT(10) | BIT(8) | (64 - 39))
#define SCTLR_EL2_VALUE	(0x30c50830ULL | BIT(12) | BIT(3) | BIT(2) | BIT(0))
#define VTCR_VALUE	(BIT(31) | 3ULL << 12 | BIT(10) | BIT(8) | BIT(6) | \
			 (64 - 39))

#define ID_FIELD(v, shift)	((v) >> (shift) & 0xf)
#define PMUVER_SHIFT		8
#define FGT_SHIFT		56
#define HCX_SHIFT		40
#define PAUTH_FIELDS		GENMASK(11, 4)

static u64 el2_table[512] __aligned(4096);
static bool has_pauth;
static bool has_pmu;
static u64 mdcr_primary;

/* RAM, code in the hypervisor's own. The map is the identity, by blocks of 1 GiB. */
void el2_map_ram(u64 base, u64 size)
{
	u64 block;

	for (block = base >> 30; block <= (base + size - 1) >> 30; block++) {
		el2_table[block] = block << 30 | EL2_BLOCK | EL2_NORMAL |
				   (block == HYP_BASE >> 30 ? 0 : EL2_XN);
	}
	dsb(ishst);
	isb();
}

static void el2_mmu_on(void)
{
	/* The devices, and what is needed to find the rest. */
	el2_table[0] = EL2_BLOCK | EL2_XN;
	el2_map_ram(PRIMARY_FDT, PRIMARY_FDT_ROOM);
	el2_map_ram(HYP_BASE, HYP_SIZE);
	sysreg_write(mair_el2, MAIR_EL2_VALUE);
	sysreg_write(tcr_el2, TCR_EL2_VALUE);
	sysreg_write(ttbr0_el2, (u64)el2_table);
	dsb(sy);
	isb();
	asm volatile("tlbi alle2\n\ttlbi alle1" : : : "memory");
	dsb(sy);
	isb();
	sysreg_write(sctlr_el2, SCTLR_EL2_VALUE);
	isb();
}

static bool pmu_exists(void)
{
	u64 version = ID_FIELD(sysreg_read(id_aa64dfr0_el1), PMUVER_SHIFT);

	return version && version != 0xf;
}

/* All counters are the primary's. */
static u64 mdcr_base(void)
{
	return has_pmu ? sysreg_read(pmcr_el0) >> 11 & MDCR_HPMN : 0;
}

static u64 vtcr(void)
{
	u64 range = sysreg_read(id_aa64mmfr0_el1) & 0xf;

	return VTCR_VALUE | min(range, 2ULL) << 16;
}

/* The state of EL2 that does not depend on who runs. */
void el2_init(struct cpu *cpu)
{
	(void)cpu;
	el2_mmu_on();
	has_pauth = sysreg_read(id_aa64isar1_el1) & PAUTH_FIELDS;
	sysreg_write(hcr_el2, HCR_PRIMARY);
	sysreg_write(hstr_el2, 0);
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	sysreg_write(vtcr_el2, vtcr());
	sysreg_write(cptr_el2, CPTR_BASE);
	has_pmu = pmu_exists();
	mdcr_primary = mdcr_base();
	sysreg_write(mdcr_el2, mdcr_primary);
	sysreg_write(cntvoff_el2, 0);
	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
	sysreg_write(cnthp_ctl_el2, CNT_CTL_IMASK);
	sysreg_write(icc_sre_el2, BIT(3) | BIT(0));
	isb();
	sysreg_write(ich_hcr_el2, 0);
	if (ID_FIELD(sysreg_read(id_aa64mmfr0_el1), FGT_SHIFT)) {
		sysreg_write(HFGRTR_EL2, 0);
		sysreg_write(HFGWTR_EL2, 0);
		sysreg_write(HFGITR_EL2, 0);
		sysreg_write(HDFGRTR_EL2, 0);
		sysreg_write(HDFGWTR_EL2, 0);
	}
	if (ID_FIELD(sysreg_read(id_aa64mmfr1_el1), HCX_SHIFT))
		sysreg_write(HCRX_EL2, 0);
	isb();
}

/* As after a reset: MMU and caches off. */
void el1_reset(struct el1_regs *el1)
{
	memset(el1, 0, sizeof(*el1));
	el1->reg[EL1_SCTLR] = SCTLR_EL1_RESET;
}

void el1_start(const struct el1_regs *el1)
{
	el1_load(el1, has_pauth);
}

/* The guest's first use of FP since it was entered. */
void switch_fp_to_guest(struct cpu *cpu, struct vcpu *vcpu)
{
	sysreg_write(cptr_el2, CPTR_BASE);
	isb();
	fp_save(&cpu->host_fp);
	fp_load(&vcpu->fp);
	cpu->fp_guest = true;
}

static void switch_fp_to_host(struct cpu *cpu, struct vcpu *vcpu)
{
	sysreg_write(cptr_el2, CPTR_BASE);
	if (!cpu->fp_guest)
		return;
	isb();
	fp_save(&vcpu->fp);
	fp_load(&cpu->host_fp);
	cpu->fp_guest = false;
}

/* Nothing can interrupt while the two registers do not match. */
static void timer_swap(struct timer_regs *old, const struct timer_regs *new)
{
	u64 ctl = new->ctl & ~CNT_CTL_ISTATUS;

	old->ctl = sysreg_read(cntv_ctl_el0) & ~CNT_CTL_ISTATUS;
	old->cval = sysreg_read(cntv_cval_el0);
	if (old->cval != new->cval)
		sysreg_write(cntv_cval_el0, new->cval);
	if (old->ctl != ctl)
		sysreg_write(cntv_ctl_el0, ctl);
}

bool timer_expired(const struct timer_regs *timer)
{
	return (timer->ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
	       counter_now() >= timer->cval;
}

/* It has fired: quiet until the guest programs it again. */
void timer_mask_guest(void)
{
	sysreg_write(cntv_ctl_el0, sysreg_read(cntv_ctl_el0) | CNT_CTL_IMASK);
	isb();
}

/*
 * While a guest runs, EL2's timer stands in for the primary's virtual one. It
 * is masked otherwise, not switched off: that is cheaper.
 */
static void host_deadline_watch(const struct timer_regs *timer)
{
	bool armed = (timer->ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE;

	if (armed && sysreg_read(cnthp_cval_el2) != timer->cval)
		sysreg_write(cnthp_cval_el2, timer->cval);
	if (armed)
		sysreg_write(cnthp_ctl_el2, CNT_CTL_ENABLE);
}

static void host_deadline_stop(void)
{
	sysreg_write(cnthp_ctl_el2, CNT_CTL_ENABLE | CNT_CTL_IMASK);
}

/* What the primary counts is not what a guest does, at the same exception levels. */
static void host_pmu_stop(struct cpu *cpu)
{
	cpu->host_counters = has_pmu ? sysreg_read(pmcntenset_el0) : 0;
	if (cpu->host_counters)
		sysreg_write(pmcntenclr_el0, cpu->host_counters);
}

static void host_pmu_go_on(struct cpu *cpu)
{
	if (cpu->host_counters)
		sysreg_write(pmcntenset_el0, cpu->host_counters);
}

void switch_to_guest(struct cpu *cpu, struct vcpu *vcpu)
{
	bool moved = cpu->last_vcpu != vcpu || vcpu->last_cpu != cpu;

	if (timer_expired(&vcpu->timer)) {
		vcpu->timer.ctl |= CNT_CTL_IMASK;
		vgic_assert_private(vcpu, PPI_VIRT_TIMER);
	}
	timer_swap(&cpu->host_timer, &vcpu->timer);
	host_deadline_watch(&cpu->host_timer);
	host_pmu_stop(cpu);
	sysreg_write(hcr_el2, HCR_GUEST);
	sysreg_write(cptr_el2, CPTR_BASE | CPTR_TFP);
	sysreg_write(mdcr_el2, mdcr_primary | MDCR_GUEST);
	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN);
	sysreg_write(vmpidr_el2, vcpu->mpidr | BIT(31));
	el1_swap(&cpu->host_el1, &vcpu->el1, has_pauth);
	s2_activate(&vcpu->vm->s2);
	if (moved) {
		s2_flush_local();
		asm volatile("ic iallu" : : : "memory");
		gic_enable_hyp_irqs(cpu);
		cpu->last_vcpu = vcpu;
		vcpu->last_cpu = cpu;
	}
	vgic_load(vcpu, moved);
	cpu->cur = &vcpu->regs;
}

void switch_to_host(struct cpu *cpu, struct vcpu *vcpu)
{
	vgic_put(vcpu);
	switch_fp_to_host(cpu, vcpu);
	timer_swap(&vcpu->timer, &cpu->host_timer);
	host_deadline_stop();
	host_pmu_go_on(cpu);
	sysreg_write(hcr_el2, HCR_PRIMARY);
	sysreg_write(mdcr_el2, mdcr_primary);
	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	el1_swap(&vcpu->el1, &cpu->host_el1, has_pauth);
	s2_activate(&primary->s2);
	cpu->cur = &cpu->host;
}
