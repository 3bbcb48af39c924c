// SPDX-License-Identifier: GPL-2.0
/*
 * Lives of VMs, many of them: one after the other, all at once, killed at any moment, ended
 * from two sides, and asked for nonsense. Nothing is left of them.
 *
 * GUNYAH_STRESS=N in the environment makes all of it N times as much.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump.h"
#include "fault.h"
#include "testvm.h"

#define CREATIONS		10000
#define LIVES			300
#define KILLS			200
#define KILL_MAX_US		400000
/* A thousand by GUNYAH_STRESS=5: each takes the emulator a while. */
#define RACES			200
#define RACE_MAX_US		20000
#define FUZZ_SECONDS		120
#define FUZZ_CALLS		300

/* As many as there are VMIDs for */
#define MAX_VMS			63
#define FUZZ_THREADS		8
#define SCRATCH_SIZE		(16 * SZ_4K)

static unsigned int seed;

/* Different in each run, and said, so that a run can be looked at again. */
static void choose_seed(void)
{
	seed = time(NULL);
	note("seed %u", seed);
}

static unsigned int times(unsigned int n)
{
	const char *factor = getenv("GUNYAH_STRESS");

	return n * (factor ? atoi(factor) : 1);
}

/* The test goes on for as long as @run says so, then all is as it was before. */
static void check_rounds(unsigned int rounds, bool (*run)(unsigned int round))
{
	struct dump before;
	unsigned int i;

	if (!dump_supported())
		return skip("no dump of the Resource Manager");
	if (!dump_take(&before))
		return;
	choose_seed();
	for (i = 0; i < times(rounds); i++) {
		tap_alive();
		if (!run(i)) {
			note("in round %u", i + 1);
			break;
		}
	}
	dump_check_same(&before);
	dump_free(&before);
}

/* Some of them with all that they need to be started */
static bool create_and_close(unsigned int round)
{
	struct testvm vm;
	bool ok;

	ok = round % 50 ? testvm_open(&vm) : testvm_create(&vm, 2, PROGRAM(off));
	testvm_close(&vm);
	return ok;
}

static void creations(void)
{
	check_rounds(CREATIONS, create_and_close);
}

/* Every third is stopped. */
static bool live_once(unsigned int round)
{
	struct testvm vm;
	bool ok;

	ok = testvm_start(&vm, 1 + round % 2, PROGRAM(off));
	if (ok && round % 3)
		ok = testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
	return ok;
}

static void lives(void)
{
	check_rounds(LIVES, live_once);
}

static bool all_at_once(unsigned int round)
{
	static struct testvm vms[MAX_VMS + 1];
	unsigned int n, i;
	bool ok = true;

	(void)round;
	for (n = 0; ok && n < MAX_VMS; n++) {
		tap_alive();
		ok = testvm_start(&vms[n], 1, PROGRAM(count));
	}
	if (ok) {
		ok = testvm_create(&vms[n], 1, PROGRAM(count)) &&
		     check_errno(testvm_ioctl_start(&vms[n]), ENOSPC, "START of one too many");
		n++;
	}
	for (i = 0; ok && i < MAX_VMS; i++)
		ok = testvm_expect_out(&vms[i], 0, 0);
	for (i = 0; ok && i < MAX_VMS; i++)
		ok = testvm_expect_out(&vms[MAX_VMS - 1 - i], 0, 1);
	for (i = 0; i < n; i++)
		testvm_close(&vms[i]);
	return ok;
}

static void many_vms(void)
{
	check_rounds(2, all_at_once);
}

/* In the child: never returns. */
static void be_vmm(unsigned int round)
{
	struct testvm vm;

	for (;;) {
		if (!testvm_start(&vm, 1, round % 2 ? PROGRAM(off) : PROGRAM(count)))
			_exit(1);
		while (!testvm_run(&vm, 0) &&
		       vm.run[0]->exit_reason != GH_VCPU_EXIT_STATUS)
			;
		testvm_close(&vm);
	}
}

static bool kill_somewhen(unsigned int round)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		be_vmm(round);
	if (!check(pid > 0, "no process"))
		return false;
	usleep(rand_r(&seed) % KILL_MAX_US);
	kill(pid, SIGKILL);
	return check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		     "the VMM ended by itself, status %#x", status);
}

static void kills(void)
{
	check_rounds(KILLS, kill_somewhen);
}

static void *run_vcpu(void *arg)
{
	struct testvm *vm = arg;

	while (!testvm_run(vm, 0) && vm->run[0]->exit_reason != GH_VCPU_EXIT_STATUS)
		;
	return NULL;
}

/* The guest turns itself off while its files are closed. */
static bool race_to_the_end(unsigned int round)
{
	pthread_t thread;
	struct testvm vm;
	bool ok;

	(void)round;
	ok = testvm_start(&vm, 1, PROGRAM(off)) &&
	     check(!pthread_create(&thread, NULL, run_vcpu, &vm), "no thread");
	if (ok) {
		usleep(rand_r(&seed) % RACE_MAX_US);
		close(vm.fd);
		vm.fd = -1;
		pthread_join(thread, NULL);
	}
	testvm_close(&vm);
	return ok;
}

static void races(void)
{
	check_rounds(RACES, race_to_the_end);
}

/*
 * Nonsense from several threads
 */

struct fuzz {
	struct testvm vm;
	u8 *scratch;
	unsigned int seed;
};

static u64 one_of(unsigned int *seed, const u64 *values, unsigned int count)
{
	return values[rand_r(seed) % count];
}

#define ONE_OF(seed, ...) \
	one_of(seed, (const u64[]) { __VA_ARGS__ }, \
	       sizeof((const u64[]) { __VA_ARGS__ }) / sizeof(u64))

static void fuzz_region(struct fuzz *fuzz, unsigned int *seed)
{
	struct gh_userspace_memory_region region = {
		.label = rand_r(seed) % 4,
		.flags = rand_r(seed) % 4 ? 7 | (rand_r(seed) % 2) << 3 : rand_r(seed),
		.guest_phys_addr = ONE_OF(seed, 0, SZ_4K, 8 * SZ_4K, GUEST_RAM_BASE, -SZ_4K, 12,
					  1ULL << 44, 1ULL << 63),
		.memory_size = ONE_OF(seed, 0, 0, SZ_4K, 8 * SZ_4K, SCRATCH_SIZE, -SZ_4K, 5),
		.userspace_addr = (unsigned long)fuzz->scratch +
				  ONE_OF(seed, 0, SZ_4K, SCRATCH_SIZE, 3),
	};

	ioctl(fuzz->vm.fd, rand_r(seed) % 2 ? GH_VM_SET_USER_MEM_REGION :
					      GH_VM_ANDROID_LEND_USER_MEM, &region);
}

static void fuzz_configs(struct fuzz *fuzz, unsigned int *seed)
{
	struct gh_vm_dtb_config range = {
		.guest_phys_addr = ONE_OF(seed, 0, SZ_4K, GUEST_RAM_BASE + TESTVM_DTB, 7, -SZ_4K),
		.size = ONE_OF(seed, 0, 1, SZ_4K, SZ_64K, -1),
	};
	struct gh_vm_boot_context context = {
		.reg = rand_r(seed) % 4 << 8 | rand_r(seed) % 40,
		.value = rand_r(seed),
	};

	switch (rand_r(seed) % 8) {
	case 0:
		ioctl(fuzz->vm.fd, GH_VM_ANDROID_SET_FW_CONFIG, &range);
		break;
	case 1:
	case 2:
		ioctl(fuzz->vm.fd, GH_VM_SET_DTB_CONFIG, &range);
		break;
	default:
		ioctl(fuzz->vm.fd, GH_VM_SET_BOOT_CONTEXT, &context);
	}
}

static void fuzz_function(struct fuzz *fuzz, unsigned int *seed)
{
	union {
		struct gh_fn_vcpu_arg vcpu;
		struct gh_fn_irqfd_arg irqfd;
		struct gh_fn_ioeventfd_arg ioeventfd;
		u32 words[64];
	} arg = { };
	static const u32 sizes[] = { 4, 16, 32, 0, 256, 257 };
	u32 type = rand_r(seed) % 5;
	u32 size = rand_r(seed) % 4 ? sizes[(type + 2) % 3] : sizes[rand_r(seed) % 6];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(arg.words); i++)
		arg.words[i] = ONE_OF(seed, 0, 1, 2, 8, 100, fuzz->vm.fd, -1);
	fd = testvm_function(fuzz->vm.fd, rand_r(seed) % 2 ? GH_VM_ADD_FUNCTION :
							    GH_VM_REMOVE_FUNCTION,
			     type, &arg, size);
	/* A vCPU: run it a little, as one that is to leave at once. */
	if (fd > 0) {
		struct gh_vcpu_run *run = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED,
					       fd, 0);

		if (run != MAP_FAILED) {
			run->immediate_exit = 1;
			ioctl(fd, GH_VCPU_RUN);
			munmap(run, SZ_4K);
		}
		close(fd);
	}
}

static void fuzz_questions(struct fuzz *fuzz, unsigned int *seed)
{
	struct gh_capability cap = { .id = rand_r(seed) % 20, .reserved = !(rand_r(seed) % 4) };
	struct gh_vm_status_info info;

	switch (rand_r(seed) % 4) {
	case 0:
		ioctl(fuzz->vm.fd, GH_GET_CAPABILITY, &cap);
		break;
	case 1:
		ioctl(fuzz->vm.fd, GH_VM_GET_STATUS, &info);
		break;
	default:
		ioctl(fuzz->vm.fd, 0x4700 | rand_r(seed), rand_r(seed));
	}
}

static void *fuzz_thread(void *arg)
{
	struct fuzz *fuzz = arg;
	unsigned int seed = __atomic_add_fetch(&fuzz->seed, 1, __ATOMIC_RELAXED);
	unsigned int i;

	for (i = 0; i < FUZZ_CALLS; i++) {
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
			fuzz_region(fuzz, &seed);
			break;
		case 2:
			fuzz_configs(fuzz, &seed);
			break;
		case 3:
		case 4:
		case 5:
			fuzz_function(fuzz, &seed);
			break;
		case 6:
			fuzz_questions(fuzz, &seed);
			break;
		case 7:
			/* Not too soon, as nothing changes any more afterwards. */
			if (i > FUZZ_CALLS / 2)
				testvm_ioctl_start(&fuzz->vm);
		}
	}
	return NULL;
}

static bool fuzz_vm(unsigned int round)
{
	pthread_t threads[FUZZ_THREADS];
	struct fuzz fuzz = { .seed = rand_r(&seed) };
	unsigned int n = 0;
	bool ok;

	fuzz.scratch = mmap(NULL, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok = check(fuzz.scratch != MAP_FAILED, "no memory") &&
	     (round % 2 ? testvm_open(&fuzz.vm) : testvm_create(&fuzz.vm, 1, PROGRAM(off)));
	while (ok && n < FUZZ_THREADS &&
	       check(!pthread_create(&threads[n], NULL, fuzz_thread, &fuzz), "no thread"))
		n++;
	while (n)
		pthread_join(threads[--n], NULL);
	if (ok)
		testvm_close(&fuzz.vm);
	munmap(fuzz.scratch, SCRATCH_SIZE);
	return ok;
}

static void nonsense(void)
{
	struct timespec start;
	struct dump before;
	unsigned int round = 0;

	if (!dump_supported())
		return skip("no dump of the Resource Manager");
	if (!dump_take(&before))
		return;
	choose_seed();
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		tap_alive();
	} while (fuzz_vm(round++) && ms_since(&start) < times(FUZZ_SECONDS) * 1000L);
	note("%u VMs", round);
	dump_check_same(&before);
	dump_free(&before);
	live(LIFE_PLAIN, 0);
}

static const struct tap_test tests[] = {
	{ "10,000 VMs are created and closed", creations },
	{ "300 VMs are started and ended", lives },
	{ "63 VMs at once", many_vms },
	{ "killed at 200 random moments", kills },
	{ "ends that race with the last close", races },
	{ "8 threads that ask one VM for anything", nonsense },
};

int main(void)
{
	return testvm_main(tests, ARRAY_SIZE(tests));
}
