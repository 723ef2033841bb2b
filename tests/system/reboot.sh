#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Resets the host while a guest runs. There is nobody left to report: the runner
# reads the host's kernel log.

# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

load || exit
start_guest busy work
await_guest busy "guest: round" || exit
busybox reboot -f
fail "the host is still there"
