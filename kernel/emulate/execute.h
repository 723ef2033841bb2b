/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction executor: one guest instruction carried out over struct
 * cpu_state, for MMIO, string PIO and what else cannot run in the guest. How
 * memory, ports and vector registers are reached is the caller's, as callbacks.
 */
#ifndef ORIEL_EMULATE_EXECUTE_H
#define ORIEL_EMULATE_EXECUTE_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/decode.h"

struct emul;

/**
 * enum emul_result - how far an instruction, or one access of it, came
 * @EMUL_DONE: finished. Of an instruction: RIP is advanced
 * @EMUL_FAULT: &struct emul's @fault is to be raised; RIP is not advanced
 * @EMUL_USER: userspace must finish an access first; call again after that
 * @EMUL_AGAIN: RIP is not advanced; enter the guest or call again, either is
 *              right (a REP that used up its turn, a locked update that lost)
 * @EMUL_UNKNOWN: not an instruction the executor knows; &struct emul's @insn
 *                and @bytes are for the report
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
 * struct emul_ops - how the executor reaches the guest
 * @fetch: read guest code. Checks the right to execute
 * @read: read guest memory. With EMUL_ACCESS_WRITE the right to write is
 *        checked as well, and a fault is reported as a write
 * @write: write guest memory
 * @exchange: atomically replace @old by @new; EMUL_AGAIN when memory differed
 *           from @old. Of 1, 2, 4, 8 or 16 bytes. Follows a @read of the same
 *           bytes with EMUL_ACCESS_WRITE. On MMIO a plain write of @new
 * @probe: check whether an access would fault, with no side effect. EMUL_DONE
 *         when all of it is memory, EMUL_USER when some of it is MMIO, or
 *         EMUL_FAULT
 * @pio_in: read @count elements of @size bytes from a port
 * @pio_out: write @count elements of @size bytes to a port
 * @read_xmm: copy the low @len (16 or 32) bytes of a vector register to @buf.
 *            EMUL_UNKNOWN when the guest may not use them (XCR0)
 * @write_xmm: set the low @len (16 or 32) bytes of a vector register and zero
 *             the rest of it if @zero_upper
 * @read_mmx: copy the 8 bytes of an MMX register to @buf
 * @write_mmx: set the 8 bytes of an MMX register, with the effects on the x87
 *             tag word and top of stack
 * @committed: what was accessed so far is part of the committed state: a log
 *             of finished accesses can be dropped. Called after each iteration
 *             of a REP and after each finished instruction. Optional
 * @segments: make all of @state's segments and tables valid, in 64-bit mode, where
 *            most instructions need no more than CS and SS. Optional: without it
 *            they are valid at all times
 * @should_stop: whether a REP should end its turn now. Optional
 *
 * Linear addresses have passed the segment checks. An access may cross pages:
 * the callback splits it, and wraps with &struct emul's @linear_mask.
 *
 * Each returns EMUL_DONE; EMUL_FAULT with &struct emul's @fault filled;
 * EMUL_USER when userspace has to act; EMUL_UNKNOWN when it cannot be done.
 *
 * After EMUL_USER the whole instruction (the current iteration of a REP) is
 * executed again by the next emulate(). It then makes the same accesses in the
 * same order, so the caller answers those that are finished from a log and
 * lets them have no second effect.
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

/**
 * emul_linear_mask() - the width of the linear addresses of an access
 * @e: the guest
 * @access: EMUL_ACCESS_*
 *
 * Return: all ones or 4 GiB - 1. In compatibility mode code has 32 bits, and the CPU's
 * own tables may be anywhere (SDM 3A 3.5.2).
 */
u64 emul_linear_mask(const struct emul *e, unsigned int access);

/* Bytes of string I/O handed to @pio_in and @pio_out at once. */
#define EMUL_PIO_BATCH 1024

/* Iterations of a REP in one emulate(), unless @should_stop ends it sooner. */
#define EMUL_REP_TURN 1024

/**
 * struct emul - one instruction being executed
 * @state: registers, read and committed to. Set by the caller
 * @ops: callbacks. Set by the caller
 * @byte_count: how many of @bytes hold the code at CS:RIP. Set by the caller
 *              (0, or what the hardware delivered); set to 0 on return
 * @bytes: guest code
 * @insn: the instruction, once decoded
 * @fault: the exception, when the result is EMUL_FAULT
 * @linear_mask: all ones in 64-bit mode, else 4 GiB - 1
 * @next_rip: where the guest continues once the instruction is finished
 * @again: the last emulate() returned EMUL_USER, and this is to go on with it: @insn
 *         need not be decoded once more. Set by the caller; cleared on return
 * @cpl: privilege level of the accesses
 * @tf: RFLAGS.TF as the instruction found it
 * @tf_trap: with EMUL_DONE, and with EMUL_AGAIN after an iteration of a REP: TF
 *           was set, so #DB with DR6.BS is due
 * @shadow: with EMUL_DONE: the instruction casts a MOV SS interrupt shadow; if
 *          false, any shadow is over
 * @segs_loaded: with EMUL_DONE: a segment register was loaded
 * @buffer: elements of a string I/O instruction in flight
 *
 * Large: belongs into the vCPU, not on the stack.
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
 * emul_mode() - the decoder's mode for the guest's current state
 * @state: guest registers
 *
 * Return: enum insn_mode from CR0.PE, RFLAGS.VM, EFER.LMA, CS.L and CS.D.
 */
enum insn_mode emul_mode(const struct cpu_state *state);

/**
 * emulate() - execute the instruction at CS:RIP
 * @e: @state, @ops and @byte_count filled by the caller
 *
 * Nothing of @state is changed unless the instruction finished, but for the
 * iterations of a REP that did. What finishes clears RFLAGS.RF and advances RIP
 * (in 32 bits outside 64-bit mode). May sleep if the callbacks do. The caller
 * serialises uses of @e and owns @state.
 *
 * Return: enum emul_result.
 */
enum emul_result emulate(struct emul *e);

/**
 * emul_decode() - fetch and decode the instruction at CS:RIP into @e->insn
 * @e: as for emulate()
 *
 * For exits that carry out an instruction themselves, with the functions below.
 *
 * Return: EMUL_DONE; EMUL_FAULT when it cannot be fetched or has more than 15
 * bytes; EMUL_USER or EMUL_UNKNOWN as fetched; EMUL_UNKNOWN when undefined.
 */
enum emul_result emul_decode(struct emul *e);

/**
 * emul_has_one_address() - whether one address is all that an instruction accesses
 * @e: an instruction in a callback
 *
 * Return: false if it has two operands in memory, or one and the stack or a port.
 */
bool emul_has_one_address(const struct emul *e);

/**
 * emul_read_rm() - read the r/m operand, register or memory (LMSW)
 * @e: after emul_decode()
 * @size: bytes, 1, 2, 4 or 8
 * @value: zero extended
 *
 * Return: enum emul_result, but EMUL_AGAIN.
 */
enum emul_result emul_read_rm(struct emul *e, unsigned int size, u64 *value);

/**
 * emul_write_rm() - write the r/m operand, register or memory (SMSW)
 * @e: after emul_decode()
 * @size: bytes, 1, 2, 4 or 8; a 4-byte register write clears bits 63:32
 * @value: what to write
 *
 * Return: enum emul_result, but EMUL_AGAIN.
 */
enum emul_result emul_write_rm(struct emul *e, unsigned int size, u64 value);

#endif
