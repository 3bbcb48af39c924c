/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry points: boot, CPU_ON, and the exception vectors of EL2.
 *
 * TPIDR_EL2 holds the struct cpu, whose first word points to the registers of
 * what runs below EL2 on this CPU. C code changes that pointer to switch
 * between the primary and a guest.
 */

#define CPU_CUR		0
#define CPU_ID		8
#define STACK_SHIFT	16

#define REGS_X(n)	((n) * 8)
#define REGS_PC		248

	.section .text.boot, "ax"

	.global	_start
_start:
	msr	daifset, #0xf
	adrp	x0, __bss_start
	add	x0, x0, :lo12:__bss_start
	adrp	x1, __bss_end
	add	x1, x1, :lo12:__bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	adrp	x0, cpus
	add	x0, x0, :lo12:cpus
	adr	x3, boot_main
	b	start_c

/* A CPU that CPU_ON started: x0 is its struct cpu. */
	.global	secondary_entry
secondary_entry:
	msr	daifset, #0xf
	adr	x3, secondary_main
start_c:
	msr	tpidr_el2, x0
	ldr	w1, [x0, #CPU_ID]
	add	x1, x1, #1
	adrp	x2, stacks
	add	x2, x2, :lo12:stacks
	add	x2, x2, x1, lsl #STACK_SHIFT
	mov	sp, x2
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el2, x1
	isb
	br	x3

	.text

	.macro save_lower
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_CUR]
	stp	x2, x3, [x0, #REGS_X(2)]
	stp	x4, x5, [x0, #REGS_X(4)]
	stp	x6, x7, [x0, #REGS_X(6)]
	stp	x8, x9, [x0, #REGS_X(8)]
	stp	x10, x11, [x0, #REGS_X(10)]
	stp	x12, x13, [x0, #REGS_X(12)]
	stp	x14, x15, [x0, #REGS_X(14)]
	stp	x16, x17, [x0, #REGS_X(16)]
	stp	x18, x19, [x0, #REGS_X(18)]
	stp	x20, x21, [x0, #REGS_X(20)]
	stp	x22, x23, [x0, #REGS_X(22)]
	stp	x24, x25, [x0, #REGS_X(24)]
	stp	x26, x27, [x0, #REGS_X(26)]
	stp	x28, x29, [x0, #REGS_X(28)]
	ldp	x1, x2, [sp], #16
	stp	x1, x2, [x0, #REGS_X(0)]
	str	x30, [x0, #REGS_X(30)]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x1, x2, [x0, #REGS_PC]
	.endm

	.macro lower_entry handler
	save_lower
	bl	\handler
	b	enter_lower
	.endm

/* Runs what the struct cpu says, below EL2. */
	.global	enter_lower
enter_lower:
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_CUR]
	ldp	x1, x2, [x0, #REGS_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x2, x3, [x0, #REGS_X(2)]
	ldp	x4, x5, [x0, #REGS_X(4)]
	ldp	x6, x7, [x0, #REGS_X(6)]
	ldp	x8, x9, [x0, #REGS_X(8)]
	ldp	x10, x11, [x0, #REGS_X(10)]
	ldp	x12, x13, [x0, #REGS_X(12)]
	ldp	x14, x15, [x0, #REGS_X(14)]
	ldp	x16, x17, [x0, #REGS_X(16)]
	ldp	x18, x19, [x0, #REGS_X(18)]
	ldp	x20, x21, [x0, #REGS_X(20)]
	ldp	x22, x23, [x0, #REGS_X(22)]
	ldp	x24, x25, [x0, #REGS_X(24)]
	ldp	x26, x27, [x0, #REGS_X(26)]
	ldp	x28, x29, [x0, #REGS_X(28)]
	ldr	x30, [x0, #REGS_X(30)]
	ldp	x0, x1, [x0, #REGS_X(0)]
	eret

/*
 * For CPUs of the hypervisor's own, in place of enter_lower: what they go back to
 * when a guest is left is EL2, at lower_left. The stack is as it was then.
 */
	.global	run_lower
run_lower:
	stp	x29, x30, [sp, #-96]!
	stp	x27, x28, [sp, #16]
	stp	x25, x26, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x21, x22, [sp, #64]
	stp	x19, x20, [sp, #80]
	b	enter_lower

	.global	lower_left
lower_left:
	ldp	x19, x20, [sp, #80]
	ldp	x21, x22, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #32]
	ldp	x27, x28, [sp, #16]
	ldp	x29, x30, [sp], #96
	ret

lower_sync:
	lower_entry trap_sync
lower_irq:
	lower_entry trap_irq
lower_serror:
	lower_entry trap_serror

/* EL2 itself takes no exceptions: all are masked, the rest are bugs. */
el2_fault:
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	b	trap_el2

	.macro vector target
	.balign 0x80
	b	\target
	.endm

	.balign	0x800
	.global	vectors
vectors:
	.rept	8
	vector	el2_fault
	.endr
	vector	lower_sync
	vector	lower_irq
	vector	lower_irq
	vector	lower_serror
	/* AArch32 EL0 below an AArch64 EL1 */
	vector	lower_sync
	vector	lower_irq
	vector	lower_irq
	vector	lower_serror

	.section .note.GNU-stack, "", %progbits
