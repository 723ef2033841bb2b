# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the system tests share. They run on the (emulated) host as root, with the
# top of the tree as the current folder. What is done often is done by the shell itself:
# a process costs a tenth of a second there, and takes the time from the guests.

set -u
oriel=${ORIEL:-build/oriel}
module=${ORIEL_MODULE:-oriel.ko}
device=${ORIEL_DEVICE:-/dev/oriel}
guest_kernel=${ORIEL_GUEST_KERNEL-}
initramfs=build/guest/initramfs.cpio
work=$(mktemp -d)
# What guests read: silence, not an end of file.
mkfifo "$work/silence"
exec 8<>"$work/silence"

# A hang's bound, in seconds: nothing is timed.
patience=300

number=0 failures=0

plan()
{
	echo "KTAP version 1"
	echo "1..$1"
}

# fail TEXT: a test's function says why, and returns.
fail() { echo "# $*"; return 1; }

# run_test FUNCTION: one result, named after the function, and how long it took.
run_test()
{
	local name=${1#test_} result="ok" start=$SECONDS

	number=$((number + 1))
	"$1" || { result="not ok"; failures=$((failures + 1)); }
	stop_guests
	echo "# $((SECONDS - start)) seconds"
	echo "$result $number $name"
}

skip_test()
{
	number=$((number + 1))
	echo "ok $number ${1#test_} # SKIP $2"
}

# load [PARAMETER]...: the module.
# shellcheck disable=SC2120 # most tests give no parameter
load() { insmod "$module" "$@"; }

# unload: a process that was just killed may still hold the module, so its end is
# awaited, and nothing longer.
unload()
{
	[ -d /sys/module/oriel ] || fail "the module is not loaded" || return
	await unused || fail "the module's use count is $(use_count)" || return
	rmmod oriel
}

use_count() { echo "$(</sys/module/oriel/refcnt)"; }
unused() { [ "$(</sys/module/oriel/refcnt)" = 0 ]; }

# pause SECONDS: sleep.
pause() { read -r -t "$1" -u 8 || :; }

# await COMMAND...: until it succeeds, for $patience seconds.
await()
{
	local end=$((SECONDS + patience))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		pause 0.1
	done
}

# start_guest NAME ACTION [OPTION]...: a Linux guest whose init does ACTION; its
# console goes to $work/NAME, its launcher's process is ${guest[NAME]}.
declare -A guest=()
start_guest()
{
	local name=$1 action=$2
	shift 2

	: >"$work/$name"
	"$oriel" run "$guest_kernel" --initrd "$initramfs" -m 128M \
		--device "$device" --append "console=ttyS0 quiet panic=-1 -- $action" \
		"$@" <&8 >"$work/$name" 2>&1 &
	guest[$name]=$!
}

# says NAME TEXT: has the guest printed TEXT?
says()
{
	local console=''

	read -r -d '' console <"$work/$1"
	[[ $console == *"$2"* ]]
}

# await_guest NAME TEXT: until it does; fails with its output when it ends first.
await_guest()
{
	await guest_said_or_died "$@" && says "$@" && return
	fail "guest $1 did not print: $2" || show_guest "$1"
	return 1
}

guest_said_or_died() { says "$@" || ! guest_lives "$1"; }
guest_lives() { kill -0 "${guest[$1]}" 2>/dev/null; }

show_guest() { sed 's/^/# | /' "$work/$1"; }

# end_guest NAME STATUS: its launcher ends by itself with STATUS.
end_guest()
{
	local status=0

	await guest_gone "$1" || fail "guest $1 does not end" ||
		{ show_guest "$1"; return 1; }
	wait "${guest[$1]}" || status=$?
	unset "guest[$1]"
	[ $status = "$2" ] && return
	fail "the launcher of guest $1 ended with $status, expected $2" ||
		show_guest "$1"
	return 1
}

guest_gone()
{
	local stat

	read -r stat 2>/dev/null <"/proc/${guest[$1]}/stat" || return 0
	[[ $stat == *') Z '* ]]
}

stop_guests()
{
	local name

	for name in "${!guest[@]}"; do
		kill -9 "${guest[$name]}" 2>/dev/null
		wait "${guest[$name]}" 2>/dev/null
		unset "guest[$name]"
	done
}

# still_works NAME: the guest, busy with "work", makes progress from here on.
still_works()
{
	local before

	count_rounds "$1"
	before=$rounds
	await more_rounds "$1" $((before + 3)) && return
	fail "guest $1 stopped after round $before" || show_guest "$1"
	return 1
}

# count_rounds NAME: sets $rounds to the last that the guest has told in a whole line.
count_rounds()
{
	local console=''

	read -r -d '' console <"$work/$1"
	console=${console%$'\n'*}
	rounds=0
	[[ $console != *'guest: round '* ]] || rounds=${console##*guest: round }
	rounds=${rounds%%[!0-9]*}
}

more_rounds()
{
	count_rounds "$1"
	[ "${rounds:-0}" -ge "$2" ]
}

# kernel_lines: what the module has said so far. The kernel's own complaints about
# foreign modules are not the module's.
kernel_lines() { dmesg | grep 'oriel: ' | grep -v 'tain\(ts\|ting\) kernel'; }

finish()
{
	stop_guests
	rm -rf "$work"
	[ $failures = 0 ]
}
