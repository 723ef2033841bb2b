# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC2034,SC2154
#
# The ends of QEMU's channels in the host: ports of a virtio console device.
# 0 the terminal (hvc0), 1 the job's stdout, 2 its stderr, 3 its exit status,
# 4 window sizes ("rows columns" lines).

terminal=/dev/hvc0

open_channels()
{
	for module in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
		modprobe $module || die "cannot load $module"
	done
	# The ports are announced by a work item of the driver.
	tries=0
	while ! [ -c /dev/vport0p4 ]; do
		tries=$((tries + 1))
		[ $tries -lt 12000 ] || die "no virtio ports"
		usleep 10000
	done
}

watch_size()
{
	while read -r rows columns; do
		stty -F $terminal rows "$rows" cols "$columns"
	done </dev/vport0p4 &
	keep=$!
}

copy_streams()
{
	cat /lab/out >/dev/vport0p1 &
	keep=$!
	cat /lab/err >/dev/vport0p2 &
	keep="$keep $!"
}

send_status() { echo "$1" >/dev/vport0p3; }

power_off() { poweroff -f; }
