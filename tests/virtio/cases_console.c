// SPDX-License-Identifier: GPL-2.0
/*
 * Consoles.
 */

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "guest.h"
#include "test.h"
#include "virtio_console.h"

#define INPUT	0	/* queues */
#define OUTPUT	1

/* The user at the other end: what was put out, and what comes in */
struct user {
	struct chardev chardev;
	pthread_mutex_t lock;
	u8 out[3 * 4096];
	size_t out_size;
	const char *in;
	bool stalled;	/* no output gets through */
	bool stalls;	/* there is some that waits */
};

static size_t user_read(struct chardev *chardev, u8 *buf, size_t size)
{
	struct user *user = container_of(chardev, struct user, chardev);
	size_t n;

	pthread_mutex_lock(&user->lock);
	n = strlen(user->in);
	if (n > size)
		n = size;
	memcpy(buf, user->in, n);
	user->in += n;
	pthread_mutex_unlock(&user->lock);
	return n;
}

static void user_write(struct chardev *chardev, const u8 *buf, size_t size)
{
	struct user *user = container_of(chardev, struct user, chardev);
	bool stalled;

	pthread_mutex_lock(&user->lock);
	stalled = user->stalled;
	user->stalls = stalled;
	if (!stalled && size <= sizeof(user->out) - user->out_size) {
		memcpy(user->out + user->out_size, buf, size);
		user->out_size += size;
	}
	pthread_mutex_unlock(&user->lock);
	/* Until a signal ends it */
	if (stalled)
		poll(NULL, 0, -1);
}

static const struct chardev_ops user_ops = {
	.read = user_read,
	.write = user_write,
};

static void console_begin(struct guest *guest, struct user *user)
{
	struct virtio_dma dma = guest_make(guest);

	*user = (struct user) { .chardev.ops = &user_ops, .in = "" };
	pthread_mutex_init(&user->lock, NULL);
	if (virtio_console_create(&guest->bus, &user->chardev, &dma))
		fail("console");
	guest_use(guest, 2, 0);
	guest_set_up(guest);
}

static void type(struct user *user, const char *text)
{
	pthread_mutex_lock(&user->lock);
	user->in = text;
	pthread_mutex_unlock(&user->lock);
	user->chardev.notify(user->chardev.arg);
}

static void puts_out(void)
{
	const size_t size = sizeof(((struct user *)0)->out) - 3;
	struct guest guest;
	struct user user;
	u8 *data;
	size_t i;

	console_begin(&guest, &user);
	data = guest_at(&guest, GUEST_DATA);
	for (i = 0; i < size; i++)
		data[i] = i % 251;
	guest_select(&guest, OUTPUT);
	guest_set_desc(&guest, 0, GUEST_DATA, 1, VRING_DESC_F_NEXT, 1);
	guest_set_desc(&guest, 1, GUEST_DATA, 0, VRING_DESC_F_NEXT, 2);
	guest_set_desc(&guest, 2, GUEST_DATA + 1, size - 1, 0, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(user.out_size == size && !memcmp(user.out, data, size));
	guest_end(&guest);
}

static void takes_in(void)
{
	struct guest guest;
	struct user user;

	console_begin(&guest, &user);
	/* Before there is room, and more than there will be */
	type(&user, "hello");
	guest_set_desc(&guest, 0, GUEST_DATA, 2, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	guest_set_desc(&guest, 1, GUEST_DATA + 2, 1, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(guest.used->ring[0].len == 3);
	guest_set_desc(&guest, 2, GUEST_DATA + 3, 64, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 2);
	check(guest_wait_used(&guest, 1));
	check(guest.used->ring[1].len == 2);
	guest_set_desc(&guest, 3, GUEST_DATA + 5, 64, VRING_DESC_F_WRITE, 0);
	guest_submit(&guest, 3);
	type(&user, " there");
	check(guest_wait_used(&guest, 2));
	check(!memcmp(guest_at(&guest, GUEST_DATA), "hello there", 12));
	guest_end(&guest);
}

static bool output_waits(struct user *user)
{
	const struct timespec interval = { .tv_nsec = 1000000 };
	unsigned int left = 60000;
	bool stalls = false;

	while (!stalls && left--) {
		nanosleep(&interval, NULL);
		pthread_mutex_lock(&user->lock);
		stalls = user->stalls;
		pthread_mutex_unlock(&user->lock);
	}
	return stalls;
}

/* A user who reads nothing does not keep the guest from starting anew. */
static void stalled_user(void)
{
	struct guest guest;
	struct user user;

	console_begin(&guest, &user);
	user.stalled = true;
	guest_select(&guest, OUTPUT);
	guest_set_desc(&guest, 0, GUEST_DATA, GUEST_DATA_SIZE, 0, 0);
	guest_submit(&guest, 0);
	check(output_waits(&user));
	guest_write(&guest, VIRTIO_MMIO_STATUS, 0);
	check(!guest_read(&guest, VIRTIO_MMIO_STATUS));
	check(!user.out_size);

	pthread_mutex_lock(&user.lock);
	user.stalled = false;
	pthread_mutex_unlock(&user.lock);
	guest_set_up(&guest);
	guest_select(&guest, OUTPUT);
	guest_set_desc(&guest, 0, GUEST_DATA, 5, 0, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(user.out_size == 5);
	guest_end(&guest);
}

static void bad_chain(unsigned int queue, u32 len, u16 flags)
{
	struct guest guest;
	struct user user;

	console_begin(&guest, &user);
	guest_select(&guest, queue);
	guest_set_desc(&guest, 0, GUEST_DATA, len, flags, 0);
	guest_submit(&guest, 0);
	type(&user, "x");
	check(!guest_wait_used(&guest, 0));
	check(!user.out_size);
	guest_end(&guest);
}

static void bad_chains(void)
{
	bad_chain(OUTPUT, 64, VRING_DESC_F_WRITE);
	bad_chain(INPUT, 64, 0);
	bad_chain(INPUT, 0, VRING_DESC_F_WRITE);
}

static void nonsense(void)
{
	struct guest guest;
	struct user user;

	console_begin(&guest, &user);
	type(&user, "The quick brown fox jumps over the lazy dog.");
	guest_send_nonsense(&guest);
	user.out_size = 0;
	guest_select(&guest, OUTPUT);
	guest_set_desc(&guest, 0, GUEST_DATA, 8, 0, 0);
	guest_submit(&guest, 0);
	check(guest_wait_used(&guest, 0));
	check(user.out_size == 8);
	guest_end(&guest);
}

const struct test_case console_cases[] = {
	{ "a console puts out, in any pieces", puts_out },
	{ "it takes in, when there is room", takes_in },
	{ "a user who does not read delays no reset", stalled_user },
	{ "buffers of the wrong kind stop it", bad_chains },
	{ "nonsense does a console no harm", nonsense },
	{ }
};
