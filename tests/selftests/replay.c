// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of existing virtual machine monitors, from the first one up to a guest that runs,
 * and to its end.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dump.h"
#include "replay.h"

#define DEVICE			"/dev/gunyah"

#define EXIT_MMIO		1
#define EXIT_STATUS		2
#define STATUS_EXITED		2
#define TYPE_POWER_OFF		1

/* Interrupt number of SPI 0 */
#define FIRST_SPI		32

#define NUMBER			0x1122334455667788

bool replay_open(struct replay *r, int flags)
{
	*r = (struct replay) { .device = -1, .vm = -1 };
	r->device = open(DEVICE, flags);
	if (!check_errno(r->device, 0, DEVICE))
		return false;
	r->vm = ioctl(r->device, REPLAY_CREATE_VM, 0);
	return check_errno(r->vm, 0, "CREATE_VM");
}

bool replay_add_vcpu(struct replay *r, u32 id, u32 page_size)
{
	unsigned int n = r->cpus;
	int size = page_size;

	r->vcpu[n] = replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_VCPU, &id, sizeof(id));
	if (!check_errno(r->vcpu[n], 0, "ADD_FUNCTION of vCPU %u", id))
		return false;
	r->cpus++;
	if (!size)
		size = ioctl(r->vcpu[n], REPLAY_MMAP_SIZE, 0);
	if (!check(size == 4096, "a vCPU's page has %d bytes", size))
		return false;
	r->page[n] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->vcpu[n], 0);
	return check(r->page[n] != MAP_FAILED, "mmap of vCPU %u: errno %d", id, errno);
}

static void close_vcpus(struct replay *r)
{
	while (r->cpus) {
		r->cpus--;
		if (r->page[r->cpus] && r->page[r->cpus] != MAP_FAILED)
			munmap(r->page[r->cpus], 4096);
		close(r->vcpu[r->cpus]);
	}
}

void replay_close(struct replay *r, bool vm_first)
{
	if (!vm_first)
		close_vcpus(r);
	if (r->vm >= 0)
		close(r->vm);
	close_vcpus(r);
	if (r->device >= 0)
		close(r->device);
	if (r->ram)
		munmap(r->ram, r->ram_size);
}

int replay_call(const struct replay *r, unsigned long code, const void *arg)
{
	return ioctl(r->vm, code, arg);
}

int replay_function(const struct replay *r, unsigned long code, u32 type, const void *arg,
		    u32 size)
{
	const struct {
		u32 type;
		u32 size;
		u64 arg;
	} desc = { type, size, (unsigned long)arg };

	return replay_call(r, code, &desc);
}

bool replay_add_lines(const struct replay *r, const int *events, u32 n, u32 level)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct replay_irqfd arg = {
			.fd = events[i],
			.label = i,
			.flags = i == level,
		};

		if (!check_errno(replay_function(r, REPLAY_ADD_FUNCTION, REPLAY_IRQFD, &arg,
						 sizeof(arg)), 0, "irqfd %u", i))
			return false;
	}
	return true;
}

int replay_region(const struct replay *r, unsigned long code, u32 label, u32 flags, u64 gpa,
		  u64 size)
{
	const struct {
		u32 label;
		u32 flags;
		u64 gpa;
		u64 size;
		u64 address;
	} region = { label, flags, gpa, size, (unsigned long)r->ram + gpa - r->ram_base };

	return replay_call(r, code, &region);
}

int replay_context(const struct replay *r, u32 reg, u64 value)
{
	const struct replay_context context = { .reg = reg, .value = value };

	return replay_call(r, REPLAY_BOOT_CONTEXT, &context);
}

int replay_run(const struct replay *r, unsigned int cpu)
{
	return ioctl(r->vcpu[cpu], REPLAY_RUN, 0);
}

static u64 page_number(const struct replay *r, unsigned int cpu, unsigned int offset, u32 len)
{
	u64 value = 0;

	memcpy(&value, r->page[cpu] + offset, len);
	return value;
}

static bool leaves_for(const struct replay *r, unsigned int cpu, u64 addr, u32 len, bool is_write)
{
	const u64 at = check_errno(replay_run(r, cpu), 0, "RUN") ?
		       page_number(r, cpu, PAGE_MMIO_ADDR, 8) : 0;

	return check(page_number(r, cpu, PAGE_EXIT_REASON, 4) == EXIT_MMIO && at == addr &&
		     page_number(r, cpu, PAGE_MMIO_LEN, 4) == len &&
		     r->page[cpu][PAGE_MMIO_IS_WRITE] == is_write,
		     "exit %llu: %s of %llu bytes at %#llx, not of %u at %#llx",
		     page_number(r, cpu, PAGE_EXIT_REASON, 4),
		     r->page[cpu][PAGE_MMIO_IS_WRITE] ? "write" : "read",
		     page_number(r, cpu, PAGE_MMIO_LEN, 4), at, len, addr);
}

bool replay_read(const struct replay *r, unsigned int cpu, u64 addr, u32 len, u64 value,
		 u8 action)
{
	if (!leaves_for(r, cpu, addr, len, false))
		return false;
	memcpy(r->page[cpu] + PAGE_MMIO_DATA, &value, len);
	r->page[cpu][PAGE_MMIO_ACTION] = action;
	return true;
}

bool replay_written(const struct replay *r, unsigned int cpu, u64 addr, u32 len, u64 value)
{
	return leaves_for(r, cpu, addr, len, true) &&
	       check(page_number(r, cpu, PAGE_MMIO_DATA, len) == value,
		     "%#llx written to %#llx, not %#llx",
		     page_number(r, cpu, PAGE_MMIO_DATA, len), addr, value);
}

bool replay_is_off(const struct replay *r, unsigned int cpu)
{
	return check_errno(replay_run(r, cpu), 0, "RUN") &&
	       check(page_number(r, cpu, PAGE_EXIT_REASON, 4) == EXIT_STATUS &&
		     page_number(r, cpu, PAGE_STATUS, 4) == STATUS_EXITED &&
		     page_number(r, cpu, PAGE_EXIT_TYPE, 2) == TYPE_POWER_OFF,
		     "exit %llu, status %llu, type %llu",
		     page_number(r, cpu, PAGE_EXIT_REASON, 4),
		     page_number(r, cpu, PAGE_STATUS, 4),
		     page_number(r, cpu, PAGE_EXIT_TYPE, 2));
}

bool replay_start(const struct replay *r, bool shared)
{
	const char *options = test_options();
	int ret = replay_call(r, REPLAY_START, NULL);

	if (!shared || (options && strstr(options, "rm=debug")))
		return check_errno(ret, 0, "START");
	if (options) {
		check_errno(ret, ENOSPC, "START from shared memory");
		return false;
	}
	if (ret && errno == ENOSPC) {
		skip("this Resource Manager boots from lent memory only");
		return false;
	}
	return check_errno(ret, 0, "START from shared memory");
}

u64 replay_events(int fd)
{
	u64 count = 0;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		check(false, "eventfd: errno %d", errno);
	return count;
}

void replay_signal(int fd)
{
	const u64 one = 1;

	check(write(fd, &one, sizeof(one)) == sizeof(one), "eventfd: errno %d", errno);
}

bool replay_begin_visit(const struct replay *r, u32 triggers, int event)
{
	return replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 4, triggers, 0) &&
	       replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 8, NUMBER, 0) &&
	       replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, NUMBER) &&
	       check(!replay_events(event), "an event before the notification") &&
	       leaves_for(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, true) &&
	       check(replay_events(event) == 1, "no event, or more than one");
}

bool replay_interrupt(const struct replay *r, int event, u32 label, u32 psci)
{
	replay_signal(event);
	return replay_written(r, 0, GUEST_PORT + GUEST_PORT_OUT, 8, FIRST_SPI + label) &&
	       replay_read(r, 0, GUEST_PORT + GUEST_PORT_IN, 4, psci, 0);
}

static const struct tap_test tests[] = {
	{ "crosvm, a protected VM", replay_crosvm },
	{ "crosvm, memory that is shared", replay_crosvm_shared },
	{ "QEMU, a confidential VM", replay_qemu },
	{ "QEMU, memory that is shared", replay_qemu_shared },
	{ "the vendor's test program, lent memory", replay_vendor_lent },
	{ "the vendor's test program, shared memory", replay_vendor_shared },
	{ "the vendor's test program, guest memory files", replay_vendor_files },
	{ "the vendor's test program, accesses", replay_vendor_addresses },
	{ "the vendor's test program, things done twice", replay_vendor_twice },
};

int main(void)
{
	if (access(DEVICE, F_OK))
		return tap_skip_all("no " DEVICE);
	return tap_run(tests, ARRAY_SIZE(tests));
}
