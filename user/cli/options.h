/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a subcommand, from its command line. */
#ifndef ORIEL_OPTIONS_H
#define ORIEL_OPTIONS_H

#include <getopt.h>

/* The options of one subcommand, in getopt_long()'s words. */
struct option_list {
	const char *command; /* for messages: "run" */
	const char *letters; /* one-letter options */
	const struct option *names;
};

/*
 * Call @take with the code and the value of each option, until one call fails. Arguments that are
 * no options come behind the options in @argv, from optind on.
 */
int options_parse(const struct option_list *list, int argc, char **argv,
		  int (*take)(int code, const char *value, void *context), void *context);

#endif
