// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's side: a driver that does what it is told, right or wrong.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fdt_writer.h"
#include "guest.h"
#include "test.h"

/* The devices' nodes are not looked at here. */
void fdtw_flag(struct fdt_writer *fdt, const char *name)
{
	(void)fdt;
	(void)name;
}

void fdtw_string(struct fdt_writer *fdt, const char *name, const char *value)
{
	(void)fdt;
	(void)name;
	(void)value;
}

void fdtw_u32(struct fdt_writer *fdt, const char *name, u32 value)
{
	(void)fdt;
	(void)name;
	(void)value;
}

/* Sector n is full of the byte n. */
static int make_disk(char *path)
{
	char sector[512];
	int fd = mkstemp(path);
	unsigned int i;

	for (i = 0; fd >= 0 && i < GUEST_DISK_SIZE / sizeof(sector); i++) {
		memset(sector, i, sizeof(sector));
		if (write(fd, sector, sizeof(sector)) != sizeof(sector))
			fail("disk");
	}
	return fd;
}

/* What is beside the guest's memory is not to be touched. */
static u8 *make_memory(void)
{
	u64 guard = SZ_64K;
	u8 *p = mmap(NULL, GUEST_MEM_SIZE + 2 * guard, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + guard, GUEST_MEM_SIZE, PROT_READ | PROT_WRITE))
		fail("memory");
	return p + guard;
}

struct virtio_dma guest_make(struct guest *guest)
{
	memset(guest, 0, sizeof(*guest));
	guest->mem.gpa = GUEST_MEM_BASE;
	guest->mem.size = GUEST_MEM_SIZE;
	guest->mem.hva = make_memory();
	guest->disk = -1;
	return (struct virtio_dma) { .mem = &guest->mem };
}

void guest_use(struct guest *guest, unsigned int queues, u64 features)
{
	guest->dev = guest->bus.devices[0];
	guest->queues = queues;
	guest->features = features;
	guest_select(guest, 0);
}

void guest_select(struct guest *guest, unsigned int queue)
{
	u64 offset = queue * GUEST_QUEUE_STRIDE;

	guest->queue = queue;
	guest->desc = guest_at(guest, GUEST_DESC + offset);
	guest->avail = guest_at(guest, GUEST_AVAIL + offset);
	guest->used = guest_at(guest, GUEST_USED + offset);
}

void guest_begin(struct guest *guest, bool is_window, bool read_only)
{
	char path[] = "/tmp/virtio-test-XXXXXX";
	struct disk disk = { .path = path, .read_only = read_only };
	struct virtio_dma dma = guest_make(guest);

	dma.is_window = is_window;
	guest->disk = make_disk(path);
	if (guest->disk < 0 || virtio_blk_create(&guest->bus, &disk, &dma))
		fail("disk");
	unlink(path);
	guest_use(guest, 1, BIT_ULL(VIRTIO_BLK_F_FLUSH));
}

void guest_end(struct guest *guest)
{
	bus_destroy(&guest->bus);
	munmap(guest->mem.hva - SZ_64K, GUEST_MEM_SIZE + 2 * SZ_64K);
	if (guest->disk >= 0)
		close(guest->disk);
}

void *guest_at(struct guest *guest, u64 gpa)
{
	return guest->mem.hva + (gpa - GUEST_MEM_BASE);
}

u32 guest_read(struct guest *guest, u64 offset)
{
	u8 data[8] = { };
	u32 value;

	bus_access(&guest->bus, guest->dev->base + offset, data, sizeof(value), false);
	memcpy(&value, data, sizeof(value));
	return value;
}

void guest_write(struct guest *guest, u64 offset, u32 value)
{
	u8 data[8] = { };

	memcpy(data, &value, sizeof(value));
	bus_access(&guest->bus, guest->dev->base + offset, data, sizeof(value), true);
}

void guest_negotiate(struct guest *guest, u64 features)
{
	u32 status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	guest_write(guest, VIRTIO_MMIO_STATUS, 0);
	guest_write(guest, VIRTIO_MMIO_STATUS, status);
	guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES, features);
	guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	guest_write(guest, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
	guest_write(guest, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_FEATURES_OK);
}

void guest_set_queue(struct guest *guest, u32 size, u64 desc, u64 avail, u64 used)
{
	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, guest->queue);
	guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, size);
	guest_write(guest, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	guest_write(guest, VIRTIO_MMIO_QUEUE_DESC_HIGH, desc >> 32);
	guest_write(guest, VIRTIO_MMIO_QUEUE_AVAIL_LOW, avail);
	guest_write(guest, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, avail >> 32);
	guest_write(guest, VIRTIO_MMIO_QUEUE_USED_LOW, used);
	guest_write(guest, VIRTIO_MMIO_QUEUE_USED_HIGH, used >> 32);
	guest_write(guest, VIRTIO_MMIO_QUEUE_READY, 1);
}

void guest_set_up(struct guest *guest)
{
	unsigned int i;

	memset(guest->mem.hva, 0, GUEST_MEM_SIZE);
	guest_negotiate(guest, BIT_ULL(VIRTIO_F_VERSION_1) | guest->features);
	for (i = guest->queues; i--;) {
		u64 offset = i * GUEST_QUEUE_STRIDE;

		guest_select(guest, i);
		guest_set_queue(guest, GUEST_QUEUE_SIZE, GUEST_DESC + offset,
				GUEST_AVAIL + offset, GUEST_USED + offset);
	}
	guest_write(guest, VIRTIO_MMIO_STATUS,
		    guest_read(guest, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

void guest_set_desc(struct guest *guest, unsigned int index, u64 addr, u32 len, u16 flags,
		    u16 next)
{
	guest->desc[index] = (struct vring_desc) {
		.addr = addr, .len = len, .flags = flags, .next = next,
	};
}

void guest_submit(struct guest *guest, u16 head)
{
	u16 idx = guest->avail->idx;

	guest->avail->ring[idx % GUEST_QUEUE_SIZE] = head;
	__atomic_store_n(&guest->avail->idx, idx + 1, __ATOMIC_RELEASE);
	guest_write(guest, VIRTIO_MMIO_QUEUE_NOTIFY, guest->queue);
}

bool guest_is_broken(struct guest *guest)
{
	return guest_read(guest, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

bool guest_wait_used(struct guest *guest, u16 before)
{
	const struct timespec interval = { .tv_nsec = 1000000 };
	unsigned int left = 60000;

	while (left--) {
		if (__atomic_load_n(&guest->used->idx, __ATOMIC_ACQUIRE) != before)
			return true;
		if (guest_is_broken(guest))
			return false;
		nanosleep(&interval, NULL);
	}
	fail("the device does nothing");
	return false;
}

int guest_request(struct guest *guest, u32 type, u64 sector, u64 data, u32 len)
{
	struct virtio_blk_outhdr *header = guest_at(guest, GUEST_HEADER);
	bool write = type == VIRTIO_BLK_T_OUT;
	u16 before = guest->used->idx;
	u8 *status = guest_at(guest, GUEST_STATUS);

	*header = (struct virtio_blk_outhdr) { .type = type, .sector = sector };
	*status = 0xaa;
	guest_set_desc(guest, 0, GUEST_HEADER, sizeof(*header), VRING_DESC_F_NEXT, 1);
	guest_set_desc(guest, 1, data, len,
		       VRING_DESC_F_NEXT | (write ? 0 : VRING_DESC_F_WRITE), 2);
	guest_set_desc(guest, 2, GUEST_STATUS, 1, VRING_DESC_F_WRITE, 0);
	guest_submit(guest, 0);
	return guest_wait_used(guest, before) ? *status : -1;
}
