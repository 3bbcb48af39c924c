/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: the privileged VM that makes, starts and ends other VMs
 * for us. One function for each of its messages.
 *
 * Context of all calls: process context, may sleep. They wait killably for the
 * answer; a thread that cannot be killed (a kernel worker) always gets it, or
 * an error when it is known not to come or the Resource Manager's device goes
 * away. A caller that is killed gets -EINTR; the request stays with the core,
 * which gives back by itself what a late reply grants. Callers that hand over
 * memory must therefore not be killable: use a worker.
 *
 * Errors of all calls: -ENODEV (device gone), -EINTR (killed), -ENOMEM,
 * -EBADMSG (the reply makes no sense), -ETIMEDOUT (a later request was answered
 * and this one was not), -ECOMM (the message queue did not take the request),
 * -EBUSY (65,536 requests have no reply yet), or what
 * gh_rm_error_remap() makes of the Resource Manager's own code. That is
 * -EOPNOTSUPP for a message which it does not know.
 * When a call fails, what it is to fill in or to set stays as it was, unless
 * said otherwise.
 *
 * Messages are those of Gunyah's Resource Manager, its include/vm_*_message.h
 * and include/memparcel_msg.h.
 */

#ifndef _LINUX_GUNYAH_RSC_MGR_H
#define _LINUX_GUNYAH_RSC_MGR_H

#include <linux/bits.h>
#include <linux/gunyah.h>
#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct gh_rm;
struct gh_rm_request;
struct device;

/**
 * enum gh_rm_error - the Resource Manager's codes, as they stand in a reply
 */
enum gh_rm_error {
	GH_RM_ERROR_OK			= 0x0,
	GH_RM_ERROR_NOMEM		= 0x1,
	GH_RM_ERROR_NORESOURCE		= 0x2,
	GH_RM_ERROR_DENIED		= 0x3,
	GH_RM_ERROR_INVALID		= 0x4,
	GH_RM_ERROR_BUSY		= 0x5,
	GH_RM_ERROR_ARGUMENT_INVALID	= 0x6,
	GH_RM_ERROR_HANDLE_INVALID	= 0x7,
	GH_RM_ERROR_VALIDATE_FAILED	= 0x8,
	GH_RM_ERROR_MAP_FAILED		= 0x9,
	GH_RM_ERROR_MEM_INVALID		= 0xa,
	GH_RM_ERROR_MEM_INUSE		= 0xb,
	GH_RM_ERROR_MEM_RELEASED	= 0xc,
	GH_RM_ERROR_VMID_INVALID	= 0xd,
	GH_RM_ERROR_LOOKUP_FAILED	= 0xe,
	GH_RM_ERROR_IRQ_INVALID		= 0xf,
	GH_RM_ERROR_IRQ_INUSE		= 0x10,
	GH_RM_ERROR_IRQ_RELEASED	= 0x11,
	GH_RM_ERROR_IN_USE		= 0x12,
	GH_RM_ERROR_IRQ_NOT_MAPPED	= 0x13,
	GH_RM_ERROR_VM_STATE		= 0x14,
	GH_RM_ERROR_UNIMPLEMENTED	= 0xffffffff,
};

/**
 * gh_rm_reply_lost() - was a request done or not?
 * @ret: what the call returned
 *
 * Return: whether there was no reply, or none that makes sense, so that nobody
 * knows.
 */
static inline bool gh_rm_reply_lost(int ret)
{
	return ret == -ETIMEDOUT || ret == -EBADMSG;
}

/**
 * gh_rm_error_remap() - the errno that fits a code of the Resource Manager
 * @error: the code; need not be a known one
 *
 * Return: 0 for GH_RM_ERROR_OK, else a negative errno; -EINVAL for what is not
 * known.
 */
static inline int gh_rm_error_remap(enum gh_rm_error error)
{
	switch (error) {
	case GH_RM_ERROR_OK:
		return 0;
	case GH_RM_ERROR_UNIMPLEMENTED:
		return -EOPNOTSUPP;
	case GH_RM_ERROR_NOMEM:
		return -ENOMEM;
	case GH_RM_ERROR_NORESOURCE:
		return -ENOSPC;
	case GH_RM_ERROR_DENIED:
		return -EPERM;
	case GH_RM_ERROR_VM_STATE:
		return -EBADFD;
	case GH_RM_ERROR_BUSY:
	case GH_RM_ERROR_MEM_INUSE:
	case GH_RM_ERROR_IRQ_INUSE:
	case GH_RM_ERROR_IN_USE:
		return -EBUSY;
	case GH_RM_ERROR_LOOKUP_FAILED:
		return -ENOENT;
	case GH_RM_ERROR_HANDLE_INVALID:
		return -ESTALE;
	default:
		return -EINVAL;
	}
}

/*
 * Lifetime: whoever keeps a struct gh_rm holds a reference. When its device is
 * unbound the object stays, and all calls return -ENODEV.
 */
struct gh_rm *gh_rm_get(struct gh_rm *rm);
void gh_rm_put(struct gh_rm *rm);
struct device *gh_rm_dev(struct gh_rm *rm);
u64 gh_rm_n_replies(struct gh_rm *rm);

/*
 * Notifications
 */

#define GH_RM_NOTIF_VM_EXITED		0x56100001
#define GH_RM_NOTIF_VM_STATUS		0x56100008

/**
 * struct gh_rm_notification - a notification, as given to the notifier chain
 * @buff: payload, as it came; valid during the call
 * @size: its size in bytes; not checked against the message
 *
 * The chain's action is the message ID. Callbacks run one after the other, in
 * the order in which the Resource Manager sent, on a workqueue of their own:
 * they may sleep and take locks; an RPC of theirs would hold up the
 * notifications behind. When 256 wait, more are lost; so is one of more than 32
 * bytes if there is no memory for it. Both are reported and counted.
 */
struct gh_rm_notification {
	const void *buff;
	size_t size;
};

int gh_rm_notifier_register(struct gh_rm *rm, struct notifier_block *nb);
int gh_rm_notifier_unregister(struct gh_rm *rm, struct notifier_block *nb);

/**
 * struct gh_rm_vm_exited_payload - of GH_RM_NOTIF_VM_EXITED
 * @vmid: who exited
 * @exit_type: as enum gh_vm_exit_type of the user ABI
 * @exit_reason_size: bytes that follow
 * @exit_reason: depends on the type
 */
struct gh_rm_vm_exited_payload {
	__le16 vmid;
	__le16 exit_type;
	__le32 exit_reason_size;
	u8 exit_reason[];
} __packed;

enum gh_rm_vm_status {
	GH_RM_VM_STATUS_NO_STATE	= 0,
	GH_RM_VM_STATUS_INIT		= 1,
	GH_RM_VM_STATUS_READY		= 2,
	GH_RM_VM_STATUS_RUNNING		= 3,
	GH_RM_VM_STATUS_PAUSED		= 4,
	GH_RM_VM_STATUS_LOAD		= 5,
	GH_RM_VM_STATUS_AUTH		= 6,
	GH_RM_VM_STATUS_INIT_FAILED	= 8,
	GH_RM_VM_STATUS_EXITED		= 9,
	GH_RM_VM_STATUS_RESETTING	= 10,
	GH_RM_VM_STATUS_RESET		= 11,
};

/**
 * struct gh_rm_vm_status_payload - of GH_RM_NOTIF_VM_STATUS
 * @vmid: whose state changed
 * @reserved: 0
 * @vm_status: enum gh_rm_vm_status
 * @os_status: the guest's own word on its operating system
 * @app_status: the guest's own word on its application
 */
struct gh_rm_vm_status_payload {
	__le16 vmid;
	__le16 reserved;
	u8 vm_status;
	u8 os_status;
	__le16 app_status;
} __packed;

/*
 * Virtual machines
 */

/* How CONFIG_IMAGE is told that an image is to be authenticated. */
enum gh_rm_vm_auth_mechanism {
	GH_RM_VM_AUTH_NONE		= 0,
	GH_RM_VM_AUTH_QCOM_PIL_ELF	= 1,
	GH_RM_VM_AUTH_QCOM_ANDROID_PVM	= 2,
};

/**
 * struct gh_rm_vm_auth_param - what the authentication of an image needs to know
 * @type: which parameter
 * @value: of the parameter
 */
struct gh_rm_vm_auth_param {
	__le32 type;
	__le32 value;
} __packed;

/* How to stop a VM; without this it is only asked to shut down. */
#define GH_RM_VM_STOP_FLAG_FORCE	BIT(0)
/* The reason is handed on to the guest; this is what Linux gives. */
#define GH_RM_VM_STOP_REASON_FORCED	3

/**
 * enum gh_rm_optional - messages that not every Resource Manager has
 * @GH_RM_OPTIONAL_BOOT_CONTEXT: gh_rm_vm_set_boot_context()
 * @GH_RM_OPTIONAL_FIRMWARE_MEM: gh_rm_vm_set_firmware_mem()
 * @GH_RM_N_OPTIONAL: how many there are
 */
enum gh_rm_optional {
	GH_RM_OPTIONAL_BOOT_CONTEXT,
	GH_RM_OPTIONAL_FIRMWARE_MEM,
	GH_RM_N_OPTIONAL,
};

int gh_rm_has(struct gh_rm *rm, enum gh_rm_optional what);

/* Registers of the vCPU that a VM boots with */
enum gh_rm_boot_register_set {
	GH_RM_BOOT_REGISTER_X		= 0,
	GH_RM_BOOT_REGISTER_PC		= 1,
	GH_RM_BOOT_REGISTER_SP		= 2,
};

int gh_rm_alloc_vmid(struct gh_rm *rm, u16 *vmid);
int gh_rm_alloc_fixed_vmid(struct gh_rm *rm, u16 vmid);
int gh_rm_dealloc_vmid(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_start(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid, u8 flags, u32 reason);
int gh_rm_vm_reset(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_configure(struct gh_rm *rm, u16 vmid, enum gh_rm_vm_auth_mechanism auth,
		       u32 mem_handle, u64 image_offset, u64 image_size,
		       u64 dtb_offset, u64 dtb_size);
int gh_rm_vm_auth_image(struct gh_rm *rm, u16 vmid, const struct gh_rm_vm_auth_param *params,
			size_t n_params);
int gh_rm_vm_init(struct gh_rm *rm, u16 vmid);
int gh_rm_vm_set_firmware_mem(struct gh_rm *rm, u16 vmid, u32 mem_handle, u64 offset, u64 size);
int gh_rm_vm_set_boot_context(struct gh_rm *rm, u16 vmid, enum gh_rm_boot_register_set set,
			      u8 index, u64 value);
int gh_rm_vm_set_time_base(struct gh_rm *rm, u16 vmid, u64 time_base, u64 reference);

/*
 * Who is who
 */

/**
 * struct gh_rm_vm_id - who a VM says it is, or its maker
 * @guid: its GUID, in the order of the wire
 * @name: its name, or NULL if it has none
 * @uri: its URI, or NULL
 * @sign_auth: who signed its image, or NULL
 */
struct gh_rm_vm_id {
	uuid_t guid;
	const char *name;
	const char *uri;
	const char *sign_auth;
};

/**
 * struct gh_rm_vmids - some VMs
 * @n: how many
 * @vmids: which
 */
struct gh_rm_vmids {
	size_t n;
	u16 vmids[];
};

enum gh_rm_os_status {
	GH_RM_OS_STATUS_NONE		= 0,
	GH_RM_OS_STATUS_EARLY_BOOT	= 1,
	GH_RM_OS_STATUS_BOOT		= 2,
	GH_RM_OS_STATUS_INIT		= 3,
	GH_RM_OS_STATUS_RUN		= 4,
	GH_RM_OS_STATUS_SHUTDOWN	= 5,
	GH_RM_OS_STATUS_HALTED		= 6,
	GH_RM_OS_STATUS_CRASHED		= 7,
};

/**
 * struct gh_rm_vm_state - how a VM is
 * @vm_status: enum gh_rm_vm_status; may be a value which that does not name
 * @os_status: enum gh_rm_os_status: the guest's own word on its operating system
 * @app_status: the guest's own word on its application
 */
struct gh_rm_vm_state {
	u8 vm_status;
	u8 os_status;
	u16 app_status;
};

int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid);
int gh_rm_get_host_type(struct gh_rm *rm, u32 *type);
int gh_rm_vm_get_id(struct gh_rm *rm, u16 vmid, struct gh_rm_vm_id **id);
int gh_rm_vm_lookup_name(struct gh_rm *rm, const char *name, struct gh_rm_vmids **vmids);
int gh_rm_vm_lookup_uri(struct gh_rm *rm, const char *uri, struct gh_rm_vmids **vmids);
int gh_rm_vm_lookup_guid(struct gh_rm *rm, const uuid_t *guid, struct gh_rm_vmids **vmids);
int gh_rm_vm_get_owner(struct gh_rm *rm, u16 vmid, u16 *owner);
int gh_rm_vm_get_peers(struct gh_rm *rm, u16 vmid, struct gh_rm_vmids **peers);
int gh_rm_vm_get_state(struct gh_rm *rm, u16 vmid, struct gh_rm_vm_state *state);
int gh_rm_vm_get_crash_msg(struct gh_rm *rm, u16 vmid, char **msg, size_t *size);

/**
 * struct gh_rm_hyp_resource - an entry of GET_HYP_RESOURCES
 * @type: enum gh_resource_type
 * @reserved: 0
 * @partner_vmid: the VM at the other end
 * @resource_handle: 0
 * @resource_label: tells resources of one type apart
 * @cap_id: capability in our table
 * @virq_handle: obsolete
 * @virq: interrupt number at our GIC; 0 or all ones for none
 * @base: start of its address range, if it has one
 * @size: size of that in bytes
 */
struct gh_rm_hyp_resource {
	u8 type;
	u8 reserved;
	__le16 partner_vmid;
	__le32 resource_handle;
	__le32 resource_label;
	__le64 cap_id;
	__le32 virq_handle;
	__le32 virq;
	__le64 base;
	__le64 size;
} __packed;

/**
 * struct gh_rm_hyp_resources - reply of GET_HYP_RESOURCES
 * @n_entries: how many there are; checked against the reply's size
 * @entries: the resources
 */
struct gh_rm_hyp_resources {
	__le32 n_entries;
	struct gh_rm_hyp_resource entries[];
} __packed;

int gh_rm_get_hyp_resources(struct gh_rm *rm, u16 vmid, struct gh_rm_hyp_resources **resources);

/*
 * Resources as Linux sees them, with their interrupt mapped. They keep a
 * reference to the Resource Manager object.
 */
struct gh_resource *gh_rm_alloc_resource(struct gh_rm *rm,
					 const struct gh_rm_hyp_resource *hyp_resource);
void gh_rm_free_resource(struct gh_resource *ghrsc);

/*
 * Memory parcels
 */

/* Any other 32-bit value may be a handle, 0 included. */
#define GH_MEM_HANDLE_INVAL		U32_MAX
/* More do not fit into one message. */
#define GH_RM_MAX_MEM_ENTRIES		512

#define GH_RM_ACL_X			BIT(0)
#define GH_RM_ACL_W			BIT(1)
#define GH_RM_ACL_R			BIT(2)

/**
 * struct gh_rm_mem_acl_entry - what a VM may do with a parcel
 * @vmid: the VM
 * @perms: GH_RM_ACL_*
 * @reserved: 0
 */
struct gh_rm_mem_acl_entry {
	__le16 vmid;
	u8 perms;
	u8 reserved;
} __packed;

/**
 * struct gh_rm_mem_entry - a physically contiguous run
 * @phys_addr: its start, 4 KiB aligned
 * @size: in bytes, a multiple of 4 KiB
 */
struct gh_rm_mem_entry {
	__le64 phys_addr;
	__le64 size;
} __packed;

enum gh_rm_mem_type {
	GH_RM_MEM_TYPE_NORMAL		= 0,
	GH_RM_MEM_TYPE_IO		= 1,
};

/*
 * The memory is cleared on its way, so that nobody sees what was there: when it
 * is given if that is asked for in the parcel, and when it comes back.
 */
#define GH_RM_MEM_SANITIZE		BIT(0)

/**
 * struct gh_rm_mem_parcel - memory to donate, lend or share
 * @mem_type: kind of memory
 * @flags: 0 or GH_RM_MEM_SANITIZE
 * @label: tells the parcels of a VM apart
 * @n_acl_entries: 1..512
 * @acl_entries: who may use it
 * @n_mem_entries: how many runs there are in all; at least 1
 * @next_entries: copies up to @max of the next runs to @entries and returns how
 *		  many there were; called until @n_mem_entries were given
 * @priv: for @next_entries
 * @claim: where to put a claim if a reply that names the parcel may yet come, to
 *	   be given to gh_rm_mem_claim() and gh_rm_mem_unclaim(); else set to NULL.
 *	   If there is no @claim, a parcel that a late reply names is reclaimed
 * @mem_handle: out: names the parcel, or GH_MEM_HANDLE_INVAL if it is not known
 * @held: out: the Resource Manager has the memory, or may have it
 * @reclaiming: out: a request to give it back failed; perhaps it was done
 */
struct gh_rm_mem_parcel {
	enum gh_rm_mem_type mem_type;
	u8 flags;
	u32 label;
	size_t n_acl_entries;
	const struct gh_rm_mem_acl_entry *acl_entries;
	size_t n_mem_entries;
	size_t (*next_entries)(void *priv, struct gh_rm_mem_entry *entries, size_t max);
	void *priv;
	struct gh_rm_request **claim;
	u32 mem_handle;
	bool held;
	bool reclaiming;
};

/* What MEM_NOTIFY tells others about a parcel; their notification says the same. */
enum gh_rm_mem_event {
	/* To those it is for: it is there to be accepted */
	GH_RM_MEM_SHARED		= BIT(0),
	/* To its owner: this VM does not use it any more */
	GH_RM_MEM_RELEASED		= BIT(1),
	/* To its owner: this VM uses it */
	GH_RM_MEM_ACCEPTED		= BIT(2),
	/* To those it is for: give it back */
	GH_RM_MEM_RECALL		= BIT(3),
};

/*
 * These three send the first 512 runs and append the rest; when an append fails they
 * reclaim what was created. An error with @parcel->held set means that this way
 * back failed as well, or that the answer never came: the memory must be kept,
 * and reclaimed later if the handle is known.
 */
int gh_rm_mem_donate(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel);
int gh_rm_mem_lend(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel);
int gh_rm_mem_share(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel);
int gh_rm_mem_claim(struct gh_rm_request *claim, u32 *mem_handle);
void gh_rm_mem_unclaim(struct gh_rm_request *claim);
int gh_rm_mem_reclaim(struct gh_rm *rm, u32 mem_handle, u8 flags);
int gh_rm_mem_notify(struct gh_rm *rm, u32 mem_handle, enum gh_rm_mem_event event, u32 tag,
		     const u16 *vmids, size_t n_vmids);
int gh_rm_mem_lookup(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel, u32 *mem_handle);

#endif /* _LINUX_GUNYAH_RSC_MGR_H */
