// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager that fails or talks nonsense: whatever it says, callers get an error
 * or what they asked for, and nothing is left behind.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"

#define DELAY_MS		700

static void commands(void)
{
	static const char * const bad[] = {
		"", "nonsense", "fail", "fail any", "fail any code=0", "fail any code=x",
		"fail 0 code=1", "fail any code=1 nth=0", "fail any code=1 colour=3",
		"reply any copies=99", "notify", "raw", "raw hex=0", "raw hex=zz",
		"irq", "irq both", "fill hex=0", "hypercall 0x1b", "hypercall 0x12 lost",
		"hypercall 0x1b lost error=1", "mute any extra", "unmute now",
	};
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		check(ctl_try(bad[i]) < 0, "command \"%s\" was taken", bad[i]);
	check_errno(ctl_try("exit vm=" ANY_VMID), EINVAL, "exit without a VM");
	dump_check_same(&before);
	dump_free(&before);
}

static void failed_requests(void)
{
	static const struct fault_case cases[] = {
		{ "fail " VM_ALLOCATE " code=2", LIFE_PLAIN, ENOSPC },
		{ "fail " VM_ALLOCATE " code=3", LIFE_PLAIN, EPERM },
		{ "fail " MEM_LEND " code=1", LIFE_PLAIN, ENOMEM },
		{ "fail " MEM_LEND " code=10", LIFE_PLAIN, EINVAL },
		{ "fail " MEM_LEND " code=1 nth=2", LIFE_SCATTERED, ENOMEM },
		{ "fail " MEM_APPEND " code=1", LIFE_SCATTERED, ENOMEM },
		{ "fail " VM_CONFIG_IMAGE " code=3", LIFE_PLAIN, EPERM },
		{ "fail " VM_INIT " code=5", LIFE_PLAIN, EBUSY },
		{ "fail " VM_INIT " code=0xffffffff", LIFE_PLAIN, EOPNOTSUPP },
		{ "fail " VM_GET_RESOURCES " code=1", LIFE_PLAIN, ENOMEM },
		{ "fail " VM_START " code=0x14", LIFE_PLAIN, EBADFD },
		{ "hypercall 0x1b error=31", LIFE_PLAIN, ECOMM },
		{ "hypercall 0x1b error=31 nth=9", LIFE_SCATTERED, ECOMM },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* It was done, and the reply says otherwise, or nothing that makes sense. */
static void wrong_replies(void)
{
	static const struct fault_case cases[] = {
		{ "reply " VM_CONFIG_IMAGE " len=8", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_CONFIG_IMAGE " len=3", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_INIT " len=8", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_INIT " len=0", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_INIT " error=5", LIFE_PLAIN, EBUSY },
		{ "reply " VM_GET_RESOURCES " error=3", LIFE_PLAIN, EPERM },
		{ "reply " VM_GET_RESOURCES " len=4", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=7", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=9", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=1000", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_GET_RESOURCES " len=14000", LIFE_PLAIN, EBADMSG },
		{ "reply " MEM_APPEND " error=1", LIFE_SCATTERED, ENOMEM },
		{ "reply " MEM_APPEND " len=5", LIFE_SCATTERED, EBADMSG },
		{ "reply " VM_START " error=5", LIFE_PLAIN, EBUSY },
		{ "reply " VM_START " len=240", LIFE_PLAIN, EBADMSG },
		{ "reply " VM_STOP " error=1", LIFE_STOPPED, 0 },
		{ "reply " VM_STOP " len=8", LIFE_STOPPED, 0 },
		{ "reply " VM_RESET " error=5", LIFE_PLAIN, 0 },
		{ "reply " VM_RESET " len=2", LIFE_PLAIN, 0 },
		{ "reply " MEM_RECLAIM " error=5", LIFE_PLAIN, 0 },
		{ "reply " MEM_RECLAIM " len=2000", LIFE_PLAIN, 0 },
		{ "reply " VM_DEALLOCATE " len=8", LIFE_PLAIN, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* Taking it down has to be tried again. */
static void failed_end(void)
{
	static const struct fault_case cases[] = {
		{ "fail " VM_STOP " code=5", LIFE_STOPPED, 0 },
		{ "fail " VM_RESET " code=5", LIFE_PLAIN, 0 },
		{ "fail " MEM_RECLAIM " code=5 count=2", LIFE_PLAIN, 0 },
		{ "fail " MEM_RECLAIM " code=5 nth=2", LIFE_SCATTERED, 0 },
		{ "fail " VM_DEALLOCATE " code=5", LIFE_PLAIN, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

static void unasked(void)
{
	static const struct fault_case cases[] = {
		{ "notify 0x56100008 at=any count=0", LIFE_PLAIN, 0 },
		{ "notify 0x56100001 at=any count=0 len=7", LIFE_PLAIN, 0 },
		{ "notify 0x56100001 at=any count=0 len=3000", LIFE_PLAIN, 0 },
		{ "notify 0x51234567 at=any count=0 len=233 times=20", LIFE_PLAIN, 0 },
		{ "notify 0x56100011 times=300", LIFE_PLAIN, 0 },
		{ "status vm=77 state=11 at=any count=0", LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=3 at=any count=0", LIFE_PLAIN, 0 },
		{ "exited vm=77 type=7 at=any count=0", LIFE_PLAIN, 0 },
		{ "exited vm=77 type=65535 size=0xffffffff at=any count=0", LIFE_PLAIN, 0 },
		{ "irq rx", LIFE_PLAIN, 0 },
		{ "irq tx", LIFE_PLAIN, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* What is true, but was said before, or too early */
static void repeated(void)
{
	static const struct fault_case cases[] = {
		{ "exited vm=" ANY_VMID " type=1 at=" VM_ALLOCATE, LIFE_PLAIN, 0 },
		{ "exited vm=" ANY_VMID " type=1 at=" VM_INIT " times=5", LIFE_PLAIN, 0 },
		{ "exited vm=" ANY_VMID " type=1 at=" VM_RESET " times=5", LIFE_PLAIN, 0 },
		{ "exited vm=" ANY_VMID " type=1 at=" VM_DEALLOCATE, LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_ALLOCATE, LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_START " times=5", LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=9 at=" VM_RESET, LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_RESET " times=5", LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" MEM_RECLAIM, LIFE_PLAIN, 0 },
		{ "status vm=" ANY_VMID " state=11 at=" VM_DEALLOCATE " times=5", LIFE_PLAIN, 0 },
		{ "exited vm=" ANY_VMID " type=7 at=" VM_STOP " times=5", LIFE_STOPPED, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* The real reply follows, and is found. */
static void malformed_packets(void)
{
	static const struct fault_case cases[] = {
		{ "raw hex=00 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=21020000010056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=1102000001000056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2202000001000056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2101000001000056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2100000001000056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2104000001000056 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=21fe000001000056 len=240 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2106000001000056 len=240 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=2107000008001056 len=240 at=any count=0", LIFE_PLAIN, 0 },
		{ "raw hex=ffffffffffffffff len=240 at=any count=0 times=20", LIFE_PLAIN, 0 },
		{ "raw hex=2106000020000056 len=240 at=" VM_GET_RESOURCES, LIFE_WIDE, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

static void many_replies(void)
{
	static const struct fault_case cases[] = {
		{ "reply any copies=2 count=0", LIFE_PLAIN, 0 },
		{ "reply any copies=16 count=0", LIFE_PLAIN, 0 },
		{ "reply any copies=3 count=0", LIFE_WIDE, 0 },
		{ "reply any copies=2 count=0", LIFE_SCATTERED, 0 },
		{ "reply any copies=2 count=0", LIFE_STOPPED, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* Notifications of many packets before a reply of many packets */
static void notifications_before_replies(void)
{
	static const struct fault_case cases[] = {
		{ "notify 0x51234567 at=" VM_GET_RESOURCES " times=3", LIFE_WIDE, 0 },
		{ "notify 0x51234567 at=" VM_GET_RESOURCES " times=3 len=3000", LIFE_WIDE, 0 },
		{ "notify 0x51234567 at=any count=0 len=700", LIFE_WIDE, 0 },
		{ "notify 0x51234567 at=any count=0 len=700", LIFE_SCATTERED, 0 },
		{ "notify 0x51234567 at=any count=0 times=20", LIFE_STOPPED, 0 },
	};

	run_fault_cases(cases, ARRAY_SIZE(cases));
}

/* Of two packets, which do not come as they should. That is seen without a time limit. */
static void broken_in_two(void)
{
	static const struct fault_case cases[] = {
		{ "reply " VM_GET_RESOURCES, LIFE_WIDE, 0 },
		{ "reply " VM_GET_RESOURCES " skip=0", LIFE_WIDE, ETIMEDOUT },
		{ "reply " VM_GET_RESOURCES " skip=1", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " swap=0", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " cid=0x56000001", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " cseq=1", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " cfragments=5", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " fragments=0", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " fragments=5", LIFE_WIDE, EBADMSG },
		{ "reply " VM_GET_RESOURCES " api=0x22", LIFE_WIDE, ETIMEDOUT },
		{ "reply " VM_GET_RESOURCES " len=14600 swap=30", LIFE_PLAIN, EBADMSG },
	};

	run_lost_cases(cases, ARRAY_SIZE(cases));
}

static void late_reply(void)
{
	char line[64];
	const struct fault_case late = { line, LIFE_PLAIN, 0 };
	unsigned int overdue = set_overdue(OVERDUE_NEVER_MS);
	struct timespec start;

	snprintf(line, sizeof(line), "reply " VM_INIT " delay=%d", DELAY_MS);
	clock_gettime(CLOCK_MONOTONIC, &start);
	run_fault_cases(&late, 1);
	check(ms_since(&start) >= DELAY_MS, "nothing was late: %ld ms", ms_since(&start));
	set_overdue(overdue);
}

/* The first VM in the dump that is not the host */
static unsigned int find_vm(void)
{
	unsigned int vmid = 0;
	struct dump dump;
	const char *line;

	if (!dump_take(&dump))
		return 0;
	line = strstr(dump.text, "\nvm ");
	if (check(line && sscanf(line, "\nvm %u", &vmid) == 1, "no VM in the dump"))
		note("VM %u", vmid);
	dump_free(&dump);
	return vmid;
}

/* Ends of a guest that it does not bring about itself */
static void ended(void)
{
	static const u16 types[] = { 0, 4, 5, 6, 7 };
	struct testvm vm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (testvm_start(&vm, 1, PROGRAM(spin)) &&
		    ctl("exit vm=%u type=%u", find_vm(), types[i]))
			testvm_expect_end(&vm, 0, types[i]);
		testvm_close(&vm);
	}
}

/* A message costs one hypercall: to send it, and to receive it. */
static void cost(void)
{
	struct dump before, after;
	long sent, received;

	if (!dump_take(&before))
		return;
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	if (dump_take(&after)) {
		sent = dump_count(&after, "packets-in") - dump_count(&before, "packets-in");
		received = dump_count(&after, "packets-out") -
			   dump_count(&before, "packets-out");
		note("%ld packets sent, %ld received", sent, received);
		check(sent > 0 && dump_count(&after, "hypercall 0x1b") -
		      dump_count(&before, "hypercall 0x1b") == sent, "sends");
		check(received > 0 && dump_count(&after, "hypercall 0x1c") -
		      dump_count(&before, "hypercall 0x1c") == received, "receives");
		dump_free(&after);
	}
	dump_free(&before);
}

/* What was traced last, in this order, with other lines in between */
static void traced(void)
{
	static const char * const order[] = {
		" VM_ALLOCATE ", " MEM_LEND ", " VM_CONFIG_IMAGE ", " VM_INIT ",
		" VM_GET_RESOURCES ", " VM_START ", " notif-VM_EXITED ", " VM_RESET ",
		" MEM_RECLAIM ", " VM_DEALLOCATE ",
	};
	struct dump before, after;
	const char *at;
	char last[64];
	unsigned int i;

	if (!dump_take(&before))
		return;
	at = strrchr(before.text, '\n');
	while (at > before.text && at[-1] != '\n')
		at--;
	snprintf(last, sizeof(last), "%.*s", (int)strcspn(at, "x"), at);
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
	if (!dump_take(&after))
		return;
	at = strstr(after.text, last);
	for (i = 0; check(at, "\"%s\" is not in its place", i ? order[i - 1] : last) &&
	     i < ARRAY_SIZE(order); i++)
		at = strstr(at, order[i]);
	dump_free(&after);
}

static const struct tap_test tests[] = {
	{ "commands that make no sense", commands },
	{ "START says which error a request met", failed_requests },
	{ "errors on the way down are tried again", failed_end },
	{ "replies that say something wrong", wrong_replies },
	{ "notifications and interrupts that nobody asked for", unasked },
	{ "notifications of exit and reset too early and too often", repeated },
	{ "malformed packets before a reply", malformed_packets },
	{ "replies more than once", many_replies },
	{ "notifications before replies of several packets", notifications_before_replies },
	{ "replies whose packets do not fit together", broken_in_two },
	{ "a late reply", late_reply },
	{ "a guest that is ended from outside", ended },
	{ "a packet costs one hypercall", cost },
	{ "a VM's requests in order", traced },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
