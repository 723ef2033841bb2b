/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced I/O (KVM_REGISTER_COALESCED_MMIO): a guest's write to a zone that userspace has
 * registered goes into a ring, without an exit to userspace. Userspace reads the ring later,
 * usually when KVM_RUN next returns.
 */
#ifndef ORIEL_IRQ_COALESCED_H
#define ORIEL_IRQ_COALESCED_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>

/* The most zones that one VM may have. */
#define COALESCED_MAX 1000

/* Place of the ring in a vCPU's mapping, in pages; the answer to KVM_CAP_COALESCED_MMIO. */
#define COALESCED_PAGE_OFFSET 2

/* The zones of one VM and their ring. */
struct coalesced {
	struct mutex lock; /* changes of @table; may sleep */
	struct srcu_struct *srcu; /* held by each caller of coalesced_write() */
	struct coalesced_table __rcu *table; /* zones; read under @srcu, NULL when there is none */
	spinlock_t ring_lock; /* the writers of @ring, which are the vCPUs */
	/* A page that userspace maps and may write: nothing in it is trusted. */
	struct kvm_coalesced_mmio_ring *ring;
};

/**
 * coalesced_init() - start without zones; @ring is a zeroed page that outlives @coalesced, @srcu is
 * the one that vCPUs hold
 */
void coalesced_init(struct coalesced *coalesced, void *ring, struct srcu_struct *srcu);
/** coalesced_destroy() - free the zones; no vCPU runs and no ioctl changes them any more */
void coalesced_destroy(struct coalesced *coalesced);
/** coalesced_register() - may sleep; zones may overlap. Return 0, -EINVAL, -ENOSPC or -ENOMEM. */
int coalesced_register(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);
/**
 * coalesced_unregister() - remove each zone that contains @args, if any; sleeps for a grace period
 */
int coalesced_unregister(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);
/**
 * coalesced_write() - put a guest's writes to a port (@pio) or a guest-physical address into the
 * ring: @count elements of @len bytes, 1 to 8; all or none; vCPU thread, @srcu held. Return false
 * if userspace has to do the write: no zone contains all of it, or the ring is full.
 */
bool coalesced_write(struct coalesced *coalesced, bool pio, u64 addr, const void *buf,
		     unsigned int len, unsigned int count);

#endif
