// SPDX-License-Identifier: GPL-2.0
/*
 * Resource Manager: resources and their interrupts
 *
 * The Resource Manager names interrupts by their number at this VM's interrupt
 * controller, a GICv3. They are mapped on demand, in a domain of their own on
 * top of the controller's.
 */

#include <linux/device.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/slab.h>

#include "rsc_mgr.h"

/* Shared peripheral interrupts; the only ones that can be given to a VM. */
#define GH_RM_SPI_FIRST		32
#define GH_RM_SPI_LAST		1019

/**
 * struct gh_rm_resource - a resource and what it came from
 * @ghrsc: what users see
 * @rm: a reference
 */
struct gh_rm_resource {
	struct gh_resource ghrsc;
	struct gh_rm *rm;
};

static struct irq_chip gh_rm_irq_chip = {
	.name = "Gunyah",
	.irq_mask = irq_chip_mask_parent,
	.irq_unmask = irq_chip_unmask_parent,
	.irq_eoi = irq_chip_eoi_parent,
	.irq_set_type = irq_chip_set_type_parent,
	.irq_set_affinity = irq_chip_set_affinity_parent,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.irq_get_irqchip_state = irq_chip_get_parent_state,
	.irq_set_irqchip_state = irq_chip_set_parent_state,
	.flags = IRQCHIP_SET_TYPE_MASKED | IRQCHIP_SKIP_SET_WAKE | IRQCHIP_MASK_ON_SUSPEND,
};

static int gh_rm_irq_domain_alloc(struct irq_domain *domain, unsigned int virq,
				  unsigned int nr_irqs, void *arg)
{
	u32 intid = *(u32 *)arg;
	struct irq_fwspec parent = {
		.fwnode = domain->parent->fwnode,
		.param_count = 3,
		/* As in a devicetree: SPI, its number, how it triggers */
		.param = { 0, intid - GH_RM_SPI_FIRST, IRQ_TYPE_EDGE_RISING },
	};
	int ret;

	if (nr_irqs != 1)
		return -EINVAL;

	ret = irq_domain_set_hwirq_and_chip(domain, virq, intid, &gh_rm_irq_chip, NULL);
	if (ret)
		return ret;

	return irq_domain_alloc_irqs_parent(domain, virq, nr_irqs, &parent);
}

static const struct irq_domain_ops gh_rm_irq_domain_ops = {
	.alloc = gh_rm_irq_domain_alloc,
	.free = irq_domain_free_irqs_common,
};

/**
 * gh_rm_resource_init() - make ready to map interrupts
 * @rm: the Resource Manager
 * @irq: an interrupt of the interrupt controller that knows those of resources
 *
 * Return: 0 or an errno.
 */
int gh_rm_resource_init(struct gh_rm *rm, unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	if (!data || !data->domain)
		return -EINVAL;

	mutex_init(&rm->irq_lock);
	rm->irq_domain = irq_domain_create_hierarchy(data->domain, 0, 0, NULL,
						     &gh_rm_irq_domain_ops, NULL);
	if (!rm->irq_domain) {
		mutex_destroy(&rm->irq_lock);
		return -ENOMEM;
	}

	return 0;
}

/**
 * gh_rm_resource_exit() - undo gh_rm_resource_init()
 * @rm: the Resource Manager; it may not have been initialised so far
 */
void gh_rm_resource_exit(struct gh_rm *rm)
{
	if (!rm->irq_domain)
		return;

	irq_domain_remove(rm->irq_domain);
	mutex_destroy(&rm->irq_lock);
}

static int gh_rm_map_irq(struct gh_rm *rm, u32 intid)
{
	int irq;

	mutex_lock(&rm->irq_lock);
	/*
	 * Two resources with one interrupt, or one that another device has: that
	 * is a mistake, and to unmap it would take it from the other.
	 */
	if (irq_find_mapping(rm->irq_domain, intid) ||
	    irq_find_mapping(rm->irq_domain->parent, intid))
		irq = -EBUSY;
	else
		irq = irq_domain_alloc_irqs(rm->irq_domain, 1, NUMA_NO_NODE, &intid);
	mutex_unlock(&rm->irq_lock);

	return irq;
}

/**
 * gh_rm_alloc_resource() - make a resource usable
 * @rm: the Resource Manager that it came from
 * @hyp_resource: an entry of GET_HYP_RESOURCES
 *
 * Its interrupt is mapped, if it has one that can be.
 *
 * Context: process context, may sleep.
 * Return: the resource, to be freed by gh_rm_free_resource(), or an ERR_PTR.
 */
struct gh_resource *gh_rm_alloc_resource(struct gh_rm *rm,
					 const struct gh_rm_hyp_resource *hyp_resource)
{
	u32 intid = le32_to_cpu(hyp_resource->virq);
	struct gh_rm_resource *resource;
	int irq;

	resource = kzalloc(sizeof(*resource), GFP_KERNEL);
	if (!resource)
		return ERR_PTR(-ENOMEM);

	resource->ghrsc.type = hyp_resource->type;
	resource->ghrsc.capid = le64_to_cpu(hyp_resource->cap_id);
	resource->ghrsc.label = le32_to_cpu(hyp_resource->resource_label);
	resource->ghrsc.irq = IRQ_NOTCONNECTED;

	if (intid >= GH_RM_SPI_FIRST && intid <= GH_RM_SPI_LAST) {
		irq = gh_rm_map_irq(rm, intid);
		if (irq < 0) {
			dev_err(rm->dev, "resource of type %u, label %u: no interrupt %u: %d\n",
				resource->ghrsc.type, resource->ghrsc.label, intid, irq);
			kfree(resource);
			return ERR_PTR(irq);
		}
		resource->ghrsc.irq = irq;
	} else if (intid && intid != U32_MAX) {
		dev_warn(rm->dev, "resource of type %u, label %u: bad interrupt %u\n",
			 resource->ghrsc.type, resource->ghrsc.label, intid);
	}

	resource->rm = gh_rm_get(rm);

	return &resource->ghrsc;
}
EXPORT_SYMBOL_GPL(gh_rm_alloc_resource);

/**
 * gh_rm_free_resource() - undo gh_rm_alloc_resource()
 * @ghrsc: the resource; its interrupt must have been freed
 *
 * Context: process context, may sleep.
 */
void gh_rm_free_resource(struct gh_resource *ghrsc)
{
	struct gh_rm_resource *resource = container_of(ghrsc, struct gh_rm_resource, ghrsc);

	if (ghrsc->irq != IRQ_NOTCONNECTED)
		irq_dispose_mapping(ghrsc->irq);

	gh_rm_put(resource->rm);
	kfree(resource);
}
EXPORT_SYMBOL_GPL(gh_rm_free_resource);
