// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the run loop of a vCPU, with a hypervisor and a VM that do as they are told.
 */

#include <kunit/test.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/interrupt.h>
#include <linux/module.h>

#define CAPID		0
#define IRQ		4242
#define ADDR		0x20000000
#define TAKEN		0x20000100
#define MAX_RUNS	8

struct fake_run {
	enum gh_error error;
	struct gh_hypercall_vcpu_run_resp resp;
};

static struct fake {
	const struct fake_run *runs;
	unsigned int n_runs;
	unsigned int done;
	u64 resume[MAX_RUNS][3];
	bool may_run;
	int irq_error;
	int irqs;
	unsigned int taken;
} fake;

static enum gh_error fake_vcpu_run(u64 capid, const u64 resume_data[3],
				   struct gh_hypercall_vcpu_run_resp *resp)
{
	const struct fake_run *run;

	if (fake.done == fake.n_runs)
		return GH_ERROR_CSPACE_CAP_NULL;

	memcpy(fake.resume[fake.done], resume_data, sizeof(fake.resume[0]));
	run = &fake.runs[fake.done++];
	if (!run->error)
		*resp = run->resp;
	return run->error;
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

static bool fake_may_run(const struct gh_vm *ghvm)
{
	return fake.may_run;
}

static int fake_exit_status(struct gh_vm *ghvm, enum gh_vm_status *status,
			    struct gh_vm_exit_info *exit_info)
{
	*status = GH_VM_STATUS_EXITED;
	*exit_info = (struct gh_vm_exit_info) { .type = GH_VM_EXIT_TYPE_WDT_BITE };
	return 0;
}

static int fake_mmio_write(struct gh_vm *ghvm, u64 addr, u32 len, u64 data)
{
	if (addr != TAKEN)
		return -ENOENT;
	fake.taken++;
	return 0;
}

#define gh_hypercall_vcpu_run	fake_vcpu_run
#define request_irq		fake_request_irq
#define free_irq		fake_free_irq
#define gh_vm_may_run		fake_may_run
#define gh_vm_exit_status	fake_exit_status
#define gh_vm_mmio_write	fake_mmio_write
#undef pr_fmt
/* This is not who serves vCPUs. */
#undef module_gh_vm_function
#define module_gh_vm_function(_fn)
#undef MODULE_ALIAS_GH_VM_FUNCTION
#define MODULE_ALIAS_GH_VM_FUNCTION(_type)
#undef MODULE_DESCRIPTION
#define MODULE_DESCRIPTION(_text)

#include "../../drivers/virt/gunyah/gunyah_vcpu.c"

#define LOAD(_len)	{ .resp = { GH_VCPU_STATE_VMMIO_READ, { ADDR, _len } } }
#define STORE(_addr)	{ .resp = { GH_VCPU_STATE_VMMIO_WRITE, { _addr, 4, 0xabcd } } }
#define PAGE_FAULT	{ .resp = { GH_VCPU_STATE_PAGE_FAULT, { ADDR, 1 } } }
#define STATE(_state)	{ .resp = { _state } }
#define ERROR(_error)	{ .error = _error }

static struct gh_resource resource = { .type = GH_RESOURCE_TYPE_VCPU, .capid = CAPID, .irq = IRQ };

static int vcpu_init(struct kunit *test)
{
	struct gh_vcpu *vcpu;

	fake = (struct fake) { .may_run = true };
	vcpu = gh_vcpu_alloc(NULL, 0);
	if (!vcpu)
		return -ENOMEM;
	test->priv = vcpu;
	return vcpu->ticket.populate(&vcpu->ticket, &resource);
}

static void vcpu_exit(struct kunit *test)
{
	struct gh_vcpu *vcpu = test->priv;

	if (!vcpu)
		return;
	if (vcpu->rsc)
		vcpu->ticket.unpopulate(&vcpu->ticket, &resource);
	gh_vcpu_put(vcpu);
}

static void follow(const struct fake_run *runs, unsigned int n)
{
	fake.runs = runs;
	fake.n_runs = n;
	fake.done = 0;
}

static void expect_resume(struct kunit *test, unsigned int run, u64 value, u64 action)
{
	KUNIT_EXPECT_EQ(test, value, fake.resume[run][0]);
	KUNIT_EXPECT_EQ(test, action, fake.resume[run][1]);
	KUNIT_EXPECT_EQ(test, 0ULL, fake.resume[run][2]);
}

static void interrupt(struct kunit *test)
{
	struct gh_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, 1, fake.irqs);
	vcpu->ticket.unpopulate(&vcpu->ticket, &resource);
	KUNIT_EXPECT_EQ(test, 0, fake.irqs);
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vcpu_run(vcpu));
}

/* What was not requested is not freed. */
static void interrupt_refused(struct kunit *test)
{
	struct gh_vcpu *vcpu = gh_vcpu_alloc(NULL, 1);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	fake.irq_error = -EBUSY;
	KUNIT_EXPECT_EQ(test, -EBUSY, vcpu->ticket.populate(&vcpu->ticket, &resource));
	KUNIT_EXPECT_EQ(test, 1, fake.irqs);
	KUNIT_EXPECT_EQ(test, -ENODEV, gh_vcpu_run(vcpu));
	gh_vcpu_put(vcpu);
}

static void no_interrupt(struct kunit *test)
{
	struct gh_resource none = { .type = GH_RESOURCE_TYPE_VCPU, .irq = IRQ_NOTCONNECTED };
	struct gh_vcpu *vcpu = gh_vcpu_alloc(NULL, 1);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	KUNIT_EXPECT_EQ(test, 0, vcpu->ticket.populate(&vcpu->ticket, &none));
	KUNIT_EXPECT_EQ(test, 1, fake.irqs);
	vcpu->ticket.unpopulate(&vcpu->ticket, &none);
	KUNIT_EXPECT_EQ(test, 1, fake.irqs);
	gh_vcpu_put(vcpu);
}

/* Also that of the write before the read, and with what userspace leaves in the page. */
static void value_of_a_read(struct kunit *test)
{
	static const struct fake_run runs[] = {
		STORE(ADDR), LOAD(2), STATE(GH_VCPU_STATE_READY), STORE(ADDR), LOAD(8), STORE(ADDR),
	};
	struct gh_vcpu *vcpu = test->priv;

	follow(runs, ARRAY_SIZE(runs));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_TRUE(test, vcpu->run->mmio.is_write);
	memset(vcpu->run->mmio.data, 0x11, sizeof(vcpu->run->mmio.data));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_FALSE(test, vcpu->run->mmio.is_write);
	KUNIT_EXPECT_EQ(test, 2U, vcpu->run->mmio.len);
	memset(vcpu->run->mmio.data, 0x22, sizeof(vcpu->run->mmio.data));
	vcpu->run->mmio.len = 4096;
	vcpu->run->mmio.is_write = 1;
	vcpu->run->exit_reason = GH_VCPU_EXIT_STATUS;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	memset(vcpu->run->mmio.data, 0x33, sizeof(vcpu->run->mmio.data));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));

	expect_resume(test, 0, 0, 0);
	expect_resume(test, 1, 0, 0);
	expect_resume(test, 2, 0x2222, 0);
	expect_resume(test, 3, 0, 0);
	expect_resume(test, 4, 0, 0);
	expect_resume(test, 5, 0x3333333333333333, 0);
}

/* It is not lost, nor taken twice, when the hypervisor wants to be asked again. */
static void value_and_retry(struct kunit *test)
{
	static const struct fake_run runs[] = {
		LOAD(1), ERROR(GH_ERROR_RETRY), ERROR(GH_ERROR_BUSY), LOAD(1),
	};
	struct gh_vcpu *vcpu = test->priv;

	follow(runs, ARRAY_SIZE(runs));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	vcpu->run->mmio.data[0] = 0x44;
	KUNIT_EXPECT_EQ(test, -EBUSY, gh_vcpu_run(vcpu));
	vcpu->run->mmio.data[0] = 0x55;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	expect_resume(test, 1, 0x44, 0);
	expect_resume(test, 2, 0x44, 0);
	expect_resume(test, 3, 0x44, 0);
}

static void actions(struct kunit *test)
{
	static const struct fake_run runs[] = {
		STORE(ADDR), LOAD(4), STORE(ADDR), LOAD(4), STATE(GH_VCPU_STATE_READY), LOAD(4),
	};
	struct gh_vcpu *vcpu = test->priv;

	follow(runs, ARRAY_SIZE(runs));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, GH_VCPU_RESUME_HANDLED, vcpu->run->mmio.resume_action);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_FAULT;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, GH_VCPU_RESUME_HANDLED, vcpu->run->mmio.resume_action);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_RETRY;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_RETRY + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vcpu_run(vcpu));
	vcpu->run->mmio.resume_action = 0xff;
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, 3U, fake.done);
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_HANDLED;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	vcpu->run->mmio.resume_action = GH_VCPU_RESUME_FAULT;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));

	expect_resume(test, 1, 0, GH_VMMIO_ABORT);
	KUNIT_EXPECT_EQ(test, (u64)GH_VMMIO_AGAIN, fake.resume[2][1]);
	expect_resume(test, 3, 0, GH_VMMIO_EMULATED);
	KUNIT_EXPECT_EQ(test, (u64)GH_VMMIO_ABORT, fake.resume[4][1]);
	expect_resume(test, 5, 0, GH_VMMIO_EMULATED);
}

static void page_faults(struct kunit *test)
{
	static const struct fake_run runs[] = { PAGE_FAULT, PAGE_FAULT, PAGE_FAULT };
	struct gh_vcpu *vcpu = test->priv;

	follow(runs, ARRAY_SIZE(runs));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, (u32)GH_VCPU_EXIT_PAGE_FAULT, vcpu->run->exit_reason);
	KUNIT_EXPECT_EQ(test, (u64)ADDR, vcpu->run->page_fault.phys_addr);
	KUNIT_EXPECT_EQ(test, -ENOENT, vcpu->run->page_fault.attempt);
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	vcpu->run->page_fault.resume_action = GH_VCPU_RESUME_RETRY;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	expect_resume(test, 1, 0, GH_VMMIO_ABORT);
	expect_resume(test, 2, 0, GH_VMMIO_AGAIN);
}

static void writes_that_are_taken(struct kunit *test)
{
	static const struct fake_run runs[] = { STORE(TAKEN), STORE(TAKEN), STORE(ADDR) };
	struct gh_vcpu *vcpu = test->priv;

	follow(runs, ARRAY_SIZE(runs));
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, 3U, fake.done);
	KUNIT_EXPECT_EQ(test, 2U, fake.taken);
	KUNIT_EXPECT_EQ(test, (u64)ADDR, vcpu->run->mmio.phys_addr);
	KUNIT_EXPECT_EQ(test, 0xabcdULL, get_unaligned_le64(vcpu->run->mmio.data));
}

static void bad_answers(struct kunit *test)
{
	static const struct fake_run runs[] = {
		LOAD(3), LOAD(0), LOAD(16), STATE(8), STATE(0x101), ERROR(GH_ERROR_DENIED),
	};
	struct gh_vcpu *vcpu = test->priv;
	unsigned int i;

	follow(runs, ARRAY_SIZE(runs));
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, -EINVAL, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, -EACCES, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, (u32)GH_VCPU_EXIT_UNKNOWN, vcpu->run->exit_reason);
}

static void not_entered(struct kunit *test)
{
	struct gh_vcpu *vcpu = test->priv;

	vcpu->run->immediate_exit = 1;
	KUNIT_EXPECT_EQ(test, -EINTR, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, (u32)GH_VCPU_EXIT_UNKNOWN, vcpu->run->exit_reason);
	/* The end of the VM is told all the same. */
	fake.may_run = false;
	KUNIT_EXPECT_EQ(test, 0, gh_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, (u32)GH_VCPU_EXIT_STATUS, vcpu->run->exit_reason);
	KUNIT_EXPECT_EQ(test, GH_VM_STATUS_EXITED, vcpu->run->status.status);
	KUNIT_EXPECT_EQ(test, (u16)GH_VM_EXIT_TYPE_WDT_BITE, vcpu->run->status.exit_info.type);
	KUNIT_EXPECT_EQ(test, 0U, fake.done);
}

/* Who has it mapped keeps it, and nobody else does once the vCPU is gone. */
static void run_page(struct kunit *test)
{
	struct gh_vcpu *vcpu = gh_vcpu_alloc(NULL, 1);
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	page = vcpu->page;
	get_page(page);
	KUNIT_EXPECT_EQ(test, 2, page_count(page));
	gh_vcpu_put(vcpu);
	KUNIT_EXPECT_EQ(test, 1, page_count(page));
	put_page(page);
}

static void who_is_who(struct kunit *test)
{
	struct gh_fn_vcpu_arg own = { .id = 3 }, same = { .id = 3 }, other = { .id = 4 };
	struct gh_vm_function_instance inst = { .argp = &own };

	KUNIT_EXPECT_TRUE(test, gh_vcpu_function.compare(&inst, &same));
	KUNIT_EXPECT_FALSE(test, gh_vcpu_function.compare(&inst, &other));
}

static struct kunit_case vcpu_cases[] = {
	KUNIT_CASE(interrupt),
	KUNIT_CASE(interrupt_refused),
	KUNIT_CASE(no_interrupt),
	KUNIT_CASE(value_of_a_read),
	KUNIT_CASE(value_and_retry),
	KUNIT_CASE(actions),
	KUNIT_CASE(page_faults),
	KUNIT_CASE(writes_that_are_taken),
	KUNIT_CASE(bad_answers),
	KUNIT_CASE(not_entered),
	KUNIT_CASE(run_page),
	KUNIT_CASE(who_is_who),
	{}
};

static struct kunit_suite vcpu_suite = {
	.name = "gunyah-vcpu",
	.init = vcpu_init,
	.exit = vcpu_exit,
	.test_cases = vcpu_cases,
};

kunit_test_suite(vcpu_suite);

MODULE_INFO(description, "KUnit: run loop of Gunyah vCPUs");
