/* SPDX-License-Identifier: GPL-2.0-only */
/* The launcher's subcommands. */
#ifndef ORIEL_COMMAND_H
#define ORIEL_COMMAND_H

/* @argv starts with the subcommand's name. Return: the exit status of the launcher. */

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_selftest(int argc, char **argv); /* oriel check --selftest */

#endif
