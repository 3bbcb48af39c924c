// SPDX-License-Identifier: GPL-2.0
/*
 * Packed kernels: whole files, or the EFI stub's form with a packed Image inside.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unpack.h"
#include "util.h"

/* Start of a kernel built with CONFIG_EFI_ZBOOT. */
struct zboot_header {
	u8 mz[4];
	u8 magic[4];		/* "zimg" */
	__le32 offset;		/* of the packed Image */
	__le32 size;
	__le32 reserved[2];
	char type[32];
};

static const struct packer {
	const char *zboot_type;
	const char *magic;
	size_t magic_len;
	const char *program;
} packers[] = {
	{ "gzip",	"\x1f\x8b",			2, "gzip" },
	{ "xzkern",	"\xfd\x37zXZ",			6, "xz" },
	{ "zstd22",	"\x28\xb5\x2f\xfd",		4, "zstd" },
};

/*
 * Replace the file by the packed Image inside: behind it comes more, which not every
 * program that unpacks takes for the end.
 */
static int open_zboot(const char *path, int *fd, const struct zboot_header *head,
		      const struct packer **packer)
{
	off_t offset = le32toh(head->offset);
	size_t left = le32toh(head->size);
	int mem;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(packers); i++)
		if (!strncmp(head->type, packers[i].zboot_type, sizeof(head->type)))
			*packer = &packers[i];
	if (!*packer)
		return log_error(ENOEXEC, "%s: Image packed by \"%.32s\"", path,
				 head->type);

	mem = memfd_create("kernel", MFD_CLOEXEC);
	if (mem < 0)
		return log_error(errno, "memfd_create");
	while (left) {
		ssize_t n = sendfile(mem, *fd, &offset, left);

		if (n <= 0) {
			close(mem);
			return log_error(n ? errno : EIO, "%s", path);
		}
		left -= n;
	}
	close(*fd);
	*fd = mem;
	return 0;
}

/* Leaves @fd where the packed, or the plain, contents begin. */
static int find_packer(const char *path, int *fd, const struct packer **packer)
{
	struct zboot_header head = { };
	ssize_t n = read_all(*fd, &head, sizeof(head));
	size_t i;
	int ret;

	*packer = NULL;
	if (n < 0)
		return log_error(-n, "%s", path);
	if (!memcmp(head.mz, "MZ", 2) && !memcmp(head.magic, "zimg", 4)) {
		ret = open_zboot(path, fd, &head, packer);
		if (ret)
			return ret;
	}
	for (i = 0; i < ARRAY_SIZE(packers); i++)
		if (!memcmp(&head, packers[i].magic, packers[i].magic_len))
			*packer = &packers[i];
	if (lseek(*fd, 0, SEEK_SET) < 0)
		return log_error(errno, "%s", path);
	return 0;
}

/* @in has to be open for reading until the program runs. */
static int start_program(struct unpack *unpack, int in)
{
	char program[16];
	char option[] = "-dc";
	char *const argv[] = { program, option, NULL };
	posix_spawn_file_actions_t actions;
	int pipefd[2];
	int ret;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	snprintf(program, sizeof(program), "%s", unpack->program);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDOUT_FILENO);
	ret = posix_spawnp(&unpack->pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipefd[1]);
	if (ret) {
		close(pipefd[0]);
		unpack->pid = 0;
		return -ret;
	}
	unpack->fd = pipefd[0];
	return 0;
}

int unpack_open(struct unpack *unpack, const char *path)
{
	const struct packer *packer;
	int fd, ret;

	*unpack = (struct unpack) { };
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return log_error(errno, "%s", path);
	ret = find_packer(path, &fd, &packer);
	if (ret)
		goto out;
	if (!packer) {
		unpack->fd = fd;
		return 0;
	}

	unpack->program = packer->program;
	ret = start_program(unpack, fd);
	if (ret)
		log_error(-ret, "%s: cannot run %s to unpack it", path, packer->program);
out:
	close(fd);
	return ret;
}

static int wait_program(struct unpack *unpack)
{
	int status;

	while (waitpid(unpack->pid, &status, 0) < 0)
		if (errno != EINTR)
			return log_error(errno, "%s", unpack->program);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return log_error(EIO, "%s could not unpack the kernel", unpack->program);
	return 0;
}

int unpack_close(struct unpack *unpack)
{
	close(unpack->fd);
	return unpack->pid ? wait_program(unpack) : 0;
}

void unpack_abort(struct unpack *unpack)
{
	int status;

	/* Without a reader the program ends by itself. */
	close(unpack->fd);
	if (unpack->pid)
		waitpid(unpack->pid, &status, 0);
}
