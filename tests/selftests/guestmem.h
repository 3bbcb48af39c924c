/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory files: what the files of gunyah_guestmem have in common.
 */

#ifndef SELFTEST_GUESTMEM_H
#define SELFTEST_GUESTMEM_H

#include "testgmem.h"

#define BASE			GUEST_RAM_BASE
/* Lent memory that comes after the image is right behind it for the guest, too. */
#define BEHIND			(BASE + TESTVM_MEM_SIZE)
/* Shared memory is where the Resource Manager wants it. */
#define ELSEWHERE		(2 * BEHIND)

#define KEEP			(GH_MAP_MEM_KEEP_CONTENTS)
#define UNMAP			(GH_MAP_MEM_UNMAP)

/* A VM that may have anything, and not much of it. */
bool gm_open_vm(struct testvm *vm);
/* GH_VM_START has to end like this; after an error, @new, it can be tried again. */
bool gm_start(struct testvm *vm, int err, bool new);

/* A process that waits until gm_let_go(), with what it runs before; its result is waited for. */
struct gm_child {
	int pid;
	int go;
};

bool gm_fork(struct gm_child *child, bool (*run)(void *arg), void *arg);
void gm_let_go(struct gm_child *child);

/* A process that sends signals to this one all the time, which do nothing but interrupt. */
pid_t gm_begin_storm(void);
void gm_end_storm(pid_t pid);

/* Files of their own; each is one test. */

/* guestmem_mmap.c */
void gm_mmap(void);
void gm_mmap_end(void);
void gm_mmap_change(void);
void gm_mmap_advice(void);
void gm_mmap_fork(void);
void gm_mmap_zero(void);

/* guestmem_alloc.c */
void gm_alloc_modes(void);
void gm_alloc_punch(void);
void gm_alloc_punch_run(void);
void gm_alloc_zero(void);
void gm_alloc_bound(void);
void gm_alloc_signals(void);
void gm_alloc_progress(void);
void gm_alloc_pinned(void);
void gm_alloc_rounds(void);

/* guestmem_map.c */
void gm_map_rules(void);
void gm_map_huge(void);
void gm_map_overlap(void);
void gm_map_unmap(void);
void gm_map_late(void);
void gm_map_two_vms(void);
void gm_map_signals(void);

/* guestmem_vm.c */
void gm_vm_lives(void);
void gm_vm_conversion(void);
void gm_vm_rights(void);
void gm_vm_direct_io(void);
void gm_vm_pinned(void);
void gm_vm_vendor(void);

/* guestmem_move.c */
void gm_move_kinds(void);
void gm_move_protection(void);
void gm_move_scattered(void);
void gm_move_memfd(void);
void gm_move_shared(void);
void gm_move_changed(void);
void gm_move_unmapped(void);
void gm_move_again(void);
void gm_move_other_process(void);
void gm_move_unsafe(void);

/* guestmem_life.c */
void gm_life_kill(void);
void gm_life_kill_start(void);
void gm_life_stuck(void);
void gm_life_refused(void);
void gm_life_threads(void);

#endif
