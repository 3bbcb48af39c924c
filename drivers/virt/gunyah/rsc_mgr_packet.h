/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: how a message is cut into packets and put together again.
 *
 * Nothing here knows of queues, locks or requests.
 */

#ifndef _GUNYAH_RSC_MGR_PACKET_H
#define _GUNYAH_RSC_MGR_PACKET_H

#include <linux/types.h>

/**
 * struct gh_rm_packet_header - first bytes of each packet
 * @api: version and size of this header, GH_RM_PACKET_API
 * @type: GH_RM_PACKET_TYPE_MASK, GH_RM_PACKET_FRAGMENTS_MASK
 * @seq: chosen for a request, copied to its reply
 * @msg_id: what the message is about
 */
struct gh_rm_packet_header {
	u8 api;
	u8 type;
	__le16 seq;
	__le32 msg_id;
} __packed;

/* Version 1, header of 2 words */
#define GH_RM_PACKET_API		0x21

#define GH_RM_PACKET_TYPE_MASK		GENMASK(1, 0)
/* Number of continuations of the message, the same in all of its packets */
#define GH_RM_PACKET_FRAGMENTS_MASK	GENMASK(7, 2)

enum gh_rm_packet_type {
	GH_RM_PACKET_CONTINUATION	= 0,
	GH_RM_PACKET_REQUEST		= 1,
	GH_RM_PACKET_REPLY		= 2,
	GH_RM_PACKET_NOTIFICATION	= 3,
};

#define GH_RM_PACKET_SIZE		240
#define GH_RM_PACKET_PAYLOAD		(GH_RM_PACKET_SIZE - sizeof(struct gh_rm_packet_header))
#define GH_RM_MAX_FRAGMENTS		62
#define GH_RM_MAX_MESSAGE_SIZE		((GH_RM_MAX_FRAGMENTS + 1) * GH_RM_PACKET_PAYLOAD)

/**
 * struct gh_rm_message_header - what the packets of a message have in common
 * @type: kind of its first packet
 * @fragments: number of continuations
 * @seq: see struct gh_rm_packet_header
 * @msg_id: see struct gh_rm_packet_header
 */
struct gh_rm_message_header {
	enum gh_rm_packet_type type;
	unsigned int fragments;
	u16 seq;
	u32 msg_id;
};

/**
 * struct gh_rm_assembly - a message that is being received
 * @partial: whether there is one
 * @received: continuations that have come
 * @header: of this message
 * @size: size of @payload so far
 * @payload: the message without headers
 * @aborted: set if the last packet made us give up a partial message
 * @aborted_header: of that message
 */
struct gh_rm_assembly {
	bool partial;
	bool aborted;
	unsigned int received;
	size_t size;
	struct gh_rm_message_header header;
	struct gh_rm_message_header aborted_header;
	u8 payload[GH_RM_MAX_MESSAGE_SIZE];
};

unsigned int gh_rm_message_fragments(size_t size);
size_t gh_rm_packet_fill(void *packet, const struct gh_rm_message_header *header,
			 const void *payload, size_t size, unsigned int index);
int gh_rm_packet_add(struct gh_rm_assembly *assembly, const void *packet, size_t size);

#endif /* _GUNYAH_RSC_MGR_PACKET_H */
