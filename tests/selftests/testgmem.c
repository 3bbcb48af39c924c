// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_tree.h"
#include "testgmem.h"
#include "testmem.h"
#include "vm.h"

int gmem_create(int dev, u64 flags, u64 size)
{
	const struct gh_create_guest_mem create = { .flags = flags, .size = size };

	return ioctl(dev, GH_CREATE_GUEST_MEM, &create);
}

int gmem_map(int vm, u64 gpa, u32 flags, int fd, u64 offset, u64 size)
{
	const struct gh_map_mem map = {
		.guest_addr = gpa,
		.flags = flags,
		.guest_mem_fd = fd,
		.offset = offset,
		.size = size,
	};

	return ioctl(vm, GH_VM_MAP_MEM, &map);
}

long long gmem_info(int fd, const char *key)
{
	return testmem_info(fd, key);
}

bool gmem_check_info(int fd, const char *key, long long value, const char *when)
{
	long long is = gmem_info(fd, key);

	return check(is == value, "%s: \"%s\" is %lld, not %lld", when, key, is, value);
}

int gmem_new(u64 flags, u64 size)
{
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC), fd;

	if (!check_errno(dev, 0, GUNYAH_DEVICE))
		return -1;
	fd = gmem_create(dev, flags | GH_GUEST_MEM_CLOEXEC, size);
	check_errno(fd, 0, "CREATE_GUEST_MEM of %llu bytes", size);
	close(dev);
	return fd;
}

u8 *gmem_mmap(int fd, u64 size)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return check(p != MAP_FAILED, "mmap: errno %d", errno) ? p : NULL;
}

u64 gm_value(u64 seed, u64 page)
{
	return (seed << 32 | page) + 0x1000000000000001ULL;
}

void gm_fill(u8 *p, u64 size, u64 seed)
{
	u64 at;

	for (at = 0; at < size; at += SZ_4K) {
		*(u64 *)(p + at) = gm_value(seed, at / SZ_4K);
		*(u64 *)(p + at + SZ_4K - 8) = ~gm_value(seed, at / SZ_4K);
	}
}

bool gm_check(const u8 *p, u64 size, u64 seed, const char *when)
{
	u64 at;

	for (at = 0; at < size; at += SZ_4K)
		if (*(u64 *)(p + at) != gm_value(seed, at / SZ_4K) ||
		    *(u64 *)(p + at + SZ_4K - 8) != ~gm_value(seed, at / SZ_4K))
			return check(false, "%s: %#llx at %#llx", when, *(u64 *)(p + at), at);
	return true;
}

bool gm_check_zero(const u8 *p, u64 size, const char *when)
{
	return check(!p[0] && !memcmp(p, p + 1, size - 1), "%s: not zero", when);
}

int gm_fallocate(int fd, int mode, u64 offset, u64 size)
{
	return fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, offset, size);
}

/* What is allocated in one go is in one run, and the page before each run is kept free. */
u8 *gmem_scattered(u64 size)
{
	u64 page = sysconf(_SC_PAGESIZE), at;
	int fd = gmem_new(0, size);
	u8 *p = NULL;

	if (fd < 0)
		return NULL;
	for (at = 0; at < size; at += page)
		if (!check_errno(gm_fallocate(fd, 0, at, page), 0, "fallocate"))
			break;
	if (gmem_check_info(fd, "runs", size / page, "scattered memory"))
		p = gmem_mmap(fd, size);
	close(fd);
	return p;
}

static const struct mem_backing backing = { .name = "test" };

bool gmem_load(struct testvm *vm, int fd, u64 offset, struct guest_program program)
{
	u8 *p = mmap(NULL, TESTVM_MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (!check(p != MAP_FAILED, "mmap: errno %d", errno))
		return false;
	vm->ram = (struct guest_mem) {
		.backing = &backing,
		.gpa = GUEST_RAM_BASE,
		.size = TESTVM_MEM_SIZE,
		.hva = p,
	};
	return testvm_fill(vm, program);
}

bool gmem_give(struct testvm *vm, int fd, u64 offset, u32 flags)
{
	struct vm files = { .fd = vm->fd };

	return check(!bus_attach(&vm->bus, &files), "no irqfd") &&
	       check_errno(gmem_map(vm->fd, GUEST_RAM_BASE, flags, fd, offset,
				    TESTVM_MEM_SIZE), 0, "MAP_MEM") &&
	       check(!vm_set_dtb(&files, GUEST_RAM_BASE + TESTVM_DTB, GUEST_TREE_SIZE),
		     "devicetree refused");
}

bool gmem_vm_create(struct testvm *vm, int fd, u64 offset, struct guest_program program)
{
	return testvm_open(vm) && testvm_add_cpus(vm, 1) &&
	       gmem_load(vm, fd, offset, program) && gmem_give(vm, fd, offset, GMEM_LEND);
}
