/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The thread of a virtio device, for virtio_mmio.c. The fuzzer has its own version, which
 * makes no threads.
 */

#ifndef VMM_VIRTIO_THREAD_H
#define VMM_VIRTIO_THREAD_H

#include "virtio_mmio.h"

int virtio_thread_start(struct virtio_device *vdev);
void virtio_thread_stop(struct virtio_device *vdev);

/*
 * Wait until @vdev->idle is signalled, with @vdev->lock held; if the device may wait for
 * others, do not let it.
 */
void virtio_thread_wait(struct virtio_device *vdev);

#endif
