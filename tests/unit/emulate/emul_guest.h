/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest for the executor's tests: a little memory with rights per page, and callbacks that can
 * send any access to "userspace" first. They keep the log of finished accesses that the executor
 * requires.
 */
#ifndef ORIEL_TESTS_EMUL_GUEST_H
#define ORIEL_TESTS_EMUL_GUEST_H

#include <linux/types.h>

#include "emulate/execute.h"

#define GUEST_REGIONS 3
#define GUEST_PAGES 8
#define GUEST_PAGE 4096U
#define GUEST_LOG 16

/* Rights of a page. */
#define GUEST_READ BIT(0)
#define GUEST_WRITE BIT(1)
#define GUEST_EXEC BIT(2)
#define GUEST_MMIO BIT(3) /* accesses exit to userspace */
#define GUEST_USER BIT(4) /* CPL 3 may access it, too */
#define GUEST_RW (GUEST_READ | GUEST_WRITE | GUEST_USER)

/**
 * struct guest_region - a range of linear addresses
 * @base: first linear address, page aligned
 * @bytes: its contents
 * @pages: its size in pages
 * @rights: GUEST_* of each page
 */
struct guest_region {
	u64 base;
	u8 *bytes;
	unsigned int pages;
	u8 rights[GUEST_PAGES];
};

enum guest_kind { GUEST_LOG_READ, GUEST_LOG_WRITE, GUEST_LOG_IN, GUEST_LOG_OUT };

/**
 * struct guest_access - an access that reached a device
 * @kind: kind of access
 * @address: linear address or port
 * @size: bytes; of all elements if it is a port
 * @data: the data
 */
struct guest_access {
	enum guest_kind kind;
	u64 address;
	unsigned int size;
	u8 data[EMUL_PIO_BATCH];
};

/**
 * struct guest - a guest under test
 * @emul: the executor's view of it
 * @state: its registers
 * @regions: its memory
 * @exit_all: every access exits to userspace first, not only MMIO
 * @posts: a write does not wait for userspace, but the next access that exits does
 * @posted: userspace has not finished a write yet
 * @xmm: vector registers
 * @mmx: MMX registers
 * @cmpxchg_losses: so many exchange callbacks will lose their race
 * @stop_after: @should_stop returns true after so many iterations; 0 means never
 * @iterations: calls of @committed since the start of emulate()
 * @port_value: next byte that IN reads; counts up
 * @log: accesses of the current instruction that are finished
 * @log_used: how many accesses the log has
 * @log_next: the next one to answer from the log
 * @performed: the last accesses, in order
 * @performed_count: number of all accesses
 * @user_exits: how often userspace was asked
 * @fetches: calls of the fetch callback
 */
struct guest {
	struct emul emul;
	struct cpu_state state;
	struct guest_region regions[GUEST_REGIONS];
	bool exit_all;
	bool posts;
	bool posted;
	u8 xmm[16][32];
	u8 mmx[8][8];
	unsigned int cmpxchg_losses;
	unsigned int stop_after;
	unsigned int iterations;
	u8 port_value;
	struct guest_access log[GUEST_LOG];
	unsigned int log_used;
	unsigned int log_next;
	struct guest_access performed[GUEST_LOG];
	unsigned int performed_count;
	unsigned int user_exits;
	unsigned int fetches;
};

/* Make an empty guest in a mode, with flat segments, at CPL 0. INSN_MODE_16 is real mode. */
void guest_init(struct guest *g, enum insn_mode mode);

/* Map region @index, 0 to GUEST_REGIONS - 1. All its pages have the same rights. */
void guest_map(struct guest *g, unsigned int index, u64 base, u8 *bytes, unsigned int pages,
	       u8 rights);

/* Call emulate() once. */
enum emul_result guest_step(struct guest *g);

/* Call emulate() until it returns EMUL_DONE, EMUL_FAULT or EMUL_UNKNOWN. */
enum emul_result guest_run(struct guest *g);

#endif
