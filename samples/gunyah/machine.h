/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest's machine looks like: its address map and its limits.
 *
 * Accesses below 1 GiB that hit nothing leave the guest as MMIO exits, so the
 * emulated devices live there, and RAM above.
 */

#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "options.h"
#include "util.h"

#define GUEST_RAM_BASE		0x80000000ULL
#define GUEST_RAM_LABEL		0

/* One page for each device. */
#define GUEST_MMIO_BASE		0x10000000ULL
#define GUEST_MMIO_STRIDE	SZ_4K

/* The redistributors lie directly below the distributor. */
#define GUEST_GICD_BASE		0x3fff0000ULL
#define GUEST_GICD_SIZE		SZ_64K
#define GUEST_GICR_SIZE		SZ_128K

/* A CPU's number is its whole MPIDR, and one SGI reaches 16 of them. */
#define GUEST_MAX_CPUS		16

/*
 * Exit status of the program; more than 128: ended by the signal of that number
 * less 128.
 */
enum vmm_status {
	VMM_POWER_OFF		= 0,
	VMM_FAILURE		= 1,
	VMM_USAGE		= 2,
	VMM_RESET		= 3,
	VMM_CRASH		= 4,
	VMM_QUIT		= 5,
	VMM_SIGNAL		= 128,
};

/*
 * Build the machine, run the guest until it ends, and again if that was a reset; returns
 * an enum vmm_status.
 */
int machine_run(const struct options *opts);

#endif
