# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# Code that all hosts of the lab share: it reads the options, packs files, runs the emulator and
# judges the end of the command. The host's script sets $host and $refused (options that it
# cannot honour), and ends in main "$@". The library of its emulator, qemu.sh or bochs.sh, sets
#   family          its name
#   packages        the Debian packages that it needs
#   base_modules    the kernel modules that every run has
# and defines the functions
#   prepare         settings that depend on the options; a QEMU host's script has its own
#   host_files DIR  put the emulator's files for init into DIR
#   open_streams    prepare the files and pipes that the emulator needs
#   start_emulator  start it; its process is $emulator
#   close_streams   after its end: print the rest of the output
#   emulator_log    print the emulator's messages

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

# quote WORD...: print the words, quoted for any POSIX shell.
quote()
{
	local word space=

	for word; do
		printf "%s'%s'" "$space" "${word//\'/\'\\\'\'}"
		space=' '
	done
}

# module_list NAME...: print the files of these modules and of all modules that they need.
module_list()
{
	local name

	for name; do
		PATH=$PATH:/sbin:/usr/sbin modprobe -C /dev/null -d "$kernel" \
			-S "$version" --show-depends "$name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u
}

# base_image OUT: make the initramfs that all runs share: busybox, init, modules.
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
	# Drop signatures and most symbols: a slow CPU would verify and search them for seconds.
	strip --strip-unneeded "$modules"/*.ko
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$tree" "$version"
	# The image appears complete, by a rename, because another host may start now.
	pack "$tree" >"$out.$$"
	mv "$out.$$" "$out"
}

# add_path TREE PATH: copy PATH, the libraries of its programs and the
# interpreters of its scripts to TREE. Strip a module of its debug information, which is
# most of it.
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

# add_interpreter TREE FILE: copy the interpreter that FILE's "#!" names, unless busybox is it.
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

# pack_files TREE: copy the files that the command needs on a host without other files: its
# program, unless busybox has it, the files that its arguments name, and those of --add.
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

# run_image OUT: make the initramfs of this run: the job and, with --packed, its files.
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

# Messages in the kernel log that mean an error.
bad_log='(^|[] ])(BUG|Oops|UBSAN|KASAN|KCSAN|INFO: (task|rcu|possible|suspicious|trying|lockdep))\b'
bad_log+='|WARNING: |Kernel panic|general protection fault|rcu: .*(stall|detected)'
bad_log+='|soft lockup|hard LOCKUP|self-detected stall|blocked for more than'
bad_log+='|unchecked MSR access|Bad page|Bad rss-counter|refcount_t:|cut here'
bad_log+='|scheduling while atomic|double free|list_(add|del) corruption'
bad_log+='|nobody cared|Tainted:.*W|possible circular locking'
bad_log+='|ODEBUG:|pagealloc: |memory corruption|detected buffer overflow|usercopy: '

# own_log: print the kernel's log from the lab's first line on. The messages before are about
# the emulated machine, not about the command.
own_log() { sed -n '/lab: started/,$p' "$tmp/console"; }

# judge: return the exit status, from the job's status, the log, and the end of the emulator.
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

# came_up: succeed if the host has started its first process. Before that, nothing of the
# command has run.
came_up()
{
	[ -n "$timed_out" ] || [ -s "$tmp/status" ] || grep -qa 'lab: started' "$tmp/console"
}

# start_watchdog: end a host that takes too long, or that hangs before its first process. Linux
# hangs there if an emulator under load loses an interrupt of a timer.
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

# main OPTION...: run a host from the options to the exit status.
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
