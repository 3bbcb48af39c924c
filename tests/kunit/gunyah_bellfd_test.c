// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: bellfds, with a doorbell that says what it is told.
 */

#include <kunit/test.h>
#include <linux/eventfd.h>
#include <linux/gunyah.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/interrupt.h>
#include <linux/module.h>

#define CAPID		0
#define IRQ		4242
#define LABEL		3

static struct fake {
	u64 flags;
	enum gh_error error;
	int irq_error;
	int irqs;
	unsigned int received;
	unsigned int signals;
} fake;

static enum gh_error fake_bell_receive(u64 capid, u64 clear_flags, u64 *old_flags)
{
	fake.received++;
	if (fake.error)
		return fake.error;
	*old_flags = fake.flags;
	fake.flags &= ~clear_flags;
	return GH_ERROR_OK;
}

static int fake_request_irq(unsigned int irq, irq_handler_t handler, unsigned long flags,
			    const char *name, void *data)
{
	if (!fake.irq_error)
		fake.irqs++;
	return fake.irq_error;
}

static const void *fake_free_irq(unsigned int irq, void *data)
{
	fake.irqs--;
	return NULL;
}

static void fake_eventfd_signal(struct eventfd_ctx *ctx)
{
	fake.signals++;
}

#define gh_hypercall_bell_receive	fake_bell_receive
#define request_irq			fake_request_irq
#define free_irq			fake_free_irq
#undef eventfd_signal
#define eventfd_signal			fake_eventfd_signal
#undef pr_fmt
/* This is not who serves bellfds. */
#undef module_gh_vm_function
#define module_gh_vm_function(_fn)
#undef MODULE_ALIAS_GH_VM_FUNCTION
#define MODULE_ALIAS_GH_VM_FUNCTION(_type)
#undef MODULE_DESCRIPTION
#define MODULE_DESCRIPTION(_text)

#include "../../drivers/virt/gunyah/gunyah_bellfd.c"

static struct gh_resource resource = {
	.type = GH_RESOURCE_TYPE_BELL_RX,
	.capid = CAPID,
	.irq = IRQ,
};

static int bellfd_init(struct kunit *test)
{
	fake = (struct fake) { };
	test->priv = gh_bellfd_alloc(LABEL);
	return test->priv ? 0 : -ENOMEM;
}

static void bellfd_exit(struct kunit *test)
{
	kfree(test->priv);
}

static int populate(struct kunit *test)
{
	struct gh_bellfd *bellfd = test->priv;

	return bellfd->ticket.populate(&bellfd->ticket, &resource);
}

static void unpopulate(struct kunit *test)
{
	struct gh_bellfd *bellfd = test->priv;

	bellfd->ticket.unpopulate(&bellfd->ticket, &resource);
}

/* Whoever rang then may have interrupted nobody. */
static void rung_before(struct kunit *test)
{
	fake.flags = BIT_ULL(63);
	KUNIT_ASSERT_EQ(test, 0, populate(test));
	KUNIT_EXPECT_EQ(test, 1U, fake.signals);
	KUNIT_EXPECT_EQ(test, 0ULL, fake.flags);
	unpopulate(test);
	KUNIT_EXPECT_EQ(test, 0, fake.irqs);
}

static void not_rung_before(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, populate(test));
	KUNIT_EXPECT_EQ(test, 0U, fake.signals);
	unpopulate(test);
}

static void rung(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, populate(test));
	fake.flags = 1;
	KUNIT_EXPECT_EQ(test, IRQ_HANDLED, gh_bellfd_irq(IRQ, test->priv));
	KUNIT_EXPECT_EQ(test, 1U, fake.signals);
	/* An interrupt that comes too late, for what was seen already */
	KUNIT_EXPECT_EQ(test, IRQ_HANDLED, gh_bellfd_irq(IRQ, test->priv));
	KUNIT_EXPECT_EQ(test, 1U, fake.signals);
	fake.flags = 1;
	fake.error = GH_ERROR_DENIED;
	KUNIT_EXPECT_EQ(test, IRQ_HANDLED, gh_bellfd_irq(IRQ, test->priv));
	KUNIT_EXPECT_EQ(test, 1U, fake.signals);
	unpopulate(test);
}

static void interrupt_refused(struct kunit *test)
{
	fake.irq_error = -EBUSY;
	fake.flags = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, populate(test));
	KUNIT_EXPECT_EQ(test, 0, fake.irqs);
	KUNIT_EXPECT_EQ(test, 0U, fake.received);
	KUNIT_EXPECT_EQ(test, 0U, fake.signals);
}

static void who_is_who(struct kunit *test)
{
	struct gh_fn_bellfd_arg own = { .fd = 1, .label = LABEL };
	struct gh_fn_bellfd_arg same = { .label = LABEL }, other = { .fd = 1, .label = LABEL + 1 };
	struct gh_vm_function_instance inst = { .argp = &own };

	KUNIT_EXPECT_TRUE(test, gh_bellfd_function.compare(&inst, &same));
	KUNIT_EXPECT_FALSE(test, gh_bellfd_function.compare(&inst, &other));
}

static struct kunit_case bellfd_cases[] = {
	KUNIT_CASE(rung_before),
	KUNIT_CASE(not_rung_before),
	KUNIT_CASE(rung),
	KUNIT_CASE(interrupt_refused),
	KUNIT_CASE(who_is_who),
	{}
};

static struct kunit_suite bellfd_suite = {
	.name = "gunyah-bellfd",
	.init = bellfd_init,
	.exit = bellfd_exit,
	.test_cases = bellfd_cases,
};

kunit_test_suite(bellfd_suite);

MODULE_INFO(description, "KUnit: doorbells that Gunyah guests ring");
