// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that does anything at all.
 */

#include "guest.h"

/* The same numbers each time */
static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void random_registers(struct guest *guest, u32 *state)
{
	u64 offset = next_random(state) % 0x140;
	unsigned int len = 1 << next_random(state) % 4;
	u8 data[8];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = next_random(state);
	bus_access(&guest->bus, guest->dev->base + offset, data, len,
		   next_random(state) % 4);
}

static void random_rings(struct guest *guest, u32 *state)
{
	unsigned int i, n = next_random(state) % 64;

	for (i = 0; i < n; i++)
		guest_set_desc(guest, i % GUEST_QUEUE_SIZE,
			       GUEST_MEM_BASE + next_random(state) % (2 * GUEST_MEM_SIZE),
			       next_random(state) % 8192, next_random(state) % 4,
			       next_random(state) % (GUEST_QUEUE_SIZE + 1));
	guest_submit(guest, next_random(state) % (GUEST_QUEUE_SIZE + 1));
	guest_submit(guest, next_random(state) % GUEST_QUEUE_SIZE);
}

void guest_send_nonsense(struct guest *guest)
{
	u32 state = 1;
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		if (i % 8 == 0)
			guest_set_up(guest);
		guest_select(guest, next_random(&state) % guest->queues);
		if (i % 3)
			random_rings(guest, &state);
		else
			random_registers(guest, &state);
	}
	guest_set_up(guest);
}
