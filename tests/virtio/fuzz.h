/* SPDX-License-Identifier: GPL-2.0 */

#ifndef VIRTIO_FUZZ_H
#define VIRTIO_FUZZ_H

#include "chardev.h"

/* Do what the devices' threads would: look into the queues of those that were kicked. */
void fuzz_serve(void);

/* What network devices receive next, and consoles read; gone when it was read once */
extern const u8 *fuzz_input;
extern size_t fuzz_input_size;

/* What has come out, in one number */
extern u8 fuzz_seen;

/* The other end of the console */
extern struct chardev fuzz_user;

#endif
