// SPDX-License-Identifier: GPL-2.0
/*
 * Path lookup reads words, the last of which may begin in the page that the path is in and end
 * in the next one, whoever has that.
 *
 * To have many pages that paths are in right before pages that are lent, all memory is used up
 * but for blocks of pages before lent ones. Paths come from objects of a page, eight in a block.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "files.h"
#include "testgmem.h"
#include "testmem.h"

#define FIFO			"/dev/shm/fifo"
#define THREADS			128
#define ROUNDS			4

/* A block of pages, and where one begins that is looked for: the next block is ours, too */
#define BLOCK			8ULL
#define BLOCK_ORDER		3
#define BLOCKS			512
/* Single pages that stay free, so that the system can live */
#define SINGLES			3072
/* So much is not used up at first. */
#define ROOM			(80 * SZ_1M)
#define PIPES_MAX		8192
/* A ring of that many pipe buffers takes a block. */
#define PIPE_SIZE		(512 * SZ_4K)

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif

/*
 * Lookups
 */

/* As long as a path can be, so that it ends where its page does */
static char path[PATH_MAX];

static void make_path(void)
{
	static const char dir[] = "/dev/shm", name[] = "fifo";

	memset(path, '/', sizeof(path) - 1);
	memcpy(path, dir, sizeof(dir) - 1);
	memcpy(path + sizeof(path) - sizeof(name), name, sizeof(name));
}

/* Of all threads and the one that lets them go on */
static pthread_barrier_t barrier;
static atomic_uint looking;
static atomic_uint lost;

/* The path is in memory as long as the other end of the FIFO is not opened. */
static void *look_up(void *arg)
{
	unsigned int i;
	int fd;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		looking++;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		lost += fd < 0;
		close(fd);
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

/* They wait. */
static bool start_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned int i;

	if (!check(!pthread_barrier_init(&barrier, NULL, THREADS + 1) &&
		   !pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, SZ_128K),
		   "no barrier"))
		return false;
	for (i = 0; i < THREADS; i++)
		if (!check(!pthread_create(&thread, &attr, look_up, NULL), "no thread"))
			return false;
	return true;
}

static bool look_up_all(void)
{
	unsigned int i;
	int writer;

	for (i = 0; i < ROUNDS; i++) {
		tap_alive();
		looking = 0;
		pthread_barrier_wait(&barrier);
		while (looking < THREADS)
			sleep_ms(10);
		/* More are in it at the same time if they have some time to get there. */
		sleep_ms(200);
		writer = open(FIFO, O_RDWR | O_CLOEXEC);
		pthread_barrier_wait(&barrier);
		close(writer);
	}
	return check(!lost, "%u paths were not found", lost);
}

/*
 * Which pages are before which
 */

static u64 free_blocks(void)
{
	u64 blocks = 0;
	char *text = read_file("/proc/buddyinfo"), *line, *at, *next;
	unsigned int order;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		/* Node 0, zone   DMA, and how many there are of each order */
		at = strstr(line, "zone ");
		if (at) {
			at += strlen("zone ");
			at += strspn(at, " ");
			at += strcspn(at, " ");
		}
		for (order = 0; at; order++, at = next) {
			u64 n = strtoull(at, &next, 10);

			if (next == at)
				break;
			if (order >= BLOCK_ORDER)
				blocks += n << (order - BLOCK_ORDER);
		}
	}
	free(text);
	return blocks;
}

/* Each pipe takes a block that cannot move, as paths do. */
static bool use_blocks(u64 left)
{
	const struct rlimit files = { 2 * PIPES_MAX + 1024, 2 * PIPES_MAX + 1024 };
	u64 now = free_blocks(), n;
	unsigned int i = 0;
	int ends[2];

	setrlimit(RLIMIT_NOFILE, &files);
	while (now > left && i < PIPES_MAX) {
		for (n = (now - left + 1) / 2; n; n--, i++)
			if (pipe2(ends, O_CLOEXEC) ||
			    fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE) < 0)
				return check(false, "pipe %u: errno %d", i, errno);
		now = free_blocks();
	}
	note("%u pipes leave %llu blocks of pages", i, now);
	return check(now <= left, "too many");
}

struct memory {
	u8 *p;
	u64 pages;
	u32 *at;		/* by page frame: the page there, and 1 more */
	u64 frames;
};

static bool read_frames(struct memory *memory)
{
	u64 *frames = page_frames(memory->p, memory->pages), i;

	memory->frames = 0;
	for (i = 0; frames && i < memory->pages; i++)
		if (frames[i] >= memory->frames)
			memory->frames = frames[i] + 1;
	memory->at = calloc(memory->frames, sizeof(*memory->at));
	if (!frames || !check(memory->at, "no memory"))
		return false;
	for (i = 0; i < memory->pages; i++)
		memory->at[frames[i]] = i + 1;
	free(frames);
	return true;
}

static void drop(struct memory *memory, u64 frame)
{
	madvise(memory->p + (memory->at[frame] - 1) * SZ_4K, SZ_4K, MADV_DONTNEED_LOCKED);
}

/* A block of ours, and our page behind it */
static bool is_ours(const struct memory *memory, u64 frame)
{
	u64 i;

	for (i = 0; i < 2 * BLOCK; i++)
		if (!memory->at[frame + i])
			return false;
	return true;
}

static struct memory memory;
static u64 blocks[BLOCKS];

/* Pages behind such blocks become the memory that is lent. */
static bool choose(struct lent *lent)
{
	u64 frame, n = 0, singles = 0;
	u8 *page;

	for (frame = 0; frame + 2 * BLOCK <= memory.frames; frame += 2 * BLOCK) {
		if (!is_ours(&memory, frame))
			continue;
		if (n == BLOCKS) {
			if (singles++ < SINGLES)
				drop(&memory, frame + 1);
			continue;
		}
		page = memory.p + (memory.at[frame + BLOCK] - 1) * SZ_4K;
		if (!check(mremap(page, SZ_4K, SZ_4K, MREMAP_MAYMOVE | MREMAP_FIXED,
				  lent->p + n * SZ_4K) != MAP_FAILED, "mremap: errno %d", errno))
			return false;
		blocks[n++] = frame;
	}
	return check(n == BLOCKS && singles >= SINGLES, "%llu blocks, %llu single pages", n,
		     singles);
}

static bool keep_in_place(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	/* What is locked is not moved, then, and what is freed not kept aside for a CPU. */
	return write_file("/proc/sys/vm/percpu_pagelist_high_fraction", "100000") &&
	       write_file("/proc/sys/vm/compact_unevictable_allowed", "0") &&
	       write_file("/proc/sys/vm/compaction_proactiveness", "0") &&
	       write_file("/proc/sys/vm/min_free_kbytes", "1024") &&
	       check_errno(setrlimit(RLIMIT_MEMLOCK, &all), 0, "RLIMIT_MEMLOCK");
}

static bool alloc_before_blocks(struct lent *lent)
{
	lent->size = BLOCKS * SZ_4K;
	memory.pages = (testmem_unused() - ROOM) / SZ_4K / 2 * 2;
	if (!lent_create_vm(lent) || !keep_in_place())
		return false;
	memory.p = testmem_scattered(memory.pages * SZ_4K);
	lent->p = mmap(NULL, lent->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!check(memory.p && lent->p != MAP_FAILED, "no memory") ||
	    !check_errno(mlock(memory.p, memory.pages * SZ_4K), 0, "mlock") ||
	    !read_frames(&memory) || !choose(lent))
		return false;
	lent_fill(lent);
	return true;
}

static bool free_before_lent(void)
{
	u64 i, j;

	for (i = 0; i < BLOCKS; i++)
		for (j = 0; j < BLOCK; j++)
			drop(&memory, blocks[i] + j);
	return check(free_blocks() > BLOCKS / 2, "only %llu blocks of pages", free_blocks());
}

/*
 * The row
 */

bool row_path_alloc(struct lent *lent)
{
	switch (lent->kind) {
	case ACCESS_PINNED:
		return alloc_before_blocks(lent);
	case ACCESS_FILE:
		return lent_alloc(lent, 64 * SZ_1M);
	default:
		return lent_alloc(lent, 4 * SZ_1M);
	}
}

/* The page before each run is nobody else's: neither free nor used for anything. */
static bool check_guards(struct lent *lent)
{
	u64 *frames = lent_frames(lent), pages = lent->size / sysconf(_SC_PAGESIZE), i, flags;
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	unsigned int runs = 0;

	if (!frames || !check_errno(fd, 0, "/proc/kpageflags"))
		return false;
	for (i = 0; i < pages; i++) {
		if (i && frames[i] == frames[i - 1] + 1)
			continue;
		runs++;
		if (!check(pread(fd, &flags, sizeof(flags), (frames[i] - 1) * sizeof(flags)) ==
			   sizeof(flags) && !flags, "run %u is behind a page with flags %#llx",
			   runs, flags))
			return false;
	}
	close(fd);
	note("%llu MiB in %u runs", lent->size / SZ_1M, runs);
	return lent->kind != ACCESS_FILE ||
	       gmem_check_info(lent->fd, "guards", runs * sysconf(_SC_PAGESIZE), "lent");
}

void row_path(struct lent *lent)
{
	make_path();
	unlink(FIFO);
	if (!check_errno(mkfifo(FIFO, 0600), 0, "FIFO") || !start_threads())
		return;
	if (lent->kind != ACCESS_PINNED) {
		if (!check_guards(lent))
			return;
	} else if (!use_blocks(BLOCKS / 8) || !free_before_lent() || !use_blocks(BLOCKS / 2)) {
		return;
	}
	if (!look_up_all())
		return;
	unlink(FIFO);
	saw("none, guard page");
}
