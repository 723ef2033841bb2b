#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The host goes through a suspend, up to the point where the machine would lose
# power and back, while a guest with two vCPUs runs. All but one of the host's CPUs
# go offline meanwhile. Needs no more than busybox: the host has none of the
# machine's files then. No emulated machine resets its TSC in a suspend: the unit
# test guest/test_clock covers that case.

out=/tmp/guest

# await COMMAND...: until it succeeds. The limit only bounds a hang.
await()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 3000 ] || return 1
		usleep 100000
	done
}

rounds() { [ "$(grep -c 'guest: round' $out)" -ge "$1" ]; }
unused() { [ "$(cat /sys/module/oriel/refcnt)" = 0 ]; }

test_guest_survives_suspend()
{
	local before

	insmod "${ORIEL_MODULE:-oriel.ko}" || return
	mkfifo /tmp/silence
	sleep 3600 >/tmp/silence &
	build/oriel run "$ORIEL_GUEST_KERNEL" --initrd build/guest/initramfs.cpio \
		-m 128M -c 2 --device "${ORIEL_DEVICE:-/dev/oriel}" \
		--append "console=ttyS0 quiet panic=-1 -- work" \
		</tmp/silence >$out 2>&1 &
	await rounds 1 || return
	grep -q ' 2 CPU,' $out || return
	# Tasks of a busy machine take their time to freeze.
	echo 120000 >/sys/power/pm_freeze_timeout
	echo core >/sys/power/pm_test
	echo mem >/sys/power/state || return
	before=$(grep -c 'guest: round' $out)
	await rounds $((before + 3)) || return
	kill -9 $!
	wait $! 2>/dev/null
	await unused && rmmod oriel
}

echo "KTAP version 1"
echo "1..1"
if test_guest_survives_suspend; then
	echo "ok 1 guest_survives_suspend"
else
	sed 's/^/# | /' $out
	echo "not ok 1 guest_survives_suspend"
	exit 1
fi
