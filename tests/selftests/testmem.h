/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of all kinds, where it lies, and what the kernel says that a VM has of it.
 */

#ifndef SELFTEST_TESTMEM_H
#define SELFTEST_TESTMEM_H

#include <linux/gunyah.h>
#include <stdbool.h>

#include "util.h"

#define TESTMEM_RWX	(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)
#define TESTMEM_LENT	(TESTMEM_RWX | GH_MEM_LENT)

/* Of an entry of /proc/self/pagemap */
#define PAGEMAP_PRESENT		BIT_ULL(63)
#define PAGEMAP_PFN		(BIT_ULL(55) - 1)

/* Memory that is there, not only reserved; NULL if there is none. All are freed the same. */

/* In single pages, hardly any of which lies next to the one before. */
u8 *testmem_scattered(u64 size);
/* Anonymous memory, in transparent huge pages if there are any. */
u8 *testmem_thp(u64 size);
/* hugetlb pages of 2 MiB; takes more of them from the system if it has to. */
u8 *testmem_hugetlb(u64 size);
void testmem_free(u8 *p, u64 size);

/* How many physically contiguous runs it consists of; 0 if the kernel does not tell. */
u64 testmem_runs(const u8 *p, u64 size);
/* Size of the beginning of it that consists of that many runs, or 0. */
u64 testmem_size_of_runs(const u8 *p, u64 size, u64 runs);

/* The page frame that is mapped there, or 0. */
u64 testmem_pfn(const u8 *p);

/* GH_VM_SET_USER_MEM_REGION, errno as it leaves it. */
int testmem_set(int vm, u32 label, u32 flags, u64 gpa, const u8 *p, u64 size);

/*
 * Whether user memory that is lent stays where it is, as the dangerous parameter of the module
 * has it, instead of being moved by START. It no longer does when the process has ended.
 */
bool testmem_lend_in_place(bool in_place);
/* Run a test that way. */
void testmem_run_in_place(void (*run)(void));

/* A number in /proc/self/fdinfo of a VM file, or -1. */
long long testmem_info(int vm, const char *key);
/* Locked memory of this process in KiB, or -1. */
long testmem_locked(void);
/* The same, waiting until it is @kib; the test fails if it never is. */
bool testmem_check_locked(long kib, const char *when);
/* Bytes of the system that nobody uses for anything. */
long long testmem_unused(void);
/* And that the kernel uses by its allocators of objects, and cannot give up. */
long long testmem_slab(void);

#endif
