// SPDX-License-Identifier: GPL-2.0
/*
 * Resources of a VM, and the tickets by which functions get them.
 */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vm_mgr.h"

static bool gh_vm_ticket_fits(const struct gh_vm_resource_ticket *ticket,
			      const struct gh_resource *rsc)
{
	return ticket->resource_type == rsc->type && ticket->label == rsc->label;
}

static int gh_vm_populate(struct gh_vm_resource_ticket *ticket, struct gh_vm_resource *resource)
{
	int ret;

	ret = ticket->populate(ticket, resource->rsc);
	if (ret)
		return ret;

	ticket->resource = resource->rsc;
	resource->ticket = ticket;
	return 0;
}

static void gh_vm_unpopulate(struct gh_vm_resource *resource)
{
	struct gh_vm_resource_ticket *ticket = resource->ticket;

	ticket->unpopulate(ticket, resource->rsc);
	ticket->resource = NULL;
	resource->ticket = NULL;
}

static struct gh_vm_resource_ticket *
gh_vm_find_ticket(struct gh_vm *ghvm, enum gh_resource_type type, u32 label)
{
	struct gh_vm_resource_ticket *ticket;

	list_for_each_entry(ticket, &ghvm->tickets, node) {
		if (ticket->resource_type == type && ticket->label == label)
			return ticket;
	}

	return NULL;
}

/**
 * gh_vm_add_resource_ticket() - claim a resource of a VM
 * @ghvm: the VM
 * @ticket: the claim; filled at once if the resource is there already
 *
 * Return: 0, -EEXIST if somebody has such a ticket, or what @ticket->populate
 * returned.
 */
int gh_vm_add_resource_ticket(struct gh_vm *ghvm, struct gh_vm_resource_ticket *ticket)
{
	size_t i;
	int ret = 0;

	ticket->resource = NULL;

	mutex_lock(&ghvm->rsc_lock);
	if (gh_vm_find_ticket(ghvm, ticket->resource_type, ticket->label)) {
		ret = -EEXIST;
		goto out;
	}

	for (i = 0; i < ghvm->n_resources; i++) {
		struct gh_vm_resource *resource = &ghvm->resources[i];

		if (!resource->ticket && gh_vm_ticket_fits(ticket, resource->rsc)) {
			ret = gh_vm_populate(ticket, resource);
			break;
		}
	}

	if (!ret)
		list_add(&ticket->node, &ghvm->tickets);
out:
	mutex_unlock(&ghvm->rsc_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(gh_vm_add_resource_ticket);

/**
 * gh_vm_remove_resource_ticket() - give up a claim
 * @ghvm: the VM
 * @ticket: the claim; @ticket->unpopulate is called if it was filled. Others
 *	    can claim the resource now.
 */
void gh_vm_remove_resource_ticket(struct gh_vm *ghvm, struct gh_vm_resource_ticket *ticket)
{
	size_t i;

	mutex_lock(&ghvm->rsc_lock);
	list_del(&ticket->node);
	for (i = 0; i < ghvm->n_resources; i++) {
		if (ghvm->resources[i].ticket == ticket)
			gh_vm_unpopulate(&ghvm->resources[i]);
	}
	mutex_unlock(&ghvm->rsc_lock);
}
EXPORT_SYMBOL_GPL(gh_vm_remove_resource_ticket);

static void gh_vm_put_resources(struct gh_vm_resource *resources, size_t n)
{
	while (n--)
		gh_rm_free_resource(resources[n].rsc);
	kvfree(resources);
}

static struct gh_vm_resource *gh_vm_get_resources(struct gh_rm *rm,
						  const struct gh_rm_hyp_resources *list,
						  size_t n)
{
	struct gh_vm_resource *resources;
	struct gh_resource *rsc;
	size_t i;

	resources = kvcalloc(n, sizeof(*resources), GFP_KERNEL);
	if (!resources)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < n; i++) {
		rsc = gh_rm_alloc_resource(rm, &list->entries[i]);
		if (IS_ERR(rsc)) {
			gh_vm_put_resources(resources, i);
			return ERR_CAST(rsc);
		}
		resources[i].rsc = rsc;
	}

	return resources;
}

static int gh_vm_fill_tickets(struct gh_vm *ghvm)
{
	struct gh_vm_resource_ticket *ticket;
	struct gh_resource *rsc;
	size_t i;
	int ret;

	lockdep_assert_held(&ghvm->rsc_lock);
	for (i = 0; i < ghvm->n_resources; i++) {
		rsc = ghvm->resources[i].rsc;
		ticket = gh_vm_find_ticket(ghvm, rsc->type, rsc->label);
		if (!ticket || ticket->resource)
			continue;
		ret = gh_vm_populate(ticket, &ghvm->resources[i]);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * gh_vm_add_resources() - ask what resources a VM has, and fill tickets
 * @ghvm: the VM; is initialised, and did not do this before
 *
 * Return: 0 or a negative errno.
 */
int gh_vm_add_resources(struct gh_vm *ghvm)
{
	struct gh_vm_resource *resources;
	struct gh_rm_hyp_resources *list;
	size_t n;
	int ret;

	ret = gh_rm_get_hyp_resources(ghvm->mgr->rm, ghvm->vmid, &list);
	if (ret)
		return ret;

	n = le32_to_cpu(list->n_entries);
	resources = gh_vm_get_resources(ghvm->mgr->rm, list, n);
	kfree(list);
	if (IS_ERR(resources))
		return PTR_ERR(resources);

	mutex_lock(&ghvm->rsc_lock);
	ghvm->resources = resources;
	ghvm->n_resources = n;
	ret = gh_vm_fill_tickets(ghvm);
	mutex_unlock(&ghvm->rsc_lock);

	return ret;
}

/**
 * gh_vm_free_resources() - at the end of a VM
 * @ghvm: the VM; all tickets are gone
 */
void gh_vm_free_resources(struct gh_vm *ghvm)
{
	mutex_lock(&ghvm->rsc_lock);
	gh_vm_put_resources(ghvm->resources, ghvm->n_resources);
	ghvm->resources = NULL;
	ghvm->n_resources = 0;
	mutex_unlock(&ghvm->rsc_lock);
}
