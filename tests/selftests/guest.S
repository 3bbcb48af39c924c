/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bare guest programs. They run where they are put, at EL1 with the MMU off; x0 is the
 * address of the devicetree, which starts behind GUEST_DATA. Emulated registers are accessed
 * without write-back of the address: those would leave no syndrome to emulate from.
 */

#include "guest.h"

#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_AFFINITY_INFO	0xc4000004
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_AFF_OFF		1

#define GICD_CTLR		0x0000
#define GICD_IGROUPR1		0x0084
#define GICD_ISENABLER1		0x0104
#define GICD_IPRIORITYR8	0x0420
#define GICD_ICFGR2		0x0c08
#define GICD_IROUTER32		0x6100
#define GICR_WAKER		0x0014

#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7

	.section .rodata, "a"

	.macro	program name
	.balign	8
	.globl	guest_\name
guest_\name:
	.endm

	.macro	program_end name
	.globl	guest_\name\()_end
guest_\name\()_end:
	.endm

	.macro	load32 reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #(((\value) >> 16) & 0xffff), lsl #16
	.endm

	.macro	psci function
	load32	w0, \function
	hvc	#0
	.endm

	/* Put a register out to the test. */
	.macro	out reg, tmp=x9
	load32	\tmp, GUEST_PORT + GUEST_PORT_OUT
	str	\reg, [\tmp]
	.endm

/* Power off. */
program off
	psci	PSCI_SYSTEM_OFF
	b	.
program_end off

/* Reset. */
program reset
	psci	PSCI_SYSTEM_RESET
	b	.
program_end reset

/* Say that it runs, then never leave by itself. */
program spin
	out	x0
	b	.
program_end spin

/* Say that it runs, then wait for an interrupt that does not come. */
program wait
	out	x0
1:	wfi
	b	1b
program_end wait

/* Write 1, 2, 4 and 8 bytes, then power off. */
program write
	load32	x1, GUEST_PORT + GUEST_PORT_IN
	movz	x2, #0x8877
	movk	x2, #0x6655, lsl #16
	movk	x2, #0x4433, lsl #32
	movk	x2, #0x2211, lsl #48
	strb	w2, [x1]
	strh	w2, [x1, #8]
	str	w2, [x1, #16]
	str	x2, [x1, #24]
	psci	PSCI_SYSTEM_OFF
	b	.
program_end write

/* Read 1, 2, 4 and 8 bytes, put out each as 8, then power off. */
program read
	load32	x1, GUEST_PORT + GUEST_PORT_IN
	ldrb	w2, [x1]
	out	x2
	ldrh	w2, [x1, #8]
	out	x2
	ldr	w2, [x1, #16]
	out	x2
	ldr	x2, [x1, #24]
	out	x2
	psci	PSCI_SYSTEM_OFF
	b	.
program_end read

/* Put out 0, 1, 2 ... for ever. */
program count
	mov	x2, #0
1:	out	x2
	add	x2, x2, #1
	b	1b
program_end count

/*
 * Put out the 8 bytes at GUEST_DATA, write the inverse to the next 8, read a number (the
 * test looks at memory meanwhile), then power off.
 */
program memory
	adr	x1, guest_memory
	add	x1, x1, #GUEST_DATA
	ldr	x2, [x1]
	out	x2
	mvn	x2, x2
	str	x2, [x1, #8]
	dmb	sy
	load32	x1, GUEST_PORT + GUEST_PORT_IN
	ldr	x2, [x1]
	psci	PSCI_SYSTEM_OFF
	b	.
program_end memory

/*
 * Read the number of CPUs. Turn each of the others on; it puts out its number plus
 * GUEST_CONTEXT and turns itself off. Then power off. What PSCI refuses is put out.
 */
program cpus
	load32	x1, GUEST_PORT + GUEST_PORT_IN
	ldr	x20, [x1]
	mov	x21, #1
1:	cmp	x21, x20
	b.hs	3f
	mov	x1, x21
	adr	x2, 4f
	load32	x3, GUEST_CONTEXT
	add	x3, x3, x21
	psci	PSCI_CPU_ON
	cbnz	x0, 5f
2:	mov	x1, x21
	mov	x2, #0
	psci	PSCI_AFFINITY_INFO
	cmp	x0, #PSCI_AFF_OFF
	b.ne	2b
	add	x21, x21, #1
	b	1b
3:	psci	PSCI_SYSTEM_OFF
	b	.
4:	out	x0
	psci	PSCI_CPU_OFF
	b	.
5:	out	x0
	b	3b
program_end cpus

/*
 * Enable the SPIs 0 to 31, say so by putting out 0, then wait for interrupts. The number
 * of each is put out. For ever.
 */
program irq
	load32	x1, GUEST_GICD
	mov	w2, #0x12		/* ARE, group 1 */
	str	w2, [x1, #GICD_CTLR]
	mov	w2, #-1
	str	w2, [x1, #GICD_IGROUPR1]
	load32	w2, 0xaaaaaaaa		/* edge */
	str	w2, [x1, #GICD_ICFGR2]
	str	w2, [x1, #GICD_ICFGR2 + 4]

	load32	w2, 0x80808080
	add	x3, x1, #GICD_IPRIORITYR8
	add	x4, x3, #32
1:	str	w2, [x3]
	add	x3, x3, #4
	cmp	x3, x4
	b.ne	1b

	add	x3, x1, #(GICD_IROUTER32 & 0xf000)
	add	x3, x3, #(GICD_IROUTER32 & 0xfff)
	add	x4, x3, #(32 * 8)
1:	str	xzr, [x3]
	add	x3, x3, #8
	cmp	x3, x4
	b.ne	1b

	mov	w2, #-1
	str	w2, [x1, #GICD_ISENABLER1]

	load32	x1, GUEST_GICR_0
	str	wzr, [x1, #GICR_WAKER]
	mov	x2, #7
	msr	ICC_SRE_EL1, x2
	isb
	mov	x2, #0xff
	msr	ICC_PMR_EL1, x2
	mov	x2, #1
	msr	ICC_IGRPEN1_EL1, x2
	isb
	out	xzr

2:	wfi
3:	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #1020
	b.hs	2b
	out	x2
	msr	ICC_EOIR1_EL1, x2
	isb
	b	3b
program_end irq
