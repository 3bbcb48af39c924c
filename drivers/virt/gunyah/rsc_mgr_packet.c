// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: how a message is cut into packets and put together again
 */

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "rsc_mgr_packet.h"

/**
 * gh_rm_message_fragments() - how many continuations a message needs
 * @size: size of its payload, up to GH_RM_MAX_MESSAGE_SIZE
 *
 * Return: the number of packets after the first.
 */
unsigned int gh_rm_message_fragments(size_t size)
{
	return size ? (size - 1) / GH_RM_PACKET_PAYLOAD : 0;
}

/**
 * gh_rm_packet_fill() - make one packet of a message
 * @packet: where it goes, GH_RM_PACKET_SIZE bytes
 * @header: of the message
 * @payload: of the message
 * @size: size of @payload
 * @index: which packet, 0..@header->fragments
 *
 * Return: size of the packet.
 */
size_t gh_rm_packet_fill(void *packet, const struct gh_rm_message_header *header,
			 const void *payload, size_t size, unsigned int index)
{
	struct gh_rm_packet_header *hdr = packet;
	size_t offset = index * GH_RM_PACKET_PAYLOAD;
	size_t len = min(size - offset, GH_RM_PACKET_PAYLOAD);

	hdr->api = GH_RM_PACKET_API;
	hdr->type = FIELD_PREP(GH_RM_PACKET_TYPE_MASK,
			       index ? GH_RM_PACKET_CONTINUATION : header->type) |
		    FIELD_PREP(GH_RM_PACKET_FRAGMENTS_MASK, header->fragments);
	hdr->seq = cpu_to_le16(header->seq);
	hdr->msg_id = cpu_to_le32(header->msg_id);
	memcpy(hdr + 1, payload + offset, len);

	return sizeof(*hdr) + len;
}

/* Only the last packet of a message may have room left. */
static bool gh_rm_payload_fits(size_t len, unsigned int index, unsigned int fragments)
{
	if (index < fragments)
		return len == GH_RM_PACKET_PAYLOAD;

	return len || !index;
}

static int gh_rm_packet_parse(struct gh_rm_message_header *header, const void *packet, size_t size)
{
	const struct gh_rm_packet_header *hdr = packet;

	if (size < sizeof(*hdr) || size > GH_RM_PACKET_SIZE)
		return -EBADMSG;
	if (hdr->api != GH_RM_PACKET_API)
		return -EBADMSG;

	header->type = FIELD_GET(GH_RM_PACKET_TYPE_MASK, hdr->type);
	header->fragments = FIELD_GET(GH_RM_PACKET_FRAGMENTS_MASK, hdr->type);
	header->seq = le16_to_cpu(hdr->seq);
	header->msg_id = le32_to_cpu(hdr->msg_id);

	if (header->fragments > GH_RM_MAX_FRAGMENTS || !header->msg_id)
		return -EBADMSG;

	return 0;
}

static bool gh_rm_packet_continues(const struct gh_rm_assembly *assembly,
				   const struct gh_rm_message_header *header, size_t len)
{
	return header->fragments == assembly->header.fragments &&
	       header->seq == assembly->header.seq &&
	       header->msg_id == assembly->header.msg_id &&
	       gh_rm_payload_fits(len, assembly->received + 1, header->fragments);
}

static void gh_rm_assembly_abort(struct gh_rm_assembly *assembly)
{
	if (!assembly->partial)
		return;

	assembly->partial = false;
	assembly->aborted = true;
	assembly->aborted_header = assembly->header;
}

static int gh_rm_assembly_start(struct gh_rm_assembly *assembly,
				const struct gh_rm_message_header *header, size_t len)
{
	if (!gh_rm_payload_fits(len, 0, header->fragments))
		return -EBADMSG;

	gh_rm_assembly_abort(assembly);
	assembly->header = *header;
	assembly->received = 0;
	assembly->size = 0;

	return 0;
}

static int gh_rm_assembly_continue(struct gh_rm_assembly *assembly,
				   const struct gh_rm_message_header *header, size_t len)
{
	if (!assembly->partial)
		return -EBADMSG;

	if (!gh_rm_packet_continues(assembly, header, len)) {
		gh_rm_assembly_abort(assembly);
		return -EBADMSG;
	}

	assembly->received++;

	return 0;
}

/**
 * gh_rm_packet_add() - take in a packet
 * @assembly: the message that is being received, if there is one
 * @packet: the packet, from a sender that is not trusted
 * @size: its size
 *
 * A packet that makes no sense is dropped. A message that is being received is
 * given up when a continuation does not belong to it or another message starts;
 * @assembly->aborted tells.
 *
 * Return: 1 if the message is complete (it is valid until the next call), 0 if
 * not, -EBADMSG if the packet was dropped.
 */
int gh_rm_packet_add(struct gh_rm_assembly *assembly, const void *packet, size_t size)
{
	struct gh_rm_message_header header;
	size_t len;
	int ret;

	assembly->aborted = false;

	ret = gh_rm_packet_parse(&header, packet, size);
	if (ret)
		return ret;

	len = size - sizeof(struct gh_rm_packet_header);
	if (header.type == GH_RM_PACKET_CONTINUATION)
		ret = gh_rm_assembly_continue(assembly, &header, len);
	else
		ret = gh_rm_assembly_start(assembly, &header, len);
	if (ret)
		return ret;

	/* Room is for as many packets as a header can announce. */
	memcpy(assembly->payload + assembly->size, packet + size - len, len);
	assembly->size += len;
	assembly->partial = assembly->received < header.fragments;

	return !assembly->partial;
}
