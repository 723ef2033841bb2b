#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The least that every host must show: the module loads, a Linux guest boots and
# powers off, the module goes.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

test_module_loads() { load; }

test_linux_boots_and_powers_off()
{
	start_guest linux poweroff
	await_guest linux "userspace reached" && end_guest linux 0
}

test_module_unloads() { unload; }

plan 3
run_test test_module_loads
run_test test_linux_boots_and_powers_off
run_test test_module_unloads
finish
