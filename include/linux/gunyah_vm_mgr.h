/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VM manager: what a VM offers to the modules that serve its functions
 * (vCPUs, irqfds, ioeventfds and others to come).
 *
 * Context: everything here may sleep, except where it is said otherwise.
 */

#ifndef _LINUX_GUNYAH_VM_MGR_H
#define _LINUX_GUNYAH_VM_MGR_H

#include <linux/device/driver.h>
#include <linux/gunyah.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rbtree_latch.h>
#include <linux/types.h>

#include <uapi/linux/gunyah.h>

struct gh_vm;

/*
 * A file that belongs to a VM keeps a reference to it. The VM is taken down
 * when the last one is given back; gh_vm_put() waits for that for a while.
 */
struct gh_vm *gh_vm_get(struct gh_vm *ghvm);
void gh_vm_put(struct gh_vm *ghvm);

/*
 * Functions
 */

struct gh_vm_function_instance;

/**
 * struct gh_vm_function - a kind of function that a VM can have
 * @type: GH_FN_*
 * @mod: the module that serves it
 * @arg_size: size of its argument; others are refused before @bind is called
 * @bind: add one to a VM. Returns a file descriptor or 0 for userspace, or a
 *	  negative errno.
 * @unbind: remove it. No callback of it may run afterwards.
 * @compare: is this instance the one that the argument of a removal names?
 *
 * @bind and @unbind of a VM's functions never run at the same time.
 */
struct gh_vm_function {
	u32 type;
	struct module *mod;
	size_t arg_size;
	int (*bind)(struct gh_vm_function_instance *inst);
	void (*unbind)(struct gh_vm_function_instance *inst);
	bool (*compare)(const struct gh_vm_function_instance *inst, const void *arg);
};

/**
 * struct gh_vm_function_instance - one function of a VM
 * @ghvm: the VM; stays while the instance is bound
 * @fn: its kind
 * @argp: kernel copy of the argument, @fn->arg_size bytes
 * @data: for @fn
 * @node: in the VM's list
 */
struct gh_vm_function_instance {
	struct gh_vm *ghvm;
	const struct gh_vm_function *fn;
	void *argp;
	void *data;
	struct list_head node;
};

int gh_vm_function_register(const struct gh_vm_function *fn);
void gh_vm_function_unregister(const struct gh_vm_function *fn);

/* The alias by which a module is loaded when its function is asked for. */
#define MODULE_ALIAS_GH_VM_FUNCTION(_type)	MODULE_ALIAS("ghfunc:" __stringify(_type))

#define module_gh_vm_function(_fn) \
	module_driver(_fn, gh_vm_function_register, gh_vm_function_unregister)

/*
 * Resources
 */

/**
 * struct gh_vm_resource_ticket - claim to a resource that the VM gets at start
 * @resource_type: what kind of resource
 * @label: which one of them
 * @populate: here it is; called when the VM is started, or at once if it was
 * @unpopulate: it is taken away; afterwards it must not be used
 * @node: in the VM's list
 * @resource: what was found, or NULL
 */
struct gh_vm_resource_ticket {
	enum gh_resource_type resource_type;
	u32 label;
	int (*populate)(struct gh_vm_resource_ticket *ticket, struct gh_resource *ghrsc);
	void (*unpopulate)(struct gh_vm_resource_ticket *ticket, struct gh_resource *ghrsc);
	struct list_head node;
	struct gh_resource *resource;
};

int gh_vm_add_resource_ticket(struct gh_vm *ghvm, struct gh_vm_resource_ticket *ticket);
void gh_vm_remove_resource_ticket(struct gh_vm *ghvm, struct gh_vm_resource_ticket *ticket);

/*
 * Accesses of the guest to addresses where it has no memory
 */

/**
 * struct gh_vm_io_handler - takes a guest's writes to an address
 * @addr: guest physical address
 * @len: length of the write in bytes, or 0 for any
 * @datamatch: take only writes of @data
 * @data: what must be written, with @datamatch; its low @len bytes count
 * @write: called for each write; must not sleep
 * @node: in the VM's tree
 */
struct gh_vm_io_handler {
	u64 addr;
	u8 len;
	bool datamatch;
	u64 data;
	void (*write)(struct gh_vm_io_handler *handler, u64 addr, u32 len, u64 data);
	struct latch_tree_node node;
};

int gh_vm_add_io_handler(struct gh_vm *ghvm, struct gh_vm_io_handler *handler);
void gh_vm_remove_io_handler(struct gh_vm *ghvm, struct gh_vm_io_handler *handler);
int gh_vm_mmio_write(struct gh_vm *ghvm, u64 addr, u32 len, u64 data);

/*
 * Running
 */

/**
 * struct gh_vm_listener - wants to know when a VM stops to run, or is closed
 * @changed: called with a spinlock held: must not sleep, nor call back
 * @node: in the VM's list
 */
struct gh_vm_listener {
	void (*changed)(struct gh_vm_listener *listener);
	struct list_head node;
};

void gh_vm_add_listener(struct gh_vm *ghvm, struct gh_vm_listener *listener);
void gh_vm_remove_listener(struct gh_vm *ghvm, struct gh_vm_listener *listener);

bool gh_vm_may_run(const struct gh_vm *ghvm);
int gh_vm_exit_status(struct gh_vm *ghvm, enum gh_vm_status *status,
		      struct gh_vm_exit_info *exit_info);

#endif /* _LINUX_GUNYAH_VM_MGR_H */
