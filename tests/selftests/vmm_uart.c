// SPDX-License-Identifier: GPL-2.0
/*
 * The VMM's UART, with this test in the place of guest and user. Needs no hypervisor.
 */

#include <linux/serial_reg.h>
#include <string.h>
#include <unistd.h>

#include "chardev.h"
#include "device.h"
#include "tap.h"
#include "uart16550.h"

/* The user: what has come out, and what is to go in. */
struct user {
	struct chardev chardev;
	char out[64];
	size_t out_len;
	char in[64];
	size_t in_at, in_len;
};

static struct user user;
static struct bus bus;
static struct device *uart;

static size_t user_read(struct chardev *chardev, u8 *buf, size_t size)
{
	size_t n = user.in_len - user.in_at;

	(void)chardev;
	if (n > size)
		n = size;
	memcpy(buf, user.in + user.in_at, n);
	user.in_at += n;
	return n;
}

static void user_write(struct chardev *chardev, const u8 *buf, size_t size)
{
	(void)chardev;
	if (check(user.out_len + size <= sizeof(user.out), "too much output")) {
		memcpy(user.out + user.out_len, buf, size);
		user.out_len += size;
	}
}

static const struct chardev_ops user_ops = {
	.read = user_read,
	.write = user_write,
};

static void user_types(const char *text)
{
	user.in_len = strlen(text);
	user.in_at = 0;
	memcpy(user.in, text, user.in_len);
	user.chardev.notify(user.chardev.arg);
}

static void put(u64 reg, u8 value)
{
	u8 data[8] = { value };

	bus_access(&bus, uart->base + reg, data, 1, true);
}

static u8 get(u64 reg)
{
	u8 data[8] = { 0 };

	bus_access(&bus, uart->base + reg, data, 1, false);
	return data[0];
}

static void expect(u64 reg, u8 value)
{
	u8 got = get(reg);

	check(got == value, "register %llu is %#x, not %#x", reg, got, value);
}

/* How often it has interrupted since the last call. */
static void expect_interrupts(u64 count)
{
	u64 got = 0;

	if (read(uart->irq_fd, &got, sizeof(got)) < 0)
		got = 0;
	check(got == count, "%llu interrupts, not %llu", got, count);
}

static bool begin(void)
{
	bus = (struct bus) { };
	user = (struct user) { .chardev.ops = &user_ops };
	uart = uart16550_create(&bus, &user.chardev);
	return check(uart, "no UART");
}

static void end(void)
{
	bus_destroy(&bus);
}

static void registers(void)
{
	if (!begin())
		return;
	put(UART_SCR, 0xa5);
	expect(UART_SCR, 0xa5);
	put(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	put(UART_DLL, 0x34);
	put(UART_DLM, 0x12);
	expect(UART_DLL, 0x34);
	expect(UART_DLM, 0x12);
	put(UART_LCR, UART_LCR_WLEN8);
	expect(UART_LCR, UART_LCR_WLEN8);
	expect(UART_IER, 0);
	put(UART_IER, 0xff);
	expect(UART_IER, 0x0f);
	check(!user.out_len, "divisor written out");
	/* Behind the last register. */
	expect(8, 0xff);
	end();
}

/* As Linux finds out what it has before it. */
static void probe(void)
{
	if (!begin())
		return;
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	expect(UART_IIR, 0xc0 | UART_IIR_NO_INT);
	put(UART_FCR, 0);
	expect(UART_IIR, UART_IIR_NO_INT);

	put(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	check((get(UART_MSR) & 0xf0) == (UART_MSR_DCD | UART_MSR_CTS), "loopback");
	put(UART_MCR, 0);
	get(UART_MSR);
	expect(UART_MSR, UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	expect_interrupts(0);
	end();
}

static void write_text(void)
{
	static const char text[] = "Hello";
	size_t i;

	if (!begin())
		return;
	for (i = 0; i < strlen(text); i++) {
		expect(UART_LSR, UART_LSR_THRE | UART_LSR_TEMT);
		put(UART_TX, text[i]);
	}
	check(user.out_len == strlen(text) && !memcmp(user.out, text, user.out_len),
	      "wrong output");
	expect_interrupts(0);
	end();
}

static void output_interrupts(void)
{
	if (!begin())
		return;
	/* Asked for, told, quiet. */
	put(UART_IER, UART_IER_THRI);
	expect_interrupts(1);
	expect(UART_IIR, UART_IIR_THRI);
	expect(UART_IIR, UART_IIR_NO_INT);
	expect_interrupts(0);
	/* A character is out at once, which is news again. */
	put(UART_TX, 'a');
	expect_interrupts(1);
	/* More of them are none, until it was asked what there is. */
	put(UART_TX, 'b');
	expect_interrupts(0);
	expect(UART_IIR, UART_IIR_THRI);
	/* Asked for again. */
	put(UART_IER, 0);
	put(UART_IER, UART_IER_THRI);
	expect_interrupts(1);
	put(UART_IER, 0);
	expect(UART_IIR, UART_IIR_NO_INT);
	end();
}

static void input(void)
{
	if (!begin())
		return;
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	put(UART_IER, UART_IER_RDI);
	user_types("xyz");
	expect_interrupts(1);
	expect(UART_IIR, 0xc0 | UART_IIR_RDI);
	expect(UART_LSR, UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT);
	expect(UART_RX, 'x');
	expect(UART_RX, 'y');
	expect(UART_IIR, 0xc0 | UART_IIR_RDI);
	expect(UART_RX, 'z');
	expect(UART_IIR, 0xc0 | UART_IIR_NO_INT);
	expect(UART_LSR, UART_LSR_THRE | UART_LSR_TEMT);
	expect_interrupts(0);
	user_types("!");
	expect_interrupts(1);
	expect(UART_RX, '!');
	end();
}

/* More than the FIFO holds is not lost, but comes after. */
static void much_input(void)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog";
	size_t i;

	if (!begin())
		return;
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	put(UART_IER, UART_IER_RDI);
	user_types(text);
	check(user.in_at == 16, "%zu characters taken", user.in_at);
	for (i = 0; i < strlen(text); i++)
		expect(UART_RX, text[i]);
	check(!(get(UART_LSR) & (UART_LSR_DR | UART_LSR_OE)), "too much");
	end();
}

/* What is typed before the driver is there waits for it. */
static void early_input(void)
{
	if (!begin())
		return;
	user_types("ls\n");
	expect_interrupts(0);
	expect(UART_LSR, UART_LSR_THRE | UART_LSR_TEMT);
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	get(UART_RX);
	put(UART_IER, UART_IER_RDI);
	expect_interrupts(1);
	expect(UART_RX, 'l');
	expect(UART_RX, 's');
	expect(UART_RX, '\n');
	end();
}

/* The FIFO is turned on after the interrupt by Linux, and off by others. */
static void fifo_changes(void)
{
	if (!begin())
		return;
	user_types("0123456789");
	put(UART_IER, UART_IER_RDI);
	check(user.in_at == 1, "%zu characters without FIFO", user.in_at);
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	check(user.in_at == 10, "%zu characters with FIFO", user.in_at);
	expect(UART_RX, '0');
	put(UART_FCR, 0);
	expect(UART_RX, '1');
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	check(!(get(UART_LSR) & UART_LSR_DR), "not cleared");
	end();
}

/* While one cause is dealt with, the other must not be forgotten. */
static void both_interrupts(void)
{
	if (!begin())
		return;
	put(UART_IER, UART_IER_RDI | UART_IER_THRI);
	expect_interrupts(1);
	user_types("q");
	expect_interrupts(1);
	expect(UART_IIR, UART_IIR_RDI);
	expect(UART_RX, 'q');
	expect_interrupts(1);
	expect(UART_IIR, UART_IIR_THRI);
	expect(UART_IIR, UART_IIR_NO_INT);
	/* The console of Linux turns them off and on around its output. */
	user_types("r");
	expect_interrupts(1);
	put(UART_IER, 0);
	put(UART_IER, UART_IER_RDI);
	expect_interrupts(1);
	end();
}

static void loop_back(void)
{
	unsigned int i;

	if (!begin())
		return;
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	put(UART_MCR, UART_MCR_LOOP);
	for (i = 0; i < 17; i++)
		put(UART_TX, 'a' + i);
	check(!user.out_len, "output in loopback");
	expect(UART_LSR, UART_LSR_OE | UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT);
	expect(UART_LSR, UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT);
	for (i = 0; i < 16; i++)
		expect(UART_RX, 'a' + i);
	check(!(get(UART_LSR) & UART_LSR_DR), "more than the FIFO holds");
	end();
}

/* Where nothing is; and sizes that no UART has. */
static void odd_accesses(void)
{
	u8 data[8];

	if (!begin())
		return;
	memset(data, 0, sizeof(data));
	bus_access(&bus, uart->base - 0x1000, data, 4, false);
	check(!memcmp(data, "\xff\xff\xff\xff\0\0\0\0", 8), "reads as something");
	bus_access(&bus, uart->base + uart->size, data, 8, true);
	bus_access(&bus, ~0ULL, data, 8, false);
	memset(data, 'w', sizeof(data));
	bus_access(&bus, uart->base, data, 8, true);
	check(user.out_len == 1 && user.out[0] == 'w', "wide write");
	bus_access(&bus, uart->base + UART_LSR, data, 4, false);
	check(data[0] == (UART_LSR_THRE | UART_LSR_TEMT) && !data[1], "wide read");
	bus_access(&bus, uart->base + uart->size - 1, data, 8, false);
	end();
}

/* What the guest has set and not yet read is gone, what it has not yet got is not. */
static void reset(void)
{
	if (!begin())
		return;
	put(UART_LCR, UART_LCR_DLAB);
	put(UART_DLL, 7);
	put(UART_DLM, 7);
	put(UART_LCR, UART_LCR_WLEN8);
	put(UART_SCR, 0x5a);
	put(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	put(UART_IER, UART_IER_RDI | UART_IER_THRI);
	user_types("123");
	expect(UART_LSR, UART_LSR_THRE | UART_LSR_TEMT | UART_LSR_DR);

	bus_reset(&bus);
	expect_interrupts(0);
	expect(UART_LSR, UART_LSR_THRE | UART_LSR_TEMT);
	expect(UART_IER, 0);
	expect(UART_IIR, UART_IIR_NO_INT);
	expect(UART_LCR, 0);
	expect(UART_MCR, 0);
	expect(UART_SCR, 0);
	put(UART_LCR, UART_LCR_DLAB);
	expect(UART_DLL, 1);
	expect(UART_DLM, 0);
	put(UART_LCR, 0);

	put(UART_IER, UART_IER_RDI);
	expect_interrupts(1);
	expect(UART_RX, '2');
	expect(UART_RX, '3');
	end();
}

static const struct tap_test tests[] = {
	{ "registers", registers },
	{ "probe", probe },
	{ "output", write_text },
	{ "output interrupts", output_interrupts },
	{ "input", input },
	{ "more input than fits the FIFO", much_input },
	{ "input before the driver listens", early_input },
	{ "FIFO turned on and off", fifo_changes },
	{ "input and output interrupts", both_interrupts },
	{ "loopback", loop_back },
	{ "odd accesses", odd_accesses },
	{ "reset", reset },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
