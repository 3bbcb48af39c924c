// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: life of a VM.
 *
 * The VM manager is compiled in here, so that the Resource Manager's functions
 * can be replaced.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(_symbol)

#include "../../drivers/virt/gunyah/vm_mgr_boot.c"
#include "../../drivers/virt/gunyah/vm_mgr_cap.c"
#include "../../drivers/virt/gunyah/vm_mgr_extent.c"
#include "../../drivers/virt/gunyah/vm_mgr_fn.c"
#include "../../drivers/virt/gunyah/vm_mgr_io.c"
#include "../../drivers/virt/gunyah/vm_mgr_life.c"
#include "../../drivers/virt/gunyah/vm_mgr_map.c"
#include "../../drivers/virt/gunyah/vm_mgr_mem_info.c"
#include "../../drivers/virt/gunyah/vm_mgr_mm.c"
#include "../../drivers/virt/gunyah/vm_mgr_parcel.c"
#include "../../drivers/virt/gunyah/vm_mgr_rsc.c"
#include "../../drivers/virt/gunyah/vm_mgr_state.c"
#include "../../drivers/virt/gunyah/vm_mgr_status.c"
#include "../../drivers/virt/gunyah/vm_mgr_vm.c"
#include "../../drivers/virt/gunyah/vm_mgr.c"

#include "gunyah_vm_fake_rm.c"

#define TEST_GPA	0x80000000UL
#define TEST_UADDR	0x10000UL

/*
 * Memory that is not there
 */

static int released, abandoned;

static void fake_free(struct gh_vm_backing *backing)
{
	gh_extents_free(&backing->extents);
	kfree(backing);
}

static void fake_release(struct gh_vm_backing *backing)
{
	released++;
	fake_free(backing);
}

static void fake_abandon(struct gh_vm_backing *backing)
{
	abandoned++;
	fake_free(backing);
}

static const struct gh_vm_backing_ops fake_backing_ops = {
	.release = fake_release,
	.abandon = fake_abandon,
};

struct gh_vm_backing *gh_vm_pin_user(u64 uaddr, u64 size, size_t max_extents)
{
	struct gh_vm_backing *backing = kzalloc(sizeof(*backing), GFP_KERNEL);
	u64 i;

	if (!backing)
		return ERR_PTR(-ENOMEM);
	backing->ops = &fake_backing_ops;
	gh_extents_init(&backing->extents);
	/* What would be too many pages is in one piece. */
	if (size >= SZ_1G) {
		gh_extents_add(&backing->extents, SZ_1T, size);
		return backing;
	}
	for (i = 0; i < size / PAGE_SIZE; i++)
		gh_extents_add(&backing->extents, 2 * i * PAGE_SIZE, PAGE_SIZE);
	return backing;
}

/* It is never a guest memory file's. */
struct gh_vm_backing *gh_guest_mem_bind_user(u64 uaddr, u64 size)
{
	return NULL;
}

/* But any file is one. */
struct gh_guest_mem *gh_guest_mem_of(struct file *file)
{
	static struct gh_guest_mem fake_guest_mem;

	return &fake_guest_mem;
}

struct gh_vm_backing *gh_guest_mem_bind(struct gh_guest_mem *gm, u64 offset, u64 size,
					unsigned int how)
{
	return gh_vm_pin_user(offset, size, SIZE_MAX);
}

struct gh_guest_mem *gh_guest_mem_bound(struct gh_vm_backing *backing, u64 *offset)
{
	return NULL;
}

int gh_guest_mem_trim(struct gh_vm_backing *backing, u64 offset, u64 size)
{
	return -EOPNOTSUPP;
}

long gh_guest_mem_ioctl_create(void __user *argp)
{
	return -EOPNOTSUPP;
}

int gh_guest_mem_init(void)
{
	return 0;
}

void gh_guest_mem_exit(void)
{
}

/*
 * Lending, which is in order or not before anything is asked
 */

static int lend_errno, prepared, cancelled;

int gh_vm_prepare_lending(struct gh_vm *ghvm)
{
	lockdep_assert_held(&ghvm->config_lock);
	if (lend_errno)
		return lend_errno;
	if (!ghvm->mgr->rm->trace[0])
		prepared++;
	return gh_vm_check_memory(ghvm);
}

bool gh_vm_lends_in_place(void)
{
	return true;
}

void gh_vm_cancel_lending(struct gh_vm *ghvm)
{
	lockdep_assert_held(&ghvm->config_lock);
	cancelled++;
}

/*
 * Fixture
 */

struct life {
	struct platform_device *pdev;
	struct gh_rm rm;
	struct gh_vm *ghvm;
};

static int set_region(struct gh_vm *ghvm, u32 label, u32 flags, u64 gpa, u64 size)
{
	struct gh_userspace_memory_region region = {
		.label = label,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = TEST_UADDR,
	};

	return gh_vm_set_region(ghvm, &region, false);
}

static int set_dtb(struct gh_vm *ghvm, u64 gpa, u64 size)
{
	struct gh_vm_dtb_config dtb_config = { .guest_phys_addr = gpa, .size = size };

	return gh_vm_set_dtb_config(ghvm, &dtb_config);
}

#define RWX	GH_MEM_ACCESS

/* A lent region to boot from, with the devicetree, and a shared one. */
static void configure(struct kunit *test, struct gh_vm *ghvm)
{
	KUNIT_ASSERT_EQ(test, 0, set_region(ghvm, 0, RWX | GH_MEM_LENT, TEST_GPA,
					    16 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, set_region(ghvm, 1, GH_MEM_ALLOW_READ, 2 * TEST_GPA, PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, set_dtb(ghvm, TEST_GPA + PAGE_SIZE, PAGE_SIZE + 1));
}

static int life_init(struct kunit *test)
{
	struct gh_vm_mgr *mgr;
	struct life *life;

	life = kunit_kzalloc(test, sizeof(*life), GFP_KERNEL);
	if (!life)
		return -ENOMEM;

	released = 0;
	abandoned = 0;
	lend_errno = 0;
	prepared = 0;
	cancelled = 0;
	INIT_DELAYED_WORK(&life->rm.late_work, fake_late_work);
	life->pdev = platform_device_register_simple("gunyah-vm-life-test", -1, NULL, 0);
	if (IS_ERR(life->pdev))
		return PTR_ERR(life->pdev);
	life->rm.dev = &life->pdev->dev;
	test->priv = life;

	KUNIT_ASSERT_EQ(test, 0, gh_vm_mgr_init());
	KUNIT_ASSERT_EQ(test, 0, gh_vm_mgr_register(&life->rm));

	mgr = list_first_entry(&gh_vm_mgrs, struct gh_vm_mgr, node);
	life->ghvm = gh_vm_alloc(mgr);
	KUNIT_ASSERT_NOT_NULL(test, life->ghvm);
	configure(test, life->ghvm);
	return 0;
}

static void close_vm(struct life *life)
{
	if (!life->ghvm)
		return;
	gh_vm_close(life->ghvm);
	gh_vm_put(life->ghvm);
	life->ghvm = NULL;
}

static void life_exit(struct kunit *test)
{
	struct life *life = test->priv;

	if (!life)
		return;
	close_vm(life);
	gh_vm_mgr_unregister(&life->rm);
	gh_vm_mgr_exit();
	cancel_delayed_work_sync(&life->rm.late_work);
	platform_device_unregister(life->pdev);
}

static void expect_nothing_left(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_FREE);
	KUNIT_EXPECT_EQ(test, life->rm.parcels, 0UL);
	KUNIT_EXPECT_EQ(test, released, 2);
	KUNIT_EXPECT_EQ(test, abandoned, 0);
}

/* From the first request to the last one of the start, and of the end. */
#define TO_RUN		"ALWSCIGT"
#define TO_END		"RMMD"

static void closed_without_start(struct kunit *test)
{
	struct life *life = test->priv;

	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "");
	expect_nothing_left(test);
}

static void closed_while_running(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_TRUE(test, gh_vm_may_run(life->ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.dtb_offset, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, life->rm.dtb_size, 2 * PAGE_SIZE);
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	expect_nothing_left(test);
}

/* Offsets and sizes have 64 bits all the way. */
static void more_than_4_gib(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;

	KUNIT_EXPECT_EQ(test, 0, set_region(ghvm, 2, RWX | GH_MEM_LENT, SZ_1T, 12ULL * SZ_1G));
	KUNIT_EXPECT_EQ(test, 0, set_dtb(ghvm, SZ_1T + SZ_4G + PAGE_SIZE, SZ_4G + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.dtb_offset, SZ_4G + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, life->rm.dtb_size, SZ_4G + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ghvm->mem_info.lent, 12ULL * SZ_1G + 16 * PAGE_SIZE);
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "ALWSLCIGT" STOP "RMMMD");
	KUNIT_EXPECT_EQ(test, released, 3);
}

static void late_notifications(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.late = true;
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	expect_nothing_left(test);
}

static void exit_while_being_stopped(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.late = true;
	life->rm.exits_at_stop = true;
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	expect_nothing_left(test);
}

static void exit_before_start_is_answered(struct kunit *test)
{
	static const u8 reason[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct life *life = test->priv;
	struct gh_vm_exit_info info;
	enum gh_vm_status status;

	life->rm.exits_at_start = true;
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_FALSE(test, gh_vm_may_run(life->ghvm));
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vm_start(life->ghvm));

	KUNIT_EXPECT_EQ(test, 0, gh_vm_exit_status(life->ghvm, &status, &info));
	KUNIT_EXPECT_EQ(test, status, GH_VM_STATUS_EXITED);
	KUNIT_EXPECT_EQ(test, info.type, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	/* More was claimed than there was, and there was more than fits. */
	KUNIT_EXPECT_EQ(test, info.reason_size, sizeof(reason));
	KUNIT_EXPECT_EQ(test, 0, memcmp(info.reason, reason, sizeof(reason)));

	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN TO_END);
	expect_nothing_left(test);
}

/* Each request of the start fails in turn. */
static const struct failure {
	const char *op;
	bool unsent;
	bool lost;
	const char *trace;
} failures[] = {
	{ .op = ALLOC, .trace = ALLOC },
	{ .op = LEND, .trace = ALLOC LEND DEALLOC },
	{ .op = WHO, .trace = ALLOC LEND WHO RECLAIM DEALLOC },
	{ .op = SHARE, .trace = ALLOC LEND WHO SHARE RECLAIM DEALLOC },
	{ .op = CONFIGURE, .unsent = true,
	  .trace = ALLOC LEND WHO SHARE CONFIGURE RECLAIM RECLAIM DEALLOC },
	/* A reset may be the end of the Resource Manager: rather lose a VMID. */
	{ .op = CONFIGURE, .lost = true,
	  .trace = ALLOC LEND WHO SHARE CONFIGURE RECLAIM RECLAIM DEALLOC },
	{ .op = INIT, .trace = ALLOC LEND WHO SHARE CONFIGURE INIT TO_END },
	/* It still waits for that. */
	{ .op = INIT, .unsent = true,
	  .trace = ALLOC LEND WHO SHARE CONFIGURE INIT RESET INIT STOP TO_END },
	{ .op = RESOURCES, .trace = ALLOC LEND WHO SHARE CONFIGURE INIT RESOURCES TO_END },
	{ .op = START, .trace = TO_RUN TO_END },
	{ .op = START, .unsent = true, .trace = TO_RUN TO_END },
};

static void failure_desc(const struct failure *failure, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s", failure->op,
		 failure->unsent ? " not sent" : "");
}

KUNIT_ARRAY_PARAM(failure, failures, failure_desc);

static void failed_start(struct kunit *test)
{
	const struct failure *failure = test->param_value;
	struct life *life = test->priv;

	life->rm.fail_op = failure->op[0];
	life->rm.fail_errno = -EXFULL;
	life->rm.unsent = failure->unsent;
	KUNIT_EXPECT_EQ(test, -EXFULL, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_FALSE(test, gh_vm_may_run(life->ghvm));

	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, failure->trace);
	if (failure->lost)
		life->rm.state = FAKE_FREE;
	expect_nothing_left(test);
}

/* The first of the two resources is there already. */
static void failed_resource(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm_exit_info info;
	enum gh_vm_status status;

	life->rm.resources_until_error = 2;
	KUNIT_EXPECT_EQ(test, -EBUSY, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_exit_status(life->ghvm, &status, &info));
	KUNIT_EXPECT_EQ(test, status, GH_VM_STATUS_LOAD_FAILED);

	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace,
			   ALLOC LEND WHO SHARE CONFIGURE INIT RESOURCES TO_END);
	expect_nothing_left(test);
}

/* The VMID may be another VM's by then: it is not given back twice. */
static void deallocated_without_reply(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	life->rm.fail_op = DEALLOC[0];
	life->rm.fail_errno = -ETIMEDOUT;
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_RESET);
	life->rm.state = FAKE_FREE;
	expect_nothing_left(test);
}

/* Was the image accepted? Only then a reset is both needed and safe. */
static void configured_without_reply(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.fail_op = CONFIGURE[0];
	life->rm.fail_errno = -ETIMEDOUT;
	life->rm.unheard = true;
	life->rm.states_unknown = 2;
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace,
			   ALLOC LEND WHO SHARE CONFIGURE STATE STATE STATE
			   RESET INIT STOP TO_END);
	expect_nothing_left(test);
}

/* It was refused, or that cannot be found out: then it is not reset. */
static void refused_without_reply(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.fail_op = CONFIGURE[0];
	life->rm.fail_errno = -ETIMEDOUT;
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace,
			   ALLOC LEND WHO SHARE CONFIGURE STATE RECLAIM RECLAIM DEALLOC);
	life->rm.state = FAKE_FREE;
	expect_nothing_left(test);
}

static void unknown_without_reply(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.fail_op = CONFIGURE[0];
	life->rm.fail_errno = -EBADMSG;
	life->rm.states_unknown = UINT_MAX;
	KUNIT_EXPECT_EQ(test, -EBADMSG, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace,
			   ALLOC LEND WHO SHARE CONFIGURE STATE STATE STATE
			   RECLAIM RECLAIM DEALLOC);
	life->rm.state = FAKE_FREE;
	expect_nothing_left(test);
}

/* It may run all the same, and keeps what it has until it does not. */
static void started_without_reply(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm_status_info info;

	life->rm.fail_op = START[0];
	life->rm.fail_errno = -ETIMEDOUT;
	life->rm.unheard = true;
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_EXITED);
	/* For the user it never ran. */
	gh_vm_get_status(life->ghvm, &info);
	KUNIT_EXPECT_EQ(test, info.status, GH_VM_STATUS_LOAD_FAILED);
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	expect_nothing_left(test);
}

/* For half a minute at most. */
static bool wait_for(struct life *life, unsigned int n_parcels, int n_released)
{
	unsigned int i;

	for (i = 0; i < 300; i++) {
		if (hweight_long(READ_ONCE(life->rm.parcels)) == n_parcels &&
		    READ_ONCE(released) == n_released)
			return true;
		msleep(100);
	}
	return false;
}

static void memory_is_kept_until_reclaimed(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(ghvm));
	life->rm.reclaims_busy = 3;
	close_vm(life);
	/* Both fail at first, then one of them once more. */
	KUNIT_EXPECT_EQ(test, released, 0);
	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_RESET);
	/* What is back need not wait for the other. */
	KUNIT_EXPECT_TRUE(test, wait_for(life, 1, 1));
	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_RESET);
	KUNIT_EXPECT_TRUE(test, wait_for(life, 0, 2));
	KUNIT_EXPECT_STREQ(test, life->rm.trace,
			   TO_RUN STOP RESET RECLAIM RECLAIM RECLAIM RECLAIM RECLAIM DEALLOC);
	expect_nothing_left(test);
}

/* Nothing is taken from it until it was stopped at last. */
static void stop_refused(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	life->rm.fail_op = STOP[0];
	life->rm.fail_errno = -EBUSY;
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP);
	KUNIT_EXPECT_EQ(test, life->rm.state, FAKE_RUNNING);
	KUNIT_EXPECT_TRUE(test, wait_for(life, 0, 2));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP STOP TO_END);
	expect_nothing_left(test);
}

/* Its driver is unbound while the VM runs and its file is open. */
static void unbound_while_running(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	gh_vm_mgr_unregister(&life->rm);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, TO_RUN STOP TO_END);
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vm_start(life->ghvm));
	close_vm(life);
	expect_nothing_left(test);
}

static void unbound_before_start(struct kunit *test)
{
	struct life *life = test->priv;

	gh_vm_mgr_unregister(&life->rm);
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, prepared, 1);
	KUNIT_EXPECT_EQ(test, cancelled, 1);
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "");
	expect_nothing_left(test);
}

/* It is gone from one moment to the next: its memory must not be used again. */
static void lost_while_running(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	life->rm.mute = true;
	gh_vm_mgr_unregister(&life->rm);
	close_vm(life);
	flush_workqueue(gh_vm_wq);
	KUNIT_EXPECT_EQ(test, abandoned, 2);
	KUNIT_EXPECT_EQ(test, released, 0);
}

static void nothing_changes_after_start(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(ghvm));
	KUNIT_EXPECT_EQ(test, -EBUSY, set_region(ghvm, 9, RWX, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EBUSY, set_region(ghvm, 0, RWX, 0, 0));
	KUNIT_EXPECT_EQ(test, -EBUSY, set_dtb(ghvm, TEST_GPA, PAGE_SIZE));
}

static void start_needs_a_devicetree(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;

	/* The end of a region, one page too many, across two regions, nowhere */
	KUNIT_EXPECT_EQ(test, 0, set_region(ghvm, 2, RWX, TEST_GPA + 16 * PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, set_dtb(ghvm, TEST_GPA + 15 * PAGE_SIZE, PAGE_SIZE + 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vm_start(ghvm));
	KUNIT_EXPECT_EQ(test, 0, set_dtb(ghvm, TEST_GPA - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vm_start(ghvm));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "");

	/* It can still be mended. */
	KUNIT_EXPECT_EQ(test, 0, set_dtb(ghvm, TEST_GPA + PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(ghvm));
}

/* It is asked for again, as nothing has happened. */
static void start_lends_first(struct kunit *test)
{
	struct life *life = test->priv;

	lend_errno = -EADDRINUSE;
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, gh_vm_state(life->ghvm), GH_VM_NEW);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "");
	KUNIT_EXPECT_EQ(test, 0, set_region(life->ghvm, 1, 0, 0, 0));

	lend_errno = 0;
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, prepared, 1);
	KUNIT_EXPECT_EQ(test, cancelled, 0);
}

static void dtb_arguments(struct kunit *test)
{
	static const struct {
		u64 gpa;
		u64 size;
		int set;
	} places[] = {
		{ TEST_GPA, 0, -EINVAL },
		{ TEST_GPA + 8, 1, -EINVAL },
		{ TEST_GPA, U64_MAX, -EOVERFLOW },
		{ TEST_GPA, -TEST_GPA, -EOVERFLOW },
		{ -PAGE_SIZE, 1, -EOVERFLOW },
		{ BIT_ULL(63), BIT_ULL(63), -EOVERFLOW },
		/* Nowhere, which can be mended: START tells */
		{ BIT_ULL(63), BIT_ULL(63) - PAGE_SIZE },
		{ BIT_ULL(63) - PAGE_SIZE, 2 * PAGE_SIZE },
		{ BIT_ULL(44), PAGE_SIZE },
		{ BIT_ULL(44) - PAGE_SIZE, PAGE_SIZE },
		{ TEST_GPA, BIT_ULL(44) },
		{ BIT_ULL(32) + TEST_GPA, PAGE_SIZE },
		{ TEST_GPA, BIT_ULL(32) + PAGE_SIZE },
	};
	struct life *life = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		KUNIT_EXPECT_EQ_MSG(test, places[i].set,
				    set_dtb(life->ghvm, places[i].gpa, places[i].size), "%u", i);
		if (!places[i].set)
			KUNIT_EXPECT_EQ_MSG(test, -EINVAL, gh_vm_start(life->ghvm), "%u", i);
	}
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "");
}

static const struct bad_region {
	const char *name;
	u32 label;
	u64 flags;
	u64 gpa;
	u64 size;
	int want;
} bad_regions[] = {
	{ "no rights", 9, 0, 0, PAGE_SIZE, -EINVAL },
	{ "write only", 9, GH_MEM_ALLOW_WRITE, 0, PAGE_SIZE, -EINVAL },
	{ "execute only", 9, GH_MEM_ALLOW_EXEC, 0, PAGE_SIZE, -EINVAL },
	{ "unknown flag", 9, RWX | 16, 0, PAGE_SIZE, -EINVAL },
	{ "address in a page", 9, RWX, 8, PAGE_SIZE, -EINVAL },
	{ "size not whole pages", 9, RWX, 0, PAGE_SIZE + 8, -EINVAL },
	{ "size -4096", 9, RWX, 2 * PAGE_SIZE, -PAGE_SIZE, -EOVERFLOW },
	{ "up to 2^64", 9, RWX, -PAGE_SIZE, PAGE_SIZE, -EOVERFLOW },
	{ "end above 2^44", 9, RWX, BIT_ULL(44) - PAGE_SIZE, 2 * PAGE_SIZE, -EINVAL },
	{ "end at 2^44", 9, RWX, BIT_ULL(44) - PAGE_SIZE, PAGE_SIZE, 0 },
	{ "label in use", 0, RWX, 0, PAGE_SIZE, -EEXIST },
	{ "same range", 9, RWX, TEST_GPA, 16 * PAGE_SIZE, -EEXIST },
	{ "inside", 9, RWX, TEST_GPA + PAGE_SIZE, PAGE_SIZE, -EEXIST },
	{ "around", 9, RWX, TEST_GPA - PAGE_SIZE, 18 * PAGE_SIZE, -EEXIST },
	{ "across its start", 9, RWX, TEST_GPA - PAGE_SIZE, 2 * PAGE_SIZE, -EEXIST },
	{ "across its end", 9, RWX, TEST_GPA + 15 * PAGE_SIZE, 2 * PAGE_SIZE, -EEXIST },
	{ "just before", 9, RWX, TEST_GPA - PAGE_SIZE, PAGE_SIZE, 0 },
	{ "just behind", 9, RWX, TEST_GPA + 16 * PAGE_SIZE, PAGE_SIZE, 0 },
	{ "delete nothing", 9, 0, 0, 0, 0 },
};

static void bad_region_desc(const struct bad_region *region, char *desc)
{
	strscpy(desc, region->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_region, bad_regions, bad_region_desc);

static void region_arguments(struct kunit *test)
{
	const struct bad_region *region = test->param_value;
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, region->want,
			set_region(life->ghvm, region->label, region->flags, region->gpa,
				   region->size));
}

static void deleted_region_can_be_replaced(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_region(life->ghvm, 1, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, released, 1);
	KUNIT_EXPECT_EQ(test, 0, set_region(life->ghvm, 1, RWX, 2 * TEST_GPA, PAGE_SIZE));
}

static struct kunit_case life_cases[] = {
	KUNIT_CASE(closed_without_start),
	KUNIT_CASE(closed_while_running),
	KUNIT_CASE(more_than_4_gib),
	KUNIT_CASE(late_notifications),
	KUNIT_CASE(exit_while_being_stopped),
	KUNIT_CASE(exit_before_start_is_answered),
	KUNIT_CASE_PARAM(failed_start, failure_gen_params),
	KUNIT_CASE(failed_resource),
	KUNIT_CASE(deallocated_without_reply),
	KUNIT_CASE(configured_without_reply),
	KUNIT_CASE(refused_without_reply),
	KUNIT_CASE(unknown_without_reply),
	KUNIT_CASE(started_without_reply),
	KUNIT_CASE(stop_refused),
	KUNIT_CASE(memory_is_kept_until_reclaimed),
	KUNIT_CASE(unbound_while_running),
	KUNIT_CASE(unbound_before_start),
	KUNIT_CASE(lost_while_running),
	KUNIT_CASE(nothing_changes_after_start),
	KUNIT_CASE(start_needs_a_devicetree),
	KUNIT_CASE(start_lends_first),
	KUNIT_CASE(dtb_arguments),
	KUNIT_CASE_PARAM(region_arguments, bad_region_gen_params),
	KUNIT_CASE(deleted_region_can_be_replaced),
	{}
};

static struct kunit_suite life_suite = {
	.name = "gunyah-vm-life",
	.init = life_init,
	.exit = life_exit,
	.test_cases = life_cases,
};

#include "gunyah_vm_boot_cases.c"
#include "gunyah_vm_status_cases.c"

kunit_test_suites(&life_suite, &boot_suite, &status_suite);

MODULE_DESCRIPTION("KUnit: life of a Gunyah VM");
MODULE_LICENSE("GPL");
