/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of struct vm and struct vcpu, as data. The functions of a part are declared by the file
 * of guest/, run/ or abi/ that owns it.
 */
#ifndef ORIEL_PARTS_H
#define ORIEL_PARTS_H

#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/fpu/api.h>

#include "x86/clock_scale.h"
#include "x86/entry_check.h"

struct task_struct;

/*
 * Time.
 */

/**
 * struct clock_sample - one moment, seen on several clocks
 * @tsc: host TSC; without @exact it was read twice around the other clocks, and this is the middle
 * @base: kvmclock's base on the host: raw monotonic time plus suspended time, in ns
 * @real: wall-clock time in ns since 1970
 * @slept: time that the host has spent suspended so far, in ns
 * @exact: the host tells time by the TSC, so that all values are of the same tick
 */
struct clock_sample {
	u64 tsc;
	s64 base;
	s64 real;
	s64 slept;
	bool exact;
};

/**
 * struct vm_clock - time of a VM
 * @lock: protects the rest
 * @offset: kvmclock less its base, in ns
 * @wall_clock_gpa: last value of MSR_KVM_WALL_CLOCK(_NEW)
 * @tsc_offset: TSC offset of the vCPU whose TSC userspace wrote last
 * @tsc_written: value of that write
 * @tsc_written_ns: @base of struct clock_sample at that write
 * @tsc_known: there has been such a write
 * @stable: all vCPUs count from @master, so that they share one clock
 * @master: the moment from which they count while @stable
 * @khz: TSC frequency that @scale was made from. The host may correct its frequency soon after it
 *	has booted
 * @scale: from TSC ticks to ns
 */
struct vm_clock {
	spinlock_t lock; /* for the rest */
	s64 offset;
	u64 wall_clock_gpa;
	u64 tsc_offset;
	u64 tsc_written;
	s64 tsc_written_ns;
	bool tsc_known;
	bool stable;
	struct clock_sample master;
	u32 khz;
	struct tsc_scale scale;
};

/**
 * struct vcpu_clock - time of a vCPU
 * @system_time_msr: last value of MSR_KVM_SYSTEM_TIME(_NEW); bit 0 enables
 * @version: of the structure in guest memory; even, except during an update
 * @stopped: tell the guest that it was stopped (KVM_KVMCLOCK_CTRL)
 * @tsc_offset: guest TSC less host TSC; written under the VM's clock lock or by clock_load()
 * @tsc_adjust: IA32_TSC_ADJUST
 * @tsc_khz: frequency that KVM_SET_TSC_KHZ asked for
 * @last_host_tsc: host TSC when the vCPU last left a CPU, 0 before
 * @source: the host's clock source when kvmclock was last published
 * @slept: time that the host had spent suspended by then
 * @published: host TSC at that time
 */
struct vcpu_clock {
	u64 system_time_msr;
	u32 version;
	bool stopped;
	u64 tsc_offset;
	u64 tsc_adjust;
	u32 tsc_khz;
	u64 last_host_tsc;
	u32 source;
	s64 slept;
	u64 published;
};

/*
 * FPU.
 */

/**
 * struct vcpu_fpu - a vCPU's FPU
 * @guest: the kernel's guest fpstate
 * @xcr0: guest XCR0
 * @pkru: guest PKRU while the guest does not run
 * @host_pkru: the thread's PKRU while the guest runs
 * @xcr0_loaded: the CPU's XCR0 is the guest's, from fpu_enter_guest() on
 * @xcr0_changed: XCR0 has a new value that CPUID does not show yet
 * @pkru_live: the CPU's PKRU is the guest's, from fpu_enter_guest() on
 */
struct vcpu_fpu {
	struct fpu_guest guest;
	u64 xcr0;
	u32 pkru;
	u32 host_pkru;
	bool xcr0_loaded;
	bool xcr0_changed;
	bool pkru_live;
};

/*
 * MSRs.
 */

#define MSR_MTRR_VARIABLE 8 /* pairs of base and mask */
#define MSR_MTRR_FIXED 11

/**
 * struct vcpu_msrs - MSRs that have no other home; see guest/msr_table.c
 * @misc_enable: IA32_MISC_ENABLE
 * @mtrr_def_type: IA32_MTRR_DEF_TYPE; without effect, as the second-level tables decide
 * @mtrr_fixed: IA32_MTRR_FIX64K_00000 to FIX4K_F8000
 * @mtrr_variable: IA32_MTRR_PHYSBASE0, PHYSMASK0, ...
 * @tsc_aux: IA32_TSC_AUX
 * @ucode_rev: IA32_BIOS_SIGN_ID
 * @hwcr: AMD HWCR
 * @de_cfg: AMD DE_CFG
 * @poll_control: MSR_KVM_POLL_CONTROL
 * @power_ctl: IA32_POWER_CTL
 * @platform_info: MSR_PLATFORM_INFO
 * @arch_capabilities: IA32_ARCH_CAPABILITIES
 * @cpuid_faulting: CPUID above CPL 0 is #GP (MSR_MISC_FEATURES_ENABLES)
 */
struct vcpu_msrs {
	u64 misc_enable;
	u64 mtrr_def_type;
	u64 mtrr_fixed[MSR_MTRR_FIXED];
	u64 mtrr_variable[2 * MSR_MTRR_VARIABLE];
	u64 tsc_aux;
	u64 ucode_rev;
	u64 hwcr;
	u64 de_cfg;
	u64 poll_control;
	u64 power_ctl;
	u64 platform_info;
	u64 arch_capabilities;
	bool cpuid_faulting;
};

/* Banks that userspace may ask for: the answer to KVM_CAP_MCE. */
#define MC_BANKS 32
/* MCi_CTL, MCi_STATUS, MCi_ADDR, MCi_MISC */
#define MC_BANK_MSRS 4

/**
 * struct vcpu_mc - the machine-check MSRs of a vCPU
 * @cap: IA32_MCG_CAP
 * @status: IA32_MCG_STATUS
 * @ctl: IA32_MCG_CTL
 * @bank: IA32_MC0_CTL and the registers after it
 */
struct vcpu_mc {
	u64 cap;
	u64 status;
	u64 ctl;
	u64 bank[MC_BANKS][MC_BANK_MSRS];
};

/*
 * Words and structures in guest memory.
 */

/**
 * struct vcpu_vapic - a word that stands for TPR, see guest/vapic.h
 * @gpa: address of the word; 0: there is none
 * @tpr: TPR in the word when it was last read or written
 * @report: accesses to TPR through the local APIC's page are reported
 * @report_write: the access was a write, for REQ_TPR_ACCESS
 * @report_rip: RIP of the access's instruction
 */
struct vcpu_vapic {
	u64 gpa;
	u8 tpr;
	bool report;
	bool report_write;
	u64 report_rip;
};

/**
 * struct vcpu_pv_eoi - a bit that stands for EOI, see guest/pv_eoi.h
 * @msr: MSR_KVM_PV_EOI_EN: the bit's address, and KVM_MSR_ENABLED
 * @offered: the bit was set for this interrupt. If the guest has cleared it, the EOI is still to be
 *	done
 */
struct vcpu_pv_eoi {
	u64 msr;
	bool offered;
};

/**
 * struct vcpu_steal_time - see guest/steal_time.h
 * @msr: MSR_KVM_STEAL_TIME: the structure's address, and KVM_MSR_ENABLED
 * @thread: thread that @delay is of; only compared
 * @delay: time in ns that the thread had waited for a CPU when the guest was last told
 * @resting: the vCPU is between two instructions, or halts
 * @marked: the structure may say KVM_VCPU_PREEMPTED
 */
struct vcpu_steal_time {
	u64 msr;
	const struct task_struct *thread;
	u64 delay;
	bool resting;
	bool marked;
};

/*
 * Dirty rings.
 */

/**
 * struct dirty_page - a copy of an entry, which userspace cannot change
 * @generation: of the memslots
 * @slot: slot number
 * @offset: page in the slot
 */
struct dirty_page {
	u64 generation;
	u64 offset;
	u32 slot;
};

/**
 * struct dirty_ring - one vCPU's ring
 * @entries: shared with userspace; NULL if the VM has no rings
 * @size: number of entries, a power of two
 * @head: entries pushed so far, modulo 2^32
 * @tail: entries taken back so far, modulo 2^32
 * @newest: the entry that was pushed last
 * @lock: protects the rest; taken inside mmu.lock
 */
struct dirty_ring {
	struct kvm_dirty_gfn *entries;
	u32 size;
	u32 head;
	u32 tail;
	struct dirty_page newest;
	spinlock_t lock; /* for the rest: the vCPU and a reset change it */
};

/*
 * Accesses of the instruction in flight.
 */

/* The most MMIO accesses of one instruction: 64 bytes in, 64 bytes out, one of them split. */
#define ACCESS_LOG_MAX 18

/* The most bytes of MMIO that kvm_run carries at once. */
#define ACCESS_MMIO_MAX 8

/**
 * struct access_record - one MMIO access that the current instruction made
 * @gpa: address
 * @data: bytes read or written
 * @len: number of bytes, 1 to ACCESS_MMIO_MAX
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
	ACCESS_MMIO, /* a read, the last record of the log; or the posted write */
	ACCESS_STRING, /* INS or OUTS: the port half of one iteration */
	ACCESS_RDMSR,
	ACCESS_WRMSR,
};

/**
 * enum access_hint - addresses of the faulting access that an exit for a second-level fault gives
 * @HINT_NONE: none, or the access was made to a page table or for code
 * @HINT_GPA: the guest-physical address of an access of the instruction itself
 * @HINT_LINEAR: the linear address as well
 */
enum access_hint {
	HINT_NONE,
	HINT_GPA,
	HINT_LINEAR,
};

/**
 * struct vcpu_access - accesses of the instruction in flight
 * @pending: the access that userspace was asked to do
 * @rip: guest RIP at that time. If RIP is another at re-entry, userspace took the vCPU elsewhere
 *	and the access is forgotten
 * @next_rip: RIP after the IN or OUT
 * @in_size: bytes that an IN waits for, 0 for OUT
 * @log: MMIO accesses made, in order
 * @count: number of accesses in @log
 * @next: number of them that the current execution has met again
 * @hint: addresses that the exit gave of the access that caused it; for this instruction
 * @hint_linear: that access's linear address, with HINT_LINEAR
 * @hint_gpa: that access's guest-physical address
 * @hint_write: that access may be a write
 * @posted: kvm_run carries a write of the instruction in flight that did not wait for userspace.
 *	A later access that needs userspace waits until userspace has done the write
 * @hits: data breakpoints that the instruction, or an iteration of a REP, has met so far; B bits of
 *	DR6
 * @hits_due: data breakpoints of instructions and iterations that are finished
 * @port_done: the port half of a string iteration is done, its data in the port page
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

/**
 * access_reset() - forget the log: the instruction has finished, or never will
 *
 * A posted write stays posted: userspace has not seen it yet.
 */
static inline void access_reset(struct vcpu_access *access)
{
	access->pending = ACCESS_NONE;
	access->count = 0;
	access->next = 0;
	access->hint = HINT_NONE;
	access->port_done = false;
}

/*
 * Debugging by userspace.
 */

/**
 * struct guest_debug - userspace's debugging of a guest
 * @control: KVM_GUESTDBG_* that are on
 * @dr: userspace's breakpoint addresses, with KVM_GUESTDBG_USE_HW_BP
 * @dr7: userspace's DR7, likewise
 * @stepping: RFLAGS.TF of the hardware is userspace's; the guest's TF is in cpu_state
 * @due: bits of DR6 to report, for REQ_DEBUG_STEP
 */
struct guest_debug {
	u32 control;
	u64 dr[4];
	u64 dr7;
	bool stepping;
	u64 due;
};

/*
 * A refused entry.
 */

/**
 * struct entry_failure - the last entry that the CPU refused
 * @valid: there was one
 * @reason: exit reason that the CPU gave
 * @cpu: number of the CPU
 * @report: rules that were broken
 */
struct entry_failure {
	bool valid;
	u64 reason;
	u32 cpu;
	struct entry_report report;
};

/*
 * Devices of the host.
 */

/**
 * struct vm_dma - devices of the host that access a VM's memory
 * @device: userspace has made the VFIO device; under vm->lock
 * @noncoherent: a device may access memory past the caches
 * @cpus: physical CPUs that vCPUs have left, whose caches may still hold data that the vCPUs
 *	wrote. Allocated when @noncoherent is first set, until the VM is freed
 * @lock: held while CPUs of @cpus write back
 */
struct vm_dma {
	bool device;
	bool noncoherent;
	cpumask_var_t cpus;
	struct mutex lock; /* while @cpus is emptied */
};

/*
 * Statistics.
 */

/**
 * struct vm_stats - statistics of a VM
 * @remote_tlb_flush: times that all vCPUs had to drop their translations
 * @pages_4k: 4 KiB leaves of the second-level tables, at present
 * @pages_2m: 2 MiB leaves
 * @pages_1g: 1 GiB leaves
 */
struct vm_stats {
	u64 remote_tlb_flush;
	u64 pages_4k;
	u64 pages_2m;
	u64 pages_1g;
};

/**
 * struct vcpu_stats - statistics of a vCPU since its creation; only its thread changes them
 * @exits: VM exits
 * @pf_taken: second-level page faults
 * @tlb_flush: times that its translations were dropped
 * @io_exits: IN, OUT, INS and OUTS
 * @mmio_exits: accesses to MMIO that userspace was asked to do
 * @signal_exits: times that a signal ended KVM_RUN
 * @request_irq_exits: returns to userspace because KVM_INTERRUPT has become possible
 * @irq_exits: interrupts of the host
 * @halt_exits: HLT
 * @halt_wakeup: ends of HLT
 * @hypercalls: VMCALL and VMMCALL
 * @irq_injections: interrupts given to the guest
 * @nmi_injections: NMIs given to the guest
 * @insn_emulation: instructions executed in software
 * @insn_emulation_fail: instructions that could not be executed in software
 */
struct vcpu_stats {
	u64 exits;
	u64 pf_taken;
	u64 tlb_flush;
	u64 io_exits;
	u64 mmio_exits;
	u64 signal_exits;
	u64 request_irq_exits;
	u64 irq_exits;
	u64 halt_exits;
	u64 halt_wakeup;
	u64 hypercalls;
	u64 irq_injections;
	u64 nmi_injections;
	u64 insn_emulation;
	u64 insn_emulation_fail;
};

#endif
