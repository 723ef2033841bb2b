// SPDX-License-Identifier: GPL-2.0-only
/* The segments of an ELF kernel: they are checked, then copied into guest memory. */
#include "boot/elf_segments.h"

#include "base/diag.h"
#include "base/layout.h"
#include "boot/load.h"

#include <gelf.h>
#include <inttypes.h>

static int elf_problem(const struct image *image, const char *what)
{
	return diag_error("%s: %s: %s", image->path, what, elf_errmsg(-1));
}

static int add_segment(struct elf_kernel *kernel, unsigned int index, const GElf_Phdr *phdr)
{
	const char *path = kernel->image->path;
	struct elf_segment *segment;

	if (kernel->count == ELF_MAX_SEGMENTS)
		return diag_error("%s: more than %u loadable segments", path, ELF_MAX_SEGMENTS);
	if (phdr->p_filesz > phdr->p_memsz)
		return diag_error("%s: program header %u: p_filesz %#" PRIx64
				  " is larger than p_memsz %#" PRIx64,
				  path, index, phdr->p_filesz, phdr->p_memsz);
	if (image_check(kernel->image, phdr->p_offset, phdr->p_filesz, "a loadable segment"))
		return -1;
	if (!load_is_free(phdr->p_paddr, phdr->p_memsz))
		return diag_error("%s: program header %u: %#" PRIx64 " bytes at p_paddr %#" PRIx64
				  "; expected a place from %#x to %#x or from 1 MiB on",
				  path, index, phdr->p_memsz, phdr->p_paddr, LAYOUT_BOOT_DATA_END,
				  LAYOUT_LOW_MEMORY_END);

	segment = &kernel->segments[kernel->count++];
	segment->gpa = phdr->p_paddr;
	segment->gva = phdr->p_vaddr;
	segment->offset = phdr->p_offset;
	segment->file_size = phdr->p_filesz;
	segment->memory_size = phdr->p_memsz;
	if (segment->gpa + segment->memory_size > kernel->end)
		kernel->end = segment->gpa + segment->memory_size;
	return 0;
}

static int read_segments(struct elf_kernel *kernel, const GElf_Ehdr *ehdr)
{
	const struct image *image = kernel->image;
	size_t count, entry_size = kernel->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (ehdr->e_phnum && ehdr->e_phentsize != entry_size)
		return diag_error("%s: program headers of %u bytes, expected %zu", image->path,
				  ehdr->e_phentsize, entry_size);
	/* Check this here, because libelf's message would only be "invalid file". */
	if (image_check(image, ehdr->e_phoff, (uint64_t)ehdr->e_phnum * ehdr->e_phentsize,
			"the program headers"))
		return -1;
	if (elf_getphdrnum(kernel->elf, &count))
		return elf_problem(image, "program headers");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(kernel->elf, (int)i, &phdr))
			return elf_problem(image, "program headers");
		if (phdr.p_type == PT_LOAD && phdr.p_memsz &&
		    add_segment(kernel, (unsigned int)i, &phdr))
			return -1;
	}
	if (!kernel->count)
		return diag_error("%s: offset %#" PRIx64 ": no loadable segment among %zu program "
				  "headers",
				  image->path, ehdr->e_phoff, count);
	return 0;
}

static int check_header(const struct image *image, const GElf_Ehdr *ehdr)
{
	if (ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (ehdr->e_machine != EM_X86_64 && ehdr->e_machine != EM_386))
		return diag_error("%s: offset 0x12: ELF machine %u, expected x86 (%u or %u)",
				  image->path, ehdr->e_machine, EM_386, EM_X86_64);
	if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
		return diag_error("%s: offset 0x10: ELF type %u, expected an executable (%u or %u)",
				  image->path, ehdr->e_type, ET_EXEC, ET_DYN);
	return 0;
}

static int read_headers(struct elf_kernel *kernel)
{
	const struct image *image = kernel->image;
	GElf_Ehdr ehdr;

	if (elf_kind(kernel->elf) != ELF_K_ELF || !gelf_getehdr(kernel->elf, &ehdr))
		return diag_error("%s: offset 0: expected the header of a 32- or 64-bit ELF file",
				  image->path);
	kernel->is_64bit = gelf_getclass(kernel->elf) == ELFCLASS64;
	kernel->entry = ehdr.e_entry;
	if (check_header(image, &ehdr))
		return -1;
	return read_segments(kernel, &ehdr);
}

int elf_kernel_open(struct elf_kernel *kernel, const struct image *image)
{
	*kernel = (struct elf_kernel){ .image = image };
	if (image_check(image, 0, sizeof(Elf32_Ehdr), "an ELF header"))
		return -1;
	elf_version(EV_CURRENT);
	kernel->elf = elf_begin(image->fd, ELF_C_READ, NULL);
	if (!kernel->elf)
		return elf_problem(image, "offset 0: expected an ELF file");
	if (!read_headers(kernel))
		return 0;
	elf_kernel_close(kernel);
	return -1;
}

void elf_kernel_close(struct elf_kernel *kernel)
{
	elf_end(kernel->elf);
	kernel->elf = NULL;
}

static bool overlaps(const struct elf_segment *a, const struct elf_segment *b)
{
	return a->gpa < b->gpa + b->memory_size && b->gpa < a->gpa + a->memory_size;
}

static int check_overlap(const struct elf_kernel *kernel, unsigned int index)
{
	const struct elf_segment *segment = &kernel->segments[index];

	for (unsigned int i = 0; i < index; i++) {
		if (overlaps(&kernel->segments[i], segment))
			return diag_error("%s: the loadable segments at %#" PRIx64 " and %#" PRIx64
					  " overlap in memory",
					  kernel->image->path, kernel->segments[i].gpa,
					  segment->gpa);
	}
	return 0;
}

static int no_memory(const struct elf_kernel *kernel, const struct elf_segment *segment)
{
	if (kernel->end <= LAYOUT_PCI_HOLE)
		return diag_error("%s: the kernel needs memory up to %#" PRIx64
				  "; type at least: -m %" PRIu64 "M",
				  kernel->image->path, kernel->end, (kernel->end + 0xfffff) >> 20);
	return diag_error("%s: a segment wants %#" PRIx64 " bytes at %#" PRIx64
			  ", but a guest's memory is up to %#" PRIx64 " and from %#" PRIx64 " on",
			  kernel->image->path, segment->memory_size, segment->gpa, LAYOUT_PCI_HOLE,
			  LAYOUT_4G);
}

int elf_kernel_load(const struct elf_kernel *kernel, const struct guest_memory *memory)
{
	for (unsigned int i = 0; i < kernel->count; i++) {
		const struct elf_segment *segment = &kernel->segments[i];
		void *to = memory_hva(memory, segment->gpa, segment->memory_size);

		if (!to)
			return no_memory(kernel, segment);
		if (check_overlap(kernel, i) ||
		    image_read(kernel->image, segment->offset, to, segment->file_size,
			       "a loadable segment"))
			return -1;
	}
	return 0;
}

bool elf_kernel_address(const struct elf_kernel *kernel, uint64_t address, uint64_t *gpa)
{
	for (unsigned int i = 0; i < kernel->count; i++) {
		const struct elf_segment *segment = &kernel->segments[i];

		if (address - segment->gpa < segment->memory_size) {
			*gpa = address;
			return true;
		}
	}
	for (unsigned int i = 0; i < kernel->count; i++) {
		const struct elf_segment *segment = &kernel->segments[i];

		if (address - segment->gva < segment->memory_size) {
			*gpa = segment->gpa + (address - segment->gva);
			return true;
		}
	}
	return false;
}
