/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_FS_H
#define _COMPAT_LINUX_FS_H

#include_next <linux/fs.h>

#include <linux/version.h>

/* v6.3 gave inode operations a type of their own for what they had it for. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define mnt_idmap	user_namespace
#endif

#endif /* _COMPAT_LINUX_FS_H */
