// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables, in which a stock kernel finds CPUs, interrupts, power-off and reset.
 * ACPI 6.5 chapter 5.
 *
 * The machine is not hardware-reduced: in that mode there is neither PIC nor PIT, and Linux
 * has nothing to calibrate its timers against. There is no PM timer and no HPET: each read
 * would be an exit to the launcher, and kvm-clock, the TSC and the local APIC are faster.
 */
#include "boot/acpi.h"

#include "boot/aml.h"
#include "base/diag.h"
#include "base/layout.h"

#include <stddef.h>
#include <string.h>

#define OEM_ID "ORIEL "
#define OEM_TABLE_ID "ORIELVM "
#define CREATOR_ID "ORIE"

#define FADT_WBINVD (1U << 0)
#define FADT_PROC_C1 (1U << 2)
#define FADT_NO_FIXED_POWER_BUTTON (1U << 4)
#define FADT_NO_FIXED_SLEEP_BUTTON (1U << 5)
#define FADT_NO_FIXED_RTC_WAKE (1U << 6)
#define FADT_RESET_REGISTER (1U << 10)
/*
 * IA-PC boot architecture flags. Without the 8042 flag no kernel waits for a keyboard. The
 * serial port is a legacy device.
 */
#define BOOT_LEGACY_DEVICES (1U << 0)
#define BOOT_NO_VGA (1U << 2)
#define BOOT_NO_ASPM (1U << 4)

#define RESET_VALUE 0x06 /* a hard reset, by the reset control register of a PC */

#define GAS_SYSTEM_IO 1
#define GAS_BYTE_ACCESS 1
#define GAS_WORD_ACCESS 2

#define MADT_PCAT_COMPAT 1U
#define MADT_LOCAL_APIC 0
#define MADT_IO_APIC 1
#define MADT_SOURCE_OVERRIDE 2
#define MADT_LOCAL_APIC_NMI 4
#define MADT_ACTIVE_HIGH_LEVEL 0x000d

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* Generic Address Structure (5.2.3.2) */
struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t preferred_pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_req;
	uint8_t pstate_cnt;
	uint32_t pm1a_evt_blk;
	uint32_t pm1b_evt_blk;
	uint32_t pm1a_cnt_blk;
	uint32_t pm1b_cnt_blk;
	uint32_t pm2_cnt_blk;
	uint32_t pm_tmr_blk;
	uint32_t gpe0_blk;
	uint32_t gpe1_blk;
	uint8_t pm1_evt_len;
	uint8_t pm1_cnt_len;
	uint8_t pm2_cnt_len;
	uint8_t pm_tmr_len;
	uint8_t gpe0_blk_len;
	uint8_t gpe1_blk_len;
	uint8_t gpe1_base;
	uint8_t cst_cnt;
	uint16_t p_lvl2_lat;
	uint16_t p_lvl3_lat;
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alrm;
	uint8_t mon_alrm;
	uint8_t century;
	uint16_t iapc_boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_address reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_version;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct acpi_address x_pm1a_evt_blk;
	struct acpi_address x_pm1b_evt_blk;
	struct acpi_address x_pm1a_cnt_blk;
	struct acpi_address x_pm1b_cnt_blk;
	struct acpi_address x_pm2_cnt_blk;
	struct acpi_address x_pm_tmr_blk;
	struct acpi_address x_gpe0_blk;
	struct acpi_address x_gpe1_blk;
	struct acpi_address sleep_control_reg;
	struct acpi_address sleep_status_reg;
	uint64_t hypervisor_vendor_identity;
} __attribute__((packed));

struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

struct madt {
	struct acpi_header header;
	uint32_t local_apic;
	uint32_t flags;
} __attribute__((packed));

struct madt_local_apic {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_io_apic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

struct madt_source_override {
	uint8_t type;
	uint8_t length;
	uint8_t bus;
	uint8_t source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_local_apic_nmi {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.5 table 5.3");
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.5 table 5.4");
_Static_assert(sizeof(struct acpi_fadt) == 276, "ACPI 6.5 table 5.9");
_Static_assert(sizeof(struct acpi_facs) == 64, "ACPI 6.5 table 5.13");

/* The last xAPIC ID, 255, is the broadcast ID (SDM 3A 11.4.6). */
#define MAX_CPUS 254

/* The tables follow the RSDP. Each is aligned to 64 bytes, which the FACS needs (5.2.10). */
struct writer {
	uint8_t *base;
	size_t used;
};

static void *place(struct writer *writer, size_t size, uint64_t *gpa)
{
	uint8_t *table = writer->base + writer->used;

	*gpa = LAYOUT_ACPI + writer->used;
	writer->used += (size + 63) & ~(size_t)63;
	return table;
}

static uint8_t checksum(const void *table, size_t size)
{
	const uint8_t *bytes = table;
	uint8_t sum = 0;

	while (size--)
		sum = (uint8_t)(sum + *bytes++);
	return (uint8_t)-sum;
}

/* Call this when the table is complete, because the checksum covers all of it. */
static void finish(struct acpi_header *header, const char *signature, uint8_t revision,
		   size_t length)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = (uint32_t)length;
	header->revision = revision;
	memcpy(header->oem_id, OEM_ID, sizeof(header->oem_id));
	memcpy(header->oem_table_id, OEM_TABLE_ID, sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, CREATOR_ID, sizeof(header->creator_id));
	header->creator_revision = 1;
	header->checksum = 0;
	header->checksum = checksum(header, length);
}

static void isa_device(struct aml *aml, const char *name, const char *id, uint16_t port,
		       uint8_t count, unsigned int irq)
{
	aml_device(aml, name);
	aml_name(aml, "_HID");
	aml_eisa_id(aml, id);
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_isa_resources(aml, port, count, irq);
	aml_end(aml);
}

#define DSDT_ROOM 1024

static uint64_t write_dsdt(struct writer *writer)
{
	struct acpi_header *dsdt;
	struct aml aml;
	uint64_t gpa;

	dsdt = place(writer, DSDT_ROOM, &gpa);
	aml_init(&aml, (uint8_t *)(dsdt + 1), DSDT_ROOM - sizeof(*dsdt));

	aml_name(&aml, "\\_S5_");
	aml_package(&aml, 4);
	aml_integer(&aml, LAYOUT_SLEEP_TYPE_S5); /* PM1a_CNT */
	aml_integer(&aml, LAYOUT_SLEEP_TYPE_S5); /* PM1b_CNT, which does not exist */
	aml_integer(&aml, 0);
	aml_integer(&aml, 0);
	aml_end(&aml);

	aml_scope(&aml, "\\_SB_");
	isa_device(&aml, "COM1", "PNP0501", LAYOUT_SERIAL, 8, LAYOUT_SERIAL_IRQ);
	isa_device(&aml, "RTC_", "PNP0B00", LAYOUT_RTC, 2, LAYOUT_RTC_IRQ);
	aml_end(&aml);

	finish(dsdt, "DSDT", 2, sizeof(*dsdt) + aml.size);
	return gpa;
}

static uint64_t write_facs(struct writer *writer)
{
	struct acpi_facs *facs;
	uint64_t gpa;

	facs = place(writer, sizeof(*facs), &gpa);
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa;
}

static struct acpi_address io_port(uint16_t port, uint8_t bits, uint8_t access)
{
	return (struct acpi_address){
		.space = GAS_SYSTEM_IO,
		.bit_width = bits,
		.access_size = access,
		.address = port,
	};
}

static uint64_t write_fadt(struct writer *writer, uint64_t dsdt, uint64_t facs)
{
	struct acpi_fadt *fadt;
	uint64_t gpa;

	fadt = place(writer, sizeof(*fadt), &gpa);
	fadt->firmware_ctrl = (uint32_t)facs;
	fadt->dsdt = (uint32_t)dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_int = LAYOUT_SCI_IRQ;
	fadt->pm1a_evt_blk = LAYOUT_PM1A_EVENT;
	fadt->pm1_evt_len = 4;
	fadt->x_pm1a_evt_blk = io_port(LAYOUT_PM1A_EVENT, 32, GAS_WORD_ACCESS);
	fadt->pm1a_cnt_blk = LAYOUT_PM1A_CONTROL;
	fadt->pm1_cnt_len = 2;
	fadt->x_pm1a_cnt_blk = io_port(LAYOUT_PM1A_CONTROL, 16, GAS_WORD_ACCESS);
	fadt->p_lvl2_lat = 101; /* values above 100 and 1000 mean: no C2, no C3 */
	fadt->p_lvl3_lat = 1001;
	fadt->century = LAYOUT_RTC_CENTURY;
	fadt->iapc_boot_arch = BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_ASPM;
	fadt->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_FIXED_POWER_BUTTON |
		      FADT_NO_FIXED_SLEEP_BUTTON | FADT_NO_FIXED_RTC_WAKE | FADT_RESET_REGISTER;
	fadt->reset_reg = io_port(LAYOUT_RESET_CONTROL, 8, GAS_BYTE_ACCESS);
	fadt->reset_value = RESET_VALUE;
	fadt->minor_version = 5;
	memcpy(&fadt->hypervisor_vendor_identity, "Oriel\0\0", 8);
	finish(&fadt->header, "FACP", 6, sizeof(*fadt));
	return gpa;
}

static uint8_t *write_madt_cpus(uint8_t *at, unsigned int cpus)
{
	for (unsigned int i = 0; i < cpus; i++) {
		const struct madt_local_apic apic = {
			.type = MADT_LOCAL_APIC,
			.length = sizeof(apic),
			.processor_uid = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = 1, /* enabled */
		};

		memcpy(at, &apic, sizeof(apic));
		at += sizeof(apic);
	}
	return at;
}

static uint64_t write_madt(struct writer *writer, unsigned int cpus)
{
	const struct madt_io_apic io_apic = {
		.type = MADT_IO_APIC,
		.length = sizeof(io_apic),
		.address = LAYOUT_IOAPIC,
	};
	/* ISA interrupts are edge-triggered, but the SCI is level-triggered (5.2.9, SCI_INT). */
	const struct madt_source_override sci = {
		.type = MADT_SOURCE_OVERRIDE,
		.length = sizeof(sci),
		.source = LAYOUT_SCI_IRQ,
		.gsi = LAYOUT_SCI_IRQ,
		.flags = MADT_ACTIVE_HIGH_LEVEL,
	};
	const struct madt_local_apic_nmi nmi = {
		.type = MADT_LOCAL_APIC_NMI,
		.length = sizeof(nmi),
		.processor_uid = 0xff, /* all */
		.lint = 1,
	};
	const size_t size = sizeof(struct madt) + cpus * sizeof(struct madt_local_apic) +
			    sizeof(io_apic) + sizeof(sci) + sizeof(nmi);
	struct madt *madt;
	uint64_t gpa;
	uint8_t *at;

	madt = place(writer, size, &gpa);
	madt->local_apic = LAYOUT_LAPIC;
	madt->flags = MADT_PCAT_COMPAT;
	at = write_madt_cpus((uint8_t *)(madt + 1), cpus);
	memcpy(at, &io_apic, sizeof(io_apic));
	at += sizeof(io_apic);
	memcpy(at, &sci, sizeof(sci));
	at += sizeof(sci);
	memcpy(at, &nmi, sizeof(nmi));
	finish(&madt->header, "APIC", 5, size);
	return gpa;
}

static uint64_t write_xsdt(struct writer *writer, uint64_t fadt, uint64_t madt)
{
	const uint64_t entries[] = { fadt, madt };
	struct acpi_header *xsdt;
	uint64_t gpa;

	xsdt = place(writer, sizeof(*xsdt) + sizeof(entries), &gpa);
	memcpy(xsdt + 1, entries, sizeof(entries));
	finish(xsdt, "XSDT", 1, sizeof(*xsdt) + sizeof(entries));
	return gpa;
}

int acpi_write(const struct guest_memory *memory, unsigned int cpus, uint64_t *rsdp_gpa)
{
	struct writer writer = { .base = memory_hva(memory, LAYOUT_ACPI, LAYOUT_ACPI_SIZE) };
	struct acpi_rsdp *rsdp;
	uint64_t dsdt, facs;

	if (cpus > MAX_CPUS)
		return diag_error("-c %u: the ACPI tables describe at most %u CPUs", cpus,
				  MAX_CPUS);
	rsdp = place(&writer, sizeof(*rsdp), rsdp_gpa);
	dsdt = write_dsdt(&writer);
	facs = write_facs(&writer);
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, OEM_ID, sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt =
		write_xsdt(&writer, write_fadt(&writer, dsdt, facs), write_madt(&writer, cpus));
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
	return 0;
}
