// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of all kinds that is lent to a guest.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "parcel.h"
#include "testgmem.h"
#include "testmem.h"

#define LABEL			77

#define MEMORY_MS		60000
#define POLL_MS			100

/* How many of the pages lent_check() looks at */
#define SAMPLES			16

static u64 page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static bool alloc_memfd(struct lent *lent)
{
	void *p;

	lent->fd = memfd_create("lent", MFD_CLOEXEC);
	if (!check(lent->fd >= 0 && !ftruncate(lent->fd, lent->size), "memfd: errno %d", errno))
		return false;
	p = mmap(NULL, lent->size, PROT_READ | PROT_WRITE, MAP_SHARED, lent->fd, 0);
	if (!check(p != MAP_FAILED, "mmap: errno %d", errno))
		return false;
	lent->p = p;
	return true;
}

/* A process that crashed the kernel may still be about to give up much. */
static u8 *alloc_pages(u64 size)
{
	unsigned int ms;
	u8 *p = NULL;

	for (ms = 0; !p && ms < MEMORY_MS; ms += POLL_MS) {
		p = testmem_scattered(size);
		if (!p)
			sleep_ms(POLL_MS);
	}
	return p;
}

bool lent_alloc(struct lent *lent, u64 size)
{
	lent->size = size;
	switch (lent->kind) {
	case ACCESS_FILE:
		lent->fd = gmem_new(0, size);
		lent->p = lent->fd < 0 ? NULL : gmem_mmap(lent->fd, size);
		break;
	case ACCESS_MEMFD:
		if (!alloc_memfd(lent))
			return false;
		break;
	default:
		lent->p = alloc_pages(size);
	}
	if (!check(lent->p, "no memory"))
		return false;
	lent_fill(lent);
	return true;
}

void lent_fill(struct lent *lent)
{
	u64 at;

	for (at = 0; at < lent->size; at += SZ_4K)
		*(u64 *)(lent->p + at) = LENT_BEFORE(at / SZ_4K);
}

bool lent_give(struct lent *lent)
{
	if (lent->kind == ACCESS_FILE)
		return check_errno(gmem_map(lent->vm.fd, LENT_GPA, GMEM_LEND, lent->fd, 0,
					    lent->size), 0, "MAP_MEM");
	return check_errno(testmem_set(lent->vm.fd, LABEL, TESTMEM_LENT, LENT_GPA, lent->p,
				       lent->size), 0, "region");
}

/* All of it, in one parcel, to where the guest expects it */
static bool check_parcel(struct lent *lent)
{
	u32 label = lent->kind == ACCESS_FILE ? LENT_GPA / SZ_4K : LABEL;
	struct parcel parcel = { 0 };

	return check(parcel_find(label, 0, &parcel) && parcel.lent &&
		     parcel.size == lent->size && parcel.gpa == LENT_GPA,
		     "parcel %u: %s, %llu bytes at %#llx", label,
		     parcel.lent ? "lent" : "not lent", parcel.size, parcel.gpa);
}

static bool poke(struct lent *lent, u64 at)
{
	return testvm_poke(&lent->vm, LENT_GPA + at, LENT_SECRET, LENT_SECRET);
}

/* The guest writes; the host does not see it. */
static bool check_gone(struct lent *lent)
{
	u64 last = lent->size - SZ_4K;
	int first_sig, last_sig;

	if (!check_parcel(lent) || !poke(lent, 0) || !poke(lent, last))
		return false;
	first_sig = access_signal(lent->p, false);
	last_sig = access_signal(lent->p + last, false);
	return check(first_sig == SIGBUS && last_sig == SIGBUS, "loads end in signals %d, %d",
		     first_sig, last_sig);
}

bool lent_create_vm(struct lent *lent)
{
	return testvm_create(&lent->vm, 1, PROGRAM(peek));
}

bool lent_start(struct lent *lent)
{
	return (lent->vm.cpus || lent_create_vm(lent)) && lent_give(lent) &&
	       check_errno(testvm_ioctl_start(&lent->vm), 0, "START") && check_gone(lent);
}

bool lent_check(struct lent *lent)
{
	u64 pages = lent->size / SZ_4K, step = pages / SAMPLES, page;

	for (page = step; page < pages - 1; page += step)
		if (!testvm_peek(&lent->vm, LENT_GPA + page * SZ_4K, LENT_BEFORE(page),
				 "what the host left there"))
			return false;
	return testvm_peek(&lent->vm, LENT_GPA, LENT_SECRET, "what the guest wrote") &&
	       testvm_peek(&lent->vm, LENT_GPA + lent->size - SZ_4K, LENT_SECRET,
			   "what the guest wrote in the end");
}

bool lent_end(struct lent *lent)
{
	u64 want = lent->kind == ACCESS_FILE ? 0 : LENT_SECRET;
	u64 first, last;

	if (!testvm_power_off(&lent->vm))
		return false;
	testvm_close(&lent->vm);
	first = *(u64 *)lent->p;
	last = *(u64 *)(lent->p + lent->size - SZ_4K);
	return check(first == want && last == want, "%#llx and %#llx came back, not %#llx",
		     first, last, want);
}

u64 *page_frames(const void *p, u64 pages)
{
	u64 *frames = calloc(pages, sizeof(*frames)), i;
	ssize_t size = pages * sizeof(*frames);
	bool fine = false;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (frames && fd >= 0)
		fine = pread(fd, frames, size, (uintptr_t)p / page_size() * sizeof(*frames)) ==
		       size;
	close(fd);
	for (i = 0; fine && i < pages; i++) {
		fine = (frames[i] & PAGEMAP_PRESENT) && (frames[i] & PAGEMAP_PFN);
		frames[i] &= PAGEMAP_PFN;
	}
	if (check(fine, "nobody tells where all pages are"))
		return frames;
	free(frames);
	return NULL;
}

u64 *lent_frames(struct lent *lent)
{
	u64 *frames;

	/* While it is lent it has no page frames in this process. */
	if (!lent_end(lent))
		return NULL;
	lent_fill(lent);
	frames = page_frames(lent->p, lent->size / page_size());
	return frames && lent_start(lent) ? frames : NULL;
}
