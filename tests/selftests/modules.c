// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading the drivers, and taking the Resource Manager's device away.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl.h"
#include "files.h"
#include "modules.h"
#include "tap.h"
#include "util.h"

#define PREFIX			"gunyah"
#define CONTROL_MODULE		"gunyah_test_ctl"

#define DRIVER			"/sys/bus/platform/drivers/gunyah_rsc_mgr"

/* A module may be in use for a moment by somebody who is about to die. */
#define POLL_MS			20
#define POLL_LIMIT		3000

/* Names of files may have dashes where those of modules have underscores. */
static bool is_file_of(const char *file, const char *name)
{
	while (*name && (*file == *name || (*file == '-' && *name == '_'))) {
		file++;
		name++;
	}
	return !*name && !strcmp(file, ".ko");
}

static int open_module(const char *name)
{
	char path[PATH_MAX];
	struct utsname uts;
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/updates", uts.release);
	dir = opendir(path);
	if (!dir)
		return -1;
	errno = ENOENT;
	while (fd < 0 && (entry = readdir(dir)))
		if (is_file_of(entry->d_name, name))
			fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
	closedir(dir);
	return fd;
}

int module_load(const char *name)
{
	int fd = open_module(name);
	int ret;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static bool is_ours(const char *name)
{
	return !strncmp(name, PREFIX, strlen(PREFIX)) && strcmp(name, CONTROL_MODULE);
}

/* Once through the list, which has users before what they use. */
static int unload_listed(struct modules *modules)
{
	FILE *file = fopen("/proc/modules", "re");
	char name[MODULE_NAME_MAX];
	unsigned int users;
	int left = 0;

	if (!file)
		return -1;
	while (fscanf(file, "%55s %*u %u%*[^\n]", name, &users) == 2) {
		if (!is_ours(name))
			continue;
		if (users || modules->count == MODULES_MAX || module_unload(name))
			left++;
		else
			strcpy(modules->name[modules->count++], name);
	}
	fclose(file);
	return left;
}

int modules_unload_unused(struct modules *modules)
{
	unsigned int count;
	int left;

	do {
		count = modules->count;
		left = unload_listed(modules);
	} while (left > 0 && count != modules->count);
	check(left >= 0, "no list of modules");
	return left;
}

bool modules_unload(struct modules *modules)
{
	unsigned int i;
	int left = 0;

	modules->count = 0;
	for (i = 0; i < POLL_LIMIT; i++) {
		left = modules_unload_unused(modules);
		if (left <= 0)
			return check(modules->count, "no modules");
		sleep_ms(POLL_MS);
	}
	return check(false, "%d modules are still in use", left);
}

int modules_users(void)
{
	FILE *file = fopen("/proc/modules", "re");
	char name[MODULE_NAME_MAX];
	unsigned int users;
	int sum = 0;

	if (!check(file, "no list of modules"))
		return -1;
	while (fscanf(file, "%55s %*u %u%*[^\n]", name, &users) == 2)
		if (is_ours(name))
			sum += users;
	fclose(file);
	return sum;
}

bool modules_check_users(int users)
{
	unsigned int i;

	for (i = 0; i < POLL_LIMIT && modules_users() != users; i++)
		sleep_ms(POLL_MS);
	return check(modules_users() == users, "the modules have %d users, not %d",
		     modules_users(), users);
}

bool modules_load(const struct modules *modules)
{
	unsigned int i = modules->count;

	while (i--)
		if (!check_errno(module_load(modules->name[i]), 0, "load of %s",
				 modules->name[i]))
			return false;
	return true;
}

static char device[NAME_MAX + 1];

/* The link in the driver's directory that is not its module */
static bool find_device(void)
{
	DIR *dir = opendir(DRIVER);
	struct dirent *entry;

	device[0] = '\0';
	while (dir && !device[0] && (entry = readdir(dir)))
		if (entry->d_type == DT_LNK && strcmp(entry->d_name, "module"))
			strcpy(device, entry->d_name);
	if (dir)
		closedir(dir);
	return check(device[0], "no device in " DRIVER);
}

bool rm_unbind(void)
{
	return find_device() && write_file(DRIVER "/unbind", device);
}

bool rm_bind(void)
{
	return write_file(DRIVER "/bind", device);
}

bool rm_set_boot_context(bool on)
{
	return ctl("bootcontext %s", on ? "on" : "off") && rm_unbind() && rm_bind();
}

void rm_reset_boot_context(void)
{
	ctl("clear");
	if (rm_unbind())
		rm_bind();
}
