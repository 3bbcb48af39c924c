// SPDX-License-Identifier: GPL-2.0
/*
 * libfdt's sequential writer with a kept error.
 */

#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fdt_writer.h"

#define MAX_CELLS		32

void fdtw_begin(struct fdt_writer *fdt, void *buf, size_t size)
{
	fdt->fdt = buf;
	fdt->err = fdt_create(buf, size);
	if (!fdt->err)
		fdt->err = fdt_finish_reservemap(buf);
	if (!fdt->err)
		fdt->err = fdt_begin_node(buf, "");
}

void fdtw_end(struct fdt_writer *fdt, size_t size)
{
	fdtw_end_node(fdt);
	if (!fdt->err)
		fdt->err = fdt_finish(fdt->fdt);
	if (!fdt->err)
		fdt->err = fdt_open_into(fdt->fdt, fdt->fdt, size);
}

void fdtw_node(struct fdt_writer *fdt, const char *fmt, ...)
{
	char name[64];
	va_list ap;
	int len;

	if (fdt->err)
		return;
	va_start(ap, fmt);
	len = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(name))
		fdt->err = -FDT_ERR_NOSPACE;
	else
		fdt->err = fdt_begin_node(fdt->fdt, name);
}

void fdtw_end_node(struct fdt_writer *fdt)
{
	if (!fdt->err)
		fdt->err = fdt_end_node(fdt->fdt);
}

void fdtw_raw(struct fdt_writer *fdt, const char *name, const void *data, size_t size)
{
	if (!fdt->err)
		fdt->err = fdt_property(fdt->fdt, name, data, size);
}

void fdtw_flag(struct fdt_writer *fdt, const char *name)
{
	fdtw_raw(fdt, name, NULL, 0);
}

void fdtw_string(struct fdt_writer *fdt, const char *name, const char *value)
{
	fdtw_raw(fdt, name, value, strlen(value) + 1);
}

void fdtw_u32(struct fdt_writer *fdt, const char *name, u32 value)
{
	fdtw_cells(fdt, name, &value, 1);
}

void fdtw_u64(struct fdt_writer *fdt, const char *name, u64 value)
{
	fdtw_reg(fdt, name, &value, 1);
}

void fdtw_cells(struct fdt_writer *fdt, const char *name, const u32 *cells, size_t count)
{
	fdt32_t raw[MAX_CELLS];
	size_t i;

	if (count > MAX_CELLS) {
		fdt->err = -FDT_ERR_NOSPACE;
		return;
	}
	for (i = 0; i < count; i++)
		raw[i] = cpu_to_fdt32(cells[i]);
	fdtw_raw(fdt, name, raw, count * sizeof(*raw));
}

void fdtw_reg(struct fdt_writer *fdt, const char *name, const u64 *values, size_t count)
{
	u32 cells[MAX_CELLS];
	size_t i;

	if (count > MAX_CELLS / 2) {
		fdt->err = -FDT_ERR_NOSPACE;
		return;
	}
	for (i = 0; i < count; i++) {
		cells[2 * i] = values[i] >> 32;
		cells[2 * i + 1] = values[i];
	}
	fdtw_cells(fdt, name, cells, 2 * count);
}
