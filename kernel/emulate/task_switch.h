/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Task switches from one task-state segment to another, over struct cpu_state, for a CPU that
 * leaves them to the hypervisor. Pure logic.
 */
#ifndef ORIEL_EMULATE_TASK_SWITCH_H
#define ORIEL_EMULATE_TASK_SWITCH_H

#include <linux/types.h>

#include "emulate/execute.h"

enum task_switch_source {
	TASK_SWITCH_CALL,
	TASK_SWITCH_IRET, /* with EFLAGS.NT set */
	TASK_SWITCH_JMP,
	TASK_SWITCH_GATE, /* a task gate in the IDT */
};

/* emul_task_switch() fills in the last two members. */
struct task_switch {
	u16 selector; /* of the new task's TSS */
	enum task_switch_source source;
	/*
	 * The event that used the gate is not INT n, INT3 or INTO: error codes have EXT set (SDM 3A
	 * 6.13).
	 */
	bool external;
	bool has_error_code; /* the event is an exception whose @error_code is to be pushed */
	u32 error_code;
	u8 length; /* the old task will continue at RIP + @length; 0 for a fault */
	/*
	 * Returns false, with CR3 unchanged, if the PDPTEs cannot be loaded. Called only with
	 * paging on, and once more after EMUL_AGAIN.
	 */
	bool (*load_cr3)(struct emul *e, u64 cr3);
	bool committed; /* the new task's registers are loaded */
	bool trap; /* after EMUL_DONE: the T bit asks for #DB with DR6.BT (SDM 3B 18.3.1.5) */
};

/**
 * emul_task_switch() - carry out a task switch; the caller has filled in @e's @state and @ops. For
 * use outside IA-32e mode, which has no task switches. The right to use a gate or a TSS is not
 * checked: the CPU did so before it exited (SDM 3C 26.4.2). May sleep if the callbacks do. Returns
 * EMUL_DONE; EMUL_FAULT: raise the emul's @fault, in the new task if it is @committed, else nothing
 * has changed; EMUL_AGAIN: nothing has changed, try again; EMUL_UNKNOWN: a TSS or a table of
 * descriptors does not lie in memory.
 */
enum emul_result emul_task_switch(struct emul *e, struct task_switch *how);

#endif
