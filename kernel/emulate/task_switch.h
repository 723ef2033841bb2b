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

/**
 * struct task_switch - one task switch
 * @selector: of the new task's TSS
 * @source: the instruction or event that causes it
 * @external: the event that used the gate is not INT n, INT3 or INTO: error codes have EXT set
 *	(SDM 3A 6.13)
 * @has_error_code: the event is an exception with an error code, to be pushed
 * @error_code: that error code
 * @length: the old task will continue at RIP + @length; 0 for a fault
 * @load_cr3: load CR3. Return false, with CR3 unchanged, if the PDPTEs cannot be loaded.
 *	Called only with paging on, and once more after EMUL_AGAIN
 * @committed: out: the new task's registers are loaded
 * @trap: out, with EMUL_DONE: the T bit asks for #DB with DR6.BT (SDM 3B 18.3.1.5)
 */
struct task_switch {
	u16 selector;
	enum task_switch_source source;
	bool external;
	bool has_error_code;
	u32 error_code;
	u8 length;
	bool (*load_cr3)(struct emul *e, u64 cr3);
	bool committed;
	bool trap;
};

/**
 * emul_task_switch() - carry out a task switch
 * @e: @state and @ops filled by the caller
 * @how: the switch; @committed and @trap are filled in
 *
 * For use outside IA-32e mode, which has no task switches. This function does not check the right
 * to use a gate or a TSS: the CPU did so before it exited (SDM 3C 26.4.2). May sleep if the
 * callbacks do.
 *
 * Return: EMUL_DONE. EMUL_FAULT: raise &struct emul's @fault, in the new task if it is
 * @committed, else nothing has changed. EMUL_AGAIN: nothing has changed, try the switch again.
 * EMUL_UNKNOWN: a TSS or a table of descriptors does not lie in memory.
 */
enum emul_result emul_task_switch(struct emul *e, struct task_switch *how);

#endif
