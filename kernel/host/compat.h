/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernel versions: no other file tests for a version. Also serves
 * assembly.
 */
#ifndef ORIEL_COMPAT_H
#define ORIEL_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#error "Oriel builds for Linux 6.1 to 6.14: in 6.19 it lacks symbols that only KVM may use"
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "Oriel needs Linux 6.1 or later"
#endif

#ifdef __ASSEMBLY__

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define ORIEL_UNTRAIN_RET UNTRAIN_RET_VM
#define ORIEL_IBPB_ON_VMEXIT
#else
#define ORIEL_UNTRAIN_RET UNTRAIN_RET
#define ORIEL_IBPB_ON_VMEXIT ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
#endif

#else /* !__ASSEMBLY__ */

/*
 * The step of CPU hotplug in which the in-tree KVM claims a CPU. Tasks have not yet come to a CPU
 * that comes online, and have left a CPU that goes offline. Before 6.4 the step runs with
 * interrupts off and may not fail.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define ORIEL_CPUHP_STATE CPUHP_AP_KVM_ONLINE
#else
#define ORIEL_CPUHP_STATE CPUHP_AP_KVM_STARTING
#endif

/*
 * Callbacks that run last in suspend and first in resume. A stable release of 6.12 gave them an
 * argument and changed their registration, so Kbuild looks into the header instead of testing
 * the version.
 */
#ifdef ORIEL_HAVE_STRUCT_SYSCORE
#define ORIEL_SYSCORE_ARGUMENT void *unused
#define ORIEL_SYSCORE(name, on_suspend, on_resume)                              \
	static const struct syscore_ops name##_ops = { .suspend = (on_suspend), \
						       .resume = (on_resume) }; \
	static struct syscore name = { .ops = &name##_ops }
#define oriel_register_syscore register_syscore
#define oriel_unregister_syscore unregister_syscore
#else
#define ORIEL_SYSCORE_ARGUMENT void
#define ORIEL_SYSCORE(name, on_suspend, on_resume) \
	static struct syscore_ops name = { .suspend = (on_suspend), .resume = (on_resume) }
#define oriel_register_syscore register_syscore_ops
#define oriel_unregister_syscore unregister_syscore_ops
#endif

#undef pr_fmt
#define pr_fmt(fmt) "oriel: " fmt

#include <linux/eventfd.h>
#include <linux/hardirq.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/kvm.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
/* From 6.4 on smp_send_reschedule() has a tracepoint, which this header declares. */
#include <trace/events/ipi.h>
#endif

/**
 * oriel_immediate_exit() - return the address of immediate_exit. Read the field once: userspace may
 * change it at any time; from 6.8 on its name warns of that.
 */
static inline u8 *oriel_immediate_exit(struct kvm_run *run)
{
#ifdef HINT_UNSAFE_IN_KVM
	return &run->immediate_exit__unsafe;
#else
	return &run->immediate_exit;
#endif
}

/**
 * oriel_rcu_note_context_switch() - report a quiescent state to RCU, because a guest is entered;
 * interrupts off. Up to 6.6 the CPU is an argument.
 */
static inline void oriel_rcu_note_context_switch(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(smp_processor_id());
#endif
}

/* Return true if the kernel is built to count how long threads wait for a CPU; any context. */
static inline bool oriel_counts_run_delay(void)
{
	return IS_ENABLED(CONFIG_SCHED_INFO);
}

/* Return the nanoseconds that the current thread has waited for a CPU; 0 without a count. */
static inline u64 oriel_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/**
 * oriel_note_guest_ran() - tell the kernel that a guest ran on this CPU; interrupts off. On CPUs
 * that VMSCAPE affects, the kernel then issues a predictor barrier on the way to userspace.
 */
static inline void oriel_note_guest_ran(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

/*
 * Return true if an interrupt may have brought data of the host into this CPU's L1 data cache since
 * oriel_irq_forget_secrets(). The kernel's interrupt entry sets this flag for the in-tree KVM. A
 * kernel that is built without KVM for Intel does not: then assume that it is set. Interrupts off.
 */
static __always_inline bool oriel_irq_left_secrets(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	return kvm_get_cpu_l1tf_flush_l1d();
#else
	return true;
#endif
}

static __always_inline void oriel_irq_forget_secrets(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	kvm_clear_cpu_l1tf_flush_l1d();
#endif
}

/*
 * A kernel that is built without KVM for Intel exports neither its l1tf= option nor the state that
 * sysfs shows: then flush at each entry.
 */
static inline enum l1tf_mitigations oriel_l1tf_mitigation(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	return l1tf_mitigation;
#else
	return L1TF_MITIGATION_FULL;
#endif
}

/* A macro, because <asm/vmx.h>, which has its type, has names of vmx/vmcs.h too. */
#if IS_ENABLED(CONFIG_KVM_INTEL)
#define oriel_report_l1d_flush(mode) (l1tf_vmx_mitigation = (mode))
#else
#define oriel_report_l1d_flush(mode) ((void)(mode))
#endif

/**
 * oriel_reduces_bp_speculation() - return true if the kernel leaves SRSO of this CPU to the
 * hypervisor: it has to set BpSpecReduce in BP_CFG while guests exist (6.12 with Zen 5)
 */
static inline bool oriel_reduces_bp_speculation(void)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	return cpu_feature_enabled(X86_FEATURE_SRSO_BP_SPEC_REDUCE);
#else
	return false;
#endif
}

/** oriel_uses_fred() - return true if events of the host arrive by FRED instead of the IDT */
static inline bool oriel_uses_fred(void)
{
#ifdef X86_FEATURE_FRED
	return cpu_feature_enabled(X86_FEATURE_FRED);
#else
	return false;
#endif
}

/** oriel_eventfd_signal() - add 1 to an eventfd; any context. Before 6.8 the 1 is an argument. */
static inline void oriel_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/* A file of VFIO is a group; from 6.6 on it may be a device too. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define oriel_vfio_file_is_valid vfio_file_is_valid
#else
#define oriel_vfio_file_is_valid vfio_file_is_group
#endif

/* From 6.2 on a caller of get_user_pages() can let any signal interrupt it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define ORIEL_FOLL_INTERRUPTIBLE FOLL_INTERRUPTIBLE
#else
#define ORIEL_FOLL_INTERRUPTIBLE 0
#endif

/* From 6.6 on get_user_pages() handles NUMA hinting faults, which migrate pages, only with this. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define ORIEL_FOLL_NUMA FOLL_HONOR_NUMA_FAULT
#else
#define ORIEL_FOLL_NUMA 0
#endif

/* Flags with which a second-level fault asks for a page. */
#define ORIEL_FOLL_FAULT (FOLL_HWPOISON | ORIEL_FOLL_INTERRUPTIBLE | ORIEL_FOLL_NUMA)

/* An entry of a VM_PFNMAP or VM_IO mapping. */
struct oriel_pfnmap {
	unsigned long pfn;
	pgprot_t prot; /* protection and cache mode of the host's mapping */
	bool writable; /* a write causes no fault */
};

/**
 * oriel_follow_pfnmap() - find the entry for @address in a VM_PFNMAP or VM_IO mapping; the
 * mmap_lock is held. Return 0, or an errno if nothing is mapped there yet. The kernel has
 * follow_pte() up to 6.11 (up to 6.9 with the mm as an argument), and follow_pfnmap_start() from
 * 6.12 on.
 */
static inline int oriel_follow_pfnmap(struct vm_area_struct *vma, unsigned long address,
				      struct oriel_pfnmap *map)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = address };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	map->pfn = args.pfn;
	/* Without a PTE the entry is large: PAT is another bit there, and PSE is in its place. */
	map->prot = args.ptep ? args.pgprot : pgprot_large_2_4k(args.pgprot);
	map->writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock; /* protects the page table */
	pte_t *pte;
	int ret;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	ret = follow_pte(vma, address, &pte, &lock);
#else
	ret = follow_pte(vma->vm_mm, address, &pte, &lock);
#endif
	if (ret)
		return ret;
	__acquire(lock); /* for sparse: follow_pte() took it */
	map->pfn = pte_pfn(*pte);
	map->prot = pte_pgprot(*pte);
	map->writable = pte_write(*pte);
	pte_unmap_unlock(pte, lock);
#endif
	return 0;
}

#endif /* __ASSEMBLY__ */

#endif
