// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the host sees it: what may become guest memory, how it is counted, how it
 * goes to the Resource Manager, and that all of it comes back.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "ctl.h"
#include "dump.h"
#include "parcel.h"
#include "shortage.h"
#include "testmem.h"
#include "testvm.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB		0x0004U
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB		(21U << 26)
#endif

#define MEM_RECLAIM		"51000015"
#define MEM_APPEND		"51000018"

#define BASE			GUEST_RAM_BASE
#define BEHIND			(BASE + TESTVM_MEM_SIZE)
#define LABEL			10

/* A VM that may be closed any time. */
static bool with_vm(void (*run)(struct testvm *vm, void *arg), void *arg)
{
	long locked = testmem_locked();
	struct testvm vm;

	if (testvm_open(&vm))
		run(&vm, arg);
	testvm_close(&vm);
	return testmem_check_locked(locked, "after the VM");
}

/* What the Resource Manager believes before a test; to be the same in the end. */
static bool begin(struct dump *before)
{
	if (!dump_supported()) {
		skip("no dump of the Resource Manager");
		return false;
	}
	return dump_take(before);
}

static void end(struct dump *before)
{
	dump_check_same(before);
	dump_free(before);
}

/*
 * Kinds of memory
 */

struct kind {
	const char *what;
	int fd;
	int flags;
	u64 size;
	int seals;
	int late_seals;
};

static void give_kind(struct testvm *vm, void *arg)
{
	const struct kind *kind = arg;
	u8 *p;

	if (!check(kind->fd < 0 || !ftruncate(kind->fd, kind->size), "%s: size: errno %d",
		   kind->what, errno) ||
	    (kind->seals && !check(!fcntl(kind->fd, F_ADD_SEALS, kind->seals),
				   "%s: seals: errno %d", kind->what, errno)))
		return;
	p = mmap(NULL, kind->size, PROT_READ | PROT_WRITE, kind->flags, kind->fd, 0);
	if (!check(p != MAP_FAILED, "%s: mmap: errno %d", kind->what, errno))
		return;
	if (kind->late_seals)
		check(!fcntl(kind->fd, F_ADD_SEALS, kind->late_seals), "%s: seals: errno %d",
		      kind->what, errno);
	check_errno(testmem_set(vm->fd, LABEL, TESTMEM_LENT, BASE, p, kind->size), 0, "%s",
		    kind->what);
	check(testmem_info(vm->fd, "mem-pinned") == (long long)kind->size, "%s: %lld pinned",
	      kind->what, testmem_info(vm->fd, "mem-pinned"));
	munmap(p, kind->size);
}

static void kinds(void)
{
	const int grow = F_SEAL_SHRINK | F_SEAL_GROW;
	struct kind all[] = {
		{ "anonymous", -1, MAP_PRIVATE | MAP_ANONYMOUS, SZ_1M, 0, 0 },
		{ "anonymous, shared", -1, MAP_SHARED | MAP_ANONYMOUS, SZ_1M, 0, 0 },
		{ "memfd", memfd_create("1", 0), MAP_SHARED, SZ_1M, 0, 0 },
		{ "memfd of a fixed size", memfd_create("2", MFD_ALLOW_SEALING), MAP_SHARED,
		  SZ_1M, grow | F_SEAL_SEAL, 0 },
		{ "memfd that only we write", memfd_create("3", MFD_ALLOW_SEALING),
		  MAP_SHARED, SZ_1M, grow, F_SEAL_FUTURE_WRITE },
		{ "copy of a sealed memfd", memfd_create("4", MFD_ALLOW_SEALING), MAP_PRIVATE,
		  SZ_1M, grow | F_SEAL_WRITE, 0 },
		{ "hugetlb", -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, SZ_2M, 0, 0 },
		{ "memfd of hugetlb", memfd_create("5", MFD_HUGETLB | MFD_HUGE_2MB),
		  MAP_SHARED, SZ_2M, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		check(all[i].fd >= 0 || all[i].flags & MAP_ANONYMOUS, "%s: errno %d",
		      all[i].what, errno);
		with_vm(give_kind, &all[i]);
		if (all[i].fd >= 0)
			close(all[i].fd);
	}
}

/* A range with a hole, or of two kinds: nothing of it stays. */
static void refuse_partly(struct testvm *vm, void *arg)
{
	int file = ioctl(vm->fd, GH_VM_ADD_FUNCTION, arg);
	u8 *p = testmem_thp(SZ_2M), *page;

	if (!check(p && file >= 0, "no memory"))
		return;
	munmap(p + SZ_1M, SZ_4K);
	check_errno(testmem_set(vm->fd, LABEL, TESTMEM_RWX, BASE, p, SZ_2M), EFAULT, "hole");
	page = mmap(p + SZ_1M, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	check(page == p + SZ_1M, "mmap: errno %d", errno);
	check_errno(testmem_set(vm->fd, LABEL, TESTMEM_RWX, BASE, p, SZ_2M), EOPNOTSUPP,
		    "a driver's page in it");
	check(!testmem_info(vm->fd, "mem-pinned"), "something is pinned");
	check_errno(testmem_set(vm->fd, LABEL, TESTMEM_RWX, BASE, p, SZ_1M), 0, "the rest");
	munmap(p, SZ_2M);
	close(file);
}

static void partly_refused(void)
{
	const struct gh_fn_vcpu_arg cpu = { .id = 0 };
	struct gh_fn_desc desc = {
		.type = GH_FN_VCPU,
		.arg_size = sizeof(cpu),
		.arg = (unsigned long)&cpu,
	};

	with_vm(refuse_partly, &desc);
}

/*
 * Accounts
 */

static void use_limit(struct testvm *vm, void *arg)
{
	u8 *p = arg;
	long locked = testmem_locked();

	check_errno(testmem_set(vm->fd, 0, TESTMEM_RWX, BASE, p, 65 * SZ_4K), ENOMEM,
		    "more than the limit");
	testmem_check_locked(locked, "after that");
	check_errno(testmem_set(vm->fd, 0, TESTMEM_RWX, BASE, p, 64 * SZ_4K), 0,
		    "as much as the limit");
	testmem_check_locked(locked + 256, "at the limit");
	check_errno(testmem_set(vm->fd, 1, TESTMEM_LENT, BASE + SZ_2M, p, SZ_4K), ENOMEM,
		    "one more page");
	check_errno(testmem_set(vm->fd, 0, 0, 0, NULL, 0), 0, "deletion");
	testmem_check_locked(locked, "after the deletion");
	check_errno(testmem_set(vm->fd, 1, TESTMEM_LENT, BASE + SZ_2M, p, SZ_4K), 0, "again");
	if (check(caps_raise(CAP_IPC_LOCK), "no CAP_IPC_LOCK"))
		check_errno(testmem_set(vm->fd, 2, TESTMEM_RWX, BASE, p + SZ_4K, SZ_1M), 0,
			    "without a limit");
	check(caps_drop(CAP_IPC_LOCK), "CAP_IPC_LOCK stays");
}

static void limits(void)
{
	struct rlimit before, limit = { .rlim_cur = 64 * SZ_4K };
	u8 *p = testmem_thp(SZ_2M);

	if (!check(p, "no memory") || !check(!getrlimit(RLIMIT_MEMLOCK, &before), "getrlimit"))
		return;
	limit.rlim_max = before.rlim_max;
	check(!setrlimit(RLIMIT_MEMLOCK, &limit) && caps_drop(CAP_IPC_LOCK), "setrlimit");
	with_vm(use_limit, p);
	check(caps_raise(CAP_IPC_LOCK), "no CAP_IPC_LOCK");
	setrlimit(RLIMIT_MEMLOCK, &before);
	testmem_free(p, SZ_2M);
}

/* The last file is closed by another process: what the maker locked is no longer locked. */
static void closed_by_another(void)
{
	u8 *p = testmem_thp(SZ_2M);
	long locked = testmem_locked();
	struct testvm vm;
	int go[2];
	char c;
	pid_t pid;

	if (!check(p && !pipe2(go, O_CLOEXEC), "no memory") || !testvm_open(&vm))
		return;
	check_errno(testmem_set(vm.fd, LABEL, TESTMEM_RWX, BASE, p, SZ_1M), 0, "region");
	pid = fork();
	if (!pid) {
		bool refused;

		refused = testmem_set(vm.fd, 1, TESTMEM_RWX, 0, p, SZ_4K) && errno == EPERM &&
			  testmem_set(vm.fd, LABEL, 0, 0, NULL, 0) && errno == EPERM;
		if (read(go[0], &c, 1) != 1)
			refused = false;
		_exit(!refused);
	}
	testvm_close(&vm);
	check(testmem_locked() == locked + 1024, "%ld KiB are locked, not %ld",
	      testmem_locked(), locked + 1024);
	check(pid > 0 && write(go[1], "", 1) == 1, "no process");
	if (pid > 0) {
		int status;

		waitpid(pid, &status, 0);
		check(!status, "the child may change the VM's memory");
	}
	testmem_check_locked(locked, "after the child");
	close(go[0]);
	close(go[1]);
	testmem_free(p, SZ_2M);
}

static int take_fd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), taken;

	if (pidfd < 0)
		return -1;
	taken = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	return taken;
}

/* The VM outlives who made it: so does its memory, though that process's is gone. */
static void maker_dies(void)
{
	struct testvm vm, *maker;
	struct dump before;
	pid_t pid;
	int cpu;

	maker = mmap(NULL, sizeof(*maker), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!check(maker != MAP_FAILED, "no memory") || !begin(&before))
		return;
	maker->fd = -1;
	pid = fork();
	if (!pid) {
		struct testvm made;

		if (testvm_create(&made, 1, PROGRAM(off))) {
			maker->fd = made.fd;
			maker->vcpu_fd[0] = made.vcpu_fd[0];
		}
		__atomic_store_n(&maker->run_size, made.run_size ?: 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	while (!__atomic_load_n(&maker->run_size, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	vm = (struct testvm) { .fd = take_fd(pid, maker->fd) };
	cpu = take_fd(pid, maker->vcpu_fd[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (check(vm.fd >= 0 && cpu >= 0, "no files: errno %d", errno)) {
		check(testmem_info(vm.fd, "mem-pinned") == TESTVM_MEM_SIZE, "not pinned");
		check_errno(testvm_ioctl_start(&vm), 0, "START");
		vm.vcpu_fd[0] = cpu;
		vm.run[0] = mmap(NULL, maker->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 cpu, 0);
		vm.run_size = maker->run_size;
		if (check(vm.run[0] != MAP_FAILED, "mmap: errno %d", errno)) {
			vm.cpus = 1;
			testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
		}
	}
	testvm_close(&vm);
	munmap(maker, sizeof(*maker));
	end(&before);
}

static void maker_dies_in_place(void)
{
	testmem_run_in_place(maker_dies);
}

/*
 * Several at once
 */

#define THREADS			8
#define ROUNDS			400
#define LABELS			3

struct race {
	int vm;
	u8 *p;
	unsigned int bad;
};

static void *add_and_remove(void *arg)
{
	struct race *race = arg;
	unsigned int seed = (unsigned long)pthread_self() >> 8, i;

	for (i = 0; i < ROUNDS; i++) {
		u32 label = rand_r(&seed) % LABELS;
		u64 size = (1 + rand_r(&seed) % 64) * SZ_4K;
		u64 gpa = BASE + rand_r(&seed) % 64 * SZ_4K;

		if (rand_r(&seed) % 2)
			size = 0;
		if (testmem_set(race->vm, label, TESTMEM_RWX, gpa, race->p, size) &&
		    (!size || errno != EEXIST))
			race->bad = errno;
	}
	return NULL;
}

static void run_race(struct testvm *vm, void *arg)
{
	struct race race = { .vm = vm->fd, .p = arg };
	pthread_t threads[THREADS];
	long locked = testmem_locked();
	unsigned int i, n = 0;

	while (n < THREADS && !pthread_create(&threads[n], NULL, add_and_remove, &race))
		n++;
	check(n == THREADS, "only %u threads", n);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	check(!race.bad, "errno %u", race.bad);
	check(testmem_info(vm->fd, "mem-pinned") == (testmem_locked() - locked) * 1024,
	      "%lld bytes are pinned, %ld KiB locked", testmem_info(vm->fd, "mem-pinned"),
	      testmem_locked() - locked);
	for (i = 0; i < LABELS; i++)
		check_errno(testmem_set(vm->fd, i, 0, 0, NULL, 0), 0, "deletion");
	check(!testmem_info(vm->fd, "mem-pinned"), "something is pinned");
	check(!testmem_info(vm->fd, "mem-entries"), "entries are left");
}

static void threads(void)
{
	u8 *p = testmem_thp(SZ_2M);

	if (check(p, "no memory"))
		with_vm(run_race, p);
	testmem_free(p, SZ_2M);
}

/*
 * Allocations that fail
 */

struct set {
	int vm;
	const u8 *p;
	u64 size;
};

static long set_lent(void *arg)
{
	const struct set *set = arg;

	return testmem_set(set->vm, LABEL, TESTMEM_LENT, BASE, set->p, set->size);
}

/* Returns whether there is such an allocation. */
static bool fail_nth(struct set *set, unsigned int n)
{
	long result;
	bool failed = shortage_nth(n, set_lent, set, &result);

	if (result)
		check(failed && (errno == ENOMEM || errno == EFAULT), "allocation %u: errno %d",
		      n, errno);
	return failed;
}

static void fail_each(struct testvm *vm, void *arg)
{
	long locked = testmem_locked();
	struct set set = { .vm = vm->fd, .p = arg, .size = SZ_4K * 1024 };
	unsigned int n;

	if (!shortage_begin())
		return;
	for (n = 1; fail_nth(&set, n); n++) {
		check_errno(testmem_set(vm->fd, LABEL, 0, 0, NULL, 0), 0, "deletion");
		if (!check(testmem_locked() == locked, "allocation %u: %ld KiB stay locked", n,
			   testmem_locked() - locked) ||
		    !check(!testmem_info(vm->fd, "mem-pinned"), "allocation %u", n))
			break;
	}
	shortage_end();
	note("%u allocations", n - 1);
	check(n > 4, "only %u allocations", n - 1);
}

static void failing_allocations(void)
{
	u8 *p = testmem_scattered(SZ_4K * 1024);

	if (check(p, "no memory"))
		with_vm(fail_each, p);
	testmem_free(p, SZ_4K * 1024);
}

/*
 * Parcels
 */

/*
 * A VM with that as lent memory behind its image; START has to end like this. That gives it as
 * it lies only if it does not move: tests that say so are for that.
 */
static bool start_with(struct testvm *vm, u8 *p, u64 size, u64 gpa, int err)
{
	return testvm_create(vm, 1, PROGRAM(off)) &&
	       check_errno(testmem_set(vm->fd, LABEL, TESTMEM_LENT, gpa, p, size), 0,
			   "region") &&
	       check_errno(testvm_ioctl_start(vm), err, "START");
}

/* It is given in that many entries, and runs. In place. */
static void check_scattered(u8 *p, u64 size)
{
	u64 runs = testmem_runs(p, size), seen = 0;
	long appends = parcel_requests("MEM_APPEND");
	long lends = parcel_requests("MEM_LEND");
	struct parcel parcel;
	struct testvm vm;
	unsigned int n;
	u64 image;

	if (start_with(&vm, p, size, BEHIND, 0)) {
		image = testmem_runs(vm.ram.hva, TESTVM_MEM_SIZE);
		check(testmem_info(vm.fd, "mem-entries") == (long long)(image + runs),
		      "%lld entries, not %llu + %llu", testmem_info(vm.fd, "mem-entries"),
		      image, runs);
		check(testmem_info(vm.fd, "mem-lent") == (long long)(TESTVM_MEM_SIZE + size),
		      "%lld bytes are lent", testmem_info(vm.fd, "mem-lent"));
		for (n = 0; parcel_find(LABEL, n, &parcel); n++)
			seen += parcel.entries;
		check(seen == runs, "%llu entries in %u parcels, not %llu", seen, n, runs);
		check(n == (runs + PARCEL_ENTRIES - 1) / PARCEL_ENTRIES, "%u parcels", n);
		check(testmem_info(vm.fd, "mem-parcels") == n + 1, "%lld parcels, not %u",
		      testmem_info(vm.fd, "mem-parcels"), n + 1);
		lends = parcel_requests("MEM_LEND") - lends;
		appends = parcel_requests("MEM_APPEND") - appends;
		note("%llu entries: %ld MEM_LEND, %ld MEM_APPEND", runs, lends - 1, appends);
		check(lends == n + 1 && lends - 1 + appends == (long)(runs + 511) / 512,
		      "%ld MEM_LEND, %ld MEM_APPEND", lends, appends);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
}

static void expect_too_scattered(u8 *p, u64 size)
{
	struct testvm vm;

	/* Shared memory cannot be divided, */
	if (testvm_create(&vm, 1, PROGRAM(off)))
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_RWX, BEHIND, p, size), E2BIG,
			    "shared");
	testvm_close(&vm);
	/* nor what is not to be where the Resource Manager puts it, which can be mended, */
	if (start_with(&vm, p, size, BEHIND + SZ_4K, E2BIG) &&
	    check_errno(testmem_set(vm.fd, LABEL, 0, 0, NULL, 0), 0, "deletion") &&
	    check_errno(testmem_set(vm.fd, LABEL, TESTMEM_LENT, BEHIND, p, size), 0, "region") &&
	    check_errno(testvm_ioctl_start(&vm), 0, "START"))
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
	/* nor the image. */
	if (testvm_open(&vm) && testvm_add_cpus(&vm, 1) &&
	    testvm_load(&vm, true, PROGRAM(off))) {
		const struct gh_vm_dtb_config config = { BASE + TESTVM_DTB, SZ_64K };

		memcpy(p, vm.ram.hva, TESTVM_MEM_SIZE);
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_LENT, BASE, p, size), 0, "image");
		check_errno(ioctl(vm.fd, GH_VM_SET_DTB_CONFIG, &config), 0, "devicetree");
		check_errno(testvm_ioctl_start(&vm), E2BIG, "START");
	}
	testvm_close(&vm);
}

static void check_scattered_sizes(void)
{
	static const unsigned int runs[] = { 512, 513, PARCEL_ENTRIES, PARCEL_ENTRIES + 1 };
	u64 room = (PARCEL_ENTRIES + 512) * SZ_4K, size;
	u8 *p = testmem_scattered(room);
	struct dump before;
	size_t i;

	if (!check(p, "no memory") || !begin(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		size = testmem_size_of_runs(p, room, runs[i]);
		if (!check(size, "memory lies in too few runs"))
			break;
		check_scattered(p, size);
		dump_check_same(&before);
	}
	dump_free(&before);
	testmem_free(p, room);
}

static void scattered(void)
{
	testmem_run_in_place(check_scattered_sizes);
}

static void check_too_scattered(void)
{
	u64 room = (PARCEL_ENTRIES + 512) * SZ_4K, size;
	u8 *p = testmem_scattered(room);
	struct dump before;

	if (!check(p, "no memory") || !begin(&before))
		return;
	size = testmem_size_of_runs(p, room, PARCEL_ENTRIES + 1);
	if (check(size, "memory lies in too few runs"))
		expect_too_scattered(p, size);
	end(&before);
	testmem_free(p, room);
}

static void too_scattered(void)
{
	testmem_run_in_place(check_too_scattered);
}

/* Huge pages: an entry each at most, 512 of them in one request. In place. */
static void check_huge(const char *what, u8 *p, u64 size)
{
	struct parcel parcel = { 0 };
	long requests;
	struct testvm vm;

	if (!p) {
		note("%s: no memory", what);
		return;
	}
	requests = parcel_requests("MEM_LEND") + parcel_requests("MEM_APPEND");
	if (start_with(&vm, p, size, BEHIND, 0)) {
		requests = parcel_requests("MEM_LEND") + parcel_requests("MEM_APPEND") - requests;
		check(parcel_find(LABEL, 0, &parcel) && parcel.size == size, "no parcel");
		check(parcel.entries == testmem_runs(p, size), "%u entries, not %llu",
		      parcel.entries, testmem_runs(p, size));
		check(parcel.entries <= size / SZ_2M, "%u entries", parcel.entries);
		check(requests == 2, "%ld requests", requests - 1);
		note("%s: %llu MiB in %u entries, %ld request", what, size / SZ_1M,
		     parcel.entries, requests - 1);
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
	testmem_free(p, size);
}

static void check_huge_kinds(void)
{
	const u64 size = 256 * SZ_1M;
	struct dump before;

	if (!begin(&before))
		return;
	check_huge("hugetlb", testmem_hugetlb(size), size);
	check_huge("THP", testmem_thp(size), size);
	end(&before);
}

static void huge(void)
{
	testmem_run_in_place(check_huge_kinds);
}

/* With the image, that is one parcel too many if @count is 64. */
static void start_with_parcels(unsigned int count, int err)
{
	u8 *p = testmem_thp(SZ_2M);
	struct testvm vm;
	unsigned int i;

	if (!check(p, "no memory"))
		return;
	if (testvm_create(&vm, 1, PROGRAM(off))) {
		for (i = 0; i < count; i++)
			check_errno(testmem_set(vm.fd, LABEL + i,
						i % 2 ? TESTMEM_LENT : TESTMEM_RWX,
						BEHIND + i * SZ_4K, p + i * SZ_4K, SZ_4K), 0,
				    "region %u", i);
		check_errno(testvm_ioctl_start(&vm), err, "START with %u parcels", count + 1);
		check(testmem_info(vm.fd, "mem-parcels") == PARCELS, "%lld parcels",
		      testmem_info(vm.fd, "mem-parcels"));
		if (!err)
			testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	testvm_close(&vm);
	testmem_free(p, SZ_2M);
}

static void parcels(void)
{
	struct dump before;

	if (!begin(&before))
		return;
	start_with_parcels(PARCELS - 1, 0);
	start_with_parcels(PARCELS, EPERM);
	end(&before);
}

static void parcels_in_place(void)
{
	testmem_run_in_place(parcels);
}

/* Nobody has a page twice: the Resource Manager knows, and the driver does if it is to move. */
static void same_memory_twice(void)
{
	struct testvm vm;
	struct dump before;

	if (!begin(&before))
		return;
	if (testvm_create(&vm, 1, PROGRAM(off))) {
		check_errno(testmem_set(vm.fd, LABEL, TESTMEM_RWX, BEHIND, vm.ram.hva + SZ_4K,
					SZ_4K), 0, "region");
		check_errno(testvm_ioctl_start(&vm), EINVAL, "START");
	}
	testvm_close(&vm);
	end(&before);
}

static void same_memory_twice_in_place(void)
{
	testmem_run_in_place(same_memory_twice);
}

/*
 * What does not come back at once
 */

/* Bytes that are in quarantine, of all VMs, or -1 */
static long long stuck_bytes(void)
{
	long long bytes, sum = 0;
	char line[512], *at;
	FILE *file;

	file = fopen("/sys/kernel/debug/gunyah/memory", "re");
	if (!check(file, "debugfs: errno %d", errno))
		return -1;
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, " quarantined ");
		if (at && sscanf(at, " quarantined %lld", &bytes) == 1)
			sum += bytes;
	}
	fclose(file);
	return sum;
}

static bool wait_for_quarantined(long long bytes)
{
	unsigned int ms;

	/* Tries are up to 64 s apart. */
	for (ms = 0; ms < 120000 && stuck_bytes() != bytes; ms += 10)
		sleep_ms(10);
	return check(stuck_bytes() == bytes, "%lld bytes are in quarantine, not %lld",
		     stuck_bytes(), bytes);
}

/* Every way back fails for some time: an APPEND, what follows it, what the end tries. In place. */
static void check_quarantine(void)
{
	u64 room = 1024 * SZ_4K, size;
	u8 *p = testmem_scattered(room);
	long locked = testmem_locked();
	struct dump before;
	struct testvm vm;

	if (!check(p, "no memory") || !begin(&before))
		return;
	size = testmem_size_of_runs(p, room, 513);
	ctl("fail " MEM_APPEND " code=1");
	ctl("fail " MEM_RECLAIM " code=5 count=0");
	if (check(size, "memory lies in too few runs") &&
	    start_with(&vm, p, size, BEHIND, ENOMEM)) {
		check(testmem_info(vm.fd, "mem-quarantined") == (long long)size,
		      "%lld bytes are quarantined", testmem_info(vm.fd, "mem-quarantined"));
		check(testmem_info(vm.fd, "mem-lent") == TESTVM_MEM_SIZE, "%lld are lent",
		      testmem_info(vm.fd, "mem-lent"));
		testvm_close_files(&vm);
		wait_for_quarantined(TESTVM_MEM_SIZE + size);
		check(testmem_locked() > locked, "no longer locked");
		ctl("clear");
		wait_for_quarantined(0);
	}
	testvm_close(&vm);
	testmem_check_locked(locked, "in the end");
	ctl("clear");
	end(&before);
	testmem_free(p, room);
}

static void quarantine(void)
{
	testmem_run_in_place(check_quarantine);
}

static const struct tap_test tests[] = {
	{ "kinds of memory", kinds },
	{ "a range that is not all of it memory", partly_refused },
	{ "RLIMIT_MEMLOCK", limits },
	{ "the last file is closed by another process", closed_by_another },
	{ "the maker of a VM dies", maker_dies },
	{ "the maker of a VM dies, memory is lent in place", maker_dies_in_place },
	{ "threads on a few labels", threads },
	{ "each allocation of a region fails", failing_allocations },
	{ "scattered memory", scattered },
	{ "memory that is too scattered", too_scattered },
	{ "huge pages", huge },
	{ "as many parcels as there can be, and one more", parcels },
	{ "the same, lent in place", parcels_in_place },
	{ "a page in two regions", same_memory_twice },
	{ "a page in two regions, lent in place", same_memory_twice_in_place },
	{ "memory that does not come back at once", quarantine },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
