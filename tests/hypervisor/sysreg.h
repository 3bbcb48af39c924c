/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers and their fields.
 */
#ifndef SYSREG_H
#define SYSREG_H

#define STR(x)		#x
#define XSTR(x)		STR(x)

#define sysreg_read(r) ({						\
	u64 __v;							\
	asm volatile("mrs %0, " XSTR(r) : "=r"(__v));			\
	__v;								\
})
#define sysreg_write(r, v) ({						\
	asm volatile("msr " XSTR(r) ", %x0" : : "rZ"((u64)(v)) : "memory"); \
})

/* Younger than the architecture version that is asked of the compiler */
#define HCRX_EL2	S3_4_C1_C2_2
#define HFGRTR_EL2	S3_4_C1_C1_4
#define HFGWTR_EL2	S3_4_C1_C1_5
#define HFGITR_EL2	S3_4_C1_C1_6
#define HDFGRTR_EL2	S3_4_C3_C1_4
#define HDFGWTR_EL2	S3_4_C3_C1_5
#define RNDR		S3_3_C2_C4_0

#define dsb(kind) ({							\
	asm volatile("dsb " #kind : : : "memory");			\
})

static inline void isb(void)
{
	asm volatile("isb" : : : "memory");
}

static inline void wfi(void)
{
	asm volatile("wfi" : : : "memory");
}

#define HCR_VM		BIT(0)
#define HCR_SWIO	BIT(1)
#define HCR_PTW		BIT(2)
#define HCR_FMO		BIT(3)
#define HCR_IMO		BIT(4)
#define HCR_AMO		BIT(5)
#define HCR_FB		BIT(9)
#define HCR_BSU_IS	BIT(10)
#define HCR_TWI		BIT(13)
#define HCR_TID3	BIT(18)
#define HCR_TSC		BIT(19)
#define HCR_TIDCP	BIT(20)
#define HCR_TACR	BIT(21)
#define HCR_TSW		BIT(22)
#define HCR_RW		BIT(31)
#define HCR_APK		BIT(40)
#define HCR_API		BIT(41)

#define HCR_PRIMARY	(HCR_VM | HCR_SWIO | HCR_PTW | HCR_TID3 | HCR_TSC | \
			 HCR_RW | HCR_APK | HCR_API)
#define HCR_GUEST	(HCR_PRIMARY | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | \
			 HCR_BSU_IS | HCR_TWI | HCR_TIDCP | HCR_TACR | HCR_TSW)

/* SVE and SME are hidden, and trapped. */
#define CPTR_BASE	0x33ffULL
#define CPTR_TFP	BIT(10)

#define MDCR_HPMN	GENMASK(4, 0)
#define MDCR_TPMCR	BIT(5)
#define MDCR_TPM	BIT(6)
#define MDCR_TDA	BIT(9)
#define MDCR_TDOSA	BIT(10)
#define MDCR_TDRA	BIT(11)
#define MDCR_GUEST	(MDCR_TPM | MDCR_TPMCR | MDCR_TDA | MDCR_TDOSA | \
			 MDCR_TDRA)

#define CNTHCTL_EL1PCTEN	BIT(0)
#define CNTHCTL_EL1PCEN		BIT(1)

#define CNT_CTL_ENABLE	BIT(0)
#define CNT_CTL_IMASK	BIT(1)
#define CNT_CTL_ISTATUS	BIT(2)

/* RES1, and the EE and MMU bits zero, as after a reset */
#define SCTLR_EL1_RESET	0x30d00800ULL
#define SCTLR_SPAN	BIT(23)
#define SCTLR_DSSBS	BIT(44)

#define PSTATE_MODE	GENMASK(3, 0)
#define PSTATE_EL0	0x0
#define PSTATE_EL1T	0x4
#define PSTATE_EL1H	0x5
#define PSTATE_EL2H	0x9
#define PSTATE_AARCH32	BIT(4)
#define PSTATE_DAIF	GENMASK(9, 6)
#define PSTATE_SSBS	BIT(12)
#define PSTATE_PAN	BIT(22)
#define PSTATE_NZCV	GENMASK(31, 28)

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_IL		BIT(25)
#define EC_UNKNOWN	0x00
#define EC_WFX		0x01
#define EC_FP		0x07
#define EC_HVC64	0x16
#define EC_SMC64	0x17
#define EC_SYS64	0x18
#define EC_IABT_LOW	0x20
#define EC_IABT_CUR	0x21
#define EC_DABT_LOW	0x24
#define EC_DABT_CUR	0x25

#define ESR_IMM16(esr)	((esr) & 0xffff)
#define ESR_FSC(esr)	((esr) & 0x3f)
#define FSC_TYPE(esr)	((esr) & 0x3c)
#define FSC_TRANSLATION	0x04
#define FSC_PERMISSION	0x0c
#define FSC_EXTERNAL	0x10
#define ESR_WNR		BIT(6)
#define ESR_S1PTW	BIT(7)
#define ESR_CM		BIT(8)
#define ESR_FNV		BIT(10)
#define ESR_SF		BIT(15)
#define ESR_SRT(esr)	((esr) >> 16 & 0x1f)
#define ESR_SSE		BIT(21)
#define ESR_SAS(esr)	((esr) >> 22 & 3)
#define ESR_ISV		BIT(24)
#define ESR_WFE		BIT(0)

/* EC_SYS64 */
#define ESR_SYS_READ	BIT(0)
#define ESR_SYS_RT(esr)	((esr) >> 5 & 0x1f)
#define SYS(op0, op1, crn, crm, op2) \
	((u32)(op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define SYS_MASK	SYS(3, 7, 15, 15, 7)

#endif
