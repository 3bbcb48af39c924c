/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What becomes of each way in which the host can touch memory that a guest has alone.
 *
 * Each way is a row. It runs in a process of its own, for each kind of memory, says what it
 * saw, and that is compared with what it has to be. With memory that only is pinned the
 * kernel is expected to crash in most rows: what does not crash there proves nothing.
 */

#ifndef SELFTEST_ACCESS_H
#define SELFTEST_ACCESS_H

#include <stdbool.h>

#include "testvm.h"

enum access_kind {
	ACCESS_FILE,		/* a guest memory file */
	ACCESS_ANON,		/* anonymous memory, which START moves into one */
	ACCESS_MEMFD,		/* the same with a memfd */
	ACCESS_PINNED,		/* anonymous memory, lent where it lies */
	ACCESS_KINDS
};

/* Where the guest has it, and what it writes to the first word of each page it changes */
#define LENT_GPA		(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define LENT_SECRET		0x5ec2e75ec2e75ec2ULL

/* What the host leaves at the start of each page */
#define LENT_BEFORE(page)	(0xbef02e0000000000ULL | (page))

struct lent {
	enum access_kind kind;
	int fd;			/* of a file or memfd */
	u8 *p;
	u64 size;
	struct testvm vm;
};

/* The functions that return whether they worked have the test fail if not. */

/* Memory of that kind, filled; nobody has it yet. */
bool lent_alloc(struct lent *lent, u64 size);
void lent_fill(struct lent *lent);
/* A VM for it, if that has to be there early, and giving it to that */
bool lent_create_vm(struct lent *lent);
bool lent_give(struct lent *lent);
/* Lend it to a guest, and prove that it is gone. */
bool lent_start(struct lent *lent);
/* The guest still has what it wrote, and the rest as it was. */
bool lent_check(struct lent *lent);
/* Get it back, and see that it holds what it has to. */
bool lent_end(struct lent *lent);

/* The page frames that pages are in; NULL if one is not there. To be freed. */
u64 *page_frames(const void *p, u64 pages);
/* Those of lent memory, which is lent anew for that: the first START may have moved it. */
u64 *lent_frames(struct lent *lent);

/* Say what was seen, in the end. */
void saw(const char *fmt, ...) __printf(1, 2);
/* What a system call returned, by name: -EFAULT. Only until the next call. */
const char *result_name(long result);

struct access_row {
	const char *name;
	/* In place of lent_alloc() */
	bool (*alloc)(struct lent *lent);
	void (*run)(struct lent *lent);
	/* In the process that waits for the one of @run, for rows that it does not survive */
	void (*after)(int status);
	/* What it has to see, or NULL where it does not run */
	const char *file;
	const char *moved;
	const char *pinned;
	/* What @pinned tells is the end of the host. */
	bool ends_host;
};

/* The kernel says so when it dies of it. */
#define CRASH			"synchronous external abort"

/* Shared by the process of a row and the one that waits for it */
struct access_seen {
	char text[96];
	long aborts;		/* of the hypervisor, before the row */
	u64 start;		/* where the memory is in the process of the row */
	u64 size;
};

extern struct access_seen *seen;

/* The kernel is one that reports errors, not one to crash. */
extern bool access_slow;

/* access_calls.c */
void row_load(struct lent *lent);
void row_store(struct lent *lent);
void row_write(struct lent *lent);
void row_read(struct lent *lent);
void row_futex(struct lent *lent);
void row_proc_mem(struct lent *lent);
void row_process_vm(struct lent *lent);
void row_vmsplice(struct lent *lent);
void row_fork(struct lent *lent);
void row_core(struct lent *lent);
void row_core_after(int status);

/* access_system.c */
void row_kcore(struct lent *lent);
void row_compact(struct lent *lent);
void row_swap(struct lent *lent);
void row_hibernate(struct lent *lent);

/* access_path.c */
bool row_path_alloc(struct lent *lent);
void row_path(struct lent *lent);

/* access_race.c */
bool row_race_alloc(struct lent *lent);
void row_race(struct lent *lent);

#endif
