// SPDX-License-Identifier: GPL-2.0
/*
 * The Resource Manager: start-up, the work loop, and which message goes where.
 */

#include "ctl.h"

#define ANY_LENGTH		((size_t)-1)

static u8 reply_body[RM_BODY_MAX];

/*
 * Messages that are understood. The length is checked here when it is fixed;
 * @count is how many came.
 */
struct rm_message {
	u32 id;
	const char *name;
	size_t len;
	rm_handler_fn handler;
	u64 count;
};

#define MESSAGE(n, l, h) \
	{ .id = RM_##n, .name = #n, .len = (l), .handler = (h) }

static struct rm_message messages[] = {
	MESSAGE(MEM_DONATE, ANY_LENGTH, rm_mem_donate),
	MESSAGE(MEM_LEND, ANY_LENGTH, rm_mem_lend),
	MESSAGE(MEM_SHARE, ANY_LENGTH, rm_mem_share),
	MESSAGE(MEM_RECLAIM, sizeof(struct rm_reclaim_req), rm_mem_reclaim),
	MESSAGE(MEM_NOTIFY, ANY_LENGTH, rm_mem_notify),
	MESSAGE(MEM_APPEND, ANY_LENGTH, rm_mem_append),
	MESSAGE(MEM_LOOKUP_SGL, ANY_LENGTH, rm_mem_lookup_sgl),
	MESSAGE(FW_MILESTONE, 0, rm_fw_milestone),
	MESSAGE(FW_SET_VM_FIRMWARE, sizeof(struct rm_set_firmware_req),
		rm_fw_set_vm_firmware),
	MESSAGE(VM_ALLOCATE, sizeof(struct rm_vmid_req), rm_vm_allocate),
	MESSAGE(VM_DEALLOCATE, sizeof(struct rm_vmid_req), rm_vm_deallocate),
	MESSAGE(VM_START, sizeof(struct rm_vmid_req), rm_vm_start),
	MESSAGE(VM_STOP, sizeof(struct rm_stop_req), rm_vm_stop),
	MESSAGE(VM_RESET, sizeof(struct rm_vmid_req), rm_vm_reset),
	MESSAGE(VM_CONFIG_IMAGE, sizeof(struct rm_config_image_req),
		rm_vm_config_image),
	MESSAGE(VM_AUTH_IMAGE, ANY_LENGTH, rm_vm_auth_image),
	MESSAGE(VM_INIT, sizeof(struct rm_vmid_req), rm_vm_init),
	MESSAGE(VM_GET_ID, sizeof(struct rm_vmid_req), rm_get_id),
	MESSAGE(VM_LOOKUP_URI, ANY_LENGTH, rm_lookup_uri),
	MESSAGE(VM_LOOKUP_GUID, ANY_LENGTH, rm_lookup_guid),
	MESSAGE(VM_LOOKUP_NAME, ANY_LENGTH, rm_lookup_name),
	MESSAGE(VM_GET_OWNER, sizeof(struct rm_vmid_req), rm_get_owner),
	MESSAGE(VM_GET_STATE, sizeof(struct rm_vmid_req), rm_get_state),
	MESSAGE(VM_GET_CRASH_MSG, sizeof(struct rm_vmid_req), rm_get_crash_msg),
	MESSAGE(VM_GET_RESOURCES, sizeof(struct rm_vmid_req), rm_get_resources),
	MESSAGE(VM_GET_VMID, 0, rm_get_vmid),
	MESSAGE(VM_GET_PEERS, sizeof(struct rm_vmid_req), rm_get_peers),
	MESSAGE(VM_SET_TIME_BASE, sizeof(struct rm_time_base_req),
		rm_set_time_base),
	MESSAGE(VM_SET_BOOT_CONTEXT, ANY_LENGTH, rm_set_boot_context),
	MESSAGE(VM_SET_FIRMWARE_MEM, sizeof(struct rm_firmware_mem_req),
		rm_set_firmware_mem),
	MESSAGE(HOST_GET_TYPE, 0, rm_host_get_type),
};

/* How many came that are not understood */
static u64 unknown_count;

bool rm_put(struct rm_call *call, const void *data, size_t len)
{
	if (len > RM_BODY_MAX - call->body_len)
		return false;
	memcpy(call->body + call->body_len, data, len);
	call->body_len += len;

	return true;
}

bool rm_put_u32(struct rm_call *call, u32 value)
{
	return rm_put(call, &value, sizeof(value));
}

void rm_tell_counts(rm_count_fn fn, void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		fn(arg, messages[i].name, messages[i].count);
	fn(arg, "unknown", unknown_count);
}

static struct rm_message *find_message(u32 id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].id == id)
			return &messages[i];

	return NULL;
}

const char *rm_message_name(u32 id)
{
	const struct rm_message *message = find_message(id);

	return message ? message->name : "unknown";
}

static u32 handle(u32 id, struct rm_call *call)
{
	struct rm_message *message = find_message(id);
	u32 error;

	if (!message) {
		unknown_count++;
		return RM_UNIMPLEMENTED;
	}
	message->count++;
	if (message->len != ANY_LENGTH && message->len != call->len)
		return RM_MSG_INVALID;

	error = message->handler(call);
	if (error && !call->error_has_body)
		call->body_len = 0;

	return error;
}

/*
 * What a request changes is told by notifications while it is handled, so that
 * these reach the host before the reply does.
 */
static void serve(const struct rm_header *header, struct rm_call *call)
{
	u32 error;

	ctl_trace_begin(header->id, call);
	error = handle(header->id, call);
	ctl_trace_end(call, error);
	rm_rpc_reply(header, error, call->body, call->body_len);
}

/* The same, but a test wants something to go wrong. */
static void serve_badly(const struct rm_header *header, struct rm_call *call,
			const struct ctl_fault *fault)
{
	u32 error = fault->code;

	ctl_trace_begin(header->id, call);
	if (fault->code == CTL_UNSET)
		error = handle(header->id, call);
	ctl_trace_end(call, error);
	if (fault->hold)
		rm_rpc_hold(true);
	ctl_extra_send(&fault->extra);
	ctl_reply_send(&fault->reply, header, error, call->body, call->body_len);
}

static bool serve_request(void)
{
	static struct rm_header header;
	static struct rm_call call;
	static const struct ctl_fault *fault;
	static bool waits;

	if (!waits) {
		call = (struct rm_call) {
			.sender = RM_VMID_HLOS,
			.body = reply_body,
		};
		if (!rm_rpc_receive(&header, &call.req, &call.len))
			return false;
		fault = ctl_fault_take(header.id);
	}
	/* A test may have us stop here, and go on when it likes. */
	waits = ctl_muted();
	if (waits)
		return false;

	if (fault)
		serve_badly(&header, &call, fault);
	else
		serve(&header, &call);

	return true;
}

/* Does one piece of work at a time, so that others get the lock in between. */
void rm_work(void)
{
	if (ctl_muted())
		return;
	rm_rpc_flush();
	ctl_reply_work();
	if (rm_vm_work() || serve_request())
		rm_kick();
}

static u32 alloc_virq(void)
{
	u32 virq = virq_alloc();

	if (!virq)
		hyp_panic("RM: no interrupts");

	return virq;
}

void rm_init(struct vm *primary, void *fdt, size_t room)
{
	struct msgq *in = msgq_create(RM_QUEUE_DEPTH, RM_PACKET_SIZE);
	struct msgq *out = msgq_create(RM_QUEUE_DEPTH, RM_PACKET_SIZE);
	struct rm_host_channel chan;
	int error;

	if (!in || !out)
		hyp_panic("RM: no memory");
	rm_vm_setup(primary);
	rm_mem_setup();
	rm_set_init();
	rm_rpc_init(in, out);

	chan.tx_irq = alloc_virq();
	chan.rx_irq = alloc_virq();
	msgq_bind_send(in, VIRQ_PRIMARY, chan.tx_irq);
	msgq_bind_receive(in, VIRQ_RM, 0);
	msgq_bind_send(out, VIRQ_RM, 0);
	msgq_bind_receive(out, VIRQ_PRIMARY, chan.rx_irq);
	chan.tx_cap = cap_add(primary, OBJ_MSGQ, in, CAP_MSGQ_SEND);
	chan.rx_cap = cap_add(primary, OBJ_MSGQ, out, CAP_MSGQ_RECEIVE);
	if (chan.tx_cap == CAP_INVALID || chan.rx_cap == CAP_INVALID)
		hyp_panic("RM: no capabilities");

	error = rm_overlay_host(fdt, room, &chan);
	if (error)
		hyp_panic("RM: the primary's devicetree: error %d", error);
}
