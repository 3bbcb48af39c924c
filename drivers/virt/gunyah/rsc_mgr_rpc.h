/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource Manager: what its messages have in common
 */

#ifndef _GUNYAH_RSC_MGR_RPC_H
#define _GUNYAH_RSC_MGR_RPC_H

#include "rsc_mgr.h"

/**
 * struct gh_rm_vmid - a VM, as it stands in most messages
 * @vmid: which VM
 * @reserved: 0
 */
struct gh_rm_vmid {
	__le16 vmid;
	__le16 reserved;
} __packed;

static inline struct gh_rm_vmid gh_rm_vmid(u16 vmid)
{
	return (struct gh_rm_vmid) { .vmid = cpu_to_le16(vmid) };
}

/*
 * Reads what follows the code in a good reply into @result, which depends on the
 * message. Return: 0, -EBADMSG or -ENOMEM; @result is written only if it is 0.
 */
typedef int (*gh_rm_parse_t)(const void *reply, size_t size, void *result);

int gh_rm_parse_nothing(const void *reply, size_t size, void *result);
int gh_rm_parse_word(const void *reply, size_t size, void *result);
int gh_rm_parse_vmid(const void *reply, size_t size, void *result);

struct gh_rm_request *gh_rm_request_fill(u32 msg_id, const void *payload, size_t size);
int gh_rm_request_ask(struct gh_rm *rm, struct gh_rm_request *req, gh_rm_parse_t parse,
		      void *result);
int gh_rm_ask(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size,
	      gh_rm_parse_t parse, void *result);
int gh_rm_ask_vm(struct gh_rm *rm, u32 msg_id, u16 vmid, gh_rm_parse_t parse, void *result);

#endif /* _GUNYAH_RSC_MGR_RPC_H */
