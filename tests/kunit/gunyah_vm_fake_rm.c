// SPDX-License-Identifier: GPL-2.0
/*
 * A Resource Manager in place of the real one, for the VM manager's test, which
 * includes this: a state, a list of what it was asked, and faults on demand.
 */

#include <linux/delay.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#define TEST_VMID	128
#define TEST_HOST	3

/* What the Resource Manager is asked, one letter each. */
#define ALLOC		"A"
#define WHO		"W"
#define LEND		"L"
#define SHARE		"S"
#define CONFIGURE	"C"
#define INIT		"I"
#define RESOURCES	"G"
#define START		"T"
#define STOP		"X"
#define RESET		"R"
#define RECLAIM		"M"
#define DEALLOC		"D"
#define PROBE		"?"
#define BOOT_REG	"B"
#define FIRMWARE	"F"
#define STATE		"V"
#define CRASH_MSG	"Y"

#define TEST_API_VERSION	1
#define TEST_VARIANT		'Q'
#define TEST_FEATURES(_word)	(0xfeed000000000010 + (_word))

enum fake_state {
	FAKE_FREE,
	FAKE_LOAD,
	FAKE_INIT,
	FAKE_INIT_FAILED,
	FAKE_READY,
	FAKE_RUNNING,
	FAKE_EXITED,
	FAKE_RESETTING,
	FAKE_RESET,
};

/**
 * struct gh_rm - the Resource Manager
 * @dev: for messages
 * @nb: who wants notifications
 * @state: of its only VM
 * @parcels: which memory handles are in use
 * @trace: what it was asked
 * @fail_op: fail the next of these
 * @fail_errno: with this
 * @unsent: and do so without having heard of it
 * @reclaims_busy: how many reclaims fail
 * @exits_at_start: the guest exits before the start is answered
 * @exits_at_stop: the guest exits by itself when it is to be stopped
 * @late: notifications of stop and reset come after the reply
 * @late_work: brings them
 * @lacks: which messages it does not have, by enum gh_rm_optional
 * @block_op: do not answer these until it is changed
 * @blocked: one of them waits for that
 * @mute: neither replies nor notifications come: it is gone
 * @auth: kind of VM
 * @dtb_offset: where in the image the devicetree is
 * @dtb_size: its size
 * @fw_handle: parcel of the firmware
 * @fw_offset: where in the parcel it is
 * @fw_size: its size
 * @states_unknown: how many questions for the state fail
 * @crash_size: how many bytes the guest left when it crashed
 * @n_regs: how many registers of the boot context were set
 * @regs: these
 */
struct gh_rm {
	struct device *dev;
	struct notifier_block *nb;
	enum fake_state state;
	unsigned long parcels;
	char trace[128];
	char fail_op;
	int fail_errno;
	bool unsent;
	bool unheard;
	unsigned int reclaims_busy;
	unsigned int resources_until_error;
	bool exits_at_start;
	bool exits_at_stop;
	bool late;
	struct delayed_work late_work;
	unsigned long lacks;
	char block_op;
	bool blocked;
	bool mute;
	enum gh_rm_vm_auth_mechanism auth;
	u64 dtb_offset;
	u64 dtb_size;
	u32 fw_handle;
	u64 fw_offset;
	u64 fw_size;
	unsigned int states_unknown;
	size_t crash_size;
	unsigned int n_regs;
	struct {
		u8 set;
		u8 index;
		u64 value;
	} regs[40];
};

/* Returns what the request is to return, or 0 if it is to be served. */
static int fake_asked(struct gh_rm *rm, const char *op)
{
	if (rm->mute)
		return -ENODEV;

	strlcat(rm->trace, op, sizeof(rm->trace));
	while (READ_ONCE(rm->block_op) == *op) {
		WRITE_ONCE(rm->blocked, true);
		msleep(20);
	}
	WRITE_ONCE(rm->blocked, false);
	if (rm->fail_op != *op)
		return 0;
	rm->fail_op = 0;
	return rm->fail_errno;
}

static void fake_notify_exit(struct gh_rm *rm, u16 type)
{
	struct {
		struct gh_rm_vm_exited_payload head;
		u8 reason[12];
	} __packed payload = {
		.head.vmid = cpu_to_le16(TEST_VMID),
		.head.exit_type = cpu_to_le16(type),
		.head.exit_reason_size = cpu_to_le32(U32_MAX),
		.reason = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	};
	struct gh_rm_notification notif = { .buff = &payload, .size = sizeof(payload) };

	rm->nb->notifier_call(rm->nb, GH_RM_NOTIF_VM_EXITED, &notif);
}

static void fake_notify_reset(struct gh_rm *rm)
{
	struct gh_rm_vm_status_payload payload = {
		.vmid = cpu_to_le16(TEST_VMID),
		.vm_status = GH_RM_VM_STATUS_RESET,
	};
	struct gh_rm_notification notif = { .buff = &payload, .size = sizeof(payload) };

	rm->nb->notifier_call(rm->nb, GH_RM_NOTIF_VM_STATUS, &notif);
}

static void fake_notify(struct gh_rm *rm)
{
	if (rm->state == FAKE_EXITED) {
		fake_notify_exit(rm, rm->exits_at_stop ? GH_VM_EXIT_TYPE_PSCI_POWER_OFF :
							 GH_VM_EXIT_TYPE_VM_FORCE_STOPPED);
	} else if (rm->state == FAKE_RESETTING) {
		rm->state = FAKE_RESET;
		fake_notify_reset(rm);
	}
}

static void fake_late_work(struct work_struct *work)
{
	fake_notify(container_of(to_delayed_work(work), struct gh_rm, late_work));
}

static void fake_notify_somewhen(struct gh_rm *rm)
{
	if (rm->late)
		schedule_delayed_work(&rm->late_work, HZ / 20);
	else
		fake_notify(rm);
}

/* What the hypervisor says of itself */
u16 gh_api_version(void)
{
	return TEST_API_VERSION;
}

u8 gh_api_variant(void)
{
	return TEST_VARIANT;
}

u64 gh_api_features(unsigned int word)
{
	return TEST_FEATURES(word);
}

int gh_rm_has(struct gh_rm *rm, enum gh_rm_optional what)
{
	int ret = fake_asked(rm, PROBE);

	return ret ? ret : !(rm->lacks & BIT(what));
}

struct gh_rm *gh_rm_get(struct gh_rm *rm)
{
	return rm;
}

void gh_rm_put(struct gh_rm *rm)
{
}

struct device *gh_rm_dev(struct gh_rm *rm)
{
	return rm->dev;
}

u64 gh_rm_n_replies(struct gh_rm *rm)
{
	return strlen(rm->trace);
}

int gh_rm_notifier_register(struct gh_rm *rm, struct notifier_block *nb)
{
	rm->nb = nb;
	return 0;
}

int gh_rm_notifier_unregister(struct gh_rm *rm, struct notifier_block *nb)
{
	rm->nb = NULL;
	return 0;
}

int gh_rm_alloc_vmid(struct gh_rm *rm, u16 *vmid)
{
	int ret = fake_asked(rm, ALLOC);

	if (ret)
		return ret;
	rm->state = FAKE_LOAD;
	*vmid = TEST_VMID;
	return 0;
}

int gh_rm_dealloc_vmid(struct gh_rm *rm, u16 vmid)
{
	int ret = fake_asked(rm, DEALLOC);

	if (ret)
		return ret;
	if (rm->state != FAKE_LOAD && rm->state != FAKE_RESET)
		return -EBADFD;
	rm->state = FAKE_FREE;
	return 0;
}

int gh_rm_get_vmid(struct gh_rm *rm, u16 *vmid)
{
	int ret = fake_asked(rm, WHO);

	if (!ret)
		*vmid = TEST_HOST;
	return ret;
}

static int fake_parcel(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel, const char *op)
{
	struct gh_rm_mem_entry entry;
	size_t n = 0;
	int ret = fake_asked(rm, op);

	if (ret)
		return ret;
	while (parcel->next_entries(parcel->priv, &entry, 1))
		n++;
	if (n != parcel->n_mem_entries)
		return -EINVAL;

	parcel->mem_handle = ffz(rm->parcels);
	parcel->held = true;
	__set_bit(parcel->mem_handle, &rm->parcels);
	return 0;
}

int gh_rm_mem_lend(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	return fake_parcel(rm, parcel, LEND);
}

int gh_rm_mem_share(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel)
{
	return fake_parcel(rm, parcel, SHARE);
}

/* Parcels are known here, or are not there at all. */
int gh_rm_mem_claim(struct gh_rm_request *claim, u32 *mem_handle)
{
	return -ENOENT;
}

void gh_rm_mem_unclaim(struct gh_rm_request *claim)
{
}

int gh_rm_mem_reclaim(struct gh_rm *rm, u32 mem_handle, u8 flags)
{
	int ret = fake_asked(rm, RECLAIM);

	if (ret)
		return ret;
	if (rm->reclaims_busy) {
		rm->reclaims_busy--;
		return -EBUSY;
	}
	if (mem_handle >= BITS_PER_LONG || !test_bit(mem_handle, &rm->parcels))
		return -ESTALE;
	if (rm->state != FAKE_LOAD && rm->state != FAKE_RESET && rm->state != FAKE_INIT_FAILED)
		return -EBUSY;
	__clear_bit(mem_handle, &rm->parcels);
	return 0;
}

/* A step of the start; if it fails it leaves the VM failed, if it was heard of. */
static int fake_step(struct gh_rm *rm, const char *op, enum fake_state from, enum fake_state to)
{
	int ret = fake_asked(rm, op);

	if (ret && rm->unsent)
		return ret;
	if (rm->state != from)
		return -EBADFD;
	/* A reply that is lost says nothing about what was done. */
	rm->state = ret && !rm->unheard ? FAKE_INIT_FAILED : to;
	return ret;
}

int gh_rm_vm_configure(struct gh_rm *rm, u16 vmid, enum gh_rm_vm_auth_mechanism auth,
		       u32 mem_handle, u64 image_offset, u64 image_size,
		       u64 dtb_offset, u64 dtb_size)
{
	if (mem_handle >= BITS_PER_LONG || !test_bit(mem_handle, &rm->parcels))
		return -EINVAL;
	rm->auth = auth;
	rm->dtb_offset = dtb_offset;
	rm->dtb_size = dtb_size;
	return fake_step(rm, CONFIGURE, FAKE_LOAD, FAKE_INIT);
}

int gh_rm_vm_set_firmware_mem(struct gh_rm *rm, u16 vmid, u32 mem_handle, u64 offset, u64 size)
{
	int ret = fake_asked(rm, FIRMWARE);

	if (ret)
		return ret;
	if (rm->state != FAKE_INIT || rm->auth != GH_RM_VM_AUTH_QCOM_ANDROID_PVM)
		return -EBADFD;
	if (mem_handle >= BITS_PER_LONG || !test_bit(mem_handle, &rm->parcels))
		return -EINVAL;
	rm->fw_handle = mem_handle;
	rm->fw_offset = offset;
	rm->fw_size = size;
	return 0;
}

int gh_rm_vm_set_boot_context(struct gh_rm *rm, u16 vmid, enum gh_rm_boot_register_set set,
			      u8 index, u64 value)
{
	int ret = fake_asked(rm, BOOT_REG);

	if (ret)
		return ret;
	if (rm->state != FAKE_READY || rm->n_regs == ARRAY_SIZE(rm->regs))
		return -EBADFD;
	rm->regs[rm->n_regs].set = set;
	rm->regs[rm->n_regs].index = index;
	rm->regs[rm->n_regs].value = value;
	rm->n_regs++;
	return 0;
}

int gh_rm_vm_get_state(struct gh_rm *rm, u16 vmid, struct gh_rm_vm_state *state)
{
	int ret = fake_asked(rm, STATE);

	if (ret)
		return ret;
	if (rm->states_unknown) {
		rm->states_unknown--;
		return -ENOMEM;
	}
	state->vm_status = rm->state == FAKE_INIT ? GH_RM_VM_STATUS_INIT :
						    GH_RM_VM_STATUS_INIT_FAILED;
	return 0;
}

int gh_rm_vm_get_crash_msg(struct gh_rm *rm, u16 vmid, char **msg, size_t *size)
{
	int ret = fake_asked(rm, CRASH_MSG);

	if (ret)
		return ret;
	*msg = kmalloc(rm->crash_size + 1, GFP_KERNEL);
	if (!*msg)
		return -ENOMEM;
	memset(*msg, 0x5a, rm->crash_size + 1);
	*size = rm->crash_size;
	return 0;
}

int gh_rm_vm_init(struct gh_rm *rm, u16 vmid)
{
	return fake_step(rm, INIT, FAKE_INIT, FAKE_READY);
}

int gh_rm_vm_start(struct gh_rm *rm, u16 vmid)
{
	int ret = fake_step(rm, START, FAKE_READY, FAKE_RUNNING);

	if (!ret && rm->exits_at_start) {
		rm->state = FAKE_EXITED;
		fake_notify_exit(rm, GH_VM_EXIT_TYPE_PSCI_POWER_OFF);
	}
	return ret;
}

int gh_rm_vm_stop(struct gh_rm *rm, u16 vmid, u8 flags, u32 reason)
{
	int ret = fake_asked(rm, STOP);

	if (ret)
		return ret;
	/* Nobody listens to a mere request in these tests. */
	if (!(flags & GH_RM_VM_STOP_FLAG_FORCE))
		return 0;
	if (rm->state != FAKE_RUNNING)
		return -EBADFD;
	rm->state = FAKE_EXITED;
	fake_notify_somewhen(rm);
	return rm->exits_at_stop ? -EBADFD : 0;
}

int gh_rm_vm_reset(struct gh_rm *rm, u16 vmid)
{
	int ret = fake_asked(rm, RESET);

	if (ret)
		return ret;
	if (rm->state != FAKE_READY && rm->state != FAKE_INIT_FAILED && rm->state != FAKE_EXITED)
		return -EBADFD;
	/* Until it says so nothing comes back. */
	rm->state = FAKE_RESETTING;
	fake_notify_somewhen(rm);
	return 0;
}

int gh_rm_get_hyp_resources(struct gh_rm *rm, u16 vmid, struct gh_rm_hyp_resources **resources)
{
	int ret = fake_asked(rm, RESOURCES);

	if (ret)
		return ret;
	*resources = kzalloc(struct_size(*resources, entries, 2), GFP_KERNEL);
	if (!*resources)
		return -ENOMEM;
	(*resources)->n_entries = cpu_to_le32(2);
	(*resources)->entries[0].type = GH_RESOURCE_TYPE_VCPU;
	(*resources)->entries[1].type = GH_RESOURCE_TYPE_BELL_TX;
	(*resources)->entries[1].resource_label = cpu_to_le32(7);
	return 0;
}

struct gh_resource *gh_rm_alloc_resource(struct gh_rm *rm,
					 const struct gh_rm_hyp_resource *hyp_resource)
{
	struct gh_resource *rsc;

	if (rm->resources_until_error && !--rm->resources_until_error)
		return ERR_PTR(-EBUSY);

	rsc = kzalloc(sizeof(*rsc), GFP_KERNEL);
	if (!rsc)
		return ERR_PTR(-ENOMEM);
	rsc->type = hyp_resource->type;
	rsc->label = le32_to_cpu(hyp_resource->resource_label);
	return rsc;
}

void gh_rm_free_resource(struct gh_resource *ghrsc)
{
	kfree(ghrsc);
}
