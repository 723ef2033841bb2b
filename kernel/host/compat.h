/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernel versions, so that no other file knows one.
 * Serves assembly as well.
 */
#ifndef ORIEL_COMPAT_H
#define ORIEL_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#error "Oriel builds for Linux 6.1 to 6.14; 6.19 keeps what it needs for the in-tree KVM alone"
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "Oriel needs Linux 6.1 or later"
#endif

#ifdef __ASSEMBLY__

#ifdef VM_CLEAR_CPU_BUFFERS
#define ORIEL_CLEAR_CPU_BUFFERS VM_CLEAR_CPU_BUFFERS
#else
#define ORIEL_CLEAR_CPU_BUFFERS
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define ORIEL_UNTRAIN_RET UNTRAIN_RET_VM
#define ORIEL_IBPB_ON_VMEXIT
#else
#define ORIEL_UNTRAIN_RET UNTRAIN_RET
#define ORIEL_IBPB_ON_VMEXIT ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
#endif

#else /* !__ASSEMBLY__ */

/* Where in hotplug the in-tree KVM claims a CPU: after tasks have left a dying
 * one, before they come to a new one. It moved in 6.4, from a step that may not
 * fail and runs with interrupts off.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define ORIEL_CPUHP_STATE CPUHP_AP_KVM_ONLINE
#else
#define ORIEL_CPUHP_STATE CPUHP_AP_KVM_STARTING
#endif

/*
 * Operations of the core that run last in suspend and first in resume. They
 * got an argument and a registration of their own in a stable release of 6.12,
 * so Kbuild looks at the header instead of the version.
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
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/kvm.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
/* smp_send_reschedule() is traced there. */
#include <trace/events/ipi.h>
#endif

/**
 * oriel_immediate_exit() - the field immediate_exit of a vCPU's page
 * @run: the page, which userspace writes to at any time: read it once
 *
 * Since 6.8 the kernel's view of the field has a name that warns of double reads.
 *
 * Return: its address.
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
 * oriel_rcu_note_context_switch() - entering a guest is a quiescent state for RCU
 *
 * Interrupts off. The CPU is an argument until 6.6.
 */
static inline void oriel_rcu_note_context_switch(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(smp_processor_id());
#endif
}

/**
 * oriel_counts_run_delay() - does the kernel count how long a thread waits for a CPU?
 *
 * It may be built without that count. Any context.
 */
static inline bool oriel_counts_run_delay(void)
{
	return IS_ENABLED(CONFIG_SCHED_INFO);
}

/**
 * oriel_run_delay() - how long the current thread has waited for a CPU
 *
 * Any context of the thread.
 *
 * Return: nanoseconds, 0 where they are not counted.
 */
static inline u64 oriel_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/**
 * oriel_note_guest_ran() - a guest ran on this CPU
 *
 * Interrupts off. Where a CPU needs it, the way to userspace has a barrier then (VMSCAPE).
 */
static inline void oriel_note_guest_ran(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

/**
 * oriel_eventfd_signal() - add 1 to an eventfd; any context
 * @ctx: the eventfd
 *
 * What is added is always 1 here, and no argument since 6.8.
 */
static inline void oriel_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/* What VFIO hands out are groups, since 6.6 devices as well. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define oriel_vfio_file_is_valid vfio_file_is_valid
#else
#define oriel_vfio_file_is_valid vfio_file_is_group
#endif

/* get_user_pages() can be interrupted by any signal since 6.2. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define ORIEL_FOLL_INTERRUPTIBLE FOLL_INTERRUPTIBLE
#else
#define ORIEL_FOLL_INTERRUPTIBLE 0
#endif

/* Since 6.6 it takes NUMA hinting faults, which place memory, only when asked. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define ORIEL_FOLL_NUMA FOLL_HONOR_NUMA_FAULT
#else
#define ORIEL_FOLL_NUMA 0
#endif

/* How a second-level fault asks for a page. */
#define ORIEL_FOLL_FAULT (FOLL_HWPOISON | ORIEL_FOLL_INTERRUPTIBLE | ORIEL_FOLL_NUMA)

/**
 * struct oriel_pfnmap - what a VM_PFNMAP or VM_IO mapping holds at an address
 * @pfn: host frame
 * @prot: protection and cache mode of the host's mapping
 * @writable: whether it can be written without another fault
 */
struct oriel_pfnmap {
	unsigned long pfn;
	pgprot_t prot;
	bool writable;
};

/**
 * oriel_follow_pfnmap() - look a VM_PFNMAP or VM_IO mapping up
 * @vma: the mapping; its mm's mmap_lock is held
 * @address: user address in @vma
 * @map: filled in
 *
 * follow_pte() until 6.11 (with the mm until 6.9), follow_pfnmap_start() then.
 *
 * Return: 0, or an errno when nothing is mapped there yet.
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
	map->prot = args.pgprot;
	map->writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock; /* of the page table */
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
