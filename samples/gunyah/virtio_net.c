// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio network device. It computes no checksums and divides no segments: a frame goes
 * as it is, and the guest is told so.
 */

#include <endian.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "netdev.h"
#include "virtio_net.h"

#define RECEIVE			0	/* queues */
#define TRANSMIT		1
#define QUEUES			2
/* One VLAN tag is allowed: drivers have room for that. */
#define MAX_FRAME		(ETH_FRAME_LEN + 4)
/* As many frames are received before it is looked for those to send. */
#define BATCH			64

struct virtio_net {
	struct virtio_device vdev;
	struct virtio_net_config config;
	struct netdev *netdev;
	/* For the device's thread: a frame that the guest has no buffer for yet. */
	size_t frame_size;
	u8 frame[65536];
};

static struct virtio_net *to_net(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_net, vdev);
}

/* Returns false if the frame has to wait. */
static bool give_frame(struct virtio_net *net)
{
	const struct virtio_net_hdr_v1 header = { .num_buffers = htole16(1) };
	size_t size = sizeof(header) + net->frame_size;
	struct vq_chain chain;

	if (!virtio_pop(&net->vdev, RECEIVE, &chain))
		return false;
	if (chain.out_count || iov_size(chain.in, chain.in_count) < size) {
		virtio_reject(&net->vdev, "the guest has no room for a frame");
		return false;
	}
	iov_put(chain.in, chain.in_count, &header, sizeof(header));
	iov_skip(&chain.in, &chain.in_count, sizeof(header));
	iov_put(chain.in, chain.in_count, net->frame, net->frame_size);
	virtio_push(&net->vdev, RECEIVE, &chain, size);
	net->frame_size = 0;
	return true;
}

static void receive(struct virtio_net *net)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		if (!net->frame_size)
			net->frame_size = net->netdev->ops->receive(net->netdev, net->frame,
								    sizeof(net->frame));
		if (net->frame_size > MAX_FRAME)
			net->frame_size = 0;
		else if (!net->frame_size || !give_frame(net))
			break;
	}
}

static void transmit(struct virtio_net *net, struct vq_chain *chain)
{
	struct virtio_net_hdr_v1 header;
	size_t size;

	if (chain->in_count ||
	    !iov_take(&chain->out, &chain->out_count, &header, sizeof(header)) ||
	    header.flags || header.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		virtio_reject(&net->vdev, "the guest sends a frame with a bad header");
		return;
	}
	size = iov_size(chain->out, chain->out_count);
	if (size >= ETH_HLEN && size <= MAX_FRAME)
		net->netdev->ops->send(net->netdev, chain->out, chain->out_count);
	virtio_push(&net->vdev, TRANSMIT, chain, 0);
}

static void net_notified(struct virtio_device *vdev, unsigned int queue)
{
	struct virtio_net *net = to_net(vdev);
	struct vq_chain chain;

	if (queue == RECEIVE) {
		receive(net);
		return;
	}
	while (virtio_pop(vdev, TRANSMIT, &chain))
		transmit(net, &chain);
}

static int net_input_fd(struct virtio_device *vdev)
{
	struct virtio_net *net = to_net(vdev);

	return net->frame_size ? -1 : net->netdev->ops->input_fd(net->netdev);
}

static void net_input(struct virtio_device *vdev)
{
	receive(to_net(vdev));
}

static void net_destroy(struct virtio_device *vdev)
{
	struct virtio_net *net = to_net(vdev);

	net->netdev->ops->destroy(net->netdev);
	free(net);
}

static const struct virtio_ops net_ops = {
	.id = VIRTIO_ID_NET,
	.queues = QUEUES,
	.notified = net_notified,
	.input_fd = net_input_fd,
	.input = net_input,
	.destroy = net_destroy,
};

static int set_mac(struct virtio_net *net, const struct net *options)
{
	u8 *mac = net->config.mac;

	if (options->has_mac) {
		memcpy(mac, options->mac, MAC_SIZE);
		return 0;
	}
	if (getrandom(mac, MAC_SIZE, 0) != MAC_SIZE)
		return log_error(errno, "--net %s: getrandom", options->name);
	/* Of one station, and not from a manufacturer */
	mac[0] = (mac[0] & ~1) | 2;
	return 0;
}

int virtio_net_create(struct bus *bus, const struct net *options,
		      const struct virtio_dma *dma)
{
	struct virtio_net *net = calloc(1, sizeof(*net));
	struct virtio_device *vdev;
	int ret;

	if (!net)
		return log_error(ENOMEM, "--net %s", options->name);
	ret = set_mac(net, options);
	if (ret)
		goto err_free;
	net->netdev = netdev_open(options->name);
	if (!net->netdev) {
		ret = -ENODEV;
		goto err_free;
	}
	net->config.mtu = htole16(ETH_DATA_LEN);
	vdev = &net->vdev;
	vdev->ops = &net_ops;
	vdev->name = options->name;
	vdev->dma = *dma;
	vdev->features = BIT_ULL(VIRTIO_NET_F_MAC) | BIT_ULL(VIRTIO_NET_F_MTU);
	vdev->config = &net->config;
	vdev->config_size = sizeof(net->config);
	ret = virtio_add(bus, vdev);
	if (ret)
		goto err_close;
	return 0;

err_close:
	net->netdev->ops->destroy(net->netdev);
err_free:
	free(net);
	return ret;
}
