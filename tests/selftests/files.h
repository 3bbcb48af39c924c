/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small files of the kernel's.
 */

#ifndef SELFTEST_FILES_H
#define SELFTEST_FILES_H

#include <stdbool.h>
#include <stdio.h>

#define TRACING			"/sys/kernel/debug/tracing/"
#define RM_DEBUGFS		"/sys/kernel/debug/gunyah/rm/"
#define CORE_PATTERN		"/proc/sys/kernel/core_pattern"

/* The test fails if one of these does. */
bool write_file(const char *path, const char *text);

/* All of it as a string, to be freed; empty if that is not possible. */
char *read_file(const char *path);
char *read_stream(FILE *file, const char *name);

#endif
