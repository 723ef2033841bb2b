# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# libvirt's daemon, virtinst's domain and virsh, as root on an emulated host, whose /etc and
# /var are thrown away.

# What has no part in this, or is not there without systemd, is turned off; so is the
# ownership of files, as QEMU runs as root.
# Debian's package libvirt-daemon-system, which wants systemd, would make the user.
configure_libvirt()
{
	mkdir -p /etc/libvirt
	if ! grep -q '^libvirt-qemu:' /etc/passwd; then
		echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
		echo 'libvirt-qemu:x:64055:' >>/etc/group
	fi
	cat >/etc/libvirt/qemu.conf <<-'END'
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		security_driver = "none"
		cgroup_controllers = []
		namespaces = []
		stdio_handler = "file"
	END
	cat >"$work/libvirtd.conf" <<-'END'
		auth_unix_rw = "none"
		log_level = 3
	END
}

# It asks each QEMU that it finds what it can do, which takes seconds; one is enough.
start_libvirtd()
{
	configure_libvirt
	mkdir "$work/bin"
	ln -s /usr/bin/qemu-{system-x86_64,img} "$work/bin/"
	PATH=$work/bin:/usr/sbin:/sbin libvirtd -f "$work/libvirtd.conf" -p "$work/libvirtd.pid" >"$work/libvirtd.log" 2>&1 8>&- &
	libvirtd=$!
	await libvirtd_answers && [ -S $socket ] && return
	fail "libvirtd does not start"
	show_libvirt
	return 1
}

socket=/run/libvirt/libvirt-sock
libvirtd_answers() { [ -S $socket ] || ! kill -0 "$libvirtd" 2>/dev/null; }

show_libvirt()
{
	tail -n 20 "$work/libvirtd.log" | sed 's/^/# libvirtd: /'
	[ ! -e /var/log/libvirt/qemu/oriel.log ] ||
		tail -n 20 /var/log/libvirt/qemu/oriel.log | sed 's/^/# qemu: /'
}

stop_libvirtd()
{
	kill "$libvirtd" 2>/dev/null
	wait "$libvirtd"
}

# virsh ARGUMENT...: its output is in $said; a failure is told with it.
virsh()
{
	said=$(command virsh -q "$@" 2>&1 </dev/null 8>&-) && return
	fail "virsh $*: $said"
	show_libvirt
	return 1
}

# The domain as virtinst makes it, with a disk and a console in pipes.
make_domain()
{
	cp "$clients/disk.qcow2" "$work/disk.qcow2"
	mkfifo "$work"/vm.{in,out}
	open_pipe keyboard vm "$work/vm.in"
	cat <>"$work/vm.out" >"$work/vm.console" 8>&- &
	drain=$!
	virt-install --connect qemu:///system --virt-type kvm --name oriel --memory 256 \
		--vcpus 2 --osinfo generic --import --network none --graphics none \
		--disk "path=$work/disk.qcow2,format=qcow2,bus=virtio" \
		--serial "pipe,source.path=$work/vm" --print-xml \
		</dev/null >"$work/oriel.xml" 2>"$work/virtinst.log" 8>&- && return
	sed 's/^/# virt-install: /' "$work/virtinst.log"
	return 1
}

# Its QEMU, as the library knows it.
adopt()
{
	# shellcheck disable=SC2034 # lib.sh looks at it
	qemu[vm]=$(</run/libvirt/qemu/oriel.pid)
	: >"$work/vm.errors"
}

# state STATE: is the domain in it?
state()
{
	virsh domstate oriel || return
	[ "$said" = "$1" ] || fail "the domain's state is $said, not $1"
}

listed()
{
	virsh list || return
	[[ $said == *oriel*running* ]] || fail "virsh list: $said"
}

# goes_on: fifty steps more.
goes_on()
{
	last_count vm
	await counted vm $((last + 50)) && return
	fail "it does not go on after $last"
	show vm
	return 1
}

client_libvirt()
{
	local libvirtd drain said status=0

	[ -n "${ORIEL_LAB-}" ] || fail "it writes to /etc: only on an emulated host" || return
	start_libvirtd || return
	libvirt_domain || status=$?
	command virsh -q destroy oriel >/dev/null 2>&1
	kill "$drain" 2>/dev/null
	stop_libvirtd
	return $status
}

libvirt_domain()
{
	make_domain && virsh define "$work/oriel.xml" && state 'shut off' &&
		virsh start oriel && adopt && listed && expect vm 'guest: up' || return
	type_line vm counter
	await counted vm 20 || fail "it does not count" || { show vm; return 1; }
	virsh suspend oriel && state paused && stands_still vm &&
		virsh resume oriel && state running && goes_on || return
	virsh snapshot-create oriel && goes_on && virsh snapshot-list oriel --name || return
	[[ $said =~ ^[0-9]+$ ]] || fail "the snapshots are: $said" || return
	virsh save oriel "$work/saved" && state 'shut off' && stands_still vm || return
	virsh restore "$work/saved" && adopt && state running && goes_on || return
	virsh destroy oriel && state 'shut off' && unset 'qemu[vm]' || return
	virsh undefine oriel --snapshots-metadata && counts "$work/vm.console"
}
