// SPDX-License-Identifier: GPL-2.0
/*
 * The bus of emulated devices.
 */

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "machine.h"

/* The first SPI that is given out; INTID 32 + 1. */
#define FIRST_IRQ		1
/* More accesses to nowhere than these are not worth a line each. */
#define MAX_STRAY_REPORTS	10

int bus_add(struct bus *bus, struct device *dev)
{
	if (bus->count == BUS_MAX_DEVICES)
		return log_error(ENOSPC, "%s: too many devices", dev->ops->name);

	dev->base = GUEST_MMIO_BASE + bus->count * GUEST_MMIO_STRIDE;
	dev->size = GUEST_MMIO_STRIDE;
	dev->irq = FIRST_IRQ + bus->count;
	dev->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev->irq_fd < 0)
		return log_error(errno, "%s: eventfd", dev->ops->name);
	bus->devices[bus->count++] = dev;
	return 0;
}

void bus_destroy(struct bus *bus)
{
	while (bus->count) {
		struct device *dev = bus->devices[--bus->count];
		int irq_fd = dev->irq_fd;

		/* Until it is destroyed, its thread may raise it. */
		dev->ops->destroy(dev);
		close(irq_fd);
	}
}

int bus_attach(const struct bus *bus, struct vm *vm)
{
	unsigned int i;
	int ret;

	for (i = 0; i < bus->count; i++) {
		struct device *dev = bus->devices[i];

		ret = vm_add_irqfd(vm, dev->irq_fd, dev->irq);
		if (!ret && dev->ops->attach)
			ret = dev->ops->attach(dev, vm);
		if (ret)
			return ret;
	}
	return 0;
}

void bus_reset(const struct bus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		struct device *dev = bus->devices[i];
		u64 lost;

		dev->ops->reset(dev);
		/* An interrupt that the old VM did not get is not the new one's. */
		if (read(dev->irq_fd, &lost, sizeof(lost)) < 0 && errno != EAGAIN)
			log_debug("%s: eventfd: errno %d", dev->ops->name, errno);
	}
}

static struct device *bus_find(const struct bus *bus, u64 addr)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		struct device *dev = bus->devices[i];

		if (addr >= dev->base && addr - dev->base < dev->size)
			return dev;
	}
	return NULL;
}

static void report_stray(u64 addr, unsigned int len, bool is_write)
{
	static atomic_uint reports;
	unsigned int n = atomic_load(&reports);

	if (!log_verbose || n > MAX_STRAY_REPORTS)
		return;
	n = atomic_fetch_add(&reports, 1);
	if (n < MAX_STRAY_REPORTS)
		log_debug("guest %s %u bytes at %#llx, where nothing is",
			  is_write ? "wrote" : "read", len, addr);
	else if (n == MAX_STRAY_REPORTS)
		log_debug("no more such accesses are reported");
}

void bus_access(const struct bus *bus, u64 addr, u8 *data, unsigned int len,
		bool is_write)
{
	struct device *dev = bus_find(bus, addr);
	u64 value = 0;

	if (!dev) {
		report_stray(addr, len, is_write);
		if (!is_write)
			memset(data, 0xff, len);
	} else if (is_write) {
		memcpy(&value, data, len);
		dev->ops->write(dev, addr - dev->base, len, le64toh(value));
	} else {
		value = htole64(dev->ops->read(dev, addr - dev->base, len));
		memcpy(data, &value, len);
	}
}

void device_raise_irq(const struct device *dev)
{
	u64 one = 1;

	/* The counter is full only when nobody listens; then nothing is lost. */
	if (write(dev->irq_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("%s: interrupt lost: errno %d", dev->ops->name, errno);
}
