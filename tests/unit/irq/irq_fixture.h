/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with nothing but its interrupt fabric, for the tests of kernel/irq. Its
 * vCPUs count their kicks; its TSC ticks three times a nanosecond.
 */
#ifndef ORIEL_TEST_IRQ_FIXTURE_H
#define ORIEL_TEST_IRQ_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/ioapic.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"
#include "irq/pic.h"
#include "irq/pit.h"

#define FIXTURE_MAX_VCPUS 1024
#define FIXTURE_TSC_PER_NS 3

struct fixture_vcpu {
	struct lapic *lapic;
	unsigned int kicks;
};

struct fixture {
	struct irq_fabric fabric;
	struct fixture_vcpu vcpu[FIXTURE_MAX_VCPUS];
	unsigned int vcpus;
};

/* The kicks that came with interrupts off. */
static unsigned int fixture_kicks_irqs_off __maybe_unused;

static inline void fixture_kick(void *vcpu)
{
	((struct fixture_vcpu *)vcpu)->kicks++;
	fixture_kicks_irqs_off += irqs_disabled();
}

/* Added to the TSC, as by a guest's write to it. */
static u64 fixture_tsc_offset __maybe_unused;

static inline u64 fixture_tsc(void *vcpu)
{
	(void)vcpu;
	return (u64)shim_now * FIXTURE_TSC_PER_NS + fixture_tsc_offset;
}

static inline u64 fixture_tsc_to_ns(void *vcpu, u64 ticks)
{
	(void)vcpu;
	return min_t(u64, DIV_ROUND_UP(ticks, FIXTURE_TSC_PER_NS), KTIME_MAX);
}

/* The CPU counts to TSC deadlines by itself. */
static bool fixture_counts;

static inline bool fixture_counts_deadline(void *vcpu)
{
	(void)vcpu;
	return fixture_counts;
}

/* The number of EOIs that userspace's IOAPIC was told of, and the vector of the last. */
static unsigned int fixture_user_eois __maybe_unused;
static u8 fixture_user_vector __maybe_unused;

static inline void fixture_user_eoi(void *vcpu, u8 vector)
{
	(void)vcpu;
	fixture_user_eois++;
	fixture_user_vector = vector;
}

static const struct fabric_ops fixture_ops = {
	.kick = fixture_kick,
	.guest_tsc = fixture_tsc,
	.tsc_to_ns = fixture_tsc_to_ns,
	.counts_deadline = fixture_counts_deadline,
	.user_eoi = fixture_user_eoi,
};

/* Add vCPUs with APIC ids 0 to @vcpus - 1, whose local APICs are not software-enabled. */
static inline void fixture_add_vcpus(struct fixture *f, unsigned int vcpus)
{
	const struct lapic_features features = {
		.maxphyaddr = 40,
		.x2apic = true,
		.tsc_deadline = true,
	};

	for (unsigned int i = 0; i < vcpus; i++) {
		f->vcpu[i].lapic = lapic_create(&f->fabric, &f->vcpu[i], i, !i);
		assert_false(IS_ERR(f->vcpu[i].lapic));
		lapic_publish(f->vcpu[i].lapic);
		lapic_set_features(f->vcpu[i].lapic, &features);
	}
	f->vcpus = vcpus;
}

/* Make a VM with an irqchip. */
static inline struct fixture *fixture_create(unsigned int vcpus)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(fabric_init(&f->fabric, &fixture_ops), 0);
	assert_int_equal(fabric_create_irqchip(&f->fabric), 0);
	fixture_add_vcpus(f, vcpus);
	return f;
}

/* Make a VM with local APICs alone; GSIs below @pins are pins of an IOAPIC in userspace. */
static inline struct fixture *fixture_create_split(unsigned int vcpus, u32 pins)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(fabric_init(&f->fabric, &fixture_ops), 0);
	assert_int_equal(fabric_split_irqchip(&f->fabric, pins), 0);
	fixture_add_vcpus(f, vcpus);
	fixture_user_eois = 0;
	return f;
}

/* Destroy one VM of several, of which others may have timers. */
static inline void fixture_destroy_one(struct fixture *f)
{
	unsigned int waits = f->fabric.srcu.waits;

	fabric_stop(&f->fabric);
	for (unsigned int i = 0; i < f->vcpus; i++)
		lapic_destroy(f->vcpu[i].lapic);
	/* Nobody reads the fabric any more. */
	assert_int_equal(f->fabric.srcu.waits, waits);
	fabric_destroy(&f->fabric);
	free(f);
}

static inline void fixture_destroy(struct fixture *f)
{
	fixture_destroy_one(f);
	assert_int_equal(shim_timers_armed(), 0);
}

static inline u32 xread(struct lapic *lapic, u32 reg)
{
	u32 val;

	lapic_mmio_read(lapic, reg, &val, sizeof(val));
	return val;
}

static inline void xwrite(struct lapic *lapic, u32 reg, u32 val)
{
	lapic_mmio_write(lapic, reg, &val, sizeof(val));
}

/* Enable the local APIC in software, in xAPIC mode or in x2APIC mode. */
static inline void enable_xapic(struct lapic *lapic)
{
	xwrite(lapic, LAPIC_SVR, 0x1ff);
}

static inline void enable_x2apic(struct lapic *lapic)
{
	u64 base = lapic_get_base(lapic);

	assert_int_equal(lapic_set_base(lapic, base | LAPIC_BASE_EXTD, false), 0);
	assert_int_equal(lapic_msr_write(lapic, 0x80f, 0x1ff), 0);
}

static inline void enable_all(struct fixture *f, bool x2apic)
{
	for (unsigned int i = 0; i < f->vcpus; i++) {
		if (x2apic)
			enable_x2apic(f->vcpu[i].lapic);
		else
			enable_xapic(f->vcpu[i].lapic);
	}
}

/* Take the pending vector as a CPU would; -1 if there is none. */
static inline int take_vector(struct lapic *lapic)
{
	int vector = lapic_pending(lapic);

	if (vector >= 0)
		lapic_accept(lapic, (u8)vector);
	return vector;
}

/* EOI through the page or the MSR, by the lapic's mode. */
static inline void eoi(struct lapic *lapic)
{
	if (lapic_x2apic(lapic))
		assert_int_equal(lapic_msr_write(lapic, 0x80b, 0), 0);
	else
		xwrite(lapic, LAPIC_EOI, 0);
}

static inline u32 ioapic_reg_read(struct fixture *f, u8 index)
{
	u32 val = index;

	ioapic_mmio_write(f->fabric.ioapic, 0x00, &val, 4);
	ioapic_mmio_read(f->fabric.ioapic, 0x10, &val, 4);
	return val;
}

static inline void ioapic_reg_write(struct fixture *f, u8 index, u32 val)
{
	u32 select = index;

	ioapic_mmio_write(f->fabric.ioapic, 0x00, &select, 4);
	ioapic_mmio_write(f->fabric.ioapic, 0x10, &val, 4);
}

static inline void ioapic_program(struct fixture *f, unsigned int pin, u64 rte)
{
	ioapic_reg_write(f, (u8)(0x11 + 2 * pin), (u32)(rte >> 32));
	ioapic_reg_write(f, (u8)(0x10 + 2 * pin), (u32)rte);
}

static inline u64 ioapic_rte(struct fixture *f, unsigned int pin)
{
	return (u64)ioapic_reg_read(f, (u8)(0x11 + 2 * pin)) << 32 |
	       ioapic_reg_read(f, (u8)(0x10 + 2 * pin));
}

#endif
