// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to and from a tap interface of the host.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netdev.h"

#define TUN_DEVICE		"/dev/net/tun"

struct net_tap {
	struct netdev netdev;
	int fd;
};

static struct net_tap *to_tap(struct netdev *netdev)
{
	return container_of(netdev, struct net_tap, netdev);
}

static int tap_input_fd(struct netdev *netdev)
{
	return to_tap(netdev)->fd;
}

static size_t tap_receive(struct netdev *netdev, void *buf, size_t size)
{
	struct net_tap *tap = to_tap(netdev);
	ssize_t n;

	if (tap->fd < 0)
		return 0;
	n = read(tap->fd, buf, size);
	if (n >= 0)
		return n;
	if (errno != EAGAIN && errno != EINTR) {
		/* Somebody has deleted the interface: there is nothing to come. */
		log_error(errno, "--net: the tap interface is gone");
		close(tap->fd);
		tap->fd = -1;
	}
	return 0;
}

static void tap_send(struct netdev *netdev, const struct iovec *iov, unsigned int count)
{
	struct net_tap *tap = to_tap(netdev);

	/* The interface may be down, or full. */
	if (tap->fd >= 0 && writev(tap->fd, iov, count) < 0)
		log_debug("--net: a frame is lost: errno %d", errno);
}

static void tap_destroy(struct netdev *netdev)
{
	struct net_tap *tap = to_tap(netdev);

	if (tap->fd >= 0)
		close(tap->fd);
	free(tap);
}

static const struct netdev_ops tap_ops = {
	.input_fd = tap_input_fd,
	.receive = tap_receive,
	.send = tap_send,
	.destroy = tap_destroy,
};

static void hint(const char *interface, int err)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
		log_hint("modprobe tun");
		break;
	case EPERM:
	case EACCES:
		log_hint("as root: ip tuntap add dev %s mode tap user $USER", interface);
		break;
	case EBUSY:
		log_hint("another program has this interface");
		break;
	case EINVAL:
		log_hint("there is an interface of that name, but it is no tap");
		break;
	}
}

static int open_tap(const char *interface)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, err;

	fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err = errno;
		log_error(err, "--net %s: " TUN_DEVICE, interface);
		hint(interface, err);
		return -err;
	}
	memcpy(ifr.ifr_name, interface, strlen(interface));
	if (!ioctl(fd, TUNSETIFF, &ifr))
		return fd;
	err = errno;
	log_error(err, "TUNSETIFF(%s)", interface);
	hint(interface, err);
	close(fd);
	return -err;
}

struct netdev *net_tap_open(const char *interface)
{
	struct net_tap *tap;
	int fd;

	if (!*interface || strlen(interface) >= IFNAMSIZ) {
		log_error(0, "--net %s: no name of a network interface", interface);
		return NULL;
	}
	fd = open_tap(interface);
	if (fd < 0)
		return NULL;
	tap = calloc(1, sizeof(*tap));
	if (!tap) {
		log_error(ENOMEM, "--net %s", interface);
		close(fd);
		return NULL;
	}
	tap->netdev.ops = &tap_ops;
	tap->fd = fd;
	return &tap->netdev;
}
