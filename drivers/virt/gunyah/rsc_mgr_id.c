// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: messages that ask who and how virtual machines are, and what
 * they have
 */

#include <linux/align.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rsc_mgr_rpc.h"

/* Bytes on the wire end at a multiple of this. */
#define GH_RM_PADDING			4

/**
 * struct gh_rm_bytes - bytes with their number, in requests and replies
 * @size: how many bytes follow
 * @reserved: 0
 * @data: the bytes, padded
 */
struct gh_rm_bytes {
	__le16 size;
	__le16 reserved;
	u8 data[];
} __packed;

/**
 * struct gh_rm_vmid_list - reply that lists VMs
 * @n: how many VMIDs follow
 * @vmids: these
 */
struct gh_rm_vmid_list {
	__le32 n;
	struct gh_rm_vmid vmids[];
} __packed;

enum gh_rm_id_type {
	GH_RM_ID_GUID,
	GH_RM_ID_URI,
	GH_RM_ID_NAME,
	GH_RM_ID_SIGN_AUTH,
	GH_RM_ID_TYPES
};

/**
 * struct gh_rm_id_entry - one of those that follow the count in VM_GET_ID's reply
 * @type: enum gh_rm_id_type
 * @reserved: 0
 * @size: how many bytes follow
 * @data: the bytes, padded
 */
struct gh_rm_id_entry {
	u8 type;
	u8 reserved;
	__le16 size;
	u8 data[];
} __packed;

/**
 * gh_rm_get_vmid() - ask for the VMID of this VM
 * @rm: the Resource Manager
 * @vmid: set to the VMID
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid)
{
	return gh_rm_ask(rm, GH_RM_VM_GET_VMID, NULL, 0, gh_rm_parse_vmid, vmid);
}
EXPORT_SYMBOL_GPL(gh_rm_get_vmid);

/**
 * gh_rm_get_host_type() - ask what kind of platform this is
 * @rm: the Resource Manager
 * @type: set to the architecture and flavour, 0x01000164 for 64-bit Arm
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_get_host_type(struct gh_rm *rm, u32 *type)
{
	return gh_rm_ask(rm, GH_RM_VM_HOST_GET_TYPE, NULL, 0, gh_rm_parse_word, type);
}
EXPORT_SYMBOL_GPL(gh_rm_get_host_type);

/* Finds the entry of each type, or NULL. Types that are not known are passed over. */
static int gh_rm_find_id_entries(const void *reply, size_t size,
				 const struct gh_rm_id_entry *found[GH_RM_ID_TYPES])
{
	const struct gh_rm_id_entry *entry;
	const __le32 *count = reply;
	size_t entry_size;
	u32 n;

	if (size < sizeof(*count))
		return -EBADMSG;

	size -= sizeof(*count);
	entry = reply + sizeof(*count);
	for (n = le32_to_cpu(*count); n; n--) {
		if (size < sizeof(*entry) || entry->reserved)
			return -EBADMSG;

		entry_size = sizeof(*entry) + ALIGN(le16_to_cpu(entry->size), GH_RM_PADDING);
		if (size < entry_size)
			return -EBADMSG;

		if (entry->type < GH_RM_ID_TYPES) {
			if (found[entry->type])
				return -EBADMSG;
			found[entry->type] = entry;
		}

		size -= entry_size;
		entry = (const void *)entry + entry_size;
	}

	return size ? -EBADMSG : 0;
}

/* Text may end in NULs, and may have no others: it would not be all that is seen. */
static bool gh_rm_id_is_text(const struct gh_rm_id_entry *entry)
{
	size_t size = le16_to_cpu(entry->size);
	size_t len = strnlen(entry->data, size);

	return !memchr_inv(entry->data + len, 0, size - len);
}

/* Return: the copy, or NULL if there is no such text; @pos goes to behind it. */
static const char *gh_rm_copy_id_text(const struct gh_rm_id_entry *entry, char **pos)
{
	char *text = *pos;
	size_t len;

	if (!entry)
		return NULL;

	len = strnlen(entry->data, le16_to_cpu(entry->size));
	memcpy(text, entry->data, len);
	text[len] = '\0';
	*pos += len + 1;

	return text;
}

static int gh_rm_parse_id(const void *reply, size_t size, void *result)
{
	const struct gh_rm_id_entry *found[GH_RM_ID_TYPES] = {};
	struct gh_rm_vm_id *id, **ids = result;
	size_t text_size = 0;
	char *pos;
	int i;

	if (gh_rm_find_id_entries(reply, size, found))
		return -EBADMSG;
	if (!found[GH_RM_ID_GUID] ||
	    le16_to_cpu(found[GH_RM_ID_GUID]->size) != sizeof(id->guid))
		return -EBADMSG;

	for (i = GH_RM_ID_GUID + 1; i < GH_RM_ID_TYPES; i++) {
		if (!found[i])
			continue;
		if (!gh_rm_id_is_text(found[i]))
			return -EBADMSG;
		text_size += le16_to_cpu(found[i]->size) + 1;
	}

	id = kzalloc(sizeof(*id) + text_size, GFP_KERNEL);
	if (!id)
		return -ENOMEM;

	pos = (char *)(id + 1);
	import_uuid(&id->guid, found[GH_RM_ID_GUID]->data);
	id->name = gh_rm_copy_id_text(found[GH_RM_ID_NAME], &pos);
	id->uri = gh_rm_copy_id_text(found[GH_RM_ID_URI], &pos);
	id->sign_auth = gh_rm_copy_id_text(found[GH_RM_ID_SIGN_AUTH], &pos);
	*ids = id;

	return 0;
}

/**
 * gh_rm_vm_get_id() - ask who a VM is
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @id: set to what it is known by, to be freed by kfree()
 *
 * What is in @id comes from the guest's devicetree.
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_get_id(struct gh_rm *rm, u16 vmid, struct gh_rm_vm_id **id)
{
	return gh_rm_ask_vm(rm, GH_RM_VM_GET_ID, vmid, gh_rm_parse_id, id);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_get_id);

static int gh_rm_parse_vmids(const void *reply, size_t size, void *result)
{
	const struct gh_rm_vmid_list *list = reply;
	struct gh_rm_vmids *vmids, **lists = result;
	u32 n, i;

	if (size < sizeof(*list))
		return -EBADMSG;

	n = le32_to_cpu(list->n);
	if (size != struct_size(list, vmids, n))
		return -EBADMSG;

	vmids = kmalloc(struct_size(vmids, vmids, n), GFP_KERNEL);
	if (!vmids)
		return -ENOMEM;

	vmids->n = n;
	for (i = 0; i < n; i++) {
		if (gh_rm_parse_vmid(&list->vmids[i], sizeof(list->vmids[i]), &vmids->vmids[i])) {
			kfree(vmids);
			return -EBADMSG;
		}
	}
	*lists = vmids;

	return 0;
}

static int gh_rm_vm_lookup(struct gh_rm *rm, u32 msg_id, const void *key, size_t size,
			   struct gh_rm_vmids **vmids)
{
	struct gh_rm_request *req;
	struct gh_rm_bytes *body;

	if (size > GH_RM_MAX_MESSAGE_SIZE - sizeof(*body))
		return -EINVAL;

	req = gh_rm_request_alloc(msg_id, sizeof(*body) + ALIGN(size, GH_RM_PADDING));
	if (!req)
		return -ENOMEM;

	body = (struct gh_rm_bytes *)req->payload;
	body->size = cpu_to_le16(size);
	memcpy(body->data, key, size);
	req->expected = GH_RM_ERROR_LOOKUP_FAILED;

	return gh_rm_request_ask(rm, req, gh_rm_parse_vmids, vmids);
}

/**
 * gh_rm_vm_lookup_name() - ask which VMs have a name
 * @rm: the Resource Manager
 * @name: the name; some 14000 bytes at most
 * @vmids: set to these, maybe none; to be freed by kfree()
 *
 * Return: 0, -EINVAL if @name is too long, -ENOENT if the Resource Manager says
 * so instead of none, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_lookup_name(struct gh_rm *rm, const char *name, struct gh_rm_vmids **vmids)
{
	return gh_rm_vm_lookup(rm, GH_RM_VM_LOOKUP_NAME, name, strlen(name), vmids);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_lookup_name);

/**
 * gh_rm_vm_lookup_uri() - ask which VMs have a URI
 * @rm: the Resource Manager
 * @uri: the URI; some 14000 bytes at most
 * @vmids: set to these, maybe none; to be freed by kfree()
 *
 * Return: as gh_rm_vm_lookup_name().
 */
int gh_rm_vm_lookup_uri(struct gh_rm *rm, const char *uri, struct gh_rm_vmids **vmids)
{
	return gh_rm_vm_lookup(rm, GH_RM_VM_LOOKUP_URI, uri, strlen(uri), vmids);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_lookup_uri);

/**
 * gh_rm_vm_lookup_guid() - ask which VMs have a GUID
 * @rm: the Resource Manager
 * @guid: the GUID, as gh_rm_vm_get_id() tells it
 * @vmids: set to these, maybe none; to be freed by kfree()
 *
 * Return: as gh_rm_vm_lookup_name().
 */
int gh_rm_vm_lookup_guid(struct gh_rm *rm, const uuid_t *guid, struct gh_rm_vmids **vmids)
{
	return gh_rm_vm_lookup(rm, GH_RM_VM_LOOKUP_GUID, guid, sizeof(*guid), vmids);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_lookup_guid);

/**
 * gh_rm_vm_get_owner() - ask who made a VM
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @owner: set to the VMID of its owner
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_get_owner(struct gh_rm *rm, u16 vmid, u16 *owner)
{
	return gh_rm_ask_vm(rm, GH_RM_VM_GET_OWNER, vmid, gh_rm_parse_vmid, owner);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_get_owner);

/**
 * gh_rm_vm_get_peers() - ask which VMs a VM has to do with
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @peers: set to the others, maybe none; to be freed by kfree()
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_get_peers(struct gh_rm *rm, u16 vmid, struct gh_rm_vmids **peers)
{
	return gh_rm_ask_vm(rm, GH_RM_VM_GET_PEERS, vmid, gh_rm_parse_vmids, peers);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_get_peers);

static int gh_rm_parse_state(const void *reply, size_t size, void *result)
{
	struct gh_rm_vm_state *state = result;
	u32 word;

	if (gh_rm_parse_word(reply, size, &word))
		return -EBADMSG;

	*state = (struct gh_rm_vm_state) {
		.vm_status = word & 0xff,
		.os_status = word >> 8 & 0xff,
		.app_status = word >> 16,
	};

	return 0;
}

/**
 * gh_rm_vm_get_state() - ask how a VM is
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @state: to be filled in
 *
 * Return: 0, or an errno as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_get_state(struct gh_rm *rm, u16 vmid, struct gh_rm_vm_state *state)
{
	return gh_rm_ask_vm(rm, GH_RM_VM_GET_STATE, vmid, gh_rm_parse_state, state);
}
EXPORT_SYMBOL_GPL(gh_rm_vm_get_state);

struct gh_rm_crash_msg {
	char *msg;
	size_t size;
};

static int gh_rm_parse_crash_msg(const void *reply, size_t size, void *result)
{
	const struct gh_rm_bytes *body = reply;
	struct gh_rm_crash_msg *copy = result;
	size_t msg_size;

	if (size < sizeof(*body) || body->reserved)
		return -EBADMSG;

	msg_size = le16_to_cpu(body->size);
	if (size != sizeof(*body) + ALIGN(msg_size, GH_RM_PADDING))
		return -EBADMSG;

	copy->msg = kmemdup_nul(body->data, msg_size, GFP_KERNEL);
	if (!copy->msg)
		return -ENOMEM;
	copy->size = msg_size;

	return 0;
}

/**
 * gh_rm_vm_get_crash_msg() - ask for the last words of a VM
 * @rm: the Resource Manager
 * @vmid: of the VM
 * @msg: set to what the guest left, with a NUL behind it, to be freed by kfree().
 *	 Any bytes may be in it
 * @size: set to the number of bytes, without that NUL; 0 if the guest left nothing
 *
 * Return: 0, -EOPNOTSUPP if the Resource Manager keeps no such messages, or an errno
 * as described in linux/gunyah_rsc_mgr.h.
 */
int gh_rm_vm_get_crash_msg(struct gh_rm *rm, u16 vmid, char **msg, size_t *size)
{
	const struct gh_rm_vmid body = gh_rm_vmid(vmid);
	struct gh_rm_crash_msg copy;
	struct gh_rm_request *req;
	int ret;

	req = gh_rm_request_fill(GH_RM_VM_GET_CRASH_MSG, &body, sizeof(body));
	if (!req)
		return -ENOMEM;

	req->expected = GH_RM_ERROR_UNIMPLEMENTED;

	ret = gh_rm_request_ask(rm, req, gh_rm_parse_crash_msg, &copy);
	if (ret)
		return ret;

	*msg = copy.msg;
	*size = copy.size;

	return 0;
}
EXPORT_SYMBOL_GPL(gh_rm_vm_get_crash_msg);

static int gh_rm_parse_resources(const void *reply, size_t size, void *result)
{
	const struct gh_rm_hyp_resources *body = reply;
	struct gh_rm_hyp_resources **resources = result;
	void *copy;

	if (size < sizeof(*body) ||
	    size != struct_size(body, entries, le32_to_cpu(body->n_entries)))
		return -EBADMSG;

	copy = kmemdup(reply, size, GFP_KERNEL);
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
	return gh_rm_ask_vm(rm, GH_RM_VM_GET_HYP_RESOURCES, vmid, gh_rm_parse_resources,
			    resources);
}
EXPORT_SYMBOL_GPL(gh_rm_get_hyp_resources);
