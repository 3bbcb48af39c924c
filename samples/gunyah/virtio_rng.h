/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VMM_VIRTIO_RNG_H
#define VMM_VIRTIO_RNG_H

#include "virtio_mmio.h"

/* Put it on the bus; prints what goes wrong, and returns a negative errno. */
int virtio_rng_create(struct bus *bus, const struct virtio_dma *dma);

#endif
