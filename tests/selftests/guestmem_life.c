// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: processes that are killed, a Resource Manager that refuses, threads.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "fault.h"
#include "guestmem.h"
#include "leftover.h"
#include "modules.h"
#include "testmem.h"

#define DATA			TESTVM_MEM_SIZE
#define SIZE			(4 * DATA)
#define LABEL			10

/* Tries to take memory back are up to 64 s apart. */
#define STUCK_MS		150000

/*
 * A VM with all kinds of memory: an image, a lent and a shared part of a file, and user
 * memory that is lent
 */
struct life {
	struct testvm vm;
	int fd;
	u8 *p;
	u8 *user;
};

static bool life_create(struct life *life, struct guest_program program)
{
	*life = (struct life) { .fd = gmem_new(0, SIZE), .vm.fd = -1 };
	life->p = gmem_mmap(life->fd, SIZE);
	life->user = testmem_thp(DATA);
	if (!life->p || !check(life->user, "no memory"))
		return false;
	gm_fill(life->p + DATA, 2 * DATA, 1);
	gm_fill(life->user, DATA, 2);
	return gmem_vm_create(&life->vm, life->fd, 0, program) &&
	       check_errno(gmem_map(life->vm.fd, BEHIND, GMEM_LEND | KEEP, life->fd, DATA, DATA),
			   0, "lent part") &&
	       check_errno(testmem_set(life->vm.fd, LABEL, TESTMEM_LENT, BEHIND + DATA,
				       life->user, DATA), 0, "user memory") &&
	       check_errno(gmem_map(life->vm.fd, ELSEWHERE, GMEM_SHARE, life->fd, 2 * DATA,
				    DATA), 0, "shared part");
}

/* All but the VM */
static void life_free(struct life *life)
{
	munmap(life->p, SIZE);
	testmem_free(life->user, DATA);
	close(life->fd);
}

/*
 * Killed
 */

/* In the child: never returns. */
static void be_vmm(bool allocate)
{
	const u64 size = 128 * SZ_1M;
	struct life life;
	int fd;

	for (;;) {
		fd = gmem_new(0, size);
		if (allocate && gm_fallocate(fd, 0, 0, size))
			_exit(1);
		if (!life_create(&life, PROGRAM(spin)) || testvm_ioctl_start(&life.vm))
			_exit(1);
		testvm_expect_out(&life.vm, 0, BASE + TESTVM_DTB);
		testvm_close(&life.vm);
		life_free(&life);
		close(fd);
	}
}

void gm_life_kill(void)
{
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 24; i++) {
		tap_alive();
		pid = fork();
		if (!pid)
			be_vmm(i % 2);
		if (!check(pid > 0, "no process"))
			return;
		/* Sometimes before it has done anything, sometimes in its second life */
		sleep_ms(i * i * 4);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		check(WIFSIGNALED(status), "it ended by itself, status %#x", status);
	}
}

/* It waits in START for an answer to this request, and is killed. */
static void kill_in_start(const char *request)
{
	struct dump before;
	struct life life;
	pid_t pid;

	tap_alive();
	if (!dump_take(&before))
		return;
	ctl("mute %s", request);
	pid = fork();
	if (!pid) {
		if (!life_create(&life, PROGRAM(off)))
			_exit(1);
		testvm_ioctl_start(&life.vm);
		_exit(2);
	}
	if (check(pid > 0, "no process")) {
		wait_for_dump("muted\n", true);
		kill_child(pid);
		ctl("clear");
		bury_child(pid);
	}
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
}

void gm_life_kill_start(void)
{
	static const char *const requests[] = {
		VM_ALLOCATE, MEM_LEND, MEM_SHARE, VM_CONFIG_IMAGE, VM_INIT, VM_START,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++)
		kill_in_start(requests[i]);
}

/*
 * What does not come back
 */

static bool wait_for_lent(int fd, long long bytes)
{
	unsigned int ms;

	for (ms = 0; ms < STUCK_MS && gmem_info(fd, "lent") != bytes; ms += 100)
		sleep_ms(100);
	return gmem_check_info(fd, "lent", bytes, "after some time");
}

/* Nobody gets what the guest may still have. */
static void check_stuck(struct life *life, long locked)
{
	struct testvm other;

	gmem_check_info(life->fd, "lent", 2 * DATA, "when it is stuck");
	check(access_signal(life->p, false) == SIGBUS, "the image can be read");
	check(access_signal(life->p + DATA, true) == SIGBUS, "what was lent can be written");
	check(access_signal(life->user, false) == SIGBUS, "user memory can be read");
	check(!access_signal(life->p + 2 * DATA + SZ_64K + 8, true), "what was shared is gone");
	check_errno(gm_fallocate(life->fd, FALLOC_FL_PUNCH_HOLE, DATA, SZ_4K), EBUSY, "punch");
	check_errno(gm_fallocate(life->fd, FALLOC_FL_ZERO_RANGE, 0, DATA), EBUSY, "zero");
	if (gm_open_vm(&other)) {
		check_errno(gmem_map(other.fd, BASE, GMEM_SHARE, life->fd, DATA, SZ_4K), EEXIST,
			    "MAP_MEM");
		check_errno(testmem_set(other.fd, 1, TESTMEM_RWX, BASE, life->user, SZ_4K),
			    EEXIST, "user memory");
	}
	testvm_close(&other);
	/* All is counted, also if it is not mapped any more. */
	check(testmem_locked() == locked, "%ld KiB are locked, not %ld", testmem_locked(), locked);
}

/* RECLAIM fails for a while: later it is done. */
static void stuck_for_a_while(void)
{
	struct life life;
	long locked;

	if (life_create(&life, PROGRAM(peek)) && gm_start(&life.vm, 0, false)) {
		testvm_poke(&life.vm, BEHIND + 8, 55, 55);
		testvm_poke(&life.vm, BEHIND + DATA + 8, 66, 66);
		locked = testmem_locked();
		ctl("fail " MEM_RECLAIM " code=5 count=0");
		testvm_close_files(&life.vm);
		guest_mem_free(&life.vm.ram);
		check_stuck(&life, locked);
		ctl("clear");
		wait_for_lent(life.fd, 0);
		gm_check_zero(life.p, DATA, "the image");
		gm_check(life.p + DATA, DATA, 1, "what was lent");
		check(*(u64 *)(life.p + DATA + 8) == 55, "what the guest wrote is lost");
		check(!access_signal(life.user, false) && *(u64 *)(life.user + 8) == 66,
		      "user memory is lost");
		gm_check(life.user, DATA, 2, "user memory");
		check_errno(gm_fallocate(life.fd, FALLOC_FL_PUNCH_HOLE, 0, SIZE), 0, "punch");
	}
	testvm_close(&life.vm);
	ctl("clear");
	life_free(&life);
}

static bool check_lost(const struct life *life)
{
	return check(access_signal(life->p + DATA, false) == SIGBUS, "it can be read") &
	       check(access_signal(life->user, false) == SIGBUS, "user memory can be read") &
	       gmem_check_info(life->fd, "lent", 2 * DATA, "when it is lost") &
	       check_errno(gm_fallocate(life->fd, FALLOC_FL_PUNCH_HOLE, DATA, SZ_4K), EBUSY,
			   "punch");
}

/*
 * The driver loses its Resource Manager: then it never comes back, and stays counted for the
 * process, so this is one that ends.
 */
static bool stuck_for_ever(void *arg)
{
	long locked = testmem_locked();
	struct dump *dump = arg;
	struct life life;
	bool ok = false;

	if (life_create(&life, PROGRAM(peek)) && gm_start(&life.vm, 0, false)) {
		ok = ctl("fail " MEM_RECLAIM " code=5 count=0");
		testvm_close_files(&life.vm);
		guest_mem_free(&life.vm.ram);
		ok &= rm_unbind() && rm_bind() && ctl("clear") && check_lost(&life);
		life_free(&life);
		ok &= testmem_check_locked(locked + 4 * DATA / 1024, "when it is lost");
		/* Nothing of it is anybody's now, so the Resource Manager may have it back. */
		ok &= check(leftover_give_back(dump) > 0, "nothing is lost");
	}
	return ok;
}

void gm_life_stuck(void)
{
	struct gm_child child;
	struct dump dump;

	stuck_for_a_while();
	if (!dump_take(&dump))
		return;
	gm_fork(&child, stuck_for_ever, &dump);
	gm_let_go(&child);
	dump_free(&dump);
}

/* Each request of START: what was to be lent is as before, and in its place. */
void gm_life_refused(void)
{
	static const char *const requests[] = {
		VM_ALLOCATE " nth=1", MEM_LEND " nth=1", MEM_LEND " nth=2", MEM_LEND " nth=3",
		MEM_SHARE " nth=1", VM_CONFIG_IMAGE " nth=1", VM_INIT " nth=1",
		VM_GET_RESOURCES " nth=1", VM_START " nth=1",
	};
	struct dump before;
	struct life life;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		tap_alive();
		if (!dump_take(&before))
			return;
		if (life_create(&life, PROGRAM(off)) && ctl("fail %s code=5", requests[i])) {
			check(gm_start(&life.vm, EBUSY, false), "%s", requests[i]);
			wait_for_dump("\narmed ", false);
		}
		testvm_close(&life.vm);
		gmem_check_info(life.fd, "lent", 0, requests[i]);
		gm_check(life.p + DATA, 2 * DATA, 1, requests[i]);
		gm_check(life.user, DATA, 2, requests[i]);
		check(!access_signal(life.p, true), "the image is gone");
		dump_check_same(&before);
		dump_free(&before);
		life_free(&life);
	}
	ctl("clear");
}

/*
 * Threads
 */

#define VMMS			2
#define OTHERS			3
#define LIVES			12
/* Each VMM has an image and some more of the file, and everybody else the rest, too. */
#define RACE_OWN		(VMMS * DATA)
#define RACE_SIZE		(RACE_OWN + 8 * SZ_2M)

struct race {
	int fd;
	u8 *p;
	bool stop;
	unsigned int bad;
	unsigned int busy;
	unsigned int lives;
};

struct vmm {
	struct race *race;
	unsigned int nr;
};

static void *live_often(void *arg)
{
	const struct vmm *vmm = arg;
	struct race *race = vmm->race;
	u64 image = vmm->nr * DATA, data = RACE_OWN + vmm->nr * 2 * SZ_2M;
	unsigned int i, tries;
	struct testvm vm;

	for (i = 0; i < LIVES; i++) {
		if (!gmem_vm_create(&vm, race->fd, image, PROGRAM(off)) ||
		    !check_errno(gmem_map(vm.fd, BEHIND, i % 2 ? GMEM_LEND : GMEM_LEND | KEEP,
					  race->fd, data + i * SZ_64K, SZ_2M), 0, "MAP_MEM"))
			__atomic_add_fetch(&race->bad, 1, __ATOMIC_RELAXED);
		/* As long as somebody has a page of it */
		for (tries = 0; testvm_ioctl_start(&vm) && errno == EBUSY && tries < 100; tries++)
			__atomic_add_fetch(&race->busy, 1, __ATOMIC_RELAXED);
		if (testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF))
			__atomic_add_fetch(&race->lives, 1, __ATOMIC_RELAXED);
		testvm_close(&vm);
		tap_alive();
	}
	return NULL;
}

/* The kernel touches memory for us: what is lent is EFAULT, and kills nobody. */
static bool touch(u8 *p, bool write, int zero, int sink)
{
	ssize_t n = write ? read(zero, p, SZ_4K) : pwrite(sink, p, SZ_4K, 0);

	return n >= 0 || errno == EFAULT;
}

static bool map_and_touch(struct race *race, u64 at, u64 size, int zero, int sink)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, race->fd, RACE_OWN + at);
	bool ok = p != MAP_FAILED && touch(p, false, zero, sink) &&
		  touch(p + size - SZ_4K, true, zero, sink);

	if (p != MAP_FAILED)
		munmap(p, size);
	return ok;
}

static bool take_and_read(u8 *p, const int *pipe_fd)
{
	struct iovec iov = { .iov_base = p, .iov_len = SZ_4K };
	u8 page[SZ_4K];

	if (vmsplice(pipe_fd[1], &iov, 1, 0) != (ssize_t)SZ_4K)
		return errno == EFAULT;
	return read(pipe_fd[0], page, SZ_4K) == (ssize_t)SZ_4K;
}

static bool allocate_or_punch(struct race *race, unsigned int choice, u64 at, u64 size)
{
	static const int modes[] = { 0, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE };

	return !gm_fallocate(race->fd, modes[choice % 3], RACE_OWN + at, size) || errno == EBUSY;
}

static void *disturb(void *arg)
{
	struct race *race = arg;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), pipe_fd[2];
	int sink = memfd_create("sink", MFD_CLOEXEC);
	unsigned int seed = (unsigned long)pthread_self() >> 8;
	bool ok = !pipe2(pipe_fd, O_CLOEXEC);

	while (ok && !__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		u64 at = rand_r(&seed) % (7 * 32) * SZ_64K;
		u64 size = (1 + rand_r(&seed) % 32) * SZ_64K;

		switch (rand_r(&seed) % 4) {
		case 0:
			ok = map_and_touch(race, at, size, zero, sink);
			break;
		case 1:
			ok = touch(race->p + RACE_OWN + at, seed % 2, zero, sink);
			break;
		case 2:
			ok = take_and_read(race->p + RACE_OWN + at, pipe_fd);
			break;
		default:
			ok = allocate_or_punch(race, rand_r(&seed), at, size);
			break;
		}
	}
	if (!ok)
		__atomic_store_n(&race->bad, errno ? errno : 1, __ATOMIC_RELAXED);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(zero);
	close(sink);
	return NULL;
}

void gm_life_threads(void)
{
	struct race race = { .fd = gmem_new(0, RACE_SIZE) };
	pthread_t vmms[VMMS], others[OTHERS];
	struct vmm arg[VMMS];
	unsigned int i;

	race.p = gmem_mmap(race.fd, RACE_SIZE);
	if (!race.p)
		return;
	for (i = 0; i < OTHERS; i++)
		check(!pthread_create(&others[i], NULL, disturb, &race), "no thread");
	for (i = 0; i < VMMS; i++) {
		arg[i] = (struct vmm) { .race = &race, .nr = i };
		check(!pthread_create(&vmms[i], NULL, live_often, &arg[i]), "no thread");
	}
	for (i = 0; i < VMMS; i++)
		pthread_join(vmms[i], NULL);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < OTHERS; i++)
		pthread_join(others[i], NULL);
	check(!race.bad, "errno %u", race.bad);
	check(race.lives == VMMS * LIVES, "%u lives, not %u", race.lives, VMMS * LIVES);
	note("START was busy %u times", race.busy);
	gmem_check_info(race.fd, "lent", 0, "in the end");
	munmap(race.p, RACE_SIZE);
	close(race.fd);
}
