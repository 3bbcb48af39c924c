/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel and initial RAM disk: files that are put into guest memory.
 */

#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include "memory.h"

/* Where everything lies in guest memory; an end is the first address behind. */
struct boot_layout {
	u64 kernel_end;
	u64 dtb;
	u64 dtb_size;
	u64 dtb_copy;		/* as large */
	u64 shim;
	u64 initrd;
	u64 initrd_end;		/* the same as initrd when there is none */
};

/*
 * Load the kernel to the start of @mem, the initial RAM disk (if @initrd is not NULL)
 * behind it, with room for a devicetree of @dtb_size bytes between them.
 */
int image_load(struct guest_mem *mem, const char *kernel, const char *initrd,
	       u64 dtb_size, struct boot_layout *layout);

/*
 * Have the kernel boot with a copy of the devicetree as it is now, and not with what the
 * Resource Manager makes of it.
 */
int image_boot_with_copy(struct guest_mem *mem, const struct boot_layout *layout);

#endif
