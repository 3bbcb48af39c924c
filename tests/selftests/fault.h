/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of a Resource Manager that misbehaves have in common.
 */

#ifndef SELFTEST_FAULT_H
#define SELFTEST_FAULT_H

#include <sys/types.h>
#include <time.h>

#include "dump.h"
#include "testvm.h"

/* Requests, as the control channel's commands name them */
#define MEM_LEND		"51000012"
#define MEM_SHARE		"51000013"
#define MEM_RECLAIM		"51000015"
#define MEM_APPEND		"51000018"
#define VM_ALLOCATE		"56000001"
#define VM_DEALLOCATE		"56000002"
#define VM_START		"56000004"
#define VM_STOP			"56000005"
#define VM_RESET		"56000006"
#define VM_CONFIG_IMAGE		"56000009"
#define VM_INIT			"5600000b"
#define VM_GET_CRASH_MSG	"56000019"
#define VM_GET_RESOURCES	"56000020"
#define VM_GET_VMID		"56000024"

/* The first VMID that is given to a VM */
#define ANY_VMID		"128"

/* What a VM is like, and how it comes to its end */
enum life_kind {
	LIFE_PLAIN,		/* turns itself off */
	LIFE_WIDE,		/* so many vCPUs that its resources take two packets */
	LIFE_SCATTERED,		/* memory that takes many packets, and an append */
	LIFE_STOPPED,		/* is closed while it runs */
};

/* START has to end with @err; if that is 0, the whole life has to be as it should be. */
void live(enum life_kind life, int err);

/* A process that makes a VM and starts it; 0 if there is none. */
pid_t start_in_child(enum life_kind life);
/* What its START has ended with: 0, an errno, or -1 if it did not come to that. */
int child_result(pid_t pid);
/*
 * Kill it while it is in START; it is out of there afterwards, but the last close of the VM
 * may wait for the Resource Manager for some seconds. Then wait for its end.
 */
void kill_child(pid_t pid);
void bury_child(pid_t pid);
/* Wait until it sleeps in the kernel, in START or write() that is. */
bool wait_for_start(pid_t pid);
bool wait_for_write(pid_t pid);

struct fault_case {
	const char *line;
	enum life_kind life;
	int err;
};

/*
 * Each command in turn, and a life under its influence, which uses it up unless it is for
 * all (count=0). In the end nothing is left of both, and all is as it should be.
 */
void run_fault_cases(const struct fault_case *cases, unsigned int count);

/* The same where replies are lost; the driver does not wait long for them. */
void run_lost_cases(const struct fault_case *cases, unsigned int count);

/* Wait until the dump has such text, or has it no more. */
bool wait_for_dump(const char *text, bool present);

/* Wait until a counter is that much higher than in @before. */
bool wait_for_count(const struct dump *before, const char *name, long more);

#define COUNT_SENDS		"hypercall 0x1b"
#define QUEUE_DEPTH		8

/*
 * Mute the Resource Manager and fill the queue to it. The next send finds it full, which
 * counts as one more than in @full, to be freed if this worked.
 */
bool fill_queue(struct dump *full);

/* The driver's default, the least that it accepts, and more than any test takes */
#define OVERDUE_DEFAULT_MS	5000
#define OVERDUE_MIN_MS		100
#define OVERDUE_NEVER_MS	600000

/*
 * After that many ms without a reply the driver says so. Returns what it was, or 0 if it
 * cannot be set, for which a later call does nothing.
 */
unsigned int set_overdue(unsigned int ms);

/*
 * testvm_main(), or a skip of everything where nobody takes commands. What the last program
 * may have left behind when it was given up is taken back first.
 */
int fault_main(const struct tap_test *tests, unsigned int count);

long ms_since(const struct timespec *start);

#endif
