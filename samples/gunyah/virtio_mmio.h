/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtio devices: the MMIO transport of virtio 1.x, which a device is built on.
 *
 * A device embeds struct virtio_device, and has a thread on which it is told of what the
 * driver puts into its queues. There it takes chains of buffers, does what they ask for,
 * and gives them back. A guest that breaks the rules has its device stopped until it
 * resets it; nothing else happens.
 */

#ifndef VMM_VIRTIO_MMIO_H
#define VMM_VIRTIO_MMIO_H

#include <pthread.h>
#include <stdatomic.h>

#include "device.h"
#include "virtqueue.h"

#define VIRTIO_MAX_QUEUES	2

struct virtio_device;

struct virtio_ops {
	u32 id;		/* VIRTIO_ID_* */
	unsigned int queues;
	/* Its thread may wait for others, the user say, while it has a chain. */
	bool may_wait;
	/* Chains may wait in @queue. On the device's own thread, like the next two. */
	void (*notified)(struct virtio_device *vdev, unsigned int queue);
	/* The file to wait for besides, -1 if there is none now; NULL: never. */
	int (*input_fd)(struct virtio_device *vdev);
	/* That is readable, or was hung up. */
	void (*input)(struct virtio_device *vdev);
	/* Free the device; its thread is gone. */
	void (*destroy)(struct virtio_device *vdev);
};

/* What devices can reach of the guest. */
struct virtio_dma {
	const struct guest_mem *mem;
	/* It is not the guest's RAM: the driver has to use what is mapped for it. */
	bool is_window;
};

/**
 * struct virtio_device - a virtio device
 * @dev: on the bus
 * @ops: of the device
 * @name: for messages
 * @dma: what it reaches of the guest
 * @features: what it offers, besides what the transport adds
 * @config: its configuration space, little endian
 * @config_size: the size of that
 * @notify_fd: eventfd: the driver has filled a queue
 * @thread: calls @ops->notified
 * @stop: @thread is to end
 * @lock: of all that follows
 * @idle: signalled when @in_flight falls to 0
 * @in_flight: chains that were taken and not given back
 * @draining: somebody waits for that
 * @broken_reports: how often the guest was told off
 * @status: VIRTIO_CONFIG_S_*
 * @interrupts: VIRTIO_MMIO_INT_*, that the driver has not acknowledged
 * @driver_features: what the driver wants of @features
 * @features_page: which half of @features the driver reads
 * @driver_features_page: which half of @driver_features it writes
 * @queue_sel: the queue that it sets up
 * @queues: the queues
 */
struct virtio_device {
	struct device dev;
	const struct virtio_ops *ops;
	const char *name;
	struct virtio_dma dma;
	u64 features;
	const void *config;
	size_t config_size;

	int notify_fd;
	pthread_t thread;
	atomic_bool stop;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int in_flight;
	bool draining;
	unsigned int broken_reports;
	u32 status;
	u32 interrupts;
	u64 driver_features;
	u32 features_page;
	u32 driver_features_page;
	u32 queue_sel;
	struct virtqueue queues[VIRTIO_MAX_QUEUES];
};

/*
 * Start the thread and put it on the bus, which it belongs to when this returns 0. @vdev
 * has what comes before notify_fd filled in, but for dev, and is 0 otherwise.
 */
int virtio_add(struct bus *bus, struct virtio_device *vdev);

/* Take the next chain; false if there is none now. For the device's thread. */
bool virtio_pop(struct virtio_device *vdev, unsigned int queue, struct vq_chain *chain);
/* Give it back, the first @written bytes of it written. */
void virtio_push(struct virtio_device *vdev, unsigned int queue,
		 const struct vq_chain *chain, u32 written);
/* Give it back as one that makes no sense: the device stops, @why is for the user. */
void virtio_reject(struct virtio_device *vdev, const char *why);

/* Have the thread look into all queues. For any thread. */
void virtio_kick(struct virtio_device *vdev);

/* Does the driver wait to have its chains back? */
bool virtio_is_draining(struct virtio_device *vdev);

/* Has the driver taken this of what was offered? */
bool virtio_has_feature(struct virtio_device *vdev, unsigned int bit);

#endif
