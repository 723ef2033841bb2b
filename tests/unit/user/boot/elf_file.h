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
 * struct elf_file - an ELF file in memory
 * @bytes: the file
 * @ehdr: its header, if it is a 64-bit file
 * @phdr: its program headers then: code, data, notes
 * @ehdr32: its header, if it is a 32-bit file
 * @phdr32: its program headers then: code
 */
struct elf_file {
	_Alignas(8) uint8_t bytes[ELF_FILE_SIZE];
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdr;
	Elf32_Ehdr *ehdr32;
	Elf32_Phdr *phdr32;
};

/* Make a good 64-bit kernel without notes. */
void elf_file_make(struct elf_file *file);

/* Make a good 32-bit kernel without notes. */
void elf_file_make32(struct elf_file *file);

/* Add to a 64-bit kernel a note of owner @name, and the program header that names it. */
void elf_file_note(struct elf_file *file, const char *name, uint32_t type, const void *desc,
		   uint32_t size);

#endif
