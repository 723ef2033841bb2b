/* SPDX-License-Identifier: GPL-2.0-only */
/* The launcher's subcommands. */
#ifndef ORIEL_COMMAND_H
#define ORIEL_COMMAND_H

/**
 * cmd_run() - oriel run: run a guest
 * @argc: arguments from the subcommand's name on
 * @argv: they
 *
 * Return: the exit status of the launcher.
 */
int cmd_run(int argc, char **argv);

/**
 * cmd_check() - oriel check: can this machine run guests
 * @argc: arguments from the subcommand's name on
 * @argv: they
 *
 * Return: the exit status of the launcher.
 */
int cmd_check(int argc, char **argv);

#endif
