// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions from below EL2, and those of the primary.
 */
#include "core.h"

static u64 aborts;

u64 primary_abort_count(void)
{
	return aborts;
}

static u64 fault_ipa(u64 far)
{
	return sysreg_read(hpfar_el2) << 8 | (far & (PAGE_SIZE - 1));
}

static enum s2_perm needed_perm(u64 esr)
{
	/* the tables of stage 1 are read, whatever the access was */
	if (ESR_EC(esr) == EC_IABT_LOW && !(esr & ESR_S1PTW))
		return S2_X;
	return esr & ESR_WNR ? S2_W : S2_R;
}

/*
 * Is it there by now? Another CPU that splits or joins blocks leaves an entry
 * invalid for a moment.
 */
static bool translation_exists(struct s2 *s2, u64 esr, u64 ipa)
{
	enum s2_perm perm, need = needed_perm(esr);
	u64 pa;

	return s2_lookup(s2, ipa, &pa, &perm) && (perm & need) == need;
}

static void primary_abort(struct regs *regs, u64 esr)
{
	u64 far = sysreg_read(far_el2);

	hyp_lock();
	if (!translation_exists(&primary->s2, esr, fault_ipa(far))) {
		aborts++;
		inject_abort(regs, esr, far);
	}
	hyp_unlock();
}

static void primary_sys64(struct regs *regs, u64 esr)
{
	u32 rt = ESR_SYS_RT(esr);

	if (!is_id_reg(esr)) {
		inject_undef(regs);
		return;
	}
	if (rt < 31)
		regs->x[rt] = id_reg_read(esr, false);
	regs->pc += 4;
}

static void primary_sync(struct regs *regs, u64 esr)
{
	switch (ESR_EC(esr)) {
	case EC_SMC64:
		regs->pc += 4;
		hyp_lock();
		smc_call(primary, regs, ESR_IMM16(esr));
		hyp_unlock();
		break;
	case EC_HVC64:
		hyp_lock();
		hvc_call(primary, regs, ESR_IMM16(esr));
		hyp_unlock();
		break;
	case EC_DABT_LOW:
	case EC_IABT_LOW:
		primary_abort(regs, esr);
		break;
	case EC_SYS64:
		primary_sys64(regs, esr);
		break;
	default:
		inject_undef(regs);
		break;
	}
}

static void guest_abort(struct vcpu *vcpu, u64 esr)
{
	u64 far = sysreg_read(far_el2);
	u64 ipa = fault_ipa(far);

	if (translation_exists(&vcpu->vm->s2, esr, ipa))
		return;
	if (!guest_mmio(vcpu, esr, ipa))
		inject_abort(&vcpu->regs, esr, far);
}

void trap_sync(struct regs *regs)
{
	struct cpu *cpu = this_cpu();
	u64 esr = sysreg_read(esr_el2);
	struct vcpu *vcpu = cpu->vcpu;
	u64 ec = ESR_EC(esr);

	if (!vcpu) {
		primary_sync(regs, esr);
		return;
	}
	if (ec == EC_FP) {
		switch_fp_to_guest(cpu, vcpu);
		return;
	}
	hyp_lock();
	vgic_fold(vcpu);
	if (ec == EC_DABT_LOW || ec == EC_IABT_LOW)
		guest_abort(vcpu, esr);
	else
		guest_sync(vcpu, esr);
	vcpu_resume(vcpu);
	hyp_unlock();
}

void trap_irq(struct regs *regs)
{
	struct vcpu *vcpu = this_cpu()->vcpu;
	u32 intid;

	(void)regs;
	if (!vcpu)
		hyp_panic("physical interrupt in the primary");
	hyp_lock();
	/* Before the list registers are emptied, which may be an interrupt by itself. */
	intid = gic_pending();
	vgic_fold(vcpu);
	guest_irq(vcpu, intid);
	vcpu_resume(vcpu);
	hyp_unlock();
}

/* The primary takes its own; there is no saying what a guest's hit. */
void trap_serror(struct regs *regs)
{
	hyp_panic("SError at %lx, ESR %lx", regs->pc, sysreg_read(esr_el2));
}

void trap_el2(u64 esr, u64 elr, u64 far)
{
	hyp_panic("exception at EL2: ESR %lx ELR %lx FAR %lx", esr, elr, far);
}
