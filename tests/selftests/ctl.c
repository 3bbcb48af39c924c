// SPDX-License-Identifier: GPL-2.0
/*
 * Commands for the test hypervisor.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "tap.h"

#define CTL_FILE		"/dev/gunyah_test_ctl"
#define LINE_MAX_BYTES		1024

bool ctl_supported(void)
{
	return !access(CTL_FILE, W_OK);
}

int ctl_try(const char *line)
{
	ssize_t n;
	int fd;

	fd = open(CTL_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, line, strlen(line));
	close(fd);
	return n < 0 ? -1 : 0;
}

bool ctl(const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return check(n < (int)sizeof(line), "command too long") &&
	       check_errno(ctl_try(line), 0, "command \"%s\"", line);
}
