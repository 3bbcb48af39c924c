// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: lists of physical extents, and how they merge.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "../../drivers/virt/gunyah/vm_mgr_extent.c"

#define MAX_RUNS	6

/**
 * struct layout - a case
 * @name: what it is about
 * @in: runs in the order in which they are added, up to one of size 0
 * @out: extents that must come of it, likewise
 */
struct layout {
	const char *name;
	struct gh_extent in[MAX_RUNS];
	struct gh_extent out[MAX_RUNS];
};

static const struct layout layouts[] = {
	{
		.name = "one page",
		.in = { { SZ_1G, SZ_4K } },
		.out = { { SZ_1G, SZ_4K } },
	}, {
		.name = "address 0",
		.in = { { 0, SZ_4K }, { SZ_4K, SZ_4K } },
		.out = { { 0, SZ_8K } },
	}, {
		.name = "neighbours",
		.in = { { SZ_1G, SZ_4K }, { SZ_1G + SZ_4K, SZ_4K }, { SZ_1G + SZ_8K, SZ_4K } },
		.out = { { SZ_1G, 3 * SZ_4K } },
	}, {
		.name = "hole",
		.in = { { SZ_1G, SZ_4K }, { SZ_1G + SZ_8K, SZ_4K } },
		.out = { { SZ_1G, SZ_4K }, { SZ_1G + SZ_8K, SZ_4K } },
	}, {
		.name = "backwards",
		.in = { { SZ_1G + SZ_4K, SZ_4K }, { SZ_1G, SZ_4K } },
		.out = { { SZ_1G + SZ_4K, SZ_4K }, { SZ_1G, SZ_4K } },
	}, {
		.name = "the hole filled later stays out of order",
		.in = { { SZ_1G, SZ_4K }, { SZ_1G + SZ_8K, SZ_4K }, { SZ_1G + SZ_4K, SZ_4K } },
		.out = { { SZ_1G, SZ_4K }, { SZ_1G + SZ_8K, SZ_4K }, { SZ_1G + SZ_4K, SZ_4K } },
	}, {
		.name = "the same page twice",
		.in = { { SZ_1G, SZ_4K }, { SZ_1G, SZ_4K } },
		.out = { { SZ_1G, SZ_4K }, { SZ_1G, SZ_4K } },
	}, {
		.name = "huge pages that adjoin",
		.in = { { SZ_1G, SZ_2M }, { SZ_1G + SZ_2M, SZ_2M } },
		.out = { { SZ_1G, SZ_4M } },
	}, {
		.name = "huge page, then small ones, then another huge page",
		.in = { { SZ_1G, SZ_2M }, { SZ_1G + SZ_2M, SZ_4K }, { SZ_2G, SZ_4K },
			{ SZ_2G + SZ_4K, SZ_2M } },
		.out = { { SZ_1G, SZ_2M + SZ_4K }, { SZ_2G, SZ_4K + SZ_2M } },
	}, {
		.name = "across 4 GiB",
		.in = { { SZ_4G - SZ_4K, SZ_4K }, { SZ_4G, SZ_4K } },
		.out = { { SZ_4G - SZ_4K, SZ_8K } },
	}, {
		.name = "an extent of more than 4 GiB",
		.in = { { SZ_4G, SZ_4G }, { 2 * SZ_4G, SZ_4G }, { 3 * SZ_4G, SZ_4K } },
		.out = { { SZ_4G, 2 * SZ_4G + SZ_4K } },
	},
};

static void layout_desc(const struct layout *layout, char *desc)
{
	strscpy(desc, layout->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(layout, layouts, layout_desc);

static void merging(struct kunit *test)
{
	const struct layout *layout = test->param_value;
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	struct gh_extents extents;
	u64 bytes = 0;
	size_t i;

	gh_extents_init(&extents);
	for (i = 0; i < MAX_RUNS && layout->in[i].size; i++) {
		KUNIT_ASSERT_EQ(test, 0, gh_extents_add(&extents, layout->in[i].start,
							layout->in[i].size));
		bytes += layout->in[i].size;
	}

	gh_extents_iter_init(&iter, &extents);
	for (i = 0; (extent = gh_extents_iter_next(&iter)); i++) {
		KUNIT_ASSERT_LT(test, i, MAX_RUNS);
		KUNIT_EXPECT_EQ(test, extent->start, layout->out[i].start);
		KUNIT_EXPECT_EQ(test, extent->size, layout->out[i].size);
	}
	KUNIT_EXPECT_TRUE(test, i == MAX_RUNS || !layout->out[i].size);
	KUNIT_EXPECT_EQ(test, extents.count, i);
	KUNIT_EXPECT_EQ(test, extents.bytes, bytes);
	KUNIT_EXPECT_NULL(test, gh_extents_iter_next(&iter));

	gh_extents_free(&extents);
	KUNIT_EXPECT_EQ(test, extents.count, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&extents.chunks));
}

static void empty_list(struct kunit *test)
{
	struct gh_extents_iter iter;
	struct gh_extents extents;

	gh_extents_init(&extents);
	gh_extents_iter_init(&iter, &extents);
	KUNIT_EXPECT_NULL(test, gh_extents_iter_next(&iter));
	KUNIT_EXPECT_NULL(test, gh_extents_iter_next(&iter));
	gh_extents_free(&extents);
}

/* The n-th page of memory where no page adjoins the next. */
static u64 scattered(size_t n)
{
	return SZ_1G + n * SZ_8K;
}

static size_t count_chunks(const struct gh_extents *extents)
{
	struct gh_extents_chunk *chunk;
	size_t n = 0;

	list_for_each_entry(chunk, &extents->chunks, node)
		n++;
	return n;
}

static void check_scattered(struct kunit *test, size_t n)
{
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	struct gh_extents extents;
	size_t i;

	gh_extents_init(&extents);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, 0, gh_extents_add(&extents, scattered(i), SZ_4K));
	KUNIT_EXPECT_EQ(test, extents.count, n);
	KUNIT_EXPECT_EQ(test, count_chunks(&extents), DIV_ROUND_UP(n, GH_EXTENTS_PER_CHUNK));

	gh_extents_iter_init(&iter, &extents);
	for (i = 0; i < n; i++) {
		extent = gh_extents_iter_next(&iter);
		KUNIT_ASSERT_NOT_NULL(test, extent);
		KUNIT_ASSERT_EQ(test, extent->start, scattered(i));
		KUNIT_ASSERT_EQ(test, extent->size, SZ_4K);
	}
	KUNIT_EXPECT_NULL(test, gh_extents_iter_next(&iter));
	gh_extents_free(&extents);
}

/* Around the ends of chunks, and of what fits into one message. */
static void many_extents(struct kunit *test)
{
	static const size_t counts[] = {
		GH_EXTENTS_PER_CHUNK - 1, GH_EXTENTS_PER_CHUNK, GH_EXTENTS_PER_CHUNK + 1,
		511, 512, 513, 1023, 1024, 1025, 10000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		check_scattered(test, counts[i]);
}

/* A run may go on in a new page of the list: it is still merged. */
static void merge_at_end_of_chunk(struct kunit *test)
{
	struct gh_extents extents;
	u64 end;
	size_t i;

	gh_extents_init(&extents);
	for (i = 0; i < GH_EXTENTS_PER_CHUNK; i++)
		KUNIT_ASSERT_EQ(test, 0, gh_extents_add(&extents, scattered(i), SZ_4K));

	end = scattered(GH_EXTENTS_PER_CHUNK - 1) + SZ_4K;
	KUNIT_EXPECT_EQ(test, 0, gh_extents_add(&extents, end, SZ_2M));
	KUNIT_EXPECT_EQ(test, extents.count, GH_EXTENTS_PER_CHUNK);
	KUNIT_EXPECT_EQ(test, count_chunks(&extents), 1);
	gh_extents_free(&extents);
}

/* 1 GiB page by page: as many extents as there are contiguous runs. */
static void gigabyte_of_huge_pages(struct kunit *test)
{
	struct gh_extents extents;
	u64 run, page;

	gh_extents_init(&extents);
	for (run = 0; run < SZ_1G / SZ_2M; run++) {
		for (page = 0; page < SZ_2M; page += SZ_4K)
			KUNIT_ASSERT_EQ(test, 0, gh_extents_add(&extents, run * SZ_4M + page,
								SZ_4K));
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, extents.count, 512);
	KUNIT_EXPECT_EQ(test, extents.bytes, SZ_1G);
	gh_extents_free(&extents);
}

#define LAYOUT_RUNS	6

/* A gap before a run, and whether the run is a huge page, by two bits for each. */
static bool layout_gap(u32 bits, size_t i)
{
	return bits & BIT(2 * i);
}

static u64 layout_size(u32 bits, size_t i)
{
	return bits & BIT(2 * i + 1) ? SZ_2M : SZ_4K;
}

/* Behind @n extents, of which the last ends at *@pos. Returns how many were added. */
static size_t add_layout(struct kunit *test, struct gh_extents *extents, u32 bits, u64 *pos,
			 struct gh_extent *want)
{
	size_t i, n = 0;

	for (i = 0; i < LAYOUT_RUNS; i++) {
		if (layout_gap(bits, i) || !n) {
			*pos += SZ_4K;
			want[n++] = (struct gh_extent){ .start = *pos };
		}
		KUNIT_ASSERT_EQ(test, 0, gh_extents_add(extents, *pos, layout_size(bits, i)));
		want[n - 1].size += layout_size(bits, i);
		*pos += layout_size(bits, i);
	}

	return n;
}

/* Every way in which some runs can lie, where the n-th extent begins. */
static void all_layouts(struct kunit *test, size_t before)
{
	struct gh_extent want[LAYOUT_RUNS];
	const struct gh_extent *extent;
	struct gh_extents_iter iter;
	struct gh_extents extents;
	size_t i, n;
	u32 bits;
	u64 pos;

	for (bits = 0; bits < BIT(2 * LAYOUT_RUNS); bits++) {
		gh_extents_init(&extents);
		for (i = 0; i < before; i++)
			KUNIT_ASSERT_EQ(test, 0, gh_extents_add(&extents, scattered(i), SZ_4K));
		pos = scattered(before);
		n = add_layout(test, &extents, bits, &pos, want);

		KUNIT_ASSERT_EQ(test, extents.count, before + n);
		gh_extents_iter_init(&iter, &extents);
		for (i = 0; i < before; i++)
			gh_extents_iter_next(&iter);
		for (i = 0; i < n; i++) {
			extent = gh_extents_iter_next(&iter);
			KUNIT_ASSERT_NOT_NULL(test, extent);
			KUNIT_ASSERT_EQ(test, extent->start, want[i].start);
			KUNIT_ASSERT_EQ(test, extent->size, want[i].size);
		}
		KUNIT_ASSERT_NULL(test, gh_extents_iter_next(&iter));
		gh_extents_free(&extents);
		cond_resched();
	}
}

static void all_layouts_at_start(struct kunit *test)
{
	all_layouts(test, 0);
}

static void all_layouts_at_end_of_chunk(struct kunit *test)
{
	all_layouts(test, GH_EXTENTS_PER_CHUNK - LAYOUT_RUNS / 2);
}

static struct kunit_case gh_extent_cases[] = {
	KUNIT_CASE_PARAM(merging, layout_gen_params),
	KUNIT_CASE(empty_list),
	KUNIT_CASE(many_extents),
	KUNIT_CASE(merge_at_end_of_chunk),
	KUNIT_CASE(gigabyte_of_huge_pages),
	KUNIT_CASE(all_layouts_at_start),
	KUNIT_CASE(all_layouts_at_end_of_chunk),
	{}
};

static struct kunit_suite gh_extent_suite = {
	.name = "gunyah-extents",
	.test_cases = gh_extent_cases,
};

kunit_test_suite(gh_extent_suite);

MODULE_DESCRIPTION("KUnit: Gunyah lists of physical extents");
MODULE_LICENSE("GPL");
