/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VMM_VIRTIO_CONSOLE_H
#define VMM_VIRTIO_CONSOLE_H

#include "chardev.h"
#include "virtio_mmio.h"

/*
 * Put a console on the bus, /dev/hvc0 of Linux, with @chardev at its other end; prints what
 * goes wrong, and returns a negative errno.
 */
int virtio_console_create(struct bus *bus, struct chardev *chardev,
			  const struct virtio_dma *dma);

#endif
