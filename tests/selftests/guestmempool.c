// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files from the pool that the devicetree reserves: which files come from there,
 * that they are as isolated as others while they are lent, and that all of it comes back.
 *
 * Wants a machine with such a pool, and the test hypervisor.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "files.h"
#include "kmsg.h"
#include "leftover.h"
#include "modules.h"
#include "parcel.h"
#include "testgmem.h"
#include "testmem.h"

#define NODE			"guest-memory@"

/* As tests/qemu/vm.sh has them: one usable node, and others with a fault each */
#define REFUSED			4

#define FILE_SIZE		(16 * SZ_2M)
#define SHARED_AT		SZ_2M
#define SHARED_GPA		(2 * GUEST_RAM_BASE)
#define BEHIND			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define KEPT_AT			(2 * SZ_2M)

#define FILL			0x5a
#define WORD			0x5a5a5a5a5a5a5a5aULL
#define FUTEX_OTHER		0x07e50ff5
#define POKED			0x90ced90ced90ceULL

#define CORE			"/dev/shm/pool-core"

#define ABORTS			"aborts-on-lent-memory"
#define SETTLE_MS		180000
#define POLL_MS			200

/* Where it is in physical memory */
static u64 pool_start, pool_size;

/*
 * What there is
 */

/* All of "name" in /proc/iomem; returns how many there are. */
static unsigned int find_iomem(const char *name, void (*each)(u64 start, u64 end))
{
	char *text = read_file("/proc/iomem"), *line, *next = text;
	unsigned long long start, end;
	unsigned int n = 0;

	while ((line = strsep(&next, "\n"))) {
		if (!strstr(line, name) || sscanf(line, " %llx-%llx", &start, &end) != 2)
			continue;
		n++;
		each(start, end);
	}
	free(text);
	return n;
}

static void found_pool(u64 start, u64 end)
{
	pool_start = start;
	pool_size = end - start + 1;
}

static bool before_each(void)
{
	return pool_size || check(find_iomem(NODE, found_pool) == 1, "not one pool in /proc/iomem");
}

/* A file of that size that is, or is not, from the pool, or -1 */
static int new_file(u64 size, bool pooled)
{
	int fd = gmem_new(0, size);

	if (fd < 0)
		return -1;
	tap_alive();
	if (gmem_check_info(fd, "pool", pooled, "a new file"))
		return fd;
	close(fd);
	return -1;
}

/* Wait until nobody has any of the pool: all of it can be had. */
static void check_all_free(void)
{
	unsigned int ms;
	bool pooled;
	int fd;

	for (ms = 0; ms < SETTLE_MS; ms += POLL_MS) {
		fd = gmem_new(0, pool_size);
		if (fd < 0)
			return;
		pooled = gmem_info(fd, "pool") == 1;
		close(fd);
		if (pooled)
			return;
		sleep_ms(POLL_MS);
	}
	check(false, "some of the pool is still in use");
}

static bool all_bytes(const u8 *p, u64 size, u8 value)
{
	return p[0] == value && !memcmp(p, p + 1, size - 1);
}

static unsigned int count_kmsg(const char *text)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned int n;

	if (!check(fd >= 0, "/dev/kmsg: errno %d", errno))
		return 0;
	n = kmsg_count(fd, text);
	close(fd);
	return n;
}

static void check_not_ram(u64 start, u64 end)
{
	check(end < pool_start || start >= pool_start + pool_size,
	      "System RAM %#llx-%#llx has the pool", start, end);
}

/* What the kernel has as its own memory does not have the pool, nor what cannot be one. */
static void nodes(void)
{
	static const char * const reasons[REFUSED] = {
		"is not used: it is not no-map",
		"is not used: it has no address",
		"is not of whole, aligned 2 MiB",
		"is not used: something else is at",
	};
	char size[32];
	unsigned int i;

	check(find_iomem("System RAM", check_not_ram) > 0, "no System RAM in /proc/iomem");
	for (i = 0; i < REFUSED; i++)
		check(count_kmsg(reasons[i]) == 1, "\"%s\" was not said once", reasons[i]);
	check(count_kmsg("is not used: ") == REFUSED, "more was refused");
	snprintf(size, sizeof(size), "pool of %llu MiB", pool_size / SZ_1M);
	check(count_kmsg(size) == 1, "\"%s\" was not said once", size);
}

/*
 * Which files come from there
 */

static void check_whole(int fd)
{
	gmem_check_info(fd, "allocated", FILE_SIZE, "from the pool");
	gmem_check_info(fd, "runs", 1, "from the pool");
	gmem_check_info(fd, "largest-run", FILE_SIZE, "from the pool");
	gmem_check_info(fd, "guards", 0, "from the pool");
}

/* It is all zeros, whatever was there before, and a hole is zeros again. */
static void contents(void)
{
	unsigned int round;
	u8 *p;
	int fd;

	for (round = 0; round < 2; round++) {
		fd = new_file(FILE_SIZE, true);
		if (fd < 0)
			return;
		check_whole(fd);
		p = gmem_mmap(fd, FILE_SIZE);
		if (p) {
			check(all_bytes(p, FILE_SIZE, 0), "a new file is not zero");
			memset(p, FILL, FILE_SIZE);
			check_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
					      SZ_2M, SZ_2M), 0, "PUNCH_HOLE");
			check(all_bytes(p, SZ_2M, FILL) && all_bytes(p + SZ_2M, SZ_2M, 0) &&
			      all_bytes(p + 2 * SZ_2M, FILE_SIZE - 2 * SZ_2M, FILL),
			      "PUNCH_HOLE cleared something else");
			check_whole(fd);
			munmap(p, FILE_SIZE);
		}
		close(fd);
	}
	check_all_free();
}

/* What does not fit in one piece comes from elsewhere, and is as good. */
static void no_room(void)
{
	int whole = new_file(pool_size, true), fd;
	u8 *p;

	if (whole < 0)
		return;
	fd = new_file(2 * SZ_2M, false);
	if (fd >= 0) {
		p = gmem_mmap(fd, 2 * SZ_2M);
		if (p) {
			check(all_bytes(p, 2 * SZ_2M, 0), "a new file is not zero");
			gmem_check_info(fd, "allocated", 2 * SZ_2M, "from the system");
			munmap(p, 2 * SZ_2M);
		}
		close(fd);
	}
	close(whole);
	check_all_free();
	close(new_file(pool_size + SZ_2M, false));
}

/* 2 MiB and more begins with a multiple of it; less is anywhere. */
static void alignment(void)
{
	int page = new_file(SZ_4K, true), fd;

	if (page < 0)
		return;
	close(new_file(pool_size, false));
	close(new_file(pool_size - SZ_4K, false));
	fd = new_file(pool_size - SZ_2M, true);
	if (fd >= 0) {
		close(new_file(SZ_2M, false));
		close(new_file(SZ_2M - SZ_4K, true));
		close(fd);
	}
	close(page);
	check_all_free();
}

/* Two free pieces are not one, until what is between them is free as well. */
static void pieces(void)
{
	int fd[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = new_file(pool_size / 4, true);
	close(fd[0]);
	close(fd[2]);
	close(new_file(pool_size / 2, false));
	close(new_file(pool_size / 4, true));
	close(fd[1]);
	close(new_file(pool_size / 4 * 3, true));
	close(fd[3]);
	check_all_free();
}

/* A mapping holds the memory as a file does. */
static void mapped(void)
{
	int fd = new_file(FILE_SIZE, true);
	u8 *p;

	if (fd < 0)
		return;
	p = gmem_mmap(fd, FILE_SIZE);
	close(fd);
	if (!p)
		return;
	memset(p, FILL, FILE_SIZE);
	fd = new_file(pool_size, false);
	if (fd >= 0)
		close(fd);
	fd = new_file(pool_size - FILE_SIZE, true);
	if (fd >= 0)
		close(fd);
	check(all_bytes(p, FILE_SIZE, FILL), "it changed");
	munmap(p, FILE_SIZE);
	check_all_free();
}

/*
 * Access
 */

/* What the kernel answers to those who have it look at such memory. */
struct answers {
	int io;			/* read() and write() with it */
	int futex;		/* a futex of the process there, that has another value */
	int get_pages;		/* what wants pages for it */
	int signal;		/* a load */
};

static void check_pipe(u8 *p, const struct answers *want)
{
	struct iovec iov = { .iov_base = p, .iov_len = SZ_4K };
	int fd[2], zero;

	if (!check(!pipe2(fd, O_CLOEXEC | O_NONBLOCK), "no pipe"))
		return;
	check_errno(write(fd[1], p, SZ_4K), want->io, "write()");
	check_errno(vmsplice(fd[1], &iov, 1, 0), want->get_pages, "vmsplice()");
	close(fd[0]);
	close(fd[1]);

	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	check_errno(read(zero, p + SZ_4K, SZ_4K), want->io, "read()");
	close(zero);
}

static void check_other_process(u8 *p)
{
	u8 copy[64];
	struct iovec to = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec from = { .iov_base = p, .iov_len = sizeof(copy) };
	int fd;

	check_errno(process_vm_readv(getpid(), &to, 1, &from, 1, 0), EFAULT, "process_vm_readv()");
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	check_errno(pread(fd, copy, sizeof(copy), (off_t)(uintptr_t)p), EIO, "/proc/self/mem");
	close(fd);
}

static void check_not_inherited(u8 *p)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(access_signal(p, false));
	check(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	      WEXITSTATUS(status) == SIGSEGV, "a child has it: status %#x", status);
}

static void check_answers(u8 *p, const struct answers *want, const char *when)
{
	int sig = access_signal(p, false);

	note("%s", when);
	check(sig == want->signal, "load: signal %d", sig);
	sig = access_signal(p, true);
	check(sig == want->signal, "store: signal %d", sig);
	check_pipe(p, want);
	check_errno(syscall(SYS_futex, p, FUTEX_WAIT_PRIVATE, FUTEX_OTHER, NULL, NULL, 0),
		    want->futex, "futex");
	check_not_inherited(p);
	/* These want pages, which memory of the pool does not have, lent or not. */
	check_other_process(p);
}

static const struct answers ours = { .futex = EAGAIN, .get_pages = EFAULT };
static const struct answers lent = {
	.io = EFAULT,
	.futex = EFAULT,
	.get_pages = EFAULT,
	.signal = SIGBUS,
};

/* Reads what /proc/kcore has where the linear map would have the pool: nothing, as zeros. */
static void read_linear_map(int kcore, const struct elf64_phdr *ram)
{
	static u8 copy[SZ_64K];
	u64 at;

	for (at = 0; at < pool_size; at += SZ_64K) {
		memset(copy, FILL, sizeof(copy));
		if (!check(pread(kcore, copy, sizeof(copy), ram->p_offset + pool_start + at -
				 ram->p_paddr) == sizeof(copy), "/proc/kcore: errno %d", errno) ||
		    !check(all_bytes(copy, sizeof(copy), 0), "/proc/kcore has it"))
			return;
	}
}

/* No part of /proc/kcore is of the pool. */
static void check_kcore(void)
{
	struct elf64_phdr ram = { 0 }, phdr;
	struct elf64_hdr ehdr;
	unsigned int i;
	int fd;

	fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (!check(fd >= 0 && pread(fd, &ehdr, sizeof(ehdr), 0) == sizeof(ehdr),
		   "/proc/kcore: errno %d", errno))
		return;
	for (i = 0; i < ehdr.e_phnum; i++) {
		if (pread(fd, &phdr, sizeof(phdr), ehdr.e_phoff + i * sizeof(phdr)) != sizeof(phdr))
			break;
		/* Parts that are not of RAM have no address, or 0. */
		if (phdr.p_type != PT_LOAD || !phdr.p_paddr || phdr.p_paddr == ~0ULL)
			continue;
		check(phdr.p_paddr >= pool_start + pool_size ||
		      phdr.p_paddr + phdr.p_memsz <= pool_start, "/proc/kcore has %#llx-%#llx",
		      phdr.p_paddr, phdr.p_paddr + phdr.p_memsz);
		ram = phdr;
	}
	check(i == ehdr.e_phnum, "headers of /proc/kcore");
	if (check(ram.p_type, "no RAM in /proc/kcore"))
		read_linear_map(fd, &ram);
	close(fd);
}

static bool start(struct testvm *vm)
{
	return check_errno(testvm_ioctl_start(vm), 0, "START");
}

/* A VM with its image at the start of the file, whose guest looks around. */
static bool create(struct testvm *vm, int fd)
{
	return gmem_vm_create(vm, fd, 0, PROGRAM(peek));
}

static void use(struct testvm *vm, u8 *p, long aborts)
{
	u64 shared = parcel_address(GMEM_LABEL(SHARED_GPA));

	check_answers(vm->ram.hva, &lent, "lent, by the mapping of the image");
	check_answers(p, &lent, "lent, by another mapping");
	check_answers(p + KEPT_AT, &lent, "lent, behind the image");
	check_answers(p + SHARED_AT, &ours, "shared");
	check_answers(p + KEPT_AT + SZ_2M, &ours, "in no VM");
	check_kcore();
	check(dump_count_now(ABORTS) == aborts, "accesses came as far as the hypervisor");

	memset(p + SHARED_AT, FILL, SZ_4K);
	testvm_peek(vm, shared, WORD, "what the host wrote");
	testvm_poke(vm, shared + 8, POKED, POKED);
	check(__atomic_load_n((u64 *)(p + SHARED_AT + 8), __ATOMIC_SEQ_CST) == POKED,
	      "the host does not see what the guest wrote");
	testvm_peek(vm, BEHIND, WORD, "what was lent behind the image");
	testvm_poke(vm, BEHIND + 8, POKED, POKED);
	/* Nothing else of the pool */
	testvm_peek(vm, shared + SZ_2M, GUEST_FAULT, "behind what is shared");
}

/* A guest from the pool: an image, memory that is to be kept behind it, and shared memory. */
static void guest(void)
{
	int fd = new_file(FILE_SIZE, true);
	struct testvm vm = { .fd = -1 };
	long aborts;
	u8 *p;

	p = fd < 0 ? NULL : gmem_mmap(fd, FILE_SIZE);
	if (!p)
		return;
	check_answers(p, &ours, "in no VM");
	memset(p, FILL, FILE_SIZE);
	aborts = dump_count_now(ABORTS);
	if (create(&vm, fd) &&
	    check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND | GH_MAP_MEM_KEEP_CONTENTS, fd, KEPT_AT,
				 SZ_2M), 0, "MAP_MEM") &&
	    check_errno(gmem_map(vm.fd, SHARED_GPA, GMEM_SHARE, fd, SHARED_AT, SZ_2M), 0,
			"MAP_MEM") && start(&vm)) {
		gmem_check_info(fd, "lent", 2 * SZ_2M, "while it runs");
		gmem_check_info(fd, "shared", SZ_2M, "while it runs");
		check(testmem_info(vm.fd, "mem-entries") == 3, "%lld entries",
		      testmem_info(vm.fd, "mem-entries"));
		use(&vm, p, aborts);
		testvm_power_off(&vm);
	}
	testvm_close(&vm);

	check(all_bytes(p, SZ_2M, 0), "the image was not cleared");
	check(*(u64 *)(p + KEPT_AT) == WORD && *(u64 *)(p + KEPT_AT + 8) == POKED,
	      "what was to be kept was not");
	check_answers(p, &ours, "back");
	gmem_check_info(fd, "lent", 0, "in the end");
	munmap(p, FILE_SIZE);
	close(fd);
	check_all_free();
}

/* Memory of a process that is lent is moved there. */
static void moved(void)
{
	struct testvm vm;
	long aborts;
	int fd;

	aborts = dump_count_now(ABORTS);
	if (testvm_create(&vm, 1, PROGRAM(peek))) {
		check_all_free();
		if (start(&vm)) {
			fd = new_file(pool_size, false);
			close(fd);
			fd = new_file(pool_size - TESTVM_MEM_SIZE, true);
			close(fd);
			check_answers(vm.ram.hva, &lent, "lent user memory");
			check(dump_count_now(ABORTS) == aborts,
			      "accesses came as far as the hypervisor");
			testvm_poke(&vm, GUEST_RAM_BASE + SZ_1M + SZ_64K, POKED, POKED);
			testvm_power_off(&vm);
		}
		testvm_close_files(&vm);
		check(*(u64 *)(vm.ram.hva + SZ_1M + SZ_64K) == POKED,
		      "what the guest wrote is lost");
		check_answers(vm.ram.hva, &ours, "back");
	}
	testvm_close(&vm);
	check_all_free();
}

/*
 * Ends
 */

/* In the child: never returns. Crashes if there is nobody to kill it. */
static void be_vmm(int ready)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = new_file(pool_size, true);
	struct testvm vm;

	if (fd < 0 || !create(&vm, fd) || !gmem_mmap(fd, pool_size) || !start(&vm))
		_exit(1);
	if (ready < 0) {
		setrlimit(RLIMIT_CORE, &limit);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* A process that has lent some of the pool, and holds all of it, is killed. */
static void killed(void)
{
	int ready[2], status;
	pid_t pid;
	char c;

	if (!check(!pipe2(ready, O_CLOEXEC), "no pipe"))
		return;
	fflush(stdout);
	pid = fork();
	if (!pid)
		be_vmm(ready[1]);
	close(ready[1]);
	if (check(pid > 0, "no process")) {
		check(read(ready[0], &c, 1) == 1, "the VMM did not come to life");
		tap_alive();
		close(new_file(pool_size, false));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		check(WIFSIGNALED(status), "it ended by itself, status %#x", status);
	}
	close(ready[0]);
	check_all_free();
}

/* A core dump leaves it out, lent or not, and nobody tries to read it. */
static void dumped(void)
{
	long aborts = dump_count_now(ABORTS);
	char *pattern = read_file(CORE_PATTERN);
	struct stat core = { 0 };
	int status = 0;
	pid_t pid;

	if (write_file(CORE_PATTERN, CORE)) {
		fflush(stdout);
		pid = fork();
		if (!pid)
			be_vmm(-1);
		check(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		      WTERMSIG(status) == SIGABRT && WCOREDUMP(status), "status %#x", status);
		check(!stat(CORE, &core) && core.st_size > 0 && (u64)core.st_size < pool_size,
		      "a dump of %lld bytes", (long long)core.st_size);
		check(dump_count_now(ABORTS) == aborts, "somebody tried");
		write_file(CORE_PATTERN, pattern);
	}
	unlink(CORE);
	free(pattern);
	check_all_free();
}

/* What the Resource Manager does not give back is nobody else's until it does. */
static void stuck(void)
{
	int fd = new_file(FILE_SIZE, true);
	struct testvm vm = { .fd = -1 };

	if (fd < 0)
		return;
	if (create(&vm, fd) && start(&vm)) {
		ctl("fail " MEM_RECLAIM " code=1 count=0");
		testvm_power_off(&vm);
		testvm_close(&vm);
		close(fd);
		fd = new_file(pool_size, false);
		if (fd >= 0)
			close(fd);
		fd = new_file(pool_size - FILE_SIZE, true);
		ctl("clear");
	}
	testvm_close(&vm);
	close(fd);
	check_all_free();
}

/* The modules go and come: the pool is given back, and found again. */
static void reloaded(void)
{
	struct modules modules;

	if (!modules_unload(&modules))
		return;
	check(!find_iomem(NODE, found_pool), "the pool is still in /proc/iomem");
	modules_load(&modules);
	check(find_iomem(NODE, found_pool) == 1, "not one pool in /proc/iomem");
	check_all_free();
}

static struct dump before_tests;

/* A module that is loaded after that must not give to others what a guest may have. */
static void check_not_used(void)
{
	const char *refused = "is not used: something else is at";
	unsigned int before = count_kmsg(refused);
	struct modules modules;

	if (!modules_unload(&modules))
		return;
	check(count_kmsg("of the pool never came back") == 1, "nothing is said of it");
	modules_load(&modules);
	check(count_kmsg(refused) == before + 2, "the pool is not refused");
	check(find_iomem(NODE, found_pool) == 1, "the pool is not in /proc/iomem");
	close(new_file(SZ_2M, false));
}

/* The Resource Manager does not give it back, and its driver goes: the last test. */
static void lost(void)
{
	int fd = new_file(FILE_SIZE, true);
	struct testvm vm = { .fd = -1 };
	bool gone = false;

	if (fd >= 0 && create(&vm, fd) && start(&vm) && testvm_power_off(&vm)) {
		ctl("fail " MEM_RECLAIM " code=5 count=0");
		gone = rm_unbind();
		ctl("clear");
	}
	testvm_close(&vm);
	close(fd);
	tap_alive();
	if (!gone)
		return;
	rm_bind();
	check(leftover_give_back(&before_tests) == 2, "not the VM and its parcel were left");
	check_not_used();
}

/* In the end the Resource Manager knows nothing of all that. */
static void nothing_left(void)
{
	dump_check_same(&before_tests);
	dump_free(&before_tests);
}

static bool begin(void)
{
	return (before_tests.text || dump_take(&before_tests)) && before_each();
}

static const struct tap_test tests[] = {
	{ "nodes of the devicetree", nodes },
	{ "a file that fits", contents },
	{ "files that do not fit", no_room },
	{ "aligned and small files", alignment },
	{ "a pool in pieces", pieces },
	{ "a mapping without its file", mapped },
	{ "a guest from the pool", guest },
	{ "user memory moves to the pool", moved },
	{ "killed while it is lent", killed },
	{ "a core dump while it is lent", dumped },
	{ "memory that does not come back", stuck },
	{ "modules are loaded again", reloaded },
	{ "memory that never comes back", lost },
	{ "nothing is left", nothing_left },
};

int main(void)
{
	tap_around(begin, NULL);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
