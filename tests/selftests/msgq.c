// SPDX-License-Identifier: GPL-2.0
/*
 * Message queues that fail, lose messages or interrupt for nothing: what goes through them
 * works again afterwards, and nobody has to load anything anew.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "dump.h"
#include "fault.h"

#define SEND			"0x1b"
#define RECEIVE			"0x1c"

#define TRACING			"/sys/kernel/debug/tracing/"
#define EVENTS			TRACING "events/gunyah_msgq/"
#define TRACE_MAX		(1024 * 1024)

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
	static const struct {
		int error;
		int err;
	} cases[] = {
		{ 1, EINVAL }, { 2, EINVAL }, { 22, EINVAL }, { 30, EACCES }, { 31, EBUSY },
		{ 51, EACCES }, { 53, EACCES }, { 60, EIO },
	};
	struct testvm vm;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		tap_alive();
		if (testvm_create(&vm, 1, PROGRAM(off)) &&
		    ctl("hypercall " SEND " error=%d", cases[i].error))
			check_errno(testvm_ioctl_start(&vm), cases[i].err, "START");
		testvm_close(&vm);
		live(LIFE_PLAIN, 0);
	}
	ctl("clear");
}

/* Nobody hears of the request; who asked can be killed, and others can ask. */
static void lost_request(void)
{
	struct dump before;
	pid_t pid;

	if (!dump_take(&before))
		return;
	ctl("hypercall " SEND " lost");
	pid = start_in_child(LIFE_PLAIN);
	if (pid) {
		wait_for_dump("armed hypercall", false);
		kill_child(pid);
	}
	live(LIFE_PLAIN, 0);
	ctl("clear");
	dump_check_same(&before);
	dump_free(&before);
}

static long count_now(const char *name)
{
	struct dump dump;
	long n = -1;

	if (dump_take(&dump)) {
		n = dump_count(&dump, name);
		dump_free(&dump);
	}
	return n;
}

/* The driver has to look into the queue because of it. */
static void interrupt_rx(void)
{
	long before = count_now("hypercall " RECEIVE);
	unsigned int n = 0;

	ctl("irq rx");
	while (count_now("hypercall " RECEIVE) == before && n++ < POLL_LIMIT)
		sleep_ms(POLL_MS);
	check(count_now("hypercall " RECEIVE) > before, "no interrupt came");
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
	check(count_now("hypercall " SEND) == sent, "something was sent");
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

/* Two kinds of hypervisors */
static void copies(void)
{
	if (ctl("msgq swallow"))
		live(LIFE_PLAIN, 0);
	if (ctl("msgq refuse"))
		live(LIFE_PLAIN, 0);
}

static void loopback(const char *command)
{
	int status = system(command);

	check(WIFEXITED(status) && !WEXITSTATUS(status), "\"%s\": status %#x", command, status);
	if (!status)
		system("rmmod gunyah_msgq_loopback");
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

/* All of a file, for the caller to free; NULL if that is not possible. */
static char *read_file(const char *name)
{
	char *text = malloc(TRACE_MAX + 1);
	ssize_t n = -1;
	int fd;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = text ? read_all(fd, text, TRACE_MAX) : -1;
		close(fd);
	}
	if (!check(n >= 0, "%s: errno %d", name, errno)) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static bool write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC | O_TRUNC);
	bool ok;

	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return check(ok, "cannot write \"%s\" to %s", text, name);
}

/* Tools can make sense of the raw events, which takes numbers and no names of an enum. */
static void check_format(const char *name)
{
	char *format = read_file(name);

	if (!format)
		return;
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
	if (!write_file(TRACING "trace", "\n") || !write_file(EVENTS "enable", "1"))
		return;
	ctl("hypercall " RECEIVE " error=51");
	live(LIFE_PLAIN, 0);
	interrupt_rx();
	write_file(EVENTS "enable", "0");
	trace = read_file(TRACING "trace");
	if (!trace)
		return;

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
	{ "copying that fails without an error", copies },
	{ "loopback", loopbacks },
	{ "tracepoints", traced },
};

int main(void)
{
	if (!ctl_supported())
		return tap_skip_all("no control channel");
	return testvm_main(tests, ARRAY_SIZE(tests));
}
