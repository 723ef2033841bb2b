/* SPDX-License-Identifier: GPL-2.0-only */
/* The identity of this machine, for reports: its CPU, kernel, mitigations and module. */
#ifndef ORIEL_HOST_IDENTITY_H
#define ORIEL_HOST_IDENTITY_H

#include <stdio.h>

/* Print a comment line of KTAP for each fact. @module is the module's file, or NULL. */
void host_identity_print(FILE *out, const char *module);

/*
 * Print the facts of /proc/cpuinfo about the first CPU. The host's vendor, family, model and
 * stepping are decimal numbers, as there.
 */
void host_identity_print_cpu(FILE *out, FILE *cpuinfo);

/* Return: the machine as the test guests know it: "tcg" (QEMU's), "bochs" or "real". */
const char *host_identity_emulator(void);

#endif
