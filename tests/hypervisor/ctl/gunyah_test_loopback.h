/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Message queues of which this VM has both ends, for test modules: what is sent
 * to @tx comes out of @rx. Two of them make a pair for two users that talk to
 * each other.
 */

#ifndef GUNYAH_TEST_LOOPBACK_H
#define GUNYAH_TEST_LOOPBACK_H

#include <linux/gunyah.h>

struct gunyah_test_queue {
	struct gh_resource tx;
	struct gh_resource rx;
};

int gunyah_test_loopback_create(struct gunyah_test_queue *loop,
				unsigned int depth, unsigned int max_size);
void gunyah_test_loopback_destroy(struct gunyah_test_queue *loop);

#endif
