/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gunyah: how its hypercalls are encoded on arm64
 *
 * A hypercall is an SMC Calling Convention call of the vendor-specific
 * hypervisor services, made with HVC #0. Its number goes into the function ID,
 * its arguments into x1 and following. x0 returns the error; the results are in
 * x1 and following, and mean something only without an error. Arguments that
 * are reserved take a register as well and must be 0.
 */

#ifndef _ASM_ARM64_GUNYAH_H
#define _ASM_ARM64_GUNYAH_H

#include <linux/arm-smccc.h>

/* Class "hypercall" of the vendor-specific hypervisor services. */
#define GH_CLASS_HYPERCALL	0x8000

#define GH_HYPERCALL(n)							\
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, ARM_SMCCC_SMC_64,	\
			   ARM_SMCCC_OWNER_VENDOR_HYP,			\
			   GH_CLASS_HYPERCALL | (n))

#define GH_HYPERCALL_HYP_IDENTIFY	GH_HYPERCALL(0x00)
#define GH_HYPERCALL_BELL_SEND		GH_HYPERCALL(0x12)
#define GH_HYPERCALL_BELL_RECEIVE	GH_HYPERCALL(0x13)
#define GH_HYPERCALL_BELL_SET_MASK	GH_HYPERCALL(0x15)
#define GH_HYPERCALL_MSGQ_SEND		GH_HYPERCALL(0x1b)
#define GH_HYPERCALL_MSGQ_RECV		GH_HYPERCALL(0x1c)
#define GH_HYPERCALL_VCPU_RUN		GH_HYPERCALL(0x65)

/* UUID c1d58fcd-a453-5fdb-9265-ce36673d5f14, as four little-endian words. */
#define GH_UID_WORD_0			0xcd8fd5c1U
#define GH_UID_WORD_1			0xdb5f53a4U
#define GH_UID_WORD_2			0x36ce6592U
#define GH_UID_WORD_3			0x145f3d67U

#endif /* _ASM_ARM64_GUNYAH_H */
