/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side: a driver that does what it is told, right or wrong.
 */

#ifndef VIRTIO_TEST_GUEST_H
#define VIRTIO_TEST_GUEST_H

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "virtio_blk.h"

#define GUEST_MEM_BASE		0x90000000ULL
#define GUEST_MEM_SIZE		0x40000ULL
#define GUEST_QUEUE_SIZE	16
#define GUEST_DISK_SIZE		(64 << 10)

/* Where things are in the guest's memory; the rings are those of queue 0 */
#define GUEST_DESC		(GUEST_MEM_BASE + 0x1000)
#define GUEST_AVAIL		(GUEST_MEM_BASE + 0x2000)
#define GUEST_USED		(GUEST_MEM_BASE + 0x3000)
#define GUEST_HEADER		(GUEST_MEM_BASE + 0x4000)
#define GUEST_STATUS		(GUEST_MEM_BASE + 0x5000)
#define GUEST_DATA		(GUEST_MEM_BASE + 0x8000)
#define GUEST_DATA_SIZE		0x10000
/* The same of the next queue */
#define GUEST_QUEUE_STRIDE	0x20000

struct guest {
	struct guest_mem mem;
	struct bus bus;
	struct device *dev;
	u64 features;	/* that the driver wants besides VIRTIO_F_VERSION_1 */
	unsigned int queues;
	/* The queue that all is about, and its rings */
	unsigned int queue;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	int disk;	/* the file behind it */
};

/* A guest with nothing but memory, and what its devices reach */
struct virtio_dma guest_make(struct guest *guest);
/* The device on its bus has so many queues, and the driver wants these features. */
void guest_use(struct guest *guest, unsigned int queues, u64 features);
/* A disk with a window or without, not set up yet */
void guest_begin(struct guest *guest, bool is_window, bool read_only);
void guest_end(struct guest *guest);

/* What follows is about this queue. */
void guest_select(struct guest *guest, unsigned int queue);

u32 guest_read(struct guest *guest, u64 offset);
void guest_write(struct guest *guest, u64 offset, u32 value);
void *guest_at(struct guest *guest, u64 gpa);

/* What drivers do up to DRIVER_OK, or up to there without the queue */
void guest_negotiate(struct guest *guest, u64 features);
void guest_set_queue(struct guest *guest, u32 size, u64 desc, u64 avail, u64 used);
void guest_set_up(struct guest *guest);

void guest_set_desc(struct guest *guest, unsigned int index, u64 addr, u32 len, u16 flags,
		    u16 next);
/* Make the chain at @head available and tell the device. */
void guest_submit(struct guest *guest, u16 head);
/* One chain more is used: true; the device needs a reset: false. Waits. */
bool guest_wait_used(struct guest *guest, u16 before);
bool guest_is_broken(struct guest *guest);

/* Registers and rings are filled with nonsense, many times; then all is set up again. */
void guest_send_nonsense(struct guest *guest);

/* A whole request of three descriptors; returns its status, or -1 if the device broke. */
int guest_request(struct guest *guest, u32 type, u64 sector, u64 data, u32 len);

#endif
