# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Clients that boot: machines, interrupt controllers, CPUs.

# from_disk MACHINE: SeaBIOS, GRUB and Debian's kernel, from virtio-blk.
from_disk()
{
	disk
	start_qemu vm -M "$1,graphics=off" "${disk[@]}" || return
	expect vm 'SeaBIOS (version' && expect vm 'GRUB reads the disk' &&
		expect vm 'disk of the client test' &&
		tell vm 'echo written >/disk/file && sync && grep -q written /disk/file' &&
		power_off vm
}

# from_memory MACHINE [ARGUMENT]...: QEMU itself loads the kernel, which finds the disk.
from_memory()
{
	disk
	start_qemu vm -M "$@" "${direct[@]}" "${disk[@]}" || return
	expect vm 'disk of the client test' &&
		tell vm 'echo written >/disk/file && sync && grep -q written /disk/file' &&
		power_off vm
}

client_pc_disk() { from_disk pc; }
client_q35_disk() { from_disk q35; }

client_microvm()
{
	disk virtio-blk-device
	start_qemu vm -M microvm "${direct[@]}" "${disk[@]}" || return
	expect vm 'disk of the client test' && power_off vm
}

# A kernel without drivers for disks or the ACPI of a microvm, so that it cannot power off,
# on hosts where an instruction is dear.
client_microvm_small()
{
	start_qemu vm -M microvm,acpi=off -m 96M -no-reboot "${direct[@]}" \
		-append 'console=ttyS0 quiet panic=-1 reboot=t' || return
	expect vm 'guest: up' && type_line vm 'reboot -f' && finish vm
}

client_pc() { from_memory pc; }
client_split_pc() { from_memory pc,kernel-irqchip=split; }
client_split_q35() { from_memory q35,kernel-irqchip=split; }
# The in-tree KVM announces asynchronous page faults by interrupt, which -cpu host then
# has, and refuses their MSR to a vCPU without a local APIC of its own.
irqchip_off() { from_memory "$1,kernel-irqchip=off" -cpu host,kvm-asyncpf-int=off; }
client_off_pc() { irqchip_off pc; }
client_off_q35() { irqchip_off q35; }

client_smp()
{
	start_qemu vm -M q35 -smp 4 "${direct[@]}" || return
	expect vm ' 4 CPU, ' || return
	# What Linux does on a host that may have fewer CPUs.
	type_line vm 'dmesg | grep kvm-guest'
	expect vm 'kvm-guest: PV spinlocks enabled' && expect vm 'kvm-guest: setup PV IPIs' &&
		expect vm 'setup pv remote TLB flush' && power_off vm
}

client_reboot()
{
	disk
	start_qemu vm -M pc,graphics=off "${disk[@]}" || return
	expect vm 'guest: up' || return
	type_line vm 'reboot -f'
	expect vm 'GRUB reads the disk' 2 && expect vm 'guest: up' 2 && power_off vm
}

client_kvmtool()
{
	command -v lkvm >/dev/null || return "$skipped"
	timeout -k 5 "$patience" lkvm run -m 256 -k "$guest_kernel" \
		-i "$clients/initramfs.cpio" --console serial \
		-p "console=ttyS0 quiet panic=-1" <<<'poweroff -f' >"$work/vm.console" 2>&1
	grep -q 'guest: up' "$work/vm.console" && return
	sed 's/^/# | /' "$work/vm.console"
	fail "Linux does not start"
}
