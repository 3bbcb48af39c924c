// SPDX-License-Identifier: GPL-2.0
/*
 * Replies that are late, twice, or not as they should be. They are taken apart
 * into packets here, and each is sent as it is.
 */

#include "ctl.h"

#define FILLER			0xa5

struct packet {
	size_t len;
	u8 bytes[RM_PACKET_SIZE];
};

/* A reply that waits */
struct late {
	struct late *next;
	u64 due;		/* counter; 0: at once */
	u64 after;		/* packets sent so far */
	unsigned int nr;
	struct packet packet[];
};

static struct late *lates;

static void change_header(struct rm_header *header, const struct ctl_header *to)
{
	if (to->api != CTL_UNSET)
		header->api = to->api;
	if (to->fragments != CTL_UNSET) {
		header->type &= RM_TYPE_MASK;
		header->type |= to->fragments << RM_CONTINUATIONS_SHIFT;
	}
	if (to->id != CTL_UNSET)
		header->id = to->id;
	header->seq += to->seq;
}

static void build_packet(struct packet *packet, struct rm_header header,
			 const struct ctl_mangle *mangle, const u8 *payload,
			 size_t len, unsigned int index)
{
	size_t start = index * RM_PAYLOAD_SIZE;
	size_t size = len - start;

	if (size > RM_PAYLOAD_SIZE)
		size = RM_PAYLOAD_SIZE;
	header.type &= ~RM_TYPE_MASK;
	header.type |= index ? RM_TYPE_CONTINUATION : RM_TYPE_REPLY;
	change_header(&header, &mangle->all);
	if (index)
		change_header(&header, &mangle->more);

	memcpy(packet->bytes, &header, sizeof(header));
	memcpy(packet->bytes + sizeof(header), payload + start, size);
	packet->len = sizeof(header) + size;
}

/* Which packet goes as number @index? */
static unsigned int order(const struct ctl_mangle *mangle, unsigned int index,
			  unsigned int nr)
{
	if (mangle->swap >= nr - 1)
		return index;
	if (index == mangle->swap)
		return index + 1;

	return index == mangle->swap + 1 ? index - 1 : index;
}

static struct late *build(const struct ctl_mangle *mangle,
			  const struct rm_header *request,
			  const u8 *payload, size_t len)
{
	unsigned int nr = len ? (len - 1) / RM_PAYLOAD_SIZE + 1 : 1;
	struct late *late = hyp_zalloc(sizeof(*late) + nr * sizeof(late->packet[0]));
	struct rm_header header = *request;
	unsigned int i, index;

	if (!late)
		return NULL;
	header.type = (nr - 1) << RM_CONTINUATIONS_SHIFT;
	for (i = 0; i < nr; i++) {
		index = order(mangle, i, nr);
		if (index != mangle->skip)
			build_packet(&late->packet[late->nr++], header, mangle,
				     payload, len, index);
	}

	return late;
}

static void send(const struct late *late)
{
	unsigned int i;

	for (i = 0; i < late->nr; i++)
		rm_rpc_raw(late->packet[i].bytes, late->packet[i].len);
}

static void send_or_wait(struct late *late, const struct ctl_mangle *mangle)
{
	struct late **link;

	if (!mangle->delay && !mangle->after) {
		send(late);
		hyp_free(late);
		return;
	}
	if (mangle->delay)
		late->due = counter_now() + mangle->delay * (counter_freq() / 1000);
	late->after = rm_rpc_stats.packets_out + mangle->after;
	for (link = &lates; *link; link = &(*link)->next)
		;
	*link = late;
	rm_kick();
}

void ctl_reply_send(const struct ctl_mangle *mangle,
		    const struct rm_header *request, u32 error,
		    const void *body, size_t len)
{
	static u8 payload[RM_MAX_MESSAGE];
	unsigned int copy;
	struct late *late;

	memset(payload, FILLER, sizeof(payload));
	if (mangle->error != CTL_UNSET)
		error = mangle->error;
	memcpy(payload, &error, sizeof(error));
	memcpy(payload + sizeof(error), body, len);
	len += sizeof(error);
	if (mangle->len != CTL_UNSET)
		len = mangle->len;

	for (copy = 0; copy < mangle->copies; copy++) {
		late = build(mangle, request, payload, len);
		if (!late) {
			rm_rpc_stats.replies_lost++;
			return;
		}
		send_or_wait(late, mangle);
	}
}

static bool is_due(const struct late *late)
{
	return counter_now() >= late->due &&
	       rm_rpc_stats.packets_out >= late->after;
}

void ctl_reply_work(void)
{
	struct late **link = &lates, *late;
	u64 next = 0;

	while (*link) {
		late = *link;
		if (is_due(late)) {
			*link = late->next;
			send(late);
			hyp_free(late);
			continue;
		}
		if (late->due && (!next || late->due < next))
			next = late->due;
		link = &late->next;
	}
	/* One that waits for packets as well may be looked at too often. */
	if (next)
		rm_set_deadline(next);
}

void ctl_reply_clear(void)
{
	struct late *late;

	while (lates) {
		late = lates;
		lates = late->next;
		send(late);
		hyp_free(late);
	}
}

unsigned int ctl_reply_waiting(void)
{
	const struct late *late;
	unsigned int nr = 0;

	for (late = lates; late; late = late->next)
		nr++;

	return nr;
}
