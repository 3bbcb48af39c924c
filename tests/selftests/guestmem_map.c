// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: GH_VM_MAP_MEM, up to GH_VM_START.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guestmem.h"
#include "parcel.h"
#include "testmem.h"

#define PUNCH			FALLOC_FL_PUNCH_HOLE

#define SIZE			(4 * SZ_2M)
#define GPA_LIMIT		BIT_ULL(44)

static void bad_files(struct testvm *vm)
{
	int file = memfd_create("file", MFD_CLOEXEC);
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);

	check(!ftruncate(file, SIZE), "ftruncate: errno %d", errno);
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND, -1, 0, SZ_2M), EINVAL, "no file");
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND, 1000, 0, SZ_2M), EINVAL, "no file");
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND, file, 0, SZ_2M), EINVAL, "a memfd");
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND, dev, 0, SZ_2M), EINVAL, "the device");
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND, vm->fd, 0, SZ_2M), EINVAL, "the VM");
	check_errno(ioctl(vm->fd, GH_VM_MAP_MEM, 16), EFAULT, "a bad pointer");
	close(dev);
	close(file);
}

static void bad_flags(struct testvm *vm, int fd)
{
	const u32 known = GMEM_RWX | GH_MAP_MEM_FORCE_LEND | GH_MAP_MEM_FORCE_SHARE | UNMAP | KEEP;
	static const u32 without_access[] = {
		GH_MAP_MEM_DEFAULT_ACCESS, GH_MAP_MEM_FORCE_LEND, GH_MAP_MEM_FORCE_SHARE,
		KEEP | GH_MAP_MEM_FORCE_LEND,
		/* The hypervisor has none of these. */
		GH_MAP_MEM_ALLOW_WRITE, GH_MAP_MEM_ALLOW_EXEC,
		GH_MAP_MEM_ALLOW_WRITE | GH_MAP_MEM_ALLOW_EXEC | GH_MAP_MEM_FORCE_SHARE,
	};
	unsigned int i;

	for (i = 0; i < 32; i++) {
		const u32 bit = 1U << i;

		if (!(known & bit))
			check_errno(gmem_map(vm->fd, BASE, GMEM_LEND | bit, fd, 0, SZ_2M), EINVAL,
				    "flag %u", i);
	}
	for (i = 0; i < ARRAY_SIZE(without_access); i++)
		check_errno(gmem_map(vm->fd, BASE, without_access[i], fd, 0, SZ_2M), EINVAL,
			    "flags %#x", without_access[i]);
	check_errno(gmem_map(vm->fd, BASE, GMEM_LEND | GMEM_SHARE, fd, 0, SZ_2M), EINVAL,
		    "lend and share");
}

static void bad_places(struct testvm *vm, int fd)
{
	static const struct {
		u64 gpa;
		u64 offset;
		u64 size;
		int err;
	} cases[] = {
		{ BASE + 512, 0, SZ_2M, EINVAL },
		{ BASE, 512, SZ_2M, EINVAL },
		{ BASE, 0, SZ_2M + 512, EINVAL },
		{ BASE, 0, 0, EINVAL },
		{ BASE, 0, SIZE + SZ_4K, EINVAL },
		{ BASE, SIZE, SZ_4K, EINVAL },
		{ BASE, SIZE - SZ_4K, 2 * SZ_4K, EINVAL },
		{ BASE, -SZ_4K, 2 * SZ_4K, EOVERFLOW },
		{ BASE, SZ_4K, -SZ_4K, EOVERFLOW },
		{ BASE, BIT_ULL(63), SZ_4K, EINVAL },
		{ GPA_LIMIT, 0, SZ_4K, EINVAL },
		{ GPA_LIMIT - SZ_4K, 0, 2 * SZ_4K, EINVAL },
		{ BIT_ULL(63), 0, SZ_4K, EINVAL },
		{ -SZ_4K, 0, 2 * SZ_4K, EOVERFLOW },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_errno(gmem_map(vm->fd, cases[i].gpa, GMEM_LEND, fd, cases[i].offset,
				     cases[i].size), cases[i].err,
			    "%#llx at %#llx of the file, %#llx", cases[i].size, cases[i].offset,
			    cases[i].gpa);
}

/* All that are allowed, with what they do to the accounts */
static void good_flags(struct testvm *vm, int fd)
{
	static const u32 flags[] = {
		GMEM_LEND, GMEM_SHARE, GMEM_RWX, GMEM_LEND | KEEP, GMEM_RWX | KEEP,
		GH_MAP_MEM_ALLOW_READ, GH_MAP_MEM_ALLOW_READ | GH_MAP_MEM_FORCE_SHARE,
		GH_MAP_MEM_ALLOW_READ | GH_MAP_MEM_ALLOW_EXEC,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		check_errno(gmem_map(vm->fd, BASE, flags[i], fd, SZ_2M, SZ_2M), 0, "flags %#x",
			    flags[i]);
		gmem_check_info(fd, "allocated", SZ_2M, "when it is mapped");
		check(testmem_info(vm->fd, "mem-pinned") == (long long)SZ_2M, "%lld bytes",
		      testmem_info(vm->fd, "mem-pinned"));
		check_errno(gmem_map(vm->fd, BASE, flags[i] | UNMAP, fd, SZ_2M, SZ_2M), 0,
			    "UNMAP with flags %#x", flags[i]);
		check(!testmem_info(vm->fd, "mem-pinned"), "%lld bytes",
		      testmem_info(vm->fd, "mem-pinned"));
	}
	/* It stays allocated; somebody wants it again. */
	gmem_check_info(fd, "allocated", SZ_2M, "in the end");
	check_errno(gmem_map(vm->fd, GPA_LIMIT - SZ_2M, GMEM_LEND, fd, 0, SZ_2M), 0,
		    "the last addresses");
}

struct others {
	int vm;
	int fd;
};

static bool map_it(void *arg)
{
	const struct others *others = arg;

	return !gmem_map(others->vm, BEHIND, GMEM_LEND, others->fd, 0, SZ_2M);
}

/* Whoever has both files: nobody's own memory is given away. */
static void by_another_process(struct testvm *vm, int fd)
{
	struct others others = { vm->fd, fd };
	struct gm_child child;

	gm_fork(&child, map_it, &others);
	gm_let_go(&child);
	check_errno(gmem_map(vm->fd, BEHIND, GMEM_LEND | UNMAP, fd, 0, SZ_2M), 0, "UNMAP");
}

void gm_map_rules(void)
{
	int fd = gmem_new(0, SIZE);
	struct testvm vm;

	if (gm_open_vm(&vm)) {
		bad_files(&vm);
		bad_flags(&vm, fd);
		bad_places(&vm, fd);
		gmem_check_info(fd, "allocated", 0, "after errors");
		check(!testmem_info(vm.fd, "mem-pinned"), "the VM has memory after errors");
		good_flags(&vm, fd);
		check_errno(gmem_map(vm.fd, GPA_LIMIT - SZ_2M, GMEM_LEND | UNMAP, fd, 0, SZ_2M),
			    0, "UNMAP of the last addresses");
		by_another_process(&vm, fd);
	}
	testvm_close(&vm);
	close(fd);
}

void gm_map_huge(void)
{
	static const struct {
		u64 gpa;
		u64 offset;
		u64 size;
	} bad[] = {
		{ BASE + SZ_4K, 0, SZ_2M },
		{ BASE + SZ_1M, 0, SZ_2M },
		{ BASE, SZ_4K, SZ_2M },
		{ BASE, SZ_1M, SZ_2M },
		{ BASE, 0, SZ_2M - SZ_4K },
		{ BASE, 0, SZ_2M + SZ_64K },
		{ BASE, 0, SZ_1M },
	};
	int fd = gmem_new(GH_GUEST_MEM_ALLOW_HUGEPAGE, SIZE);
	struct testvm vm;
	size_t i;

	if (gm_open_vm(&vm)) {
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			check_errno(gmem_map(vm.fd, bad[i].gpa, GMEM_LEND, fd, bad[i].offset,
					     bad[i].size), EINVAL, "%#llx at %#llx, %#llx",
				    bad[i].size, bad[i].offset, bad[i].gpa);
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, SZ_2M, 2 * SZ_2M), 0, "MAP_MEM");
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND | UNMAP, fd, SZ_2M, SZ_1M), EINVAL,
			    "UNMAP of 1 MiB");
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND | UNMAP, fd, SZ_2M, SZ_2M), 0,
			    "UNMAP of 2 MiB");
	}
	testvm_close(&vm);
	close(fd);
}

void gm_map_overlap(void)
{
	int fd = gmem_new(0, SIZE), other_fd = gmem_new(0, SIZE);
	u8 *p = testmem_thp(SZ_2M), *q = gmem_mmap(other_fd, SIZE);
	struct testvm vm, other;

	other.fd = -1;
	if (check(p && q, "no memory") && gm_open_vm(&vm) && testvm_open(&other)) {
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, SZ_2M, SZ_2M), 0, "MAP_MEM");
		/* Of the file, for this VM and any */
		check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND, fd, SZ_2M, SZ_2M), EEXIST, "same");
		check_errno(gmem_map(vm.fd, BEHIND, GMEM_SHARE, fd, 0, SIZE), EEXIST, "around");
		check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND, fd, SZ_2M + SZ_64K, SZ_4K), EEXIST,
			    "inside");
		check_errno(gmem_map(other.fd, BASE, GMEM_LEND, fd, SZ_2M, SZ_2M), EEXIST,
			    "another VM");
		check_errno(gmem_map(other.fd, BASE, GMEM_SHARE, fd, 2 * SZ_2M - SZ_4K, SZ_2M),
			    EEXIST, "a page of it");
		check_errno(gmem_map(other.fd, BASE, GMEM_LEND, fd, 2 * SZ_2M, SZ_2M), 0,
			    "behind it");
		check_errno(gmem_map(other.fd, BEHIND, GMEM_LEND, fd, 0, SZ_2M), 0, "before it");
		/* Of the guest */
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, other_fd, 0, SZ_2M), EEXIST, "same");
		check_errno(gmem_map(vm.fd, BASE - SZ_4K, GMEM_LEND, other_fd, 0, 2 * SZ_4K),
			    EEXIST, "a page of it");
		check_errno(gmem_map(vm.fd, BASE + SZ_2M - SZ_4K, GMEM_LEND, other_fd, 0, SZ_2M),
			    EEXIST, "the last page of it");
		check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BASE + SZ_1M, p, SZ_4K), EEXIST,
			    "user memory there");
		check_errno(testmem_set(vm.fd, 1, TESTMEM_RWX, BEHIND, p, SZ_64K), 0,
			    "user memory behind it");
		check_errno(gmem_map(vm.fd, BEHIND + SZ_4K, GMEM_LEND, other_fd, 0, SZ_4K),
			    EEXIST, "where user memory is");
		gmem_check_info(other_fd, "shared", 0, "after errors");
		/* A mapping of the file as user memory is the file's part, too. */
		check_errno(gmem_map(vm.fd, ELSEWHERE, GMEM_LEND, other_fd, SZ_2M, SZ_2M), 0,
			    "MAP_MEM");
		check_errno(testmem_set(other.fd, 1, TESTMEM_RWX, ELSEWHERE, q + SZ_2M, SZ_4K),
			    EEXIST, "a mapping of what is taken");
		check_errno(testmem_set(other.fd, 1, TESTMEM_RWX, ELSEWHERE, q, SZ_2M), 0,
			    "a mapping of what is not");
		check_errno(gmem_map(vm.fd, ELSEWHERE + SZ_2M, GMEM_LEND, other_fd, 0, SZ_4K),
			    EEXIST, "what is taken by that");
		check_errno(testmem_set(other.fd, 1, 0, 0, NULL, 0), 0, "deletion");
		check_errno(gmem_map(vm.fd, ELSEWHERE + SZ_2M, GMEM_LEND, other_fd, 0, SZ_4K), 0,
			    "after the deletion");
	}
	testvm_close(&vm);
	if (other.fd >= 0)
		testvm_close(&other);
	munmap(q, SIZE);
	testmem_free(p, SZ_2M);
	close(fd);
	close(other_fd);
}

/* What is left of [2 MiB, 6 MiB) of the file, at BASE */
static void check_left(struct testvm *vm, int fd, u64 from, u64 to)
{
	struct testvm other;
	u64 at;

	check(testmem_info(vm->fd, "mem-pinned") == (long long)(to - from), "%lld bytes",
	      testmem_info(vm->fd, "mem-pinned"));
	if (testvm_open(&other)) {
		for (at = SZ_2M; at < 3 * SZ_2M; at += SZ_64K) {
			bool taken = at >= from && at < to;

			if (!check_errno(gmem_map(other.fd, at, GMEM_SHARE, fd, at, SZ_64K),
					 taken ? EEXIST : 0, "%#llx of the file", at))
				break;
		}
	}
	testvm_close(&other);
}

void gm_map_unmap(void)
{
	static const struct {
		const char *what;
		u64 gpa;
		u32 flags;
		u64 offset;
		u64 size;
		int err;
		u64 from, to;		/* what is left then */
	} steps[] = {
		{ "hole", BASE + SZ_2M, GMEM_LEND, 2 * SZ_2M, SZ_64K, EINVAL, SZ_2M, 3 * SZ_2M },
		{ "other access", BASE, GMEM_SHARE, SZ_2M, SZ_64K, EINVAL, SZ_2M, 3 * SZ_2M },
		{ "other rights", BASE, GMEM_LEND & ~0x40, SZ_2M, SZ_64K, EINVAL, SZ_2M,
		  3 * SZ_2M },
		{ "other offset", BASE, GMEM_LEND, SZ_2M + SZ_64K, SZ_64K, ENOENT, SZ_2M,
		  3 * SZ_2M },
		{ "nothing there", BASE - SZ_2M, GMEM_LEND, SZ_2M, SZ_64K, ENOENT, SZ_2M,
		  3 * SZ_2M },
		{ "more than there is", BASE, GMEM_LEND, SZ_2M, 2 * SZ_2M + SZ_64K, ENOENT, SZ_2M,
		  3 * SZ_2M },
		{ "odd size", BASE, GMEM_LEND, SZ_2M, SZ_64K + 1, EINVAL, SZ_2M, 3 * SZ_2M },
		{ "no size", BASE, GMEM_LEND, SZ_2M, 0, EINVAL, SZ_2M, 3 * SZ_2M },
		{ "front", BASE, GMEM_LEND, SZ_2M, SZ_64K, 0, SZ_2M + SZ_64K, 3 * SZ_2M },
		{ "front again", BASE, GMEM_LEND, SZ_2M, SZ_64K, ENOENT, SZ_2M + SZ_64K,
		  3 * SZ_2M },
		{ "back", BASE + SZ_2M, GMEM_LEND, 2 * SZ_2M, SZ_2M, 0, SZ_2M + SZ_64K, 2 * SZ_2M },
		{ "front once more", BASE + SZ_64K, GMEM_LEND, SZ_2M + SZ_64K, SZ_1M, 0,
		  SZ_2M + SZ_64K + SZ_1M, 2 * SZ_2M },
		{ "the rest", BASE + SZ_64K + SZ_1M, GMEM_LEND, SZ_2M + SZ_64K + SZ_1M,
		  SZ_1M - SZ_64K, 0, 0, 0 },
		{ "nothing left", BASE + SZ_64K + SZ_1M, GMEM_LEND, SZ_2M + SZ_64K + SZ_1M,
		  SZ_1M - SZ_64K, ENOENT, 0, 0 },
	};
	int fd = gmem_new(0, SIZE), other = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);
	struct testvm vm;
	size_t i;

	if (p && gm_open_vm(&vm)) {
		gm_fill(p, SIZE, 1);
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, SZ_2M, 2 * SZ_2M), 0, "MAP_MEM");
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND | UNMAP, other, SZ_2M, SZ_64K), ENOENT,
			    "another file");
		for (i = 0; i < ARRAY_SIZE(steps); i++) {
			check_errno(gmem_map(vm.fd, steps[i].gpa, steps[i].flags | UNMAP, fd,
					     steps[i].offset, steps[i].size), steps[i].err,
				    "%s", steps[i].what);
			check_left(&vm, fd, steps[i].from, steps[i].to);
		}
	}
	testvm_close(&vm);
	if (p)
		gm_check(p, SIZE, 1, "in the end");
	munmap(p, SIZE);
	close(fd);
	close(other);
}

/* What was trimmed is what the guest gets; then nothing can be changed. */
void gm_map_late(void)
{
	int fd = gmem_new(0, SIZE);
	struct testvm vm;

	if (gmem_vm_create(&vm, fd, 0, PROGRAM(peek)) &&
	    check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND, fd, SZ_2M, SZ_2M), 0, "MAP_MEM") &&
	    check_errno(gmem_map(vm.fd, BEHIND + SZ_1M, GMEM_LEND | UNMAP, fd, SZ_2M + SZ_1M,
				 SZ_1M), 0, "UNMAP") &&
	    gm_start(&vm, 0, false)) {
		struct parcel parcel = { 0 };

		check(parcel_find(GMEM_LABEL(BEHIND), 0, &parcel) && parcel.size == SZ_1M &&
		      parcel.lent && parcel.entries == 1, "not the parcel: %#llx in %u",
		      parcel.size, parcel.entries);
		check(parcel_find(GMEM_LABEL(BASE), 0, &parcel) && parcel.size == SZ_2M,
		      "no image");
		check_errno(gmem_map(vm.fd, ELSEWHERE, GMEM_LEND, fd, 3 * SZ_2M, SZ_4K), EBUSY,
			    "MAP_MEM");
		check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND | UNMAP, fd, SZ_2M, SZ_1M), EBUSY,
			    "UNMAP");
		testvm_peek(&vm, BEHIND + SZ_1M - 8, 0, "the last that it got");
		testvm_peek(&vm, BEHIND + SZ_1M, GUEST_FAULT, "what it did not get");
		testvm_power_off(&vm);
		check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND | UNMAP, fd, SZ_2M, SZ_1M), EBUSY,
			    "UNMAP after the end");
	}
	testvm_close(&vm);
	close(fd);
}

static bool run_one(struct testvm *vm, u64 seed)
{
	return testvm_peek(vm, BEHIND, gm_value(seed, 0), "start") &&
	       testvm_peek(vm, BEHIND + SZ_2M - 8, ~gm_value(seed, 511), "end") &&
	       testvm_poke(vm, BEHIND + 8, seed, seed);
}

static bool create_one(struct testvm *vm, int fd, u64 offset)
{
	return gmem_vm_create(vm, fd, offset, PROGRAM(peek)) &&
	       check_errno(gmem_map(vm->fd, BEHIND, GMEM_LEND | KEEP, fd, offset + SZ_2M, SZ_2M),
			   0, "MAP_MEM");
}

void gm_map_two_vms(void)
{
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);
	struct testvm a, b, c;

	if (!p)
		return;
	gm_fill(p + SZ_2M, SZ_2M, 1);
	gm_fill(p + 3 * SZ_2M, SZ_2M, 2);
	b.fd = -1;
	b.cpus = 0;
	if (create_one(&a, fd, 0) && create_one(&b, fd, 2 * SZ_2M) && gm_start(&a, 0, false) &&
	    gm_start(&b, 0, false)) {
		gmem_check_info(fd, "lent", SIZE, "both run");
		run_one(&a, 1);
		run_one(&b, 2);
		run_one(&a, 1);
		testvm_power_off(&a);
		testvm_close(&a);
		gmem_check_info(fd, "lent", SIZE / 2, "one is gone");
		check(*(u64 *)(p + SZ_2M + 8) == 1, "what the first left is lost");
		check(access_signal(p + 3 * SZ_2M, false) == SIGBUS, "the other's memory");
		/* Its memory is another one's now. */
		if (create_one(&c, fd, 0) && gm_start(&c, 0, false)) {
			run_one(&c, 1);
			run_one(&b, 2);
			testvm_power_off(&c);
		}
		testvm_close(&c);
		testvm_power_off(&b);
	} else {
		testvm_close(&a);
	}
	if (b.fd >= 0)
		testvm_close(&b);
	gmem_check_info(fd, "lent", 0, "both are gone");
	check(*(u64 *)(p + 3 * SZ_2M + 8) == 2, "what the second left is lost");
	munmap(p, SIZE);
	close(fd);
}

/* Until all of it is there each try ends with a signal, or not at all. */
void gm_map_signals(void)
{
	const u64 size = 64 * SZ_1M;
	int fd = gmem_new(0, size), ret = -1;
	pid_t storm;
	unsigned int i, n = 0;
	struct testvm vm;
	u64 at;

	for (at = 0; at < size; at += 2 * SZ_2M)
		check_errno(gm_fallocate(fd, 0, at, SZ_2M), 0, "fallocate");
	if (!gm_open_vm(&vm))
		return;
	storm = gm_begin_storm();
	for (i = 0; ret && i < 5000; i++) {
		ret = gmem_map(vm.fd, BASE, GMEM_LEND, fd, 0, size);
		n += !!ret;
		if (ret && !check_errno(ret, EINTR, "MAP_MEM"))
			break;
		if (ret)
			check(testmem_info(vm.fd, "mem-pinned") <= 0, "a part is mapped");
	}
	gm_end_storm(storm);
	check(n, "it was never interrupted");
	note("interrupted %u times", n);
	if (ret)
		check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, fd, 0, size), 0, "in peace");
	gmem_check_info(fd, "allocated", size, "in the end");
	testvm_close(&vm);
	close(fd);
}
