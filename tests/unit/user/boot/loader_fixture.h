/* SPDX-License-Identifier: GPL-2.0-only */
/* What every test of the launcher's loaders needs: memory, files, messages. */
#ifndef ORIEL_LOADER_FIXTURE_H
#define ORIEL_LOADER_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "boot/image.h"
#include "boot/load.h"
#include "base/memory.h"

#define FIXTURE_RSDP 0xe0000

/**
 * struct fixture - one test's guest
 * @memory: of the guest
 * @kernel: file to load
 * @initrd: file with it
 * @request: refers to both
 * @boot: result
 */
struct fixture {
	struct guest_memory memory;
	struct image kernel;
	struct image initrd;
	struct load_request request;
	struct boot_state boot;
};

/**
 * fixture_create() - a guest with 64 MiB, no files
 *
 * Return: it, to be given to fixture_destroy().
 */
struct fixture *fixture_create(void);

/**
 * fixture_destroy() - give it all back
 * @f: as created
 */
void fixture_destroy(struct fixture *f);

/**
 * fixture_resize() - another amount of memory, all zeros
 * @f: as created
 * @size: in bytes
 */
void fixture_resize(struct fixture *f, uint64_t size);

/**
 * fixture_kernel() - set the kernel's file
 * @f: as created
 * @bytes: its contents
 * @size: in bytes
 */
void fixture_kernel(struct fixture *f, const void *bytes, size_t size);

/**
 * fixture_initrd() - set the initrd's file
 * @f: as created
 * @bytes: its contents, or NULL for a hole
 * @size: in bytes
 */
void fixture_initrd(struct fixture *f, const void *bytes, uint64_t size);

/**
 * fixture_load() - load the kernel as `oriel run` does
 * @f: as created
 *
 * Return: what load_kernel() returned.
 */
int fixture_load(struct fixture *f);

/**
 * fixture_messages() - what was printed by the last fixture_load()
 *
 * Return: text, valid until the next call.
 */
const char *fixture_messages(void);

/**
 * expect_refusal() - the kernel must be refused with such a message
 * @f: as created
 * @text: part of the message
 */
void expect_refusal(struct fixture *f, const char *text);

/**
 * fuzz_kernel() - load many damaged copies of a good kernel
 * @f: as created
 * @bytes: the good kernel
 * @size: in bytes
 * @region: only its first bytes so far are damaged
 *
 * Every copy must load or be refused with a message; the sanitizers watch.
 */
void fuzz_kernel(struct fixture *f, const void *bytes, size_t size, size_t region);

#endif
