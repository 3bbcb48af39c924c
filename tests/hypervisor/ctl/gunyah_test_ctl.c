// SPDX-License-Identifier: GPL-2.0
/*
 * The control channel of the test hypervisor, for tests in userspace.
 *
 * /dev/gunyah_test_ctl: what is read is what the Resource Manager believed when
 * the file was opened; each write is a command line.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/gunyah.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gunyah_test_ctl.h"
#include "gunyah_test_loopback.h"

/* Some thousand lines */
#define DUMP_MAX	SZ_256K
#define COMMAND_MAX	1023

#define SPI_FIRST	32

struct dump {
	size_t size;
	char text[];
};

static int control(unsigned long op, unsigned long arg0, unsigned long arg1,
		   unsigned long arg2, unsigned long *result)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_hvc(GUNYAH_TEST_CTL, op, arg0, arg1, arg2, &res);
	if (!res.a0 && result)
		*result = res.a1;

	return gh_error_remap(res.a0);
}

static int ctl_open(struct inode *inode, struct file *file)
{
	struct dump *dump;
	int ret;

	file->private_data = NULL;
	if (!(file->f_mode & FMODE_READ))
		return 0;
	dump = kvzalloc(sizeof(*dump) + DUMP_MAX, GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	ret = control(GUNYAH_TEST_CTL_DUMP, (unsigned long)dump->text, DUMP_MAX,
		      0, &dump->size);
	if (ret || dump->size > DUMP_MAX) {
		kvfree(dump);
		return ret ?: -EIO;
	}
	file->private_data = dump;

	return 0;
}

/* Only for files that are open for reading */
static ssize_t ctl_read(struct file *file, char __user *buf, size_t count,
			loff_t *pos)
{
	struct dump *dump = file->private_data;

	return simple_read_from_buffer(buf, count, pos, dump->text, dump->size);
}

static ssize_t ctl_write(struct file *file, const char __user *buf, size_t count,
			 loff_t *pos)
{
	char *line;
	int ret;

	if (!count || count > COMMAND_MAX)
		return -EINVAL;
	line = memdup_user_nul(buf, count);
	if (IS_ERR(line))
		return PTR_ERR(line);
	ret = control(GUNYAH_TEST_CTL_COMMAND, (unsigned long)line, count, 0, NULL);
	kfree(line);

	return ret ?: count;
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
	.write = ctl_write,
	.llseek = default_llseek,
	.release = ctl_release,
};

static struct miscdevice ctl_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &ctl_fops,
	.mode = 0600,
};

static int map_irq(unsigned int intid)
{
	struct device_node *gic = of_find_compatible_node(NULL, NULL, "arm,gic-v3");
	struct irq_fwspec spec = {
		.fwnode = of_fwnode_handle(gic),
		.param_count = 3,
		.param = { 0, intid - SPI_FIRST, IRQ_TYPE_EDGE_RISING },
	};
	unsigned int irq;

	if (!gic)
		return -ENODEV;
	irq = irq_create_fwspec_mapping(&spec);
	of_node_put(gic);

	return irq ?: -ENXIO;
}

/**
 * gunyah_test_loopback_create() - make a queue with both ends here
 * @loop: what it is, for gunyah_test_loopback_destroy()
 * @depth: how many messages it holds, 1..255
 * @max_size: largest message, 1..1023 bytes
 *
 * Return: 0 or an errno.
 */
int gunyah_test_loopback_create(struct gunyah_test_queue *loop,
				unsigned int depth, unsigned int max_size)
{
	struct gunyah_test_loopback *ends = kzalloc(sizeof(*ends), GFP_KERNEL);
	int ret;

	if (!ends)
		return -ENOMEM;
	ret = control(GUNYAH_TEST_CTL_LOOPBACK_CREATE, depth, max_size,
		      (unsigned long)ends, NULL);
	if (ret)
		goto free;

	loop->tx = (struct gh_resource) {
		.type = GH_RESOURCE_TYPE_MSGQ_TX,
		.capid = ends->tx_cap,
	};
	loop->rx = (struct gh_resource) {
		.type = GH_RESOURCE_TYPE_MSGQ_RX,
		.capid = ends->rx_cap,
	};
	ret = map_irq(ends->tx_intid);
	if (ret < 0)
		goto destroy;
	loop->tx.irq = ret;
	ret = map_irq(ends->rx_intid);
	if (ret < 0)
		goto unmap;
	loop->rx.irq = ret;
	kfree(ends);

	return 0;

unmap:
	irq_dispose_mapping(loop->tx.irq);
destroy:
	control(GUNYAH_TEST_CTL_LOOPBACK_DESTROY, ends->tx_cap, 0, 0, NULL);
free:
	kfree(ends);

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_test_loopback_create);

/**
 * gunyah_test_loopback_destroy() - take a queue away
 * @loop: the queue; nobody uses its interrupts any more
 */
void gunyah_test_loopback_destroy(struct gunyah_test_queue *loop)
{
	control(GUNYAH_TEST_CTL_LOOPBACK_DESTROY, loop->tx.capid, 0, 0, NULL);
	irq_dispose_mapping(loop->rx.irq);
	irq_dispose_mapping(loop->tx.irq);
}
EXPORT_SYMBOL_GPL(gunyah_test_loopback_destroy);

static int __init ctl_init(void)
{
	/* Without any conduit the call would be an undefined instruction. */
	if (arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_NONE ||
	    control(GUNYAH_TEST_CTL_PROBE, 0, 0, 0, NULL))
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
