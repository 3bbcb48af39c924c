/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rb_link_node_rcu() as sparse can check it: the kernel's assigns to a link that has no
 * address space, so that every user of latched trees, <linux/rbtree_latch.h>, is told that
 * the types differ. What is compiled is the kernel's.
 */

#ifndef _COMPAT_LINUX_RBTREE_H
#define _COMPAT_LINUX_RBTREE_H

#include_next <linux/rbtree.h>

#ifdef __CHECKER__
#define rb_link_node_rcu(node, parent, link) rb_link_node(node, parent, link)
#endif

#endif /* _COMPAT_LINUX_RBTREE_H */
