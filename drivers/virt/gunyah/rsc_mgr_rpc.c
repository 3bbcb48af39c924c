// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: messages about virtual machines
 */

#include <linux/bits.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

/**
 * struct gh_rm_vmid - a VM; as it stands in many messages
 * @vmid: which VM
 * @reserved: 0
 */
struct gh_rm_vmid {
	__le16 vmid;
	__le16 reserved;
} __packed;

#define GH_RM_VM_STOP_FLAG_FORCE	BIT(0)
#define GH_RM_VM_STOP_REASON_FORCED	3

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

static int gh_rm_vm_call(struct gh_rm *rm, u32 msg_id, u16 vmid)
{
	struct gh_rm_vmid req = { .vmid = cpu_to_le16(vmid) };

	return gh_rm_call(rm, msg_id, &req, sizeof(req));
}

/* Return: 0, or -EBADMSG if there is no VMID in the reply. */
static int gh_rm_parse_vmid(const void *reply, size_t size, u16 *vmid)
{
	const struct gh_rm_vmid *body = reply;

	if (size != sizeof(*body) || body->reserved ||
	    body->vmid == cpu_to_le16(GH_VMID_INVAL))
		return -EBADMSG;

	*vmid = le16_to_cpu(body->vmid);

	return 0;
}

static void gh_rm_dispose_vmid(struct gh_rm *rm, struct gh_rm_request *req)
{
	u16 vmid;

	if (!gh_rm_parse_vmid(req->reply, req->reply_size, &vmid))
		gh_rm_dealloc_vmid(rm, vmid);
}

/**
 * gh_rm_alloc_vmid() - get a VMID for a new VM
 * @rm: the Resource Manager
 * @vmid: set to the VMID
 *
 * Return: 0, -ENOSPC if all are in use, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_alloc_vmid(struct gh_rm *rm, u16 *vmid)
{
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_alloc(GH_RM_VM_ALLOCATE, sizeof(struct gh_rm_vmid));
	if (!req)
		return -ENOMEM;

	/* VMID 0: any */
	req->dispose = gh_rm_dispose_vmid;
	ret = gh_rm_request_call(rm, req);
	if (!ret && gh_rm_parse_vmid(req->reply, req->reply_size, vmid))
		ret = gh_rm_bad_reply(req);
	gh_rm_request_put(req);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_rm_alloc_vmid);

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
 * gh_rm_vm_stop() - stop a VM at once
 * @rm: the Resource Manager
 * @vmid: of the VM
 *
 * Return: 0, -EBADFD if it has stopped already, or an errno as described in
 * linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid)
{
	struct gh_rm_vm_stop_req *body;
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_alloc(GH_RM_VM_STOP, sizeof(*body));
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_vm_stop_req *)req->payload;
	body->vmid = cpu_to_le16(vmid);
	body->flags = GH_RM_VM_STOP_FLAG_FORCE;
	body->reason = cpu_to_le32(GH_RM_VM_STOP_REASON_FORCED);
	/* A VM may exit at any time. */
	req->expected = GH_RM_ERROR_VM_STATE;
	ret = gh_rm_request_call_empty(rm, req);
	gh_rm_request_put(req);

	return ret;
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

	return gh_rm_call(rm, GH_RM_VM_CONFIG_IMAGE, &req, sizeof(req));
}
EXPORT_SYMBOL_GPL(gh_rm_vm_configure);

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
 * gh_rm_get_vmid() - ask for the VMID of this VM
 * @rm: the Resource Manager
 * @vmid: set to the VMID
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid)
{
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_alloc(GH_RM_VM_GET_VMID, 0);
	if (!req)
		return -ENOMEM;

	ret = gh_rm_request_call(rm, req);
	if (!ret && gh_rm_parse_vmid(req->reply, req->reply_size, vmid))
		ret = gh_rm_bad_reply(req);
	gh_rm_request_put(req);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_rm_get_vmid);

static bool gh_rm_resources_are_valid(const struct gh_rm_hyp_resources *body, size_t size)
{
	return size >= sizeof(*body) &&
	       size == struct_size(body, entries, le32_to_cpu(body->n_entries));
}

static int gh_rm_copy_resources(struct gh_rm_request *req, struct gh_rm_hyp_resources **resources)
{
	void *copy;

	if (!gh_rm_resources_are_valid(req->reply, req->reply_size))
		return gh_rm_bad_reply(req);

	copy = kmemdup(req->reply, req->reply_size, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	*resources = copy;

	return 0;
}

/**
 * gh_rm_get_hyp_resources() - ask what of a VM's resources this VM may use
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @resources: set to the list, to be freed by kfree()
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_get_hyp_resources(struct gh_rm *rm, u16 vmid, struct gh_rm_hyp_resources **resources)
{
	struct gh_rm_request *req;
	struct gh_rm_vmid *body;
	int ret;

	req = gh_rm_request_alloc(GH_RM_VM_GET_HYP_RESOURCES, sizeof(*body));
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_vmid *)req->payload;
	body->vmid = cpu_to_le16(vmid);
	ret = gh_rm_request_call(rm, req);
	if (!ret)
		ret = gh_rm_copy_resources(req, resources);
	gh_rm_request_put(req);

	return ret;
}
EXPORT_SYMBOL_GPL(gh_rm_get_hyp_resources);
