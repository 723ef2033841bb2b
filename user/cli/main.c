// SPDX-License-Identifier: GPL-2.0-only
/* The launcher's entry: it finds the subcommand. */
#include "cli/command.h"
#include "base/diag.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("Usage: oriel COMMAND [ARGUMENT]...\n"
	     "\n"
	     "  oriel run KERNEL [OPTION]...  run a guest; oriel run --help lists the options\n"
	     "  oriel check                   say whether this machine can run guests\n"
	     "  oriel check --selftest        run the tests on this machine, for a report\n"
	     "  oriel help                    print this text\n"
	     "\n"
	     "Documentation/launcher.rst says more.");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", cmd_run },	{ "check", cmd_check }, { "help", cmd_help },
	{ "--help", cmd_help }, { "-h", cmd_help },
};

/*
 * Open those standard files that are closed. Otherwise a file that is opened later would become
 * standard input, and the guest would read it.
 */
static int open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (open_standard_files())
		return EXIT_STATUS_ERROR;
	if (argc < 2) {
		diag_error("no command given; type: oriel help");
		return EXIT_STATUS_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	diag_error("%s: no such command; type: oriel help", argv[1]);
	return EXIT_STATUS_USAGE;
}
