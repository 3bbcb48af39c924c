// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is lent and taken back again and again, while others have it mapped and touch
 * it all the time, on all CPUs. What they see has to be the host's, or nothing.
 */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "testgmem.h"

/* Kernels that report errors are slow. */
#define CYCLES			300
#define SLOW_CYCLES		50
#define HAMMERS			2
#define HAMMER_NICE		10

/* How often START may be refused because somebody has the memory in use right then */
#define BUSY_MAX		100000

/* What a hammer saw, by way of access */
enum way { LOAD, STORE, WRITE, READV, WAYS };

static const char * const way_names[] = {
	[LOAD] = "loads", [STORE] = "stores", [WRITE] = "writes", [READV] = "readvs",
};

struct counts {
	unsigned long done[WAYS];
	unsigned long refused[WAYS];	/* SIGBUS, -EFAULT */
	unsigned long strange;		/* any other error */
	unsigned long secrets;		/* what a guest wrote */
	int last_errno;			/* of the last strange one */
};

static sigjmp_buf after_fault;

static void caught(int sig)
{
	siglongjmp(after_fault, sig);
}

static void look_at(struct counts *counts, u64 value)
{
	counts->secrets += value == LENT_SECRET;
}

static void count(struct counts *counts, enum way way, long result)
{
	if (result > 0) {
		counts->done[way]++;
	} else if (result < 0 && errno == EFAULT) {
		counts->refused[way]++;
	} else {
		counts->strange++;
		counts->last_errno = errno;
	}
}

static void hammer_load(struct counts *counts, const u64 *p)
{
	if (sigsetjmp(after_fault, 0)) {
		counts->refused[LOAD]++;
		return;
	}
	look_at(counts, __atomic_load_n(p, __ATOMIC_RELAXED));
	counts->done[LOAD]++;
}

static void hammer_store(struct counts *counts, u64 *p)
{
	if (sigsetjmp(after_fault, 0)) {
		counts->refused[STORE]++;
		return;
	}
	__atomic_store_n(p, 1, __ATOMIC_RELAXED);
	counts->done[STORE]++;
}

static void hammer_calls(struct counts *counts, u64 *p, const int ends[2])
{
	struct iovec mine, theirs = { .iov_base = p, .iov_len = sizeof(*p) };
	u64 value = 0;
	long n;

	n = write(ends[1], p, sizeof(*p));
	count(counts, WRITE, n);
	if (n > 0 && read(ends[0], &value, sizeof(value)) == sizeof(value))
		look_at(counts, value);

	value = 0;
	mine = (struct iovec) { .iov_base = &value, .iov_len = sizeof(value) };
	n = process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0);
	count(counts, READV, n);
	look_at(counts, value);
}

/* Until killed */
static void hammer(struct lent *lent, unsigned int cpu, struct counts *counts)
{
	const struct sigaction action = { .sa_handler = caught, .sa_flags = SA_NODEFER };
	u8 *p = lent->p;
	cpu_set_t cpus;
	int ends[2];
	u64 at;

	/* Others do not inherit a guest memory file's mapping. */
	if (lent->kind == ACCESS_FILE)
		p = gmem_mmap(lent->fd, lent->size);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	/* There are enough of them; who lends is to get ahead. */
	if (!p || pipe(ends) || nice(HAMMER_NICE) < 0 || sigaction(SIGBUS, &action, NULL) ||
	    sched_setaffinity(0, sizeof(cpus), &cpus))
		_exit(1);
	for (at = 0;; at = (at + SZ_4K) % lent->size) {
		hammer_load(counts, (u64 *)(p + at));
		hammer_store(counts, (u64 *)(p + at) + 1);
		hammer_calls(counts, (u64 *)(p + at), ends);
	}
}

static bool start_hammers(struct lent *lent, pid_t *pid, struct counts *counts)
{
	unsigned int i;

	for (i = 0; i < HAMMERS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hammer(lent, i % sysconf(_SC_NPROCESSORS_ONLN), &counts[i]);
		}
		if (!check(pid[i] > 0, "fork: errno %d", errno))
			return false;
	}
	return true;
}

static bool stop_hammers(const pid_t *pid)
{
	bool fine = true;
	unsigned int i;
	int status;

	for (i = 0; i < HAMMERS; i++) {
		kill(pid[i], SIGKILL);
		fine &= check(waitpid(pid[i], &status, 0) == pid[i] && WIFSIGNALED(status) &&
			      WTERMSIG(status) == SIGKILL, "hammer %u: status %#x", i, status);
	}
	return fine;
}

static bool start(struct testvm *vm, unsigned long *busy)
{
	unsigned int i;

	for (i = 0; i < BUSY_MAX; i++) {
		if (!testvm_ioctl_start(vm))
			return true;
		if (errno != EBUSY)
			return check_errno(-1, 0, "START");
		++*busy;
	}
	return check(false, "START is refused all the time");
}

/* Lend all of it, have the guest write its secrets, and take it back. */
static bool cycle(struct lent *lent, int image, unsigned int number, unsigned long *busy)
{
	u64 at = number * SZ_4K % lent->size;
	bool fine;

	fine = gmem_vm_create(&lent->vm, image, 0, PROGRAM(peek)) && lent_give(lent) &&
	       start(&lent->vm, busy) &&
	       testvm_poke(&lent->vm, LENT_GPA + at, LENT_SECRET, LENT_SECRET) &&
	       testvm_poke(&lent->vm, LENT_GPA, LENT_SECRET, LENT_SECRET) &&
	       testvm_power_off(&lent->vm);
	testvm_close(&lent->vm);
	return fine;
}

static bool check_counts(const struct counts *counts)
{
	bool fine = true;
	unsigned int way;

	for (way = 0; way < WAYS; way++) {
		note("%s: %lu done, %lu refused", way_names[way], counts->done[way],
		     counts->refused[way]);
		fine &= check(counts->done[way] && counts->refused[way], "%s were all the same",
			      way_names[way]);
	}
	fine &= check(!counts->strange, "%lu strange results, the last with errno %d",
		      counts->strange, counts->last_errno);
	return fine & check(!counts->secrets, "%lu secrets seen", counts->secrets);
}

/* Memory that children have, too; only where it lies can that be lent. */
bool row_race_alloc(struct lent *lent)
{
	void *p;

	if (lent->kind != ACCESS_PINNED)
		return lent_alloc(lent, lent->size);
	p = mmap(NULL, lent->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!check(p != MAP_FAILED, "no memory"))
		return false;
	lent->p = p;
	lent_fill(lent);
	return true;
}

void row_race(struct lent *lent)
{
	unsigned int cycles = access_slow ? SLOW_CYCLES : CYCLES, i;
	int image = gmem_new(0, TESTVM_MEM_SIZE);
	struct counts *counts;
	unsigned long busy = 0;
	bool fine = true;
	pid_t pid[HAMMERS];

	counts = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!check(counts != MAP_FAILED, "no memory") || image < 0 || !lent_end(lent) ||
	    !start_hammers(lent, pid, counts))
		return;
	for (i = 0; fine && i < cycles; i++) {
		tap_alive();
		fine = cycle(lent, image, i, &busy);
	}
	fine &= stop_hammers(pid);
	note("%u cycles, START was refused %lu times", i, busy);
	for (i = 0; i < HAMMERS; i++)
		fine &= check_counts(&counts[i]);
	if (fine)
		saw("SIGBUS, -EFAULT");
	else
		saw("failed");
}
