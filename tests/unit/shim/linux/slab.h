/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocation, for userspace unit tests. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <stdlib.h>

#include <linux/types.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL 0u
#define GFP_KERNEL_ACCOUNT 0u
#define GFP_ATOMIC 0u
#define __GFP_ZERO 1u

#define kmalloc(size, gfp) ((void)(gfp), malloc(size))
#define kzalloc(size, gfp) ((void)(gfp), calloc(1, size))
#define kcalloc(n, size, gfp) ((void)(gfp), calloc(n, size))
#define kmalloc_array(n, size, gfp) kcalloc(n, size, gfp)
#define kvmalloc(size, gfp) kmalloc(size, gfp)
#define kvzalloc(size, gfp) kzalloc(size, gfp)
#define kvcalloc(n, size, gfp) kcalloc(n, size, gfp)
#define kvmalloc_array(n, size, gfp) kcalloc(n, size, gfp)
#define kfree(p) free((void *)(p))
#define kvfree(p) free((void *)(p))

#endif
