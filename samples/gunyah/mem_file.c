// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory from a guest memory file: the driver makes it of large contiguous pieces,
 * and takes care that the host does not touch what is lent.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

/* How long a VM that is closed may take to give its memory back. */
#define RETURN_SECONDS		300
#define RETURN_TRIES_A_SECOND	20

/* A number of the file's fdinfo, 0 if there is none of that name. */
static u64 file_info(int fd, const char *name)
{
	unsigned long long value = 0;
	char line[128], path[64];
	size_t len = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			sscanf(line + len + 1, "%llu", &value);
	fclose(file);
	return value;
}

static int file_map(struct guest_mem *mem)
{
	void *p = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, 0);

	if (p == MAP_FAILED)
		return log_error(errno, "mmap(guest memory file, size %#llx)", mem->size);
	mem->hva = p;
	return 0;
}

static int file_populate(const struct guest_mem *mem)
{
	int err;

	if (!fallocate(mem->fd, FALLOC_FL_KEEP_SIZE, 0, mem->size))
		return 0;
	err = errno;
	log_error(err, "fallocate(guest memory file, size %#llx)", mem->size);
	if (err == ENOMEM)
		log_hint("%llu MiB are available, perhaps in too small pieces: give less --mem",
			 mem_available() >> 20);
	return -err;
}

static int file_alloc(struct guest_mem *mem)
{
	int ret;

	if (!mem->gunyah)
		return -ENOTTY;
	mem->fd = gunyah_create_mem(mem->gunyah, mem->size);
	if (mem->fd < 0)
		return mem->fd;
	ret = file_populate(mem);
	if (!ret)
		ret = file_map(mem);
	if (ret)
		close(mem->fd);
	return ret;
}

/* Close a VM, and it is usually gone; but the Resource Manager can be slow. */
static int wait_returned(const struct guest_mem *mem)
{
	const struct timespec interval = { .tv_nsec = 1000000000 / RETURN_TRIES_A_SECOND };
	unsigned int tries = 0;

	while (file_info(mem->fd, "lent") || file_info(mem->fd, "shared")) {
		if (!tries)
			log_info("waiting for the memory to come back");
		if (tries++ == RETURN_SECONDS * RETURN_TRIES_A_SECOND) {
			log_error(EBUSY, "the guest's memory did not come back");
			log_hint("the Resource Manager keeps it: see the kernel log");
			return -EBUSY;
		}
		nanosleep(&interval, NULL);
	}
	return 0;
}

static int file_again(struct guest_mem *mem)
{
	int ret = wait_returned(mem);

	return ret || mem->hva ? ret : file_map(mem);
}

static int file_give(struct guest_mem *mem, struct vm *vm)
{
	const struct gh_map_mem map = {
		.guest_addr = mem->gpa,
		.flags = GH_MAP_MEM_ALLOW_READ | GH_MAP_MEM_ALLOW_WRITE |
			 GH_MAP_MEM_ALLOW_EXEC |
			 (mem->lend ? GH_MAP_MEM_FORCE_LEND : GH_MAP_MEM_FORCE_SHARE),
		.guest_mem_fd = mem->fd,
		.size = mem->size,
	};

	return vm_map_memory(vm, &map);
}

static void file_free(struct guest_mem *mem)
{
	close(mem->fd);
}

static u64 file_pieces(const struct guest_mem *mem)
{
	return file_info(mem->fd, "runs");
}

const struct mem_backing mem_backing_file = {
	.name = "guest-mem",
	.text = "a guest memory file",
	.hint = "the driver makes no guest memory files: is it too old?",
	.alloc = file_alloc,
	.again = file_again,
	.give = file_give,
	.free = file_free,
	.pieces = file_pieces,
};
