// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files, from their creation to what guests find in them. What a test took is
 * back after it: what the Resource Manager knows, locked memory, users of the modules, and
 * memory of the system.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "ctl.h"
#include "guestmem.h"
#include "leak.h"
#include "modules.h"
#include "testmem.h"

static_assert(GH_CREATE_GUEST_MEM == 0x40404708, "GH_CREATE_GUEST_MEM");
static_assert(GH_VM_MAP_MEM == 0x40204709, "GH_VM_MAP_MEM");
static_assert(GH_GUEST_MEM_CLOEXEC == 1 && GH_GUEST_MEM_ALLOW_HUGEPAGE == 2, "flags");
static_assert(GH_MAP_MEM_DEFAULT_ACCESS == 0 && GH_MAP_MEM_FORCE_LEND == 1 &&
	      GH_MAP_MEM_FORCE_SHARE == 2, "access");
static_assert(GH_MAP_MEM_ALLOW_READ == 0x10 && GH_MAP_MEM_ALLOW_WRITE == 0x20 &&
	      GH_MAP_MEM_ALLOW_EXEC == 0x40 && GH_MAP_MEM_UNMAP == 0x100, "rights");
static_assert(GH_CAP_GUEST_MEM == 15, "GH_CAP_GUEST_MEM");
static_assert(sizeof(struct gh_create_guest_mem) == 64 &&
	      offsetof(struct gh_create_guest_mem, size) == 8 &&
	      offsetof(struct gh_create_guest_mem, reserved) == 16, "gh_create_guest_mem");
static_assert(sizeof(struct gh_map_mem) == 32 && offsetof(struct gh_map_mem, flags) == 8 &&
	      offsetof(struct gh_map_mem, guest_mem_fd) == 12 &&
	      offsetof(struct gh_map_mem, offset) == 16 &&
	      offsetof(struct gh_map_mem, size) == 24, "gh_map_mem");

/*
 * For all files
 */

bool gm_open_vm(struct testvm *vm)
{
	return testvm_open(vm) && testvm_add_cpus(vm, 1);
}

bool gm_start(struct testvm *vm, int err, bool new)
{
	struct gh_vm_status_info info = { 0 };

	tap_alive();
	if (!check_errno(testvm_ioctl_start(vm), err, "START"))
		return false;
	if (!err)
		return true;
	check_errno(ioctl(vm->fd, GH_VM_GET_STATUS, &info), 0, "GET_STATUS");
	return check(info.status == (new ? GH_VM_STATUS_NEW : GH_VM_STATUS_LOAD_FAILED),
		     "status %u after errno %d", info.status, err);
}

bool gm_fork(struct gm_child *child, bool (*run)(void *arg), void *arg)
{
	int ready[2], go[2];
	bool ok;
	char c;

	child->pid = -1;
	if (!check(!pipe2(ready, O_CLOEXEC) && !pipe2(go, O_CLOEXEC), "no pipe"))
		return false;
	child->pid = fork();
	if (!child->pid) {
		close(go[1]);
		ok = run(arg);
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) < 0)
			ok = false;
		_exit(!ok);
	}
	close(ready[1]);
	close(go[0]);
	child->go = go[1];
	ok = check(child->pid > 0, "no process") &&
	     check(read(ready[0], &c, 1) == 1, "the child failed");
	close(ready[0]);
	return ok;
}

void gm_let_go(struct gm_child *child)
{
	int status = -1;

	if (child->pid <= 0)
		return;
	close(child->go);
	waitpid(child->pid, &status, 0);
	check(!status, "the child failed: status %#x", status);
	child->pid = -1;
}

static void do_nothing(int sig)
{
	(void)sig;
}

pid_t gm_begin_storm(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	pid_t self = getpid(), pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = fork();
	while (!pid && !kill(self, SIGUSR1))
		usleep(200);
	return pid;
}

void gm_end_storm(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * What is to be as before each test
 */

static struct leak before;

static bool take(void)
{
	return leak_begin(&before);
}

static void check_back(void)
{
	leak_end(&before);
}

/*
 * Files
 */

static void numbers(void)
{
	struct gh_capability cap = { .id = GH_CAP_GUEST_MEM };
	int fd = gmem_new(0, SZ_4K), dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	struct testvm vm;
	unsigned int nr;

	check_errno(ioctl(dev, GH_GET_CAPABILITY, &cap), 0, "GET_CAPABILITY");
	check(cap.value == (GH_GUEST_MEM_CLOEXEC | GH_GUEST_MEM_ALLOW_HUGEPAGE),
	      "flags %#llx", cap.value);
	if (testvm_open(&vm)) {
		cap.value = 0;
		check_errno(ioctl(vm.fd, GH_GET_CAPABILITY, &cap), 0, "GET_CAPABILITY");
		check(cap.value == 3, "flags %#llx", cap.value);
		check_errno(gmem_create(vm.fd, 0, SZ_4K), ENOTTY, "CREATE of a VM file");
		check_errno(gmem_map(dev, BASE, GMEM_LEND, fd, 0, SZ_4K), ENOTTY,
			    "MAP_MEM of the device");
		check_errno(gmem_map(fd, BASE, GMEM_LEND, fd, 0, SZ_4K), ENOTTY,
			    "MAP_MEM of the file");
	}
	testvm_close(&vm);
	check_errno(gmem_create(fd, 0, SZ_4K), ENOTTY, "CREATE of the file");
	for (nr = 0; nr < 0x30; nr++)
		check_errno(ioctl(fd, _IO(GH_IOCTL_TYPE, nr), 0), ENOTTY, "ioctl %#x", nr);
	/* The size is part of the number. */
	check_errno(ioctl(dev, _IOW(GH_IOCTL_TYPE, 0x8, u64), 16), ENOTTY, "another size");
	check_errno(ioctl(dev, GH_CREATE_GUEST_MEM, 16), EFAULT, "a bad pointer");
	close(dev);
	close(fd);
}

static int create_reserved(int dev, unsigned int i)
{
	struct gh_create_guest_mem create = { .size = SZ_4K };

	create.reserved[i] = BIT_ULL(10 * i);
	return ioctl(dev, GH_CREATE_GUEST_MEM, &create);
}

static void check_created(int dev, u64 flags, u64 size)
{
	int fd = gmem_create(dev, flags, size);
	struct stat stat = { 0 };

	if (!check_errno(fd, 0, "%llu bytes, flags %#llx", size, flags))
		return;
	check(fcntl(fd, F_GETFD) == (flags & GH_GUEST_MEM_CLOEXEC ? FD_CLOEXEC : 0),
	      "flags %#llx: %#x", flags, fcntl(fd, F_GETFD));
	check(!fstat(fd, &stat) && (u64)stat.st_size == size, "st_size %llu, not %llu",
	      (u64)stat.st_size, size);
	gmem_check_info(fd, "size", size, "when new");
	gmem_check_info(fd, "allocated", 0, "when new");
	gmem_check_info(fd, "runs", 0, "when new");
	gmem_check_info(fd, "lent", 0, "when new");
	gmem_check_info(fd, "shared", 0, "when new");
	gmem_check_info(fd, "pool", 0, "when new");
	close(fd);
}

static void create(void)
{
	static const u64 bad_sizes[] = {
		0, 1, SZ_4K - 1, SZ_4K + 1, SZ_2M + 512, ~0ULL, BIT_ULL(63) + 1, SZ_1G - 1,
		/* More than a file can have */
		BIT_ULL(63), -SZ_4K,
	};
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	unsigned int i;

	for (i = 2; i < 64; i++)
		check_errno(gmem_create(dev, BIT_ULL(i), SZ_4K), EINVAL, "flag %u", i);
	for (i = 0; i < ARRAY_SIZE(bad_sizes); i++)
		check_errno(gmem_create(dev, 0, bad_sizes[i]), EINVAL, "%#llx bytes",
			    bad_sizes[i]);
	for (i = 0; i < 6; i++)
		check_errno(create_reserved(dev, i), EINVAL, "reserved[%u]", i);
	for (i = 0; i < 4; i++) {
		check_created(dev, i, SZ_64K);
		check_created(dev, i, SZ_2M);
		check_created(dev, i, 3 * SZ_2M + SZ_64K);
	}
	/* Nothing of it is there before it is used. */
	check_created(dev, 0, 5 * SZ_1G);
	check_created(dev, 0, 1024 * SZ_1G);
	close(dev);
}

/* Beyond what 32 bits can say, in all places */
static void large(void)
{
	const u64 size = 9 * SZ_1G, at = 8 * SZ_1G + SZ_2M;
	int fd = gmem_new(0, size);
	u8 *p;

	check_errno(gm_fallocate(fd, 0, at, SZ_2M), 0, "fallocate");
	gmem_check_info(fd, "size", size, "beyond 32 bits");
	gmem_check_info(fd, "allocated", SZ_2M, "beyond 32 bits");
	p = mmap(NULL, SZ_2M, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	if (check(p != MAP_FAILED, "mmap: errno %d", errno)) {
		gm_fill(p, SZ_2M, 1);
		munmap(p, SZ_2M);
	}
	check_errno(gm_fallocate(fd, 0, 0, SZ_2M), 0, "fallocate");
	p = gmem_mmap(fd, size);
	if (p) {
		gm_check(p + at, SZ_2M, 1, "high part");
		gm_check_zero(p, SZ_2M, "low part");
		munmap(p, size);
	}
	gmem_check_info(fd, "allocated", 2 * SZ_2M, "low and high");
	close(fd);
}

/* What this process may lock; to be called again with the return value. */
static rlim_t set_limit(rlim_t bytes)
{
	struct rlimit limit;
	rlim_t old;

	if (!check(!getrlimit(RLIMIT_MEMLOCK, &limit), "getrlimit"))
		return bytes;
	old = limit.rlim_cur;
	limit.rlim_cur = bytes;
	check(!setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit: errno %d", errno);
	return old;
}

static void limits(void)
{
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC), fd;
	long locked = testmem_locked();
	rlim_t old = set_limit(locked * 1024 + 2 * SZ_2M);

	check(caps_drop(CAP_IPC_LOCK), "CAP_IPC_LOCK stays");
	check_errno(gmem_create(dev, 0, 2 * SZ_2M + SZ_4K), ENOMEM, "more than the limit");
	check_errno(gmem_create(dev, 0, BIT_ULL(62)), ENOMEM, "far more than the limit");
	testmem_check_locked(locked, "after that");
	fd = gmem_create(dev, 0, 2 * SZ_2M);
	check_errno(fd, 0, "as much as the limit");
	testmem_check_locked(locked + 4096, "at the limit");
	check_errno(gmem_create(dev, 0, SZ_4K), ENOMEM, "one more page");
	/* It is counted from the beginning, and not once more. */
	check_errno(gm_fallocate(fd, 0, 0, 2 * SZ_2M), 0, "fallocate");
	check_errno(gm_fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, SZ_2M), 0, "punch");
	testmem_check_locked(locked + 4096, "at the limit");
	close(fd);
	testmem_check_locked(locked, "when it is closed");
	fd = gmem_create(dev, 0, 2 * SZ_2M);
	check_errno(fd, 0, "again");
	check(caps_raise(CAP_IPC_LOCK), "no CAP_IPC_LOCK");
	close(fd);
	fd = gmem_create(dev, 0, 3 * SZ_2M);
	check_errno(fd, 0, "without a limit");
	testmem_check_locked(locked + 6144, "without a limit");
	close(fd);
	set_limit(old);
	close(dev);
}

static bool nothing(void *arg)
{
	(void)arg;
	return true;
}

/* It counts until the last of those is gone that use it, in any order. */
static void holders(void)
{
	long locked = testmem_locked();
	int fd = gmem_new(0, 2 * SZ_2M), copy = dup(fd);
	u8 *p = gmem_mmap(fd, 2 * SZ_2M);
	struct gm_child child;
	struct testvm vm;

	check(modules_users() > before.users, "the module could go");
	if (!p || !gm_open_vm(&vm))
		return;
	gm_fill(p, 2 * SZ_2M, 2);
	close(fd);
	check_errno(gmem_map(vm.fd, BASE, GMEM_LEND, copy, 0, SZ_2M), 0, "MAP_MEM");
	gm_fork(&child, nothing, NULL);
	close(copy);
	testmem_check_locked(locked + 4096, "without a file here");
	munmap(p, SZ_2M);
	gm_let_go(&child);
	testmem_check_locked(locked + 4096, "without a file there");
	check(*(u64 *)(p + SZ_2M) == gm_value(2, 512), "it is gone without a file");
	munmap(p + SZ_2M, SZ_2M);
	testmem_check_locked(locked + 4096, "without a mapping");
	testvm_close(&vm);
	testmem_check_locked(locked, "without the VM");

	/* A mapping alone keeps the module from going, too. */
	fd = gmem_new(0, SZ_2M);
	p = gmem_mmap(fd, SZ_2M);
	close(fd);
	check(modules_users() > before.users, "the module could go");
	munmap(p, SZ_2M);
}

/* The size is what it is, and there is no way in but by mapping it. */
static void refused(void)
{
	struct iovec iov = { .iov_len = 8 };
	int fd = gmem_new(0, SZ_64K), file = memfd_create("file", MFD_CLOEXEC), copy;
	struct stat stat = { 0 };
	char path[64];
	u64 value = 0;

	iov.iov_base = &value;
	check_errno(read(fd, &value, 8), EINVAL, "read");
	check_errno(write(fd, &value, 8), EINVAL, "write");
	check_errno(pread(fd, &value, 8, 0), ESPIPE, "pread");
	check_errno(pwrite(fd, &value, 8, 0), ESPIPE, "pwrite");
	check_errno(readv(fd, &iov, 1), EINVAL, "readv");
	check_errno(writev(fd, &iov, 1), EINVAL, "writev");
	check_errno(lseek(fd, 4096, SEEK_SET), ESPIPE, "lseek");
	check(sendfile(file, fd, NULL, 8) < 0, "sendfile");
	check(ftruncate(file, SZ_4K) || sendfile(fd, file, NULL, 8) < 0, "sendfile to it");
	check(copy_file_range(fd, NULL, file, NULL, 8, 0) < 0, "copy_file_range");
	check_errno(ftruncate(fd, 0), EPERM, "ftruncate to 0");
	check_errno(ftruncate(fd, SZ_4K), EPERM, "ftruncate to less");
	check_errno(ftruncate(fd, SZ_1M), EPERM, "ftruncate to more");
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EINVAL, "seals");
	check(!fstat(fd, &stat) && (u64)stat.st_size == SZ_64K, "st_size %llu",
	      (u64)stat.st_size);
	/* Nor is there another file of the same inode. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_errno(truncate(path, SZ_1M), EPERM, "truncate");
	copy = open(path, O_RDWR | O_CLOEXEC);
	check(copy < 0, "it can be opened once more");
	if (copy >= 0)
		close(copy);
	close(file);
	close(fd);
}

static const struct tap_test tests[] = {
	{ "numbers", numbers },
	{ "rules of CREATE_GUEST_MEM", create },
	{ "files of more than 4 GiB", large },
	{ "RLIMIT_MEMLOCK", limits },
	{ "who keeps it locked", holders },
	{ "what such files refuse", refused },
	{ "mmap", gm_mmap },
	{ "mmap beyond the end", gm_mmap_end },
	{ "mremap, mprotect, munmap", gm_mmap_change },
	{ "madvise and mlock", gm_mmap_advice },
	{ "fork", gm_mmap_fork },
	{ "memory is zero at first", gm_mmap_zero },
	{ "fallocate: modes and errors", gm_alloc_modes },
	{ "fallocate: holes", gm_alloc_punch },
	{ "fallocate: holes inside a run", gm_alloc_punch_run },
	{ "fallocate: zeros", gm_alloc_zero },
	{ "fallocate: a part that a VM has", gm_alloc_bound },
	{ "fallocate: signals", gm_alloc_signals },
	{ "fallocate: progress is told", gm_alloc_progress },
	{ "a hole where a page is in use", gm_alloc_pinned },
	{ "many small files", gm_alloc_rounds },
	{ "rules of MAP_MEM", gm_map_rules },
	{ "MAP_MEM of huge pages", gm_map_huge },
	{ "MAP_MEM of what is taken", gm_map_overlap },
	{ "UNMAP", gm_map_unmap },
	{ "MAP_MEM after START", gm_map_late },
	{ "two VMs from one file", gm_map_two_vms },
	{ "MAP_MEM: signals", gm_map_signals },
	{ "a VM, its file and its mapping end in any order", gm_vm_lives },
	{ "lent, shared, lent again", gm_vm_conversion },
	{ "what the guest may do", gm_vm_rights },
	{ "O_DIRECT into shared memory", gm_vm_direct_io },
	{ "START while a page is in use", gm_vm_pinned },
	{ "the vendor's test VMM", gm_vm_vendor },
	{ "kinds of user memory that is lent", gm_move_kinds },
	{ "protection of user memory that is lent", gm_move_protection },
	{ "scattered user memory is lent in one piece", gm_move_scattered },
	{ "a memfd that is lent", gm_move_memfd },
	{ "user memory that is mapped elsewhere", gm_move_shared },
	{ "user memory that is mapped no more, or something else", gm_move_changed },
	{ "user memory that is all unmapped", gm_move_unmapped },
	{ "user memory that is lent again", gm_move_again },
	{ "START by another process", gm_move_other_process },
	{ "user memory that is lent in place", gm_move_unsafe },
	{ "killed while memory is allocated and lent", gm_life_kill },
	{ "killed in START", gm_life_kill_start },
	{ "memory that does not come back", gm_life_stuck },
	{ "each request of START is refused", gm_life_refused },
	{ "threads", gm_life_threads },
};

int main(void)
{
	if (!ctl_supported())
		return tap_skip_all("no control channel");
	ctl_try("clear");
	/* Waiting for memory that does not come back at once takes minutes. */
	tap_set_timeout(900);
	tap_around(take, check_back);
	return testvm_main(tests, ARRAY_SIZE(tests));
}
