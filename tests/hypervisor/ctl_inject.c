// SPDX-License-Identifier: GPL-2.0
/*
 * What nobody asked for: notifications, packets, interrupts, and VMs that come
 * to an end.
 */

#include "ctl.h"

#define TIMES_MAX		100000
#define FILL_MAX		255

void ctl_extra_send(const struct ctl_extra *extra)
{
	static u8 payload[RM_MAX_MESSAGE];
	u32 i;

	memset(payload, 0, sizeof(payload));
	memcpy(payload, extra->bytes, sizeof(extra->bytes));
	for (i = 0; i < extra->times; i++) {
		if (extra->raw)
			rm_rpc_raw(extra->bytes, extra->len);
		else
			rm_rpc_notify(RM_VMID_HLOS, extra->id, payload, extra->len);
	}
}

/* Now, or just before the reply to a request. */
static int send_or_arm(struct ctl_line *line, struct ctl_extra *extra)
{
	struct ctl_fault fault;
	u32 id;

	extra->times = ctl_number(line, "times", TIMES_MAX, 1);
	if (ctl_has(line, "at")) {
		id = ctl_id(line, "at");
		ctl_fault_init(&fault);
		fault.extra = *extra;
		return ctl_fault_arm(line, &fault, id);
	}
	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	ctl_extra_send(extra);

	return GH_OK;
}

int ctl_notify(struct ctl_line *line)
{
	struct ctl_extra extra = { 0 };

	extra.id = ctl_word_id(line, false);
	extra.len = ctl_bytes(line, "hex", extra.bytes, sizeof(extra.bytes));
	extra.len = ctl_number(line, "len", RM_MAX_MESSAGE, extra.len);

	return send_or_arm(line, &extra);
}

int ctl_raw(struct ctl_line *line)
{
	struct ctl_extra extra = { .raw = true };

	extra.len = ctl_bytes(line, "hex", extra.bytes, sizeof(extra.bytes));
	extra.len = ctl_number(line, "len", sizeof(extra.bytes), extra.len);
	if (!extra.len)
		return GH_ARGUMENT_INVALID;

	return send_or_arm(line, &extra);
}

int ctl_status(struct ctl_line *line)
{
	struct ctl_extra extra = { .id = RM_NOTIF_VM_STATUS };
	struct rm_vm_status status = { 0 };

	status.vmid = ctl_number(line, "vm", 0xffff, 0);
	status.vm_state = ctl_number(line, "state", 0xff, 0);
	memcpy(extra.bytes, &status, sizeof(status));
	extra.len = sizeof(status);

	return send_or_arm(line, &extra);
}

int ctl_exited(struct ctl_line *line)
{
	struct ctl_extra extra = { .id = RM_NOTIF_VM_EXITED };
	struct rm_vm_exited exited = { 0 };

	exited.vmid = ctl_number(line, "vm", 0xffff, 0);
	exited.type = ctl_number(line, "type", 0xffff, 0);
	exited.reason[0] = ctl_number(line, "reason", ~0U, 0);
	exited.reason_size = ctl_number(line, "size", ~0U, sizeof(u32));
	memcpy(extra.bytes, &exited, sizeof(exited));
	extra.len = offsetof(struct rm_vm_exited, reason[1]);

	return send_or_arm(line, &extra);
}

/* A running VM comes to an end, for a reason of our own. */
int ctl_exit(struct ctl_line *line)
{
	u64 vmid = ctl_number(line, "vm", 0xffff, 0);
	u64 type = ctl_number(line, "type", RM_EXIT_FORCED, RM_EXIT_ERROR);
	u32 reason = ctl_number(line, "reason", ~0U, 0);

	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;

	return rm_vm_end(vmid, type, reason) ? GH_OK : GH_OBJECT_STATE;
}

/* Interrupts of the primary's ends of the queues, for nothing */
int ctl_irq(struct ctl_line *line)
{
	const char *side = ctl_word(line);
	bool tx = side && !strcmp(side, "tx");

	if (!side || (!tx && strcmp(side, "rx")) || !ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	rm_rpc_interrupt(tx);

	return GH_OK;
}

/*
 * Packets as if from the primary, or from an earlier owner of its queue; those
 * that are not given mean nothing. They stay there if the Resource Manager is
 * muted.
 */
int ctl_fill(struct ctl_line *line)
{
	const struct rm_header nothing = {
		.api = RM_API,
		.type = RM_TYPE_CONTINUATION,
	};
	u64 times = ctl_number(line, "times", FILL_MAX, FILL_MAX);
	u8 packet[RM_PACKET_SIZE];
	size_t len = ctl_bytes(line, "hex", packet, sizeof(packet));

	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	if (len)
		rm_rpc_fill(times, packet, len);
	else
		rm_rpc_fill(times, &nothing, sizeof(nothing));

	return GH_OK;
}
