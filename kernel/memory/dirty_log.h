/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of pages that the guest, or the module for it, has written: as a bitmap
 * for each slot or, in a VM with dirty rings (dirty_ring.h), in those.
 */
#ifndef ORIEL_DIRTY_LOG_H
#define ORIEL_DIRTY_LOG_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "x86/address.h"

struct memslot;
struct vm;

/* Answered to KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
#define DIRTY_LOG_MANUAL_FLAGS (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

/**
 * dirty_log_set_manual() - KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @vm: the VM, its lock held
 * @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, alone or with
 *	KVM_DIRTY_LOG_INITIALLY_SET; 0 turns both off
 *
 * Return: 0, or -EINVAL.
 */
int dirty_log_set_manual(struct vm *vm, u64 flags);

/**
 * dirty_log_alloc() - give a slot that is to be logged its bitmap, unless there are
 *	rings
 * @vm: the VM, its lock held
 * @slot: not yet published
 *
 * Return: 0 or -ENOMEM.
 */
int dirty_log_alloc(struct vm *vm, struct memslot *slot);

/**
 * dirty_log_begins_set() - whether a log begins with all pages in it
 * @vm: the VM, its lock held
 *
 * Then nothing needs to be write-protected before it is cleared.
 */
bool dirty_log_begins_set(const struct vm *vm);

/**
 * dirty_log_has_room() - whether a write to a slot could be logged
 * @vm: the VM; with dirty rings one of its vCPUs is loaded
 * @slot: the slot
 *
 * Any context. To be asked before the write, or before the right to write is
 * granted; the answer stays true until dirty_log_mark().
 *
 * Return: false when userspace has to empty the vCPU's ring first.
 */
bool dirty_log_has_room(const struct vm *vm, const struct memslot *slot);

/**
 * dirty_log_mark() - log that a frame was written, if the slot is logged
 * @vm: the VM; dirty_log_has_room() said yes
 * @slot: the slot
 * @gfn: a frame that it covers
 *
 * Any context. Mark after the write, or while holding @vm->mmu.lock in which
 * the right to write is granted: what reads the log clears first, then revokes.
 */
void dirty_log_mark(struct vm *vm, const struct memslot *slot, gfn_t gfn);

/**
 * dirty_log_get() - hand out a slot's bitmap (KVM_GET_DIRTY_LOG)
 * @vm: the VM; takes @vm->lock
 * @log: slot number and where to copy the bitmap
 *
 * Clears it too, unless KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 was turned on.
 *
 * Return: 0; -ENXIO when the VM has dirty rings; -EINVAL for a bad slot number;
 * -ENOENT when there is no such slot or it is not logged; -EFAULT when the
 * bitmap could not be copied, none of it is lost then.
 */
int dirty_log_get(struct vm *vm, const struct kvm_dirty_log *log);

/**
 * dirty_log_clear() - clear chosen bits of a slot's bitmap (KVM_CLEAR_DIRTY_LOG)
 * @vm: the VM; takes @vm->lock
 * @clear: slot number, range and which of it to clear
 *
 * Return: as dirty_log_get(); -EINVAL also for a range that does not begin at a
 * multiple of 64 pages, that ends neither at one nor at the slot's end, or that
 * goes beyond it. On failure nothing has changed.
 */
int dirty_log_clear(struct vm *vm, const struct kvm_clear_dirty_log *clear);

#endif
