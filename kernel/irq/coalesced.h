/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced I/O: guest writes to zones that userspace named go into a ring that it
 * reads when it next has to do with the VM (KVM_REGISTER_COALESCED_MMIO).
 */
#ifndef ORIEL_IRQ_COALESCED_H
#define ORIEL_IRQ_COALESCED_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct coalesced_table;

/* Zones of one VM. */
#define COALESCED_MAX 1000

/* Where the ring is in a vCPU's mapping, in pages; answered to KVM_CAP_COALESCED_MMIO. */
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

/**
 * coalesced_init() - no zones yet
 * @coalesced: embedded in the VM
 * @ring: a zeroed page, which outlives @coalesced
 *
 * Context: process.
 */
void coalesced_init(struct coalesced *coalesced, void *ring);

/**
 * coalesced_destroy() - take all zones away
 * @coalesced: initialized; no vCPU runs and nobody changes it any more
 *
 * Context: process.
 */
void coalesced_destroy(struct coalesced *coalesced);

/**
 * coalesced_register() - KVM_REGISTER_COALESCED_MMIO
 * @coalesced: the VM's
 * @args: as userspace gave it; zones may overlap
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL when pio is neither 0 nor 1; -ENOSPC; -ENOMEM.
 */
int coalesced_register(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);

/**
 * coalesced_unregister() - KVM_UNREGISTER_COALESCED_MMIO
 * @coalesced: the VM's
 * @args: each zone that contains it goes, if there is one
 *
 * Context: process, sleeps for a grace period.
 * Return: 0; -EINVAL when pio is neither 0 nor 1; -ENOMEM.
 */
int coalesced_unregister(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args);

/**
 * coalesced_write() - guest writes: into the ring, if they are of a zone
 * @coalesced: the VM's
 * @pio: to a port or else to a guest-physical address
 * @addr: which
 * @buf: @count elements of @len bytes
 * @len: bytes, 1 to 8
 * @count: elements; a string goes into the ring as a whole or not at all
 *
 * Context: vCPU thread.
 * Return: true when it is done; false when userspace has to be asked: no zone has
 * all of it, or the ring is full.
 */
bool coalesced_write(struct coalesced *coalesced, bool pio, u64 addr, const void *buf,
		     unsigned int len, unsigned int count);

#endif
