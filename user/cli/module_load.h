/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds, loads and unloads the module. */
#ifndef ORIEL_MODULE_LOAD_H
#define ORIEL_MODULE_LOAD_H

#include <limits.h>
#include <stdbool.h>

/* The module's file. */
struct module_file {
	char path[PATH_MAX];
	bool installed; /* modprobe finds it */
};

/* Return: true if the module is loaded. */
bool module_is_loaded(void);

/*
 * Find the module: @path if it is not NULL, else the one of the build tree that this launcher
 * lies in, else the installed one of this kernel.
 */
int module_find(struct module_file *file, const char *path);

/* Load it as root, as modprobe or insmod would. */
int module_load(const struct module_file *file);

/* Unload it. A process that has just ended may still hold it, so try for some seconds. */
int module_unload(void);

#endif
