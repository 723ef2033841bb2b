// SPDX-License-Identifier: GPL-2.0-only
/* oriel check: prints if this machine can run guests, and a command that helps if it cannot. */
#include "cli/command.h"

#include "base/diag.h"
#include "cli/host_facts.h"
#include "base/stop.h"

#include <stdio.h>
#include <string.h>

static void print_usage(void)
{
	puts("Usage: oriel check\n"
	     "       oriel check --selftest [OPTION]... [TEST]...\n"
	     "\n"
	     "Says whether this machine can run guests, and what to type for what is missing.\n"
	     "With --selftest, runs the tests on this machine; oriel check --selftest --help\n"
	     "lists its options.");
}

int cmd_check(int argc, char **argv)
{
	struct host_facts facts;

	if (argc > 1 && !strcmp(argv[1], "--selftest"))
		return cmd_selftest(argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_usage();
		return 0;
	}
	if (argc > 1) {
		diag_error("check %s: no such argument; type: oriel check --help", argv[1]);
		return EXIT_STATUS_USAGE;
	}
	host_facts_gather(&facts);
	return host_facts_report(&facts, stdout) ? 0 : EXIT_STATUS_ERROR;
}
