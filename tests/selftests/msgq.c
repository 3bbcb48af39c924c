// SPDX-License-Identifier: GPL-2.0
/*
 * Message queues that fail, lose messages or interrupt for nothing: what goes through them
 * works again afterwards, and nobody has to load anything anew.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"
#include "files.h"

#define SEND			"0x1b"
#define RECEIVE			"0x1c"

#define EVENTS			TRACING "events/gunyah_msgq/"

#define POLL_MS			10
#define POLL_LIMIT		6000

/* A life under the influence of these commands, all of which have to be used up. */
static void lives_with(const char * const *lines, unsigned int count)
{
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < count; i++) {
		tap_alive();
		if (!ctl("%s", lines[i]))
			break;
		live(LIFE_PLAIN, 0);
		if (!wait_for_dump("armed hypercall", false) || !dump_check_same(&before)) {
			note("with \"%s\"", lines[i]);
			break;
		}
	}
	dump_free(&before);
}

/* The message stays in the queue, and no interrupt comes for it. */
static void receive_errors(void)
{
	static const char * const lines[] = {
		"hypercall " RECEIVE " error=1",
		"hypercall " RECEIVE " error=20 count=3",
		"hypercall " RECEIVE " error=22 nth=3",
		"hypercall " RECEIVE " error=30 count=2",
		"hypercall " RECEIVE " error=51 count=6",
		"hypercall " RECEIVE " error=53 nth=2 count=2",
		"hypercall " RECEIVE " error=61",
		"hypercall " RECEIVE " error=12345",
	};

	lives_with(lines, ARRAY_SIZE(lines));
}

static void receive_nothing(void)
{
	static const char * const lines[] = {
		"hypercall " RECEIVE " lost",
		"hypercall " RECEIVE " lost count=5",
		"hypercall " RECEIVE " lost nth=4 count=2",
	};

	lives_with(lines, ARRAY_SIZE(lines));
}

static void send_errors(void)
{
	static const int errors[] = { 1, 2, 22, 30, 31, 51, 53, 60 };
	struct testvm vm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		tap_alive();
		if (testvm_create(&vm, 1, PROGRAM(off)) &&
		    ctl("hypercall " SEND " error=%d", errors[i]))
			check_errno(testvm_ioctl_start(&vm), ECOMM, "START");
		testvm_close(&vm);
		live(LIFE_PLAIN, 0);
	}
	ctl("clear");
}

/*
 * Nobody hears of the request; who asked can be killed, and others can ask. It may be that
 * the driver has already found out that there is no reply to come.
 */
static void lost_request(void)
{
	struct dump before;
	int status;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("hypercall " SEND " lost");
	pid = start_in_child(LIFE_PLAIN);
	if (pid) {
		wait_for_dump("armed hypercall", false);
		kill(pid, SIGKILL);
	}
	live(LIFE_PLAIN, 0);
	if (pid)
		check(waitpid(pid, &status, 0) == pid &&
		      (WIFSIGNALED(status) || WEXITSTATUS(status) == ETIMEDOUT),
		      "START came back: status %#x", status);
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
}

/* The driver has to look into the queue because of it. */
static void interrupt_rx(void)
{
	long before = dump_count_now("hypercall " RECEIVE);
	unsigned int n = 0;

	ctl("irq rx");
	while (dump_count_now("hypercall " RECEIVE) == before && n++ < POLL_LIMIT)
		sleep_ms(POLL_MS);
	check(dump_count_now("hypercall " RECEIVE) > before, "no interrupt came");
}

static void spurious_interrupts(void)
{
	struct dump before;
	unsigned int i;
	long sent;

	if (!dump_take(&before))
		return;
	sent = dump_count(&before, "hypercall " SEND);
	for (i = 0; i < 200; i++)
		ctl(i % 2 ? "irq tx" : "irq rx");
	for (i = 0; i < 10; i++)
		interrupt_rx();
	check(dump_count_now("hypercall " SEND) == sent, "something was sent");
	live(LIFE_PLAIN, 0);
	dump_check_same(&before);
	dump_free(&before);
}

/* The longest that the queue takes, and shortest: nonsense, and the next one is good. */
static void nonsense(void)
{
	static const char * const lines[] = {
		"raw hex=a5 len=240 at=any count=8",
		"raw hex=a5 len=1 at=any count=8",
		"raw hex=a5 len=240 at=any count=3 times=7",
	};
	struct dump before;
	unsigned int i;

	if (!dump_take(&before))
		return;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		if (ctl("%s", lines[i]))
			live(LIFE_PLAIN, 0);
		ctl("clear");
	}
	dump_check_same(&before);
	dump_free(&before);
}

static void loopback(const char *command)
{
	int status = system(command);

	check(WIFEXITED(status) && !WEXITSTATUS(status), "\"%s\": status %#x", command, status);
	if (!status)
		system("rmmod gunyah_msgq_loopback");
}

/* What is longer than the queue was made for: there are two kinds of hypervisors. */
static void copies(void)
{
	struct dump before;

	if (!dump_take(&before))
		return;
	if (ctl("msgq refuse"))
		loopback("modprobe gunyah_msgq_loopback oversize=refuse");
	if (ctl("msgq swallow"))
		loopback("modprobe gunyah_msgq_loopback oversize=swallow");
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
}

static void loopbacks(void)
{
	struct dump before;

	if (!dump_take(&before))
		return;
	loopback("modprobe gunyah_msgq_loopback count=1000");
	tap_alive();
	loopback("modprobe gunyah_msgq_loopback count=500 push=3");
	dump_check_same(&before);
	dump_free(&before);
}

/* Tools can make sense of the raw events, which takes numbers and no names of an enum. */
static void check_format(const char *name)
{
	char *format = read_file(name);

	check(strstr(format, "{ 60, \"EMPTY\" }"), "%s: no names of errors", name);
	check(!strstr(format, "GH_ERROR"), "%s has names of an enum", name);
	free(format);
}

static void traced(void)
{
	unsigned int size, push, more, ready;
	const char *at;
	char *trace;

	check_format(EVENTS "gunyah_msgq_send/format");
	check_format(EVENTS "gunyah_msgq_receive/format");
	if (!write_file(TRACING "trace", "") || !write_file(EVENTS "enable", "1"))
		return;
	ctl("hypercall " RECEIVE " error=51");
	live(LIFE_PLAIN, 0);
	interrupt_rx();
	write_file(EVENTS "enable", "0");
	trace = read_file(TRACING "trace");

	/* The first request, the error it meets, and its reply */
	at = strstr(trace, "gunyah_msgq_send: gunyah-msgq.");
	check(at && sscanf(at, "%*s %*s cap=%*s size=%u push=%u error=OK ready=%u", &size, &push,
			   &ready) == 3 && size >= 8 && push && ready, "no request in the trace");
	at = at ? strstr(at, "gunyah_msgq_receive: gunyah-msgq.") : NULL;
	check(at && sscanf(at, "%*s %*s cap=%*s size=%u error=CAP_REVOKED more=%u", &size,
			   &more) == 2 && !size && !more, "no error in the trace");
	at = at ? strstr(at + 1, "gunyah_msgq_receive: gunyah-msgq.") : NULL;
	check(at && sscanf(at, "%*s %*s cap=%*s size=%u error=OK more=%u", &size, &more) == 2 &&
	      size >= 12, "no reply in the trace");
	check(strstr(trace, "error=EMPTY"), "no spurious interrupt in the trace");
	free(trace);
}

static const struct tap_test tests[] = {
	{ "receiving fails", receive_errors },
	{ "receiving gives a message without bytes", receive_nothing },
	{ "sending fails", send_errors },
	{ "a request is lost", lost_request },
	{ "interrupts for nothing", spurious_interrupts },
	{ "packets of all sizes that mean nothing", nonsense },
	{ "messages too long for the queue", copies },
	{ "loopback", loopbacks },
	{ "tracepoints", traced },
};

int main(void)
{
	return fault_main(tests, ARRAY_SIZE(tests));
}
