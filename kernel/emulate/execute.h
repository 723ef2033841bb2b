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

/* The result of an instruction, or of one access of it. */
enum emul_result {
	EMUL_DONE = 0, /* finished; at the end of an instruction RIP is advanced */
	EMUL_FAULT, /* raise the emul's @fault in the guest; RIP is not advanced */
	EMUL_USER, /* userspace must finish an access first; call again after that */
	/*
	 * A REP has used up its turn, or a locked update has lost a race; RIP is not advanced. The
	 * caller may enter the guest or call again.
	 */
	EMUL_AGAIN,
	/* The executor does not know the instruction in the emul's @insn and @bytes. */
	EMUL_UNKNOWN,
};

/* Flags of an access. */
#define EMUL_ACCESS_WRITE BIT(0) /* a write, or a read that a write will follow */
#define EMUL_ACCESS_SYSTEM BIT(1) /* implicit supervisor access, whatever the CPL */

/*
 * Callbacks with which the executor reaches the guest. Linear addresses have passed the segment
 * checks. An access may cross pages: the callback splits it, and wraps with the emul's
 * @linear_mask. A callback returns EMUL_DONE; EMUL_FAULT with the emul's @fault filled; EMUL_USER
 * when userspace has to act; EMUL_UNKNOWN when the access cannot be done. After EMUL_USER the next
 * emulate() executes the whole instruction (the current iteration of a REP) again. It makes the
 * same accesses in the same order, so the caller answers the finished ones from a log, and they
 * have no second effect.
 */
struct emul_ops {
	/* Reads code; checks the right to execute. */
	enum emul_result (*fetch)(struct emul *e, u64 linear, void *buf, unsigned int len);
	/*
	 * Reads memory. With EMUL_ACCESS_WRITE, checks the right to write too, and reports a fault
	 * as a write.
	 */
	enum emul_result (*read)(struct emul *e, u64 linear, void *buf, unsigned int len,
				 unsigned int access);
	enum emul_result (*write)(struct emul *e, u64 linear, const void *buf, unsigned int len,
				  unsigned int access);
	/*
	 * Replaces @old by @new atomically; EMUL_AGAIN when memory differs from @old. 1, 2, 4, 8 or
	 * 16 bytes. Follows a @read of the same bytes with EMUL_ACCESS_WRITE. To MMIO it is a plain
	 * write of @new.
	 */
	enum emul_result (*exchange)(struct emul *e, u64 linear, const void *old, const void *new,
				     unsigned int len);
	/*
	 * Checks, without side effect, if an access would fault: EMUL_DONE when all of it is
	 * memory, EMUL_USER when some of it is MMIO, or EMUL_FAULT.
	 */
	enum emul_result (*probe)(struct emul *e, u64 linear, unsigned int len,
				  unsigned int access);
	/* These access a port with @count elements of @size bytes. */
	enum emul_result (*pio_in)(struct emul *e, u16 port, unsigned int size, unsigned int count,
				   void *buf);
	enum emul_result (*pio_out)(struct emul *e, u16 port, unsigned int size, unsigned int count,
				    const void *buf);
	/*
	 * Copies the low @len (16 or 32) bytes of a vector register; EMUL_UNKNOWN when the guest
	 * may not use them (XCR0).
	 */
	enum emul_result (*read_xmm)(struct emul *e, u8 reg, void *buf, unsigned int len);
	/* Sets the low @len bytes, and zeroes the rest if @zero_upper. */
	enum emul_result (*write_xmm)(struct emul *e, u8 reg, const void *buf, unsigned int len,
				      bool zero_upper);
	enum emul_result (*read_mmx)(struct emul *e, u8 reg, void *buf);
	/* With the effects on the x87 tag word and top of stack. */
	enum emul_result (*write_mmx)(struct emul *e, u8 reg, const void *buf);
	/*
	 * Optional. All accesses until now are part of the committed state, so the caller can drop
	 * its log of finished accesses. Called after each iteration of a REP and each finished
	 * instruction.
	 */
	void (*committed)(struct emul *e);
	/*
	 * Optional. Makes all of @state's segments and tables valid; without it they always are.
	 * Called in 64-bit mode, where most instructions need no more than CS and SS.
	 */
	void (*segments)(struct emul *e);
	/* Optional: return true if a REP should end its turn now. */
	bool (*should_stop)(struct emul *e);
};

#define EMUL_PIO_BATCH 1024 /* bytes of string I/O in one @pio_in or @pio_out */
#define EMUL_REP_TURN 1024 /* iterations of a REP in one emulate(), if @should_stop lets it */

/*
 * One instruction being executed. It is too large for the stack. The caller sets the first three
 * members and @again.
 */
struct emul {
	struct cpu_state *state; /* registers, read and committed to */
	const struct emul_ops *ops;
	u8 byte_count; /* of @bytes: 0, or the count that the hardware delivered; 0 on return */
	u8 bytes[INSN_MAX_LENGTH]; /* guest code at CS:RIP */
	struct insn insn; /* the instruction, once decoded */
	struct cpu_exception fault; /* the exception, when the result is EMUL_FAULT */
	u64 linear_mask; /* all ones in 64-bit mode, else 4 GiB - 1 */
	u64 next_rip; /* where the guest continues once the instruction is finished */
	/*
	 * Continue the instruction for which emulate() has returned EMUL_USER: @insn need not be
	 * decoded once more. Cleared on return.
	 */
	bool again;
	u8 cpl; /* privilege level of the accesses */
	bool tf; /* RFLAGS.TF as the instruction found it */
	/*
	 * After EMUL_DONE, and EMUL_AGAIN after an iteration of a REP: TF was set, so #DB with
	 * DR6.BS is due.
	 */
	bool tf_trap;
	/* After EMUL_DONE: a MOV SS interrupt shadow begins; if false, any shadow is over. */
	bool shadow;
	bool segs_loaded; /* after EMUL_DONE: a segment register was loaded */
	u8 buffer[EMUL_PIO_BATCH] __aligned(8); /* elements of a string I/O instruction in flight */
};

/** emul_linear_mask() - the mask of linear addresses of an access, 64 or 32 bits wide */
u64 emul_linear_mask(const struct emul *e, unsigned int access);

/** emul_mode() - the decoder's mode, from CR0.PE, RFLAGS.VM, EFER.LMA, CS.L and CS.D */
enum insn_mode emul_mode(const struct cpu_state *state);

/**
 * emulate() - execute the instruction at CS:RIP. The state changes only if the instruction
 * finishes, or an iteration of a REP does. A finished instruction clears RFLAGS.RF and advances RIP
 * (in 32 bits outside 64-bit mode). May sleep if the callbacks do. The caller serialises uses of @e
 * and owns its @state.
 */
enum emul_result emulate(struct emul *e);

/**
 * emul_decode() - fetch and decode the instruction at CS:RIP into @e->insn, for exits that carry it
 * out themselves with the functions below, which never return EMUL_AGAIN. Returns EMUL_DONE;
 * EMUL_FAULT when it cannot be fetched or has more than 15 bytes; EMUL_USER or EMUL_UNKNOWN of
 * @fetch; EMUL_UNKNOWN when it is undefined.
 */
enum emul_result emul_decode(struct emul *e);
/** emul_has_one_address() - return true if the instruction accesses one address; for callbacks */
bool emul_has_one_address(const struct emul *e);

/** emul_read_rm() - read 1, 2, 4 or 8 bytes of the r/m operand, zero extended (LMSW) */
enum emul_result emul_read_rm(struct emul *e, unsigned int size, u64 *value);

/** emul_write_rm() - write it (SMSW); 4 bytes to a register clear its bits 63:32 */
enum emul_result emul_write_rm(struct emul *e, unsigned int size, u64 value);

#endif
