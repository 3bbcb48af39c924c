// SPDX-License-Identifier: GPL-2.0
/*
 * Random numbers.
 */

#include <string.h>

#include "guest.h"
#include "test.h"
#include "virtio_rng.h"

static void rng_begin(struct guest *guest)
{
	struct virtio_dma dma = guest_make(guest);

	if (virtio_rng_create(&guest->bus, &dma))
		fail("rng");
	guest_use(guest, 1, 0);
	guest_set_up(guest);
}

static bool is_zero(const u8 *data, size_t size)
{
	while (size && !*data) {
		data++;
		size--;
	}
	return !size;
}

static void fills_buffers(void)
{
	struct guest guest;
	u8 *data;

	rng_begin(&guest);
	data = guest_at(&guest, GUEST_DATA);
	/* That 32 of them are 0 by chance nobody will see. */
	guest_set_desc(&guest, 0, GUEST_DATA, 32, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	guest_set_desc(&guest, 1, GUEST_DATA + 32, 0,
		       VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	guest_set_desc(&guest, 2, GUEST_DATA + 64, 32, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(guest.used->ring[0].len == 64);
	check(!is_zero(data, 32) && is_zero(data + 32, 32));
	check(!is_zero(data + 64, 32) && is_zero(data + 96, 32));
	check(memcmp(data, data + 64, 32));
	guest_end(&guest);
}

/* Who asks for much gets some of it. */
static void much_is_cut(void)
{
	struct guest guest;
	u32 len;

	rng_begin(&guest);
	guest_set_desc(&guest, 0, GUEST_DATA, GUEST_DATA_SIZE, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	len = guest.used->ring[0].len;
	check(len && len < GUEST_DATA_SIZE);
	check(is_zero(guest_at(&guest, GUEST_DATA + len), GUEST_DATA_SIZE - len));
	guest_end(&guest);
}

static void bad_buffer(u32 len, u16 flags)
{
	struct guest guest;

	rng_begin(&guest);
	guest_set_desc(&guest, 0, GUEST_DATA, len, flags, 0);
	guest_submit(&guest, 0);
	check(!guest_wait_used(&guest, 0));
	check(is_zero(guest_at(&guest, GUEST_DATA), GUEST_DATA_SIZE));
	guest_end(&guest);
}

static void bad_buffers(void)
{
	bad_buffer(64, 0);
	bad_buffer(0, VRING_DESC_F_WRITE);
}

static void nonsense(void)
{
	struct guest guest;

	rng_begin(&guest);
	guest_send_nonsense(&guest);
	guest_set_desc(&guest, 0, GUEST_DATA, 8, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	guest_end(&guest);
}

const struct test_case rng_cases[] = {
	{ "random numbers fill what is offered", fills_buffers },
	{ "not too many at a time", much_is_cut },
	{ "there has to be room for them", bad_buffers },
	{ "nonsense does random numbers no harm", nonsense },
	{ }
};
