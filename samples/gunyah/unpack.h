/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that may be packed: read through the program that unpacks them.
 */

#ifndef VMM_UNPACK_H
#define VMM_UNPACK_H

#include <sys/types.h>

struct unpack {
	int fd;			/* to read from */
	pid_t pid;		/* of the program, 0 when the file is not packed */
	const char *program;
};

int unpack_open(struct unpack *unpack, const char *path);
/* When all was read: fails if the program found the file damaged. */
int unpack_close(struct unpack *unpack);
/* When reading stopped half-way. */
void unpack_abort(struct unpack *unpack);

#endif
