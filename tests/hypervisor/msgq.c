// SPDX-License-Identifier: GPL-2.0-only
/*
 * Message queues: a ring of slots of fixed size, one interrupt per side. It is
 * raised when a threshold is reached, and taken back when there is no reason
 * for it any more before anyone has seen it.
 */
#include "core.h"

struct msgq *msgq_create(u32 depth, u32 max_size)
{
	struct msgq *q;

	if (!depth || depth > 255 || !max_size || max_size > 1023)
		return NULL;
	q = hyp_zalloc(sizeof(*q) + depth * (sizeof(*q->sizes) + max_size));
	if (!q)
		return NULL;
	q->depth = depth;
	q->max_size = max_size;
	q->tx_threshold = depth - 1;
	q->rx_threshold = 1;
	q->sizes = (u16 *)(q + 1);
	q->data = (u8 *)(q->sizes + depth);
	return q;
}

void msgq_destroy(struct msgq *q)
{
	hyp_free(q);
}

void msgq_bind_send(struct msgq *q, enum virq_kind kind, u32 intid)
{
	q->tx_virq = (struct virq){ .kind = kind, .intid = intid };
}

void msgq_bind_receive(struct msgq *q, enum virq_kind kind, u32 intid)
{
	q->rx_virq = (struct virq){ .kind = kind, .intid = intid };
}

/* The slot that the next message goes to, NULL when the queue is full. */
u8 *msgq_tail(struct msgq *q)
{
	if (q->count == q->depth)
		return NULL;
	return q->data + (q->head + q->count) % q->depth * q->max_size;
}

/* The message is in that slot. */
bool msgq_commit(struct msgq *q, size_t size, bool push)
{
	q->sizes[(q->head + q->count) % q->depth] = size;
	q->count++;
	if (q->count > q->tx_threshold)
		virq_clear(&q->tx_virq);
	q->rx_pushed |= push;
	if (push || q->count == q->rx_threshold)
		virq_assert(&q->rx_virq);
	return q->count != q->depth;
}

/* The oldest message, NULL when the queue is empty. */
const u8 *msgq_head(struct msgq *q, size_t *size)
{
	if (!q->count)
		return NULL;
	*size = q->sizes[q->head];
	return q->data + q->head * q->max_size;
}

bool msgq_pop(struct msgq *q)
{
	q->head = (q->head + 1) % q->depth;
	q->count--;
	q->rx_pushed &= !!q->count;
	if (q->count < q->rx_threshold && !q->rx_pushed)
		virq_clear(&q->rx_virq);
	if (q->count == q->tx_threshold)
		virq_assert(&q->tx_virq);
	return q->count != 0;
}

void msgq_flush(struct msgq *q)
{
	if (q->count) {
		virq_assert(&q->tx_virq);
		virq_clear(&q->rx_virq);
	}
	q->rx_pushed = false;
	q->count = 0;
}

int msgq_send(struct msgq *q, const void *buf, size_t size, bool push,
	      bool *not_full)
{
	u8 *slot = msgq_tail(q);

	*not_full = slot;
	if (!slot)
		return GH_MSGQ_FULL;
	if (!size || size > q->max_size)
		return GH_ARGUMENT_SIZE;
	memcpy(slot, buf, size);
	*not_full = msgq_commit(q, size, push);
	return GH_OK;
}

int msgq_receive(struct msgq *q, void *buf, size_t max_size, size_t *size,
		 bool *not_empty)
{
	const u8 *msg = msgq_head(q, size);

	*not_empty = msg;
	if (!msg)
		return GH_MSGQ_EMPTY;
	if (*size > max_size)
		return GH_ADDR_OVERFLOW;
	memcpy(buf, msg, *size);
	*not_empty = msgq_pop(q);
	return GH_OK;
}
