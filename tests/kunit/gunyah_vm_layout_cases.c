// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: how memory lies, and what that costs. Part of gunyah_vm_mem_test.c.
 */

#define LAYOUT_RUNS	4

/* Behind @n runs, the rest by bits: a gap before a run, and whether it is a huge page. */
static size_t make_layout(struct gh_extent *runs, size_t n, u32 bits)
{
	u64 pos = fake_memory(IMAGE);
	size_t i;

	for (i = 0; i < n + LAYOUT_RUNS; i++) {
		u32 two = i < n ? 1 : bits >> 2 * (i - n);

		pos += two & 1 ? PAGE_SIZE : 0;
		runs[i].start = pos;
		runs[i].size = two & 2 ? SZ_2M : PAGE_SIZE;
		pos += runs[i].size;
	}
	return i;
}

/* What has to be in the requests: neighbours are one. */
static size_t merge(struct gh_extent *runs, size_t n)
{
	size_t last = 0, i;

	for (i = 1; i < n; i++) {
		if (runs[last].start + runs[last].size == runs[i].start)
			runs[last].size += runs[i].size;
		else
			runs[++last] = runs[i];
	}
	return last + 1;
}

/* Every way in which some runs can lie where the first request ends and the next begins. */
static void layouts_around_512(struct kunit *test)
{
	struct gh_extent *runs = kunit_kcalloc(test, 520, sizeof(*runs), GFP_KERNEL);
	struct mem *mem = test->priv;
	size_t before, n;
	u32 bits;

	KUNIT_ASSERT_NOT_NULL(test, runs);
	for (before = 509; before <= 512; before++) {
		for (bits = 0; bits < BIT(2 * LAYOUT_RUNS); bits++) {
			next_runs = runs;
			n_next_runs = make_layout(runs, before, bits);
			add(test, IMAGE, LENT, BASE, 1);
			n = merge(runs, before + LAYOUT_RUNS);
			mem->fake.want = runs;
			KUNIT_ASSERT_EQ(test, 0, give(mem));
			KUNIT_ASSERT_EQ(test, mem->fake.n_requests, n > 512 ? 2 : 1);
			KUNIT_ASSERT_EQ(test, mem->fake.parcels[0].n, n);
			KUNIT_ASSERT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
			KUNIT_ASSERT_EQ(test, 0, set_region(mem, IMAGE, 0, 0, 0));
			fake_reset(&mem->fake);
			cond_resched();
		}
	}
}

/* Regions that lie next to each other are parcels of their own all the same. */
static void adjacent_regions(struct kunit *test)
{
	struct gh_extent runs[] = { { SZ_1G, SZ_2M }, { SZ_1G + SZ_2M, SZ_2M } };
	struct mem *mem = test->priv;

	next_runs = runs;
	n_next_runs = 1;
	KUNIT_ASSERT_EQ(test, 0, set_region(mem, IMAGE, LENT, BASE, SZ_2M));
	next_runs = runs + 1;
	n_next_runs = 1;
	KUNIT_ASSERT_EQ(test, 0, set_region(mem, MORE, LENT, BASE + SZ_2M, SZ_2M));
	mem->fake.want = runs;
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	KUNIT_EXPECT_EQ(test, mem->fake.n_parcels, 2);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[0].n, 1);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[1].n, 1);
	KUNIT_EXPECT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
}

/*
 * No memory in large pieces
 */

/* A page that is allocated by kmalloc() takes two of a kernel with KASAN. */
#define MAX_ORDER_LEFT	1

static struct task_struct *without_large;
static unsigned int large_refused;

/* bool should_fail_alloc_page(gfp_t gfp_mask, unsigned int order) */
static int refuse_large(struct kprobe *probe, struct pt_regs *regs)
{
	if (current != without_large || regs_get_kernel_argument(regs, 1) <= MAX_ORDER_LEFT)
		return 0;
	large_refused++;
	/* As if it had returned */
	regs_set_return_value(regs, true);
	instruction_pointer_set(regs, procedure_link_pointer(regs));
	return 1;
}

static struct kprobe refuse_large_probe = {
	.symbol_name = "should_fail_alloc_page",
	.pre_handler = refuse_large,
};

/* As scattered as it may be: the lists of its runs would fill 7 MiB. */
static void only_small_allocations(struct kunit *test)
{
	const size_t pages = 64 * 7168;
	struct mem *mem = test->priv;
	void *large;
	int ret;

	ret = register_kprobe(&refuse_large_probe);
	if (ret)
		kunit_skip(test, "allocations cannot be refused: %d", ret);
	large_refused = 0;
	without_large = current;
	large = kmalloc(SZ_32K, GFP_KERNEL | __GFP_NOWARN);
	ret = set_region(mem, MORE, LENT, BASE, pages * PAGE_SIZE);
	without_large = NULL;
	unregister_kprobe(&refuse_large_probe);
	KUNIT_EXPECT_NULL(test, large);
	KUNIT_EXPECT_GT(test, large_refused, 0U);
	kfree(large);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_extents, pages);
}
