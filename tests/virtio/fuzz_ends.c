// SPDX-License-Identifier: GPL-2.0
/*
 * The other ends of network devices and consoles: they give what the fuzzer has made up,
 * and look at all that they get.
 */

#include <string.h>

#include "fuzz.h"
#include "netdev.h"

const u8 *fuzz_input;
size_t fuzz_input_size;

/* Global, so that it is worth while for the compiler */
u8 fuzz_seen;

static size_t take_input(void *buf, size_t size)
{
	size_t n = fuzz_input_size < size ? fuzz_input_size : size;

	if (n)
		memcpy(buf, fuzz_input, n);
	fuzz_input_size = 0;
	return n;
}

static void look_at(const u8 *data, size_t size)
{
	while (size--)
		fuzz_seen ^= *data++;
}

static int end_input_fd(struct netdev *netdev)
{
	(void)netdev;
	return fuzz_input_size ? 0 : -1;
}

static size_t end_receive(struct netdev *netdev, void *buf, size_t size)
{
	(void)netdev;
	return take_input(buf, size);
}

static void end_send(struct netdev *netdev, const struct iovec *iov, unsigned int count)
{
	(void)netdev;
	for (; count; iov++, count--)
		look_at(iov->iov_base, iov->iov_len);
}

static void end_destroy(struct netdev *netdev)
{
	(void)netdev;
}

static const struct netdev_ops end_ops = {
	.input_fd = end_input_fd,
	.receive = end_receive,
	.send = end_send,
	.destroy = end_destroy,
};

static struct netdev end = { .ops = &end_ops };

/* In place of netdev.c */
struct netdev *netdev_open(const char *name)
{
	(void)name;
	return &end;
}

static size_t user_read(struct chardev *chardev, u8 *buf, size_t size)
{
	(void)chardev;
	return take_input(buf, size);
}

static void user_write(struct chardev *chardev, const u8 *buf, size_t size)
{
	(void)chardev;
	look_at(buf, size);
}

static const struct chardev_ops user_ops = {
	.read = user_read,
	.write = user_write,
};

struct chardev fuzz_user = { .ops = &user_ops };
