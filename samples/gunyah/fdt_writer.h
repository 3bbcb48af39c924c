/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequential writing of a devicetree: the first error is kept, and later calls do nothing.
 */

#ifndef VMM_FDT_WRITER_H
#define VMM_FDT_WRITER_H

#include "util.h"

struct fdt_writer {
	void *fdt;
	int err;	/* of libfdt, negative */
};

void fdtw_begin(struct fdt_writer *fdt, void *buf, size_t size);
/* Finish the tree in all of the buffer's @size bytes, the unused ones as free room. */
void fdtw_end(struct fdt_writer *fdt, size_t size);

void fdtw_node(struct fdt_writer *fdt, const char *name, ...) __printf(2, 3);
void fdtw_end_node(struct fdt_writer *fdt);

void fdtw_flag(struct fdt_writer *fdt, const char *name);
void fdtw_string(struct fdt_writer *fdt, const char *name, const char *value);
void fdtw_u32(struct fdt_writer *fdt, const char *name, u32 value);
void fdtw_u64(struct fdt_writer *fdt, const char *name, u64 value);
void fdtw_cells(struct fdt_writer *fdt, const char *name, const u32 *cells, size_t count);
/* Address and size, two cells each, @count numbers in all. */
void fdtw_reg(struct fdt_writer *fdt, const char *name, const u64 *values, size_t count);
void fdtw_raw(struct fdt_writer *fdt, const char *name, const void *data, size_t size);

#endif
