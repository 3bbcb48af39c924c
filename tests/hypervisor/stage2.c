// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 translation: 39-bit addresses, three levels, blocks of 1 GiB and
 * 2 MiB where they fit. Blocks are split on demand, and put together again
 * when a table has become uniform, so that nothing stays behind after memory
 * was lent and taken back.
 *
 * Other CPUs may run in the space while an entry is replaced. They fault on
 * the entry that break-before-make leaves invalid for a moment, wait for the
 * lock, find the translation in place and try again.
 */
#include "core.h"

#define LEVEL_FIRST	1
#define LEVEL_LAST	3
#define ENTRIES		512

#define PTE_VALID	BIT(0)
#define PTE_TABLE	BIT(1)
#define PTE_PAGE	BIT(1)
#define PTE_NORMAL	(0xfULL << 2)
#define PTE_PERM_SHIFT	6
#define PTE_R		BIT(6)
#define PTE_W		BIT(7)
#define PTE_SH_INNER	(3ULL << 8)
#define PTE_AF		BIT(10)
#define PTE_XN		BIT(54)
#define PTE_ADDR	GENMASK(47, 12)

static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + 9 * (LEVEL_LAST - level);
}

static u64 *entry_of(u64 *table, unsigned int level, u64 ipa)
{
	return &table[ipa >> level_shift(level) & (ENTRIES - 1)];
}

static bool is_table(u64 pte, unsigned int level)
{
	return level < LEVEL_LAST && (pte & PTE_VALID) && (pte & PTE_TABLE);
}

/* Seen by the table walks of other CPUs, with what it points to. */
static void set(u64 *entry, u64 pte)
{
	__atomic_store_n(entry, pte, __ATOMIC_RELEASE);
}

static u64 *table_of(u64 pte)
{
	return (u64 *)(pte & PTE_ADDR);
}

static u64 leaf(u64 attrs, u64 pa, unsigned int level)
{
	return (attrs & ~(PTE_ADDR | PTE_TABLE)) | pa | PTE_VALID |
	       (level == LEVEL_LAST ? PTE_PAGE : 0);
}

static u64 perm_attrs(enum s2_perm perm)
{
	return PTE_NORMAL | PTE_SH_INNER | PTE_AF | (perm & S2_R ? PTE_R : 0) |
	       (perm & S2_W ? PTE_W : 0) | (perm & S2_X ? 0 : PTE_XN);
}

static enum s2_perm attrs_perm(u64 pte)
{
	return (pte & PTE_R ? S2_R : 0) | (pte & PTE_W ? S2_W : 0) |
	       (pte & PTE_XN ? 0 : S2_X);
}

int s2_init(struct s2 *s2, u16 vmid)
{
	s2->root = page_alloc();
	s2->vmid = vmid;
	s2->dead = NULL;
	return s2->root ? GH_OK : GH_NOMEM;
}

static u64 vttbr(const struct s2 *s2)
{
	return (u64)s2->root | (u64)s2->vmid << 48;
}

void s2_activate(struct s2 *s2)
{
	sysreg_write(vttbr_el2, vttbr(s2));
	isb();
}

/* Everything of the space that is active, on this CPU. */
void s2_flush_local(void)
{
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb();
}

/* Everything of the space, on all CPUs. */
static void flush(struct s2 *s2)
{
	u64 active = sysreg_read(vttbr_el2);

	dsb(ishst);
	if (active != vttbr(s2))
		s2_activate(s2);
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	isb();
	if (active != vttbr(s2)) {
		sysreg_write(vttbr_el2, active);
		isb();
	}
}

/* A table that the TLBs may still know. The link is an invalid entry. */
static void retire_table(struct s2 *s2, u64 *table)
{
	memset(table, 0, PAGE_SIZE);
	table[0] = (u64)s2->dead;
	s2->dead = table;
}

void s2_unmap_sync(struct s2 *s2)
{
	u64 *table;

	flush(s2);
	while (s2->dead) {
		table = s2->dead;
		s2->dead = (u64 *)table[0];
		page_free(table);
	}
}

static void replace(struct s2 *s2, u64 *entry, u64 pte)
{
	set(entry, 0);
	flush(s2);
	set(entry, pte);
	dsb(ishst);
}

static int split(struct s2 *s2, u64 *entry, unsigned int level)
{
	u64 *table = page_alloc();
	u64 pa = *entry & PTE_ADDR;
	unsigned int i;

	if (!table)
		return GH_NOMEM;
	for (i = 0; i < ENTRIES; i++)
		table[i] = leaf(*entry, pa + ((u64)i << level_shift(level + 1)), level + 1);
	replace(s2, entry, (u64)table | PTE_VALID | PTE_TABLE);
	return GH_OK;
}

/* Makes @ipa the boundary of a mapping, or of a hole. */
static int split_at(struct s2 *s2, u64 ipa)
{
	u64 *table = s2->root;
	unsigned int level;
	u64 *entry;

	for (level = LEVEL_FIRST; level < LEVEL_LAST; level++) {
		if (IS_ALIGNED(ipa, BIT(level_shift(level))))
			break;
		entry = entry_of(table, level, ipa);
		if (!(*entry & PTE_VALID))
			break;
		if (!is_table(*entry, level) && split(s2, entry, level))
			return GH_NOMEM;
		table = table_of(*entry);
	}
	return GH_OK;
}

static bool table_is_empty(const u64 *table)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		if (table[i])
			return false;
	}
	return true;
}

static void free_tables(struct s2 *s2, u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level < LEVEL_LAST && i < ENTRIES; i++) {
		if (is_table(table[i], level))
			free_tables(s2, table_of(table[i]), level + 1);
	}
	retire_table(s2, table);
}

/* The range begins and ends at boundaries. */
static void unmap_level(struct s2 *s2, u64 *table, unsigned int level, u64 ipa,
			u64 end)
{
	u64 size = BIT(level_shift(level));
	u64 *entry, *next_table;
	u64 next, old;

	for (; ipa < end; ipa = next) {
		next = min(ALIGN_DOWN(ipa, size) + size, end);
		entry = entry_of(table, level, ipa);
		old = *entry;
		if (!is_table(old, level)) {
			set(entry, 0);
			continue;
		}
		next_table = table_of(old);
		if (next - ipa == size) {
			set(entry, 0);
			free_tables(s2, next_table, level + 1);
			continue;
		}
		unmap_level(s2, next_table, level + 1, ipa, next);
		if (table_is_empty(next_table)) {
			set(entry, 0);
			retire_table(s2, next_table);
		}
	}
}

static bool range_is_bad(u64 ipa, u64 size)
{
	return !IS_ALIGNED(ipa | size, PAGE_SIZE) || !size || ipa + size < ipa ||
	       ipa + size > S2_LIMIT;
}

int s2_unmap(struct s2 *s2, u64 ipa, u64 size)
{
	if (range_is_bad(ipa, size))
		return GH_ARGUMENT_INVALID;
	if (split_at(s2, ipa) || split_at(s2, ipa + size))
		return GH_NOMEM;
	unmap_level(s2, s2->root, LEVEL_FIRST, ipa, ipa + size);
	return GH_OK;
}

static bool level_is_free(u64 *table, unsigned int level, u64 ipa, u64 end)
{
	u64 size = BIT(level_shift(level));
	u64 next, pte;

	for (; ipa < end; ipa = next) {
		next = min(ALIGN_DOWN(ipa, size) + size, end);
		pte = *entry_of(table, level, ipa);
		if (!(pte & PTE_VALID))
			continue;
		if (!is_table(pte, level) ||
		    !level_is_free(table_of(pte), level + 1, ipa, next))
			return false;
	}
	return true;
}

/* A table that maps what one block would map becomes that block. */
static void collapse(struct s2 *s2, u64 *entry, unsigned int level)
{
	u64 *table = table_of(*entry);
	u64 first = table[0];
	unsigned int i;

	if (!(first & PTE_VALID) || is_table(first, level + 1) ||
	    !IS_ALIGNED(first & PTE_ADDR, BIT(level_shift(level))))
		return;
	for (i = 1; i < ENTRIES; i++) {
		if (table[i] != first + ((u64)i << level_shift(level + 1)))
			return;
	}
	replace(s2, entry, leaf(first, first & PTE_ADDR, level));
	page_free(table);
}

static int map_level(struct s2 *s2, u64 *table, unsigned int level, u64 ipa,
		     u64 end, u64 pa, u64 attrs)
{
	u64 size = BIT(level_shift(level));
	u64 *entry, *new;
	u64 next;
	int ret;

	for (; ipa < end; pa += next - ipa, ipa = next) {
		next = min(ALIGN_DOWN(ipa, size) + size, end);
		entry = entry_of(table, level, ipa);
		if (!*entry && next - ipa == size && IS_ALIGNED(pa, size)) {
			set(entry, leaf(attrs, pa, level));
			continue;
		}
		if (!*entry) {
			new = page_alloc();
			if (!new)
				return GH_NOMEM;
			dsb(ishst);
			set(entry, (u64)new | PTE_VALID | PTE_TABLE);
		}
		ret = map_level(s2, table_of(*entry), level + 1, ipa, next, pa, attrs);
		if (ret)
			return ret;
		collapse(s2, entry, level);
	}
	return GH_OK;
}

int s2_map(struct s2 *s2, u64 ipa, u64 pa, u64 size, enum s2_perm perm)
{
	int ret;

	if (range_is_bad(ipa, size) || range_is_bad(pa, size) ||
	    !level_is_free(s2->root, LEVEL_FIRST, ipa, ipa + size))
		return GH_ARGUMENT_INVALID;
	ret = map_level(s2, s2->root, LEVEL_FIRST, ipa, ipa + size, pa,
			perm_attrs(perm));
	dsb(ishst);
	if (ret) {
		unmap_level(s2, s2->root, LEVEL_FIRST, ipa, ipa + size);
		s2_unmap_sync(s2);
	}
	return ret;
}

static u64 lookup(struct s2 *s2, u64 ipa, u64 *size)
{
	u64 *table = s2->root;
	unsigned int level;
	u64 pte = 0;

	for (level = LEVEL_FIRST; level <= LEVEL_LAST; level++) {
		*size = BIT(level_shift(level));
		pte = *entry_of(table, level, ipa);
		if (!is_table(pte, level))
			break;
		table = table_of(pte);
	}
	return pte & PTE_VALID ? pte : 0;
}

bool s2_lookup(struct s2 *s2, u64 ipa, u64 *pa, enum s2_perm *perm)
{
	u64 size;
	u64 pte = ipa < S2_LIMIT ? lookup(s2, ipa, &size) : 0;

	if (!pte)
		return false;
	*pa = (pte & PTE_ADDR) + (ipa & (size - 1));
	*perm = attrs_perm(pte);
	return true;
}

bool s2_is_identity(struct s2 *s2, u64 ipa, u64 size, enum s2_perm perm)
{
	u64 end = ipa + size;
	u64 block, pte;

	if (end < ipa || end > S2_LIMIT)
		return false;
	while (ipa < end) {
		pte = lookup(s2, ipa, &block);
		if (!pte || (attrs_perm(pte) & perm) != perm ||
		    (pte & PTE_ADDR) != ALIGN_DOWN(ipa, block))
			return false;
		ipa = ALIGN_DOWN(ipa, block) + block;
	}
	return true;
}

/* The space is in use nowhere any more. */
void s2_free(struct s2 *s2)
{
	free_tables(s2, s2->root, LEVEL_FIRST);
	s2->root = NULL;
	s2_unmap_sync(s2);
}
