// SPDX-License-Identifier: GPL-2.0
/*
 * Writes of guests to addresses where they have no memory, and who takes them.
 *
 * Looked up on each such exit of a vCPU: a hash table under SRCU, so that vCPUs
 * do not get into each other's way.
 */

#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rculist.h>
#include <linux/srcu.h>

#include "vm_mgr.h"

DEFINE_STATIC_SRCU(gh_vm_io_srcu);

static u64 gh_vm_io_mask(u32 len)
{
	return len < sizeof(u64) ? BIT_ULL(len * BITS_PER_BYTE) - 1 : U64_MAX;
}

static bool gh_vm_io_takes(const struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data)
{
	if (handler->addr != addr)
		return false;
	if (handler->len && handler->len != len)
		return false;
	return !handler->datamatch || !((handler->data ^ data) & gh_vm_io_mask(len));
}

/* Is there a write that both would take? */
static bool gh_vm_io_collide(const struct gh_vm_io_handler *a, const struct gh_vm_io_handler *b)
{
	if (a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	if (a->len != b->len)
		return false;
	return !a->datamatch || !b->datamatch || !((a->data ^ b->data) & gh_vm_io_mask(a->len));
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
	struct gh_vm_io_handler *other;
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
	hash_for_each_possible(ghvm->io_handlers, other, node, handler->addr) {
		if (gh_vm_io_collide(handler, other))
			ret = -EEXIST;
	}
	if (!ret)
		hash_add_rcu(ghvm->io_handlers, &handler->node, handler->addr);
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
	hash_del_rcu(&handler->node);
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
	struct gh_vm_io_handler *handler;
	int ret = -ENOENT;
	int idx;

	idx = srcu_read_lock(&gh_vm_io_srcu);
	hash_for_each_possible_rcu(ghvm->io_handlers, handler, node, addr,
				   srcu_read_lock_held(&gh_vm_io_srcu)) {
		if (gh_vm_io_takes(handler, addr, len, data)) {
			handler->write(handler, addr, len, data);
			ret = 0;
			break;
		}
	}
	srcu_read_unlock(&gh_vm_io_srcu, idx);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_vm_mmio_write);
