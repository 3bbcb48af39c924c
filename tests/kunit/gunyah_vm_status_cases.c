// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what users of a VM file see of it. Part of gunyah_vm_life_test.c.
 */

/* A start in the background, so that the test can look at it. */
struct starter {
	struct work_struct work;
	struct gh_vm *ghvm;
	int ret;
};

static void starter_work(struct work_struct *work)
{
	struct starter *starter = container_of(work, struct starter, work);

	starter->ret = gh_vm_start(starter->ghvm);
}

static void starter_begin(struct starter *starter, struct gh_vm *ghvm)
{
	starter->ghvm = ghvm;
	INIT_WORK_ONSTACK(&starter->work, starter_work);
	queue_work(system_unbound_wq, &starter->work);
}

static int starter_end(struct starter *starter)
{
	flush_work(&starter->work);
	destroy_work_on_stack(&starter->work);
	return starter->ret;
}

/* For a minute at most: a request of the VM hangs. */
static bool wait_blocked(struct life *life)
{
	unsigned int i;

	for (i = 0; i < 600; i++) {
		if (READ_ONCE(life->rm.blocked))
			return true;
		msleep(100);
	}
	return false;
}

static void unblock(struct life *life)
{
	WRITE_ONCE(life->rm.block_op, 0);
}

static struct gh_vm_status_info status_of(struct life *life)
{
	struct gh_vm_status_info info;

	memset(&info, 0xee, sizeof(info));
	gh_vm_get_status(life->ghvm, &info);
	return info;
}

/*
 * Ways through a life, each up to one of the states that users can see
 */

static void be_new(struct kunit *test)
{
}

/* Until unblock() */
static void be_starting(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.block_op = START[0];
	mutex_lock(&life->ghvm->config_lock);
	KUNIT_EXPECT_EQ(test, 0, gh_vm_begin_start(life->ghvm));
	mutex_unlock(&life->ghvm->config_lock);
	KUNIT_EXPECT_TRUE(test, wait_blocked(life));
}

static void be_running(struct kunit *test)
{
	struct life *life = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
}

static void be_exited(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.exits_at_start = true;
	KUNIT_EXPECT_EQ(test, 0, gh_vm_start(life->ghvm));
}

static void be_load_failed(struct kunit *test)
{
	struct life *life = test->priv;

	life->rm.fail_op = INIT[0];
	life->rm.fail_errno = -EXFULL;
	KUNIT_EXPECT_EQ(test, -EXFULL, gh_vm_start(life->ghvm));
}

static void be_gone(struct kunit *test)
{
	struct life *life = test->priv;

	gh_vm_mgr_unregister(&life->rm);
}

/* It ran, and nobody can say what became of it. */
static void be_lost(struct kunit *test)
{
	struct life *life = test->priv;

	be_running(test);
	life->rm.mute = true;
	gh_vm_mgr_unregister(&life->rm);
	flush_workqueue(gh_vm_wq);
}

static void be_stopped_by_unbinding(struct kunit *test)
{
	be_running(test);
	be_gone(test);
}

static void be_failed_and_gone(struct kunit *test)
{
	be_load_failed(test);
	be_gone(test);
}

static const struct phase {
	const char *name;
	void (*be)(struct kunit *test);
	enum gh_vm_status status;
	bool end;
	u16 exit_type;
	u32 reason_size;
	u32 start_error;
} phases[] = {
	{ "new", be_new, GH_VM_STATUS_NEW },
	{ "starting", be_starting, GH_VM_STATUS_STARTING },
	{ "running", be_running, GH_VM_STATUS_RUNNING },
	{ "exited", be_exited, GH_VM_STATUS_EXITED, true,
	  GH_VM_EXIT_TYPE_PSCI_POWER_OFF, 12 },
	{ "load-failed", be_load_failed, GH_VM_STATUS_LOAD_FAILED, true, .start_error = EXFULL },
	{ "gone", be_gone, GH_VM_STATUS_CRASHED, true },
	{ "lost", be_lost, GH_VM_STATUS_CRASHED, true },
	{ "stopped by unbinding", be_stopped_by_unbinding, GH_VM_STATUS_EXITED, true,
	  GH_VM_EXIT_TYPE_VM_FORCE_STOPPED, 12 },
	{ "failed and gone", be_failed_and_gone, GH_VM_STATUS_LOAD_FAILED, true,
	  .start_error = EXFULL },
};

static void phase_desc(const struct phase *phase, char *desc)
{
	strscpy(desc, phase->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(phase, phases, phase_desc);

static void status(struct kunit *test)
{
	static const u8 reason[GH_VM_STATUS_REASON_SIZE] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
	};
	static const u8 none[GH_VM_STATUS_REASON_SIZE];
	const struct phase *phase = test->param_value;
	struct life *life = test->priv;
	struct gh_vm_status_info info;
	unsigned int i;

	phase->be(test);
	info = status_of(life);
	unblock(life);

	KUNIT_EXPECT_EQ(test, info.status, phase->status);
	KUNIT_EXPECT_EQ(test, info.start_error, phase->start_error);
	KUNIT_EXPECT_EQ(test, info.exit_type, phase->exit_type);
	KUNIT_EXPECT_EQ(test, info.padding, 0);
	KUNIT_EXPECT_EQ(test, info.reason_size, phase->reason_size);
	KUNIT_EXPECT_EQ(test, 0, memcmp(info.reason, phase->reason_size ? reason : none,
					sizeof(info.reason)));
	for (i = 0; i < ARRAY_SIZE(info.reserved); i++)
		KUNIT_EXPECT_EQ(test, info.reserved[i], 0);
}

/*
 * vCPUs are told of the same ends, and of the beginning of the reason; but they
 * are gone with the Resource Manager.
 */
static void vcpu_status(struct kunit *test)
{
	static const u8 reason[GH_VM_MAX_EXIT_REASON_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	const struct phase *phase = test->param_value;
	struct life *life = test->priv;
	enum gh_vm_status status = 77;
	struct gh_vm_exit_info info;
	bool gone;
	int ret;

	phase->be(test);
	gone = gh_vm_is_orphaned(life->ghvm);
	ret = gh_vm_exit_status(life->ghvm, &status, &info);
	unblock(life);

	KUNIT_EXPECT_EQ(test, ret, phase->end && !gone ? 0 : -ENODEV);
	if (!ret)
		KUNIT_EXPECT_EQ(test, status, phase->status);
	KUNIT_EXPECT_EQ(test, info.type, phase->exit_type);
	KUNIT_EXPECT_EQ(test, info.reason_size, min(phase->reason_size, sizeof(reason)));
	if (phase->reason_size)
		KUNIT_EXPECT_EQ(test, 0, memcmp(info.reason, reason, sizeof(reason)));
}

/* Return: a notification with room for so many bytes of reason, and for no more. */
static struct gh_rm_vm_exited_payload *make_exit(struct kunit *test, u32 claimed, size_t there)
{
	struct gh_rm_vm_exited_payload *payload;

	payload = kunit_kmalloc(test, sizeof(*payload) + there, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	payload->vmid = cpu_to_le16(TEST_VMID);
	payload->exit_type = cpu_to_le16(GH_VM_EXIT_TYPE_HYP_ERROR);
	payload->exit_reason_size = cpu_to_le32(claimed);
	memset(payload->exit_reason, 0x5a, there);
	return payload;
}

static void notify_exit(struct life *life, void *payload, size_t size)
{
	struct gh_rm_notification notif = { .buff = payload, .size = size };

	life->rm.nb->notifier_call(life->rm.nb, GH_RM_NOTIF_VM_EXITED, &notif);
}

static void be_running_again(struct gh_vm *ghvm)
{
	spin_lock(&ghvm->state_lock);
	memset(&ghvm->exit, 0, sizeof(ghvm->exit));
	ghvm->exited = false;
	WRITE_ONCE(ghvm->state, GH_VM_RUNNING);
	spin_unlock(&ghvm->state_lock);
}

/* As many bytes as there are, and of these as many as there is room for */
static void expect_reason(struct kunit *test, size_t size)
{
	size_t kept = min_t(size_t, size, GH_VM_STATUS_REASON_SIZE);
	struct life *life = test->priv;
	struct gh_vm_status_info info;
	struct gh_vm_exit_info exit;
	enum gh_vm_status status;

	info = status_of(life);
	KUNIT_EXPECT_EQ(test, info.status, GH_VM_STATUS_EXITED);
	KUNIT_EXPECT_EQ(test, info.exit_type, GH_VM_EXIT_TYPE_HYP_ERROR);
	KUNIT_EXPECT_EQ(test, info.reason_size, kept);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(info.reason, 0x5a, kept), NULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(info.reason + kept, 0, sizeof(info.reason) - kept),
			    NULL);
	KUNIT_EXPECT_EQ(test, info.reserved[0], 0);

	kept = min_t(size_t, size, GH_VM_MAX_EXIT_REASON_SIZE);
	KUNIT_EXPECT_EQ(test, 0, gh_vm_exit_status(life->ghvm, &status, &exit));
	KUNIT_EXPECT_EQ(test, exit.reason_size, kept);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(exit.reason, 0x5a, kept), NULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(exit.reason + kept, 0, sizeof(exit.reason) - kept),
			    NULL);
}

/* The notification says how long the reason is, and may say anything. */
static void reason_sizes(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 9, 31, 32, 33, 40, 1000, U32_MAX };
	struct gh_rm_vm_exited_payload *payload;
	struct life *life = test->priv;
	size_t i, j;

	be_running(test);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes) - 1; j++) {
			payload = make_exit(test, sizes[i], sizes[j]);
			notify_exit(life, payload, sizeof(*payload) + sizes[j]);
			expect_reason(test, min(sizes[i], sizes[j]));
			be_running_again(life->ghvm);
			kunit_kfree(test, payload);
		}
	}
}

/* What is not whole is none, and is not looked at. */
static void short_notifications(struct kunit *test)
{
	struct gh_rm_notification notif = {};
	struct life *life = test->priv;
	u8 *byte;

	be_running(test);
	for (; notif.size < sizeof(struct gh_rm_vm_exited_payload); notif.size++) {
		byte = kunit_kzalloc(test, notif.size, GFP_KERNEL);
		notif.buff = byte;
		if (notif.size)
			byte[0] = TEST_VMID;
		life->rm.nb->notifier_call(life->rm.nb, GH_RM_NOTIF_VM_EXITED, &notif);
		if (notif.size < sizeof(struct gh_rm_vm_status_payload))
			life->rm.nb->notifier_call(life->rm.nb, GH_RM_NOTIF_VM_STATUS, &notif);
		KUNIT_EXPECT_EQ(test, status_of(life).status, GH_VM_STATUS_RUNNING);
	}
}

/*
 * Crash messages
 */

/* More than there is room for is possible, if not from today's Resource Managers. */
static void crash_msg_sizes(struct kunit *test)
{
	static const size_t sizes[] = {
		0, 1, 192, GH_VM_CRASH_MSG_SIZE - 1, GH_VM_CRASH_MSG_SIZE,
		GH_VM_CRASH_MSG_SIZE + 1, U16_MAX
	};
	struct life *life = test->priv;
	struct gh_vm_crash_msg info;
	size_t i, kept;

	be_running(test);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		life->rm.crash_size = sizes[i];
		kept = min_t(size_t, sizes[i], GH_VM_CRASH_MSG_SIZE);
		memset(&info, 0xee, sizeof(info));
		KUNIT_EXPECT_EQ(test, 0, gh_vm_get_crash_msg(life->ghvm, &info));
		KUNIT_EXPECT_EQ(test, info.size, sizes[i]);
		KUNIT_EXPECT_EQ(test, info.reserved, 0);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(info.msg, 0x5a, kept), NULL);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(info.msg + kept, 0, sizeof(info.msg) - kept),
				    NULL);
	}
}

static void crash_msg_errors(struct kunit *test)
{
	static const struct {
		int ret;
		int want;
	} errors[] = {
		{ -EOPNOTSUPP, -ENOTTY },
		{ -EBADMSG, -EBADMSG },
		{ -ETIMEDOUT, -ETIMEDOUT },
		{ -ENOMEM, -ENOMEM },
		{ -EINTR, -EINTR },
	};
	struct life *life = test->priv;
	struct gh_vm_crash_msg info;
	size_t i;

	be_running(test);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		life->rm.fail_op = CRASH_MSG[0];
		life->rm.fail_errno = errors[i].ret;
		KUNIT_EXPECT_EQ(test, errors[i].want, gh_vm_get_crash_msg(life->ghvm, &info));
		KUNIT_EXPECT_EQ(test, 0, gh_vm_get_crash_msg(life->ghvm, &info));
	}
}

/* Somebody who asks while the test does something else */
struct crash_msg_reader {
	struct work_struct work;
	struct gh_vm *ghvm;
	struct gh_vm_crash_msg info;
	int ret;
};

static void crash_msg_work(struct work_struct *work)
{
	struct crash_msg_reader *reader = container_of(work, struct crash_msg_reader, work);

	reader->ret = gh_vm_get_crash_msg(reader->ghvm, &reader->info);
}

/* What is answered when the VM is gone may be what another VM has left. */
static void crash_msg_while_unbinding(struct kunit *test)
{
	struct life *life = test->priv;
	struct crash_msg_reader *reader;

	reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->ghvm = life->ghvm;
	life->rm.crash_size = 192;
	be_running(test);

	life->rm.block_op = CRASH_MSG[0];
	INIT_WORK(&reader->work, crash_msg_work);
	queue_work(system_unbound_wq, &reader->work);
	KUNIT_EXPECT_TRUE(test, wait_blocked(life));
	/* It is not in the way of that. */
	be_gone(test);
	KUNIT_EXPECT_TRUE(test, work_busy(&reader->work));
	unblock(life);
	flush_work(&reader->work);

	KUNIT_EXPECT_EQ(test, reader->ret, -ENODEV);
	KUNIT_EXPECT_EQ(test, reader->info.size, 0);
}

/*
 * Poll
 */

/* Somebody who waits, as poll() and epoll do. */
struct watcher {
	poll_table table;
	struct life *life;
	unsigned int n;
	struct watch {
		wait_queue_entry_t entry;
		wait_queue_head_t *head;
		struct watcher *watcher;
	} watches[4];
	bool woken_after_end;
};

static __poll_t poll_now(struct life *life)
{
	return gh_vm_poll(life->ghvm, NULL, NULL);
}

static int watcher_woken(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct watcher *watcher = container_of(entry, struct watch, entry)->watcher;

	/* What the woken one would find if it looked at once */
	if (poll_now(watcher->life))
		watcher->woken_after_end = true;
	return 0;
}

static void watcher_add(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct watcher *watcher = container_of(table, struct watcher, table);
	struct watch *watch = &watcher->watches[watcher->n++];

	watch->watcher = watcher;
	watch->head = head;
	init_waitqueue_func_entry(&watch->entry, watcher_woken);
	add_wait_queue(head, &watch->entry);
}

#define POLL_END	(EPOLLIN | EPOLLRDNORM | EPOLLHUP)

/* Nobody who looks, then waits, misses the end: a wake-up comes after it. */
static void poll(struct kunit *test)
{
	const struct phase *phase = test->param_value;
	struct watcher watcher = { .life = test->priv };
	struct life *life = test->priv;
	unsigned int i;

	init_poll_funcptr(&watcher.table, watcher_add);
	KUNIT_EXPECT_EQ(test, (__force u32)0,
			(__force u32)gh_vm_poll(life->ghvm, NULL, &watcher.table));
	KUNIT_ASSERT_GT(test, watcher.n, 0U);

	phase->be(test);
	KUNIT_EXPECT_EQ(test, (__force u32)(phase->end ? POLL_END : 0),
			(__force u32)poll_now(life));
	unblock(life);
	/* The wake-up is the worker's, which may not be through when START returns. */
	flush_workqueue(gh_vm_wq);
	KUNIT_EXPECT_EQ(test, watcher.woken_after_end, phase->end);

	for (i = 0; i < watcher.n; i++)
		remove_wait_queue(watcher.watches[i].head, &watcher.watches[i].entry);
}

/*
 * What each call answers
 */

static int ask_region(struct life *life)
{
	return set_region(life->ghvm, 5, RWX, 4 * TEST_GPA, PAGE_SIZE);
}

static int ask_lend(struct life *life)
{
	struct gh_userspace_memory_region region = {
		.label = 5,
		.flags = RWX,
		.guest_phys_addr = 4 * TEST_GPA,
		.memory_size = PAGE_SIZE,
		.userspace_addr = TEST_UADDR,
	};

	return gh_vm_set_region(life->ghvm, &region, true);
}

static int ask_map_mem(struct life *life)
{
	const struct gh_map_mem map_mem = {
		.guest_addr = 4 * TEST_GPA,
		.flags = GH_MAP_MEM_ALLOW_READ,
		.size = PAGE_SIZE,
	};

	return gh_vm_map_file(life->ghvm, NULL, &map_mem);
}

static int ask_dtb(struct life *life)
{
	return set_dtb(life->ghvm, TEST_GPA + PAGE_SIZE, PAGE_SIZE + 1);
}

static int ask_fw(struct life *life)
{
	return set_fw(life->ghvm, FW_GPA, FW_SIZE);
}

static int ask_boot_context(struct life *life)
{
	return set_reg(life->ghvm, PC, 0);
}

static int ask_start(struct life *life)
{
	return gh_vm_start(life->ghvm);
}

static const struct gh_fn_desc fake_desc = { .type = FAKE_FUNCTION };

static int ask_add(struct life *life)
{
	return gh_vm_add_function(life->ghvm, &fake_desc);
}

static int ask_remove(struct life *life)
{
	return gh_vm_remove_function(life->ghvm, &fake_desc);
}

static int ask_status(struct life *life)
{
	struct gh_vm_status_info info;

	gh_vm_get_status(life->ghvm, &info);
	return 0;
}

static int ask_crash_msg(struct life *life)
{
	struct gh_vm_crash_msg info;

	return gh_vm_get_crash_msg(life->ghvm, &info);
}

static int ask_capability(struct life *life)
{
	struct gh_capability cap = { .id = GH_CAP_API_VERSION };

	return gh_vm_mgr_get_capability(life->ghvm->mgr, &cap);
}

static int ask_extension(struct life *life)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	int ret;

	if (!file)
		return -ENOMEM;
	file->private_data = life->ghvm;
	ret = gh_vm_ioctl(file, GH_VM_ANDROID_CHECK_EXTENSION, 1);
	kfree(file);
	return ret;
}

static void (* const columns[])(struct kunit *test) = {
	be_new, be_starting, be_running, be_exited, be_load_failed, be_gone,
};

/* It answers when the start is over. */
#define WAITS	1

struct answers {
	const char *name;
	unsigned int cmd;
	int (*ask)(struct life *life);
	int want[ARRAY_SIZE(columns)];
};

#define ROW(_name, _ask, ...) \
	{ .name = #_name, .cmd = _name, .ask = _ask, .want = { __VA_ARGS__ } }

/*
 * Compared by scripts/check-tables.sh with the table in vm-manager.rst. The
 * columns are those above.
 */
static const struct answers answers[] = {
	ROW(GH_VM_SET_USER_MEM_REGION, ask_region, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -ENODEV),
	ROW(GH_VM_ANDROID_LEND_USER_MEM, ask_lend, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -ENODEV),
	ROW(GH_VM_MAP_MEM, ask_map_mem, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -ENODEV),
	ROW(GH_VM_SET_DTB_CONFIG, ask_dtb, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -ENODEV),
	ROW(GH_VM_ANDROID_SET_FW_CONFIG, ask_fw, 0, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -ENODEV),
	ROW(GH_VM_SET_BOOT_CONTEXT, ask_boot_context, 0, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
	    -ENODEV),
	ROW(GH_VM_START, ask_start, 0, WAITS, 0, -ENODEV, -ENODEV, -ENODEV),
	ROW(GH_VM_ADD_FUNCTION, ask_add, 0, 0, 0, 0, 0, -ENODEV),
	ROW(GH_VM_REMOVE_FUNCTION, ask_remove, 0, 0, 0, 0, 0, -ENODEV),
	ROW(GH_VM_GET_STATUS, ask_status, 0, 0, 0, 0, 0, 0),
	ROW(GH_VM_GET_CRASH_MSG, ask_crash_msg, -ENODEV, -ENODEV, 0, 0, -ENODEV, -ENODEV),
	ROW(GH_GET_CAPABILITY, ask_capability, 0, 0, 0, 0, 0, -ENODEV),
	ROW(GH_VM_ANDROID_CHECK_EXTENSION, ask_extension, 0, 0, 0, 0, 0, -ENODEV),
};

struct cell {
	size_t row;
	size_t column;
};

static const void *cell_gen_params(const void *prev, char *desc)
{
	static struct cell cell;

	if (!prev) {
		cell = (struct cell) {};
	} else if (++cell.column == ARRAY_SIZE(columns)) {
		cell.column = 0;
		if (++cell.row == ARRAY_SIZE(answers))
			return NULL;
	}
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s when %s", answers[cell.row].name,
		 phases[cell.column].name);
	return &cell;
}

/* As the file's ioctl does, but with arguments that are not in user memory */
static int ask(struct life *life, const struct answers *row)
{
	int ret = gh_vm_check_ioctl(life->ghvm, row->cmd);

	return ret ? ret : row->ask(life);
}

static void answer(struct kunit *test)
{
	const struct cell *cell = test->param_value;
	const struct answers *row = &answers[cell->row];
	int want = row->want[cell->column];
	struct life *life = test->priv;
	struct starter starter;

	KUNIT_ASSERT_EQ(test, 0, gh_vm_function_register(&fake_function));
	KUNIT_EXPECT_EQ(test, 0, ask_add(life));
	/* The columns are the first of the phases. */
	KUNIT_EXPECT_PTR_EQ(test, columns[cell->column], phases[cell->column].be);
	columns[cell->column](test);

	if (want == WAITS) {
		starter_begin(&starter, life->ghvm);
		msleep(50);
		KUNIT_EXPECT_TRUE(test, work_busy(&starter.work));
		unblock(life);
		KUNIT_EXPECT_EQ(test, 0, starter_end(&starter));
	} else {
		KUNIT_EXPECT_EQ(test, want, ask(life, row));
		unblock(life);
	}
	gh_vm_function_unregister(&fake_function);
}

/* Somebody else who has a lock, and takes his time */
struct holder {
	struct work_struct work;
	struct mutex *lock;	/* what the others want */
	struct completion held;
	struct completion release;
};

static void holder_work(struct work_struct *work)
{
	struct holder *holder = container_of(work, struct holder, work);

	mutex_lock(holder->lock);
	complete(&holder->held);
	wait_for_completion(&holder->release);
	mutex_unlock(holder->lock);
}

static void holder_begin(struct holder *holder, struct mutex *lock)
{
	holder->lock = lock;
	init_completion(&holder->held);
	init_completion(&holder->release);
	INIT_WORK_ONSTACK(&holder->work, holder_work);
	queue_work(system_unbound_wq, &holder->work);
	wait_for_completion(&holder->held);
}

static void holder_end(struct holder *holder)
{
	complete(&holder->release);
	flush_work(&holder->work);
	destroy_work_on_stack(&holder->work);
}

/* What is asked with a signal pending while somebody has @lock: is it interrupted? */
static void ask_interrupted(struct kunit *test, const struct answers *row, struct mutex *lock,
			    bool interrupted)
{
	struct life *life = test->priv;
	struct holder holder;
	int ret;

	holder_begin(&holder, lock);
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	ret = ask(life, row);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	holder_end(&holder);
	KUNIT_EXPECT_EQ_MSG(test, ret, interrupted ? -EINTR : 0, "%s", row->name);
}

static int delete_region(struct life *life)
{
	return set_region(life->ghvm, 1, 0, 0, 0);
}

#define ASK(_cmd, _ask)	{ .name = #_ask, .cmd = _cmd, .ask = _ask }

/* An interrupted search for a region or a function has found nothing, and says so. */
static void interrupted(struct kunit *test)
{
	static const struct answers configuring[] = {
		ASK(GH_VM_SET_USER_MEM_REGION, delete_region),
		ASK(GH_VM_SET_USER_MEM_REGION, ask_region),
		ASK(GH_VM_ANDROID_LEND_USER_MEM, ask_lend),
		ASK(GH_VM_SET_DTB_CONFIG, ask_dtb),
		ASK(GH_VM_ANDROID_SET_FW_CONFIG, ask_fw),
		ASK(GH_VM_SET_BOOT_CONTEXT, ask_boot_context),
		ASK(GH_VM_START, ask_start),
	}, functions[] = {
		ASK(GH_VM_ADD_FUNCTION, ask_add),
		ASK(GH_VM_REMOVE_FUNCTION, ask_remove),
	}, others[] = {
		ASK(GH_VM_GET_STATUS, ask_status),
		ASK(GH_GET_CAPABILITY, ask_capability),
	};
	struct life *life = test->priv;
	struct gh_vm *ghvm = life->ghvm;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, gh_vm_function_register(&fake_function));
	for (i = 0; i < ARRAY_SIZE(configuring); i++)
		ask_interrupted(test, &configuring[i], &ghvm->config_lock, true);
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		ask_interrupted(test, &functions[i], &ghvm->fn_lock, true);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		ask_interrupted(test, &others[i], &ghvm->config_lock, false);

	/* All is as it was. */
	KUNIT_EXPECT_EQ(test, released, 0);
	KUNIT_EXPECT_EQ(test, ghvm->mem_info.pinned, 17 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, -ENOENT, ask_remove(life));
	KUNIT_EXPECT_EQ(test, 0, ask_start(life));
	KUNIT_EXPECT_EQ(test, life->rm.n_regs, 0);
	KUNIT_EXPECT_EQ(test, life->rm.auth, GH_RM_VM_AUTH_NONE);
	gh_vm_function_unregister(&fake_function);
}

/*
 * The file is closed while a request of the start hangs: what is asked for
 * afterwards, when it is answered.
 */
static const struct hang {
	const char *op;
	const char *trace;
} hangs[] = {
	{ ALLOC, ALLOC DEALLOC },
	{ LEND, "ALW" RECLAIM DEALLOC },
	{ WHO, "ALW" RECLAIM DEALLOC },
	{ SHARE, "ALWS" RECLAIM RECLAIM DEALLOC },
	/* There is no way back from between these two. */
	{ CONFIGURE, "ALWSCI" TO_END },
	{ INIT, "ALWSCI" TO_END },
	{ RESOURCES, "ALWSCIG" TO_END },
	{ START, TO_RUN STOP TO_END },
};

static void hang_desc(const struct hang *hang, char *desc)
{
	strscpy(desc, hang->op, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hang, hangs, hang_desc);

static void closed_while_starting(struct kunit *test)
{
	const struct hang *hang = test->param_value;
	struct life *life = test->priv;

	life->rm.block_op = hang->op[0];
	mutex_lock(&life->ghvm->config_lock);
	KUNIT_EXPECT_EQ(test, 0, gh_vm_begin_start(life->ghvm));
	mutex_unlock(&life->ghvm->config_lock);
	KUNIT_EXPECT_TRUE(test, wait_blocked(life));

	gh_vm_close(life->ghvm);
	gh_vm_request_end(life->ghvm);
	unblock(life);
	close_vm(life);
	KUNIT_EXPECT_TRUE(test, wait_for(life, 0, 2));
	KUNIT_EXPECT_STREQ(test, life->rm.trace, hang->trace);
	expect_nothing_left(test);
}

static struct kunit_case status_cases[] = {
	KUNIT_CASE_PARAM(status, phase_gen_params),
	KUNIT_CASE_PARAM(vcpu_status, phase_gen_params),
	KUNIT_CASE(reason_sizes),
	KUNIT_CASE(short_notifications),
	KUNIT_CASE(crash_msg_sizes),
	KUNIT_CASE(crash_msg_errors),
	KUNIT_CASE(crash_msg_while_unbinding),
	KUNIT_CASE_PARAM(poll, phase_gen_params),
	KUNIT_CASE_PARAM(answer, cell_gen_params),
	KUNIT_CASE(interrupted),
	KUNIT_CASE_PARAM(closed_while_starting, hang_gen_params),
	{}
};

static struct kunit_suite status_suite = {
	.name = "gunyah-vm-status",
	.init = life_init,
	.exit = life_exit,
	.test_cases = status_cases,
};
