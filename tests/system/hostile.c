// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client gone mad: every ioctl of a node, of VMs and of vCPUs, in any order, with arguments
 * that are nearly right, hardly right or wrong, while random bytes are written to struct
 * kvm_run. Any answer is right, but the host must stay well, which the test reads in its kernel
 * log, and a new guest must run afterwards. KTAP on stdout.
 *
 *	hostile [-d /dev/oriel]
 *
 * ORIEL_HOSTILE_ROUNDS is the number of VMs (100), ORIEL_HOSTILE_SEED the first seed of the
 * random numbers. With ORIEL_HOSTILE_TRACE all answers are printed, to compare two nodes.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

#include "hostile.h"
#include "rawvm.h"

#define ROUNDS 100u
#define STEPS 60u
#define PORT_MARK 0x50

/* Addresses of memory that guests may get, far from the memory that this program uses itself. */
#define ARENA 0x100000000000ull
#define ARENA_SIZE (16ull << 20)
/* The buffer has the ioctls' arguments and the data that pointers in them point to. */
#define BUFFER_SIZE (64 * PAGE)
#define LOG_SIZE (4ull << 20)

/* In the guest's memory: page tables that map the first GiB onto itself. */
#define PML4 0x5000UL
#define PDPT 0x6000UL
#define DIRECTORY 0x7000UL

#define CR0_PE 1UL
#define CR0_ET 0x10UL
#define CR0_PG 0x80000000UL
#define CR4_PAE 0x20UL
#define EFER_LME 0x100UL
#define EFER_LMA 0x400UL

GUEST_CODE(mark_code, "1: out %al, $0x50\n"
		      "jmp 1b");

GUEST_CODE(halt_code, "hlt");

enum node { SYSTEM, VM, VCPU };

/* A VM that the test maltreats. */
struct victim {
	int vm;
	unsigned int vcpus;
	int vcpu[MAX_VCPUS];
	struct kvm_run *run[MAX_VCPUS];
	int eventfd;
};

static size_t run_size;
/* Data of each thread. */
static __thread uint8_t *buffer;
static __thread timer_t timer;
static uint8_t *bitmap, *ram;
static bool tracing;

static int node_of(const struct victim *v, enum node of, unsigned int i)
{
	return of == SYSTEM ? kvm : of == VM ? v->vm : v->vcpu[i];
}

static void trace(const char *what, int result)
{
	if (tracing)
		printf("# %s: %d%s%s\n", what, result, result < 0 ? " " : "",
		       result < 0 ? strerrorname_np(errno) : "");
}

static int call(int fd, unsigned long request, const void *arg, const char *what)
{
	int result = ioctl(fd, request, arg);

	trace(what, result);
	return result;
}

#define CALL(fd, request, arg) call(fd, request, (const void *)(uintptr_t)(arg), #request)

/* ---- structures of fixed size ---- */

/**
 * struct pair - an ioctl that sets, and the one that gets what may be set
 * @name: its name
 * @set: sets; 0: nothing does
 * @get: gets; 0: nothing does
 * @size: bytes, if not what @set says
 * @of: what it is an ioctl of
 */
struct pair {
	const char *name;
	unsigned long set;
	unsigned long get;
	size_t size;
	enum node of;
};

#define PAIR(what, file)                                                                \
	{                                                                               \
		.name = #what, .set = KVM_SET_##what, .get = KVM_GET_##what, .of = file \
	}
#define ONLY(request, file)                                  \
	{                                                    \
		.name = #request, .set = request, .of = file \
	}

static const struct pair pairs[] = {
	PAIR(REGS, VCPU),
	PAIR(SREGS, VCPU),
	PAIR(SREGS2, VCPU),
	PAIR(FPU, VCPU),
	PAIR(XSAVE, VCPU),
	{ .name = "XSAVE2", .set = KVM_SET_XSAVE, .get = KVM_GET_XSAVE2, .of = VCPU },
	PAIR(XCRS, VCPU),
	PAIR(DEBUGREGS, VCPU),
	PAIR(VCPU_EVENTS, VCPU),
	PAIR(VCPU_EVENTS, VCPU),
	PAIR(MP_STATE, VCPU),
	PAIR(LAPIC, VCPU),
	PAIR(CLOCK, VM),
	PAIR(PIT2, VM),
	PAIR(IRQCHIP, VM),
	ONLY(KVM_INTERRUPT, VCPU),
	ONLY(KVM_TRANSLATE, VCPU),
	ONLY(KVM_SET_VAPIC_ADDR, VCPU),
	ONLY(KVM_TPR_ACCESS_REPORTING, VCPU),
	ONLY(KVM_X86_SETUP_MCE, VCPU),
	ONLY(KVM_X86_SET_MCE, VCPU),
	ONLY(KVM_SET_GUEST_DEBUG, VCPU),
	ONLY(KVM_IRQ_LINE, VM),
	ONLY(KVM_IRQ_LINE_STATUS, VM),
	ONLY(KVM_SIGNAL_MSI, VM),
	ONLY(KVM_REGISTER_COALESCED_MMIO, VM),
	ONLY(KVM_UNREGISTER_COALESCED_MMIO, VM),
	ONLY(KVM_SET_IDENTITY_MAP_ADDR, VM),
	{ .name = "KVM_REINJECT_CONTROL",
	  .set = KVM_REINJECT_CONTROL,
	  .size = sizeof(struct kvm_reinject_control),
	  .of = VM },
	ONLY(KVM_X86_GET_MCE_CAP_SUPPORTED, SYSTEM),
	{ .name = "ORIEL_GET_ENTRY_REPORT", .get = ORIEL_GET_ENTRY_REPORT, .of = VCPU },
};

/*
 * Choose a mode that the guest's tables allow, so that a part of the state is right before the
 * rest is spoilt.
 */
static void choose_mode(struct kvm_sregs *sregs)
{
	struct kvm_segment data = {
		.limit = ~0u, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1
	};
	static const struct {
		uint64_t cr0, cr3, cr4, efer;
	} modes[] = {
		{ CR0_ET, 0, 0, 0 },
		{ CR0_ET | CR0_PE, 0, 0x200, 0 },
		{ CR0_ET | CR0_PE | CR0_PG, DIRECTORY, 0x210, 0 },
		{ CR0_ET | CR0_PE | CR0_PG, PDPT, 0x220, 0 },
		{ CR0_ET | CR0_PE | CR0_PG, PML4, 0x220, EFER_LME | EFER_LMA },
	};
	unsigned int mode = below(ARRAY_SIZE(modes));

	sregs->cr0 = modes[mode].cr0;
	sregs->cr3 = modes[mode].cr3;
	sregs->cr4 = modes[mode].cr4;
	sregs->efer = modes[mode].efer;
	sregs->ss = data;
	sregs->ds = data;
	sregs->es = data;
	sregs->cs = data;
	sregs->cs.selector = 8;
	sregs->cs.type = 0xb;
	if (mode == ARRAY_SIZE(modes) - 1 && one_in(2)) {
		sregs->cs.l = 1;
		sregs->cs.db = 0;
	}
	if (!mode) {
		sregs->cs.selector = 0;
		sregs->cs.limit = 0xffff;
		sregs->cs.db = 0;
		sregs->cs.g = 0;
	}
}

static void use_pair(const struct victim *v, unsigned int i)
{
	const struct pair *pair = &pairs[below(ARRAY_SIZE(pairs))];
	unsigned long sized = pair->set ? pair->set : pair->get;
	size_t size = pair->size ? pair->size : _IOC_SIZE(sized);
	int fd = node_of(v, pair->of, i);

	memset(buffer, 0, size);
	if (pair->of == VM && pair->get)
		spoil_once(buffer, 8);
	if (pair->get && !one_in(8))
		call(fd, pair->get, buffer, pair->name);
	else if (one_in(4))
		fill_randomly(buffer, size);
	if (pair->set == KVM_SET_SREGS && one_in(2))
		choose_mode((struct kvm_sregs *)buffer);
	if (!one_in(4))
		spoil(buffer, size);
	if (pair->set)
		call(fd, pair->set, one_in(64) ? (void *)odd_number() : buffer, pair->name);
}

/* ---- numbers ---- */

static const struct {
	const char *name;
	unsigned long request;
	enum node of;
} plain[] = {
	{ "KVM_CHECK_EXTENSION", KVM_CHECK_EXTENSION, SYSTEM },
	{ "KVM_GET_API_VERSION", KVM_GET_API_VERSION, SYSTEM },
	{ "KVM_GET_VCPU_MMAP_SIZE", KVM_GET_VCPU_MMAP_SIZE, SYSTEM },
	{ "KVM_CHECK_EXTENSION of a VM", KVM_CHECK_EXTENSION, VM },
	{ "KVM_SET_TSS_ADDR", KVM_SET_TSS_ADDR, VM },
	{ "KVM_SET_NR_MMU_PAGES", KVM_SET_NR_MMU_PAGES, VM },
	{ "KVM_SET_BOOT_CPU_ID", KVM_SET_BOOT_CPU_ID, VM },
	{ "KVM_CREATE_IRQCHIP", KVM_CREATE_IRQCHIP, VM },
	{ "KVM_RESET_DIRTY_RINGS", KVM_RESET_DIRTY_RINGS, VM },
	{ "KVM_NMI", KVM_NMI, VCPU },
	{ "KVM_SET_TSC_KHZ", KVM_SET_TSC_KHZ, VCPU },
	{ "KVM_GET_TSC_KHZ", KVM_GET_TSC_KHZ, VCPU },
	{ "KVM_KVMCLOCK_CTRL", KVM_KVMCLOCK_CTRL, VCPU },
};

static void use_number(const struct victim *v, unsigned int i)
{
	unsigned int which = below(ARRAY_SIZE(plain));

	call(node_of(v, plain[which].of, i), plain[which].request, (void *)odd_number(),
	     plain[which].name);
}

/* Try an ioctl that may not exist. */
static void use_unknown(const struct victim *v, unsigned int i)
{
	unsigned int nr = below(256), size = one_in(2) ? below(64) * 8 : below(1 << 14);
	int fd = node_of(v, below(3), i);

	/* One more VM or vCPU would do no harm, but nothing would close it. */
	if (nr == _IOC_NR(KVM_CREATE_VM) || nr == _IOC_NR(KVM_CREATE_VCPU) ||
	    nr == _IOC_NR(KVM_RUN) || nr == _IOC_NR(KVM_GET_STATS_FD) ||
	    nr == _IOC_NR(KVM_CREATE_DEVICE) || nr == _IOC_NR(KVM_SET_SIGNAL_MASK) ||
	    nr == _IOC_NR(KVM_SET_USER_MEMORY_REGION))
		return;
	fill_randomly(buffer, 512);
	ioctl(fd, _IOC(below(4), KVMIO, nr, size), buffer);
}

/* ---- structures with pointers, and lists ---- */

/* Return a pointer to memory, or to nothing. */
static void *some_pointer(void)
{
	return one_in(4) ? (void *)odd_number() : bitmap;
}

static void set_region(const struct victim *v)
{
	static const uint64_t sizes[] = { 0,	       PAGE,	   16 * PAGE,  2ull << 20,
					  16ull << 20, 1ull << 30, 1ull << 36, PAGE + 1,
					  1ull << 62,  -4096ull };
	static const uint64_t addresses[] = { 0,	  PAGE,	      1ull << 20, 2ull << 20,
					      0xfee00000, 0xfec00000, 1ull << 32, 1ull << 39,
					      1ull << 51, -4096ull,   1 };
	struct kvm_userspace_memory_region region = {
		.slot = one_in(8) ? odd_number() : below(6),
		.flags = one_in(8) ? odd_number() : below(4),
		.guest_phys_addr = addresses[below(ARRAY_SIZE(addresses))],
		.memory_size = sizes[below(ARRAY_SIZE(sizes))],
		.userspace_addr = ARENA + below(ARENA_SIZE / PAGE + 2) * PAGE,
	};

	if (one_in(8))
		region.userspace_addr = one_in(2) ? -1ull << 47 : 1ull << 47;
	/* A log of 2^36 bytes is allowed, but takes long. */
	if (region.memory_size > 1ull << 30)
		region.flags &= ~KVM_MEM_LOG_DIRTY_PAGES;
	CALL(v->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void use_log(const struct victim *v)
{
	struct kvm_dirty_log get = { .slot = one_in(8) ? odd_number() : below(6) };
	struct kvm_clear_dirty_log clear = { .slot = get.slot,
					     .num_pages = odd_number(),
					     .first_page = odd_number() };

	get.dirty_bitmap = some_pointer();
	clear.dirty_bitmap = get.dirty_bitmap;
	if (one_in(2))
		CALL(v->vm, KVM_GET_DIRTY_LOG, &get);
	else
		CALL(v->vm, KVM_CLEAR_DIRTY_LOG, &clear);
}

static void use_msrs(const struct victim *v, unsigned int i)
{
	struct kvm_msrs *msrs = (struct kvm_msrs *)buffer;
	struct kvm_msr_list *list = (struct kvm_msr_list *)buffer;
	uint32_t n, known = 0, index[400];

	list->nmsrs = ARRAY_SIZE(index);
	if (!CALL(kvm, KVM_GET_MSR_INDEX_LIST, list)) {
		known = list->nmsrs;
		memcpy(index, list->indices, known * sizeof(index[0]));
	}
	msrs->nmsrs = one_in(16) ? odd_number() : 1 + below(8);
	for (n = 0; n < 8; n++)
		msrs->entries[n] = (struct kvm_msr_entry){
			.index = known && one_in(2) ? index[below(known)] : odd_number(),
			.data = odd_number(),
		};
	/* The buffer may have any bytes after the eighth entry. */
	if (one_in(4))
		CALL(one_in(8) ? kvm : v->vcpu[i], KVM_GET_MSRS, msrs);
	else
		CALL(v->vcpu[i], KVM_SET_MSRS, msrs);
}

static void use_cpuid(const struct victim *v, unsigned int i)
{
	struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)buffer;
	uint32_t n;

	cpuid->nent = one_in(16) ? odd_number() : 100;
	if (CALL(kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		fill_randomly(buffer, 4096);
	for (n = below(8); n; n--)
		spoil_once(cpuid->entries, 64 * sizeof(cpuid->entries[0]));
	if (one_in(16))
		cpuid->nent = odd_number();
	if (one_in(8))
		CALL(v->vcpu[i], KVM_SET_CPUID, cpuid);
	else
		CALL(v->vcpu[i], KVM_SET_CPUID2, cpuid);
	CALL(v->vcpu[i], KVM_GET_CPUID2, cpuid);
}

static void set_routing(const struct victim *v)
{
	struct kvm_irq_routing *routing = (struct kvm_irq_routing *)buffer;
	uint32_t n;

	memset(buffer, 0, 4096);
	routing->nr = one_in(16) ? odd_number() : below(40);
	routing->flags = one_in(32);
	for (n = 0; n < 40; n++) {
		struct kvm_irq_routing_entry *e = &routing->entries[n];

		e->gsi = one_in(2) ? n : one_in(2) ? below(32) : odd_number();
		e->type = one_in(16) ? below(8) : 1 + below(2);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = below(3);
			e->u.irqchip.pin = below(8);
		} else {
			fill_randomly(&e->u, sizeof(e->u.msi));
			e->u.msi.address_hi &= one_in(2) ? 0 : 0xffffff00;
		}
		if (one_in(64))
			spoil(e, sizeof(*e));
	}
	CALL(v->vm, KVM_SET_GSI_ROUTING, routing);
}

static void use_doorbell(const struct victim *v)
{
	struct kvm_irqfd irqfd = { .fd = v->eventfd,
				   .gsi = one_in(4) ? odd_number() : below(32),
				   .flags = one_in(8) ? odd_number() : below(4),
				   .resamplefd = one_in(2) ? v->eventfd : kvm };
	struct kvm_ioeventfd io = { .fd = one_in(16) ? kvm : v->eventfd,
				    .addr = one_in(2) ? PORT_MARK : odd_number(),
				    .len = one_in(4) ? odd_number() : 1u << below(4),
				    .datamatch = odd_number(),
				    .flags = one_in(8) ? odd_number() : below(8) };
	uint64_t ring = 1;

	if (one_in(2))
		CALL(v->vm, KVM_IRQFD, &irqfd);
	else
		CALL(v->vm, KVM_IOEVENTFD, &io);
	if (one_in(2) && write(v->eventfd, &ring, sizeof(ring)) < 0)
		complain("the eventfd: %s", strerror(errno));
}

static void set_filter(const struct victim *v)
{
	struct kvm_msr_filter *filter = (struct kvm_msr_filter *)buffer;
	uint32_t n;

	memset(filter, 0, sizeof(*filter));
	filter->flags = below(2);
	for (n = below(KVM_MSR_FILTER_MAX_RANGES + 1); n; n--)
		filter->ranges[n - 1] = (struct kvm_msr_filter_range){
			.flags = one_in(8) ? odd_number() : 1 + below(3),
			.nmsrs = one_in(4) ? odd_number() : below(1000),
			.base = odd_number(),
			.bitmap = some_pointer(),
		};
	CALL(v->vm, KVM_X86_SET_MSR_FILTER, filter);
}

static void enable(const struct victim *v, unsigned int i)
{
	static const uint32_t caps[] = {
		KVM_CAP_X2APIC_API,
		KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_EXCEPTION_PAYLOAD,
		KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		KVM_CAP_MAX_VCPU_ID,
		KVM_CAP_EXIT_ON_EMULATION_FAILURE,
		KVM_CAP_DISABLE_QUIRKS2,
		KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_DISABLE_QUIRKS,
		KVM_CAP_X86_USER_SPACE_MSR,
		KVM_CAP_MSR_PLATFORM_INFO,
		KVM_CAP_DIRTY_LOG_RING,
		KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
	};
	struct kvm_enable_cap cap = {
		.cap = one_in(8) ? odd_number() : caps[below(ARRAY_SIZE(caps))],
		.flags = one_in(16) ? odd_number() : 0,
		.args = { one_in(2) ? below(32) : odd_number(), odd_number() },
	};

	CALL(one_in(4) ? v->vcpu[i] : v->vm, KVM_ENABLE_CAP, &cap);
}

static void use_device(const struct victim *v, unsigned int i)
{
	struct kvm_device_attr attr = { .flags = one_in(8) ? odd_number() : 0,
					.group = one_in(4) ? odd_number() : 0,
					.attr = one_in(4) ? odd_number() : 0,
					.addr = (uintptr_t)some_pointer() };
	struct kvm_create_device device = { .type = one_in(4) ? odd_number() : KVM_DEV_TYPE_VFIO,
					    .flags = one_in(4) ? odd_number() : 0 };
	int fd = one_in(4) ? kvm : v->vcpu[i];

	CALL(fd, KVM_HAS_DEVICE_ATTR, &attr);
	CALL(fd, KVM_GET_DEVICE_ATTR, &attr);
	CALL(fd, KVM_SET_DEVICE_ATTR, &attr);
	if (CALL(v->vm, KVM_CREATE_DEVICE, &device) || device.flags & KVM_CREATE_DEVICE_TEST)
		return;
	attr.group = KVM_DEV_VFIO_GROUP;
	attr.attr = KVM_DEV_VFIO_GROUP_ADD + below(3);
	*(int32_t *)bitmap = one_in(2) ? kvm : (int)odd_number();
	CALL(device.fd, KVM_SET_DEVICE_ATTR, &attr);
	close(device.fd);
}

static void use_stats(const struct victim *v, unsigned int i)
{
	int fd = CALL(one_in(2) ? v->vm : v->vcpu[i], KVM_GET_STATS_FD, 0);

	if (fd < 0)
		return;
	trace("pread of the statistics", pread(fd, buffer, below(4096), odd_number()));
	trace("read of the statistics", read(fd, some_pointer(), below(4096)));
	close(fd);
}

/* Block any signals but those that this program needs. */
static void set_signals(const struct victim *v, unsigned int i)
{
	struct kvm_signal_mask *mask = (struct kvm_signal_mask *)buffer;
	uint64_t set = odd_number() & ~(1ull << (SIGUSR1 - 1) | 1ull << (SIGALRM - 1));

	mask->len = one_in(8) ? odd_number() : sizeof(set);
	memcpy(mask->sigset, &set, sizeof(set));
	CALL(v->vcpu[i], KVM_SET_SIGNAL_MASK, one_in(4) ? NULL : mask);
}

/* ---- running ---- */

static void on_timer(int signal)
{
	(void)signal;
}

/* A signal every few milliseconds ends a KVM_RUN that does not end by itself. */
static void set_timer(long ns)
{
	const struct itimerspec when = { .it_value.tv_nsec = ns, .it_interval.tv_nsec = ns };

	timer_settime(timer, 0, &when, NULL);
}

static void scribble(struct kvm_run *run)
{
	if (one_in(2))
		spoil(run, offsetof(struct kvm_run, s));
	if (one_in(4)) {
		run->kvm_dirty_regs = below(8);
		run->kvm_valid_regs = below(8);
		spoil(&run->s, sizeof(struct kvm_sync_regs));
	}
	if (one_in(8))
		spoil(run, run_size);
	run->immediate_exit = one_in(8);
	if (!one_in(8))
		run->cr8 &= 15;
}

static void run_vcpu(const struct victim *v, unsigned int i)
{
	struct kvm_run *run = v->run[i];
	int result;

	if (one_in(3))
		scribble(run);
	set_timer(3000000);
	result = ioctl(v->vcpu[i], KVM_RUN, 0);
	set_timer(0);
	trace("KVM_RUN", result);
	if (!result && tracing)
		printf("# exit %u\n", run->exit_reason);
}

/* Fill the guest's memory with instructions that it executes wherever it goes. */
static void fill_ram(void)
{
	static const struct {
		uint8_t size, bytes[6];
	} code[] = {
		{ 2, { 0xe6, 0x50 } }, /* out %al, $0x50 */
		{ 2, { 0xe4, 0x20 } }, /* in $0x20, %al */
		{ 2, { 0xf3, 0x6e } }, /* rep outsb */
		{ 2, { 0xf3, 0x6c } }, /* rep insb */
		{ 2, { 0x0f, 0xa2 } }, /* cpuid */
		{ 2, { 0x0f, 0x30 } }, /* wrmsr */
		{ 2, { 0x0f, 0x32 } }, /* rdmsr */
		{ 3, { 0x0f, 0x22, 0xc0 } }, /* mov %eax, %cr0 */
		{ 2, { 0x89, 0x07 } }, /* mov %eax, (%edi) */
		{ 2, { 0xf3, 0xa5 } }, /* rep movsl */
		{ 1, { 0xf4 } }, /* hlt */
		{ 1, { 0xcc } }, /* int3 */
		{ 3, { 0x0f, 0x23, 0xf8 } }, /* mov %eax, %dr7: the last */
	};
	/*
	 * QEMU's CPU takes DR7 from the VMCB, but keeps the breakpoints that it has made for
	 * another DR7. MOV to DR7 then frees them as the wrong kind, which can end QEMU.
	 */
	unsigned int which = one_in(2) ? 0 : below(ARRAY_SIZE(code) - on_tcg());
	size_t i;

	for (i = 0; i + sizeof(code[0].bytes) <= RAM_SIZE; i += code[which].size)
		memcpy(ram + i, code[which].bytes, code[which].size);
	*(uint64_t *)(ram + PML4) = PDPT | 3;
	for (i = 0; i < 4; i++)
		((uint64_t *)(ram + PDPT))[i] = DIRECTORY | 1;
	/* Large pages; of 4 MiB where entries have half the size. */
	for (i = 0; i < 512; i++)
		((uint64_t *)(ram + DIRECTORY))[i] = i << 21 | 0x83;
}

/* ---- a victim ---- */

static bool add_victim_vcpu(struct victim *v)
{
	unsigned int i = v->vcpus;

	v->vcpu[i] = CALL(v->vm, KVM_CREATE_VCPU, i);
	if (v->vcpu[i] < 0)
		return false;
	v->run[i] = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu[i], 0);
	if (v->run[i] == MAP_FAILED)
		die("mmap of a vCPU");
	v->vcpus++;
	return true;
}

static void start_flat(const struct victim *v, unsigned int i)
{
	struct kvm_regs regs = { .rip = CODE, .rsp = STACK, .rflags = 2, .rcx = odd_number() };
	struct kvm_sregs sregs;

	MUST(v->vcpu[i], KVM_GET_SREGS, &sregs);
	choose_mode(&sregs);
	MUST(v->vcpu[i], KVM_SET_SREGS, &sregs);
	MUST(v->vcpu[i], KVM_SET_REGS, &regs);
}

/* Make a VM, with chips or without; any answer is right. */
static struct victim new_victim(void)
{
	struct victim v = { .vm = ioctl(kvm, KVM_CREATE_VM, 0), .eventfd = eventfd(0, 0) };
	struct kvm_userspace_memory_region region = { .memory_size = RAM_SIZE,
						      .userspace_addr = (uintptr_t)ram,
						      .flags = below(2) };
	struct kvm_pit_config pit = { .flags = one_in(8) ? odd_number() : below(2) };
	unsigned int i;

	if (v.vm < 0 || v.eventfd < 0)
		die("KVM_CREATE_VM, eventfd");
	for (i = below(4); i; i--)
		enable(&(struct victim){ .vm = v.vm, .vcpu = { kvm } }, 0);
	if (one_in(2))
		CALL(v.vm, KVM_CREATE_IRQCHIP, 0);
	if (one_in(2))
		CALL(v.vm, KVM_CREATE_PIT2, &pit);
	CALL(v.vm, KVM_SET_USER_MEMORY_REGION, &region);
	fill_ram();
	for (i = 1 + below(MAX_VCPUS); i; i--)
		if (!add_victim_vcpu(&v))
			break;
	for (i = 0; i < v.vcpus; i++)
		start_flat(&v, i);
	return v;
}

/* Close everything in any order: an object that another one needs lives until that is gone. */
static void free_victim(struct victim *v)
{
	bool vm_first = one_in(2), map_last = one_in(2), eventfd_first = one_in(2);
	unsigned int i;

	if (eventfd_first)
		close(v->eventfd);
	if (vm_first)
		close(v->vm);
	for (i = 0; i < v->vcpus; i++) {
		if (!map_last)
			munmap(v->run[i], run_size);
		close(v->vcpu[i]);
	}
	if (!vm_first)
		close(v->vm);
	for (i = 0; i < v->vcpus && map_last; i++) {
		spoil(v->run[i], run_size);
		munmap(v->run[i], run_size);
	}
	if (!eventfd_first)
		close(v->eventfd);
}

static void torment(const struct victim *v)
{
	unsigned int i = below(v->vcpus);

	switch (below(24)) {
	case 0 ... 8:
		use_pair(v, i);
		break;
	case 9 ... 13:
		run_vcpu(v, i);
		break;
	case 14:
		use_number(v, i);
		break;
	case 15:
		use_unknown(v, i);
		break;
	case 16:
		one_in(2) ? set_region(v) : use_log(v);
		break;
	case 17 ... 18:
		use_msrs(v, i);
		break;
	case 19:
		use_cpuid(v, i);
		break;
	case 20:
		one_in(2) ? set_routing(v) : use_doorbell(v);
		break;
	case 21:
		one_in(2) ? set_filter(v) : enable(v, i);
		break;
	case 22:
		one_in(2) ? use_device(v, i) : use_stats(v, i);
		break;
	case 23:
		set_signals(v, i);
		break;
	}
}

static unsigned int rounds(void)
{
	const char *number = getenv("ORIEL_HOSTILE_ROUNDS");

	return number ? strtoul(number, NULL, 0) : ROUNDS;
}

/* The host is well if it still runs a guest. */
static void expect_guest(void)
{
	struct machine m = new_machine(1, false, mark_code, mark_code_end);

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_port(&m, run(&m, 0), PORT_MARK, "a guest after all that");
	free_machine(&m);
}

/* Set up the data of a thread. */
static void begin(uint32_t seed)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	random_state = seed;
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		die("timer_create");
	buffer = map_memory(BUFFER_SIZE);
}

static void end(void)
{
	timer_delete(timer);
	munmap(buffer, BUFFER_SIZE);
}

static uint32_t seed(void)
{
	const char *number = getenv("ORIEL_HOSTILE_SEED");
	uint32_t seed = number ? strtoul(number, NULL, 0) : 0;

	return seed ? seed : 20;
}

/* ---- tests ---- */

/* The in-tree KVM is tested only if its answers are to be printed. */
static bool may_torment(void)
{
	if (bochs_svm_cannot("Bochs' SVM panics at a guest's shutdown, with KVM too"))
		return false;
	if (on_oriel() || tracing)
		return true;
	skipped = "this node is not Oriel's";
	return false;
}

static void test_one_thread(void)
{
	unsigned int round, step;

	if (!may_torment())
		return;
	begin(seed());
	for (round = 0; round < rounds() && !failed; round++) {
		struct victim v;

		/* The random numbers do not depend on the answers. */
		start_numbers(seed(), round, 0);
		v = new_victim();
		for (step = 1; step <= STEPS && v.vcpus; step++) {
			start_numbers(seed(), round, step);
			if (tracing)
				printf("# round %u step %u\n", round, step);
			torment(&v);
		}
		free_victim(&v);
		alarm(HUNG_SECONDS);
	}
	end();
	expect_guest();
}

struct tormentor {
	pthread_t thread;
	const struct victim *victim;
	uint32_t seed;
};

static void *torment_together(void *arg)
{
	const struct tormentor *t = arg;
	unsigned int step;

	begin(t->seed);
	for (step = 0; step < STEPS; step++)
		torment(t->victim);
	end();
	return NULL;
}

/* Three threads use the same VM and the same vCPUs. */
static void test_three_threads(void)
{
	struct tormentor t[3];
	unsigned int round, i;

	if (!may_torment())
		return;
	begin(seed() + 1);
	tracing = false;
	for (round = 0; round < rounds() / 8 && !failed; round++) {
		struct victim v = new_victim();

		for (i = 0; i < ARRAY_SIZE(t) && v.vcpus; i++) {
			t[i].victim = &v;
			t[i].seed = random_number();
			if (pthread_create(&t[i].thread, NULL, torment_together, &t[i]))
				die("pthread_create");
		}
		for (i = 0; i < ARRAY_SIZE(t) && v.vcpus; i++)
			pthread_join(t[i].thread, NULL);
		free_victim(&v);
		alarm(HUNG_SECONDS);
	}
	end();
	expect_guest();
}

/* The addresses of Linux' memory, stacks, text and modules (Documentation/x86/x86_64/mm.rst). */
static bool is_kernel_address(uint64_t value)
{
	return value >= 0xffff888000000000 && value < 0xffffffffff000000;
}

/* The state of a vCPU that has just been made and run has no address of the kernel's. */
static void test_no_kernel_address(void)
{
	struct machine m = new_machine(1, true, mark_code, mark_code_end);
	struct victim v = { .vm = m.vm, .vcpu = { m.vcpu[0] } };
	size_t i, at;

	begin(1);
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_port(&m, run(&m, 0), PORT_MARK, "a guest");
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		memset(buffer, 0, BUFFER_SIZE);
		if (!pairs[i].get || ioctl(node_of(&v, pairs[i].of, 0), pairs[i].get, buffer) < 0)
			continue;
		for (at = 0; at + 8 <= 16384; at += 8) {
			uint64_t value;

			memcpy(&value, buffer + at, sizeof(value));
			if (is_kernel_address(value))
				complain("%s: %#llx at byte %zu", pairs[i].name,
					 (unsigned long long)value, at);
		}
	}
	end();
	free_machine(&m);
}

struct sleeper {
	int vcpu;
	pid_t tid;
};

static void *run_until_signal(void *arg)
{
	struct sleeper *s = arg;

	__atomic_store_n(&s->tid, gettid(), __ATOMIC_RELEASE);
	check(ioctl(s->vcpu, KVM_RUN, 0) < 0 && errno == EINTR, "KVM_RUN of a closed vCPU");
	return NULL;
}

/* Return true if the thread sleeps, which it does in KVM_RUN alone. */
static bool is_asleep(const struct sleeper *s)
{
	pid_t tid = __atomic_load_n(&s->tid, __ATOMIC_ACQUIRE);
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = tid ? fopen(path, "r") : NULL;
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (file)
		fclose(file);
	return state == 'S';
}

/* All descriptors and mappings are closed while a vCPU sleeps, and then a signal comes. */
static void test_closed_while_running(void)
{
	struct machine m = new_machine(1, true, halt_code, halt_code_end);
	struct sleeper sleeper = { .vcpu = m.vcpu[0] };
	pthread_t thread;

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	if (pthread_create(&thread, NULL, run_until_signal, &sleeper))
		die("pthread_create");
	while (!is_asleep(&sleeper))
		sched_yield();
	free_machine(&m);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	expect_guest();
}

/* The process that made the VM is gone, and a child has its descriptors. */
static void test_orphans(void)
{
	int ready[2], done[2];
	char byte;

	fflush(stdout);
	if (pipe(ready) || pipe(done))
		die("pipe");
	if (!fork()) {
		struct machine m = new_machine(1, true, mark_code, mark_code_end);

		set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
		if (run(&m, 0) != KVM_EXIT_IO || fork())
			_exit(0);
		close(ready[1]);
		/*
		 * The read ends when the parent is gone, which had the last other end of the
		 * pipe.
		 */
		if (read(ready[0], &byte, 1) ||
		    (ioctl(m.vcpu[0], KVM_RUN, 0) >= 0 || errno != EIO) ||
		    (ioctl(m.vm, KVM_CHECK_EXTENSION, 0) >= 0 || errno != EIO))
			_exit(1);
		free_machine(&m);
		if (write(done[1], "", 1) != 1)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(done[1]);
	check(read(done[0], &byte, 1) == 1, "the orphan");
	close(ready[0]);
	close(done[0]);
	wait(NULL);
	expect_guest();
}

static const struct test tests[] = {
	TEST(no_kernel_address), TEST(closed_while_running), TEST(orphans),
	TEST(one_thread),	 TEST(three_threads),
};

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_timer };

	signal(SIGALRM, on_hang);
	sigaction(SIGUSR1, &action, NULL);
	tracing = getenv("ORIEL_HOSTILE_TRACE");
	bitmap = map_memory(LOG_SIZE);
	ram = mmap((void *)ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (ram == MAP_FAILED)
		die("mmap of guests' memory");
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
