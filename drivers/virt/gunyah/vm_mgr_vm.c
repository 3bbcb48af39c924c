// SPDX-License-Identifier: GPL-2.0
/*
 * VM files.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vm_mgr.h"

/* How long the last close waits for the VM's end, which goes on without it. */
#define GH_VM_CLOSE_TIMEOUT	(5 * HZ)

/**
 * gh_vm_get() - keep a VM up
 * @ghvm: the VM; the caller holds a reference already, or is its function
 *
 * Return: @ghvm.
 */
struct gh_vm *gh_vm_get(struct gh_vm *ghvm)
{
	refcount_inc(&ghvm->users);
	return ghvm;
}
EXPORT_SYMBOL_GPL(gh_vm_get);

/**
 * gh_vm_put() - need a VM no longer
 * @ghvm: the VM
 *
 * The last one has it taken down, and waits for that if it does not take too
 * long, so that normally everything is given back when the last file is closed.
 */
void gh_vm_put(struct gh_vm *ghvm)
{
	if (!refcount_dec_and_test(&ghvm->users))
		return;

	gh_vm_request_end(ghvm);
	wait_for_completion_killable_timeout(&ghvm->ended, GH_VM_CLOSE_TIMEOUT);
	kref_put(&ghvm->kref, gh_vm_free);
}
EXPORT_SYMBOL_GPL(gh_vm_put);

void gh_vm_free(struct kref *kref)
{
	struct gh_vm *ghvm = container_of(kref, struct gh_vm, kref);

	gh_vm_mgr_put(ghvm->mgr);
	kfree(ghvm);
}

static struct gh_vm *gh_vm_alloc(struct gh_vm_mgr *mgr)
{
	struct gh_vm *ghvm;

	ghvm = kzalloc(sizeof(*ghvm), GFP_KERNEL_ACCOUNT);
	if (!ghvm)
		return NULL;

	kref_init(&ghvm->kref);
	refcount_set(&ghvm->users, 1);
	ghvm->mgr = gh_vm_mgr_get(mgr);
	mutex_init(&ghvm->config_lock);
	INIT_LIST_HEAD(&ghvm->regions);
	spin_lock_init(&ghvm->state_lock);
	INIT_LIST_HEAD(&ghvm->listeners);
	init_waitqueue_head(&ghvm->wq);
	INIT_DELAYED_WORK(&ghvm->work, gh_vm_work);
	init_completion(&ghvm->started);
	init_completion(&ghvm->ended);
	ghvm->vmid = GH_VMID_INVAL;
	INIT_LIST_HEAD(&ghvm->mgr_node);
	mutex_init(&ghvm->fn_lock);
	INIT_LIST_HEAD(&ghvm->functions);
	mutex_init(&ghvm->rsc_lock);
	INIT_LIST_HEAD(&ghvm->tickets);
	mutex_init(&ghvm->io_lock);
	hash_init(ghvm->io_handlers);
	return ghvm;
}

static int gh_vm_release(struct inode *inode, struct file *file)
{
	struct gh_vm *ghvm = file->private_data;

	gh_vm_close(ghvm);
	gh_vm_put(ghvm);
	return 0;
}

static long gh_vm_ioctl_region(struct gh_vm *ghvm, void __user *argp, bool lend)
{
	struct gh_userspace_memory_region region;

	if (copy_from_user(&region, argp, sizeof(region)))
		return -EFAULT;
	return gh_vm_set_region(ghvm, &region, lend);
}

static long gh_vm_ioctl_dtb_config(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_dtb_config dtb_config;

	if (copy_from_user(&dtb_config, argp, sizeof(dtb_config)))
		return -EFAULT;
	return gh_vm_set_dtb_config(ghvm, &dtb_config);
}

static long gh_vm_ioctl_function(struct gh_vm *ghvm, void __user *argp, bool add)
{
	struct gh_fn_desc desc;

	if (copy_from_user(&desc, argp, sizeof(desc)))
		return -EFAULT;
	return add ? gh_vm_add_function(ghvm, &desc) : gh_vm_remove_function(ghvm, &desc);
}

static long gh_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gh_vm *ghvm = file->private_data;
	void __user *argp = (void __user *)arg;

	if (gh_vm_is_orphaned(ghvm))
		return -ENODEV;

	switch (cmd) {
	case GH_VM_SET_USER_MEM_REGION:
		return gh_vm_ioctl_region(ghvm, argp, false);
	case GH_VM_ANDROID_LEND_USER_MEM:
		return gh_vm_ioctl_region(ghvm, argp, true);
	case GH_VM_SET_DTB_CONFIG:
		return gh_vm_ioctl_dtb_config(ghvm, argp);
	case GH_VM_START:
		return gh_vm_start(ghvm);
	case GH_VM_ADD_FUNCTION:
		return gh_vm_ioctl_function(ghvm, argp, true);
	case GH_VM_REMOVE_FUNCTION:
		return gh_vm_ioctl_function(ghvm, argp, false);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations gh_vm_fops = {
	.owner = THIS_MODULE,
	.release = gh_vm_release,
	.unlocked_ioctl = gh_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * gh_vm_create() - make a VM and a file for it
 * @mgr: where it belongs to
 *
 * The Resource Manager hears of it when it is started.
 *
 * Return: a file descriptor or a negative errno.
 */
int gh_vm_create(struct gh_vm_mgr *mgr)
{
	struct gh_vm *ghvm;
	struct file *file;
	int fd;

	/* Only so that the caller hears of it early; the start looks again. */
	if (READ_ONCE(mgr->closing))
		return -ENODEV;

	ghvm = gh_vm_alloc(mgr);
	if (!ghvm)
		return -ENOMEM;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_put;

	file = anon_inode_getfile("gunyah-vm", &gh_vm_fops, ghvm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto err_put;
	}

	fd_install(fd, file);
	return fd;

err_put:
	kref_put(&ghvm->kref, gh_vm_free);
	return fd;
}
