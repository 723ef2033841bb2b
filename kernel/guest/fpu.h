/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's FPU: its x87/SSE/AVX state in a guest fpstate of the kernel's,
 * XCR0 and PKRU, and the ioctls that show them.
 *
 * During KVM_RUN the guest's state is the thread's FPU state: it lives in the
 * registers, and when the thread is scheduled out or the kernel uses the FPU
 * the kernel itself saves it, sets TIF_NEED_FPU_LOAD and leaves loading it
 * again to whoever needs it next. XCR0 and PKRU are outside of that: the kernel
 * must not run with the guest's, so they are exchanged around each entry.
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

/**
 * struct fpu_host - what the host's kernel has set up, the same on each CPU
 * @xcr0: host XCR0, 0 without XSAVE
 * @xss: host IA32_XSS, 0 without XSAVES
 * @guest_xcr0: XCR0 bits that a guest fpstate has room for
 * @uabi_size: bytes of a guest's XSAVE area, at least 4096
 * @pku: the kernel uses protection keys, so RDPKRU works
 */
struct fpu_host {
	u64 xcr0;
	u64 xss;
	u64 guest_xcr0;
	unsigned int uabi_size;
	bool pku;
};

extern struct fpu_host fpu_host;

/**
 * fpu_setup() - learn the host's FPU set-up; once, at load, before cpuid_setup()
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int fpu_setup(void);

/**
 * fpu_create() - allocate a vCPU's FPU in its state after power-on
 * @vcpu: vCPU
 *
 * INIT leaves all of it as it is (SDM 3A table 10-1), so there is no reset.
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int fpu_create(struct vcpu *vcpu);

/**
 * fpu_destroy() - free a vCPU's FPU; idempotent
 * @vcpu: vCPU
 *
 * May sleep.
 */
void fpu_destroy(struct vcpu *vcpu);

/**
 * fpu_begin_run() - make the guest's FPU state the thread's, once per KVM_RUN
 * @vcpu: vCPU, its mutex held
 *
 * The vCPU's thread, preemption on.
 */
void fpu_begin_run(struct vcpu *vcpu);

/**
 * fpu_end_run() - make the thread's FPU state its own again
 * @vcpu: vCPU, its mutex held
 *
 * On each way out of KVM_RUN after fpu_begin_run(). Preemption on.
 */
void fpu_end_run(struct vcpu *vcpu);

/**
 * fpu_enter_guest() - load what the guest needs, right before the entry
 * @fpu: the vCPU's FPU, between fpu_begin_run() and fpu_end_run()
 * @cr4: guest CR4
 *
 * Interrupts off, and they stay off until fpu_leave_guest(). No page of
 * userspace may be touched in between: PKRU is the guest's.
 *
 * The guest's XCR0 is needed only when the guest can use XSAVE; IA32_XSS is
 * always 0 for it, since XSAVES is not offered but on SVM would not fault.
 * PKRU counts under CR4.PKE and as a component of XSAVE (SDM 3A 4.6.2).
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
 * fpu_leave_guest() - undo fpu_enter_guest(), right after the exit
 * @fpu: the vCPU's FPU
 *
 * XCR0 is read back: QEMU's TCG does not intercept XSETBV, and the host must
 * not go on with what a guest wrote.
 *
 * Interrupts off.
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
 * fpu_set_xcr() - XSETBV of the guest
 * @vcpu: vCPU, its mutex held
 * @index: guest ECX
 * @value: guest EDX:EAX
 *
 * CPL and CR4.OSXSAVE are checked by the caller (#UD comes before #GP).
 *
 * Return: 0, or 1 for #GP(0).
 */
int fpu_set_xcr(struct vcpu *vcpu, u32 index, u64 value);

/**
 * fpu_read_vector() - read a guest vector register for the executor
 * @vcpu: vCPU, between fpu_begin_run() and fpu_end_run()
 * @reg: number, 0 to 15
 * @buf: receives @len bytes
 * @len: 16 (XMM) or 32 (YMM) bytes
 *
 * The vCPU's thread, preemption and interrupts on.
 *
 * Return: 0, or -EINVAL when the host or the guest has no such register.
 */
int fpu_read_vector(struct vcpu *vcpu, unsigned int reg, void *buf, unsigned int len);

/**
 * fpu_write_vector() - write a guest vector register for the executor
 * @vcpu: vCPU, between fpu_begin_run() and fpu_end_run()
 * @reg: number, 0 to 15
 * @buf: @len bytes
 * @len: 16 (XMM) or 32 (YMM) bytes
 * @zero_upper: clear what lies above @len, as VEX-encoded instructions do;
 *	legacy SSE leaves it alone (SDM 1 14.1.1)
 *
 * As fpu_read_vector().
 *
 * Return: as fpu_read_vector().
 */
int fpu_write_vector(struct vcpu *vcpu, unsigned int reg, const void *buf, unsigned int len,
		     bool zero_upper);

/**
 * fpu_read_mmx() - read a guest MMX register for the executor
 * @vcpu: vCPU, between fpu_begin_run() and fpu_end_run()
 * @reg: number, 0 to 7
 * @value: receives it
 *
 * Like any MMX instruction it marks all x87 registers valid and makes the top
 * of the stack 0 (SDM 1 9.5.1). The vCPU's thread, preemption and interrupts on.
 *
 * Return: 0, or -EINVAL for a register that does not exist or when an x87
 * exception is pending, which the guest's instruction would have raised.
 */
int fpu_read_mmx(struct vcpu *vcpu, unsigned int reg, u64 *value);

/**
 * fpu_write_mmx() - write a guest MMX register for the executor
 * @vcpu: vCPU, between fpu_begin_run() and fpu_end_run()
 * @reg: number, 0 to 7
 * @value: new value
 *
 * As fpu_read_mmx().
 *
 * Return: as fpu_read_mmx().
 */
int fpu_write_mmx(struct vcpu *vcpu, unsigned int reg, u64 value);

/**
 * fpu_xsave_size() - answer to KVM_CHECK_EXTENSION(KVM_CAP_XSAVE2)
 *
 * Any context after fpu_setup().
 *
 * Return: bytes that KVM_GET_XSAVE2 writes, at least 4096.
 */
unsigned int fpu_xsave_size(void);

/**
 * fpu_ioctl_get_fpu() - KVM_GET_FPU
 * @vcpu: vCPU, its mutex held, not in KVM_RUN (as for all ioctls below)
 * @user: receives the state
 *
 * May sleep.
 *
 * Return: 0, -EFAULT or -ENOMEM.
 */
int fpu_ioctl_get_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user);

/**
 * fpu_ioctl_set_fpu() - KVM_SET_FPU
 * @vcpu: vCPU, its mutex held
 * @user: the state
 *
 * May sleep. Reserved MXCSR bits are refused, since loading them would fault.
 *
 * Return: 0, -EINVAL, -EFAULT or -ENOMEM; on error nothing changed.
 */
int fpu_ioctl_set_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user);

/**
 * fpu_ioctl_get_xsave() - KVM_GET_XSAVE and KVM_GET_XSAVE2
 * @vcpu: vCPU, its mutex held
 * @user: receives the XSAVE area in the standard format
 * @size: bytes @user has: 4096, or fpu_xsave_size() for KVM_GET_XSAVE2
 *
 * May sleep.
 *
 * Return: 0, -EINVAL when the state does not fit in @size, -EFAULT or -ENOMEM.
 */
int fpu_ioctl_get_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user, unsigned int size);

/**
 * fpu_ioctl_set_xsave() - KVM_SET_XSAVE
 * @vcpu: vCPU, its mutex held
 * @user: an XSAVE area of fpu_xsave_size() bytes in the standard format
 *
 * May sleep.
 *
 * Return: 0, -EINVAL for a component the host does not have or a reserved bit,
 * -EFAULT or -ENOMEM; on error nothing changed.
 */
int fpu_ioctl_set_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user);

/**
 * fpu_ioctl_get_xcrs() - KVM_GET_XCRS
 * @vcpu: vCPU, its mutex held
 * @user: receives XCR0, or no register when the host has no XSAVE
 *
 * May sleep.
 *
 * Return: 0 or -EFAULT.
 */
int fpu_ioctl_get_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user);

/**
 * fpu_ioctl_set_xcrs() - KVM_SET_XCRS
 * @vcpu: vCPU, its mutex held
 * @user: registers; only XCR0 is looked at
 *
 * May sleep.
 *
 * Return: 0, -EINVAL for flags, a count above KVM_MAX_XCRS, a value that
 * XSETBV would refuse or a host without XSAVE, or -EFAULT.
 */
int fpu_ioctl_set_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user);

#endif
