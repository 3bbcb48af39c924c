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
/* Runs a command line, see README.md next to this: x2 virtual address, x3 size. */
#define GUNYAH_TEST_CTL_COMMAND	2
/*
 * Makes a message queue of which the caller has both ends: x2 depth, x3 maximum
 * size of a message, x4 virtual address of a struct gunyah_test_loopback.
 */
#define GUNYAH_TEST_CTL_LOOPBACK_CREATE		3
/* Takes it away again: x2 is tx_cap. */
#define GUNYAH_TEST_CTL_LOOPBACK_DESTROY	4

struct gunyah_test_loopback {
	unsigned long long tx_cap;
	unsigned long long rx_cap;
	unsigned int tx_intid;	/* the queue is no longer full */
	unsigned int rx_intid;	/* a message is there */
};

#endif
