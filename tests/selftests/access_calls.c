// SPDX-License-Identifier: GPL-2.0
/*
 * Loads, stores, and system calls of the process that has lent memory mapped.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "files.h"

#define CORE			"/dev/shm/access-core"

const char *result_name(long result)
{
	static char name[32];

	if (result >= 0)
		return "success";
	snprintf(name, sizeof(name), "-%s", strerrorname_np(errno) ?: "unknown");
	return name;
}

/* Both ways are the same, or it is said what each was. */
static void saw_both(long in, int in_errno, long out, int out_errno)
{
	char first[32];

	errno = in_errno;
	snprintf(first, sizeof(first), "%s", result_name(in));
	errno = out_errno;
	if (!strcmp(first, result_name(out)))
		saw("%s", first);
	else
		saw("%s, %s", first, result_name(out));
}

static const char *signal_name(int sig)
{
	switch (sig) {
	case 0:
		return "success";
	case SIGBUS:
		return "SIGBUS";
	case SIGSEGV:
		return "SIGSEGV";
	default:
		return "another signal";
	}
}

void row_load(struct lent *lent)
{
	saw("%s", signal_name(access_signal(lent->p + SZ_4K, false)));
}

void row_store(struct lent *lent)
{
	saw("%s", signal_name(access_signal(lent->p + SZ_4K, true)));
}

/* A pipe, with one page of something in it if @full */
static bool make_pipe(int ends[2], bool full)
{
	char page[SZ_4K] = "something";

	if (!check(!pipe(ends), "pipe: errno %d", errno))
		return false;
	return !full || check(write(ends[1], page, sizeof(page)) == sizeof(page),
			      "pipe: errno %d", errno);
}

void row_write(struct lent *lent)
{
	int ends[2];

	if (make_pipe(ends, false))
		saw("%s", result_name(write(ends[1], lent->p, SZ_4K)));
}

void row_read(struct lent *lent)
{
	int ends[2];

	if (make_pipe(ends, true))
		saw("%s", result_name(read(ends[0], lent->p, SZ_4K)));
}

void row_futex(struct lent *lent)
{
	const struct timespec soon = { .tv_nsec = 1000000 };

	saw("%s", result_name(syscall(SYS_futex, lent->p, FUTEX_WAIT_PRIVATE, 1, &soon, NULL,
				      0)));
}

void row_proc_mem(struct lent *lent)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), in_errno;
	char page[SZ_4K] = "";
	long in, out;

	if (!check_errno(fd, 0, "/proc/self/mem"))
		return;
	in = pread(fd, page, sizeof(page), (uintptr_t)lent->p);
	in_errno = errno;
	out = pwrite(fd, page, sizeof(page), (uintptr_t)lent->p);
	saw_both(in, in_errno, out, errno);
	close(fd);
}

void row_process_vm(struct lent *lent)
{
	char page[SZ_4K] = "";
	const struct iovec mine = { .iov_base = page, .iov_len = sizeof(page) };
	const struct iovec theirs = { .iov_base = lent->p, .iov_len = sizeof(page) };
	int in_errno;
	long in, out;

	in = process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0);
	in_errno = errno;
	out = process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0);
	saw_both(in, in_errno, out, errno);
}

void row_vmsplice(struct lent *lent)
{
	const struct iovec iov = { .iov_base = lent->p, .iov_len = SZ_4K };
	char page[SZ_4K];
	int ends[2];
	long n;

	if (!make_pipe(ends, false))
		return;
	n = vmsplice(ends[1], &iov, 1, 0);
	saw("%s", result_name(n));
	/* What the pipe got is a page, not what is in it. */
	if (n >= 0 && read(ends[0], page, sizeof(page)) < 0)
		saw("%s", result_name(-1));
}

/* The child does not have it; the parent is not disturbed. */
void row_fork(struct lent *lent)
{
	int status = 0;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(access_signal(lent->p, false));
	if (!check(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status),
		   "child: errno %d, status %#x", errno, status))
		return;
	if (WEXITSTATUS(status) == SIGSEGV)
		saw("not inherited");
	else
		saw("%s", signal_name(WEXITSTATUS(status)));
}

void row_core(struct lent *lent)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)lent;
	if (!write_file(CORE_PATTERN, CORE) || setrlimit(RLIMIT_CORE, &limit))
		return;
	saw("no dump");
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Bytes of the lent memory in a core dump; less than 0 if it is not one */
static long long lent_bytes(FILE *core)
{
	long long bytes = 0;
	struct elf64_phdr segment;
	struct elf64_hdr header;
	unsigned int i;

	if (fread(&header, sizeof(header), 1, core) != 1 ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_type != ET_CORE ||
	    fseek(core, header.e_phoff, SEEK_SET))
		return -1;
	for (i = 0; i < header.e_phnum; i++) {
		if (fread(&segment, sizeof(segment), 1, core) != 1)
			return -1;
		if (segment.p_type == PT_LOAD && segment.p_vaddr < seen->start + seen->size &&
		    segment.p_vaddr + segment.p_memsz > seen->start)
			bytes += segment.p_filesz;
	}
	/* All of it was written: the last segment is there. */
	return fseek(core, segment.p_offset + segment.p_filesz - 1, SEEK_SET) ||
	       (segment.p_filesz && fgetc(core) == EOF) ? -1 : bytes;
}

void row_core_after(int status)
{
	FILE *core = fopen(CORE, "re");
	long long bytes = core ? lent_bytes(core) : -1;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && WCOREDUMP(status)) {
		if (bytes)
			saw("a dump with %lld bytes of it", bytes);
		else
			saw("clean dump");
	}
	if (core)
		fclose(core);
	unlink(CORE);
}
