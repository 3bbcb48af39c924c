// SPDX-License-Identifier: GPL-2.0
/*
 * The control channel of the test hypervisor, for tests in userspace.
 *
 * /dev/gunyah_test_ctl: a file shows what the Resource Manager believed when it
 * was opened.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "gunyah_test_ctl.h"

/* Some thousand lines */
#define DUMP_MAX	SZ_256K

struct dump {
	size_t size;
	char text[];
};

static int control(unsigned long op, unsigned long arg0, unsigned long arg1,
		   unsigned long *result)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GUNYAH_TEST_CTL, op, arg0, arg1, &res);
	if (res.a0)
		return -EOPNOTSUPP;
	*result = res.a1;

	return 0;
}

static int ctl_open(struct inode *inode, struct file *file)
{
	struct dump *dump = kvzalloc(sizeof(*dump) + DUMP_MAX, GFP_KERNEL);
	int ret;

	if (!dump)
		return -ENOMEM;
	ret = control(GUNYAH_TEST_CTL_DUMP, (unsigned long)dump->text, DUMP_MAX,
		      &dump->size);
	if (ret || dump->size > DUMP_MAX) {
		kvfree(dump);
		return ret ?: -EIO;
	}
	file->private_data = dump;

	return 0;
}

static ssize_t ctl_read(struct file *file, char __user *buf, size_t count,
			loff_t *pos)
{
	struct dump *dump = file->private_data;

	return simple_read_from_buffer(buf, count, pos, dump->text, dump->size);
}

static int ctl_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);

	return 0;
}

static const struct file_operations ctl_fops = {
	.owner = THIS_MODULE,
	.open = ctl_open,
	.read = ctl_read,
	.llseek = default_llseek,
	.release = ctl_release,
};

static struct miscdevice ctl_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &ctl_fops,
	.mode = 0400,
};

static int __init ctl_init(void)
{
	unsigned long result;

	/* Without any conduit the call would be an undefined instruction. */
	if (arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_NONE ||
	    control(GUNYAH_TEST_CTL_PROBE, 0, 0, &result))
		return -ENODEV;

	return misc_register(&ctl_device);
}
module_init(ctl_init);

static void __exit ctl_exit(void)
{
	misc_deregister(&ctl_device);
}
module_exit(ctl_exit);

MODULE_DESCRIPTION("Control channel of the Gunyah test hypervisor");
MODULE_LICENSE("GPL");
