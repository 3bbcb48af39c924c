// SPDX-License-Identifier: GPL-2.0
/*
 * VM files.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
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

	/* A kernel thread has none. */
	if (ghvm->mm)
		mmdrop(ghvm->mm);
	gh_vm_mgr_put(ghvm->mgr);
	kfree(ghvm);
}

/**
 * gh_vm_lock_config() - take a VM's configuration, in order to change it
 * @ghvm: the VM
 *
 * Return: 0 with @ghvm->config_lock held; -EBUSY if START was called, -EINTR.
 */
int gh_vm_lock_config(struct gh_vm *ghvm)
{
	if (mutex_lock_interruptible(&ghvm->config_lock))
		return -EINTR;

	if (ghvm->frozen) {
		mutex_unlock(&ghvm->config_lock);
		return -EBUSY;
	}

	return 0;
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
	spin_lock_init(&ghvm->mem_lock);
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
	seqcount_latch_init(&ghvm->io_handlers.seq);
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

static long gh_vm_ioctl_map_mem(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_map_mem map_mem;

	if (copy_from_user(&map_mem, argp, sizeof(map_mem)))
		return -EFAULT;
	return gh_vm_map_mem(ghvm, &map_mem);
}

static long gh_vm_ioctl_dtb_config(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_dtb_config dtb_config;

	if (copy_from_user(&dtb_config, argp, sizeof(dtb_config)))
		return -EFAULT;
	return gh_vm_set_dtb_config(ghvm, &dtb_config);
}

static long gh_vm_ioctl_boot_context(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_boot_context context;

	if (copy_from_user(&context, argp, sizeof(context)))
		return -EFAULT;
	return gh_vm_set_boot_context(ghvm, &context);
}

static long gh_vm_ioctl_fw_config(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_firmware_config fw_config;

	if (copy_from_user(&fw_config, argp, sizeof(fw_config)))
		return -EFAULT;
	return gh_vm_set_fw_config(ghvm, &fw_config);
}

static long gh_vm_ioctl_function(struct gh_vm *ghvm, void __user *argp, bool add)
{
	struct gh_fn_desc desc;

	if (copy_from_user(&desc, argp, sizeof(desc)))
		return -EFAULT;
	return add ? gh_vm_add_function(ghvm, &desc) : gh_vm_remove_function(ghvm, &desc);
}

static long gh_vm_ioctl_status(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_status_info info;

	gh_vm_get_status(ghvm, &info);
	return copy_to_user(argp, &info, sizeof(info)) ? -EFAULT : 0;
}

static long gh_vm_ioctl_crash_msg(struct gh_vm *ghvm, void __user *argp)
{
	struct gh_vm_crash_msg info;
	int ret;

	ret = gh_vm_get_crash_msg(ghvm, &info);
	if (ret)
		return ret;
	return copy_to_user(argp, &info, sizeof(info)) ? -EFAULT : 0;
}

/* Without the Resource Manager there is nothing to be had but the VM's fate. */
static int gh_vm_check_ioctl(struct gh_vm *ghvm, unsigned int cmd)
{
	return gh_vm_is_orphaned(ghvm) && cmd != GH_VM_GET_STATUS ? -ENODEV : 0;
}

static long gh_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gh_vm *ghvm = file->private_data;
	void __user *argp = (void __user *)arg;
	int ret;

	ret = gh_vm_check_ioctl(ghvm, cmd);
	if (ret)
		return ret;

	switch (cmd) {
	case GH_VM_SET_USER_MEM_REGION:
		return gh_vm_ioctl_region(ghvm, argp, false);
	case GH_VM_ANDROID_LEND_USER_MEM:
		return gh_vm_ioctl_region(ghvm, argp, true);
	case GH_VM_MAP_MEM:
		return gh_vm_ioctl_map_mem(ghvm, argp);
	case GH_VM_SET_DTB_CONFIG:
		return gh_vm_ioctl_dtb_config(ghvm, argp);
	case GH_VM_SET_BOOT_CONTEXT:
		return gh_vm_ioctl_boot_context(ghvm, argp);
	case GH_VM_ANDROID_SET_FW_CONFIG:
		return gh_vm_ioctl_fw_config(ghvm, argp);
	case GH_VM_START:
		return gh_vm_start(ghvm);
	case GH_VM_ADD_FUNCTION:
		return gh_vm_ioctl_function(ghvm, argp, true);
	case GH_VM_REMOVE_FUNCTION:
		return gh_vm_ioctl_function(ghvm, argp, false);
	case GH_VM_GET_STATUS:
		return gh_vm_ioctl_status(ghvm, argp);
	case GH_VM_GET_CRASH_MSG:
		return gh_vm_ioctl_crash_msg(ghvm, argp);
	case GH_GET_CAPABILITY:
		return gh_vm_mgr_ioctl_capability(ghvm->mgr, argp);
	case GH_VM_ANDROID_CHECK_EXTENSION:
		/* None of Android's */
		return 0;
	default:
		return -ENOTTY;
	}
}

static __poll_t gh_vm_file_poll(struct file *file, poll_table *wait)
{
	return gh_vm_poll(file->private_data, file, wait);
}

static const struct file_operations gh_vm_fops = {
	.owner = THIS_MODULE,
	.poll = gh_vm_file_poll,
	.release = gh_vm_release,
	.unlocked_ioctl = gh_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
	.show_fdinfo = gh_vm_show_fdinfo,
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
	ghvm->mm = current->mm;
	mmgrab(ghvm->mm);

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
