// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: who takes a guest's writes, and ioeventfds, which do.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/workqueue.h>

#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(_symbol)

#include "../../drivers/virt/gunyah/vm_mgr_io.c"

/* Stands for an eventfd: nobody looks into it. */
static char eventfd;
static unsigned int eventfd_signals;

static struct eventfd_ctx *fake_eventfd_get(int fd)
{
	return (struct eventfd_ctx *)&eventfd;
}

static void fake_eventfd_put(struct eventfd_ctx *ctx);

static void fake_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signals++;
}

#define eventfd_ctx_fdget	fake_eventfd_get
#define eventfd_ctx_put		fake_eventfd_put
#undef eventfd_signal
#define eventfd_signal		fake_eventfd_signal
/* This is not who serves ioeventfds. */
#undef module_gh_vm_function
#define module_gh_vm_function(_fn)
#undef MODULE_ALIAS_GH_VM_FUNCTION
#define MODULE_ALIAS_GH_VM_FUNCTION(_type)
#undef MODULE_DESCRIPTION
#define MODULE_DESCRIPTION(_text)

#include "../../drivers/virt/gunyah/gunyah_ioeventfd.c"

#define ADDR		0x1000
#define MAX_HANDLERS	256
#define RANDOM_SEED	0x67756e79
#define RANDOM_ROUNDS	5000
/* In jiffies: until what should not happen is believed not to, and what should, to fail */
#define NEVER		(HZ / 5)
#define LATE		(60 * HZ)

struct io {
	struct gh_vm ghvm;
	struct gh_vm_io_handler handlers[MAX_HANDLERS];
	struct gh_vm_io_handler *taken_by;
	unsigned int taken;
};

static struct io *current_io;

static void take(struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data)
{
	current_io->taken_by = handler;
	current_io->taken++;
}

static int io_init(struct kunit *test)
{
	struct io *io = kunit_kzalloc(test, sizeof(*io), GFP_KERNEL);

	if (!io)
		return -ENOMEM;
	mutex_init(&io->ghvm.io_lock);
	seqcount_latch_init(&io->ghvm.io_handlers.seq);
	current_io = io;
	test->priv = io;
	return 0;
}

static int add(struct io *io, unsigned int i, u64 addr, u8 len, bool datamatch, u64 data)
{
	struct gh_vm_io_handler *handler = &io->handlers[i];

	handler->addr = addr;
	handler->len = len;
	handler->datamatch = datamatch;
	handler->data = data;
	handler->write = take;
	return gh_vm_add_io_handler(&io->ghvm, handler);
}

/* Which handler takes the write: its index, or -1. */
static int who(struct io *io, u64 addr, u32 len, u64 data)
{
	int ret;

	io->taken_by = NULL;
	io->taken = 0;
	ret = gh_vm_mmio_write(&io->ghvm, addr, len, data);
	if (ret == -ENOENT && !io->taken)
		return -1;
	if (ret || io->taken != 1)
		return -2;
	return io->taken_by - io->handlers;
}

static void bad_handlers(struct kunit *test)
{
	static const u8 lens[] = { 3, 5, 6, 7, 9, 16, 255 };
	struct io *io = test->priv;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		KUNIT_EXPECT_EQ(test, -EINVAL, add(io, 0, ADDR, lens[i], false, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, add(io, 0, ADDR, 0, true, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, add(io, 0, U64_MAX - 2, 4, false, 0));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 4, 0));
}

static void length(struct kunit *test)
{
	struct io *io = test->priv;

	KUNIT_EXPECT_EQ(test, 0, add(io, 0, ADDR, 4, false, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 1, ADDR, 2, false, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 2, ADDR + 4, 0, false, 0));

	KUNIT_EXPECT_EQ(test, 0, who(io, ADDR, 4, 0));
	KUNIT_EXPECT_EQ(test, 0, who(io, ADDR, 4, U32_MAX));
	KUNIT_EXPECT_EQ(test, 1, who(io, ADDR, 2, 5));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 1, 5));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 8, 5));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR + 2, 4, 5));
	KUNIT_EXPECT_EQ(test, 2, who(io, ADDR + 4, 1, 5));
	KUNIT_EXPECT_EQ(test, 2, who(io, ADDR + 4, 8, 5));
}

static void value(struct kunit *test)
{
	struct io *io = test->priv;

	KUNIT_EXPECT_EQ(test, 0, add(io, 0, ADDR, 4, true, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 1, ADDR, 4, true, 1));
	KUNIT_EXPECT_EQ(test, 0, add(io, 2, ADDR, 8, true, 1));
	/* The bits above its length do not count. */
	KUNIT_EXPECT_EQ(test, 0, add(io, 3, ADDR, 1, true, 0x302));

	KUNIT_EXPECT_EQ(test, 0, who(io, ADDR, 4, 0));
	KUNIT_EXPECT_EQ(test, 1, who(io, ADDR, 4, 1));
	KUNIT_EXPECT_EQ(test, 2, who(io, ADDR, 8, 1));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 8, BIT_ULL(32) | 1));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 4, 2));
	KUNIT_EXPECT_EQ(test, 3, who(io, ADDR, 1, 2));
}

static void collisions(struct kunit *test)
{
	struct io *io = test->priv;

	KUNIT_EXPECT_EQ(test, 0, add(io, 0, ADDR, 4, true, 7));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(io, 1, ADDR, 4, true, 7));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(io, 1, ADDR, 4, true, BIT_ULL(32) | 7));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(io, 1, ADDR, 4, false, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(io, 1, ADDR, 0, false, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 1, ADDR, 2, false, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 2, ADDR + 1, 0, false, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(io, 3, ADDR + 1, 4, true, 0));
}

static void removal(struct kunit *test)
{
	struct io *io = test->priv;

	KUNIT_EXPECT_EQ(test, 0, add(io, 0, ADDR, 4, true, 0));
	KUNIT_EXPECT_EQ(test, 0, add(io, 1, ADDR, 4, true, 1));
	gh_vm_remove_io_handler(&io->ghvm, &io->handlers[0]);
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 4, 0));
	KUNIT_EXPECT_EQ(test, 1, who(io, ADDR, 4, 1));
	KUNIT_EXPECT_EQ(test, 0, add(io, 2, ADDR, 4, true, 0));
	KUNIT_EXPECT_EQ(test, 2, who(io, ADDR, 4, 0));
}

/* A write that is being taken, and the removal of who takes it */
static struct race {
	struct work_struct write;
	struct work_struct remove;
	struct completion taking;
	struct completion go_on;
	struct completion removed;
	struct io *io;
} race;

static void take_for_long(struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data)
{
	complete(&race.taking);
	wait_for_completion_timeout(&race.go_on, LATE);
}

static void write_work(struct work_struct *work)
{
	gh_vm_mmio_write(&race.io->ghvm, ADDR, 4, 0);
}

static void remove_work(struct work_struct *work)
{
	gh_vm_remove_io_handler(&race.io->ghvm, &race.io->handlers[0]);
	complete_all(&race.removed);
}

/* Who removed it may free it: nobody may be in it any more. */
static void removal_waits(struct kunit *test)
{
	race.io = test->priv;
	INIT_WORK(&race.write, write_work);
	INIT_WORK(&race.remove, remove_work);
	init_completion(&race.taking);
	init_completion(&race.go_on);
	init_completion(&race.removed);
	KUNIT_ASSERT_EQ(test, 0, add(race.io, 0, ADDR, 4, false, 0));
	race.io->handlers[0].write = take_for_long;

	queue_work(system_unbound_wq, &race.write);
	KUNIT_EXPECT_NE(test, 0UL, wait_for_completion_timeout(&race.taking, LATE));
	queue_work(system_unbound_wq, &race.remove);
	KUNIT_EXPECT_EQ(test, 0UL, wait_for_completion_timeout(&race.removed, NEVER));
	complete(&race.go_on);
	KUNIT_EXPECT_NE(test, 0UL, wait_for_completion_timeout(&race.removed, LATE));
	flush_work(&race.write);
	flush_work(&race.remove);
}

static unsigned int eventfd_puts;
static int taken_at_put;

/* A vCPU that writes at this moment must not find the eventfd any more. */
static void fake_eventfd_put(struct eventfd_ctx *ctx)
{
	eventfd_puts++;
	taken_at_put = gh_vm_mmio_write(&current_io->ghvm, ADDR, 4, 0);
}

static void removal_of_ioeventfd(struct kunit *test)
{
	struct gh_fn_ioeventfd_arg arg = { .addr = ADDR, .len = 4 };
	struct io *io = test->priv;
	struct gh_vm_function_instance inst = { .ghvm = &io->ghvm, .argp = &arg };

	eventfd_signals = 0;
	eventfd_puts = 0;
	KUNIT_ASSERT_EQ(test, 0, gh_ioeventfd_function.bind(&inst));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_mmio_write(&io->ghvm, ADDR, 4, 0));
	KUNIT_EXPECT_EQ(test, 1U, eventfd_signals);
	gh_ioeventfd_function.unbind(&inst);
	KUNIT_EXPECT_EQ(test, 1U, eventfd_puts);
	KUNIT_EXPECT_EQ(test, -ENOENT, taken_at_put);
	KUNIT_EXPECT_EQ(test, 1U, eventfd_signals);
}

/* A queue of each value at one address, as virtio has them */
static void many_values(struct kunit *test)
{
	struct io *io = test->priv;
	unsigned int i;

	for (i = 0; i < MAX_HANDLERS; i++)
		KUNIT_EXPECT_EQ(test, 0, add(io, i, ADDR, 4, true, i * 7 % MAX_HANDLERS));
	for (i = 0; i < MAX_HANDLERS; i++)
		KUNIT_EXPECT_EQ(test, i, who(io, ADDR, 4, i * 7 % MAX_HANDLERS));
	KUNIT_EXPECT_EQ(test, -1, who(io, ADDR, 4, MAX_HANDLERS));
	for (i = 0; i < MAX_HANDLERS; i += 2)
		gh_vm_remove_io_handler(&io->ghvm, &io->handlers[i]);
	for (i = 0; i < MAX_HANDLERS; i++)
		KUNIT_EXPECT_EQ(test, i % 2 ? (int)i : -1,
				who(io, ADDR, 4, i * 7 % MAX_HANDLERS));
}

static bool takes(const struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data)
{
	u64 mask = len == 8 ? U64_MAX : BIT_ULL(8 * len) - 1;

	return handler->write && handler->addr == addr &&
	       (!handler->len || handler->len == len) &&
	       (!handler->datamatch || !((handler->data ^ data) & mask));
}

/* Looked for one after the other */
static int who_should(const struct io *io, u64 addr, u32 len, u64 data)
{
	int i;

	for (i = 0; i < MAX_HANDLERS; i++) {
		if (takes(&io->handlers[i], addr, len, data))
			return i;
	}
	return -1;
}

static void random_handlers(struct kunit *test)
{
	struct io *io = test->priv;
	struct rnd_state rnd;
	unsigned int round, i;
	u64 addr, data;
	u32 len;

	prandom_seed_state(&rnd, RANDOM_SEED);
	for (round = 0; round < RANDOM_ROUNDS; round++) {
		i = prandom_u32_state(&rnd) % MAX_HANDLERS;
		addr = ADDR + prandom_u32_state(&rnd) % 16;
		len = prandom_u32_state(&rnd) % 5;
		len = len ? BIT(len - 1) : 0;
		data = prandom_u32_state(&rnd) % 8 | BIT_ULL(8 * (prandom_u32_state(&rnd) % 8));
		if (len)
			KUNIT_ASSERT_EQ(test, who_should(io, addr, len, data),
					who(io, addr, len, data));
		if (io->handlers[i].write) {
			gh_vm_remove_io_handler(&io->ghvm, &io->handlers[i]);
			io->handlers[i].write = NULL;
		} else if (add(io, i, addr, len, len && round % 4, data)) {
			io->handlers[i].write = NULL;
		}
	}
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE(bad_handlers),
	KUNIT_CASE(length),
	KUNIT_CASE(value),
	KUNIT_CASE(collisions),
	KUNIT_CASE(removal),
	KUNIT_CASE(removal_waits),
	KUNIT_CASE(removal_of_ioeventfd),
	KUNIT_CASE(many_values),
	KUNIT_CASE(random_handlers),
	{}
};

static struct kunit_suite io_suite = {
	.name = "gunyah-vm-io",
	.init = io_init,
	.test_cases = io_cases,
};

kunit_test_suite(io_suite);

MODULE_INFO(description, "KUnit: writes of Gunyah guests");
