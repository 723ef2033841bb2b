# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Clients that are no Linux: UEFI firmware, memtest86+, iPXE.

# uefi_shell [ARGUMENT]...: OVMF comes to its shell, which powers off.
uefi_shell()
{
	start_qemu vm "$@" || return
	expect vm 'Shell>' || return
	printf 'reset -s\r' >&"${keyboard[vm]}"
	finish vm
}

# Read-only flash, and a second one that it writes its variables to.
client_ovmf()
{
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars"
	uefi_shell -M q35 \
		-drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
		-drive "if=pflash,unit=1,format=raw,file=$work/vars"
}

client_ovmf_bios() { uefi_shell -M pc -bios OVMF.fd; }

# A whole pass. Its last test waits for minutes whether bits fade.
client_memtest()
{
	start_qemu vm -M pc -m 8M -kernel /boot/memtest86+x64.bin -append console=ttyS0,115200 ||
		return
	expect vm 'Pass:  0' && patience=1200 expect vm 'Pass:  1        Errors: 0'
}

# It starts from the network card's ROM, gets an address and a script from QEMU's user
# network, and runs that.
client_ipxe()
{
	mkdir "$work/tftp"
	# shellcheck disable=SC2016 # iPXE expands it
	printf '%s\n' '#!ipxe' 'echo iPXE runs a script: ${net0/ip}' >"$work/tftp/script"
	start_qemu vm -M pc,graphics=off -boot n -device virtio-net-pci,netdev=net \
		-netdev "user,id=net,tftp=$work/tftp,bootfile=script" || return
	expect vm 'iPXE' && expect vm 'iPXE runs a script: 10.0.2.15'
}
