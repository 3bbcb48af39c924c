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

/* Close the file on exec. */
#define GH_GUEST_MEM_CLOEXEC		(1ULL << 0)
/* What GH_VM_MAP_MEM takes of it must start at multiples of 2 MiB, and be so large. */
#define GH_GUEST_MEM_ALLOW_HUGEPAGE	(1ULL << 1)

/**
 * struct gh_create_guest_mem - a file of guest memory to make
 * @flags: GH_GUEST_MEM_* bits
 * @size: in bytes, whole pages, not 0; never changes
 * @reserved: must be 0
 */
struct gh_create_guest_mem {
	__u64 flags;
	__u64 size;
	__u64 reserved[6];
};

/*
 * Make a file whose memory is large contiguous pieces, and which the host cannot
 * touch by mistake while a guest has it alone. Returns a file descriptor. See
 * Documentation/virt/gunyah/guest-memory.rst
 */
#define GH_CREATE_GUEST_MEM		_IOW(GH_IOCTL_TYPE, 0x8, struct gh_create_guest_mem)

/*
 * ioctls of /dev/gunyah and of a VM file
 */

/**
 * enum gh_capability_id - what can be asked for
 * @GH_CAP_API_VERSION: version of the hypervisor's interface
 * @GH_CAP_VARIANT: who built the hypervisor, as a character
 * @GH_CAP_FEATURES_0: the hypervisor's features, 64 bits
 * @GH_CAP_FEATURES_1: more of them
 * @GH_CAP_FEATURES_2: more of them
 * @GH_CAP_FUNCTIONS: bit N is set if GH_VM_ADD_FUNCTION serves type N; asking
 *	loads the modules of all GH_FN_* that are not loaded
 * @GH_CAP_MEM_FLAGS: GH_MEM_* that a memory region can have
 * @GH_CAP_VCPU_EXITS: bit N is set if GH_VCPU_RUN can give exit reason N
 * @GH_CAP_MAX_REGIONS: no more memory regions than this can be in use at once,
 *	by all started VMs of this host together; a region of scattered memory may
 *	count more than once
 * @GH_CAP_MAX_VCPUS: so many vCPUs a VM can have on this machine. The Resource
 *	Manager, which decides on it, may accept more; it does not tell.
 * @GH_CAP_BOOT_CONTEXT: 1 if the Resource Manager serves GH_VM_SET_BOOT_CONTEXT
 * @GH_CAP_FW_CONFIG: 1 if it knows of the firmware of protected VMs, which
 *	GH_VM_ANDROID_SET_FW_CONFIG needs. It may still not have any.
 * @GH_CAP_VM_POLL: 1 if VM files can be polled for the end of the VM
 * @GH_CAP_VM_STATUS: 1 if there is GH_VM_GET_STATUS
 * @GH_CAP_GUEST_MEM: GH_GUEST_MEM_* flags that guest memory files can have, or 0
 *	if there are no such files
 *
 * Where the answer depends on the Resource Manager it is asked once.
 */
enum gh_capability_id {
	GH_CAP_API_VERSION	= 1,
	GH_CAP_VARIANT		= 2,
	GH_CAP_FEATURES_0	= 3,
	GH_CAP_FEATURES_1	= 4,
	GH_CAP_FEATURES_2	= 5,
	GH_CAP_FUNCTIONS	= 6,
	GH_CAP_MEM_FLAGS	= 7,
	GH_CAP_VCPU_EXITS	= 8,
	GH_CAP_MAX_REGIONS	= 9,
	GH_CAP_MAX_VCPUS	= 10,
	GH_CAP_BOOT_CONTEXT	= 11,
	GH_CAP_FW_CONFIG	= 12,
	GH_CAP_VM_POLL		= 13,
	GH_CAP_VM_STATUS	= 14,
	GH_CAP_GUEST_MEM	= 15,
};

/**
 * struct gh_capability - a question, and its answer
 * @id: enum gh_capability_id
 * @reserved: must be 0
 * @value: out: the answer; 0 if @id is not known
 */
struct gh_capability {
	__u32 id;
	__u32 reserved;
	__u64 value;
};

/* Ask for what this kernel, the hypervisor and the Resource Manager can do. */
#define GH_GET_CAPABILITY		_IOWR(GH_IOCTL_TYPE, 0x20, struct gh_capability)

/*
 * ioctls of a VM file
 *
 * A VM file polls as readable and hung up (EPOLLIN, EPOLLRDNORM, EPOLLHUP) from
 * the moment on that the VM can no longer run: it exited or crashed, its start
 * failed, or the Resource Manager is gone. GH_VM_GET_STATUS tells which. That
 * needs no vCPU file, and works for VMs that are scheduled by the hypervisor.
 */

/* What the guest may do with a memory region, for @flags. */
#define GH_MEM_ALLOW_READ		(1UL << 0)
#define GH_MEM_ALLOW_WRITE		(1UL << 1)
#define GH_MEM_ALLOW_EXEC		(1UL << 2)
/*
 * The host loses its access to the region for as long as the guest has it. What is in
 * it moves to a guest memory file at GH_VM_START, and a mapping of that takes the place
 * of the caller's.
 */
#define GH_MEM_LENT			(1UL << 3)
/* It is cleared before the host gets it back. What was never given stays as it is. */
#define GH_MEM_SANITIZE			(1UL << 16)

/**
 * struct gh_userspace_memory_region - user memory that becomes guest memory
 * @label: names the region; unique in the VM
 * @flags: GH_MEM_* bits
 * @guest_phys_addr: where the guest should find it; 4 KiB aligned. The Resource
 *		     Manager is not told: see Documentation/virt/gunyah/memory.rst
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

/*
 * Start the VM; 0 again while it runs, -ENODEV when it no longer does. A start
 * that fails returns why. If GH_VM_GET_STATUS says GH_VM_STATUS_NEW afterwards the
 * cause is in what was configured so far, and can be mended: -EINVAL if no memory
 * region holds the devicetree or if the firmware is not page aligned, -ENXIO if no
 * region holds the firmware, -E2BIG if a region is too scattered for where it is; and
 * of what is to be lent, -EBUSY if somebody uses it at the moment, -EADDRINUSE if it is
 * mapped elsewhere, too, or not all of it is where it was, -EPERM if it is another
 * process's, -EINVAL if it is in two regions, -ENOMEM if there is no room to move it to.
 * -EOPNOTSUPP if it was found out meanwhile that there are no protected VMs. Else it
 * cannot be started again. -EINTR if the caller is killed.
 */
#define GH_VM_START			_IO(GH_IOCTL_TYPE, 0x3)

/* Kinds of functions, for @type of struct gh_fn_desc. */
#define GH_FN_VCPU			1U
#define GH_FN_IRQFD			2U
#define GH_FN_IOEVENTFD			3U
/* Of this driver alone, and so far from the others */
#define GH_FN_BELLFD			56U

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

/*
 * The line is level triggered: each signal is one pulse of it. For that the doorbell has to
 * have "source-can-clear" in the guest's devicetree. If it has not, GH_VM_ADD_FUNCTION fails
 * with -EACCES; before GH_VM_START that is not known yet, and the kernel log tells of it then.
 */
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
 * @addr: guest physical address of the write
 * @len: length of the write in bytes: 1, 2, 4, 8, or 0 for any
 * @fd: eventfd to signal
 * @flags: GH_IOEVENTFD_FLAGS_*
 * @padding: not looked at
 *
 * All of them at @addr are removed together, or, with GH_IOEVENTFD_FLAGS_DATAMATCH, the one
 * that has this @len and @datamatch, too.
 */
struct gh_fn_ioeventfd_arg {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 padding;
};

/**
 * struct gh_fn_bellfd_arg - argument of GH_FN_BELLFD
 * @fd: eventfd that is signalled when the guest rings a doorbell
 * @label: label of the doorbell ("doorbell-source") in the guest's devicetree; names the
 *	   function
 * @flags: must be 0
 * @padding: must be 0
 *
 * Several rings may become one signal. One from before the function was added is not lost.
 */
struct gh_fn_bellfd_arg {
	__u32 fd;
	__u32 label;
	__u32 flags;
	__u32 padding;
};

/* As GH_VM_SET_USER_MEM_REGION with GH_MEM_LENT. */
#define GH_VM_ANDROID_LEND_USER_MEM	_IOW(GH_ANDROID_IOCTL_TYPE, 0x11, \
					     struct gh_userspace_memory_region)

/* Always 0: none of Android's extensions is served. The argument names one. */
#define GH_VM_ANDROID_CHECK_EXTENSION	_IO(GH_ANDROID_IOCTL_TYPE, 0x17)

/**
 * struct gh_vm_firmware_config - where the firmware of a protected VM is to be
 * @guest_phys_addr: start of the place; inside one memory region, 4 KiB aligned
 * @size: in bytes, a multiple of 4 KiB
 */
struct gh_vm_firmware_config {
	__u64 guest_phys_addr;
	__u64 size;
};

/*
 * Make it a protected VM (Android's pVM), which boots from firmware that the
 * Resource Manager has been given by the boot loader. Only before GH_VM_START;
 * -ENOTTY if the Resource Manager does not know of firmware. If it has none,
 * GH_VM_START fails with -EPERM or -EINVAL.
 */
#define GH_VM_ANDROID_SET_FW_CONFIG	_IOW(GH_ANDROID_IOCTL_TYPE, 0x12, \
					     struct gh_vm_firmware_config)

/* Whether the host loses its access for as long as the guest has the memory. */
#define GH_MAP_MEM_DEFAULT_ACCESS	0U
#define GH_MAP_MEM_FORCE_LEND		(1U << 0)
#define GH_MAP_MEM_FORCE_SHARE		(1U << 1)
/* What the guest may do with it */
#define GH_MAP_MEM_ALLOW_READ		(1U << 4)
#define GH_MAP_MEM_ALLOW_WRITE		(1U << 5)
#define GH_MAP_MEM_ALLOW_EXEC		(1U << 6)
/* Take a mapping back, or its first or last part. */
#define GH_MAP_MEM_UNMAP		(1U << 8)
/* Lent memory comes back with what the guest left in it; else it is cleared. */
#define GH_MAP_MEM_KEEP_CONTENTS	(1U << 16)

/**
 * struct gh_map_mem - part of a guest memory file that a guest gets
 * @guest_addr: guest physical address; 4 KiB aligned
 * @flags: GH_MAP_MEM_* bits; the default access is to lend
 * @guest_mem_fd: the file
 * @offset: start of the part in the file; page aligned
 * @size: its size in bytes; whole pages, not 0
 *
 * The label of its parcel at the Resource Manager is @guest_addr / 4096.
 */
struct gh_map_mem {
	__u64 guest_addr;
	__u32 flags;
	__u32 guest_mem_fd;
	__u64 offset;
	__u64 size;
};

/* Only before GH_VM_START. What is not there yet of the memory is allocated. */
#define GH_VM_MAP_MEM			_IOW(GH_IOCTL_TYPE, 0x9, struct gh_map_mem)

/* Registers of the vCPU that boots: X0..X31, PC, and SP_EL0..SP_EL2 */
#define GH_VM_BOOT_REG_SET_X		0U
#define GH_VM_BOOT_REG_SET_PC		1U
#define GH_VM_BOOT_REG_SET_SP		2U
#define GH_VM_BOOT_REG(_set, _index)	(((_set) << 8) | (_index))

/**
 * struct gh_vm_boot_context - what is in a register when the VM boots
 * @reg: GH_VM_BOOT_REG()
 * @reserved: not looked at, as existing VMMs need not clear it
 * @value: any value
 */
struct gh_vm_boot_context {
	__u32 reg;
	__u32 reserved;
	__u64 value;
};

/*
 * Only before GH_VM_START, else -EINVAL. The last value of a register counts. A
 * protected VM is started by its firmware, and takes no notice. -ENOTTY if the
 * Resource Manager cannot do it: then the VM boots at the start of its image.
 */
#define GH_VM_SET_BOOT_CONTEXT		_IOW(GH_IOCTL_TYPE, 0xa, \
					     struct gh_vm_boot_context)

/**
 * enum gh_vm_status - how far a VM is
 * @GH_VM_STATUS_NEW: it is being configured; GH_VM_START was not called
 * @GH_VM_STATUS_LOAD_FAILED: GH_VM_START failed
 * @GH_VM_STATUS_EXITED: it has ended, by itself or by force, and it is known how
 * @GH_VM_STATUS_CRASHED: it cannot run (any more), and nothing is known of its
 *	end: the Resource Manager is gone
 * @GH_VM_STATUS_STARTING: GH_VM_START was called and is not through
 * @GH_VM_STATUS_RUNNING: it runs
 *
 * It goes from NEW to STARTING to RUNNING to EXITED; all may become CRASHED but
 * EXITED and LOAD_FAILED, which stay.
 */
enum gh_vm_status {
	GH_VM_STATUS_NEW		= 0,
	GH_VM_STATUS_LOAD_FAILED	= 1,
	GH_VM_STATUS_EXITED		= 2,
	GH_VM_STATUS_CRASHED		= 3,
	GH_VM_STATUS_STARTING		= 4,
	GH_VM_STATUS_RUNNING		= 5,
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

#define GH_VM_STATUS_REASON_SIZE	32U

/**
 * struct gh_vm_status_info - how far a VM is, and how it ended
 * @status: enum gh_vm_status
 * @start_error: errno that GH_VM_START failed with, as a positive number; else 0
 * @exit_type: enum gh_vm_exit_type, for GH_VM_STATUS_EXITED
 * @padding: 0
 * @reason_size: how many bytes of @reason the Resource Manager gave with the type
 * @reason: these, the rest is 0; what they say depends on the type
 * @reserved: 0
 */
struct gh_vm_status_info {
	__u32 status;
	__u32 start_error;
	__u16 exit_type;
	__u16 padding;
	__u32 reason_size;
	__u8 reason[GH_VM_STATUS_REASON_SIZE];
	__u64 reserved[10];
};

/* At any time. */
#define GH_VM_GET_STATUS		_IOR(GH_IOCTL_TYPE, 0x21, struct gh_vm_status_info)

#define GH_VM_CRASH_MSG_SIZE		248U

/**
 * struct gh_vm_crash_msg - what a guest left for others to read when it crashed
 * @size: how many bytes it left; 0 if none. If that is more than there is room for,
 *	  @msg has the first of them
 * @reserved: 0
 * @msg: these, the rest is 0. They are the guest's: any bytes may be among them, and
 *	 no NUL is added
 */
struct gh_vm_crash_msg {
	__u32 size;
	__u32 reserved;
	__u8 msg[GH_VM_CRASH_MSG_SIZE];
};

/*
 * Once GH_VM_START has returned 0, and as often as wanted: while the guest runs, too. The
 * Resource Manager keeps 192 bytes at most and forgets them when the VM is taken down, so
 * before the VM file is closed. -ENODEV if the VM was not started or the Resource Manager
 * is gone, -ENOTTY if the Resource Manager does not keep messages. It is asked each time:
 * -EINTR if the caller is killed, or another error if there is no good answer.
 */
#define GH_VM_GET_CRASH_MSG		_IOR(GH_IOCTL_TYPE, 0x22, struct gh_vm_crash_msg)

/*
 * ioctls of a vCPU file
 */

/* Why GH_VCPU_RUN returned 0, in @exit_reason. */
#define GH_VCPU_EXIT_UNKNOWN		0
#define GH_VCPU_EXIT_MMIO		1
#define GH_VCPU_EXIT_STATUS		2
#define GH_VCPU_EXIT_PAGE_FAULT		3

/* What becomes of the access, in @resume_action. */
#define GH_VCPU_RESUME_HANDLED		0	/* it is done */
#define GH_VCPU_RESUME_FAULT		1	/* the guest gets an abort */
#define GH_VCPU_RESUME_RETRY		2	/* the guest does it again */

#define GH_VM_MAX_EXIT_REASON_SIZE	8U

/**
 * struct gh_vm_exit_info - how a VM ended; GH_VM_GET_STATUS can tell more of it
 * @type: enum gh_vm_exit_type
 * @padding: 0
 * @reason_size: how many bytes of @reason the Resource Manager gave
 * @reason: these; what they say depends on @type. GH_VM_GET_STATUS has room for more
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
 * @mmio.resume_action: in: GH_VCPU_RESUME_*, of which hypervisors before 2024 know the first
 *			only; it is GH_VCPU_RESUME_HANDLED if left alone
 * @page_fault: an access to where there is no memory, and nothing can be emulated
 * @page_fault.phys_addr: guest physical address
 * @page_fault.attempt: why this kernel has no memory for it, a negative errno
 * @page_fault.resume_action: in: GH_VCPU_RESUME_*; it is GH_VCPU_RESUME_FAULT if left alone
 * @status: what became of the VM
 * @status.status: GH_VM_STATUS_LOAD_FAILED, _EXITED or _CRASHED
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
			__u8 resume_action;
		} mmio;

		struct {
			__u64 phys_addr;
			__s32 attempt;
			__u8 resume_action;
		} page_fault;

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
