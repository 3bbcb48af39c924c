// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio source of random numbers: those of the host's kernel.
 */

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "virtio_rng.h"

/* The guest gets no more at a time, however much it asks for: a reset waits for that. */
#define MAX_BYTES		4096

/* Returns how many bytes were put at the begin of @iov. */
static u32 fill(const struct iovec *iov, unsigned int count)
{
	size_t done = 0;

	for (; count; iov++, count--) {
		size_t left = MAX_BYTES - done;
		size_t wanted = iov->iov_len < left ? iov->iov_len : left;
		ssize_t n = getrandom(iov->iov_base, wanted, 0);

		if (n > 0)
			done += n;
		if (n < 0 || (size_t)n < wanted || done == MAX_BYTES)
			break;
	}
	return done;
}

static void rng_notified(struct virtio_device *vdev, unsigned int queue)
{
	struct vq_chain chain;

	while (virtio_pop(vdev, queue, &chain)) {
		if (chain.out_count || !iov_size(chain.in, chain.in_count))
			virtio_reject(vdev, "the guest has no room for random numbers");
		else
			virtio_push(vdev, queue, &chain, fill(chain.in, chain.in_count));
	}
}

static void rng_destroy(struct virtio_device *vdev)
{
	free(vdev);
}

static const struct virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.queues = 1,
	.notified = rng_notified,
	.destroy = rng_destroy,
};

int virtio_rng_create(struct bus *bus, const struct virtio_dma *dma)
{
	struct virtio_device *vdev = calloc(1, sizeof(*vdev));
	int ret;

	if (!vdev)
		return log_error(ENOMEM, "--rng");
	vdev->ops = &rng_ops;
	vdev->name = "rng";
	vdev->dma = *dma;
	ret = virtio_add(bus, vdev);
	if (ret)
		free(vdev);
	return ret;
}
