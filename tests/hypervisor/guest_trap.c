// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests do that they cannot do by themselves.
 */
#include "core.h"

#define ICC_SGI1R	SYS(3, 0, 12, 11, 5)
#define ICC_ASGI1R	SYS(3, 0, 12, 11, 6)
#define ICC_SGI0R	SYS(3, 0, 12, 11, 7)

#define INTID_SPURIOUS	1023

/* Thumb has instructions of 16 bits. */
static void skip(struct vcpu *vcpu, u64 esr)
{
	vcpu->regs.pc += esr & ESR_IL ? 4 : 2;
}

static u64 reg_get(struct vcpu *vcpu, u32 n)
{
	return n < 31 ? vcpu->regs.x[n] : 0;
}

static void reg_set(struct vcpu *vcpu, u32 n, u64 value)
{
	if (n < 31)
		vcpu->regs.x[n] = value;
}

/* A load is completed as its instruction says: extended, 32 or 64 bits. */
void guest_mmio_complete(struct vcpu *vcpu, u64 esr, u64 value)
{
	unsigned int bits = 8U << ESR_SAS(esr);

	if (bits < 64)
		value &= BIT(bits) - 1;
	if ((esr & ESR_SSE) && (value & BIT(bits - 1)))
		value |= ~(BIT(bits - 1) - 1);
	if (!(esr & ESR_SF))
		value = (u32)value;
	reg_set(vcpu, ESR_SRT(esr), value);
}

static void mmio_exit(struct vcpu *vcpu, u64 esr, struct mmio *mmio)
{
	skip(vcpu, esr);
	if (mmio->write) {
		vcpu_leave(vcpu, VCPU_VMMIO_WRITE, mmio->ipa, mmio->size, mmio->value);
		return;
	}
	vcpu->resume = RESUME_MMIO_READ;
	vcpu->mmio_esr = esr;
	vcpu_leave(vcpu, VCPU_VMMIO_READ, mmio->ipa, mmio->size, 0);
}

/* Was it an access that is emulated, here or by the VMM? */
bool guest_mmio(struct vcpu *vcpu, u64 esr, u64 ipa)
{
	struct mmio mmio = {
		.ipa = ipa,
		.size = 1U << ESR_SAS(esr),
		.write = esr & ESR_WNR,
	};

	if (ESR_EC(esr) != EC_DABT_LOW || FSC_TYPE(ESR_FSC(esr)) != FSC_TRANSLATION ||
	    !(esr & ESR_ISV) || (esr & (ESR_S1PTW | ESR_CM)))
		return false;
	if (mmio.write) {
		mmio.value = reg_get(vcpu, ESR_SRT(esr));
		if (mmio.size < 8)
			mmio.value &= BIT(8 * mmio.size) - 1;
	}
	if (vgic_mmio(vcpu, &mmio)) {
		if (!mmio.write)
			guest_mmio_complete(vcpu, esr, mmio.value);
		skip(vcpu, esr);
		return true;
	}
	/* nobody waits for what a VM that is not proxy-scheduled accesses */
	if (ipa >= VMMIO_LIMIT || vcpu->home)
		return false;
	mmio_exit(vcpu, esr, &mmio);
	return true;
}

/* Debug, trace and performance monitor registers read as zero. */
static bool is_raz_wi(u32 reg)
{
	u32 op0 = reg >> 20 & 3, op1 = reg >> 14 & 7, crn = reg >> 10 & 15;
	u32 crm = reg >> 1 & 15;

	if (op0 == 2)
		return op1 == 0 || op1 == 3;
	/* PMCR_EL0.., PMCCFILTR_EL0.., PMINTENSET_EL1.., ACTLR_EL1 */
	return (op1 == 3 && crn == 9) || (op1 == 3 && crn == 14 && crm >= 8) ||
	       (op1 == 0 && crn == 9 && crm == 14) || reg == SYS(3, 0, 1, 0, 1);
}

/* Cache maintenance by set and way: nothing to do in a coherent system. */
static bool is_set_way(u32 reg)
{
	return reg == SYS(1, 0, 7, 6, 2) || reg == SYS(1, 0, 7, 10, 2) ||
	       reg == SYS(1, 0, 7, 14, 2);
}

static void guest_sys64(struct vcpu *vcpu, u64 esr)
{
	u32 reg = esr & SYS_MASK;
	u32 rt = ESR_SYS_RT(esr);
	bool read = esr & ESR_SYS_READ;

	if (is_id_reg(esr)) {
		reg_set(vcpu, rt, id_reg_read(esr, true));
	} else if (!read && (reg == ICC_SGI1R || reg == ICC_ASGI1R || reg == ICC_SGI0R)) {
		vgic_send_sgi(vcpu, reg_get(vcpu, rt));
	} else if (is_raz_wi(reg) && read) {
		reg_set(vcpu, rt, 0);
	} else if (!is_raz_wi(reg) && !(is_set_way(reg) && !read)) {
		inject_undef(&vcpu->regs);
		return;
	}
	skip(vcpu, esr);
}

static void guest_wfx(struct vcpu *vcpu, u64 esr)
{
	skip(vcpu, esr);
	if ((esr & ESR_WFE) || vgic_has_pending(vcpu))
		return;
	vcpu->park = PARK_WFI;
	vcpu_leave(vcpu, VCPU_EXPECTS_WAKEUP, 0, 1, 0);
}

/* Aborts are in trap.c, next to the primary's. */
void guest_sync(struct vcpu *vcpu, u64 esr)
{
	switch (ESR_EC(esr)) {
	case EC_WFX:
		guest_wfx(vcpu, esr);
		break;
	case EC_SMC64:
		skip(vcpu, esr);
		smc_call(vcpu->vm, &vcpu->regs, ESR_IMM16(esr));
		break;
	case EC_HVC64:
		hvc_call(vcpu->vm, &vcpu->regs, ESR_IMM16(esr));
		break;
	case EC_SYS64:
		guest_sys64(vcpu, esr);
		break;
	default:
		inject_undef(&vcpu->regs);
		break;
	}
}

/*
 * A physical interrupt, not acknowledged. What is not the hypervisor's waits
 * for the primary.
 */
void guest_irq(struct vcpu *vcpu, u32 intid)
{
	struct cpu *cpu = vcpu->cpu;

	if (cpu->kicked) {
		cpu->kicked = false;
		gic_clear_kick(cpu);
	}
	switch (intid) {
	case PPI_VIRT_TIMER:
		timer_mask_guest();
		vgic_assert_private(vcpu, PPI_VIRT_TIMER);
		break;
	case SGI_KICK:
		/* this CPU may have other things to do */
		if (vcpu->home)
			vcpu_leave(vcpu, VCPU_READY, 0, 0, 0);
		break;
	case PPI_MAINTENANCE:
	case INTID_SPURIOUS:
		break;
	default:
		vcpu_leave(vcpu, VCPU_READY, 0, 0, 0);
		break;
	}
}
