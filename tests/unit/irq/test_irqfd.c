// SPDX-License-Identifier: GPL-2.0-only
/* irqfd: edges, levels with a resamplefd, close, errors, and leaks. */
#include "irq_fixture.h"

#include <linux/eventfd.h>

#include "irq/irqfd.h"

#define GSI 20
#define VECTOR 0x61

static struct fixture *f;
static struct irqfds irqfds;
static struct lapic *lapic;

static int setup(void **state)
{
	(void)state;
	f = fixture_create(1);
	lapic = f->vcpu[0].lapic;
	enable_xapic(lapic);
	irqfds_init(&irqfds, &f->fabric);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	irqfds_destroy(&irqfds);
	fixture_destroy(f);
	assert_int_equal(shim_run_work(), 0);
	assert_int_equal(shim_eventfds(), 0);
	return 0;
}

static int change(int fd, u32 gsi, u32 flags, int resamplefd)
{
	const struct kvm_irqfd args = {
		.fd = (u32)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (u32)resamplefd,
	};

	return irqfds_change(&irqfds, &args);
}

static int assign(int fd, u32 gsi)
{
	return change(fd, gsi, 0, -1);
}

static int deassign(int fd, u32 gsi)
{
	return change(fd, gsi, KVM_IRQFD_FLAG_DEASSIGN, -1);
}

static int assign_level(int fd, int resamplefd)
{
	return change(fd, GSI, KVM_IRQFD_FLAG_RESAMPLE, resamplefd);
}

static void test_edge(void **state)
{
	int fd = shim_eventfd_open();

	(void)state;
	ioapic_program(f, GSI, VECTOR);
	assert_int_equal(assign(fd, GSI), 0);
	assert_int_equal(take_vector(lapic), -1);
	for (int i = 0; i < 3; i++) {
		shim_eventfd_write(fd);
		assert_int_equal(shim_eventfd_read(fd), 0); /* the irqfd took the count */
		assert_int_equal(take_vector(lapic), VECTOR);
		eoi(lapic);
		assert_int_equal(take_vector(lapic), -1);
	}
	assert_int_equal(deassign(fd, GSI + 1), 0); /* another GSI: the irqfd stays */
	shim_eventfd_write(fd);
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(deassign(fd, GSI), 0);
	shim_eventfd_write(fd);
	assert_int_equal(shim_eventfd_read(fd), 1);
	assert_int_equal(take_vector(lapic), -1);
	assert_int_equal(deassign(fd, GSI), 0); /* not there any more: no error */
	shim_eventfd_close(fd);
}

static void test_signalled_before(void **state)
{
	int fd = shim_eventfd_open();

	(void)state;
	ioapic_program(f, GSI, VECTOR);
	shim_eventfd_write(fd);
	assert_int_equal(assign(fd, GSI), 0);
	assert_int_equal(take_vector(lapic), VECTOR);
	shim_eventfd_close(fd);
}

static void test_msi(void **state)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = 100,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = 0x71 },
	};
	int fd = shim_eventfd_open();

	(void)state;
	assert_int_equal(assign(fd, 100), 0); /* an irqfd may come before its GSI's route */
	shim_eventfd_write(fd);
	assert_int_equal(take_vector(lapic), -1);
	assert_int_equal(fabric_set_routing(&f->fabric, &entry, 1), 0);
	shim_eventfd_write(fd);
	assert_int_equal(take_vector(lapic), 0x71);
	shim_eventfd_close(fd);
}

/* A line that was saved while a resampling irqfd asserted it ends at the guest's EOI. */
static void test_restored_level(void **state)
{
	int fd = shim_eventfd_open(), resamplefd = shim_eventfd_open();
	struct kvm_ioapic_state s = { .irr = 1u << GSI };

	(void)state;
	s.redirtbl[GSI].bits = VECTOR | IOAPIC_RTE_LEVEL;
	assert_int_equal(assign_level(fd, resamplefd), 0);
	ioapic_set_state(f->fabric.ioapic, &s);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_int_equal(shim_eventfd_read(resamplefd), 1);
	assert_int_equal(take_vector(lapic), -1);
	assert_false(f->fabric.ioapic->irr & 1u << GSI);
	shim_eventfd_close(fd);
	shim_eventfd_close(resamplefd);
}

static void test_level(void **state)
{
	int fd = shim_eventfd_open(), resamplefd = shim_eventfd_open();

	(void)state;
	ioapic_program(f, GSI, VECTOR | IOAPIC_RTE_LEVEL);
	assert_int_equal(assign_level(fd, resamplefd), 0);
	shim_eventfd_write(fd);
	assert_true(f->fabric.ioapic->irr & 1u << GSI);
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(shim_eventfd_read(resamplefd), 0);
	eoi(lapic);
	assert_int_equal(shim_eventfd_read(resamplefd), 1);
	assert_false(f->fabric.ioapic->irr & 1u << GSI);
	assert_int_equal(take_vector(lapic), -1);
	/* The device raises the line again. */
	shim_eventfd_write(fd);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	shim_eventfd_close(fd);
	shim_eventfd_close(resamplefd);
}

/* Two devices share a line: both are told, and each may raise it again. */
static void test_level_shared(void **state)
{
	int fd[2] = { shim_eventfd_open(), shim_eventfd_open() };
	int resamplefd[2] = { shim_eventfd_open(), shim_eventfd_open() };

	(void)state;
	ioapic_program(f, GSI, VECTOR | IOAPIC_RTE_LEVEL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(assign_level(fd[i], resamplefd[i]), 0);
	shim_eventfd_write(fd[0]);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_int_equal(shim_eventfd_read(resamplefd[0]), 1);
	assert_int_equal(shim_eventfd_read(resamplefd[1]), 1);
	/* The line stays up when the first irqfd leaves; the last one lowers it. */
	shim_eventfd_write(fd[1]);
	assert_int_equal(deassign(fd[0], GSI), 0);
	assert_true(f->fabric.ioapic->irr & 1u << GSI);
	assert_int_equal(deassign(fd[1], GSI), 0);
	assert_false(f->fabric.ioapic->irr & 1u << GSI);
	assert_true(hlist_empty(&f->fabric.acks));
	for (int i = 0; i < 2; i++) {
		shim_eventfd_close(fd[i]);
		shim_eventfd_close(resamplefd[i]);
	}
}

/* The acknowledgment does not lower a line that userspace asserts. */
static void test_level_with_user_line(void **state)
{
	int fd = shim_eventfd_open(), resamplefd = shim_eventfd_open();

	(void)state;
	ioapic_program(f, GSI, VECTOR | IOAPIC_RTE_LEVEL);
	assert_int_equal(assign_level(fd, resamplefd), 0);
	shim_eventfd_write(fd);
	fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, GSI, true);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), VECTOR);
	fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, GSI, false);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), -1);
	shim_eventfd_close(fd);
	shim_eventfd_close(resamplefd);
}

/* All irqfds leave at once, vCPUs may run: one wait, every line low, eventfds keep their counts. */
static void test_empty(void **state)
{
	int fd[8], resamplefd[8];

	(void)state;
	for (u32 i = 0; i < 8; i++) {
		fd[i] = shim_eventfd_open();
		resamplefd[i] = shim_eventfd_open();
		assert_int_equal(change(fd[i], 8 + i, KVM_IRQFD_FLAG_RESAMPLE, resamplefd[i]), 0);
		shim_eventfd_write(fd[i]);
	}
	assert_int_equal(f->fabric.ioapic->irr, 0xff00);
	irqfds_empty(&irqfds);
	assert_int_equal(f->fabric.srcu.waits, 1);
	assert_int_equal(f->fabric.ioapic->irr, 0);
	irqfds_empty(&irqfds);
	assert_int_equal(f->fabric.srcu.waits, 1);
	for (u32 i = 0; i < 8; i++) {
		shim_eventfd_write(fd[i]);
		assert_int_equal(shim_eventfd_read(fd[i]), 1);
		shim_eventfd_close(fd[i]);
		shim_eventfd_close(resamplefd[i]);
	}
	assert_int_equal(f->fabric.ioapic->irr, 0);
}

/* An irqfd without a resamplefd waits for nobody. */
static void test_edge_waits_for_nobody(void **state)
{
	int fd = shim_eventfd_open();

	(void)state;
	assert_int_equal(assign(fd, GSI), 0);
	assert_int_equal(deassign(fd, GSI), 0);
	assert_int_equal(assign(fd, GSI), 0);
	shim_eventfd_close(fd);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(f->fabric.srcu.waits, 0);
}

static void test_close(void **state)
{
	int fd = shim_eventfd_open(), other = shim_eventfd_open();

	(void)state;
	ioapic_program(f, GSI, VECTOR);
	assert_int_equal(assign(fd, GSI), 0);
	assert_int_equal(assign(other, GSI), 0);
	shim_eventfd_close(fd);
	assert_int_equal(shim_eventfds(), 2);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(shim_eventfds(), 1);
	shim_eventfd_write(other);
	assert_int_equal(take_vector(lapic), VECTOR);
	shim_eventfd_close(other); /* the work is still pending at teardown */
}

static void test_errors(void **state)
{
	int fd = shim_eventfd_open();

	(void)state;
	assert_int_equal(change(fd, GSI, 4, -1), -EINVAL);
	assert_int_equal(assign(fd, 4096), -EINVAL);
	assert_int_equal(assign(77, GSI), -EBADF);
	assert_int_equal(deassign(77, GSI), -EBADF);
	assert_int_equal(assign_level(fd, 77), -EBADF);
	assert_int_equal(assign(fd, GSI), 0);
	assert_int_equal(assign(fd, GSI), -EBUSY);
	assert_int_equal(assign(fd, GSI + 1), -EBUSY);
	assert_int_equal(assign_level(fd, fd), -EBUSY);
	shim_eventfd_close(fd);
}

static void test_without_irqchip(void **state)
{
	struct irq_fabric plain = {};
	struct irqfds none;
	const struct kvm_irqfd args = { .fd = (u32)shim_eventfd_open(), .gsi = 1 };

	(void)state;
	assert_int_equal(fabric_init(&plain, &fixture_ops), 0);
	irqfds_init(&none, &plain);
	assert_int_equal(irqfds_change(&none, &args), -EINVAL);
	irqfds_destroy(&none);
	fabric_destroy(&plain);
	shim_eventfd_close((int)args.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_edge),
		TEST(test_signalled_before),
		TEST(test_msi),
		TEST(test_restored_level),
		TEST(test_level),
		TEST(test_level_shared),
		TEST(test_level_with_user_line),
		TEST(test_empty),
		TEST(test_edge_waits_for_nobody),
		TEST(test_close),
		TEST(test_errors),
		TEST(test_without_irqchip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
