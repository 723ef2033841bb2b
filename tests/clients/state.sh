# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Clients that stop a running guest, keep its state, and go on with it: not one step of
# the counter that the guest writes may be lost, or come twice, while it changes memory and
# checks it.

# start_counter [ARGUMENT]...: a guest that counts; what its memory has lost it says among
# the steps.
start_counter()
{
	start_qemu vm -M pc "${direct[@]}" "$@" && expect vm 'guest: up' || return
	type_line vm 'churn & counter'
	await counted vm 20 || fail "it does not count" || { show vm; return 1; }
}

client_pause()
{
	start_counter && hmp vm stop && stands_still vm && hmp vm cont || return
	await counted vm $((last + 20)) || fail "it does not go on after $last" || return
	counts "$work/vm.console"
}

# The console's file is cut where the guest stopped, so that the restored guest's output
# follows the part that it had written when it was saved.
client_savevm()
{
	local size

	disk
	start_counter "${disk[@]}" && hmp vm stop && hmp vm 'savevm point' || return
	size=$(stat -c %s "$work/vm.console")
	last_count vm
	hmp vm cont && await counted vm $((last + 50)) || fail "it does not go on" || return
	hmp vm stop && head -c "$size" "$work/vm.console" >"$work/first" || return
	size=$(stat -c %s "$work/vm.console")
	hmp vm 'loadvm point' && hmp vm cont || return
	await grown "$((size + 500))" || fail "it does not go on after loadvm" || return
	hmp vm stop
	tail -c +$((size + 1)) "$work/vm.console" >"$work/second"
	counts "$work/first" "$work/second"
}

grown() { [ "$(stat -c %s "$work/vm.console")" -ge "$1" ]; }

migrated() { qmp vm '{"execute": "query-migrate"}' && [[ $reply == *'"status": "completed"'* ]]; }

client_migrate()
{
	start_counter || return
	start_qemu to -M pc "${direct[@]}" -incoming "unix:$work/socket" || return
	# It has to come to an end, how soon is not the question.
	hmp vm 'migrate_set_parameter downtime-limit 10000' || return
	qmp vm '{"execute": "migrate", "arguments": {"uri": "unix:'"$work/socket"'"}}' ||
		fail "migrate: $reply" || return
	await migrated || fail "the migration does not end: $reply" || return
	last_count vm
	await counted to $((last + 500)) || fail "it does not go on after $last" ||
		{ show vm; show to; return 1; }
	qmp to '{"execute": "query-status"}' && [[ $reply == *running* ]] || fail "$reply" || return
	hmp to stop
	counts "$work/vm.console" "$work/to.console"
}
