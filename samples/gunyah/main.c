// SPDX-License-Identifier: GPL-2.0
/*
 * gunyah-vmm: a small virtual machine monitor for the Gunyah hypervisor.
 */

#include <fcntl.h>
#include <unistd.h>

#include "machine.h"
#include "options.h"

/* Files opened later must not be taken for standard input or output. */
static bool open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int main(int argc, char **argv)
{
	struct options opts;

	if (!open_standard_files())
		return VMM_FAILURE;
	switch (options_parse(&opts, argc, argv)) {
	case OPTIONS_RUN:
		return machine_run(&opts);
	case OPTIONS_DONE:
		return VMM_POWER_OFF;
	default:
		return VMM_USAGE;
	}
}
