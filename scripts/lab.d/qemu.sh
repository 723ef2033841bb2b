# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# Hosts in QEMU's TCG, which has SVM with nested paging: sourced by their scripts
# after common.sh.

family=qemu
packages=(qemu-system-x86)
base_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay irqbypass kvm-amd)
streams=()

host_files() { cp "$here/qemu-init.sh" "$1/lab/host"; }

open_streams()
{
	if [ -n "$icount" ]; then
		: >"$tmp/out"
		: >"$tmp/err"
	elif [ -z "$tty" ]; then
		rm -f "$tmp/out" "$tmp/err"
		streams=()
		mkfifo "$tmp/out" "$tmp/err"
		cat "$tmp/out" & streams+=($!)
		cat "$tmp/err" >&2 & streams+=($!)
	fi
	rm -f "$tmp/size"
	mkfifo "$tmp/size"
	exec 9<>"$tmp/size"
	trap 'stty size >&9 2>/dev/null || true' WINCH
}

start_emulator()
{
	# shellcheck disable=SC2054 # the commas are QEMU's
	local args=(
		-cpu "${cpu:-max}" -smp "$cpus" -m "${mem:-${usual_mem:-3G}}" -display none -no-reboot
		-nodefaults -no-user-config -monitor none -nic none
		-kernel "$kernel/boot/vmlinuz-$version" -initrd "$tmp/initrd"
		-chardev "file,id=console,path=$tmp/console" -serial chardev:console
		-device virtio-serial-pci,max_ports=8
		-chardev "file,id=status,path=$tmp/status"
		-device virtserialport,nr=3,chardev=status
		-chardev "pipe,id=size,path=$tmp/size"
		-device virtserialport,nr=4,chardev=size
	)
	local options="console=ttyS0 loglevel=7 panic=-1 oops=panic"
	options+=" softlockup_panic=1 no_console_suspend mitigations=off${kernel_options-}"
	# A busy machine may not run a CPU of the host for many seconds, while the host's time
	# goes on. That is no hang, and neither is a timer that is late at the start.
	options+=" watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=240 no_timer_check"

	# shellcheck disable=SC2054
	if [ -n "$icount" ]; then
		args+=(-accel tcg,thread=single -icount shift=0,sleep=off
			-rtc base=2024-01-01,clock=vm -seed 1)
		options+=" norandmaps nokaslr"
	else
		args+=(-accel tcg,thread=multi)
	fi
	# shellcheck disable=SC2054
	if [ -z "$packed" ]; then
		args+=(-virtfs
			local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap)
	fi
	# shellcheck disable=SC2054
	if [ -n "$tty" ]; then
		args+=(-chardev stdio,id=tty,signal=off
			-device virtconsole,nr=0,chardev=tty)
		exec 3<&0 4>&1
	else
		args+=(-chardev "file,id=out,path=$tmp/out"
			-device virtserialport,nr=1,chardev=out
			-chardev "file,id=err,path=$tmp/err"
			-device virtserialport,nr=2,chardev=err)
		exec 3</dev/null 4>"$tmp/qemu"
	fi
	args+=(-append "$options$append" "${emulator_args[@]}")
	qemu-system-x86_64 "${args[@]}" <&3 >&4 2>"$tmp/qemu" &
	emulator=$!
}

close_streams()
{
	if [ -n "$icount" ]; then
		cat "$tmp/out"
		cat "$tmp/err" >&2
	elif [ ${#streams[@]} != 0 ]; then
		# If QEMU has failed early, it has not opened the other end of the pipes: open it.
		: <>"$tmp/out" <>"$tmp/err"
		wait "${streams[@]}" || true
	fi
}

emulator_log() { cat "$tmp/qemu"; }
