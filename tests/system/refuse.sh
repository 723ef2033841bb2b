#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module on a CPU below its floor: loading fails with one line that names what
# is missing. The argument is that name, as an extended regular expression.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

missing=$1

test_loading_is_refused()
{
	local out

	out=$(load 2>&1) && { fail "it loaded"; return 1; }
	echo "# $out"
	[ "$(kernel_lines | wc -l)" = 1 ] || fail "not one line: $(kernel_lines)" || return
	kernel_lines | grep -qE "$missing" || fail "the line: $(kernel_lines)" || return
	! [ -e "$device" ] || fail "$device is there" || return
	! grep -q '^oriel ' /proc/modules || fail "the module stayed"
}

test_check_says_why()
{
	local out

	out=$("$oriel" check 2>&1) && { fail "oriel check is content: $out"; return 1; }
	grep -qE "$missing" <<<"$out" || fail "oriel check said: $out"
}

test_selftest_says_why()
{
	local out

	out=$("$oriel" check --selftest --module "$module" 2>&1) &&
		{ fail "the self test is content: $out"; return 1; }
	[[ $out == *$'\nnot ok 1 module.load\nBail out! the module cannot be loaded' ]] || fail "the self test said: $out" || return
	grep -E '^# kernel: oriel: ' <<<"$out" | grep -qE "$missing" ||
		fail "the self test said: $out"
}

plan 3
run_test test_loading_is_refused
run_test test_check_says_why
run_test test_selftest_says_why
finish
