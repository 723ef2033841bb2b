// SPDX-License-Identifier: GPL-2.0-only
/* oriel check: prints if this machine can run guests, and a command that helps if it cannot. */
#include "cli/command.h"

#include "base/diag.h"
#include "cli/host_facts.h"
#include "base/stop.h"

#include <stdio.h>

int cmd_check(int argc, char **argv)
{
	struct host_facts facts;

	if (argc > 1) {
		diag_error("check %s: check takes no arguments", argv[1]);
		return EXIT_STATUS_USAGE;
	}
	host_facts_gather(&facts);
	return host_facts_report(&facts, stdout) ? 0 : EXIT_STATUS_ERROR;
}
