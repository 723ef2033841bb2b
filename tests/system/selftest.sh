#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# oriel check --selftest on a host: it loads the module and finds its tests, and it reports tests
# that fail, hang, or make the kernel complain. It runs a few of the real tests, as all of them
# run in the suite guest and in the group raw, and some scripts that misbehave.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

# Lay out the launcher and its tests as make install does.
installed=$work/installed
tests=$installed/lib/oriel/selftest
mkdir -p "$installed/bin" "$tests/guest" "$tests/system"
cp "$oriel" "$installed/bin/oriel"
cp build/tests/guest/{options,cpuid.elf,mmiostack.elf,smp.elf,triplefault.elf} "$tests/guest"
cp build/tests/system/stats "$tests/system"

# program NAME COMMAND...: a script in place of a program that uses the node.
program()
{
	printf '#!/bin/sh\n%s\n' "${*:2}" >"$work/program"
	chmod +x "$work/program"
	mv "$work/program" "$tests/system/$1"
}

# selftest [ARGUMENT]...: run it with $module, and keep its output and status.
selftest()
{
	status=0
	"$installed/bin/oriel" check --selftest --module "$module" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
}

# ended STATUS: the self test has ended with STATUS.
ended()
{
	[ "$status" = "$1" ] && return
	sed 's/^/# | /' "$work/out" "$work/err"
	fail "it ended with $status, expected $1"
}

# printed PATTERN...: its output has a line of each pattern.
printed()
{
	local pattern

	for pattern; do
		grep -qE "$pattern" "$work/out" "$work/err" && continue
		sed 's/^/# | /' "$work/out" "$work/err"
		fail "no line $pattern" || return
	done
}

module_is_there() { [ -d /sys/module/oriel ]; }

# Its output is a part of this one, so tests/run counts it.
test_all_pass_and_the_module_goes()
{
	selftest
	sed 's/^/    /' "$work/out"
	ended 0 && printed '^1\.\.8$' '^ok 1 module\.load$' '^ok 2 guest\.cpuid # cases: ' \
		'^ok 6 raw\.stats # cases: ' '^ok 7 module\.unload$' '^ok 8 kernel\.log$' \
		'^# Totals: pass:8 fail:0 skip:0$' '^# kernel: Linux ' '^# vendor_id: ' \
		'^# microcode: ' '^# hypervisor bit: ' '^# not affected by: ' '^# module: .*oriel.ko' ||
		return
	! module_is_there || fail "the module is still loaded" || return
	# If a test ended the machine, the log's last line would name it.
	dmesg | grep -q 'oriel check: guest\.cpuid$' || fail "the log does not name the tests"
}

test_loaded_module_stays()
{
	load || return
	selftest --skip guest.smp=why
	ended 0 && printed '^ok 1 module\.load # SKIP' '^ok 4 guest\.smp # SKIP why$' \
		'^ok 7 module\.unload # SKIP' || return
	module_is_there || fail "the module is gone"
	unload
}

test_module_not_found()
{
	status=0
	"$installed/bin/oriel" check --selftest >"$work/out" 2>"$work/err" || status=$?
	ended 1 && printed 'there is no oriel\.ko .*; type: make module' || return
	! [ -s "$work/out" ] || fail "there is output"
}

# modprobe loads it, from a folder of modules that has no other.
test_installed_module()
{
	local modules
	modules=/lib/modules/$(uname -r)

	mkdir -p "$work/root$modules/updates" "$modules"
	cp "$module" "$work/root$modules/updates/oriel.ko"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$work/root" "$(uname -r)" 2>/dev/null
	mount --bind "$work/root$modules" "$modules" || fail "no mount" || return
	status=0
	"$installed/bin/oriel" check --selftest guest.cpuid >"$work/out" 2>"$work/err" || status=$?
	umount "$modules"
	ended 0 && printed "^# module: $modules/updates/oriel.ko" '^ok 1 guest\.cpuid' || return
	! module_is_there || fail "the module is still loaded"
}

test_module_that_does_not_load()
{
	echo "no module" >"$work/bad.ko"
	selftest --module "$work/bad.ko"
	ended 1 && printed '^# oriel: .*bad\.ko: not loaded: it was built for another kernel' \
		'^1\.\.8$' '^not ok 1 module\.load$' '^Bail out! '
}

test_bad_arguments()
{
	local arguments

	for arguments in guest.none "--timeout 0" "--skip none" --what; do
		# shellcheck disable=SC2086 # two words
		selftest $arguments
		ended 2 && printed '^oriel: ' || return
		! [ -s "$work/out" ] || fail "there is output" || return
	done
	selftest --tests "$work"
	ended 1 && printed 'has no guests; type: make selftest|guest/options'
}

test_no_permission()
{
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)

	chmod 755 "$work"
	status=0
	"${as[@]}" "$installed/bin/oriel" check --selftest --module "$module" \
		>"$work/out" 2>"$work/err" || status=$?
	ended 1 && printed 'only root may load it; type: sudo oriel check --selftest' || return
	load || return
	status=0
	"${as[@]}" "$installed/bin/oriel" check --selftest >"$work/out" 2>"$work/err" || status=$?
	if ! ended 1 || ! printed "$device: no permission; type: "; then
		unload
		return 1
	fi
	# Without root, the kernel's log cannot be read.
	chmod 666 "$device"
	"${as[@]}" "$installed/bin/oriel" check --selftest --skip guest.smp=why \
		>"$work/out" 2>"$work/err" || status=$?
	unload && printed '^ok 6 raw\.stats' '^ok 8 kernel\.log # SKIP /dev/kmsg: ' \
		'^# Totals: pass:4 fail:0 skip:4$'
}

test_failure_is_reported()
{
	program bad 'echo 1..1; echo "not ok 1 it breaks"; exit 1'
	selftest raw
	rm "$tests/system/bad"
	ended 1 && printed '^    not ok 1 it breaks$' '^not ok 1 raw\.bad$' '^ok 2 raw\.stats' \
		'^# Totals: pass:1 fail:1 skip:0$'
}

# The program holds the node while it hangs, but not after its end.
test_hang_is_reported_and_ended()
{
	program hang "exec 3<$device; sleep 100000 & sleep 100000"
	selftest --timeout 5 raw.hang guest.cpuid
	rm "$tests/system/hang"
	ended 1 && printed '^ok 1 guest\.cpuid' '^not ok 2 raw\.hang # TIMEOUT' || return
	! module_is_there || fail "the module is still loaded"
}

test_complaint_of_the_kernel_fails_a_test()
{
	program shout 'echo "double fault: not a real one" >/dev/kmsg; echo 1..1; echo ok 1 all'
	selftest raw
	rm "$tests/system/shout"
	ended 1 && printed '^# kernel: double fault: not a real one$' '^not ok 1 raw\.shout$' \
		'^ok 2 raw\.stats'
}

plan 10
run_test test_all_pass_and_the_module_goes
run_test test_loaded_module_stays
run_test test_module_not_found
run_test test_installed_module
run_test test_module_that_does_not_load
run_test test_bad_arguments
run_test test_no_permission
run_test test_failure_is_reported
run_test test_hang_is_reported_and_ended
run_test test_complaint_of_the_kernel_fails_a_test
finish
