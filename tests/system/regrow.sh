#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Large pages that were split for code grow back (regrow.c). The module looks for them once in a
# while; here it does so each second. The host needs its mitigations: mitigations=auto.
#   tests/system/regrow.sh

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

test_regrow()
{
	# Linux turns large pages off on a host with little memory.
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
	load regrow_period=60 || return
	build/tests/system/regrow -d "$device" | sed -u 's/^/    /'
	[ "${PIPESTATUS[0]}" = 0 ] || fail "they do not grow back"
	unload
}

plan 1
run_test test_regrow
finish
