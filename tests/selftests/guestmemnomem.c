// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files when allocations in the kernel fail: each in turn, of every call and of
 * START. The caller is told, nothing leaks, and the call works the next time.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "leak.h"
#include "shortage.h"
#include "testgmem.h"
#include "testmem.h"
#include "vm.h"

/* Small, so that there is not too much of what is lost each time */
#define SIZE			(8 * SZ_1M)
#define GPA			(GUEST_RAM_BASE + TESTVM_MEM_SIZE)

struct files {
	int device;
	int vm;
	int file;
	u8 *map;
};

static long create(void *arg)
{
	struct files *files = arg;

	return gmem_create(files->device, GH_GUEST_MEM_CLOEXEC, SIZE);
}

static void close_file(void *arg, long fd)
{
	(void)arg;
	close(fd);
}

static bool punch(int fd)
{
	return check_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, SIZE), 0,
			   "hole");
}

/* What an attempt that failed has left is there for the next, which needs less then. */
static long fill(void *arg)
{
	struct files *files = arg;

	return fallocate(files->file, FALLOC_FL_KEEP_SIZE, 0, SIZE);
}

static void empty(void *arg, long result)
{
	struct files *files = arg;

	(void)result;
	punch(files->file);
	gmem_check_info(files->file, "allocated", 0, "a hole");
}

/* The middle of it: the run is cut in two. */
static long cut(void *arg)
{
	struct files *files = arg;

	return fallocate(files->file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, SIZE / 4,
			 SIZE / 2);
}

static void fill_again(void *arg, long result)
{
	(void)result;
	check_errno(fill(arg), 0, "filling it again");
}

/* It is a signal if there is no memory, or worked when the kernel tried again. */
static long touch(void *arg)
{
	struct files *files = arg;
	int sig = access_signal(files->map, true);

	errno = ENOMEM;
	return sig == SIGBUS ? -1 : sig;
}

static long map_file(void *arg)
{
	struct files *files = arg;

	return (long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, files->file, 0);
}

static void unmap_file(void *arg, long result)
{
	(void)arg;
	munmap((void *)result, SIZE);
}

static long map_mem(void *arg)
{
	struct files *files = arg;

	return gmem_map(files->vm, GPA, GMEM_LEND, files->file, 0, SIZE);
}

static void unmap_mem(void *arg, long result)
{
	struct files *files = arg;

	(void)result;
	check_errno(gmem_map(files->vm, GPA, GMEM_LEND | GH_MAP_MEM_UNMAP, files->file, 0, SIZE),
		    0, "UNMAP");
	empty(arg, 0);
}

static long trim(void *arg)
{
	struct files *files = arg;

	return gmem_map(files->vm, GPA, GMEM_LEND | GH_MAP_MEM_UNMAP, files->file, 0, SIZE / 2);
}

static void untrim(void *arg, long result)
{
	struct files *files = arg;

	(void)result;
	check_errno(gmem_map(files->vm, GPA + SIZE / 2, GMEM_LEND | GH_MAP_MEM_UNMAP,
			     files->file, SIZE / 2, SIZE / 2), 0, "UNMAP of the rest");
	check_errno(map_mem(arg), 0, "MAP_MEM");
}

static const struct shortage_operation on_empty_file[] = {
	{ "CREATE_GUEST_MEM", create, close_file, true },
	{ "fallocate()", fill, empty, true },
	{ "access", touch, empty, true },
	{ "mmap()", map_file, unmap_file, true },
	{ "MAP_MEM", map_mem, unmap_mem, true },
};

static const struct shortage_operation on_full_file[] = {
	{ "PUNCH_HOLE", cut, fill_again, true },
};

static const struct shortage_operation on_mapped_file[] = {
	{ "UNMAP of a part", trim, untrim, true },
};

static void sweep(const struct shortage_operation *operations, size_t n, struct files *files)
{
	size_t i;

	for (i = 0; i < n; i++)
		shortage_sweep(&operations[i], files);
}

static void sweep_all(struct files *files)
{
	sweep(on_empty_file, ARRAY_SIZE(on_empty_file), files);
	if (!check_errno(fill(files), 0, "fallocate()"))
		return;
	sweep(on_full_file, ARRAY_SIZE(on_full_file), files);
	if (check_errno(map_mem(files), 0, "MAP_MEM"))
		sweep(on_mapped_file, ARRAY_SIZE(on_mapped_file), files);
}

static void file_shortage(void)
{
	struct files files = { .file = -1 };
	struct leak before;
	struct testvm vm;

	if (!leak_begin(&before))
		return;
	files.device = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC);
	if (testvm_open(&vm) && check_errno(files.device, 0, GUNYAH_DEVICE)) {
		files.vm = vm.fd;
		files.file = gmem_new(0, SIZE);
		files.map = files.file < 0 ? NULL : gmem_mmap(files.file, SIZE);
	}
	if (files.map && shortage_begin()) {
		sweep_all(&files);
		shortage_end();
	}
	if (files.map)
		munmap(files.map, SIZE);
	testvm_close(&vm);
	close(files.device);
	close(files.file);
	leak_end(&before);
}

/*
 * START
 */

struct start {
	bool (*create)(struct testvm *vm, int fd);
	int file;
	struct testvm vm;
};

static bool create_from_file(struct testvm *vm, int fd)
{
	return gmem_vm_create(vm, fd, 0, PROGRAM(off));
}

/* User memory, which moves */
static bool create_from_user(struct testvm *vm, int fd)
{
	(void)fd;
	return testvm_create(vm, 1, PROGRAM(off));
}

/* A VM that is still new can be started again. */
static long start(void *arg)
{
	struct start *start = arg;

	return testvm_ioctl_start(&start->vm);
}

static void renew(void *arg, long result)
{
	struct start *start = arg;

	if (!result)
		testvm_expect_end(&start->vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&start->vm);
	start->create(&start->vm, start->file);
}

static u32 vm_status(struct testvm *vm)
{
	struct gh_vm_status_info info = { .status = ~0U };

	check_errno(ioctl(vm->fd, GH_VM_GET_STATUS, &info), 0, "GET_STATUS");
	return info.status;
}

/* What fails is not the VM's end; unless it is the worker that fails, which is not here. */
static long start_and_look(void *arg)
{
	struct start *s = arg;
	long result = start(arg);
	int err = errno;

	if (result)
		check(vm_status(&s->vm) == GH_VM_STATUS_NEW, "status %u after errno %d",
		      vm_status(&s->vm), err);
	errno = err;
	return result;
}

static void start_shortages(const char *name, bool (*create_vm)(struct testvm *vm, int fd))
{
	const struct shortage_operation operation = { name, start_and_look, renew, false };
	struct start s = { .create = create_vm, .vm.fd = -1 };
	struct leak before;

	if (!leak_begin(&before))
		return;
	s.file = gmem_new(0, TESTVM_MEM_SIZE);
	if (s.file >= 0 && create_vm(&s.vm, s.file) && shortage_begin()) {
		shortage_sweep(&operation, &s);
		shortage_end();
	}
	testvm_close(&s.vm);
	close(s.file);
	leak_end(&before);
}

static void start_with_file(void)
{
	start_shortages("START with a file", create_from_file);
}

static void start_with_user_memory(void)
{
	start_shortages("START with user memory", create_from_user);
}

static const struct tap_test tests[] = {
	{ "each allocation for a file fails", file_shortage },
	{ "each allocation of a start with a file fails", start_with_file },
	{ "each allocation of a start with user memory fails", start_with_user_memory },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
