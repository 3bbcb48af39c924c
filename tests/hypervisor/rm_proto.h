/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Resource Manager's RPC protocol as it looks on the wire: packets,
 * message numbers, error codes and payloads.
 *
 * All integers are little endian and nothing is aligned: every structure is
 * packed. This program runs little endian only, so fields are used as they are.
 */

#ifndef RM_PROTO_H
#define RM_PROTO_H

#include "hyp.h"

/*
 * One message of the queue holds one packet: a header, then up to 232 bytes.
 * A longer message goes on in continuation packets; each packet but the last
 * is full.
 */
#define RM_PACKET_SIZE		240
#define RM_PAYLOAD_SIZE		(RM_PACKET_SIZE - sizeof(struct rm_header))
#define RM_MAX_CONTINUATIONS	62
#define RM_MAX_MESSAGE		((RM_MAX_CONTINUATIONS + 1) * RM_PAYLOAD_SIZE)

#pragma pack(push, 1)

struct rm_header {
	u8 api;			/* 3:0 version, 7:4 header length in words */
	u8 type;		/* 1:0 type, 7:2 number of continuations */
	u16 seq;		/* a reply carries that of its request */
	u32 id;
};

#define RM_API			0x21

#define RM_TYPE_CONTINUATION	0
#define RM_TYPE_REQUEST		1
#define RM_TYPE_REPLY		2
#define RM_TYPE_NOTIFICATION	3
#define RM_TYPE_MASK		0x3
#define RM_CONTINUATIONS_SHIFT	2

/* The first word of every reply. */
#define RM_OK			0x0
#define RM_NOMEM		0x1
#define RM_NORESOURCE		0x2
#define RM_DENIED		0x3
#define RM_MSG_INVALID		0x4
#define RM_BUSY			0x5
#define RM_ARGUMENT_INVALID	0x6
#define RM_HANDLE_INVALID	0x7
#define RM_VALIDATE_FAILED	0x8
#define RM_MAP_FAILED		0x9
#define RM_MEM_INVALID		0xa
#define RM_MEM_INUSE		0xb
#define RM_MEM_RELEASED		0xc
#define RM_VMID_INVALID		0xd
#define RM_LOOKUP_FAILED	0xe
#define RM_VM_STATE		0x14
#define RM_UNIMPLEMENTED	0xffffffff

/* Requests */
#define RM_MEM_DONATE		0x51000010
#define RM_MEM_LEND		0x51000012
#define RM_MEM_SHARE		0x51000013
#define RM_MEM_RECLAIM		0x51000015
#define RM_MEM_NOTIFY		0x51000017
#define RM_MEM_APPEND		0x51000018
#define RM_MEM_LOOKUP_SGL	0x5100001a
#define RM_FW_MILESTONE		0x51000020
#define RM_FW_SET_VM_FIRMWARE	0x51000021
#define RM_VM_ALLOCATE		0x56000001
#define RM_VM_DEALLOCATE	0x56000002
#define RM_VM_START		0x56000004
#define RM_VM_STOP		0x56000005
#define RM_VM_RESET		0x56000006
#define RM_VM_CONFIG_IMAGE	0x56000009
#define RM_VM_AUTH_IMAGE	0x5600000a
#define RM_VM_INIT		0x5600000b
#define RM_VM_GET_ID		0x56000010
#define RM_VM_LOOKUP_URI	0x56000011
#define RM_VM_LOOKUP_GUID	0x56000012
#define RM_VM_LOOKUP_NAME	0x56000013
#define RM_VM_GET_OWNER		0x56000015
#define RM_VM_GET_STATE		0x56000017
#define RM_VM_GET_CRASH_MSG	0x56000019
#define RM_VM_GET_RESOURCES	0x56000020
#define RM_VM_GET_VMID		0x56000024
#define RM_VM_GET_PEERS		0x56000025
#define RM_VM_SET_TIME_BASE	0x56000030
#define RM_VM_SET_BOOT_CONTEXT	0x56000031
#define RM_VM_SET_FIRMWARE_MEM	0x56000032
#define RM_HOST_GET_TYPE	0x560000a0

/* Notifications */
#define RM_NOTIF_MEM_SHARED	0x51100011
#define RM_NOTIF_MEM_RELEASED	0x51100012
#define RM_NOTIF_MEM_ACCEPTED	0x51100013
#define RM_NOTIF_MEM_RECALL	0x51100014
#define RM_NOTIF_VM_EXITED	0x56100001
#define RM_NOTIF_VM_SHUTDOWN	0x56100002
#define RM_NOTIF_VM_STATUS	0x56100008

/*
 * Well-known VMIDs, and the ones that the Resource Manager hands out: each
 * platform keeps some below 64 for VMs that ask for a certain one.
 */
#define RM_VMID_SELF		0
#define RM_VMID_HLOS		3
#define RM_VMID_FIXED_FIRST	32
#define RM_VMID_FIXED_LAST	63
#define RM_VMID_DYN_FIRST	0x80
#define RM_VMID_DYN_LAST	0xbe
#define RM_VMID_RM		0xff
#define RM_VMID_COUNT		0x100

/* What GET_STATE and VM_STATUS tell */
enum rm_vm_state {
	RM_STATE_NONE		= 0,
	RM_STATE_INIT		= 1,
	RM_STATE_READY		= 2,
	RM_STATE_RUNNING	= 3,
	RM_STATE_PAUSED		= 4,
	RM_STATE_LOAD		= 5,
	RM_STATE_AUTH		= 6,
	RM_STATE_INIT_FAILED	= 8,
	RM_STATE_EXITED		= 9,
	RM_STATE_RESETTING	= 10,
	RM_STATE_RESET		= 11,
};

/* How a VM ended, in VM_EXITED */
enum rm_exit_type {
	RM_EXIT_VM_EXIT		= 0,
	RM_EXIT_PSCI_OFF	= 1,
	RM_EXIT_PSCI_RESET	= 2,
	RM_EXIT_PSCI_RESET2	= 3,
	RM_EXIT_WATCHDOG	= 4,
	RM_EXIT_ERROR		= 5,
	RM_EXIT_HW_ERROR	= 6,
	RM_EXIT_FORCED		= 7,
};

/* Most requests name one VM and nothing else. */
struct rm_vmid_req {
	u16 vmid;
	u16 zero;
};

struct rm_stop_req {
	u16 vmid;
	u8 flags;
	u8 zero;
	u32 reason;
};

#define RM_STOP_FORCE		0x1

struct rm_config_image_req {
	u16 vmid;
	u16 auth;
	u32 handle;		/* of the parcel that holds all four below */
	u64 image_offset;
	u64 image_size;
	u64 dtb_offset;
	u64 dtb_size;
};

#define RM_AUTH_NONE		0
#define RM_AUTH_PLATFORM	1
#define RM_AUTH_ANDROID		2
#define RM_AUTH_COUNT		3

struct rm_auth_image_req {
	u16 vmid;
	u16 nr;
	struct {
		u32 type;
		u32 value;
	} entry[];
};

struct rm_vm_status {
	u16 vmid;
	u16 zero;
	u8 vm_state;
	u8 os_state;
	u16 app_status;
};

#define RM_EXIT_MAX_REASON	4	/* words */

/* The first word of the reason: 15:0 flags, 31:16 code */
#define RM_EXIT_FLAG_SMC64	0x8000
#define RM_EXIT_CODE_SHIFT	16
#define RM_EXIT_CODE_SOFTWARE	1

struct rm_vm_exited {
	u16 vmid;
	u16 type;
	u32 reason_size;	/* in bytes */
	u32 reason[RM_EXIT_MAX_REASON];
};

/* GET_ID answers a count, then this many of these, each padded to a word. */
struct rm_id_entry {
	u8 type;
	u8 zero;
	u16 size;
	u8 data[];
};

#define RM_ID_GUID		0
#define RM_ID_URI		1
#define RM_ID_NAME		2
#define RM_ID_SIGN_AUTH		3

#define RM_GUID_SIZE		16

/*
 * Some bytes: LOOKUP_NAME, _URI and _GUID ask with them, GET_CRASH_MSG answers
 * so. They are padded to a word.
 */
struct rm_bytes {
	u16 size;
	u16 zero;
	u8 data[];
};

#define RM_CRASH_MSG_MAX	192

struct rm_time_base_req {
	u16 vmid;
	u16 zero;
	u64 time_base;
	u64 reference;
};

struct rm_boot_context_req {
	u16 vmid;
	u8 set;
	u8 index;
	u32 zero;
	u64 value;
};

struct rm_firmware_mem_req {
	u16 vmid;
	u16 zero;
	u32 handle;		/* of a parcel that the VM can see */
	u64 offset;
	u64 size;
};

struct rm_set_firmware_req {
	u16 auth;
	u16 zero;
	u32 handle;		/* of a parcel that was donated to us */
	u64 offset;
	u64 size;
};

/* GET_RESOURCES answers a count, then this many of these. */
struct rm_resource {
	u8 type;
	u8 zero;
	u16 partner;
	u32 handle;
	u32 label;
	u64 cap;		/* in the capability table of the one who asks */
	u32 virq_handle;
	u32 virq;		/* INTID at the one who asks */
	u64 base;
	u64 size;
};

#define RM_NO_VIRQ		0xffffffff

#define RM_RES_BELL_TX		0
#define RM_RES_BELL_RX		1
#define RM_RES_VCPU		4

/* Architecture and flavour of the primary's platform, for HOST_GET_TYPE */
#define RM_HOST_TYPE		0x01000164

/*
 * Memory parcels. A DONATE, LEND or SHARE request is this header and three
 * counted lists behind it; lists that are missing at the end are empty.
 * LOOKUP_SGL has the same form, without flags.
 */
struct rm_mem_req {
	u8 type;
	u8 zero0;
	u8 flags;
	u8 zero1;
	u32 label;
};

#define RM_MEM_NORMAL		0
#define RM_MEM_IO		1

/* How memory is given away */
enum rm_trans {
	RM_TRANS_DONATE		= 0,
	RM_TRANS_LEND		= 1,
	RM_TRANS_SHARE		= 2,
};

#define RM_MEM_SANITIZE		0x1
#define RM_MEM_MORE		0x2	/* APPEND follows */

struct rm_list_header {
	u16 nr;
	u16 zero;
};

#define RM_LIST_MAX		512

struct rm_acl_entry {
	u16 vmid;
	u8 rights;
	u8 zero;
};

#define RM_RIGHT_X		0x1
#define RM_RIGHT_W		0x2
#define RM_RIGHT_R		0x4
#define RM_RIGHTS_RWX		(RM_RIGHT_R | RM_RIGHT_W | RM_RIGHT_X)

struct rm_mem_entry {
	u64 ipa;		/* in the address space of the owner */
	u64 size;
};

struct rm_attr_entry {
	u16 attr;
	u16 vmid;
};

#define RM_ATTR_NORMAL		0
#define RM_ATTR_DEVICE		1
#define RM_ATTR_MAX		3

struct rm_append_req {
	u32 handle;
	u8 flags;
	u8 zero[3];
	/* a list of memory entries follows */
};

#define RM_APPEND_END		0x1

struct rm_reclaim_req {
	u32 handle;
	u8 flags;
	u8 zero[3];
};

#define RM_RECLAIM_SANITIZE	0x1

/* In NOTIFY: whom to tell what */
struct rm_notify_req {
	u32 handle;
	u8 what;		/* one of the four below */
	u8 zero[3];
	u32 tag;
	/* a list of VMs follows with the first and the last of them */
};

#define RM_NOTIFY_SHARED	0x1
#define RM_NOTIFY_RELEASED	0x2
#define RM_NOTIFY_ACCEPTED	0x4
#define RM_NOTIFY_RECALL	0x8

/* To members; the parcel's three lists follow, the second with sizes only. */
struct rm_mem_shared {
	u32 handle;
	u8 type;
	u8 trans;
	u8 flags;
	u8 zero0;
	u16 owner;
	u16 zero1;
	u32 label;
	u32 tag;
};

#define RM_SHARED_SANITIZED	0x1

/* To members */
struct rm_mem_recall {
	u32 handle;
	u32 tag;
};

/* To the owner: MEM_RELEASED and MEM_ACCEPTED */
struct rm_mem_event {
	u32 handle;
	u16 vmid;
	u16 zero;
	u32 tag;
};

#pragma pack(pop)

#endif
