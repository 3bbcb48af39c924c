// SPDX-License-Identifier: GPL-2.0
/*
 * Host accesses to memory that a guest has alone.
 *
 *   gunyah_access            memory that the driver takes care of
 *   gunyah_access pinned     then also memory that it lends where it lies; crashes the kernel
 *   gunyah_access hibernation     what ends the whole host with such memory, which only its
 *                                 log can tell of
 *
 * A line "# access: ROW | PINNED | FILE" tells what was seen. GUNYAH_ROWS=WORD in the
 * environment restricts it to tests with that in their names.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "dump.h"
#include "files.h"
#include "kmsg.h"

#define UNSAFE			"/sys/module/gunyah_rsc_mgr/parameters/unsafe_lend_in_place"
#define ABORTS			"aborts-on-lent-memory"

#define SIZE			SZ_2M

#define POLL_MS			20
/* For a row; and, after a crash, for its process to be gone, which it may never be */
#define ROW_MS			1200000
#define CRASHED_MS		2000

/* What stands for a crash of the kernel, and a wrong result */
#define HANGS			CRASH ", hangs"

static const struct access_row rows[] = {
	{ .name = "load", .run = row_load,
	  .file = "SIGBUS", .moved = "SIGBUS", .pinned = "SIGBUS" },
	{ .name = "store", .run = row_store,
	  .file = "SIGBUS", .moved = "SIGBUS", .pinned = "SIGBUS" },
	{ .name = "write(2) from it", .run = row_write,
	  .file = "-EFAULT", .moved = "-EFAULT", .pinned = CRASH },
	{ .name = "read(2) into it", .run = row_read,
	  .file = "-EFAULT", .moved = "-EFAULT", .pinned = CRASH },
	{ .name = "/proc/self/mem", .run = row_proc_mem,
	  .file = "-EIO", .moved = "-EIO", .pinned = CRASH },
	{ .name = "process_vm_readv, writev", .run = row_process_vm,
	  .file = "-EFAULT", .moved = "-EFAULT", .pinned = CRASH },
	{ .name = "vmsplice", .run = row_vmsplice,
	  .file = "-EFAULT", .moved = "-EFAULT", .pinned = CRASH },
	{ .name = "fork", .run = row_fork,
	  .file = "not inherited", .moved = "not inherited", .pinned = CRASH },
	{ .name = "compaction", .run = row_compact,
	  .file = "safe", .moved = "safe", .pinned = "safe" },
	{ .name = "swapping", .run = row_swap,
	  .file = "safe", .moved = "safe", .pinned = "safe" },
	{ .name = "hibernation image", .run = row_hibernate, .ends_host = true,
	  .file = "succeeds", .moved = "succeeds", .pinned = CRASH },
	{ .name = "lend and reclaim, hammered", .run = row_race, .alloc = row_race_alloc,
	  .file = "SIGBUS, -EFAULT", .pinned = CRASH },
	{ .name = "path lookup in the page before", .run = row_path, .alloc = row_path_alloc,
	  .file = "none, guard page", .moved = "none, guard page", .pinned = CRASH },
	/*
	 * These crash with locks that others need afterwards: that of a page of the dump,
	 * which who allocates guest memory may want to move; kcore with one of START.
	 */
	{ .name = "core dump", .run = row_core, .after = row_core_after,
	  .file = "clean dump", .moved = "clean dump", .pinned = CRASH },
	{ .name = "futex", .run = row_futex,
	  .file = "-EFAULT", .moved = "-EFAULT", .pinned = CRASH },
	{ .name = "/proc/kcore", .run = row_kcore,
	  .file = "zeros", .moved = "zeros", .pinned = CRASH },
};

static const char * const kind_names[ACCESS_KINDS] = {
	[ACCESS_FILE] = "guest memory file",
	[ACCESS_ANON] = "moved anonymous memory",
	[ACCESS_MEMFD] = "moved memfd",
	[ACCESS_PINNED] = "pinned memory",
};

struct access_seen *seen;
bool access_slow = true;

/* By row, for the table */
static char results[ARRAY_SIZE(rows)][ACCESS_KINDS][sizeof(seen->text)];

void saw(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen->text, sizeof(seen->text), fmt, ap);
	va_end(ap);
}

static const char *wanted(const struct access_row *row, enum access_kind kind)
{
	switch (kind) {
	case ACCESS_FILE:
		return row->file;
	case ACCESS_PINNED:
		return row->pinned;
	default:
		return row->moved;
	}
}

/* The process of a row; returns whether all went well. */
static bool run_row(const struct access_row *row, enum access_kind kind)
{
	struct lent lent = { .kind = kind, .fd = -1, .size = SIZE };
	bool fine;

	fine = row->alloc ? row->alloc(&lent) : lent_alloc(&lent, lent.size);
	if (!fine || !lent_start(&lent))
		return false;
	seen->start = (unsigned long)lent.p;
	seen->size = lent.size;
	seen->aborts = dump_count_now(ABORTS);
	row->run(&lent);
	/* Unless the row did that */
	if (lent.vm.cpus)
		fine = lent_check(&lent) && lent_end(&lent);
	return fine;
}

/* What waits for something that does not come, and where */
static void note_stuck(void)
{
	char path[300], *status, *stack, *line, *rest;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/status", entry->d_name);
		if (!isdigit(*entry->d_name) || access(path, R_OK))
			continue;
		status = read_file(path);
		if (strstr(status, "State:\tD")) {
			note("%s stuck: %.*s", entry->d_name, (int)strcspn(status, "\n"), status);
			snprintf(path, sizeof(path), "/proc/%s/stack", entry->d_name);
			stack = read_file(path);
			for (line = strtok_r(stack, "\n", &rest); line;
			     line = strtok_r(NULL, "\n", &rest))
				note("  %s", line);
			free(stack);
		}
		free(status);
	}
	if (proc)
		closedir(proc);
}

/*
 * Wait for the process of a row, or a crash of the kernel. Where that hangs the process,
 * nothing ends it.
 */
static bool wait_for_row(pid_t pid, int kmsg, int *status)
{
	unsigned int ms, crash_ms = 0;
	bool gone = false;

	for (ms = 0; !gone && ms < ROW_MS && crash_ms < CRASHED_MS; ms += POLL_MS) {
		tap_alive();
		gone = waitpid(pid, status, WNOHANG) == pid;
		if (crash_ms || kmsg_count(kmsg, CRASH))
			crash_ms += POLL_MS;
		if (!gone)
			sleep_ms(POLL_MS);
	}
	if (!gone && !crash_ms)
		note_stuck();
	if (crash_ms)
		saw("%s", gone ? CRASH : HANGS);
	if (!gone)
		kill(pid, SIGKILL);
	return gone || crash_ms;
}

static bool crashed(void)
{
	return !strncmp(seen->text, CRASH, strlen(CRASH));
}

static void judge(const struct access_row *row, enum access_kind kind, long aborts)
{
	const char *want = wanted(row, kind);

	if (!strcmp(want, CRASH))
		check(crashed(), "the kernel did not crash, but saw: %s", seen->text);
	else
		check(!strcmp(seen->text, want), "saw: %s", seen->text);
	if (kind != ACCESS_PINNED)
		check(!aborts, "the hypervisor stopped %ld accesses", aborts);
	else if (strcmp(want, "safe"))
		check(aborts, "the hypervisor stopped no access");
}

static void test_row(const struct access_row *row, enum access_kind kind)
{
	long aborts = dump_count_now(ABORTS);
	int kmsg = kmsg_open(), status = 0;
	pid_t pid;

	*seen = (struct access_seen) { .text = "nothing", .aborts = aborts };
	fflush(stdout);
	pid = fork();
	if (!pid) {
		bool fine;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fine = run_row(row, kind);
		fflush(stdout);
		_exit(!fine);
	}
	if (!check(pid > 0, "fork: errno %d", errno))
		return;
	if (check(wait_for_row(pid, kmsg, &status), "it does not end") && !crashed()) {
		if (row->after)
			row->after(status);
		else
			check(!status, "status %#x", status);
	}
	close(kmsg);
	if (kind == ACCESS_PINNED)
		aborts = seen->aborts;
	judge(row, kind, dump_count_now(ABORTS) - aborts);
	memcpy(results[row - rows][kind], seen->text, sizeof(seen->text));
}

/*
 * The list of tests
 */

struct access_test {
	const struct access_row *row;
	enum access_kind kind;
	char name[96];
};

static struct access_test access_tests[ARRAY_SIZE(rows) * ACCESS_KINDS];
static struct tap_test tests[ARRAY_SIZE(access_tests)];
static unsigned int count;

/* In the order of the list */
static void run_next(void)
{
	static unsigned int next;
	struct access_test *test = &access_tests[next++];
	static bool marked;

	/* What looks at the log knows what to think of what comes now. */
	if (test->kind == ACCESS_PINNED && !marked) {
		marked = true;
		write_file("/dev/kmsg", "gunyah_access: crashes are expected from here on");
		write_file(UNSAFE, "1");
		if (test->row->ends_host)
			write_file("/proc/sys/kernel/panic_on_oops", "1");
	}
	test_row(test->row, test->kind);
}

static void add_tests(enum access_kind kind, bool ends_host)
{
	const char *word = getenv("GUNYAH_ROWS") ?: "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!wanted(&rows[i], kind) ||
		    ends_host != (rows[i].ends_host && kind == ACCESS_PINNED))
			continue;
		access_tests[count].row = &rows[i];
		access_tests[count].kind = kind;
		snprintf(access_tests[count].name, sizeof(access_tests[count].name), "%s: %s",
			 kind_names[kind], rows[i].name);
		if (!strstr(access_tests[count].name, word))
			continue;
		tests[count] = (struct tap_test) { access_tests[count].name, run_next };
		count++;
	}
}

static void print_table(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *file = results[i][ACCESS_FILE], *pinned = results[i][ACCESS_PINNED];

		if (*file)
			note("access: %s | %s | %s", rows[i].name,
			     *pinned ? pinned : "not tested", file);
	}
}

int main(int argc, char **argv)
{
	char *core_pattern = read_file(CORE_PATTERN);
	enum access_kind kind;
	int ret;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	if (seen == MAP_FAILED)
		return 1;
	if (!dump_supported())
		return tap_skip_all("no dump of the Resource Manager");
	if (argc > 1 && !strcmp(argv[1], "hibernation")) {
		add_tests(ACCESS_PINNED, true);
	} else {
		for (kind = ACCESS_FILE; kind < ACCESS_PINNED; kind++)
			add_tests(kind, false);
	}
	if (argc > 1 && !strcmp(argv[1], "pinned")) {
		access_slow = false;
		add_tests(ACCESS_PINNED, false);
	}
	ret = testvm_main(tests, count);
	print_table();
	write_file(CORE_PATTERN, core_pattern);
	free(core_pattern);
	return ret;
}
