/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's side of a split virtqueue.
 *
 * The rings are the guest's: every number in them is read once and checked before it is
 * used. What is wrong beyond repair gives -EPROTO, and the queue is not to be touched again
 * until the driver has set it up anew. The caller keeps others away; only the guest may
 * change the rings meanwhile.
 */

#ifndef VMM_VIRTQUEUE_H
#define VMM_VIRTQUEUE_H

#include <sys/uio.h>

#include "memory.h"
#include "util.h"

/* No queue is larger, and so is no chain of buffers. A power of two. */
#define VIRTQUEUE_MAX_SIZE	128

/**
 * struct virtqueue - a queue
 * @mem: the only memory that rings and buffers may lie in
 * @size: entries, as the driver has set them
 * @desc: guest address of the descriptors
 * @avail: guest address of the ring that the driver fills
 * @used: guest address of the ring that the device fills
 * @ready: in use
 * @next_avail: the entry of @avail that is taken next
 * @next_used: the entry of @used that is filled next
 * @want_notify: the driver is asked to tell of new chains
 * @desc_ring: where @desc is for us, valid if @ready; the next two likewise
 */
struct virtqueue {
	const struct guest_mem *mem;
	u32 size;
	u64 desc;
	u64 avail;
	u64 used;

	bool ready;
	u16 next_avail;
	u16 next_used;
	bool want_notify;
	struct vring_desc *desc_ring;
	struct vring_avail *avail_ring;
	struct vring_used *used_ring;
};

/**
 * struct vq_chain - buffers that the driver has made available together
 * @head: names it
 * @out: what the device reads
 * @in: what the device writes
 */
struct vq_chain {
	u16 head;
	unsigned int out_count;
	unsigned int in_count;
	struct iovec *out;
	struct iovec *in;
	struct iovec iov[VIRTQUEUE_MAX_SIZE];
};

/* Check what the driver has set, and start with empty rings. */
int virtqueue_start(struct virtqueue *vq);
void virtqueue_stop(struct virtqueue *vq);

/*
 * Returns 1 with the next chain; 0 if there is none, and then the driver tells of the next
 * one. It need not as long as this was not seen.
 */
int virtqueue_pop(struct virtqueue *vq, struct vq_chain *chain);
/* Give a chain back, of which the device has written the first @written bytes. */
void virtqueue_push(struct virtqueue *vq, const struct vq_chain *chain, u32 written);

/* Does the driver want an interrupt for what was pushed? */
bool virtqueue_wants_interrupt(const struct virtqueue *vq);

/* Take off the first @size bytes, which are there. Buffers without bytes may remain. */
void iov_skip(struct iovec **iov, unsigned int *count, size_t size);
/*
 * Copy the first @size bytes and take them off; false if there are fewer, and then nothing
 * is changed.
 */
bool iov_take(struct iovec **iov, unsigned int *count, void *to, size_t size);
/* Copy to the first @size bytes, which are there. */
void iov_put(const struct iovec *iov, unsigned int count, const void *from, size_t size);
/* Take the last byte off; NULL if there is none. */
u8 *iov_take_last(struct iovec *iov, unsigned int *count);
size_t iov_size(const struct iovec *iov, unsigned int count);

#endif
