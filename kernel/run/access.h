/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The accesses of an instruction that is executed in software; access.c has the protocol of
 * re-execution. The vCPU's mutex and memory.srcu are held.
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
 * @access: of a vCPU whose exited instruction is executed next
 * @hint: how much is known
 * @linear: linear address of the access, with HINT_LINEAR
 * @gpa: its translation, with all rights that the access needs
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
 * @size: bytes, 1, 2 or 4
 * @count: elements
 * @data: @size * @count bytes
 *
 * Return: true when it is done. False: kvm_run asks userspace; the data of an output was copied.
 */
bool access_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, bool in, void *data);

/** access_port_data() - the page behind kvm_run that carries port data */
void *access_port_data(struct vcpu *vcpu);

/**
 * access_may_stop() - may a REP be left between two iterations?
 *
 * With ACCESS_MMIO or ACCESS_STRING pending. Return: true when nothing of an iteration waits for
 * an answer, and something else waits for this vCPU.
 */
bool access_may_stop(struct vcpu *vcpu);

/** access_complete() - take over userspace's answer to ACCESS_MMIO or ACCESS_STRING */
void access_complete(struct vcpu *vcpu);

/**
 * access_prefetch() - read the code at RIP into vcpu->emul.bytes, with one page walk
 *
 * STATE_ALL is fetched. Reads as much as an instruction can have and the page and segment hold;
 * nothing if it cannot be read: decoding finds out the reason.
 */
void access_prefetch(struct vcpu *vcpu);

/**
 * vcpu_translate() - linear to guest-physical address, as for a data read
 * @walk: WALK_* flags
 *
 * Return: 0; 1 for a fault, which is in vcpu->emul.fault; an errno.
 */
int vcpu_translate(struct vcpu *vcpu, u64 linear, u32 walk, u64 *gpa);

#endif
