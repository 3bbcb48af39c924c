// SPDX-License-Identifier: GPL-2.0
/*
 * Each request of a VM's start and of its end fails in turn, in several ways: START says why,
 * nothing is lost but what cannot be known, and the next VM lives.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "files.h"
#include "leftover.h"
#include "modules.h"
#include "steps.h"
#include "testgmem.h"
#include "testmem.h"

#define VM_SET_BOOT_CONTEXT	"56000031"
#define VM_SET_FIRMWARE_MEM	"56000032"

/* Replies that do not come are not waited for any longer than this. */
#define OVERDUE_MS		300

#define DEBUGFS_MEMORY		"/sys/kernel/debug/gunyah/memory"
#define WAIT_SECONDS		120

#define ENDED			(POLLIN | POLLRDNORM | POLLHUP)

/*
 * The VM: an image, memory of so many runs that it takes an append, and a shared page. They
 * are lent in the order of their guest addresses. Lent memory is that of the process where it
 * lies, or of guest memory files: one that the image moves to, and one that is scattered.
 */
#define SCATTERED_LABEL		10
#define SCATTERED_GPA		(GUEST_RAM_BASE + TESTVM_MEM_SIZE)
#define SCATTERED_RUNS		513
#define SCATTERED_ROOM		(1024 * SZ_4K)
#define SCATTERED_FILE		(SCATTERED_RUNS * SZ_4K)
#define SHARED_LABEL		11
#define SHARED_GPA		(SCATTERED_GPA + SCATTERED_ROOM)
#define PARCELS			3

static u8 *pinned, *filed, *scattered, *shared;
static u64 pinned_size, scattered_size;
static bool in_place;

static bool alloc_memory(void)
{
	pinned = testmem_scattered(SCATTERED_ROOM);
	if (!check(pinned, "no memory"))
		return false;
	pinned_size = testmem_size_of_runs(pinned, SCATTERED_ROOM, SCATTERED_RUNS);
	if (!check(pinned_size, "memory lies in too few runs"))
		return false;
	filed = gmem_scattered(SCATTERED_FILE);
	shared = testmem_thp(SZ_2M);
	return check(filed && shared, "no memory");
}

static bool choose_memory(void)
{
	if (!shared && !alloc_memory())
		return false;
	scattered = in_place ? pinned : filed;
	scattered_size = in_place ? pinned_size : SCATTERED_FILE;
	return true;
}

/* Before each test and after it */
static bool begin_in_place(void)
{
	in_place = true;
	return testmem_lend_in_place(true);
}

static void end_in_place(void)
{
	testmem_lend_in_place(false);
}

/* In it */
static void run_with_files(void (*run)(void))
{
	in_place = false;
	if (testmem_lend_in_place(false))
		run();
}

static bool create(struct testvm *vm, struct guest_program program)
{
	vm->fd = -1;
	return choose_memory() && testvm_create(vm, 1, program) &&
	       check_errno(testmem_set(vm->fd, SCATTERED_LABEL, TESTMEM_LENT, SCATTERED_GPA,
				       scattered, scattered_size), 0, "scattered memory") &&
	       check_errno(testmem_set(vm->fd, SHARED_LABEL, TESTMEM_RWX, SHARED_GPA, shared,
				       SZ_4K), 0, "shared memory");
}

static bool start(struct testvm *vm, struct guest_program program)
{
	return create(vm, program) && check_errno(testvm_ioctl_start(vm), 0, "START");
}

/* Whatever has become of the start, it is told, and it is for good. */
static void check_failed(const struct testvm *vm, int err)
{
	struct pollfd pollfd = { .fd = vm->fd, .events = ENDED };
	struct gh_vm_status_info info = { 0 };

	check_errno(ioctl(vm->fd, GH_VM_START), ENODEV, "START again");
	check_errno(ioctl(vm->fd, GH_VM_GET_STATUS, &info), 0, "GET_STATUS");
	check(info.status == GH_VM_STATUS_LOAD_FAILED, "status %u", info.status);
	check(info.start_error == (u32)err, "start error %u, not %d", info.start_error, err);
	check(poll(&pollfd, 1, 0) == 1 && pollfd.revents == ENDED, "poll: %#x",
	      pollfd.revents);
}

/* START fails under the influence of that command, and leaves nothing. */
static bool fail_start(const char *line, int err)
{
	struct dump before;
	struct testvm vm;
	bool ok = false;

	tap_alive();
	if (!dump_take(&before))
		return false;
	if (create(&vm, PROGRAM(off)) && ctl("%s", line)) {
		ok = check_errno(testvm_ioctl_start(&vm), err, "START with \"%s\"", line);
		check_failed(&vm, err);
		ok &= wait_for_dump("\narmed ", false);
	}
	testvm_close(&vm);
	ok &= dump_check_same(&before);
	ctl("clear");
	dump_free(&before);
	return check(ok, "with \"%s\"", line);
}

/* A VM of the same memory starts, runs and ends. */
static void next_lives(void)
{
	struct dump before;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (start(&vm, PROGRAM(off)))
		testvm_expect_end(&vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	testvm_close(&vm);
	dump_check_same(&before);
	dump_free(&before);
}

/* Codes and what START makes of them */
static const struct {
	u32 code;
	int err;
} refusals[] = {
	{ 1, ENOMEM }, { 2, ENOSPC }, { 3, EPERM }, { 5, EBUSY }, { 6, EINVAL },
	{ 0x14, EBADFD }, { 0xffffffff, EOPNOTSUPP },
};

/* All requests of a start, with the nth of those that come more than once */
static const char * const start_requests[] = {
	VM_ALLOCATE " nth=1", MEM_LEND " nth=1", MEM_LEND " nth=2", MEM_APPEND " nth=1",
	MEM_SHARE " nth=1", VM_CONFIG_IMAGE " nth=1", VM_INIT " nth=1",
	VM_GET_RESOURCES " nth=1", VM_START " nth=1",
};

static void refused(void)
{
	char line[64];
	size_t i, j, k = 0;

	for (i = 0; i < ARRAY_SIZE(start_requests); i++) {
		for (j = 0; j < 3; j++, k = (k + 1) % ARRAY_SIZE(refusals)) {
			snprintf(line, sizeof(line), "fail %s code=%u", start_requests[i],
				 refusals[k].code);
			if (!fail_start(line, refusals[k].err))
				return;
		}
		next_lives();
	}
}

/* It was done: without a reply, or with one that cannot be read. */
static void lost(void)
{
	static const char * const requests[] = {
		MEM_APPEND, VM_CONFIG_IMAGE, VM_INIT, VM_GET_RESOURCES, VM_START,
	};
	unsigned int overdue = set_overdue(OVERDUE_MS);
	char line[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		snprintf(line, sizeof(line), "drop %s", requests[i]);
		if (!fail_start(line, ETIMEDOUT))
			break;
		snprintf(line, sizeof(line), "reply %s len=2", requests[i]);
		if (!fail_start(line, EBADMSG))
			break;
		next_lives();
	}
	set_overdue(overdue);
}

/* A new driver asks who it is when it shares memory for the first time. */
static void own_vmid(void)
{
	static const struct fault_case cases[] = {
		{ "fail " VM_GET_VMID " code=5", 0, EBUSY },
		{ "reply " VM_GET_VMID " len=2", 0, EBADMSG },
		{ "reply " VM_GET_VMID " len=16", 0, EBADMSG },
		{ "drop " VM_GET_VMID, 0, ETIMEDOUT },
	};
	unsigned int overdue = set_overdue(OVERDUE_MS);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!rm_unbind() || !rm_bind() || !fail_start(cases[i].line, cases[i].err))
			break;
	set_overdue(overdue);
	next_lives();
}

/* Registers and firmware, as in Resource Managers that have them */
static bool fail_optional(struct testvm *vm, const char *line, int err)
{
	ctl("%s", line);
	check_errno(testvm_ioctl_start(vm), err, "START with \"%s\"", line);
	check_failed(vm, err);
	return wait_for_dump("\narmed ", false);
}

static void fail_register(const char *line, int err)
{
	struct gh_vm_boot_context context = {
		.reg = GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_X, 1),
	};
	struct testvm vm;

	if (create(&vm, PROGRAM(off)) &&
	    check_errno(ioctl(vm.fd, GH_VM_SET_BOOT_CONTEXT, &context), 0, "a register"))
		fail_optional(&vm, line, err);
	testvm_close(&vm);
}

static void fail_firmware(const char *line, int err)
{
	struct gh_vm_firmware_config config = {
		.guest_phys_addr = GUEST_RAM_BASE + SZ_64K,
		.size = SZ_4K,
	};
	struct testvm vm;

	if (create(&vm, PROGRAM(off)) &&
	    check_errno(ioctl(vm.fd, GH_VM_ANDROID_SET_FW_CONFIG, &config), 0, "firmware"))
		fail_optional(&vm, line, err);
	testvm_close(&vm);
}

static void optional(void)
{
	unsigned int overdue = set_overdue(OVERDUE_MS);
	struct dump before;

	if (!dump_take(&before))
		return;
	ctl("bootcontext on");
	ctl("firmware hex=1f2003d5");
	if (rm_unbind() && rm_bind()) {
		fail_register("fail " VM_SET_BOOT_CONTEXT " code=3", EPERM);
		fail_register("reply " VM_SET_BOOT_CONTEXT " len=2", EBADMSG);
		fail_register("drop " VM_SET_BOOT_CONTEXT, ETIMEDOUT);
		fail_firmware("fail " VM_SET_FIRMWARE_MEM " code=5", EBUSY);
		fail_firmware("reply " VM_SET_FIRMWARE_MEM " len=2", EBADMSG);
		fail_firmware("drop " VM_SET_FIRMWARE_MEM, ETIMEDOUT);
	}
	ctl("firmware");
	ctl("clear");
	/* The driver is not to take it that the next Resource Manager has them as well. */
	rm_unbind();
	rm_bind();
	dump_check_same(&before);
	dump_free(&before);
	set_overdue(overdue);
	next_lives();
}

/* Nobody can know the VMID: one is lost, and nothing else. */
static void lost_vmid(void)
{
	static const struct fault_case cases[] = {
		{ "reply " VM_ALLOCATE " len=2", 0, EBADMSG },
		{ "reply " VM_ALLOCATE " len=4", 0, EBADMSG },
		{ "drop " VM_ALLOCATE, 0, ETIMEDOUT },
	};
	unsigned int overdue = set_overdue(OVERDUE_MS);
	struct dump before;
	struct testvm vm;
	int left;
	size_t i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (create(&vm, PROGRAM(off)) && ctl("%s", cases[i].line)) {
			check_errno(testvm_ioctl_start(&vm), cases[i].err, "START");
			check_failed(&vm, cases[i].err);
		}
		testvm_close(&vm);
		ctl("clear");
		next_lives();
		left = leftover_give_back(&before);
		check(left == 1, "%d are lost with \"%s\"", left, cases[i].line);
	}
	dump_free(&before);
	set_overdue(overdue);
}

/*
 * The end
 */

/* Each parcel comes back once, and the VMID goes after the last. */
static void check_given_back(const struct steps *steps)
{
	unsigned int i, parcels = 0, n;

	for (i = 0; i < steps->count; i++) {
		const struct step *step = &steps->step[i];

		if (step->code || step->handle < 0 ||
		    (strcmp(step->name, "MEM_LEND") && strcmp(step->name, "MEM_SHARE")))
			continue;
		parcels++;
		n = steps_done(steps, "MEM_RECLAIM", step->handle);
		check(n == 1, "parcel %ld came back %u times", step->handle, n);
	}
	check(parcels == PARCELS, "%u parcels", parcels);
	check(steps_done(steps, "VM_RESET", -1) == 1, "RESET was done %u times",
	      steps_done(steps, "VM_RESET", -1));
	check(steps_done(steps, "VM_DEALLOCATE", -1) == 1, "DEALLOCATE was done %u times",
	      steps_done(steps, "VM_DEALLOCATE", -1));
	check(steps_find_last(steps, "MEM_RECLAIM") < steps_find_last(steps, "VM_DEALLOCATE"),
	      "the VMID was given back before the memory");
}

static bool fail_end(const char *line)
{
	static struct steps steps;
	long last = steps_last();
	struct dump before;
	struct testvm vm;
	bool ok = false;

	tap_alive();
	if (!dump_take(&before))
		return false;
	if (start(&vm, PROGRAM(spin)))
		ok = ctl("%s", line);
	testvm_close_files(&vm);
	ok &= wait_for_dump("\narmed ", false);
	ok &= dump_check_same(&before);
	testvm_close(&vm);
	ctl("clear");
	dump_free(&before);
	if (ok && steps_since(last, &steps))
		check_given_back(&steps);
	return check(ok, "with \"%s\"", line);
}

static void failed_end(void)
{
	static const char * const requests[] = {
		VM_STOP " nth=1", VM_RESET " nth=1", MEM_RECLAIM " nth=1", MEM_RECLAIM " nth=2",
		MEM_RECLAIM " nth=3", VM_DEALLOCATE " nth=1",
	};
	unsigned int overdue = set_overdue(OVERDUE_MS);
	char line[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		snprintf(line, sizeof(line), "fail %s code=%u", requests[i], i % 2 ? 5 : 1);
		if (!fail_end(line))
			break;
		snprintf(line, sizeof(line), "drop %s", requests[i]);
		if (!fail_end(line))
			break;
		snprintf(line, sizeof(line), "reply %s len=2", requests[i]);
		if (!fail_end(line))
			break;
	}
	set_overdue(overdue);
	next_lives();
}

/* How long until the next try, as debugfs has it; -1 if no memory is stuck */
static long retry_ms(u64 *stuck)
{
	char *text = read_file(DEBUGFS_MEMORY);
	const char *at = strstr(text, " quarantined ");
	unsigned long long bytes;
	long ms = -1;

	if (at && sscanf(at, " quarantined %llu entries %*u parcels %*u retry-ms %ld", &bytes,
			 &ms) == 2)
		*stuck = bytes;
	free(text);
	return ms;
}

/* Memory that does not come back stays pinned, and its VMID taken; tries get rarer. */
static void kept(void)
{
	u64 stuck = 0, all = TESTVM_MEM_SIZE + SZ_4K, kept_pinned;
	static struct steps steps;
	long last = steps_last(), ms = -1;
	struct timespec since;
	struct dump before, now;
	struct testvm vm;

	if (!dump_take(&before))
		return;
	if (!start(&vm, PROGRAM(spin))) {
		testvm_close(&vm);
		return;
	}
	all += scattered_size;
	/* What is shared is the process's, in any case. */
	kept_pinned = in_place ? all : SZ_4K;
	ctl("fail " MEM_RECLAIM " code=5 count=0");
	testvm_close_files(&vm);
	clock_gettime(CLOCK_MONOTONIC, &since);
	while ((ms < 4000 || stuck != all) && ms_since(&since) < WAIT_SECONDS * 1000L) {
		sleep_ms(50);
		ms = retry_ms(&stuck);
	}
	check(ms >= 4000, "the next try is after %ld ms", ms);
	check(stuck == all, "%llu bytes are stuck", stuck);
	if (dump_take(&now)) {
		check(now.pinned - before.pinned ==
		      (long)(kept_pinned / sysconf(_SC_PAGESIZE)),
		      "%ld pages are pinned", now.pinned - before.pinned);
		check(strstr(now.text, "\nvm " ANY_VMID " "), "the VM has no VMID");
		dump_free(&now);
	}
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
	testvm_close(&vm);
	if (steps_since(last, &steps)) {
		check_given_back(&steps);
		check(steps_find_last(&steps, "VM_RESET") <
		      steps_find_last(&steps, "MEM_RECLAIM") - 3 * PARCELS,
		      "RESET was repeated");
	}
}

/*
 * From every state
 */

#define GIVEN			"VM_ALLOCATE MEM_LEND*2 MEM_APPEND MEM_SHARE "
#define BEGINNING \
	GIVEN "notif-VM_STATUS VM_CONFIG_IMAGE notif-VM_STATUS VM_INIT VM_GET_RESOURCES "
#define STARTED		"notif-VM_STATUS VM_START "
#define EXITED		"notif-VM_STATUS notif-VM_EXITED "
#define ENDING \
	"notif-VM_STATUS VM_RESET notif-MEM_RELEASED*3 notif-VM_STATUS MEM_RECLAIM*3 " \
	"VM_DEALLOCATE"
/* Of a VM that did not run, and accepted nothing */
#define ENDING_READY		"notif-VM_STATUS VM_RESET notif-VM_STATUS MEM_RECLAIM*3 VM_DEALLOCATE"
/* The same of a VM of one parcel */
#define SMALL_BEGINNING \
	"VM_ALLOCATE MEM_LEND notif-VM_STATUS VM_CONFIG_IMAGE notif-VM_STATUS VM_INIT " \
	"VM_GET_RESOURCES "
#define SMALL_ENDING \
	"notif-VM_STATUS VM_RESET notif-MEM_RELEASED notif-VM_STATUS MEM_RECLAIM VM_DEALLOCATE"

static void end_running(struct testvm *vm)
{
	start(vm, PROGRAM(spin));
}

static void end_by_itself(struct testvm *vm)
{
	if (start(vm, PROGRAM(off)))
		testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
}

static void end_crashed(struct testvm *vm)
{
	if (start(vm, PROGRAM(spin)) && ctl("exit vm=" ANY_VMID))
		testvm_expect_end(vm, 0, GH_VM_EXIT_TYPE_HYP_ERROR);
}

static void end_created(struct testvm *vm)
{
	testvm_open(vm);
}

static void end_configured(struct testvm *vm)
{
	create(vm, PROGRAM(off));
}

static void end_unstarted(struct testvm *vm)
{
	if (create(vm, PROGRAM(off)) && ctl("fail " VM_START " code=5"))
		check_errno(testvm_ioctl_start(vm), EBUSY, "START");
}

static void end_unconfigured(struct testvm *vm)
{
	if (create(vm, PROGRAM(off)) && ctl("fail " VM_CONFIG_IMAGE " code=5"))
		check_errno(testvm_ioctl_start(vm), EBUSY, "START");
}

static void end_refused_memory(struct testvm *vm)
{
	if (create(vm, PROGRAM(off)) && ctl("fail " MEM_APPEND " code=5"))
		check_errno(testvm_ioctl_start(vm), EBUSY, "START");
}

/* The reply to RESET comes after the word that it is done. */
static void end_early_word(struct testvm *vm)
{
	end_by_itself(vm);
	ctl("reply " VM_RESET " delay=500");
}

/* The same for STOP and the exit */
static void end_early_exit(struct testvm *vm)
{
	end_running(vm);
	ctl("reply " VM_STOP " delay=500");
}

static void every_state(void)
{
	static const struct {
		const char *name;
		void (*make)(struct testvm *vm);
		const char *steps;
	} cases[] = {
		{ "created", end_created, "" },
		{ "configured", end_configured, "" },
		{ "memory refused", end_refused_memory,
		  "VM_ALLOCATE MEM_LEND*2 !MEM_APPEND MEM_RECLAIM*2 VM_DEALLOCATE" },
		{ "image refused", end_unconfigured,
		  GIVEN "!VM_CONFIG_IMAGE MEM_RECLAIM*3 VM_DEALLOCATE" },
		{ "start refused", end_unstarted, BEGINNING "!VM_START " ENDING_READY },
		{ "running", end_running, BEGINNING STARTED EXITED "VM_STOP " ENDING },
		{ "exited", end_by_itself, BEGINNING STARTED EXITED ENDING },
		{ "crashed", end_crashed, BEGINNING STARTED EXITED ENDING },
		{ "reset before the reply", end_early_word, BEGINNING STARTED EXITED ENDING },
		{ "exit before the reply", end_early_exit,
		  BEGINNING STARTED EXITED "VM_STOP " ENDING },
	};
	static struct steps steps;
	struct dump before;
	struct testvm vm;
	size_t i;
	long last;
	bool ok;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		last = steps_last();
		cases[i].make(&vm);
		testvm_close(&vm);
		ok = wait_for_dump("\narmed ", false) && dump_check_same(&before);
		ctl("clear");
		ok &= steps_since(last, &steps) && steps_check(&steps, cases[i].steps);
		check(ok, "%s", cases[i].name);
	}
	dump_free(&before);
}

/* It crashes while STOP is under way, which is then refused. */
static void stop_too_late(void)
{
	static struct steps steps;
	long last = steps_last();
	struct dump before;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("mute " VM_STOP);
	pid = start_in_child(LIFE_STOPPED);
	wait_for_dump("muted\n", true);
	ctl("exit vm=" ANY_VMID);
	ctl("clear");
	if (pid)
		check(!child_result(pid), "START failed");
	dump_check_same(&before);
	dump_free(&before);
	if (steps_since(last, &steps))
		steps_check(&steps, SMALL_BEGINNING STARTED EXITED "!VM_STOP " SMALL_ENDING);
}

/* RESET was done, and nobody knows: nothing is taken from the VM until then. */
static void reset_not_told(void)
{
	static struct steps steps;
	long last = steps_last();
	struct dump before;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("hold " VM_RESET);
	pid = start_in_child(LIFE_STOPPED);
	wait_for_dump("held\n", true);
	/* As long as it is held it cannot go on, however long that is. */
	sleep_ms(500);
	if (steps_since(last, &steps))
		check(steps_find_last(&steps, "MEM_RECLAIM") < 0 &&
		      steps_find_last(&steps, "VM_DEALLOCATE") < 0, "it went on");
	ctl("clear");
	if (pid)
		check(!child_result(pid), "START failed");
	dump_check_same(&before);
	dump_free(&before);
}

/* It seems to have ended before START was answered, or STOP or RESET were. */
static void false_words(void)
{
	static const struct fault_case cases[] = {
		{ "exited vm=" ANY_VMID " type=1 at=" VM_START, LIFE_STOPPED, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_STOP, LIFE_STOPPED, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_INIT, LIFE_STOPPED, 0 },
	};
	struct dump before;
	struct testvm vm;
	size_t i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ctl("%s", cases[i].line);
		if (create(&vm, PROGRAM(spin)))
			/* Whether it still runs, START found it running or ended. */
			testvm_ioctl_start(&vm);
		testvm_close(&vm);
		check(wait_for_dump("\narmed ", false) && dump_check_same(&before),
		      "with \"%s\"", cases[i].line);
	}
	dump_free(&before);
	next_lives();
}

/*
 * Nobody knows the parcel: its memory is kept, and so is the VMID. When the driver goes that
 * is lost, and no more than that.
 */
static void unknown_parcels(void)
{
	static const char * const lines[] = {
		"drop " MEM_LEND " nth=2", "reply " MEM_SHARE " len=2",
	};
	unsigned int overdue = set_overdue(OVERDUE_MS);
	struct dump before;
	struct testvm vm;
	size_t i;
	int left;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		if (create(&vm, PROGRAM(off)) && ctl("%s", lines[i]))
			check_errno(testvm_ioctl_start(&vm), i ? EBADMSG : ETIMEDOUT, "START");
		testvm_close_files(&vm);
		ctl("clear");
		if (rm_unbind())
			rm_bind();
		left = leftover_give_back(&before);
		check(left == 2, "%d are lost with \"%s\"", left, lines[i]);
		testvm_close(&vm);
		dump_check_same_but_lost(&before);
	}
	dump_free(&before);
	set_overdue(overdue);
	next_lives();
}

/*
 * The same with guest memory files
 */

static void refused_of_files(void)
{
	run_with_files(refused);
}

static void lost_of_files(void)
{
	run_with_files(lost);
}

static void failed_end_of_files(void)
{
	run_with_files(failed_end);
}

static void kept_of_files(void)
{
	run_with_files(kept);
}

static void every_state_of_files(void)
{
	run_with_files(every_state);
}

static const struct tap_test tests[] = {
	{ "each request of START is refused", refused },
	{ "each request of START is done, and no reply says so", lost },
	{ "who the host is cannot be learned", own_vmid },
	{ "registers and firmware are refused", optional },
	{ "a VMID that nobody knows", lost_vmid },
	{ "each request of the end fails", failed_end },
	{ "memory that does not come back is kept", kept },
	{ "the end from every state, in order", every_state },
	{ "a VM that crashes while it is stopped", stop_too_late },
	{ "a reset that is not told of", reset_not_told },
	{ "words that are not true", false_words },
	{ "parcels that nobody knows", unknown_parcels },
	{ "guest memory files: each request of START is refused", refused_of_files },
	{ "guest memory files: each is done, and no reply says so", lost_of_files },
	{ "guest memory files: each request of the end fails", failed_end_of_files },
	{ "guest memory files: what does not come back is kept", kept_of_files },
	{ "guest memory files: the end from every state", every_state_of_files },
};

int main(void)
{
	tap_around(begin_in_place, end_in_place);
	return fault_main(tests, ARRAY_SIZE(tests));
}
