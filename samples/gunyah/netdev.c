// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest's network is connected to, by name.
 */

#include <string.h>

#include "netdev.h"

static const struct {
	const char *prefix;
	struct netdev *(*open)(const char *name);
} kinds[] = {
	{ "tap:", net_tap_open },
	{ "unix:", net_unix_open },
};

struct netdev *netdev_open(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (!strncmp(name, kinds[i].prefix, len))
			return kinds[i].open(name + len);
	}
	return net_tap_open(name);
}
