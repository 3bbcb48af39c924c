/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bare guest programs. They run where they are put, at EL1 with the MMU off; x0 is the
 * address of the devicetree, which starts behind GUEST_DATA. Emulated registers are accessed
 * without write-back of the address: those would leave no syndrome to emulate from.
 */

#include "guest.h"

#define PSCI_CPU_SUSPEND	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_AFFINITY_INFO	0xc4000004
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_AFF_OFF		1

#define BELL_SEND		0xc6008012

#define GICD_CTLR		0x0000
#define GICD_IGROUPR1		0x0084
#define GICD_ISENABLER1		0x0104
#define GICD_IPRIORITYR8	0x0420
#define GICD_ICFGR2		0x0c08
#define GICD_IROUTER32		0x6100
#define GICR_WAKER		0x0014
#define GICR_SGI		0x10000
#define GICR_IGROUPR0		0x0080
#define GICR_ISENABLER0		0x0100

#define PPI_VIRT_TIMER		27
#define TIMER_TICKS_PER_SECOND	100

#define FDT_BEGIN_NODE		1
#define FDT_PROP		3
#define FDT_REG_SIZE		16	/* an address and a size of two cells */
#define FDT_CAP_SIZE		8

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

	.macro	load_be32 reg, value
	load32	\reg, \value
	rev	\reg, \reg
	.endm

	/*
	 * x20: the number in the first two cells of a property of that size, in the node whose
	 * name begins with those four letters, in the devicetree at x0
	 */
	.macro	find_number letters, size
	load_be32 w2, \letters
	load_be32 w4, FDT_BEGIN_NODE
	mov	w5, #0
1:	mov	w6, w5
	ldr	w5, [x0], #4
	cmp	w5, w2
	b.ne	1b
	cmp	w6, w4
	b.ne	1b
	load_be32 w2, FDT_PROP
	load_be32 w4, \size
2:	ldr	w3, [x0], #4
	cmp	w3, w2
	b.ne	2b
	ldr	w3, [x0]
	cmp	w3, w4
	b.ne	2b
	ldp	w3, w4, [x0, #8]
	rev	w3, w3
	rev	w4, w4
	orr	x20, x4, x3, lsl #32
	.endm

	/* Ring the doorbell x20 with the flags in x2. */
	.macro	ring_bell
	load32	x0, BELL_SEND
	mov	x1, x20
	mov	x3, #0
	hvc	#0
	.endm

	/* x20: address of the memory that is shared, in reg of the Resource Manager's buffer@... */
	.macro	find_shared
	find_number 0x62756666, FDT_REG_SIZE	/* "buff" */
	.endm

	/* SPIs 0 to 31, for the first CPU, which has one redistributor; edges, or as said */
	.macro	enable_spis config=w10
	.ifc	\config, w10
	load32	w10, 0xaaaaaaaa
	.endif
	load32	x1, GUEST_GICD
	mov	w2, #0x12		/* ARE, group 1 */
	str	w2, [x1, #GICD_CTLR]
	mov	w2, #-1
	str	w2, [x1, #GICD_IGROUPR1]
	str	\config, [x1, #GICD_ICFGR2]
	str	\config, [x1, #GICD_ICFGR2 + 4]

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
	.endm

	/* The timer's interrupt, for the first CPU */
	.macro	enable_timer
	load32	x1, GUEST_GICD
	mov	w2, #0x12		/* ARE, group 1 */
	str	w2, [x1, #GICD_CTLR]
	load32	x1, GUEST_GICR_0
	str	wzr, [x1, #GICR_WAKER]
	add	x1, x1, #GICR_SGI
	mov	w2, #(1 << PPI_VIRT_TIMER)
	str	w2, [x1, #GICR_IGROUPR0]
	str	w2, [x1, #GICR_ISENABLER0]
	.endm

	/* The CPU interface, for interrupts of all priorities */
	.macro	start_interrupts
	mov	x2, #7
	msr	ICC_SRE_EL1, x2
	isb
	mov	x2, #0xff
	msr	ICC_PMR_EL1, x2
	mov	x2, #1
	msr	ICC_IGRPEN1_EL1, x2
	isb
	.endm

	/* One more in the word of that number in the shared memory */
	.macro	count_shared number, tmp=x9
	ldr	\tmp, [x20, \number, lsl #3]
	add	\tmp, \tmp, #1
	str	\tmp, [x20, \number, lsl #3]
	.endm

/* Put out X0, X1 and the stack pointer, then power off. */
program context
	out	x0
	out	x1
	mov	x2, sp
	out	x2
	psci	PSCI_SYSTEM_OFF
	b	.
program_end context

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
 * Look at memory: read an address and put out the 8 bytes there. If the address is odd,
 * read a value, write it to the 8 bytes around and put it out. GUEST_FAULT is put out if
 * there is nothing. Address 0 powers off.
 */
	.balign	2048
program peek
	adr	x1, 5f
	msr	VBAR_EL1, x1
	isb
1:	load32	x1, GUEST_PORT + GUEST_PORT_IN
	ldr	x2, [x1]
	cbz	x2, 3f
	tbnz	x2, #0, 2f
	ldr	x3, [x2]
	out	x3
	b	1b
2:	ldr	x3, [x1]
	bic	x2, x2, #7
	str	x3, [x2]
	dsb	sy
	out	x3
	b	1b
3:	psci	PSCI_SYSTEM_OFF
	b	.
4:	load32	x3, GUEST_FAULT
	out	x3
	b	1b
	.balign	2048
5:	.rept	16
	.balign	128
	b	4b
	.endr
program_end peek

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
	enable_spis
	start_interrupts
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

/* Enable the SPIs 0 to 31 and take none; put out 0 now and then, for ever. */
program deaf
	enable_spis
1:	load32	x2, 100000
2:	subs	x2, x2, #1
	b.ne	2b
	out	xzr
	b	1b
program_end deaf

/*
 * What a guest of somebody else's VMM needs of it. Reads how SPIs are triggered (0: by levels),
 * reads a number and puts it out, then 3 with 4 bytes to GUEST_PORT_NOTIFY; puts out its
 * devicetree's address and the stack pointer. Then the number of each interrupt is put out; after
 * each, a function of PSCI is read and called, if it is not 0.
 */
program visit
	mov	x20, x0
	load32	x21, GUEST_PORT + GUEST_PORT_IN
	ldr	w22, [x21]
	enable_spis w22
	start_interrupts
	ldr	x2, [x21]
	out	x2
	load32	x1, GUEST_PORT + GUEST_PORT_NOTIFY
	mov	w2, #3
	str	w2, [x1]
	out	x20
	mov	x2, sp
	out	x2
1:	wfi
	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #1020
	b.hs	1b
	out	x2
	msr	ICC_EOIR1_EL1, x2
	isb
	ldr	w0, [x21]
	cbz	w0, 1b
	hvc	#0
	b	.
program_end visit

/*
 * Enable the SPIs 0 to 31, as levels, put out 0; then the number of each interrupt. A read decides
 * whether to wait for another one or to power off.
 */
program levels
	load32	x21, GUEST_PORT + GUEST_PORT_IN
	mov	w22, #0
	enable_spis w22
	start_interrupts
	out	xzr
1:	wfi
	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #1020
	b.hs	1b
	out	x2
	msr	ICC_EOIR1_EL1, x2
	isb
	ldr	w0, [x21]
	cbnz	w0, 1b
	psci	PSCI_SYSTEM_OFF
	b	.
program_end levels

/* Two CPUs: each puts out 0, 1, 2 ... for ever, the second one 8 bytes behind the first. */
program counts
	mov	x1, #1
	adr	x2, 1f
	mov	x3, #8
	psci	PSCI_CPU_ON
	mov	x0, #0
1:	load32	x1, GUEST_PORT + GUEST_PORT_OUT
	add	x1, x1, x0
	mov	x2, #0
2:	str	x2, [x1]
	add	x2, x2, #1
	b	2b
program_end counts

/*
 * Read flags to ring the doorbell of a node ring@... with, and put out what the hypervisor says
 * to that. 0 powers off.
 */
program ring
	find_number 0x72696e67, FDT_CAP_SIZE	/* "ring" */
	load32	x21, GUEST_PORT + GUEST_PORT_IN
1:	ldr	x2, [x21]
	cbz	x2, 2f
	ring_bell
	out	x0
	b	1b
2:	psci	PSCI_SYSTEM_OFF
	b	.
program_end ring

/* Ring the doorbell of a node ring@..., for ever. */
program ring_on
	find_number 0x72696e67, FDT_CAP_SIZE	/* "ring" */
1:	mov	x2, #1
	ring_bell
	b	1b
program_end ring_on

/*
 * Enable the SPIs 0 to 31, put out 0, and suspend the CPU by PSCI; put out what that returns, and
 * the number of the interrupt that ended it. For ever.
 */
program suspend
	enable_spis
	start_interrupts
	out	xzr
1:	mov	x1, #0
	adr	x2, 1b
	mov	x3, #0
	psci	PSCI_CPU_SUSPEND
	out	x0
	mrs	x2, ICC_IAR1_EL1
	out	x2
	msr	ICC_EOIR1_EL1, x2
	isb
	b	1b
program_end suspend

/*
 * Read an address and a number. So many times, write the 8 bytes there, or read them if the address
 * is odd, in three instructions each. Put out 0, then again. Address 0 powers off.
 */
program repeat
	load32	x21, GUEST_PORT + GUEST_PORT_IN
1:	ldr	x1, [x21]
	cbz	x1, 5f
	ldr	x2, [x21]
	tbnz	x1, #0, 3f
2:	str	x2, [x1]
	subs	x2, x2, #1
	b.ne	2b
	b	4f
3:	sub	x1, x1, #1
6:	ldr	x3, [x1]
	subs	x2, x2, #1
	b.ne	6b
4:	out	xzr
	b	1b
5:	psci	PSCI_SYSTEM_OFF
	b	.
program_end repeat

/*
 * Enable the SPIs 0 to 31. Read a number, wait for so many interrupts, put out 0, then again.
 * Number 0 powers off.
 */
program nap
	load32	x21, GUEST_PORT + GUEST_PORT_IN
	enable_spis
	start_interrupts
1:	ldr	x22, [x21]
	cbz	x22, 3f
2:	wfi
	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #1020
	b.hs	2b
	msr	ICC_EOIR1_EL1, x2
	isb
	subs	x22, x22, #1
	b.ne	2b
	out	xzr
	b	1b
3:	psci	PSCI_SYSTEM_OFF
	b	.
program_end nap

/*
 * Read a number, and have an interrupt of the timer so many ticks after the last one, for ever.
 * Wait only if there is none yet. Each GUEST_TICKS of them, put out how many there were.
 */
program ticks
	enable_timer
	start_interrupts
	load32	x1, GUEST_PORT + GUEST_PORT_IN
	ldr	x21, [x1]
	mov	x22, #0
1:	mrs	x2, CNTVCT_EL0
	add	x2, x2, x21
	msr	CNTV_CVAL_EL0, x2
	mov	x2, #1
	msr	CNTV_CTL_EL0, x2
	isb
2:	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #PPI_VIRT_TIMER
	b.eq	3f
	wfi
	b	2b
3:	msr	ICC_EOIR1_EL1, x2
	isb
	add	x22, x22, #1
	tst	x22, #(GUEST_TICKS - 1)
	b.ne	1b
	out	x22
	b	1b
program_end ticks

/*
 * The programs below need nobody who emulates something for them: they leave their results in
 * memory that is shared with the test.
 */

/* Each of the 512 words becomes its number plus GUEST_CONTEXT, then power off. */
program share_write
	find_shared
	load32	x2, GUEST_CONTEXT
	mov	x3, #0
1:	add	x4, x2, x3
	str	x4, [x20, x3, lsl #3]
	add	x3, x3, #1
	cmp	x3, #512
	b.ne	1b
	dmb	sy
	psci	PSCI_SYSTEM_OFF
	b	.
program_end share_write

/* Count in the first word, for ever. */
program share_count
	find_shared
1:	count_shared xzr
	b	1b
program_end share_count

/*
 * Enable the SPIs 0 to 31, say so in the first word, then wait for interrupts, and count each
 * in the word of its number. For ever.
 */
program share_irq
	find_shared
	enable_spis
	start_interrupts
	count_shared xzr
1:	wfi
2:	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #1020
	b.hs	1b
	count_shared x2
	msr	ICC_EOIR1_EL1, x2
	isb
	b	2b
program_end share_irq

/* Sleep as many ticks of the timer as the first word says, count them in the second, then off. */
program share_timer
	find_shared
	enable_timer
	start_interrupts
	ldr	x21, [x20]
	mov	x22, #1
	mrs	x23, CNTFRQ_EL0
	mov	x2, #TIMER_TICKS_PER_SECOND
	udiv	x23, x23, x2
1:	mrs	x2, CNTVCT_EL0
	add	x2, x2, x23
	msr	CNTV_CVAL_EL0, x2
	mov	x2, #1
	msr	CNTV_CTL_EL0, x2
	isb
2:	wfi
	mrs	x2, ICC_IAR1_EL1
	cmp	x2, #PPI_VIRT_TIMER
	b.ne	2b
	msr	CNTV_CTL_EL0, xzr
	msr	ICC_EOIR1_EL1, x2
	isb
	count_shared x22
	subs	x21, x21, #1
	b.ne	1b
	psci	PSCI_SYSTEM_OFF
	b	.
program_end share_timer

/*
 * Turn on as many CPUs as the first word says. Each of the others counts in the word of its
 * number for ever. Look until all have counted to 1000, then power off.
 */
program share_cpus
	find_shared
	ldr	x21, [x20]
	mov	x22, #1
1:	cmp	x22, x21
	b.hs	2f
	mov	x1, x22
	adr	x2, 4f
	add	x3, x20, x22, lsl #3
	psci	PSCI_CPU_ON
	add	x22, x22, #1
	b	1b
2:	mov	x22, #1
3:	cmp	x22, x21
	b.hs	5f
	ldr	x2, [x20, x22, lsl #3]
	cmp	x2, #1000
	b.lo	3b
	add	x22, x22, #1
	b	3b
4:	ldr	x2, [x0]
	add	x2, x2, #1
	str	x2, [x0]
	b	4b
5:	psci	PSCI_SYSTEM_OFF
	b	.
program_end share_cpus

/*
 * Read where the first word says and write it to the second; if there is nothing, that becomes
 * GUEST_FAULT and the third the syndrome. Then power off.
 */
	.balign	2048
program share_peek
	find_shared
	adr	x1, 2f
	msr	VBAR_EL1, x1
	isb
	ldr	x2, [x20]
	ldr	x3, [x2]
	str	x3, [x20, #8]
	psci	PSCI_SYSTEM_OFF
	b	.
1:	load32	x3, GUEST_FAULT
	mrs	x4, ESR_EL1
	stp	x3, x4, [x20, #8]
	psci	PSCI_SYSTEM_OFF
	b	.
	.balign	2048
2:	.rept	16
	.balign	128
	b	1b
	.endr
program_end share_peek
