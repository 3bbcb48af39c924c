/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * User ABI of /dev/gunyah, of the VM files it makes and of their vCPU files.
 *
 * Numbers and layouts are those that existing virtual machine monitors use;
 * the calls with type 'A' come from Android's trees and are served as well.
 */

#ifndef _UAPI_LINUX_GUNYAH_H
#define _UAPI_LINUX_GUNYAH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define GH_IOCTL_TYPE			'G'
#define GH_ANDROID_IOCTL_TYPE		'A'

/*
 * ioctls of /dev/gunyah
 */

/* Make a VM; the argument must be 0. Returns a VM file descriptor. */
#define GH_CREATE_VM			_IO(GH_IOCTL_TYPE, 0x0)

/*
 * ioctls of a VM file
 */

/* What the guest may do with a memory region, for @flags. */
#define GH_MEM_ALLOW_READ		(1UL << 0)
#define GH_MEM_ALLOW_WRITE		(1UL << 1)
#define GH_MEM_ALLOW_EXEC		(1UL << 2)
/* The host loses its access to the region for as long as the guest has it. */
#define GH_MEM_LENT			(1UL << 3)

/**
 * struct gh_userspace_memory_region - user memory that becomes guest memory
 * @label: names the region; unique in the VM
 * @flags: GH_MEM_* bits
 * @guest_phys_addr: where the guest finds it; page aligned
 * @memory_size: in bytes, whole pages; 0 deletes the region named @label
 * @userspace_addr: start of the memory in the caller; page aligned
 */
struct gh_userspace_memory_region {
	__u32 label;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
};

/* Add or, with size 0, delete a region. Only before GH_VM_START. */
#define GH_VM_SET_USER_MEM_REGION	_IOW(GH_IOCTL_TYPE, 0x1, \
					     struct gh_userspace_memory_region)

/**
 * struct gh_vm_dtb_config - where the guest's devicetree lies
 * @guest_phys_addr: start of the devicetree; inside one memory region
 * @size: in bytes, with the room that the Resource Manager needs to add to it
 */
struct gh_vm_dtb_config {
	__u64 guest_phys_addr;
	__u64 size;
};

/* The region that holds the devicetree is the one the guest boots from. */
#define GH_VM_SET_DTB_CONFIG		_IOW(GH_IOCTL_TYPE, 0x2, \
					     struct gh_vm_dtb_config)

/* Start the VM; 0 again while it runs. */
#define GH_VM_START			_IO(GH_IOCTL_TYPE, 0x3)

/* Kinds of functions, for @type of struct gh_fn_desc. */
#define GH_FN_VCPU			1U
#define GH_FN_IRQFD			2U
#define GH_FN_IOEVENTFD			3U

/* No argument of a function is larger. */
#define GH_FN_MAX_ARG_SIZE		256

/**
 * struct gh_fn_desc - a function to add to a VM, or to remove
 * @type: GH_FN_*
 * @arg_size: size of what @arg points to; that of the type's argument struct
 * @arg: user pointer to the argument
 */
struct gh_fn_desc {
	__u32 type;
	__u32 arg_size;
	__u64 arg;
};

/* Returns what the function has to give: a file descriptor, or 0. */
#define GH_VM_ADD_FUNCTION		_IOW(GH_IOCTL_TYPE, 0x4, struct gh_fn_desc)

/* Only what names the function in its argument needs to be filled in. */
#define GH_VM_REMOVE_FUNCTION		_IOW(GH_IOCTL_TYPE, 0x7, struct gh_fn_desc)

/**
 * struct gh_fn_vcpu_arg - argument of GH_FN_VCPU
 * @id: position of the vCPU's node below /cpus in the guest's devicetree
 *
 * GH_VM_ADD_FUNCTION returns the vCPU's file descriptor.
 */
struct gh_fn_vcpu_arg {
	__u32 id;
};

/* The line is level triggered: each signal is one pulse of it. */
#define GH_IRQFD_FLAGS_LEVEL		(1UL << 0)

/**
 * struct gh_fn_irqfd_arg - argument of GH_FN_IRQFD
 * @fd: eventfd that raises the interrupt when it is signalled
 * @label: label of the doorbell in the guest's devicetree; names the function
 * @flags: GH_IRQFD_FLAGS_*
 * @padding: not looked at
 */
struct gh_fn_irqfd_arg {
	__u32 fd;
	__u32 label;
	__u32 flags;
	__u32 padding;
};

/* Only writes of @datamatch signal the eventfd. */
#define GH_IOEVENTFD_FLAGS_DATAMATCH	(1UL << 0)

/**
 * struct gh_fn_ioeventfd_arg - argument of GH_FN_IOEVENTFD
 * @datamatch: value to wait for, with GH_IOEVENTFD_FLAGS_DATAMATCH
 * @addr: guest physical address of the write; names the function
 * @len: length of the write in bytes: 1, 2, 4, 8, or 0 for any
 * @fd: eventfd to signal
 * @flags: GH_IOEVENTFD_FLAGS_*
 * @padding: not looked at
 */
struct gh_fn_ioeventfd_arg {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 padding;
};

/* As GH_VM_SET_USER_MEM_REGION with GH_MEM_LENT. */
#define GH_VM_ANDROID_LEND_USER_MEM	_IOW(GH_ANDROID_IOCTL_TYPE, 0x11, \
					     struct gh_userspace_memory_region)

/*
 * ioctls of a vCPU file
 */

/* Why GH_VCPU_RUN returned 0, in @exit_reason. */
#define GH_VCPU_EXIT_UNKNOWN		0
#define GH_VCPU_EXIT_MMIO		1
#define GH_VCPU_EXIT_STATUS		2

/* What has become of the VM, in @status.status of GH_VCPU_EXIT_STATUS. */
enum gh_vm_status {
	GH_VM_STATUS_LOAD_FAILED	= 1,
	GH_VM_STATUS_EXITED		= 2,
	GH_VM_STATUS_CRASHED		= 3,
};

/* How it ended, in @type of struct gh_vm_exit_info. */
enum gh_vm_exit_type {
	GH_VM_EXIT_TYPE_VM_EXIT			= 0,
	GH_VM_EXIT_TYPE_PSCI_POWER_OFF		= 1,
	GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET	= 2,
	GH_VM_EXIT_TYPE_PSCI_SYSTEM_RESET2	= 3,
	GH_VM_EXIT_TYPE_WDT_BITE		= 4,
	GH_VM_EXIT_TYPE_HYP_ERROR		= 5,
	GH_VM_EXIT_TYPE_ASYNC_EXT_ABORT		= 6,
	GH_VM_EXIT_TYPE_VM_FORCE_STOPPED	= 7,
};

#define GH_VM_MAX_EXIT_REASON_SIZE	8U

/**
 * struct gh_vm_exit_info - how a VM ended
 * @type: enum gh_vm_exit_type
 * @padding: 0
 * @reason_size: how many bytes the Resource Manager gave; may be more than
 *		 @reason has room for
 * @reason: their beginning; what they say depends on @type
 */
struct gh_vm_exit_info {
	__u16 type;
	__u16 padding;
	__u32 reason_size;
	__u8 reason[GH_VM_MAX_EXIT_REASON_SIZE];
};

/**
 * struct gh_vcpu_run - the page that a vCPU file maps at offset 0
 * @immediate_exit: set by the user: GH_VCPU_RUN returns -EINTR at once
 * @padding: not looked at
 * @exit_reason: GH_VCPU_EXIT_*
 * @mmio: the access that is to be emulated; after a read, the next
 *	  GH_VCPU_RUN takes the value from @mmio.data
 * @mmio.phys_addr: guest physical address
 * @mmio.data: the value written or read, little endian in the low bytes
 * @mmio.len: 1, 2, 4 or 8 bytes
 * @mmio.is_write: 1 for a write, 0 for a read
 * @status: what became of the VM
 * @status.status: enum gh_vm_status
 * @status.exit_info: how it ended, for GH_VM_STATUS_EXITED
 */
struct gh_vcpu_run {
	/* in */
	__u8 immediate_exit;
	__u8 padding[7];

	/* out */
	__u32 exit_reason;

	union {
		struct {
			__u64 phys_addr;
			__u8 data[8];
			__u32 len;
			__u8 is_write;
		} mmio;

		struct {
			enum gh_vm_status status;
			struct gh_vm_exit_info exit_info;
		} status;
	};
};

/* Run the vCPU until there is something that userspace has to do. */
#define GH_VCPU_RUN			_IO(GH_IOCTL_TYPE, 0x5)

/* Size of the mapping of a vCPU file, in bytes. */
#define GH_VCPU_MMAP_SIZE		_IO(GH_IOCTL_TYPE, 0x6)

#endif /* _UAPI_LINUX_GUNYAH_H */
