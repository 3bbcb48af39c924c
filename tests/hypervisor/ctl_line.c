// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines of the control channel.
 */

#include "ctl.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void add_word(struct ctl_line *line, char *text)
{
	struct ctl_word *word = &line->word[line->nr];
	char *equals = strchr(text, '=');

	if (line->nr == CTL_WORDS_MAX) {
		line->bad = true;
		return;
	}
	line->nr++;
	word->used = false;
	word->key = equals ? text : NULL;
	word->value = equals ? equals + 1 : text;
	if (equals)
		*equals = '\0';
}

void ctl_line_parse(struct ctl_line *line)
{
	char *p = line->text;

	line->bad = false;
	line->nr = 0;
	for (;;) {
		char *start;

		while (is_blank(*p))
			p++;
		if (!*p)
			return;
		start = p;
		while (*p && !is_blank(*p))
			p++;
		if (*p)
			*p++ = '\0';
		add_word(line, start);
	}
}

const char *ctl_word(struct ctl_line *line)
{
	unsigned int i;

	for (i = 0; i < line->nr; i++) {
		struct ctl_word *word = &line->word[i];

		if (word->key || word->used)
			continue;
		word->used = true;
		return word->value;
	}

	return NULL;
}

/* Hexadecimal with 0x; negative ones are 64 bits wide. */
static u64 number(struct ctl_line *line, const char *text, u64 max)
{
	bool negative = text[0] == '-';
	const char *digits = text + negative;
	char *end;
	u64 value = strtoul(digits, &end, 0);

	if (end == digits || *end || (!negative && value > max))
		line->bad = true;

	return negative ? -value : value;
}

u64 ctl_word_number(struct ctl_line *line, u64 max)
{
	const char *text = ctl_word(line);

	if (text)
		return number(line, text, max);
	line->bad = true;

	return 0;
}

/* Always hexadecimal */
static u32 message_id(struct ctl_line *line, const char *text, bool any)
{
	char *end;
	u64 id;

	if (any && !strcmp(text, "any"))
		return 0;
	id = strtoul(text, &end, 16);
	if (!id || *end || id > ~0U)
		line->bad = true;

	return id;
}

u32 ctl_word_id(struct ctl_line *line, bool any)
{
	const char *text = ctl_word(line);

	if (text)
		return message_id(line, text, any);
	line->bad = true;

	return 0;
}

static const struct ctl_word *find(const struct ctl_line *line, const char *key)
{
	unsigned int i;

	for (i = 0; i < line->nr; i++)
		if (line->word[i].key && !strcmp(line->word[i].key, key))
			return &line->word[i];

	return NULL;
}

bool ctl_has(const struct ctl_line *line, const char *key)
{
	return find(line, key);
}

static const char *take(struct ctl_line *line, const char *key)
{
	struct ctl_word *word = (struct ctl_word *)find(line, key);

	if (!word)
		return NULL;
	word->used = true;

	return word->value;
}

u64 ctl_number(struct ctl_line *line, const char *key, u64 max, u64 unset)
{
	const char *text = take(line, key);

	return text ? number(line, text, max) : unset;
}

u32 ctl_id(struct ctl_line *line, const char *key)
{
	const char *text = take(line, key);

	return text ? message_id(line, text, true) : 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t ctl_bytes(struct ctl_line *line, const char *key, u8 *bytes, size_t max)
{
	const char *text = take(line, key);
	size_t i, len;

	if (!text)
		return 0;
	len = strlen(text) / 2;
	if (strlen(text) % 2 || len > max) {
		line->bad = true;
		return 0;
	}
	for (i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			line->bad = true;
		bytes[i] = high << 4 | low;
	}

	return len;
}

bool ctl_line_good(const struct ctl_line *line)
{
	unsigned int i;

	for (i = 0; i < line->nr; i++)
		if (!line->word[i].used)
			return false;

	return !line->bad;
}
