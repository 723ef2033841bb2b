/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irqfd: eventfds that raise GSIs (KVM_IRQFD), edge-triggered or, with a resamplefd,
 * level-triggered. The GSI is raised in the context that signals the eventfd.
 */
#ifndef ORIEL_IRQ_IRQFD_H
#define ORIEL_IRQ_IRQFD_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

struct irq_fabric;

/* The irqfds of one VM. */
struct irqfds {
	struct irq_fabric *fabric;
	struct mutex lock; /* both lists; may sleep */
	struct list_head items; /* struct irqfd */
	/* struct irqfd_resampler, one for each GSI with a resamplefd. */
	struct list_head resamplers;
	struct work_struct hangup; /* removes irqfds whose eventfd was closed */
};

/** irqfds_init() - @fabric must outlive @irqfds */
void irqfds_init(struct irqfds *irqfds, struct irq_fabric *fabric);
/**
 * irqfds_empty() - remove all irqfds: on return no eventfd raises an interrupt of this VM. vCPUs
 * may run; sleeps for one grace period at most.
 */
void irqfds_empty(struct irqfds *irqfds);
/** irqfds_destroy() - the same at the VM's end, when nobody calls irqfds_change() any more */
void irqfds_destroy(struct irqfds *irqfds);
/**
 * irqfds_change() - KVM_IRQFD; @args not checked yet; may sleep. KVM_IRQFD_FLAG_DEASSIGN removes
 * the irqfd of this eventfd and this GSI. KVM_IRQFD_FLAG_RESAMPLE makes the GSI level-triggered:
 * when the guest acknowledges it, the GSI is lowered and resamplefd is signalled. Return 0;
 * -EINVAL: unknown flags, GSI out of range, no eventfd, no irqchip; -EBADF; -EBUSY: the eventfd
 * raises a GSI of this VM already; -ENOMEM.
 */
int irqfds_change(struct irqfds *irqfds, const struct kvm_irqfd *args);

#endif
