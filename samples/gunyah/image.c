// SPDX-License-Identifier: GPL-2.0
/*
 * Loading of the kernel and of the initial RAM disk.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "unpack.h"

/* The first 64 bytes of an arm64 Image: Documentation/arch/arm64/booting.rst. */
struct image_header {
	__le32 code0;
	__le32 code1;
	__le64 text_offset;
	__le64 image_size;
	__le64 flags;
	__le64 res2;
	__le64 res3;
	__le64 res4;
	__le32 magic;
	__le32 res5;
};

#define IMAGE_MAGIC		0x644d5241	/* "ARM\x64" */
#define IMAGE_FLAG_BE		BIT_ULL(0)
/* An Image without image_size is older than text_offset's present meaning. */
#define IMAGE_OLD_TEXT_OFFSET	0x80000

#define INSN_B			0x14000000	/* b <pc + 4 * offset> */
#define INSN_B_OFFSET		0x03ffffff
#define INSN_B_RANGE		(128ULL << 20)
#define INSN_LDR_X0_8		0x58000040	/* ldr x0, <pc + 8> */

/* What runs before the kernel, if there is need. */
struct shim {
	__le32 load;
	__le32 branch;
	__le64 dtb;
};

static int check_header(const char *path, const struct image_header *head, ssize_t len)
{
	if (len != sizeof(*head) || le32toh(head->magic) != IMAGE_MAGIC) {
		log_error(0, "%s: not an arm64 kernel Image", path);
		log_hint("give arch/arm64/boot/Image of a build, or an arm64 /boot/vmlinuz");
		return -ENOEXEC;
	}
	if (le64toh(head->flags) & IMAGE_FLAG_BE)
		log_info("%s: a big-endian kernel; it may not find its way", path);
	return 0;
}

/*
 * Read what @fd still has to @gpa, which begins with the @done bytes that are already
 * there. The end has to stay out of what is not guest memory.
 */
static int load_rest(struct guest_mem *mem, const char *path, int fd, u64 gpa, u64 done,
		     u64 *end)
{
	u64 room = mem->gpa + mem->size - gpa;
	ssize_t n;
	char more;

	n = read_all(fd, guest_mem_ptr(mem, gpa + done, room - done), room - done);
	if (n < 0)
		return log_error(-n, "%s", path);
	if (done + n == room && read_all(fd, &more, 1) == 1) {
		log_error(EFBIG, "%s: guest memory is too small for it", path);
		log_hint("give more --mem");
		return -EFBIG;
	}
	*end = gpa + done + n;
	return 0;
}

static u32 branch(u64 from, u64 to)
{
	return INSN_B | (((to - from) / sizeof(u32)) & INSN_B_OFFSET);
}

/* The guest starts at the first byte: jump from there to what lies behind. */
static void write_branch(struct guest_mem *mem, u64 to)
{
	u32 insn = htole32(branch(mem->gpa, to));

	memcpy(guest_mem_ptr(mem, mem->gpa, sizeof(insn)), &insn, sizeof(insn));
}

static int place_kernel(struct guest_mem *mem, const char *path, int fd, u64 *end)
{
	struct image_header head;
	ssize_t n = read_all(fd, &head, sizeof(head));
	u64 text_offset, size;
	void *p;
	int ret;

	if (n < 0)
		return log_error(-n, "%s", path);
	ret = check_header(path, &head, n);
	if (ret)
		return ret;

	size = le64toh(head.image_size);
	text_offset = size ? le64toh(head.text_offset) : IMAGE_OLD_TEXT_OFFSET;
	if (text_offset >= SZ_2M || text_offset % 4)
		return log_error(ENOEXEC, "%s: text offset %#llx", path, text_offset);

	p = guest_mem_ptr(mem, mem->gpa + text_offset, sizeof(head));
	if (!p)
		return log_error(EFBIG, "%s", path);
	memcpy(p, &head, sizeof(head));
	if (text_offset)
		write_branch(mem, mem->gpa + text_offset);
	ret = load_rest(mem, path, fd, mem->gpa + text_offset, sizeof(head), end);
	if (ret)
		return ret;

	/* With what the kernel clears for itself, it is larger than the file. */
	if (size > mem->size)
		size = mem->size;
	if (*end < mem->gpa + text_offset + size)
		*end = mem->gpa + text_offset + size;
	log_debug("kernel %s: %#llx to %#llx", path, mem->gpa + text_offset, *end);
	return 0;
}

static int load_kernel(struct guest_mem *mem, const char *path, u64 *end)
{
	struct unpack unpack;
	int ret;

	ret = unpack_open(&unpack, path);
	if (ret)
		return ret;
	ret = place_kernel(mem, path, unpack.fd, end);
	if (ret) {
		unpack_abort(&unpack);
		return ret;
	}
	return unpack_close(&unpack);
}

static int load_initrd(struct guest_mem *mem, const char *path, u64 gpa, u64 *end)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return log_error(errno, "%s", path);
	ret = load_rest(mem, path, fd, gpa, 0, end);
	close(fd);
	if (ret)
		return ret;
	log_debug("initrd %s: %#llx to %#llx", path, gpa, *end);
	return 0;
}

int image_load(struct guest_mem *mem, const char *kernel, const char *initrd,
	       u64 dtb_size, struct boot_layout *layout)
{
	int ret;

	ret = load_kernel(mem, kernel, &layout->kernel_end);
	if (ret)
		return ret;

	/* No 2 MiB block holds parts of two of them. */
	layout->dtb = align_up(layout->kernel_end, SZ_2M);
	layout->dtb_size = dtb_size;
	layout->dtb_copy = layout->dtb + dtb_size;
	layout->shim = layout->dtb_copy + dtb_size;
	layout->initrd = align_up(layout->shim + sizeof(struct shim), SZ_2M);
	layout->initrd_end = layout->initrd;
	if (!guest_mem_ptr(mem, layout->shim, sizeof(struct shim)) ||
	    (initrd && !guest_mem_ptr(mem, layout->initrd, 1))) {
		log_error(ENOMEM, "%s: guest memory is too small for it", kernel);
		log_hint("give more --mem");
		return -ENOMEM;
	}
	return initrd ? load_initrd(mem, initrd, layout->initrd, &layout->initrd_end) : 0;
}

/* Where a guest that starts at @gpa goes on after the first instruction there. */
static u64 second_insn(const struct guest_mem *mem, u64 gpa)
{
	u32 insn;

	memcpy(&insn, guest_mem_ptr(mem, gpa, sizeof(insn)), sizeof(insn));
	insn = le32toh(insn);
	/* An Image begins with a branch, or with one that does nothing. */
	if ((insn & ~INSN_B_OFFSET) == INSN_B)
		return gpa + (insn & INSN_B_OFFSET) * sizeof(insn);
	return gpa + sizeof(insn);
}

int image_boot_with_copy(struct guest_mem *mem, const struct boot_layout *layout)
{
	u64 kernel = second_insn(mem, mem->gpa);
	const struct shim shim = {
		.load = htole32(INSN_LDR_X0_8),
		.branch = htole32(branch(layout->shim + offsetof(struct shim, branch),
					 kernel)),
		.dtb = htole64(layout->dtb_copy),
	};

	if (layout->shim - mem->gpa >= INSN_B_RANGE)
		return log_error(EFBIG, "the kernel is too large for a guest with a DMA window");
	memcpy(guest_mem_ptr(mem, layout->dtb_copy, layout->dtb_size),
	       guest_mem_ptr(mem, layout->dtb, layout->dtb_size), layout->dtb_size);
	memcpy(guest_mem_ptr(mem, layout->shim, sizeof(shim)), &shim, sizeof(shim));
	write_branch(mem, layout->shim);
	return 0;
}
