/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 16550A UART, registers one byte apart.
 */

#ifndef VMM_UART16550_H
#define VMM_UART16550_H

#include "chardev.h"
#include "device.h"

/* A new device on @bus, or NULL; @chardev has to outlive it. */
struct device *uart16550_create(struct bus *bus, struct chardev *chardev);

#endif
