/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of struct vm and struct vcpu, as data. A part's functions are declared in the header
 * of the file that owns it, in guest/, run/ or abi/.
 */
#ifndef ORIEL_PARTS_H
#define ORIEL_PARTS_H

#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/fpu/api.h>

#include "x86/clock_scale.h"
#include "x86/entry_check.h"

struct task_struct;

/* Time. */

/* The clocks in this structure were read at the same moment. */
struct clock_sample {
	u64 tsc; /* host TSC; if not @exact, the middle of the shortest of some measurements */
	s64 base; /* kvmclock's base: raw monotonic time plus suspended time, in ns */
	s64 real; /* wall-clock time in ns since 1970 */
	u32 sleeps; /* number of the host's suspends */
	bool exact; /* the host's clock source is the TSC, so all values are of the same tick */
};

/* Time of a VM. */
struct vm_clock {
	struct list_head node; /* in guest/clock.c's list of all VMs */
	spinlock_t lock; /* the rest */
	s64 offset; /* kvmclock less its base, in ns */
	u64 wall_clock_gpa; /* last value of MSR_KVM_WALL_CLOCK(_NEW) */
	u64 tsc_offset; /* after the last write of a TSC */
	u64 tsc_written; /* value of that write */
	s64 tsc_written_ns; /* @base of struct clock_sample at that write */
	bool tsc_known; /* there was such a write */
	u32 sleeps; /* number of the host's suspends after which the TSC offsets were corrected */
	bool stable; /* all vCPUs share one clock, which counts from @master */
	struct clock_sample master; /* valid while @stable */
	u32 khz; /* the host's TSC frequency for @scale; the host corrects it soon after boot */
	struct tsc_scale scale; /* from TSC ticks to ns */
};

/* Time of a vCPU. */
struct vcpu_clock {
	u64 system_time_msr; /* last value of MSR_KVM_SYSTEM_TIME(_NEW); bit 0 enables */
	bool stopped; /* the guest must be told that it was stopped (KVM_KVMCLOCK_CTRL) */
	u64 tsc_offset; /* guest less host TSC; written under vm_clock.lock or by clock_load() */
	u32 sleeps; /* as vm_clock.sleeps, for the offset that this vCPU's CPU has */
	u64 tsc_adjust; /* IA32_TSC_ADJUST */
	u32 tsc_khz; /* from KVM_SET_TSC_KHZ: the host's, to within the tolerance */
	u64 last_host_tsc; /* when the vCPU last left a CPU, 0 before */
	u32 source; /* clock_source() when kvmclock was last published, or SOURCE_UNPUBLISHED */
	u64 published; /* host TSC then */
};

/* A vCPU's FPU. */
struct vcpu_fpu {
	struct fpu_guest guest; /* the kernel's guest fpstate */
	u64 xcr0;
	u32 pkru; /* the guest's, while the guest does not run */
	u32 host_pkru; /* the thread's, while the guest runs */
	bool xcr0_loaded; /* the CPU's XCR0 is the guest's, since fpu_enter_guest() */
	bool xcr0_changed; /* XCR0 has a new value that CPUID does not show yet */
	bool pkru_live; /* the CPU's PKRU is the guest's, since fpu_enter_guest() */
};

/* MSRs. */

#define MSR_MTRR_VARIABLE 8 /* pairs of base and mask */
#define MSR_MTRR_FIXED 11

/* MSRs that neither the control structure nor another part holds (guest/msr_table.c). */
struct vcpu_msrs {
	u64 misc_enable;
	u64 mtrr_def_type; /* the MTRRs decide nothing: nested paging decides the memory type */
	u64 mtrr_fixed[MSR_MTRR_FIXED]; /* IA32_MTRR_FIX64K_00000 to FIX4K_F8000 */
	u64 mtrr_variable[2 * MSR_MTRR_VARIABLE]; /* IA32_MTRR_PHYSBASE0, PHYSMASK0, ... */
	u64 tsc_aux;
	u64 ucode_rev; /* IA32_BIOS_SIGN_ID */
	u64 hwcr;
	u64 de_cfg;
	u64 poll_control;
	u64 power_ctl;
	u64 platform_info;
	u64 arch_capabilities;
	bool cpuid_faulting; /* MSR_MISC_FEATURES_ENABLES: CPUID above CPL 0 is #GP */
};

/* The most banks that userspace may set up: the value of KVM_CAP_MCE. */
#define MC_BANKS 32
/* MCi_CTL, MCi_STATUS, MCi_ADDR, MCi_MISC */
#define MC_BANK_MSRS 4

/* The machine-check MSRs of a vCPU: IA32_MCG_CAP, _STATUS and _CTL, and IA32_MC0_CTL and so on. */
struct vcpu_mc {
	u64 cap;
	u64 status;
	u64 ctl;
	u64 bank[MC_BANKS][MC_BANK_MSRS];
};

/* Paravirtual features: guest memory that stands for a register, and steal time. */

/* A word of guest memory that stands for the TPR, and reports of accesses to the TPR. */
struct vcpu_vapic {
	u64 gpa; /* of the word, 0 if there is none */
	u8 tpr; /* in the word, when the module last read or wrote it */
	bool report; /* report accesses to the TPR through the local APIC's page */
	bool report_write; /* the access of REQ_TPR_ACCESS was a write */
	u64 report_rip; /* RIP of its instruction */
};

/* A bit of guest memory that the guest clears instead of writing an EOI. */
struct vcpu_pv_eoi {
	u64 msr; /* MSR_KVM_PV_EOI_EN: the bit's address, and KVM_MSR_ENABLED */
	bool offered; /* the module has set the bit; if it is clear now, the EOI has to be done */
};

/* The time that a vCPU waits for a CPU, in guest memory. */
struct vcpu_steal_time {
	u64 msr; /* MSR_KVM_STEAL_TIME: the structure's address, and KVM_MSR_ENABLED */
	const struct task_struct *thread; /* @delay is of this thread; only compared */
	u64 delay; /* time that it had waited for a CPU when the guest was last told, in ns */
	bool resting; /* the vCPU is between two instructions, or halted */
	bool marked; /* the structure may have KVM_VCPU_PREEMPTED */
};

/* Dirty rings. */

/* A page that was pushed. Userspace cannot change this copy. */
struct dirty_page {
	u64 generation; /* of the memslots */
	u64 offset; /* page in the slot */
	u32 slot;
};

/* Each vCPU has a ring. Its positions count modulo 2^32. */
struct dirty_ring {
	struct kvm_dirty_gfn *entries; /* shared with userspace; NULL if the VM has no rings */
	u32 size; /* number of @entries, a power of two */
	u32 head; /* entries pushed so far */
	u32 tail; /* entries taken back so far */
	struct dirty_page newest;
	spinlock_t lock; /* the above: pushes by the vCPU against a reset; inside mmu.lock */
};

/* Accesses of the instruction in flight. */

/* The most MMIO accesses of one instruction: 64 bytes in, 64 bytes out, one of them split. */
#define ACCESS_LOG_MAX 18

/* The most bytes of MMIO that kvm_run carries. */
#define ACCESS_MMIO_MAX 8

/* The current instruction has made this MMIO access. */
struct access_record {
	u64 gpa;
	u8 data[ACCESS_MMIO_MAX];
	u8 len; /* 1 to ACCESS_MMIO_MAX */
	bool write;
};

enum access_pending {
	ACCESS_NONE, /* userspace has nothing to do */
	ACCESS_PIO, /* IN or OUT, without the executor */
	ACCESS_MMIO, /* a read, the last record of the log; or the posted write */
	ACCESS_STRING, /* a port access in the executor, mostly of INS or OUTS */
	ACCESS_RDMSR,
	ACCESS_WRMSR,
};

/* The addresses that are known of an access that caused a second-level fault. */
enum access_hint {
	HINT_NONE, /* none; or the access was to a page table or for code */
	HINT_GPA, /* the guest-physical address */
	HINT_LINEAR, /* the linear address, too */
};

/* Accesses of the instruction in the executor; run/access.c describes them. */
struct vcpu_access {
	enum access_pending pending; /* the access that userspace has to do */
	u64 rip; /* at the exit for it */
	u64 next_rip; /* after IN or OUT */
	u8 in_size; /* bytes of an IN, 0 for OUT */
	struct access_record log[ACCESS_LOG_MAX]; /* MMIO accesses made, in order */
	u8 count; /* valid records of @log */
	u8 next; /* records that the current execution has used again */
	enum access_hint hint; /* the addresses that the exit has reported */
	u64 hint_linear; /* valid with HINT_LINEAR */
	u64 hint_gpa; /* its translation; valid unless @hint is HINT_NONE */
	bool hint_write; /* the guest's tables allow a write */
	bool posted; /* kvm_run carries a write for which the instruction does not wait */
	u8 hits; /* data breakpoints met by an instruction or iteration in progress; bits of DR6 */
	u8 hits_due; /* data breakpoints met by those that have finished */
	bool port_done; /* the port half is done; the data of an input is in the port page */
};

/** access_reset() - forget the accesses of an instruction that has ended, but not a posted write */
static inline void access_reset(struct vcpu_access *access)
{
	access->pending = ACCESS_NONE;
	access->count = 0;
	access->next = 0;
	access->hint = HINT_NONE;
	access->port_done = false;
}

/* The state of KVM_SET_GUEST_DEBUG. */
struct guest_debug {
	u32 control; /* KVM_GUESTDBG_* that are on */
	u64 dr[4]; /* userspace's breakpoint addresses, with KVM_GUESTDBG_USE_HW_BP */
	u64 dr7; /* DR7 for these */
	bool stepping; /* TF in the hardware is userspace's; the guest's is in cpu_state */
	u64 due; /* causes of REQ_DEBUG_STEP, bits of DR6 */
};

/* The last entry that the CPU refused. */
struct entry_failure {
	bool valid;
	u64 reason; /* from the CPU */
	u32 cpu;
	struct entry_report report;
};

/* Devices of the host that access a VM's memory. */
struct vm_dma {
	bool device; /* userspace has made the VFIO device; under vm->lock */
	bool noncoherent; /* a device may bypass the caches */
	/*
	 * CPUs that vCPUs have left, whose caches may hold data that these have written. Valid once
	 * @noncoherent has been set, until the VM is freed.
	 */
	cpumask_var_t cpus;
	struct mutex lock; /* held while the CPUs in @cpus write their caches back */
};

/* Statistics. */

/* The values of a VM's statistics. */
struct vm_stats {
	u64 remote_tlb_flush; /* calls of vm_flush_tlbs() */
	u64 mmu_exclusive_holds; /* times that memory.mmu.lock was taken exclusive */
	u64 pages_4k; /* leaves of the second-level tables now, by size */
	u64 pages_2m;
	u64 pages_1g;
};

/* Counters of a vCPU since its creation, with KVM's names. Only its thread changes them. */
struct vcpu_stats {
	u64 exits;
	u64 pf_taken; /* second-level page faults */
	u64 tlb_flush;
	u64 io_exits; /* IN, OUT, INS and OUTS */
	u64 mmio_exits; /* MMIO that userspace has to do */
	u64 signal_exits; /* KVM_RUN failed with EINTR */
	u64 request_irq_exits; /* KVM_EXIT_IRQ_WINDOW_OPEN */
	u64 irq_exits; /* interrupts of the host */
	u64 halt_exits;
	u64 halt_wakeup;
	u64 hypercalls;
	u64 irq_injections;
	u64 nmi_injections;
	u64 insn_emulation;
	u64 insn_emulation_fail;
};

#endif
