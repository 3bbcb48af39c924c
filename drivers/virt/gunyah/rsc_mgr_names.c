// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: names of messages, errors and callers, for people
 */

#include <linux/kernel.h>
#include <linux/string.h>

#include "rsc_mgr.h"

struct gh_rm_name {
	u32 value;
	const char *name;
};

#define GH_RM_NAME_TABLE(...)	__VA_ARGS__

/* The first is for all that are not known. */
static const struct gh_rm_name gh_rm_messages[] = {
	GH_RM_MESSAGE_NAMES(GH_RM_NAME_TABLE, {})
};

static const struct gh_rm_name gh_rm_errors[] = {
	GH_RM_ERROR_NAMES(GH_RM_NAME_TABLE, {})
};

/**
 * gh_rm_n_messages() - the limit of message indices
 *
 * Return: the highest index + 1.
 */
unsigned int gh_rm_n_messages(void)
{
	return ARRAY_SIZE(gh_rm_messages);
}

/**
 * gh_rm_message_index() - a small number for a message
 * @msg_id: ID of the message
 *
 * Return: its index, or 0 if it is not known.
 */
unsigned int gh_rm_message_index(u32 msg_id)
{
	unsigned int i;

	for (i = ARRAY_SIZE(gh_rm_messages) - 1; i; i--) {
		if (gh_rm_messages[i].value == msg_id)
			break;
	}

	return i;
}

/**
 * gh_rm_message_name() - name of a message
 * @index: from gh_rm_message_index()
 * @msg_id: set to its ID, unless NULL
 *
 * Return: its name, or NULL for index 0.
 */
const char *gh_rm_message_name(unsigned int index, u32 *msg_id)
{
	if (msg_id)
		*msg_id = gh_rm_messages[index].value;

	return gh_rm_messages[index].name;
}

static const char *gh_rm_text(struct gh_rm_text *text, const char *name, u32 value)
{
	if (name)
		snprintf(text->s, sizeof(text->s), "%s (%#x)", name, value);
	else
		snprintf(text->s, sizeof(text->s), "%#x", value);

	return text->s;
}

/**
 * gh_rm_message_text() - how to call a message in the kernel log
 * @text: where it goes
 * @msg_id: ID of the message
 *
 * Return: name and ID, or only this.
 */
const char *gh_rm_message_text(struct gh_rm_text *text, u32 msg_id)
{
	unsigned int index = gh_rm_message_index(msg_id);

	return gh_rm_text(text, gh_rm_messages[index].name, msg_id);
}

/**
 * gh_rm_error_text() - how to call an error in the kernel log
 * @text: where it goes
 * @error: the Resource Manager's code
 *
 * Return: name and code, or only this.
 */
const char *gh_rm_error_text(struct gh_rm_text *text, u32 error)
{
	unsigned int i;

	for (i = ARRAY_SIZE(gh_rm_errors) - 1; i; i--) {
		if (gh_rm_errors[i].value == error)
			break;
	}

	return gh_rm_text(text, gh_rm_errors[i].name, error);
}

/**
 * gh_rm_request_caller() - say who waits for a request
 * @text: where it goes
 * @req: the request, which belongs to the core
 *
 * Context: rm->lock held.
 * Return: name and thread ID, or what else it is.
 */
const char *gh_rm_request_caller(struct gh_rm_text *text, const struct gh_rm_request *req)
{
	if (req == req->rm->probe)
		strscpy(text->s, "probe", sizeof(text->s));
	else if (req->orphaned)
		strscpy(text->s, "orphaned", sizeof(text->s));
	else
		snprintf(text->s, sizeof(text->s), "%*pE[%d]",
			 (int)strnlen(req->comm, sizeof(req->comm)), req->comm, req->pid);

	return text->s;
}
