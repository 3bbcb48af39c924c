/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VMM_VIRTIO_NET_H
#define VMM_VIRTIO_NET_H

#include "virtio_mmio.h"

#define MAC_SIZE		6

struct net {
	const char *name;	/* of its other end, see netdev_open() */
	bool has_mac;		/* else it gets a random one */
	u8 mac[MAC_SIZE];
};

/* Put it on the bus; prints what goes wrong, and returns a negative errno. */
int virtio_net_create(struct bus *bus, const struct net *options,
		      const struct virtio_dma *dma);

#endif
