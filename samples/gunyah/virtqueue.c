// SPDX-License-Identifier: GPL-2.0
/*
 * The device's side of a split virtqueue.
 */

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "virtqueue.h"

/* What the guest may change at any time; read and written once. */
#define READ_GUEST(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_GUEST(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)

static void *find_ring(const struct virtqueue *vq, u64 gpa, u64 size, u64 align)
{
	return gpa % align ? NULL : guest_mem_ptr(vq->mem, gpa, size);
}

int virtqueue_start(struct virtqueue *vq)
{
	u64 size = vq->size;

	if (!size || size > VIRTQUEUE_MAX_SIZE || size & (size - 1))
		return -EPROTO;
	vq->desc_ring = find_ring(vq, vq->desc, size * sizeof(*vq->desc_ring),
				  VRING_DESC_ALIGN_SIZE);
	/* With the word behind each ring that a feature we do not offer gives a meaning. */
	vq->avail_ring = find_ring(vq, vq->avail, sizeof(*vq->avail_ring) +
				   size * sizeof(vq->avail_ring->ring[0]) + sizeof(u16),
				   VRING_AVAIL_ALIGN_SIZE);
	vq->used_ring = find_ring(vq, vq->used, sizeof(*vq->used_ring) +
				  size * sizeof(vq->used_ring->ring[0]) + sizeof(u16),
				  VRING_USED_ALIGN_SIZE);
	if (!vq->desc_ring || !vq->avail_ring || !vq->used_ring)
		return -EPROTO;
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->want_notify = true;
	vq->ready = true;
	return 0;
}

void virtqueue_stop(struct virtqueue *vq)
{
	vq->ready = false;
}

static void read_desc(const struct virtqueue *vq, u16 index, struct vring_desc *desc)
{
	const struct vring_desc *from = &vq->desc_ring[index];

	desc->addr = le64toh(READ_GUEST(from->addr));
	desc->len = le32toh(READ_GUEST(from->len));
	desc->flags = le16toh(READ_GUEST(from->flags));
	desc->next = le16toh(READ_GUEST(from->next));
}

/* What the device reads comes first. */
static int add_buffer(const struct virtqueue *vq, struct vq_chain *chain,
		      const struct vring_desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	struct iovec *iov = &chain->iov[chain->out_count + chain->in_count];

	/* Indirect descriptors are not offered. */
	if (desc->flags & VRING_DESC_F_INDIRECT || (chain->in_count && !write))
		return -EPROTO;
	iov->iov_base = guest_mem_ptr(vq->mem, desc->addr, desc->len);
	iov->iov_len = desc->len;
	if (!iov->iov_base)
		return -EPROTO;
	if (write)
		chain->in_count++;
	else
		chain->out_count++;
	return 0;
}

static int read_chain(const struct virtqueue *vq, u16 head, struct vq_chain *chain)
{
	struct vring_desc desc = { .flags = VRING_DESC_F_NEXT, .next = head };
	unsigned int n;
	int ret;

	chain->head = head;
	chain->out_count = 0;
	chain->in_count = 0;
	/* A chain that is longer than the queue is a loop. */
	for (n = 0; desc.flags & VRING_DESC_F_NEXT; n++) {
		if (n == vq->size || desc.next >= vq->size)
			return -EPROTO;
		read_desc(vq, desc.next, &desc);
		ret = add_buffer(vq, chain, &desc);
		if (ret)
			return ret;
	}
	chain->out = chain->iov;
	chain->in = chain->iov + chain->out_count;
	return 0;
}

static void set_want_notify(struct virtqueue *vq, bool want)
{
	vq->want_notify = want;
	WRITE_GUEST(vq->used_ring->flags, htole16(want ? 0 : VRING_USED_F_NO_NOTIFY));
	/* The driver fills its ring, then reads this; here it is the other way round. */
	atomic_thread_fence(memory_order_seq_cst);
}

static u16 count_waiting(const struct virtqueue *vq)
{
	u16 end = le16toh(__atomic_load_n(&vq->avail_ring->idx, __ATOMIC_ACQUIRE));

	return end - vq->next_avail;
}

int virtqueue_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 waiting = count_waiting(vq);
	u16 head;
	int ret;

	if (!waiting && !vq->want_notify) {
		set_want_notify(vq, true);
		waiting = count_waiting(vq);
	}
	if (!waiting)
		return 0;
	if (vq->want_notify)
		set_want_notify(vq, false);
	/* There cannot be more chains than descriptors. */
	if (waiting > vq->size)
		return -EPROTO;
	head = le16toh(READ_GUEST(vq->avail_ring->ring[vq->next_avail % vq->size]));
	ret = read_chain(vq, head, chain);
	if (ret)
		return ret;
	vq->next_avail++;
	return 1;
}

void virtqueue_push(struct virtqueue *vq, const struct vq_chain *chain, u32 written)
{
	struct vring_used_elem *elem = &vq->used_ring->ring[vq->next_used % vq->size];

	WRITE_GUEST(elem->id, htole32(chain->head));
	WRITE_GUEST(elem->len, htole32(written));
	vq->next_used++;
	__atomic_store_n(&vq->used_ring->idx, htole16(vq->next_used), __ATOMIC_RELEASE);
}

bool virtqueue_wants_interrupt(const struct virtqueue *vq)
{
	/* The driver allows it, then looks for what was pushed. */
	atomic_thread_fence(memory_order_seq_cst);
	return !(le16toh(READ_GUEST(vq->avail_ring->flags)) & VRING_AVAIL_F_NO_INTERRUPT);
}

size_t iov_size(const struct iovec *iov, unsigned int count)
{
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

void iov_skip(struct iovec **iov, unsigned int *count, size_t size)
{
	while (size) {
		struct iovec *first = *iov;

		if (first->iov_len > size) {
			first->iov_base = (char *)first->iov_base + size;
			first->iov_len -= size;
			return;
		}
		size -= first->iov_len;
		(*iov)++;
		(*count)--;
	}
}

bool iov_take(struct iovec **iov, unsigned int *count, void *to, size_t size)
{
	size_t left = size;
	char *at = to;
	unsigned int i;

	if (iov_size(*iov, *count) < size)
		return false;
	for (i = 0; left; i++) {
		size_t n = (*iov)[i].iov_len < left ? (*iov)[i].iov_len : left;

		memcpy(at, (*iov)[i].iov_base, n);
		at += n;
		left -= n;
	}
	iov_skip(iov, count, size);
	return true;
}

void iov_put(const struct iovec *iov, unsigned int count, const void *from, size_t size)
{
	const char *at = from;

	for (; size && count; iov++, count--) {
		size_t n = iov->iov_len < size ? iov->iov_len : size;

		memcpy(iov->iov_base, at, n);
		at += n;
		size -= n;
	}
}

u8 *iov_take_last(struct iovec *iov, unsigned int *count)
{
	for (; *count; (*count)--) {
		struct iovec *last = &iov[*count - 1];

		if (last->iov_len)
			return (u8 *)last->iov_base + --last->iov_len;
	}
	return NULL;
}
