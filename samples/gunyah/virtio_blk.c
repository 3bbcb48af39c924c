// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio disk: a file or a block device of the host. Requests are done one after the
 * other, straight between the file and the guest's buffers.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio_blk.h"

#define SECTOR_SHIFT		9
/* Two buffers of a chain are not data. */
#define MAX_SEGMENTS		(VIRTQUEUE_MAX_SIZE - 2)

struct virtio_blk {
	struct virtio_device vdev;
	struct virtio_blk_config config;
	int fd;
	bool read_only;
	u64 sectors;
	char id[VIRTIO_BLK_ID_BYTES];
	char name[64];
};

/* Like preadv() or pwritev(), but all of it, or it is an error. */
static int transfer(int fd, struct iovec *iov, unsigned int count, u64 offset, bool write,
		    int flags)
{
	while (iov_size(iov, count)) {
		ssize_t n = write ? pwritev2(fd, iov, count, offset, flags) :
				    preadv(fd, iov, count, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* The file has become shorter. */
		if (!n)
			return -EIO;
		offset += n;
		iov_skip(&iov, &count, n);
	}
	return 0;
}

static int read_write(struct virtio_blk *blk, struct iovec *iov, unsigned int count,
		      u64 sector, bool write)
{
	u64 size = iov_size(iov, count);
	int flags = 0;

	if (size & ((1 << SECTOR_SHIFT) - 1) || sector > blk->sectors ||
	    size >> SECTOR_SHIFT > blk->sectors - sector || (write && blk->read_only))
		return -EINVAL;
	/* A driver that cannot flush takes what is written to be safe. */
	if (!virtio_has_feature(&blk->vdev, VIRTIO_BLK_F_FLUSH))
		flags = RWF_DSYNC;
	return transfer(blk->fd, iov, count, sector << SECTOR_SHIFT, write, flags);
}

static int get_id(const struct virtio_blk *blk, const struct iovec *iov, unsigned int count)
{
	if (iov_size(iov, count) < sizeof(blk->id))
		return -EINVAL;
	iov_put(iov, count, blk->id, sizeof(blk->id));
	return 0;
}

/* Returns how many bytes of @chain->in were written, without the status. */
static ssize_t do_request(struct virtio_blk *blk, const struct virtio_blk_outhdr *header,
			  struct vq_chain *chain)
{
	size_t size = iov_size(chain->in, chain->in_count);
	u64 sector = le64toh(header->sector);
	int ret;

	switch (le32toh(header->type)) {
	case VIRTIO_BLK_T_IN:
		ret = read_write(blk, chain->in, chain->in_count, sector, false);
		return ret ? ret : (ssize_t)size;
	case VIRTIO_BLK_T_OUT:
		return read_write(blk, chain->out, chain->out_count, sector, true);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(blk->fd) ? -errno : 0;
	case VIRTIO_BLK_T_GET_ID:
		ret = get_id(blk, chain->in, chain->in_count);
		return ret ? ret : (ssize_t)sizeof(blk->id);
	}
	return -EOPNOTSUPP;
}

static void handle(struct virtio_blk *blk, unsigned int queue, struct vq_chain *chain)
{
	struct virtio_blk_outhdr header;
	u8 *status = iov_take_last(chain->in, &chain->in_count);
	ssize_t ret;

	if (!status || !iov_take(&chain->out, &chain->out_count, &header, sizeof(header))) {
		virtio_reject(&blk->vdev, "the guest has made an incomplete request");
		return;
	}
	ret = do_request(blk, &header, chain);
	if (ret < 0)
		log_debug("%s: request %#x, sector %#llx: errno %d", blk->name,
			  le32toh(header.type), (u64)le64toh(header.sector), (int)-ret);
	*status = ret >= 0 ? VIRTIO_BLK_S_OK :
		  ret == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
	virtio_push(&blk->vdev, queue, chain, ret > 0 ? ret + 1 : 1);
}

static struct virtio_blk *to_blk(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_blk, vdev);
}

static void blk_notified(struct virtio_device *vdev, unsigned int queue)
{
	struct vq_chain chain;

	while (virtio_pop(vdev, queue, &chain))
		handle(to_blk(vdev), queue, &chain);
}

static void blk_destroy(struct virtio_device *vdev)
{
	struct virtio_blk *blk = to_blk(vdev);

	close(blk->fd);
	free(blk);
}

static const struct virtio_ops blk_ops = {
	.id = VIRTIO_ID_BLOCK,
	.queues = 1,
	.notified = blk_notified,
	.destroy = blk_destroy,
};

/* Two guests, or two disks, that write to one file would spoil it. */
static int lock_file(const struct disk *disk, int fd)
{
	if (!flock(fd, (disk->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return log_error(errno, "--disk %s: flock", disk->path);
	log_error(EBUSY, "--disk %s", disk->path);
	log_hint("another guest or --disk uses it; many can use it if all have it with ,ro");
	return -EBUSY;
}

static int open_file(struct virtio_blk *blk, const struct disk *disk)
{
	struct stat st;
	off_t size;
	int ret;

	blk->fd = open(disk->path, (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (blk->fd < 0)
		return log_error(errno, "--disk %s", disk->path);
	if (!fstat(blk->fd, &st) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		ret = log_error(EINVAL, "--disk %s: neither a file nor a block device",
				disk->path);
		goto err_close;
	}
	ret = lock_file(disk, blk->fd);
	if (ret)
		goto err_close;
	/* That is the size of a block device, too. */
	size = lseek(blk->fd, 0, SEEK_END);
	if (size <= 0 || size & ((1 << SECTOR_SHIFT) - 1)) {
		ret = log_error(EINVAL, "--disk %s: its size is 0 or not a multiple of 512",
				disk->path);
		goto err_close;
	}
	blk->sectors = size >> SECTOR_SHIFT;
	return 0;

err_close:
	close(blk->fd);
	return ret;
}

/* The end of the name is what tells files apart. */
static void set_names(struct virtio_blk *blk, const char *path)
{
	const char *file = strrchr(path, '/');
	size_t len;

	file = file ? file + 1 : path;
	len = strlen(file);
	if (len > sizeof(blk->id))
		file += len - sizeof(blk->id);
	memcpy(blk->id, file, strnlen(file, sizeof(blk->id)));
	snprintf(blk->name, sizeof(blk->name), "disk %.*s", (int)sizeof(blk->id), file);
}

int virtio_blk_create(struct bus *bus, const struct disk *disk,
		      const struct virtio_dma *dma)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));
	struct virtio_device *vdev;
	int ret;

	if (!blk)
		return log_error(ENOMEM, "--disk %s", disk->path);
	ret = open_file(blk, disk);
	if (ret)
		goto err_free;
	set_names(blk, disk->path);
	blk->read_only = disk->read_only;
	blk->config.capacity = htole64(blk->sectors);
	blk->config.seg_max = htole32(MAX_SEGMENTS);

	vdev = &blk->vdev;
	vdev->ops = &blk_ops;
	vdev->name = blk->name;
	vdev->dma = *dma;
	vdev->features = BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | BIT_ULL(VIRTIO_BLK_F_FLUSH);
	if (blk->read_only)
		vdev->features |= BIT_ULL(VIRTIO_BLK_F_RO);
	vdev->config = &blk->config;
	vdev->config_size = sizeof(blk->config);
	ret = virtio_add(bus, vdev);
	if (ret)
		goto err_close;
	log_debug("%s: %llu MiB, %s", blk->name, blk->sectors >> (20 - SECTOR_SHIFT),
		  blk->read_only ? "read only" : "writable");
	return 0;

err_close:
	close(blk->fd);
err_free:
	free(blk);
	return ret;
}
