/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups of registers. An instruction names its register, so what would be a
 * loop in C is written by the assembler here.
 */

	.text

/*
 * What of EL1 and EL0 belongs to a VM and is not used by EL2. struct el1_regs
 * has the same order; core.h knows where SCTLR and the stack pointers are.
 */
	.macro el1_registers op
	.irp	reg, sctlr_el1, ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, \
		amair_el1, vbar_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1, \
		contextidr_el1, tpidr_el0, tpidr_el1, tpidrro_el0, sp_el0, \
		sp_el1, elr_el1, spsr_el1, cpacr_el1, cntkctl_el1, par_el1, \
		mdscr_el1, csselr_el1
	\op	\reg
	.endr
	.endm

/* The keys of pointer authentication, on CPUs that have it */
	.macro key_registers op
	.irp	reg, S3_0_C2_C1_0, S3_0_C2_C1_1, S3_0_C2_C1_2, S3_0_C2_C1_3, \
		S3_0_C2_C2_0, S3_0_C2_C2_1, S3_0_C2_C2_2, S3_0_C2_C2_3, \
		S3_0_C2_C3_0, S3_0_C2_C3_1
	\op	\reg
	.endr
	.endm

/*
 * What is the same on both sides stays: under emulation a write to a system
 * register is expensive, and some throw all TLBs away.
 */
	.macro swap_register reg
	mrs	x3, \reg
	ldr	x4, [x1], #8
	str	x3, [x0], #8
	cmp	x3, x4
	b.eq	1f
	msr	\reg, x4
1:
	.endm

	.macro load_register reg
	ldr	x2, [x0], #8
	msr	\reg, x2
	.endm

/* void el1_swap(struct el1_regs *old, const struct el1_regs *new, bool keys) */
	.global	el1_swap
el1_swap:
	el1_registers swap_register
	cbz	w2, 2f
	key_registers swap_register
2:	ret

/* void el1_load(const struct el1_regs *el1, bool keys) */
	.global	el1_load
el1_load:
	el1_registers load_register
	cbz	w1, 2f
	key_registers load_register
2:	ret

	.macro fp_pairs op
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
	fp_pair	\op, \n, %(\n + 1)
	.endr
	fp_pair	\op, 30, 31
	.endm

	.arch_extension fp
	.altmacro
	.macro fp_pair op, first, second
	\op	q\first, q\second, [x0], #32
	.endm

/* void fp_save(struct fp_regs *fp) */
	.global	fp_save
fp_save:
	fp_pairs stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	stp	x1, x2, [x0]
	ret

/* void fp_load(const struct fp_regs *fp) */
	.global	fp_load
fp_load:
	fp_pairs ldp
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.noaltmacro

/* Into a table of functions that have two instructions each */
	.macro branch_table index
	adr	x2, 1f
	add	x2, x2, \index, lsl #3
	br	x2
1:
	.endm

/* u64 lr_read(u64 n): a list register of the virtual GIC */
	.global	lr_read
lr_read:
	branch_table x0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	mrs	x0, ich_lr\n\()_el2
	ret
	.endr

/* void lr_write(u64 n, u64 value) */
	.global	lr_write
lr_write:
	branch_table x0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	msr	ich_lr\n\()_el2, x1
	ret
	.endr

	.macro id_registers crm
	.irp	op2, 0, 1, 2, 3, 4, 5, 6, 7
	mrs	x0, S3_0_C0_C\crm\()_\op2
	ret
	.endr
	.endm

/* u64 id_reg_raw(u64 index): op0 3, op1 0, CRn 0; index = (CRm - 1) * 8 + op2 */
	.global	id_reg_raw
id_reg_raw:
	branch_table x0
	.irp	crm, 1, 2, 3, 4, 5, 6, 7
	id_registers \crm
	.endr

	.section .note.GNU-stack, "", %progbits
