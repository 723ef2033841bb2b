/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes small ELF kernels for the loaders' tests. */
#ifndef ORIEL_ELF_FILE_H
#define ORIEL_ELF_FILE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_SIZE 0x3000
#define ELF_FILE_CODE 0x2000 /* offset of the first segment's bytes */
#define ELF_FILE_CODE_SIZE 0x800
#define ELF_FILE_DATA 0x2800 /* ... of the second's */
#define ELF_FILE_DATA_SIZE 0x400
#define ELF_FILE_NOTES 0x2c00
#define ELF_FILE_ADDRESS 0x1000000
#define ELF_FILE_DATA_ADDRESS 0x1200000
#define ELF_FILE_BSS_SIZE 0x1000 /* of the second segment in memory */
#define ELF_FILE_OFFSET 0xffffffff80000000ULL /* virtual less physical */

/**
 * struct elf_file - an ELF file being made
 * @bytes: the file
 * @ehdr: its header (64 bits)
 * @phdr: its program headers: code, data, notes
 * @ehdr32: its header when it is made with 32 bits
 * @phdr32: its program headers then
 */
struct elf_file {
	_Alignas(8) uint8_t bytes[ELF_FILE_SIZE];
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdr;
	Elf32_Ehdr *ehdr32;
	Elf32_Phdr *phdr32;
};

/**
 * elf_file_make() - a good 64-bit kernel without notes
 * @file: storage of the caller
 */
void elf_file_make(struct elf_file *file);

/**
 * elf_file_make32() - a good 32-bit kernel without notes
 * @file: storage of the caller
 */
void elf_file_make32(struct elf_file *file);

/**
 * elf_file_note() - add a note and the program header that names it
 * @file: as made
 * @name: owner
 * @type: of the note
 * @desc: contents
 * @size: of @desc in bytes
 */
void elf_file_note(struct elf_file *file, const char *name, uint32_t type, const void *desc,
		   uint32_t size);

#endif
