// SPDX-License-Identifier: GPL-2.0
/*
 * Capabilities of this thread.
 */

#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"

static bool set(unsigned int cap, bool on)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned int bit = 1U << cap % 32;

	if (syscall(SYS_capget, &head, data))
		return false;
	if (on)
		data[cap / 32].effective |= bit;
	else
		data[cap / 32].effective &= ~bit;
	return !syscall(SYS_capset, &head, data);
}

bool caps_drop(unsigned int cap)
{
	return set(cap, false);
}

bool caps_raise(unsigned int cap)
{
	return set(cap, true);
}
