/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VM manager: inside. Each VM is one struct gh_vm.
 *
 * References: @users counts files (the VM file and those of its functions);
 * the last one sends the VM to its worker to be taken down. @kref counts who
 * uses the struct: the files together, and the worker while it is queued.
 *
 * The worker does all that needs the Resource Manager: it cannot be killed, so
 * that no request is given up while memory is on its way. No lock is held
 * across a request.
 *
 * Locks, outer ones first:
 *	gh_vm.fn_lock > gh_vm.rsc_lock > what functions have
 *	gh_vm.config_lock > mmap_lock, gh_vm_mgr.lock
 *	gh_vm_mgr.lock > gh_vm.state_lock > what listeners take
 *	gh_vm.io_lock
 */

#ifndef _GUNYAH_VM_MGR_H
#define _GUNYAH_VM_MGR_H

#include <linux/completion.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vm_mgr_extent.h"
#include "vm_mgr_state.h"

/**
 * struct gh_vm_mgr - /dev/gunyah of one Resource Manager
 * @kref: the registration, each open device file, each VM
 * @misc: the device
 * @rm: the Resource Manager; a reference
 * @nb: receives its notifications
 * @node: in the list of all of them
 * @lock: guards @vms, @closing, @host_vmid
 * @vms: VMs that the Resource Manager may know: from before their VMID is asked
 *	 for until they are gone
 * @closing: no more VMs may start
 * @lost: the Resource Manager is no longer to be reached; set once
 * @host_vmid: who we are, or GH_VMID_INVAL if not asked yet
 * @wq: woken when @vms becomes empty
 */
struct gh_vm_mgr {
	struct kref kref;
	struct miscdevice misc;
	struct gh_rm *rm;
	struct notifier_block nb;
	struct list_head node;
	struct mutex lock;	/* see above */
	struct list_head vms;
	bool closing;
	bool lost;
	u16 host_vmid;
	wait_queue_head_t wq;
};

struct gh_vm_backing;

/**
 * struct gh_vm_backing_ops - a kind of memory that guests can have
 * @release: give the memory back to where it came from, and free the backing
 * @abandon: free the backing, but leave the memory where it is for ever:
 *	     another VM may own it and cannot be asked to give it back
 */
struct gh_vm_backing_ops {
	void (*release)(struct gh_vm_backing *backing);
	void (*abandon)(struct gh_vm_backing *backing);
};

/**
 * struct gh_vm_backing - where the memory of a region comes from
 * @ops: the kind
 * @extents: the memory, in the order in which the guest sees it
 */
struct gh_vm_backing {
	const struct gh_vm_backing_ops *ops;
	struct gh_extents extents;
};

struct gh_vm_backing *gh_vm_pin_user(u64 uaddr, u64 size, size_t max_extents);

/**
 * struct gh_vm_region - memory of a VM
 * @node: in the VM's list
 * @label: what userspace calls it, and the parcel's label
 * @flags: GH_MEM_*
 * @gpa: guest physical address
 * @size: in bytes
 * @backing: the memory
 * @mem_handle: the parcel, when @held
 * @held: the Resource Manager has the memory, or may have it: it must not be
 *	  given back to anyone. The worker's.
 * @claim: where @mem_handle may yet come from, or NULL. The worker's.
 * @reclaim_tried: the parcel was asked for once. The worker's.
 */
struct gh_vm_region {
	struct list_head node;
	u32 label;
	u32 flags;
	u64 gpa;
	u64 size;
	struct gh_vm_backing *backing;
	u32 mem_handle;
	bool held;
	struct gh_rm_request *claim;
	bool reclaim_tried;
};

/**
 * struct gh_vm_resource - something that the VM got at its start
 * @rsc: the resource
 * @ticket: who has it, or NULL
 */
struct gh_vm_resource {
	struct gh_resource *rsc;
	struct gh_vm_resource_ticket *ticket;
};

#define GH_VM_IO_HASH_BITS	6

/**
 * struct gh_vm - a VM
 * @kref: users of this struct
 * @users: files
 * @mgr: where it belongs to; a reference
 *
 * @config_lock: guards what userspace configures, up to @frozen
 * @regions: memory; no longer changes when @frozen is set, then the worker's
 * @dtb_gpa: where the devicetree is
 * @dtb_size: its size, or 0 if it was not given
 * @frozen: START was called, nothing may be changed any more
 *
 * @state_lock: guards what notifications change: state, exit info, listeners
 * @state: see there; the worker may read it without the lock
 * @exit_info: how it ended; valid from GH_VM_EXITED on
 * @listeners: are told when the VM can no longer run
 * @closed: the VM file is closed, vCPUs may no longer run
 * @wq: woken on each change of @state
 *
 * @work: start and end
 * @abort: do not go on with the start; set once
 * @end: take it down; set once, before @work is queued for it
 * @started: START has come to its end, with @start_result
 * @ended: the end was tried for the first time
 * @start_result: errno of START
 * @retry_delay: until the end is tried again, in jiffies
 * @vmid: its name, when the state says that it has one
 * @mgr_node: in @mgr->vms
 *
 * @fn_lock: guards functions, held while they are bound and unbound
 * @functions: newest first
 * @fn_closed: no more functions
 *
 * @rsc_lock: guards tickets and resources, held while tickets are filled
 * @tickets: who waits for or has a resource
 * @resources: what there is; @n_resources of them
 * @n_resources: see there
 *
 * @io_lock: guards changes of @io_handlers; readers are under SRCU
 * @io_handlers: by address
 */
struct gh_vm {
	struct kref kref;
	refcount_t users;
	struct gh_vm_mgr *mgr;

	struct mutex config_lock;	/* see above */
	struct list_head regions;
	u64 dtb_gpa;
	u64 dtb_size;
	bool frozen;

	spinlock_t state_lock;		/* see above */
	enum gh_vm_state state;
	struct gh_vm_exit_info exit_info;
	struct list_head listeners;
	bool closed;
	wait_queue_head_t wq;

	struct delayed_work work;
	bool abort;
	bool end;
	struct completion started;
	struct completion ended;
	int start_result;
	unsigned long retry_delay;
	u16 vmid;
	struct list_head mgr_node;

	struct mutex fn_lock;		/* see above */
	struct list_head functions;
	bool fn_closed;

	struct mutex rsc_lock;		/* see above */
	struct list_head tickets;
	struct gh_vm_resource *resources;
	size_t n_resources;

	struct mutex io_lock;		/* see above */
	DECLARE_HASHTABLE(io_handlers, GH_VM_IO_HASH_BITS);
};

/* vm_mgr.c: for the Resource Manager's driver */
int gh_vm_mgr_init(void);
void gh_vm_mgr_exit(void);
int gh_vm_mgr_register(struct gh_rm *rm);
void gh_vm_mgr_unregister(struct gh_rm *rm);

/* vm_mgr.c */
struct gh_vm_mgr *gh_vm_mgr_get(struct gh_vm_mgr *mgr);
void gh_vm_mgr_put(struct gh_vm_mgr *mgr);

/* vm_mgr_vm.c: VM files */
int gh_vm_create(struct gh_vm_mgr *mgr);
void gh_vm_free(struct kref *kref);

/* vm_mgr_life.c: start and end */
void gh_vm_work(struct work_struct *work);
void gh_vm_queue(struct gh_vm *ghvm, unsigned long delay);
void gh_vm_request_end(struct gh_vm *ghvm);
int gh_vm_start(struct gh_vm *ghvm);
int gh_vm_aborted(struct gh_vm *ghvm);
void gh_vm_close(struct gh_vm *ghvm);
bool gh_vm_is_orphaned(const struct gh_vm *ghvm);
int gh_vm_mgr_notified(struct notifier_block *nb, unsigned long action, void *data);
int gh_vm_life_init(void);
void gh_vm_life_exit(void);

/* vm_mgr_mm.c: memory regions */
int gh_vm_set_region(struct gh_vm *ghvm, const struct gh_userspace_memory_region *arg, bool lend);
int gh_vm_set_dtb_config(struct gh_vm *ghvm, const struct gh_vm_dtb_config *arg);
struct gh_vm_region *gh_vm_dtb_region(struct gh_vm *ghvm);
int gh_vm_give_memory(struct gh_vm *ghvm);
bool gh_vm_reclaim_memory(struct gh_vm *ghvm);
void gh_vm_free_memory(struct gh_vm *ghvm);

/* vm_mgr_fn.c: functions */
int gh_vm_add_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc);
int gh_vm_remove_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc);
void gh_vm_remove_all_functions(struct gh_vm *ghvm);

/* vm_mgr_rsc.c: resources and tickets */
int gh_vm_add_resources(struct gh_vm *ghvm);
void gh_vm_free_resources(struct gh_vm *ghvm);

#endif /* _GUNYAH_VM_MGR_H */
