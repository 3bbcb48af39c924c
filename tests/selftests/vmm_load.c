// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory of the VMM, and what it puts there: kernels, initial RAM disks and the
 * devicetree. Only guest memory files need a hypervisor.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_tree.h"
#include "image.h"
#include "machine.h"
#include "tap.h"

#define MEM_SIZE		(16 * SZ_1M)
#define HEADER_SIZE		64

/* Files, in a directory of its own. */
#define KERNEL			"kernel"
#define INITRD			"initrd"
#define PACKED			"packed"

/* A file of @size bytes, counted upwards, with @head at its start. */
static bool make_file(const char *path, const void *head, size_t head_size, size_t size)
{
	u8 *data = malloc(size);
	bool ok = false;
	size_t i;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (data && fd >= 0) {
		for (i = 0; i < size; i++)
			data[i] = i;
		memcpy(data, head, head_size);
		ok = !write_all(fd, data, size);
	}
	close(fd);
	free(data);
	return check(ok, "%s: errno %d", path, errno);
}

static bool make_kernel(u64 text_offset, u64 image_size, size_t file_size)
{
	u8 head[HEADER_SIZE] = { };
	u64 value;

	value = htole64(text_offset);
	memcpy(head + 8, &value, sizeof(value));
	value = htole64(image_size);
	memcpy(head + 16, &value, sizeof(value));
	memcpy(head + 56, "ARM\x64", 4);
	return make_file(KERNEL, head, sizeof(head), file_size);
}

static bool make_memory(struct guest_mem *mem)
{
	*mem = (struct guest_mem) { .gpa = GUEST_RAM_BASE, .size = MEM_SIZE };
	return check(!guest_mem_alloc(mem), "no memory");
}

/* Load; returns what image_load() does. */
static int load(struct guest_mem *mem, const char *path, const char *ramdisk,
		struct boot_layout *layout)
{
	*layout = (struct boot_layout) { };
	return image_load(mem, path, ramdisk, GUEST_TREE_SIZE, layout);
}

static void check_pattern(struct guest_mem *mem, u64 gpa, size_t skip, size_t size)
{
	const u8 *p = guest_mem_ptr(mem, gpa, size);
	size_t i;

	if (!check(p, "nothing at %#llx", gpa))
		return;
	for (i = skip; i < size; i++)
		if (!check(p[i] == (u8)i, "byte %zu at %#llx is %#x", i, gpa, p[i]))
			break;
}

static void plain(void)
{
	const size_t size = 3 * SZ_1M + 123;
	struct boot_layout layout;
	struct guest_mem mem;

	if (!make_memory(&mem))
		return;
	if (make_kernel(0, 5 * SZ_1M, size) && make_file(INITRD, "", 0, 5000) &&
	    check(!load(&mem, KERNEL, INITRD, &layout), "not loaded")) {
		check_pattern(&mem, mem.gpa, HEADER_SIZE, size);
		check(layout.kernel_end == mem.gpa + 5 * SZ_1M, "end");
		check(layout.dtb >= layout.kernel_end && !(layout.dtb % SZ_4K),
		      "devicetree at %#llx", layout.dtb);
		check(layout.initrd >= layout.dtb + layout.dtb_size, "initrd at %#llx",
		      layout.initrd);
		check(layout.initrd_end == layout.initrd + 5000, "end of the initrd");
		check_pattern(&mem, layout.initrd, 0, 5000);
	}
	guest_mem_free(&mem);
}

/* The guest starts at the first byte, so there has to be a branch to the kernel. */
static void check_offset(u64 text_offset, u64 image_size, u64 offset)
{
	const size_t size = SZ_1M;
	struct boot_layout layout;
	struct guest_mem mem;
	u32 insn;

	if (!make_memory(&mem))
		return;
	if (make_kernel(text_offset, image_size, size) &&
	    check(!load(&mem, KERNEL, NULL, &layout), "not loaded")) {
		check_pattern(&mem, mem.gpa + offset, HEADER_SIZE, size);
		memcpy(&insn, mem.hva, sizeof(insn));
		check(le32toh(insn) == (0x14000000 | offset / 4), "branch %#x", insn);
		check(layout.kernel_end >= mem.gpa + offset + size, "end");
		check(layout.initrd == layout.initrd_end, "an initrd");
	}
	guest_mem_free(&mem);
}

static u32 insn_at(struct guest_mem *mem, u64 gpa)
{
	u32 insn = 0;
	const void *p = guest_mem_ptr(mem, gpa, sizeof(insn));

	if (check(p, "nothing at %#llx", gpa))
		memcpy(&insn, p, sizeof(insn));
	return le32toh(insn);
}

/* Where a branch at @gpa goes; 0 if there is none. */
static u64 branch_at(struct guest_mem *mem, u64 gpa)
{
	u32 insn = insn_at(mem, gpa);
	/* 26 bits with a sign */
	int offset = (int)(insn << 6) >> 6;

	return check(insn >> 26 == 5, "%#x at %#llx", insn, gpa) ? gpa + 4LL * offset : 0;
}

/* The kernel goes on at @offset, with x0 = copy of the devicetree. */
static void check_copy(u64 text_offset, u64 offset)
{
	struct boot_layout layout;
	struct guest_mem mem;
	u64 dtb;

	if (!make_memory(&mem))
		return;
	if (make_kernel(text_offset, 2 * SZ_1M, SZ_1M) &&
	    check(!load(&mem, KERNEL, NULL, &layout), "not loaded")) {
		memset(guest_mem_ptr(&mem, layout.dtb, layout.dtb_size), 0x5a,
		       layout.dtb_size);
		check(!image_boot_with_copy(&mem, &layout), "no copy");
		check(!memcmp(guest_mem_ptr(&mem, layout.dtb, layout.dtb_size),
			      guest_mem_ptr(&mem, layout.dtb_copy, layout.dtb_size),
			      layout.dtb_size), "another devicetree");
		check(branch_at(&mem, mem.gpa) == layout.shim, "branch to the shim");
		check(insn_at(&mem, layout.shim) == 0x58000040, "ldr x0, <pc + 8>");
		memcpy(&dtb, guest_mem_ptr(&mem, layout.shim + 8, sizeof(dtb)), sizeof(dtb));
		check(le64toh(dtb) == layout.dtb_copy, "x0");
		check(branch_at(&mem, layout.shim + 4) == mem.gpa + offset,
		      "branch to the kernel");
		check(layout.dtb_copy >= layout.dtb + layout.dtb_size &&
		      layout.shim >= layout.dtb_copy + layout.dtb_size &&
		      layout.initrd >= layout.shim + 16, "no room");
	}
	guest_mem_free(&mem);
}

static void devicetree_copy(void)
{
	/* The first instruction does nothing; or it is a branch by itself. */
	check_copy(0, 4);
	check_copy(0x80000, 0x80000);
}

static void text_offset(void)
{
	check_offset(0x80000, 2 * SZ_1M, 0x80000);
	/* Kernels older than image_size. */
	check_offset(0x12340, 0, 0x80000);
}

static void check_refused(const char *path, const char *ramdisk, int err)
{
	struct boot_layout layout;
	struct guest_mem mem;
	int ret;

	if (!make_memory(&mem))
		return;
	ret = load(&mem, path, ramdisk, &layout);
	check(ret == -err, "%s: loaded with %d, not %d", path, ret, -err);
	guest_mem_free(&mem);
}

static void refused(void)
{
	check_refused("/nonexistent", NULL, ENOENT);
	check_refused("/", NULL, EISDIR);
	if (make_file(PACKED, "MZ", 2, 4096))
		check_refused(PACKED, NULL, ENOEXEC);
	if (make_file(PACKED, "", 0, 63))
		check_refused(PACKED, NULL, ENOEXEC);
	if (make_kernel(3, SZ_1M, SZ_1M))
		check_refused(KERNEL, NULL, ENOEXEC);
	if (make_kernel(SZ_1G, SZ_1M, SZ_1M))
		check_refused(KERNEL, NULL, ENOEXEC);
	/* Larger than memory: the file, or what the kernel says. */
	if (make_kernel(0, SZ_1M, MEM_SIZE + 1))
		check_refused(KERNEL, NULL, EFBIG);
	if (make_kernel(0, -1ULL, SZ_1M))
		check_refused(KERNEL, NULL, ENOMEM);
	if (make_kernel(0, MEM_SIZE, SZ_1M))
		check_refused(KERNEL, NULL, ENOMEM);
	if (make_kernel(0, SZ_1M, SZ_1M)) {
		check_refused(KERNEL, "/nonexistent", ENOENT);
		if (make_file(INITRD, "", 0, MEM_SIZE - SZ_1M))
			check_refused(KERNEL, INITRD, EFBIG);
	}
}

static bool pack_kernel(void)
{
	return !system("gzip -c " KERNEL " >" PACKED " 2>/dev/null");
}

/* What is packed is put behind the header that EFI boots from, with more behind it. */
static bool make_zboot(void)
{
	struct {
		char magic[8];
		u32 offset, size, reserved[2];
		char type[40];
	} head = { .magic = "MZ\0\0zimg", .type = "gzip" };
	u8 *data = malloc(SZ_1M);
	ssize_t n;
	bool ok;
	int fd;

	fd = open(PACKED, O_RDWR | O_CLOEXEC);
	n = read_all(fd, data + sizeof(head), SZ_1M - sizeof(head) - 100);
	head.offset = htole32(sizeof(head));
	head.size = htole32(n);
	memcpy(data, &head, sizeof(head));
	memset(data + sizeof(head) + n, 'x', 100);
	ok = n > 0 && !lseek(fd, 0, SEEK_SET) &&
	     !write_all(fd, data, sizeof(head) + n + 100);
	close(fd);
	free(data);
	return check(ok, "%s: errno %d", PACKED, errno);
}

static void check_unpacked(void)
{
	struct boot_layout layout;
	struct guest_mem mem;

	if (!make_memory(&mem))
		return;
	if (check(!load(&mem, PACKED, NULL, &layout), "not loaded")) {
		check_pattern(&mem, mem.gpa, HEADER_SIZE, 2 * SZ_1M + 7);
		check(layout.kernel_end == mem.gpa + 3 * SZ_1M, "end");
	}
	guest_mem_free(&mem);
}

static void unpacked(void)
{
	if (!make_kernel(0, 3 * SZ_1M, 2 * SZ_1M + 7))
		return;
	if (!pack_kernel()) {
		skip("no gzip");
		return;
	}
	check_unpacked();
	if (make_zboot())
		check_unpacked();
}

static void damaged(void)
{
	if (!make_kernel(0, 3 * SZ_1M, 2 * SZ_1M))
		return;
	if (!pack_kernel()) {
		skip("no gzip");
		return;
	}
	if (check(!truncate(PACKED, 2000), "truncate"))
		check_refused(PACKED, NULL, EIO);
}

static void describe(struct device *dev, struct fdt_writer *fdt)
{
	(void)dev;
	(void)fdt;
}

static void no_destroy(struct device *dev)
{
	(void)dev;
}

static const struct device_ops device_ops = {
	.name = "test",
	.node = "test",
	.describe = describe,
	.destroy = no_destroy,
};

static const void *property(const void *fdt, const char *path, const char *name, int size)
{
	int len = 0;
	const void *p = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	if (!check(p, "%s: no %s", path, name) ||
	    !check(size < 0 || len == size, "%s: %s has %d bytes", path, name, len))
		return NULL;
	return p;
}

static void check_string(const void *fdt, const char *path, const char *name,
			 const char *value)
{
	const char *p = property(fdt, path, name, strlen(value) + 1);

	check(p && !strcmp(p, value), "%s: %s is not %s", path, name, value);
}

static void check_cells(const void *fdt, const char *path, const char *name,
			const u32 *cells, int count)
{
	const fdt32_t *p = property(fdt, path, name, 4 * count);
	int i;

	for (i = 0; p && i < count; i++)
		check(fdt32_to_cpu(p[i]) == cells[i], "%s: %s has a wrong cell %d", path,
		      name, i);
}

#define CELLS(...)	((const u32[]) { __VA_ARGS__ })

/* What the Resource Manager asks for. */
static void check_vm_config(const void *fdt, const struct device *dev)
{
	static const char config[] = "/gunyah-vm-config";
	static const char bell[] = "/gunyah-vm-config/vdevices/bell-1";
	const char *gic;

	check(fdt_path_offset(fdt, "/hypervisor") < 0, "a node /hypervisor");
	check_string(fdt, config, "image-name", "gunyah-vmm");
	check_string(fdt, config, "os-type", "linux");
	check_cells(fdt, config, "#address-cells", CELLS(2), 1);
	check_cells(fdt, config, "#size-cells", CELLS(2), 1);
	check_cells(fdt, "/gunyah-vm-config/memory", "base-address", CELLS(0, 0x80000000), 2);
	check_string(fdt, "/gunyah-vm-config/vcpus", "affinity", "proxy");
	gic = property(fdt, "/gunyah-vm-config/interrupts", "config", -1);
	if (gic) {
		check_string(fdt, gic, "compatible", "arm,gic-v3");
		check_cells(fdt, gic, "#interrupt-cells", CELLS(3), 1);
		property(fdt, gic, "interrupt-controller", 0);
	}

	check_string(fdt, bell, "vdevice-type", "doorbell");
	check_string(fdt, bell, "generate", "/hypervisor/bell-1");
	check_cells(fdt, bell, "label", CELLS(dev->irq), 1);
	check_cells(fdt, bell, "interrupts", CELLS(0, dev->irq, 1), 3);
	property(fdt, bell, "peer-default", 0);
	property(fdt, bell, "source-can-clear", 0);
}

static void check_machine(const void *fdt, const struct device *dev)
{
	char path[64];

	check_cells(fdt, "/", "#address-cells", CELLS(2), 1);
	check_cells(fdt, "/memory", "reg", CELLS(0, 0x80000000, 1, 0), 4);
	check_string(fdt, "/chosen", "bootargs", "some words");
	check_cells(fdt, "/chosen", "linux,initrd-start", CELLS(0, 0x81000000), 2);
	check_cells(fdt, "/chosen", "linux,initrd-end", CELLS(0, 0x81000001), 2);
	check_cells(fdt, "/cpus/cpu@0", "reg", CELLS(0), 1);
	check_cells(fdt, "/cpus/cpu@f", "reg", CELLS(15), 1);
	check_string(fdt, "/cpus/cpu@f", "enable-method", "psci");
	check_string(fdt, "/psci", "method", "hvc");
	snprintf(path, sizeof(path), "/test@%llx", dev->base);
	check_cells(fdt, path, "reg", CELLS(0, dev->base, 0, dev->size), 4);
	check_cells(fdt, path, "interrupts", CELLS(0, dev->irq, 1), 3);
}

/* The window of shared memory is RAM for Linux, and placed by the Resource Manager. */
static void devicetree_window(void)
{
	static const char node[] = "/reserved-memory/dma-window@90000000";
	static const char shm[] = "/gunyah-vm-config/vdevices/shm-90000";
	struct bus bus = { };
	const struct guest_tree tree = {
		.ram_base = GUEST_RAM_BASE,
		.ram_size = 0x10000000,
		.window_base = 0x90000000,
		.window_size = SZ_2M,
		.window_label = 0x90000,
		.cpus = 1,
		.cmdline = "some words",
		.bus = &bus,
	};
	void *fdt = aligned_alloc(SZ_4K, GUEST_TREE_SIZE);

	if (check(fdt, "no memory") && check(!guest_tree_write(&tree, fdt), "not written") &&
	    check(!fdt_check_full(fdt, GUEST_TREE_SIZE), "broken")) {
		check_cells(fdt, "/memory", "reg",
			    CELLS(0, 0x80000000, 0, 0x10000000, 0, 0x90000000, 0, SZ_2M), 8);
		check_string(fdt, node, "compatible", "restricted-dma-pool");
		check_cells(fdt, node, "reg", CELLS(0, 0x90000000, 0, SZ_2M), 4);
		check_cells(fdt, node, "phandle", CELLS(GUEST_WINDOW_PHANDLE), 1);
		check_string(fdt, shm, "vdevice-type", "shm");
		check_cells(fdt, "/gunyah-vm-config/vdevices/shm-90000/memory", "base",
			    CELLS(0, 0x90000000), 2);
		check_cells(fdt, "/gunyah-vm-config/vdevices/shm-90000/memory", "label",
			    CELLS(0x90000), 1);
	}
	free(fdt);
}

static void devicetree(void)
{
	struct device dev = { .ops = &device_ops };
	struct bus bus = { };
	struct guest_tree tree = {
		.ram_base = GUEST_RAM_BASE,
		.ram_size = 1ULL << 32,
		.cpus = GUEST_MAX_CPUS,
		.cmdline = "some words",
		.initrd = 0x81000000,
		.initrd_end = 0x81000001,
		.bus = &bus,
		.console = &dev,
	};
	void *fdt = aligned_alloc(SZ_4K, GUEST_TREE_SIZE);

	if (check(fdt && !bus_add(&bus, &dev), "no memory") &&
	    check(!guest_tree_write(&tree, fdt), "not written") &&
	    check(!fdt_check_full(fdt, GUEST_TREE_SIZE), "broken")) {
		check(fdt_totalsize(fdt) == GUEST_TREE_SIZE, "size");
		check_machine(fdt, &dev);
		check_vm_config(fdt, &dev);
		fdt_pack(fdt);
		check(fdt_totalsize(fdt) + SZ_64K <= GUEST_TREE_SIZE, "little room");
	}
	bus_destroy(&bus);
	free(fdt);
}

/* A command line that does not fit is an error, not a broken tree. */
static void long_command_line(void)
{
	char *text = calloc(1, GUEST_TREE_SIZE + 1);
	struct bus bus = { };
	struct guest_tree tree = {
		.ram_base = GUEST_RAM_BASE,
		.ram_size = SZ_1G,
		.cpus = 1,
		.cmdline = text,
		.bus = &bus,
	};
	void *fdt = aligned_alloc(SZ_4K, GUEST_TREE_SIZE);

	if (check(text && fdt, "no memory")) {
		memset(text, 'x', GUEST_TREE_SIZE);
		check(guest_tree_write(&tree, fdt) < 0, "written");
	}
	free(fdt);
	free(text);
}

/* Loads a kernel into @mem and looks at it. */
static void check_load(struct guest_mem *mem)
{
	struct boot_layout layout;

	if (make_kernel(0, 2 * SZ_1M, SZ_1M) &&
	    check(!load(mem, KERNEL, NULL, &layout), "not loaded"))
		check_pattern(mem, mem->gpa, HEADER_SIZE, SZ_1M);
}

static struct guest_mem memory_of(const char *kind, const struct gunyah *gunyah)
{
	return (struct guest_mem) {
		.wanted = mem_backing_find(kind),
		.gunyah = gunyah,
		.gpa = GUEST_RAM_BASE,
		.size = MEM_SIZE,
	};
}

/* That it is the kind that was asked for, or none. */
static void kinds(void)
{
	static const char *const names[] = { "anon", "hugetlb" };
	struct guest_mem mem;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		mem = memory_of(names[i], NULL);
		if (!guest_mem_alloc(&mem)) {
			check(mem.backing == mem.wanted, "not %s", names[i]);
			check_load(&mem);
		} else {
			check(i, "no anonymous memory");
		}
		guest_mem_free(&mem);
		check(!mem.hva && !mem.backing, "memory that was freed");
	}
	check(!mem_backing_find("nonsense"), "a kind of memory called nonsense");
	mem = memory_of("guest-mem", NULL);
	check(guest_mem_alloc(&mem) == -ENOTTY && !mem.hva && !mem.backing,
	      "a guest memory file without the device");
}

/* Lent memory goes, is of the same kind when the guest boots again, and can be loaded. */
static void check_lives(struct guest_mem *mem)
{
	const struct mem_backing *backing;
	unsigned int i;

	mem->lend = true;
	for (i = 0; i < 3; i++) {
		backing = mem->backing;
		if (!check(!guest_mem_alloc(mem), "no memory, life %u", i))
			break;
		check(!i || mem->backing == backing, "life %u has other memory", i);
		check_load(mem);
		guest_mem_started(mem);
		check(!guest_mem_ptr(mem, mem->gpa, 1), "life %u has lent memory", i);
	}
	guest_mem_free(mem);
}

static void lives(void)
{
	struct guest_mem mem = memory_of("anon", NULL);

	check_lives(&mem);
}

/* Each life is a VM's, which is closed without being started. */
static void give_file(struct guest_mem *mem, const struct gunyah *gunyah)
{
	struct vm vm;

	if (!check(!vm_open(&vm, gunyah), "no VM"))
		return;
	if (check(!guest_mem_alloc(mem), "no guest memory file")) {
		check(mem->backing == &mem_backing_file, "it is %s", mem->backing->text);
		check(mem->backing->pieces(mem) >= 1 &&
		      mem->backing->pieces(mem) <= MEM_SIZE / SZ_2M,
		      "%llu pieces", mem->backing->pieces(mem));
		check_load(mem);
		check(!guest_mem_give(mem, &vm), "the VM does not take it");
		check(guest_mem_give(mem, &vm) == -EEXIST, "the VM takes it twice");
		guest_mem_started(mem);
		check(!mem->hva == mem->lend, "mapped at %p", mem->hva);
	}
	vm_close(&vm);
}

static void give_files(const struct gunyah *gunyah, bool lend)
{
	struct guest_mem mem = memory_of("guest-mem", gunyah);
	unsigned int i;
	int fd = -1;

	mem.lend = lend;
	for (i = 0; i < 3; i++) {
		give_file(&mem, gunyah);
		check(!i || mem.fd == fd, "life %u has another file", i);
		fd = mem.fd;
	}
	guest_mem_free(&mem);
	check(fcntl(fd, F_GETFD) < 0, "the file is still open");
}

static void memory_files(void)
{
	struct gunyah gunyah;
	struct guest_mem mem;

	if (access(GUNYAH_DEVICE, F_OK)) {
		skip("no " GUNYAH_DEVICE);
		return;
	}
	if (!check(!gunyah_open(&gunyah), "no device"))
		return;
	give_files(&gunyah, true);
	give_files(&gunyah, false);
	mem = memory_of("guest-mem", &gunyah);
	check_lives(&mem);

	/* What is first choice, and no second one for want of memory. */
	mem = memory_of("any", &gunyah);
	check(!guest_mem_alloc(&mem) && mem.backing == &mem_backing_file, "another kind");
	guest_mem_free(&mem);
	mem.size = 1ULL << 40;
	check(guest_mem_alloc(&mem) == -ENOMEM && !mem.hva && !mem.backing, "1 TiB");
	gunyah_close(&gunyah);
}

/* A driver that does not know the call */
static void older_driver(void)
{
	struct gunyah gunyah = { .fd = open("/dev/null", O_RDWR | O_CLOEXEC) };
	struct guest_mem mem = memory_of("any", &gunyah);

	if (check(!guest_mem_alloc(&mem), "no memory")) {
		check(mem.backing != &mem_backing_file, "a guest memory file");
		check_load(&mem);
	}
	guest_mem_free(&mem);
	mem = memory_of("guest-mem", &gunyah);
	check(guest_mem_alloc(&mem) == -ENOTTY, "a guest memory file");
	gunyah_close(&gunyah);
}

static const struct tap_test tests[] = {
	{ "kernel and initrd", plain },
	{ "kernel with a text offset", text_offset },
	{ "files that cannot be booted", refused },
	{ "packed kernels", unpacked },
	{ "damaged packed kernel", damaged },
	{ "devicetree", devicetree },
	{ "devicetree with a DMA window", devicetree_window },
	{ "kernel with a copy of the devicetree", devicetree_copy },
	{ "command line that is too long", long_command_line },
	{ "kinds of memory", kinds },
	{ "memory for several lives of a guest", lives },
	{ "guest memory files", memory_files },
	{ "driver without guest memory files", older_driver },
};

int main(void)
{
	char dir[] = "/tmp/vmm-load-XXXXXX";
	int ret;

	if (!mkdtemp(dir) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	ret = tap_run(tests, ARRAY_SIZE(tests));
	unlink(KERNEL);
	unlink(INITRD);
	unlink(PACKED);
	rmdir(dir);
	return ret;
}
