/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of physical extents.
 */

#ifndef _GUNYAH_VM_MGR_EXTENT_H
#define _GUNYAH_VM_MGR_EXTENT_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct gh_extent - a physically contiguous run
 * @start: physical address
 * @size: in bytes
 */
struct gh_extent {
	u64 start;
	u64 size;
};

/**
 * struct gh_extents - what a range consists of, in its order
 * @chunks: pages full of extents: no allocation grows with the range
 * @count: number of extents
 * @bytes: sum of their sizes
 */
struct gh_extents {
	struct list_head chunks;
	size_t count;
	u64 bytes;
};

struct gh_extents_chunk;

/**
 * struct gh_extents_iter - a place in a list of extents
 * @extents: the list
 * @chunk: chunk of the next extent
 * @index: its index in there
 */
struct gh_extents_iter {
	const struct gh_extents *extents;
	const struct gh_extents_chunk *chunk;
	size_t index;
};

void gh_extents_init(struct gh_extents *extents);
int gh_extents_add(struct gh_extents *extents, u64 start, u64 size);
void gh_extents_free(struct gh_extents *extents);
void gh_extents_swap(struct gh_extents *a, struct gh_extents *b);

void gh_extents_iter_init(struct gh_extents_iter *iter, const struct gh_extents *extents);
const struct gh_extent *gh_extents_iter_next(struct gh_extents_iter *iter);

#endif /* _GUNYAH_VM_MGR_EXTENT_H */
