// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the Resource Manager's driver without memory
 *
 * Each sweep does something again and again, and has the first allocation fail,
 * then the second, and so on, until there are no more to fail. Allocations fail
 * in one thread only: the caller's, or the one that receives. Some are no error:
 * kmemleak allocates a note for each object, the driver core has things that it
 * can do without, and slabs may have smaller pages instead. The kernel has to
 * be told that those that may wait can fail: ignore-gfp-wait of failslab and of
 * fail_page_alloc in debugfs are N, see tests/qemu/kunit-init.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/platform_device.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../../drivers/virt/gunyah/rsc_mgr.h"
#include "gunyah_rm_peer.h"

/* No operation allocates that often. */
#define MAX_ALLOCATIONS	2000

#define N_RESOURCES	300
#define N_PEERS		100
/* Of the longest request: 63 full packets */
#define NAME_LEN	(GH_RM_MAX_MESSAGE_SIZE - 4)

/**
 * struct gh_nomem_context - what the operations need
 * @peer: the Resource Manager
 * @body: reply of GET_HYP_RESOURCES
 * @body_size: its size
 * @acl: access rights of a parcel
 * @name: a very long name
 * @vmids: reply with VMIDs, none of which is 0
 * @resource: made by the last operation
 * @n_irqs: length of @irqs
 * @irqs: interrupts that are mapped to no end, see gh_nomem_occupy()
 */
struct gh_nomem_context {
	struct gh_peer *peer;
	struct gh_rm_hyp_resources *body;
	size_t body_size;
	struct gh_rm_mem_acl_entry *acl;
	char *name;
	__le32 vmids[1 + N_PEERS];
	struct gh_resource *resource;
	unsigned int n_irqs;
	int irqs[4];
};

/**
 * struct gh_nomem_op - something that allocates
 * @name: of it
 * @receive: it is the thread that receives that has no memory
 * @prepare: what it needs, or NULL
 * @run: does it
 * @undo: undoes it if it worked, or NULL
 */
struct gh_nomem_op {
	const char *name;
	bool receive;
	void (*prepare)(struct gh_nomem_context *ctx);
	int (*run)(struct gh_nomem_context *ctx);
	void (*undo)(struct gh_nomem_context *ctx);
};

static int gh_nomem_test_init(struct kunit *test)
{
	struct gh_nomem_context *ctx;
	int i;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->body_size = struct_size(ctx->body, entries, N_RESOURCES);
	ctx->body = kunit_kzalloc(test, ctx->body_size, GFP_KERNEL);
	ctx->acl = kunit_kcalloc(test, 512, sizeof(*ctx->acl), GFP_KERNEL);
	ctx->name = kunit_kzalloc(test, NAME_LEN + 1, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, ctx->body && ctx->acl && ctx->name);
	memset(ctx->name, 'x', NAME_LEN);
	ctx->vmids[0] = cpu_to_le32(N_PEERS);
	for (i = 1; i <= N_PEERS; i++)
		ctx->vmids[i] = cpu_to_le32(i);
	ctx->body->n_entries = cpu_to_le32(N_RESOURCES);
	for (i = 0; i < N_RESOURCES; i++)
		ctx->body->entries[i].resource_label = cpu_to_le32(i);

	ctx->peer = gh_peer_create();
	KUNIT_ASSERT_NOT_NULL(test, ctx->peer);
	test->priv = ctx;
	KUNIT_ASSERT_EQ(test, gh_peer_bind(ctx->peer), 0);

	return 0;
}

static void gh_nomem_test_exit(struct kunit *test)
{
	struct gh_nomem_context *ctx = test->priv;

	if (!ctx)
		return;
	while (ctx->n_irqs)
		gh_fake_irq_unmap(ctx->irqs[--ctx->n_irqs]);
	gh_peer_destroy(ctx->peer);
	/* Stays for the next parameter, whose init may fail */
	test->priv = NULL;
}

/* Without this, all sweeps would pass. */
static void gh_nomem_injection(struct kunit *test)
{
	static const size_t sizes[] = { 16, 4096, GH_RM_MAX_MESSAGE_SIZE };
	unsigned int left;
	void *p;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		gh_fake_fail(current, 1);
		p = kmalloc(sizes[i], GFP_KERNEL);
		left = gh_fake_fail_end(current);
		KUNIT_EXPECT_NULL_MSG(test, p, "allocations of %zu bytes do not fail", sizes[i]);
		KUNIT_EXPECT_EQ(test, left, 0U);
		kfree(p);
	}
}

static size_t gh_nomem_runs(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	memset(entries, 0, max * sizeof(*entries));

	return max;
}

/* A VMID or a handle */
static void gh_nomem_prepare_word(struct gh_nomem_context *ctx)
{
	gh_peer_script(ctx->peer, &gh_peer_allocated);
}

static int gh_nomem_lend(struct gh_nomem_context *ctx)
{
	struct gh_rm_mem_parcel parcel = {
		.n_acl_entries = 512,
		.acl_entries = ctx->acl,
		.n_mem_entries = GH_RM_MAX_MEM_ENTRIES,
		.next_entries = gh_nomem_runs,
	};
	int ret = gh_rm_mem_lend(ctx->peer->rm, &parcel);

	/* What failed here, was never asked for. */
	return ret && parcel.held ? -EIO : ret;
}

static void gh_nomem_prepare_empty(struct gh_nomem_context *ctx)
{
	gh_peer_script(ctx->peer, &gh_peer_done);
}

static int gh_nomem_start(struct gh_nomem_context *ctx)
{
	return gh_rm_vm_start(ctx->peer->rm, 128);
}

static int gh_nomem_alloc_vmid(struct gh_nomem_context *ctx)
{
	u16 vmid = GH_VMID_INVAL;
	int ret = gh_rm_alloc_vmid(ctx->peer->rm, &vmid);

	return !ret && vmid != 128 ? -EIO : ret;
}

static void gh_nomem_prepare_resources(struct gh_nomem_context *ctx)
{
	const struct gh_peer_reply reply = { .body = ctx->body, .size = ctx->body_size };

	gh_peer_script(ctx->peer, &reply);
}

static int gh_nomem_get_resources(struct gh_nomem_context *ctx)
{
	struct gh_rm_hyp_resources *resources = NULL;
	int ret;

	ret = gh_rm_get_hyp_resources(ctx->peer->rm, 128, &resources);
	if (!ret && memcmp(resources, ctx->body, ctx->body_size))
		ret = -EIO;
	kfree(resources);

	return ret;
}

static void gh_nomem_prepare_vmids(struct gh_nomem_context *ctx)
{
	const struct gh_peer_reply reply = { .body = ctx->vmids, .size = sizeof(ctx->vmids) };

	gh_peer_script(ctx->peer, &reply);
}

/* Return: 0 or an errno; frees the VMIDs. */
static int gh_nomem_check_vmids(struct gh_rm_vmids *vmids, int ret)
{
	if (!ret && (vmids->n != N_PEERS || vmids->vmids[N_PEERS - 1] != N_PEERS))
		ret = -EIO;
	kfree(vmids);

	return ret;
}

/* The longest request that there is */
static int gh_nomem_lookup(struct gh_nomem_context *ctx)
{
	struct gh_rm_vmids *vmids = NULL;
	int ret = gh_rm_vm_lookup_name(ctx->peer->rm, ctx->name, &vmids);

	if (!ret && ctx->peer->requests[0].header.fragments != GH_RM_MAX_FRAGMENTS)
		ret = -EIO;

	return gh_nomem_check_vmids(vmids, ret);
}

static int gh_nomem_get_peers(struct gh_nomem_context *ctx)
{
	struct gh_rm_vmids *vmids = NULL;
	int ret = gh_rm_vm_get_peers(ctx->peer->rm, 128, &vmids);

	return gh_nomem_check_vmids(vmids, ret);
}

static void gh_nomem_prepare_id(struct gh_nomem_context *ctx)
{
	/* A GUID and a name */
	static const u8 body[4 + 20 + 8] = {
		2, 0, 0, 0, 0, 0, 16, 0, [24] = 2, 0, 3, 0, 'a', 'b', 'c', 0
	};
	const struct gh_peer_reply reply = { .body = body, .size = sizeof(body) };

	gh_peer_script(ctx->peer, &reply);
}

static int gh_nomem_get_id(struct gh_nomem_context *ctx)
{
	struct gh_rm_vm_id *id = NULL;
	int ret = gh_rm_vm_get_id(ctx->peer->rm, 128, &id);

	if (!ret && strcmp(id->name, "abc"))
		ret = -EIO;
	kfree(id);

	return ret;
}

static void gh_nomem_prepare_crash_msg(struct gh_nomem_context *ctx)
{
	static const u8 body[4 + 192] = { 192, 0, 0, 0, 'a' };
	const struct gh_peer_reply reply = { .body = body, .size = sizeof(body) };

	gh_peer_script(ctx->peer, &reply);
}

static int gh_nomem_get_crash_msg(struct gh_nomem_context *ctx)
{
	char *msg = NULL;
	size_t size = 0;
	int ret = gh_rm_vm_get_crash_msg(ctx->peer->rm, 128, &msg, &size);

	if (!ret && (size != 192 || msg[0] != 'a'))
		ret = -EIO;
	kfree(msg);

	return ret;
}

static int gh_nomem_alloc_resource(struct gh_nomem_context *ctx)
{
	const struct gh_rm_hyp_resource entry = { .virq = cpu_to_le32(962) };

	ctx->resource = gh_rm_alloc_resource(ctx->peer->rm, &entry);

	return PTR_ERR_OR_ZERO(ctx->resource);
}

static void gh_nomem_free_resource(struct gh_nomem_context *ctx)
{
	gh_rm_free_resource(ctx->resource);
}

/*
 * Linux does not look whether an interrupt's descriptor could be put into the
 * tree of all: so see to it that the tree needs no node for the next one.
 */
static void gh_nomem_occupy(struct kunit *test)
{
	struct gh_nomem_context *ctx = test->priv;
	unsigned int next;
	int irq;

	do {
		KUNIT_ASSERT_LT(test, ctx->n_irqs, (unsigned int)ARRAY_SIZE(ctx->irqs));
		irq = gh_fake_irq_map(970 + ctx->n_irqs);
		KUNIT_ASSERT_GT(test, irq, 0);
		ctx->irqs[ctx->n_irqs++] = irq;

		KUNIT_ASSERT_EQ(test, gh_nomem_alloc_resource(ctx), 0);
		next = ctx->resource->irq;
		gh_nomem_free_resource(ctx);
	} while (next / XA_CHUNK_SIZE != irq / XA_CHUNK_SIZE);
}

#define CALLER(_name, _prepare, _run)						\
	{ .name = _name, .prepare = gh_nomem_prepare_##_prepare, .run = gh_nomem_##_run }
#define RECEIVER(_name, _prepare, _run)						\
	{ .name = _name, .prepare = gh_nomem_prepare_##_prepare, .run = gh_nomem_##_run,	\
	  .receive = true }

static const struct gh_nomem_op gh_nomem_ops[] = {
	CALLER("request of 1 packet", empty, start),
	CALLER("request of 45 packets", word, lend),
	CALLER("request of 63 packets", vmids, lookup),
	CALLER("VM_GET_HYP_RESOURCES", resources, get_resources),
	RECEIVER("its reply of 57 packets", resources, get_resources),
	CALLER("VM_GET_PEERS", vmids, get_peers),
	RECEIVER("its reply of 2 packets", vmids, get_peers),
	CALLER("VM_GET_ID", id, get_id),
	RECEIVER("its reply", id, get_id),
	CALLER("VM_GET_CRASH_MSG", crash_msg, get_crash_msg),
	RECEIVER("its reply", crash_msg, get_crash_msg),
	{
		.name = "resource with an interrupt",
		.run = gh_nomem_alloc_resource,
		.undo = gh_nomem_free_resource,
	},
};

static unsigned int gh_nomem_fail(struct gh_nomem_context *ctx, const struct gh_nomem_op *op,
				  unsigned int nth, int *ret)
{
	unsigned int left;

	gh_peer_forget(ctx->peer);
	if (op->prepare)
		op->prepare(ctx);
	if (op->receive)
		gh_fake_msgq_fail(&ctx->peer->rx, nth);
	else
		gh_fake_fail(current, nth);
	*ret = op->run(ctx);
	left = gh_fake_fail_end(current);
	if (op->receive)
		left = gh_fake_msgq_fail_end(&ctx->peer->rx);
	if (!*ret && op->undo)
		op->undo(ctx);

	return left;
}

static void gh_nomem_sweep(struct kunit *test, const struct gh_nomem_op *op)
{
	struct gh_nomem_context *ctx = test->priv;
	unsigned int nth, errors = 0;
	int ret;

	for (nth = 1; nth < MAX_ALLOCATIONS; nth++) {
		if (gh_nomem_fail(ctx, op, nth, &ret))
			break;
		errors += ret != 0;
		/* Some have another way. */
		if (ret)
			KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM, "%s, %u", op->name, nth);
		KUNIT_EXPECT_TRUE_MSG(test, gh_peer_works(ctx->peer), "%s, %u", op->name, nth);
	}
	KUNIT_EXPECT_LT(test, nth, MAX_ALLOCATIONS);
	KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%s", op->name);
	KUNIT_EXPECT_GT_MSG(test, errors, 0U, "%s", op->name);
	kunit_info(test, "%s: %u failures of an allocation, %u of them an error", op->name, nth - 1,
		   errors);
}

static void gh_nomem_calls(struct kunit *test)
{
	gh_nomem_occupy(test);
	gh_nomem_sweep(test, test->param_value);
}

static void gh_nomem_op_name(const struct gh_nomem_op *op, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s", op->receive ? "receive " : "", op->name);
}

KUNIT_ARRAY_PARAM(gh_nomem_op, gh_nomem_ops, gh_nomem_op_name);

/* An answer with a grant fits into what was allocated before it was asked for. */
static void gh_nomem_no_loss(struct kunit *test)
{
	static const struct gh_nomem_op ops[] = {
		{
			.receive = true,
			.prepare = gh_nomem_prepare_word,
			.run = gh_nomem_alloc_vmid,
		}, {
			.receive = true,
			.prepare = gh_nomem_prepare_word,
			.run = gh_nomem_lend,
		},
	};
	struct gh_nomem_context *ctx = test->priv;
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		KUNIT_EXPECT_GT(test, gh_nomem_fail(ctx, &ops[i], 1, &ret), 0U);
		KUNIT_EXPECT_EQ(test, ret, 0);
	}
}

/* Sends one. Return: how many more allocations there would have to be to fail. */
static unsigned int gh_nomem_notify(struct kunit *test, const void *payload, size_t size,
				    unsigned int nth)
{
	struct gh_nomem_context *ctx = test->priv;
	struct gh_peer *peer = ctx->peer;

	gh_fake_log_watch("notification VM_STATUS (0x56100008) is lost");
	gh_fake_msgq_fail(&peer->rx, nth);
	gh_peer_send(peer, GH_RM_PACKET_NOTIFICATION, 0, GH_RM_NOTIF_VM_STATUS, payload, size);
	/* The notification is in front of the reply. */
	KUNIT_EXPECT_TRUE(test, gh_peer_works(peer));

	return gh_fake_msgq_fail_end(&peer->rx);
}

/*
 * A long one that cannot be kept is reported, and the next one is delivered. Short
 * ones need no memory: they are never lost.
 */
static void gh_nomem_notifications(struct kunit *test)
{
	static const size_t sizes[] = { 0, 8, 24, 2000, GH_RM_MAX_MESSAGE_SIZE };
	const unsigned int n_long = 2;
	unsigned int nth, left, sent = 0, lost = 0;
	struct gh_nomem_context *ctx = test->priv;
	struct gh_peer *peer = ctx->peer;
	u8 *payload;
	int i;

	payload = kunit_kzalloc(test, GH_RM_MAX_MESSAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	/* Reports are rate limited, and an earlier test had many of them. */
	schedule_timeout_uninterruptible(DEFAULT_RATELIMIT_INTERVAL + 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (nth = 1, left = 0; !left && nth < MAX_ALLOCATIONS; nth++) {
			left = gh_nomem_notify(test, payload, sizes[i], nth);
			KUNIT_EXPECT_LE(test, gh_fake_log_seen(), left || sizes[i] <= 24 ? 0U : 1U);
			lost += gh_fake_log_seen();
			sent++;
			KUNIT_EXPECT_TRUE(test, gh_peer_wait_notified(peer, sent - lost));
		}
		KUNIT_EXPECT_GT(test, left, 0U);
	}
	gh_fake_log_watch(NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&peer->n_notified), (int)(sent - lost));
	KUNIT_EXPECT_EQ(test, lost, n_long);
	KUNIT_EXPECT_EQ(test, peer->rm->counters[GH_RM_COUNT_LOST_NOTIFICATIONS], lost);
	kunit_info(test, "notifications: %zu failures of an allocation, %u of them a loss",
		   sent - ARRAY_SIZE(sizes), lost);
}

static bool gh_nomem_is_bound(struct gh_peer *peer)
{
	/* The driver core may try again by itself. */
	wait_for_device_probe();

	return peer->pdev->dev.driver;
}

/* The sweep over a probe is in parts, as each binds the device twice. */
static const unsigned int gh_nomem_first[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void gh_nomem_first_name(const unsigned int *first, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u, %zu, ...", *first,
		 *first + ARRAY_SIZE(gh_nomem_first));
}

KUNIT_ARRAY_PARAM(gh_nomem_first, gh_nomem_first, gh_nomem_first_name);

/* Of all parts so far; some have no errors, as each second failure is kmemleak's. */
static unsigned int gh_nomem_probe_failures;
static unsigned int gh_nomem_probe_errors;

static void gh_nomem_probe(struct kunit *test)
{
	const unsigned int *first = test->param_value;
	struct gh_nomem_context *ctx = test->priv;
	struct gh_peer *peer = ctx->peer;
	unsigned int nth, left;

	if (*first == 1) {
		gh_nomem_probe_failures = 0;
		gh_nomem_probe_errors = 0;
	}
	for (nth = *first; nth < MAX_ALLOCATIONS; nth += ARRAY_SIZE(gh_nomem_first)) {
		/* Nobody else shall bind it. */
		wait_for_device_probe();
		gh_peer_detach(peer);
		device_release_driver(&peer->pdev->dev);

		gh_fake_fail(current, nth);
		gh_nomem_probe_errors += device_attach(&peer->pdev->dev) != 1;
		left = gh_fake_fail_end(current);

		if (!gh_nomem_is_bound(peer))
			KUNIT_ASSERT_EQ_MSG(test, device_attach(&peer->pdev->dev), 1, "%u", nth);
		KUNIT_ASSERT_EQ_MSG(test, gh_peer_attach(peer), 0, "%u", nth);
		KUNIT_ASSERT_TRUE_MSG(test, gh_peer_works(peer), "%u", nth);
		if (left)
			break;
		gh_nomem_probe_failures++;
	}
	KUNIT_EXPECT_LT(test, nth, MAX_ALLOCATIONS);
	if (*first < ARRAY_SIZE(gh_nomem_first))
		return;

	KUNIT_EXPECT_GT(test, gh_nomem_probe_errors, 10U);
	kunit_info(test, "probe: %u failures of an allocation, %u of them an error",
		   gh_nomem_probe_failures, gh_nomem_probe_errors);
}

static struct kunit_case gh_nomem_test_cases[] = {
	KUNIT_CASE(gh_nomem_injection),
	KUNIT_CASE_PARAM(gh_nomem_calls, gh_nomem_op_gen_params),
	KUNIT_CASE(gh_nomem_no_loss),
	KUNIT_CASE(gh_nomem_notifications),
	KUNIT_CASE_PARAM(gh_nomem_probe, gh_nomem_first_gen_params),
	{}
};

static struct kunit_suite gh_nomem_test_suite = {
	.name = "gunyah_rm_nomem",
	.init = gh_nomem_test_init,
	.exit = gh_nomem_test_exit,
	.test_cases = gh_nomem_test_cases,
};

kunit_test_suite(gh_nomem_test_suite);
