// SPDX-License-Identifier: GPL-2.0-only
/* Reads the options of a subcommand. */
#include "cli/options.h"

#include "base/diag.h"

int options_parse(const struct option_list *list, int argc, char **argv,
		  int (*take)(int code, const char *value, void *context), void *context)
{
	int code;

	opterr = 0; /* usage errors are printed here, as all others are */
	while ((code = getopt_long(argc, argv, list->letters, list->names, NULL)) != -1) {
		if (code == '?')
			return diag_error("%s: not an option, or without its argument; type: "
					  "oriel %s --help",
					  argv[optind - 1], list->command);
		if (take(code, optarg, context))
			return -1;
	}
	return 0;
}
