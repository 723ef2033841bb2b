// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU state, kept in a guest fpstate of the kernel's, and the ioctls that carry it in
 * and out in the standard XSAVE format.
 */
#include "host/compat.h"

#include <linux/kvm.h>
#include <linux/linkage.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "core/vcpu.h"
#include "guest/fpu.h"
#include "x86/cr.h"

/*
 * Components that the guest may enable: those with no other state to switch. MPX is gone from CPUs,
 * and AMX needs XFD and a permission of the thread's.
 */
#define GUEST_XCR0 \
	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 | XFEATURE_MASK_PKRU)

/* The x87 control word after FNINIT (SDM 1 8.1.5). */
#define FCW_INITIAL 0x37f

struct fpu_host fpu_host;

int fpu_setup(void)
{
	struct fpu_guest probe = { 0 };

	if (!fpu_alloc_guest_fpstate(&probe))
		return -ENOMEM;
	fpu_host.uabi_size = probe.uabi_size;
	fpu_free_guest_fpstate(&probe);

	fpu_host.pku = boot_cpu_has(X86_FEATURE_OSPKE);
	if (boot_cpu_has(X86_FEATURE_XSAVE)) {
		fpu_host.xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		fpu_host.guest_xcr0 = fpu_host.xcr0 & GUEST_XCR0;
	}
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, fpu_host.xss);
	return 0;
}

int fpu_create(struct vcpu *vcpu)
{
	if (!fpu_alloc_guest_fpstate(&vcpu->fpu.guest))
		return -ENOMEM;
	vcpu->fpu.xcr0 = XFEATURE_MASK_FP;
	return 0;
}

void fpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->fpu.guest.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu.guest);
}

void fpu_begin_run(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu.guest, true);
}

void fpu_end_run(struct vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu.guest, false);
}

int fpu_set_xcr(struct vcpu *vcpu, u32 index, u64 value)
{
	if (index != XCR_XFEATURE_ENABLED_MASK || !xcr0_valid(&vcpu->cpuid.facts, value))
		return 1;
	vcpu->fpu.xcr0 = value;
	return 0;
}

/* ---- registers, for the executor ---- */

/*
 * Within KVM_RUN the guest's state is the thread's. While the lock is held, the kernel does not use
 * the registers; if it has used them before, the guest's state is in memory: load it again.
 */
static void lock_guest_registers(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* fpu_regs.S: move register @reg to or from memory. */
asmlinkage void fpu_store_xmm(unsigned int reg, void *buf);
asmlinkage void fpu_load_xmm(unsigned int reg, const void *buf);
asmlinkage void fpu_load_xmm_vex(unsigned int reg, const void *buf);
asmlinkage void fpu_store_ymm(unsigned int reg, void *buf);
asmlinkage void fpu_load_ymm(unsigned int reg, const void *buf);
asmlinkage void fpu_store_mmx(unsigned int reg, void *buf);
asmlinkage void fpu_load_mmx(unsigned int reg, const void *buf);

/* Can the host access this register, and does the guest have it enabled? */
static bool vector_exists(const struct vcpu *vcpu, unsigned int reg, unsigned int len, bool vex)
{
	if (reg > 15 || (len != 16 && len != 32))
		return false;
	if (len == 16 && !vex)
		return true;
	return (fpu_host.xcr0 & XFEATURE_MASK_YMM) && (vcpu->fpu.xcr0 & XFEATURE_MASK_YMM);
}

int fpu_read_vector(struct vcpu *vcpu, unsigned int reg, void *buf, unsigned int len)
{
	if (!vector_exists(vcpu, reg, len, false))
		return -EINVAL;
	lock_guest_registers();
	if (len == 16)
		fpu_store_xmm(reg, buf);
	else
		fpu_store_ymm(reg, buf);
	fpregs_unlock();
	return 0;
}

int fpu_write_vector(struct vcpu *vcpu, unsigned int reg, const void *buf, unsigned int len,
		     bool zero_upper)
{
	if (!vector_exists(vcpu, reg, len, zero_upper))
		return -EINVAL;
	lock_guest_registers();
	if (len == 32)
		fpu_load_ymm(reg, buf);
	else if (zero_upper)
		fpu_load_xmm_vex(reg, buf);
	else
		fpu_load_xmm(reg, buf);
	fpregs_unlock();
	return 0;
}

/* With a pending x87 exception MOVQ would raise it here instead of in the guest. */
static bool x87_exception_pending(void)
{
	u16 status;

	asm volatile("fnstsw %0" : "=m"(status));
	return status & BIT(7);
}

static int move_mmx(unsigned int reg, u64 *value, bool write)
{
	bool pending;

	if (reg > 7)
		return -EINVAL;
	lock_guest_registers();
	pending = x87_exception_pending();
	if (!pending && write)
		fpu_load_mmx(reg, value);
	else if (!pending)
		fpu_store_mmx(reg, value);
	fpregs_unlock();
	return pending ? -EINVAL : 0;
}

int fpu_read_mmx(struct vcpu *vcpu, unsigned int reg, u64 *value)
{
	return move_mmx(reg, value, false);
}

int fpu_write_mmx(struct vcpu *vcpu, unsigned int reg, u64 value)
{
	return move_mmx(reg, &value, true);
}

/* ---- ioctls ---- */

unsigned int fpu_xsave_size(void)
{
	return fpu_host.uabi_size;
}

/* All components that a guest can have; its CPUID does not limit them. */
static u64 all_components(void)
{
	return fpu_host.guest_xcr0 | XFEATURE_MASK_FPSSE;
}

/* The state in the standard format, in a buffer that the caller frees with kvfree(). */
static union fpregs_state *export_state(struct vcpu *vcpu, unsigned int size, u64 components)
{
	union fpregs_state *state = kvzalloc(size, GFP_KERNEL);

	if (state)
		fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu.guest, state, size, components,
					       vcpu->fpu.pkru);
	return state;
}

/* An errno, and nothing has changed, for unknown components and reserved bits of MXCSR. */
static int import_state(struct vcpu *vcpu, const void *state)
{
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu.guest, state, all_components(),
					      &vcpu->fpu.pkru);
}

/* XSAVE does not write components that are in their initial state (SDM 1 13.6). */
static u64 components_in_memory(const struct vcpu *vcpu)
{
	if (!fpu_host.xcr0)
		return XFEATURE_MASK_FPSSE;
	return vcpu->fpu.guest.fpstate->regs.xsave.header.xfeatures;
}

/* Read the first 512 bytes, which have the same layout in all formats. */
int fpu_ioctl_get_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user)
{
	const struct fxregs_state *fx = &vcpu->fpu.guest.fpstate->regs.fxsave;
	u64 present = components_in_memory(vcpu);
	struct kvm_fpu fpu = { .fcw = FCW_INITIAL, .mxcsr = fx->mxcsr };

	if (present & XFEATURE_MASK_FP) {
		memcpy(fpu.fpr, fx->st_space, sizeof(fpu.fpr));
		fpu.fcw = fx->cwd;
		fpu.fsw = fx->swd;
		fpu.ftwx = fx->twd;
		fpu.last_opcode = fx->fop;
		fpu.last_ip = fx->rip;
		fpu.last_dp = fx->rdp;
	}
	if (present & XFEATURE_MASK_SSE)
		memcpy(fpu.xmm, fx->xmm_space, sizeof(fpu.xmm));
	return copy_to_user(user, &fpu, sizeof(fpu)) ? -EFAULT : 0;
}

int fpu_ioctl_set_fpu(struct vcpu *vcpu, struct kvm_fpu __user *user)
{
	union fpregs_state *state;
	struct fxregs_state *fx;
	struct kvm_fpu fpu;
	int ret;

	if (copy_from_user(&fpu, user, sizeof(fpu)))
		return -EFAULT;
	/* Components that KVM_SET_FPU does not carry stay as they are. */
	state = export_state(vcpu, fpu_host.uabi_size, all_components());
	if (!state)
		return -ENOMEM;
	fx = &state->fxsave;
	memcpy(fx->st_space, fpu.fpr, sizeof(fpu.fpr));
	fx->cwd = fpu.fcw;
	fx->swd = fpu.fsw;
	fx->twd = fpu.ftwx;
	fx->fop = fpu.last_opcode;
	fx->rip = fpu.last_ip;
	fx->rdp = fpu.last_dp;
	memcpy(fx->xmm_space, fpu.xmm, sizeof(fpu.xmm));
	fx->mxcsr = fpu.mxcsr;
	state->xsave.header.xfeatures |= XFEATURE_MASK_FPSSE;
	ret = import_state(vcpu, state);
	kvfree(state);
	return ret;
}

int fpu_ioctl_get_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user, unsigned int size)
{
	union fpregs_state *state;
	int ret;

	if (size < fpu_host.uabi_size)
		return -EINVAL;
	state = export_state(vcpu, size, vcpu->cpuid.facts.xcr0 | XFEATURE_MASK_FPSSE);
	if (!state)
		return -ENOMEM;
	ret = copy_to_user(user, state, size) ? -EFAULT : 0;
	kvfree(state);
	return ret;
}

int fpu_ioctl_set_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user)
{
	void *state = vmemdup_user(user, fpu_host.uabi_size);
	int ret;

	if (IS_ERR(state))
		return PTR_ERR(state);
	ret = import_state(vcpu, state);
	kvfree(state);
	return ret;
}

int fpu_ioctl_get_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user)
{
	struct kvm_xcrs xcrs = { 0 };

	if (fpu_host.xcr0) {
		xcrs.nr_xcrs = 1;
		xcrs.xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
		xcrs.xcrs[0].value = vcpu->fpu.xcr0;
	}
	return copy_to_user(user, &xcrs, sizeof(xcrs)) ? -EFAULT : 0;
}

int fpu_ioctl_set_xcrs(struct vcpu *vcpu, struct kvm_xcrs __user *user)
{
	struct kvm_xcrs xcrs;
	u32 i;

	if (copy_from_user(&xcrs, user, sizeof(xcrs)))
		return -EFAULT;
	if (!fpu_host.xcr0 || xcrs.flags || xcrs.nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < xcrs.nr_xcrs; i++) {
		if (xcrs.xcrs[i].xcr != XCR_XFEATURE_ENABLED_MASK)
			continue;
		if (fpu_set_xcr(vcpu, XCR_XFEATURE_ENABLED_MASK, xcrs.xcrs[i].value))
			return -EINVAL;
		vcpu->fpu.xcr0_changed = true;
		break;
	}
	return 0;
}
