#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A PCI device of the host in the hands of VFIO: the VFIO device of a VM takes its
# group, and the guest's WBINVD reaches the caches exactly when the IOMMU cannot make
# the device snoop them. The argument says which: snoops or no-snoop.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

snoop=$1
tracing=/sys/kernel/debug/tracing

# The "edu" device, which no driver of Linux' claims.
give_device_to_vfio()
{
	modprobe -a vfio_iommu_type1 && modprobe vfio-pci ids=1234:11e8 ||
		fail "VFIO does not load" || return
	await group_there || fail "no group: $(ls /dev/vfio)"
}

group_there() { compgen -G '/dev/vfio/[0-9]*' >/dev/null; }

test_group_of_a_device()
{
	give_device_to_vfio || return
	echo 'p:oriel_write_back wbinvd_on_cpu' >"$tracing/kprobe_events" &&
		echo 1 >"$tracing/events/kprobes/enable" || fail "no probe" || return
	build/tests/system/vfio -d "$device" >"$work/vfio" || fail "the program fails" ||
		{ sed 's/^/# | /' "$work/vfio"; return 1; }
	grep -q '^ok .* group$' "$work/vfio" || fail "there was no group"
}

test_wbinvd_of_the_guest()
{
	local hits

	hits=$(awk '$1 == "oriel_write_back" { print $2 }' "$tracing/kprobe_profile")
	grep '^# DMA' "$work/vfio"
	echo "# caches were written back $hits times"
	if [ "$snoop" = snoops ]; then
		grep -q '^# DMA is coherent' "$work/vfio" && [ "$hits" = 0 ]
	else
		grep -q '^# DMA is not coherent' "$work/vfio" && [ "$hits" -ge 2 ]
	fi
}

plan 3
load || exit 1
run_test test_group_of_a_device
run_test test_wbinvd_of_the_guest
test_module_unloads() { unload; }
run_test test_module_unloads
finish
