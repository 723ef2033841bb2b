# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Clients that plug devices and CPUs into a running guest, by QEMU's monitor.

client_plug_cpu()
{
	start_qemu vm -M pc -smp 1,maxcpus=2 "${direct[@]}" || return
	expect vm ' 1 CPU, ' || return
	hmp vm 'device_add host-x86_64-cpu,socket-id=0,core-id=1,thread-id=0' || return
	tell vm 'await test -d /sys/devices/system/cpu/cpu1' &&
		tell vm 'cd /sys/devices/system/cpu/cpu1; grep -q 1 online || echo 1 >online' &&
		tell vm 'nproc | grep -qx 2' && tell vm 'taskset 2 true' && power_off vm
}

client_plug_disk()
{
	start_qemu vm -M pc "${direct[@]}" || return
	expect vm 'guest: up' || return
	printf '%-1048576s' "a plugged disk" >"$work/plugged"
	qmp vm '{"execute": "blockdev-add", "arguments": {"driver": "raw", "node-name": "plugged",
		"file": {"driver": "file", "filename": "'"$work/plugged"'"}}}' ||
		fail "blockdev-add: $reply" || return
	hmp vm 'device_add virtio-blk-pci,drive=plugged,id=extra' || return
	tell vm 'await test -b /dev/vda && grep -q "a plugged disk" /dev/vda' &&
		tell vm 'echo changed | dd of=/dev/vda conv=notrunc,fsync' || return
	grep -q '^changed' "$work/plugged" || fail "what the guest wrote is not there" || return
	hmp vm 'device_del extra' && tell vm 'await test ! -e /dev/vda' && power_off vm
}

client_plug_nic()
{
	start_qemu vm -M pc "${direct[@]}" || return
	expect vm 'guest: up' && hmp vm 'netdev_add user,id=net' &&
		hmp vm 'device_add virtio-net-pci,netdev=net,id=nic' || return
	tell vm 'await test -d /sys/class/net/eth0' &&
		tell vm 'ifconfig eth0 10.0.2.15 && ping -c 3 -W 60 10.0.2.2' &&
		hmp vm 'device_del nic' && tell vm 'await test ! -e /sys/class/net/eth0' &&
		power_off vm
}
