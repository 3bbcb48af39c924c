/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and unloading the drivers, and taking the Resource Manager's device away.
 */

#ifndef SELFTEST_MODULES_H
#define SELFTEST_MODULES_H

#include <stdbool.h>

#define MODULES_MAX		16
#define MODULE_NAME_MAX		56

/* In the order in which they were unloaded */
struct modules {
	unsigned int count;
	char name[MODULES_MAX][MODULE_NAME_MAX];
};

/* The module of the Resource Manager and of VMs */
#define RM_MODULE		"gunyah_rsc_mgr"

/* The plain calls, errno as they leave it. */
int module_load(const char *name);
int module_unload(const char *name);

/*
 * Those of the project, but not the one that the control channel is made of: all, as soon as
 * nobody uses them any more; or what nobody uses now, in addition to what @modules has
 * already. This returns how many are left.
 */
bool modules_unload(struct modules *modules);
int modules_unload_unused(struct modules *modules);
bool modules_load(const struct modules *modules);

/* How many references there are to them, and waiting until it is so many again. */
int modules_users(void);
bool modules_check_users(int users);

/* By sysfs; the device has to be bound, or not to be. */
bool rm_unbind(void);
bool rm_bind(void);

/*
 * Whether the Resource Manager knows VM_SET_BOOT_CONTEXT, and back to what the machine has. The
 * driver asks once, so that it has to be bound again.
 */
bool rm_set_boot_context(bool on);
void rm_reset_boot_context(void);

#endif
