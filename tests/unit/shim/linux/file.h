/* SPDX-License-Identifier: GPL-2.0-only */
/* File references, for userspace unit tests. */
#ifndef SHIM_LINUX_FILE_H
#define SHIM_LINUX_FILE_H

struct file;

void fput(struct file *file);

#endif
