// SPDX-License-Identifier: GPL-2.0
/*
 * Packets: how requests come in, and how replies and notifications go out.
 *
 * A message is one or more packets of the message queue. Packets of one message
 * are never mixed with those of another, so one buffer takes in, and one list
 * sends out, in the order in which things happened.
 */

#include "ctl.h"

struct rm_rpc_stats rm_rpc_stats;

/* The host reads slowly or not at all: no more than this waits for it. */
#define MAX_NOTIFICATIONS	256

/* A message on its way out; the payload follows */
struct out_msg {
	struct out_msg *next;
	struct rm_header header;
	size_t len;
	size_t sent;		/* bytes of the payload */
	bool started;		/* the first packet has left */
	bool raw;		/* the payload is a packet, with its own header */
	u8 payload[];
};

static struct {
	struct msgq *in;
	struct msgq *out;

	/* The request that is being put together */
	struct rm_header header;
	unsigned int missing;	/* continuations */
	size_t len;
	u8 buf[RM_MAX_MESSAGE];

	struct out_msg *out_head;
	struct out_msg **out_tail;
	unsigned int nr_notifications;
	u16 notification_seq;
	bool held;
} rpc;

void rm_rpc_init(struct msgq *in, struct msgq *out)
{
	rpc.in = in;
	rpc.out = out;
	rpc.out_tail = &rpc.out_head;
}

static unsigned int header_type(const struct rm_header *header)
{
	return header->type & RM_TYPE_MASK;
}

static unsigned int header_continuations(const struct rm_header *header)
{
	return header->type >> RM_CONTINUATIONS_SHIFT;
}

/*
 * Sending
 */

static void out_remove(struct out_msg **link)
{
	struct out_msg *msg = *link;

	*link = msg->next;
	if (!*link)
		rpc.out_tail = link;
	if (header_type(&msg->header) == RM_TYPE_NOTIFICATION)
		rpc.nr_notifications--;
	hyp_free(msg);
}

/* Drops the oldest waiting message of a type, but none that is half sent. */
static bool out_drop(unsigned int type)
{
	struct out_msg **link;

	for (link = &rpc.out_head; *link; link = &(*link)->next) {
		if (header_type(&(*link)->header) != type || (*link)->started)
			continue;
		out_remove(link);
		return true;
	}

	return false;
}

static bool queue_packet(const void *packet, size_t len)
{
	bool not_full;

	/* No push: the threshold of 1 wakes the receiver. */
	if (msgq_send(rpc.out, packet, len, false, &not_full))
		return false;
	rm_rpc_stats.packets_out++;

	return true;
}

/* Sends the next packet of a message; false when the queue is full. */
static bool out_packet(struct out_msg *msg)
{
	u8 packet[RM_PACKET_SIZE];
	struct rm_header header = msg->header;
	size_t len = msg->len - msg->sent;

	if (len > RM_PAYLOAD_SIZE)
		len = RM_PAYLOAD_SIZE;
	if (msg->started)
		header.type &= ~RM_TYPE_MASK;

	memcpy(packet, &header, sizeof(header));
	memcpy(packet + sizeof(header), msg->payload + msg->sent, len);
	if (!queue_packet(packet, sizeof(header) + len))
		return false;

	msg->started = true;
	msg->sent += len;

	return true;
}

static bool out_raw(struct out_msg *msg)
{
	if (!queue_packet(msg->payload, msg->len))
		return false;
	msg->sent = msg->len;

	return true;
}

void rm_rpc_flush(void)
{
	while (rpc.out_head && !rpc.held) {
		struct out_msg *msg = rpc.out_head;

		if (!(msg->raw ? out_raw(msg) : out_packet(msg)))
			return;
		if (msg->sent == msg->len)
			out_remove(&rpc.out_head);
	}
}

static struct out_msg *out_new(unsigned int type, u32 id, u16 seq, size_t len)
{
	struct out_msg *msg = hyp_zalloc(sizeof(*msg) + len);
	unsigned int continuations = len ? (len - 1) / RM_PAYLOAD_SIZE : 0;

	if (!msg)
		return NULL;
	msg->header.api = RM_API;
	msg->header.type = type | continuations << RM_CONTINUATIONS_SHIFT;
	msg->header.seq = seq;
	msg->header.id = id;
	msg->len = len;

	return msg;
}

static void out_add(struct out_msg *msg)
{
	*rpc.out_tail = msg;
	rpc.out_tail = &msg->next;
	rm_rpc_flush();
}

void rm_rpc_reply(const struct rm_header *request, u32 error,
		  const void *body, size_t len)
{
	struct out_msg *msg;

	/*
	 * There is room for one waiting reply only. When a test has them wait,
	 * it wants them all.
	 */
	if (!rpc.held && out_drop(RM_TYPE_REPLY))
		rm_rpc_stats.replies_lost++;

	msg = out_new(RM_TYPE_REPLY, request->id, request->seq,
		      sizeof(error) + len);
	if (!msg) {
		rm_rpc_stats.replies_lost++;
		return;
	}
	memcpy(msg->payload, &error, sizeof(error));
	memcpy(msg->payload + sizeof(error), body, len);
	out_add(msg);
}

void rm_rpc_notify(u16 vmid, u32 id, const void *payload, size_t len)
{
	struct out_msg *msg;

	/* No other VM has a channel to the Resource Manager yet. */
	if (vmid != RM_VMID_HLOS) {
		rm_rpc_stats.notifications_to_guests++;
		return;
	}
	ctl_trace_notification(id, payload, len);

	if (rpc.nr_notifications == MAX_NOTIFICATIONS &&
	    out_drop(RM_TYPE_NOTIFICATION))
		rm_rpc_stats.notifications_lost++;

	msg = out_new(RM_TYPE_NOTIFICATION, id, rpc.notification_seq++, len);
	if (!msg) {
		rm_rpc_stats.notifications_lost++;
		return;
	}
	memcpy(msg->payload, payload, len);
	rpc.nr_notifications++;
	out_add(msg);
}

/*
 * For tests
 */

/* Of no type that would be dropped when too many wait. */
void rm_rpc_raw(const void *packet, size_t len)
{
	struct out_msg *msg = out_new(RM_TYPE_CONTINUATION, 0, 0, len);

	if (!msg) {
		rm_rpc_stats.replies_lost++;
		return;
	}
	msg->raw = true;
	memcpy(msg->payload, packet, len);
	out_add(msg);
}

void rm_rpc_hold(bool hold)
{
	rpc.held = hold;
	rm_rpc_flush();
}

bool rm_rpc_held(void)
{
	return rpc.held;
}

void rm_rpc_interrupt(bool tx)
{
	virq_assert(tx ? &rpc.in->tx_virq : &rpc.out->rx_virq);
}

void rm_rpc_fill(unsigned int nr, const void *packet, size_t len)
{
	bool not_full;

	while (nr-- && !msgq_send(rpc.in, packet, len, false, &not_full))
		;
}

/*
 * Receiving
 */

static bool header_valid(const struct rm_header *header, size_t size)
{
	return size >= sizeof(*header) && header->api == RM_API &&
	       header_continuations(header) <= RM_MAX_CONTINUATIONS;
}

static bool continues(const struct rm_header *header)
{
	return rpc.missing && header->id == rpc.header.id &&
	       header->seq == rpc.header.seq &&
	       header_continuations(header) == header_continuations(&rpc.header);
}

/* Takes one packet in; true when the request is complete with it. */
static bool take_packet(const u8 *packet, size_t size)
{
	struct rm_header header;

	memcpy(&header, packet, sizeof(header));
	if (!header_valid(&header, size))
		goto drop;

	if (header_type(&header) == RM_TYPE_CONTINUATION) {
		if (!continues(&header))
			goto drop;
		rpc.missing--;
	} else {
		if (rpc.missing)
			rm_rpc_stats.requests_aborted++;
		rpc.header = header;
		rpc.missing = header_continuations(&header);
		rpc.len = 0;
	}

	size -= sizeof(header);
	memcpy(rpc.buf + rpc.len, packet + sizeof(header), size);
	rpc.len += size;
	if (rpc.missing)
		return false;

	/* Replies and notifications have nobody here who waits for them. */
	if (header_type(&rpc.header) == RM_TYPE_REQUEST)
		return true;
drop:
	rm_rpc_stats.packets_dropped++;
	return false;
}

bool rm_rpc_receive(struct rm_header *header, const void **payload, size_t *len)
{
	u8 packet[RM_PACKET_SIZE] = { 0 };
	bool not_empty;
	size_t size;

	while (!msgq_receive(rpc.in, packet, sizeof(packet), &size, &not_empty)) {
		rm_rpc_stats.packets_in++;
		if (!take_packet(packet, size))
			continue;
		*header = rpc.header;
		*payload = rpc.buf;
		*len = rpc.len;
		return true;
	}

	return false;
}
