// SPDX-License-Identifier: GPL-2.0
/*
 * irqfd function: an eventfd that raises an interrupt of the guest, by ringing a
 * doorbell whose other end is the guest's.
 */

#define pr_fmt(fmt) "gunyah-irqfd: " fmt

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gunyah.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/**
 * struct gh_irqfd - an irqfd
 * @ticket: claim to its doorbell
 * @ctx: the eventfd
 * @wait: called when @ctx is signalled
 * @pt: puts @wait into the queue of @ctx
 * @level: the guest's line is level triggered
 * @level_error: why it could not be made so; a negative errno, or 0
 * @lock: guards @rsc and @pending. Taken inside of the eventfd's own lock.
 * @rsc: the doorbell, or NULL
 * @pending: was signalled before there was a doorbell
 */
struct gh_irqfd {
	struct gh_vm_resource_ticket ticket;
	struct eventfd_ctx *ctx;
	wait_queue_entry_t wait;
	poll_table pt;
	bool level;
	int level_error;

	spinlock_t lock;	/* see above */
	struct gh_resource *rsc;
	bool pending;
};

static void gh_irqfd_ring(struct gh_irqfd *irqfd)
{
	enum gh_error err;
	u64 old_flags;

	lockdep_assert_held(&irqfd->lock);
	err = gh_hypercall_bell_send(irqfd->rsc->capid, GH_BELL_NONBLOCK, &old_flags);
	if (err)
		pr_err_ratelimited("doorbell %u: failed to ring: %d\n", irqfd->ticket.label, err);
}

static void gh_irqfd_signal(struct gh_irqfd *irqfd)
{
	unsigned long flags;

	spin_lock_irqsave(&irqfd->lock, flags);
	if (irqfd->rsc)
		gh_irqfd_ring(irqfd);
	else
		irqfd->pending = true;
	spin_unlock_irqrestore(&irqfd->lock, flags);
}

/* Called with the eventfd's lock held. */
static int gh_irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct gh_irqfd *irqfd = container_of(wait, struct gh_irqfd, wait);

	if (key_to_poll(key) & EPOLLIN)
		gh_irqfd_signal(irqfd);
	return 0;
}

static void gh_irqfd_queue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct gh_irqfd *irqfd = container_of(pt, struct gh_irqfd, pt);

	add_wait_queue(wqh, &irqfd->wait);
}

/*
 * Each ring of a level triggered line is a pulse, as nobody tells when the guest
 * has served it. The host has the right to set this up only if the guest's
 * devicetree grants it.
 */
static int gh_irqfd_set_level(const struct gh_irqfd *irqfd, const struct gh_resource *rsc)
{
	enum gh_error err;

	err = gh_hypercall_bell_set_mask(rsc->capid, GH_BELL_NONBLOCK, U64_MAX);
	if (err)
		pr_warn_ratelimited("doorbell %u: failed to make it level triggered: %d%s\n",
				    irqfd->ticket.label, err,
				    err == GH_ERROR_CSPACE_INSUF_RIGHTS ?
				    " (no source-can-clear in the guest's devicetree)" : "");
	return gh_error_remap(err);
}

static int gh_irqfd_populate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_irqfd *irqfd = container_of(ticket, struct gh_irqfd, ticket);
	unsigned long flags;

	/* No reason not to start the VM; but who adds it to a started one is told. */
	if (irqfd->level)
		irqfd->level_error = gh_irqfd_set_level(irqfd, rsc);

	spin_lock_irqsave(&irqfd->lock, flags);
	irqfd->rsc = rsc;
	if (irqfd->pending)
		gh_irqfd_ring(irqfd);
	irqfd->pending = false;
	spin_unlock_irqrestore(&irqfd->lock, flags);
	return 0;
}

static void gh_irqfd_unpopulate(struct gh_vm_resource_ticket *ticket, struct gh_resource *rsc)
{
	struct gh_irqfd *irqfd = container_of(ticket, struct gh_irqfd, ticket);
	unsigned long flags;

	spin_lock_irqsave(&irqfd->lock, flags);
	irqfd->rsc = NULL;
	spin_unlock_irqrestore(&irqfd->lock, flags);
}

static struct gh_irqfd *gh_irqfd_alloc(const struct gh_fn_irqfd_arg *arg)
{
	struct gh_irqfd *irqfd;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return NULL;

	spin_lock_init(&irqfd->lock);
	init_waitqueue_func_entry(&irqfd->wait, gh_irqfd_wakeup);
	init_poll_funcptr(&irqfd->pt, gh_irqfd_queue);
	irqfd->level = arg->flags & GH_IRQFD_FLAGS_LEVEL;
	irqfd->ticket.resource_type = GH_RESOURCE_TYPE_BELL_TX;
	irqfd->ticket.label = arg->label;
	irqfd->ticket.populate = gh_irqfd_populate;
	irqfd->ticket.unpopulate = gh_irqfd_unpopulate;
	return irqfd;
}

static int gh_irqfd_attach(struct gh_vm_function_instance *inst, struct gh_irqfd *irqfd,
			   struct file *file)
{
	int ret;

	irqfd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->ctx))
		return PTR_ERR(irqfd->ctx);

	ret = gh_vm_add_resource_ticket(inst->ghvm, &irqfd->ticket);
	if (ret)
		goto err_put;
	ret = READ_ONCE(irqfd->level_error);
	if (ret)
		goto err_ticket;

	/* From here on it can fire; perhaps it was signalled already. */
	if (vfs_poll(file, &irqfd->pt) & EPOLLIN)
		gh_irqfd_signal(irqfd);
	return 0;

err_ticket:
	gh_vm_remove_resource_ticket(inst->ghvm, &irqfd->ticket);
err_put:
	eventfd_ctx_put(irqfd->ctx);
	return ret;
}

static int gh_irqfd_bind(struct gh_vm_function_instance *inst)
{
	const struct gh_fn_irqfd_arg *arg = inst->argp;
	struct gh_irqfd *irqfd;
	struct file *file;
	int ret;

	if (arg->flags & ~GH_IRQFD_FLAGS_LEVEL)
		return -EINVAL;

	irqfd = gh_irqfd_alloc(arg);
	if (!irqfd)
		return -ENOMEM;

	file = eventfd_fget(arg->fd);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_free;
	}
	ret = gh_irqfd_attach(inst, irqfd, file);
	fput(file);
	if (ret)
		goto err_free;

	inst->data = irqfd;
	return 0;

err_free:
	kfree(irqfd);
	return ret;
}

static void gh_irqfd_unbind(struct gh_vm_function_instance *inst)
{
	struct gh_irqfd *irqfd = inst->data;
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	gh_vm_remove_resource_ticket(inst->ghvm, &irqfd->ticket);
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

static bool gh_irqfd_compare(const struct gh_vm_function_instance *inst, const void *arg)
{
	const struct gh_fn_irqfd_arg *wanted = arg;
	const struct gh_fn_irqfd_arg *own = inst->argp;

	return own->label == wanted->label;
}

static const struct gh_vm_function gh_irqfd_function = {
	.type = GH_FN_IRQFD,
	.mod = THIS_MODULE,
	.arg_size = sizeof(struct gh_fn_irqfd_arg),
	.bind = gh_irqfd_bind,
	.unbind = gh_irqfd_unbind,
	.compare = gh_irqfd_compare,
};
module_gh_vm_function(gh_irqfd_function);

MODULE_DESCRIPTION("Gunyah irqfd function");
MODULE_ALIAS_GH_VM_FUNCTION(2);
MODULE_LICENSE("GPL");
