// SPDX-License-Identifier: GPL-2.0
/*
 * What reads or moves all memory there is.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <linux/suspend_ioctls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "access.h"
#include "files.h"
#include "testmem.h"

#define KCORE			"/proc/kcore"
#define SEGMENTS_MAX		64

#define ZRAM			"/sys/block/zram0/"
#define ZRAM_DEVICE		"/dev/zram0"
#define SWAP_SIZE		(64 * SZ_1M)
/* How much can be swapped out, and how much of it has to be */
#define SWAPPED			(32 * SZ_1M)
#define SWAPPED_MIN		(16 * SZ_1M)
#define SWAP_MAGIC		"SWAPSPACE2"

#define SNAPSHOT		"/dev/snapshot"

/*
 * /proc/kcore
 */

struct kcore {
	int fd;
	unsigned int count;
	struct elf64_phdr segments[SEGMENTS_MAX];
};

static bool kcore_open(struct kcore *kcore)
{
	struct elf64_hdr header;
	ssize_t size;

	kcore->fd = open(KCORE, O_RDONLY | O_CLOEXEC);
	if (!check_errno(kcore->fd, 0, KCORE) ||
	    !check(pread(kcore->fd, &header, sizeof(header), 0) == sizeof(header) &&
		   header.e_phnum <= SEGMENTS_MAX, KCORE " has a strange header"))
		return false;
	kcore->count = header.e_phnum;
	size = kcore->count * sizeof(kcore->segments[0]);
	return check(pread(kcore->fd, kcore->segments, size, header.e_phoff) == size,
		     KCORE " has strange segments");
}

/*
 * A page by its physical address, as the kernel reads it. The map of all memory is below that
 * of the kernel's image, which may not have what was freed of it.
 */
static bool kcore_read(const struct kcore *kcore, u64 frame, void *page)
{
	u64 address = frame * sysconf(_SC_PAGESIZE);
	const struct elf64_phdr *segment, *found = NULL;
	unsigned int i;

	for (i = 0; i < kcore->count; i++) {
		segment = &kcore->segments[i];
		if (segment->p_type == PT_LOAD && address >= segment->p_paddr &&
		    address - segment->p_paddr < segment->p_memsz &&
		    (!found || segment->p_vaddr < found->p_vaddr))
			found = segment;
	}
	return found && pread(kcore->fd, page, SZ_4K, found->p_offset + address -
			      found->p_paddr) == SZ_4K;
}

static bool all_zero(const void *page)
{
	static const u8 zeros[SZ_4K];

	return !memcmp(page, zeros, sizeof(zeros));
}

/* That it can see such memory at all */
static bool kcore_sees(const struct kcore *kcore)
{
	u64 *mine = (u64 *)testmem_scattered(SZ_4K), page[SZ_4K / sizeof(u64)] = { 0 };
	u64 *frame = mine ? page_frames(mine, 1) : NULL;

	if (!check(frame, "no memory"))
		return false;
	mine[0] = LENT_BEFORE(1);
	return check(kcore_read(kcore, *frame, page), KCORE " ends before page %#llx", *frame) &&
	       check(page[0] == mine[0], KCORE " has %#llx in page %#llx, not %#llx", page[0],
		     *frame, mine[0]);
}

void row_kcore(struct lent *lent)
{
	u64 *frames = lent_frames(lent), pages = lent->size / sysconf(_SC_PAGESIZE), i;
	static struct kcore kcore;
	u8 page[SZ_4K];

	if (!frames || !kcore_open(&kcore) || !kcore_sees(&kcore))
		return;
	for (i = 0; i < pages; i++) {
		if (!kcore_read(&kcore, frames[i], page)) {
			saw("%s", result_name(-1));
			return;
		}
		if (!all_zero(page)) {
			saw("contents");
			return;
		}
	}
	saw("zeros");
}

/*
 * Compaction and swapping
 */

/* -1 on kernels that do not count */
static long long event_count(const char *key)
{
	long long value = -1, n;
	char name[64];
	FILE *file;

	write_file("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/vmstat", "re");
	while (file && fscanf(file, "%63s %lld", name, &n) == 2)
		if (!strcmp(name, key))
			value = n;
	if (file)
		fclose(file);
	return value;
}

void row_compact(struct lent *lent)
{
	long long before = event_count("compact_migrate_scanned");

	(void)lent;
	if (write_file("/proc/sys/vm/compact_memory", "1") &&
	    check(before < 0 || event_count("compact_migrate_scanned") > before,
		  "nothing was looked at"))
		saw("safe");
}

/* As mkswap does */
static bool make_swap(void)
{
	static u8 page[SZ_4K];
	u32 *header = (u32 *)(page + 1024);
	int fd = open(ZRAM_DEVICE, O_RDWR | O_CLOEXEC);

	header[0] = 1;
	header[1] = SWAP_SIZE / SZ_4K - 1;
	memcpy(page + SZ_4K - strlen(SWAP_MAGIC), SWAP_MAGIC, strlen(SWAP_MAGIC));
	if (!check(fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page), "%s: errno %d",
		   ZRAM_DEVICE, errno))
		return false;
	return !close(fd);
}

static bool swap_on(void)
{
	char size[32];

	if (!check(!access(ZRAM_DEVICE, F_OK), "no " ZRAM_DEVICE))
		return false;
	snprintf(size, sizeof(size), "%llu", SWAP_SIZE);
	return write_file(ZRAM "disksize", size) && make_swap() &&
	       check_errno(swapon(ZRAM_DEVICE, 0), 0, "swapon");
}

static u64 swapped_out(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return 0;
	return (u64)(info.totalswap - info.freeswap) * info.mem_unit;
}

/* Swap out memory of this process, as much as it takes, and have it back. */
static bool swap_own(void)
{
	u8 *p = testmem_scattered(SWAPPED);
	u64 at;

	if (!check(p, "no memory"))
		return false;
	for (at = 0; at < SWAPPED; at += SZ_4K)
		*(u64 *)(p + at) = at;
	while (swapped_out() < SWAPPED_MIN)
		if (madvise(p, SWAPPED, MADV_PAGEOUT))
			return check_errno(-1, 0, "MADV_PAGEOUT");
	for (at = 0; at < SWAPPED; at += SZ_4K)
		if (*(u64 *)(p + at) != at)
			return check(false, "what was swapped out is lost");
	testmem_free(p, SWAPPED);
	return true;
}

void row_swap(struct lent *lent)
{
	bool swapped;

	if (!swap_on())
		return;
	/* What it says to this is not the point. */
	madvise(lent->p, lent->size, MADV_PAGEOUT);
	swapped = swap_own() && write_file("/proc/sys/vm/drop_caches", "3");
	if (swapped && access_signal(lent->p, false) == SIGBUS)
		saw("safe");
	if (check_errno(swapoff(ZRAM_DEVICE), 0, "swapoff"))
		write_file(ZRAM "reset", "1");
}

/*
 * Hibernation: the image is made, but not kept
 */

void row_hibernate(struct lent *lent)
{
	int fd = open(SNAPSHOT, O_RDONLY | O_CLOEXEC), suspended = -1;

	(void)lent;
	if (fd < 0 && errno == ENOENT) {
		saw("no hibernation");
		return;
	}
	if (!check_errno(fd, 0, SNAPSHOT) ||
	    !check_errno(ioctl(fd, SNAPSHOT_FREEZE), 0, "FREEZE"))
		return;
	tap_alive();
	if (check_errno(ioctl(fd, SNAPSHOT_CREATE_IMAGE, &suspended), 0, "CREATE_IMAGE") &&
	    check(suspended == 1, "no image"))
		saw("succeeds");
	check_errno(ioctl(fd, SNAPSHOT_UNFREEZE), 0, "UNFREEZE");
	close(fd);
}
