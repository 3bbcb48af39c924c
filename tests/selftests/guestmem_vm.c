// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory files: what guests and the host see of them.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest_tree.h"
#include "guestmem.h"
#include "parcel.h"
#include "testmem.h"
#include "vm.h"

/* The image, and what is lent or shared besides */
#define DATA			TESTVM_MEM_SIZE
#define SIZE			(2 * DATA)

#define DISK			"/dev/ram0"
#define DISK_PART		SZ_1M

/*
 * Lives
 */

enum thing {
	THING_FILE,
	THING_MAPPING,
	THING_VM,
	THINGS
};

struct things {
	int fd;
	u8 *p;
	struct testvm vm;
	bool running;
};

static void end_thing(struct things *all, enum thing thing)
{
	switch (thing) {
	case THING_FILE:
		close(all->fd);
		break;
	case THING_MAPPING:
		munmap(all->p, SIZE);
		break;
	default:
		if (all->running)
			testvm_power_off(&all->vm);
		testvm_close(&all->vm);
		break;
	}
}

/* @order are the three in any order; those before @start end before START. */
static void end_in_order(const enum thing *order, unsigned int start)
{
	long locked = testmem_locked();
	struct things all = { .fd = gmem_new(0, SIZE) };
	unsigned int i;

	all.p = gmem_mmap(all.fd, SIZE);
	if (!all.p || !gmem_vm_create(&all.vm, all.fd, 0, PROGRAM(peek)))
		return;
	guest_mem_free(&all.vm.ram);
	gm_fill(all.p + DATA, DATA, 1);
	check_errno(gmem_map(all.vm.fd, BEHIND, GMEM_LEND | KEEP, all.fd, DATA, DATA), 0,
		    "MAP_MEM");
	for (i = 0; i < THINGS; i++) {
		if (i == start && all.vm.fd >= 0 && gm_start(&all.vm, 0, false)) {
			all.running = true;
			testvm_peek(&all.vm, BEHIND, gm_value(1, 0), "memory of the guest");
			testvm_poke(&all.vm, BEHIND, 77, 77);
		}
		testmem_check_locked(locked + SIZE / 1024, "before the last is gone");
		end_thing(&all, order[i]);
		/* What is mapped is the host's again. */
		if (order[i] == THING_VM && order[THINGS - 1] == THING_MAPPING)
			check(*(u64 *)(all.p + DATA) == (all.running ? 77 : gm_value(1, 0)) &&
			      *(u64 *)(all.p + DATA + SZ_4K) == gm_value(1, 1),
			      "not the guest's memory: %#llx", *(u64 *)(all.p + DATA));
	}
	testmem_check_locked(locked, "when the last is gone");
}

void gm_vm_lives(void)
{
	static const enum thing orders[][THINGS] = {
		{ THING_FILE, THING_MAPPING, THING_VM },
		{ THING_FILE, THING_VM, THING_MAPPING },
		{ THING_MAPPING, THING_FILE, THING_VM },
		{ THING_MAPPING, THING_VM, THING_FILE },
		{ THING_VM, THING_FILE, THING_MAPPING },
		{ THING_VM, THING_MAPPING, THING_FILE },
	};
	unsigned int i, start;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (start = 0; start < THINGS; start++)
			end_in_order(orders[i], start);
	}
}

/*
 * Conversion
 */

struct life {
	const char *name;
	u32 flags;
	bool lent;
	bool cleared;
};

static void look_at_lent(u8 *p)
{
	u64 at;

	for (at = 0; at < DATA; at += DATA / 16) {
		check(access_signal(p + at, false) == SIGBUS, "read at %#llx", at);
		check(access_signal(p + at, true) == SIGBUS, "write at %#llx", at);
	}
}

static void look_at_shared(struct testvm *vm, u8 *p, u64 gpa, u64 value)
{
	u64 *word = (u64 *)(p + 24);

	check(__atomic_load_n(word - 1, __ATOMIC_SEQ_CST) == value,
	      "the host does not see what the guest wrote");
	__atomic_store_n(word, ~value, __ATOMIC_SEQ_CST);
	testvm_peek(vm, gpa + 24, ~value, "what the host wrote");
}

static void run_life(struct testvm *vm, int fd, u8 *p, const struct life *life, u64 seed)
{
	u64 gpa = life->lent ? BEHIND : parcel_address(GMEM_LABEL(ELSEWHERE));

	gmem_check_info(fd, "lent", life->lent ? SIZE : DATA, life->name);
	gmem_check_info(fd, "shared", life->lent ? 0 : DATA, life->name);
	testvm_peek(vm, gpa, gm_value(seed, 0), "the first word");
	testvm_peek(vm, gpa + DATA - 8, ~gm_value(seed, DATA / SZ_4K - 1), "the last word");
	testvm_poke(vm, gpa + 16, seed, seed);
	if (life->lent)
		look_at_lent(p);
	else
		look_at_shared(vm, p, gpa, seed);
	testvm_power_off(vm);
}

static void live(int fd, u8 *p, const struct life *life, u64 seed)
{
	struct testvm vm;

	if (gmem_vm_create(&vm, fd, 0, PROGRAM(peek))) {
		/* The image was cleared at the end of the last life. */
		gm_fill(p, DATA, seed);
		check_errno(gmem_map(vm.fd, life->lent ? BEHIND : ELSEWHERE, life->flags, fd, DATA,
				     DATA), 0, "MAP_MEM");
		if (gm_start(&vm, 0, false))
			run_life(&vm, fd, p, life, seed);
	}
	testvm_close(&vm);
	gmem_check_info(fd, "lent", 0, "after the VM");
	gmem_check_info(fd, "shared", 0, "after the VM");
	if (life->cleared)
		gm_check_zero(p, DATA, life->name);
	else
		check(*(u64 *)(p + 16) == seed && *(u64 *)p == gm_value(seed, 0) &&
		      *(u64 *)(p + DATA - 8) == ~gm_value(seed, DATA / SZ_4K - 1),
		      "%s: it is not as the guest left it", life->name);
}

void gm_vm_conversion(void)
{
	static const struct life lives[] = {
		{ "lent", GMEM_LEND, true, true },
		{ "shared", GMEM_SHARE, false, false },
		{ "lent and kept", GMEM_LEND | KEEP, true, false },
		{ "default access", GMEM_RWX, true, true },
		{ "shared again", GMEM_SHARE | KEEP, false, false },
		{ "default access, kept", GMEM_RWX | KEEP, true, false },
		{ "lent again", GMEM_LEND, true, true },
	};
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);
	long long runs;
	unsigned int i;

	if (!p)
		return;
	check_errno(gm_fallocate(fd, 0, 0, SIZE), 0, "fallocate");
	runs = gmem_info(fd, "runs");
	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		live(fd, p + DATA, &lives[i], i + 1);
		gm_check_zero(p, DATA, "the image");
		gmem_check_info(fd, "allocated", SIZE, lives[i].name);
		gmem_check_info(fd, "runs", runs, lives[i].name);
	}
	munmap(p, SIZE);
	close(fd);
}

/* What a guest may only read, lent and shared */
void gm_vm_rights(void)
{
	static const u32 flags[] = { GH_MAP_MEM_FORCE_LEND | KEEP, GH_MAP_MEM_FORCE_SHARE };
	int fd = gmem_new(0, SIZE);
	u8 *p = gmem_mmap(fd, SIZE);
	struct testvm vm;
	size_t i;
	u64 gpa;

	for (i = 0; p && i < ARRAY_SIZE(flags); i++) {
		gm_fill(p + DATA, DATA, 1);
		gpa = i ? ELSEWHERE : BEHIND;
		if (gmem_vm_create(&vm, fd, 0, PROGRAM(peek)) &&
		    check_errno(gmem_map(vm.fd, gpa, flags[i] | GH_MAP_MEM_ALLOW_READ, fd, DATA,
					 DATA), 0, "MAP_MEM") &&
		    gm_start(&vm, 0, false)) {
			if (i)
				gpa = parcel_address(GMEM_LABEL(gpa));
			testvm_peek(&vm, gpa, gm_value(1, 0), "memory to read");
			testvm_poke(&vm, gpa, 1, GUEST_FAULT);
			testvm_peek(&vm, gpa, gm_value(1, 0), "memory to read");
			testvm_power_off(&vm);
		}
		testvm_close(&vm);
		gm_check(p + DATA, DATA, 1, "in the end");
	}
	munmap(p, SIZE);
	close(fd);
}

/*
 * Input and output
 */

static bool fill_disk(u64 seed)
{
	int fd = open(DISK, O_RDWR | O_CLOEXEC);
	u8 *p = testmem_thp(SZ_2M);
	bool ok;

	if (!check(fd >= 0 && p, DISK ": errno %d", errno))
		return false;
	gm_fill(p, DISK_PART, seed);
	ok = check(pwrite(fd, p, DISK_PART, 0) == (ssize_t)DISK_PART && !fsync(fd),
		   DISK ": errno %d", errno);
	testmem_free(p, SZ_2M);
	close(fd);
	return ok;
}

/* A disk reads into memory of the guest's and writes from there, without a copy. */
static void use_disk(struct testvm *vm, int disk, u8 *lent, u8 *shared)
{
	u64 gpa = parcel_address(GMEM_LABEL(ELSEWHERE));
	u8 *copy = testmem_thp(SZ_2M);

	if (!gpa || !check(copy, "no memory"))
		return;
	check(pread(disk, shared, DISK_PART, 0) == (ssize_t)DISK_PART, "read: errno %d", errno);
	testvm_peek(vm, gpa, gm_value(5, 0), "what was read first");
	testvm_peek(vm, gpa + DISK_PART - 8, ~gm_value(5, DISK_PART / SZ_4K - 1),
		    "what was read last");
	testvm_poke(vm, gpa + DISK_PART / 2 + 8, 99, 99);
	check(pwrite(disk, shared, DISK_PART, DISK_PART) == (ssize_t)DISK_PART,
	      "write: errno %d", errno);
	check(pread(disk, copy, DISK_PART, DISK_PART) == (ssize_t)DISK_PART, "read: errno %d",
	      errno);
	check(*(u64 *)(copy + DISK_PART / 2 + 8) == 99, "what the guest wrote is not there");
	gm_check(copy, DISK_PART, 5, "what was written");
	/* What is lent is not for anybody. */
	check_errno(pread(disk, lent, SZ_64K, 0), EFAULT, "read into lent memory");
	check_errno(pwrite(disk, lent, SZ_64K, 2 * DISK_PART), EFAULT, "write of lent memory");
	testmem_free(copy, SZ_2M);
}

void gm_vm_direct_io(void)
{
	int fd = gmem_new(0, SIZE), disk;
	u8 *p = gmem_mmap(fd, SIZE);
	struct testvm vm;

	if (access(DISK, F_OK)) {
		skip("no " DISK);
	} else if (p && fill_disk(5)) {
		disk = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
		check(disk >= 0, DISK ": errno %d", errno);
		if (gmem_vm_create(&vm, fd, 0, PROGRAM(peek)) &&
		    check_errno(gmem_map(vm.fd, ELSEWHERE, GMEM_SHARE, fd, DATA, DATA), 0,
				"MAP_MEM") &&
		    gm_start(&vm, 0, false)) {
			use_disk(&vm, disk, p, p + DATA);
			testvm_power_off(&vm);
		}
		testvm_close(&vm);
		/* Before it is lent and after, anything goes. */
		check(pread(disk, p, DISK_PART, 0) == (ssize_t)DISK_PART, "read: errno %d",
		      errno);
		gm_check(p, DISK_PART, 5, "what was read in the end");
		close(disk);
	}
	munmap(p, SIZE);
	close(fd);
}

/* A pipe has pages of it: as long as it has, nothing is lent. */
static void start_pinned(struct testvm *vm, int fd, u8 *lent, u8 *shared)
{
	struct iovec iov = { .iov_base = shared, .iov_len = SZ_64K };
	int pipe_fd[2], shared_pipe[2];
	u8 page[SZ_4K];

	if (!check(!pipe2(pipe_fd, O_CLOEXEC) && !pipe2(shared_pipe, O_CLOEXEC), "no pipe"))
		return;
	check(vmsplice(shared_pipe[1], &iov, 1, 0) == (long)SZ_64K, "vmsplice: errno %d", errno);
	iov = (struct iovec) { .iov_base = lent, .iov_len = SZ_4K };
	check(vmsplice(pipe_fd[1], &iov, 1, 0) == (long)SZ_4K, "vmsplice: errno %d", errno);
	gm_start(vm, EBUSY, true);
	gmem_check_info(fd, "lent", 0, "after EBUSY");
	gm_check(lent, SZ_1M, 3, "after EBUSY");
	gm_start(vm, EBUSY, true);
	check(read(pipe_fd[0], page, SZ_4K) == (long)SZ_4K, "read: errno %d", errno);
	check(*(u64 *)page == gm_value(3, 0), "not what was in the page");
	/* That somebody uses what is shared does not matter. */
	gm_start(vm, 0, false);
	check(read(shared_pipe[0], page, SZ_4K) == (long)SZ_4K, "read: errno %d", errno);
	check(*(u64 *)page == gm_value(4, 0), "not what was in the page");
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(shared_pipe[0]);
	close(shared_pipe[1]);
}

void gm_vm_pinned(void)
{
	int fd = gmem_new(0, 2 * SIZE);
	u8 *p = gmem_mmap(fd, 2 * SIZE);
	struct testvm vm;

	if (!p)
		return;
	if (gmem_vm_create(&vm, fd, 0, PROGRAM(peek)) &&
	    check_errno(gmem_map(vm.fd, BEHIND, GMEM_LEND, fd, DATA, DATA), 0, "lent") &&
	    check_errno(gmem_map(vm.fd, ELSEWHERE, GMEM_SHARE, fd, 2 * DATA, DATA), 0, "shared")) {
		gm_fill(p + DATA, DATA, 3);
		gm_fill(p + 2 * DATA, DATA, 4);
		start_pinned(&vm, fd, p + DATA, p + 2 * DATA);
		gmem_check_info(fd, "lent", 2 * DATA, "after START");
		testvm_peek(&vm, BEHIND, gm_value(3, 0), "what was pinned");
		testvm_power_off(&vm);
	}
	testvm_close(&vm);
	munmap(p, 2 * SIZE);
	close(fd);
}

/*
 * The vendor's test VMM, as its bindings have the numbers
 */

struct vendor_guest_mem {
	u64 flags;
	u64 size;
	u64 reserved[6];
};

struct vendor_map {
	u64 guest_addr;
	u32 flags;
	u32 fd;
	u64 offset;
	u64 size;
};

static u8 *vendor_memory(struct testvm *vm, u64 flags, u32 access)
{
	struct vendor_guest_mem create = { .flags = flags, .size = DATA };
	struct vendor_map map = { .guest_addr = BASE, .flags = access, .size = DATA };
	int dev = open(GUNYAH_DEVICE, O_RDWR | O_CLOEXEC), fd;
	u8 *p;

	fd = ioctl(dev, 0x40404708, &create);
	if (!check_errno(fd, 0, "CREATE_GUEST_MEM"))
		return NULL;
	p = gmem_mmap(fd, DATA);
	map.fd = fd;
	check_errno(ioctl(vm->fd, 0x40204709, &map), 0, "MAP_MEM");
	close(fd);
	close(dev);
	return p;
}

static void vendor_configure(struct testvm *vm)
{
	const struct gh_vm_dtb_config dtb = { BASE + TESTVM_DTB, GUEST_TREE_SIZE };
	const struct gh_vm_boot_context pc = {
		.reg = GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_PC, 0),
		.value = BASE,
	};

	check_errno(ioctl(vm->fd, GH_VM_SET_DTB_CONFIG, &dtb), 0, "SET_DTB_CONFIG");
	if (ioctl(vm->fd, GH_VM_SET_BOOT_CONTEXT, &pc))
		check_errno(-1, ENOTTY, "SET_BOOT_CONTEXT");
}

static void vendor_run(struct testvm *vm)
{
	unsigned int i;

	for (i = 0; i < GUEST_WRITES; i++)
		testvm_expect(vm, 0, &guest_writes[i]);
	testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static void vendor_life(u64 flags, u32 access)
{
	struct gh_fn_vcpu_arg cpu;
	struct vm files;
	struct testvm vm;
	u8 *p = NULL;

	if (testvm_open(&vm) && testvm_add_cpus(&vm, 2) && testvm_add_irq(&vm)) {
		files.fd = vm.fd;
		check(!bus_attach(&vm.bus, &files), "no irqfd");
		p = vendor_memory(&vm, flags, access);
	}
	if (p) {
		vendor_configure(&vm);
		/* Only now */
		vm.ram = (struct guest_mem) { .gpa = BASE, .size = DATA, .hva = p };
		testvm_fill(&vm, PROGRAM(write));
		vm.ram.hva = NULL;
		if (gm_start(&vm, 0, false) && gm_start(&vm, 0, false))
			vendor_run(&vm);
		for (cpu.id = 0; cpu.id < 2; cpu.id++)
			check_errno(testvm_function(vm.fd, GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, &cpu,
						    sizeof(cpu)), 0, "REMOVE of vCPU %u", cpu.id);
		munmap(p, DATA);
	}
	testvm_close(&vm);
}

void gm_vm_vendor(void)
{
	vendor_life(0, 0x1 | 0x70);
	vendor_life(1, 0x1 | 0x70);
	vendor_life(2, 0x1 | 0x70);
	vendor_life(3, 0x0 | 0x70);
}
