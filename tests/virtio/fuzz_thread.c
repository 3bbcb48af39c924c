// SPDX-License-Identifier: GPL-2.0
/*
 * Devices without threads: so that the same input does the same each time.
 */

#include "fuzz.h"
#include "test.h"
#include "virtio_thread.h"

static struct virtio_device *kicked;

int virtio_thread_start(struct virtio_device *vdev)
{
	vdev->notify_fd = -1;
	return 0;
}

void virtio_thread_stop(struct virtio_device *vdev)
{
	(void)vdev;
	kicked = NULL;
}

void virtio_thread_wait(struct virtio_device *vdev)
{
	(void)vdev;
	fail("a device has kept a chain");
}

/* The caller may have the device locked. */
void virtio_kick(struct virtio_device *vdev)
{
	kicked = vdev;
}

void fuzz_serve(void)
{
	struct virtio_device *vdev = kicked;
	unsigned int i;

	kicked = NULL;
	if (!vdev)
		return;
	if (vdev->ops->input_fd && vdev->ops->input_fd(vdev) >= 0)
		vdev->ops->input(vdev);
	for (i = 0; i < vdev->ops->queues; i++)
		vdev->ops->notified(vdev, i);
}
