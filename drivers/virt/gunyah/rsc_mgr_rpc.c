// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: messages that make, start and end virtual machines; and what
 * all messages have in common
 */

#include <linux/export.h>
#include <linux/overflow.h>

#include "rsc_mgr_rpc.h"

/**
 * struct gh_rm_vm_stop_req - VM_STOP
 * @vmid: which VM
 * @flags: GH_RM_VM_STOP_FLAG_*
 * @reserved: 0
 * @reason: for the guest
 */
struct gh_rm_vm_stop_req {
	__le16 vmid;
	u8 flags;
	u8 reserved;
	__le32 reason;
} __packed;

/**
 * struct gh_rm_vm_config_image_req - VM_CONFIG_IMAGE
 * @vmid: which VM
 * @auth_mech: enum gh_rm_vm_auth_mechanism
 * @mem_handle: parcel of the image and its devicetree
 * @image_offset: where in the parcel the image is
 * @image_size: its size
 * @dtb_offset: where in the parcel the devicetree is
 * @dtb_size: its size, with room to grow
 */
struct gh_rm_vm_config_image_req {
	__le16 vmid;
	__le16 auth_mech;
	__le32 mem_handle;
	__le64 image_offset;
	__le64 image_size;
	__le64 dtb_offset;
	__le64 dtb_size;
} __packed;

/**
 * struct gh_rm_vm_auth_image_req - VM_AUTH_IMAGE
 * @vmid: which VM
 * @n_params: how many parameters follow
 * @params: these
 */
struct gh_rm_vm_auth_image_req {
	__le16 vmid;
	__le16 n_params;
	struct gh_rm_vm_auth_param params[];
} __packed;

/**
 * struct gh_rm_vm_set_firmware_mem_req - VM_SET_FIRMWARE_MEM
 * @vm: which VM
 * @mem_handle: parcel that the firmware is to be copied to
 * @offset: where in the parcel
 * @size: how much room there is
 */
struct gh_rm_vm_set_firmware_mem_req {
	struct gh_rm_vmid vm;
	__le32 mem_handle;
	__le64 offset;
	__le64 size;
} __packed;

/**
 * struct gh_rm_vm_set_boot_context_req - VM_SET_BOOT_CONTEXT
 * @vmid: which VM
 * @set: enum gh_rm_boot_register_set
 * @index: which register of the set
 * @reserved: 0
 * @value: for the register
 */
struct gh_rm_vm_set_boot_context_req {
	__le16 vmid;
	u8 set;
	u8 index;
	__le32 reserved;
	__le64 value;
} __packed;

/**
 * struct gh_rm_vm_set_time_base_req - VM_SET_TIME_BASE
 * @vm: which VM
 * @time_base: the time
 * @reference: when it was that time
 */
struct gh_rm_vm_set_time_base_req {
	struct gh_rm_vmid vm;
	__le64 time_base;
	__le64 reference;
} __packed;

/**
 * gh_rm_parse_nothing() - check that nothing follows the code
 * @reply: what follows
 * @size: its size
 * @result: not used
 *
 * Return: 0 or -EBADMSG.
 */
int gh_rm_parse_nothing(const void *reply, size_t size, void *result)
{
	return size ? -EBADMSG : 0;
}

/**
 * gh_rm_parse_word() - read a reply of one word
 * @reply: what follows the code
 * @size: its size
 * @result: u32 to set
 *
 * Return: 0 or -EBADMSG.
 */
int gh_rm_parse_word(const void *reply, size_t size, void *result)
{
	const __le32 *body = reply;
	u32 *word = result;

	if (size != sizeof(*body))
		return -EBADMSG;

	*word = le32_to_cpu(*body);

	return 0;
}

/**
 * gh_rm_parse_vmid() - read a reply of one VMID
 * @reply: what follows the code
 * @size: its size
 * @result: u16 to set
 *
 * Return: 0 or -EBADMSG.
 */
int gh_rm_parse_vmid(const void *reply, size_t size, void *result)
{
	const struct gh_rm_vmid *body = reply;
	u16 *vmid = result;

	if (size != sizeof(*body) || body->reserved ||
	    body->vmid == cpu_to_le16(GH_VMID_INVAL))
		return -EBADMSG;

	*vmid = le16_to_cpu(body->vmid);

	return 0;
}

/**
 * gh_rm_request_fill() - make a request with a payload
 * @msg_id: what it is about
 * @payload: copied
 * @size: size of @payload
 *
 * Return: the request, with one reference, or NULL.
 */
struct gh_rm_request *gh_rm_request_fill(u32 msg_id, const void *payload, size_t size)
{
	struct gh_rm_request *req = gh_rm_request_alloc(msg_id, size);

	if (req)
		memcpy(req->payload, payload, size);

	return req;
}

/**
 * gh_rm_request_ask() - send a request and read its reply
 * @rm: the Resource Manager
 * @req: the request, whose reference is dropped
 * @parse: reads a good reply
 * @result: for @parse
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_request_ask(struct gh_rm *rm, struct gh_rm_request *req, gh_rm_parse_t parse,
		      void *result)
{
	int ret = gh_rm_request_call(rm, req);

	if (!ret) {
		ret = parse(req->reply, req->reply_size, result);
		if (ret == -EBADMSG)
			gh_rm_bad_reply(req);
	}
	gh_rm_request_put(req);

	return ret;
}

/**
 * gh_rm_ask() - send a message and read the reply
 * @rm: the Resource Manager
 * @msg_id: what it is about
 * @payload: of the request
 * @size: size of @payload
 * @parse: reads a good reply
 * @result: for @parse
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_ask(struct gh_rm *rm, u32 msg_id, const void *payload, size_t size,
	      gh_rm_parse_t parse, void *result)
{
	struct gh_rm_request *req = gh_rm_request_fill(msg_id, payload, size);

	if (!req)
		return -ENOMEM;

	return gh_rm_request_ask(rm, req, parse, result);
}

/**
 * gh_rm_ask_vm() - send a message that names a VM, and read the reply
 * @rm: the Resource Manager
 * @msg_id: what it is about
 * @vmid: of the VM
 * @parse: reads a good reply
 * @result: for @parse
 *
 * Context: process context, may sleep; waits killably.
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_ask_vm(struct gh_rm *rm, u32 msg_id, u16 vmid, gh_rm_parse_t parse, void *result)
{
	struct gh_rm_vmid req = gh_rm_vmid(vmid);

	return gh_rm_ask(rm, msg_id, &req, sizeof(req), parse, result);
}

/* A message that names a VM and no more */
static int gh_rm_vm_call(struct gh_rm *rm, u32 msg_id, u16 vmid)
{
	return gh_rm_ask_vm(rm, msg_id, vmid, gh_rm_parse_nothing, NULL);
}

static int gh_rm_dispose_vmid(struct gh_rm *rm, struct gh_rm_request *req)
{
	u16 vmid;

	if (gh_rm_parse_vmid(req->reply, req->reply_size, &vmid))
		return -EBADMSG;

	return gh_rm_dealloc_vmid(rm, vmid);
}

/* It stands in the request, and only there. */
static int gh_rm_dispose_fixed_vmid(struct gh_rm *rm, struct gh_rm_request *req)
{
	const struct gh_rm_vmid *body = (struct gh_rm_vmid *)req->payload;

	return gh_rm_dealloc_vmid(rm, le16_to_cpu(body->vmid));
}

/**
 * gh_rm_alloc_vmid() - get any VMID for a new VM
 * @rm: the Resource Manager
 * @vmid: set to the VMID
 *
 * Return: 0, -ENOSPC if all are in use, -EPERM if this VM may not make others, or
 * an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_alloc_vmid(struct gh_rm *rm, u16 *vmid)
{
	const struct gh_rm_vmid any = gh_rm_vmid(0);
	struct gh_rm_request *req;

	req = gh_rm_request_fill(GH_RM_VM_ALLOCATE, &any, sizeof(any));
	if (!req)
		return -ENOMEM;

	req->dispose = gh_rm_dispose_vmid;

	return gh_rm_request_ask(rm, req, gh_rm_parse_vmid, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_alloc_vmid);

/**
 * gh_rm_alloc_fixed_vmid() - get a certain VMID for a new VM
 * @rm: the Resource Manager
 * @vmid: a VMID that is set aside for such a VM; not 0
 *
 * Return: 0, -EINVAL for VMID 0, -ENOSPC if it is in use or is not set aside,
 * -EPERM if this VM may not make others, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_alloc_fixed_vmid(struct gh_rm *rm, u16 vmid)
{
	const struct gh_rm_vmid fixed = gh_rm_vmid(vmid);
	struct gh_rm_request *req;

	/* Would mean any */
	if (!vmid)
		return -EINVAL;

	req = gh_rm_request_fill(GH_RM_VM_ALLOCATE, &fixed, sizeof(fixed));
	if (!req)
		return -ENOMEM;

	req->dispose = gh_rm_dispose_fixed_vmid;

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_alloc_fixed_vmid);

/**
 * gh_rm_dealloc_vmid() - give a VMID back
 * @rm: the Resource Manager
 * @vmid: of a VM that was never configured, or was reset
 *
 * Return: 0, -EBADFD if the VM is in another state, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_dealloc_vmid(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_vm_call(rm, GH_RM_VM_DEALLOCATE, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_dealloc_vmid);

/**
 * gh_rm_vm_start() - start a VM that was initialised
 * @rm: the Resource Manager
 * @vmid: of the VM
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_start(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_vm_call(rm, GH_RM_VM_START, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_start);

/**
 * gh_rm_vm_stop() - stop a VM, or ask it to shut down
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @flags: GH_RM_VM_STOP_FLAG_FORCE to stop it at once, which
 *	   GH_RM_NOTIF_VM_EXITED reports; 0 to have the guest notified
 * @reason: handed on to the guest; GH_RM_VM_STOP_REASON_FORCED, or as agreed
 *	    with it
 *
 * Return: 0, -EBADFD if it does not run, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid, u8 flags, u32 reason)
{
	const struct gh_rm_vm_stop_req body = {
		.vmid = cpu_to_le16(vmid),
		.flags = flags,
		.reason = cpu_to_le32(reason),
	};
	struct gh_rm_request *req;

	req = gh_rm_request_fill(GH_RM_VM_STOP, &body, sizeof(body));
	if (!req)
		return -ENOMEM;

	/* A VM may exit at any time. */
	req->expected = GH_RM_ERROR_VM_STATE;

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_stop);

/**
 * gh_rm_vm_reset() - begin to take everything away from a VM that has ended
 * @rm: the Resource Manager
 * @vmid: of the VM
 *
 * It is done when GH_RM_NOTIF_VM_STATUS says GH_RM_VM_STATUS_RESET.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_reset(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_vm_call(rm, GH_RM_VM_RESET, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_reset);

/**
 * gh_rm_vm_configure() - tell where a VM's image and devicetree are
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @auth: whether and how the image is authenticated
 * @mem_handle: parcel that holds both
 * @image_offset: offset of the image in the parcel
 * @image_size: size of the image
 * @dtb_offset: offset of the devicetree in the parcel, a multiple of 4 KiB
 * @dtb_size: size of the devicetree with room for additions, a multiple of 4 KiB
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_configure(struct gh_rm *rm, u16 vmid, enum gh_rm_vm_auth_mechanism auth,
		       u32 mem_handle, u64 image_offset, u64 image_size,
		       u64 dtb_offset, u64 dtb_size)
{
	struct gh_rm_vm_config_image_req req = {
		.vmid = cpu_to_le16(vmid),
		.auth_mech = cpu_to_le16(auth),
		.mem_handle = cpu_to_le32(mem_handle),
		.image_offset = cpu_to_le64(image_offset),
		.image_size = cpu_to_le64(image_size),
		.dtb_offset = cpu_to_le64(dtb_offset),
		.dtb_size = cpu_to_le64(dtb_size),
	};

	return gh_rm_ask(rm, GH_RM_VM_CONFIG_IMAGE, &req, sizeof(req), gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_configure);

/**
 * gh_rm_vm_auth_image() - have the image of a configured VM authenticated
 * @rm: the Resource Manager
 * @vmid: of a VM that was configured with %GH_RM_VM_AUTH_QCOM_PIL_ELF
 * @params: what the authentication needs to know, or NULL
 * @n_params: how many these are; as many as fit into one message
 *
 * Return: 0, -EINVAL if there are too many parameters, -EBADFD if the VM is in
 * another state, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_auth_image(struct gh_rm *rm, u16 vmid, const struct gh_rm_vm_auth_param *params,
			size_t n_params)
{
	struct gh_rm_vm_auth_image_req *body;
	struct gh_rm_request *req;
	size_t size;

	size = struct_size(body, params, n_params);
	if (size > GH_RM_MAX_MESSAGE_SIZE)
		return -EINVAL;

	req = gh_rm_request_alloc(GH_RM_VM_AUTH_IMAGE, size);
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_vm_auth_image_req *)req->payload;
	body->vmid = cpu_to_le16(vmid);
	body->n_params = cpu_to_le16(n_params);
	memcpy(body->params, params, n_params * sizeof(*params));

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_auth_image);

/**
 * gh_rm_vm_init() - have a configured VM built, as its devicetree says
 * @rm: the Resource Manager
 * @vmid: of the VM
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_init(struct gh_rm *rm, u16 vmid)
{
	return gh_rm_vm_call(rm, GH_RM_VM_INIT, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_init);

/**
 * gh_rm_vm_set_firmware_mem() - tell where a VM's firmware is to be
 * @rm: the Resource Manager
 * @vmid: of a VM that was configured with %GH_RM_VM_AUTH_QCOM_ANDROID_PVM, and
 *	  not yet initialised
 * @mem_handle: parcel that the firmware is to be copied to
 * @offset: where in the parcel, in bytes
 * @size: how much room there is, in bytes
 *
 * Optional: a Resource Manager may have no firmware, or not know of any.
 *
 * Return: 0, -EOPNOTSUPP or -EPERM if there is no firmware, -EBADFD if the VM is
 * in another state, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_set_firmware_mem(struct gh_rm *rm, u16 vmid, u32 mem_handle, u64 offset, u64 size)
{
	const struct gh_rm_vm_set_firmware_mem_req req = {
		.vm = gh_rm_vmid(vmid),
		.mem_handle = cpu_to_le32(mem_handle),
		.offset = cpu_to_le64(offset),
		.size = cpu_to_le64(size),
	};

	return gh_rm_ask(rm, GH_RM_VM_SET_FIRMWARE_MEM, &req, sizeof(req), gh_rm_parse_nothing,
			 NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_set_firmware_mem);

/**
 * gh_rm_vm_set_boot_context() - set a register of the vCPU that a VM boots with
 * @rm: the Resource Manager
 * @vmid: of a VM that was initialised, and not yet started
 * @set: which registers
 * @index: which of these; 0 if there is only one
 * @value: what is to be in it
 *
 * Optional: Resource Managers that were released before 2024 do not have it.
 *
 * Return: 0, -EOPNOTSUPP if the Resource Manager lacks it, or an errno as
 * described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_set_boot_context(struct gh_rm *rm, u16 vmid, enum gh_rm_boot_register_set set,
			      u8 index, u64 value)
{
	const struct gh_rm_vm_set_boot_context_req body = {
		.vmid = cpu_to_le16(vmid),
		.set = set,
		.index = index,
		.value = cpu_to_le64(value),
	};
	struct gh_rm_request *req;

	req = gh_rm_request_fill(GH_RM_VM_SET_BOOT_CONTEXT, &body, sizeof(body));
	if (!req)
		return -ENOMEM;

	req->expected = GH_RM_ERROR_UNIMPLEMENTED;

	return gh_rm_request_ask(rm, req, gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_set_boot_context);

/**
 * gh_rm_vm_set_time_base() - set a VM's real-time clock
 * @rm: the Resource Manager
 * @vmid: of a VM that has such a clock
 * @time_base: the time in nanoseconds since 1970
 * @reference: count of the system counter at that time, in its ticks
 *
 * Units are those of the virtual real-time clock in Gunyah's hypervisor.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_set_time_base(struct gh_rm *rm, u16 vmid, u64 time_base, u64 reference)
{
	const struct gh_rm_vm_set_time_base_req req = {
		.vm = gh_rm_vmid(vmid),
		.time_base = cpu_to_le64(time_base),
		.reference = cpu_to_le64(reference),
	};

	return gh_rm_ask(rm, GH_RM_VM_SET_TIME_BASE, &req, sizeof(req), gh_rm_parse_nothing, NULL);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_set_time_base);
