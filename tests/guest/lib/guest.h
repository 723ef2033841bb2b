/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that a guest may use.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "apic.h"
#include "cpu.h"
#include "ktap.h"
#include "page.h"
#include "real.h"
#include "trap.h"

/* start.S goes there. */
void guest_start(void);

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);

#endif
