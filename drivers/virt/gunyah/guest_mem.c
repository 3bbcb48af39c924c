// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files.
 */

#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "guest_mem.h"
#include "vm_mgr.h"

#define GH_GUEST_MEM_NAME	"gunyah-guest-memory"
/* "GHgm" */
#define GH_GUEST_MEM_MAGIC	0x4748676d

/* Pages in a row that are mapped when one of them is touched */
#define GH_GUEST_MEM_FAULT_PAGES	16

static struct vfsmount *gh_guest_mem_mnt;
/* How many inodes there are: the last reference to one may be put without a file */
static atomic_t gh_guest_mem_n_inodes;

static int gh_guest_mem_do_allocate(struct gh_guest_mem *gm, int mode, unsigned long first,
				    unsigned long end)
{
	if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return gh_guest_mem_populate(gm, first, end - first, GH_FILL_INTERRUPTIBLE);
	if (gh_guest_mem_is_bound(gm, first, end - first))
		return -EBUSY;
	return mode & FALLOC_FL_PUNCH_HOLE ? gh_guest_mem_punch(gm, first, end) :
					     gh_guest_mem_zero(gm, first, end);
}

static long gh_guest_mem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct gh_guest_mem *gm = file_inode(file)->i_private;
	unsigned long first = offset >> PAGE_SHIFT, end = (offset + len) >> PAGE_SHIFT;
	int ret;

	/* The size never changes. */
	if (!(mode & FALLOC_FL_KEEP_SIZE) ||
	    (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len) ||
	    end > gm->npages)
		return -EINVAL;

	if (down_write_killable(&gm->lock))
		return -EINTR;
	ret = gh_guest_mem_do_allocate(gm, mode, first, end);
	up_write(&gm->lock);

	return ret;
}

/*
 * Mappings
 */

static vm_fault_t gh_guest_mem_map_run(struct gh_guest_mem *gm, struct vm_fault *vmf,
				       const struct gh_guest_mem_run *run)
{
	unsigned long pfn = run->pfn + vmf->pgoff - run->first;
	unsigned long n, i;
	int ret;

	if (gm->pooled)
		return vmf_insert_pfn(vmf->vma, vmf->address, pfn);

	n = min3(run->first + run->npages - vmf->pgoff,
		 (vmf->vma->vm_end - vmf->address) >> PAGE_SHIFT,
		 (unsigned long)GH_GUEST_MEM_FAULT_PAGES);
	for (i = 0; i < n; i++) {
		if (i && gh_guest_mem_is_lent(gm, vmf->pgoff + i))
			break;
		ret = vm_insert_page(vmf->vma, vmf->address + i * PAGE_SIZE, pfn_to_page(pfn + i));
		/* Somebody else may have touched it at the same time. */
		if (ret && ret != -EBUSY)
			return i ? VM_FAULT_NOPAGE : vmf_error(ret);
	}

	return VM_FAULT_NOPAGE;
}

static vm_fault_t gh_guest_mem_fault(struct vm_fault *vmf)
{
	struct gh_guest_mem *gm = file_inode(vmf->vma->vm_file)->i_private;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct gh_guest_mem_run *run;

	if (vmf->pgoff >= gm->npages)
		return VM_FAULT_SIGBUS;

	/* Others may hold it for long, but not longer than the process is to live. */
	if (down_read_killable(&gm->lock))
		return VM_FAULT_SIGBUS;
	run = gh_guest_mem_find_run(gm, vmf->pgoff);
	if (!run) {
		up_read(&gm->lock);
		if (down_write_killable(&gm->lock))
			return VM_FAULT_SIGBUS;
		gh_guest_mem_populate_around(gm, vmf->pgoff);
		downgrade_write(&gm->lock);
		run = gh_guest_mem_find_run(gm, vmf->pgoff);
	}
	if (run && !gh_guest_mem_is_lent(gm, vmf->pgoff))
		ret = gh_guest_mem_map_run(gm, vmf, run);
	up_read(&gm->lock);

	return ret;
}

static const struct vm_operations_struct gh_guest_mem_vm_ops = {
	.fault = gh_guest_mem_fault,
};

static int gh_guest_mem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct gh_guest_mem *gm = file_inode(file)->i_private;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP | VM_DONTEXPAND |
			  (gm->pooled ? VM_PFNMAP | VM_IO : VM_MIXEDMAP));
	vma->vm_ops = &gh_guest_mem_vm_ops;
	return 0;
}

/*
 * Files
 */

static void gh_guest_mem_show_pages(struct seq_file *m, const char *what, unsigned long npages)
{
	seq_printf(m, "%s:\t%llu\n", what, (u64)npages << PAGE_SHIFT);
}

static void gh_guest_mem_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct gh_guest_mem *gm = file_inode(file)->i_private;
	const struct gh_guest_mem_info *info = &gm->info;

	/* Also while somebody allocates, which can take long: it tells how far he is. */
	gh_guest_mem_show_pages(m, "size", gm->npages);
	gh_guest_mem_show_pages(m, "allocated", READ_ONCE(info->allocated));
	gh_guest_mem_show_pages(m, "lent", READ_ONCE(info->lent));
	gh_guest_mem_show_pages(m, "shared", READ_ONCE(info->shared));
	seq_printf(m, "runs:\t%lu\n", READ_ONCE(info->n_runs));
	gh_guest_mem_show_pages(m, "largest-run", READ_ONCE(info->largest));
	gh_guest_mem_show_pages(m, "guards", gm->pooled ? 0 : READ_ONCE(info->n_runs));
	seq_printf(m, "pool:\t%u\n", gm->pooled);
}

static const struct file_operations gh_guest_mem_fops = {
	.owner = THIS_MODULE,
	.mmap = gh_guest_mem_mmap,
	.fallocate = gh_guest_mem_fallocate,
	.show_fdinfo = gh_guest_mem_show_fdinfo,
};

static int gh_guest_mem_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
				struct iattr *attr)
{
	/* It is as if it had the seals of a memory file that is not to shrink or grow. */
	return -EPERM;
}

static const struct inode_operations gh_guest_mem_iops = {
	.setattr = gh_guest_mem_setattr,
};

static void gh_guest_mem_free(struct gh_guest_mem *gm)
{
	unsigned long lost;

	/* Nobody else knows of it any more; but lists are looked at under their lock. */
	down_write(&gm->lock);
	lost = gh_guest_mem_free_runs(gm);
	gh_guest_mem_free_ranges(gm);
	up_write(&gm->lock);
	xa_destroy(&gm->runs);

	if (gm->mm) {
		account_locked_vm(gm->mm, gm->npages - lost, false);
		mmdrop(gm->mm);
	}
	kfree(gm);
}

static void gh_guest_mem_evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (inode->i_private)
		gh_guest_mem_free(inode->i_private);
	if (atomic_dec_and_test(&gh_guest_mem_n_inodes))
		wake_up_var(&gh_guest_mem_n_inodes);
}

static const struct super_operations gh_guest_mem_sops = {
	.statfs = simple_statfs,
	.evict_inode = gh_guest_mem_evict_inode,
};

static struct gh_guest_mem *gh_guest_mem_alloc(u64 flags, unsigned long npages)
{
	struct gh_guest_mem *gm;

	gm = kzalloc(sizeof(*gm), GFP_KERNEL_ACCOUNT);
	if (!gm)
		return NULL;

	gm->npages = npages;
	gm->flags = flags;
	init_rwsem(&gm->lock);
	xa_init(&gm->runs);
	INIT_LIST_HEAD(&gm->ranges);
	return gm;
}

/* If the pool has room for it, it is there from the start. */
static int gh_guest_mem_take_pool(struct gh_guest_mem *gm)
{
	struct gh_guest_mem_run *run;
	int ret;

	run = kzalloc(sizeof(*run), GFP_KERNEL_ACCOUNT);
	if (!run)
		return -ENOMEM;
	run->npages = gm->npages;
	if (gh_guest_mem_pool_alloc(run->npages, &run->pfn)) {
		kfree(run);
		return 0;
	}

	ret = gh_guest_mem_clear_pooled(run->pfn, run->npages);
	if (!ret)
		ret = gh_guest_mem_add_run(gm, run);
	if (ret) {
		gh_guest_mem_pool_free(run->pfn, run->npages);
		kfree(run);
		return ret;
	}

	gm->pooled = true;
	return 0;
}

static struct inode *gh_guest_mem_new_inode(struct gh_guest_mem *gm)
{
	struct inode *inode = alloc_anon_inode(gh_guest_mem_mnt->mnt_sb);

	if (IS_ERR(inode))
		return inode;

	atomic_inc(&gh_guest_mem_n_inodes);
	inode->i_mode |= S_IFREG;
	inode->i_op = &gh_guest_mem_iops;
	i_size_write(inode, (loff_t)gm->npages << PAGE_SHIFT);
	inode->i_private = gm;
	gm->inode = inode;
	return inode;
}

/**
 * gh_guest_mem_charge() - count a file's memory as locked memory of a process
 * @gm: the file; not counted yet
 * @mm: of the process; what it counts as locked already includes the file
 */
void gh_guest_mem_charge(struct gh_guest_mem *gm, struct mm_struct *mm)
{
	mmgrab(mm);
	gm->mm = mm;
}

static struct file *gh_guest_mem_open(struct inode *inode)
{
	struct file *file;

	/* The file's; our caller came by way of a file that has one, too. */
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, gh_guest_mem_mnt, GH_GUEST_MEM_NAME, O_RDWR | O_LARGEFILE,
				 &gh_guest_mem_fops);
	if (IS_ERR(file))
		module_put(THIS_MODULE);
	return file;
}

/**
 * gh_guest_mem_create() - make a guest memory file
 * @flags: GH_GUEST_MEM_*
 * @size: in bytes; whole pages, not 0
 *
 * Its memory is not counted for anybody yet: see gh_guest_mem_charge().
 *
 * Return: the file or an error pointer.
 */
struct file *gh_guest_mem_create(u64 flags, u64 size)
{
	struct gh_guest_mem *gm;
	struct inode *inode;
	struct file *file;
	int ret;

	gm = gh_guest_mem_alloc(flags, size >> PAGE_SHIFT);
	if (!gm)
		return ERR_PTR(-ENOMEM);

	inode = gh_guest_mem_new_inode(gm);
	if (IS_ERR(inode)) {
		kfree(gm);
		return ERR_CAST(inode);
	}

	ret = gh_guest_mem_take_pool(gm);
	if (ret) {
		iput(inode);
		return ERR_PTR(ret);
	}

	file = gh_guest_mem_open(inode);
	if (IS_ERR(file))
		iput(inode);
	return file;
}

/**
 * gh_guest_mem_of() - what a file consists of
 * @file: a file of any kind
 *
 * Return: the guest memory, or NULL if it is another kind of file.
 */
struct gh_guest_mem *gh_guest_mem_of(struct file *file)
{
	return file->f_op == &gh_guest_mem_fops ? file_inode(file)->i_private : NULL;
}

static int gh_guest_mem_check_create(const struct gh_create_guest_mem *arg)
{
	/* No file can be larger than file offsets tell. */
	if ((arg->flags & ~GH_GUEST_MEM_FLAGS) || !arg->size || !PAGE_ALIGNED(arg->size) ||
	    arg->size > MAX_LFS_FILESIZE)
		return -EINVAL;
	return memchr_inv(arg->reserved, 0, sizeof(arg->reserved)) ? -EINVAL : 0;
}

/* The file counts as locked memory from the start, so that no access can fail for it. */
static struct file *gh_guest_mem_create_charged(const struct gh_create_guest_mem *arg)
{
	struct mm_struct *mm = current->mm;
	struct file *file;
	int ret;

	ret = account_locked_vm(mm, arg->size >> PAGE_SHIFT, true);
	if (ret)
		return ERR_PTR(ret);

	file = gh_guest_mem_create(arg->flags, arg->size);
	if (IS_ERR(file))
		account_locked_vm(mm, arg->size >> PAGE_SHIFT, false);
	else
		gh_guest_mem_charge(gh_guest_mem_of(file), mm);
	return file;
}

/**
 * gh_guest_mem_ioctl_create() - GH_CREATE_GUEST_MEM
 * @argp: user pointer to the argument
 *
 * Return: a file descriptor, or -EFAULT, -EINVAL, -ENOMEM, -EMFILE, -ENFILE.
 */
long gh_guest_mem_ioctl_create(void __user *argp)
{
	struct gh_create_guest_mem arg;
	struct file *file;
	int fd, ret;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	ret = gh_guest_mem_check_create(&arg);
	if (ret)
		return ret;

	fd = get_unused_fd_flags(arg.flags & GH_GUEST_MEM_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;

	file = gh_guest_mem_create_charged(&arg);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}

	fd_install(fd, file);
	return fd;
}

static int gh_guest_mem_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, GH_GUEST_MEM_MAGIC);

	if (!ctx)
		return -ENOMEM;

	ctx->ops = &gh_guest_mem_sops;
	fc->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return 0;
}

/* Without an owner, or the module could never go: files hold it instead. */
static struct file_system_type gh_guest_mem_fs = {
	.name = "gunyah_guest_mem",
	.init_fs_context = gh_guest_mem_init_fs_context,
	.kill_sb = kill_anon_super,
};

/**
 * gh_guest_mem_init() - called when the module is loaded
 *
 * Return: 0 or a negative errno.
 */
int gh_guest_mem_init(void)
{
	gh_guest_mem_mnt = kern_mount(&gh_guest_mem_fs);
	if (IS_ERR(gh_guest_mem_mnt))
		return PTR_ERR(gh_guest_mem_mnt);

	gh_guest_mem_pool_init();
	return 0;
}

/**
 * gh_guest_mem_exit() - called when the module is unloaded
 */
void gh_guest_mem_exit(void)
{
	/* A file that is closed lets go of the module before its inode is gone. */
	wait_var_event(&gh_guest_mem_n_inodes, !atomic_read(&gh_guest_mem_n_inodes));
	gh_guest_mem_pool_exit();
	kern_unmount(gh_guest_mem_mnt);
}
