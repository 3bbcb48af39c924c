// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the state machine of a VM, every event in every state.
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "../../drivers/virt/gunyah/vm_mgr_state.c"

/* 0, which is what the table does not name, is for events that mean nothing. */
#define TO(_state)	((_state) + 1)

/* By state and event; written down apart from the table under test. */
static const int expected[GH_VM_N_STATES][GH_VM_N_EVENTS] = {
	[GH_VM_NEW] = {
		[GH_VM_EV_ALLOCATED] = TO(GH_VM_LOAD),
	},
	[GH_VM_LOAD] = {
		[GH_VM_EV_CONFIGURED] = TO(GH_VM_INIT),
		[GH_VM_EV_CONFIG_FAILED] = TO(GH_VM_CONFIG_FAILED),
		[GH_VM_EV_DEALLOCATED] = TO(GH_VM_GONE),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_CONFIG_FAILED] = {
		[GH_VM_EV_DEALLOCATED] = TO(GH_VM_GONE),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_INIT] = {
		[GH_VM_EV_INITIALISED] = TO(GH_VM_READY),
		[GH_VM_EV_INIT_FAILED] = TO(GH_VM_INIT_FAILED),
	},
	[GH_VM_READY] = {
		[GH_VM_EV_START] = TO(GH_VM_STARTING),
		[GH_VM_EV_RESET] = TO(GH_VM_RESETTING),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_INIT_FAILED] = {
		[GH_VM_EV_RESET] = TO(GH_VM_RESETTING),
		[GH_VM_EV_DEALLOCATED] = TO(GH_VM_GONE),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_STARTING] = {
		[GH_VM_EV_STARTED] = TO(GH_VM_RUNNING),
		[GH_VM_EV_START_FAILED] = TO(GH_VM_INIT_FAILED),
		[GH_VM_EV_EXITED] = TO(GH_VM_EXITED),
	},
	[GH_VM_RUNNING] = {
		[GH_VM_EV_EXITED] = TO(GH_VM_EXITED),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_EXITED] = {
		[GH_VM_EV_STARTED] = TO(GH_VM_EXITED),
		[GH_VM_EV_START_FAILED] = TO(GH_VM_EXITED),
		[GH_VM_EV_RESET] = TO(GH_VM_RESETTING),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_RESETTING] = {
		[GH_VM_EV_RESET_REFUSED] = TO(GH_VM_INIT_FAILED),
		[GH_VM_EV_RESET_DONE] = TO(GH_VM_RESET),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_RESET] = {
		[GH_VM_EV_DEALLOCATED] = TO(GH_VM_GONE),
		[GH_VM_EV_LOST] = TO(GH_VM_GONE),
	},
	[GH_VM_GONE] = {},
};

static void every_event_in_every_state(struct kunit *test)
{
	enum gh_vm_state state, next;
	enum gh_vm_event event;
	int want;
	bool ok;

	for (state = 0; state < GH_VM_N_STATES; state++) {
		for (event = 0; event < GH_VM_N_EVENTS; event++) {
			want = expected[state][event];
			ok = gh_vm_state_next(state, event, &next);
			KUNIT_EXPECT_EQ_MSG(test, ok, want != 0, "state %s, event %d",
					    gh_vm_state_name(state), event);
			KUNIT_EXPECT_EQ_MSG(test, (int)next,
					    want ? want - 1 : (int)state,
					    "state %s, event %d", gh_vm_state_name(state), event);
		}
	}
}

/* Says the same thing once only: the first entry would hide the second. */
static void no_entry_twice(struct kunit *test)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(gh_vm_transitions); i++) {
		for (j = 0; j < i; j++) {
			if (gh_vm_transitions[i].state == gh_vm_transitions[j].state)
				KUNIT_EXPECT_NE(test, gh_vm_transitions[i].event,
						gh_vm_transitions[j].event);
		}
	}
}

static void runs_through_a_life(struct kunit *test)
{
	static const enum gh_vm_event life[] = {
		GH_VM_EV_ALLOCATED, GH_VM_EV_CONFIGURED, GH_VM_EV_INITIALISED, GH_VM_EV_START,
		GH_VM_EV_STARTED, GH_VM_EV_EXITED, GH_VM_EV_RESET, GH_VM_EV_RESET_DONE,
		GH_VM_EV_DEALLOCATED,
	};
	enum gh_vm_state state = GH_VM_NEW;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(life); i++)
		KUNIT_EXPECT_TRUE(test, gh_vm_state_next(state, life[i], &state));
	KUNIT_EXPECT_EQ(test, state, GH_VM_GONE);
}

/*
 * Where a VM can be when its end begins: all but in the middle of the worker's
 * own steps. From all of them there is a way to the end without a reset where
 * the Resource Manager does not take one.
 */
static void reset_where_it_is_due(struct kunit *test)
{
	enum gh_vm_state state;

	for (state = 0; state < GH_VM_N_STATES; state++) {
		bool want = state == GH_VM_READY || state == GH_VM_INIT_FAILED ||
			    state == GH_VM_EXITED;

		KUNIT_EXPECT_EQ_MSG(test, gh_vm_state_needs_reset(state), want, "state %s",
				    gh_vm_state_name(state));
	}
}

static void vmid_from_allocation_on(struct kunit *test)
{
	enum gh_vm_state state;

	for (state = 0; state < GH_VM_N_STATES; state++)
		KUNIT_EXPECT_EQ_MSG(test, gh_vm_state_has_vmid(state),
				    state != GH_VM_NEW && state != GH_VM_GONE, "state %s",
				    gh_vm_state_name(state));
}

static void every_state_has_a_name(struct kunit *test)
{
	enum gh_vm_state a, b;

	for (a = 0; a < GH_VM_N_STATES; a++) {
		KUNIT_ASSERT_NOT_NULL(test, gh_vm_state_name(a));
		for (b = 0; b < a; b++)
			KUNIT_EXPECT_STRNEQ(test, gh_vm_state_name(a), gh_vm_state_name(b));
	}
	KUNIT_EXPECT_STREQ(test, gh_vm_state_name(GH_VM_N_STATES), "unknown");
}

static struct kunit_case gh_vm_state_cases[] = {
	KUNIT_CASE(every_event_in_every_state),
	KUNIT_CASE(no_entry_twice),
	KUNIT_CASE(runs_through_a_life),
	KUNIT_CASE(reset_where_it_is_due),
	KUNIT_CASE(vmid_from_allocation_on),
	KUNIT_CASE(every_state_has_a_name),
	{}
};

static struct kunit_suite gh_vm_state_suite = {
	.name = "gunyah-vm-state",
	.test_cases = gh_vm_state_cases,
};

kunit_test_suite(gh_vm_state_suite);

MODULE_DESCRIPTION("KUnit: states of a Gunyah VM");
MODULE_LICENSE("GPL");
