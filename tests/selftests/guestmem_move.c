// SPDX-License-Identifier: GPL-2.0
/*
 * User memory that is lent: at START it moves to guest memory files, and the process finds it
 * where it was.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guestmem.h"
#include "parcel.h"
#include "testmem.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB		0x0004U
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB		(21U << 26)
#endif

#define LABEL			10
#define SIZE			SZ_2M
#define RW			(PROT_READ | PROT_WRITE)

/* VMs with an image of their own, which is in this file */
static int image = -1;

static bool open_image(void)
{
	image = gmem_new(0, TESTVM_MEM_SIZE);
	return image >= 0;
}

static bool create(struct testvm *vm, u32 flags, u64 gpa, u8 *p, u64 size)
{
	return gmem_vm_create(vm, image, 0, PROGRAM(peek)) &&
	       check_errno(testmem_set(vm->fd, LABEL, flags, gpa, p, size), 0, "region");
}

/* What the host wrote is there for the guest, which writes something, too. */
static void run(struct testvm *vm, u64 gpa, u64 size, u64 seed)
{
	testvm_peek(vm, gpa, gm_value(seed, 0), "the first word");
	testvm_peek(vm, gpa + size / 2, gm_value(seed, size / 2 / SZ_4K), "a word in the middle");
	testvm_peek(vm, gpa + size - 8, ~gm_value(seed, size / SZ_4K - 1), "the last word");
	testvm_poke(vm, gpa + 16, seed, seed);
}

static void check_lent(u8 *p, u64 size)
{
	u64 at;

	for (at = 0; at < size; at += size / 8)
		check(access_signal(p + at, false) == SIGBUS &&
		      access_signal(p + at, true) == SIGBUS, "no SIGBUS at %#llx", at);
	check(access_signal(p + size - 1, false) == SIGBUS, "no SIGBUS at the end");
}

static void check_back(u8 *p, u64 size, u64 seed, const char *what)
{
	check(*(u64 *)(p + 16) == seed, "%s: what the guest wrote is lost", what);
	gm_check(p, size, seed, what);
}

/* Perhaps more than one, by what else is in memory; but not less than 2 MiB each. */
static u64 few(u64 size)
{
	return size / SZ_2M + 1;
}

/* All of a life, memory being lent by either call. */
static void live(u8 *p, u64 size, u64 seed, bool android, const char *what)
{
	const struct gh_userspace_memory_region region = {
		.label = LABEL,
		.flags = TESTMEM_RWX,
		.guest_phys_addr = BEHIND,
		.memory_size = size,
		.userspace_addr = (unsigned long)p,
	};
	struct parcel parcel = { 0 };
	struct testvm vm;

	gm_fill(p, size, seed);
	if (gmem_vm_create(&vm, image, 0, PROGRAM(peek)) &&
	    check_errno(android ? ioctl(vm.fd, GH_VM_ANDROID_LEND_USER_MEM, &region) :
				  testmem_set(vm.fd, LABEL, TESTMEM_LENT, BEHIND, p, size), 0,
			"%s: region", what) && gm_start(&vm, 0, false)) {
		check(parcel_find(LABEL, 0, &parcel) && parcel.lent && parcel.size == size,
		      "%s: no parcel", what);
		check(parcel.entries <= few(size), "%s: %u entries", what, parcel.entries);
		check(!parcel_find(LABEL, 1, &parcel), "%s: two parcels", what);
		check_lent(p, size);
		run(&vm, BEHIND, size, seed);
		check_lent(p, size);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check_back(p, size, seed, what);
}

struct kind {
	const char *what;
	int fd;
	int flags;
};

void gm_move_kinds(void)
{
	const struct kind kinds[] = {
		{ "anonymous", -1, MAP_PRIVATE | MAP_ANONYMOUS },
		{ "anonymous, shared", -1, MAP_SHARED | MAP_ANONYMOUS },
		{ "memfd", memfd_create("1", MFD_CLOEXEC), MAP_SHARED },
		{ "copy of a memfd", memfd_create("2", MFD_CLOEXEC), MAP_PRIVATE },
		{ "hugetlb", -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB },
		{ "memfd of hugetlb", memfd_create("3", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB),
		  MAP_SHARED },
	};
	unsigned int i;
	u8 *p;

	if (!open_image())
		return;
	for (i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i / 2];

		if (kind->fd >= 0)
			check(!ftruncate(kind->fd, SIZE), "%s: errno %d", kind->what, errno);
		p = mmap(NULL, SIZE, RW, kind->flags, kind->fd, 0);
		if (!check(p != MAP_FAILED, "%s: mmap: errno %d", kind->what, errno))
			continue;
		live(p, SIZE, i + 1, i % 2, kind->what);
		munmap(p, SIZE);
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].fd >= 0)
			close(kinds[i].fd);
	close(image);
}

/*
 * Mappings
 */

/* Protection of each quarter, before START; the third one's changed afterwards. */
void gm_move_protection(void)
{
	const u64 quarter = SIZE / 4;
	u8 *p = testmem_thp(SIZE);
	struct testvm vm;

	if (!check(p, "no memory") || !open_image())
		return;
	gm_fill(p, SIZE, 1);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE) &&
	    check_errno(mprotect(p + quarter, quarter, PROT_READ), 0, "mprotect") &&
	    gm_start(&vm, 0, false)) {
		check(access_signal(p + quarter, false) == SIGBUS, "read of lent memory");
		check(access_signal(p + quarter, true) == SIGSEGV, "write of what is read-only");
		check(access_signal(p, true) == SIGBUS, "write of lent memory");
		check(access_signal(p + 2 * quarter, true) == SIGBUS, "write of lent memory");
		check_errno(mprotect(p + 2 * quarter, quarter, PROT_NONE), 0, "mprotect");
		check(access_signal(p + 2 * quarter, false) == SIGSEGV, "read of nothing");
		run(&vm, BEHIND, SIZE, 1);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check(access_signal(p + quarter, true) == SIGSEGV, "write of what is read-only");
	check(access_signal(p + 2 * quarter, false) == SIGSEGV, "read of nothing");
	check_errno(mprotect(p, SIZE, RW), 0, "mprotect");
	check_back(p, SIZE, 1, "after it can be written again");
	/* Whatever came to be beside it is not touched. */
	testmem_free(p, SIZE);
	close(image);
}

/* A neighbour on each side, of the same mapping */
void gm_move_scattered(void)
{
	const u64 room = 4096 * SZ_4K, size = room - 2 * SZ_1M;
	u8 *all = testmem_scattered(room), *p = all + SZ_1M;
	struct testvm vm;

	if (!check(all, "no memory") || !open_image())
		return;
	check(testmem_runs(p, size) > 256, "%llu runs", testmem_runs(p, size));
	gm_fill(all, room, 7);
	live(p, size, 8, false, "scattered");
	check(testmem_runs(p, size) && testmem_runs(p, size) <= few(size), "%llu runs",
	      testmem_runs(p, size));
	gm_check(all, SZ_1M, 7, "before it");
	check(*(u64 *)(p + size) == gm_value(7, (SZ_1M + size) / SZ_4K), "behind it");
	/* Memory that was cleared is what the process sees. */
	if (create(&vm, TESTMEM_LENT | GH_MEM_SANITIZE, BEHIND, p, size) &&
	    gm_start(&vm, 0, false)) {
		run(&vm, BEHIND, size, 8);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	gm_check_zero(p, size, "cleared");
	testmem_free(all, room);
	close(image);
}

/* The file keeps the old pages, and new mappings show these. */
void gm_move_memfd(void)
{
	int fd = memfd_create("old", MFD_CLOEXEC);
	u64 value[3] = { 0 };
	u8 *p, *q;

	if (!open_image() || !check(!ftruncate(fd, SIZE), "ftruncate: errno %d", errno))
		return;
	p = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
	if (!check(p != MAP_FAILED, "mmap: errno %d", errno))
		return;
	live(p, SIZE, 9, false, "memfd");
	check(pread(fd, value, sizeof(value), 0) == sizeof(value), "pread: errno %d", errno);
	check(value[0] == gm_value(9, 0), "the file is not as it was");
	check(!value[2], "what the guest wrote is in the file");
	*(u64 *)p = 1;
	check(pread(fd, value, 8, 0) == 8 && value[0] == gm_value(9, 0),
	      "what the process writes is in the file");
	q = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
	if (check(q != MAP_FAILED, "mmap: errno %d", errno)) {
		gm_check(q, SIZE, 9, "a new mapping");
		munmap(q, SIZE);
	}
	munmap(p, SIZE);
	close(fd);
	close(image);
}

/*
 * What cannot be moved
 */

/* A child has pages mapped when it touches them; one is enough. */
static bool touch(void *arg)
{
	u8 *p = arg;

	return !access_signal(p + SIZE / 2 + SZ_64K, false);
}

/* START fails as long as somebody else has it mapped. */
static void mapped_by_child(int flags, int err)
{
	u8 *p = mmap(NULL, SIZE, RW, flags | MAP_ANONYMOUS, -1, 0);
	struct gm_child child;
	struct testvm vm;

	if (!check(p != MAP_FAILED, "mmap: errno %d", errno))
		return;
	gm_fill(p, SIZE, 1);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE)) {
		gm_fork(&child, touch, p);
		if (err) {
			if (gm_start(&vm, err, true) && gm_start(&vm, err, true))
				gm_check(p, SIZE, 1, "after an error");
			gm_let_go(&child);
		}
		if (gm_start(&vm, 0, false)) {
			check_lent(p, SIZE);
			run(&vm, BEHIND, SIZE, 1);
			testvm_power_off(&vm);
		}
		gm_let_go(&child);
	}
	testvm_close(&vm);
	check_back(p, SIZE, 1, "in the end");
	munmap(p, SIZE);
}

static void mapped_twice(void)
{
	int fd = memfd_create("twice", MFD_CLOEXEC);
	struct testvm vm;
	u8 *p, *q;

	check(!ftruncate(fd, SIZE), "ftruncate: errno %d", errno);
	p = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, SZ_64K, RW, MAP_SHARED, fd, SIZE / 2);
	if (!check(p != MAP_FAILED && q != MAP_FAILED, "mmap: errno %d", errno))
		return;
	gm_fill(p, SIZE, 2);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE)) {
		gm_check(p, SIZE, 2, "at first");
		*(u64 *)q = gm_value(2, SIZE / 2 / SZ_4K);
		gm_start(&vm, EADDRINUSE, true);
		munmap(q, SZ_64K);
		if (gm_start(&vm, 0, false)) {
			run(&vm, BEHIND, SIZE, 2);
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	check_back(p, SIZE, 2, "in the end");
	munmap(p, SIZE);
	close(fd);
}

void gm_move_shared(void)
{
	if (!open_image())
		return;
	mapped_by_child(MAP_SHARED, EADDRINUSE);
	/* The child has copies of its own. */
	mapped_by_child(MAP_PRIVATE, 0);
	mapped_twice();
	close(image);
}

enum change {
	CHANGE_HOLE,
	CHANGE_END,
	CHANGE_OTHER,
	CHANGE_GONE,
	CHANGES
};

static const char *const change_names[CHANGES] = {
	"hole", "end missing", "other memory", "contents given up",
};

static void change_mapping(u8 *p, enum change change)
{
	u8 *at;

	switch (change) {
	case CHANGE_HOLE:
		munmap(p + SIZE / 2, SZ_4K);
		break;
	case CHANGE_END:
		munmap(p + SIZE - SZ_4K, SZ_4K);
		break;
	case CHANGE_OTHER:
		at = mmap(p + SIZE / 2, SZ_4K, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		check(at == p + SIZE / 2, "mmap: errno %d", errno);
		p[SIZE / 2] = 1;
		break;
	default:
		check_errno(madvise(p + SIZE / 2, SZ_4K, MADV_DONTNEED), 0, "madvise");
		break;
	}
}

static void change_and_start(enum change change)
{
	u8 *p = testmem_thp(SIZE), *other = testmem_thp(SIZE);
	struct testvm vm;

	if (!check(p && other, "no memory"))
		return;
	gm_fill(p, SIZE, 3);
	gm_fill(other, SIZE, 4);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE)) {
		change_mapping(p, change);
		if (check(gm_start(&vm, EADDRINUSE, true), "%s", change_names[change]))
			check(*(u64 *)p == gm_value(3, 0), "%s: the rest changed",
			      change_names[change]);
		check(!access_signal(p, true), "%s: the rest is gone", change_names[change]);
		/* It can be mended. */
		check_errno(testmem_set(vm.fd, LABEL, 0, 0, NULL, 0), 0, "deletion");
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_LENT, BEHIND, other, SIZE), 0,
			    "other memory");
		if (gm_start(&vm, 0, false)) {
			run(&vm, BEHIND, SIZE, 4);
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	testmem_free(p, SIZE);
	check_back(other, SIZE, 4, change_names[change]);
	testmem_free(other, SIZE);
}

void gm_move_changed(void)
{
	enum change change;

	if (!open_image())
		return;
	for (change = 0; change < CHANGES; change++)
		change_and_start(change);
	close(image);
}

static void unmap_and_live(bool move)
{
	u8 *p = testmem_scattered(SIZE), *room;
	struct parcel parcel = { 0 };
	struct testvm vm;

	room = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!check(p && room != MAP_FAILED, "no memory"))
		return;
	gm_fill(p, SIZE, 5);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE)) {
		if (move)
			check(mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room) == room,
			      "mremap: errno %d", errno);
		else
			testmem_free(p, SIZE);
		if (gm_start(&vm, 0, false)) {
			check(parcel_find(LABEL, 0, &parcel) && parcel.entries <= 4,
			      "%u entries", parcel.entries);
			run(&vm, BEHIND, SIZE, 5);
			check(access_signal(p, false) == SIGSEGV, "it is mapped");
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	check(access_signal(p, false) == SIGSEGV, "it is mapped");
	if (move) {
		gm_check(room, SIZE, 5, "where it was moved to");
		check(!*(u64 *)(room + 16), "the guest wrote to what was moved");
	}
	munmap(room, SIZE);
}

/* Nobody has it there any more but the VM. */
void gm_move_unmapped(void)
{
	if (!open_image())
		return;
	unmap_and_live(false);
	unmap_and_live(true);
	close(image);
}

/*
 * Once more
 */

/* It moves once: then it is lent and shared where it is. */
void gm_move_again(void)
{
	u8 *p = testmem_scattered(SIZE);
	struct testvm vm;
	u64 pfn, gpa;
	long locked;

	if (!check(p, "no memory") || !open_image())
		return;
	pfn = testmem_pfn(p + SZ_64K);
	live(p, SIZE, 1, false, "first");
	check(testmem_pfn(p + SZ_64K) && testmem_pfn(p + SZ_64K) != pfn, "it did not move");
	pfn = testmem_pfn(p + SZ_64K);
	locked = testmem_locked();
	live(p, SIZE, 2, false, "second");
	check(testmem_pfn(p + SZ_64K) == pfn, "it moved again");
	live(p + SZ_64K, SZ_64K, 3, true, "a part of it");
	check(testmem_pfn(p + SZ_64K) == pfn, "it moved again");
	gm_fill(p, SIZE, 4);
	if (create(&vm, TESTMEM_RWX, ELSEWHERE, p, SIZE) && gm_start(&vm, 0, false)) {
		gpa = parcel_address(LABEL);
		run(&vm, gpa, SIZE, 4);
		check(*(u64 *)(p + 16) == 4, "the host does not see what the guest wrote");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	check_back(p, SIZE, 4, "shared");
	check(testmem_pfn(p + SZ_64K) == pfn, "it moved again");
	live(p, SIZE, 5, false, "last");
	testmem_check_locked(locked, "after all of them");
	testmem_free(p, SIZE);
	close(image);
}

static bool start_is_refused(void *arg)
{
	return testvm_ioctl_start(arg) && errno == EPERM;
}

/* A process cannot have the mappings of another replaced. */
void gm_move_other_process(void)
{
	u8 *p = testmem_thp(SIZE);
	struct gm_child child;
	struct testvm vm;

	if (!check(p, "no memory") || !open_image())
		return;
	gm_fill(p, SIZE, 6);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE)) {
		gm_fork(&child, start_is_refused, &vm);
		gm_let_go(&child);
		gm_check(p, SIZE, 6, "after EPERM");
		if (gm_start(&vm, 0, false)) {
			run(&vm, BEHIND, SIZE, 6);
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	check_back(p, SIZE, 6, "in the end");
	testmem_free(p, SIZE);
	close(image);
}

/* The old way, for those who ask for it */
void gm_move_unsafe(void)
{
	u8 *p = testmem_thp(SIZE);
	struct testvm vm;
	u64 pfn;

	if (!check(p, "no memory") || !open_image() || !testmem_lend_in_place(true))
		return;
	gm_fill(p, SIZE, 7);
	pfn = testmem_pfn(p);
	if (create(&vm, TESTMEM_LENT, BEHIND, p, SIZE) && gm_start(&vm, 0, false)) {
		check(testmem_pfn(p) == pfn, "it moved");
		check_lent(p, SIZE);
		run(&vm, BEHIND, SIZE, 7);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	testmem_lend_in_place(false);
	check(testmem_pfn(p) == pfn, "it moved");
	check_back(p, SIZE, 7, "in the end");
	testmem_free(p, SIZE);
	close(image);
}
