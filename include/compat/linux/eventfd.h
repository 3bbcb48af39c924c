/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_EVENTFD_H
#define _COMPAT_LINUX_EVENTFD_H

#include_next <linux/eventfd.h>

#include <linux/version.h>

/* v6.8 dropped the count, which was always 1. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

#endif /* _COMPAT_LINUX_EVENTFD_H */
