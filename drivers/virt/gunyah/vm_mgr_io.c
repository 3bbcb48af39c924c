// SPDX-License-Identifier: GPL-2.0
/*
 * Writes of guests to addresses where they have no memory, and who takes them.
 *
 * Looked up on each such exit of a vCPU: in a tree, without a lock. No two handlers
 * take the same write, so what they take are intervals in the order of addresses,
 * lengths and values, and a write lies in one of them at most.
 */

#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rbtree_latch.h>
#include <linux/srcu.h>

#include "vm_mgr.h"

DEFINE_STATIC_SRCU(gh_vm_io_srcu);

static u64 gh_vm_io_mask(u32 len)
{
	return len < sizeof(u64) ? BIT_ULL(len * BITS_PER_BYTE) - 1 : U64_MAX;
}

/* 0 if there is a write that both take. */
static int gh_vm_io_compare(const struct gh_vm_io_handler *a, const struct gh_vm_io_handler *b)
{
	u64 mask = gh_vm_io_mask(a->len);

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (!a->len || !b->len)
		return 0;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (!a->datamatch || !b->datamatch || !((a->data ^ b->data) & mask))
		return 0;
	return (a->data & mask) < (b->data & mask) ? -1 : 1;
}

static struct gh_vm_io_handler *gh_vm_io_from_node(struct latch_tree_node *node)
{
	return container_of(node, struct gh_vm_io_handler, node);
}

static bool gh_vm_io_less(struct latch_tree_node *a, struct latch_tree_node *b)
{
	return gh_vm_io_compare(gh_vm_io_from_node(a), gh_vm_io_from_node(b)) < 0;
}

static int gh_vm_io_compare_key(void *key, struct latch_tree_node *node)
{
	return gh_vm_io_compare(key, gh_vm_io_from_node(node));
}

static const struct latch_tree_ops gh_vm_io_ops = {
	.less = gh_vm_io_less,
	.comp = gh_vm_io_compare_key,
};

/* Any of those that take a write which @key takes, too. */
static struct gh_vm_io_handler *gh_vm_io_find(struct gh_vm *ghvm, struct gh_vm_io_handler *key)
{
	struct latch_tree_node *node;

	node = latch_tree_find(key, &ghvm->io_handlers, &gh_vm_io_ops);
	return node ? gh_vm_io_from_node(node) : NULL;
}

/**
 * gh_vm_add_io_handler() - take writes to an address
 * @ghvm: the VM
 * @handler: which writes, and what to do
 *
 * Return: 0, -EINVAL if @handler makes no sense, -EEXIST if there is one that
 * takes such writes already.
 */
int gh_vm_add_io_handler(struct gh_vm *ghvm, struct gh_vm_io_handler *handler)
{
	int ret = 0;
	u64 end;

	switch (handler->len) {
	case 0:
		/* How many bytes of the value would count? */
		if (handler->datamatch)
			return -EINVAL;
		break;
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return -EINVAL;
	}

	if (check_add_overflow(handler->addr, (u64)handler->len, &end))
		return -EINVAL;

	mutex_lock(&ghvm->io_lock);
	if (gh_vm_io_find(ghvm, handler))
		ret = -EEXIST;
	else
		latch_tree_insert(&handler->node, &ghvm->io_handlers, &gh_vm_io_ops);
	mutex_unlock(&ghvm->io_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_vm_add_io_handler);

/**
 * gh_vm_remove_io_handler() - no longer take writes
 * @ghvm: the VM
 * @handler: is not running when this returns, and will not be called again
 */
void gh_vm_remove_io_handler(struct gh_vm *ghvm, struct gh_vm_io_handler *handler)
{
	mutex_lock(&ghvm->io_lock);
	latch_tree_erase(&handler->node, &ghvm->io_handlers, &gh_vm_io_ops);
	mutex_unlock(&ghvm->io_lock);
	synchronize_srcu_expedited(&gh_vm_io_srcu);
}
EXPORT_SYMBOL_GPL(gh_vm_remove_io_handler);

/**
 * gh_vm_mmio_write() - a guest wrote to where it has no memory
 * @ghvm: the VM
 * @addr: guest physical address
 * @len: 1, 2, 4 or 8 bytes
 * @data: what it wrote, in the low bytes
 *
 * Return: 0 if somebody took it, -ENOENT if not.
 */
int gh_vm_mmio_write(struct gh_vm *ghvm, u64 addr, u32 len, u64 data)
{
	struct gh_vm_io_handler key = { .addr = addr, .len = len, .datamatch = true, .data = data };
	struct gh_vm_io_handler *handler;
	int idx;

	idx = srcu_read_lock(&gh_vm_io_srcu);
	handler = gh_vm_io_find(ghvm, &key);
	if (handler)
		handler->write(handler, addr, len, data);
	srcu_read_unlock(&gh_vm_io_srcu, idx);

	return handler ? 0 : -ENOENT;
}
EXPORT_SYMBOL_GPL(gh_vm_mmio_write);
