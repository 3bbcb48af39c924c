// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel says.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "tap.h"

#define RECORD_MAX		8192

#define POLL_MS			20
#define POLL_LIMIT		3000

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	check(fd >= 0 && lseek(fd, 0, SEEK_END) == 0, "/dev/kmsg: errno %d", errno);
	return fd;
}

unsigned int kmsg_count(int fd, const char *text)
{
	char record[RECORD_MAX + 1];
	unsigned int count = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, record, RECORD_MAX);
		/* Some were overwritten; the next read goes on behind them. */
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return count;
		record[n] = '\0';
		count += !!strstr(record, text);
	}
}

bool kmsg_wait(int fd, const char *text)
{
	unsigned int i;

	for (i = 0; i < POLL_LIMIT; i++) {
		if (kmsg_count(fd, text))
			return true;
		sleep_ms(POLL_MS);
	}
	return check(false, "the kernel does not say \"%s\"", text);
}
