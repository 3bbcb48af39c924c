// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: memory that comes and goes by fallocate().
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guestmem.h"
#include "testmem.h"

#define PUNCH			FALLOC_FL_PUNCH_HOLE
#define ZERO			FALLOC_FL_ZERO_RANGE

#define SIZE			(4 * SZ_2M)

void gm_alloc_modes(void)
{
	static const struct {
		int mode;
		u64 offset;
		u64 size;
		int err;
	} cases[] = {
		{ 0, 0, SZ_64K, EOPNOTSUPP },
		{ PUNCH, 0, SZ_64K, EOPNOTSUPP },
		{ ZERO, 0, SZ_64K, EOPNOTSUPP },
		{ PUNCH | ZERO | 1, 0, SZ_64K, EOPNOTSUPP },
		{ 0x04 | 1, 0, SZ_64K, EOPNOTSUPP },
		{ 0x08, 0, SZ_64K, EOPNOTSUPP },
		{ 0x20, 0, SZ_64K, EOPNOTSUPP },
		{ 0x40 | 1, 0, SZ_64K, EOPNOTSUPP },
		{ 1, 0, 0, EINVAL },
		{ 1, 512, SZ_64K, EINVAL },
		{ 1, 0, SZ_64K + 1, EINVAL },
		{ 1, SIZE, SZ_64K, EINVAL },
		{ 1, 0, SIZE + SZ_64K, EINVAL },
		{ 1, SIZE - SZ_64K, 2 * SZ_64K, EINVAL },
		{ 1, BIT_ULL(62), SZ_64K, EINVAL },
		{ 1, BIT_ULL(63) - SZ_64K, SZ_64K, EFBIG },
		{ PUNCH | 1, 512, SZ_64K, EINVAL },
		{ PUNCH | 1, 0, 512, EINVAL },
		{ PUNCH | 1, SIZE - SZ_64K, 2 * SZ_64K, EINVAL },
		{ ZERO | 1, 512, SZ_64K, EINVAL },
		{ ZERO | 1, 0, 512, EINVAL },
		{ ZERO | 1, SIZE, SZ_64K, EINVAL },
	};
	int fd = gmem_new(0, SIZE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(fallocate(fd, cases[i].mode, cases[i].offset, cases[i].size),
			    cases[i].err, "mode %#x, %#llx at %#llx", cases[i].mode,
			    cases[i].size, cases[i].offset);
	gmem_check_info(fd, "allocated", 0, "after errors");
	/* As a whole, once more, and nothing at all */
	check_errno(gm_fallocate(fd, PUNCH, 0, SIZE), 0, "punch of nothing");
	check_errno(gm_fallocate(fd, 0, SZ_2M, SZ_64K), 0, "a part");
	gmem_check_info(fd, "allocated", SZ_64K, "a part");
	check_errno(gm_fallocate(fd, 0, SZ_2M, SZ_64K), 0, "once more");
	gmem_check_info(fd, "allocated", SZ_64K, "once more");
	check_errno(gm_fallocate(fd, 0, 0, SIZE), 0, "all");
	gmem_check_info(fd, "allocated", SIZE, "all");
	close(fd);
}

static bool wait_for_unused(long long least)
{
	unsigned int i;

	for (i = 0; i < 600 && testmem_unused() < least; i++)
		sleep_ms(100);
	return check(testmem_unused() >= least, "%lld KiB are free, not %lld",
		     testmem_unused() >> 10, least >> 10);
}

/* Holes give memory back to the system, and are zero. */
void gm_alloc_punch(void)
{
	const u64 size = 128 * SZ_1M;
	int fd = gmem_new(0, size);
	u8 *p = gmem_mmap(fd, size);
	long long unused;

	if (!p)
		return;
	check_errno(gm_fallocate(fd, 0, 0, size), 0, "fallocate");
	gm_fill(p, size, 1);
	unused = testmem_unused();
	check_errno(gm_fallocate(fd, PUNCH, size / 4, size / 2), 0, "punch");
	gmem_check_info(fd, "allocated", size / 2, "after the punch");
	wait_for_unused(unused + size / 2 - size / 4);
	gm_check(p, size / 4, 1, "before the hole");
	check(*(u64 *)(p + size / 4 * 3) == gm_value(1, size / 4 * 3 / SZ_4K), "behind the hole");
	gm_check_zero(p + size / 4, size / 2, "the hole");
	gmem_check_info(fd, "allocated", size, "after an access");
	check_errno(gm_fallocate(fd, PUNCH, 0, size), 0, "punch of all");
	gmem_check_info(fd, "allocated", 0, "after all was punched");
	gmem_check_info(fd, "runs", 0, "after all was punched");
	gmem_check_info(fd, "guards", 0, "after all was punched");
	wait_for_unused(unused + size - size / 4);
	munmap(p, size);
	close(fd);
}

/* Guard pages are before all runs, and as many as these at most. */
static void check_guards(int fd, const char *when)
{
	long long guards = gmem_info(fd, "guards"), page = sysconf(_SC_PAGESIZE);

	check(guards == gmem_info(fd, "runs") * page, "%s: %lld bytes of guards, %lld runs",
	      when, guards, gmem_info(fd, "runs"));
}

struct hole {
	u64 offset;
	u64 size;
	long long runs;
};

static bool punch_one(int fd, u8 *p, u8 *copy, const struct hole *hole)
{
	memset(copy + hole->offset, 0, hole->size);
	check_errno(gm_fallocate(fd, PUNCH, hole->offset, hole->size), 0, "punch at %#llx",
		    hole->offset);
	check_guards(fd, "with a hole");
	gmem_check_info(fd, "runs", hole->runs, "with a hole");
	/* This fills it again. */
	return check(!memcmp(p, copy, SIZE), "with a hole of %#llx at %#llx", hole->size,
		     hole->offset);
}

void gm_alloc_punch_run(void)
{
	static const struct hole holes[] = {
		{ 0, SZ_4K, 1 },
		{ SZ_4K, SZ_4K, 2 },
		{ SIZE - SZ_4K, SZ_4K, 1 },
		{ SZ_2M, SZ_4K, 2 },
		{ SZ_2M - SZ_4K, 2 * SZ_4K, 2 },
		{ SZ_2M + SZ_4K, 3 * SZ_4K, 2 },
		{ SZ_2M, SZ_2M, 2 },
		{ SZ_64K, SIZE - 2 * SZ_64K, 2 },
		{ SZ_1M + SZ_4K, SZ_2M, 2 },
	};
	u8 *copy = testmem_thp(SIZE), *p;
	size_t i;
	int fd;

	if (!check(copy, "no memory"))
		return;
	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		fd = gmem_new(0, SIZE);
		check_errno(gm_fallocate(fd, 0, 0, SIZE), 0, "fallocate");
		gmem_check_info(fd, "runs", 1, "when new");
		gmem_check_info(fd, "largest-run", SIZE, "when new");
		check_guards(fd, "when new");
		p = gmem_mmap(fd, SIZE);
		if (!p)
			break;
		gm_fill(p, SIZE, 1);
		gm_fill(copy, SIZE, 1);
		punch_one(fd, p, copy, &holes[i]);
		check_guards(fd, "filled again");
		gmem_check_info(fd, "allocated", SIZE, "filled again");
		munmap(p, SIZE);
		close(fd);
	}
	testmem_free(copy, SIZE);
}

void gm_alloc_zero(void)
{
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);

	if (!p)
		return;
	/* What there is becomes zero, what there is not is allocated. */
	check_errno(gm_fallocate(fd, 0, SZ_2M, SZ_2M), 0, "fallocate");
	gm_fill(p + SZ_2M, SZ_2M, 1);
	check_errno(gm_fallocate(fd, ZERO, 0, SZ_2M + SZ_1M), 0, "zero range");
	gmem_check_info(fd, "allocated", 2 * SZ_2M, "after that");
	gm_check_zero(p, SZ_2M + SZ_1M, "zero range");
	check(*(u64 *)(p + SZ_2M + SZ_1M) == gm_value(1, SZ_1M / SZ_4K), "behind zeros");
	gmem_check_info(fd, "allocated", 2 * SZ_2M, "after that");
	munmap(p, SIZE);
	close(fd);
}

/* What a VM has is not taken from it. */
void gm_alloc_bound(void)
{
	static const int modes[] = { PUNCH, ZERO };
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);
	struct testvm vm;
	size_t i;

	if (p && gm_open_vm(&vm)) {
		gm_fill(p, SIZE, 1);
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, SZ_2M, SZ_2M), 0, "MAP_MEM");
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			check_errno(gm_fallocate(fd, modes[i], SZ_2M, SZ_4K), EBUSY, "start");
			check_errno(gm_fallocate(fd, modes[i], 2 * SZ_2M - SZ_4K, SZ_4K), EBUSY,
				    "end");
			check_errno(gm_fallocate(fd, modes[i], 0, SIZE), EBUSY, "all");
			gm_check(p, SIZE, 1, "after that");
		}
		check_errno(gm_fallocate(fd, 0, 0, SIZE), 0, "fallocate");
		check_errno(gm_fallocate(fd, PUNCH, 0, SZ_2M), 0, "before");
		check_errno(gm_fallocate(fd, ZERO, 2 * SZ_2M, SZ_4K), 0, "behind");
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND | UNMAP, fd, SZ_2M, SZ_2M), 0,
			    "UNMAP");
		check_errno(gm_fallocate(fd, PUNCH, SZ_2M, SZ_2M), 0, "punch after UNMAP");
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, SZ_2M, SZ_2M), 0, "MAP_MEM");
	}
	testvm_close(&vm);
	check_errno(gm_fallocate(fd, PUNCH, 0, SIZE), 0, "punch after the VM");
	munmap(p, SIZE);
	close(fd);
}

/* So many holes, each of which takes its time. */
static void make_holes(int fd, u64 size)
{
	u64 at;

	for (at = 0; at < size; at += 2 * SZ_2M)
		check_errno(gm_fallocate(fd, PUNCH, at, SZ_2M), 0, "punch");
}

void gm_alloc_signals(void)
{
	const u64 size = 128 * SZ_1M;
	int fd = gmem_new(0, size), ret;
	unsigned int i, interrupted = 0;
	long long last = size / 2, now;
	pid_t storm;
	u8 *p;

	check_errno(gm_fallocate(fd, 0, 0, size), 0, "fallocate");
	make_holes(fd, size);
	storm = gm_begin_storm();
	for (i = 0; i < 5000; i++) {
		ret = gm_fallocate(fd, 0, 0, size);
		now = gmem_info(fd, "allocated");
		if (!ret)
			break;
		if (!check_errno(ret, EINTR, "fallocate") ||
		    !check(now >= last, "%lld bytes are lost", last - now))
			break;
		last = now;
		interrupted++;
	}
	gm_end_storm(storm);
	check(interrupted, "it was never interrupted");
	note("interrupted %u times", interrupted);
	check_errno(gm_fallocate(fd, 0, 0, size), 0, "fallocate in peace");
	gmem_check_info(fd, "allocated", size, "in the end");
	p = gmem_mmap(fd, size);
	if (p) {
		gm_check_zero(p, size, "in the end");
		munmap(p, size);
	}
	close(fd);
}

struct watch {
	int fd;
	u64 size;
	unsigned int between;
	bool stop;
	bool ok;
};

/* What fdinfo says while memory is allocated only grows, and is not all or nothing. */
static void *watch(void *arg)
{
	struct watch *watch = arg;
	long long now, last = watch->size / 2;

	while (!__atomic_load_n(&watch->stop, __ATOMIC_ACQUIRE)) {
		now = gmem_info(watch->fd, "allocated");
		if (now < last || now > (long long)watch->size)
			watch->ok = false;
		if (now != last && now != (long long)watch->size)
			watch->between++;
		last = now;
	}
	return NULL;
}

void gm_alloc_progress(void)
{
	struct watch info = { .size = 128 * SZ_1M, .ok = true };
	pthread_t thread;
	unsigned int i;

	info.fd = gmem_new(0, info.size);
	for (i = 0; i < 50 && !info.between; i++) {
		check_errno(gm_fallocate(info.fd, 0, 0, info.size), 0, "fallocate");
		make_holes(info.fd, info.size);
		info.stop = false;
		if (!check(!pthread_create(&thread, NULL, watch, &info), "no thread"))
			break;
		check_errno(gm_fallocate(info.fd, 0, 0, info.size), 0, "fallocate");
		__atomic_store_n(&info.stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	}
	check(info.ok, "what is allocated became less");
	check(info.between, "nothing was told while memory was allocated");
	note("%u steps were seen", info.between);
	close(info.fd);
}

/* A pipe has a page when it is taken from the file: it keeps what it has. */
void gm_alloc_pinned(void)
{
	int fd = gmem_new(0, SIZE), pipe_fd[2];
	u8 *p = gmem_mmap(fd, SIZE), page[SZ_4K];
	struct iovec iov = { .iov_base = p + SZ_2M, .iov_len = SZ_4K };

	if (!p || !check(!pipe2(pipe_fd, O_CLOEXEC), "no pipe"))
		return;
	gm_fill(p, SIZE, 1);
	memcpy(page, p + SZ_2M, SZ_4K);
	if (check(vmsplice(pipe_fd[1], &iov, 1, 0) == (long)SZ_4K, "vmsplice: errno %d",
		  errno)) {
		check_errno(gm_fallocate(fd, PUNCH, SZ_2M, SZ_2M), 0, "punch");
		gm_check_zero(p + SZ_2M, SZ_2M, "the hole");
		memset(p + SZ_2M, 0xff, SZ_2M);
		munmap(p, SIZE);
		close(fd);
		check(read(pipe_fd[0], page, SZ_4K) == (long)SZ_4K, "read: errno %d", errno);
		check(*(u64 *)page == gm_value(1, SZ_2M / SZ_4K), "the page changed");
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* So many that what each loses would be missing: at the end, memory is as before. */
void gm_alloc_rounds(void)
{
	const u64 sizes[] = { SZ_2M, SZ_64K, SZ_2M + SZ_4K, SZ_4K, 2 * SZ_2M };
	unsigned int i;
	u8 *p;
	int fd;

	for (i = 0; i < 200; i++) {
		u64 size = sizes[i % ARRAY_SIZE(sizes)];

		tap_alive();
		fd = gmem_new(i % 2, size);
		if (fd < 0)
			break;
		p = gmem_mmap(fd, size);
		if (p) {
			p[size - 1] = 1;
			munmap(p, size);
		}
		if (!gmem_check_info(fd, "allocated", size, "after an access"))
			break;
		close(fd);
	}
}
