// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files where memory is scarce, or in pieces: as much as can be had comes in
 * few runs; what cannot be had is refused, and nobody else has to die for it; what is
 * given up half way is given back.
 *
 * Wants a machine with 1.5 GiB in a row, and the test hypervisor.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "junk.h"
#include "kmsg.h"
#include "leak.h"
#include "parcel.h"
#include "testgmem.h"
#include "testmem.h"

#define FILE_SIZE		(512 * SZ_1M)

/* For the guest, behind what it boots from */
#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)

#define PLACES			64
#define MARK(offset)		(0xf4a6000000000000ULL | (offset))

#define SETTLE_MS		60000
#define POLL_MS			20

#define SIGNAL_US		50000

/* Why there is none, as the kernel says it */
#define TOO_MUCH		"MiB are wanted, and"
#define PIECES			"are not there in pieces of"

static long ms_of(long (*call)(void *arg), void *arg, long *result)
{
	struct timespec start, end;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &start);
	*result = call(arg);
	err = errno;
	clock_gettime(CLOCK_MONOTONIC, &end);
	errno = err;
	return (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
}

static long allocate(void *arg)
{
	int fd = *(int *)arg;
	struct stat stat;

	if (!check_errno(fstat(fd, &stat), 0, "fstat()"))
		return -1;
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, stat.st_size);
}

/*
 * Memory that is there
 */

/* What fdinfo says is consistent, and not more runs than a parcel can have. */
static bool check_runs(int fd, u64 size, const char *what)
{
	long long runs = gmem_info(fd, "runs"), largest = gmem_info(fd, "largest-run");

	note("%s: %llu MiB in %lld runs, the largest of %lld KiB", what, size / SZ_1M, runs,
	     largest / 1024);
	return check(runs >= 1 && runs <= PARCEL_ENTRIES, "%lld runs", runs) &&
	       check(largest <= (long long)size && largest * runs >= (long long)size,
		     "the largest run has %lld bytes", largest) &&
	       gmem_check_info(fd, "allocated", size, what) &&
	       gmem_check_info(fd, "guards", runs * sysconf(_SC_PAGESIZE), what);
}

static u64 place(u64 size, unsigned int i)
{
	return i == PLACES ? size - sizeof(u64) : size / PLACES * i / SZ_4K * SZ_4K;
}

static bool check_places(u8 *p, u64 size, bool write)
{
	unsigned int i;
	u64 at;

	for (i = 0; i <= PLACES; i++) {
		at = place(size, i);
		if (!check(!*(u64 *)(p + at), "%#llx at %#llx", *(u64 *)(p + at), at))
			return false;
		if (write)
			*(u64 *)(p + at) = MARK(at);
	}
	return true;
}

static long memory_requests(void)
{
	return parcel_requests("MEM_LEND") + parcel_requests("MEM_SHARE") +
	       parcel_requests("MEM_APPEND");
}

/* The guest has all of it, one after the other. */
static void check_guest(struct testvm *vm, u64 size)
{
	unsigned int i;
	u64 at;

	for (i = 0; i <= PLACES; i++) {
		at = place(size, i);
		if (!testvm_peek(vm, BEHIND + at, MARK(at), "a place"))
			return;
	}
	testvm_peek(vm, BEHIND + size, GUEST_FAULT, "behind it");
}

/* One entry for each run, and no more requests than it takes to tell these */
static void check_parcel(u64 size, long long runs, long requests)
{
	long want = (runs + REQUEST_ENTRIES - 1) / REQUEST_ENTRIES;
	struct parcel parcel;

	note("%llu MiB: %lld entries, %ld requests", size / SZ_1M, runs, requests);
	if (check(parcel_find(GMEM_LABEL(BEHIND), 0, &parcel), "no parcel")) {
		check(parcel.lent && parcel.size == size, "%llu bytes", parcel.size);
		check(parcel.entries == runs, "%u entries, not %lld", parcel.entries, runs);
	}
	check(requests == want, "%ld requests, not %ld", requests, want);
}

/* All of it is a guest's for a while: clear before, and clear afterwards. */
static void use(int fd, u64 size)
{
	u8 *p = gmem_mmap(fd, size);
	int ram = gmem_new(0, TESTVM_MEM_SIZE);
	struct testvm vm = { .fd = -1 };
	long requests;

	if (p && ram >= 0 && check_places(p, size, true) &&
	    gmem_vm_create(&vm, ram, 0, PROGRAM(peek)) &&
	    check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND, fd, 0, size), 0, "MAP_MEM")) {
		requests = memory_requests();
		if (check_errno(testvm_ioctl_start(&vm), 0, "START")) {
			/* One is about what it boots from. */
			check_parcel(size, gmem_info(fd, "runs"),
				     memory_requests() - requests - 1);
			gmem_check_info(fd, "lent", size, "lent");
			check_guest(&vm, size);
			testvm_power_off(&vm);
		}
	}
	testvm_close(&vm);
	if (p && gmem_check_info(fd, "lent", 0, "afterwards"))
		check_places(p, size, false);
	if (p)
		munmap(p, size);
	close(ram);
}

static bool take(u64 size, const char *what)
{
	int fd = gmem_new(0, size);
	long result = -1, ms;
	bool ok = fd >= 0;

	tap_alive();
	if (ok) {
		ms = ms_of(allocate, &fd, &result);
		note("%s: fallocate() of %llu MiB took %ld ms", what, size / SZ_1M, ms);
		ok = check_errno(result, 0, "fallocate()") && check_runs(fd, size, what);
	}
	tap_alive();
	if (ok)
		use(fd, size);
	close(fd);
	return ok;
}

static void one_run(void)
{
	struct leak before;
	int fd;

	if (!leak_begin(&before))
		return;
	fd = gmem_new(0, SZ_1G);
	if (fd >= 0 && check_errno(allocate(&fd), 0, "fallocate()"))
		gmem_check_info(fd, "runs", 1, "nothing is in the way");
	close(fd);
	take(SZ_1G, "nothing is in the way");
	leak_end(&before);
}

static void movable(void)
{
	struct leak before;

	if (!leak_begin(&before))
		return;
	if (junk_movable())
		take(FILE_SIZE, "every second page can be moved");
	junk_free();
	leak_end(&before);
}

static void unmovable(void)
{
	struct leak before;

	if (!leak_begin(&before))
		return;
	if (junk_unmovable(SZ_1M))
		take(FILE_SIZE, "a page of each MiB cannot be moved");
	junk_free();
	leak_end(&before);
}

/*
 * Memory that is not there
 */

static void refuse(int log, u64 size, const char *what, const char *reason)
{
	int fd = gmem_new(0, size);
	long result, ms;

	if (fd < 0)
		return;
	tap_alive();
	ms = ms_of(allocate, &fd, &result);
	check_errno(result, ENOMEM, "%s: fallocate() of %llu MiB", what, size / SZ_1M);
	note("%s: took %ld ms", what, ms);
	kmsg_wait(log, reason);
	close(fd);
}

static void too_much(void)
{
	int log = kmsg_open();
	struct leak before;

	if (log < 0 || !leak_begin(&before))
		return;
	refuse(log, 64 * SZ_1G, "more than anybody has", TOO_MUCH);
	refuse(log, (before.unused & ~(SZ_1M - 1)) + 256 * SZ_1M, "somewhat too much",
	       TOO_MUCH);
	leak_end(&before);
	close(log);
}

/* No room for a run, even if there is memory: of more than 448 MiB none has less than 128 KiB. */
static void pieces(void)
{
	int log = kmsg_open();
	struct leak before;

	if (log < 0 || !leak_begin(&before))
		return;
	if (junk_unmovable(SZ_128K) &&
	    check(testmem_unused() > (long long)(FILE_SIZE + 128 * SZ_1M), "too little memory"))
		refuse(log, FILE_SIZE, "a page of each 128 KiB cannot be moved", PIECES);
	junk_free();
	take(FILE_SIZE, "after that");
	leak_end(&before);
	close(log);
}

/*
 * What is given up half way
 */

static void got_signal(int sig)
{
	(void)sig;
}

static void set_timer(unsigned int us)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = us,
		.it_value.tv_usec = us,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* It goes on where it was. */
static void interrupted(void)
{
	const struct sigaction action = { .sa_handler = got_signal };
	struct sigaction old;
	struct leak before;
	int fd;

	if (!leak_begin(&before))
		return;
	fd = gmem_new(0, FILE_SIZE);
	sigaction(SIGALRM, &action, &old);
	if (fd >= 0 && junk_unmovable(SZ_1M)) {
		set_timer(SIGNAL_US);
		check_errno(allocate(&fd), EINTR, "fallocate() with signals");
		set_timer(0);
		check(gmem_info(fd, "allocated") < (long long)FILE_SIZE, "all is there");
		note("%lld KiB were there when the signal came",
		     gmem_info(fd, "allocated") / 1024);
		check_errno(allocate(&fd), 0, "fallocate() without them");
		check_runs(fd, FILE_SIZE, "in two steps");
	}
	sigaction(SIGALRM, &old, NULL);
	close(fd);
	junk_free();
	leak_end(&before);
}

static pid_t allocate_in_child(u64 size)
{
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = gmem_new(0, size);
		if (fd >= 0)
			allocate(&fd);
		_exit(0);
	}
	check(pid > 0, "fork: errno %d", errno);
	return pid;
}

/* Kill it as soon as it has taken that much. */
static void kill_at(u64 size, u64 taken)
{
	long long unused = testmem_unused();
	pid_t pid = allocate_in_child(size);
	unsigned int ms;
	int status = 0;

	if (pid <= 0)
		return;
	tap_alive();
	for (ms = 0; ms < SETTLE_MS && testmem_unused() > unused - (long long)taken; ms += POLL_MS)
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	note("%llu MiB, to be killed at %llu: %s", size / SZ_1M, taken / SZ_1M,
	     WIFSIGNALED(status) ? "killed" : "too late");
}

static void killed(void)
{
	struct leak before;
	unsigned int i;

	if (!leak_begin(&before))
		return;
	for (i = 0; i < 4; i++)
		kill_at(SZ_1G, i * 100 * SZ_1M);
	leak_end(&before);
	if (!leak_begin(&before))
		return;
	if (junk_unmovable(SZ_1M))
		for (i = 0; i < 4; i++)
			kill_at(FILE_SIZE, i * 100 * SZ_1M);
	junk_free();
	leak_end(&before);
}

static const struct tap_test tests[] = {
	{ "a gigabyte in one run is one request", one_run },
	{ "more than there is", too_much },
	{ "memory is full of what can be moved", movable },
	{ "memory is full of what cannot be moved", unmovable },
	{ "memory is in pieces that are too small", pieces },
	{ "allocation is interrupted by signals", interrupted },
	{ "a process is killed while it allocates", killed },
};

int main(void)
{
	tap_set_timeout(1800);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
