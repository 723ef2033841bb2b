// SPDX-License-Identifier: GPL-2.0-only
/* The ACPI tables: chain, checksums, contents, and AML that a decoder accepts. */
#include "loader_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/aml.h"
#include "base/layout.h"

static struct fixture *f;
static uint64_t rsdp;

static int setup(void **state)
{
	(void)state;
	f = fixture_create();
	return acpi_write(&f->memory, 3, &rsdp);
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static uint64_t word(const uint8_t *at, unsigned int len)
{
	uint64_t value = 0;

	memcpy(&value, at, len);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* Check signature, length and checksum of a table with a standard header. */
static const uint8_t *table(uint64_t gpa, const char *signature, uint32_t *length)
{
	const uint8_t *at = memory_hva(&f->memory, gpa, 36);

	assert_non_null(at);
	assert_memory_equal(at, signature, 4);
	*length = (uint32_t)word(at + 4, 4);
	assert_true(*length >= 36);
	assert_true(gpa >= LAYOUT_ACPI && gpa + *length <= LAYOUT_ACPI + LAYOUT_ACPI_SIZE);
	assert_int_equal(sum(at, *length), 0);
	return at;
}

static const uint8_t *root(void)
{
	return memory_hva(&f->memory, rsdp, 36);
}

static const uint8_t *listed(unsigned int index, const char *signature, uint32_t *length)
{
	uint32_t xsdt_length;
	const uint8_t *xsdt = table(word(root() + 24, 8), "XSDT", &xsdt_length);

	assert_int_equal(xsdt_length, 36 + 2 * 8);
	return table(word(xsdt + 36 + 8 * index, 8), signature, length);
}

static void test_rsdp(void **state)
{
	(void)state;
	/* A kernel whose loader names no RSDP searches this range for it. */
	assert_true(rsdp >= 0xe0000 && rsdp < 0x100000 && rsdp % 16 == 0);
	assert_memory_equal(root(), "RSD PTR ", 8);
	assert_int_equal(sum(root(), 20), 0);
	assert_int_equal(sum(root(), 36), 0);
	assert_int_equal(root()[15], 2);
	assert_int_equal(word(root() + 20, 4), 36);
}

static void test_fadt(void **state)
{
	uint32_t length;
	const uint8_t *fadt = listed(0, "FACP", &length);

	(void)state;
	assert_int_equal(length, 276);
	assert_int_equal(word(fadt + 46, 2), LAYOUT_SCI_IRQ);
	assert_int_equal(word(fadt + 48, 4), 0); /* no SMI: always in ACPI mode */
	assert_int_equal(word(fadt + 56, 4), LAYOUT_PM1A_EVENT);
	assert_int_equal(word(fadt + 64, 4), LAYOUT_PM1A_CONTROL);
	assert_int_equal(fadt[88], 4);
	assert_int_equal(fadt[89], 2);
	assert_int_equal(word(fadt + 109, 2) & 2, 0); /* no keyboard controller */
	assert_int_equal(word(fadt + 112, 4) & 1U << 20, 0); /* not hardware-reduced */
	assert_int_equal(word(fadt + 112, 4) >> 10 & 1, 1); /* has a reset register */
	assert_int_equal(fadt[116], 1);
	assert_int_equal(word(fadt + 120, 8), 0xcf9);
	assert_int_equal(fadt[128], 0x06);
	assert_int_equal(word(fadt + 40, 4), word(fadt + 140, 8));
	assert_int_equal(word(fadt + 152, 8), LAYOUT_PM1A_EVENT);
	assert_int_equal(word(fadt + 176, 8), LAYOUT_PM1A_CONTROL);
}

static void test_facs(void **state)
{
	uint32_t length;
	const uint8_t *fadt = listed(0, "FACP", &length);
	uint64_t gpa = word(fadt + 36, 4);
	const uint8_t *facs = memory_hva(&f->memory, gpa, 64);

	(void)state;
	assert_int_equal(gpa % 64, 0);
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal(word(facs + 4, 4), 64);
}

static void test_madt(void **state)
{
	unsigned int cpus = 0, ioapics = 0, overrides = 0, nmis = 0;
	uint32_t length;
	const uint8_t *madt = listed(1, "APIC", &length), *at, *end = madt + length;

	(void)state;
	assert_int_equal(word(madt + 36, 4), LAYOUT_LAPIC);
	assert_int_equal(word(madt + 40, 4), 1);
	for (at = madt + 44; at < end; at += at[1]) {
		assert_true(at[1] >= 6 && at + at[1] <= end);
		if (at[0] == 0) {
			assert_int_equal(at[3], cpus++);
			assert_int_equal(word(at + 4, 4), 1);
		} else if (at[0] == 1) {
			ioapics++;
			assert_int_equal(word(at + 4, 4), LAYOUT_IOAPIC);
		} else if (at[0] == 2) {
			overrides++;
			assert_int_equal(at[3], LAYOUT_SCI_IRQ);
			assert_int_equal(word(at + 8, 2), 0xd);
		} else if (at[0] == 4) {
			nmis++;
			assert_int_equal(at[5], 1);
		}
	}
	assert_ptr_equal(at, end);
	assert_int_equal(cpus, 3);
	assert_int_equal(ioapics, 1);
	assert_int_equal(overrides, 1);
	assert_int_equal(nmis, 1);
}

static void test_number_of_cpus(void **state)
{
	uint32_t length;

	(void)state;
	assert_int_equal(acpi_write(&f->memory, 254, &rsdp), 0);
	listed(1, "APIC", &length);
	assert_int_equal(acpi_write(&f->memory, 1, &rsdp), 0);
	assert_int_equal(acpi_write(&f->memory, 255, &rsdp), -1);
}

/* ---- a decoder of the AML terms that the launcher writes ---- */

struct term_list {
	const uint8_t *at;
	const uint8_t *end;
	unsigned int devices;
	unsigned int names;
	unsigned int buffers;
};

static void decode_terms(struct term_list *list);

static const uint8_t *take(struct term_list *list, size_t size)
{
	const uint8_t *at = list->at;

	assert_true(size <= (size_t)(list->end - at));
	list->at += size;
	return at;
}

/* Read a PkgLength. Return: the end of its package (ACPI 6.5 20.2.4). */
static const uint8_t *package_end(struct term_list *list)
{
	const uint8_t *start = list->at;
	unsigned int lead = *take(list, 1), extra = lead >> 6;
	size_t length = extra ? lead & 0xf : lead & 0x3f;

	for (unsigned int i = 0; i < extra; i++)
		length |= (size_t)*take(list, 1) << (4 + 8 * i);
	assert_true(length <= (size_t)(list->end - start));
	return start + length;
}

static void decode_name(struct term_list *list)
{
	const uint8_t *name;

	if (*list->at == '\\')
		take(list, 1);
	name = take(list, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_true((name[i] >= 'A' && name[i] <= 'Z') || name[i] == '_' ||
			    (i && name[i] >= '0' && name[i] <= '9'));
}

static void decode_inside(struct term_list *list, bool name, unsigned int bytes)
{
	const uint8_t *outer = list->end, *end = package_end(list);

	list->end = end;
	if (name)
		decode_name(list);
	take(list, bytes);
	decode_terms(list);
	assert_ptr_equal(list->at, end);
	list->end = outer;
}

static void decode_buffer(struct term_list *list)
{
	const uint8_t *outer = list->end, *end = package_end(list), *size;

	list->end = end;
	assert_int_equal(*take(list, 1), 0x0a);
	/* The size is the number of bytes that follow. */
	size = take(list, 1);
	assert_int_equal(*size, end - list->at);
	list->at = end;
	list->end = outer;
	list->buffers++;
}

static void decode_term(struct term_list *list)
{
	switch (*take(list, 1)) {
	case 0x00:
	case 0x01:
		break;
	case 0x0a:
		take(list, 1);
		break;
	case 0x0b:
		take(list, 2);
		break;
	case 0x0c:
		take(list, 4);
		break;
	case 0x08:
		list->names++;
		decode_name(list);
		break;
	case 0x10:
		decode_inside(list, true, 0);
		break;
	case 0x11:
		decode_buffer(list);
		break;
	case 0x12:
		decode_inside(list, false, 1);
		break;
	case 0x5b:
		assert_int_equal(*take(list, 1), 0x82);
		list->devices++;
		decode_inside(list, true, 0);
		break;
	default:
		fail_msg("unexpected opcode %#x", list->at[-1]);
	}
}

static void decode_terms(struct term_list *list)
{
	while (list->at < list->end)
		decode_term(list);
}

static const uint8_t *dsdt(uint32_t *length)
{
	const uint8_t *fadt = listed(0, "FACP", length);

	return table(word(fadt + 140, 8), "DSDT", length);
}

static void test_dsdt_decodes(void **state)
{
	struct term_list list = { 0 };
	uint32_t length;
	const uint8_t *at = dsdt(&length);

	(void)state;
	list.at = at + 36;
	list.end = at + length;
	decode_terms(&list);
	assert_int_equal(list.devices, 2);
	assert_int_equal(list.buffers, 2);
	assert_int_equal(list.names, 1 + 2 * 3);
}

/* Disassemble the DSDT with ACPICA, and compile the result, if ACPICA is installed. */
static void test_dsdt_disassembles(void **state)
{
	char folder[] = "/tmp/oriel-acpi-XXXXXX", command[256], text[8192];
	uint32_t length;
	const uint8_t *at = dsdt(&length);
	FILE *file;
	size_t size;

	(void)state;
	if (system("command -v iasl >/dev/null"))
		skip();
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "%s/dsdt.aml", folder);
	file = fopen(command, "w");
	assert_int_equal(fwrite(at, 1, length, file), length);
	fclose(file);
	snprintf(command, sizeof(command),
		 "cd %s && iasl -d dsdt.aml >log 2>&1 && iasl -we dsdt.dsl >>log 2>&1; "
		 "cat log dsdt.dsl; rm -r %s",
		 folder, folder);
	file = popen(command, "r");
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = 0;
	pclose(file);
	assert_non_null(strstr(text, "0 Errors, 0 Warnings"));
	assert_non_null(strstr(text, "EisaId (\"PNP0501\")"));
	assert_non_null(strstr(text, "0x03F8,             // Range Minimum"));
	assert_non_null(strstr(text, "{4}"));
	assert_non_null(strstr(text, "EisaId (\"PNP0B00\")"));
	assert_non_null(strstr(text, "Name (\\_S5"));
}

static void test_aml_lengths(void **state)
{
	static uint8_t bytes[8192];
	struct aml aml;

	(void)state;
	/* A PkgLength of one byte is at most 63, which includes the byte itself. */
	for (unsigned int count = 0; count < 600; count++) {
		struct term_list list = { .at = bytes };

		aml_init(&aml, bytes, sizeof(bytes));
		aml_package(&aml, 0);
		for (unsigned int i = 0; i < count; i++)
			aml_integer(&aml, i & 1 ? 7 : 0x12345678);
		aml_end(&aml);
		assert_false(aml.overflow);
		list.end = bytes + aml.size;
		decode_terms(&list);
	}
}

static void write_device(struct aml *aml)
{
	aml_scope(aml, "\\_SB_");
	aml_device(aml, "COM1");
	aml_name(aml, "_CRS");
	aml_isa_resources(aml, 0x3f8, 8, 4);
	aml_end(aml);
	aml_end(aml);
}

static void test_aml_overflow(void **state)
{
	uint8_t bytes[64 + 16];
	struct aml aml;
	size_t needed;

	(void)state;
	aml_init(&aml, bytes, sizeof(bytes));
	write_device(&aml);
	assert_false(aml.overflow);
	needed = aml.size;
	for (size_t room = 0; room < 64; room++) {
		memset(bytes, 0xee, sizeof(bytes));
		aml_init(&aml, bytes, room);
		write_device(&aml);
		assert_int_equal(aml.overflow, room < needed);
		for (size_t i = room; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0xee);
	}
	aml_init(&aml, bytes, sizeof(bytes));
	for (unsigned int i = 0; i <= AML_MAX_DEPTH; i++)
		aml_scope(&aml, "ABCD");
	assert_true(aml.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rsdp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fadt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_facs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_madt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_number_of_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dsdt_decodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dsdt_disassembles, setup, teardown),
		cmocka_unit_test(test_aml_lengths),
		cmocka_unit_test(test_aml_overflow),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
