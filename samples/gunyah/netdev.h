/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the frames of a network device of the guest go, and come from.
 */

#ifndef VMM_NETDEV_H
#define VMM_NETDEV_H

#include <sys/uio.h>

#include "util.h"

struct netdev;

/* None of these waits for anything. All but destroy are for the device's thread. */
struct netdev_ops {
	/* The file to wait for, before receive makes sense; -1 if there is none. */
	int (*input_fd)(struct netdev *netdev);
	/* Returns the size of a frame; 0 if there is none now. A larger one is lost. */
	size_t (*receive)(struct netdev *netdev, void *buf, size_t size);
	/* What cannot be sent now is lost. */
	void (*send)(struct netdev *netdev, const struct iovec *iov, unsigned int count);
	void (*destroy)(struct netdev *netdev);
};

struct netdev {
	const struct netdev_ops *ops;
};

/*
 * Open what the user calls @name: "[tap:]INTERFACE" or "unix:PATH". Prints what goes wrong,
 * and returns NULL.
 */
struct netdev *netdev_open(const char *name);

/* An interface of the host's network */
struct netdev *net_tap_open(const char *interface);
/* A socket with another VMM, or a program, at its other end */
struct netdev *net_unix_open(const char *path);

#endif
