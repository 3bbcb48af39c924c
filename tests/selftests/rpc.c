// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that the kernel has for the Resource Manager's messages, each of them, made by
 * a module for tests, and what becomes of them.
 */

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "guest_tree.h"
#include "modules.h"
#include "testvm.h"

#define CLIENT_MODULE		"gunyah_test_rm"
#define CLIENT_FILE		"/dev/gunyah_test_rm"
#define LINE_MAX_BYTES		4096
#define TEXT_MAX_BYTES		4096

/* As the dump calls the hypercalls */
#define SENDS			"hypercall 0x1b"
#define RECEIVES		"hypercall 0x1c"
#define CALLS			50

#define HOST			3
#define UNKNOWN_VMID		190
#define FIXED_VMID		40
#define UNKNOWN_HANDLE		0x12345678

/* As in linux/gunyah_rsc_mgr.h, which is not for userspace */
#define AUTH_NONE		0
#define AUTH_PLATFORM		1
#define AUTH_ANDROID		2
#define RWX			7
#define RW			6
#define SANITIZE		1
#define NOTIFY_SHARED		1
#define NOTIFY_RELEASED		2
#define NOTIFY_RECALL		8

#define STATE_INIT		"state 1 os 0 app 0"
#define STATE_READY		"state 2 os 0 app 0"
#define STATE_RUNNING		"state 3 os 0 app 0"
#define STATE_LOAD		"state 5 os 0 app 0"
#define STATE_AUTH		"state 6 os 0 app 0"
#define STATE_INIT_FAILED	"state 8 os 0 app 0"
#define STATE_EXITED		"state 9 os 0 app 0"
#define STATE_RESET		"state 11 os 0 app 0"

#define GUEST_NAME		"rpc-guest"
#define GUEST_URI		"vm:/rpc/1"
#define GUEST_VENDOR		"nobody"
#define GUEST_GUID		"10213243-5465-7687-98a9-bacbdcedfe0f"
#define ZERO_GUID		"00000000-0000-0000-0000-000000000000"

#define POLL_MS			20
#define POLL_LIMIT		3000

/* What a call told; valid until the next. */
static const char *ask_line(int fd, const char *line)
{
	static char text[TEXT_MAX_BYTES + 1];
	ssize_t n;

	n = write(fd, line, strlen(line));
	if (n < 0) {
		snprintf(text, sizeof(text), "not called: errno %d", errno);
		return text;
	}
	n = pread(fd, text, TEXT_MAX_BYTES, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static __printf(2, 3) const char *ask(int fd, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return ask_line(fd, line);
}

/* The call has to tell exactly this. */
static __printf(3, 4) bool expect(int fd, const char *text, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	const char *told;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	told = ask_line(fd, line);
	return check(!strcmp(told, text), "%s: \"%s\", not \"%s\"", line, told, text);
}

/* The call has to fail with this. */
static __printf(3, 4) bool expect_error(int fd, int err, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], text[32];
	const char *told;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "error %d", -err);
	told = ask_line(fd, line);
	return check(!strcmp(told, text), "%s: \"%s\", not \"%s\"", line, told, text);
}

/* A call that tells a number, or an error. */
static bool number(const char *text, unsigned int *value)
{
	char *end;

	*value = strtoul(text, &end, 10);
	return check(end != text && !*end, "\"%s\" is none", text);
}

static int open_client(void)
{
	int fd = open(CLIENT_FILE, O_RDWR | O_CLOEXEC);

	check(fd >= 0, CLIENT_FILE ": errno %d", errno);
	return fd;
}

static bool dump_has(const char *text)
{
	struct dump dump;
	bool has;

	if (!dump_take(&dump))
		return false;
	has = strstr(dump.text, text);
	dump_free(&dump);
	return has;
}

/* Run a test with its own client; what it leaves is gone when that is closed. */
static void with_client(void (*run)(int fd))
{
	struct dump before;
	int fd;

	if (!dump_take(&before))
		return;
	fd = open_client();
	if (fd >= 0) {
		run(fd);
		close(fd);
		dump_check_same(&before);
	}
	dump_free(&before);
}

/*
 * This VM
 */

static void ask_host(int fd)
{
	expect(fd, "3", "get_vmid");
	expect(fd, "0x1000164", "get_host_type");
	expect(fd, STATE_RUNNING, "get_state %u", HOST);
	/* 0 is who asks. */
	expect(fd, STATE_RUNNING, "get_state 0");
	expect(fd, "0", "lookup_name nobody-has-this-name");
	expect(fd, "0", "lookup_uri nobody-has-this-uri");
	expect(fd, "0", "lookup_guid %s", GUEST_GUID);
}

static void host(void)
{
	with_client(ask_host);
}

/* A request of one packet with a reply of one packet: one send and one receive each */
static void count_hypercalls(int fd)
{
	struct dump before, after;
	unsigned int i;
	bool ok = true;

	if (!dump_take(&before))
		return;
	for (i = 0; i < CALLS && ok; i++)
		ok = expect(fd, "3", "get_vmid");
	if (dump_take(&after)) {
		check(dump_count(&after, SENDS) - dump_count(&before, SENDS) == CALLS,
		      "%ld sends for %u calls",
		      dump_count(&after, SENDS) - dump_count(&before, SENDS), CALLS);
		check(dump_count(&after, RECEIVES) - dump_count(&before, RECEIVES) == CALLS,
		      "%ld receives for %u calls",
		      dump_count(&after, RECEIVES) - dump_count(&before, RECEIVES), CALLS);
		dump_free(&after);
	}
	dump_free(&before);
}

static void hypercalls(void)
{
	with_client(count_hypercalls);
}

/*
 * VMIDs
 */

static void ask_vmids(int fd)
{
	unsigned int vmid;

	if (!number(ask(fd, "alloc"), &vmid))
		return;
	check(vmid >= 0x80, "VMID %u", vmid);
	expect(fd, STATE_LOAD, "get_state %u", vmid);
	expect(fd, "3", "get_owner %u", vmid);
	expect(fd, "1 3", "get_peers %u", vmid);
	expect(fd, "0", "get_resources %u", vmid);
	expect(fd, "guid " ZERO_GUID " name - uri - sign-auth -", "get_id %u", vmid);
	expect(fd, "ok", "dealloc %u", vmid);
	expect_error(fd, EINVAL, "get_state %u", vmid);

	expect(fd, "40", "alloc %u", FIXED_VMID);
	expect(fd, STATE_LOAD, "get_state %u", FIXED_VMID);
	expect_error(fd, ENOSPC, "alloc %u", FIXED_VMID);
	expect(fd, "ok", "dealloc %u", FIXED_VMID);
	expect_error(fd, EINVAL, "dealloc %u", FIXED_VMID);
	/* Not one that is set aside */
	expect_error(fd, ENOSPC, "alloc %u", UNKNOWN_VMID);
}

static void vmids(void)
{
	with_client(ask_vmids);
}

/*
 * A VM from its beginning to its end
 */

static bool poke(int fd, size_t offset, const u8 *bytes, size_t size)
{
	char hex[2 * 1024 + 1];
	size_t i;

	for (i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
	return expect(fd, "ok", "poke %s %zu", hex, offset);
}

/* All of it that is not zero already */
static bool poke_all(int fd, const u8 *bytes, size_t size)
{
	static const u8 zero[1024];
	size_t i;

	for (i = 0; i < size; i += sizeof(zero))
		if (memcmp(bytes + i, zero, sizeof(zero)) &&
		    !poke(fd, i, bytes + i, sizeof(zero)))
			return false;
	return true;
}

static bool name_guest(void *fdt)
{
	int node;

	if (fdt_open_into(fdt, fdt, GUEST_TREE_SIZE))
		return false;
	node = fdt_path_offset(fdt, "/gunyah-vm-config");
	return node >= 0 && !fdt_setprop_string(fdt, node, "image-name", GUEST_NAME) &&
	       !fdt_setprop_string(fdt, node, "vm-uri", GUEST_URI) &&
	       !fdt_setprop_string(fdt, node, "vendor", GUEST_VENDOR) &&
	       !fdt_setprop_string(fdt, node, "vm-guid", GUEST_GUID);
}

/* The client's memory becomes that of a guest. */
static bool load_guest(int fd)
{
	struct testvm vm = { .fd = -1, .cpus = 1 };
	bool ok;

	ok = testvm_load(&vm, true, PROGRAM(spin)) &&
	     check(name_guest(vm.ram.hva + TESTVM_DTB), "the devicetree is full") &&
	     expect(fd, "ok", "memory %llu", TESTVM_MEM_SIZE) &&
	     poke_all(fd, vm.ram.hva, TESTVM_MEM_SIZE);
	guest_mem_free(&vm.ram);
	return ok;
}

/* A new VM with its memory: the next is configure. */
static bool make_guest(int fd, unsigned int *vmid, unsigned int *handle)
{
	return load_guest(fd) && number(ask(fd, "alloc"), vmid) &&
	       number(ask(fd, "lend 1 0 %u %u", *vmid, RWX), handle);
}

static bool configure(int fd, unsigned int vmid, unsigned int auth, unsigned int handle)
{
	return expect(fd, "ok", "configure %u %u %u 0 0 %llu %llu", vmid, auth, handle,
		      TESTVM_DTB, GUEST_TREE_SIZE);
}

/* Reset is done when it is, not when it is answered. */
static bool reset(int fd, unsigned int vmid)
{
	unsigned int i;

	if (!expect(fd, "ok", "reset %u", vmid))
		return false;
	for (i = 0; i < POLL_LIMIT; i++) {
		if (!strcmp(ask(fd, "get_state %u", vmid), STATE_RESET))
			return true;
		sleep_ms(POLL_MS);
	}
	return check(false, "VM %u does not become as new", vmid);
}

static void end_guest(int fd, unsigned int vmid, unsigned int handle)
{
	if (!reset(fd, vmid))
		return;
	expect(fd, "ok", "reclaim %u 0", handle);
	expect(fd, "ok", "dealloc %u", vmid);
}

static void ask_identity(int fd, unsigned int vmid)
{
	char found[16], text[32];

	snprintf(found, sizeof(found), "1 %u", vmid);
	expect(fd, "guid " GUEST_GUID " name " GUEST_NAME " uri " GUEST_URI " sign-auth "
	       GUEST_VENDOR, "get_id %u", vmid);
	expect(fd, found, "lookup_name %s", GUEST_NAME);
	expect(fd, found, "lookup_uri %s", GUEST_URI);
	expect(fd, found, "lookup_guid %s", GUEST_GUID);
	expect(fd, "0", "lookup_name %s-not", GUEST_NAME);
	expect(fd, "3", "get_owner %u", vmid);
	expect(fd, "1 3", "get_peers %u", vmid);
	snprintf(text, sizeof(text), " %u", vmid);
	check(strstr(ask(fd, "get_peers %u", HOST), text), "VM %u is no peer", vmid);
	/* A vCPU, and it is the first */
	expect(fd, "1 4:0", "get_resources %u", vmid);
}

static void set_time(int fd, unsigned int vmid)
{
	expect(fd, "ok", "set_time_base %u 0x1122334455667788 0x99aabbccddeeff", vmid);
	check(dump_has(" time-base 0x1122334455667788 reference 0x99aabbccddeeff"),
	      "no such time base");
	expect_error(fd, EINVAL, "set_time_base %u 1 1", UNKNOWN_VMID);
}

static void set_context(int fd, unsigned int vmid)
{
	/* Not in this Resource Manager */
	expect_error(fd, EOPNOTSUPP, "set_boot_context %u 0 1 1", vmid);

	ctl("bootcontext on");
	expect(fd, "ok", "set_boot_context %u 0 3 0x123456789abcdef0", vmid);
	expect(fd, "ok", "set_boot_context %u 2 1 0x8000", vmid);
	expect_error(fd, EINVAL, "set_boot_context %u 0 31 1", vmid);
	expect_error(fd, EINVAL, "set_boot_context %u 3 0 1", vmid);
	check(dump_has(" x3 0x123456789abcdef0 sp_el1 0x8000"), "no such registers");
	ctl("bootcontext off");
}

static void crash_messages(int fd, unsigned int vmid)
{
	expect(fd, "0 ", "get_crash_msg %u", vmid);
	ctl("crashmsg vm=%u hex=6f6f70733a2035", vmid);
	expect(fd, "7 oops: 5", "get_crash_msg %u", vmid);
	expect_error(fd, EINVAL, "get_crash_msg %u", UNKNOWN_VMID);
}

static void stop_guest(int fd, unsigned int vmid)
{
	long told = dump_count_now("notifications-to-guests");

	/* Only asked: it goes on. */
	expect(fd, "ok", "stop %u 0 7", vmid);
	check(dump_has(" asked-to-stop 7"), "the guest was not asked");
	check(dump_count_now("notifications-to-guests") == told + 1, "the guest was not told");
	expect(fd, STATE_RUNNING, "get_state %u", vmid);
	expect_error(fd, EBADFD, "reset %u", vmid);
	expect_error(fd, EBADFD, "dealloc %u", vmid);

	expect(fd, "ok", "stop %u 1 3", vmid);
	expect(fd, STATE_EXITED, "get_state %u", vmid);
	expect_error(fd, EBADFD, "stop %u 1 3", vmid);
}

static void ask_alive(int fd)
{
	unsigned int vmid, handle;

	if (!make_guest(fd, &vmid, &handle))
		return;
	expect_error(fd, EBADFD, "init %u", vmid);
	expect_error(fd, EBADFD, "start %u", vmid);
	if (!configure(fd, vmid, AUTH_NONE, handle))
		return;
	expect(fd, STATE_INIT, "get_state %u", vmid);
	/* The image stays where it is. */
	expect_error(fd, EPERM, "reclaim %u 0", handle);
	expect_error(fd, EBADFD, "auth_image %u", vmid);
	if (!expect(fd, "ok", "init %u", vmid))
		return;
	expect(fd, STATE_READY, "get_state %u", vmid);
	ask_identity(fd, vmid);
	set_time(fd, vmid);
	set_context(fd, vmid);
	if (expect(fd, "ok", "start %u", vmid)) {
		expect(fd, STATE_RUNNING, "get_state %u", vmid);
		crash_messages(fd, vmid);
		stop_guest(fd, vmid);
	}
	end_guest(fd, vmid, handle);
}

static void life(void)
{
	with_client(ask_alive);
}

static void authenticate(int fd)
{
	unsigned int vmid, handle;

	if (!make_guest(fd, &vmid, &handle) || !configure(fd, vmid, AUTH_PLATFORM, handle))
		return;
	expect(fd, STATE_AUTH, "get_state %u", vmid);
	expect_error(fd, EBADFD, "init %u", vmid);
	expect(fd, "ok", "auth_image %u 1 2", vmid);
	expect(fd, STATE_INIT, "get_state %u", vmid);
	expect(fd, "ok", "init %u", vmid);
	end_guest(fd, vmid, handle);
}

static void authentication(void)
{
	with_client(authenticate);
}

/* Room for firmware is a parcel of its own. */
static void place_firmware(int fd, int other, unsigned int vmid)
{
	unsigned int room;

	expect(other, "ok", "memory 0x2000");
	if (!number(ask(other, "lend 2 0 %u %u", vmid, RWX), &room))
		return;
	expect_error(fd, EPERM, "set_firmware_mem %u %u 0x1000 0x1000", vmid, room);
	ctl("firmware hex=00000014");
	expect_error(fd, EINVAL, "set_firmware_mem %u %u 0x1000 0x2000", vmid, room);
	expect_error(fd, EINVAL, "set_firmware_mem %u %u 0 0x1000", vmid, UNKNOWN_HANDLE);
	expect_error(fd, ENOSPC, "set_firmware_mem %u %u 0 0x1000", UNKNOWN_VMID, room);
	expect(fd, "ok", "set_firmware_mem %u %u 0x1000 0x1000", vmid, room);
	check(dump_has(" offset 0x1000 size 0x1000"), "no such firmware");
	ctl("firmware");
}

static void use_firmware(int fd)
{
	unsigned int vmid, handle;
	int other;

	if (!make_guest(fd, &vmid, &handle) || !configure(fd, vmid, AUTH_ANDROID, handle))
		return;
	other = open_client();
	place_firmware(fd, other, vmid);
	expect(fd, "ok", "init %u", vmid);
	expect_error(fd, EBADFD, "set_firmware_mem %u 0 0 0", vmid);
	end_guest(fd, vmid, handle);
	close(other);
}

static void firmware(void)
{
	with_client(use_firmware);
}

/*
 * Parcels
 */

/* Memory comes back with what was in it, unless that was not to be. */
static void give_and_take(int fd, const char *call, unsigned int vmid, unsigned int give_flags,
			  unsigned int reclaim_flags)
{
	bool clean = give_flags || reclaim_flags;
	unsigned int handle;
	char line[64];

	snprintf(line, sizeof(line), "%s 0x77 %u %u %u%s", call, give_flags, vmid, RWX,
		 strcmp(call, "share") ? "" : " 3 6");
	expect(fd, "ok", "poke 0123456789abcdef 0x1008");
	if (!number(ask_line(fd, line), &handle))
		return;
	/* It is found by what it is: the same but for how it is given. */
	snprintf(line, sizeof(line), "%u", handle);
	expect(fd, line, "lookup_parcel 0x77 0 %u %u%s", vmid, RWX,
	       strcmp(call, "share") ? "" : " 3 6");
	expect_error(fd, ENOENT, "lookup_parcel 0x78 0 %u %u", vmid, RWX);
	expect_error(fd, EBUSY, "peek 0 8");
	expect(fd, "ok", "reclaim %u %u", handle, reclaim_flags);
	expect(fd, clean ? "0000000000000000" : "0123456789abcdef", "peek 0x1008 8");
	expect_error(fd, ESTALE, "reclaim %u 0", handle);
}

static void give_all_ways(int fd)
{
	static const char * const calls[] = { "donate", "lend", "share" };
	unsigned int vmid, i;

	if (!expect(fd, "ok", "memory 0x4000") || !number(ask(fd, "alloc"), &vmid))
		return;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		give_and_take(fd, calls[i], vmid, 0, 0);
		give_and_take(fd, calls[i], vmid, SANITIZE, 0);
		give_and_take(fd, calls[i], vmid, 0, SANITIZE);
	}
	expect(fd, "ok", "dealloc %u", vmid);
}

static void parcels(void)
{
	with_client(give_all_ways);
}

static void notify_others(int fd)
{
	long told = dump_count_now("notifications-to-guests");
	unsigned int vmid, handle;

	if (!expect(fd, "ok", "memory 0x4000") || !number(ask(fd, "alloc"), &vmid) ||
	    !number(ask(fd, "donate 5 0 %u %u", vmid, RWX), &handle))
		return;
	expect(fd, "ok", "notify %u %u 77 %u", handle, NOTIFY_SHARED, vmid);
	check(dump_count_now("notifications-to-guests") == told + 1, "shared: not told");
	expect(fd, "ok", "notify %u %u 77 %u", handle, NOTIFY_RECALL, vmid);
	check(dump_count_now("notifications-to-guests") == told + 2, "recall: not told");
	/* The one is no member, the other not for its owner to say. */
	expect_error(fd, EINVAL, "notify %u %u 77 %u", handle, NOTIFY_SHARED, HOST);
	expect_error(fd, EPERM, "notify %u %u 77", handle, NOTIFY_RELEASED);
	expect_error(fd, ESTALE, "notify %u %u 77 %u", UNKNOWN_HANDLE, NOTIFY_RECALL, vmid);
	expect_error(fd, EINVAL, "notify %u 3 77", handle);
	expect(fd, "ok", "reclaim %u 0", handle);
	expect(fd, "ok", "dealloc %u", vmid);
}

static void notifications(void)
{
	with_client(notify_others);
}

/*
 * What is refused
 */

static void ask_wrongly(int fd)
{
	static const struct {
		const char *name;
		const char *more;
	} calls[] = {
		{ "start", "" },
		{ "stop", " 1 3" },
		{ "reset", "" },
		{ "init", "" },
		{ "auth_image", "" },
		{ "configure", " 0 0 0 0 0 0x1000" },
		{ "dealloc", "" },
		{ "set_time_base", " 0 0" },
		{ "get_state", "" },
		{ "get_id", "" },
		{ "get_owner", "" },
		{ "get_peers", "" },
		{ "get_crash_msg", "" },
		{ "get_resources", "" },
	};
	unsigned int vmid, i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		expect_error(fd, EINVAL, "%s %u%s", calls[i].name, UNKNOWN_VMID, calls[i].more);

	expect(fd, "ok", "memory 0x1000");
	if (!number(ask(fd, "alloc"), &vmid))
		return;
	expect_error(fd, EBADFD, "reset %u", vmid);
	expect_error(fd, EBADFD, "stop %u 1 3", vmid);
	/* Who lends keeps nothing, who shares does, and a donation is for one. */
	expect_error(fd, EINVAL, "lend 1 0 %u %u %u %u", vmid, RWX, HOST, RWX);
	expect_error(fd, EINVAL, "share 1 0 %u %u", vmid, RWX);
	expect_error(fd, EINVAL, "donate 1 0 %u %u", vmid, RW);
	/* Nobody can write what it cannot read. */
	expect_error(fd, EINVAL, "lend 1 0 %u 2", vmid);
	expect_error(fd, EINVAL, "lend 1 0 %u %u", UNKNOWN_VMID, RWX);
	expect_error(fd, EINVAL, "lend 1 4 %u %u", vmid, RWX);
	expect_error(fd, ESTALE, "reclaim %u 0", UNKNOWN_HANDLE);
	expect(fd, "ok", "dealloc %u", vmid);
}

static void wrong_arguments(void)
{
	with_client(ask_wrongly);
}

static const struct tap_test tests[] = {
	{ "who this VM is", host },
	{ "one send and one receive for each call", hypercalls },
	{ "VMIDs, any and fixed", vmids },
	{ "a VM's lifetime: identity, time, registers, crash message, stop", life },
	{ "authentication of the image", authentication },
	{ "firmware", firmware },
	{ "parcels: donate, lend, share, look up, clear", parcels },
	{ "notifications about parcels", notifications },
	{ "wrong arguments", wrong_arguments },
};

int main(void)
{
	int ret;

	if (!ctl_supported())
		return tap_skip_all("only for the test hypervisor");
	/* If it cannot be loaded no test has a file to open. */
	module_load(CLIENT_MODULE);
	ret = fault_main(tests, ARRAY_SIZE(tests));
	module_unload(CLIENT_MODULE);
	return ret;
}
