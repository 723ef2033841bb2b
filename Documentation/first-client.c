// SPDX-License-Identifier: GPL-2.0-only
/*
 * Your first client: a virtual machine with one page of memory and one virtual
 * CPU. Its program writes "Hello" to an I/O port, one byte at a time, and halts.
 *
 *	gcc -o first-client first-client.c
 *	./first-client [NODE]
 *
 * NODE is /dev/oriel, or /dev/kvm for the in-tree KVM: the interface is the same.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kvm.h>

#define PAGE_SIZE 4096

/*
 * The guest's program, at guest-physical address 1000h. It is 16-bit code, because a
 * CPU starts in real mode:
 *
 *	1000  be 0d 10          mov  $0x100d, %si	SI points to the text
 *	1003  ac          next: lodsb			AL is the next byte
 *	1004  84 c0             test %al, %al
 *	1006  74 04             jz   end		a zero byte ends the text
 *	1008  e6 e9             out  %al, $0xe9		this leaves the guest
 *	100a  eb f7             jmp  next
 *	100c  f4          end:  hlt			and so does this
 */
#define PROGRAM 0x1000
#define PORT 0xe9
static const uint8_t program[] = {
	0xbe, 0x0d, 0x10, 0xac, 0x84, 0xc0, 0x74, 0x04, 0xe6, PORT,
	0xeb, 0xf7, 0xf4, 'H',	'e',  'l',  'l',  'o',	'\n', 0,
};

/* Do an ioctl, or end with its name and the error. */
static int call(int fd, unsigned long request, void *argument, const char *name)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(1, "%s", name);
	return result;
}

#define CALL(fd, request, argument) call(fd, request, argument, #request)

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "/dev/oriel";
	struct kvm_userspace_memory_region slot = { 0 };
	struct kvm_regs regs = { 0 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int oriel, vm, vcpu;
	void *memory;

	/* Each step gives a descriptor: the node makes VMs, and a VM makes vCPUs. */
	oriel = open(node, O_RDWR | O_CLOEXEC);
	if (oriel < 0)
		err(1, "%s", node);
	vm = CALL(oriel, KVM_CREATE_VM, NULL);

	/*
	 * The guest's memory is ordinary memory of this process. The memslot says at
	 * which guest-physical address the guest finds it.
	 */
	memory = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	memcpy(memory, program, sizeof(program));
	slot.guest_phys_addr = PROGRAM;
	slot.memory_size = PAGE_SIZE;
	slot.userspace_addr = (uintptr_t)memory;
	CALL(vm, KVM_SET_USER_MEMORY_REGION, &slot);

	/*
	 * The vCPU's descriptor is mapped as struct kvm_run. There the hypervisor
	 * says why KVM_RUN returned. NULL stands for 0 here: the vCPU's id.
	 */
	vcpu = CALL(vm, KVM_CREATE_VCPU, NULL);
	run = mmap(NULL, CALL(oriel, KVM_GET_VCPU_MMAP_SIZE, NULL), PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");

	/*
	 * The vCPU starts in the state of a CPU after reset: CS:IP is F000:FFF0, and CS's
	 * base is FFFF0000h (SDM 3A 10.1.4). Make it begin at the program instead. The base
	 * of DS is 0 already. Bit 1 of RFLAGS is always set.
	 */
	CALL(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs.selector = 0;
	sregs.cs.base = 0;
	CALL(vcpu, KVM_SET_SREGS, &sregs);
	regs.rip = PROGRAM;
	regs.rflags = 2;
	CALL(vcpu, KVM_SET_REGS, &regs);

	for (;;) {
		/* Run the guest until it does something that we have to do for it. */
		CALL(vcpu, KVM_RUN, NULL);
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			/* IN or OUT; the data is in the same mapping, at an offset. */
			if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != PORT)
				errx(1, "the guest used port %#x", run->io.port);
			putchar(((const uint8_t *)run)[run->io.data_offset]);
			break;
		case KVM_EXIT_HLT:
			/* With KVM_CREATE_IRQCHIP the thread would sleep in KVM_RUN instead. */
			puts("The guest halted.");
			return 0;
		default:
			errx(1, "exit reason %u", run->exit_reason);
		}
	}
}
