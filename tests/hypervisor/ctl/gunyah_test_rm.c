// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of the Resource Manager, for tests in userspace.
 *
 * /dev/gunyah_test_rm: each write is a command line that names a call and its
 * arguments, as in linux/gunyah_rsc_mgr.h, all numbers but for names and GUIDs.
 * What is read at the beginning of the file then is what the call told, or
 * "error" and its errno.
 *
 * An open file can have memory, all of which makes one parcel at a time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/gunyah_rsc_mgr.h>
#include <linux/hex.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#define LINE_MAX_BYTES	4096
#define TEXT_MAX_BYTES	4096
#define MAX_ARGS	9

/**
 * struct client - an open file
 * @rm: whom it calls
 * @lock: one command at a time; guards what follows
 * @mem: memory for parcels, or NULL
 * @mem_size: its size
 * @handle: parcel made of it, or GH_MEM_HANDLE_INVAL if that is not known
 * @held: it is not ours now
 * @text: what the last command told
 * @len: how much that is
 */
struct client {
	struct gh_rm *rm;
	struct mutex lock;	/* see above */
	void *mem;
	size_t mem_size;
	u32 handle;
	bool held;
	size_t len;
	char text[TEXT_MAX_BYTES];
};

/**
 * struct arguments - what follows the name of a command
 * @n: how many there are
 * @word: the first, if it is no number
 * @nr: all others
 */
struct arguments {
	unsigned int n;
	const char *word;
	u64 nr[MAX_ARGS];
};

static __printf(2, 3) void tell(struct client *client, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	client->len += vscnprintf(client->text + client->len, TEXT_MAX_BYTES - client->len, fmt,
				  ap);
	va_end(ap);
}

/*
 * Life
 */

static int run_alloc(struct client *client, const struct arguments *args)
{
	u16 vmid = args->nr[0];
	int ret;

	if (args->n)
		ret = gh_rm_alloc_fixed_vmid(client->rm, vmid);
	else
		ret = gh_rm_alloc_vmid(client->rm, &vmid);
	if (!ret)
		tell(client, "%u", vmid);

	return ret;
}

static int run_dealloc(struct client *client, const struct arguments *args)
{
	return gh_rm_dealloc_vmid(client->rm, args->nr[0]);
}

static int run_start(struct client *client, const struct arguments *args)
{
	return gh_rm_vm_start(client->rm, args->nr[0]);
}

static int run_stop(struct client *client, const struct arguments *args)
{
	return gh_rm_vm_stop(client->rm, args->nr[0], args->nr[1], args->nr[2]);
}

static int run_reset(struct client *client, const struct arguments *args)
{
	return gh_rm_vm_reset(client->rm, args->nr[0]);
}

static int run_configure(struct client *client, const struct arguments *args)
{
	const u64 *nr = args->nr;

	return gh_rm_vm_configure(client->rm, nr[0], nr[1], nr[2], nr[3], nr[4], nr[5], nr[6]);
}

static int run_auth_image(struct client *client, const struct arguments *args)
{
	const struct gh_rm_vm_auth_param param = {
		.type = cpu_to_le32(args->nr[1]),
		.value = cpu_to_le32(args->nr[2]),
	};

	return gh_rm_vm_auth_image(client->rm, args->nr[0], &param, args->n > 1 ? 1 : 0);
}

static int run_init(struct client *client, const struct arguments *args)
{
	return gh_rm_vm_init(client->rm, args->nr[0]);
}

static int run_set_firmware_mem(struct client *client, const struct arguments *args)
{
	const u64 *nr = args->nr;

	return gh_rm_vm_set_firmware_mem(client->rm, nr[0], nr[1], nr[2], nr[3]);
}

static int run_set_boot_context(struct client *client, const struct arguments *args)
{
	const u64 *nr = args->nr;

	return gh_rm_vm_set_boot_context(client->rm, nr[0], nr[1], nr[2], nr[3]);
}

static int run_set_time_base(struct client *client, const struct arguments *args)
{
	return gh_rm_vm_set_time_base(client->rm, args->nr[0], args->nr[1], args->nr[2]);
}

/*
 * Questions
 */

static int run_get_vmid(struct client *client, const struct arguments *args)
{
	u16 vmid;
	int ret = gh_rm_get_vmid(client->rm, &vmid);

	if (!ret)
		tell(client, "%u", vmid);

	return ret;
}

static int run_get_host_type(struct client *client, const struct arguments *args)
{
	u32 type;
	int ret = gh_rm_get_host_type(client->rm, &type);

	if (!ret)
		tell(client, "%#x", type);

	return ret;
}

static int run_get_id(struct client *client, const struct arguments *args)
{
	struct gh_rm_vm_id *id;
	int ret = gh_rm_vm_get_id(client->rm, args->nr[0], &id);

	if (ret)
		return ret;
	tell(client, "guid %pUb name %s uri %s sign-auth %s", &id->guid, id->name ?: "-",
	     id->uri ?: "-", id->sign_auth ?: "-");
	kfree(id);

	return 0;
}

static int tell_vmids(struct client *client, int ret, struct gh_rm_vmids *vmids)
{
	size_t i;

	if (ret)
		return ret;
	tell(client, "%zu", vmids->n);
	for (i = 0; i < vmids->n; i++)
		tell(client, " %u", vmids->vmids[i]);
	kfree(vmids);

	return 0;
}

static int run_lookup_name(struct client *client, const struct arguments *args)
{
	struct gh_rm_vmids *vmids = NULL;
	int ret = gh_rm_vm_lookup_name(client->rm, args->word, &vmids);

	return tell_vmids(client, ret, vmids);
}

static int run_lookup_uri(struct client *client, const struct arguments *args)
{
	struct gh_rm_vmids *vmids = NULL;
	int ret = gh_rm_vm_lookup_uri(client->rm, args->word, &vmids);

	return tell_vmids(client, ret, vmids);
}

static int run_lookup_guid(struct client *client, const struct arguments *args)
{
	struct gh_rm_vmids *vmids = NULL;
	uuid_t guid;
	int ret = uuid_parse(args->word, &guid);

	if (!ret)
		ret = gh_rm_vm_lookup_guid(client->rm, &guid, &vmids);

	return tell_vmids(client, ret, vmids);
}

static int run_get_peers(struct client *client, const struct arguments *args)
{
	struct gh_rm_vmids *vmids = NULL;
	int ret = gh_rm_vm_get_peers(client->rm, args->nr[0], &vmids);

	return tell_vmids(client, ret, vmids);
}

static int run_get_owner(struct client *client, const struct arguments *args)
{
	u16 owner;
	int ret = gh_rm_vm_get_owner(client->rm, args->nr[0], &owner);

	if (!ret)
		tell(client, "%u", owner);

	return ret;
}

static int run_get_state(struct client *client, const struct arguments *args)
{
	struct gh_rm_vm_state state;
	int ret = gh_rm_vm_get_state(client->rm, args->nr[0], &state);

	if (!ret)
		tell(client, "state %u os %u app %u", state.vm_status, state.os_status,
		     state.app_status);

	return ret;
}

static int run_get_crash_msg(struct client *client, const struct arguments *args)
{
	size_t size;
	char *msg;
	int ret = gh_rm_vm_get_crash_msg(client->rm, args->nr[0], &msg, &size);

	if (ret)
		return ret;
	tell(client, "%zu %s", size, msg);
	kfree(msg);

	return 0;
}

static int run_get_resources(struct client *client, const struct arguments *args)
{
	struct gh_rm_hyp_resources *resources;
	int ret = gh_rm_get_hyp_resources(client->rm, args->nr[0], &resources);
	u32 n, i;

	if (ret)
		return ret;
	n = le32_to_cpu(resources->n_entries);
	tell(client, "%u", n);
	for (i = 0; i < n; i++)
		tell(client, " %u:%u", resources->entries[i].type,
		     le32_to_cpu(resources->entries[i].resource_label));
	kfree(resources);

	return 0;
}

/*
 * Memory
 */

static int run_memory(struct client *client, const struct arguments *args)
{
	size_t size = args->nr[0];

	if (client->mem || !size || size > SZ_4M || size % SZ_4K)
		return -EINVAL;
	client->mem = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO);
	if (!client->mem)
		return -ENOMEM;
	client->mem_size = size;

	return 0;
}

static int check_range(const struct client *client, u64 offset, u64 size)
{
	if (client->held)
		return -EBUSY;
	if (offset > client->mem_size || size > client->mem_size - offset)
		return -EINVAL;

	return 0;
}

static int run_poke(struct client *client, const struct arguments *args)
{
	size_t size = strlen(args->word) / 2;
	int ret = check_range(client, args->nr[0], size);

	return ret ?: hex2bin(client->mem + args->nr[0], args->word, size);
}

static int run_peek(struct client *client, const struct arguments *args)
{
	int ret = check_range(client, args->nr[0], args->nr[1]);

	if (!ret && args->nr[1] > 64)
		ret = -EINVAL;
	if (!ret)
		tell(client, "%*phN", (int)args->nr[1], client->mem + args->nr[0]);

	return ret;
}

static size_t next_entries(void *priv, struct gh_rm_mem_entry *entries, size_t max)
{
	const struct client *client = priv;

	entries->phys_addr = cpu_to_le64(virt_to_phys(client->mem));
	entries->size = cpu_to_le64(client->mem_size);

	return 1;
}

/* Arguments are the label, the flags, then VMIDs and rights by turns. */
static struct gh_rm_mem_parcel describe_parcel(struct client *client, const struct arguments *args,
					       struct gh_rm_mem_acl_entry *acl)
{
	unsigned int i, n = 0;

	for (i = 2; i + 1 < args->n; i += 2) {
		acl[n++] = (struct gh_rm_mem_acl_entry) {
			.vmid = cpu_to_le16(args->nr[i]),
			.perms = args->nr[i + 1],
		};
	}

	return (struct gh_rm_mem_parcel) {
		.mem_type = GH_RM_MEM_TYPE_NORMAL,
		.label = args->nr[0],
		.flags = args->nr[1],
		.n_acl_entries = n,
		.acl_entries = acl,
		.n_mem_entries = 1,
		.next_entries = next_entries,
		.priv = client,
	};
}

static int give(struct client *client, const struct arguments *args,
		int (*call)(struct gh_rm *rm, struct gh_rm_mem_parcel *parcel))
{
	struct gh_rm_mem_acl_entry acl[MAX_ARGS / 2];
	struct gh_rm_mem_parcel parcel = describe_parcel(client, args, acl);
	int ret;

	if (!client->mem || client->held)
		return -EBUSY;

	ret = call(client->rm, &parcel);
	client->handle = parcel.mem_handle;
	client->held = parcel.held;
	if (!ret)
		tell(client, "%u", parcel.mem_handle);

	return ret;
}

static int run_donate(struct client *client, const struct arguments *args)
{
	return give(client, args, gh_rm_mem_donate);
}

static int run_lend(struct client *client, const struct arguments *args)
{
	return give(client, args, gh_rm_mem_lend);
}

static int run_share(struct client *client, const struct arguments *args)
{
	return give(client, args, gh_rm_mem_share);
}

static int run_lookup_parcel(struct client *client, const struct arguments *args)
{
	struct gh_rm_mem_acl_entry acl[MAX_ARGS / 2];
	struct gh_rm_mem_parcel parcel = describe_parcel(client, args, acl);
	u32 handle;
	int ret;

	if (!client->mem)
		return -EBUSY;
	ret = gh_rm_mem_lookup(client->rm, &parcel, &handle);
	if (!ret)
		tell(client, "%u", handle);

	return ret;
}

static int run_reclaim(struct client *client, const struct arguments *args)
{
	int ret = gh_rm_mem_reclaim(client->rm, args->nr[0], args->nr[1]);

	if (!ret && client->held && client->handle == args->nr[0])
		client->held = false;

	return ret;
}

/* Arguments are the handle, the event, the tag, then VMIDs. */
static int run_notify(struct client *client, const struct arguments *args)
{
	u16 vmids[MAX_ARGS];
	unsigned int i;

	for (i = 3; i < args->n; i++)
		vmids[i - 3] = args->nr[i];

	return gh_rm_mem_notify(client->rm, args->nr[0], args->nr[1], args->nr[2], vmids,
				args->n - 3);
}

/**
 * struct command - a command
 * @name: of it
 * @run: makes the call
 * @min_args: how many arguments there have to be
 * @max_args: and may be
 * @word: the first argument is no number
 */
struct command {
	const char *name;
	int (*run)(struct client *client, const struct arguments *args);
	unsigned int min_args;
	unsigned int max_args;
	bool word;
};

static const struct command commands[] = {
	{ "alloc", run_alloc, 0, 1 },
	{ "dealloc", run_dealloc, 1, 1 },
	{ "start", run_start, 1, 1 },
	{ "stop", run_stop, 3, 3 },
	{ "reset", run_reset, 1, 1 },
	{ "configure", run_configure, 7, 7 },
	{ "auth_image", run_auth_image, 1, 3 },
	{ "init", run_init, 1, 1 },
	{ "set_firmware_mem", run_set_firmware_mem, 4, 4 },
	{ "set_boot_context", run_set_boot_context, 4, 4 },
	{ "set_time_base", run_set_time_base, 3, 3 },
	{ "get_vmid", run_get_vmid, 0, 0 },
	{ "get_host_type", run_get_host_type, 0, 0 },
	{ "get_id", run_get_id, 1, 1 },
	{ "lookup_name", run_lookup_name, 1, 1, true },
	{ "lookup_uri", run_lookup_uri, 1, 1, true },
	{ "lookup_guid", run_lookup_guid, 1, 1, true },
	{ "get_owner", run_get_owner, 1, 1 },
	{ "get_peers", run_get_peers, 1, 1 },
	{ "get_state", run_get_state, 1, 1 },
	{ "get_crash_msg", run_get_crash_msg, 1, 1 },
	{ "get_resources", run_get_resources, 1, 1 },
	{ "memory", run_memory, 1, 1 },
	{ "poke", run_poke, 2, 2, true },
	{ "peek", run_peek, 2, 2 },
	{ "donate", run_donate, 4, MAX_ARGS },
	{ "lend", run_lend, 4, MAX_ARGS },
	{ "share", run_share, 4, MAX_ARGS },
	{ "lookup_parcel", run_lookup_parcel, 4, MAX_ARGS },
	{ "reclaim", run_reclaim, 2, 2 },
	{ "notify", run_notify, 3, MAX_ARGS },
};

static const struct command *find_command(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}

	return NULL;
}

static int read_args(const struct command *command, char **words, int n, struct arguments *args)
{
	u64 *nr = args->nr;
	int ret = 0;

	if (n < command->min_args || n > command->max_args)
		return -EINVAL;

	args->n = n;
	if (command->word) {
		args->word = *words++;
		n--;
	}
	while (n-- && !ret)
		ret = kstrtoull(*words++, 0, nr++);

	return ret;
}

static int run_words(struct client *client, char **words, int n)
{
	const struct command *command = n ? find_command(words[0]) : NULL;
	struct arguments args = {};
	int ret;

	if (!command)
		return -EOPNOTSUPP;
	ret = read_args(command, words + 1, n - 1, &args);
	if (ret)
		return ret;

	mutex_lock(&client->lock);
	client->len = 0;
	ret = command->run(client, &args);
	if (ret) {
		client->len = 0;
		tell(client, "error %d", ret);
	} else if (!client->len) {
		tell(client, "ok");
	}
	mutex_unlock(&client->lock);

	return 0;
}

static ssize_t rm_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char *line, **words;
	int ret, n;

	if (!count || count > LINE_MAX_BYTES)
		return -EINVAL;
	line = memdup_user_nul(buf, count);
	if (IS_ERR(line))
		return PTR_ERR(line);

	words = argv_split(GFP_KERNEL, line, &n);
	kfree(line);
	if (!words)
		return -ENOMEM;
	ret = run_words(file->private_data, words, n);
	argv_free(words);

	return ret ?: count;
}

static ssize_t rm_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct client *client = file->private_data;
	ssize_t ret;

	mutex_lock(&client->lock);
	ret = simple_read_from_buffer(buf, count, pos, client->text, client->len);
	mutex_unlock(&client->lock);

	return ret;
}

/* Return: with a reference, or NULL if there is no Resource Manager. */
static struct gh_rm *find_rm(void)
{
	struct device_driver *driver = driver_find("gunyah_rsc_mgr", &platform_bus_type);
	struct gh_rm *rm;
	struct device *dev;

	dev = driver ? driver_find_device(driver, NULL, NULL, device_match_any) : NULL;
	if (!dev)
		return NULL;

	/* Not while it is bound or unbound */
	device_lock(dev);
	rm = dev_get_drvdata(dev);
	if (rm)
		gh_rm_get(rm);
	device_unlock(dev);
	put_device(dev);

	return rm;
}

static int rm_open(struct inode *inode, struct file *file)
{
	struct client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return -ENOMEM;
	client->rm = find_rm();
	if (!client->rm) {
		kfree(client);
		return -ENODEV;
	}
	mutex_init(&client->lock);
	file->private_data = client;

	return 0;
}

static void free_memory(struct client *client)
{
	if (client->held && client->handle != GH_MEM_HANDLE_INVAL &&
	    !gh_rm_mem_reclaim(client->rm, client->handle, 0))
		client->held = false;

	if (client->held)
		pr_err("memory is lost: parcel %d\n", (int)client->handle);
	else if (client->mem)
		free_pages_exact(client->mem, client->mem_size);
}

static int rm_release(struct inode *inode, struct file *file)
{
	struct client *client = file->private_data;

	free_memory(client);
	gh_rm_put(client->rm);
	mutex_destroy(&client->lock);
	kfree(client);

	return 0;
}

static const struct file_operations rm_fops = {
	.owner = THIS_MODULE,
	.open = rm_open,
	.read = rm_read,
	.write = rm_write,
	.llseek = default_llseek,
	.release = rm_release,
};

static struct miscdevice rm_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &rm_fops,
	.mode = 0600,
};
module_misc_device(rm_device);

MODULE_DESCRIPTION("Calls of the Gunyah Resource Manager for tests");
MODULE_LICENSE("GPL");
