/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory files, and VMs that have their memory from them.
 */

#ifndef SELFTEST_TESTGMEM_H
#define SELFTEST_TESTGMEM_H

#include <linux/gunyah.h>

#include "testvm.h"

#define GMEM_RWX \
	(GH_MAP_MEM_ALLOW_READ | GH_MAP_MEM_ALLOW_WRITE | GH_MAP_MEM_ALLOW_EXEC)
#define GMEM_LEND		(GMEM_RWX | GH_MAP_MEM_FORCE_LEND)
#define GMEM_SHARE		(GMEM_RWX | GH_MAP_MEM_FORCE_SHARE)

/* The label of its parcel */
#define GMEM_LABEL(gpa)		((u32)((gpa) / SZ_4K))

/* The plain ioctls, errno as they leave it. */
int gmem_create(int dev, u64 flags, u64 size);
int gmem_map(int vm, u64 gpa, u32 flags, int fd, u64 offset, u64 size);

/* A number in /proc/self/fdinfo of a guest memory file, or -1. */
long long gmem_info(int fd, const char *key);
/* It has to be this; returns whether it is, as all of these do. */
bool gmem_check_info(int fd, const char *key, long long value, const char *when);

/* Something in each page that tells it from all others; and whether that is there. */
void gm_fill(u8 *p, u64 size, u64 seed);
bool gm_check(const u8 *p, u64 size, u64 seed, const char *when);
u64 gm_value(u64 seed, u64 page);
bool gm_check_zero(const u8 *p, u64 size, const char *when);

/* fallocate(), errno as it leaves it; KEEP_SIZE comes with each mode. */
int gm_fallocate(int fd, int mode, u64 offset, u64 size);

/* A file of that size, -1 if there is none; and all of it mapped, or NULL. The test fails. */
int gmem_new(u64 flags, u64 size);
u8 *gmem_mmap(int fd, u64 size);
/* A mapping of a file of its own, in single pages none of which lies next to another. */
u8 *gmem_scattered(u64 size);

/*
 * testvm_load() and testvm_give() with a part of a guest memory file, to be given with these
 * flags of GH_VM_MAP_MEM. testvm_close() leaves the file alone.
 */
bool gmem_load(struct testvm *vm, int fd, u64 offset, struct guest_program program);
bool gmem_give(struct testvm *vm, int fd, u64 offset, u32 flags);
/* A VM of one CPU, with lent memory of TESTVM_MEM_SIZE from there */
bool gmem_vm_create(struct testvm *vm, int fd, u64 offset, struct guest_program program);

#endif
