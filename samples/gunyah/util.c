// SPDX-License-Identifier: GPL-2.0
/*
 * Messages and whole reads and writes.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* A longer message is cut; what a guest says in one is not that long. */
#define LINE_BYTES		1280

bool log_verbose;
atomic_bool log_raw;

/* One write per message: lines of several threads do not mix. */
static void log_line(const char *level, int err, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	size_t size = sizeof(line) - 2;
	size_t len;

	len = snprintf(line, size, "gunyah-vmm: %s", level);
	len += vsnprintf(line + len, size - len, fmt, ap);
	if (len < size && err)
		len += snprintf(line + len, size - len, ": %s (errno %d)",
				strerror(err), err);
	if (len >= size)
		len = size - 1;
	if (atomic_load(&log_raw))
		line[len++] = '\r';
	line[len++] = '\n';
	write_all(STDERR_FILENO, line, len);
}

int log_error(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", err, fmt, ap);
	va_end(ap);
	return err ? -err : -EINVAL;
}

void log_hint(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("hint: ", 0, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", 0, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line("", 0, fmt, ap);
	va_end(ap);
}

void escape_bytes(char *text, const u8 *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		u8 byte = bytes[i];

		if (byte == '\n')
			text += sprintf(text, "\\n");
		else if (byte == '"' || byte == '\\')
			text += sprintf(text, "\\%c", byte);
		else if (byte >= ' ' && byte <= '~')
			*text++ = byte;
		else
			text += sprintf(text, "\\x%02x", byte);
	}
	*text = '\0';
}

ssize_t read_all(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (!n)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return done;
}

int write_all(int fd, const void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, (const char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}
