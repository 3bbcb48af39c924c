// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of physical extents: what is contiguous is merged as it is added, and
 * no allocation is larger than a page, however large or scattered the memory.
 */

#include <linux/errno.h>
#include <linux/slab.h>

#include "vm_mgr_extent.h"

struct gh_extents_chunk {
	struct list_head node;
	size_t count;
	struct gh_extent extents[];
};

#define GH_EXTENTS_PER_CHUNK \
	((PAGE_SIZE - sizeof(struct gh_extents_chunk)) / sizeof(struct gh_extent))

/**
 * gh_extents_init() - make an empty list
 * @extents: the list
 */
void gh_extents_init(struct gh_extents *extents)
{
	INIT_LIST_HEAD(&extents->chunks);
	extents->count = 0;
	extents->bytes = 0;
}

static struct gh_extents_chunk *gh_extents_last_chunk(struct gh_extents *extents)
{
	return list_last_entry(&extents->chunks, struct gh_extents_chunk, node);
}

/**
 * gh_extents_add() - append a run
 * @extents: the list
 * @start: physical address of the run
 * @size: its size in bytes
 *
 * It becomes part of the last extent if that ends where it starts: the order is
 * the one in which the guest sees the memory, so only neighbours are merged.
 *
 * Return: 0, or -ENOMEM; then the list is as it was.
 */
int gh_extents_add(struct gh_extents *extents, u64 start, u64 size)
{
	struct gh_extents_chunk *chunk = NULL;
	struct gh_extent *last;

	if (extents->count) {
		chunk = gh_extents_last_chunk(extents);
		last = &chunk->extents[chunk->count - 1];
		if (last->start + last->size == start) {
			last->size += size;
			extents->bytes += size;
			return 0;
		}
	}

	if (!chunk || chunk->count == GH_EXTENTS_PER_CHUNK) {
		chunk = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;
		chunk->count = 0;
		list_add_tail(&chunk->node, &extents->chunks);
	}

	chunk->extents[chunk->count].start = start;
	chunk->extents[chunk->count].size = size;
	chunk->count++;
	extents->count++;
	extents->bytes += size;
	return 0;
}

/**
 * gh_extents_free() - empty a list
 * @extents: the list
 */
void gh_extents_free(struct gh_extents *extents)
{
	struct gh_extents_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &extents->chunks, node)
		kfree(chunk);
	gh_extents_init(extents);
}

/**
 * gh_extents_swap() - exchange two lists
 * @a: one
 * @b: the other
 */
void gh_extents_swap(struct gh_extents *a, struct gh_extents *b)
{
	LIST_HEAD(chunks);

	list_splice_init(&a->chunks, &chunks);
	list_splice_init(&b->chunks, &a->chunks);
	list_splice(&chunks, &b->chunks);
	swap(a->count, b->count);
	swap(a->bytes, b->bytes);
}

/**
 * gh_extents_iter_init() - go to the start of a list
 * @iter: the iterator
 * @extents: the list; must not change while it is walked
 */
void gh_extents_iter_init(struct gh_extents_iter *iter, const struct gh_extents *extents)
{
	iter->extents = extents;
	iter->chunk = list_first_entry(&extents->chunks, struct gh_extents_chunk, node);
	iter->index = 0;
}

/**
 * gh_extents_iter_next() - next extent of a list
 * @iter: the iterator
 *
 * Return: the extent, or NULL at the end.
 */
const struct gh_extent *gh_extents_iter_next(struct gh_extents_iter *iter)
{
	if (list_entry_is_head(iter->chunk, &iter->extents->chunks, node))
		return NULL;

	if (iter->index == iter->chunk->count) {
		iter->chunk = list_next_entry(iter->chunk, node);
		iter->index = 0;
		if (list_entry_is_head(iter->chunk, &iter->extents->chunks, node))
			return NULL;
	}

	return &iter->chunk->extents[iter->index++];
}
