// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: which optional messages it knows
 */

#include <linux/export.h>

#include "rsc_mgr.h"

/* None of them is valid with an empty payload. */
static const u32 gh_rm_optional_ids[GH_RM_N_OPTIONAL] = {
	[GH_RM_OPTIONAL_BOOT_CONTEXT]	= GH_RM_VM_SET_BOOT_CONTEXT,
	[GH_RM_OPTIONAL_FIRMWARE_MEM]	= GH_RM_VM_SET_FIRMWARE_MEM,
};

/* It had no means to look at the message, and may know it or not. */
static bool gh_rm_was_short(u32 rm_error)
{
	return rm_error == GH_RM_ERROR_NOMEM || rm_error == GH_RM_ERROR_NORESOURCE ||
	       rm_error == GH_RM_ERROR_BUSY;
}

/**
 * gh_rm_has() - ask whether the Resource Manager has an optional message
 * @rm: the Resource Manager
 * @what: which
 *
 * It gets the message without a payload. Those who know the message find its
 * length wrong, the others say that they do not know it; nothing is done either
 * way, so that it does not matter if the caller is killed or the reply is lost.
 *
 * Return: 1 or 0, or an errno as described in linux/gunyah_rsc_mgr.h if there is
 * no answer.
 */
int gh_rm_has(struct gh_rm *rm, enum gh_rm_optional what)
{
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_alloc(gh_rm_optional_ids[what], 0);
	if (!req)
		return -ENOMEM;

	/* Each answer is as good as the other. */
	req->quiet = true;
	ret = gh_rm_request_call(rm, req);
	if (req->rm_error == GH_RM_ERROR_UNIMPLEMENTED)
		ret = 0;
	else if (!ret || (req->rm_error && !gh_rm_was_short(req->rm_error)))
		ret = 1;
	gh_rm_request_put(req);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_rm_has);
