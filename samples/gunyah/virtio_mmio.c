// SPDX-License-Identifier: GPL-2.0
/*
 * The MMIO transport of virtio 1.x.
 */

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "fdt_writer.h"
#include "guest_tree.h"
#include "virtio_thread.h"

#define MAGIC			0x74726976	/* "virt" */
#define VERSION			2		/* of virtio 1.0 and later */
#define VENDOR			0x554e5947	/* "GYNU" */

/* More mistakes of a guest than these are not worth a line each. */
#define MAX_BROKEN_REPORTS	10

static struct virtio_device *to_virtio(struct device *dev)
{
	return container_of(dev, struct virtio_device, dev);
}

static u64 offered_features(const struct virtio_device *vdev)
{
	u64 features = vdev->features | BIT_ULL(VIRTIO_F_VERSION_1);

	return vdev->dma.is_window ? features | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) :
	       features;
}

static bool features_are_good(const struct virtio_device *vdev)
{
	u64 needed = offered_features(vdev) &
		     (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM));

	return !(vdev->driver_features & ~offered_features(vdev)) &&
	       (vdev->driver_features & needed) == needed;
}

/* The queue is the device's. */
static bool is_usable(const struct virtio_device *vdev, const struct virtqueue *vq)
{
	const u32 stopped = VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED;

	return vdev->status & VIRTIO_CONFIG_S_DRIVER_OK && !(vdev->status & stopped) &&
	       vq->ready;
}

static void interrupt(struct virtio_device *vdev, u32 cause)
{
	vdev->interrupts |= cause;
	device_raise_irq(&vdev->dev);
}

static void set_broken(struct virtio_device *vdev, const char *why)
{
	if (vdev->broken_reports++ < MAX_BROKEN_REPORTS)
		log_info("%s: %s; it stops until the guest resets it", vdev->name, why);
	vdev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (vdev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt(vdev, VIRTIO_MMIO_INT_CONFIG);
}

/* Wait until the device has given back what it had taken. It takes no more meanwhile. */
static void wait_idle(struct virtio_device *vdev)
{
	vdev->draining = true;
	while (vdev->in_flight)
		virtio_thread_wait(vdev);
	vdev->draining = false;
}

static void reset(struct virtio_device *vdev)
{
	unsigned int i;

	vdev->status = 0;
	wait_idle(vdev);
	vdev->interrupts = 0;
	vdev->driver_features = 0;
	vdev->features_page = 0;
	vdev->driver_features_page = 0;
	vdev->queue_sel = 0;
	memset(vdev->queues, 0, sizeof(vdev->queues));
	for (i = 0; i < vdev->ops->queues; i++)
		vdev->queues[i].mem = vdev->dma.mem;
}

/*
 * What the device does with its queues
 */

bool virtio_pop(struct virtio_device *vdev, unsigned int queue, struct vq_chain *chain)
{
	struct virtqueue *vq = &vdev->queues[queue];
	int ret = 0;

	pthread_mutex_lock(&vdev->lock);
	if (is_usable(vdev, vq) && !vdev->draining)
		ret = virtqueue_pop(vq, chain);
	if (ret > 0)
		vdev->in_flight++;
	else if (ret < 0)
		set_broken(vdev, "the guest has put nonsense into a queue");
	pthread_mutex_unlock(&vdev->lock);
	return ret > 0;
}

static void put_chain(struct virtio_device *vdev)
{
	if (!--vdev->in_flight)
		pthread_cond_broadcast(&vdev->idle);
}

void virtio_push(struct virtio_device *vdev, unsigned int queue,
		 const struct vq_chain *chain, u32 written)
{
	struct virtqueue *vq = &vdev->queues[queue];

	pthread_mutex_lock(&vdev->lock);
	if (is_usable(vdev, vq)) {
		virtqueue_push(vq, chain, written);
		if (virtqueue_wants_interrupt(vq))
			interrupt(vdev, VIRTIO_MMIO_INT_VRING);
	}
	put_chain(vdev);
	pthread_mutex_unlock(&vdev->lock);
}

void virtio_reject(struct virtio_device *vdev, const char *why)
{
	pthread_mutex_lock(&vdev->lock);
	set_broken(vdev, why);
	put_chain(vdev);
	pthread_mutex_unlock(&vdev->lock);
}

bool virtio_is_draining(struct virtio_device *vdev)
{
	bool draining;

	pthread_mutex_lock(&vdev->lock);
	draining = vdev->draining;
	pthread_mutex_unlock(&vdev->lock);
	return draining;
}

bool virtio_has_feature(struct virtio_device *vdev, unsigned int bit)
{
	bool has;

	pthread_mutex_lock(&vdev->lock);
	has = vdev->driver_features & BIT_ULL(bit);
	pthread_mutex_unlock(&vdev->lock);
	return has;
}

/*
 * Registers
 */

static u32 page_of(u64 features, u32 page)
{
	return page > 1 ? 0 : features >> (32 * page);
}

static struct virtqueue *selected_queue(struct virtio_device *vdev)
{
	return vdev->queue_sel < vdev->ops->queues ? &vdev->queues[vdev->queue_sel] : NULL;
}

static u32 read_queue_register(struct virtio_device *vdev, u64 offset)
{
	const struct virtqueue *vq = selected_queue(vdev);

	if (!vq)
		return 0;
	return offset == VIRTIO_MMIO_QUEUE_NUM_MAX ? VIRTQUEUE_MAX_SIZE : vq->ready;
}

static u32 read_register(struct virtio_device *vdev, u64 offset)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return vdev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return page_of(offered_features(vdev), vdev->features_page);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
	case VIRTIO_MMIO_QUEUE_READY:
		return read_queue_register(vdev, offset);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return vdev->interrupts;
	case VIRTIO_MMIO_STATUS:
		return vdev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
		return ~0U;	/* there is no such region */
	}
	return 0;
}

static u64 read_config(const struct virtio_device *vdev, u64 offset, unsigned int len)
{
	u64 value = 0;

	if (offset < vdev->config_size && len <= vdev->config_size - offset)
		memcpy(&value, (const char *)vdev->config + offset, len);
	return value;
}

static u64 mmio_read(struct device *dev, u64 offset, unsigned int len)
{
	struct virtio_device *vdev = to_virtio(dev);
	u32 value;

	/* The configuration never changes. */
	if (offset >= VIRTIO_MMIO_CONFIG)
		return read_config(vdev, offset - VIRTIO_MMIO_CONFIG, len);
	if (len != sizeof(value))
		return 0;
	pthread_mutex_lock(&vdev->lock);
	value = read_register(vdev, offset);
	pthread_mutex_unlock(&vdev->lock);
	return value;
}

static void write_status(struct virtio_device *vdev, u32 value)
{
	u32 added = value & ~vdev->status;

	if (!value) {
		reset(vdev);
		return;
	}
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && !features_are_good(vdev))
		added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	/* Only a reset takes any of them away, and that one is for us to set. */
	vdev->status |= added & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK &&
	    !(vdev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		set_broken(vdev, "the guest has not agreed on its features");
	else if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_kick(vdev);
}

static void write_driver_features(struct virtio_device *vdev, u32 value)
{
	u32 page = vdev->driver_features_page;
	u64 mask = 0xffffffffULL << (32 * (page & 1));

	/* What the driver wants beyond those that there are it cannot have. */
	if (vdev->status & VIRTIO_CONFIG_S_FEATURES_OK || page > 1)
		return;
	vdev->driver_features &= ~mask;
	vdev->driver_features |= (u64)value << (32 * page);
}

static void write_queue_ready(struct virtio_device *vdev, struct virtqueue *vq, u32 value)
{
	if (!value) {
		virtqueue_stop(vq);
		wait_idle(vdev);
		/* The other queues go on. */
		virtio_kick(vdev);
	} else if (!vq->ready && virtqueue_start(vq)) {
		set_broken(vdev, "the guest has set up a queue wrongly");
	}
}

static void set_low(u64 *address, u32 value)
{
	*address = (*address & ~0xffffffffULL) | value;
}

static void set_high(u64 *address, u32 value)
{
	*address = (*address & 0xffffffffULL) | (u64)value << 32;
}

/* What is in use does not change. */
static void write_queue_register(struct virtio_device *vdev, u64 offset, u32 value)
{
	struct virtqueue *vq = selected_queue(vdev);

	if (!vq)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		write_queue_ready(vdev, vq, value);
		return;
	}
	if (vq->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		vq->size = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&vq->desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&vq->desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&vq->avail, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&vq->avail, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&vq->used, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&vq->used, value);
		break;
	}
}

static void write_register(struct virtio_device *vdev, u64 offset, u32 value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		vdev->features_page = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_driver_features(vdev, value);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		vdev->driver_features_page = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		vdev->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		/* Usually the driver of the host does this. */
		virtio_kick(vdev);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		vdev->interrupts &= ~value;
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(vdev, value);
		break;
	default:
		write_queue_register(vdev, offset, value);
		break;
	}
}

static void mmio_write(struct device *dev, u64 offset, unsigned int len, u64 value)
{
	struct virtio_device *vdev = to_virtio(dev);

	/* No device here has a configuration that can be written. */
	if (offset >= VIRTIO_MMIO_CONFIG || len != sizeof(u32))
		return;
	pthread_mutex_lock(&vdev->lock);
	/* Another vCPU waits for queues to be stopped: this one has no business here. */
	if (!vdev->draining)
		write_register(vdev, offset, value);
	pthread_mutex_unlock(&vdev->lock);
}

/*
 * On the bus
 */

static void mmio_describe(struct device *dev, struct fdt_writer *fdt)
{
	fdtw_string(fdt, "compatible", "virtio,mmio");
	fdtw_flag(fdt, "dma-coherent");
	if (to_virtio(dev)->dma.is_window)
		fdtw_u32(fdt, "memory-region", GUEST_WINDOW_PHANDLE);
}

static int mmio_attach(struct device *dev, struct vm *vm)
{
	return vm_add_ioeventfd(vm, to_virtio(dev)->notify_fd,
				dev->base + VIRTIO_MMIO_QUEUE_NOTIFY, sizeof(u32));
}

static void mmio_reset(struct device *dev)
{
	struct virtio_device *vdev = to_virtio(dev);

	pthread_mutex_lock(&vdev->lock);
	reset(vdev);
	pthread_mutex_unlock(&vdev->lock);
}

static void mmio_destroy(struct device *dev)
{
	struct virtio_device *vdev = to_virtio(dev);

	virtio_thread_stop(vdev);
	pthread_cond_destroy(&vdev->idle);
	pthread_mutex_destroy(&vdev->lock);
	vdev->ops->destroy(vdev);
}

static const struct device_ops mmio_ops = {
	.name = "virtio",
	.node = "virtio",
	.read = mmio_read,
	.write = mmio_write,
	.describe = mmio_describe,
	.attach = mmio_attach,
	.reset = mmio_reset,
	.destroy = mmio_destroy,
};

int virtio_add(struct bus *bus, struct virtio_device *vdev)
{
	int ret;

	vdev->dev.ops = &mmio_ops;
	pthread_mutex_init(&vdev->lock, NULL);
	pthread_cond_init(&vdev->idle, NULL);
	reset(vdev);
	ret = virtio_thread_start(vdev);
	if (ret)
		goto err_destroy;
	ret = bus_add(bus, &vdev->dev);
	if (ret)
		goto err_stop;
	return 0;

err_stop:
	virtio_thread_stop(vdev);
err_destroy:
	pthread_cond_destroy(&vdev->idle);
	pthread_mutex_destroy(&vdev->lock);
	return ret;
}
