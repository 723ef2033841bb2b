// SPDX-License-Identifier: GPL-2.0-only
/* Makes small ELF kernels for the loaders' tests. */
#include "elf_file.h"

#include <string.h>

static void fill(struct elf_file *file)
{
	memset(file->bytes, 0, sizeof(file->bytes));
	for (unsigned int i = ELF_FILE_CODE; i < ELF_FILE_NOTES; i++)
		file->bytes[i] = (uint8_t)(i * 13 + (i >> 8));
	file->ehdr = (Elf64_Ehdr *)file->bytes;
	file->phdr = (Elf64_Phdr *)(file->bytes + sizeof(Elf64_Ehdr));
	file->ehdr32 = (Elf32_Ehdr *)file->bytes;
	file->phdr32 = (Elf32_Phdr *)(file->bytes + sizeof(Elf32_Ehdr));
}

void elf_file_make(struct elf_file *file)
{
	fill(file);
	*file->ehdr = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = ELF_FILE_ADDRESS + 0x10,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	file->phdr[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = ELF_FILE_CODE,
		.p_vaddr = ELF_FILE_ADDRESS + ELF_FILE_OFFSET,
		.p_paddr = ELF_FILE_ADDRESS,
		.p_filesz = ELF_FILE_CODE_SIZE,
		.p_memsz = ELF_FILE_CODE_SIZE,
	};
	file->phdr[1] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = ELF_FILE_DATA,
		.p_vaddr = ELF_FILE_DATA_ADDRESS + ELF_FILE_OFFSET,
		.p_paddr = ELF_FILE_DATA_ADDRESS,
		.p_filesz = ELF_FILE_DATA_SIZE,
		.p_memsz = ELF_FILE_BSS_SIZE,
	};
}

void elf_file_make32(struct elf_file *file)
{
	fill(file);
	*file->ehdr32 = (Elf32_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = ELF_FILE_ADDRESS + 0x10,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	file->phdr32[0] = (Elf32_Phdr){
		.p_type = PT_LOAD,
		.p_offset = ELF_FILE_CODE,
		.p_vaddr = ELF_FILE_ADDRESS,
		.p_paddr = ELF_FILE_ADDRESS,
		.p_filesz = ELF_FILE_CODE_SIZE,
		.p_memsz = ELF_FILE_CODE_SIZE,
	};
}

void elf_file_note(struct elf_file *file, const char *name, uint32_t type, const void *desc,
		   uint32_t size)
{
	uint8_t *at = file->bytes + ELF_FILE_NOTES;
	Elf64_Nhdr note = {
		.n_namesz = (uint32_t)strlen(name) + 1,
		.n_descsz = size,
		.n_type = type,
	};
	uint32_t name_room = (note.n_namesz + 3) & ~3U, desc_room = (size + 3) & ~3U;

	memcpy(at, &note, sizeof(note));
	memcpy(at + sizeof(note), name, note.n_namesz);
	memcpy(at + sizeof(note) + name_room, desc, size);
	file->phdr[2] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = ELF_FILE_NOTES,
		.p_filesz = sizeof(note) + name_room + desc_room,
		.p_align = 4,
	};
	file->ehdr->e_phnum = 3;
}
