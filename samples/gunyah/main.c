// SPDX-License-Identifier: GPL-2.0
/*
 * gunyah-vmm: a small virtual machine monitor for the Gunyah hypervisor.
 */

#include "machine.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options opts;

	switch (options_parse(&opts, argc, argv)) {
	case OPTIONS_RUN:
		return machine_run(&opts);
	case OPTIONS_DONE:
		return VMM_POWER_OFF;
	default:
		return VMM_USAGE;
	}
}
