/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands for the test hypervisor: what it should do wrong. Its ctl/README.md
 * describes them.
 */

#ifndef SELFTEST_CTL_H
#define SELFTEST_CTL_H

#include <stdbool.h>

/* Whether there is somebody who takes them. */
bool ctl_supported(void);

/* 0, or -1 and errno. */
int ctl_try(const char *line);

/* The test fails if the command does. Returns whether it worked. */
bool ctl(const char *fmt, ...) __printf(1, 2);

#endif
