#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the client tests on a host that has /dev/kvm; KTAP:
#   tests/clients/inside.sh CASE...

# shellcheck source=tests/clients/lib.sh
. tests/clients/lib.sh
for file in boot state hotplug firmware libvirt; do
	# shellcheck source=/dev/null
	. "tests/clients/$file.sh"
done

# What a case returns that cannot run here.
skipped=77

number=0 failures=0
run_case()
{
	local start=$EPOCHREALTIME status=0 result="ok" why='' seconds

	number=$((number + 1))
	echo "# client $1"
	"client_$1" || status=$?
	stop_all
	case $status in
	0) ;;
	"$skipped") why=" # SKIP not a package of this Debian" ;;
	*) result="not ok" failures=$((failures + 1)) ;;
	esac
	seconds=$(echo "$start $EPOCHREALTIME" | awk '{ printf "%.0f", $2 - $1 }')
	echo "# $seconds seconds"
	echo "$result $number $1$why"
}

echo "KTAP version 1"
echo "1..$#"
for name; do
	run_case "$name"
done
rm -rf "$scratch"
[ $failures = 0 ]
