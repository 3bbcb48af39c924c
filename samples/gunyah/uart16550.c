// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A UART.
 *
 * Characters go out as soon as they are written. They come in when the guest has enabled
 * the receive interrupt: what a driver finds in the FIFO before that it throws away.
 */

#include <errno.h>
#include <linux/serial_reg.h>
#include <pthread.h>
#include <stdlib.h>

#include "fdt_writer.h"
#include "uart16550.h"

#define FIFO_SIZE		16
#define CLOCK_HZ		1843200

/* Reasons to interrupt, each also its enable bit in IER. */
#define CAUSE_RX		UART_IER_RDI
#define CAUSE_TX		UART_IER_THRI
#define CAUSE_LINE		UART_IER_RLSI
#define CAUSE_MODEM		UART_IER_MSI

/* Modem inputs when there is no loopback: the other end is there and ready. */
#define MODEM_READY		(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

struct uart16550 {
	struct device dev;
	struct chardev *chardev;

	pthread_mutex_t lock;	/* of what follows; outside of the chardev's */
	u8 dll, dlm;
	u8 ier, fcr, lcr, mcr, scr;
	u8 modem_delta;		/* what has changed since MSR was read */
	bool overrun;
	bool tx_empty;		/* not yet told to the guest */
	u8 causes;		/* what the interrupt line stands for */
	u8 fifo[FIFO_SIZE];
	unsigned int head;
	unsigned int count;
};

static unsigned int fifo_size(const struct uart16550 *uart)
{
	return uart->fcr & UART_FCR_ENABLE_FIFO ? FIFO_SIZE : 1;
}

static void fifo_put(struct uart16550 *uart, u8 c)
{
	if (uart->count >= fifo_size(uart)) {
		uart->overrun = true;
		return;
	}
	uart->fifo[(uart->head + uart->count++) % FIFO_SIZE] = c;
}

static u8 fifo_get(struct uart16550 *uart)
{
	u8 c;

	if (!uart->count)
		return 0;
	c = uart->fifo[uart->head];
	uart->head = (uart->head + 1) % FIFO_SIZE;
	uart->count--;
	return c;
}

static void fill_fifo(struct uart16550 *uart)
{
	unsigned int size = fifo_size(uart);
	u8 buf[FIFO_SIZE];
	size_t n, i;

	if (uart->count >= size || !(uart->ier & UART_IER_RDI) ||
	    uart->mcr & UART_MCR_LOOP)
		return;
	n = uart->chardev->ops->read(uart->chardev, buf, size - uart->count);
	for (i = 0; i < n; i++)
		fifo_put(uart, buf[i]);
}

static u8 modem_status(const struct uart16550 *uart)
{
	u8 msr = 0;

	if (!(uart->mcr & UART_MCR_LOOP))
		return MODEM_READY;
	if (uart->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (uart->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (uart->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (uart->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static u8 pending_causes(const struct uart16550 *uart)
{
	u8 causes = 0;

	if (uart->count)
		causes |= CAUSE_RX;
	if (uart->tx_empty)
		causes |= CAUSE_TX;
	if (uart->overrun)
		causes |= CAUSE_LINE;
	if (uart->modem_delta)
		causes |= CAUSE_MODEM;
	return causes & uart->ier;
}

/*
 * To be called after every change. The interrupt is an edge, so a line that stays up
 * would tell nothing of a further cause, or of what remains when one is dealt with.
 */
static void update_interrupt(struct uart16550 *uart)
{
	u8 causes;

	fill_fifo(uart);
	causes = pending_causes(uart);
	if (causes && causes != uart->causes)
		device_raise_irq(&uart->dev);
	uart->causes = causes;
}

static u8 read_iir(struct uart16550 *uart)
{
	u8 iir = uart->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0;
	u8 causes = pending_causes(uart);

	if (causes & CAUSE_LINE)
		return iir | UART_IIR_RLSI;
	if (causes & CAUSE_RX)
		return iir | UART_IIR_RDI;
	if (causes & CAUSE_TX) {
		/* To be told is enough for this one. */
		uart->tx_empty = false;
		return iir | UART_IIR_THRI;
	}
	if (causes & CAUSE_MODEM)
		return iir | UART_IIR_MSI;
	return iir | UART_IIR_NO_INT;
}

static u8 read_lsr(struct uart16550 *uart)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT;

	if (uart->count)
		lsr |= UART_LSR_DR;
	if (uart->overrun)
		lsr |= UART_LSR_OE;
	uart->overrun = false;
	return lsr;
}

static u8 read_msr(struct uart16550 *uart)
{
	u8 msr = modem_status(uart) | uart->modem_delta;

	uart->modem_delta = 0;
	return msr;
}

static u8 read_register(struct uart16550 *uart, u64 offset)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return dlab ? uart->dll : fifo_get(uart);
	case UART_IER:
		return dlab ? uart->dlm : uart->ier;
	case UART_IIR:
		return read_iir(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return read_lsr(uart);
	case UART_MSR:
		return read_msr(uart);
	case UART_SCR:
		return uart->scr;
	}
	return 0xff;
}

/*
 * To turn the FIFO on or off would clear it in hardware. Linux does so when it has enabled
 * the interrupt already, and the user's first character would be gone.
 */
static void write_fcr(struct uart16550 *uart, u8 value)
{
	if (value & UART_FCR_CLEAR_RCVR)
		uart->count = 0;
	uart->fcr = value & UART_FCR_ENABLE_FIFO ?
		    value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK) : 0;
}

static void write_mcr(struct uart16550 *uart, u8 value)
{
	u8 before = modem_status(uart);
	u8 changed;

	uart->mcr = value & (UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_OUT1 |
			     UART_MCR_RTS | UART_MCR_DTR);
	changed = before ^ modem_status(uart);
	if (changed & UART_MSR_CTS)
		uart->modem_delta |= UART_MSR_DCTS;
	if (changed & UART_MSR_DSR)
		uart->modem_delta |= UART_MSR_DDSR;
	if (changed & before & UART_MSR_RI)
		uart->modem_delta |= UART_MSR_TERI;
	if (changed & UART_MSR_DCD)
		uart->modem_delta |= UART_MSR_DDCD;
}

static void write_ier(struct uart16550 *uart, u8 value)
{
	/* To ask again is to be told again. */
	if (value & ~uart->ier & UART_IER_THRI)
		uart->tx_empty = true;
	uart->ier = value & (CAUSE_RX | CAUSE_TX | CAUSE_LINE | CAUSE_MODEM);
}

/* Returns true when the character is to go out. */
static bool write_tx(struct uart16550 *uart, u8 value)
{
	uart->tx_empty = true;
	if (!(uart->mcr & UART_MCR_LOOP))
		return true;
	fifo_put(uart, value);
	return false;
}

static bool write_register(struct uart16550 *uart, u64 offset, u8 value)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (!dlab)
			return write_tx(uart, value);
		uart->dll = value;
		break;
	case UART_IER:
		if (dlab)
			uart->dlm = value;
		else
			write_ier(uart, value);
		break;
	case UART_FCR:
		write_fcr(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		write_mcr(uart, value);
		break;
	case UART_SCR:
		uart->scr = value;
		break;
	}
	return false;
}

static u64 uart_read(struct device *dev, u64 offset, unsigned int len)
{
	struct uart16550 *uart = container_of(dev, struct uart16550, dev);
	u8 value;

	(void)len;
	pthread_mutex_lock(&uart->lock);
	value = read_register(uart, offset);
	update_interrupt(uart);
	pthread_mutex_unlock(&uart->lock);
	return value;
}

static void uart_write(struct device *dev, u64 offset, unsigned int len, u64 value)
{
	struct uart16550 *uart = container_of(dev, struct uart16550, dev);
	u8 c = value;
	bool out;

	(void)len;
	pthread_mutex_lock(&uart->lock);
	out = write_register(uart, offset, c);
	update_interrupt(uart);
	pthread_mutex_unlock(&uart->lock);

	/* Output may wait for long; the lock is not held meanwhile. */
	if (out)
		uart->chardev->ops->write(uart->chardev, &c, 1);
}

static void uart_input(void *arg)
{
	struct uart16550 *uart = arg;

	pthread_mutex_lock(&uart->lock);
	update_interrupt(uart);
	pthread_mutex_unlock(&uart->lock);
}

/* Characters that wait for the guest stay; it is the same terminal. */
static void uart_reset(struct device *dev)
{
	struct uart16550 *uart = container_of(dev, struct uart16550, dev);

	pthread_mutex_lock(&uart->lock);
	uart->dll = 1;
	uart->dlm = 0;
	uart->ier = 0;
	uart->fcr = 0;
	uart->lcr = 0;
	uart->mcr = 0;
	uart->scr = 0;
	uart->modem_delta = 0;
	uart->overrun = false;
	uart->tx_empty = false;
	uart->causes = 0;
	uart->count = 0;
	pthread_mutex_unlock(&uart->lock);
}

static void uart_describe(struct device *dev, struct fdt_writer *fdt)
{
	(void)dev;
	fdtw_string(fdt, "compatible", "ns16550a");
	fdtw_u32(fdt, "clock-frequency", CLOCK_HZ);
}

static void uart_destroy(struct device *dev)
{
	struct uart16550 *uart = container_of(dev, struct uart16550, dev);

	pthread_mutex_destroy(&uart->lock);
	free(uart);
}

static const struct device_ops uart_ops = {
	.name = "uart",
	.node = "serial",
	.read = uart_read,
	.write = uart_write,
	.describe = uart_describe,
	.reset = uart_reset,
	.destroy = uart_destroy,
};

struct device *uart16550_create(struct bus *bus, struct chardev *chardev)
{
	struct uart16550 *uart = calloc(1, sizeof(*uart));

	if (!uart) {
		log_error(ENOMEM, "uart");
		return NULL;
	}
	uart->dev.ops = &uart_ops;
	uart->chardev = chardev;
	pthread_mutex_init(&uart->lock, NULL);
	uart_reset(&uart->dev);
	if (bus_add(bus, &uart->dev)) {
		uart_destroy(&uart->dev);
		return NULL;
	}
	chardev->arg = uart;
	chardev->notify = uart_input;
	return &uart->dev;
}
