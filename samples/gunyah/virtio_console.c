// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio console with one port.
 */

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "virtio_console.h"

#define INPUT			0	/* queues, by what they are to the guest */
#define OUTPUT			1
#define QUEUES			2
/* What goes out at once; a guest that is reset meanwhile waits for it. */
#define MAX_OUTPUT		4096

struct virtio_console {
	struct virtio_device vdev;
	struct chardev *chardev;
	/* For the device's thread: characters that have no buffer of the guest yet. */
	u8 input[256];
	size_t input_size;
};

static struct virtio_console *to_console(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_console, vdev);
}

/* Returns false if there is nothing to read, or nowhere to put it. */
static bool give_input(struct virtio_console *con)
{
	struct chardev *chardev = con->chardev;
	struct vq_chain chain;
	size_t size;

	if (!con->input_size)
		con->input_size = chardev->ops->read(chardev, con->input,
						     sizeof(con->input));
	if (!con->input_size || !virtio_pop(&con->vdev, INPUT, &chain))
		return false;
	size = iov_size(chain.in, chain.in_count);
	if (chain.out_count || !size) {
		virtio_reject(&con->vdev, "the guest has no room for input");
		return false;
	}
	if (size > con->input_size)
		size = con->input_size;
	iov_put(chain.in, chain.in_count, con->input, size);
	con->input_size -= size;
	memmove(con->input, con->input + size, con->input_size);
	virtio_push(&con->vdev, INPUT, &chain, size);
	return true;
}

/* The guest may change what it has given: it is read once, here. */
static void put_output(struct virtio_console *con, struct vq_chain *chain)
{
	struct chardev *chardev = con->chardev;
	u8 buf[MAX_OUTPUT];

	for (;;) {
		size_t size = iov_size(chain->out, chain->out_count);

		if (size > sizeof(buf))
			size = sizeof(buf);
		if (!size || virtio_is_draining(&con->vdev))
			break;
		iov_take(&chain->out, &chain->out_count, buf, size);
		chardev->ops->write(chardev, buf, size);
	}
	virtio_push(&con->vdev, OUTPUT, chain, 0);
}

static void console_notified(struct virtio_device *vdev, unsigned int queue)
{
	struct virtio_console *con = to_console(vdev);
	struct vq_chain chain;

	if (queue == INPUT) {
		while (give_input(con))
			;
		return;
	}
	while (virtio_pop(vdev, OUTPUT, &chain)) {
		if (chain.in_count)
			virtio_reject(vdev, "the guest puts out what it has not written");
		else
			put_output(con, &chain);
	}
}

static void console_input(void *arg)
{
	struct virtio_console *con = arg;

	virtio_kick(&con->vdev);
}

static void console_destroy(struct virtio_device *vdev)
{
	free(to_console(vdev));
}

static const struct virtio_ops console_ops = {
	.id = VIRTIO_ID_CONSOLE,
	.queues = QUEUES,
	.may_wait = true,
	.notified = console_notified,
	.destroy = console_destroy,
};

int virtio_console_create(struct bus *bus, struct chardev *chardev,
			  const struct virtio_dma *dma)
{
	struct virtio_console *con = calloc(1, sizeof(*con));
	struct virtio_device *vdev;
	int ret;

	if (!con)
		return log_error(ENOMEM, "--console virtio");
	con->chardev = chardev;
	vdev = &con->vdev;
	vdev->ops = &console_ops;
	vdev->name = "console";
	vdev->dma = *dma;
	ret = virtio_add(bus, vdev);
	if (ret) {
		free(con);
		return ret;
	}
	chardev->arg = con;
	chardev->notify = console_input;
	return 0;
}
