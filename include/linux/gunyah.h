/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gunyah hypervisor: hypercalls, identification and the objects that a
 * capability names.
 */

#ifndef _LINUX_GUNYAH_H
#define _LINUX_GUNYAH_H

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/types.h>

/**
 * enum gh_error - what a hypercall answers
 *
 * Source: the hypervisor's interface, "Error codes". The code is the low half
 * of a sign-extended register.
 */
enum gh_error {
	GH_ERROR_OK			= 0,
	GH_ERROR_UNIMPLEMENTED		= -1,
	GH_ERROR_RETRY			= -2,

	GH_ERROR_ARG_INVAL		= 1,
	GH_ERROR_ARG_SIZE		= 2,
	GH_ERROR_ARG_ALIGN		= 3,

	GH_ERROR_NOMEM			= 10,
	GH_ERROR_NORESOURCES		= 11,

	GH_ERROR_ADDR_OVFL		= 20,
	GH_ERROR_ADDR_UNFL		= 21,
	GH_ERROR_ADDR_INVAL		= 22,

	GH_ERROR_DENIED			= 30,
	GH_ERROR_BUSY			= 31,
	GH_ERROR_IDLE			= 32,
	GH_ERROR_OBJECT_STATE		= 33,
	GH_ERROR_OBJECT_CONFIG		= 34,
	GH_ERROR_OBJECT_CONFIGURED	= 35,
	GH_ERROR_FAILURE		= 36,

	GH_ERROR_IRQ_BOUND		= 40,
	GH_ERROR_IRQ_UNBOUND		= 41,

	GH_ERROR_CSPACE_CAP_NULL	= 50,
	GH_ERROR_CSPACE_CAP_REVOKED	= 51,
	GH_ERROR_CSPACE_WRONG_OBJ_TYPE	= 52,
	GH_ERROR_CSPACE_INSUF_RIGHTS	= 53,
	GH_ERROR_CSPACE_FULL		= 54,

	GH_ERROR_MSGQUEUE_EMPTY		= 60,
	GH_ERROR_MSGQUEUE_FULL		= 61,

	GH_ERROR_STRING_TRUNCATED	= 90,
	GH_ERROR_STRING_LAST		= 94,

	GH_ERROR_RANGE_OVERLAP		= 100,
	GH_ERROR_RANGE_INUSE		= 101,

	GH_ERROR_MEMDB_EMPTY		= 110,
	GH_ERROR_MEMDB_NOT_OWNER	= 111,

	GH_ERROR_EXTENT_MAPPINGS_FULL	= 120,
	GH_ERROR_EXTENT_TYPE		= 121,

	GH_ERROR_EXISTING_MAPPING	= 200,
};

/**
 * gh_error_remap() - the errno that fits a hypercall's answer
 * @error: what the hypercall answered; need not be a known code
 *
 * Return: 0 for GH_ERROR_OK, else a negative errno; -EINVAL for what is not
 * known.
 */
static inline int gh_error_remap(enum gh_error error)
{
	switch (error) {
	case GH_ERROR_OK:
		return 0;
	case GH_ERROR_UNIMPLEMENTED:
		return -EOPNOTSUPP;
	case GH_ERROR_RETRY:
		return -EAGAIN;
	case GH_ERROR_NOMEM:
		return -ENOMEM;
	case GH_ERROR_DENIED:
	case GH_ERROR_CSPACE_CAP_NULL:
	case GH_ERROR_CSPACE_CAP_REVOKED:
	case GH_ERROR_CSPACE_WRONG_OBJ_TYPE:
	case GH_ERROR_CSPACE_INSUF_RIGHTS:
		return -EACCES;
	case GH_ERROR_BUSY:
	case GH_ERROR_IDLE:
	case GH_ERROR_CSPACE_FULL:
		return -EBUSY;
	case GH_ERROR_IRQ_BOUND:
	case GH_ERROR_IRQ_UNBOUND:
	case GH_ERROR_MSGQUEUE_EMPTY:
	case GH_ERROR_MSGQUEUE_FULL:
		return -EIO;
	default:
		return -EINVAL;
	}
}

/* Any other 64-bit value may be a capability, 0 included. */
#define GH_CAPID_INVAL		U64_MAX
#define GH_VMID_INVAL		U16_MAX
#define GH_VMID_HLOS		3

/**
 * enum gh_resource_type - what a capability names
 *
 * The values are those of the Resource Manager's GET_HYP_RESOURCES.
 */
enum gh_resource_type {
	GH_RESOURCE_TYPE_BELL_TX	= 0,
	GH_RESOURCE_TYPE_BELL_RX	= 1,
	GH_RESOURCE_TYPE_MSGQ_TX	= 2,
	GH_RESOURCE_TYPE_MSGQ_RX	= 3,
	GH_RESOURCE_TYPE_VCPU		= 4,
};

/**
 * struct gh_resource - an object of the hypervisor that this VM may use
 * @type: what kind of object it is; may be a value the enum does not name
 * @capid: capability for it in this VM's table
 * @irq: Linux interrupt of the object; 0 or IRQ_NOTCONNECTED if it has none
 * @label: tells objects of one type apart; from the guest's devicetree
 */
struct gh_resource {
	enum gh_resource_type type;
	u64 capid;
	unsigned int irq;
	u32 label;
};

/*
 * Identification
 */

#define GH_API_V1			1

#define GH_API_INFO_VERSION_MASK	GENMASK_ULL(13, 0)
#define GH_API_INFO_BIG_ENDIAN		BIT_ULL(14)
#define GH_API_INFO_IS_64BIT		BIT_ULL(15)
#define GH_API_INFO_VARIANT_MASK	GENMASK_ULL(63, 56)

/* Bit numbers in the first word of features. */
enum gh_api_feature {
	GH_FEATURE_CSPACE		= 0,
	GH_FEATURE_DOORBELL		= 1,
	GH_FEATURE_MSGQUEUE		= 2,
	GH_FEATURE_VIC			= 3,
	GH_FEATURE_VPM			= 4,
	GH_FEATURE_VCPU			= 5,
	GH_FEATURE_MEMEXTENT		= 6,
	GH_FEATURE_TRACE_CTRL		= 7,
	GH_FEATURE_WATCHDOG		= 8,
	GH_FEATURE_VIRTIO_MMIO		= 9,
	GH_FEATURE_PRNG			= 10,
	GH_FEATURE_VCPU_RUN		= 11,
};

#define GH_API_FEATURE_WORDS		3

/**
 * struct gh_hypercall_hyp_identify_resp - answer of the identify hypercall
 * @api_info: version, variant and data format, see GH_API_INFO_*
 * @flags: feature words
 */
struct gh_hypercall_hyp_identify_resp {
	u64 api_info;
	u64 flags[GH_API_FEATURE_WORDS];
};

/* gunyah.ko: read once, when it is loaded; it loads under Gunyah only. */
u16 gh_api_version(void);
u8 gh_api_variant(void);
bool gh_api_has_feature(enum gh_api_feature feature);
u64 gh_api_features(unsigned int word);

/*
 * Hypercalls
 */

bool arch_is_gh_guest(void);

void gh_hypercall_hyp_identify(struct gh_hypercall_hyp_identify_resp *resp);

/* A doorbell is rung with this flag, which the guest's driver waits for. */
#define GH_BELL_NONBLOCK		BIT_ULL(32)

enum gh_error gh_hypercall_bell_send(u64 capid, u64 new_flags, u64 *old_flags);
enum gh_error gh_hypercall_bell_receive(u64 capid, u64 clear_flags, u64 *old_flags);
enum gh_error gh_hypercall_bell_set_mask(u64 capid, u64 enable_mask, u64 ack_mask);

/* Raise the receiver's interrupt even if its queue was not empty before. */
#define GH_HYPERCALL_MSGQ_TX_FLAGS_PUSH	BIT_ULL(0)

enum gh_error gh_hypercall_msgq_send(u64 capid, size_t size, const void *buff, u64 tx_flags,
				     bool *ready);
enum gh_error gh_hypercall_msgq_recv(u64 capid, void *buff, size_t size, size_t *recv_size,
				     bool *ready);

/**
 * enum gh_vcpu_run_state - why a vCPU came back from the vcpu_run hypercall
 */
enum gh_vcpu_run_state {
	GH_VCPU_STATE_READY			= 0,
	GH_VCPU_STATE_EXPECTS_WAKEUP		= 1,
	GH_VCPU_STATE_POWERED_OFF		= 2,
	GH_VCPU_STATE_BLOCKED			= 3,
	GH_VCPU_STATE_VMMIO_READ		= 4,
	GH_VCPU_STATE_VMMIO_WRITE		= 5,
	GH_VCPU_STATE_FAULT			= 6,
	GH_VCPU_STATE_PAGE_FAULT		= 7,
	GH_VCPU_STATE_PSCI_SYSTEM_RESET		= 0x100,
};

/*
 * In resume_data[1] after VMMIO and page faults. Hypervisors before 2024 take any as
 * "handled".
 */
#define GH_VMMIO_EMULATED	0
#define GH_VMMIO_AGAIN		1
#define GH_VMMIO_ABORT		2

/* In state_data[0] of GH_VCPU_STATE_POWERED_OFF: not to be powered on again. */
#define GH_VCPU_POWERED_OFF_EXITED	BIT_ULL(0)

/**
 * struct gh_hypercall_vcpu_run_resp - answer of the vcpu_run hypercall
 * @state: enum gh_vcpu_run_state
 * @state_data: depends on the state; for VMMIO: guest physical address, size
 *		in bytes, value written; for page faults: guest physical address
 */
struct gh_hypercall_vcpu_run_resp {
	u64 state;
	u64 state_data[3];
};

enum gh_error gh_hypercall_vcpu_run(u64 capid, const u64 resume_data[3],
				    struct gh_hypercall_vcpu_run_resp *resp);

#endif /* _LINUX_GUNYAH_H */
