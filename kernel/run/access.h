/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the instruction executor reaches guest memory, devices and ports, and
 * the log that makes an instruction repeatable after userspace did an access.
 */
#ifndef ORIEL_ACCESS_H
#define ORIEL_ACCESS_H

#include <linux/types.h>

struct emul_ops;
struct vcpu;

/* The most MMIO accesses of one instruction: 64 bytes in, 64 bytes out, one of them split. */
#define ACCESS_LOG_MAX 18

/* kvm_run carries so many bytes of MMIO at once. */
#define ACCESS_MMIO_MAX 8

/**
 * struct access_record - one MMIO access that the current instruction made
 * @gpa: where
 * @data: what was read or written
 * @len: bytes, 1 to ACCESS_MMIO_MAX
 * @write: direction
 */
struct access_record {
	u64 gpa;
	u8 data[ACCESS_MMIO_MAX];
	u8 len;
	bool write;
};

enum access_pending {
	ACCESS_NONE, /* nothing waits for userspace */
	ACCESS_PIO, /* IN or OUT */
	ACCESS_MMIO, /* a read, the last record of the log; or what is posted */
	ACCESS_STRING, /* INS or OUTS: the port half of one turn */
	ACCESS_RDMSR,
	ACCESS_WRMSR,
};

/**
 * enum access_hint - what an exit for a second-level fault tells of its access
 * @HINT_NONE: nothing, or it was made to a page table or for code
 * @HINT_GPA: the guest-physical address of an access of the instruction itself
 * @HINT_LINEAR: its linear address as well
 */
enum access_hint {
	HINT_NONE,
	HINT_GPA,
	HINT_LINEAR,
};

/**
 * struct vcpu_access - accesses of the instruction in flight
 * @pending: what userspace was asked to do
 * @rip: guest RIP at that time: if it is another at re-entry, userspace took
 *	the vCPU elsewhere and the access is forgotten
 * @next_rip: where IN or OUT continues
 * @in_size: bytes that an IN waits for, 0 for OUT
 * @log: MMIO accesses made, in order
 * @count: how many
 * @next: how many of them the current execution has met again
 * @hint: what the exit told of the access that caused it; for this instruction
 * @hint_linear: that access's linear address, with HINT_LINEAR
 * @hint_gpa: what it translates to
 * @hint_write: it may be written
 * @posted: kvm_run carries a write of the instruction in flight, which did not wait
 *	for userspace to do it. What comes behind it and needs userspace waits
 * @hits: data breakpoints that the instruction, or an iteration of a REP, met so far;
 *	B bits of DR6
 * @hits_due: those of what is finished
 * @port_done: the port half of a string turn is done, its data in the port page
 */
struct vcpu_access {
	enum access_pending pending;
	u64 rip;
	u64 next_rip;
	u8 in_size;
	struct access_record log[ACCESS_LOG_MAX];
	u8 count;
	u8 next;
	enum access_hint hint;
	u64 hint_linear;
	u64 hint_gpa;
	bool hint_write;
	bool posted;
	u8 hits;
	u8 hits_due;
	bool port_done;
};

extern const struct emul_ops vcpu_emul_ops;

/**
 * access_reset() - forget the log: the instruction finished or never will
 * @access: a vCPU's
 *
 * What is posted remains so: userspace has yet to see it.
 */
static inline void access_reset(struct vcpu_access *access)
{
	access->pending = ACCESS_NONE;
	access->count = 0;
	access->next = 0;
	access->hint = HINT_NONE;
	access->port_done = false;
}

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
 * @vcpu: the vCPU, its mutex and vm->srcu held
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
