// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: a descriptor that reads as a header, an id, what there is of
 * statistics, and their values.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "host/compat.h"
#include "observe/stats.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* As in KVM: programs have seen no other. */
#define NAME_SIZE 48

/**
 * struct description - struct kvm_stats_desc with a name of fixed size
 * @desc: all but the name
 * @name: of the statistic
 */
struct description {
	u8 desc[offsetof(struct kvm_stats_desc, name)];
	char name[NAME_SIZE];
};

/**
 * struct statistic - one of a table
 * @name: KVM's, where KVM has it
 * @offset: of its value
 * @type: KVM_STATS_TYPE_CUMULATIVE or KVM_STATS_TYPE_INSTANT
 */
struct statistic {
	const char *name;
	u32 offset;
	u32 type;
};

#define VM_STAT(field, t)                                                                \
	{                                                                                \
		.name = #field, .offset = offsetof(struct vm_stats, field), .type = (t), \
	}
#define VCPU_STAT(field)                                                      \
	{                                                                     \
		.name = #field, .offset = offsetof(struct vcpu_stats, field), \
		.type = KVM_STATS_TYPE_CUMULATIVE,                            \
	}

static const struct statistic vm_statistics[] = {
	VM_STAT(remote_tlb_flush, KVM_STATS_TYPE_CUMULATIVE),
	VM_STAT(pages_4k, KVM_STATS_TYPE_INSTANT),
	VM_STAT(pages_2m, KVM_STATS_TYPE_INSTANT),
	VM_STAT(pages_1g, KVM_STATS_TYPE_INSTANT),
};

static const struct statistic vcpu_statistics[] = {
	VCPU_STAT(exits),
	VCPU_STAT(pf_taken),
	VCPU_STAT(tlb_flush),
	VCPU_STAT(io_exits),
	VCPU_STAT(mmio_exits),
	VCPU_STAT(signal_exits),
	VCPU_STAT(request_irq_exits),
	VCPU_STAT(irq_exits),
	VCPU_STAT(halt_exits),
	VCPU_STAT(halt_wakeup),
	VCPU_STAT(hypercalls),
	VCPU_STAT(irq_injections),
	VCPU_STAT(nmi_injections),
	VCPU_STAT(insn_emulation),
	VCPU_STAT(insn_emulation_fail),
};

/**
 * struct stats_file - an open descriptor
 * @vm: a reference to the VM
 * @vcpu: whose statistics, NULL for the VM's
 * @header: where the rest is
 * @id: says whose
 * @description: one each
 */
struct stats_file {
	struct vm *vm;
	struct vcpu *vcpu;
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	struct description description[];
};

/**
 * struct cursor - where a read() is
 * @to: what is yet to be filled
 * @room: bytes of @to
 * @skip: bytes of the file before it
 */
struct cursor {
	char __user *to;
	size_t room;
	u64 skip;
};

/* The next @size bytes of the file: as much of them as the read() wants. */
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
	struct vm_stats values;

	if (stats->vcpu)
		return put(cursor, &stats->vcpu->stats, sizeof(stats->vcpu->stats));
	values = (struct vm_stats){
		.remote_tlb_flush = atomic64_read(&stats->vm->tlb_flushes),
		.pages_4k = mmu_leaves(&stats->vm->mmu, SL_LEVEL_4K),
		.pages_2m = mmu_leaves(&stats->vm->mmu, SL_LEVEL_2M),
		.pages_1g = mmu_leaves(&stats->vm->mmu, SL_LEVEL_1G),
	};
	return put(cursor, &values, sizeof(values));
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

static void describe(struct description *to, const struct statistic *from)
{
	struct kvm_stats_desc *desc = (void *)to->desc;

	desc->flags = from->type | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10;
	desc->size = 1;
	desc->offset = from->offset;
	strscpy(to->name, from->name, sizeof(to->name));
}

static struct stats_file *make_file(struct vm *vm, struct vcpu *vcpu)
{
	const struct statistic *table = vcpu ? vcpu_statistics : vm_statistics;
	u32 count = vcpu ? ARRAY_SIZE(vcpu_statistics) : ARRAY_SIZE(vm_statistics);
	struct stats_file *stats;
	u32 i;

	stats = kzalloc(struct_size(stats, description, count), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	stats->vm = vm;
	stats->vcpu = vcpu;
	stats->header = (struct kvm_stats_header){
		.name_size = NAME_SIZE,
		.num_desc = count,
		.id_offset = sizeof(stats->header),
		.desc_offset = sizeof(stats->header) + sizeof(stats->id),
	};
	stats->header.data_offset = stats->header.desc_offset + count * sizeof(*stats->description);
	if (vcpu)
		snprintf(stats->id, sizeof(stats->id), "kvm-%d/vcpu-%u", task_pid_nr(current),
			 vcpu->id);
	else
		snprintf(stats->id, sizeof(stats->id), "kvm-%d", task_pid_nr(current));
	for (i = 0; i < count; i++)
		describe(&stats->description[i], &table[i]);
	return stats;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_file *stats = file->private_data;

	vm_put(stats->vm);
	kfree(stats);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.release = stats_release,
	.read = stats_read,
	.llseek = noop_llseek,
};

int stats_open(struct vm *vm, struct vcpu *vcpu)
{
	struct stats_file *stats;
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	stats = make_file(vm, vcpu);
	file = stats ? anon_inode_getfile("oriel-stats", &stats_fops, stats, O_RDONLY) :
		       ERR_PTR(-ENOMEM);
	if (IS_ERR(file)) {
		kfree(stats);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* An anonymous inode has no position of its own to give it. */
	file->f_mode |= FMODE_PREAD;
	refcount_inc(&vm->refs);
	fd_install(fd, file);
	return fd;
}
