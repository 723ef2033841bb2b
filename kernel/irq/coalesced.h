/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced I/O: guest writes to zones that userspace named go into a ring, which userspace
 * reads when it next has to do with the VM (KVM_REGISTER_COALESCED_MMIO).
 */
#ifndef ORIEL_IRQ_COALESCED_H
#define ORIEL_IRQ_COALESCED_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Zones of one VM. */
#define COALESCED_MAX 1000

/* Place of the ring in a vCPU's mapping, in pages; the answer to KVM_CAP_COALESCED_MMIO. */
#define COALESCED_PAGE_OFFSET 2

/**
 * struct coalesced - the zones of one VM and their ring
 * @lock: serializes changes of @table; may sleep
 * @table: zones; read under RCU, NULL when there is none
 * @ring_lock: serializes the writers of @ring, which are the vCPUs
 * @ring: a page that userspace maps and may write: nothing in it is trusted
 */
struct coalesced {
	struct mutex lock; /* changes of @table */
	struct coalesced_table __rcu *table;
	spinlock_t ring_lock; /* @ring */
	struct kvm_coalesced_mmio_ring *ring;
};

/** coalesced_init() - no zones yet; @ring is a zeroed page, which outlives @coalesced */
void coalesced_init(struct coalesced *coalesced, void *ring);
/** coalesced_destroy() - free the zones; no vCPU runs and nobody changes them any more */
void coalesced_destroy(struct coalesced *coalesced);

/**
 * coalesced_register() - KVM_REGISTER_COALESCED_MMIO; may sleep
 * @args: as userspace gave it; zones may overlap
 *
 * Return: 0; -EINVAL when pio is neither 0 nor 1; -ENOSPC; -ENOMEM.
 */
int coalesced_register(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);

/**
 * coalesced_unregister() - KVM_UNREGISTER_COALESCED_MMIO; sleeps for a grace period
 * @args: each zone that contains it goes; there may be none
 *
 * Return: 0; -EINVAL when pio is neither 0 nor 1; -ENOMEM.
 */
int coalesced_unregister(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);

/**
 * coalesced_write() - put a guest's writes into the ring; vCPU thread
 * @pio: to a port, else to a guest-physical address
 * @addr: the port or address
 * @buf: @count elements of @len bytes
 * @len: bytes, 1 to 8
 * @count: elements; a string goes into the ring as a whole or not at all
 *
 * Return: true when it is done; false when userspace has to be asked: no zone has
 * all of it, or the ring is full.
 */
bool coalesced_write(struct coalesced *coalesced, bool pio, u64 addr, const void *buf,
		     unsigned int len, unsigned int count);

#endif
