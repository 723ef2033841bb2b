/* SPDX-License-Identifier: GPL-2.0-only */
/* A fixture for the tests of the loaders: memory, files, messages. */
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
 * struct fixture - the guest of one test
 * @memory: of the guest
 * @kernel: the kernel's file
 * @initrd: the initial RAM disk's file
 * @request: names both files
 * @boot: filled by the loader
 */
struct fixture {
	struct guest_memory memory;
	struct image kernel;
	struct image initrd;
	struct load_request request;
	struct boot_state boot;
};

/* Return: a guest with 64 MiB of memory and no files. */
struct fixture *fixture_create(void);

void fixture_destroy(struct fixture *f);

/* Replace the memory by @size bytes of zeros. */
void fixture_resize(struct fixture *f, uint64_t size);

void fixture_kernel(struct fixture *f, const void *bytes, size_t size);

/* @bytes may be NULL: then the file is a hole. */
void fixture_initrd(struct fixture *f, const void *bytes, uint64_t size);

/* Load the kernel with load_kernel(), as `oriel run` does. Return: its result. */
int fixture_load(struct fixture *f);

/* Return: the messages of the last fixture_load(), valid until the next one. */
const char *fixture_messages(void);

/* Load the kernel, which must be refused with a message that contains @text. */
void expect_refusal(struct fixture *f, const char *text);

/*
 * Load many copies of a good kernel with damage in the first @region bytes. Each copy must load
 * or be refused with a message; the sanitizers find all other faults.
 */
void fuzz_kernel(struct fixture *f, const void *bytes, size_t size, size_t region);

#endif
