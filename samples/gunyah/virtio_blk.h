/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VMM_VIRTIO_BLK_H
#define VMM_VIRTIO_BLK_H

#include "virtio_mmio.h"

struct disk {
	const char *path;	/* a file or a block device */
	bool read_only;
};

/* Put a disk on the bus; prints what goes wrong, and returns a negative errno. */
int virtio_blk_create(struct bus *bus, const struct disk *disk,
		      const struct virtio_dma *dma);

#endif
