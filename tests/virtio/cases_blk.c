// SPDX-License-Identifier: GPL-2.0
/*
 * Disks: what they do, and what they refuse.
 */

#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "test.h"

#define SECTORS		(GUEST_DISK_SIZE / 512)

static void reads_and_writes(void)
{
	struct guest guest;
	char sector[512];
	u8 *data;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	data = guest_at(&guest, GUEST_DATA);
	check(guest_read(&guest, VIRTIO_MMIO_CONFIG) == SECTORS);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 7, GUEST_DATA, 1024) ==
	      VIRTIO_BLK_S_OK);
	check(data[0] == 7 && data[511] == 7 && data[512] == 8 && data[1023] == 8);
	check(guest.used->ring[0].len == 1025);
	check(guest_read(&guest, VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_VRING);
	guest_write(&guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	check(!guest_read(&guest, VIRTIO_MMIO_INTERRUPT_STATUS));

	memset(data, 0x5a, 512);
	check(guest_request(&guest, VIRTIO_BLK_T_OUT, SECTORS - 1, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_OK);
	check(guest_request(&guest, VIRTIO_BLK_T_FLUSH, 0, GUEST_DATA, 0) ==
	      VIRTIO_BLK_S_OK);
	check(pread(guest.disk, sector, 512, GUEST_DISK_SIZE - 512) == 512);
	check(!memcmp(sector, data, 512));
	check(guest_request(&guest, VIRTIO_BLK_T_GET_ID, 0, GUEST_DATA, 20) ==
	      VIRTIO_BLK_S_OK);
	check(!memcmp(data, "virtio-test-", 12));
	guest_end(&guest);
}

/* Header, data and status may lie in any pieces. */
static void any_pieces(void)
{
	struct virtio_blk_outhdr *header;
	struct guest guest;
	u8 *data;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	data = guest_at(&guest, GUEST_DATA);
	header = guest_at(&guest, GUEST_HEADER);
	*header = (struct virtio_blk_outhdr) { .type = VIRTIO_BLK_T_IN, .sector = 5 };
	guest_set_desc(&guest, 0, GUEST_HEADER, 3, VRING_DESC_F_NEXT, 1);
	guest_set_desc(&guest, 1, GUEST_HEADER, 0, VRING_DESC_F_NEXT, 2);
	guest_set_desc(&guest, 2, GUEST_HEADER + 3, 13, VRING_DESC_F_NEXT, 3);
	guest_set_desc(&guest, 3, GUEST_DATA, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 4);
	guest_set_desc(&guest, 4, GUEST_DATA + 1, 512,
		       VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 5);
	guest_set_desc(&guest, 5, GUEST_DATA, 0, VRING_DESC_F_WRITE, 0);
	data[512] = 0xaa;
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(data[0] == 5 && data[511] == 5 && data[512] == VIRTIO_BLK_S_OK);
	guest_end(&guest);
}

static void refusals(void)
{
	const u64 far = ~0ULL / 512;
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, SECTORS, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_OUT, SECTORS - 1, GUEST_DATA, 1024) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, far, GUEST_DATA, 1024) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_OUT, ~0ULL, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 0, GUEST_DATA, 511) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_GET_ID, 0, GUEST_DATA, 19) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, 0x7777, 0, GUEST_DATA, 512) == VIRTIO_BLK_S_UNSUPP);
	check(lseek(guest.disk, 0, SEEK_END) == GUEST_DISK_SIZE);
	guest_end(&guest);
}

static void read_only(void)
{
	struct guest guest;
	char sector[512];

	guest_begin(&guest, false, true);
	guest_set_up(&guest);
	check(guest_read(&guest, VIRTIO_MMIO_DEVICE_FEATURES) & BIT_ULL(VIRTIO_BLK_F_RO));
	check(guest_request(&guest, VIRTIO_BLK_T_OUT, 9, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_IOERR);
	check(pread(guest.disk, sector, 512, 9 * 512) == 512 && sector[0] == 9);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 9, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_OK);
	guest_end(&guest);
}

/* A file that became shorter is an error of the disk's, and no end of anything. */
static void truncated(void)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	check(!ftruncate(guest.disk, 512));
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 0, GUEST_DATA, 1024) ==
	      VIRTIO_BLK_S_IOERR);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 0, GUEST_DATA, 512) == VIRTIO_BLK_S_OK);
	guest_end(&guest);
}

const struct test_case blk_cases[] = {
	{ "a disk is read, written, flushed and named", reads_and_writes },
	{ "requests may be in any pieces", any_pieces },
	{ "what is not on the disk is refused", refusals },
	{ "what can only be read is not written", read_only },
	{ "a file may become shorter", truncated },
	{ }
};
