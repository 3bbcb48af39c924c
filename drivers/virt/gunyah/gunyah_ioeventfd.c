// SPDX-License-Identifier: GPL-2.0
/*
 * ioeventfd function: an eventfd that a guest's write signals.
 */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/module.h>
#include <linux/slab.h>

/**
 * struct gh_ioeventfd - an ioeventfd
 * @handler: takes the writes
 * @ctx: the eventfd
 */
struct gh_ioeventfd {
	struct gh_vm_io_handler handler;
	struct eventfd_ctx *ctx;
};

static void gh_ioeventfd_write(struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data)
{
	struct gh_ioeventfd *iofd = container_of(handler, struct gh_ioeventfd, handler);

	eventfd_signal(iofd->ctx);
}

static struct gh_ioeventfd *gh_ioeventfd_alloc(const struct gh_fn_ioeventfd_arg *arg)
{
	struct gh_ioeventfd *iofd;

	iofd = kzalloc(sizeof(*iofd), GFP_KERNEL_ACCOUNT);
	if (!iofd)
		return NULL;

	iofd->handler.addr = arg->addr;
	iofd->handler.len = arg->len;
	iofd->handler.datamatch = arg->flags & GH_IOEVENTFD_FLAGS_DATAMATCH;
	iofd->handler.data = arg->datamatch;
	iofd->handler.write = gh_ioeventfd_write;
	return iofd;
}

static int gh_ioeventfd_bind(struct gh_vm_function_instance *inst)
{
	const struct gh_fn_ioeventfd_arg *arg = inst->argp;
	struct gh_ioeventfd *iofd;
	int ret;

	/* The length is looked at in full before it is made smaller. */
	if ((arg->flags & ~GH_IOEVENTFD_FLAGS_DATAMATCH) || arg->len > sizeof(u64))
		return -EINVAL;

	iofd = gh_ioeventfd_alloc(arg);
	if (!iofd)
		return -ENOMEM;

	iofd->ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(iofd->ctx)) {
		ret = PTR_ERR(iofd->ctx);
		goto err_free;
	}

	ret = gh_vm_add_io_handler(inst->ghvm, &iofd->handler);
	if (ret)
		goto err_put;

	inst->data = iofd;
	return 0;

err_put:
	eventfd_ctx_put(iofd->ctx);
err_free:
	kfree(iofd);
	return ret;
}

static void gh_ioeventfd_unbind(struct gh_vm_function_instance *inst)
{
	struct gh_ioeventfd *iofd = inst->data;

	gh_vm_remove_io_handler(inst->ghvm, &iofd->handler);
	eventfd_ctx_put(iofd->ctx);
	kfree(iofd);
}

/*
 * Some VMMs fill in the address only, and mean all that is there. Others have one for each
 * value, which are told apart by all that there was when they were added.
 */
static bool gh_ioeventfd_compare(const struct gh_vm_function_instance *inst, const void *arg)
{
	const struct gh_fn_ioeventfd_arg *wanted = arg;
	const struct gh_fn_ioeventfd_arg *own = inst->argp;

	if (own->addr != wanted->addr)
		return false;
	if (!(wanted->flags & GH_IOEVENTFD_FLAGS_DATAMATCH))
		return true;
	return (own->flags & GH_IOEVENTFD_FLAGS_DATAMATCH) && own->len == wanted->len &&
	       own->datamatch == wanted->datamatch;
}

static const struct gh_vm_function gh_ioeventfd_function = {
	.type = GH_FN_IOEVENTFD,
	.mod = THIS_MODULE,
	.arg_size = sizeof(struct gh_fn_ioeventfd_arg),
	.bind = gh_ioeventfd_bind,
	.unbind = gh_ioeventfd_unbind,
	.compare = gh_ioeventfd_compare,
};
module_gh_vm_function(gh_ioeventfd_function);

MODULE_DESCRIPTION("Gunyah ioeventfd function");
MODULE_ALIAS_GH_VM_FUNCTION(3);
MODULE_LICENSE("GPL");
