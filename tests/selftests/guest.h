/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bare programs that the tests run as guests, and what they and the tests agree on. The
 * programs are in guest.S, what each does is said there.
 */

#ifndef SELFTEST_GUEST_H
#define SELFTEST_GUEST_H

/* Nothing emulates this page: every access to it is an exit to the test. */
#define GUEST_PORT		0x20000000
#define GUEST_PORT_IN		0x000
#define GUEST_PORT_OUT		0x100
#define GUEST_PORT_NOTIFY	0x200

/* Offset in guest memory of what is for programs that look at memory. */
#define GUEST_DATA		0x1000

/* Of a power of two, so many interrupts does "ticks" take before it says so. */
#define GUEST_TICKS		256

#define GUEST_CONTEXT		0x51ed270b
#define GUEST_FAULT		0x0badacce

/* The same as in the VMM's machine.h, where the assembler cannot read it. */
#define GUEST_GICD		0x3fff0000
#define GUEST_GICR_0		(GUEST_GICD - 0x20000)

#ifndef __ASSEMBLER__

struct guest_program {
	const char *start;
	const char *end;
};

/* A program by its name in guest.S */
#define PROGRAM(name) \
	((struct guest_program) { guest_##name, guest_##name##_end })

#define GUEST_PROGRAM(name) \
	extern const char guest_##name[], guest_##name##_end[]

GUEST_PROGRAM(off);
GUEST_PROGRAM(reset);
GUEST_PROGRAM(spin);
GUEST_PROGRAM(wait);
GUEST_PROGRAM(write);
GUEST_PROGRAM(read);
GUEST_PROGRAM(count);
GUEST_PROGRAM(memory);
GUEST_PROGRAM(peek);
GUEST_PROGRAM(cpus);
GUEST_PROGRAM(irq);
GUEST_PROGRAM(deaf);
GUEST_PROGRAM(visit);
GUEST_PROGRAM(levels);
GUEST_PROGRAM(counts);
GUEST_PROGRAM(ring);
GUEST_PROGRAM(ring_on);
GUEST_PROGRAM(ticks);
GUEST_PROGRAM(suspend);
GUEST_PROGRAM(repeat);
GUEST_PROGRAM(nap);
GUEST_PROGRAM(share_write);
GUEST_PROGRAM(share_count);
GUEST_PROGRAM(share_irq);
GUEST_PROGRAM(share_timer);
GUEST_PROGRAM(share_cpus);
GUEST_PROGRAM(share_peek);
GUEST_PROGRAM(context);

#endif
#endif
