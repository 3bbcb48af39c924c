// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capability tables: small integers as in a debug build, or with the option
 * caps=random numbers that nobody can guess, as in a production build.
 */
#include "core.h"

#define CAPS_MAX	1024

static struct cap *find(struct cap_table *table, u64 id)
{
	u32 i;

	for (i = 0; i < table->size; i++) {
		if (table->caps[i].type != OBJ_NONE && table->caps[i].id == id)
			return &table->caps[i];
	}
	return NULL;
}

/* Of full size at once: a table that has grown would look like a leak. */
static bool have_room(struct cap_table *table)
{
	if (!table->caps) {
		table->caps = hyp_zalloc(CAPS_MAX * sizeof(*table->caps));
		table->size = table->caps ? CAPS_MAX : 0;
	}
	return table->used < table->size;
}

static u64 new_id(struct cap_table *table)
{
	u64 id;

	if (!hyp_option("caps=random"))
		return table->next++;
	do {
		id = random64();
	} while (id == CAP_INVALID || find(table, id));
	return id;
}

u64 cap_add(struct vm *vm, enum obj_type type, void *obj, u32 rights)
{
	struct cap_table *table = &vm->caps;
	struct cap *cap;
	u32 i;

	if (!have_room(table))
		return CAP_INVALID;
	for (i = 0; table->caps[i].type != OBJ_NONE; i++)
		;
	cap = &table->caps[i];
	cap->type = type;
	cap->rights = rights;
	cap->obj = obj;
	cap->id = new_id(table);
	table->used++;
	return cap->id;
}

void cap_remove(struct vm *vm, u64 id)
{
	struct cap *cap = find(&vm->caps, id);

	if (!cap)
		return;
	memset(cap, 0, sizeof(*cap));
	vm->caps.used--;
}

int cap_lookup(struct vm *vm, u64 id, enum obj_type type, u32 rights, void **obj)
{
	struct cap *cap = find(&vm->caps, id);

	if (!cap)
		return GH_CAP_NULL;
	if (cap->type != type)
		return GH_CAP_WRONG_TYPE;
	if ((cap->rights & rights) != rights)
		return GH_CAP_INSUFFICIENT_RIGHTS;
	*obj = cap->obj;
	return GH_OK;
}
