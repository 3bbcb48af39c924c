// SPDX-License-Identifier: GPL-2.0
/*
 * Message queues of which the primary has both ends, to test drivers of message
 * queues without anybody else.
 */

#include "ctl.h"
#include "ctl/gunyah_test_ctl.h"

struct loopback {
	struct loopback *next;
	struct msgq *q;
	struct gunyah_test_loopback ends;
};

static struct loopback *loopbacks;

static void destroy(struct loopback *loop)
{
	struct vm *primary = rm_primary();

	cap_remove(primary, loop->ends.tx_cap);
	cap_remove(primary, loop->ends.rx_cap);
	if (loop->ends.tx_intid)
		virq_free(loop->ends.tx_intid);
	if (loop->ends.rx_intid)
		virq_free(loop->ends.rx_intid);
	if (loop->q)
		msgq_destroy(loop->q);
	hyp_free(loop);
}

static int fill_in(struct loopback *loop, u64 depth, u64 max_size)
{
	struct vm *primary = rm_primary();
	struct gunyah_test_loopback *ends = &loop->ends;

	ends->tx_cap = CAP_INVALID;
	ends->rx_cap = CAP_INVALID;
	loop->q = msgq_create(depth, max_size);
	if (!loop->q)
		return GH_NOMEM;
	ends->tx_intid = virq_alloc();
	ends->rx_intid = virq_alloc();
	if (!ends->tx_intid || !ends->rx_intid)
		return GH_NORESOURCES;
	msgq_bind_send(loop->q, VIRQ_PRIMARY, ends->tx_intid);
	msgq_bind_receive(loop->q, VIRQ_PRIMARY, ends->rx_intid);
	ends->tx_cap = cap_add(primary, OBJ_MSGQ, loop->q, CAP_MSGQ_SEND);
	ends->rx_cap = cap_add(primary, OBJ_MSGQ, loop->q, CAP_MSGQ_RECEIVE);
	if (ends->tx_cap == CAP_INVALID || ends->rx_cap == CAP_INVALID)
		return GH_CAP_FULL;

	return GH_OK;
}

int ctl_loopback_create(u64 depth, u64 max_size, u64 va)
{
	struct loopback *loop;
	int error;

	if (!depth || depth > 255 || !max_size || max_size > 1023)
		return GH_ARGUMENT_INVALID;
	loop = hyp_zalloc(sizeof(*loop));
	if (!loop)
		return GH_NOMEM;
	error = fill_in(loop, depth, max_size);
	if (!error)
		error = copy_to_caller(va, &loop->ends, sizeof(loop->ends));
	if (error) {
		destroy(loop);
		return error;
	}
	loop->next = loopbacks;
	loopbacks = loop;

	return GH_OK;
}

int ctl_loopback_destroy(u64 tx_cap)
{
	struct loopback **link, *loop;

	for (link = &loopbacks; *link; link = &(*link)->next) {
		loop = *link;
		if (loop->ends.tx_cap != tx_cap)
			continue;
		*link = loop->next;
		destroy(loop);
		return GH_OK;
	}

	return GH_CAP_NULL;
}
