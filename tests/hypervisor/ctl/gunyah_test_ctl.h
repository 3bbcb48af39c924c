/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control channel of the test hypervisor: one vendor hypercall, for the
 * primary VM only. x1 is the operation, x2.. its arguments; x0 is an error of
 * the hypercalls, x1 the result.
 */

#ifndef GUNYAH_TEST_CTL_H
#define GUNYAH_TEST_CTL_H

#define GUNYAH_TEST_CTL		0xc600bf00

/* Is there a test hypervisor? */
#define GUNYAH_TEST_CTL_PROBE	0
/*
 * Writes what the Resource Manager believes as text to the caller's buffer: x2
 * virtual address, x3 size. Result: bytes written, never more than the size.
 */
#define GUNYAH_TEST_CTL_DUMP	1

#endif
