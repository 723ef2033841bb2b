/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the instruction executor reaches guest memory, devices and ports, and
 * the log that makes an instruction repeatable after userspace did an access.
 */
#ifndef ORIEL_ACCESS_H
#define ORIEL_ACCESS_H

#include <linux/types.h>

#include "core/parts.h"

struct emul_ops;
struct vcpu;

extern const struct emul_ops vcpu_emul_ops;

/**
 * access_set_hint() - save the executor the walk that the CPU has just done
 * @access: a vCPU's; the instruction that exited is executed next
 * @hint: what is known
 * @linear: linear address of the access, with HINT_LINEAR
 * @gpa: where the CPU found it, with all rights that the access needs
 * @write: it was a write
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
 * access_port() - a port access by the module's own devices, or by userspace
 * @vcpu: the vCPU
 * @port: port number
 * @size: bytes, 1, 2 or 4
 * @count: elements
 * @in: direction
 * @data: @size * @count bytes
 *
 * Return: true when it is done. False: kvm_run asks userspace; for an output
 * @data was copied.
 */
bool access_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, bool in, void *data);

/**
 * access_port_data() - the page behind kvm_run that carries port data
 * @vcpu: the vCPU
 */
void *access_port_data(struct vcpu *vcpu);

/**
 * access_may_stop() - whether a REP is to be left between two iterations
 * @vcpu: the vCPU, with ACCESS_MMIO or ACCESS_STRING pending
 *
 * Return: true when nothing of an iteration waits for an answer, and something else
 * does for this vCPU.
 */
bool access_may_stop(struct vcpu *vcpu);

/**
 * access_complete() - take over what userspace answered
 * @vcpu: the vCPU
 *
 * For ACCESS_MMIO and ACCESS_STRING: the instruction can be executed again.
 */
void access_complete(struct vcpu *vcpu);

/**
 * access_prefetch() - the code at RIP into vcpu->emul.bytes, with one page walk
 * @vcpu: the vCPU, STATE_ALL fetched
 *
 * As much as an instruction can have and the page and segment hold; nothing when
 * it cannot be read, so that decoding finds out why.
 */
void access_prefetch(struct vcpu *vcpu);

/**
 * vcpu_translate() - linear to guest-physical address, as for a data read
 * @vcpu: the vCPU, its mutex and vm->memory.srcu held
 * @linear: linear address
 * @walk: WALK_* flags
 * @gpa: result
 *
 * On a fault vcpu->emul.fault says which.
 *
 * Return: 0; 1 for a fault; an errno.
 */
int vcpu_translate(struct vcpu *vcpu, u64 linear, u32 walk, u64 *gpa);

#endif
