// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: 64 flags, and an interrupt while an enabled one is set.
 */
#include "core.h"

static bool is_ringing(void *source)
{
	struct doorbell *db = source;

	return db->flags & db->enable;
}

struct doorbell *doorbell_create(void)
{
	struct doorbell *db = hyp_zalloc(sizeof(*db));

	if (db)
		db->enable = ~0ULL;
	return db;
}

void doorbell_destroy(struct doorbell *db)
{
	if (!db)
		return;
	doorbell_unbind(db);
	hyp_free(db);
}

int doorbell_bind(struct doorbell *db, struct vm *vm, u32 intid, bool edge)
{
	int ret = GH_OK;

	if (db->virq.kind != VIRQ_NONE)
		return GH_VIRQ_BOUND;
	db->virq = (struct virq){
		.kind = vm->primary ? VIRQ_PRIMARY : VIRQ_GUEST,
		.vm = vm,
		.intid = intid,
		.pending = is_ringing,
		.source = db,
	};
	db->edge = edge;
	if (!vm->primary)
		ret = vgic_connect(vm, &db->virq, edge);
	if (ret)
		db->virq.kind = VIRQ_NONE;
	return ret;
}

void doorbell_unbind(struct doorbell *db)
{
	if (db->virq.kind == VIRQ_GUEST)
		vgic_disconnect(db->virq.vm, &db->virq);
	db->virq.kind = VIRQ_NONE;
}

static void acknowledge(struct doorbell *db)
{
	db->flags &= ~db->ack;
}

u64 doorbell_send(struct doorbell *db, u64 flags)
{
	u64 old = db->flags;

	db->flags |= flags;
	if (is_ringing(db)) {
		virq_assert(&db->virq);
		acknowledge(db);
	} else if (db->edge) {
		virq_assert(&db->virq);
	}
	return old;
}

u64 doorbell_receive(struct doorbell *db, u64 clear)
{
	u64 old = db->flags;

	db->flags &= ~clear;
	if (!db->edge && !is_ringing(db))
		virq_clear(&db->virq);
	return old;
}

void doorbell_reset(struct doorbell *db)
{
	db->flags = 0;
	db->enable = ~0ULL;
	db->ack = 0;
	virq_clear(&db->virq);
}

void doorbell_mask(struct doorbell *db, u64 enable, u64 ack)
{
	bool before = is_ringing(db);

	db->enable = enable;
	db->ack = ack;
	if (!is_ringing(db)) {
		if (before)
			virq_clear(&db->virq);
		return;
	}
	if (!before)
		virq_assert(&db->virq);
	acknowledge(db);
}
