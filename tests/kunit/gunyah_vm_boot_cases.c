// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: how a VM boots, and what can be done at all. Part of
 * gunyah_vm_life_test.c.
 */

/*
 * Boot context
 */

static int set_reg(struct gh_vm *ghvm, u32 reg, u64 value)
{
	struct gh_vm_boot_context context = { .reg = reg, .reserved = ~0U, .value = value };

	return gh_vm_set_boot_context(ghvm, &context);
}

#define X(_index)	GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_X, _index)
#define PC		GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_PC, 0)
#define SP(_index)	GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_SP, _index)

/* By set and number, each once, between initialisation and start. */
static void registers_before_start(struct kunit *test)
{
	static const struct {
		u8 set;
		u8 index;
		u64 value;
	} want[] = {
		{ 0, 0, 0 }, { 0, 31, 5 }, { 1, 0, U64_MAX }, { 2, 0, 2 }, { 2, 2, 0x80000002 },
	};
	struct life *life = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, SP(2), 0x80000002));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, X(31), 5));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, 1));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, X(0), 1));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, SP(0), 2));
	/* The last value counts, whatever it is. */
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, X(0), 0));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, U64_MAX));

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE "ALWSCIBBBBBGT");
	KUNIT_EXPECT_EQ(test, life->rm.auth, GH_RM_VM_AUTH_NONE);
	KUNIT_ASSERT_EQ(test, life->rm.n_regs, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_EQ(test, life->rm.regs[i].set, want[i].set);
		KUNIT_EXPECT_EQ(test, life->rm.regs[i].index, want[i].index);
		KUNIT_EXPECT_EQ(test, life->rm.regs[i].value, want[i].value);
	}
}

static void all_registers(struct kunit *test)
{
	struct life *life = test->priv;
	u32 i;

	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, X(i), i));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, 32));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, SP(i), 33 + i));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_ASSERT_EQ(test, life->rm.n_regs, 36);
	for (i = 0; i < 36; i++)
		KUNIT_EXPECT_EQ(test, life->rm.regs[i].value, i);
}

static void no_such_register(struct kunit *test)
{
	static const u32 bad[] = {
		X(32), X(255), GH_VM_BOOT_REG(GH_VM_BOOT_REG_SET_PC, 1), SP(3),
		GH_VM_BOOT_REG(3, 0), GH_VM_BOOT_REG(255, 0), BIT(16), BIT(31), U32_MAX,
	};
	struct life *life = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, set_reg(life->ghvm, bad[i], 0), "%#x", bad[i]);
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.n_regs, 0);
}

/* The ioctl is not there then, and the start is as ever. */
static void no_boot_context(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.lacks = BIT(GH_RM_OPTIONAL_BOOT_CONTEXT);
	KUNIT_EXPECT_EQ(test, -ENOTTY, set_reg(life->ghvm, PC, TEST_GPA));
	KUNIT_EXPECT_EQ(test, -ENOTTY, set_reg(life->ghvm, X(0), TEST_GPA));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE TO_RUN);
}

/* Whoever gave up on an answer did not get one. */
static void unanswered_probe(struct kunit *test)
{
	static const int errors[] = { -EINTR, -ETIMEDOUT, -ENOMEM, -EBUSY };
	struct life *life = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		life->rm.fail_op = PROBE[0];
		life->rm.fail_errno = errors[i];
		KUNIT_EXPECT_EQ(test, errors[i], set_reg(life->ghvm, PC, TEST_GPA));
	}
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, TEST_GPA));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, TEST_GPA));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE PROBE PROBE PROBE PROBE);
}

static void refused_register(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, TEST_GPA));
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, X(0), TEST_GPA));
	life->rm.fail_op = BOOT_REG[0];
	life->rm.fail_errno = -EXFULL;
	KUNIT_EXPECT_EQ(test, -EXFULL, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE "ALWSCIB" TO_END);
	expect_nothing_left(test);
}

/*
 * Firmware
 */

static int set_fw(struct gh_vm *ghvm, u64 gpa, u64 size)
{
	struct gh_vm_firmware_config config = { .guest_phys_addr = gpa, .size = size };

	return gh_vm_set_fw_config(ghvm, &config);
}

#define FW_GPA		(TEST_GPA + 8 * PAGE_SIZE)
#define FW_SIZE		(4 * PAGE_SIZE)

static void firmware_before_init(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_fw(life->ghvm, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, set_fw(life->ghvm, FW_GPA, FW_SIZE));
	/* Firmware has its own way to start. */
	KUNIT_EXPECT_EQ(test, 0, set_reg(life->ghvm, PC, TEST_GPA));

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE PROBE "ALWSCFIGT");
	KUNIT_EXPECT_EQ(test, life->rm.auth, GH_RM_VM_AUTH_QCOM_ANDROID_PVM);
	KUNIT_EXPECT_EQ(test, life->rm.fw_handle, 0);
	KUNIT_EXPECT_EQ(test, life->rm.fw_offset, 8 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, life->rm.fw_size, FW_SIZE);
	close_vm(life);
	expect_nothing_left(test);
}

/* The second region is another parcel. */
static void firmware_elsewhere(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_fw(life->ghvm, 2 * TEST_GPA, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.fw_handle, 1);
	KUNIT_EXPECT_EQ(test, life->rm.fw_offset, 0);
}

/* Each is said before the Resource Manager hears of the VM, and can be mended. */
static void firmware_arguments(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;
	static const struct {
		u64 gpa;
		u64 size;
		int set;
		int start;
	} bad[] = {
		{ FW_GPA, 0, -EINVAL },
		{ FW_GPA, -FW_GPA, -EOVERFLOW },
		{ U64_MAX, U64_MAX, -EOVERFLOW },
		{ FW_GPA + 1, FW_SIZE, 0, -EINVAL },
		{ FW_GPA, FW_SIZE + 1, 0, -EINVAL },
		{ FW_GPA, 9 * PAGE_SIZE, 0, -ENXIO },
		{ TEST_GPA - PAGE_SIZE, 2 * PAGE_SIZE, 0, -ENXIO },
		{ 0, PAGE_SIZE, 0, -ENXIO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, bad[i].set, set_fw(ghvm, bad[i].gpa, bad[i].size),
				    "case %u", i);
		if (!bad[i].set)
			KUNIT_EXPECT_EQ_MSG(test, bad[i].start, gh_vm_start(ghvm), "case %u", i);
	}
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE);
	KUNIT_EXPECT_EQ(test, 0, set_fw(ghvm, FW_GPA, FW_SIZE));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(ghvm));
}

static void no_firmware_message(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.lacks = BIT(GH_RM_OPTIONAL_FIRMWARE_MEM);
	KUNIT_EXPECT_EQ(test, -ENOTTY, set_fw(life->ghvm, FW_GPA, FW_SIZE));
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
	KUNIT_EXPECT_EQ(test, life->rm.auth, GH_RM_VM_AUTH_NONE);
}

/* It waits for the initialisation then, and takes no reset before. */
static void no_firmware(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, set_fw(life->ghvm, FW_GPA, FW_SIZE));
	life->rm.fail_op = FIRMWARE[0];
	life->rm.fail_errno = -EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE "ALWSCF" RESET INIT STOP TO_END);
	expect_nothing_left(test);
}

static u64 capability(struct kunit *test, u32 id)
{
	struct life *life = test->priv;
	struct gh_capability cap = { .id = id, .value = 77 };

	KUNIT_EXPECT_EQ(test, 0, gh_vm_mgr_get_capability(life->ghvm->mgr, &cap));
	return cap.value;
}

/* That costs a VMID, but once only. */
static void no_protected_vms(struct kunit *test)
{
	struct life *life = test->priv;
	struct gh_vm_mgr *mgr = gh_vm_mgr_get(life->ghvm->mgr);

	KUNIT_EXPECT_EQ(test, 0, set_fw(life->ghvm, FW_GPA, FW_SIZE));
	KUNIT_EXPECT_EQ(test, 1, capability(test, GH_CAP_FW_CONFIG));
	life->rm.fail_op = CONFIGURE[0];
	life->rm.fail_errno = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vm_start(life->ghvm));
	close_vm(life);
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE "ALWSCMMD");
	KUNIT_EXPECT_EQ(test, life->rm.parcels, 0UL);
	KUNIT_EXPECT_EQ(test, released, 2);

	life->ghvm = gh_vm_alloc(mgr);
	gh_vm_mgr_put(mgr);
	KUNIT_ASSERT_NOT_NULL(test, life->ghvm);
	KUNIT_EXPECT_EQ(test, -ENOTTY, set_fw(life->ghvm, FW_GPA, FW_SIZE));
	KUNIT_EXPECT_EQ(test, 0, capability(test, GH_CAP_FW_CONFIG));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, PROBE "ALWSCMMD");
}

/* For half a minute at most. */
static bool wait_for_free(struct life *life)
{
	unsigned int i;

	for (i = 0; i < 300 && READ_ONCE(life->rm.state) != FAKE_FREE; i++)
		msleep(100);
	return life->rm.state == FAKE_FREE;
}

/* The VMID is not given up for an error that says nothing of the VM. */
static void vmid_of_a_refused_image(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.fail_op = CONFIGURE[0];
	life->rm.fail_errno = -EXFULL;
	life->rm.unsent = true;
	KUNIT_EXPECT_EQ(test, -EXFULL, gh_vm_start(life->ghvm));
	life->rm.fail_op = DEALLOC[0];
	life->rm.fail_errno = -EBUSY;
	close_vm(life);
	/* Its memory need not wait for that. */
	KUNIT_EXPECT_EQ(test, released, 2);
	KUNIT_EXPECT_TRUE(test, wait_for_free(life));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, "ALWSCMMDD");
	expect_nothing_left(test);
}

/*
 * Capabilities
 */

static int fake_bind(struct gh_vm_function_instance *inst)
{
	return 0;
}

static void fake_unbind(struct gh_vm_function_instance *inst)
{
}

static bool fake_compare(const struct gh_vm_function_instance *inst, const void *arg)
{
	return true;
}

#define FAKE_FUNCTION	9

static const struct gh_vm_function fake_function = {
	.type = FAKE_FUNCTION,
	.mod = THIS_MODULE,
	.bind = fake_bind,
	.unbind = fake_unbind,
	.compare = fake_compare,
};

static void capabilities(struct kunit *test)
{
	static const struct {
		u32 id;
		u64 value;
	} want[] = {
		{ 0, 0 },
		{ GH_CAP_API_VERSION, TEST_API_VERSION },
		{ GH_CAP_VARIANT, TEST_VARIANT },
		{ GH_CAP_FEATURES_0, TEST_FEATURES(0) },
		{ GH_CAP_FEATURES_1, TEST_FEATURES(1) },
		{ GH_CAP_FEATURES_2, TEST_FEATURES(2) },
		{ GH_CAP_MEM_FLAGS, GH_VM_REGION_FLAGS },
		{ GH_CAP_VCPU_EXITS, BIT(1) | BIT(2) | BIT(3) },
		{ GH_CAP_MAX_REGIONS, 64 },
		{ GH_CAP_BOOT_CONTEXT, 1 },
		{ GH_CAP_FW_CONFIG, 0 },
		{ GH_CAP_VM_POLL, 1 },
		{ GH_CAP_VM_STATUS, 1 },
		{ GH_CAP_GUEST_MEM, GH_GUEST_MEM_CLOEXEC | GH_GUEST_MEM_ALLOW_HUGEPAGE },
		{ GH_CAP_GUEST_MEM + 1, 0 },
		{ BIT(31), 0 },
		{ U32_MAX, 0 },
	};
	struct life *life = test->priv;
	unsigned int i;

	life->rm.lacks = BIT(GH_RM_OPTIONAL_FIRMWARE_MEM);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ_MSG(test, capability(test, want[i].id), want[i].value,
				    "capability %u", want[i].id);
	KUNIT_EXPECT_EQ(test, capability(test, GH_CAP_MAX_VCPUS), num_possible_cpus());
}

static void capability_functions(struct kunit *test)
{
	u64 before = capability(test, GH_CAP_FUNCTIONS);

	KUNIT_EXPECT_EQ(test, 0, before & BIT(FAKE_FUNCTION));
	KUNIT_ASSERT_EQ(test, 0, gh_vm_function_register(&fake_function));
	KUNIT_EXPECT_EQ(test, before | BIT(FAKE_FUNCTION), capability(test, GH_CAP_FUNCTIONS));
	gh_vm_function_unregister(&fake_function);
	KUNIT_EXPECT_EQ(test, before, capability(test, GH_CAP_FUNCTIONS));
}

static void capability_arguments(struct kunit *test)
{
	struct gh_capability cap = { .id = GH_CAP_API_VERSION, .reserved = 1 };
	struct life *life = test->priv;
	struct gh_vm_mgr *mgr = life->ghvm->mgr;

	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vm_mgr_get_capability(mgr, &cap));
	cap.id = U32_MAX;
	KUNIT_EXPECT_EQ(test, -EINVAL, gh_vm_mgr_get_capability(mgr, &cap));
	cap.id = GH_CAP_BOOT_CONTEXT;
	cap.reserved = 0;
	life->rm.fail_op = PROBE[0];
	life->rm.fail_errno = -EINTR;
	KUNIT_EXPECT_EQ(test, -EINTR, gh_vm_mgr_get_capability(mgr, &cap));
	KUNIT_EXPECT_EQ(test, 1, capability(test, GH_CAP_BOOT_CONTEXT));
}

static struct kunit_case boot_cases[] = {
	KUNIT_CASE(registers_before_start),
	KUNIT_CASE(all_registers),
	KUNIT_CASE(no_such_register),
	KUNIT_CASE(no_boot_context),
	KUNIT_CASE(unanswered_probe),
	KUNIT_CASE(refused_register),
	KUNIT_CASE(firmware_before_init),
	KUNIT_CASE(firmware_elsewhere),
	KUNIT_CASE(firmware_arguments),
	KUNIT_CASE(no_firmware_message),
	KUNIT_CASE(no_firmware),
	KUNIT_CASE(no_protected_vms),
	KUNIT_CASE(vmid_of_a_refused_image),
	KUNIT_CASE(capabilities),
	KUNIT_CASE(capability_functions),
	KUNIT_CASE(capability_arguments),
	{}
};

static struct kunit_suite boot_suite = {
	.name = "gunyah-vm-boot",
	.init = life_init,
	.exit = life_exit,
	.test_cases = boot_cases,
};
