// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of guests on hosts with pages of any size. What the host has is in pages of the
 * host, where guests have it in pages of the Resource Manager, which are of 4 KiB.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dump.h"
#include "parcel.h"
#include "testgmem.h"
#include "testmem.h"

/* Lent memory is right behind the image, shared memory where the Resource Manager wants. */
#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define ELSEWHERE		(2 * BEHIND)
#define KEEP			GH_MAP_MEM_KEEP_CONTENTS
#define LABEL			10
#define LARGE			(32 * SZ_1M)

static u64 page;
static struct dump before;

/* Memory besides the image, not of whole 2 MiB on any host */
static u64 data_size(void)
{
	return SZ_1M + page;
}

/*
 * Rules
 */

static void file_sizes(void)
{
	const u64 wrong[] = { page / 2, page - 1, page + 1, page + page / 2, SZ_2M + page / 2 };
	const u64 right[] = { page, 3 * page, SZ_2M, SZ_2M + page };
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC), fd;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		check_errno(gmem_create(dev, 0, wrong[i]), EINVAL, "size %#llx", wrong[i]);
	check_errno(gmem_create(dev, 0, SZ_4K), page == SZ_4K ? 0 : EINVAL, "one page of 4 KiB");
	for (i = 0; i < ARRAY_SIZE(right); i++) {
		fd = gmem_create(dev, 0, right[i]);
		if (check_errno(fd, 0, "size %#llx", right[i]))
			gmem_check_info(fd, "size", right[i], "a new file");
		close(fd);
	}
	close(dev);
}

static void check_holes(int fd, u64 pages, u64 runs, const char *when)
{
	gmem_check_info(fd, "allocated", pages * page, when);
	gmem_check_info(fd, "runs", runs, when);
	gmem_check_info(fd, "guards", runs * page, when);
}

static void file_holes(void)
{
	const u64 size = 8 * page, part = page / 2;
	int fd = gmem_new(0, size);
	u8 *p = gmem_mmap(fd, size);

	if (!p)
		return;
	check_errno(gm_fallocate(fd, 0, part, page), EINVAL, "half a page further");
	check_errno(gm_fallocate(fd, 0, 0, part), EINVAL, "half a page");
	check_errno(gm_fallocate(fd, FALLOC_FL_PUNCH_HOLE, page, part), EINVAL, "half a hole");
	check_errno(gm_fallocate(fd, 0, size - page, 2 * page), EINVAL, "beyond the end");
	check_holes(fd, 0, 0, "at first");

	check_errno(gm_fallocate(fd, 0, 2 * page, page), 0, "one page");
	check_holes(fd, 1, 1, "with one page");
	gm_check_zero(p + 2 * page, page, "one page");
	check_errno(gm_fallocate(fd, 0, 0, size), 0, "all pages");
	check_holes(fd, 8, 3, "with all pages");
	gm_fill(p, size, 1);
	check_errno(gm_fallocate(fd, FALLOC_FL_PUNCH_HOLE, 5 * page, page), 0, "a hole");
	check_holes(fd, 7, 4, "with a hole");
	gm_check(p, page, 1, "far from the hole");
	check(*(u64 *)(p + 5 * page - 8) == ~gm_value(1, 5 * page / SZ_4K - 1) &&
	      *(u64 *)(p + 6 * page) == gm_value(1, 6 * page / SZ_4K), "beside the hole");
	gm_check_zero(p + 5 * page, page, "the hole");
	check_holes(fd, 8, 5, "with a page in the hole");
	munmap(p, size);
	close(fd);
}

/* Guest addresses are the Resource Manager's, the rest is the host's. */
static void part_rules(void)
{
	const u64 half = page / 2, parts[][3] = {
		{ BEHIND, half, page }, { BEHIND, 0, half }, { BEHIND, 0, page + half },
		{ BEHIND, page, page - 1 }, { BEHIND + SZ_4K / 2, 0, page },
		{ BEHIND + 1, 0, page },
	};
	int fd = gmem_new(0, SZ_2M);
	struct testvm vm;
	unsigned int i;

	if (fd < 0 || !testvm_open(&vm))
		return;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		check_errno(gmem_map(vm.fd, parts[i][0], GMEM_LEND, fd, parts[i][1], parts[i][2]),
			    EINVAL, "part %u", i);
	check_errno(gmem_map(vm.fd, BEHIND + SZ_4K, GMEM_LEND, fd, page, page), 0, "a page");
	check_errno(gmem_map(vm.fd, BEHIND + page, GMEM_LEND, fd, 2 * page, page), EEXIST,
		    "addresses that are taken");
	check_errno(gmem_map(vm.fd, BEHIND + SZ_4K + page, GMEM_SHARE, fd, 3 * page, 2 * page), 0,
		    "behind it");
	gmem_check_info(fd, "shared", 3 * page, "before START");
	check_errno(gmem_map(vm.fd, BEHIND + SZ_4K + page, GMEM_SHARE | GH_MAP_MEM_UNMAP, fd,
			     3 * page, half), EINVAL, "half a page back");
	check_errno(gmem_map(vm.fd, BEHIND + SZ_4K + page, GMEM_SHARE | GH_MAP_MEM_UNMAP, fd,
			     3 * page, page), 0, "one page back");
	gmem_check_info(fd, "shared", 2 * page, "after UNMAP");
	testvm_close(&vm);
	close(fd);
}

static void user_rules(void)
{
	u8 *p = testmem_thp(SZ_2M);
	const u64 half = page / 2;
	struct testvm vm;

	if (!check(p, "no memory") || !testvm_open(&vm))
		return;
	check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BEHIND, p + half, page), EINVAL, "address");
	check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BEHIND, p, half), EINVAL, "size");
	check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BEHIND + SZ_4K / 2, p, page), EINVAL,
		    "guest address");
	check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BEHIND + SZ_4K, p + page, page), 0,
		    "a page");
	check(testmem_info(vm.fd, "mem-pinned") == (long long)page, "%lld bytes pinned",
	      testmem_info(vm.fd, "mem-pinned"));
	testvm_close(&vm);
	testmem_free(p, SZ_2M);
}

/*
 * Guests
 */

/* It has each of its pages, and can write to them; what it wrote is at 8 of each MiB. */
static void use_data(struct testvm *vm, u64 gpa, u64 seed)
{
	u64 at;

	for (at = 0; at < data_size(); at += SZ_4K)
		if (!testvm_peek(vm, gpa + at, gm_value(seed, at / SZ_4K), "start of a page") ||
		    !testvm_peek(vm, gpa + at + SZ_4K - 8, ~gm_value(seed, at / SZ_4K),
				 "end of a page"))
			return;
	for (at = 8; at < data_size(); at += SZ_1M)
		testvm_poke(vm, gpa + at, seed + at, seed + at);
}

static void check_used(const u8 *p, u64 seed, const char *when)
{
	u64 at;

	gm_check(p, data_size(), seed, when);
	for (at = 8; at < data_size(); at += SZ_1M)
		check(*(u64 *)(p + at) == seed + at, "%s: not what the guest wrote", when);
}

static void check_gone(u8 *p, u64 size, const char *what)
{
	u64 at;

	for (at = 0; at < size; at += SZ_4K)
		if (!check(access_signal(p + at, at & SZ_4K) == SIGBUS, "%s: it is there at %#llx",
			   what, at))
			return;
	check(access_signal(p + size - 1, true) == SIGBUS, "%s: it is there at its end", what);
}

static void check_parcel(u32 label, unsigned int entries, u64 size, bool lent)
{
	struct parcel parcel = { 0 };

	if (dump_supported() && check(parcel_find(label, 0, &parcel), "no parcel %#x", label))
		check(parcel.entries == entries && parcel.size == size && parcel.lent == lent,
		      "parcel %#x: %u entries, %#llx bytes", label, parcel.entries, parcel.size);
}

/*
 * Of a file it has the second page and what follows, but for the last page: its image,
 * and data that begins with the page behind that.
 */
static void run_lent_file(struct testvm *vm, int fd, u8 *p)
{
	const u64 image = page, data = image + TESTVM_MEM_SIZE, end = data + data_size();
	long long runs = gmem_info(fd, "runs");

	if (!gmem_vm_create(vm, fd, image, PROGRAM(peek)) ||
	    !check(vm->run_size == page, "run page of %zu bytes", vm->run_size) ||
	    !check_errno(gmem_map(vm->fd, BEHIND, GMEM_LEND | KEEP, fd, data, data_size()), 0,
			 "MAP_MEM") ||
	    !check_errno(testvm_ioctl_start(vm), 0, "START"))
		return;
	check_parcel(BEHIND / SZ_4K, runs, data_size(), true);
	gmem_check_info(fd, "lent", end - image, "after START");
	check(!access_signal(p, true) && !access_signal(p + image - 1, true) &&
	      !access_signal(p + end, true), "pages beside what is lent");
	check_gone(p + image, end - image, "lent");
	use_data(vm, BEHIND, 1);
	check_gone(p + data, data_size(), "lent, and used");
	testvm_power_off(vm);
}

static void lent_file(void)
{
	const u64 data = page + TESTVM_MEM_SIZE, size = data + data_size() + page;
	int fd = gmem_new(0, size);
	u8 *p = gmem_mmap(fd, size);
	struct testvm vm = { .fd = -1 };

	if (!p)
		return;
	/* So that what the guest has of the image is in other runs */
	check_errno(gm_fallocate(fd, 0, data, data_size()), 0, "fallocate");
	gm_fill(p + data, data_size(), 1);
	run_lent_file(&vm, fd, p);
	testvm_close(&vm);
	check_used(p + data, 1, "in the end");
	gm_check_zero(p + page, TESTVM_MEM_SIZE, "the image");
	munmap(p, size);
	close(fd);
}

static void run_shared(struct testvm *vm, u32 label, u8 *p)
{
	u64 gpa;

	gm_fill(p, data_size(), 2);
	if (!check_errno(testvm_ioctl_start(vm), 0, "START"))
		return;
	gpa = parcel_address(label);
	check(!access_signal(p, false) && !access_signal(p + data_size() - 1, false),
	      "shared memory is gone");
	use_data(vm, gpa, 2);
	check_used(p, 2, "while the guest runs");
	*(u64 *)(p + data_size() - 8) = 3;
	testvm_peek(vm, gpa + data_size() - 8, 3, "what the host wrote");
	testvm_power_off(vm);
}

static void shared_file(void)
{
	int fd = gmem_new(0, data_size()), image = gmem_new(0, TESTVM_MEM_SIZE);
	struct testvm vm = { .fd = -1 };
	u8 *p = gmem_mmap(fd, data_size());

	/* The address does not have to be of pages of the host. */
	if (p && gmem_vm_create(&vm, image, 0, PROGRAM(peek)) &&
	    check_errno(gmem_map(vm.fd, ELSEWHERE + SZ_4K, GMEM_SHARE, fd, 0, data_size()), 0,
			"MAP_MEM"))
		run_shared(&vm, ELSEWHERE / SZ_4K + 1, p);
	testvm_close(&vm);
	munmap(p, data_size());
	close(image);
	close(fd);
}

/* The same as lent and as shared user memory, in single pages that lie anywhere */
static void user_memory(u32 flags)
{
	u8 *p = testmem_scattered(data_size());
	struct testvm vm;

	if (!check(p, "no memory"))
		return;
	gm_fill(p, data_size(), 2);
	if (testvm_create(&vm, 1, PROGRAM(peek)) &&
	    check_errno(testmem_set(vm.fd, LABEL, flags, flags & GH_MEM_LENT ? BEHIND : ELSEWHERE,
				    p, data_size()), 0, "region")) {
		if (!(flags & GH_MEM_LENT)) {
			run_shared(&vm, LABEL, p);
		} else if (check_errno(testvm_ioctl_start(&vm), 0, "START")) {
			check_gone(vm.ram.hva, TESTVM_MEM_SIZE, "image");
			check_gone(p, data_size(), "data");
			use_data(&vm, BEHIND, 2);
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	if (flags & GH_MEM_LENT)
		check_used(p, 2, "in the end");
	testmem_free(p, data_size());
}

static void lent_user(void)
{
	user_memory(TESTMEM_LENT);
}

static void shared_user(void)
{
	user_memory(TESTMEM_RWX);
}

/* Not every Resource Manager boots an image that the host has as well. */
static void shared_image(void)
{
	bool refused = test_options() && !strstr(test_options(), "rm=debug");
	int fd = gmem_new(0, TESTVM_MEM_SIZE);
	struct testvm vm = { .fd = -1 };

	if (fd >= 0 && testvm_open(&vm) && testvm_add_cpus(&vm, 1) &&
	    gmem_load(&vm, fd, 0, PROGRAM(peek)) && gmem_give(&vm, fd, 0, GMEM_SHARE) &&
	    check_errno(testvm_ioctl_start(&vm), refused ? ENOSPC : 0, "START") && !refused) {
		check(!access_signal(vm.ram.hva, false), "the image is gone");
		*(u64 *)(vm.ram.hva + TESTVM_MEM_SIZE - 8) = 5;
		testvm_peek(&vm, BEHIND - 8, 5, "what the host wrote");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	close(fd);
}

/*
 * Runs of 2 MiB and more begin at multiples of 2 MiB whatever the host's pages and blocks
 * of pages are, and are what the Resource Manager gets.
 */
static void large(void)
{
	int image = gmem_new(0, TESTVM_MEM_SIZE);
	int fd = gmem_new(GH_GUEST_MEM_ALLOW_HUGEPAGE, LARGE);
	u8 *p = gmem_mmap(fd, LARGE);
	struct testvm vm = { .fd = -1 };
	long long runs;

	if (!p || !check_errno(gm_fallocate(fd, 0, 0, LARGE), 0, "fallocate"))
		goto out;
	runs = gmem_info(fd, "runs");
	check(runs > 0 && runs <= (long long)(LARGE / SZ_2M), "%lld runs", runs);
	gm_fill(p, LARGE, 4);
	check(testmem_pfn(p) * page % SZ_2M == 0, "it begins at page %#llx", testmem_pfn(p));
	if (gmem_vm_create(&vm, image, 0, PROGRAM(peek)) &&
	    check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND | KEEP, fd, 0, LARGE), 0, "MAP_MEM") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START")) {
		check_parcel(BEHIND / SZ_4K, runs, LARGE, true);
		testvm_peek(&vm, BEHIND + LARGE - 8, ~gm_value(4, LARGE / SZ_4K - 1), "last word");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	gm_check(p, LARGE, 4, "in the end");
out:
	munmap(p, LARGE);
	close(fd);
	close(image);
}

static bool take(void)
{
	return !dump_supported() || dump_take(&before);
}

static void check_back(void)
{
	if (!dump_supported())
		return;
	dump_check_same(&before);
	dump_free(&before);
}

static const struct tap_test tests[] = {
	{ "files are of whole pages", file_sizes },
	{ "holes are of whole pages", file_holes },
	{ "parts of files are of whole pages, anywhere in the guest", part_rules },
	{ "user memory is of whole pages, anywhere in the guest", user_rules },
	{ "a guest with lent memory of a file", lent_file },
	{ "a guest with shared memory of a file", shared_file },
	{ "a guest with lent user memory", lent_user },
	{ "a guest with shared user memory", shared_user },
	{ "a guest whose image is shared, or refused", shared_image },
	{ "a guest with large runs", large },
};

int main(void)
{
	page = sysconf(_SC_PAGESIZE);
	note("pages of %llu KiB", page >> 10);
	tap_around(take, check_back);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
