/* SPDX-License-Identifier: GPL-2.0-only */
/* The layout of a guest: its physical memory before it runs, its ports and interrupts. */
#ifndef ORIEL_LAYOUT_H
#define ORIEL_LAYOUT_H

#include <stdint.h>

/*
 * Below 1 MiB a PC has usable memory up to 0x9fc00, then the areas of firmware and video. The
 * loaders put boot data at the bottom. The ACPI tables are at the top, where a kernel searches
 * for the RSDP when its loader names none (ACPI 6.5 5.2.5.1). All of it is ordinary memory: no
 * access causes an exit.
 */
#define LAYOUT_GDT 0x00000500
#define LAYOUT_START_INFO 0x00001000 /* PVH or multiboot information */
#define LAYOUT_START_INFO_SIZE 0x00002000
#define LAYOUT_ZERO_PAGE 0x00007000 /* struct boot_params */
#define LAYOUT_PAGE_TABLES 0x00009000 /* PML4, PDPT and four page directories */
#define LAYOUT_CMDLINE 0x00020000
#define LAYOUT_CMDLINE_SIZE 0x00010000
#define LAYOUT_BOOT_DATA_END 0x00030000 /* a kernel may lie from here ... */
#define LAYOUT_LOW_MEMORY_END 0x0009fc00 /* ... to here, */
#define LAYOUT_ACPI 0x000e0000
#define LAYOUT_ACPI_SIZE 0x00020000
#define LAYOUT_HIGH_MEMORY 0x00100000 /* and from here on */

/*
 * The hole below 4 GiB is for the IOAPIC, the local APICs and PCI. It starts at 3 GiB, a
 * multiple of 1 GiB, so that pages of 1 GiB can back all memory around it.
 */
#define LAYOUT_PCI_HOLE UINT64_C(0xc0000000)
#define LAYOUT_IOAPIC 0xfec00000
#define LAYOUT_LAPIC 0xfee00000
#define LAYOUT_4G UINT64_C(0x100000000)

/* Four pages below the reset vector, which KVM's ABI needs and no guest uses. */
#define LAYOUT_IDENTITY_MAP 0xfffbc000
#define LAYOUT_TSS 0xfffbd000

/* I/O ports, register numbers and interrupts that the ACPI tables and the devices share. */
#define LAYOUT_RTC 0x70
#define LAYOUT_RTC_CENTURY 0x32 /* the register of the CMOS that holds the century */
#define LAYOUT_SERIAL 0x3f8
#define LAYOUT_PM1A_EVENT 0x600
#define LAYOUT_PM1A_CONTROL 0x604
#define LAYOUT_SLEEP_TYPE_S5 5 /* SLP_TYP in PM1A_CONTROL that powers off */
#define LAYOUT_RESET_CONTROL 0xcf9
#define LAYOUT_SERIAL_IRQ 4
#define LAYOUT_RTC_IRQ 8
#define LAYOUT_SCI_IRQ 9

#endif
