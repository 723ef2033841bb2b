// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_DEVICE: the VFIO device. It holds the VFIO files that userspace adds, and asks VFIO
 * if their devices snoop the caches. It does not call vfio_file_set_kvm(): only the in-tree KVM
 * has a struct kvm for a driver.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <asm/smp.h>

#include "abi/abi.h"
#include "core/vm.h"
#include "host/compat.h"

/**
 * struct vfio_files - the device
 * @vm: the VM, referenced
 * @lock: protects @list
 * @list: struct vfio_entry of each file
 */
struct vfio_files {
	struct vm *vm;
	struct mutex lock; /* @list */
	struct list_head list;
};

struct vfio_entry {
	struct list_head link;
	struct file *file;
};

static void set_noncoherent(struct vm *vm, bool noncoherent)
{
	struct vm_dma *dma = &vm->dma;

	if (noncoherent == dma->noncoherent)
		return;
	/* Until now the CPUs that vCPUs have left were not recorded: assume all of them. */
	if (noncoherent)
		cpumask_copy(dma->cpus, cpu_online_mask);
	/* Pairs with dma_write_back() and dma_note_leaving(), which use @cpus afterwards. */
	smp_store_release(&dma->noncoherent, noncoherent);
	mmu_set_guest_memtypes(&vm->memory, noncoherent);
}

/*
 * Calls of VFIO. If its module is not loaded, no file belongs to it.
 */

static bool is_vfio_file(struct file *file)
{
	typeof(oriel_vfio_file_is_valid) *ask = symbol_get(oriel_vfio_file_is_valid);
	bool answer;

	if (!ask)
		return false;
	answer = ask(file);
	symbol_put(oriel_vfio_file_is_valid);
	return answer;
}

static bool is_coherent(struct file *file)
{
	typeof(vfio_file_enforced_coherent) *ask = symbol_get(vfio_file_enforced_coherent);
	bool answer;

	if (!ask)
		return false;
	answer = ask(file);
	symbol_put(vfio_file_enforced_coherent);
	return answer;
}

/*
 * The device.
 */

static void ask_coherency(struct vfio_files *files)
{
	struct vfio_entry *entry;
	bool noncoherent = false;

	lockdep_assert_held(&files->lock);
	list_for_each_entry(entry, &files->list, link)
		noncoherent |= !is_coherent(entry->file);
	set_noncoherent(files->vm, noncoherent);
}

static struct vfio_entry *find_file(const struct vfio_files *files, const struct file *file)
{
	struct vfio_entry *entry;

	list_for_each_entry(entry, &files->list, link)
		if (entry->file == file)
			return entry;
	return NULL;
}

/* Return 0 if the device now owns the caller's reference to @file. */
static int add_file(struct vfio_files *files, struct file *file)
{
	struct vfio_entry *entry;

	if (!is_vfio_file(file))
		return -EINVAL;
	if (find_file(files, file))
		return -EEXIST;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->file = file;
	list_add_tail(&entry->link, &files->list);
	ask_coherency(files);
	return 0;
}

static void drop_entry(struct vfio_entry *entry)
{
	list_del(&entry->link);
	fput(entry->file);
	kfree(entry);
}

static int remove_file(struct vfio_files *files, const struct file *file)
{
	struct vfio_entry *entry = find_file(files, file);

	if (!entry)
		return -ENOENT;
	drop_entry(entry);
	ask_coherency(files);
	return 0;
}

static int change_files(struct vfio_files *files, u64 attr, const s32 __user *user)
{
	struct file *file;
	s32 fd;
	int r;

	if (get_user(fd, user))
		return -EFAULT;
	file = fget(fd);
	if (!file)
		return -EBADF;
	mutex_lock(&files->lock);
	if (attr == KVM_DEV_VFIO_GROUP_ADD)
		r = add_file(files, file);
	else
		r = remove_file(files, file);
	mutex_unlock(&files->lock);
	if (r || attr != KVM_DEV_VFIO_GROUP_ADD)
		fput(file);
	return r;
}

static long vfio_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_files *files = file->private_data;
	struct kvm_device_attr attr;

	if (files->vm->memory.mm != current->mm)
		return -EIO;
	if (cmd == KVM_GET_DEVICE_ATTR)
		return -EPERM;
	if (cmd != KVM_HAS_DEVICE_ATTR && cmd != KVM_SET_DEVICE_ATTR)
		return -ENOTTY;
	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;
	/* In newer headers these numbers have names with FILE instead of GROUP. */
	if (attr.group != KVM_DEV_VFIO_GROUP ||
	    (attr.attr != KVM_DEV_VFIO_GROUP_ADD && attr.attr != KVM_DEV_VFIO_GROUP_DEL))
		return -ENXIO;
	if (cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	return change_files(files, attr.attr, u64_to_user_ptr(attr.addr));
}

static int vfio_release(struct inode *inode, struct file *file)
{
	struct vfio_files *files = file->private_data;
	struct vm *vm = files->vm;
	struct vfio_entry *entry;
	struct vfio_entry *next;

	list_for_each_entry_safe(entry, next, &files->list, link)
		drop_entry(entry);
	set_noncoherent(vm, false);
	kfree(files);
	mutex_lock(&vm->lock);
	vm->dma.device = false;
	mutex_unlock(&vm->lock);
	vm_put(vm);
	return 0;
}

static const struct file_operations vfio_fops = {
	.owner = THIS_MODULE,
	.release = vfio_release,
	.unlocked_ioctl = vfio_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* Return a descriptor or an errno. */
static int create_locked(struct vm *vm)
{
	struct vfio_files *files;
	int fd;

	lockdep_assert_held(&vm->lock);
	if (vm->dma.device)
		return -EBUSY;
	if (!cpumask_available(vm->dma.cpus) &&
	    !zalloc_cpumask_var(&vm->dma.cpus, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	files = kzalloc(sizeof(*files), GFP_KERNEL_ACCOUNT);
	if (!files)
		return -ENOMEM;
	files->vm = vm;
	mutex_init(&files->lock);
	INIT_LIST_HEAD(&files->list);
	fd = anon_inode_getfd("oriel-vfio", &vfio_fops, files, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		kfree(files);
		return fd;
	}
	/* Another thread may close the descriptor now: vfio_release() waits for the lock. */
	vm_get(vm);
	vm->dma.device = true;
	return fd;
}

int vfio_create_device(struct vm *vm, struct kvm_create_device *create)
{
	int fd;

	if (create->type != KVM_DEV_TYPE_VFIO)
		return -ENODEV;
	if (create->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	mutex_lock(&vm->lock);
	fd = create_locked(vm);
	mutex_unlock(&vm->lock);
	if (fd < 0)
		return fd;
	create->fd = fd;
	return 0;
}
