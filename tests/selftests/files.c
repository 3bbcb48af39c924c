// SPDX-License-Identifier: GPL-2.0
/*
 * Small files of the kernel's.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "tap.h"
#include "util.h"

#define TEXT_MAX		(1024 * 1024)

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int err = fd < 0 ? errno : -write_all(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return check(!err, "\"%s\" to %s: errno %d", text, path, err);
}

char *read_stream(FILE *file, const char *name)
{
	char *text = calloc(1, TEXT_MAX);

	if (!check(file && text, "%s: errno %d", name, errno)) {
		free(text);
		return strdup("");
	}
	text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
	return text;
}

char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = read_stream(file, path);

	if (file)
		fclose(file);
	return text;
}
