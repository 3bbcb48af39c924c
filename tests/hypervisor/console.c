// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatted output. The console is the primary's PL011: the hypervisor writes
 * to it by polling, and hardly ever.
 */
#include "core.h"

#define UART_DR		0x00
#define UART_FR		0x18
#define UART_FR_TXFF	BIT(5)

struct out {
	char *buf;
	size_t size;
	size_t len;
};

struct spec {
	bool left;
	bool zero;
	unsigned int width;
	unsigned int bytes;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_padded(struct out *out, const struct spec *spec, const char *s,
		       size_t len)
{
	size_t pad = spec->width > len ? spec->width - len : 0;

	for (; pad && !spec->left; pad--)
		put(out, spec->zero ? '0' : ' ');
	for (; len; len--)
		put(out, *s++);
	for (; pad; pad--)
		put(out, ' ');
}

static void put_number(struct out *out, const struct spec *spec, u64 value,
		       unsigned int base, bool negative)
{
	char digits[24];
	unsigned int pos = sizeof(digits);

	do {
		digits[--pos] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[--pos] = '-';
	put_padded(out, spec, digits + pos, sizeof(digits) - pos);
}

static const char *parse_spec(const char *fmt, struct spec *spec)
{
	*spec = (struct spec){ .bytes = 4 };
	for (; *fmt == '-' || *fmt == '0'; fmt++) {
		spec->left |= *fmt == '-';
		spec->zero |= *fmt == '0';
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		spec->width = spec->width * 10 + *fmt - '0';
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		spec->bytes = 8;
	return fmt;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out out = { .buf = buf, .size = size };
	struct spec spec;
	const char *s;
	s64 value;
	char c;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &spec);
		switch (*fmt) {
		case 's':
			s = va_arg(ap, const char *);
			put_padded(&out, &spec, s, strlen(s));
			break;
		case 'c':
			c = va_arg(ap, int);
			put_padded(&out, &spec, &c, 1);
			break;
		case 'd':
			value = spec.bytes == 8 ? va_arg(ap, s64) : va_arg(ap, int);
			put_number(&out, &spec, value < 0 ? -(u64)value : (u64)value,
				   10, value < 0);
			break;
		case 'p':
			put_number(&out, &spec, va_arg(ap, u64), 16, false);
			break;
		case 'u':
		case 'x':
			value = spec.bytes == 8 ? va_arg(ap, u64) : va_arg(ap, u32);
			put_number(&out, &spec, value, *fmt == 'u' ? 10 : 16, false);
			break;
		default:
			put(&out, *fmt);
			break;
		}
	}
	if (size)
		buf[min(out.len, size - 1)] = '\0';
	return out.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static void uart_puts(const char *s)
{
	for (; *s; s++) {
		while (read32(UART_BASE + UART_FR) & UART_FR_TXFF)
			;
		write32(UART_BASE + UART_DR, *s);
	}
}

static void log_line(const char *fmt, va_list ap)
{
	char line[200];

	vsnprintf(line, sizeof(line), fmt, ap);
	uart_puts("test-hyp: ");
	uart_puts(line);
	uart_puts("\r\n");
}

void hyp_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

/* Nothing can be trusted any more: end the machine. */
void hyp_panic(const char *fmt, ...)
{
	va_list ap;

	uart_puts("\r\ntest-hyp: panic\r\n");
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
	firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		asm volatile("wfi");
}
