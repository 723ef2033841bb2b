/* SPDX-License-Identifier: GPL-2.0-only */
/* The launcher's subcommands. */
#ifndef ORIEL_COMMAND_H
#define ORIEL_COMMAND_H

/* @argv starts with the subcommand's name. Return: the exit status of the launcher. */

/* oriel run: run a guest. */
int cmd_run(int argc, char **argv);

/* oriel check: find out and print whether this machine can run guests. */
int cmd_check(int argc, char **argv);

#endif
