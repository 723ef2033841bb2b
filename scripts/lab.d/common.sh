# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What every host of the lab shares: options, what is packed for it, and how the
# command's end is judged. The host's script sets $host, $refused (options that it
# cannot honour) and $packages, its emulator's library defines
#   prepare         settings that depend on the options
#   base_modules    the kernel modules that every run has
#   host_config     lines for /lab/config
#   open_streams    what must be there before the emulator starts
#   start_emulator  start it; its process is $emulator
#   close_streams   after its end: print what is still to print
# and both end in main "$@".

# shellcheck source=scripts/lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"

here=$top/scripts/lab.d
cpus=1 mem='' timeout='' tty='' prefix='' kvm='' cpu='' append='' log=''
icount='' packed='' added=() emulator_args=() command=()
emulator='' stty='' timed_out='' watchdog=''

# parse OPTION...: see scripts/lab help.
parse()
{
	while [ $# -gt 0 ]; do
		case " ${refused-} " in
		*" $1 "*) die "the host $host cannot do $1" ;;
		esac
		case $1 in
		--cpus | --mem | --timeout | --kernel | --cpu | --append | --log | \
			--add | --qemu | --bochs)
			[ $# -ge 2 ] || die "$1 needs a value"
			;;&
		--cpus) cpus=$2; shift ;;
		--mem) mem=$2; shift ;;
		--timeout) timeout=$2; shift ;;
		--kernel) prefix=$2; shift ;;
		--cpu) cpu=$2; shift ;;
		--append) append+=" $2"; shift ;;
		--log) log=$2; shift ;;
		--add) added+=("$(realpath -s "$2")"); shift ;;
		--qemu | --bochs) emulator_args+=("$2"); shift ;;
		--kvm) kvm=1 ;;
		--tty) tty=1 ;;
		--shell) tty=1; command=(bash) ;;
		--icount) icount=1 packed=1 ;;
		--packed) packed=1 ;;
		--) shift; command=("$@"); return ;;
		*) die "unknown option: $1 (see: scripts/lab help)" ;;
		esac
		shift
	done
}

# quote WORD...: the words, quoted for any POSIX shell.
quote()
{
	local word space=

	for word; do
		printf "%s'%s'" "$space" "${word//\'/\'\\\'\'}"
		space=' '
	done
}

# module_list NAME...: the files of these modules and all they need.
module_list()
{
	local name

	for name; do
		PATH=$PATH:/sbin:/usr/sbin modprobe -C /dev/null -d "$kernel" \
			-S "$version" --show-depends "$name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u
}

# base_image OUT: the initramfs that every run shares: busybox, init, modules.
base_image()
{
	local tree=$tmp/base file modules out=$1

	modules=$tree/lib/modules/$version
	mkdir -p "$tree"/{bin,dev,proc,sys,lab,tmp,root,etc} "$modules"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	install -m 755 "$here/init" "$tree/init"
	host_files "$tree"
	while read -r file; do
		case $file in
		*.xz) xz -dc "$file" >"$modules/$(basename "$file" .xz)" ;;
		*) cp "$file" "$modules/" ;;
		esac
	done < <(module_list "${base_modules[@]}")
	cp "$kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$modules/"
	# A signature is verified, and symbols searched one by one, for seconds where
	# the CPU is slow.
	strip --strip-unneeded "$modules"/*.ko
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$tree" "$version"
	# Appears whole, in case another host starts now.
	pack "$tree" >"$out.$$"
	mv "$out.$$" "$out"
}

# add_path TREE PATH: copy PATH, the libraries of its programs and the
# interpreters of its scripts to TREE. A module goes without what only a debugger
# reads, which is most of it.
add_path()
{
	local tree=$1 path=$2 file library

	! [ -e "$tree$path" ] || [ -d "$path" ] || return 0
	mkdir -p "$tree${path%/*}"
	cp -aL "$path" "$tree${path%/*}/"
	while read -r file; do
		strip --strip-debug "$tree$file"
	done < <(find -L "$path" -type f -name '*.ko')
	while read -r file; do
		ldd "$file" 2>/dev/null |
			sed -n 's/.* => \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\).*/\1/p' |
			while read -r library; do
				mkdir -p "$tree${library%/*}"
				cp -L "$library" "$tree$library"
			done
		add_interpreter "$tree" "$file"
	done < <(find -L "$path" -type f -perm /111)
}

# add_interpreter TREE FILE: what FILE's "#!" names, busybox being there already.
add_interpreter()
{
	local line

	[ "$(head -c 2 "$2" | tr '\0' ' ')" = '#!' ] || return 0
	read -r line <"$2"
	line=${line#\#!}
	line=${line# }
	case ${line%% *} in
	/bin/busybox | /bin/sh) ;;
	*) add_path "$1" "${line%% *}" ;;
	esac
}

# pack_files TREE: what the command needs where it has no other files, with its own
# program unless busybox has that.
pack_files()
{
	local word program=''

	busybox --list | grep -qxF "${command[0]}" ||
		program=$(command -v "${command[0]}") || true
	mkdir -p "$1$PWD"
	for word in "$program" "${command[@]}" "${added[@]}"; do
		if [ -e "$word" ]; then
			add_path "$1" "$(realpath -s "$word")"
		fi
	done
}

# run_image OUT: what differs between runs: the job and, with --packed, its files.
run_image()
{
	local tree=$tmp/run rows=24 columns=80 name nine_p=1

	[ -z "$packed" ] || nine_p=''
	mkdir -p "$tree/lab"
	if [ -n "$tty" ]; then
		read -r rows columns < <(stty size)
		[ "$rows" != 0 ] || rows=24 columns=80
	fi
	[ -z "$packed" ] || pack_files "$tree"
	cat >"$tree/lab/config" <<-END
		nine_p=$nine_p
		tty=$tty
		rows=$rows
		columns=$columns
		kvm=$kvm
		modules_dir=$(quote "$kernel/lib/modules")
	END
	{
		for name in "${!ORIEL_@}" TERM LANG; do
			[ -z "${!name-}" ] || echo "export $name=$(quote "${!name}")"
		done
		echo "export ORIEL_LAB=$host HOME=/root"
		echo 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
		echo "cd $(quote "$PWD") || exit 126"
		echo "exec $(quote "${command[@]}")"
	} >"$tree/lab/job"
	pack "$tree" >"$1"
}

# The messages of a host that is not well.
bad_log='(^|[] ])(BUG|Oops|UBSAN|KASAN|KCSAN|INFO: (task|rcu|possible|suspicious|trying|lockdep))\b'
bad_log+='|WARNING: |Kernel panic|general protection fault|rcu: .*(stall|detected)'
bad_log+='|soft lockup|hard LOCKUP|self-detected stall|blocked for more than'
bad_log+='|unchecked MSR access|Bad page|Bad rss-counter|refcount_t:|cut here'
bad_log+='|scheduling while atomic|double free|list_(add|del) corruption'
bad_log+='|nobody cared|Tainted:.*W|possible circular locking'
bad_log+='|ODEBUG:|pagealloc: |memory corruption|detected buffer overflow|usercopy: '

# own_log: the kernel's log from the lab's first line on. What the kernel thinks of
# an emulated machine while it starts is not the command's.
own_log() { sed -n '/lab: started/,$p' "$tmp/console"; }

# judge: the exit status, from the job's, the log, and how the emulator ended.
judge()
{
	local status=''

	! [ -s "$tmp/status" ] || read -r status <"$tmp/status"
	if [ -n "$timed_out" ]; then
		say "time-out after $timeout s"
		status=124
	elif [ -z "$status" ]; then
		say "the host died before the command ended"
		status=125
	elif own_log | grep -qaE "$bad_log"; then
		say "the command ended with $status; the host's kernel log is not clean:"
		own_log | grep -aE -m 10 "$bad_log" >&2
		[ "$status" != 0 ] || status=123
	else
		return "$status"
	fi
	{
		echo "---- the host's kernel log ----"
		cat "$tmp/console"
		emulator_log
		echo "---- end of the log ----"
	} >&2
	return "$status"
}

finish()
{
	[ -z "$emulator" ] || kill -9 "$emulator" 2>/dev/null || true
	[ -z "$stty" ] || stty "$stty" 2>/dev/null || true
	[ -z "$log" ] || cp "$tmp/console" "$log" 2>/dev/null || true
	rm -rf "$tmp"
}

# came_up: did the host get as far as its first process? Until then nothing of the
# command's has run.
came_up()
{
	[ -n "$timed_out" ] || [ -s "$tmp/status" ] || grep -qa 'lab: started' "$tmp/console"
}

# start_watchdog: it ends a host that takes too long, and one that hangs before its first
# process, as Linux does when an emulator under load loses a timer's interrupt.
boot_limit=240
start_watchdog()
{
	(
		SECONDS=0 started=
		while [ $SECONDS -lt "$timeout" ]; do
			sleep 1
			[ -n "$started" ] || ! came_up || started=1
			[ -n "$started" ] || [ $SECONDS -lt $boot_limit ] || break
		done
		[ $SECONDS -lt "$timeout" ] || : >"$tmp/timed-out"
		kill "$emulator"
		sleep 5
		kill -9 "$emulator"
	) >/dev/null 2>&1 &
	watchdog=$!
}

# run: start the emulator and wait for it, the time-out, or a signal.
run()
{
	: >"$tmp/console"
	: >"$tmp/status"
	open_streams
	start_emulator
	[ -z "$timeout" ] || start_watchdog
	while kill -0 "$emulator" 2>/dev/null; do
		wait "$emulator" || true
	done
	emulator=
	if [ -n "$timeout" ]; then
		kill "$watchdog" 2>/dev/null || true
		! [ -e "$tmp/timed-out" ] || timed_out=1
	fi
	close_streams
}

# main OPTION...: all of it. The host's exit status is the script's.
main()
{
	local base file tries=3

	parse "$@"
	[ ${#command[@]} != 0 ] || die "no command (see: scripts/lab help)"
	[ -z "$tty" ] || [ -t 0 ] || die "--tty and --shell need a terminal"
	[ -n "$tty" ] || timeout=${timeout:-600}

	need_packages busybox-static cpio kmod xz-utils binutils "${packages[@]}"
	prepare
	version=${kernel##*/}
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/oriel-lab.XXXXXX")
	trap finish EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	base=$build/lab/$family-$version.cpio
	for file in "$here/$family"* "$here/common.sh" "$here/init" "$kernel"; do
		! [ "$file" -nt "$base" ] || { base_image "$base"; break; }
	done
	run_image "$tmp/run.cpio"
	cat "$base" "$tmp/run.cpio" >"$tmp/initrd"
	[ -z "$tty" ] || stty=$(stty -g)
	run
	while ! came_up && [ $((tries -= 1)) -gt 0 ]; do
		say "the host did not start; once more, after this:"
		{ tail -n 20 "$tmp/console"; emulator_log; } >&2
		run
	done
	judge
}
