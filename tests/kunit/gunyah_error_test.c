// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: errors of the hypervisor and of the Resource Manager as errnos
 */

#include <kunit/test.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/module.h>

struct gh_error_case {
	int error;
	int ret;
};

/* All that either may answer, each with what users of the modules get. */
static const struct gh_error_case gh_hypercall_cases[] = {
	{ GH_ERROR_OK, 0 },
	{ GH_ERROR_UNIMPLEMENTED, -EOPNOTSUPP },
	{ GH_ERROR_RETRY, -EAGAIN },
	{ GH_ERROR_ARG_INVAL, -EINVAL },
	{ GH_ERROR_ARG_SIZE, -EINVAL },
	{ GH_ERROR_ARG_ALIGN, -EINVAL },
	{ GH_ERROR_NOMEM, -ENOMEM },
	{ GH_ERROR_NORESOURCES, -EINVAL },
	{ GH_ERROR_ADDR_OVFL, -EINVAL },
	{ GH_ERROR_ADDR_UNFL, -EINVAL },
	{ GH_ERROR_ADDR_INVAL, -EINVAL },
	{ GH_ERROR_DENIED, -EACCES },
	{ GH_ERROR_BUSY, -EBUSY },
	{ GH_ERROR_IDLE, -EBUSY },
	{ GH_ERROR_OBJECT_STATE, -EINVAL },
	{ GH_ERROR_OBJECT_CONFIG, -EINVAL },
	{ GH_ERROR_OBJECT_CONFIGURED, -EINVAL },
	{ GH_ERROR_FAILURE, -EINVAL },
	{ GH_ERROR_IRQ_BOUND, -EIO },
	{ GH_ERROR_IRQ_UNBOUND, -EIO },
	{ GH_ERROR_CSPACE_CAP_NULL, -EACCES },
	{ GH_ERROR_CSPACE_CAP_REVOKED, -EACCES },
	{ GH_ERROR_CSPACE_WRONG_OBJ_TYPE, -EACCES },
	{ GH_ERROR_CSPACE_INSUF_RIGHTS, -EACCES },
	{ GH_ERROR_CSPACE_FULL, -EBUSY },
	{ GH_ERROR_MSGQUEUE_EMPTY, -EIO },
	{ GH_ERROR_MSGQUEUE_FULL, -EIO },
	{ GH_ERROR_STRING_TRUNCATED, -EINVAL },
	{ GH_ERROR_STRING_LAST, -EINVAL },
	{ GH_ERROR_RANGE_OVERLAP, -EINVAL },
	{ GH_ERROR_RANGE_INUSE, -EINVAL },
	{ GH_ERROR_MEMDB_EMPTY, -EINVAL },
	{ GH_ERROR_MEMDB_NOT_OWNER, -EINVAL },
	{ GH_ERROR_EXTENT_MAPPINGS_FULL, -EINVAL },
	{ GH_ERROR_EXTENT_TYPE, -EINVAL },
	{ GH_ERROR_EXISTING_MAPPING, -EINVAL },
	{ 12345, -EINVAL },
	{ -12345, -EINVAL },
};

static const struct gh_error_case gh_rm_cases[] = {
	{ 0x0, 0 },
	{ 0x1, -ENOMEM },
	{ 0x2, -ENOSPC },
	{ 0x3, -EPERM },
	{ 0x4, -EINVAL },
	{ 0x5, -EBUSY },
	{ 0x6, -EINVAL },
	{ 0x7, -ESTALE },
	{ 0x8, -EINVAL },
	{ 0x9, -EINVAL },
	{ 0xa, -EINVAL },
	{ 0xb, -EBUSY },
	{ 0xc, -EINVAL },
	{ 0xd, -EINVAL },
	{ 0xe, -ENOENT },
	{ 0xf, -EINVAL },
	{ 0x10, -EBUSY },
	{ 0x11, -EINVAL },
	{ 0x12, -EBUSY },
	{ 0x13, -EINVAL },
	{ 0x14, -EBADFD },
	{ 0x15, -EINVAL },
	{ 0xffffffff, -EOPNOTSUPP },
	{ 0xfffffffe, -EINVAL },
};

static void gh_error_hypercall(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gh_hypercall_cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, gh_error_remap(gh_hypercall_cases[i].error),
				    gh_hypercall_cases[i].ret, "error %d",
				    gh_hypercall_cases[i].error);
}

/* Whatever the hypervisor answers, only "OK" is success. */
static void gh_error_never_positive(struct kunit *test)
{
	int error;

	for (error = -300; error <= 300; error++) {
		if (error == GH_ERROR_OK)
			continue;
		KUNIT_EXPECT_LT_MSG(test, gh_error_remap(error), 0, "hypercall %d", error);
		KUNIT_EXPECT_LT_MSG(test, gh_rm_error_remap(error), 0, "RM %d", error);
	}
}

static void gh_error_rm(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gh_rm_cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, gh_rm_error_remap(gh_rm_cases[i].error),
				    gh_rm_cases[i].ret, "error %#x", gh_rm_cases[i].error);
}

static struct kunit_case gh_error_test_cases[] = {
	KUNIT_CASE(gh_error_hypercall),
	KUNIT_CASE(gh_error_rm),
	KUNIT_CASE(gh_error_never_positive),
	{}
};

static struct kunit_suite gh_error_test_suite = {
	.name = "gunyah_error",
	.test_cases = gh_error_test_cases,
};

kunit_test_suite(gh_error_test_suite);

MODULE_LICENSE("GPL");
