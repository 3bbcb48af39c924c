// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: memory regions, the parcels that they become, and how these come back.
 *
 * The VM manager's memory and the messages about memory are compiled in here, so
 * that what is below can be replaced.
 */

#include <kunit/test.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>

#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(_symbol)

#include "../../drivers/virt/gunyah/rsc_mgr_mem.c"
#include "../../drivers/virt/gunyah/rsc_mgr_rpc.c"
#include "../../drivers/virt/gunyah/vm_mgr_extent.c"
#include "../../drivers/virt/gunyah/vm_mgr_mem_info.c"
#include "../../drivers/virt/gunyah/vm_mgr_mm.c"
#include "../../drivers/virt/gunyah/vm_mgr_parcel.c"

#include "gunyah_vm_mem_fake_rm.c"

#define RWX	GH_MEM_ACCESS
#define LENT	(RWX | GH_MEM_LENT)
#define BASE	0x80000000ULL

/* Labels */
enum { IMAGE, MORE, SHARED, OTHER };

/*
 * Memory that is not there: each page is a run of its own.
 */

static int released, abandoned;
static size_t last_max;
static bool in_place = true;

bool gh_vm_lends_in_place(void)
{
	return in_place;
}

/* Instead, if there are any: runs that make the next region */
static const struct gh_extent *next_runs;
static size_t n_next_runs;

static void fake_free(struct gh_vm_backing *backing)
{
	gh_extents_free(&backing->extents);
	kfree(backing);
}

static void fake_release_memory(struct gh_vm_backing *backing)
{
	released++;
	fake_free(backing);
}

static void fake_abandon_memory(struct gh_vm_backing *backing)
{
	abandoned++;
	fake_free(backing);
}

static const struct gh_vm_backing_ops fake_backing_ops = {
	.release = fake_release_memory,
	.abandon = fake_abandon_memory,
};

static int fake_runs(struct gh_extents *extents, u64 start, u64 n)
{
	int ret = 0;
	u64 i;

	for (i = 0; i < n_next_runs && !ret; i++)
		ret = gh_extents_add(extents, next_runs[i].start, next_runs[i].size);
	for (i = 0; i < n && !n_next_runs && !ret; i++)
		ret = gh_extents_add(extents, start + 2 * i * PAGE_SIZE, PAGE_SIZE);
	n_next_runs = 0;
	return ret;
}

/* At @uaddr there are @size bytes in pieces; contents and permissions do not matter. */
struct gh_vm_backing *gh_vm_pin_user(u64 uaddr, u64 size, size_t max_extents)
{
	struct gh_vm_backing *backing;

	last_max = max_extents;
	if (size / PAGE_SIZE > max_extents)
		return ERR_PTR(-E2BIG);
	backing = kzalloc(sizeof(*backing), GFP_KERNEL);
	if (!backing)
		return ERR_PTR(-ENOMEM);
	backing->ops = &fake_backing_ops;
	gh_extents_init(&backing->extents);
	if (fake_runs(&backing->extents, uaddr, size / PAGE_SIZE)) {
		fake_free(backing);
		return ERR_PTR(-ENOMEM);
	}
	return backing;
}

/* It is never a guest memory file's. */
struct gh_vm_backing *gh_guest_mem_bind_user(u64 uaddr, u64 size)
{
	return NULL;
}

static struct gh_vm *only_vm;

void gh_vm_for_each(void (*each)(struct gh_vm *ghvm, void *arg), void *arg)
{
	each(only_vm, arg);
}

int gh_vm_aborted(struct gh_vm *ghvm)
{
	return ghvm->abort ? -EINTR : 0;
}

int gh_vm_lock_config(struct gh_vm *ghvm)
{
	mutex_lock(&ghvm->config_lock);
	return 0;
}

/*
 * Fixture
 */

struct mem {
	struct fake_rm fake;
	struct gh_vm_mgr mgr;
	struct gh_vm vm;
};

static int vm_mem_init(struct kunit *test)
{
	struct mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);

	if (!mem)
		return -ENOMEM;
	released = 0;
	abandoned = 0;
	n_next_runs = 0;
	atomic64_set(&gh_vm_abandoned, 0);
	mem->fake.test = test;
	mem->mgr.rm = &mem->fake.rm;
	mem->mgr.host_vmid = GH_VMID_INVAL;
	mutex_init(&mem->mgr.lock);
	mem->vm.mgr = &mem->mgr;
	mem->vm.mm = current->mm;
	mem->vm.vmid = FAKE_GUEST;
	mem->vm.dtb_gpa = BASE;
	mem->vm.dtb_size = PAGE_SIZE;
	mutex_init(&mem->vm.config_lock);
	spin_lock_init(&mem->vm.mem_lock);
	INIT_LIST_HEAD(&mem->vm.regions);
	only_vm = &mem->vm;
	test->priv = mem;
	fake_reset(&mem->fake);
	return 0;
}

static void vm_mem_exit(struct kunit *test)
{
	struct mem *mem = test->priv;

	if (mem)
		gh_vm_free_memory(&mem->vm);
}

static int set_region(struct mem *mem, u32 label, u32 flags, u64 gpa, u64 size)
{
	struct gh_userspace_memory_region region = {
		.label = label,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = fake_memory(label),
	};

	return gh_vm_set_region(&mem->vm, &region, false);
}

static void add(struct kunit *test, u32 label, u32 flags, u64 gpa, size_t pages)
{
	KUNIT_ASSERT_EQ(test, 0, set_region(test->priv, label, flags, gpa, pages * PAGE_SIZE));
}

/* As START does it */
static int give(struct mem *mem)
{
	int ret;

	mutex_lock(&mem->vm.config_lock);
	ret = gh_vm_check_memory(&mem->vm);
	mutex_unlock(&mem->vm.config_lock);
	return ret ?: gh_vm_give_memory(&mem->vm);
}

/* Everything is the host's, and the accounts agree. */
static void expect_own(struct kunit *test)
{
	struct mem *mem = test->priv;
	struct gh_vm_mem_info *info = &mem->vm.mem_info;
	struct gh_vm_region *region;
	u64 size = 0;
	size_t i;
	u32 p;

	list_for_each_entry(region, &mem->vm.regions, node) {
		size += region->size;
		for (i = 0; i < region->n_parcels; i++) {
			KUNIT_EXPECT_EQ(test, region->parcels[i].state, GH_VM_PARCEL_OWN);
			KUNIT_EXPECT_EQ(test, region->parcels[i].mem_handle, GH_MEM_HANDLE_INVAL);
		}
	}
	KUNIT_EXPECT_EQ(test, info->pinned, size);
	KUNIT_EXPECT_EQ(test, info->shared + info->lent + info->stuck, 0);
	KUNIT_EXPECT_EQ(test, info->n_parcels, 0);
	KUNIT_EXPECT_EQ(test, fake_left(&mem->fake), 0);
	for (p = 0; p < mem->fake.n_parcels; p++)
		KUNIT_EXPECT_EQ(test, mem->fake.parcels[p].reclaims, 1);
}

/*
 * Dividing
 */

static const struct division {
	size_t pages;
	unsigned int parcels;
	unsigned int requests;
} divisions[] = {
	{ 1, 1, 1 },
	{ 511, 1, 1 },
	{ 512, 1, 1 },
	{ 513, 1, 2 },
	{ 1023, 1, 2 },
	{ 1024, 1, 2 },
	{ 1025, 1, 3 },
	{ 7167, 1, 14 },
	{ 7168, 1, 14 },
	{ 7169, 2, 15 },
	{ 7168 + 512, 2, 15 },
	{ 7168 + 513, 2, 16 },
	{ 2 * 7168, 2, 28 },
	{ 2 * 7168 + 1, 3, 29 },
};

static void division_desc(const struct division *division, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu", division->pages);
}

KUNIT_ARRAY_PARAM(division, divisions, division_desc);

static void dividing(struct kunit *test)
{
	const struct division *division = test->param_value;
	struct mem *mem = test->priv;
	struct fake_rm *fake = &mem->fake;
	size_t n = 0;
	u32 i;

	add(test, IMAGE, LENT, BASE, 1);
	add(test, MORE, LENT, BASE + PAGE_SIZE, division->pages);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_extents, division->pages + 1);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	KUNIT_EXPECT_EQ(test, fake->n_requests, division->requests + 1);
	KUNIT_EXPECT_EQ(test, fake->n_parcels, division->parcels + 1);
	for (i = 0; i < fake->n_parcels; i++) {
		KUNIT_EXPECT_FALSE(test, fake->parcels[i].open);
		KUNIT_EXPECT_LE(test, fake->parcels[i].n, 7168);
		n += fake->parcels[i].n;
	}
	KUNIT_EXPECT_EQ(test, n, division->pages + 1);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_parcels, division->parcels + 1);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.lent, (division->pages + 1) * PAGE_SIZE);

	KUNIT_EXPECT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
	expect_own(test);
}

#define MANY	7169

/* Only where it goes behind the image, in its turn, may a region be divided. */
static void divided_where_it_belongs(struct kunit *test)
{
	struct mem *mem = test->priv;
	u64 end = BASE + PAGE_SIZE;

	add(test, IMAGE, LENT, BASE, 1);
	add(test, MORE, LENT, end + PAGE_SIZE, MANY);
	KUNIT_EXPECT_EQ_MSG(test, -E2BIG, give(mem), "a hole before it");
	KUNIT_EXPECT_EQ(test, mem->fake.n_requests, 0);

	/* Shared memory goes elsewhere, and does not fill the hole. */
	add(test, SHARED, RWX, end, 1);
	KUNIT_EXPECT_EQ_MSG(test, -E2BIG, give(mem), "shared memory before it");
	KUNIT_EXPECT_EQ(test, 0, set_region(mem, SHARED, 0, 0, 0));

	/* Lent memory does, though it comes last. */
	add(test, OTHER, LENT, end, 1);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	KUNIT_EXPECT_EQ(test, mem->fake.n_parcels, 4);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[0].label, IMAGE);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[1].label, OTHER);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[2].label, MORE);
	KUNIT_EXPECT_EQ(test, mem->fake.parcels[3].label, MORE);
	KUNIT_EXPECT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
	expect_own(test);
}

/* Lent memory from below the image goes behind it as well, and pushes others away. */
static void lent_below_the_image(struct kunit *test)
{
	struct mem *mem = test->priv;

	add(test, OTHER, LENT, BASE - PAGE_SIZE, 1);
	add(test, IMAGE, LENT, BASE, 1);
	add(test, MORE, LENT, BASE + PAGE_SIZE, MANY);
	KUNIT_EXPECT_EQ(test, -E2BIG, give(mem));
	KUNIT_EXPECT_EQ(test, 0, set_region(mem, OTHER, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	KUNIT_EXPECT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
}

static void image_is_not_divided(struct kunit *test)
{
	struct mem *mem = test->priv;

	add(test, IMAGE, LENT, BASE, MANY);
	KUNIT_EXPECT_EQ(test, -E2BIG, give(mem));
	KUNIT_EXPECT_EQ(test, mem->fake.n_requests, 0);
	expect_own(test);
}

static void shared_memory_is_not_divided(struct kunit *test)
{
	struct mem *mem = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_region(mem, SHARED, RWX, BASE, 7168 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -E2BIG, set_region(mem, MORE, RWX, 0, 7169 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, last_max, 7168);
	KUNIT_EXPECT_EQ(test, 0, set_region(mem, OTHER, LENT, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, last_max, 64 * 7168);
	in_place = false;
	KUNIT_EXPECT_EQ(test, 0, set_region(mem, MORE, LENT, PAGE_SIZE, PAGE_SIZE));
	in_place = true;
	KUNIT_EXPECT_EQ(test, last_max, SIZE_MAX);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_extents, 7168 + 2);
}

/*
 * Failing
 */

/* 1, 14 + 1, 2, who we are, 2; and one for each parcel to take it back */
#define REQUESTS	21
#define PARCELS		5

static void add_all(struct kunit *test)
{
	add(test, IMAGE, LENT | GH_MEM_SANITIZE, BASE, 1);
	add(test, MORE, LENT, BASE + PAGE_SIZE, MANY);
	add(test, OTHER, LENT, BASE + PAGE_SIZE * (1 + MANY), 513);
	add(test, SHARED, RWX, BASE + PAGE_SIZE * (1 + MANY + 513), 513);
}

static const struct failure {
	const char *name;
	enum fault fault;
	unsigned int count;
} failures[] = {
	{ "refused", FAULT_REFUSED, 1 },
	{ "refused twice", FAULT_REFUSED, 2 },
	{ "done without a reply", FAULT_LOST, 1 },
	{ "done without a reply twice", FAULT_LOST, 2 },
	{ "not sent", FAULT_UNSENT, 1 },
	{ "not sent, nor the way back", FAULT_UNSENT, 3 },
};

static void failure_desc(const struct failure *failure, char *desc)
{
	strscpy(desc, failure->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(failure, failures, failure_desc);

static void reclaim_all(struct kunit *test)
{
	struct mem *mem = test->priv;
	unsigned int n;

	for (n = 0; n < 4 && !gh_vm_reclaim_memory(&mem->vm); n++)
		KUNIT_EXPECT_GT(test, mem->vm.mem_info.stuck, 0);
	expect_own(test);

	/* What came back is not asked for again. */
	n = mem->fake.n_requests;
	KUNIT_EXPECT_TRUE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_EQ(test, mem->fake.n_requests, n);
}

/* Each request in turn: whatever it was, everything comes back, once. */
static void failing_give(struct kunit *test)
{
	const struct failure *failure = test->param_value;
	struct mem *mem = test->priv;
	unsigned int at;

	add_all(test);
	for (at = 0; at < REQUESTS; at++) {
		mem->mgr.host_vmid = GH_VMID_INVAL;
		fake_fail(&mem->fake, failure->fault, at, failure->count);
		KUNIT_EXPECT_GT_MSG(test, 0, give(mem), "request %u", at);
		reclaim_all(test);
		/* Others may have the handle by then: only if nobody said what became of it */
		KUNIT_EXPECT_LE(test, mem->fake.n_stale,
				failure->fault == FAULT_LOST && failure->count > 1 ? 1U : 0U);
		fake_reset(&mem->fake);
		cond_resched();
	}
	gh_vm_free_memory(&mem->vm);
	KUNIT_EXPECT_EQ(test, released, 4);
	KUNIT_EXPECT_EQ(test, abandoned, 0);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.pinned, 0);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_extents, 0);
}

static void failing_reclaim(struct kunit *test)
{
	const struct failure *failure = test->param_value;
	struct mem *mem = test->priv;
	unsigned int at;

	add_all(test);
	for (at = 0; at < PARCELS; at++) {
		mem->mgr.host_vmid = GH_VMID_INVAL;
		KUNIT_EXPECT_EQ(test, 0, give(mem));
		KUNIT_EXPECT_EQ(test, mem->fake.n_requests, REQUESTS);
		fake_fail(&mem->fake, failure->fault, REQUESTS + at, failure->count);
		KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
		KUNIT_EXPECT_EQ(test, mem->vm.mem_info.lent + mem->vm.mem_info.shared, 0);
		KUNIT_EXPECT_GT(test, mem->vm.mem_info.stuck, 0);
		reclaim_all(test);
		fake_reset(&mem->fake);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, released, 0);
	gh_vm_free_memory(&mem->vm);
	KUNIT_EXPECT_EQ(test, released, 4);
	KUNIT_EXPECT_EQ(test, abandoned, 0);
}

/* As long as nobody knows whether there is a parcel, the memory is not used again. */
static void never_answered(struct kunit *test)
{
	struct mem *mem = test->priv;

	add_all(test);
	fake_fail(&mem->fake, FAULT_UNHEARD, 0, 1);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, give(mem));
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.stuck, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.n_parcels, 1);
	gh_vm_free_memory(&mem->vm);
	KUNIT_EXPECT_EQ(test, released, 3);
	KUNIT_EXPECT_EQ(test, abandoned, 1);
}

/* Nothing that was asked before can have given it back. */
static void gone_unasked(struct kunit *test)
{
	struct mem *mem = test->priv;

	add(test, IMAGE, LENT, BASE, 1);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	mem->fake.parcels[0].used = false;
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.stuck, PAGE_SIZE);
	gh_vm_free_own_memory(&mem->vm);
	KUNIT_EXPECT_EQ(test, released, 0);
	gh_vm_free_memory(&mem->vm);
	KUNIT_EXPECT_EQ(test, abandoned, 1);
}

/* The VM is told to end meanwhile: what was given comes back. */
static void aborted(struct kunit *test)
{
	struct mem *mem = test->priv;

	add_all(test);
	mem->vm.abort = true;
	KUNIT_EXPECT_EQ(test, -EINTR, give(mem));
	KUNIT_EXPECT_EQ(test, mem->fake.n_requests, 0);
	expect_own(test);
}

static void cleared_if_asked(struct kunit *test)
{
	struct mem *mem = test->priv;
	struct fake_parcel *parcel;
	u32 i;

	add_all(test);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	fake_fail(&mem->fake, FAULT_REFUSED, mem->fake.n_requests, 1);
	reclaim_all(test);
	KUNIT_EXPECT_EQ(test, mem->fake.n_parcels, PARCELS);
	for (i = 0; i < mem->fake.n_parcels; i++) {
		parcel = &mem->fake.parcels[i];
		KUNIT_EXPECT_EQ(test, parcel->sanitized, parcel->label == IMAGE);
		KUNIT_EXPECT_EQ(test, parcel->lent, parcel->label != SHARED);
	}
}

static void accounts(struct kunit *test)
{
	struct mem *mem = test->priv;
	struct gh_vm_mem_info *info = &mem->vm.mem_info;

	add_all(test);
	KUNIT_EXPECT_EQ(test, info->pinned, PAGE_SIZE * (1 + MANY + 513 + 513));
	KUNIT_EXPECT_EQ(test, info->n_extents, 1 + MANY + 513 + 513);
	KUNIT_EXPECT_EQ(test, info->n_parcels, 0);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	KUNIT_EXPECT_EQ(test, info->pinned, PAGE_SIZE * (1 + MANY + 513 + 513));
	KUNIT_EXPECT_EQ(test, info->lent, PAGE_SIZE * (1 + MANY + 513));
	KUNIT_EXPECT_EQ(test, info->shared, PAGE_SIZE * 513);
	KUNIT_EXPECT_EQ(test, info->stuck, 0);
	KUNIT_EXPECT_EQ(test, info->n_parcels, PARCELS);

	/* The second parcel of the divided region stays. */
	fake_fail(&mem->fake, FAULT_REFUSED, mem->fake.n_requests + 2, 1);
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	KUNIT_EXPECT_EQ(test, info->pinned, PAGE_SIZE * (1 + MANY + 513 + 513));
	KUNIT_EXPECT_EQ(test, info->lent, 0);
	KUNIT_EXPECT_EQ(test, info->shared, 0);
	KUNIT_EXPECT_EQ(test, info->stuck, PAGE_SIZE * (MANY - 7168));
	KUNIT_EXPECT_EQ(test, info->n_parcels, 1);
	reclaim_all(test);
}

static void shown(struct kunit *test)
{
	struct seq_file m = { .size = PAGE_SIZE };
	struct mem *mem = test->priv;
	struct file *file;

	file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	file->private_data = &mem->vm;
	add(test, IMAGE, LENT, BASE, 4);
	add(test, SHARED, RWX, 2 * BASE, 2);
	KUNIT_EXPECT_EQ(test, 0, give(mem));
	fake_fail(&mem->fake, FAULT_REFUSED, mem->fake.n_requests + 1, 1);
	gh_vm_show_fdinfo(&m, file);
	KUNIT_EXPECT_FALSE(test, gh_vm_reclaim_memory(&mem->vm));
	gh_vm_show_fdinfo(&m, file);
	mem->vm.retry_delay = HZ;
	gh_vm_memory_show(&m, NULL);
	gh_vm_free_memory(&mem->vm);

	KUNIT_EXPECT_STREQ(test, m.buf,
			   "mem-pinned:\t24576\nmem-shared:\t8192\nmem-lent:\t16384\n"
			   "mem-quarantined:\t0\nmem-entries:\t6\nmem-parcels:\t2\n"
			   "mem-pinned:\t24576\nmem-shared:\t0\nmem-lent:\t0\n"
			   "mem-quarantined:\t8192\nmem-entries:\t6\nmem-parcels:\t1\n"
			   "vm 128 pinned 24576 shared 0 lent 0 quarantined 8192 entries 6 parcels 1 retry-ms 1000\n"
			   "abandoned 0\n");
	KUNIT_EXPECT_EQ(test, atomic64_read(&gh_vm_abandoned), 8192);
}

/*
 * Ranges
 */

#define B44	BIT_ULL(44)
#define B63	BIT_ULL(63)
#define PAGE	((u64)PAGE_SIZE)

/* Next to a region at [B44 - 4 PAGE, B44 - 2 PAGE) and one at [0, PAGE) */
static const struct guest_range {
	u64 gpa;
	u64 size;
	u64 uaddr;
	int want;
} ranges[] = {
	/* wraps */
	{ -PAGE, PAGE, PAGE, -EOVERFLOW },
	{ -PAGE, 2 * PAGE, PAGE, -EOVERFLOW },
	{ PAGE, -PAGE, PAGE, -EOVERFLOW },
	{ PAGE, PAGE, -PAGE, -EOVERFLOW },
	{ PAGE, B63, B63, -EOVERFLOW },
	{ B63, B63, PAGE, -EOVERFLOW },
	{ B63, B63 - PAGE, PAGE, -EINVAL },
	{ B63, PAGE, PAGE, -EINVAL },
	{ B63 - PAGE, PAGE, PAGE, -EINVAL },
	{ B63 - PAGE, 2 * PAGE, PAGE, -EINVAL },
	{ B63 - PAGE, B63, PAGE, -EINVAL },
	{ B63 - PAGE, B63 + PAGE, PAGE, -EOVERFLOW },
	{ PAGE, B63 - PAGE, B63, -EINVAL },
	{ PAGE, B63, PAGE, -EINVAL },
	/* 2^44 */
	{ B44, PAGE, PAGE, -EINVAL },
	{ B44 - PAGE, 2 * PAGE, PAGE, -EINVAL },
	{ PAGE, B44, PAGE, -EINVAL },
	{ 0, B44, PAGE, -EEXIST },
	{ PAGE, B44 - PAGE, PAGE, -EEXIST },
	{ B44 - PAGE, PAGE, PAGE, 0 },
	/* other regions */
	{ B44 - 2 * PAGE, PAGE, PAGE, 0 },
	{ B44 - 3 * PAGE, PAGE, PAGE, -EEXIST },
	{ B44 - 4 * PAGE, PAGE, PAGE, -EEXIST },
	{ B44 - 5 * PAGE, 2 * PAGE, PAGE, -EEXIST },
	{ B44 - 5 * PAGE, PAGE, PAGE, 0 },
	{ B44 - 5 * PAGE, 4 * PAGE, PAGE, -EEXIST },
	{ 0, PAGE, PAGE, -EEXIST },
	{ PAGE, PAGE, PAGE, 0 },
	/* 32 bits are not enough */
	{ BIT_ULL(32), PAGE, PAGE, 0 },
	{ BIT_ULL(32) - PAGE, 2 * PAGE, PAGE, 0 },
	{ PAGE + B44 / 2, BIT_ULL(32) * PAGE, PAGE, -EINVAL },
	{ BIT_ULL(32), PAGE + 1, PAGE, -EINVAL },
	{ BIT_ULL(32) + 1, PAGE, PAGE, -EINVAL },
	{ BIT_ULL(32), PAGE, PAGE + 1, -EINVAL },
};

static void range_desc(const struct guest_range *range, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%#llx, %#llx bytes from %#llx", range->gpa,
		 range->size, range->uaddr);
}

KUNIT_ARRAY_PARAM(guest_range, ranges, range_desc);

static void range_arithmetic(struct kunit *test)
{
	const struct guest_range *range = test->param_value;
	struct mem *mem = test->priv;
	const struct gh_userspace_memory_region region = {
		.label = OTHER,
		.flags = RWX,
		.guest_phys_addr = range->gpa,
		.memory_size = range->size,
		.userspace_addr = range->uaddr,
	};

	add(test, IMAGE, RWX, B44 - 4 * PAGE, 2);
	add(test, MORE, LENT, 0, 1);
	KUNIT_EXPECT_EQ(test, range->want, gh_vm_set_region(&mem->vm, &region, false));
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.pinned,
			PAGE * 3 + (range->want ? 0 : range->size));
}

/* Another process's memory */
static void other_process(struct kunit *test)
{
	struct mem *mem = test->priv;

	/* Anything that is not ours */
	mem->vm.mm = (struct mm_struct *)mem;
	KUNIT_EXPECT_EQ(test, -EPERM, set_region(mem, IMAGE, RWX, BASE, PAGE));
	KUNIT_EXPECT_EQ(test, -EPERM, set_region(mem, IMAGE, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, mem->vm.mem_info.pinned, 0);
}

#include "gunyah_vm_layout_cases.c"

static struct kunit_case mem_cases[] = {
	KUNIT_CASE_PARAM(dividing, division_gen_params),
	KUNIT_CASE(divided_where_it_belongs),
	KUNIT_CASE(lent_below_the_image),
	KUNIT_CASE(image_is_not_divided),
	KUNIT_CASE(shared_memory_is_not_divided),
	KUNIT_CASE(layouts_around_512),
	KUNIT_CASE(adjacent_regions),
	KUNIT_CASE(only_small_allocations),
	KUNIT_CASE_PARAM(failing_give, failure_gen_params),
	KUNIT_CASE_PARAM(failing_reclaim, failure_gen_params),
	KUNIT_CASE(never_answered),
	KUNIT_CASE(gone_unasked),
	KUNIT_CASE(aborted),
	KUNIT_CASE(cleared_if_asked),
	KUNIT_CASE(accounts),
	KUNIT_CASE(shown),
	KUNIT_CASE_PARAM(range_arithmetic, guest_range_gen_params),
	KUNIT_CASE(other_process),
	{}
};

static struct kunit_suite mem_suite = {
	.name = "gunyah-vm-memory",
	.init = vm_mem_init,
	.exit = vm_mem_exit,
	.test_cases = mem_cases,
};

kunit_test_suite(mem_suite);

MODULE_DESCRIPTION("KUnit: memory of Gunyah VMs");
MODULE_LICENSE("GPL");
