/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stream of characters to and from the user, for a console device of the guest.
 */

#ifndef VMM_CHARDEV_H
#define VMM_CHARDEV_H

#include "util.h"

struct chardev;

struct chardev_ops {
	/* Take up to @size characters that have come in; does not wait for any. */
	size_t (*read)(struct chardev *chardev, u8 *buf, size_t size);
	/* Put characters out; waits for room. */
	void (*write)(struct chardev *chardev, const u8 *buf, size_t size);
};

struct chardev {
	const struct chardev_ops *ops;
	/* Set by the device: called when there is something to read. */
	void (*notify)(void *arg);
	void *arg;
};

#endif
