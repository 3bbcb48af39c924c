// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done here.
 */

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/uaccess.h>

#include "guest_mem.h"
#include "vm_mgr.h"

/**
 * gh_vm_mgr_has() - does the Resource Manager have an optional message?
 * @mgr: its device
 * @what: which
 *
 * It is asked until it has answered once.
 *
 * Return: 1, 0 or a negative errno.
 */
int gh_vm_mgr_has(struct gh_vm_mgr *mgr, enum gh_rm_optional what)
{
	enum gh_vm_mgr_answer answer;
	int ret;

	mutex_lock(&mgr->lock);
	answer = mgr->optional[what];
	mutex_unlock(&mgr->lock);
	if (answer != GH_VM_MGR_UNASKED)
		return answer == GH_VM_MGR_YES;

	ret = gh_rm_has(mgr->rm, what);
	if (ret < 0)
		return ret;

	mutex_lock(&mgr->lock);
	mgr->optional[what] = ret ? GH_VM_MGR_YES : GH_VM_MGR_NO;
	mutex_unlock(&mgr->lock);
	return ret;
}

/**
 * gh_vm_mgr_lacks() - from now on take it that it does not have a message
 * @mgr: whose Resource Manager
 * @what: which message
 */
void gh_vm_mgr_lacks(struct gh_vm_mgr *mgr, enum gh_rm_optional what)
{
	mutex_lock(&mgr->lock);
	mgr->optional[what] = GH_VM_MGR_NO;
	mutex_unlock(&mgr->lock);
}

/* Returns a value, or an errno. None of the values is as large as that. */
static long gh_vm_mgr_value(struct gh_vm_mgr *mgr, u32 id)
{
	switch (id) {
	case GH_CAP_API_VERSION:
		return gh_api_version();
	case GH_CAP_VARIANT:
		return gh_api_variant();
	case GH_CAP_FUNCTIONS:
		return gh_vm_function_types();
	case GH_CAP_MEM_FLAGS:
		return GH_VM_REGION_FLAGS;
	case GH_CAP_VCPU_EXITS:
		return BIT(GH_VCPU_EXIT_MMIO) | BIT(GH_VCPU_EXIT_STATUS) |
		       BIT(GH_VCPU_EXIT_PAGE_FAULT);
	case GH_CAP_MAX_REGIONS:
		return GH_VM_MAX_PARCELS;
	case GH_CAP_MAX_VCPUS:
		return num_possible_cpus();
	case GH_CAP_BOOT_CONTEXT:
		return gh_vm_mgr_has(mgr, GH_RM_OPTIONAL_BOOT_CONTEXT);
	case GH_CAP_FW_CONFIG:
		return gh_vm_mgr_has(mgr, GH_RM_OPTIONAL_FIRMWARE_MEM);
	case GH_CAP_VM_POLL:
	case GH_CAP_VM_STATUS:
		return 1;
	case GH_CAP_GUEST_MEM:
		return GH_GUEST_MEM_FLAGS;
	default:
		return 0;
	}
}

/**
 * gh_vm_mgr_get_capability() - GH_GET_CAPABILITY
 * @mgr: who is asked
 * @cap: the question; gets the answer
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_mgr_get_capability(struct gh_vm_mgr *mgr, struct gh_capability *cap)
{
	long value;

	if (cap->reserved)
		return -EINVAL;

	if (cap->id >= GH_CAP_FEATURES_0 && cap->id <= GH_CAP_FEATURES_2) {
		cap->value = gh_api_features(cap->id - GH_CAP_FEATURES_0);
		return 0;
	}

	value = gh_vm_mgr_value(mgr, cap->id);
	if (value < 0)
		return value;

	cap->value = value;
	return 0;
}

/**
 * gh_vm_mgr_ioctl_capability() - the same, for userspace
 * @mgr: who is asked
 * @argp: a struct gh_capability
 *
 * Return: 0 or a negative errno.
 */
long gh_vm_mgr_ioctl_capability(struct gh_vm_mgr *mgr, void __user *argp)
{
	struct gh_capability cap;
	int ret;

	if (copy_from_user(&cap, argp, sizeof(cap)))
		return -EFAULT;

	ret = gh_vm_mgr_get_capability(mgr, &cap);
	if (ret)
		return ret;

	return copy_to_user(argp, &cap, sizeof(cap)) ? -EFAULT : 0;
}
