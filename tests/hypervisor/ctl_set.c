// SPDX-License-Identifier: GPL-2.0
/*
 * What guests and boot loaders would say to the Resource Manager, and which
 * Resource Manager it is to be.
 */

#include "ctl.h"

/* Guests have no queue of their own by which to leave it. */
int ctl_crashmsg(struct ctl_line *line)
{
	u64 vmid = ctl_number(line, "vm", 0xffff, 0);
	u8 text[RM_CRASH_MSG_MAX];
	size_t len = ctl_bytes(line, "hex", text, sizeof(text));
	struct rm_vm *vm = rm_vm_find(vmid);

	if (!ctl_line_good(line) || !vm)
		return GH_ARGUMENT_INVALID;
	memcpy(vm->set.crash, text, len);
	vm->set.crash_len = len;

	return GH_OK;
}

/* Without bytes there is none any more. */
int ctl_firmware(struct ctl_line *line)
{
	u8 bytes[RM_FIRMWARE_MAX];
	size_t len = ctl_bytes(line, "hex", bytes, sizeof(bytes));

	if (!ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	if (rm_firmware.in_parcel)
		return GH_BUSY;
	memcpy(rm_firmware.bytes, bytes, len);
	rm_firmware.size = len;
	rm_firmware.present = len;

	return GH_OK;
}

int ctl_bootcontext(struct ctl_line *line)
{
	const char *word = ctl_word(line);
	bool on = word && !strcmp(word, "on");

	if (!word || (!on && strcmp(word, "off")) || !ctl_line_good(line))
		return GH_ARGUMENT_INVALID;
	rm_has_boot_context = on;

	return GH_OK;
}

int ctl_room(struct ctl_line *line)
{
	u64 entries = ctl_number(line, "entries", RM_ENTRIES_ANY, CTL_UNSET);

	if (!ctl_line_good(line) || entries == CTL_UNSET)
		return GH_ARGUMENT_INVALID;
	rm_entries_max = entries;

	return GH_OK;
}
