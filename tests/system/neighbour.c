// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who changes doorbells, routes and irqfds in a loop, and the guest of another, which
 * spins on another CPU: it must not be made to exit. KTAP on stdout.
 *
 *	neighbour [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations. Most exits of a guest that
 * spins come from the host's own timer. So it counts the interrupts that other CPUs have sent to
 * the guest's CPU. With ORIEL_CALLS in the environment it makes so many calls of each kind, and
 * prints the interrupts and all exits (scripts/bench).
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "rawvm.h"

#define GSI 40
#define PIN 20
#define STOP_PORT 0x50

/* Spins, with IF set, until the word at DATA is not 0. */
GUEST_CODE(spin_code, "sti\n"
		      "1: cmpl $0, 0x2000\n"
		      "je 1b\n"
		      "out %al, $0x50");

static unsigned int calls = 200;
static bool wanted;

/* The other VM, on the second CPU, and its vCPU's statistics. */
static struct machine other;
static int stats;
/* The offset of its number of exits in @stats. */
static uint64_t exits_at;

/* The VM that makes the calls, on the first CPU. */
static int vm, event, resample;

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static bool two_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	return CPU_COUNT(&set) > 1 || sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static void find_exits(void)
{
	struct kvm_stats_header head;
	size_t size;
	char *desc;
	uint32_t i;

	stats = ioctl(other.vcpu[0], KVM_GET_STATS_FD, NULL);
	if (stats < 0 || pread(stats, &head, sizeof(head), 0) != sizeof(head))
		die("KVM_GET_STATS_FD");
	size = sizeof(struct kvm_stats_desc) + head.name_size;
	desc = calloc(head.num_desc, size);
	if (!desc || pread(stats, desc, head.num_desc * size, head.desc_offset) < 0)
		die("statistics");
	for (i = 0; i < head.num_desc; i++) {
		const struct kvm_stats_desc *one = (void *)(desc + i * size);

		if (!strcmp(one->name, "exits"))
			exits_at = head.data_offset + one->offset;
	}
	check(exits_at, "there is a statistic of exits");
	free(desc);
}

/*
 * Return the number of interrupts that other CPUs have sent to the second CPU: function calls,
 * rescheduling, TLB shootdowns. Each ends the guest that runs there.
 */
static uint64_t sent_interrupts(void)
{
	static const char *const kinds[] = { "CAL:", "RES:", "TLB:" };
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long long first, second;
	uint64_t sum = 0;
	char line[4096], kind[16];

	if (!file)
		die("/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s %llu %llu", kind, &first, &second) != 3)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!strcmp(kind, kinds[i]))
				sum += second;
	}
	fclose(file);
	return sum;
}

static uint64_t exits(void)
{
	uint64_t count = 0;

	if (pread(stats, &count, sizeof(count), exits_at) != sizeof(count))
		die("statistics");
	return count;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Return how many of these interrupts the rest of the host sends in such a time. */
static uint64_t interrupts_in(uint64_t us)
{
	uint64_t end = now_us() + us, sent = sent_interrupts();

	while (now_us() < end)
		usleep(1000);
	return sent_interrupts() - sent;
}

static void *spin(void *unused)
{
	(void)unused;
	run_on(1);
	expect_port(&other, run(&other, 0), STOP_PORT, "the other guest");
	return NULL;
}

/* Make calls while the other guest spins, and count the interrupts that make it exit. */
static void count(const char *name, void (*call)(void))
{
	struct kvm_regs regs = { .rip = CODE };
	uint64_t sent, before, began, others;
	pthread_t thread;
	unsigned int i;

	if (!two_cpus()) {
		skipped = "it needs two CPUs";
		return;
	}
	run_on(0);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	event = eventfd(0, EFD_CLOEXEC);
	resample = eventfd(0, EFD_CLOEXEC);
	if (vm < 0 || event < 0 || resample < 0)
		die("KVM_CREATE_VM");
	MUST(vm, KVM_CREATE_IRQCHIP, 0);
	other = new_machine(1, false, spin_code, spin_code_end);
	set_regs(&other, 0, &regs);
	find_exits();
	if (pthread_create(&thread, NULL, spin, NULL))
		die("pthread_create");
	/* The guest runs when the host's timer has made it exit. */
	while (exits() < 3)
		usleep(1000);

	before = exits();
	began = now_us();
	sent = sent_interrupts();
	for (i = 0; i < calls; i++)
		call();
	sent = sent_interrupts() - sent;
	if (wanted)
		printf("# %s %llu %llu\n", name, (unsigned long long)sent,
		       (unsigned long long)(exits() - before));
	others = interrupts_in(now_us() - began);
	/* If a call interrupts other CPUs, it does so each time. */
	if (sent > others + calls / 2)
		complain("%u calls: %llu exits of the other guest, %llu without calls", calls,
			 (unsigned long long)sent, (unsigned long long)others);

	poke(ram_u32(&other, DATA), 1);
	pthread_join(thread, NULL);
	close(stats);
	free_machine(&other);
	close(vm);
	close(event);
	close(resample);
}

static void sleep_a_little(void)
{
	usleep(1000);
}

static void change_doorbell(void)
{
	struct kvm_ioeventfd doorbell = { .addr = 0x1000, .len = 4, .fd = event };

	MUST(vm, KVM_IOEVENTFD, &doorbell);
	doorbell.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	MUST(vm, KVM_IOEVENTFD, &doorbell);
}

static void change_routes(void)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routes = { .head.nr = 1 };

	routes.entry.gsi = GSI;
	routes.entry.type = KVM_IRQ_ROUTING_MSI;
	routes.entry.u.msi.address_lo = 0xfee00000;
	routes.entry.u.msi.data = 0x51;
	MUST(vm, KVM_SET_GSI_ROUTING, &routes);
}

static void change_irqfd(void)
{
	struct kvm_irqfd irqfd = {
		.gsi = PIN, .fd = event, .flags = KVM_IRQFD_FLAG_RESAMPLE, .resamplefd = resample
	};

	MUST(vm, KVM_IRQFD, &irqfd);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	MUST(vm, KVM_IRQFD, &irqfd);
}

static void change_zone(void)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0x10000000, .size = 4096 };

	MUST(vm, KVM_REGISTER_COALESCED_MMIO, &zone);
	MUST(vm, KVM_UNREGISTER_COALESCED_MMIO, &zone);
}

static void test_nothing(void)
{
	count("nothing", sleep_a_little);
}

static void test_doorbells(void)
{
	count("KVM_IOEVENTFD", change_doorbell);
}

static void test_routes(void)
{
	count("KVM_SET_GSI_ROUTING", change_routes);
}

static void test_irqfds(void)
{
	count("KVM_IRQFD", change_irqfd);
}

static void test_zones(void)
{
	count("KVM_REGISTER_COALESCED_MMIO", change_zone);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(nothing), TEST(doorbells), TEST(routes), TEST(irqfds), TEST(zones),
	};
	const char *number = getenv("ORIEL_CALLS");

	if (number) {
		calls = strtoul(number, NULL, 10);
		wanted = true;
	}
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
