// SPDX-License-Identifier: GPL-2.0
/*
 * What the Resource Manager believes, as text for tests: one fact a line, in a
 * fixed order. When all VMs are gone the text is the same as before they came,
 * but for lines that begin with "count": those numbers only grow.
 */

#include "ctl.h"

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static __printf(2, 3) void put(void *arg, const char *fmt, ...)
{
	struct text *text = arg;
	size_t room = text->size - text->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text->buf + text->len, room, fmt, ap);
	va_end(ap);
	/* What does not fit ends the text; the last byte is the string's zero. */
	text->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void put_boot_context(struct text *text,
			     const struct rm_boot_context *context)
{
	unsigned int i;

	for (i = 0; i < RM_BOOT_X_COUNT; i++)
		if (context->has_x & BIT(i))
			put(text, " x%u 0x%lx", i, (unsigned long)context->x[i]);
	if (context->has_pc)
		put(text, " pc 0x%lx", (unsigned long)context->pc);
	for (i = 0; i < RM_BOOT_SP_COUNT; i++)
		if (context->has_sp & BIT(i))
			put(text, " sp_el%u 0x%lx", i,
			    (unsigned long)context->sp[i]);
}

static void put_settings(struct text *text, const struct rm_vm_settings *set)
{
	static const char * const auth[RM_AUTH_COUNT] = {
		[RM_AUTH_PLATFORM] = " auth platform",
		[RM_AUTH_ANDROID] = " auth android sensitive",
	};

	if (auth[set->auth])
		put(text, "%s", auth[set->auth]);
	if (set->firmware.valid)
		put(text, " firmware %u offset 0x%lx size 0x%lx",
		    set->firmware.handle, (unsigned long)set->firmware.offset,
		    (unsigned long)set->firmware.size);
	if (set->has_time_base)
		put(text, " time-base 0x%lx reference 0x%lx",
		    (unsigned long)set->time_base,
		    (unsigned long)set->time_reference);
	if (set->asked_to_stop)
		put(text, " asked-to-stop %u", set->stop_reason);
	put_boot_context(text, &set->context);
}

static void put_crash_msg(struct text *text, const struct rm_vm *vm)
{
	unsigned int i;

	if (!vm->set.crash_len)
		return;
	put(text, "crash-message vm %u ", vm->vmid);
	for (i = 0; i < vm->set.crash_len; i++)
		put(text, "%02x", vm->set.crash[i]);
	put(text, "\n");
}

static void put_vm(struct text *text, const struct rm_vm *vm)
{
	const struct rm_bell *bell;
	const struct rm_shm *shm;

	put(text, "vm %u state %s owner %u vcpus %u", vm->vmid,
	    rm_vm_state_name(vm->state), vm->owner, vm->config.nr_cpus);
	if (vm->config.name[0])
		put(text, " name %s", vm->config.name);
	if (vm->image.valid)
		put(text, " image %u", vm->image.handle);
	put_settings(text, &vm->set);
	put(text, "\n");
	put_crash_msg(text, vm);
	for (bell = vm->config.bells; bell; bell = bell->next)
		put(text, "doorbell vm %u label %u spi %d\n", vm->vmid,
		    bell->dev.label, bell->spi);
	for (shm = vm->config.shms; shm; shm = shm->next)
		put(text, "shm vm %u label %u\n", vm->vmid, shm->label);
}

static void put_parcel(struct text *text, const struct rm_parcel *parcel)
{
	static const char * const given[] = {
		[RM_TRANS_DONATE] = "donated",
		[RM_TRANS_LEND] = "lent",
		[RM_TRANS_SHARE] = "shared",
	};
	unsigned int i;

	put(text, "parcel %u owner %u %s label %u entries %u size 0x%lx",
	    parcel->handle, parcel->owner, given[parcel->trans],
	    parcel->label, parcel->nr_entries, (unsigned long)parcel->size);
	if (parcel->open)
		put(text, " incomplete");
	if (parcel->locked)
		put(text, " locked");
	put(text, " acl");
	for (i = 0; i < parcel->nr_members; i++) {
		const struct rm_member *member = &parcel->member[i];

		put(text, " %u:%c%c%c", member->vmid,
		    member->rights & RM_RIGHT_R ? 'r' : '-',
		    member->rights & RM_RIGHT_W ? 'w' : '-',
		    member->rights & RM_RIGHT_X ? 'x' : '-');
		if (member->accepted)
			put(text, "@0x%lx", (unsigned long)member->ipa);
	}
	put(text, "\n");
}

/* What there is of the kinds that are not in every Resource Manager */
static void put_features(struct text *text)
{
	if (rm_has_boot_context)
		put(text, "implemented VM_SET_BOOT_CONTEXT\n");
	if (rm_entries_max != RM_ENTRIES_ANY)
		put(text, "room entries %u\n", rm_entries_max);
	if (rm_firmware.present)
		put(text, "firmware size 0x%lx\n",
		    (unsigned long)rm_firmware.size);
	if (rm_firmware.closed)
		put(text, "firmware closed\n");
}

static void put_caps(struct text *text, const struct vm *vm)
{
	static const char * const names[] = {
		[OBJ_NONE] = "none",
		[OBJ_VCPU] = "vcpu",
		[OBJ_DOORBELL] = "doorbell",
		[OBJ_MSGQ] = "msgq",
		[OBJ_ADDRSPACE] = "addrspace",
		[OBJ_MEMEXTENT] = "memextent",
		[OBJ_VIC] = "vic",
	};
	u32 i;

	put(text, "caps vm %u used %u\n", vm->vmid, vm->caps.used);
	for (i = 0; i < vm->caps.size; i++) {
		const struct cap *cap = &vm->caps.caps[i];

		if (cap->type != OBJ_NONE)
			put(text, "cap vm %u %s 0x%lx rights 0x%x\n", vm->vmid,
			    names[cap->type], (unsigned long)cap->id,
			    cap->rights);
	}
}

static void put_memory(struct text *text)
{
	struct mem_stats stats;

	mem_stats(&stats);
	put(text, "heap allocations %zu\n", stats.heap_live);
	put(text, "heap bytes %zu\n", stats.heap_bytes);
	put(text, "pages %zu\n", stats.pages_used);
}

static void put_count(void *arg, const char *name, u64 count)
{
	put(arg, "count rpc %s %lu\n", name, (unsigned long)count);
}

static void put_counts(struct text *text)
{
	const struct rm_rpc_stats *rpc = &rm_rpc_stats;

	put(text, "count aborts-on-lent-memory %lu\n",
	    (unsigned long)primary_abort_count());
	put(text, "count packets-in %lu\n", (unsigned long)rpc->packets_in);
	put(text, "count packets-out %lu\n", (unsigned long)rpc->packets_out);
	put(text, "count packets-dropped %lu\n",
	    (unsigned long)rpc->packets_dropped);
	put(text, "count requests-aborted %lu\n",
	    (unsigned long)rpc->requests_aborted);
	put(text, "count replies-lost %lu\n",
	    (unsigned long)rpc->replies_lost);
	put(text, "count notifications-lost %lu\n",
	    (unsigned long)rpc->notifications_lost);
	put(text, "count notifications-to-guests %lu\n",
	    (unsigned long)rpc->notifications_to_guests);
	rm_tell_counts(put_count, text);
}

size_t rm_dump(char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };
	const struct rm_parcel *parcel;
	const struct rm_vm *vm;

	if (!size)
		return 0;
	for (vm = rm_vm_next(NULL); vm; vm = rm_vm_next(vm))
		put_vm(&text, vm);
	for (parcel = rm_parcel_next(NULL); parcel;
	     parcel = rm_parcel_next(parcel))
		put_parcel(&text, parcel);
	for (vm = rm_vm_next(NULL); vm; vm = rm_vm_next(vm))
		if (vm->vm)
			put_caps(&text, vm->vm);
	put_features(&text);
	put(&text, "virqs %u\n", virq_count());
	put_memory(&text);
	ctl_fault_tell(put, &text);
	ctl_hypercall_tell(put, &text);
	put_counts(&text);
	ctl_hypercall_tell_counts(put, &text);
	ctl_trace_tell(put, &text);

	return text.len;
}
