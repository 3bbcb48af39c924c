// SPDX-License-Identifier: GPL-2.0
/*
 * The tests' control channel: the operations of its hypercall. The core does
 * the dump itself.
 */

#include "ctl.h"
#include "ctl/gunyah_test_ctl.h"

static const struct {
	const char *verb;
	ctl_command_fn run;
} commands[] = {
	{ "fail", ctl_fail },
	{ "reply", ctl_reply },
	{ "drop", ctl_drop },
	{ "mute", ctl_mute },
	{ "hold", ctl_hold },
	{ "release", ctl_release },
	{ "unmute", ctl_unmute },
	{ "clear", ctl_clear },
	{ "notify", ctl_notify },
	{ "status", ctl_status },
	{ "exited", ctl_exited },
	{ "raw", ctl_raw },
	{ "exit", ctl_exit },
	{ "irq", ctl_irq },
	{ "fill", ctl_fill },
	{ "crashmsg", ctl_crashmsg },
	{ "firmware", ctl_firmware },
	{ "bootcontext", ctl_bootcontext },
	{ "room", ctl_room },
	{ "hypercall", ctl_hypercall },
	{ "msgq", ctl_msgq },
};

static int run_line(struct ctl_line *line)
{
	const char *verb;
	size_t i;

	ctl_line_parse(line);
	verb = ctl_word(line);
	if (!verb)
		return GH_ARGUMENT_INVALID;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].verb, verb))
			return commands[i].run(line);

	return GH_UNIMPLEMENTED;
}

static int run_command(u64 va, u64 size)
{
	static struct ctl_line line;
	int error;

	if (!size || size >= sizeof(line.text))
		return GH_ARGUMENT_SIZE;
	error = copy_from_caller(line.text, va, size);
	if (error)
		return error;
	line.text[size] = '\0';
	error = run_line(&line);
	/* It may have changed what there is to do, or when. */
	rm_kick();

	return error;
}

int rm_control(u64 op, u64 arg0, u64 arg1, u64 arg2, u64 *out)
{
	*out = 0;
	switch (op) {
	case GUNYAH_TEST_CTL_PROBE:
		return GH_OK;
	case GUNYAH_TEST_CTL_COMMAND:
		return run_command(arg0, arg1);
	case GUNYAH_TEST_CTL_LOOPBACK_CREATE:
		return ctl_loopback_create(arg0, arg1, arg2);
	case GUNYAH_TEST_CTL_LOOPBACK_DESTROY:
		return ctl_loopback_destroy(arg0);
	default:
		return GH_UNIMPLEMENTED;
	}
}
