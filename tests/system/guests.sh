#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Linux guests, and what may happen to them and the module around them: run on a
# host with two CPUs.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

test_linux_boots_and_powers_off()
{
	start_guest linux poweroff -m 512M
	await_guest linux "userspace reached" && end_guest linux 0
}

test_linux_with_two_vcpus()
{
	start_guest smp poweroff -c 2
	await_guest smp " 2 CPU," && end_guest smp 0
}

test_linux_resets()
{
	start_guest linux reboot
	await_guest linux "userspace reached" && end_guest linux 3
}

test_two_guests_at_once()
{
	start_guest one work
	start_guest two work
	await_guest one "guest: round" && await_guest two "guest: round" &&
		still_works one && still_works two
}

# The vCPU thread moves between CPUs: state and translations follow.
test_vcpu_moves_between_cpus()
{
	local i

	start_guest moved work
	await_guest moved "guest: round" || return
	for ((i = 1; i <= ${ORIEL_MOVES:-100}; i++)); do
		taskset -a -p $((i % 2 + 1)) "${guest[moved]}" >/dev/null ||
			fail "taskset failed at move $i" || return
		pause 0.02
	done
	still_works moved
}

test_rmmod_refused_while_a_vm_lives()
{
	local out

	start_guest held work
	await_guest held "guest: round" || return
	out=$(rmmod oriel 2>&1) && { fail "rmmod succeeded"; return 1; }
	[[ $out == *"in use"* ]] || fail "rmmod said: $out" || return
	still_works held
}

test_rmmod_refused_while_a_descriptor_is_open()
{
	local out status

	exec 7<>"$device"
	out=$(rmmod oriel 2>&1)
	status=$?
	exec 7>&-
	[ $status != 0 ] || fail "rmmod succeeded" || return
	[[ $out == *"in use"* ]] || fail "rmmod said: $out"
}

cpu1=/sys/devices/system/cpu/cpu1/online
# Linux gives a CPU that the machine does not run ten seconds to start.
cpu1_starts() { echo 1 2>/dev/null >$cpu1; }

test_cpu_offline_and_online_while_a_vm_lives()
{
	start_guest hot work
	await_guest hot "guest: round" || return
	# The vCPU runs on the CPU that goes, is moved, and comes back to it.
	taskset -a -p 2 "${guest[hot]}" >/dev/null
	still_works hot && echo 0 >$cpu1 || return
	still_works hot && await cpu1_starts || return
	taskset -a -p 2 "${guest[hot]}" >/dev/null || fail "taskset failed" || return
	still_works hot
}

test_vm_starts_on_a_cpu_that_was_offline_at_load()
{
	unload && echo 0 >$cpu1 && load && await cpu1_starts || return
	start_guest late work
	taskset -a -p 2 "${guest[late]}" >/dev/null
	await_guest late "guest: round" && still_works late
}

# kernel_bytes CGROUP: kernel memory charged to it, caches of files apart.
kernel_bytes()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "kernel" { kernel = $2 } $1 == "slab_reclaimable" { cache = $2 }
		END { print kernel - cache }' "$1/memory.stat"
}

# free_kib: memory that is free or holds droppable caches.
free_kib()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(MemFree|Buffers|Cached|SReclaimable|AnonPages|Percpu):/ {
		sum += $2 } END { print sum }' /proc/meminfo
}

kill_once()
{
	start_guest victim work
	pause "$1"
	kill -9 "${guest[victim]}" || fail "the launcher ended by itself" || return
	wait "${guest[victim]}" 2>/dev/null
	unset "guest[victim]"
	await unused || fail "$1 s: the module's use count stays $(use_count)"
}

# kill_batch KILLS: what they cost in all, in KiB, is left in $lost.
kill_batch()
{
	local i free

	free=$(free_kib)
	for ((i = 0; i < $1; i++)); do
		kill_once "$((i / 5)).$((i % 5 * 2))" || return
	done
	lost=$((free - $(free_kib)))
}

# What a dead process had is given back after a grace period, which may take its time.
given_back()
{
	after=$(kernel_bytes "$group")
	[ $((after - before)) -lt $((kills * 4096)) ]
}

# Killed at any moment the launcher takes everything with it. A VM has dozens of
# pages in the kernel: if one page of each stayed, each batch would cost more than
# is allowed. The first ones may, for they fill the kernel's lists of free pages,
# which no sum here shows.
test_sigkill_leaks_nothing()
{
	local group=/sys/fs/cgroup/victims kills=${ORIEL_KILLS:-12} batch before after lost

	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir $group && echo $$ >$group/cgroup.procs || return
	kill_batch 4 || return
	before=$(kernel_bytes $group)
	for batch in {1..6}; do
		kill_batch "$kills" || return
		echo "# batch $batch: $kills kills, $lost KiB less"
		[ "$lost" -ge $((kills * 64)) ] || break
	done
	await given_back || fail "leaked: $((after - before)) bytes more" || return
	echo $$ >/sys/fs/cgroup/cgroup.procs
	echo "# $((after - before)) bytes more charged"
	[ "$lost" -lt $((kills * 64)) ] || fail "leaked" || return
	await rmdir $group 2>/dev/null || fail "the group is still in use"
}

test_load_and_unload_loop()
{
	local i

	for i in {1..20}; do
		unload && ! [ -e "$device" ] && load && [ -e "$device" ] ||
			fail "round $i" || return
	done
}

test_node_parameter()
{
	unload && load node=kvm || return
	[ -c /dev/kvm ] && ! [ -e /dev/oriel ] || fail "no /dev/kvm" || return
	start_guest kvm poweroff --device /dev/kvm
	await_guest kvm "userspace reached" && end_guest kvm 0 && unload && load
}


# With the in-tree KVM in place of the module this ends in a line that says who
# has the CPU, and what to type.
test_refused_while_kvm_holds_the_cpu()
{
	local out result=0 kvm=kvm_amd

	! grep -qw vmx /proc/cpuinfo || kvm=kvm_intel
	unload && modprobe $kvm || fail "cannot load $kvm" || return
	out=$(load 2>&1) && { fail "it loaded beside $kvm"; result=1; }
	[[ $out == *"resource busy"* ]] || fail "insmod said: $out" || result=1
	kernel_lines | tail -n 1 | grep -q "rmmod $kvm" ||
		fail "the log says: $(kernel_lines | tail -n 1)" || result=1
	rmmod $kvm kvm && load || fail "not loaded after rmmod $kvm" || result=1
	return $result
}

tests=(
	test_linux_boots_and_powers_off
	test_linux_with_two_vcpus
	test_linux_resets
	test_two_guests_at_once
	test_vcpu_moves_between_cpus
	test_rmmod_refused_while_a_vm_lives
	test_rmmod_refused_while_a_descriptor_is_open
	test_cpu_offline_and_online_while_a_vm_lives
	test_vm_starts_on_a_cpu_that_was_offline_at_load
	test_sigkill_leaks_nothing
	test_load_and_unload_loop
	test_node_parameter
	test_refused_while_kvm_holds_the_cpu
)

# The arguments choose some of them, without "test_", on a host where all would take
# many minutes.
chosen=" $* "
plan $((${#tests[@]} + 2))
test_module_loads() { load; }
run_test test_module_loads
for test in "${tests[@]}"; do
	if [ $# = 0 ] || [[ $chosen == *" ${test#test_} "* ]]; then
		run_test "$test"
	else
		skip_test "$test" "processes and guests are dear on this host: see the others"
	fi
done
test_module_unloads() { unload; }
run_test test_module_unloads
finish
