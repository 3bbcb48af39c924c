/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says.
 */

#ifndef SELFTEST_KMSG_H
#define SELFTEST_KMSG_H

#include <stdbool.h>

/* To read what is said from now on; negative if that does not work. */
int kmsg_open(void);

/* How many new messages contain such text */
unsigned int kmsg_count(int fd, const char *text);

/* Wait for one. */
bool kmsg_wait(int fd, const char *text);

#endif
