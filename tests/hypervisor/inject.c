// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that EL1 takes in place of an instruction. EL1's registers are
 * those of the VM concerned.
 */
#include "core.h"

#define VECTOR_CUR_SP0	0x000
#define VECTOR_CUR_SPX	0x200
#define VECTOR_LOW_64	0x400
#define VECTOR_LOW_32	0x600

#define PSTATE_DIT	BIT(24)

static u64 vector_offset(u64 pstate)
{
	if (pstate & PSTATE_AARCH32)
		return VECTOR_LOW_32;
	switch (pstate & PSTATE_MODE) {
	case PSTATE_EL1H:
		return VECTOR_CUR_SPX;
	case PSTATE_EL1T:
		return VECTOR_CUR_SP0;
	default:
		return VECTOR_LOW_64;
	}
}

static void inject(struct regs *regs, u64 esr)
{
	u64 sctlr = sysreg_read(sctlr_el1);
	u64 pstate = regs->pstate & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);

	if (!(sctlr & SCTLR_SPAN))
		pstate |= PSTATE_PAN;
	if (sctlr & SCTLR_DSSBS)
		pstate |= PSTATE_SSBS;
	sysreg_write(esr_el1, esr);
	sysreg_write(elr_el1, regs->pc);
	sysreg_write(spsr_el1, regs->pstate);
	regs->pc = sysreg_read(vbar_el1) + vector_offset(regs->pstate);
	regs->pstate = pstate | PSTATE_DAIF | PSTATE_EL1H;
}

void inject_undef(struct regs *regs)
{
	inject(regs, (u64)EC_UNKNOWN << 26 | ESR_IL);
}

/* A synchronous external abort, for the stage 2 abort that @esr describes. */
void inject_abort(struct regs *regs, u64 esr, u64 far)
{
	bool low = (regs->pstate & PSTATE_AARCH32) ||
		   (regs->pstate & PSTATE_MODE) == PSTATE_EL0;
	bool data = ESR_EC(esr) == EC_DABT_LOW;
	u64 ec = data ? EC_DABT_LOW : EC_IABT_LOW;
	u64 iss = FSC_EXTERNAL;

	if (!low)
		ec++;		/* from the current level */
	if (data)
		iss |= esr & (ESR_WNR | ESR_CM);
	sysreg_write(far_el1, far);
	inject(regs, ec << 26 | ESR_IL | iss);
}
