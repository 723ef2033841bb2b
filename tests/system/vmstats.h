/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads statistics through KVM_GET_STATS_FD. Shared by the programs that look at them. */
#ifndef ORIEL_VMSTATS_H
#define ORIEL_VMSTATS_H

#include "rawvm.h"

/* The content of a statistics descriptor. */
struct stats {
	struct kvm_stats_header header;
	char *id;
	uint8_t *descriptions;
	size_t description_size;
};

static inline void read_at(int fd, void *to, size_t size, uint64_t offset)
{
	ssize_t got = pread(fd, to, size, offset);

	if (got != (ssize_t)size)
		complain("pread of %zu at %llu: %zd", size, (unsigned long long)offset, got);
}

static inline int open_stats(int fd)
{
	int stats = ioctl(fd, KVM_GET_STATS_FD, NULL);

	if (stats < 0)
		die("KVM_GET_STATS_FD");
	return stats;
}

static inline struct stats read_stats(int fd)
{
	struct stats s = { .header = { 0 } };

	read_at(fd, &s.header, sizeof(s.header), 0);
	s.description_size = sizeof(struct kvm_stats_desc) + s.header.name_size;
	s.id = calloc(1, s.header.name_size + 1);
	s.descriptions = calloc(s.header.num_desc + 1, s.description_size);
	if (!s.id || !s.descriptions)
		die("calloc");
	read_at(fd, s.id, s.header.name_size, s.header.id_offset);
	read_at(fd, s.descriptions, s.header.num_desc * s.description_size, s.header.desc_offset);
	return s;
}

static inline void free_stats(struct stats *s)
{
	free(s->id);
	free(s->descriptions);
}

static inline const struct kvm_stats_desc *description(const struct stats *s, uint32_t i)
{
	return (const struct kvm_stats_desc *)(s->descriptions + i * s->description_size);
}

/* Return a value by its name. */
static inline uint64_t value_of(int fd, const char *name)
{
	struct stats s = read_stats(fd);
	uint64_t value = 0;
	bool found = false;
	uint32_t i;

	for (i = 0; i < s.header.num_desc; i++) {
		const struct kvm_stats_desc *desc = description(&s, i);

		if (strcmp(desc->name, name))
			continue;
		found = true;
		read_at(fd, &value, sizeof(value), s.header.data_offset + desc->offset);
	}
	if (!found)
		complain("there is no statistic %s", name);
	free_stats(&s);
	return value;
}

/* Return a statistic of a VM. */
static inline uint64_t vm_stat(const struct machine *m, const char *name)
{
	int fd = open_stats(m->vm);
	uint64_t value = value_of(fd, name);

	close(fd);
	return value;
}

#endif
