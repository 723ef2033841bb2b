# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# How the client tests run QEMU: its monitor (QMP) over a pair of pipes, the guest's
# serial console, and what is awaited of both. On the (emulated) host as root, with the
# top of the tree as the current folder.

set -u
clients=build/clients
guest_kernel=${ORIEL_GUEST_KERNEL-}
scratch=$(mktemp -d)
# A case's files.
work=$scratch/case
mkdir "$work"
# To wait without a process: where the host is emulated each costs dearly.
mkfifo "$scratch/silence"
exec 8<>"$scratch/silence"
# A hang's bound, in seconds: nothing is timed.
patience=300

declare -A qemu=() successes=() keyboard=() asks=() answers=()

# fail TEXT: a case says why, and returns.
fail() { echo "# $*"; return 1; }

# start_qemu NAME [ARGUMENT]...: QEMU on the node /dev/kvm; the console's text is in
# $work/NAME.console.
start_qemu()
{
	local name=$1 path=$work/$1
	shift

	mkfifo "$path".{keyboard,qmp.in,qmp.out}
	open_pipe keyboard "$name" "$path.keyboard"
	open_pipe asks "$name" "$path.qmp.in"
	open_pipe answers "$name" "$path.qmp.out"
	qemu-system-x86_64 -accel kvm -cpu host -m 256M -display none -nodefaults \
		-no-user-config -chardev stdio,id=serial,signal=off -serial chardev:serial \
		-chardev "pipe,id=qmp,path=$path.qmp" -mon chardev=qmp,mode=control \
		"$@" <"$path.keyboard" >"$path.console" 2>"$path.errors" &
	qemu[$name]=$!
	qmp "$name" '{"execute": "qmp_capabilities"}' && return
	fail "QEMU does not start"
	show "$name"
	return 1
}

# open_pipe ARRAY NAME PATH: the descriptor goes to ARRAY[NAME]. It is open in both
# directions, so that neither end waits for the other.
open_pipe()
{
	local -n array=$1
	local fd

	exec {fd}<>"$3"
	array[$2]=$fd
}

# Arguments for a guest whose kernel QEMU itself loads. On a busy machine it may not run
# for many seconds: it must not say so among what it counts.
direct=(-kernel "$guest_kernel" -initrd "$clients/initramfs.cpio"
	-append "console=ttyS0 quiet panic=-1 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=240")

# alive NAME: is its process there, and no zombie?
alive()
{
	local stat

	read -r stat 2>/dev/null <"/proc/${qemu[$1]}/stat" && [[ $stat != *') Z '* ]]
}

# qmp NAME COMMAND: QEMU's answer is in $reply; fails when it is an error.
qmp()
{
	local name=$1 tries=0 part line=''

	reply=
	printf '%s\n' "${2//[$'\n\t']/}" >&"${asks[$name]}"
	until [[ $reply == *'"return"'* || $reply == *'"error"'* ]]; do
		[ $tries -lt "$patience" ] && alive "$name" || return 1
		# When the time is up, what has come of a line is read too.
		if read -r -t 1 -u "${answers[$name]}" part; then
			reply=$line$part line=''
		else
			line+=$part tries=$((tries + 1))
		fi
	done
	[[ $reply == *'"return"'* ]]
}

# hmp NAME COMMAND: by the human's monitor, which says nothing when all is well.
hmp()
{
	if qmp "$1" '{"execute": "human-monitor-command", "arguments":
		{"command-line": "'"$2"'"}}' && [[ $reply == *'"return": ""'* ]]; then
		return 0
	fi
	fail "$2: $reply"
}

# await COMMAND...: until it succeeds.
await()
{
	local end=$((SECONDS + patience))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.3 -u 8
	done
	return 0
}

# times NAME TEXT: sets $times to how often the console has it.
times()
{
	local rest

	read -r -d '' rest <"$work/$1.console"
	times=0
	while [[ $rest == *"$2"* ]]; do
		rest=${rest#*"$2"}
		times=$((times + 1))
	done
}

# said NAME TEXT N: has the console TEXT N times, or has QEMU gone?
said()
{
	times "$1" "$2"
	[ $times -ge "$3" ] || ! alive "$1"
}

# expect NAME TEXT [N]: wait until the console has TEXT, N times.
expect()
{
	await said "$1" "$2" "${3-1}"
	times "$1" "$2"
	[ $times -ge "${3-1}" ] && return
	fail "on the console ${3+$3 times }there is no: $2"
	show "$1"
	return 1
}

# type_line NAME LINE: at its console.
type_line() { printf '%s\n' "$2" >&"${keyboard[$1]}"; }

# tell NAME COMMAND: the guest's init runs it, and reports.
tell()
{
	local reports

	times "$1" ' is the status'
	reports=$((times + 1))
	type_line "$1" "$2"
	expect "$1" ' is the status' $reports || return
	times "$1" 'guest: 0 is the status'
	successes[$1]=$((${successes[$1]-0} + 1))
	[ $times = "${successes[$1]}" ] && return
	fail "in the guest, failed: $2"
	show "$1"
	return 1
}

# finish NAME: QEMU ends by itself, with status 0.
finish()
{
	local status=0

	if ! await ended "$1"; then
		fail "QEMU does not end"
		show "$1"
		return 1
	fi
	wait "${qemu[$1]}" || status=$?
	unset "qemu[$1]"
	[ $status = 0 ] && return
	fail "QEMU ended with $status"
	show "$1"
	return 1
}

ended() { ! alive "$1"; }

power_off() { type_line "$1" 'poweroff -f'; finish "$1"; }

show()
{
	tail -n 40 "$work/$1.console" | tr -d '\r' | sed 's/^/# | /'
	sed 's/^/# qemu: /' "$work/$1.errors"
}

# stop_all: the end of a case, whatever its result.
stop_all()
{
	local name fd

	for name in "${!qemu[@]}"; do
		kill -9 "${qemu[$name]}" 2>/dev/null
		wait "${qemu[$name]}" 2>/dev/null
	done
	for fd in "${keyboard[@]}" "${asks[@]}" "${answers[@]}"; do
		exec {fd}>&-
	done
	qemu=() successes=() keyboard=() asks=() answers=()
	rm -rf "$work"
	mkdir "$work"
}

# disk: a copy of the disk to write to; sets $disk to QEMU's arguments.
disk()
{
	cp "$clients/disk.qcow2" "$work/disk.qcow2"
	disk=(-drive "if=none,id=disk,file=$work/disk.qcow2,format=qcow2"
		-device "${1-virtio-blk-pci},drive=disk")
}

# counts CONSOLE...: check that the counter's lines in the consoles, one after another,
# have every step once. The last line may be a part of one.
counts()
{
	cat "$@" | tr -d '\r' | sed '$d' | awk '
		/^count [0-9]+$/ {
			if (steps++ && $2 != last + 1) {
				printf "# step %d follows %d\n", $2, last
				bad = 1
			}
			last = $2
			next
		}
		steps { print "# among the steps: " $0; bad = 1 }
		END { if (!steps) print "# no steps"; exit bad || !steps }'
}

# last_count NAME: sets $last to the last whole step on its console.
last_count()
{
	local text

	read -r -d '' text <"$work/$1.console"
	text=${text%count *}
	text=${text##*count }
	last=${text%%[!0-9]*}
}

stood_still()
{
	local before

	last_count "$1"
	before=$last
	sleep 2
	last_count "$1"
	[ "$before" = "$last" ]
}

# stands_still NAME: it has been stopped. What it said before may still be on its way.
stands_still() { await stood_still "$1" || fail "it counts while it does not run"; }

# counted NAME N: has it come to step N?
counted()
{
	last_count "$1"
	[ "${last:-0}" -ge "$2" ]
}
