// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own memory: a heap for objects, and pages for stage 2
 * tables. Both give back what is freed: tests count what is left.
 */
#include "core.h"

#define HEAP_SIZE	(16 * BIT(20))
#define HEAP_ALIGN	16
#define HEAP_MAGIC	0x68656170

/* Blocks lie side by side, in the order of their addresses. */
struct block {
	struct block *next;
	u32 used;
	u32 magic;
};

struct free_page {
	struct free_page *next;
};

static struct block *heap;
static struct free_page *free_pages;
static struct mem_stats stats;

static u64 block_size(const struct block *b)
{
	u64 end = b->next ? (u64)b->next : (u64)heap + HEAP_SIZE;

	return end - (u64)b;
}

void mem_init(void)
{
	u64 start = ALIGN((u64)__hyp_end, PAGE_SIZE);
	u64 page;

	heap = (struct block *)start;
	*heap = (struct block){ .magic = HEAP_MAGIC };
	stats.heap_free = HEAP_SIZE;
	for (page = start + HEAP_SIZE; page < HYP_BASE + HYP_SIZE; page += PAGE_SIZE) {
		struct free_page *free = (struct free_page *)page;

		free->next = free_pages;
		free_pages = free;
		stats.pages_free++;
	}
}

void *hyp_zalloc(size_t size)
{
	u64 want = ALIGN(size + sizeof(struct block), HEAP_ALIGN);
	struct block *b, *rest;

	for (b = heap; b; b = b->next) {
		if (!b->used && block_size(b) >= want)
			break;
	}
	if (!b || want < size)
		return NULL;
	if (block_size(b) >= want + 2 * sizeof(struct block)) {
		rest = (struct block *)((u64)b + want);
		*rest = (struct block){ .next = b->next, .magic = HEAP_MAGIC };
		b->next = rest;
	}
	b->used = 1;
	stats.heap_live++;
	stats.heap_bytes += block_size(b);
	stats.heap_free -= block_size(b);
	return memset(b + 1, 0, block_size(b) - sizeof(*b));
}

static void merge_free(void)
{
	struct block *b;

	for (b = heap; b; b = b->next) {
		while (!b->used && b->next && !b->next->used)
			b->next = b->next->next;
	}
}

void hyp_free(void *p)
{
	struct block *b = (struct block *)p - 1;

	if (!p)
		return;
	if (b->magic != HEAP_MAGIC || b->used != 1)
		hyp_panic("bad free of %p", p);
	stats.heap_live--;
	stats.heap_bytes -= block_size(b);
	stats.heap_free += block_size(b);
	b->used = 0;
	merge_free();
}

void *page_alloc(void)
{
	struct free_page *page = free_pages;

	if (!page)
		return NULL;
	free_pages = page->next;
	stats.pages_free--;
	stats.pages_used++;
	return memset(page, 0, PAGE_SIZE);
}

void page_free(void *p)
{
	struct free_page *page = p;

	page->next = free_pages;
	free_pages = page;
	stats.pages_free++;
	stats.pages_used--;
}

void mem_stats(struct mem_stats *out)
{
	*out = stats;
}
