// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the virtio devices, for libFuzzer. An input is a program for the guest: the
 * first byte chooses the device, and each step after that changes a register, a descriptor,
 * a ring or memory, and has the device see to it.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "guest.h"
#include "test.h"
#include "virtio_console.h"
#include "virtio_net.h"
#include "virtio_rng.h"

struct program {
	const u8 *at;
	size_t left;
};

static struct guest guests[4];

void fail(const char *what)
{
	log_info("%s", what);
	abort();
}

/* What is not there any more is 0. */
static u64 take(struct program *program, size_t size)
{
	u64 value = 0;
	size_t n = size < program->left ? size : program->left;

	memcpy(&value, program->at, n);
	program->at += n;
	program->left -= n;
	return value;
}

static void make_devices(void)
{
	const struct net net = { .name = "net", .has_mac = true };
	struct virtio_dma dma;

	guest_begin(&guests[0], false, false);
	dma = guest_make(&guests[1]);
	if (virtio_rng_create(&guests[1].bus, &dma))
		fail("rng");
	guest_use(&guests[1], 1, 0);
	dma = guest_make(&guests[2]);
	if (virtio_console_create(&guests[2].bus, &fuzz_user, &dma))
		fail("console");
	guest_use(&guests[2], 2, 0);
	dma = guest_make(&guests[3]);
	if (virtio_net_create(&guests[3].bus, &net, &dma))
		fail("net");
	guest_use(&guests[3], 2, 0);
}

/* Half of the addresses are good. */
static u64 take_address(struct program *program)
{
	u32 value = take(program, 3);

	if (value & 1)
		return GUEST_MEM_BASE + (value >> 1) % GUEST_MEM_SIZE;
	return value & 2 ? take(program, sizeof(u64)) :
	       GUEST_MEM_BASE + GUEST_MEM_SIZE - (value >> 2) % 64;
}

static void access_register(struct guest *guest, struct program *program)
{
	u8 how = take(program, 1);
	u64 offset = take(program, 1) * 4 + (how & 3);
	u64 value = take(program, sizeof(u32));

	bus_access(&guest->bus, guest->dev->base + (how & 4 ? offset : offset & ~3ULL),
		   (u8 *)&value, 1 << (how >> 3 & 3), how & 32);
}

/* As short as a header, some sectors, as long as memory, or anything */
static u32 take_length(struct program *program)
{
	switch (take(program, 1) & 3) {
	case 0:
		return take(program, 1);
	case 1:
		return (take(program, 1) & 31) << 9;
	case 2:
		return take(program, 3) % GUEST_MEM_SIZE;
	}
	return take(program, sizeof(u32));
}

static void set_desc(struct guest *guest, struct program *program)
{
	u8 index = take(program, 1);
	u64 address = take_address(program);
	u8 flags = take(program, 1);
	u32 len = take_length(program);

	u16 next = flags & 0x40 ? take(program, sizeof(u16)) : index + 1;

	guest_set_desc(guest, index % GUEST_QUEUE_SIZE, address, len, flags & 7, next);
}

static void write_memory(struct guest *guest, struct program *program)
{
	u64 offset = take(program, 3) % GUEST_MEM_SIZE;
	size_t size = take(program, 1) % 64;

	if (size > program->left)
		size = program->left;
	if (size > GUEST_MEM_SIZE - offset)
		size = GUEST_MEM_SIZE - offset;
	memcpy(guest_at(guest, GUEST_MEM_BASE + offset), program->at, size);
	program->at += size;
	program->left -= size;
}

/* One that is good but for what is in it: so that devices are got at without much luck */
static void send_chain(struct guest *guest, struct program *program)
{
	u8 count = take(program, 1);
	unsigned int out = count & 3, all = out + (count >> 2 & 3), i;
	u64 header = take(program, sizeof(header));

	memset(guest_at(guest, GUEST_HEADER), 0, 64);
	memcpy(guest_at(guest, GUEST_HEADER), &header, sizeof(header));
	for (i = 0; i < all; i++)
		guest_set_desc(guest, i, i ? GUEST_DATA + i * 512 : GUEST_HEADER,
			       count & 64 && !i ? 16 : take_length(program),
			       (i + 1 < all ? VRING_DESC_F_NEXT : 0) |
			       (i >= out ? VRING_DESC_F_WRITE : 0), i + 1);
	guest_submit(guest, 0);
}

static void give_input(struct program *program)
{
	static const u8 zeroes[70000];
	size_t size = take(program, 2);

	/* Frames have to be large, the program need not be. */
	fuzz_input = zeroes;
	fuzz_input_size = size;
	if (fuzz_user.notify)
		fuzz_user.notify(fuzz_user.arg);
}

static void notify(struct guest *guest)
{
	guest_write(guest, VIRTIO_MMIO_QUEUE_NOTIFY, guest->queue);
}

/* To where it may not fit */
static void move_queue(struct guest *guest, struct program *program)
{
	u16 size = 1 << take(program, 1) % 16;
	u64 offset = take(program, 2) * 16;

	guest_write(guest, VIRTIO_MMIO_QUEUE_SEL, guest->queue);
	guest_write(guest, VIRTIO_MMIO_QUEUE_READY, 0);
	guest_set_queue(guest, size, GUEST_DESC + offset, GUEST_AVAIL, GUEST_USED);
	notify(guest);
}

static void step(struct guest *guest, struct program *program)
{
	u8 what = take(program, 1);

	guest_select(guest, (what >> 4) % guest->queues);
	switch (what & 7) {
	case 0:
		access_register(guest, program);
		break;
	case 1:
		set_desc(guest, program);
		break;
	case 2:
		send_chain(guest, program);
		break;
	case 3:
		guest_submit(guest, what & 8 ? take(program, sizeof(u16)) :
			     take(program, 1) % GUEST_QUEUE_SIZE);
		break;
	case 4:
		write_memory(guest, program);
		break;
	case 5:
		give_input(program);
		notify(guest);
		break;
	case 6:
		guest->avail->idx = take(program, 2);
		notify(guest);
		break;
	case 7:
		if (what & 8)
			move_queue(guest, program);
		else
			guest_set_up(guest);
		break;
	}
	fuzz_serve();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct program program = { .at = data, .left = size };
	struct guest *guest;

	if (!guests[0].dev)
		make_devices();
	guest = &guests[take(&program, 1) % ARRAY_SIZE(guests)];
	fuzz_input_size = 0;
	bus_reset(&guest->bus);
	guest_set_up(guest);
	fuzz_serve();
	while (program.left)
		step(guest, &program);
	return 0;
}
