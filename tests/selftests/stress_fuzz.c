// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that ask one VM for anything. What they are told does not matter, as long as there is
 * all of it; nothing may be left.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "guest_tree.h"
#include "stress.h"
#include "testvm.h"

#define FUZZ_MS			120000
/* On a slow machine it may take longer for all to be done that can be. */
#define MIN_ROUNDS		(4 * KINDS)
#define THREADS			8
#define CALLS			300
#define SCRATCH_SIZE		(16 * SZ_4K)

#define NO_REG_SET		4
#define NO_REG			40

/* A guest that boots from nonsense may run for ever, for all that its vCPU's thread knows. */
#define SIGNAL_MS		100

enum call {
	CALL_REGION,
	CALL_LEND,
	CALL_DTB,
	CALL_FIRMWARE,
	CALL_BOOT_CONTEXT,
	CALL_ADD,
	CALL_REMOVE,
	CALL_RUN,
	CALL_CAPABILITY,
	CALL_STATUS,
	CALL_CRASH_MSG,
	CALL_START,
	CALL_ANY,
	CALLS_KNOWN
};

static const char *const call_names[CALLS_KNOWN] = {
	"SET_USER_MEM_REGION", "LEND_USER_MEM", "SET_DTB_CONFIG", "SET_FW_CONFIG",
	"SET_BOOT_CONTEXT", "ADD_FUNCTION", "REMOVE_FUNCTION", "RUN", "GET_CAPABILITY",
	"GET_STATUS", "GET_CRASH_MSG", "START", "any other",
};

struct result {
	unsigned int ok;
	unsigned int refused;
};

enum kind {
	KIND_KEPT,		/* its memory and what it is stay, so that it can be started */
	KIND_WHOLE,		/* it could be started, if nobody changed it */
	KIND_BARE,
	KINDS
};

struct fuzz {
	struct testvm vm;
	enum kind kind;
	u8 *scratch;
};

struct fuzzer {
	struct fuzz *fuzz;
	pthread_t thread;
	unsigned int seed;
	struct result results[CALLS_KNOWN];
};

static unsigned int any(struct fuzzer *fuzzer, unsigned int limit)
{
	return rand_r(&fuzzer->seed) % limit;
}

static u64 one_of(struct fuzzer *fuzzer, const u64 *values, unsigned int count)
{
	return values[any(fuzzer, count)];
}

#define ONE_OF(fuzzer, ...) \
	one_of(fuzzer, (const u64[]) { __VA_ARGS__ }, ARRAY_SIZE(((const u64[]) { __VA_ARGS__ })))

static void told(struct fuzzer *fuzzer, enum call call, int ret)
{
	if (ret < 0)
		fuzzer->results[call].refused++;
	else
		fuzzer->results[call].ok++;
}

static void ask(struct fuzzer *fuzzer, enum call call, unsigned long request, void *arg)
{
	told(fuzzer, call, ioctl(fuzzer->fuzz->vm.fd, request, arg));
}

/* Flags are mostly right, addresses often. */
static void ask_region(struct fuzzer *fuzzer)
{
	struct gh_userspace_memory_region region = {
		.label = any(fuzzer, 4),
		.flags = any(fuzzer, 4) ? 7 | any(fuzzer, 2) << 3 : (u32)rand_r(&fuzzer->seed),
		.guest_phys_addr = ONE_OF(fuzzer, 0, SZ_4K, 8 * SZ_4K, GUEST_RAM_BASE, -SZ_4K, 12,
					  1ULL << 44, 1ULL << 63),
		.memory_size = ONE_OF(fuzzer, 0, 0, SZ_4K, 8 * SZ_4K, SCRATCH_SIZE, -SZ_4K, 5),
		.userspace_addr = (unsigned long)fuzzer->fuzz->scratch +
				  ONE_OF(fuzzer, 0, SZ_4K, SCRATCH_SIZE, 3),
	};

	if (fuzzer->fuzz->kind == KIND_KEPT) {
		region.label = GUEST_RAM_LABEL;
		region.memory_size |= 1;
	}
	if (any(fuzzer, 2))
		ask(fuzzer, CALL_REGION, GH_VM_SET_USER_MEM_REGION, &region);
	else
		ask(fuzzer, CALL_LEND, GH_VM_ANDROID_LEND_USER_MEM, &region);
}

static void ask_config(struct fuzzer *fuzzer)
{
	struct gh_vm_dtb_config range = {
		.guest_phys_addr = GUEST_RAM_BASE + TESTVM_DTB,
		.size = GUEST_TREE_SIZE,
	};
	struct gh_vm_boot_context context = {
		.reg = any(fuzzer, NO_REG_SET) << 8 | any(fuzzer, NO_REG),
		.value = rand_r(&fuzzer->seed),
	};

	if (!any(fuzzer, 4)) {
		range.guest_phys_addr = ONE_OF(fuzzer, 0, SZ_4K, GUEST_RAM_BASE, 7, -SZ_4K);
		range.size = ONE_OF(fuzzer, 0, 1, SZ_4K, SZ_64K, -1);
	}
	switch (any(fuzzer, 8)) {
	case 0:
		if (fuzzer->fuzz->kind != KIND_KEPT)
			ask(fuzzer, CALL_FIRMWARE, GH_VM_ANDROID_SET_FW_CONFIG, &range);
		break;
	case 1:
	case 2:
	case 3:
		ask(fuzzer, CALL_DTB, GH_VM_SET_DTB_CONFIG, &range);
		break;
	default:
		ask(fuzzer, CALL_BOOT_CONTEXT, GH_VM_SET_BOOT_CONTEXT, &context);
	}
}

/* As one that is to leave at once, or that may stay */
static void run_vcpu(struct fuzzer *fuzzer, int fd)
{
	struct gh_vcpu_run *run;

	run = mmap(NULL, SZ_4K, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED)
		return;
	run->immediate_exit = any(fuzzer, 2);
	told(fuzzer, CALL_RUN, ioctl(fd, GH_VCPU_RUN));
	munmap(run, SZ_4K);
}

static void ask_function(struct fuzzer *fuzzer)
{
	static const u32 right_sizes[] = {
		[GH_FN_VCPU] = sizeof(struct gh_fn_vcpu_arg),
		[GH_FN_IRQFD] = sizeof(struct gh_fn_irqfd_arg),
		[GH_FN_IOEVENTFD] = sizeof(struct gh_fn_ioeventfd_arg),
		[GH_FN_BELLFD] = sizeof(struct gh_fn_bellfd_arg),
	};
	union {
		struct gh_fn_vcpu_arg vcpu;
		struct gh_fn_irqfd_arg irqfd;
		struct gh_fn_ioeventfd_arg ioeventfd;
		u32 words[64];
	} arg;
	u32 type = ONE_OF(fuzzer, GH_FN_VCPU, GH_FN_IRQFD, GH_FN_IOEVENTFD, GH_FN_BELLFD), size;
	bool add = any(fuzzer, 2);
	unsigned int i;
	int ret;

	size = any(fuzzer, 4) ? right_sizes[type] : ONE_OF(fuzzer, 4, 16, 32, 0, 256, 257);
	/* Not often: it takes long to find that there is no module for it. */
	if (!any(fuzzer, 50))
		type = ONE_OF(fuzzer, 0, GH_FN_IOEVENTFD + 1, -1);
	for (i = 0; i < ARRAY_SIZE(arg.words); i++)
		arg.words[i] = ONE_OF(fuzzer, 0, 0, 1, 2, 8, 100, fuzzer->fuzz->vm.fd, -1);
	ret = testvm_function(fuzzer->fuzz->vm.fd, add ? GH_VM_ADD_FUNCTION :
							 GH_VM_REMOVE_FUNCTION,
			      type, &arg, size);
	told(fuzzer, add ? CALL_ADD : CALL_REMOVE, ret);
	if (ret > 0) {
		run_vcpu(fuzzer, ret);
		close(ret);
	}
}

static void ask_question(struct fuzzer *fuzzer)
{
	struct gh_capability cap = { .id = any(fuzzer, 20), .reserved = !any(fuzzer, 4) };
	struct gh_vm_status_info info;
	struct gh_vm_crash_msg msg;

	switch (any(fuzzer, 5)) {
	case 0:
		ask(fuzzer, CALL_CAPABILITY, GH_GET_CAPABILITY, &cap);
		break;
	case 1:
		ask(fuzzer, CALL_STATUS, GH_VM_GET_STATUS, any(fuzzer, 4) ? &info : NULL);
		break;
	case 2:
		ask(fuzzer, CALL_CRASH_MSG, GH_VM_GET_CRASH_MSG, any(fuzzer, 4) ? &msg : NULL);
		break;
	default:
		ask(fuzzer, CALL_ANY, GH_IOCTL_TYPE << 8 | rand_r(&fuzzer->seed),
		    (void *)(unsigned long)rand_r(&fuzzer->seed));
	}
}

static void *ask_for_anything(void *arg)
{
	struct fuzzer *fuzzer = arg;
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		switch (any(fuzzer, 9)) {
		case 0:
		case 1:
			ask_region(fuzzer);
			break;
		case 2:
			ask_config(fuzzer);
			break;
		case 3:
		case 4:
		case 5:
			ask_function(fuzzer);
			break;
		case 6:
			ask_question(fuzzer);
			break;
		case 7:
			/* Not too soon, as nothing changes any more afterwards. */
			if (i > CALLS / 2)
				ask(fuzzer, CALL_START, GH_VM_START, NULL);
			break;
		case 8:
			if (fuzzer->fuzz->vm.cpus)
				run_vcpu(fuzzer, fuzzer->fuzz->vm.vcpu_fd[0]);
		}
	}
	return NULL;
}

static void add_results(struct result *sum, const struct fuzzer *fuzzer)
{
	unsigned int i;

	for (i = 0; i < CALLS_KNOWN; i++) {
		sum[i].ok += fuzzer->results[i].ok;
		sum[i].refused += fuzzer->results[i].refused;
	}
}

static void join(struct fuzzer *fuzzer)
{
	struct timespec end;

	do {
		pthread_kill(fuzzer->thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec += SIGNAL_MS * 1000000L;
		end.tv_sec += end.tv_nsec / 1000000000L;
		end.tv_nsec %= 1000000000L;
	} while (pthread_timedjoin_np(fuzzer->thread, NULL, &end));
}

static void do_nothing(int sig)
{
	(void)sig;
}

static bool fuzz_vm(unsigned int round, struct result *sum)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	struct fuzzer fuzzers[THREADS] = { };
	struct fuzz fuzz = { .kind = round % KINDS };
	unsigned int n = 0;
	bool ok;

	sigaction(SIGUSR1, &action, NULL);
	fuzz.scratch = mmap(NULL, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!check(fuzz.scratch != MAP_FAILED, "no memory"))
		return false;
	ok = fuzz.kind == KIND_BARE ? testvm_open(&fuzz.vm) :
				      testvm_create(&fuzz.vm, 1, PROGRAM(off));
	while (ok && n < THREADS) {
		fuzzers[n].fuzz = &fuzz;
		fuzzers[n].seed = stress_random(RAND_MAX);
		if (!check(!pthread_create(&fuzzers[n].thread, NULL, ask_for_anything,
					   &fuzzers[n]), "no thread"))
			break;
		n++;
	}
	while (n) {
		join(&fuzzers[--n]);
		add_results(sum, &fuzzers[n]);
	}
	testvm_close(&fuzz.vm);
	munmap(fuzz.scratch, SCRATCH_SIZE);
	return ok;
}

static void check_result(enum call call, const struct result *result)
{
	/* What not every Resource Manager has, and what hardly anything has */
	bool optional = call == CALL_FIRMWARE || call == CALL_BOOT_CONTEXT || call == CALL_ANY;

	note("%s: %u done, %u refused", call_names[call], result->ok, result->refused);
	check(optional || result->ok, "%s was never done", call_names[call]);
	check(result->refused, "%s was never refused", call_names[call]);
}

void stress_nonsense(void)
{
	struct result sum[CALLS_KNOWN] = { };
	struct stress stress;
	unsigned int round = 0;
	enum call call;

	if (!stress_begin(&stress))
		return;
	do {
		tap_alive();
	} while (fuzz_vm(round++, sum) &&
		 (round < MIN_ROUNDS || ms_since(&stress.start) < stress_times(FUZZ_MS)));
	note("%u VMs", round);
	for (call = 0; call < CALLS_KNOWN; call++)
		check_result(call, &sum[call]);
	stress_end(&stress);
	live(LIFE_PLAIN, 0);
}
