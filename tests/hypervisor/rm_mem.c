// SPDX-License-Identifier: GPL-2.0
/*
 * Memory parcels: pages that the primary VM took out of its own hands.
 *
 * A page is in one parcel at most. Lent and donated pages are gone from the
 * primary's address space at once, whether anyone accepts them or not; shared
 * ones stay there with the rights that the primary gave itself.
 *
 * A donation can be taken back like a loan, as long as nobody has accepted it or
 * after who did was reset.
 */

#include "rm.h"
#include "sysreg.h"

#define MAX_ADDRESS		BIT(44)

/*
 * One bit for each page below the end of the primary's RAM: it is in a parcel,
 * so no longer the primary's own.
 */
static u64 *given_pages;

static struct rm_parcel *parcels;
static u32 next_handle;
static u32 entries_used;

u32 rm_entries_max;

void rm_mem_setup(void)
{
	given_pages = hyp_zalloc(ALIGN(primary_ram_end() / PAGE_SIZE, 64) / 8);
	if (!given_pages)
		hyp_panic("RM: no memory");
}

/*
 * Who has which page
 */

static bool range_is_own(u64 base, u64 size)
{
	u64 page, end;

	if (!size || !pa_is_primary_ram(base, size))
		return false;
	end = (base + size) / PAGE_SIZE;
	for (page = base / PAGE_SIZE; page < end; page++)
		if (given_pages[page / 64] & BIT(page % 64))
			return false;

	return true;
}

static void range_set_given(u64 base, u64 size, bool given)
{
	u64 page = base / PAGE_SIZE;
	u64 end = page + size / PAGE_SIZE;

	for (; page < end; page++) {
		if (given)
			given_pages[page / 64] |= BIT(page % 64);
		else
			given_pages[page / 64] &= ~BIT(page % 64);
	}
}

/*
 * Finding parcels
 */

struct rm_parcel *rm_parcel_next(const struct rm_parcel *parcel)
{
	return parcel ? parcel->next : parcels;
}

struct rm_parcel *rm_parcel_find(u32 handle)
{
	struct rm_parcel *parcel;

	for (parcel = parcels; parcel; parcel = parcel->next)
		if (parcel->handle == handle)
			return parcel;

	return NULL;
}

struct rm_member *rm_parcel_member(struct rm_parcel *parcel, u16 vmid)
{
	unsigned int i;

	for (i = 0; i < parcel->nr_members; i++)
		if (parcel->member[i].vmid == vmid)
			return &parcel->member[i];

	return NULL;
}

bool rm_parcel_private(const struct rm_parcel *parcel)
{
	return parcel->trans == RM_TRANS_LEND && parcel->nr_members == 1;
}

unsigned int rm_parcel_count(u16 owner)
{
	struct rm_parcel *parcel;
	unsigned int nr = 0;

	for (parcel = parcels; parcel; parcel = parcel->next)
		nr += parcel->owner == owner;

	return nr;
}

/*
 * Making and ending them
 */

struct rm_parcel *rm_parcel_create(u16 owner, enum rm_trans trans,
				   unsigned int nr_members)
{
	struct rm_parcel *parcel, **link;

	parcel = hyp_zalloc(sizeof(*parcel) +
			    nr_members * sizeof(parcel->member[0]));
	if (!parcel)
		return NULL;
	parcel->handle = next_handle++;
	parcel->owner = owner;
	parcel->trans = trans;
	parcel->nr_members = nr_members;
	for (link = &parcels; *link; link = &(*link)->next)
		;
	*link = parcel;

	return parcel;
}

/* Where the next entry goes; NULL without memory. */
static struct rm_mem_entry *push_entry(struct rm_parcel *parcel)
{
	struct rm_chunk *chunk = parcel->last;

	if (!chunk || chunk->nr == RM_CHUNK_ENTRIES) {
		chunk = hyp_zalloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->prev = parcel->last;
		if (parcel->last)
			parcel->last->next = chunk;
		else
			parcel->first = chunk;
		parcel->last = chunk;
	}
	parcel->nr_entries++;
	entries_used++;

	return &chunk->entry[chunk->nr++];
}

static void pop_entry(struct rm_parcel *parcel)
{
	struct rm_chunk *chunk = parcel->last;

	parcel->nr_entries--;
	entries_used--;
	if (--chunk->nr)
		return;
	parcel->last = chunk->prev;
	if (chunk->prev)
		chunk->prev->next = NULL;
	else
		parcel->first = NULL;
	hyp_free(chunk);
}

/* What the owner may do with the pages meanwhile; 0: nothing */
static u8 owner_rights(struct rm_parcel *parcel)
{
	struct rm_member *owner = rm_parcel_member(parcel, parcel->owner);

	return owner ? owner->rights : 0;
}

/* Changes what the primary may do with pages that it has to itself or gave. */
static int set_access(const struct rm_mem_entry *entry, u8 from, u8 to)
{
	struct s2 *s2 = &rm_primary()->s2;
	int error = 0;

	if (from == to)
		return 0;
	if (from)
		error = s2_unmap(s2, entry->ipa, entry->size);
	if (!error && to)
		error = s2_map(s2, entry->ipa, entry->ipa, entry->size, to);

	return error;
}

/*
 * Everybody else waits meanwhile, and memset() takes seconds for what guests have where
 * each instruction is emulated.
 */
static void clear(const struct rm_mem_entry *entry)
{
	u64 block = 4ULL << (sysreg_read(dczid_el0) & 0xf);
	u64 at;

	for (at = entry->ipa; at < entry->ipa + entry->size; at += block)
		asm volatile("dc zva, %0" : : "r" (at) : "memory");
}

/* The last entry goes back to the owner, whose access to it was @rights. */
static void give_back_last(struct rm_parcel *parcel, u8 rights, bool sanitize)
{
	struct rm_mem_entry entry = parcel->last->entry[parcel->last->nr - 1];

	if (sanitize)
		clear(&entry);
	range_set_given(entry.ipa, entry.size, false);
	if (set_access(&entry, rights, RM_RIGHTS_RWX))
		hyp_panic("RM: memory cannot be given back");
	parcel->size -= entry.size;
	pop_entry(parcel);
}

static u32 take_entry(struct rm_parcel *parcel, const struct rm_mem_entry *from)
{
	struct rm_mem_entry *entry;

	if (parcel->nr_entries == RM_PARCEL_MAX_ENTRIES ||
	    entries_used >= rm_entries_max)
		return RM_NOMEM;
	if (!range_is_own(from->ipa, from->size))
		return RM_MEM_INVALID;
	entry = push_entry(parcel);
	if (!entry)
		return RM_NOMEM;
	*entry = *from;
	parcel->size += entry->size;
	range_set_given(entry->ipa, entry->size, true);
	/* Fails, if at all, for want of a page, before anything changed. */
	if (set_access(entry, RM_RIGHTS_RWX, owner_rights(parcel))) {
		give_back_last(parcel, RM_RIGHTS_RWX, false);
		return RM_NOMEM;
	}

	return RM_OK;
}

/* Adds all of the entries, or none. */
u32 rm_parcel_add(struct rm_parcel *parcel, const struct rm_mem_entry *entry,
		  unsigned int nr)
{
	u32 error = RM_OK;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if ((entry[i].ipa | entry[i].size) % PAGE_SIZE ||
		    entry[i].ipa >= MAX_ADDRESS || entry[i].size > MAX_ADDRESS)
			return RM_ARGUMENT_INVALID;

	for (i = 0; i < nr; i++) {
		error = take_entry(parcel, &entry[i]);
		if (!error)
			continue;
		while (i--)
			give_back_last(parcel, owner_rights(parcel), false);
		break;
	}
	s2_unmap_sync(&rm_primary()->s2);
	if (!error && parcel->sanitize)
		for (i = 0; i < nr; i++)
			clear(&entry[i]);

	return error;
}

void rm_parcel_destroy(struct rm_parcel *parcel)
{
	struct rm_parcel **link;

	while (parcel->last)
		give_back_last(parcel, owner_rights(parcel),
			       parcel->sanitize);
	s2_unmap_sync(&rm_primary()->s2);
	for (link = &parcels; *link != parcel; link = &(*link)->next)
		;
	*link = parcel->next;
	hyp_free(parcel);
}

/*
 * The guest's side
 */

u32 rm_parcel_accept(struct rm_parcel *parcel, struct rm_vm *vm, u64 ipa)
{
	struct rm_member *member = rm_parcel_member(parcel, vm->vmid);
	const struct rm_chunk *chunk;
	u64 at = ipa, i;

	for (chunk = parcel->first; chunk; chunk = chunk->next) {
		for (i = 0; i < chunk->nr; i++) {
			const struct rm_mem_entry *entry = &chunk->entry[i];

			if (s2_map(&vm->vm->s2, at, entry->ipa, entry->size,
				   member->rights)) {
				s2_unmap(&vm->vm->s2, ipa, at - ipa);
				return RM_MAP_FAILED;
			}
			at += entry->size;
		}
	}
	member->accepted = true;
	member->ipa = ipa;

	return RM_OK;
}

void rm_parcel_release(struct rm_parcel *parcel, struct rm_vm *vm)
{
	struct rm_member *member = rm_parcel_member(parcel, vm->vmid);

	if (s2_unmap(&vm->vm->s2, member->ipa, parcel->size))
		hyp_panic("RM: memory cannot be taken from a guest");
	s2_unmap_sync(&vm->vm->s2);
	member->accepted = false;
}

/* Calls memcpy for each piece of [offset, offset + size) of the parcel. */
static bool copy_parcel(const struct rm_parcel *parcel, u64 offset, u8 *buf,
			size_t size, bool write)
{
	const struct rm_chunk *chunk;
	u64 i, len;

	for (chunk = parcel->first; chunk && size; chunk = chunk->next) {
		for (i = 0; i < chunk->nr && size; i++) {
			const struct rm_mem_entry *entry = &chunk->entry[i];
			u8 *mem = (u8 *)entry->ipa + offset;

			if (offset >= entry->size) {
				offset -= entry->size;
				continue;
			}
			len = entry->size - offset;
			if (len > size)
				len = size;
			memcpy(write ? mem : buf, write ? buf : mem, len);
			buf += len;
			size -= len;
			offset = 0;
		}
	}

	return !size;
}

bool rm_parcel_read(const struct rm_parcel *parcel, u64 offset, void *to,
		    size_t size)
{
	return copy_parcel(parcel, offset, to, size, false);
}

bool rm_parcel_write(const struct rm_parcel *parcel, u64 offset,
		     const void *from, size_t size)
{
	return copy_parcel(parcel, offset, (u8 *)from, size, true);
}
