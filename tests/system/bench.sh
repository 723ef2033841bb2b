#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The benchmark, on the host: round trips beside the in-tree KVM in the same run, the
# memory of an idle VM, the boot of a stock kernel, again beside KVM, and the interrupts that calls
# of one user cost the guest of another.
#   bench.sh trips|logging|memory|boot|neighbour

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

# How many round trips the median is of.
round_trips=100
idle_vms=16
# The number of calls of each kind that are made while the neighbour's guest runs.
neighbour_calls=1000
# The memory of a guest whose writes are logged.
log_mib=1024

# count_trips NODE: a line for each operation: irqchip, name, cost.
count_trips()
{
	local said

	said=$(ORIEL_ROUND_TRIPS=$round_trips build/tests/system/roundtrip -d "$1") ||
		fail "$said" >&2 || return
	sed -n 's/^# //p' <<<"$said"
}

# beside_kvm COUNT: call COUNT NODE on Oriel and on the in-tree KVM; the output is in $work/oriel and
# $work/kvm.
beside_kvm()
{
	local kvm=kvm_amd

	! grep -qw vmx /proc/cpuinfo || kvm=kvm_intel
	load && "$1" "$device" >"$work/oriel" && unload || return
	modprobe $kvm && "$1" /dev/kvm >"$work/kvm" && modprobe -r $kvm
}

trips()
{
	beside_kvm count_trips || return
	echo "instructions of a round trip, the median of $round_trips, Linux $(uname -r)"
	awk '
	BEGIN { printf "%-7s %-23s%8s%8s%7s\n", "irqchip", "operation", "KVM", "Oriel", "ratio" }
	NR == FNR { kvm[$1, $2] = $3; next }
	{ printf "%-7s %-23s%8d%8d%7.2f\n", $1, $2, kvm[$1, $2], $3, $3 / kvm[$1, $2] }
	' "$work/kvm" "$work/oriel"
}

# count_logging NODE: a line for each step: pages, step, TLB flushes, exclusive holds.
count_logging()
{
	local said

	said=$(ORIEL_LOG_MIB=$log_mib build/tests/system/logcost -d "$1") || fail "$said" >&2 || return
	sed -n 's/^# //p' <<<"$said"
}

logging()
{
	beside_kvm count_logging || return
	echo "a guest of $log_mib MiB: TLB flushes of all vCPUs, and times that no vCPU could fault"
	awk '
	BEGIN { printf "%-5s %-13s%12s%14s%12s%14s\n", "pages", "step", "KVM flushes",
		"Oriel flushes", "KVM holds", "Oriel holds" }
	NR == FNR { flushes[$1, $2] = $3; holds[$1, $2] = $4; next }
	{ printf "%-5s %-13s%12d%14d%12s%14s\n", $1, $2, flushes[$1, $2], $3, holds[$1, $2], $4 }
	' "$work/kvm" "$work/oriel"
}

# idle_guest N: a VM whose guest only halts.
idle_guest()
{
	"$oriel" run build/guest/idle -m 64M --device "$device" \
		<&8 >"$work/idle$1" 2>&1 &
	guest[idle$1]=$!
}

# halted NAME: its vCPU's thread is in the kernel's wait of a halted guest.
halted() { cat "/proc/${guest[$1]}"/task/*/syscall 2>/dev/null | grep -q '^16 .*0xae80'; }

# charged GROUP: kernel memory charged to the group, in bytes, page tables and
# what caches hold of files apart.
charged()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "kernel" { sum += $2 }
		$1 == "pagetables" || $1 == "slab_reclaimable" { sum -= $2 }
		END { print sum }' "$1/memory.stat"
}

# private_rss PID: KiB that no other process maps, the guest's memory apart.
private_rss()
{
	awk '/^[0-9a-f]+-/ { guest = /memfd:/ }
		/^Private_(Clean|Dirty):/ && !guest { sum += $2 }
		END { print sum }' "/proc/$1/smaps"
}

memory()
{
	local group=/sys/fs/cgroup/idle before after i rss=0 one

	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir $group && echo $$ >$group/cgroup.procs
	idle_guest 0
	patience=60 await halted idle0 || { show_guest idle0; return 1; }
	before=$(charged $group)
	for ((i = 1; i <= idle_vms; i++)); do
		idle_guest $i
	done
	for ((i = 0; i <= idle_vms; i++)); do
		patience=60 await halted idle$i || { show_guest idle$i; return 1; }
		one=$(private_rss "${guest[idle$i]}")
		[ "$one" -le "$rss" ] || rss=$one
	done
	after=$(charged $group)
	stop_guests
	echo "kernel memory per idle VM: $(((after - before) / idle_vms / 1024)) KiB (under 256)"
	echo "launcher's private memory: $rss KiB (under 4096)"
}

# timed COMMAND...: seconds from its start to the guest's first line.
timed()
{
	local start=$EPOCHREALTIME line

	while IFS= read -r line; do
		[[ $line != *"userspace reached"* ]] || break
	done < <(exec "$@" </dev/null 2>&1)
	echo "$start $EPOCHREALTIME" | awk '{ printf "%.1f", $2 - $1 }'
	wait $! 2>/dev/null
}

launcher()
{
	timed "$oriel" run "$guest_kernel" --initrd "$initramfs" -m 512M \
		--append "console=ttyS0 quiet panic=-1 -- poweroff" --device "$1"
}

microvm()
{
	timed qemu-system-x86_64 -accel kvm -cpu host -M microvm -m 512M \
		-display none -nodefaults -no-user-config -no-reboot -serial stdio \
		-kernel "$guest_kernel" -initrd "$initramfs" \
		-append "console=ttyS0 quiet panic=-1 -- poweroff"
}

# Rounds, because a shared machine is never quiet; the fastest counts.
boot()
{
	local oriel_s kvm_s microvm_s

	echo "seconds from start to userspace, Debian $(basename "$guest_kernel"), 512 MiB"
	echo "oriel   launcher on KVM   QEMU microvm on KVM"
	for _ in 1 2 3; do
		load
		oriel_s=$(launcher /dev/oriel)
		unload
		modprobe kvm_amd
		kvm_s=$(launcher /dev/kvm)
		microvm_s=$(microvm)
		modprobe -r kvm_amd
		echo "$oriel_s $kvm_s $microvm_s"
	done | awk '{
		printf "%5s%18s%22s\n", $1, $2, $3
		fflush()
		for (i = 1; i <= 3; i++)
			best[i] = NR == 1 || $i < best[i] ? $i : best[i]
	}
	END { printf "%5s%18s%22s   fastest\n", best[1], best[2], best[3] }'
}

# disturb NODE: a line for each kind of call: its name, interrupts sent, all exits.
disturb()
{
	ORIEL_CALLS=$neighbour_calls build/tests/system/neighbour -d "$1" | sed -n '/^# [a-zA-Z_]* [0-9]/s/^# //p'
}

neighbour()
{
	beside_kvm disturb || return
	echo "interrupts that $neighbour_calls calls of one user send to the CPU on which the guest of"
	echo "another user runs: each is an exit (wanted: 0); Linux $(uname -r)"
	awk '
	BEGIN { printf "%-30s%8s%8s\n", "call", "KVM", "Oriel" }
	NR == FNR { kvm[$1] = $2; next }
	{ printf "%-30s%8d%8d\n", $1, kvm[$1], $2 }
	' "$work/kvm" "$work/oriel"
}

case $1 in
trips)
	trips || failures=1
	;;
neighbour)
	neighbour || failures=1
	;;
logging)
	logging || failures=1
	;;
memory)
	[ "$device" != /dev/oriel ] || load
	memory
	;;
boot)
	boot
	;;
esac
finish
