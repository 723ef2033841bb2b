// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal time: a structure in guest memory with the time that a vCPU's thread has waited for a CPU,
 * and with a mark while the vCPU is stopped.
 *
 * Through the byte `preempted` vCPUs speak with each other. A vCPU that sees KVM_VCPU_PREEMPTED in
 * another's byte may add KVM_VCPU_FLUSH_TLB with a locked instruction, instead of sending an IPI.
 * So the byte is set only while nobody uses a translation of the vCPU: neither the guest, nor the
 * executor on its behalf, which may be in the middle of an access when its thread is preempted or
 * waits for userspace. Before the vCPU runs again, a locked instruction sets the byte to 0, and a
 * flush that was asked for is done before the entry.
 */
#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/msr.h"
#include "guest/steal_time.h"
#include "host/compat.h"

/* The part of the structure that is read. */
struct steal_sum {
	u64 steal;
	u32 version;
};

static gpa_t area_gpa(const struct vcpu *vcpu)
{
	return vcpu->steal_time.msr & KVM_STEAL_VALID_BITS;
}

/* The structure is aligned to its size, so it lies in one page. */
static u8 __user *preempted_byte(const struct memslot *slot, gpa_t gpa)
{
	gpa += offsetof(struct kvm_steal_time, preempted);
	return (u8 __user *)(memslot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
}

static struct memslot *writable_slot(struct vm *vm, gpa_t gpa)
{
	struct memslot *slot = memslot_find(memory_slots(&vm->memory), gpa >> PAGE_SHIFT);

	return slot && !(slot->flags & KVM_MEM_READONLY) ? slot : NULL;
}

int steal_time_write(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	struct vcpu_steal_time *st = &vcpu->steal_time;

	if (!oriel_counts_run_delay())
		return MSR_INVALID;
	/* Read the byte before writing it: it may have a request of before a migration. */
	st->marked = true;
	st->thread = NULL;
	st->msr = data;
	if (data & KVM_MSR_ENABLED) {
		WRITE_ONCE(vcpu->vm->steal_time_used, true);
		vcpu_make_request(vcpu, REQ_STEAL_TIME);
	}
	return 0;
}

/* ---- the byte ---- */

/* Set the byte to 0; returns its old value, or -EFAULT. */
static int take_byte(u8 __user *byte)
{
	u8 old;
	int r;

	if (get_user(old, byte))
		return -EFAULT;
	do
		r = old ? __try_cmpxchg_user(byte, &old, 0, fault) : 0;
	while (r > 0);
	return r < 0 ? r : old;
}

/* The vCPU runs. Returns true if the structure says so now. */
static bool clear_preempted(struct vcpu *vcpu)
{
	gpa_t gpa = area_gpa(vcpu);
	struct vm *vm = vcpu->vm;
	struct memslot *slot = writable_slot(vm, gpa);
	int found;

	if (!slot || !dirty_log_has_room(&vm->memory, slot))
		return false;
	found = take_byte(preempted_byte(slot, gpa));
	if (found > 0)
		dirty_log_mark(&vm->memory, slot, gpa >> PAGE_SHIFT);
	if (found > 0 && found & KVM_VCPU_FLUSH_TLB)
		vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	return found >= 0;
}

void steal_time_stopped(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct memslot *slot;
	int srcu;

	if (vcpu->steal_time.marked)
		return;
	srcu = srcu_read_lock(&vm->memory.srcu);
	slot = writable_slot(vm, area_gpa(vcpu));
	/* dirty_log_mark() would take the ring's lock, which a context switch must not. */
	if (slot && !(vm->memory.ring_bytes && memslot_is_logged(slot))) {
		pagefault_disable();
		if (!put_user(KVM_VCPU_PREEMPTED, preempted_byte(slot, area_gpa(vcpu)))) {
			vcpu->steal_time.marked = true;
			dirty_log_mark(&vm->memory, slot, area_gpa(vcpu) >> PAGE_SHIFT);
		}
		pagefault_enable();
	}
	srcu_read_unlock(&vm->memory.srcu, srcu);
}

/* ---- the time ---- */

/* Add to the sum in the guest's memory, which may have come from another host. */
static int add_steal(struct vcpu *vcpu, u64 stolen)
{
	gpa_t gpa = area_gpa(vcpu);
	gpa_t version = gpa + offsetof(struct kvm_steal_time, version);
	struct vm *vm = vcpu->vm;
	struct steal_sum sum;
	int r;

	BUILD_BUG_ON(offsetof(struct kvm_steal_time, steal) != offsetof(struct steal_sum, steal));
	BUILD_BUG_ON(offsetof(struct kvm_steal_time, version) !=
		     offsetof(struct steal_sum, version));
	r = memory_read(&vm->memory, gpa, &sum, sizeof(sum));
	if (r)
		return r;
	/* The version is odd during the update: other vCPUs may be reading the structure. */
	sum.version = (sum.version + 1) | 1;
	r = memory_write(&vm->memory, version, &sum.version, sizeof(sum.version));
	if (r)
		return r;
	/* A reader sees the odd version before the rest changes ... */
	smp_wmb();
	sum.steal += stolen;
	r = memory_write(&vm->memory, gpa, &sum.steal, sizeof(sum.steal));
	/* ... and the even version after that, which is written even if the sum was not. */
	smp_wmb();
	sum.version++;
	return memory_write(&vm->memory, version, &sum.version, sizeof(sum.version)) ?: r;
}

static void account(struct vcpu *vcpu)
{
	struct vcpu_steal_time *st = &vcpu->steal_time;
	u64 delay = oriel_run_delay();

	/* Time that a thread waited before it ran this vCPU does not count. */
	if (st->thread != current || delay < st->delay) {
		st->thread = current;
		st->delay = delay;
	}
	if (delay != st->delay && !add_steal(vcpu, delay - st->delay))
		st->delay = delay;
}

void steal_time_update(struct vcpu *vcpu)
{
	if (!(vcpu->steal_time.msr & KVM_MSR_ENABLED))
		return;
	if (clear_preempted(vcpu)) {
		/* A context switch before this point finds @marked set, and writes nothing. */
		barrier();
		vcpu->steal_time.marked = false;
	} else {
		/* The byte cannot be read: assume that a flush was asked for. */
		vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	}
	account(vcpu);
}
