// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: the wake-up function of an eventfd raises the GSI directly. It can do so in any context,
 * because no function on the path to the local APIC takes a sleeping lock.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "host/compat.h"
#include "irq/fabric.h"
#include "irq/irqfd.h"

/**
 * struct irqfd_resampler - the line that a GSI's resampling irqfds share
 * @node: in irqfds.resamplers
 * @fabric: the VM's fabric
 * @ack: listens for the guest's acknowledgments of the GSI
 * @items: its struct irqfd; read under irq_fabric.srcu
 *
 * resampler_acked() lowers the line once, before it signals any resamplefd: the owner of each
 * may raise the line again at once.
 */
struct irqfd_resampler {
	struct list_head node;
	struct irq_fabric *fabric;
	struct irq_ack ack;
	struct list_head items;
};

/**
 * struct irqfd - an eventfd that raises a GSI
 * @node: in irqfds.items
 * @irqfds: irqfds of its VM
 * @gsi: the GSI that it raises
 * @eventfd: raises @gsi
 * @resamplefd: signalled when the guest acknowledges @gsi, or NULL
 * @resampler: if there is a @resamplefd
 * @resampler_node: in irqfd_resampler.items
 * @wait: on the eventfd's wait queue
 * @poll: puts @wait there, in vfs_poll()
 * @hung_up: the eventfd was closed; set once, under the wait queue's lock
 */
struct irqfd {
	struct list_head node;
	struct irqfds *irqfds;
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resamplefd;
	struct irqfd_resampler *resampler;
	struct list_head resampler_node;
	wait_queue_entry_t wait;
	poll_table poll;
	bool hung_up;
};

static void irqfd_raise(struct irqfd *irqfd)
{
	struct irq_fabric *fabric = irqfd->irqfds->fabric;

	if (irqfd->resamplefd)
		fabric_set_gsi(fabric, IRQ_SOURCE_RESAMPLE, irqfd->gsi, true);
	else
		fabric_pulse_gsi(fabric, IRQ_SOURCE_USER, irqfd->gsi);
}

/* Called under the wait queue's lock, with interrupts off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLHUP) {
		WRITE_ONCE(irqfd->hung_up, true);
		schedule_work(&irqfd->irqfds->hangup);
	}
	if (!(events & EPOLLIN))
		return 0;
	/* Take the count, so that no reader of the eventfd sees it. */
	eventfd_ctx_do_read(irqfd->eventfd, &count);
	irqfd_raise(irqfd);
	return 1;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct irqfd *irqfd = container_of(poll, struct irqfd, poll);

	add_wait_queue_priority(queue, &irqfd->wait);
}

/* The guest has acknowledged the GSI. Called under irq_fabric.srcu; must not sleep. */
static void resampler_acked(struct irq_ack *ack)
{
	struct irqfd_resampler *resampler = container_of(ack, struct irqfd_resampler, ack);
	struct irq_fabric *fabric = resampler->fabric;
	struct irqfd *irqfd;

	fabric_set_gsi(fabric, IRQ_SOURCE_RESAMPLE, ack->gsi, false);
	list_for_each_entry_srcu(irqfd, &resampler->items, resampler_node,
				 srcu_read_lock_held(&fabric->srcu))
		oriel_eventfd_signal(irqfd->resamplefd);
}

/* Find the resampler of a GSI, or make one. irqfds->lock held. */
static struct irqfd_resampler *resampler_get(struct irqfds *irqfds, u32 gsi)
{
	struct irqfd_resampler *resampler;

	list_for_each_entry(resampler, &irqfds->resamplers, node)
		if (resampler->ack.gsi == gsi)
			return resampler;
	resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
	if (!resampler)
		return NULL;
	resampler->fabric = irqfds->fabric;
	resampler->ack.gsi = gsi;
	resampler->ack.acked = resampler_acked;
	INIT_LIST_HEAD(&resampler->items);
	list_add(&resampler->node, &irqfds->resamplers);
	fabric_add_ack(irqfds->fabric, &resampler->ack);
	return resampler;
}

/* irqfds->lock held. */
static int resampler_join(struct irqfd *irqfd)
{
	struct irqfd_resampler *resampler = resampler_get(irqfd->irqfds, irqfd->gsi);

	if (!resampler)
		return -ENOMEM;
	irqfd->resampler = resampler;
	list_add_rcu(&irqfd->resampler_node, &resampler->items);
	return 0;
}

static void irqfd_free(struct irqfd *irqfd)
{
	if (irqfd->resamplefd)
		eventfd_ctx_put(irqfd->resamplefd);
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

/* Disconnect, and move to the list @removed, for irqfds_free(). irqfds->lock held. */
static void irqfd_remove(struct irqfd *irqfd, struct list_head *removed)
{
	u64 count;

	/* After this call the wake-up function neither runs nor will run. */
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	list_move(&irqfd->node, removed);
	if (irqfd->resampler)
		list_del_rcu(&irqfd->resampler_node);
}

/*
 * Some irqfds have left their resamplers. Wait until no acknowledgment signals them any more. A
 * resampler without irqfds lowers its line, and ends. irqfds->lock held.
 */
static void resamplers_leave(struct irqfds *irqfds)
{
	struct irq_fabric *fabric = irqfds->fabric;
	struct irqfd_resampler *resampler, *next;
	LIST_HEAD(ended);

	list_for_each_entry_safe(resampler, next, &irqfds->resamplers, node) {
		if (!list_empty(&resampler->items))
			continue;
		list_move(&resampler->node, &ended);
		fabric_remove_ack(fabric, &resampler->ack);
	}
	synchronize_srcu_expedited(&fabric->srcu);
	list_for_each_entry_safe(resampler, next, &ended, node) {
		fabric_set_gsi(fabric, IRQ_SOURCE_RESAMPLE, resampler->ack.gsi, false);
		kfree(resampler);
	}
}

/* Free what irqfd_remove() has put on the list. irqfds->lock held. */
static void irqfds_free(struct irqfds *irqfds, struct list_head *removed)
{
	struct irqfd *irqfd, *next;
	bool resampled = false;

	list_for_each_entry(irqfd, removed, node)
		resampled |= !!irqfd->resampler;
	if (resampled)
		resamplers_leave(irqfds);
	/* Wait until the last interrupt has arrived: userspace expects it. */
	if (!list_empty(removed))
		fabric_flush(irqfds->fabric);
	list_for_each_entry_safe(irqfd, next, removed, node)
		irqfd_free(irqfd);
}

static void irqfds_hangup(struct work_struct *work)
{
	struct irqfds *irqfds = container_of(work, struct irqfds, hangup);
	struct irqfd *irqfd, *next;
	LIST_HEAD(removed);

	mutex_lock(&irqfds->lock);
	list_for_each_entry_safe(irqfd, next, &irqfds->items, node)
		if (READ_ONCE(irqfd->hung_up))
			irqfd_remove(irqfd, &removed);
	irqfds_free(irqfds, &removed);
	mutex_unlock(&irqfds->lock);
}

/* Take references to both eventfds; on error, to none. */
static int irqfd_get_eventfds(struct irqfd *irqfd, struct file *file, const struct kvm_irqfd *args)
{
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd))
		return PTR_ERR(irqfd->eventfd);
	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	irqfd->resamplefd = eventfd_ctx_fdget(args->resamplefd);
	if (IS_ERR(irqfd->resamplefd)) {
		int err = PTR_ERR(irqfd->resamplefd);

		eventfd_ctx_put(irqfd->eventfd);
		return err;
	}
	return 0;
}

static struct irqfd *irqfd_create(struct irqfds *irqfds, struct file *file,
				  const struct kvm_irqfd *args)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	int err;

	if (!irqfd)
		return ERR_PTR(-ENOMEM);
	irqfd->irqfds = irqfds;
	irqfd->gsi = args->gsi;
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->poll, irqfd_queue);
	err = irqfd_get_eventfds(irqfd, file, args);
	if (err) {
		kfree(irqfd);
		return ERR_PTR(err);
	}
	return irqfd;
}

/* irqfds->lock held. */
static int irqfd_connect(struct irqfd *irqfd, struct file *file)
{
	struct irqfds *irqfds = irqfd->irqfds;
	struct irqfd *other;
	int err;

	list_for_each_entry(other, &irqfds->items, node)
		if (other->eventfd == irqfd->eventfd)
			return -EBUSY;
	if (irqfd->resamplefd) {
		err = resampler_join(irqfd);
		if (err)
			return err;
	}
	list_add(&irqfd->node, &irqfds->items);
	/*
	 * vfs_poll() puts @wait on the eventfd's queue. A signal that came before causes no
	 * wake-up, so raise the GSI for it here.
	 */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		irqfd_raise(irqfd);
	return 0;
}

static int irqfds_assign(struct irqfds *irqfds, const struct kvm_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int err;

	/* Only an in-kernel chip reports acknowledgments, which resampling needs. */
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE ? !fabric_has_irqchip(irqfds->fabric) :
						    !fabric_has_lapics(irqfds->fabric))
		return -EINVAL;
	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	irqfd = irqfd_create(irqfds, file, args);
	err = PTR_ERR_OR_ZERO(irqfd);
	if (!err) {
		mutex_lock(&irqfds->lock);
		err = irqfd_connect(irqfd, file);
		mutex_unlock(&irqfds->lock);
		if (err)
			irqfd_free(irqfd);
	}
	fput(file);
	return err;
}

static int irqfds_deassign(struct irqfds *irqfds, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);
	struct irqfd *irqfd, *next;
	LIST_HEAD(removed);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&irqfds->lock);
	list_for_each_entry_safe(irqfd, next, &irqfds->items, node)
		if (irqfd->eventfd == eventfd && irqfd->gsi == args->gsi)
			irqfd_remove(irqfd, &removed);
	irqfds_free(irqfds, &removed);
	mutex_unlock(&irqfds->lock);
	eventfd_ctx_put(eventfd);
	return 0;
}

int irqfds_change(struct irqfds *irqfds, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE) ||
	    args->gsi >= FABRIC_MAX_GSI)
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return irqfds_deassign(irqfds, args);
	return irqfds_assign(irqfds, args);
}

void irqfds_init(struct irqfds *irqfds, struct irq_fabric *fabric)
{
	irqfds->fabric = fabric;
	mutex_init(&irqfds->lock);
	INIT_LIST_HEAD(&irqfds->items);
	INIT_LIST_HEAD(&irqfds->resamplers);
	INIT_WORK(&irqfds->hangup, irqfds_hangup);
}

void irqfds_empty(struct irqfds *irqfds)
{
	struct irqfd *irqfd, *next;
	LIST_HEAD(removed);

	mutex_lock(&irqfds->lock);
	list_for_each_entry_safe(irqfd, next, &irqfds->items, node)
		irqfd_remove(irqfd, &removed);
	irqfds_free(irqfds, &removed);
	mutex_unlock(&irqfds->lock);
}

void irqfds_destroy(struct irqfds *irqfds)
{
	irqfds_empty(irqfds);
	/* All irqfds have left their wait queues, so nobody schedules the work any more. */
	cancel_work_sync(&irqfds->hangup);
	mutex_destroy(&irqfds->lock);
}
