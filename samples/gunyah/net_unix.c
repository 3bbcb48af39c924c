// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to and from another VMM, by a socket that has a name: a frame is a packet. Who
 * comes first listens there and the next one connects, so that the order does not matter;
 * neither does it when one of them goes and comes back. A third one waits until one of the
 * two has gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "netdev.h"

struct net_unix {
	struct netdev netdev;
	struct sockaddr_un address;
	int listen_fd;		/* -1: somebody else listens */
	int peer_fd;		/* -1: there is nobody */
};

static struct net_unix *to_unix(struct netdev *netdev)
{
	return container_of(netdev, struct net_unix, netdev);
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Returns 0 if there is a peer now, or a negative errno. */
static int connect_peer(struct net_unix *net)
{
	int fd = new_socket();
	int err;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&net->address, sizeof(net->address))) {
		net->peer_fd = fd;
		return 0;
	}
	err = errno;
	close(fd);
	return -err;
}

static int listen_for_peer(struct net_unix *net)
{
	const char *path = net->address.sun_path;
	struct stat st;
	int fd, err;

	/* Somebody who listened there has died. */
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = new_socket();
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&net->address, sizeof(net->address)) &&
	    !listen(fd, 1)) {
		net->listen_fd = fd;
		return 0;
	}
	err = errno;
	close(fd);
	return -err;
}

/* The directory is locked meanwhile, so that no two listen. */
static int connect_or_listen(struct net_unix *net)
{
	char dir[sizeof(net->address.sun_path)];
	int lock, ret;

	memcpy(dir, net->address.sun_path, sizeof(dir));
	lock = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX)) {
		ret = -errno;
		goto out;
	}
	ret = connect_peer(net);
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		ret = listen_for_peer(net);
out:
	if (lock >= 0)
		close(lock);
	if (ret)
		log_error(-ret, "--net unix:%s", net->address.sun_path);
	else
		log_debug("--net unix:%s: %s", net->address.sun_path,
			  net->peer_fd >= 0 ? "connected" : "waiting for somebody");
	return ret;
}

static void accept_peer(struct net_unix *net)
{
	net->peer_fd = accept4(net->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (net->peer_fd >= 0)
		log_debug("--net unix:%s: somebody is there", net->address.sun_path);
}

static void lose_peer(struct net_unix *net)
{
	log_debug("--net unix:%s: the other one is gone", net->address.sun_path);
	close(net->peer_fd);
	net->peer_fd = -1;
	if (net->listen_fd < 0)
		connect_or_listen(net);
}

static int unix_input_fd(struct netdev *netdev)
{
	struct net_unix *net = to_unix(netdev);

	return net->peer_fd >= 0 ? net->peer_fd : net->listen_fd;
}

static size_t unix_receive(struct netdev *netdev, void *buf, size_t size)
{
	struct net_unix *net = to_unix(netdev);
	ssize_t n;

	if (net->peer_fd < 0) {
		if (net->listen_fd >= 0)
			accept_peer(net);
		return 0;
	}
	n = recv(net->peer_fd, buf, size, 0);
	if (n > 0)
		return n;
	if (!n || (errno != EAGAIN && errno != EINTR))
		lose_peer(net);
	return 0;
}

static void unix_send(struct netdev *netdev, const struct iovec *iov, unsigned int count)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	struct net_unix *net = to_unix(netdev);

	/* The peer may be slow, or gone, which receiving finds out. */
	if (net->peer_fd >= 0 && sendmsg(net->peer_fd, &msg, MSG_NOSIGNAL) < 0)
		log_debug("--net: a frame is lost: errno %d", errno);
}

static void unix_destroy(struct netdev *netdev)
{
	struct net_unix *net = to_unix(netdev);

	/* The name goes first: the peer looks for it when it finds itself alone. */
	if (net->listen_fd >= 0) {
		unlink(net->address.sun_path);
		close(net->listen_fd);
	}
	if (net->peer_fd >= 0)
		close(net->peer_fd);
	free(net);
}

static const struct netdev_ops unix_ops = {
	.input_fd = unix_input_fd,
	.receive = unix_receive,
	.send = unix_send,
	.destroy = unix_destroy,
};

struct netdev *net_unix_open(const char *path)
{
	struct net_unix *net = calloc(1, sizeof(*net));

	if (!net) {
		log_error(ENOMEM, "--net unix:%s", path);
		return NULL;
	}
	net->netdev.ops = &unix_ops;
	net->listen_fd = -1;
	net->peer_fd = -1;
	net->address.sun_family = AF_UNIX;
	if (!*path || strlen(path) >= sizeof(net->address.sun_path)) {
		log_error(ENAMETOOLONG, "--net unix:%s", path);
		goto err_free;
	}
	memcpy(net->address.sun_path, path, strlen(path));
	if (!connect_or_listen(net))
		return &net->netdev;

err_free:
	free(net);
	return NULL;
}
