// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM does unlike a processor, because old clients rely on it, until a client
 * has it done right (KVM_CAP_DISABLE_QUIRKS2).
 */
#include "abi/quirk.h"
#include "core/vm.h"

void quirks_disable(struct vm *vm, u64 off)
{
	WRITE_ONCE(vm->quirks_off, off);
	vm->fabric.lint0_masked = off & KVM_X86_QUIRK_LINT0_REENABLED;
}
