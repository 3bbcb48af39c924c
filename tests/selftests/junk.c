// SPDX-License-Identifier: GPL-2.0
/*
 * A host whose memory is in pieces.
 *
 * Pages in pipes are memory of the kernel, which does not move. What is written to a pipe
 * one after the other tends to lie so in memory, too.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "junk.h"
#include "tap.h"
#include "testmem.h"

/* What the rest of the system may want meanwhile */
#define SPARE			(256 * SZ_1M)

#define MAX_PIPES		32768

static u8 *pages;
static u64 pages_size;

static int pipes[MAX_PIPES][2];
static unsigned int nr_pipes;

static u64 room(void)
{
	long long unused = testmem_unused();

	return unused > (long long)SPARE ? unused - SPARE : 0;
}

bool junk_movable(void)
{
	u64 size = room() & ~(SZ_2M - 1), page = sysconf(_SC_PAGESIZE), at;

	pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!check(pages != MAP_FAILED, "no memory")) {
		pages = NULL;
		return false;
	}
	pages_size = size;
	madvise(pages, size, MADV_NOHUGEPAGE);
	madvise(pages, size, MADV_DONTFORK);
	for (at = 0; at < size; at += page) {
		pages[at] = 1;
		if (!(at % (64 * SZ_1M)))
			tap_alive();
	}
	for (at = 0; at < size; at += 2 * page)
		madvise(pages + at, page, MADV_DONTNEED);
	return true;
}

static bool more_files(void)
{
	const struct rlimit limit = { .rlim_cur = 3 * MAX_PIPES, .rlim_max = 3 * MAX_PIPES };

	return check(!setrlimit(RLIMIT_NOFILE, &limit), "no files: errno %d", errno);
}

/* A full pipe */
static bool add_pipe(const u8 *buf, u64 size)
{
	int *fds = pipes[nr_pipes];

	if (!check(!pipe2(fds, O_CLOEXEC | O_NONBLOCK), "no pipe: errno %d", errno))
		return false;
	nr_pipes++;
	return check(fcntl(fds[1], F_SETPIPE_SZ, size) == (int)size &&
		     write(fds[1], buf, size) == (ssize_t)size, "pipe: errno %d", errno);
}

bool junk_unmovable(u64 piece)
{
	u64 page = sysconf(_SC_PAGESIZE), left = room();
	u8 *buf = calloc(1, piece);
	bool ok = buf && more_files();
	unsigned int i;

	while (ok && left >= piece && nr_pipes < MAX_PIPES) {
		ok = add_pipe(buf, piece);
		left -= piece;
		/* The files take some as well. */
		if (!(nr_pipes % 64)) {
			tap_alive();
			left = room();
		}
	}
	for (i = 0; ok && i < nr_pipes; i++)
		ok = check(read(pipes[i][0], buf, piece - page) == (ssize_t)(piece - page),
			   "pipe: errno %d", errno);
	free(buf);
	return ok;
}

void junk_free(void)
{
	while (nr_pipes) {
		nr_pipes--;
		close(pipes[nr_pipes][0]);
		close(pipes[nr_pipes][1]);
	}
	if (pages)
		munmap(pages, pages_size);
	pages = NULL;
}
