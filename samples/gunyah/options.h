/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include "memory.h"
#include "util.h"
#include "virtio_blk.h"
#include "virtio_net.h"

#define MAX_DISKS		8
#define MAX_NETS		4

struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const char *dtb_out;
	const struct mem_backing *backing;	/* NULL: the best that there is */
	u64 mem_size;
	u64 dma_window;
	struct disk disks[MAX_DISKS];
	unsigned int disk_count;
	struct net nets[MAX_NETS];
	unsigned int net_count;
	unsigned int cpus;
	bool share;
	bool rng;
	bool virtio_console;
	bool no_reboot;
};

enum options_result {
	OPTIONS_RUN,		/* go on with what was parsed */
	OPTIONS_DONE,		/* help was asked for and given */
	OPTIONS_BAD,		/* the reason was printed */
};

/* Is there a device that reaches for the guest's memory? */
bool options_have_dma(const struct options *opts);

enum options_result options_parse(struct options *opts, int argc, char **argv);

#endif
