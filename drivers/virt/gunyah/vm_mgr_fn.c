// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of VMs: registry of the kinds, and what a VM has of them.
 */

#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "vm_mgr.h"

/* By type. */
static DEFINE_XARRAY(gh_vm_functions);

/**
 * gh_vm_function_register() - serve a kind of function
 * @fn: the kind
 *
 * Return: 0, -EBUSY if its type is served already, -ENOMEM.
 */
int gh_vm_function_register(const struct gh_vm_function *fn)
{
	if (fn->arg_size > GH_FN_MAX_ARG_SIZE)
		return -EINVAL;
	return xa_insert(&gh_vm_functions, fn->type, (void *)fn, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(gh_vm_function_register);

/**
 * gh_vm_function_unregister() - no longer serve a kind of function
 * @fn: the kind; there are no instances, as each of them holds @fn->mod
 */
void gh_vm_function_unregister(const struct gh_vm_function *fn)
{
	xa_erase(&gh_vm_functions, fn->type);
}
EXPORT_SYMBOL_GPL(gh_vm_function_unregister);

static const struct gh_vm_function *gh_vm_function_find(u32 type)
{
	const struct gh_vm_function *fn;

	xa_lock(&gh_vm_functions);
	fn = xa_load(&gh_vm_functions, type);
	if (fn && !try_module_get(fn->mod))
		fn = NULL;
	xa_unlock(&gh_vm_functions);
	return fn;
}

static void gh_vm_function_put(const struct gh_vm_function *fn)
{
	module_put(fn->mod);
}

static const struct gh_vm_function *gh_vm_function_get(u32 type)
{
	const struct gh_vm_function *fn;

	fn = gh_vm_function_find(type);
	if (fn)
		return fn;

	/* Whether that works out shows in the registry. */
	request_module("ghfunc:%u", type);
	return gh_vm_function_find(type);
}

/**
 * gh_vm_function_types() - which functions can VMs have?
 *
 * Loads the modules of all that the user ABI names.
 *
 * Return: a bit for each type up to 62.
 */
u64 gh_vm_function_types(void)
{
	static const u32 named[] = { GH_FN_VCPU, GH_FN_IRQFD, GH_FN_IOEVENTFD, GH_FN_BELLFD };
	const struct gh_vm_function *fn;
	unsigned long type;
	unsigned int i;
	u64 types = 0;

	for (i = 0; i < ARRAY_SIZE(named); i++) {
		fn = gh_vm_function_get(named[i]);
		if (fn)
			gh_vm_function_put(fn);
	}

	xa_for_each_range(&gh_vm_functions, type, fn, 0, 62)
		types |= BIT_ULL(type);
	return types;
}

static void *gh_vm_function_arg(const struct gh_vm_function *fn, const struct gh_fn_desc *desc)
{
	if (desc->arg_size != fn->arg_size)
		return ERR_PTR(-EINVAL);
	return memdup_user(u64_to_user_ptr(desc->arg), desc->arg_size);
}

static void gh_vm_instance_free(struct gh_vm_function_instance *inst)
{
	gh_vm_function_put(inst->fn);
	kfree(inst->argp);
	kfree(inst);
}

static struct gh_vm_function_instance *gh_vm_instance_alloc(struct gh_vm *ghvm,
							    const struct gh_fn_desc *desc)
{
	struct gh_vm_function_instance *inst;
	int ret;

	inst = kzalloc(sizeof(*inst), GFP_KERNEL_ACCOUNT);
	if (!inst)
		return ERR_PTR(-ENOMEM);

	inst->ghvm = ghvm;
	inst->fn = gh_vm_function_get(desc->type);
	if (!inst->fn) {
		kfree(inst);
		return ERR_PTR(-ENOENT);
	}

	inst->argp = gh_vm_function_arg(inst->fn, desc);
	if (IS_ERR(inst->argp)) {
		ret = PTR_ERR(inst->argp);
		inst->argp = NULL;
		gh_vm_instance_free(inst);
		return ERR_PTR(ret);
	}

	return inst;
}

/**
 * gh_vm_add_function() - GH_VM_ADD_FUNCTION
 * @ghvm: the VM
 * @desc: which function
 *
 * Return: what the function returns, or a negative errno.
 */
int gh_vm_add_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc)
{
	struct gh_vm_function_instance *inst;
	int ret;

	if (desc->arg_size > GH_FN_MAX_ARG_SIZE)
		return -EINVAL;

	inst = gh_vm_instance_alloc(ghvm, desc);
	if (IS_ERR(inst))
		return PTR_ERR(inst);

	if (mutex_lock_interruptible(&ghvm->fn_lock)) {
		gh_vm_instance_free(inst);
		return -EINTR;
	}
	ret = ghvm->fn_closed ? -ENODEV : inst->fn->bind(inst);
	if (ret >= 0)
		list_add(&inst->node, &ghvm->functions);
	mutex_unlock(&ghvm->fn_lock);

	if (ret < 0)
		gh_vm_instance_free(inst);
	return ret;
}

static void gh_vm_remove_instance(struct gh_vm_function_instance *inst)
{
	lockdep_assert_held(&inst->ghvm->fn_lock);
	list_del(&inst->node);
	inst->fn->unbind(inst);
	gh_vm_instance_free(inst);
}

static int gh_vm_remove_matching(struct gh_vm *ghvm, const struct gh_vm_function *fn,
				 const void *arg)
{
	struct gh_vm_function_instance *inst, *next;
	int ret = -ENOENT;

	if (mutex_lock_interruptible(&ghvm->fn_lock))
		return -EINTR;
	list_for_each_entry_safe(inst, next, &ghvm->functions, node) {
		if (inst->fn == fn && fn->compare(inst, arg)) {
			gh_vm_remove_instance(inst);
			ret = 0;
		}
	}
	mutex_unlock(&ghvm->fn_lock);

	return ret;
}

/**
 * gh_vm_remove_function() - GH_VM_REMOVE_FUNCTION
 * @ghvm: the VM
 * @desc: which function
 *
 * Return: 0, -ENOENT if there is none such, or another negative errno.
 */
int gh_vm_remove_function(struct gh_vm *ghvm, const struct gh_fn_desc *desc)
{
	const struct gh_vm_function *fn;
	void *arg;
	int ret;

	if (desc->arg_size > GH_FN_MAX_ARG_SIZE)
		return -EINVAL;

	fn = gh_vm_function_find(desc->type);
	if (!fn)
		return -ENOENT;

	arg = gh_vm_function_arg(fn, desc);
	if (IS_ERR(arg)) {
		ret = PTR_ERR(arg);
	} else {
		ret = gh_vm_remove_matching(ghvm, fn, arg);
		kfree(arg);
	}

	gh_vm_function_put(fn);
	return ret;
}

/**
 * gh_vm_remove_all_functions() - at the end of a VM
 * @ghvm: the VM; gets no more of them
 */
void gh_vm_remove_all_functions(struct gh_vm *ghvm)
{
	struct gh_vm_function_instance *inst, *next;

	mutex_lock(&ghvm->fn_lock);
	ghvm->fn_closed = true;
	list_for_each_entry_safe(inst, next, &ghvm->functions, node)
		gh_vm_remove_instance(inst);
	mutex_unlock(&ghvm->fn_lock);
}
