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
 *	gh_vm.config_lock > mmap_lock > gh_guest_mem.lock
 *	gh_vm.config_lock > page_offline_begin() > mmap_lock, by who reads /proc/kcore
 *	gh_vm.config_lock > gh_vm_mgr.lock
 *	gh_vm_mgr.lock > gh_vm.state_lock > what listeners take
 *	gh_vm.io_lock
 *	all of them > gh_vm.mem_lock
 */

#ifndef _GUNYAH_VM_MGR_H
#define _GUNYAH_VM_MGR_H

#include <linux/completion.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/gunyah_vm_mgr.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/poll.h>
#include <linux/rbtree_latch.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vm_mgr_extent.h"
#include "vm_mgr_state.h"

/* What is known of an optional message of the Resource Manager. */
enum gh_vm_mgr_answer {
	GH_VM_MGR_UNASKED,
	GH_VM_MGR_NO,
	GH_VM_MGR_YES,
};

/**
 * struct gh_vm_mgr - /dev/gunyah of one Resource Manager
 * @kref: the registration, each open device file, each VM
 * @misc: the device
 * @rm: the Resource Manager; a reference
 * @nb: receives its notifications
 * @node: in the list of all of them
 * @lock: guards @vms, @closing, @host_vmid, @optional
 * @vms: VMs that the Resource Manager may know: from before their VMID is asked
 *	 for until they are gone
 * @closing: no more VMs may start
 * @lost: the Resource Manager is no longer to be reached; set once
 * @host_vmid: who we are, or GH_VMID_INVAL if not asked yet
 * @optional: whether there are such messages
 * @wq: woken when @vms becomes empty
 * @closing_wq: woken when @closing is set
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
	enum gh_vm_mgr_answer optional[GH_RM_N_OPTIONAL];
	wait_queue_head_t wq;
	wait_queue_head_t closing_wq;
};

/* The Resource Manager has no more for one owner. */
#define GH_VM_MAX_PARCELS	64

/*
 * The Resource Manager keeps books of each extent in little memory of its own. Some
 * stop answering altogether when they run out of it: so keep a parcel away from there.
 * All parcels together may still be too much.
 */
#define GH_VM_PARCEL_EXTENTS	7168

/* The Resource Manager's pages, whatever the size of the host's is. */
#define GH_RM_PAGE_SIZE		SZ_4K

#define GH_MEM_ACCESS		(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)
/* What a memory region can have. */
#define GH_VM_REGION_FLAGS	(GH_MEM_ACCESS | GH_MEM_LENT | GH_MEM_SANITIZE)

struct gh_vm_backing;

/**
 * struct gh_vm_backing_ops - a kind of memory that guests can have
 * @lend: keep the host from the memory; NULL if that cannot be done. -EBUSY if
 *	  somebody uses it at the moment, -EINTR if a fatal signal came
 * @unlend: the host may use it again; not called if @lend was not
 * @release: give the memory back to where it came from, and free the backing
 * @abandon: free the backing, but leave the memory where it is for ever:
 *	     another VM may own it and cannot be asked to give it back
 */
struct gh_vm_backing_ops {
	int (*lend)(struct gh_vm_backing *backing);
	void (*unlend)(struct gh_vm_backing *backing);
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

/**
 * struct gh_vm_pin - pinned user memory
 * @backing: the backing
 * @mm: whose locked memory it counts as; a reference
 * @uaddr: where it was mapped when it was pinned
 * @npages: how much was accounted
 */
struct gh_vm_pin {
	struct gh_vm_backing backing;
	struct mm_struct *mm;
	unsigned long uaddr;
	unsigned long npages;
};

struct gh_vm_backing *gh_vm_pin_user(u64 uaddr, u64 size, size_t max_extents);
struct gh_vm_pin *gh_vm_pin_of(struct gh_vm_backing *backing);

/**
 * enum gh_vm_parcel_state - who has the memory of a parcel
 * @GH_VM_PARCEL_OWN: the host alone
 * @GH_VM_PARCEL_GIVEN: it is lent or shared
 * @GH_VM_PARCEL_STUCK: it should be the host's again, but the Resource Manager
 *			did not give it back, or may have it without our knowing
 */
enum gh_vm_parcel_state {
	GH_VM_PARCEL_OWN,
	GH_VM_PARCEL_GIVEN,
	GH_VM_PARCEL_STUCK,
};

/**
 * struct gh_vm_parcel - some of a region, as the Resource Manager gets it
 * @n_extents: how many of the region's extents, after those of the parcel before
 * @size: in bytes
 * @state: who has it. In all states but %GH_VM_PARCEL_OWN it must not be given
 *	   back to anyone. The worker's; changed by gh_vm_set_parcel_state().
 * @mem_handle: its name, or GH_MEM_HANDLE_INVAL if that is not known. The worker's.
 * @claim: where @mem_handle may yet come from, or NULL. The worker's.
 * @reclaiming: a request to give it back failed; perhaps it was done nevertheless.
 *		The worker's.
 */
struct gh_vm_parcel {
	size_t n_extents;
	u64 size;
	enum gh_vm_parcel_state state;
	u32 mem_handle;
	struct gh_rm_request *claim;
	bool reclaiming;
};

/**
 * struct gh_vm_region - memory of a VM
 * @node: in the VM's list
 * @label: what userspace calls it, and the label of its parcels
 * @flags: GH_MEM_*
 * @gpa: guest physical address
 * @size: in bytes
 * @backing: the memory
 * @n_parcels: how many parcels it makes; at least 1
 * @parcels: these, in the order of the memory
 */
struct gh_vm_region {
	struct list_head node;
	u32 label;
	u32 flags;
	u64 gpa;
	u64 size;
	struct gh_vm_backing *backing;
	size_t n_parcels;
	struct gh_vm_parcel parcels[];
};

/**
 * struct gh_vm_mem_info - how much memory a VM has, and who has it
 * @pinned: bytes in all regions
 * @shared: bytes of these that the guest shares with the host
 * @lent: bytes that only the guest has
 * @stuck: bytes that the Resource Manager did not give back when it was asked
 * @n_extents: how many runs all regions consist of
 * @n_parcels: how many parcels the Resource Manager has
 */
struct gh_vm_mem_info {
	u64 pinned;
	u64 shared;
	u64 lent;
	u64 stuck;
	size_t n_extents;
	size_t n_parcels;
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

/**
 * struct gh_vm_exit - how a VM ended
 * @type: enum gh_vm_exit_type
 * @reason_size: how many bytes came with it
 * @reason: the first of them
 */
struct gh_vm_exit {
	u16 type;
	u32 reason_size;
	u8 reason[GH_VM_STATUS_REASON_SIZE];
};

/* X0..X31, PC, SP_EL0..SP_EL2 */
#define GH_VM_N_BOOT_REGS	36

/**
 * struct gh_vm_boot_regs - registers of the vCPU that boots
 * @set: which of them were given
 * @value: what they are to have
 */
struct gh_vm_boot_regs {
	DECLARE_BITMAP(set, GH_VM_N_BOOT_REGS);
	u64 value[GH_VM_N_BOOT_REGS];
};

/**
 * struct gh_vm - a VM
 * @kref: users of this struct
 * @users: files
 * @mgr: where it belongs to; a reference
 *
 * @mm: who made it, and alone may give it memory; a reference to the struct
 *
 * @mem_lock: guards @mem_info, and is held while it and what it counts change
 * @mem_info: accounts of @regions
 *
 * @config_lock: guards what userspace configures, up to @frozen
 * @regions: memory, by guest address; no longer changes when @frozen is set, then
 *	     the worker's
 * @dtb_gpa: where the devicetree is
 * @dtb_size: its size, or 0 if it was not given
 * @boot_regs: registers
 * @fw_gpa: where the firmware is to be
 * @fw_size: its size, or 0 if the VM is not a protected one
 * @frozen: START was called, nothing may be changed any more
 *
 * @state_lock: guards what notifications change: state, exit info, listeners
 * @state: see there; the worker may read it without the lock
 * @exited: it has ended, as @exit says; stays so
 * @exit: how it ended
 * @listeners: are told when the VM can no longer run
 * @closed: the VM file is closed, vCPUs may no longer run
 * @wq: woken on each change of @state, and when the start is over
 *
 * @work: start and end
 * @abort: do not go on with the start; set once
 * @end: take it down; set once, before @work is queued for it
 * @started: START has come to its end, with @start_result
 * @ended: the end was tried for the first time
 * @start_result: errno of START
 * @retry_delay: until the end is tried again, in jiffies; under @mgr->lock
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
 * @io_handlers: by what they take
 */
struct gh_vm {
	struct kref kref;
	refcount_t users;
	struct gh_vm_mgr *mgr;

	struct mm_struct *mm;
	spinlock_t mem_lock;		/* see above */
	struct gh_vm_mem_info mem_info;

	struct mutex config_lock;	/* see above */
	struct list_head regions;
	u64 dtb_gpa;
	u64 dtb_size;
	struct gh_vm_boot_regs boot_regs;
	u64 fw_gpa;
	u64 fw_size;
	bool frozen;

	spinlock_t state_lock;		/* see above */
	enum gh_vm_state state;
	bool exited;
	struct gh_vm_exit exit;
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
	struct latch_tree_root io_handlers;
};

/* vm_mgr.c: for the Resource Manager's driver */
int gh_vm_mgr_init(void);
void gh_vm_mgr_exit(void);
void gh_vm_mgr_debugfs_init(struct dentry *dir);
int gh_vm_mgr_register(struct gh_rm *rm);
void gh_vm_mgr_unregister(struct gh_rm *rm);

/* vm_mgr.c */
struct gh_vm_mgr *gh_vm_mgr_get(struct gh_vm_mgr *mgr);
void gh_vm_mgr_put(struct gh_vm_mgr *mgr);
void gh_vm_for_each(void (*each)(struct gh_vm *ghvm, void *arg), void *arg);

/* vm_mgr_cap.c: what can be done */
int gh_vm_mgr_has(struct gh_vm_mgr *mgr, enum gh_rm_optional what);
void gh_vm_mgr_lacks(struct gh_vm_mgr *mgr, enum gh_rm_optional what);
int gh_vm_mgr_get_capability(struct gh_vm_mgr *mgr, struct gh_capability *cap);
long gh_vm_mgr_ioctl_capability(struct gh_vm_mgr *mgr, void __user *argp);

/* vm_mgr_vm.c: VM files */
int gh_vm_create(struct gh_vm_mgr *mgr);
int gh_vm_lock_config(struct gh_vm *ghvm);
void gh_vm_free(struct kref *kref);

/* vm_mgr_boot.c: how it boots */
int gh_vm_set_boot_context(struct gh_vm *ghvm, const struct gh_vm_boot_context *arg);
int gh_vm_give_boot_regs(struct gh_vm *ghvm);
int gh_vm_set_fw_config(struct gh_vm *ghvm, const struct gh_vm_firmware_config *arg);
int gh_vm_check_fw_config(struct gh_vm *ghvm);
int gh_vm_give_firmware(struct gh_vm *ghvm);

static inline bool gh_vm_has_firmware(const struct gh_vm *ghvm)
{
	return ghvm->fw_size;
}

/* vm_mgr_life.c: start and end */
void gh_vm_work(struct work_struct *work);
void gh_vm_queue(struct gh_vm *ghvm, unsigned long delay);
void gh_vm_request_end(struct gh_vm *ghvm);
int gh_vm_start(struct gh_vm *ghvm);
int gh_vm_aborted(struct gh_vm *ghvm);
int gh_vm_life_init(void);
void gh_vm_life_exit(void);

/* vm_mgr_status.c: what has become of it */
bool gh_vm_transition(struct gh_vm *ghvm, enum gh_vm_event event, const struct gh_vm_exit *exit);
void gh_vm_close(struct gh_vm *ghvm);
bool gh_vm_is_orphaned(const struct gh_vm *ghvm);
void gh_vm_get_status(struct gh_vm *ghvm, struct gh_vm_status_info *info);
int gh_vm_get_crash_msg(struct gh_vm *ghvm, struct gh_vm_crash_msg *info);
__poll_t gh_vm_poll(struct gh_vm *ghvm, struct file *file, poll_table *wait);
int gh_vm_mgr_notified(struct notifier_block *nb, unsigned long action, void *data);

/* The worker may look at the state without the lock. */
static inline enum gh_vm_state gh_vm_state(const struct gh_vm *ghvm)
{
	return READ_ONCE(ghvm->state);
}

static inline void gh_vm_happened(struct gh_vm *ghvm, enum gh_vm_event event)
{
	gh_vm_transition(ghvm, event, NULL);
}

/* vm_mgr_mm.c: memory regions */
int gh_vm_set_region(struct gh_vm *ghvm, const struct gh_userspace_memory_region *arg, bool lend);
int gh_vm_set_dtb_config(struct gh_vm *ghvm, const struct gh_vm_dtb_config *arg);
struct gh_vm_region *gh_vm_region_around(struct gh_vm *ghvm, u64 gpa, u64 size);
int gh_vm_add_region(struct gh_vm *ghvm, struct gh_vm_backing *backing, u32 label, u32 flags,
		     u64 gpa, u64 size);
void gh_vm_replace_region(struct gh_vm *ghvm, struct gh_vm_region *region,
			  struct gh_vm_region *new);
int gh_vm_check_gpa(u64 gpa, u64 size);
bool gh_vm_is_free(struct gh_vm *ghvm, u32 label, u64 gpa, u64 size);
void gh_vm_free_region(struct gh_vm *ghvm, struct gh_vm_region *region);
void gh_vm_free_own_memory(struct gh_vm *ghvm);
void gh_vm_free_memory(struct gh_vm *ghvm);

/* vm_mgr_map.c: guest memory files of a VM */
int gh_vm_map_mem(struct gh_vm *ghvm, const struct gh_map_mem *arg);

/* vm_mgr_lend.c: what is to be lent */
bool gh_vm_lends_in_place(void);
int gh_vm_prepare_lending(struct gh_vm *ghvm);
void gh_vm_cancel_lending(struct gh_vm *ghvm);

/* vm_mgr_parcel.c: the parcels that regions become */
size_t gh_vm_max_extents(u32 flags);
struct gh_vm_region *gh_vm_alloc_region(struct gh_vm_backing *backing);
u32 gh_vm_region_handle(const struct gh_vm_region *region);
int gh_vm_check_memory(struct gh_vm *ghvm);
int gh_vm_give_memory(struct gh_vm *ghvm);
bool gh_vm_reclaim_memory(struct gh_vm *ghvm);

/* vm_mgr_mem_info.c: accounts of memory */
void gh_vm_count_region(struct gh_vm *ghvm, const struct gh_vm_region *region);
void gh_vm_uncount_region(struct gh_vm *ghvm, const struct gh_vm_region *region);
void gh_vm_set_parcel_state(struct gh_vm *ghvm, const struct gh_vm_region *region,
			    struct gh_vm_parcel *parcel, enum gh_vm_parcel_state state);
void gh_vm_abandon_region(const struct gh_vm_region *region);
void gh_vm_show_fdinfo(struct seq_file *m, struct file *file);

/* vm_mgr_fn.c: functions */
int gh_vm_add_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc);
int gh_vm_remove_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc);
void gh_vm_remove_all_functions(struct gh_vm *ghvm);
u64 gh_vm_function_types(void);

/* vm_mgr_rsc.c: resources and tickets */
int gh_vm_add_resources(struct gh_vm *ghvm);
void gh_vm_free_resources(struct gh_vm *ghvm);

#endif /* _GUNYAH_VM_MGR_H */
