/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COMPAT_LINUX_MM_H
#define _COMPAT_LINUX_MM_H

#include_next <linux/mm.h>

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* v6.15 has it; what came before it guessed as well, from one page of large folios. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline bool folio_maybe_mapped_shared(struct folio *folio)
{
	return page_mapcount(&folio->page) > 1;
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define folio_maybe_mapped_shared	folio_likely_mapped_shared
#endif

/* v6.17 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define page_has_movable_ops	__PageMovable
#endif

#endif /* _COMPAT_LINUX_MM_H */
