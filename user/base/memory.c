// SPDX-License-Identifier: GPL-2.0-only
/* A guest's memory: mapped into this process, and placed around the PCI hole. */
#include "base/memory.h"

#include "base/diag.h"
#include "base/layout.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE_4K 0x1000ULL
#define SIZE_2M 0x200000ULL
#define SIZE_1G 0x40000000ULL
#define MIN_MEMORY SIZE_2M
#define MAX_MEMORY (1ULL << 40)

static const struct huge_page_kind {
	const char *name;
	uint64_t page_size; /* memory is aligned to it and, except for thp, a multiple of it */
	unsigned int memfd_flags;
} huge_page_kinds[] = {
	[HUGE_PAGES_NONE] = { "none", SIZE_4K, 0 },
	[HUGE_PAGES_THP] = { "thp", SIZE_2M, 0 },
	[HUGE_PAGES_2M] = { "2M", SIZE_2M, MFD_HUGETLB | MFD_HUGE_2MB },
	[HUGE_PAGES_1G] = { "1G", SIZE_1G, MFD_HUGETLB | MFD_HUGE_1GB },
};

bool memory_parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	unsigned int shift = 20;
	const char *unit;
	uint64_t number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return false;
	*size = number << shift;
	return true;
}

bool memory_parse_huge_pages(const char *text, enum huge_pages *huge)
{
	for (unsigned int i = 0; i < sizeof(huge_page_kinds) / sizeof(huge_page_kinds[0]); i++) {
		if (!strcasecmp(text, huge_page_kinds[i].name)) {
			*huge = (enum huge_pages)i;
			return true;
		}
	}
	return false;
}

static int check_size(uint64_t size, const struct huge_page_kind *kind)
{
	if (size < MIN_MEMORY || size > MAX_MEMORY)
		return diag_error("-m %" PRIu64 "K: a guest has from 2M to 1024G of memory",
				  size >> 10);
	if (kind != &huge_page_kinds[HUGE_PAGES_THP] && size % kind->page_size)
		return diag_error("-m %" PRIu64 "K is not a multiple of the page size, %" PRIu64
				  "K",
				  size >> 10, kind->page_size >> 10);
	return 0;
}

/*
 * Take the huge pages of a shared mapping now. Otherwise, if none is free when the guest first
 * touches a page, the launcher gets SIGBUS.
 */
static int populate_huge_pages(struct guest_memory *memory, const struct huge_page_kind *kind)
{
	if (!fallocate(memory->fd, 0, 0, (off_t)memory->size))
		return 0;
	return diag_error("no %" PRIu64 " huge pages of %s are free (%s); type: echo %" PRIu64
			  " | sudo tee /sys/kernel/mm/hugepages/hugepages-%" PRIu64
			  "kB/nr_hugepages",
			  memory->size / kind->page_size, kind->name, strerror(errno),
			  memory->size / kind->page_size, kind->page_size >> 10);
}

/* Return: true when the kernel's @setting of transparent huge pages is @one or @other. */
static bool thp_setting_is(const char *setting, const char *one, const char *other)
{
	char path[96], line[128] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", setting);
	file = fopen(path, "re");
	if (!file)
		return true; /* a kernel without the setting has no such pages */
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	return strstr(line, one) || strstr(line, other);
}

/*
 * On most distributions the kernel gives transparent huge pages to anonymous memory but not
 * to shared memory, and a memfd is shared memory.
 */
static bool thp_needs_anonymous_memory(void)
{
	return thp_setting_is("shmem_enabled", "[never]", "[deny]") &&
	       !thp_setting_is("enabled", "[never]", "[never]");
}

static void advise(const struct guest_memory *memory, enum huge_pages huge)
{
	if (huge == HUGE_PAGES_NONE)
		madvise(memory->hva, memory->size, MADV_NOHUGEPAGE);
	if (huge == HUGE_PAGES_THP && madvise(memory->hva, memory->size, MADV_HUGEPAGE))
		diag_note("--hugepages thp: this kernel has none (%s)", strerror(errno));
	if (huge == HUGE_PAGES_THP && memory->fd >= 0 &&
	    thp_setting_is("shmem_enabled", "[never]", "[deny]"))
		diag_note("--hugepages thp has no effect; type: echo madvise | sudo tee "
			  "/sys/kernel/mm/transparent_hugepage/enabled");
	/* A core dump is for debugging the launcher: leave the guest's gigabytes out. */
	madvise(memory->hva, memory->size, MADV_DONTDUMP);
}

/* Leave inaccessible pages on both sides: an access out of bounds is then a crash. */
static int map_memory(struct guest_memory *memory, const struct huge_page_kind *kind)
{
	uintptr_t start;
	void *hva;

	memory->reservation_size = memory->size + 2 * kind->page_size;
	memory->reservation = mmap(NULL, memory->reservation_size, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->reservation == MAP_FAILED)
		return diag_error("cannot reserve %" PRIu64 "M of address space: %s",
				  memory->size >> 20, strerror(errno));
	start = ((uintptr_t)memory->reservation + kind->page_size) & ~(kind->page_size - 1);
	hva = mmap((void *)start, memory->size, PROT_READ | PROT_WRITE,
		   MAP_FIXED | MAP_NORESERVE |
			   (memory->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED),
		   memory->fd, 0);
	if (hva == MAP_FAILED) {
		munmap(memory->reservation, memory->reservation_size);
		return diag_error("cannot map %" PRIu64 "M of guest memory: %s", memory->size >> 20,
				  strerror(errno));
	}
	memory->hva = hva;
	return 0;
}

static int open_memory(struct guest_memory *memory, const struct huge_page_kind *kind)
{
	memory->fd = memfd_create("oriel-guest", MFD_CLOEXEC | kind->memfd_flags);
	if (memory->fd < 0)
		return diag_error("memfd_create: %s%s", strerror(errno),
				  kind->memfd_flags ? " (has this CPU pages of that size?)" : "");
	if (!ftruncate(memory->fd, (off_t)memory->size))
		return 0;
	close(memory->fd);
	return diag_error("cannot make %" PRIu64 "M of guest memory: %s", memory->size >> 20,
			  strerror(errno));
}

static void close_memory(const struct guest_memory *memory)
{
	if (memory->fd >= 0)
		close(memory->fd);
}

int memory_create(struct guest_memory *memory, uint64_t size, enum huge_pages huge)
{
	const struct huge_page_kind *kind = &huge_page_kinds[huge];

	if (check_size(size, kind))
		return -1;
	memory->size = size;
	memory->low_size = size < LAYOUT_PCI_HOLE ? size : LAYOUT_PCI_HOLE;
	memory->fd = -1;
	if (!(huge == HUGE_PAGES_THP && thp_needs_anonymous_memory()) && open_memory(memory, kind))
		return -1;
	if ((kind->memfd_flags && populate_huge_pages(memory, kind)) || map_memory(memory, kind)) {
		close_memory(memory);
		return -1;
	}
	advise(memory, huge);
	return 0;
}

void memory_destroy(struct guest_memory *memory)
{
	munmap(memory->reservation, memory->reservation_size);
	close_memory(memory);
}

void *memory_hva(const struct guest_memory *memory, uint64_t gpa, uint64_t len)
{
	uint64_t high_size = memory->size - memory->low_size;

	if (gpa < memory->low_size && len <= memory->low_size - gpa)
		return memory->hva + gpa;
	if (gpa < LAYOUT_4G)
		return NULL;
	gpa -= LAYOUT_4G;
	if (gpa < high_size && len <= high_size - gpa)
		return memory->hva + memory->low_size + gpa;
	return NULL;
}

unsigned int memory_map(const struct guest_memory *memory, struct memory_region map[MEMORY_MAP_MAX])
{
	unsigned int count = 0;

	map[count++] = (struct memory_region){ 0, LAYOUT_LOW_MEMORY_END, MEMORY_USABLE };
	map[count++] = (struct memory_region){ LAYOUT_LOW_MEMORY_END,
					       LAYOUT_HIGH_MEMORY - LAYOUT_LOW_MEMORY_END,
					       MEMORY_RESERVED };
	map[count++] = (struct memory_region){ LAYOUT_HIGH_MEMORY,
					       memory->low_size - LAYOUT_HIGH_MEMORY,
					       MEMORY_USABLE };
	if (memory->size > memory->low_size)
		map[count++] = (struct memory_region){ LAYOUT_4G, memory->size - memory->low_size,
						       MEMORY_USABLE };
	return count;
}
