// SPDX-License-Identifier: GPL-2.0
/*
 * The thread of a virtio device.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kick.h"
#include "virtio_thread.h"

static void take_notification(struct virtio_device *vdev)
{
	unsigned int i;
	u64 count;

	if (read(vdev->notify_fd, &count, sizeof(count)) < 0)
		return;
	for (i = 0; i < vdev->ops->queues; i++)
		vdev->ops->notified(vdev, i);
}

static void *device_thread(void *arg)
{
	struct virtio_device *vdev = arg;

	while (!atomic_load(&vdev->stop)) {
		struct pollfd fds[] = {
			{ .fd = vdev->notify_fd, .events = POLLIN },
			{ .fd = -1, .events = POLLIN },
		};

		if (vdev->ops->input_fd)
			fds[1].fd = vdev->ops->input_fd(vdev);
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			log_error(errno, "%s: poll", vdev->name);
			break;
		}
		if (fds[1].revents)
			vdev->ops->input(vdev);
		if (fds[0].revents)
			take_notification(vdev);
	}
	return NULL;
}

/* Signals are for the main thread and, to get them out of their ioctl, the vCPUs. */
int virtio_thread_start(struct virtio_device *vdev)
{
	sigset_t mask, old;
	int ret;

	vdev->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vdev->notify_fd < 0)
		return log_error(errno, "%s: eventfd", vdev->name);
	kick_init();
	sigfillset(&mask);
	sigdelset(&mask, KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	ret = pthread_create(&vdev->thread, NULL, device_thread, vdev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		return 0;
	close(vdev->notify_fd);
	return log_error(ret, "%s: thread", vdev->name);
}

void virtio_thread_stop(struct virtio_device *vdev)
{
	atomic_store(&vdev->stop, true);
	virtio_kick(vdev);
	pthread_join(vdev->thread, NULL);
	close(vdev->notify_fd);
}

void virtio_thread_wait(struct virtio_device *vdev)
{
	struct timespec until;

	if (!vdev->ops->may_wait) {
		pthread_cond_wait(&vdev->idle, &vdev->lock);
		return;
	}
	kick_thread(vdev->thread, &until);
	pthread_cond_timedwait(&vdev->idle, &vdev->lock, &until);
}

void virtio_kick(struct virtio_device *vdev)
{
	u64 one = 1;

	/* The counter is full only if it is not read for ever. */
	if (write(vdev->notify_fd, &one, sizeof(one)) < 0)
		log_debug("%s: eventfd: errno %d", vdev->name, errno);
}
