#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The programs that speak the raw ABI, on Oriel or on the in-tree KVM: what they expect
# is KVM's behaviour.
#   tests/system/raw.sh oriel|kvm [PROGRAM]...

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

programs=("${@:2}")
if [ $# -lt 2 ]; then
	for source in tests/system/*.c; do
		programs+=("$(basename "$source" .c)")
	done
	programs+=(first-client)
fi
if [ "$1" = kvm ]; then
	node=/dev/kvm
else
	node=$device
	load || exit 1
fi

# run_program NAME: most programs speak KTAP. The documentation's first client does not, so that
# it stays short: compare its output.
run_program()
{
	local out

	if [ "$1" != first-client ]; then
		timeout 900 "build/tests/system/$1" -d "$node"
		return
	fi
	out=$(timeout 900 build/tests/first-client "$node" 2>&1) || fail "it failed: $out" || return
	[ "$out" = $'Hello\nThe guest halted.' ] || fail "it printed: $out"
}

plan "${#programs[@]}"
for program in "${programs[@]}"; do
	number=$((number + 1)) result=ok start=$SECONDS
	echo "# $program"
	run_program "$program" 2>&1 | sed -u 's/^/    /'
	status=${PIPESTATUS[0]}
	echo "# $((SECONDS - start)) seconds, status $status"
	[ "$status" = 0 ] || { result="not ok"; failures=$((failures + 1)); }
	echo "$result $number $program on $node"
done
[ "$node" = /dev/kvm ] || unload || failures=$((failures + 1))
finish
