// SPDX-License-Identifier: GPL-2.0-only
/*
 * A descriptor from which a program reads statistics: a header, an id, a description of each
 * statistic, and their values (the kernel's Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD).
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "observe/stats.h"

/* KVM's length. Programs may rely on it. */
#define NAME_SIZE 48

/* struct kvm_stats_desc with a name of fixed size */
struct description {
	u8 desc[offsetof(struct kvm_stats_desc, name)];
	char name[NAME_SIZE];
};

/* An open descriptor. A program reads @header, @id, @description and then the values. */
struct stats_file {
	const struct stats_source *source;
	void *object; /* the argument of @source's functions */
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	struct description description[]; /* one for each row */
};

/**
 * struct cursor - the progress of a read()
 * @to: the rest of the user's buffer
 * @room: bytes of @to
 * @skip: bytes of the file before the first byte that the read() wants
 */
struct cursor {
	char __user *to;
	size_t room;
	u64 skip;
};

/* Copy from the next @size bytes of the file those that the read() wants. */
static int put(struct cursor *cursor, const void *from, size_t size)
{
	size_t part;

	if (cursor->skip >= size) {
		cursor->skip -= size;
		return 0;
	}
	part = min_t(size_t, size - cursor->skip, cursor->room);
	if (copy_to_user(cursor->to, from + cursor->skip, part))
		return -EFAULT;
	cursor->to += part;
	cursor->room -= part;
	cursor->skip = 0;
	return 0;
}

static int put_values(struct cursor *cursor, const struct stats_file *stats)
{
	u64 values[STATS_MAX];

	stats->source->read(stats->object, values);
	return put(cursor, values, stats->source->count * sizeof(*values));
}

static ssize_t stats_read(struct file *file, char __user *user, size_t size, loff_t *offset)
{
	const struct stats_file *stats = file->private_data;
	struct cursor cursor = { .to = user, .room = size, .skip = *offset };
	ssize_t done;

	if (put(&cursor, &stats->header, sizeof(stats->header)) ||
	    put(&cursor, stats->id, sizeof(stats->id)) ||
	    put(&cursor, stats->description,
		stats->header.num_desc * sizeof(*stats->description)) ||
	    put_values(&cursor, stats))
		return -EFAULT;
	done = size - cursor.room;
	*offset += done;
	return done;
}

static void describe(struct description *to, const struct stats_row *from)
{
	struct kvm_stats_desc *desc = (void *)to->desc;

	desc->flags = from->type | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10;
	desc->size = 1;
	desc->offset = from->offset;
	strscpy(to->name, from->name, sizeof(to->name));
}

static struct stats_file *make_file(const struct stats_source *source, void *object, const char *id)
{
	u32 count = source->count;
	struct stats_file *stats;
	u32 i;

	stats = kzalloc(struct_size(stats, description, count), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	stats->source = source;
	stats->object = object;
	stats->header = (struct kvm_stats_header){
		.name_size = NAME_SIZE,
		.num_desc = count,
		.id_offset = sizeof(stats->header),
		.desc_offset = sizeof(stats->header) + sizeof(stats->id),
	};
	stats->header.data_offset = stats->header.desc_offset + count * sizeof(*stats->description);
	strscpy(stats->id, id, sizeof(stats->id));
	for (i = 0; i < count; i++)
		describe(&stats->description[i], &source->rows[i]);
	return stats;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_file *stats = file->private_data;

	stats->source->release(stats->object);
	kfree(stats);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.release = stats_release,
	.read = stats_read,
	.llseek = noop_llseek,
};

int stats_open(const struct stats_source *source, void *object, const char *id)
{
	struct stats_file *stats;
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	stats = make_file(source, object, id);
	file = stats ? anon_inode_getfile("oriel-stats", &stats_fops, stats, O_RDONLY) :
		       ERR_PTR(-ENOMEM);
	if (IS_ERR(file)) {
		kfree(stats);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* Programs use pread(), but anon_inode_getfile() does not allow it. */
	file->f_mode |= FMODE_PREAD;
	fd_install(fd, file);
	return fd;
}
