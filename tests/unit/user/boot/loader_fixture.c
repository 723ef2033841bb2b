// SPDX-License-Identifier: GPL-2.0-only
/* A fixture for the tests of the loaders: memory, files, messages. */
#include "loader_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"

#define FUZZ_ROUNDS 20000

static char *messages;
static size_t messages_size;
static FILE *stream;

struct fixture *fixture_create(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->kernel.fd = -1;
	f->initrd.fd = -1;
	f->request.kernel = &f->kernel;
	f->request.cmdline = "console=test";
	f->request.rsdp = FIXTURE_RSDP;
	assert_int_equal(memory_create(&f->memory, 64 << 20, HUGE_PAGES_NONE), 0);
	return f;
}

static void close_messages(void)
{
	diag_set_stream(NULL);
	if (stream)
		fclose(stream);
	stream = NULL;
	free(messages);
	messages = NULL;
}

void fixture_destroy(struct fixture *f)
{
	memory_destroy(&f->memory);
	if (f->kernel.fd >= 0)
		close(f->kernel.fd);
	if (f->initrd.fd >= 0)
		close(f->initrd.fd);
	free(f);
	close_messages();
}

void fixture_resize(struct fixture *f, uint64_t size)
{
	memory_destroy(&f->memory);
	assert_int_equal(memory_create(&f->memory, size, HUGE_PAGES_NONE), 0);
}

static void set_file(struct image *image, const char *name, const void *bytes, uint64_t size)
{
	if (image->fd < 0)
		image->fd = memfd_create(name, MFD_CLOEXEC);
	assert_true(image->fd >= 0);
	image->path = name;
	image->size = size;
	assert_int_equal(ftruncate(image->fd, (off_t)size), 0);
	if (bytes)
		assert_int_equal(pwrite(image->fd, bytes, size, 0), size);
}

void fixture_kernel(struct fixture *f, const void *bytes, size_t size)
{
	set_file(&f->kernel, "test-kernel", bytes, size);
}

void fixture_initrd(struct fixture *f, const void *bytes, uint64_t size)
{
	set_file(&f->initrd, "test-initrd", bytes, size);
	f->request.initrd = &f->initrd;
}

int fixture_load(struct fixture *f)
{
	close_messages();
	stream = open_memstream(&messages, &messages_size);
	diag_set_stream(stream);
	return load_kernel(&f->memory, &f->request, &f->boot);
}

const char *fixture_messages(void)
{
	fflush(stream);
	return messages;
}

void expect_refusal(struct fixture *f, const char *text)
{
	assert_int_equal(fixture_load(f), -1);
	if (!strstr(fixture_messages(), text))
		fail_msg("expected \"%s\" in: %s", text, fixture_messages());
}

/* A generator (xorshift) that gives the same numbers in every run and on every machine. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void damage(uint8_t *bytes, size_t region, uint32_t *state)
{
	static const uint8_t extremes[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	unsigned int count = 1 + next_random(state) % 4;

	while (count--) {
		uint32_t at = next_random(state) % region, kind = next_random(state);

		bytes[at] = kind & 1 ? (uint8_t)(kind >> 8) : extremes[(kind >> 8) % 5];
		if (kind & 2 && at + 4 < region)
			memset(bytes + at, bytes[at], 4);
	}
}

void fuzz_kernel(struct fixture *f, const void *bytes, size_t size, size_t region)
{
	uint8_t *copy = malloc(size);
	uint32_t state = 1;

	for (unsigned int i = 0; i < FUZZ_ROUNDS; i++) {
		memcpy(copy, bytes, size);
		damage(copy, region, &state);
		fixture_kernel(f, copy, next_random(&state) % 8 ? size : size - state % size);
		if (fixture_load(f))
			assert_string_not_equal(fixture_messages(), "");
	}
	free(copy);
}
