/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_GFP_H
#define _COMPAT_LINUX_GFP_H

#include_next <linux/gfp.h>

/* Before v6.17 alloc_contig_range() took the kind of page blocks. */
#ifndef ACR_FLAGS_NONE
#define ACR_FLAGS_NONE	MIGRATE_MOVABLE
#endif

#endif /* _COMPAT_LINUX_GFP_H */
