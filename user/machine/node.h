/* SPDX-License-Identifier: GPL-2.0-only */
/* The device node of the hypervisor, which speaks the KVM ABI. */
#ifndef ORIEL_NODE_H
#define ORIEL_NODE_H

#include <stdbool.h>

#define NODE_DEFAULT "/dev/oriel"
#define NODE_PATH_SIZE 32

/**
 * node_of_module() - which node has the loaded module made
 * @path: filled with it, or with NODE_DEFAULT when the module is not loaded
 *
 * Return: true when the module is loaded.
 */
bool node_of_module(char path[NODE_PATH_SIZE]);

/**
 * node_open() - open a node and see that it can run our guests
 * @path: the node, or NULL for NODE_DEFAULT
 * @cpus: vCPUs that the guest shall have
 *
 * Return: the descriptor, or -1 with the reason and what to type printed.
 */
int node_open(const char *path, unsigned int cpus);

#endif
