// SPDX-License-Identifier: GPL-2.0
/*
 * bellfd function: an eventfd that is signalled when the guest rings a doorbell whose other
 * end is the host's.
 */

#define pr_fmt(fmt) "gunyah-bellfd: " fmt

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/gunyah.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/interrupt.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/slab.h>

/**
 * struct gh_bellfd - a bellfd
 * @ticket: claim to its doorbell
 * @ctx: the eventfd
 * @irq_name: for /proc/interrupts
 * @rsc: the doorbell; valid while its interrupt is requested
 */
struct gh_bellfd {
	struct gh_vm_resource_ticket ticket;
	struct eventfd_ctx *ctx;
	char irq_name[24];
	struct gh_resource *rsc;
};

/* Flags that are cleared here may be set again at once: that is another interrupt. */
static irqreturn_t gh_bellfd_irq(int irq, void *data)
{
	struct gh_bellfd *bellfd = data;
	enum gh_error err;
	u64 flags;

	err = gh_hypercall_bell_receive(bellfd->rsc->capid, U64_MAX, &flags);
	if (err)
		pr_err_ratelimited("doorbell %u: failed to receive: %d\n", bellfd->ticket.label,
				   err);
	else if (flags)
		eventfd_signal(bellfd->ctx);
	return IRQ_HANDLED;
}

static int gh_bellfd_populate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_bellfd *bellfd = container_of(ticket, struct gh_bellfd, ticket);
	int ret;

	bellfd->rsc = rsc;
	ret = request_irq(rsc->irq, gh_bellfd_irq, IRQF_TRIGGER_RISING, bellfd->irq_name, bellfd);
	if (ret)
		return ret;

	/* What was rung so far may have interrupted nobody. */
	gh_bellfd_irq(rsc->irq, bellfd);
	return 0;
}

static void gh_bellfd_unpopulate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_bellfd *bellfd = container_of(ticket, struct gh_bellfd, ticket);

	free_irq(rsc->irq, bellfd);
}

static struct gh_bellfd *gh_bellfd_alloc(u32 label)
{
	struct gh_bellfd *bellfd;

	bellfd = kzalloc(sizeof(*bellfd), GFP_KERNEL_ACCOUNT);
	if (!bellfd)
		return NULL;

	snprintf(bellfd->irq_name, sizeof(bellfd->irq_name), "gh-bellfd:%u", label);
	bellfd->ticket.resource_type = GH_RESOURCE_TYPE_BELL_RX;
	bellfd->ticket.label = label;
	bellfd->ticket.populate = gh_bellfd_populate;
	bellfd->ticket.unpopulate = gh_bellfd_unpopulate;
	return bellfd;
}

static int gh_bellfd_bind(struct gh_vm_function_instance *inst)
{
	const struct gh_fn_bellfd_arg *arg = inst->argp;
	struct gh_bellfd *bellfd;
	int ret;

	if (arg->flags || arg->padding)
		return -EINVAL;

	bellfd = gh_bellfd_alloc(arg->label);
	if (!bellfd)
		return -ENOMEM;

	bellfd->ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(bellfd->ctx)) {
		ret = PTR_ERR(bellfd->ctx);
		goto err_free;
	}

	ret = gh_vm_add_resource_ticket(inst->ghvm, &bellfd->ticket);
	if (ret)
		goto err_put;

	inst->data = bellfd;
	return 0;

err_put:
	eventfd_ctx_put(bellfd->ctx);
err_free:
	kfree(bellfd);
	return ret;
}

static void gh_bellfd_unbind(struct gh_vm_function_instance *inst)
{
	struct gh_bellfd *bellfd = inst->data;

	gh_vm_remove_resource_ticket(inst->ghvm, &bellfd->ticket);
	eventfd_ctx_put(bellfd->ctx);
	kfree(bellfd);
}

static bool gh_bellfd_compare(const struct gh_vm_function_instance *inst, const void *arg)
{
	const struct gh_fn_bellfd_arg *wanted = arg;
	const struct gh_fn_bellfd_arg *own = inst->argp;

	return own->label == wanted->label;
}

static const struct gh_vm_function gh_bellfd_function = {
	.type = GH_FN_BELLFD,
	.mod = THIS_MODULE,
	.arg_size = sizeof(struct gh_fn_bellfd_arg),
	.bind = gh_bellfd_bind,
	.unbind = gh_bellfd_unbind,
	.compare = gh_bellfd_compare,
};
module_gh_vm_function(gh_bellfd_function);

MODULE_DESCRIPTION("Gunyah function: doorbells that a guest rings");
MODULE_ALIAS_GH_VM_FUNCTION(56);
MODULE_LICENSE("GPL");
