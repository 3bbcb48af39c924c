// SPDX-License-Identifier: GPL-2.0
/*
 * Queues and chains that are not as they should be.
 */

#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "test.h"

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE

/* A device that was stopped works again after a reset, and not before. */
static void check_comes_back(struct guest *guest)
{
	u8 *data = guest_at(guest, GUEST_DATA);
	u16 before = guest->used->idx;

	check(guest_is_broken(guest));
	guest_submit(guest, 0);
	guest_write(guest, VIRTIO_MMIO_STATUS,
		    guest_read(guest, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
	check(guest->used->idx == before);

	guest_set_up(guest);
	check(!guest_is_broken(guest));
	check(guest_request(guest, VIRTIO_BLK_T_IN, 3, GUEST_DATA, 512) == VIRTIO_BLK_S_OK);
	check(data[0] == 3 && data[511] == 3);
}

/* The first bad chain is the last; @break_it fills in what is at descriptor 0. */
static void with_bad_chain(void (*break_it)(struct guest *guest))
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	break_it(&guest);
	guest_submit(&guest, 0);
	check(!guest_wait_used(&guest, 0));
	check(guest_read(&guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	check_comes_back(&guest);
	guest_end(&guest);
}

static void loop_of_one(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_HEADER, 16, NEXT, 0);
}

static void loop_of_many(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < GUEST_QUEUE_SIZE; i++)
		guest_set_desc(guest, i, GUEST_DATA, 1, NEXT, (i + 1) % GUEST_QUEUE_SIZE);
}

static void next_outside(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_HEADER, 16, NEXT, GUEST_QUEUE_SIZE);
}

static void buffer_below(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_MEM_BASE - 1, 16, 0, 0);
}

static void buffer_over_the_end(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_MEM_BASE + GUEST_MEM_SIZE - 15, 16, 0, 0);
}

static void buffer_wraps(struct guest *guest)
{
	guest_set_desc(guest, 0, ~0ULL - 7, 16, 0, 0);
}

static void buffer_huge(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_DATA, ~0U, 0, 0);
}

static void out_after_in(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_STATUS, 1, NEXT | WRITE, 1);
	guest_set_desc(guest, 1, GUEST_HEADER, 16, 0, 0);
}

static void indirect(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_DATA, 64, VRING_DESC_F_INDIRECT, 0);
}

static void no_status(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_HEADER, 16, 0, 0);
}

static void status_without_bytes(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_HEADER, 16, NEXT, 1);
	guest_set_desc(guest, 1, GUEST_STATUS, 0, WRITE, 0);
}

static void short_header(struct guest *guest)
{
	guest_set_desc(guest, 0, GUEST_HEADER, 15, NEXT, 1);
	guest_set_desc(guest, 1, GUEST_STATUS, 1, WRITE, 0);
}

static void bad_chains(void)
{
	with_bad_chain(loop_of_one);
	with_bad_chain(loop_of_many);
	with_bad_chain(next_outside);
	with_bad_chain(buffer_below);
	with_bad_chain(buffer_over_the_end);
	with_bad_chain(buffer_wraps);
	with_bad_chain(buffer_huge);
	with_bad_chain(out_after_in);
	with_bad_chain(indirect);
	with_bad_chain(no_status);
	with_bad_chain(status_without_bytes);
	with_bad_chain(short_header);
}

static void bad_head(void)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	guest_submit(&guest, GUEST_QUEUE_SIZE);
	check(!guest_wait_used(&guest, 0));
	check_comes_back(&guest);
	guest_end(&guest);
}

static void index_jumps(void)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_set_up(&guest);
	guest.avail->idx = GUEST_QUEUE_SIZE + 1;
	guest_write(&guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	check(!guest_wait_used(&guest, 0));
	check_comes_back(&guest);
	guest_end(&guest);
}

static void try_queue(u32 size, u64 desc, u64 avail, u64 used)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_negotiate(&guest, BIT_ULL(VIRTIO_F_VERSION_1));
	guest_set_queue(&guest, size, desc, avail, used);
	check(!guest_read(&guest, VIRTIO_MMIO_QUEUE_READY));
	check_comes_back(&guest);
	guest_end(&guest);
}

static void bad_queues(void)
{
	const u64 end = GUEST_MEM_BASE + GUEST_MEM_SIZE;

	try_queue(0, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	try_queue(3, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	try_queue(15, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	try_queue(2 * VIRTQUEUE_MAX_SIZE, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	try_queue(0x80000000, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	try_queue(16, GUEST_DESC + 8, GUEST_AVAIL, GUEST_USED);
	try_queue(16, GUEST_DESC, GUEST_AVAIL + 1, GUEST_USED);
	try_queue(16, GUEST_DESC, GUEST_AVAIL, GUEST_USED + 2);
	try_queue(16, 0, GUEST_AVAIL, GUEST_USED);
	try_queue(16, end - 15 * 16, GUEST_AVAIL, GUEST_USED);
	try_queue(16, GUEST_DESC, end - 2, GUEST_USED);
	try_queue(16, GUEST_DESC, GUEST_AVAIL, end - 4);
	try_queue(16, GUEST_DESC, GUEST_AVAIL, ~0ULL & ~15ULL);
}

/* Nothing is read from a queue before the driver says that it is ready. */
static void too_early(void)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_negotiate(&guest, BIT_ULL(VIRTIO_F_VERSION_1));
	guest_write(&guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	guest_set_queue(&guest, 16, GUEST_DESC, GUEST_AVAIL, GUEST_USED);
	guest_write(&guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	/* What is in use cannot be moved. */
	guest_write(&guest, VIRTIO_MMIO_QUEUE_NUM, 3);
	guest_write(&guest, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	guest_write(&guest, VIRTIO_MMIO_STATUS,
		    guest_read(&guest, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
	check(guest_request(&guest, VIRTIO_BLK_T_IN, 1, GUEST_DATA, 512) ==
	      VIRTIO_BLK_S_OK);
	guest_end(&guest);
}

static void features(void)
{
	const u64 version = BIT_ULL(VIRTIO_F_VERSION_1);
	const u64 platform = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	struct guest guest;

	guest_begin(&guest, true, false);
	guest_negotiate(&guest, version);
	check(!(guest_read(&guest, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	guest_negotiate(&guest, version | platform | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC));
	check(!(guest_read(&guest, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	guest_negotiate(&guest, version | platform);
	check(guest_read(&guest, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	guest_end(&guest);

	guest_begin(&guest, false, false);
	guest_negotiate(&guest, 0);
	check(!(guest_read(&guest, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	guest_write(&guest, VIRTIO_MMIO_STATUS,
		    guest_read(&guest, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
	check_comes_back(&guest);
	guest_end(&guest);
}

static void nonsense(void)
{
	struct guest guest;

	guest_begin(&guest, false, false);
	guest_send_nonsense(&guest);
	check(guest_request(&guest, VIRTIO_BLK_T_FLUSH, 0, GUEST_DATA, 0) ==
	      VIRTIO_BLK_S_OK);
	guest_end(&guest);
}

const struct test_case ring_cases[] = {
	{ "chains that make no sense stop the device", bad_chains },
	{ "so does a head that is none", bad_head },
	{ "so does an index that jumps", index_jumps },
	{ "queues that cannot be are refused", bad_queues },
	{ "a device waits for its driver", too_early },
	{ "features are agreed on", features },
	{ "nonsense does no harm", nonsense },
	{ }
};
