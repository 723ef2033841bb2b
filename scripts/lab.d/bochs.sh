# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# Hosts in Bochs, which has VMX and SVM: sourced by their scripts after common.sh. $cpu is
# the CPU model. There is no BIOS: the ROM of bochs-rom.S jumps into the kernel. The kernel
# and the initramfs are in RAM from the start.

family=bochs
packages=(bochs gcc libc6-dev python3-minimal vgabios)
base_modules=(irqbypass kvm-intel kvm-amd)
refused='--qemu'
# Instructions in a second of the host's clocks. A tick is an instruction.
ips=50000000
packed=1

prepare()
{
	if [ "$prefix" = small ]; then
		kernel=$(built_kernel small)
	else
		kernel=$(kernel_dir "$prefix")
	fi
	vmlinux=$(vmlinux "$kernel")
	memory=$(megabytes "${mem:-512M}")
	[ "$memory" -le 3072 ] || die "a host in Bochs has no more than 3G"
	[ "$cpus" -le 8 ] || die "a host in Bochs has no more than 8 CPUs"
}

# megabytes SIZE: print SIZE, a number with the suffix M or G, in MiB.
megabytes()
{
	case $1 in
	*[!0-9]*[MG] | [MG]) die "not a size: $1" ;;
	*M) echo "${1%M}" ;;
	*G) echo $((${1%G} * 1024)) ;;
	*) die "not a size: $1 (such as 512M, 2G)" ;;
	esac
}

host_files()
{
	cp "$here/bochs-init.sh" "$1/lab/host"
	gcc -O2 -Wall -static -s -o "$1/lab/port" "$here/bochs-port.c"
}

# hidden_features: print the features that the kernel must not use. In Bochs 2.7 XSAVES and
# XSAVEC have wrong sizes and lose state under SVM, and MWAITX does not end by itself. RDRAND
# and RDSEED are seeded by the clock, so no run would be like the one before.
hidden_features()
{
	printf 'rdrand,rdseed,xsaves,xsavec'
	[ "$cpu" != ryzen ] || printf ',mwaitx'
}

kernel_arguments()
{
	local options="console=ttyS0,115200 loglevel=5 panic=-1 oops=panic reboot=t"

	options+=" softlockup_panic=1 no_console_suspend mitigations=off norandmaps"
	# The frequency in CPUID is wrong. MWAIT loses wake-ups between CPUs.
	options+=" tsc_early_khz=$((ips / 1000)) tsc=reliable idle=nomwait"
	# These take seconds and show nothing here.
	options+=" cryptomgr.notests nowatchdog rodata=off"
	echo "$options clearcpuid=$(hidden_features)$append"
}

configuration()
{
	cat <<-END
		config_interface: textconfig
		display_library: rfb, options="timeout=0"
		memory: guest=$memory, host=$memory
		romimage: file=$tmp/rom
		vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
		optramimage1: file=$tmp/ram, address=0x0
		cpu: model=$cpu, count=$cpus, ips=$ips, quantum=16, reset_on_triple_fault=0
		clock: sync=none, time0=1700000000
		vga: extension=none, update_freq=1, realtime=0
		com1: enabled=1, mode=file, dev=$tmp/console
		port_e9_hack: enabled=1
		plugin_ctrl: biosdev=0, parallel=0, gameport=0, speaker=0, iodebug=0
		floppya: type=none
		ata0: enabled=0
		ata1: enabled=0
		log: $tmp/bochs
		debug: action=ignore
		info: action=ignore
		error: action=report
		panic: action=fatal
	END
	[ -z "$tty" ] || echo "com2: enabled=1, mode=term, dev=$(tty)"
	[ ${#emulator_args[@]} = 0 ] || printf '%s\n' "${emulator_args[@]}"
}

open_streams()
{
	gcc -c -x assembler-with-cpp -o "$tmp/rom.o" "$here/bochs-rom.S"
	ld -Ttext 0 --oformat binary -e 0 -o "$tmp/rom" "$tmp/rom.o"
	"$here/bochs-image" "$tmp/ram" "$vmlinux" "$memory" "$cpus" \
		"$(kernel_arguments)" "$tmp/initrd" || exit 122
	configuration >"$tmp/bochsrc"
	# Debian's package has the debugger, which waits for this command.
	echo c >"$tmp/commands"
	: >"$tmp/log"
	rm -f "$tmp/streams"
	mkfifo "$tmp/streams"
	"$here/bochs-streams" "$tmp/status" "$tmp/log" <"$tmp/streams" &
	streams=$!
}

# Bochs' display listens on a TCP port that another Bochs may have, so each gets a network
# namespace of its own, if that is allowed.
start_emulator()
{
	local apart=(unshare -rn)

	"${apart[@]}" true 2>/dev/null || apart=()
	"${apart[@]}" bochs-bin -q -f "$tmp/bochsrc" -rc "$tmp/commands" \
		</dev/null >"$tmp/streams" 2>"$tmp/stderr" &
	emulator=$!
}

# Put the log together: a host that has ended properly has sent all of it.
close_streams()
{
	wait "$streams" || true
	tr -d '\r' <"$tmp/console" >"$tmp/warnings"
	if [ -s "$tmp/log" ]; then
		sed -n '/lab: started/,$p' "$tmp/warnings" >>"$tmp/log"
	else
		mv "$tmp/warnings" "$tmp/log"
	fi
	mv "$tmp/log" "$tmp/console"
}

# Print Bochs' own messages, which name the field that fails a VM entry, for example. Leave
# out unknown MSRs and EPT violations, which are no errors.
emulator_log()
{
	echo "---- what Bochs says ----"
	grep -avE 'RDMSR|WRMSR|VMEXIT' "$tmp/bochs" | tail -n 60
	grep -av '^0*i' "$tmp/stderr"
}
