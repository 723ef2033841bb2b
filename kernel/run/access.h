/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The accesses of an instruction that is executed in software; access.c describes re-execution.
 * The vCPU's mutex and memory.srcu are held.
 */
#ifndef ORIEL_ACCESS_H
#define ORIEL_ACCESS_H

#include <linux/types.h>

#include "core/parts.h"

struct emul_ops;
struct vcpu;

extern const struct emul_ops vcpu_emul_ops;

/**
 * access_set_hint() - give the executor the CPU's translation of the access of the instruction that
 * exited. @linear counts with HINT_LINEAR; @gpa is the translation, and the guest's tables grant
 * the access.
 */
static inline void access_set_hint(struct vcpu_access *access, enum access_hint hint, u64 linear,
				   u64 gpa, bool write)
{
	access->hint = hint;
	access->hint_linear = linear;
	access->hint_gpa = gpa;
	access->hint_write = write;
}

/**
 * access_port() - access a port of the module's own devices with @count elements of @size bytes (1,
 * 2 or 4), or have userspace access it. Return true when it is done; false when userspace has to do
 * it: kvm_run is filled in, and the port page has the data of an output.
 */
bool access_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, bool in, void *data);
/** access_port_data() - the page behind kvm_run that carries port data */
void *access_port_data(struct vcpu *vcpu);
/**
 * access_may_stop() - with ACCESS_MMIO or ACCESS_STRING pending, return true if the vCPU should
 * leave a REP between two iterations: the next one has accessed no device yet, and a request, a
 * signal or another thread waits for the vCPU.
 */
bool access_may_stop(struct vcpu *vcpu);
/** access_complete() - take over userspace's answer to ACCESS_MMIO or ACCESS_STRING */
void access_complete(struct vcpu *vcpu);
/**
 * access_prefetch() - read the code at RIP into vcpu->emul.bytes, with one page walk: as many bytes
 * as an instruction can have and as its page holds. Read none if they go beyond the limit of CS or
 * cannot be read: decoding will find the reason. STATE_RIP, STATE_CR and STATE_CODE are fetched.
 */
void access_prefetch(struct vcpu *vcpu);
/**
 * vcpu_translate() - translate a linear address to a guest-physical one. @walk: WALK_*; 0 for a
 * read of data. Return 0; 1 for a fault, which is in vcpu->emul.fault; an errno.
 */
int vcpu_translate(struct vcpu *vcpu, u64 linear, u32 walk, u64 *gpa);

#endif
