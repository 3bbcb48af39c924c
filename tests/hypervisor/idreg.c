// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID registers (op0 3, op1 0, CRn 0, CRm 1..7): the real values, less what
 * the hypervisor does not let its VMs use.
 */
#include "core.h"

#define SYS_ID(crm, op2)	SYS(3, 0, 0, crm, op2)
#define FIELD(shift)		(0xfULL << (shift))

#define ID_DFR0_EL1		SYS_ID(1, 2)
#define ID_AA64PFR0		SYS_ID(4, 0)
#define ID_AA64PFR1		SYS_ID(4, 1)
#define ID_AA64PFR2		SYS_ID(4, 2)
#define ID_AA64ZFR0		SYS_ID(4, 4)
#define ID_AA64SMFR0		SYS_ID(4, 5)
#define ID_AA64FPFR0		SYS_ID(4, 7)
#define ID_AA64DFR0		SYS_ID(5, 0)
#define ID_AA64DFR1		SYS_ID(5, 1)
#define ID_AA64ISAR1		SYS_ID(6, 1)
#define ID_AA64ISAR2		SYS_ID(6, 2)
#define ID_AA64MMFR1		SYS_ID(7, 1)
#define ID_AA64MMFR2		SYS_ID(7, 2)
#define ID_AA64MMFR3		SYS_ID(7, 3)
#define ID_AA64MMFR4		SYS_ID(7, 4)

struct hidden {
	u32 reg;
	u64 primary;		/* fields that nobody sees */
	u64 guest;		/* and these no guest either */
};

static const struct hidden hidden[] = {
	/* PerfMon */
	{ ID_DFR0_EL1, 0, FIELD(24) },
	/* SVE, MPAM, AMU; EL2, EL3, RAS */
	{ ID_AA64PFR0, FIELD(32) | FIELD(40) | FIELD(44),
	  FIELD(8) | FIELD(12) | FIELD(28) },
	/* MTE, SME, NMI, and what came later */
	{ ID_AA64PFR1, FIELD(8) | FIELD(16) | FIELD(24) | GENMASK(63, 36), 0 },
	{ ID_AA64PFR2, ~0ULL, 0 },
	{ ID_AA64ZFR0, ~0ULL, 0 },
	{ ID_AA64SMFR0, ~0ULL, 0 },
	{ ID_AA64FPFR0, ~0ULL, 0 },
	/* PMS, TraceFilt, TraceBuffer, BRBE; TraceVer, PMU, MTPMU */
	{ ID_AA64DFR0, FIELD(32) | FIELD(40) | FIELD(44) | FIELD(52),
	  FIELD(4) | FIELD(8) | FIELD(48) },
	{ ID_AA64DFR1, ~0ULL, 0 },
	/* LS64 */
	{ ID_AA64ISAR1, FIELD(60), 0 },
	/* MOPS, and what came later */
	{ ID_AA64ISAR2, FIELD(16) | GENMASK(63, 32), 0 },
	/* VH, LO, HCX, nTLBPA.. */
	{ ID_AA64MMFR1, FIELD(40), FIELD(8) | FIELD(16) },
	/* NV */
	{ ID_AA64MMFR2, FIELD(24), 0 },
	/* TCR2, permission indirection */
	{ ID_AA64MMFR3, ~0ULL, 0 },
	{ ID_AA64MMFR4, ~0ULL, 0 },
};

#define SYS_CRM(reg)	((reg) >> 1 & 0xf)
#define SYS_OP2(reg)	((reg) >> 17 & 7)

bool is_id_reg(u64 esr)
{
	u32 reg = esr & SYS_MASK;
	u32 crm = SYS_CRM(reg);

	return (esr & ESR_SYS_READ) && (reg & ~SYS(0, 0, 0, 15, 7)) == SYS(3, 0, 0, 0, 0) &&
	       crm >= 1 && crm <= 7;
}

u64 id_reg_read(u64 esr, bool guest)
{
	u32 reg = esr & SYS_MASK;
	u64 value = id_reg_raw((SYS_CRM(reg) - 1) * 8 + SYS_OP2(reg));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (hidden[i].reg == reg)
			value &= ~(hidden[i].primary | (guest ? hidden[i].guest : 0));
	}
	return value;
}
