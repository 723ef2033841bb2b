/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's FPU: its x87/SSE/AVX state in a guest fpstate of the kernel's, XCR0 and PKRU, and the
 * ioctls that show them. The vCPU's mutex is held.
 *
 * During KVM_RUN the guest's state is the FPU state of the thread: it lives in the registers. When
 * the thread is scheduled out or the kernel uses the FPU, the kernel itself saves the state and
 * sets TIF_NEED_FPU_LOAD, and fpu_enter_guest() loads the state again. XCR0 and PKRU are outside of
 * that: the kernel must not run with the guest's values, so they are exchanged around each entry.
 */
#ifndef ORIEL_FPU_H
#define ORIEL_FPU_H

#include <linux/thread_info.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/pkru.h>
#include <asm/processor-flags.h>

#include "core/parts.h"

struct kvm_fpu;
struct kvm_xcrs;
struct kvm_xsave;
struct vcpu;

/* The set-up of the host's kernel, the same on each CPU. */
struct fpu_host {
	u64 xcr0; /* host XCR0, 0 without XSAVE */
	u64 xss; /* host IA32_XSS, 0 without XSAVES */
	u64 guest_xcr0; /* XCR0 bits that a guest fpstate has room for */
	unsigned int uabi_size; /* bytes of a guest's XSAVE area, at least 4096 */
	bool pku; /* the kernel uses protection keys, so RDPKRU works */
};

extern struct fpu_host fpu_host;

/** fpu_setup() - learn the host's set-up; once, at load, before cpuid_setup(); 0 or -ENOMEM */
int fpu_setup(void);
/**
 * fpu_create() - allocate a vCPU's FPU in its state after power-on. There is no reset: INIT leaves
 * the FPU as it is (SDM 3A table 10-1). May sleep; return 0 or -ENOMEM.
 */
int fpu_create(struct vcpu *vcpu);
/** fpu_destroy() - free a vCPU's FPU; idempotent; may sleep */
void fpu_destroy(struct vcpu *vcpu);
/** fpu_begin_run() - make the guest's FPU state the thread's, once per KVM_RUN; preemption on */
void fpu_begin_run(struct vcpu *vcpu);
/** fpu_end_run() - make the thread's FPU state its own again; preemption on */
void fpu_end_run(struct vcpu *vcpu);

/**
 * fpu_enter_guest() - load the guest's FPU state, XCR0 and PKRU, right before the entry; between
 * fpu_begin_run() and fpu_end_run(). Interrupts are off, and stay off until fpu_leave_guest(). In
 * between no page of userspace may be touched, because PKRU is the guest's. XCR0 is needed only if
 * the guest's @cr4 lets it use XSAVE. IA32_XSS is always 0 for the guest: XSAVES is not offered,
 * but on SVM it would not fault. PKRU counts under CR4.PKE, and as a component of XSAVE (SDM 3A
 * 4.6.2).
 */
static __always_inline void fpu_enter_guest(struct vcpu_fpu *fpu, u64 cr4)
{
	if (unlikely(test_thread_flag(TIF_NEED_FPU_LOAD)))
		switch_fpu_return();

	fpu->xcr0_loaded = cr4 & X86_CR4_OSXSAVE;
	if (fpu->xcr0_loaded) {
		if (fpu->xcr0 != fpu_host.xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, fpu->xcr0);
		if (fpu_host.xss)
			wrmsrl(MSR_IA32_XSS, 0);
	}

	fpu->pkru_live = fpu_host.pku && ((cr4 & X86_CR4_PKE) || (fpu->xcr0 & XFEATURE_MASK_PKRU));
	if (fpu->pkru_live) {
		fpu->host_pkru = rdpkru();
		if (fpu->pkru != fpu->host_pkru)
			wrpkru(fpu->pkru);
	}
}

/**
 * fpu_leave_guest() - undo fpu_enter_guest(), right after the exit; interrupts off. XCR0 is read
 * back: QEMU's TCG does not intercept XSETBV, and the host must not go on with a value that a guest
 * wrote.
 */
static __always_inline void fpu_leave_guest(struct vcpu_fpu *fpu)
{
	if (fpu->pkru_live) {
		fpu->pkru = rdpkru();
		if (fpu->pkru != fpu->host_pkru)
			wrpkru(fpu->host_pkru);
	}

	if (fpu->xcr0_loaded) {
		u64 xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);

		if (unlikely(xcr0 != fpu->xcr0)) {
			fpu->xcr0 = xcr0 & fpu_host.guest_xcr0;
			fpu->xcr0_changed = true;
		}
		if (xcr0 != fpu_host.xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, fpu_host.xcr0);
		if (fpu_host.xss)
			wrmsrl(MSR_IA32_XSS, fpu_host.xss);
	}
}

/**
 * fpu_set_xcr() - XSETBV of the guest: @index is ECX, @value EDX:EAX; 1 stands for #GP(0), else 0.
 * The caller checks CPL and CR4.OSXSAVE first, since #UD comes before #GP, and has CPUID follow
 * afterwards (cpuid_refresh_vcpu()).
 */
int fpu_set_xcr(struct vcpu *vcpu, u32 index, u64 value);

/*
 * Registers for the executor, between fpu_begin_run() and fpu_end_run(); in the vCPU's thread,
 * preemption and interrupts on. Return 0; -EINVAL if the host or the guest lacks the register.
 */

/** fpu_read_vector() - read XMM @reg (16 bytes) or YMM @reg (32 bytes) */
int fpu_read_vector(struct vcpu *vcpu, unsigned int reg, void *buf, unsigned int len);
/**
 * fpu_write_vector() - write XMM @reg or YMM @reg. @zero_upper: clear the bits above @len, as
 * VEX-encoded instructions do; legacy SSE leaves them alone (SDM 1 14.1.1).
 */
int fpu_write_vector(struct vcpu *vcpu, unsigned int reg, const void *buf, unsigned int len,
		     bool zero_upper);
/**
 * fpu_read_mmx() - read MM @reg; -EINVAL also if an x87 exception is pending, which the guest's
 * instruction would have raised. As any MMX instruction does, mark all x87 registers valid and make
 * the top of the stack 0 (SDM 1 9.5.1).
 */
int fpu_read_mmx(struct vcpu *vcpu, unsigned int reg, u64 *value);
/** fpu_write_mmx() - write MM @reg; as fpu_read_mmx() */
int fpu_write_mmx(struct vcpu *vcpu, unsigned int reg, u64 value);

/* Ioctls, outside of KVM_RUN; may sleep; 0 or an errno. After an error nothing has changed. */

/** fpu_xsave_size() - bytes that KVM_GET_XSAVE2 writes, at least 4096 (KVM_CAP_XSAVE2) */
unsigned int fpu_xsave_size(void);
int fpu_ioctl_get_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user);
/** fpu_ioctl_set_fpu() - KVM_SET_FPU; -EINVAL for reserved bits of MXCSR: loading them faults */
int fpu_ioctl_set_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user);
/**
 * fpu_ioctl_get_xsave() - KVM_GET_XSAVE and KVM_GET_XSAVE2: the area in the standard format. @user
 * has room for @size bytes: 4096, or fpu_xsave_size() for KVM_GET_XSAVE2; -EINVAL if that is too
 * small.
 */
int fpu_ioctl_get_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user, unsigned int size);
/**
 * fpu_ioctl_set_xsave() - KVM_SET_XSAVE: fpu_xsave_size() bytes in the standard format; -EINVAL for
 * a component that the host does not have, or a reserved bit
 */
int fpu_ioctl_set_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user);
/** fpu_ioctl_get_xcrs() - KVM_GET_XCRS; no register if the host has no XSAVE */
int fpu_ioctl_get_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user);
/**
 * fpu_ioctl_set_xcrs() - KVM_SET_XCRS; registers other than XCR0 are ignored. -EINVAL for flags, a
 * count above KVM_MAX_XCRS, a value that XSETBV would refuse, or a host without XSAVE.
 */
int fpu_ioctl_set_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user);

#endif
