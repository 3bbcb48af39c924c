/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's devicetree: what Linux boots with, and what the Resource Manager makes the
 * VM from.
 */

#ifndef VMM_GUEST_TREE_H
#define VMM_GUEST_TREE_H

#include "device.h"
#include "util.h"

/*
 * The Resource Manager adds its own nodes in place, so the tree gets more room than it
 * fills. It maps the tree page by page, so this is a multiple of a page.
 */
#define GUEST_TREE_SIZE		(2 * SZ_64K)

/* Of the window's node, for devices that have to use it. */
#define GUEST_WINDOW_PHANDLE	2

struct guest_tree {
	u64 ram_base;
	u64 ram_size;
	u64 window_base;	/* behind the RAM: what devices can reach */
	u64 window_size;	/* 0 if there is none */
	u32 window_label;	/* of its parcel */
	unsigned int cpus;
	const char *cmdline;
	u64 initrd;
	u64 initrd_end;		/* the same as initrd when there is none */
	const struct bus *bus;
	const struct device *console;	/* on the bus; may be NULL */
};

/* Write the tree to @buf, which has GUEST_TREE_SIZE bytes. */
int guest_tree_write(const struct guest_tree *tree, void *buf);

#endif
