/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types, messages and small helpers that every file of the VMM uses.
 */

#ifndef VMM_UTIL_H
#define VMM_UTIL_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define BIT_ULL(nr)		(1ULL << (nr))

#define SZ_4K			0x1000ULL
#define SZ_64K			0x10000ULL
#define SZ_128K			0x20000ULL
#define SZ_1M			0x100000ULL
#define SZ_2M			0x200000ULL
#define SZ_1G			0x40000000ULL

/* @align is a power of two. */
static inline u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

/*
 * Messages go to standard error. log_debug() is quiet unless log_verbose is set;
 * log_error() adds the text of an errno when it is not 0, and returns -err so that
 * "return log_error(errno, ...)" reads well.
 */
extern bool log_verbose;
/* Lines end in a carriage return, too, while the terminal is raw. */
extern atomic_bool log_raw;

int log_error(int err, const char *fmt, ...) __printf(2, 3);
void log_hint(const char *fmt, ...) __printf(1, 2);
void log_info(const char *fmt, ...) __printf(1, 2);
void log_debug(const char *fmt, ...) __printf(1, 2);

/*
 * Bytes that may be anything as characters that can be printed, between quotation marks;
 * @text has room for ESCAPED_SIZE(@count).
 */
#define ESCAPED_SIZE(count)	(4 * (count) + 1)
void escape_bytes(char *text, const u8 *bytes, size_t count);

/* Read or write all of a buffer; what was read may be less at the end of the file. */
ssize_t read_all(int fd, void *buf, size_t size);
int write_all(int fd, const void *buf, size_t size);

#endif
