/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction executor: it carries out one guest instruction over struct cpu_state, for
 * MMIO, string port I/O, and other instructions that cannot run in the guest. The caller's
 * callbacks reach memory, ports and vector registers.
 */
#ifndef ORIEL_EMULATE_EXECUTE_H
#define ORIEL_EMULATE_EXECUTE_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/decode.h"

struct emul;

/**
 * enum emul_result - the result of an instruction, or of one access of it
 * @EMUL_DONE: finished. At the end of an instruction RIP is advanced
 * @EMUL_FAULT: raise &struct emul's @fault in the guest; RIP is not advanced
 * @EMUL_USER: userspace must finish an access first; call again after that
 * @EMUL_AGAIN: a REP has used up its turn, or a locked update has lost a race; RIP is not
 *	advanced. The caller may enter the guest or call again
 * @EMUL_UNKNOWN: the executor does not know the instruction; report &struct emul's @insn and
 *	@bytes
 */
enum emul_result {
	EMUL_DONE = 0,
	EMUL_FAULT,
	EMUL_USER,
	EMUL_AGAIN,
	EMUL_UNKNOWN,
};

/* Flags of an access. */
#define EMUL_ACCESS_WRITE BIT(0) /* a write, or a read that a write will follow */
#define EMUL_ACCESS_SYSTEM BIT(1) /* implicit supervisor access, whatever the CPL */

/**
 * struct emul_ops - callbacks with which the executor reaches the guest
 * @fetch: read guest code; check the right to execute
 * @read: read guest memory. With EMUL_ACCESS_WRITE check the right to write as well, and
 *	report a fault as a write
 * @write: write guest memory
 * @exchange: replace @old by @new atomically; EMUL_AGAIN when memory differs from @old. 1, 2,
 *	4, 8 or 16 bytes. Follows a @read of the same bytes with EMUL_ACCESS_WRITE. To MMIO it
 *	is a plain write of @new
 * @probe: check whether an access would fault, without side effect. EMUL_DONE when all of it
 *	is memory, EMUL_USER when some of it is MMIO, or EMUL_FAULT
 * @pio_in: read @count elements of @size bytes from a port
 * @pio_out: write @count elements of @size bytes to a port
 * @read_xmm: copy the low @len (16 or 32) bytes of a vector register to @buf. EMUL_UNKNOWN
 *	when the guest may not use them (XCR0)
 * @write_xmm: set the low @len (16 or 32) bytes of a vector register, and zero the rest of it
 *	if @zero_upper
 * @read_mmx: copy the 8 bytes of an MMX register to @buf
 * @write_mmx: set the 8 bytes of an MMX register, with the effects on the x87 tag word and
 *	top of stack
 * @committed: all accesses until now are part of the committed state, so the caller can drop
 *	its log of finished accesses. Called after each iteration of a REP and after each
 *	finished instruction. Optional
 * @segments: make all of @state's segments and tables valid. Called in 64-bit mode, where most
 *	instructions need no more than CS and SS. Optional: without it they are always valid
 * @should_stop: return true if a REP should end its turn now. Optional
 *
 * Linear addresses have passed the segment checks. An access may cross pages: the callback
 * splits it, and wraps with &struct emul's @linear_mask.
 *
 * A callback returns EMUL_DONE; EMUL_FAULT with &struct emul's @fault filled; EMUL_USER when
 * userspace has to act; EMUL_UNKNOWN when the access cannot be done.
 *
 * After EMUL_USER the next emulate() executes the whole instruction (the current iteration of a
 * REP) again. It makes the same accesses in the same order, so the caller answers the finished
 * ones from a log, and they have no second effect.
 */
struct emul_ops {
	enum emul_result (*fetch)(struct emul *e, u64 linear, void *buf, unsigned int len);
	enum emul_result (*read)(struct emul *e, u64 linear, void *buf, unsigned int len,
				 unsigned int access);
	enum emul_result (*write)(struct emul *e, u64 linear, const void *buf, unsigned int len,
				  unsigned int access);
	enum emul_result (*exchange)(struct emul *e, u64 linear, const void *old, const void *new,
				     unsigned int len);
	enum emul_result (*probe)(struct emul *e, u64 linear, unsigned int len,
				  unsigned int access);
	enum emul_result (*pio_in)(struct emul *e, u16 port, unsigned int size, unsigned int count,
				   void *buf);
	enum emul_result (*pio_out)(struct emul *e, u16 port, unsigned int size, unsigned int count,
				    const void *buf);
	enum emul_result (*read_xmm)(struct emul *e, u8 reg, void *buf, unsigned int len);
	enum emul_result (*write_xmm)(struct emul *e, u8 reg, const void *buf, unsigned int len,
				      bool zero_upper);
	enum emul_result (*read_mmx)(struct emul *e, u8 reg, void *buf);
	enum emul_result (*write_mmx)(struct emul *e, u8 reg, const void *buf);
	void (*committed)(struct emul *e);
	void (*segments)(struct emul *e);
	bool (*should_stop)(struct emul *e);
};

#define EMUL_PIO_BATCH 1024 /* bytes of string I/O in one @pio_in or @pio_out */
#define EMUL_REP_TURN 1024 /* iterations of a REP in one emulate(), if @should_stop lets it */

/**
 * struct emul - one instruction being executed
 * @state: registers, read and committed to. Set by the caller
 * @ops: callbacks. Set by the caller
 * @byte_count: how many of @bytes hold the code at CS:RIP. Set by the caller (0, or the count
 *	that the hardware delivered); set to 0 on return
 * @bytes: guest code
 * @insn: the instruction, once decoded
 * @fault: the exception, when the result is EMUL_FAULT
 * @linear_mask: all ones in 64-bit mode, else 4 GiB - 1
 * @next_rip: where the guest continues once the instruction is finished
 * @again: the last emulate() returned EMUL_USER and this one continues it: @insn need not be
 *	decoded once more. Set by the caller; cleared on return
 * @cpl: privilege level of the accesses
 * @tf: RFLAGS.TF as the instruction found it
 * @tf_trap: with EMUL_DONE, and with EMUL_AGAIN after an iteration of a REP: TF was set, so
 *	#DB with DR6.BS is due
 * @shadow: with EMUL_DONE: the instruction begins a MOV SS interrupt shadow; if false, any
 *	shadow is over
 * @segs_loaded: with EMUL_DONE: a segment register was loaded
 * @buffer: elements of a string I/O instruction in flight
 *
 * Too large for the stack: keep it in the vCPU.
 */
struct emul {
	struct cpu_state *state;
	const struct emul_ops *ops;
	u8 byte_count;
	u8 bytes[INSN_MAX_LENGTH];
	struct insn insn;
	struct cpu_exception fault;
	u64 linear_mask;
	u64 next_rip;
	bool again;
	u8 cpl;
	bool tf;
	bool tf_trap;
	bool shadow;
	bool segs_loaded;
	u8 buffer[EMUL_PIO_BATCH] __aligned(8);
};

/**
 * emul_linear_mask() - the mask of the linear addresses of an access, 64 or 32 bits wide
 *
 * In compatibility mode code has 32 bits, but the CPU's own tables may lie anywhere
 * (SDM 3A 3.5.2).
 */
u64 emul_linear_mask(const struct emul *e, unsigned int access);

/** emul_mode() - the decoder's mode, from CR0.PE, RFLAGS.VM, EFER.LMA, CS.L and CS.D */
enum insn_mode emul_mode(const struct cpu_state *state);

/**
 * emulate() - execute the instruction at CS:RIP
 * @e: @state, @ops and @byte_count filled by the caller
 *
 * @state changes only if the instruction finishes, or an iteration of a REP does. A finished
 * instruction clears RFLAGS.RF and advances RIP (in 32 bits outside 64-bit mode). May sleep if
 * the callbacks do. The caller serialises uses of @e and owns @state.
 */
enum emul_result emulate(struct emul *e);

/**
 * emul_decode() - fetch and decode the instruction at CS:RIP into @e->insn
 * @e: as for emulate()
 *
 * For exits that carry out an instruction themselves, with the functions below, which never
 * return EMUL_AGAIN.
 *
 * Return: EMUL_DONE; EMUL_FAULT when it cannot be fetched or has more than 15 bytes; the
 * result of @fetch if that is EMUL_USER or EMUL_UNKNOWN; EMUL_UNKNOWN when it is undefined.
 */
enum emul_result emul_decode(struct emul *e);

/**
 * emul_has_one_address() - return true if the instruction accesses one address; for callbacks
 *
 * It accesses more if it has two operands in memory, or one and uses the stack or a port.
 */
bool emul_has_one_address(const struct emul *e);

/** emul_read_rm() - read 1, 2, 4 or 8 bytes of the r/m operand, zero extended (LMSW) */
enum emul_result emul_read_rm(struct emul *e, unsigned int size, u64 *value);

/** emul_write_rm() - write it (SMSW); 4 bytes to a register clear its bits 63:32 */
enum emul_result emul_write_rm(struct emul *e, unsigned int size, u64 value);

#endif
