// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: mappings.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guestmem.h"
#include "testmem.h"

#define SIZE			(2 * SZ_2M)

#define RW			(PROT_READ | PROT_WRITE)

static bool refused(void *p, int err, const char *what)
{
	if (check(p == MAP_FAILED, "%s: mapped", what))
		return check_errno(-1, err, "%s", what);
	return false;
}

/* Only shared; several see the same, from wherever in the file. */
void gm_mmap(void)
{
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE), *q, *ro;

	if (!p)
		return;
	refused(mmap(NULL, SIZE, RW, MAP_PRIVATE, fd, 0), EINVAL, "private");
	refused(mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL, "private, to read");
	refused(mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE, fd, 0), EINVAL, "private, nothing");
	refused(mmap(NULL, SIZE, RW, MAP_SHARED, fd, 512), EINVAL, "odd offset");

	q = mmap(NULL, SZ_2M, RW, MAP_SHARED, fd, SZ_2M - SZ_64K);
	ro = mmap(NULL, SIZE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0);
	if (!check(q != MAP_FAILED && ro != MAP_FAILED, "mmap: errno %d", errno))
		return;
	gm_fill(p, SIZE, 1);
	check(!memcmp(q, p + SZ_2M - SZ_64K, SZ_2M), "another mapping differs");
	gm_check(ro, SIZE, 1, "another mapping");
	check(access_signal(ro, true) == SIGSEGV, "it can be written, though not mapped so");
	gm_fill(q, SZ_2M, 2);
	gm_check(ro, SZ_2M - SZ_64K, 1, "before what was written");
	gm_check(ro + SZ_2M - SZ_64K, SZ_2M, 2, "what was written");
	/* Pages are the file's, wherever they are mapped. */
	check(testmem_pfn(p + SZ_2M) && testmem_pfn(p + SZ_2M) == testmem_pfn(q + SZ_64K),
	      "other pages");
	munmap(q, SZ_2M);
	munmap(ro, SIZE);
	close(fd);
	gm_check(p, SZ_2M - SZ_64K, 1, "after the other mappings");
	munmap(p, SIZE);
}

void gm_mmap_end(void)
{
	const u64 size = SZ_64K;
	int fd = gmem_new(0, size);
	u8 *p = gmem_mmap(fd, 2 * size), *q;

	if (!p)
		return;
	gm_fill(p, size, 1);
	check(access_signal(p + size, false) == SIGBUS, "read behind the end");
	check(access_signal(p + size, true) == SIGBUS, "write behind the end");
	check(access_signal(p + 2 * size - 1, false) == SIGBUS, "read far behind the end");
	check(!access_signal(p + size - 1, false), "read at the end");
	q = mmap(NULL, size, RW, MAP_SHARED, fd, 1024 * SZ_1G);
	if (check(q != MAP_FAILED, "mmap far behind the end: errno %d", errno)) {
		check(access_signal(q, false) == SIGBUS, "read 1 TiB behind the end");
		munmap(q, size);
	}
	gm_check(p, size, 1, "in the end");
	gmem_check_info(fd, "allocated", size, "in the end");
	munmap(p, 2 * size);
	close(fd);
}

static void change_place(u8 *p, int fd)
{
	u8 *room = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

	refused(mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE), EFAULT, "growing");
	q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	if (!check(q == room, "moving: errno %d", errno))
		return;
	gm_check(q, SIZE, 1, "after moving");
	check(access_signal(p, false) == SIGSEGV, "it is still there");
	check(mremap(q, SIZE, SZ_2M, 0) == q, "shrinking: errno %d", errno);
	gm_check(q, SZ_2M, 1, "after shrinking");
	check(access_signal(q + SZ_2M, false) == SIGSEGV, "it did not shrink");
	munmap(q, SZ_2M);
	gmem_check_info(fd, "allocated", SIZE, "after moving");
}

void gm_mmap_change(void)
{
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);

	if (!p)
		return;
	gm_fill(p, SIZE, 1);
	check_errno(mprotect(p + SZ_64K, SZ_64K, PROT_READ), 0, "mprotect");
	check_errno(mprotect(p + 2 * SZ_64K, SZ_64K, PROT_NONE), 0, "mprotect");
	check(access_signal(p + SZ_64K, true) == SIGSEGV, "write to what is read-only");
	check(!access_signal(p + SZ_64K, false), "read of what is read-only");
	check(access_signal(p + 2 * SZ_64K, false) == SIGSEGV, "read of what is not there");
	check(!access_signal(p + 3 * SZ_64K, false), "read of what follows");
	check_errno(mprotect(p, SIZE, RW), 0, "mprotect");
	gm_check(p, SIZE, 1, "after mprotect");

	munmap(p + SZ_1M, SZ_64K);
	check(access_signal(p + SZ_1M, false) == SIGSEGV, "read of what is unmapped");
	gm_check(p, SZ_1M, 1, "before a hole");
	check(mmap(p + SZ_1M, SZ_64K, RW, MAP_SHARED | MAP_FIXED, fd, SZ_1M) == p + SZ_1M,
	      "mmap: errno %d", errno);
	gm_check(p, SIZE, 1, "with the hole mapped again");
	/* Parts do not become one again, and only one is moved. */
	munmap(p, SIZE);
	p = gmem_mmap(fd, SIZE);
	if (p)
		change_place(p, fd);
	close(fd);
}

void gm_mmap_advice(void)
{
	long locked;
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);

	if (!p)
		return;
	gm_fill(p, SIZE, 1);
	locked = testmem_locked();
	/* Whatever becomes of these, what is in the file stays, and is counted once. */
	madvise(p, SIZE, MADV_DONTNEED);
	gm_check(p, SIZE, 1, "after MADV_DONTNEED");
	madvise(p, SIZE, MADV_FREE);
	madvise(p, SIZE, MADV_HUGEPAGE);
	madvise(p, SIZE, MADV_MERGEABLE);
	gm_check(p, SIZE, 1, "after other advice");
	mlock(p, SIZE);
	testmem_check_locked(locked, "after mlock");
	munlock(p, SIZE);
	testmem_check_locked(locked, "after munlock");
	check_errno(madvise(p, SIZE, MADV_DODUMP), EINVAL, "MADV_DODUMP");
	msync(p, SIZE, MS_SYNC);
	gm_check(p, SIZE, 1, "after all of that");
	/* The same as a hole in the file */
	check_errno(madvise(p + SZ_1M, SZ_64K, MADV_REMOVE), 0, "MADV_REMOVE");
	gmem_check_info(fd, "allocated", SIZE - SZ_64K, "after MADV_REMOVE");
	gm_check_zero(p + SZ_1M, SZ_64K, "what was removed");
	gm_check(p, SZ_1M, 1, "before it");
	munmap(p, SIZE);
	close(fd);
}

struct forked {
	int fd;
	u8 *p;
	int signal;
};

/* In the child */
static bool look(void *arg)
{
	const struct forked *f = arg;
	bool ok = access_signal(f->p, false) == f->signal;
	u8 *p = mmap(NULL, SIZE, RW, MAP_SHARED, f->fd, 0);

	if (p == MAP_FAILED || *(u64 *)p != gm_value(1, 0))
		return false;
	*(u64 *)(p + 8) = 12345;
	return ok;
}

static void fork_and_look(struct forked *f)
{
	struct gm_child child;

	*(u64 *)(f->p + 8) = 0;
	gm_fork(&child, look, f);
	check(*(u64 *)(f->p + 8) == 12345, "what the child writes is not seen");
	gm_let_go(&child);
}

/* Children have the file, but not the mapping. */
void gm_mmap_fork(void)
{
	struct forked f = { .fd = gmem_new(0, SIZE), .signal = SIGSEGV };

	f.p = gmem_mmap(f.fd, SIZE);
	if (!f.p)
		return;
	gm_fill(f.p, SIZE, 1);
	fork_and_look(&f);
	/* Unless they ask for it */
	if (check_errno(madvise(f.p, SIZE, MADV_DOFORK), 0, "MADV_DOFORK")) {
		f.signal = 0;
		fork_and_look(&f);
	}
	gm_check(f.p, SIZE, 1, "in the end");
	munmap(f.p, SIZE);
	close(f.fd);
}

/* Whatever was in memory before, also where it was not written to. */
void gm_mmap_zero(void)
{
	const u64 size = 64 * SZ_1M;
	unsigned int i;
	int fd;
	u8 *p;

	for (i = 0; i < 3; i++) {
		p = testmem_thp(size);
		if (!check(p, "no memory"))
			return;
		memset(p, 0xa5, size);
		testmem_free(p, size);
		tap_alive();
		fd = gmem_new(0, size);
		p = gmem_mmap(fd, size);
		if (!p)
			return;
		gm_check_zero(p, size, "a new file");
		gmem_check_info(fd, "allocated", size, "after an access");
		memset(p, 0x5a, size);
		munmap(p, size);
		close(fd);
	}
}
