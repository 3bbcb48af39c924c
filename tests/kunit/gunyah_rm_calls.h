/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All messages to the Resource Manager as their test makes them, which includes
 * this: what is to be on the wire, and what the caller is to get.
 */

#ifndef _GUNYAH_RM_CALLS_H
#define _GUNYAH_RM_CALLS_H

#include <linux/gunyah_rsc_mgr.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Room for what a call tells */
#define GH_RPC_TEXT_SIZE	200

struct gh_rpc_bytes {
	const u8 *data;
	size_t size;
};

/* Of a call whose result is more than 0 if it failed, and gave a result nevertheless */
typedef int (*gh_rpc_fn)(struct gh_rm *rm, char *text);

/**
 * struct gh_rpc_call - a call
 * @name: of the call
 * @fn: makes it, and writes what it told as text
 * @msg_id: of the message
 * @request: all of its payload
 * @reply: what follows the code in a good reply
 * @text: what @fn makes of that
 * @before: what a request of another kind has to be answered first, or nothing
 */
struct gh_rpc_call {
	const char *name;
	gh_rpc_fn fn;
	u32 msg_id;
	struct gh_rpc_bytes request;
	struct gh_rpc_bytes reply;
	const char *text;
	struct gh_rpc_bytes before;
};

/**
 * struct gh_rpc_reply - a reply out of the ordinary
 * @what: is special
 * @fn: the call
 * @reply: what follows the code
 * @text: what @fn makes of it, or NULL if the reply is to be refused
 */
struct gh_rpc_reply {
	const char *what;
	gh_rpc_fn fn;
	struct gh_rpc_bytes reply;
	const char *text;
};

/**
 * struct gh_rpc_refusal - a call with arguments that cannot be sent
 * @what: is wrong with them
 * @fn: the call
 */
struct gh_rpc_refusal {
	const char *what;
	gh_rpc_fn fn;
};

/* Each byte of each number is another. */
#define VMID		0x1285
#define OTHER		0x0387
#define HANDLE		0x01020304
#define LABEL		0x0a0b0c0d
#define QUAD_A		0x1112131415161718
#define QUAD_B		0x2122232425262728
#define QUAD_C		0x3132333435363738
#define QUAD_D		0x4142434445464748

/* As these are on the wire */
#define LE_VMID		"\x85\x12"
#define LE_OTHER	"\x87\x03"
#define LE_HANDLE	"\x04\x03\x02\x01"
#define LE_LABEL	"\x0d\x0c\x0b\x0a"
#define LE_A		"\x18\x17\x16\x15\x14\x13\x12\x11"
#define LE_B		"\x28\x27\x26\x25\x24\x23\x22\x21"
#define LE_C		"\x38\x37\x36\x35\x34\x33\x32\x31"
#define LE_D		"\x48\x47\x46\x45\x44\x43\x42\x41"
#define ZERO_2		"\0\0"
#define ZERO_4		"\0\0\0\0"
#define ZERO_8		"\0\0\0\0\0\0\0\0"
#define ONES_2		"\xff\xff"
#define ONES_4		"\xff\xff\xff\xff"
#define LE_1		"\1\0\0\0"
#define LE_2		"\2\0\0\0"
#define LE_3		"\3\0\0\0"
#define LE_4		"\4\0\0\0"
#define LE_5		"\5\0\0\0"
#define LE_7		"\7\0\0\0"
#define LE_16		"\x10\0\0\0"

static const uuid_t gh_rpc_guid =
	UUID_INIT(0x01020304, 0x0506, 0x0708, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10);

#define LE_GUID		"\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define TEXT_GUID	"01020304-0506-0708-090a-0b0c0d0e0f10"

/*
 * What a call is to set has a value before that no reply has, and has it still
 * when the call failed.
 */
#define UNSET		0xeeee

static int gh_rpc_tell(char *text, int ret, bool set, u32 value)
{
	if (ret)
		return set ? 1 : ret;

	scnprintf(text, GH_RPC_TEXT_SIZE, "%#x", value);

	return 0;
}

/* Calls that have no result but that they worked */

#define PLAIN(name, call)					\
static int gh_rpc_##name(struct gh_rm *rm, char *text)		\
{								\
	return call;						\
}

PLAIN(alloc_fixed, gh_rm_alloc_fixed_vmid(rm, VMID))
PLAIN(alloc_fixed_0, gh_rm_alloc_fixed_vmid(rm, 0))
PLAIN(dealloc, gh_rm_dealloc_vmid(rm, VMID))
PLAIN(dealloc_0, gh_rm_dealloc_vmid(rm, 0))
PLAIN(start, gh_rm_vm_start(rm, VMID))
PLAIN(stop, gh_rm_vm_stop(rm, VMID, GH_RM_VM_STOP_FLAG_FORCE, GH_RM_VM_STOP_REASON_FORCED))
PLAIN(shut_down, gh_rm_vm_stop(rm, VMID, 0, HANDLE))
PLAIN(reset, gh_rm_vm_reset(rm, VMID))
PLAIN(configure, gh_rm_vm_configure(rm, VMID, GH_RM_VM_AUTH_QCOM_ANDROID_PVM, HANDLE,
				    QUAD_A, QUAD_B, QUAD_C, QUAD_D))
PLAIN(auth_bare, gh_rm_vm_auth_image(rm, VMID, NULL, 0))
PLAIN(init, gh_rm_vm_init(rm, VMID))
PLAIN(firmware, gh_rm_vm_set_firmware_mem(rm, VMID, HANDLE, QUAD_A, QUAD_B))
PLAIN(boot_context, gh_rm_vm_set_boot_context(rm, VMID, GH_RM_BOOT_REGISTER_SP, 1, QUAD_A))
PLAIN(time_base, gh_rm_vm_set_time_base(rm, VMID, QUAD_A, QUAD_B))
PLAIN(reclaim, gh_rm_mem_reclaim(rm, HANDLE, GH_RM_MEM_SANITIZE))
PLAIN(reclaim_0, gh_rm_mem_reclaim(rm, 0, 0))
PLAIN(released, gh_rm_mem_notify(rm, HANDLE, GH_RM_MEM_RELEASED, LABEL, NULL, 0))
PLAIN(accepted, gh_rm_mem_notify(rm, HANDLE, GH_RM_MEM_ACCEPTED, LABEL, NULL, 0))
PLAIN(recall_nobody, gh_rm_mem_notify(rm, HANDLE, GH_RM_MEM_RECALL, LABEL, NULL, 0))

static int gh_rpc_auth(struct gh_rm *rm, char *text)
{
	const struct gh_rm_vm_auth_param params[] = {
		{ .type = cpu_to_le32(HANDLE), .value = cpu_to_le32(LABEL) },
		{ .type = cpu_to_le32(0), .value = cpu_to_le32(U32_MAX) },
	};

	return gh_rm_vm_auth_image(rm, VMID, params, ARRAY_SIZE(params));
}

/* One more than 63 packets hold */
static int gh_rpc_auth_much(struct gh_rm *rm, char *text)
{
	return gh_rm_vm_auth_image(rm, VMID, NULL, 1827);
}

static int gh_rpc_notify(struct gh_rm *rm, enum gh_rm_mem_event event, size_t n)
{
	static const u16 vmids[513] = { VMID, OTHER };

	return gh_rm_mem_notify(rm, HANDLE, event, LABEL, vmids, n);
}

PLAIN(shared, gh_rpc_notify(rm, GH_RM_MEM_SHARED, 2))
PLAIN(recall, gh_rpc_notify(rm, GH_RM_MEM_RECALL, 1))
PLAIN(recall_many, gh_rpc_notify(rm, GH_RM_MEM_RECALL, 513))
PLAIN(released_to, gh_rpc_notify(rm, GH_RM_MEM_RELEASED, 1))

/* Calls that tell a number */

#define NUMBER(name, type, call)				\
static int gh_rpc_##name(struct gh_rm *rm, char *text)		\
{								\
	const type unset = UNSET;				\
	type value = unset;					\
	int ret = call;						\
								\
	return gh_rpc_tell(text, ret, value != unset, value);	\
}

NUMBER(alloc, u16, gh_rm_alloc_vmid(rm, &value))
NUMBER(get_vmid, u16, gh_rm_get_vmid(rm, &value))
NUMBER(get_owner, u16, gh_rm_vm_get_owner(rm, VMID, &value))
NUMBER(get_host_type, u32, gh_rm_get_host_type(rm, &value))

static int gh_rpc_get_state(struct gh_rm *rm, char *text)
{
	struct gh_rm_vm_state state = { 0xee, 0xee, UNSET };
	int ret = gh_rm_vm_get_state(rm, VMID, &state);

	if (ret)
		return state.vm_status != 0xee || state.os_status != 0xee ||
		       state.app_status != UNSET ? 1 : ret;

	scnprintf(text, GH_RPC_TEXT_SIZE, "%u %u %#x", state.vm_status, state.os_status,
		  state.app_status);

	return 0;
}

/* Calls that tell VMs */

#define VMS(name, call)						\
static int gh_rpc_##name(struct gh_rm *rm, char *text)		\
{								\
	struct gh_rm_vmids *vmids = NULL;			\
	int ret = call;						\
								\
	return gh_rpc_tell_vmids(text, ret, vmids);		\
}

static int gh_rpc_tell_vmids(char *text, int ret, struct gh_rm_vmids *vmids)
{
	size_t len, i;

	if (ret)
		return vmids ? 1 : ret;

	len = scnprintf(text, GH_RPC_TEXT_SIZE, "%zu:", vmids->n);
	for (i = 0; i < vmids->n; i++)
		len += scnprintf(text + len, GH_RPC_TEXT_SIZE - len, " %#x", vmids->vmids[i]);
	kfree(vmids);

	return 0;
}

VMS(lookup_name, gh_rm_vm_lookup_name(rm, "guest", &vmids))
VMS(lookup_no_name, gh_rm_vm_lookup_name(rm, "", &vmids))
VMS(lookup_uri, gh_rm_vm_lookup_uri(rm, "vm:/abc", &vmids))
VMS(lookup_guid, gh_rm_vm_lookup_guid(rm, &gh_rpc_guid, &vmids))
VMS(get_peers, gh_rm_vm_get_peers(rm, VMID, &vmids))

static int gh_rpc_lookup_long(struct gh_rm *rm, char *text)
{
	/* Of 63 packets, less what is before the name; and one byte more */
	const size_t len = 63 * 232 - 4 + 1;
	struct gh_rm_vmids *vmids = NULL;
	char *name = kmalloc(len + 1, GFP_KERNEL);
	int ret;

	if (!name)
		return -ENOMEM;
	memset(name, 'n', len);
	name[len] = '\0';
	ret = gh_rm_vm_lookup_name(rm, name, &vmids);
	kfree(name);

	return gh_rpc_tell_vmids(text, ret, vmids);
}

static int gh_rpc_get_id(struct gh_rm *rm, char *text)
{
	struct gh_rm_vm_id *id = NULL;
	int ret = gh_rm_vm_get_id(rm, VMID, &id);

	if (ret)
		return id ? 1 : ret;

	scnprintf(text, GH_RPC_TEXT_SIZE, "%pUb %s %s %s", &id->guid, id->name ?: "-",
		  id->uri ?: "-", id->sign_auth ?: "-");
	kfree(id);

	return 0;
}

static int gh_rpc_get_crash_msg(struct gh_rm *rm, char *text)
{
	size_t size = UNSET;
	char *msg = NULL;
	int ret = gh_rm_vm_get_crash_msg(rm, VMID, &msg, &size);

	if (ret)
		return msg || size != UNSET ? 1 : ret;

	scnprintf(text, GH_RPC_TEXT_SIZE, "%zu: %s", size, msg);
	if (msg[size])
		ret = 1;
	kfree(msg);

	return ret;
}

static int gh_rpc_get_resources(struct gh_rm *rm, char *text)
{
	struct gh_rm_hyp_resources *resources = NULL;
	int ret = gh_rm_get_hyp_resources(rm, VMID, &resources);
	const struct gh_rm_hyp_resource *entry;
	size_t len = 0;
	u32 i;

	if (ret)
		return resources ? 1 : ret;

	for (i = 0; i < le32_to_cpu(resources->n_entries); i++) {
		entry = &resources->entries[i];
		len += scnprintf(text + len, GH_RPC_TEXT_SIZE - len,
				 "%u vm %#x label %#x cap %#llx virq %#x at %#llx %#llx;",
				 entry->type, le16_to_cpu(entry->partner_vmid),
				 le32_to_cpu(entry->resource_label), le64_to_cpu(entry->cap_id),
				 le32_to_cpu(entry->virq), le64_to_cpu(entry->base),
				 le64_to_cpu(entry->size));
	}
	kfree(resources);

	return 0;
}

/* Calls that describe a parcel: all of its runs are the same, which nobody minds here. */

static size_t gh_rpc_next_entries(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	size_t i;

	for (i = 0; i < max; i++) {
		entries[i].phys_addr = cpu_to_le64(QUAD_A);
		entries[i].size = cpu_to_le64(QUAD_B);
	}

	return max;
}

static const struct gh_rm_mem_acl_entry gh_rpc_acl[] = {
	{ .vmid = cpu_to_le16(VMID), .perms = GH_RM_ACL_R | GH_RM_ACL_W | GH_RM_ACL_X },
	{ .vmid = cpu_to_le16(OTHER), .perms = GH_RM_ACL_R },
};

static struct gh_rm_mem_parcel gh_rpc_parcel(size_t n_runs, u8 flags)
{
	return (struct gh_rm_mem_parcel) {
		.mem_type = GH_RM_MEM_TYPE_NORMAL,
		.flags = flags,
		.label = LABEL,
		.n_acl_entries = ARRAY_SIZE(gh_rpc_acl),
		.acl_entries = gh_rpc_acl,
		.n_mem_entries = n_runs,
		.next_entries = gh_rpc_next_entries,
	};
}

static int gh_rpc_give(struct gh_rm *rm, char *text, size_t n_runs, u8 flags,
		       int (*give)(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel))
{
	struct gh_rm_mem_parcel parcel = gh_rpc_parcel(n_runs, flags);
	int ret = give(rm, &parcel);

	return gh_rpc_tell(text, ret, parcel.mem_handle != GH_MEM_HANDLE_INVAL,
			   parcel.mem_handle);
}

PLAIN(donate, gh_rpc_give(rm, text, 1, 0, gh_rm_mem_donate))
PLAIN(lend, gh_rpc_give(rm, text, 1, GH_RM_MEM_SANITIZE, gh_rm_mem_lend))
PLAIN(share, gh_rpc_give(rm, text, 1, 0, gh_rm_mem_share))
PLAIN(append, gh_rpc_give(rm, text, 513, 0, gh_rm_mem_lend))
PLAIN(lend_flags, gh_rpc_give(rm, text, 1, BIT(1), gh_rm_mem_lend))

static int gh_rpc_lookup_runs(struct gh_rm *rm, char *text, size_t n_runs)
{
	struct gh_rm_mem_parcel parcel = gh_rpc_parcel(n_runs, 0);
	u32 mem_handle = UNSET;
	int ret = gh_rm_mem_lookup(rm, &parcel, &mem_handle);

	return gh_rpc_tell(text, ret, mem_handle != UNSET, mem_handle);
}

PLAIN(lookup_sgl, gh_rpc_lookup_runs(rm, text, 1))
PLAIN(lookup_sgl_none, gh_rpc_lookup_runs(rm, text, 0))
PLAIN(lookup_sgl_many, gh_rpc_lookup_runs(rm, text, 513))

#define BYTES(_string)	{ .data = (const u8 *)(_string), .size = sizeof(_string) - 1 }

#define CALL(_name, _msg_id, _request, _reply, _text) {		\
	.name = #_name,						\
	.fn = gh_rpc_##_name,					\
	.msg_id = _msg_id,					\
	.request = BYTES(_request),				\
	.reply = BYTES(_reply),					\
	.text = _text,						\
}

/* Most messages name a VM. */
#define LE_VM		"\x85\x12\0\0"
#define LE_OTHER_VM	"\x87\x03\0\0"

/* Label, access rights of @gh_rpc_acl, one run, no attributes */
#define LE_PARCEL	LE_LABEL LE_2 LE_VMID "\7\0" LE_OTHER "\4\0" \
			LE_1 LE_A LE_B ZERO_4

/* A vCPU, and a doorbell without an interrupt, whose capability is 0 */
#define LE_VCPU		"\4\0" LE_VMID ZERO_4 LE_7 LE_A ZERO_4 "\xc2\3\0\0" LE_B LE_C
#define LE_BELL		"\0\0" LE_OTHER ZERO_4 LE_LABEL ZERO_8 ZERO_4 ZERO_4 ZERO_8 ZERO_8
#define TEXT_VCPU	"4 vm 0x1285 label 0x7 cap 0x1112131415161718 virq 0x3c2 " \
			"at 0x2122232425262728 0x3132333435363738;"
#define TEXT_BELL	"0 vm 0x387 label 0xa0b0c0d cap 0x0 virq 0x0 at 0x0 0x0;"

#define LE_ID_GUID	"\0\0\x10\0" LE_GUID
#define LE_ID_URI	"\1\0\4\0vm:/"
#define LE_ID_NAME	"\2\0\5\0guest\0\0\0"
#define LE_ID_SIGN	"\3\0\3\0me!\0"

static const struct gh_rpc_call gh_rpc_calls[] = {
	CALL(alloc, 0x56000001, ZERO_4, LE_VM, "0x1285"),
	CALL(alloc_fixed, 0x56000001, LE_VM, "", ""),
	CALL(dealloc, 0x56000002, LE_VM, "", ""),
	CALL(dealloc_0, 0x56000002, ZERO_4, "", ""),
	CALL(start, 0x56000004, LE_VM, "", ""),
	CALL(stop, 0x56000005, LE_VMID "\1\0" LE_3, "", ""),
	CALL(shut_down, 0x56000005, LE_VMID ZERO_2 LE_HANDLE, "", ""),
	CALL(reset, 0x56000006, LE_VM, "", ""),
	CALL(configure, 0x56000009, LE_VMID "\2\0" LE_HANDLE LE_A LE_B LE_C LE_D, "", ""),
	CALL(auth, 0x5600000a, LE_VMID "\2\0" LE_HANDLE LE_LABEL ZERO_4 ONES_4, "", ""),
	CALL(auth_bare, 0x5600000a, LE_VM, "", ""),
	CALL(init, 0x5600000b, LE_VM, "", ""),
	CALL(time_base, 0x56000030, LE_VM LE_A LE_B, "", ""),
	CALL(boot_context, 0x56000031, LE_VMID "\2\1" ZERO_4 LE_A, "", ""),
	CALL(firmware, 0x56000032, LE_VM LE_HANDLE LE_A LE_B, "", ""),

	CALL(get_id, 0x56000010, LE_VM, LE_4 LE_ID_GUID LE_ID_NAME LE_ID_URI LE_ID_SIGN,
	     TEXT_GUID " guest vm:/ me!"),
	CALL(lookup_uri, 0x56000011, LE_7 "vm:/abc\0", LE_1 LE_OTHER_VM, "1: 0x387"),
	CALL(lookup_guid, 0x56000012, LE_16 LE_GUID, LE_2 LE_VM LE_OTHER_VM,
	     "2: 0x1285 0x387"),
	CALL(lookup_name, 0x56000013, LE_5 "guest\0\0\0", LE_2 LE_VM LE_OTHER_VM,
	     "2: 0x1285 0x387"),
	CALL(lookup_no_name, 0x56000013, ZERO_4, ZERO_4, "0:"),
	CALL(get_owner, 0x56000015, LE_VM, LE_OTHER_VM, "0x387"),
	CALL(get_state, 0x56000017, LE_VM, "\3\4\xcd\xab", "3 4 0xabcd"),
	CALL(get_crash_msg, 0x56000019, LE_VM, LE_5 "panic\xff\xff\xff", "5: panic"),
	CALL(get_resources, 0x56000020, LE_VM, LE_2 LE_VCPU LE_BELL, TEXT_VCPU TEXT_BELL),
	CALL(get_vmid, 0x56000024, "", LE_VM, "0x1285"),
	CALL(get_peers, 0x56000025, LE_VM, LE_3 LE_OTHER_VM LE_VM ZERO_4,
	     "3: 0x387 0x1285 0x0"),
	CALL(get_host_type, 0x560000a0, "", "\x64\1\0\1", "0x1000164"),

	CALL(donate, 0x51000010, ZERO_4 LE_PARCEL, ZERO_4, "0x0"),
	CALL(lend, 0x51000012, "\0\0\1\0" LE_PARCEL, LE_HANDLE, "0x1020304"),
	CALL(share, 0x51000013, ZERO_4 LE_PARCEL, ZERO_4, "0x0"),
	CALL(reclaim, 0x51000015, LE_HANDLE LE_1, "", ""),
	CALL(reclaim_0, 0x51000015, ZERO_8, "", ""),
	CALL(shared, 0x51000017, LE_HANDLE LE_1 LE_LABEL LE_2 LE_VM LE_OTHER_VM,
	     "", ""),
	CALL(released, 0x51000017, LE_HANDLE LE_2 LE_LABEL, "", ""),
	CALL(accepted, 0x51000017, LE_HANDLE LE_4 LE_LABEL, "", ""),
	CALL(recall, 0x51000017, LE_HANDLE "\x08\0\0\0" LE_LABEL LE_1 LE_VM, "", ""),
	CALL(lookup_sgl, 0x5100001a, ZERO_4 LE_PARCEL, ZERO_4, "0x0"),
	{
		.name = "append",
		.fn = gh_rpc_append,
		.msg_id = 0x51000018,
		.request = BYTES(LE_HANDLE LE_1 LE_1 LE_A LE_B),
		.text = "0x1020304",
		.before = BYTES(LE_HANDLE),
	},
};

#define GOOD(_what, _name, _reply, _text) \
	{ .what = _what, .fn = gh_rpc_##_name, .reply = BYTES(_reply), .text = _text }
#define BAD(_what, _name, _reply) \
	GOOD(_what, _name, _reply, NULL)

static const struct gh_rpc_reply gh_rpc_replies[] = {
	GOOD("VMID 0", get_vmid, ZERO_4, "0x0"),
	BAD("no VMID", alloc, ONES_2 ZERO_2),
	BAD("VMID of 17 bits", alloc, LE_VMID "\1\0"),
	BAD("no VMID", get_vmid, ONES_2 ZERO_2),
	BAD("VMID of 32 bits", get_vmid, ONES_4),
	BAD("VMID of 17 bits", get_owner, LE_VMID "\1\0"),

	GOOD("ones", get_host_type, ONES_4, "0xffffffff"),
	GOOD("ones", get_state, ONES_4, "255 255 0xffff"),

	GOOD("only a GUID", get_id, LE_1 LE_ID_GUID, TEXT_GUID " - - -"),
	GOOD("another order", get_id, LE_3 LE_ID_SIGN LE_ID_NAME LE_ID_GUID,
	     TEXT_GUID " guest - me!"),
	GOOD("unknown type", get_id, LE_3 LE_ID_GUID "\4\0\1\0x\0\0\0" LE_ID_NAME,
	     TEXT_GUID " guest - -"),
	GOOD("NUL at the end", get_id, LE_2 LE_ID_GUID "\2\0\4\0abc\0",
	     TEXT_GUID " abc - -"),
	GOOD("empty name, rubbish as padding", get_id,
	     LE_3 LE_ID_GUID "\2\0\0\0\1\0\2\0mexy", TEXT_GUID "  me -"),
	BAD("NUL within", get_id, LE_2 LE_ID_GUID "\2\0\4\0a\0b\0"),
	BAD("no GUID", get_id, LE_1 LE_ID_NAME),
	BAD("nothing", get_id, ZERO_4),
	BAD("GUID of 15 bytes", get_id, LE_1 "\0\0\x0f\0" LE_GUID),
	BAD("GUID of 17 bytes", get_id, LE_1 "\0\0\x11\0" LE_GUID ZERO_4),
	BAD("two GUIDs", get_id, LE_2 LE_ID_GUID LE_ID_GUID),
	BAD("two names", get_id, LE_3 LE_ID_GUID LE_ID_NAME LE_ID_NAME),
	BAD("one too few", get_id, LE_1 LE_ID_GUID LE_ID_NAME),
	BAD("one too many", get_id, LE_3 LE_ID_GUID LE_ID_NAME),
	BAD("far too many", get_id, ONES_4 LE_ID_GUID LE_ID_NAME),
	BAD("name goes on behind the end", get_id,
	    LE_2 LE_ID_GUID "\2\0\x09\0guest\0\0\0"),
	BAD("name far too long", get_id, LE_2 LE_ID_GUID "\2\0" ONES_2 "guest\0\0\0"),
	BAD("reserved field", get_id, LE_1 "\0\1\x10\0" LE_GUID),

	GOOD("nobody", lookup_name, ZERO_4, "0:"),
	GOOD("nobody", get_peers, ZERO_4, "0:"),
	BAD("one too few", lookup_name, LE_1 LE_VM LE_OTHER_VM),
	BAD("one too many", lookup_name, LE_3 LE_VM LE_OTHER_VM),
	BAD("none of two", lookup_uri, ZERO_4 LE_VM LE_OTHER_VM),
	/* The size would be right in 32 bits. */
	BAD("2^30 more", lookup_guid, "\2\0\0\x40" LE_VM LE_OTHER_VM),
	BAD("2^30", get_peers, "\0\0\0\x40"),
	BAD("all ones", lookup_name, ONES_4 LE_VM LE_OTHER_VM),
	BAD("VMID of 17 bits", get_peers, LE_2 LE_VM LE_OTHER "\1\0"),
	BAD("no VMID", lookup_guid, LE_2 ONES_2 ZERO_2 LE_OTHER_VM),

	GOOD("none", get_crash_msg, ZERO_4, "0: "),
	GOOD("no padding", get_crash_msg, LE_4 "oops", "4: oops"),
	GOOD("NUL within", get_crash_msg, LE_3 "a\0c\0", "3: a"),
	BAD("padding missing", get_crash_msg, LE_3 "oop"),
	BAD("too long", get_crash_msg, LE_5 "oops"),
	BAD("too short", get_crash_msg, ZERO_4 "oops"),
	BAD("far too long", get_crash_msg, ONES_2 ZERO_2 "oops"),
	BAD("reserved field", get_crash_msg, "\4\0\1\0oops"),

	GOOD("none", get_resources, ZERO_4, ""),
	BAD("one too few", get_resources, LE_1 LE_VCPU LE_BELL),
	BAD("one too many", get_resources, LE_3 LE_VCPU LE_BELL),
	BAD("none of two", get_resources, ZERO_4 LE_VCPU LE_BELL),
	/* The size would be right in 32 bits. */
	BAD("2^30 more", get_resources, "\1\0\0\x40" LE_VCPU),
	BAD("2^30", get_resources, "\0\0\0\x40"),
	BAD("all ones", get_resources, ONES_4 LE_VCPU LE_BELL),

	BAD("no handle", lend, ONES_4),
	BAD("no handle", share, ONES_4),
	BAD("no handle", donate, ONES_4),
	BAD("no handle", lookup_sgl, ONES_4),
	GOOD("highest handle", lend, "\xfe\xff" ONES_2, "0xfffffffe"),
	GOOD("highest handle", lookup_sgl, "\xfe\xff" ONES_2, "0xfffffffe"),
};

static const struct gh_rpc_refusal gh_rpc_refusals[] = {
	{ "fixed VMID 0", gh_rpc_alloc_fixed_0 },
	{ "too many parameters", gh_rpc_auth_much },
	{ "too long a name", gh_rpc_lookup_long },
	{ "recall that is for nobody", gh_rpc_recall_nobody },
	{ "recall that is for too many", gh_rpc_recall_many },
	{ "release that is for others", gh_rpc_released_to },
	{ "flags that are not there", gh_rpc_lend_flags },
	{ "no run", gh_rpc_lookup_sgl_none },
	{ "too many runs", gh_rpc_lookup_sgl_many },
};

#endif /* _GUNYAH_RM_CALLS_H */
