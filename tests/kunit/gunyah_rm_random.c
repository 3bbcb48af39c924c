// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what the Resource Manager's driver makes of packets that were changed
 * at random
 *
 * The seed is in the kernel log. "modprobe gunyah_rm_test seed=N" repeats a run.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "gunyah_rm_peer.h"

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of the random runs; 0 for a new one");

#define N_MUTATIONS	100000
#define N_CORE_CALLS	100
#define N_CORE_PACKETS	20

#define MAX_MESSAGES	3
#define MAX_MUTATIONS	4
#define MAX_PACKETS	(MAX_MESSAGES * (GH_RM_MAX_FRAGMENTS + 1) + MAX_MUTATIONS)
/* More than there can be in a message queue */
#define MAX_SIZE	300

/**
 * struct gh_random_packet - a packet of a stream
 * @message: index of the message that it was made for
 * @index: which packet of that message
 * @intact: it is as it was made
 * @size: its size
 * @data: the packet
 */
struct gh_random_packet {
	unsigned int message;
	unsigned int index;
	bool intact;
	size_t size;
	u8 data[MAX_SIZE];
};

/**
 * struct gh_random_stream - packets of some messages
 * @rnd: where all that is random comes from
 * @headers: of the messages
 * @sizes: of the messages
 * @payload: of all the messages
 * @n_packets: length of @packets
 * @packets: these
 */
struct gh_random_stream {
	struct rnd_state rnd;
	struct gh_rm_message_header headers[MAX_MESSAGES];
	size_t sizes[MAX_MESSAGES];
	u8 payload[GH_RM_MAX_MESSAGE_SIZE];
	unsigned int n_packets;
	struct gh_random_packet packets[MAX_PACKETS];
};

static u32 gh_random_below(struct gh_random_stream *stream, u32 limit)
{
	return prandom_u32_state(&stream->rnd) % limit;
}

static u32 gh_random_start(struct kunit *test, struct gh_random_stream *stream)
{
	u32 used = seed ?: get_random_u32() ?: 1;

	prandom_seed_state(&stream->rnd, used);
	prandom_bytes_state(&stream->rnd, stream->payload, sizeof(stream->payload));
	kunit_info(test, "seed %u", used);

	return used;
}

static size_t gh_random_size(struct gh_random_stream *stream)
{
	static const size_t sizes[] = { 0, 1, 4, 231, 232, 233, 463, 464, 465, 696, 697 };

	if (!gh_random_below(stream, 200))
		return GH_RM_MAX_MESSAGE_SIZE;
	if (!gh_random_below(stream, 3))
		return gh_random_below(stream, 1000);

	return sizes[gh_random_below(stream, ARRAY_SIZE(sizes))];
}

static void gh_random_add_message(struct gh_random_stream *stream, unsigned int i)
{
	static const u32 msg_ids[] = { GH_RM_NOTIF_VM_STATUS, GH_RM_NOTIF_VM_EXITED, 0x56000024 };
	struct gh_rm_message_header *header = &stream->headers[i];
	struct gh_random_packet *packet;
	unsigned int index;

	stream->sizes[i] = gh_random_size(stream);
	header->type = GH_RM_PACKET_REQUEST + gh_random_below(stream, 3);
	header->fragments = gh_rm_message_fragments(stream->sizes[i]);
	header->seq = gh_random_below(stream, 4);
	header->msg_id = msg_ids[gh_random_below(stream, ARRAY_SIZE(msg_ids))];

	for (index = 0; index <= header->fragments; index++) {
		packet = &stream->packets[stream->n_packets++];
		packet->message = i;
		packet->index = index;
		packet->intact = true;
		packet->size = gh_rm_packet_fill(packet->data, header, stream->payload,
						 stream->sizes[i], index);
	}
}

static void gh_random_build(struct gh_random_stream *stream)
{
	unsigned int n = 1 + gh_random_below(stream, MAX_MESSAGES), i;

	stream->n_packets = 0;
	for (i = 0; i < n; i++)
		gh_random_add_message(stream, i);
}

/* Makes room for a packet; what is in it must be set. */
static struct gh_random_packet *gh_random_insert(struct gh_random_stream *stream)
{
	unsigned int at = gh_random_below(stream, stream->n_packets + 1);
	struct gh_random_packet *packet = &stream->packets[at];

	memmove(packet + 1, packet, (stream->n_packets - at) * sizeof(*packet));
	stream->n_packets++;

	return packet;
}

static void gh_random_remove(struct gh_random_stream *stream, struct gh_random_packet *packet)
{
	stream->n_packets--;
	memmove(packet, packet + 1,
		(&stream->packets[stream->n_packets] - packet) * sizeof(*packet));
}

/* Changes bytes of a packet, or its size. */
static void gh_random_spoil(struct gh_random_stream *stream, struct gh_random_packet *packet)
{
	struct gh_random_packet *other;
	size_t size = packet->size, at;

	packet->intact = false;
	/* Mostly in the header */
	at = gh_random_below(stream, gh_random_below(stream, 4) ? 8 : MAX_SIZE);
	switch (gh_random_below(stream, 5)) {
	case 0:
		packet->data[at] ^= BIT(gh_random_below(stream, 8));
		break;
	case 1:
		packet->data[at] = prandom_u32_state(&stream->rnd);
		break;
	case 2:
		packet->size = size ? gh_random_below(stream, size) : 0;
		break;
	case 3:
		packet->size = min_t(size_t, size + 1 + gh_random_below(stream, 60), MAX_SIZE);
		prandom_bytes_state(&stream->rnd, packet->data + size, packet->size - size);
		break;
	case 4:
		other = &stream->packets[gh_random_below(stream, stream->n_packets)];
		memmove(packet->data, other->data, sizeof(struct gh_rm_packet_header));
		break;
	}
}

static void gh_random_mutate(struct gh_random_stream *stream)
{
	struct gh_random_packet *packet, *other, *new;

	packet = &stream->packets[gh_random_below(stream, stream->n_packets)];
	other = &stream->packets[gh_random_below(stream, stream->n_packets)];
	switch (gh_random_below(stream, 8)) {
	case 0:
		if (stream->n_packets > 1)
			gh_random_remove(stream, packet);
		break;
	case 1:
		new = gh_random_insert(stream);
		/* The original may have been moved; any will do. */
		*new = *other;
		break;
	case 2:
		swap(*packet, *other);
		break;
	case 3:
		new = gh_random_insert(stream);
		new->intact = false;
		new->size = gh_random_below(stream, MAX_SIZE + 1);
		prandom_bytes_state(&stream->rnd, new->data, sizeof(new->data));
		if (gh_random_below(stream, 4))
			new->data[0] = GH_RM_PACKET_API;
		break;
	default:
		gh_random_spoil(stream, packet);
		break;
	}
}

/**
 * struct gh_random_model - the rules for a receiver, as plain as can be
 * @partial: whether there is a message
 * @aborted: whether the last packet ended one before its time
 * @n: its packets so far
 * @head: header of its first packet
 * @size: size of @payload so far
 * @payload: the message
 */
struct gh_random_model {
	bool partial;
	bool aborted;
	unsigned int n;
	u8 head[8];
	size_t size;
	u8 payload[GH_RM_MAX_MESSAGE_SIZE];
};

static bool gh_random_model_accepts(struct gh_random_model *model, const u8 *packet, size_t len)
{
	unsigned int last = packet[1] >> 2;
	bool same;

	if (packet[1] & 3) {
		if (last && len != 232)
			return false;
		model->aborted = model->partial;
		memcpy(model->head, packet, sizeof(model->head));
		model->n = 0;
		model->size = 0;
		return true;
	}

	if (!model->partial)
		return false;
	same = last == model->head[1] >> 2 && !memcmp(packet + 2, model->head + 2, 6);
	if (same && (model->n == last ? len > 0 : len == 232))
		return true;
	model->partial = false;
	model->aborted = true;

	return false;
}

static int gh_random_model_add(struct gh_random_model *model, const u8 *packet, size_t size)
{
	model->aborted = false;
	if (size < 8 || size > 240 || packet[0] != 0x21 || packet[1] >> 2 > 62 ||
	    !(packet[4] | packet[5] | packet[6] | packet[7]))
		return -EBADMSG;
	if (!gh_random_model_accepts(model, packet, size - 8))
		return -EBADMSG;

	memcpy(model->payload + model->size, packet + 8, size - 8);
	model->size += size - 8;
	model->partial = ++model->n <= model->head[1] >> 2;

	return !model->partial;
}

/**
 * struct gh_random_run - the receiver in the test
 * @stream: what it is given
 * @model: what it should do
 * @assembly: what it does
 * @room: holds a packet at its end, so that KASAN sees who reads beyond
 * @message: index of the message whose packets come in order, all of them intact
 * @next: which of these must be next; 0 for none
 * @complete: messages that were complete
 * @aborted: messages that were not
 * @dropped: packets that were
 * @untouched: messages that came in order and intact
 */
struct gh_random_run {
	struct gh_random_stream *stream;
	struct gh_random_model *model;
	struct gh_rm_assembly *assembly;
	u8 *room;
	unsigned int message;
	unsigned int next;
	unsigned int complete;
	unsigned int aborted;
	unsigned int dropped;
	unsigned int untouched;
};

/* Return: whether the packet is the last of a message that was not touched. */
static bool gh_random_completes(struct gh_random_run *run, const struct gh_random_packet *packet)
{
	if (!packet->intact)
		goto out_of_order;
	if (!packet->index)
		run->message = packet->message;
	else if (!run->next || packet->index != run->next || packet->message != run->message)
		goto out_of_order;

	run->next = packet->index + 1;

	return packet->index == run->stream->headers[packet->message].fragments;

out_of_order:
	run->next = 0;
	return false;
}

static bool gh_random_is_message(const struct gh_random_run *run, unsigned int i)
{
	const struct gh_rm_message_header *header = &run->stream->headers[i];
	const struct gh_rm_assembly *assembly = run->assembly;

	return assembly->header.type == header->type && assembly->header.seq == header->seq &&
	       assembly->header.msg_id == header->msg_id &&
	       assembly->size == run->stream->sizes[i] &&
	       !memcmp(assembly->payload, run->stream->payload, assembly->size);
}

static bool gh_random_agree(const struct gh_random_run *run, int ret)
{
	const struct gh_rm_assembly *assembly = run->assembly;
	const struct gh_random_model *model = run->model;

	if (assembly->partial != model->partial || assembly->aborted != model->aborted)
		return false;
	if (!model->partial && ret != 1)
		return true;

	return assembly->size == model->size && assembly->received == model->n - 1 &&
	       assembly->header.fragments == model->head[1] >> 2 &&
	       !memcmp(assembly->payload, model->payload, model->size);
}

static bool gh_random_feed(struct gh_random_run *run, const struct gh_random_packet *packet)
{
	u8 *data = run->room + MAX_SIZE - packet->size;
	bool completes = gh_random_completes(run, packet);
	int ret;

	memcpy(data, packet->data, packet->size);
	ret = gh_rm_packet_add(run->assembly, data, packet->size);
	if (ret != gh_random_model_add(run->model, data, packet->size))
		return false;
	run->complete += ret == 1;
	run->aborted += run->assembly->aborted;
	run->dropped += ret < 0;
	run->untouched += completes;
	if (completes && (ret != 1 || !gh_random_is_message(run, packet->message)))
		return false;

	return gh_random_agree(run, ret);
}

static void gh_random_run_alloc(struct kunit *test, struct gh_random_run *run)
{
	run->stream = kunit_kzalloc(test, sizeof(*run->stream), GFP_KERNEL);
	run->model = kunit_kzalloc(test, sizeof(*run->model), GFP_KERNEL);
	run->assembly = kunit_kzalloc(test, sizeof(*run->assembly), GFP_KERNEL);
	run->room = kunit_kzalloc(test, MAX_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, run->stream && run->model && run->assembly && run->room);
}

/* Streams of good messages, each changed in some places */
static void gh_random_packets(struct kunit *test)
{
	unsigned int mutations = 0, streams = 0, i, n;
	struct gh_random_run run = {};
	u32 used;

	gh_random_run_alloc(test, &run);
	used = gh_random_start(test, run.stream);
	while (mutations < N_MUTATIONS) {
		gh_random_build(run.stream);
		n = 1 + gh_random_below(run.stream, MAX_MUTATIONS);
		for (i = 0; i < n; i++)
			gh_random_mutate(run.stream);
		mutations += n;
		run.next = 0;
		for (i = 0; i < run.stream->n_packets; i++) {
			if (gh_random_feed(&run, &run.stream->packets[i]))
				continue;
			KUNIT_FAIL(test, "seed %u: stream %u, packet %u of %u is handled badly",
				   used, streams, i + 1, run.stream->n_packets);
			return;
		}
		streams++;
		cond_resched();
	}
	kunit_info(test, "%u mutations of %u streams: %u messages, %u of them untouched; %u aborted, %u packets dropped",
		   mutations, streams, run.complete, run.untouched, run.aborted, run.dropped);
	/* Else this was not much of a test. */
	KUNIT_EXPECT_GT(test, run.untouched, streams / 4);
	KUNIT_EXPECT_GT(test, run.aborted, streams / 20);
	KUNIT_EXPECT_GT(test, run.dropped, streams / 4);
}

/* Return: the next packet that a queue can carry and that is no reply to @seq. */
static struct gh_random_packet *gh_random_next(struct gh_random_stream *stream, unsigned int *at,
					       u16 seq)
{
	struct gh_random_packet *packet;
	unsigned int n;

	for (;;) {
		if (*at >= stream->n_packets) {
			gh_random_build(stream);
			for (n = gh_random_below(stream, MAX_MUTATIONS); n; n--)
				gh_random_mutate(stream);
			*at = 0;
		}
		packet = &stream->packets[(*at)++];
		if (!packet->size || packet->size > GH_FAKE_MSGQ_SIZE)
			continue;
		if (packet->size < sizeof(struct gh_rm_packet_header) ||
		    (packet->data[1] & 3) != GH_RM_PACKET_REPLY ||
		    (packet->data[2] | packet->data[3] << 8) != seq)
			return packet;
	}
}

/* Such packets in front of each reply: it reaches its caller all the same. */
static void gh_random_core(struct kunit *test)
{
	struct gh_peer *peer = test->priv;
	unsigned int at = 0, i, j;
	struct gh_random_packet *packet;
	struct gh_random_stream *stream;
	struct gh_peer_caller caller;

	stream = kunit_kzalloc(test, sizeof(*stream), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stream);
	gh_random_start(test, stream);
	for (i = 0; i < N_CORE_CALLS; i++) {
		const u8 body[] = { i, 1, 0, 0 };
		const struct gh_peer_reply reply = { .body = body, .size = sizeof(body) };
		u16 vmid = 0;

		gh_peer_forget(peer);
		KUNIT_ASSERT_EQ(test, gh_peer_call(&caller, peer->rm, gh_peer_get_vmid, &vmid), 0);
		KUNIT_EXPECT_TRUE(test, gh_peer_wait_requests(peer, 1));
		for (j = 0; j < N_CORE_PACKETS; j++) {
			packet = gh_random_next(stream, &at, peer->requests[0].header.seq);
			gh_peer_send_packet(peer, packet->data, packet->size);
		}
		gh_peer_reply(peer, 0, &reply);
		KUNIT_ASSERT_EQ(test, gh_peer_return(&caller), 0);
		KUNIT_ASSERT_EQ(test, vmid, 0x100 + i);
	}
	kunit_info(test, "%u replies behind %u packets; %u notifications", i, i * j,
		   atomic_read(&peer->n_notified));
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));
}

static struct kunit_case gh_random_test_cases[] = {
	KUNIT_CASE(gh_random_packets),
	KUNIT_CASE(gh_random_core),
	{}
};

static struct kunit_suite gh_random_test_suite = {
	.name = "gunyah_rm_random",
	.init = gh_peer_test_init,
	.exit = gh_peer_test_exit,
	.test_cases = gh_random_test_cases,
};

kunit_test_suite(gh_random_test_suite);
