// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the Resource Manager's packets, cut and put together
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/random.h>

#include "../../drivers/virt/gunyah/rsc_mgr_packet.c"

#define SEQ	0x1234
#define ID	0x56000020

struct gh_packet_context {
	struct gh_rm_assembly assembly;
	u8 message[GH_RM_MAX_MESSAGE_SIZE];
	u8 packet[GH_RM_PACKET_SIZE];
};

static int gh_packet_init(struct kunit *test)
{
	struct gh_packet_context *ctx;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	get_random_bytes(ctx->message, sizeof(ctx->message));
	test->priv = ctx;

	return 0;
}

static struct gh_rm_message_header gh_packet_header(size_t size)
{
	return (struct gh_rm_message_header) {
		.type = GH_RM_PACKET_REPLY,
		.fragments = gh_rm_message_fragments(size),
		.seq = SEQ,
		.msg_id = ID,
	};
}

/* Adds packet @index of the test's message as if it were @size bytes long. */
static int gh_packet_add(struct gh_packet_context *ctx, size_t size, unsigned int index)
{
	struct gh_rm_message_header header = gh_packet_header(size);
	size_t len;

	len = gh_rm_packet_fill(ctx->packet, &header, ctx->message, size, index);

	return gh_rm_packet_add(&ctx->assembly, ctx->packet, len);
}

static void gh_packet_fragments(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(0), 0U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(1), 0U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(232), 0U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(233), 1U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(464), 1U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(465), 2U);
	KUNIT_EXPECT_EQ(test, gh_rm_message_fragments(14616), 62U);
	KUNIT_EXPECT_EQ(test, GH_RM_MAX_MESSAGE_SIZE, 14616UL);
}

/* To the byte */
static void gh_packet_bytes(struct kunit *test)
{
	struct gh_rm_message_header header = {
		.type = GH_RM_PACKET_REQUEST,
		.fragments = 1,
		.seq = 0xbeef,
		.msg_id = 0x51000012,
	};
	static const u8 first[] = { 0x21, 0x05, 0xef, 0xbe, 0x12, 0x00, 0x00, 0x51 };
	static const u8 second[] = { 0x21, 0x04, 0xef, 0xbe, 0x12, 0x00, 0x00, 0x51 };
	struct gh_packet_context *ctx = test->priv;
	size_t len;

	len = gh_rm_packet_fill(ctx->packet, &header, ctx->message, 235, 0);
	KUNIT_EXPECT_EQ(test, len, 240UL);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->packet, first, 8), 0);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->packet + 8, ctx->message, 232), 0);

	len = gh_rm_packet_fill(ctx->packet, &header, ctx->message, 235, 1);
	KUNIT_EXPECT_EQ(test, len, 11UL);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->packet, second, 8), 0);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->packet + 8, ctx->message + 232, 3), 0);

	header.fragments = 0;
	len = gh_rm_packet_fill(ctx->packet, &header, ctx->message, 0, 0);
	KUNIT_EXPECT_EQ(test, len, 8UL);
	KUNIT_EXPECT_EQ(test, ctx->packet[1], 0x01);
}

static void gh_packet_round_trip(struct kunit *test)
{
	static const size_t sizes[] = { 0, 1, 4, 231, 232, 233, 463, 464, 465, 8192, 14615, 14616 };
	struct gh_packet_context *ctx = test->priv;
	struct gh_rm_message_header header;
	unsigned int i, index;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		header = gh_packet_header(sizes[i]);
		for (index = 0; index < header.fragments; index++) {
			KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, sizes[i], index), 0);
			KUNIT_ASSERT_TRUE(test, ctx->assembly.partial);
		}
		KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, sizes[i], index), 1);
		KUNIT_EXPECT_FALSE(test, ctx->assembly.partial);
		KUNIT_EXPECT_FALSE(test, ctx->assembly.aborted);
		KUNIT_ASSERT_EQ(test, ctx->assembly.size, sizes[i]);
		KUNIT_EXPECT_EQ(test, memcmp(ctx->assembly.payload, ctx->message, sizes[i]), 0);
		KUNIT_EXPECT_EQ(test, ctx->assembly.header.type, GH_RM_PACKET_REPLY);
		KUNIT_EXPECT_EQ(test, ctx->assembly.header.seq, SEQ);
		KUNIT_EXPECT_EQ(test, ctx->assembly.header.msg_id, ID);
	}
}

/**
 * struct gh_packet_case - a packet that is wrong
 * @name: what is wrong
 * @size: its size
 * @api: its first byte
 * @type: its second byte
 * @seq: its sequence number
 * @msg_id: its message ID
 * @aborts: whether it ends a reply of two continuations, of which the first was
 *	    received
 */
struct gh_packet_case {
	const char *name;
	size_t size;
	u8 api;
	u8 type;
	u16 seq;
	u32 msg_id;
	bool aborts;
};

#define TYPE(_type, _fragments)	((_type) | (_fragments) << 2)

static const struct gh_packet_case gh_packet_cases[] = {
	{ "empty", 0, 0x21, TYPE(2, 0), SEQ, ID, false },
	{ "one byte", 1, 0x21, TYPE(2, 0), SEQ, ID, false },
	{ "header cut off", 7, 0x21, TYPE(2, 0), SEQ, ID, false },
	{ "too long", 241, 0x21, TYPE(2, 0), SEQ, ID, false },
	{ "far too long", SIZE_MAX, 0x21, TYPE(2, 0), SEQ, ID, false },
	{ "version 0", 12, 0x20, TYPE(2, 0), SEQ, ID, false },
	{ "version 2", 12, 0x22, TYPE(2, 0), SEQ, ID, false },
	{ "header of 1 word", 12, 0x11, TYPE(2, 0), SEQ, ID, false },
	{ "header of 3 words", 12, 0x31, TYPE(2, 0), SEQ, ID, false },
	{ "all zero", 12, 0, 0, 0, 0, false },
	{ "all ones", 240, 0xff, 0xff, 0xffff, 0xffffffff, false },
	{ "too many continuations", 240, 0x21, TYPE(2, 63), SEQ, ID, false },
	{ "no message ID", 12, 0x21, TYPE(2, 0), SEQ, 0, false },
	{ "first packet not full", 239, 0x21, TYPE(2, 2), SEQ, ID, false },
	{ "first packet empty", 8, 0x21, TYPE(2, 2), SEQ, ID, false },
	{ "header only, all zero", 8, 0, 0, 0, 0, false },
	{ "too many continuations, none of them", 8, 0x21, TYPE(1, 63), SEQ, ID, false },
	{ "request not full", 239, 0x21, TYPE(1, 1), SEQ, ID, false },
	{ "notification not full", 239, 0x21, TYPE(3, 62), SEQ, ID, false },
	{ "continuation: header cut off", 7, 0x21, TYPE(0, 2), SEQ, ID, false },
	{ "continuation: too long", 241, 0x21, TYPE(0, 2), SEQ, ID, false },
	{ "continuation: other version", 240, 0x22, TYPE(0, 2), SEQ, ID, false },
	{ "continuation: other header size", 240, 0x31, TYPE(0, 2), SEQ, ID, false },
	{ "continuation: too many", 240, 0x21, TYPE(0, 63), SEQ, ID, false },
	{ "continuation: no message ID", 240, 0x21, TYPE(0, 2), SEQ, 0, false },
	{ "continuation: last of one", 240, 0x21, TYPE(0, 0), SEQ, ID, true },
	{ "continuation: other sequence", 240, 0x21, TYPE(0, 2), SEQ + 1, ID, true },
	{ "continuation: other message", 240, 0x21, TYPE(0, 2), SEQ, ID + 1, true },
	{ "continuation: fewer fragments", 240, 0x21, TYPE(0, 1), SEQ, ID, true },
	{ "continuation: more fragments", 240, 0x21, TYPE(0, 3), SEQ, ID, true },
	{ "continuation: not full", 239, 0x21, TYPE(0, 2), SEQ, ID, true },
	{ "continuation: empty", 8, 0x21, TYPE(0, 2), SEQ, ID, true },
};

static int gh_packet_add_case(struct gh_packet_context *ctx, const struct gh_packet_case *bad)
{
	struct gh_rm_packet_header *header = (struct gh_rm_packet_header *)ctx->packet;

	header->api = bad->api;
	header->type = bad->type;
	header->seq = cpu_to_le16(bad->seq);
	header->msg_id = cpu_to_le32(bad->msg_id);

	return gh_rm_packet_add(&ctx->assembly, ctx->packet, bad->size);
}

/* With no message going on: dropped, and the good one behind it arrives. */
static void gh_packet_malformed(struct kunit *test)
{
	struct gh_packet_context *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gh_packet_cases); i++) {
		const struct gh_packet_case *bad = &gh_packet_cases[i];

		KUNIT_EXPECT_EQ_MSG(test, gh_packet_add_case(ctx, bad), -EBADMSG, "%s", bad->name);
		KUNIT_EXPECT_FALSE_MSG(test, ctx->assembly.aborted, "%s", bad->name);
		KUNIT_EXPECT_FALSE_MSG(test, ctx->assembly.partial, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, gh_packet_add(ctx, 100, 0), 1, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, ctx->assembly.size, 100UL, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(ctx->assembly.payload, ctx->message, 100), 0,
				    "%s", bad->name);
	}
}

/* In the midst of a message: ends at most that one. */
static void gh_packet_malformed_within(struct kunit *test)
{
	const size_t size = 2 * GH_RM_PACKET_PAYLOAD + 10;
	struct gh_packet_context *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gh_packet_cases); i++) {
		const struct gh_packet_case *bad = &gh_packet_cases[i];

		KUNIT_ASSERT_EQ_MSG(test, gh_packet_add(ctx, size, 0), 0, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, gh_packet_add_case(ctx, bad), -EBADMSG, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, ctx->assembly.aborted, bad->aborts, "%s", bad->name);
		if (bad->aborts) {
			KUNIT_EXPECT_EQ(test, ctx->assembly.aborted_header.seq, SEQ);
			KUNIT_EXPECT_EQ(test, ctx->assembly.aborted_header.msg_id, ID);
			KUNIT_EXPECT_FALSE_MSG(test, ctx->assembly.partial, "%s", bad->name);
			KUNIT_EXPECT_EQ(test, gh_packet_add(ctx, size, 1), -EBADMSG);
			KUNIT_EXPECT_FALSE(test, ctx->assembly.aborted);
			KUNIT_EXPECT_EQ_MSG(test, gh_packet_add(ctx, 100, 0), 1, "%s", bad->name);
			continue;
		}
		KUNIT_EXPECT_TRUE_MSG(test, ctx->assembly.partial, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, ctx->assembly.size, GH_RM_PACKET_PAYLOAD, "%s",
				    bad->name);
		KUNIT_EXPECT_EQ_MSG(test, gh_packet_add(ctx, size, 1), 0, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, gh_packet_add(ctx, size, 2), 1, "%s", bad->name);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(ctx->assembly.payload, ctx->message, size), 0,
				    "%s", bad->name);
	}
}

/* The last continuation must have something in it. */
static void gh_packet_empty_end(struct kunit *test)
{
	struct gh_packet_case end = {
		"empty end", 8, 0x21, TYPE(GH_RM_PACKET_CONTINUATION, 1), SEQ, ID, true
	};
	struct gh_packet_context *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 2 * GH_RM_PACKET_PAYLOAD, 0), 0);
	KUNIT_EXPECT_EQ(test, gh_packet_add_case(ctx, &end), -EBADMSG);
	KUNIT_EXPECT_TRUE(test, ctx->assembly.aborted);
}

/* A message that starts within another one ends that, and counts itself. */
static void gh_packet_start_within(struct kunit *test)
{
	static const struct gh_packet_case starts[] = {
		{ "request", 20, 0x21, TYPE(1, 0), 9, 0x56000001, true },
		{ "reply", 20, 0x21, TYPE(2, 0), SEQ, ID, true },
		{ "notification", 20, 0x21, TYPE(3, 0), 9, 0x56100008, true },
	};
	struct gh_packet_context *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 500, 0), 0);
		KUNIT_ASSERT_EQ(test, gh_packet_add_case(ctx, &starts[i]), 1);
		KUNIT_EXPECT_TRUE_MSG(test, ctx->assembly.aborted, "%s", starts[i].name);
		KUNIT_EXPECT_EQ(test, ctx->assembly.aborted_header.type, GH_RM_PACKET_REPLY);
		KUNIT_EXPECT_EQ(test, ctx->assembly.aborted_header.msg_id, ID);
		KUNIT_EXPECT_EQ(test, ctx->assembly.header.msg_id, starts[i].msg_id);
		KUNIT_EXPECT_EQ(test, ctx->assembly.size, 12UL);
		KUNIT_EXPECT_EQ(test, memcmp(ctx->assembly.payload, ctx->packet + 8, 12), 0);

		KUNIT_EXPECT_EQ(test, gh_packet_add(ctx, 500, 1), -EBADMSG);
		KUNIT_EXPECT_FALSE(test, ctx->assembly.aborted);
	}

	/* Also one that is longer than a packet */
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 500, 0), 0);
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 500, 1), 0);
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 300, 0), 0);
	KUNIT_EXPECT_TRUE(test, ctx->assembly.aborted);
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 300, 1), 1);
	KUNIT_EXPECT_EQ(test, ctx->assembly.size, 300UL);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->assembly.payload, ctx->message, 300), 0);
}

/* One more than was announced, also where there is no room for it */
static void gh_packet_too_many(struct kunit *test)
{
	struct gh_packet_context *ctx = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 464, 0), 0);
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, 464, 1), 1);
	KUNIT_EXPECT_EQ(test, gh_packet_add(ctx, 464, 1), -EBADMSG);
	KUNIT_EXPECT_EQ(test, ctx->assembly.size, 464UL);

	for (i = 0; i < GH_RM_MAX_FRAGMENTS; i++)
		KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, GH_RM_MAX_MESSAGE_SIZE, i), 0);
	KUNIT_ASSERT_EQ(test, gh_packet_add(ctx, GH_RM_MAX_MESSAGE_SIZE, i), 1);
	KUNIT_EXPECT_EQ(test, ctx->assembly.size, 14616UL);
	KUNIT_EXPECT_EQ(test, gh_packet_add(ctx, GH_RM_MAX_MESSAGE_SIZE, i), -EBADMSG);
	KUNIT_EXPECT_EQ(test, ctx->assembly.size, 14616UL);
	KUNIT_EXPECT_EQ(test, memcmp(ctx->assembly.payload, ctx->message, 14616), 0);
}

static struct kunit_case gh_packet_test_cases[] = {
	KUNIT_CASE(gh_packet_fragments),
	KUNIT_CASE(gh_packet_bytes),
	KUNIT_CASE(gh_packet_round_trip),
	KUNIT_CASE(gh_packet_malformed),
	KUNIT_CASE(gh_packet_malformed_within),
	KUNIT_CASE(gh_packet_empty_end),
	KUNIT_CASE(gh_packet_start_within),
	KUNIT_CASE(gh_packet_too_many),
	{}
};

static struct kunit_suite gh_packet_test_suite = {
	.name = "gunyah_packet",
	.init = gh_packet_init,
	.test_cases = gh_packet_test_cases,
};

kunit_test_suite(gh_packet_test_suite);

MODULE_LICENSE("GPL");
