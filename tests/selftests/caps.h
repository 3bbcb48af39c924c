/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Capabilities of this thread, CAP_*. Each returns whether it worked.
 */

#ifndef SELFTEST_CAPS_H
#define SELFTEST_CAPS_H

#include <linux/capability.h>
#include <stdbool.h>

bool caps_drop(unsigned int cap);
/* One that was dropped */
bool caps_raise(unsigned int cap);

#endif
