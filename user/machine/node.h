/* SPDX-License-Identifier: GPL-2.0-only */
/* The device node of the hypervisor, which has KVM's ABI. */
#ifndef ORIEL_NODE_H
#define ORIEL_NODE_H

#include <stdbool.h>

#define NODE_DEFAULT "/dev/oriel"
#define NODE_PATH_SIZE 32

/*
 * Find the node that the loaded module has made. Return: true if the module is loaded. Otherwise
 * @path becomes NODE_DEFAULT.
 */
bool node_of_module(char path[NODE_PATH_SIZE]);

/*
 * Open a node (NULL: NODE_DEFAULT) and check that it can run a guest with @cpus vCPUs.
 * Return: the descriptor, or -1 after printing the reason and what to type.
 */
int node_open(const char *path, unsigned int cpus);

#endif
