// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accesses of an instruction that is executed in software: guest memory, devices, ports.
 *
 * MMIO and re-execution
 *
 * Userspace has to do some accesses: KVM_RUN returns, and the answer comes with the next KVM_RUN.
 * The executor does not save how far it has come. It stops with EMUL_USER, and after the answer it
 * executes the whole instruction, or the current iteration of a REP, again. A log keeps finished
 * accesses from being made twice.
 *
 *   1. An instruction changes the guest's registers only when it finishes. Each iteration of a REP
 *      finishes by itself (op_committed()).
 *   2. access->log has each MMIO access that the instruction has made, in order, with its data.
 *      access->next counts the records that the current execution has used again. An access that
 *      has a record is answered from it, so no device sees an access twice (mmio_part()).
 *   3. If an access differs from its record, the guest has changed its page tables in between. Then
 *      the log is dropped, and the guest executes the instruction that is at RIP now (EMUL_AGAIN).
 *   4. The port half of an IN, OUT, INS or OUTS in the executor is marked by access->port_done; the
 *      data of an input stays in the port page (op_port()).
 *   5. Accesses to memory are not logged: reads are made again. So the right to write is checked
 *      before an effect that cannot be repeated: by the read of a read-modify-write
 *      (EMUL_ACCESS_WRITE); with op_probe() by INS and by task switches; by op_write() for a write
 *      that crosses a page. MOVS, PUSH and others that load and then store do not check: if the
 *      store faults, the instruction begins anew and a device sees the load twice.
 *   6. A write for userspace does not wait. kvm_run carries it (access->posted), the instruction
 *      goes on, most often to its end, and then KVM_RUN returns; RIP is that of the next
 *      instruction. If a device access follows, even one that the module could answer, the executor
 *      stops before it, because userspace must see the write first. If it stops between two
 *      iterations of a REP, the next KVM_RUN may leave the REP there (access_may_stop()).
 *   7. access->pending is the access that userspace has to do, access->rip the RIP at that time. If
 *      RIP is another at the next KVM_RUN, userspace has sent the guest elsewhere and the access is
 *      forgotten (vcpu_complete_access()).
 *   8. Re-execution uses the instruction as it was decoded the first time, even if the guest's code
 *      has changed (vcpu_emulate_again()).
 *   9. access->hint is the CPU's own translation of the access that exited. It saves a walk of the
 *      guest's tables (translated_by_cpu()), and is valid for that instruction, or iteration of a
 *      REP, alone.
 *  10. access_reset() drops log, hint, port_done and pending: after every result but EMUL_USER,
 *      after each iteration of a REP, in case 7, before a task switch, and at a reset. It keeps
 *      access->posted, because userspace has not seen that write yet: KVM_RUN returns then,
 *      whatever the result was.
 *
 *   exit: vcpu_emulate()                     exit: exit_pio(), exit_rdmsr(), exit_wrmsr()
 *           |                                           |
 *           v        any other result                   | userspace has to answer
 *      the executor ----------------> the guest goes on |
 *        |     ^                      (posted: KVM_RUN  v
 *        |     |                      returns first)   ACCESS_PIO, ACCESS_RDMSR, ACCESS_WRMSR
 *   EMUL_USER  | vcpu_emulate_again()      |            |
 *        |     |                           |            | KVM_RUN returns and is called again:
 *        v     |                           |            | vcpu_complete_access()
 *   ACCESS_MMIO, ACCESS_STRING             |            |
 *   KVM_RUN returns and is called again:   +------------+ vcpu_advance() or msr_complete()
 *   vcpu_complete_access()
 *
 * The CPU does not see these accesses, so data breakpoints on them are compared in software
 * (note_access()).
 */
#include <linux/kvm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/debug.h"
#include "guest/fpu.h"
#include "guest/vapic.h"
#include "host/compat.h"
#include "run/access.h"
#include "x86/cr.h"
#include "x86/guest_walk.h"

static struct vcpu *emul_vcpu(struct emul *e)
{
	return container_of(e, struct vcpu, emul);
}

/*
 * Guest page-table entries.
 */

static int entry_read(void *ctx, gpa_t gpa, unsigned int size, u64 *entry)
{
	struct vcpu *vcpu = ctx;
	unsigned long hva = memory_hva(&vcpu->vm->memory, gpa >> GFN_SHIFT, NULL);
	void __user *user = (void __user *)(hva + offset_in_page(gpa));
	u32 narrow;

	if (hva == MEMSLOT_NO_HVA) {
		/* No device answers on the bus: a read returns all ones. */
		*entry = size == sizeof(*entry) ? ~0ull : U32_MAX;
		return 0;
	}
	/* Read it at once, as the CPU does: another vCPU may be changing it. */
	if (size == sizeof(*entry))
		return get_user(*entry, (u64 __user *)user);
	if (get_user(narrow, (u32 __user *)user))
		return -EFAULT;
	*entry = narrow;
	return 0;
}

static int entry_cmpxchg(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	struct vcpu *vcpu = ctx;
	int r = memory_cmpxchg(&vcpu->vm->memory, gpa, &old, &new, size);

	/* No accessed bit can be set in a table in ROM. A CPU, too, goes on without it. */
	return r == -EROFS || r == -ENXIO ? 0 : r;
}

static const struct walk_ops walk_ops = {
	.read = entry_read,
	.cmpxchg = entry_cmpxchg,
};

int vcpu_translate(struct vcpu *vcpu, u64 linear, u32 walk, u64 *gpa)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;
	struct guest_paging paging;

	vcpu_need(vcpu, STATE_CR | STATE_RIP);
	if (!(vcpu->state.cr0 & X86_CR0_PG)) {
		*gpa = linear;
		return 0;
	}
	guest_paging_init(&paging, &vcpu->state, facts->maxphyaddr, facts->gbpages);
	if (vcpu->state.cr4 & X86_CR4_PKE)
		paging.pkru = vcpu->fpu.pkru;
	return guest_walk(&paging, linear, walk, &walk_ops, vcpu, gpa, &vcpu->emul.fault);
}

/*
 * Return true if this is the data access that the CPU has translated itself. A fetch of code and an
 * access to a system table never are, and a translation for a read does not show the right to
 * write. If the linear address is not known, compare offsets in the page; that is enough for an
 * instruction with one address.
 */
static bool translated_by_cpu(const struct emul *e, const struct vcpu_access *access, u64 linear,
			      u32 walk)
{
	if (access->hint == HINT_NONE || (walk & (WALK_FETCH | WALK_IMPLICIT)) ||
	    (!access->hint_write && (walk & WALK_WRITE)))
		return false;
	if (access->hint == HINT_LINEAR)
		return (linear & PAGE_MASK) == (access->hint_linear & PAGE_MASK);
	return offset_in_page(linear) == offset_in_page(access->hint_gpa) &&
	       emul_has_one_address(e);
}

static enum emul_result translate(struct emul *e, u64 linear, u32 walk, u64 *gpa)
{
	const struct vcpu_access *access = &emul_vcpu(e)->access;

	if (translated_by_cpu(e, access, linear, walk)) {
		*gpa = (access->hint_gpa & PAGE_MASK) | offset_in_page(linear);
		return EMUL_DONE;
	}
	switch (vcpu_translate(emul_vcpu(e), linear, walk, gpa)) {
	case 0:
		return EMUL_DONE;
	case 1:
		return EMUL_FAULT;
	case -EAGAIN:
		return EMUL_AGAIN;
	default:
		return EMUL_UNKNOWN;
	}
}

/*
 * Devices.
 */

static bool device_access(struct vcpu *vcpu, struct access_record *record)
{
	struct irq_fabric *fabric = &vcpu->vm->fabric;

	if (record->write &&
	    ioeventfds_write(&vcpu->vm->ioeventfds, false, record->gpa, record->data, record->len))
		return true;
	if (unlikely(vcpu->vapic.report))
		vapic_note_access(vcpu, record->gpa, record->write);
	if (!record->write)
		return vcpu->lapic && !fabric_mmio_read(fabric, vcpu->lapic, record->gpa,
							record->data, record->len);
	if (vcpu->lapic &&
	    !fabric_mmio_write(fabric, vcpu->lapic, record->gpa, record->data, record->len))
		return true;
	return coalesced_write(&vcpu->vm->coalesced, false, record->gpa, record->data, record->len,
			       1);
}

static void ask_userspace_mmio(struct vcpu *vcpu, const struct access_record *record)
{
	struct kvm_run *run = vcpu->run;

	vcpu->stats.mmio_exits++;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = record->gpa;
	run->mmio.len = record->len;
	run->mmio.is_write = record->write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (record->write)
		memcpy(run->mmio.data, record->data, record->len);
}

/* Stop the instruction until userspace has answered kvm_run. */
static enum emul_result wait_for_userspace(struct vcpu *vcpu, enum access_pending what)
{
	vcpu->access.pending = what;
	vcpu->access.rip = vcpu->state.rip;
	return EMUL_USER;
}

/*
 * Make one access of at most ACCESS_MMIO_MAX bytes, or take it from the log. A write for userspace
 * is posted: most often it is the last access of its instruction.
 */
static enum emul_result mmio_part(struct vcpu *vcpu, u64 gpa, void *buf, u32 len, bool write)
{
	struct vcpu_access *access = &vcpu->access;
	struct access_record *record;

	if (access->next < access->count) {
		record = &access->log[access->next++];
		/* The guest has changed its page tables: 3 above. */
		if (record->gpa != gpa || record->len != len || record->write != write)
			return EMUL_AGAIN;
		if (!write)
			memcpy(buf, record->data, len);
		return EMUL_DONE;
	}
	if (access->posted)
		return wait_for_userspace(vcpu, ACCESS_MMIO);
	if (access->count == ACCESS_LOG_MAX)
		return EMUL_UNKNOWN;
	record = &access->log[access->count++];
	*record = (struct access_record){ .gpa = gpa, .len = len, .write = write };
	if (write)
		memcpy(record->data, buf, len);
	if (!device_access(vcpu, record)) {
		ask_userspace_mmio(vcpu, record);
		if (!write)
			return wait_for_userspace(vcpu, ACCESS_MMIO);
		access->posted = true;
	}
	access->next++;
	if (!write)
		memcpy(buf, record->data, len);
	return EMUL_DONE;
}

static enum emul_result mmio(struct vcpu *vcpu, u64 gpa, void *buf, u32 len, bool write)
{
	enum emul_result result = EMUL_DONE;
	u32 part;

	for (; len && result == EMUL_DONE; gpa += part, buf += part, len -= part) {
		part = min_t(u32, len, ACCESS_MMIO_MAX);
		result = mmio_part(vcpu, gpa, buf, part, write);
	}
	return result;
}

/*
 * Memory.
 */

/* Return how many bytes of an access lie in the page where it starts. */
static u32 page_part(u64 linear, u32 len)
{
	return min_t(u64, len, PAGE_SIZE - (linear & (PAGE_SIZE - 1)));
}

static enum emul_result memory_part(struct vcpu *vcpu, u64 gpa, void *buf, u32 len, bool write)
{
	int r = write ? memory_write(&vcpu->vm->memory, gpa, buf, len) :
			memory_read(&vcpu->vm->memory, gpa, buf, len);

	if (r == -ENXIO || r == -EROFS)
		return mmio(vcpu, gpa, buf, len, write);
	if (r == -EAGAIN)
		return EMUL_AGAIN;
	return r ? EMUL_UNKNOWN : EMUL_DONE;
}

static u32 walk_flags(const struct emul *e, u32 access)
{
	u32 walk = access & EMUL_ACCESS_WRITE ? WALK_WRITE : 0;

	/* SMAP applies to it at any CPL and whatever RFLAGS.AC is (SDM 3A 4.6.1). */
	if (access & EMUL_ACCESS_SYSTEM)
		return walk | WALK_IMPLICIT;
	return walk | (e->cpl == 3 ? WALK_USER : 0);
}

static u64 linear_mask(const struct emul *e, u32 walk)
{
	return emul_linear_mask(e, walk & WALK_IMPLICIT ? EMUL_ACCESS_SYSTEM : 0);
}

static enum emul_result access_linear(struct emul *e, u64 linear, void *buf, u32 len, u32 walk,
				      bool write)
{
	enum emul_result result = EMUL_DONE;
	u64 gpa;
	u32 part;

	for (; len && result == EMUL_DONE; linear += part, buf += part, len -= part) {
		linear &= linear_mask(e, walk);
		part = page_part(linear, len);
		result = translate(e, linear, walk, &gpa);
		if (result == EMUL_DONE)
			result = memory_part(emul_vcpu(e), gpa, buf, part, write);
	}
	return result;
}

void access_prefetch(struct vcpu *vcpu)
{
	const struct cpu_segment *cs = &vcpu->state.seg[SEG_CS];
	struct emul *e = &vcpu->emul;
	bool wide = emul_mode(&vcpu->state) == INSN_MODE_64;
	u64 linear = wide ? vcpu->state.rip : (u32)(cs->base + vcpu->state.rip);
	u32 len = page_part(linear, INSN_MAX_LENGTH);
	u32 walk = WALK_FETCH;
	u64 gpa;

	e->byte_count = 0;
	if (!wide && vcpu->state.rip + len > (u64)cs->limit + 1)
		return;
	if (cpu_cpl(&vcpu->state) == 3)
		walk |= WALK_USER;
	if (!vcpu_translate(vcpu, linear, walk, &gpa) &&
	    !memory_read(&vcpu->vm->memory, gpa, e->bytes, len))
		e->byte_count = len;
}

static enum emul_result op_fetch(struct emul *e, u64 linear, void *buf, unsigned int len)
{
	u32 walk = WALK_FETCH | (e->cpl == 3 ? WALK_USER : 0);
	u64 gpa;
	u32 part;

	/* Code is only fetched from memory, never from a device. */
	for (; len; linear += part, buf += part, len -= part) {
		enum emul_result result;

		linear &= e->linear_mask;
		part = page_part(linear, len);
		result = translate(e, linear, walk, &gpa);
		if (result != EMUL_DONE)
			return result;
		if (memory_read(&emul_vcpu(e)->vm->memory, gpa, buf, part))
			return EMUL_UNKNOWN;
	}
	return EMUL_DONE;
}

/* Compare an access with the data breakpoints in force. */
static void note_access(struct emul *e, u64 linear, u32 len, u32 access, bool write)
{
	struct vcpu *vcpu = emul_vcpu(e);
	u64 dr7;

	vcpu_need(vcpu, STATE_DR);
	dr7 = guest_debug_dr7(&vcpu->debug, vcpu->state.dr7);
	if (likely(!(dr7 & DR7_ENABLED)) || access & EMUL_ACCESS_SYSTEM)
		return;
	vcpu->access.hits |= dr_data_hits(guest_debug_dr(&vcpu->debug, vcpu->state.dr), dr7,
					  linear & e->linear_mask, len, write);
}

static enum emul_result op_read(struct emul *e, u64 linear, void *buf, unsigned int len,
				unsigned int access)
{
	note_access(e, linear, len, access, false);
	return access_linear(e, linear, buf, len, walk_flags(e, access), false);
}

static enum emul_result probe(struct emul *e, u64 linear, unsigned int len, u32 walk)
{
	enum emul_result all = EMUL_DONE;
	bool writable;
	u64 gpa;
	u32 part;

	for (; len; linear += part, len -= part) {
		enum emul_result result;

		linear &= linear_mask(e, walk);
		part = page_part(linear, len);
		result = translate(e, linear, walk, &gpa);
		if (result != EMUL_DONE)
			return result;
		if (memory_hva(&emul_vcpu(e)->vm->memory, gpa >> GFN_SHIFT, &writable) ==
			    MEMSLOT_NO_HVA ||
		    (walk & WALK_WRITE && !writable))
			all = EMUL_USER;
	}
	return all;
}

static enum emul_result op_probe(struct emul *e, u64 linear, unsigned int len, unsigned int access)
{
	return probe(e, linear, len, walk_flags(e, access) | WALK_PROBE);
}

static enum emul_result op_write(struct emul *e, u64 linear, const void *buf, unsigned int len,
				 unsigned int access)
{
	u32 walk = walk_flags(e, access | EMUL_ACCESS_WRITE);

	note_access(e, linear, len, access, true);
	/* If the second page faults, nothing may be written to the first. */
	if (page_part(linear, len) < len) {
		enum emul_result result = probe(e, linear, len, walk);

		if (result != EMUL_DONE && result != EMUL_USER)
			return result;
	}
	return access_linear(e, linear, (void *)buf, len, walk, true);
}

static enum emul_result op_cmpxchg(struct emul *e, u64 linear, const void *old, const void *new,
				   unsigned int len)
{
	u32 walk = walk_flags(e, EMUL_ACCESS_WRITE);
	enum emul_result result;
	u64 gpa;

	note_access(e, linear, len, 0, true);
	/*
	 * A CPU locks the bus for an operand that is not aligned. Software cannot, so this access
	 * is not atomic against other vCPUs.
	 */
	if (linear & (len - 1))
		return op_write(e, linear, new, len, 0);
	result = translate(e, linear, walk, &gpa);
	if (result != EMUL_DONE)
		return result;
	switch (memory_cmpxchg(&emul_vcpu(e)->vm->memory, gpa, old, new, len)) {
	case 0:
		return EMUL_DONE;
	case -EAGAIN:
		return EMUL_AGAIN;
	case -ENXIO:
	case -EROFS:
		return mmio(emul_vcpu(e), gpa, (void *)new, len, true);
	default:
		return EMUL_UNKNOWN;
	}
}

/*
 * Ports.
 */

void *access_port_data(struct vcpu *vcpu)
{
	return (void *)vcpu->run + PAGE_SIZE;
}

/* A doorbell takes one element. Several can only go to a ring of coalesced writes. */
static bool doorbell_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, void *data)
{
	struct vm *vm = vcpu->vm;

	if (count == 1 && ioeventfds_write(&vm->ioeventfds, true, port, data, size))
		return true;
	return coalesced_write(&vm->coalesced, true, port, data, size, count);
}

static bool device_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, bool in, void *data)
{
	struct irq_fabric *fabric = &vcpu->vm->fabric;
	u32 value = 0;

	for (; count; count--, data += size) {
		if (!in)
			memcpy(&value, data, size);
		if (in ? fabric_pio_read(fabric, port, size, &value) :
			 fabric_pio_write(fabric, port, size, value))
			return false;
		if (in)
			memcpy(data, &value, size);
	}
	return true;
}

bool access_port(struct vcpu *vcpu, u16 port, u32 size, u32 count, bool in, void *data)
{
	struct kvm_run *run = vcpu->run;

	if (vcpu->lapic && device_port(vcpu, port, size, count, in, data)) {
		/* If it was an EOI to the PIC, the next interrupt may pass. */
		if (!in)
			vcpu_make_request(vcpu, REQ_EVENT);
		return true;
	}
	if (!in && doorbell_port(vcpu, port, size, count, data))
		return true;
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = PAGE_SIZE;
	if (!in)
		memcpy(access_port_data(vcpu), data, size * count);
	return false;
}

static enum emul_result op_port(struct emul *e, u16 port, u32 size, u32 count, bool in, void *buf)
{
	struct vcpu *vcpu = emul_vcpu(e);
	struct vcpu_access *access = &vcpu->access;
	u32 bytes = size * count;

	if (!access->port_done) {
		if (access->posted)
			return wait_for_userspace(vcpu, ACCESS_MMIO);
		if (!access_port(vcpu, port, size, count, in, buf))
			return wait_for_userspace(vcpu, ACCESS_STRING);
		/* Keep the data: the store to memory may have to wait for userspace. */
		if (in)
			memcpy(access_port_data(vcpu), buf, bytes);
		access->port_done = true;
		return EMUL_DONE;
	}
	if (in)
		memcpy(buf, access_port_data(vcpu), bytes);
	return EMUL_DONE;
}

static enum emul_result op_pio_in(struct emul *e, u16 port, unsigned int size, unsigned int count,
				  void *buf)
{
	return op_port(e, port, size, count, true, buf);
}

static enum emul_result op_pio_out(struct emul *e, u16 port, unsigned int size, unsigned int count,
				   const void *buf)
{
	return op_port(e, port, size, count, false, (void *)buf);
}

/*
 * Vector registers, and the end of an instruction or an iteration.
 */

static enum emul_result op_read_xmm(struct emul *e, u8 reg, void *buf, unsigned int len)
{
	return fpu_read_vector(emul_vcpu(e), reg, buf, len) ? EMUL_UNKNOWN : EMUL_DONE;
}

static enum emul_result op_write_xmm(struct emul *e, u8 reg, const void *buf, unsigned int len,
				     bool zero_upper)
{
	return fpu_write_vector(emul_vcpu(e), reg, buf, len, zero_upper) ? EMUL_UNKNOWN : EMUL_DONE;
}

static enum emul_result op_read_mmx(struct emul *e, u8 reg, void *buf)
{
	return fpu_read_mmx(emul_vcpu(e), reg, buf) ? EMUL_UNKNOWN : EMUL_DONE;
}

static enum emul_result op_write_mmx(struct emul *e, u8 reg, const void *buf)
{
	u64 value;

	memcpy(&value, buf, sizeof(value));
	return fpu_write_mmx(emul_vcpu(e), reg, value) ? EMUL_UNKNOWN : EMUL_DONE;
}

static void op_segments(struct emul *e)
{
	vcpu_need(emul_vcpu(e), STATE_SEGS);
}

static void op_committed(struct emul *e)
{
	struct vcpu_access *access = &emul_vcpu(e)->access;

	access->hits_due |= access->hits;
	access->hits = 0;
	access_reset(access);
}

static bool op_should_stop(struct emul *e)
{
	struct vcpu *vcpu = emul_vcpu(e);

	return vcpu->access.hits_due || signal_pending(current) || need_resched() ||
	       READ_ONCE(vcpu->requests) || READ_ONCE(*oriel_immediate_exit(vcpu->run));
}

const struct emul_ops vcpu_emul_ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.exchange = op_cmpxchg,
	.probe = op_probe,
	.pio_in = op_pio_in,
	.pio_out = op_pio_out,
	.read_xmm = op_read_xmm,
	.write_xmm = op_write_xmm,
	.read_mmx = op_read_mmx,
	.write_mmx = op_write_mmx,
	.committed = op_committed,
	.segments = op_segments,
	.should_stop = op_should_stop,
};

bool access_may_stop(struct vcpu *vcpu)
{
	return vcpu->access.posted && !vcpu->access.count && op_should_stop(&vcpu->emul);
}

void access_complete(struct vcpu *vcpu)
{
	struct vcpu_access *access = &vcpu->access;
	struct access_record *record;

	if (access->pending == ACCESS_STRING) {
		access->port_done = true;
	} else if (!access->posted) {
		record = &access->log[access->count - 1];
		memcpy(record->data, vcpu->run->mmio.data, record->len);
	}
	access->pending = ACCESS_NONE;
	access->next = 0;
}
