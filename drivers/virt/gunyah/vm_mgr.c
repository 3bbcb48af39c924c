// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/gunyah
 */

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "guest_mem.h"
#include "vm_mgr.h"

/*
 * How long the Resource Manager may say nothing at all while VMs are ended because
 * its driver goes, and how often that is waited for: others may ask it things, too.
 */
#define GH_VM_MGR_END_TIMEOUT	(10 * HZ)
#define GH_VM_MGR_END_WAITS	12

static LIST_HEAD(gh_vm_mgrs);
static DEFINE_MUTEX(gh_vm_mgrs_lock);	/* guards gh_vm_mgrs; outermost */

struct gh_vm_mgr *gh_vm_mgr_get(struct gh_vm_mgr *mgr)
{
	kref_get(&mgr->kref);
	return mgr;
}

static void gh_vm_mgr_free(struct kref *kref)
{
	struct gh_vm_mgr *mgr = container_of(kref, struct gh_vm_mgr, kref);

	gh_rm_put(mgr->rm);
	kfree(mgr);
}

void gh_vm_mgr_put(struct gh_vm_mgr *mgr)
{
	kref_put(&mgr->kref, gh_vm_mgr_free);
}

/**
 * gh_vm_for_each() - look at all VMs that a Resource Manager may know
 * @each: called for each VM, with locks held: it must not wait for any
 * @arg: for @each
 */
void gh_vm_for_each(void (*each)(struct gh_vm *ghvm, void *arg), void *arg)
{
	struct gh_vm_mgr *mgr;
	struct gh_vm *ghvm;

	mutex_lock(&gh_vm_mgrs_lock);
	list_for_each_entry(mgr, &gh_vm_mgrs, node) {
		mutex_lock(&mgr->lock);
		list_for_each_entry(ghvm, &mgr->vms, mgr_node)
			each(ghvm, arg);
		mutex_unlock(&mgr->lock);
	}
	mutex_unlock(&gh_vm_mgrs_lock);
}

static int gh_dev_open(struct inode *inode, struct file *file)
{
	struct gh_vm_mgr *mgr = container_of(file->private_data, struct gh_vm_mgr, misc);

	gh_vm_mgr_get(mgr);
	return 0;
}

static int gh_dev_release(struct inode *inode, struct file *file)
{
	gh_vm_mgr_put(container_of(file->private_data, struct gh_vm_mgr, misc));
	return 0;
}

static long gh_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gh_vm_mgr *mgr = container_of(file->private_data, struct gh_vm_mgr, misc);

	switch (cmd) {
	case GH_CREATE_VM:
		/* Reserved for kinds of VMs. */
		if (arg)
			return -EINVAL;
		return gh_vm_create(mgr);
	case GH_CREATE_GUEST_MEM:
		return READ_ONCE(mgr->closing) ? -ENODEV :
						 gh_guest_mem_ioctl_create((void __user *)arg);
	case GH_GET_CAPABILITY:
		return gh_vm_mgr_ioctl_capability(mgr, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations gh_dev_fops = {
	.owner = THIS_MODULE,
	.open = gh_dev_open,
	.release = gh_dev_release,
	.unlocked_ioctl = gh_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * gh_vm_mgr_register() - offer VMs to userspace
 * @rm: the Resource Manager that makes them
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_mgr_register(struct gh_rm *rm)
{
	struct gh_vm_mgr *mgr;
	int ret;

	mgr = kzalloc(sizeof(*mgr), GFP_KERNEL);
	if (!mgr)
		return -ENOMEM;

	kref_init(&mgr->kref);
	mutex_init(&mgr->lock);
	INIT_LIST_HEAD(&mgr->vms);
	init_waitqueue_head(&mgr->wq);
	init_waitqueue_head(&mgr->closing_wq);
	mgr->rm = gh_rm_get(rm);
	mgr->host_vmid = GH_VMID_INVAL;
	mgr->nb.notifier_call = gh_vm_mgr_notified;
	mgr->misc.name = "gunyah";
	mgr->misc.minor = MISC_DYNAMIC_MINOR;
	mgr->misc.fops = &gh_dev_fops;
	mgr->misc.parent = gh_rm_dev(rm);

	ret = gh_rm_notifier_register(rm, &mgr->nb);
	if (ret)
		goto err_put;

	mutex_lock(&gh_vm_mgrs_lock);
	ret = misc_register(&mgr->misc);
	if (!ret)
		list_add(&mgr->node, &gh_vm_mgrs);
	mutex_unlock(&gh_vm_mgrs_lock);
	if (ret)
		goto err_notifier;

	return 0;

err_notifier:
	gh_rm_notifier_unregister(rm, &mgr->nb);
err_put:
	gh_vm_mgr_put(mgr);
	return ret;
}

static struct gh_vm_mgr *gh_vm_mgr_take(struct gh_rm *rm)
{
	struct gh_vm_mgr *mgr;

	mutex_lock(&gh_vm_mgrs_lock);
	list_for_each_entry(mgr, &gh_vm_mgrs, node) {
		if (mgr->rm == rm) {
			list_del(&mgr->node);
			mutex_unlock(&gh_vm_mgrs_lock);
			return mgr;
		}
	}
	mutex_unlock(&gh_vm_mgrs_lock);
	return NULL;
}

/* Returns whether all VMs came to their end, before no answers came any more. */
static bool gh_vm_mgr_wait_for_end(struct gh_vm_mgr *mgr)
{
	unsigned int waits = GH_VM_MGR_END_WAITS;
	u64 n_replies;

	do {
		n_replies = gh_rm_n_replies(mgr->rm);
		if (wait_event_timeout(mgr->wq, list_empty(&mgr->vms), GH_VM_MGR_END_TIMEOUT))
			return true;
	} while (--waits && gh_rm_n_replies(mgr->rm) != n_replies);

	return false;
}

/**
 * gh_vm_mgr_unregister() - end all VMs of a Resource Manager
 * @rm: the Resource Manager; still answers
 *
 * Files that are open stay, and everything fails that is asked of them. A
 * Resource Manager that no longer answers does not hold this up for ever; what
 * it has then stays lost.
 */
void gh_vm_mgr_unregister(struct gh_rm *rm)
{
	struct gh_vm_mgr *mgr = gh_vm_mgr_take(rm);
	struct gh_vm *ghvm;

	if (!mgr)
		return;

	misc_deregister(&mgr->misc);

	mutex_lock(&mgr->lock);
	WRITE_ONCE(mgr->closing, true);
	list_for_each_entry(ghvm, &mgr->vms, mgr_node)
		gh_vm_request_end(ghvm);
	mutex_unlock(&mgr->lock);
	wake_up_all(&mgr->closing_wq);

	if (!gh_vm_mgr_wait_for_end(mgr))
		dev_err(gh_rm_dev(rm), "VMs did not end in time\n");

	mutex_lock(&mgr->lock);
	WRITE_ONCE(mgr->lost, true);
	list_for_each_entry(ghvm, &mgr->vms, mgr_node) {
		wake_up_all(&ghvm->wq);
		gh_vm_queue(ghvm, 0);
	}
	mutex_unlock(&mgr->lock);

	gh_rm_notifier_unregister(rm, &mgr->nb);
	gh_vm_mgr_put(mgr);
}

/**
 * gh_vm_mgr_init() - called when the module is loaded
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_mgr_init(void)
{
	int ret;

	ret = gh_guest_mem_init();
	if (ret)
		return ret;

	ret = gh_vm_life_init();
	if (ret)
		gh_guest_mem_exit();
	return ret;
}

/**
 * gh_vm_mgr_exit() - called when the module is unloaded, after its drivers
 */
void gh_vm_mgr_exit(void)
{
	gh_vm_life_exit();
	gh_guest_mem_exit();
}
