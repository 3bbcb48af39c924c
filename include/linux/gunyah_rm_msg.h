/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: the IDs of its messages that a host can use or is sent, and
 * the names of these and of its errors, for tracepoints and the kernel log.
 *
 * As in Gunyah's Resource Manager: include/vm_*_message.h, include/memparcel_msg.h
 * and include/rm-rpc.h.
 */

#ifndef _LINUX_GUNYAH_RM_MSG_H
#define _LINUX_GUNYAH_RM_MSG_H

#include <linux/gunyah_rsc_mgr.h>

/* Requests */
#define GH_RM_MEM_DONATE		0x51000010
#define GH_RM_MEM_LEND			0x51000012
#define GH_RM_MEM_SHARE			0x51000013
#define GH_RM_MEM_RECLAIM		0x51000015
#define GH_RM_MEM_NOTIFY		0x51000017
#define GH_RM_MEM_APPEND		0x51000018
#define GH_RM_MEM_QCOM_LOOKUP_SGL	0x5100001a
#define GH_RM_VM_ALLOCATE		0x56000001
#define GH_RM_VM_DEALLOCATE		0x56000002
#define GH_RM_VM_START			0x56000004
#define GH_RM_VM_STOP			0x56000005
#define GH_RM_VM_RESET			0x56000006
#define GH_RM_VM_CONFIG_IMAGE		0x56000009
#define GH_RM_VM_AUTH_IMAGE		0x5600000a
#define GH_RM_VM_INIT			0x5600000b
#define GH_RM_VM_GET_ID			0x56000010
#define GH_RM_VM_LOOKUP_URI		0x56000011
#define GH_RM_VM_LOOKUP_GUID		0x56000012
#define GH_RM_VM_LOOKUP_NAME		0x56000013
#define GH_RM_VM_GET_OWNER		0x56000015
#define GH_RM_VM_GET_STATE		0x56000017
#define GH_RM_VM_GET_CRASH_MSG		0x56000019
#define GH_RM_VM_GET_HYP_RESOURCES	0x56000020
#define GH_RM_VM_GET_VMID		0x56000024
#define GH_RM_VM_GET_PEERS		0x56000025
#define GH_RM_VM_SET_TIME_BASE		0x56000030
#define GH_RM_VM_SET_BOOT_CONTEXT	0x56000031
#define GH_RM_VM_SET_FIRMWARE_MEM	0x56000032
#define GH_RM_VM_HOST_GET_TYPE		0x560000a0

/* Notifications; those about VMs are in linux/gunyah_rsc_mgr.h. */
#define GH_RM_NOTIF_MEM_SHARED		0x51100011
#define GH_RM_NOTIF_MEM_RELEASED	0x51100012
#define GH_RM_NOTIF_MEM_ACCEPTED	0x51100013
#define GH_RM_NOTIF_MEM_RECALL		0x51100014
#define GH_RM_NOTIF_IRQ_LENT		0x56100011
#define GH_RM_NOTIF_IRQ_RELEASED	0x56100012
#define GH_RM_NOTIF_IRQ_ACCEPTED	0x56100013
#define GH_RM_NOTIF_CONSOLE_CHARS	0x56100080

/* The names, with @value before them, are the arguments of @use. */
#define GH_RM_MESSAGE_NAMES(use, value)					\
	use(value,							\
	    { GH_RM_MEM_DONATE,			"MEM_DONATE" },		\
	    { GH_RM_MEM_LEND,			"MEM_LEND" },		\
	    { GH_RM_MEM_SHARE,			"MEM_SHARE" },		\
	    { GH_RM_MEM_RECLAIM,		"MEM_RECLAIM" },	\
	    { GH_RM_MEM_NOTIFY,			"MEM_NOTIFY" },		\
	    { GH_RM_MEM_APPEND,			"MEM_APPEND" },		\
	    { GH_RM_MEM_QCOM_LOOKUP_SGL,	"MEM_QCOM_LOOKUP_SGL" },\
	    { GH_RM_VM_ALLOCATE,		"VM_ALLOCATE" },	\
	    { GH_RM_VM_DEALLOCATE,		"VM_DEALLOCATE" },	\
	    { GH_RM_VM_START,			"VM_START" },		\
	    { GH_RM_VM_STOP,			"VM_STOP" },		\
	    { GH_RM_VM_RESET,			"VM_RESET" },		\
	    { GH_RM_VM_CONFIG_IMAGE,		"VM_CONFIG_IMAGE" },	\
	    { GH_RM_VM_AUTH_IMAGE,		"VM_AUTH_IMAGE" },	\
	    { GH_RM_VM_INIT,			"VM_INIT" },		\
	    { GH_RM_VM_GET_ID,			"VM_GET_ID" },		\
	    { GH_RM_VM_LOOKUP_URI,		"VM_LOOKUP_URI" },	\
	    { GH_RM_VM_LOOKUP_GUID,		"VM_LOOKUP_GUID" },	\
	    { GH_RM_VM_LOOKUP_NAME,		"VM_LOOKUP_NAME" },	\
	    { GH_RM_VM_GET_OWNER,		"VM_GET_OWNER" },	\
	    { GH_RM_VM_GET_STATE,		"VM_GET_STATE" },	\
	    { GH_RM_VM_GET_CRASH_MSG,		"VM_GET_CRASH_MSG" },	\
	    { GH_RM_VM_GET_HYP_RESOURCES,	"VM_GET_HYP_RESOURCES" },\
	    { GH_RM_VM_GET_VMID,		"VM_GET_VMID" },	\
	    { GH_RM_VM_GET_PEERS,		"VM_GET_PEERS" },	\
	    { GH_RM_VM_SET_TIME_BASE,		"VM_SET_TIME_BASE" },	\
	    { GH_RM_VM_SET_BOOT_CONTEXT,	"VM_SET_BOOT_CONTEXT" },\
	    { GH_RM_VM_SET_FIRMWARE_MEM,	"VM_SET_FIRMWARE_MEM" },\
	    { GH_RM_VM_HOST_GET_TYPE,		"VM_HOST_GET_TYPE" },	\
	    { GH_RM_NOTIF_MEM_SHARED,		"MEM_SHARED" },		\
	    { GH_RM_NOTIF_MEM_RELEASED,		"MEM_RELEASED" },	\
	    { GH_RM_NOTIF_MEM_ACCEPTED,		"MEM_ACCEPTED" },	\
	    { GH_RM_NOTIF_MEM_RECALL,		"MEM_RECALL" },		\
	    { GH_RM_NOTIF_VM_EXITED,		"VM_EXITED" },		\
	    { GH_RM_NOTIF_VM_STATUS,		"VM_STATUS" },		\
	    { GH_RM_NOTIF_IRQ_LENT,		"IRQ_LENT" },		\
	    { GH_RM_NOTIF_IRQ_RELEASED,		"IRQ_RELEASED" },	\
	    { GH_RM_NOTIF_IRQ_ACCEPTED,		"IRQ_ACCEPTED" },	\
	    { GH_RM_NOTIF_CONSOLE_CHARS,	"CONSOLE_CHARS" })

/* New ones go to include/trace/events/gunyah_rm.h as well. */
#define GH_RM_ERROR_NAMES(use, value)					\
	use(value,							\
	    { GH_RM_ERROR_OK,			"OK" },			\
	    { GH_RM_ERROR_NOMEM,		"NOMEM" },		\
	    { GH_RM_ERROR_NORESOURCE,		"NORESOURCE" },		\
	    { GH_RM_ERROR_DENIED,		"DENIED" },		\
	    { GH_RM_ERROR_INVALID,		"INVALID" },		\
	    { GH_RM_ERROR_BUSY,			"BUSY" },		\
	    { GH_RM_ERROR_ARGUMENT_INVALID,	"ARGUMENT_INVALID" },	\
	    { GH_RM_ERROR_HANDLE_INVALID,	"HANDLE_INVALID" },	\
	    { GH_RM_ERROR_VALIDATE_FAILED,	"VALIDATE_FAILED" },	\
	    { GH_RM_ERROR_MAP_FAILED,		"MAP_FAILED" },		\
	    { GH_RM_ERROR_MEM_INVALID,		"MEM_INVALID" },	\
	    { GH_RM_ERROR_MEM_INUSE,		"MEM_INUSE" },		\
	    { GH_RM_ERROR_MEM_RELEASED,		"MEM_RELEASED" },	\
	    { GH_RM_ERROR_VMID_INVALID,		"VMID_INVALID" },	\
	    { GH_RM_ERROR_LOOKUP_FAILED,	"LOOKUP_FAILED" },	\
	    { GH_RM_ERROR_IRQ_INVALID,		"IRQ_INVALID" },	\
	    { GH_RM_ERROR_IRQ_INUSE,		"IRQ_INUSE" },		\
	    { GH_RM_ERROR_IRQ_RELEASED,		"IRQ_RELEASED" },	\
	    { GH_RM_ERROR_IN_USE,		"IN_USE" },		\
	    { GH_RM_ERROR_IRQ_NOT_MAPPED,	"IRQ_NOT_MAPPED" },	\
	    { GH_RM_ERROR_VM_STATE,		"VM_STATE" },		\
	    { GH_RM_ERROR_UNIMPLEMENTED,	"UNIMPLEMENTED" })

#endif /* _LINUX_GUNYAH_RM_MSG_H */
