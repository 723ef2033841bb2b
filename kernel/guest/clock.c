// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC and kvmclock.
 *
 * kvmclock is a pair (guest TSC, ns) and a scale in guest memory, from which the guest computes the
 * time without an exit. It starts at 0 with the VM and runs with the host's raw monotonic clock
 * plus the time that the host spends suspended.
 *
 * While the host tells time by its TSC and all vCPUs have the same TSC offset, all vCPUs get the
 * same pair, the master. They share one clock then, and PVCLOCK_TSC_STABLE_BIT says so. Otherwise
 * each pair is taken when and where it is published, and the guest itself keeps its vCPUs' clocks
 * in order.
 */
#include "host/compat.h"

#include <linux/clocksource.h>
#include <linux/irq_work.h>
#include <linux/kvm.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/pvclock_gtod.h>
#include <linux/string.h>
#include <linux/syscore_ops.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "irq/lapic.h"

#define SYSTEM_TIME_ENABLE BIT_ULL(0)

/* The greatest age of a pair that is not the master. */
#define PUBLISH_MS 60000u

/* Bit 8 of clock_source(): the TSC is the host's clock source. */
#define SOURCE_IS_TSC BIT(8)

/* In vcpu_clock.source: the last pair could not be written. clock_source() never returns it. */
#define SOURCE_UNPUBLISHED (~0u)

/* From the timekeeper's last update. The timekeeper alone writes these, one writer at a time. */
static u32 host_source;
static s64 host_slept; /* time that the host has been suspended, in ns */

/*
 * Grows with each suspend of the host. While the host resumes, its one CPU alone writes this; an
 * update of the timekeeper that finds more time slept counts as a suspend, too, because suspend to
 * idle keeps the CPUs online and calls no syscore operations.
 */
static u32 host_sleeps;

static LIST_HEAD(vms); /* the vm_clock of each VM */
static DEFINE_MUTEX(vms_lock); /* the list */

/* The host's clock source: SOURCE_IS_TSC, and in the low byte the number of changes so far. */
static u32 clock_source(void)
{
	return READ_ONCE(host_source);
}

/*
 * Publish at once: a vCPU that is never rescheduled would go on using a pair of the old clock
 * source.
 */
static void publish_all(struct work_struct *unused)
{
	struct vm_clock *clock;

	mutex_lock(&vms_lock);
	list_for_each_entry(clock, &vms, node)
		vm_make_request_all(container_of(clock, struct vm, clock), REQ_CLOCK_UPDATE);
	mutex_unlock(&vms_lock);
}

static DECLARE_WORK(publish_work, publish_all);

static void source_changed(struct irq_work *unused)
{
	schedule_work(&publish_work);
}

/* schedule_work() may read the clock, which timekeeper_updated() must not do. */
static DEFINE_IRQ_WORK(source_work, source_changed);

static void count_sleep(void)
{
	WRITE_ONCE(host_sleeps, host_sleeps + 1);
}

/* The timekeeper calls this at each of its updates, while its sequence count is odd. */
static int timekeeper_updated(struct notifier_block *nb, unsigned long stepped, void *data)
{
	const struct timekeeper *tk = data;
	bool is_tsc = tk->tkr_mono.clock->vdso_clock_mode == VDSO_CLOCKMODE_TSC;
	u32 source = tk->cs_was_changed_seq | (is_tsc ? SOURCE_IS_TSC : 0);
	s64 slept = ktime_to_ns(tk->offs_boot);

	if (slept != host_slept) {
		WRITE_ONCE(host_slept, slept);
		count_sleep();
	}
	if (source != host_source) {
		WRITE_ONCE(host_source, source);
		irq_work_queue(&source_work);
	}
	return NOTIFY_OK;
}

static struct notifier_block timekeeper_notifier = {
	.notifier_call = timekeeper_updated,
};

/* A suspend of less than a second may add nothing to the time slept, and reset the TSC. */
static void on_resume(ORIEL_SYSCORE_ARGUMENT)
{
	count_sleep();
}

ORIEL_SYSCORE(clock_syscore, NULL, on_resume);

int clock_setup(void)
{
	int r;

	if (!tsc_khz) {
		pr_err("the kernel does not know the frequency of its TSC: kvmclock needs it\n");
		return -ENODEV;
	}
	r = pvclock_gtod_register_notifier(&timekeeper_notifier);
	if (!r)
		oriel_register_syscore(&clock_syscore);
	return r;
}

void clock_teardown(void)
{
	oriel_unregister_syscore(&clock_syscore);
	pvclock_gtod_unregister_notifier(&timekeeper_notifier);
	irq_work_sync(&source_work);
	cancel_work_sync(&publish_work);
}

static void sample_from(struct clock_sample *sample, const struct system_time_snapshot *snapshot,
			u64 tsc)
{
	/* If the numbers of changes are equal, the snapshot's count is of the present source. */
	sample->exact = clock_source() == (snapshot->cs_was_changed_seq | SOURCE_IS_TSC) &&
			!check_tsc_unstable();
	sample->tsc = sample->exact ? snapshot->cycles : tsc;
	sample->sleeps = READ_ONCE(host_sleeps);
	sample->base = ktime_to_ns(snapshot->raw) + READ_ONCE(host_slept);
	sample->real = ktime_to_ns(snapshot->real);
}

/*
 * If the host's clock is not the TSC, the time between the readings of the two is an error that
 * stays until the next sample. Interrupts are off, but an SMI may stop the CPU for milliseconds,
 * and so may the hypervisor of a host that is itself a guest. So each reading is timed, and of some
 * readings the quickest counts.
 */
static void take_sample(struct clock_sample *sample)
{
	struct system_time_snapshot snapshot;
	struct tsc_bracket bracket = { 0 };
	unsigned long flags;
	u64 before, after;

	do {
		local_irq_save(flags);
		before = rdtsc_ordered();
		ktime_get_snapshot(&snapshot);
		after = rdtsc_ordered();
		local_irq_restore(flags);
		if (tsc_bracket_narrows(&bracket, before, after))
			sample_from(sample, &snapshot, bracket.tsc);
	} while (!sample->exact && !tsc_bracket_done(&bracket, tsc_khz));
}

/*
 * Does the TSC at @sample still count from the master? After a suspend it does not: the TSC may
 * have stopped or started anew, but kvmclock counts the time asleep.
 */
static bool master_holds(const struct vm_clock *clock, const struct clock_sample *sample)
{
	return clock->stable && sample->sleeps == clock->master.sleeps &&
	       sample->tsc >= clock->master.tsc;
}

/* kvmclock at @sample, computed as the guest's vCPUs compute it. Under the clock's lock. */
static s64 kvmclock_at(const struct vm_clock *clock, const struct clock_sample *sample)
{
	if (!master_holds(clock, sample))
		return sample->base + clock->offset;
	return clock->master.base + clock->offset +
	       tsc_scale_ns(clock->scale, sample->tsc - clock->master.tsc);
}

static u32 vcpu_count(const struct vm *vm)
{
	/* Pairs with the release that publishes a new vCPU. */
	return smp_load_acquire(&vm->vcpu_count);
}

static bool tsc_offsets_equal(struct vm *vm)
{
	u32 count = vcpu_count(vm);
	u32 i;

	for (i = 1; i < count; i++)
		if (READ_ONCE(vm->vcpus[i]->clock.tsc_offset) !=
		    READ_ONCE(vm->vcpus[0]->clock.tsc_offset))
			return false;
	return true;
}

static void set_scale(struct vm_clock *clock)
{
	clock->khz = tsc_khz;
	clock->scale = tsc_scale_from_khz(clock->khz);
}

/*
 * Turn the master on or off as the host's clock source and the vCPUs' TSCs demand, and start anew
 * when the host corrects its TSC's frequency, which comes with a change of the source. The two ways
 * to count differ by rounding: correct the offset by the difference, so that the clock does not
 * step. Under the clock's lock.
 *
 * Return: true after a change; all vCPUs need to publish anew then.
 */
static bool follow_stability(struct vm *vm, const struct clock_sample *sample)
{
	struct vm_clock *clock = &vm->clock;
	bool stable = sample->exact && tsc_offsets_equal(vm);
	s64 now = kvmclock_at(clock, sample);

	if (stable == clock->stable && clock->khz == tsc_khz &&
	    (!stable || master_holds(clock, sample)))
		return false;
	set_scale(clock);
	clock->stable = stable;
	clock->master = *sample;
	clock->offset += now - kvmclock_at(clock, sample);
	return true;
}

/* After a change that concerns the whole VM. */
static void refresh_vm(struct vm *vm)
{
	struct clock_sample sample;

	take_sample(&sample);
	spin_lock(&vm->clock.lock);
	follow_stability(vm, &sample);
	spin_unlock(&vm->clock.lock);
	vm_make_request_all(vm, REQ_CLOCK_UPDATE);
}

void clock_vm_init(struct vm *vm)
{
	struct clock_sample sample;

	spin_lock_init(&vm->clock.lock);
	set_scale(&vm->clock);
	take_sample(&sample);
	vm->clock.offset = -sample.base;
	vm->clock.sleeps = sample.sleeps;
	mutex_lock(&vms_lock);
	list_add(&vm->clock.node, &vms);
	mutex_unlock(&vms_lock);
}

void clock_vm_destroy(struct vm *vm)
{
	mutex_lock(&vms_lock);
	list_del(&vm->clock.node);
	mutex_unlock(&vms_lock);
}

/* ---- the structure in guest memory ---- */

/* Return true once the structure has @info. */
static bool write_time_info(struct vcpu *vcpu, struct pvclock_vcpu_time_info *info)
{
	gpa_t gpa = vcpu->clock.system_time_msr & ~SYSTEM_TIME_ENABLE;
	struct memory *memory = &vcpu->vm->memory;
	struct pvclock_vcpu_time_info old;

	if (memory_read(memory, gpa, &old, sizeof(old)))
		return false;
	/* Only the guest clears this flag, once it has seen it. */
	info->flags |= old.flags & PVCLOCK_GUEST_STOPPED;
	if (vcpu->clock.stopped)
		info->flags |= PVCLOCK_GUEST_STOPPED;

	/*
	 * The version is odd during the update: other vCPUs may be reading the structure. Count on
	 * from the guest's memory, which may have come from another host with a reader that was
	 * stopped halfway: it must find another version.
	 */
	info->version = (old.version + 1) | 1;
	if (memory_write(memory, gpa, &info->version, sizeof(info->version)))
		return false;
	/* A reader sees the odd version before the rest changes ... */
	smp_wmb();
	if (memory_write(memory, gpa, info, sizeof(*info)))
		return false;
	/* ... and the even version after that. */
	smp_wmb();
	info->version++;
	if (memory_write(memory, gpa, &info->version, sizeof(info->version)))
		return false;
	vcpu->clock.stopped = false;
	return true;
}

void clock_slots_changed(struct vm *vm)
{
	u32 count = vcpu_count(vm);
	u32 i;

	/* Read the sources after the slots were published: pairs with clock_update(). */
	smp_mb();
	for (i = 0; i < count; i++) {
		struct vcpu *vcpu = vm->vcpus[i];

		if (READ_ONCE(vcpu->clock.source) != SOURCE_UNPUBLISHED)
			continue;
		vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
		vcpu_kick(vcpu);
	}
}

void clock_update(struct vcpu *vcpu)
{
	struct pvclock_vcpu_time_info info = { 0 };
	struct vm_clock *clock = &vcpu->vm->clock;
	struct clock_sample sample;
	u32 source = clock_source();
	bool changed;

	vcpu->clock.published = rdtsc_ordered();
	if (!(vcpu->clock.system_time_msr & SYSTEM_TIME_ENABLE)) {
		WRITE_ONCE(vcpu->clock.source, source);
		return;
	}

	/* Store before the memslots are read: pairs with clock_slots_changed(). */
	smp_store_mb(vcpu->clock.source, SOURCE_UNPUBLISHED);
	take_sample(&sample);
	spin_lock(&clock->lock);
	changed = follow_stability(vcpu->vm, &sample);
	if (clock->stable) {
		sample = clock->master;
		info.flags = PVCLOCK_TSC_STABLE_BIT;
	}
	info.system_time = kvmclock_at(clock, &sample);
	info.tsc_timestamp = sample.tsc + vcpu->clock.tsc_offset;
	info.tsc_to_system_mul = clock->scale.mul;
	info.tsc_shift = clock->scale.shift;
	spin_unlock(&clock->lock);

	if (write_time_info(vcpu, &info))
		WRITE_ONCE(vcpu->clock.source, source);
	if (changed)
		vm_make_request_all(vcpu->vm, REQ_CLOCK_UPDATE);
}

static s64 kvmclock_now(struct vm *vm, struct clock_sample *sample, bool *stable)
{
	bool changed;
	s64 now;

	take_sample(sample);
	spin_lock(&vm->clock.lock);
	changed = follow_stability(vm, sample);
	now = kvmclock_at(&vm->clock, sample);
	*stable = vm->clock.stable;
	spin_unlock(&vm->clock.lock);
	if (changed)
		vm_make_request_all(vm, REQ_CLOCK_UPDATE);
	return now;
}

/* MSR_KVM_WALL_CLOCK(_NEW): the wall-clock time at which kvmclock was 0. */
static void write_wall_clock(struct vm *vm, gpa_t gpa)
{
	struct pvclock_wall_clock wall;
	struct clock_sample sample;
	u32 version, nsec;
	bool stable;
	u64 ns;

	if (memory_read(&vm->memory, gpa, &version, sizeof(version)))
		return;
	/* The version is odd during the update, and in the end even and greater than before. */
	wall.version = (version | 1) + 2;
	if (memory_write(&vm->memory, gpa, &wall.version, sizeof(wall.version)))
		return;
	/* The barrier of write_time_info(). */
	smp_wmb();
	ns = -kvmclock_now(vm, &sample, &stable);
	ns += sample.real;
	wall.sec = div_u64_rem(ns, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	if (memory_write(&vm->memory, gpa, &wall, sizeof(wall)))
		return;
	/* The barrier of write_time_info(). */
	smp_wmb();
	wall.version++;
	memory_write(&vm->memory, gpa, &wall.version, sizeof(wall.version));
}

int clock_stopped(struct vcpu *vcpu)
{
	if (!(vcpu->clock.system_time_msr & SYSTEM_TIME_ENABLE))
		return -EINVAL;
	vcpu->clock.stopped = true;
	vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
	return 0;
}

void clock_get(struct vm *vm, struct kvm_clock_data *data)
{
	struct clock_sample sample;
	bool stable;

	memset(data, 0, sizeof(*data));
	data->clock = kvmclock_now(vm, &sample, &stable);
	if (stable)
		data->flags |= KVM_CLOCK_TSC_STABLE;
	if (sample.exact) {
		data->flags |= KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
		data->realtime = sample.real;
		data->host_tsc = sample.tsc;
	}
}

int clock_set(struct vm *vm, const struct kvm_clock_data *data)
{
	struct clock_sample sample;
	s64 wanted = data->clock;

	if (data->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;

	take_sample(&sample);
	/* Add the time since KVM_GET_CLOCK; a wall clock that was set back subtracts nothing. */
	if ((data->flags & KVM_CLOCK_REALTIME) && (u64)sample.real > data->realtime)
		wanted += sample.real - data->realtime;
	spin_lock(&vm->clock.lock);
	vm->clock.offset += wanted - kvmclock_at(&vm->clock, &sample);
	spin_unlock(&vm->clock.lock);
	refresh_vm(vm);
	return 0;
}

/* ---- the TSC ---- */

u64 clock_guest_tsc(struct vcpu *vcpu)
{
	return rdtsc_ordered() + vcpu->clock.tsc_offset;
}

u64 clock_tsc_to_ns(struct vcpu *vcpu, u64 ticks)
{
	return tsc_ticks_to_ns(tsc_khz, ticks);
}

static void set_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	WRITE_ONCE(vcpu->clock.tsc_offset, offset);
	vendor_call(set_tsc_offset)(vcpu, offset);
}

/* The TSC took a step: compute anew the TSC deadline and kvmclock. */
static void tsc_changed(struct vcpu *vcpu)
{
	if (vcpu->lapic)
		lapic_tsc_changed(vcpu->lapic);
	refresh_vm(vcpu->vm);
}

/* write_tsc() compares the next write with this one. Under the clock's lock. */
static void remember_tsc(struct vm_clock *clock, u64 offset, const struct clock_sample *sample)
{
	clock->tsc_offset = offset;
	clock->tsc_known = true;
	clock->tsc_written = sample->tsc + offset;
	clock->tsc_written_ns = sample->base;
}

/*
 * A write by userspace. If it continues the last write, userspace means to set all vCPUs of the VM
 * alike, one after the other: give them the same offset, or they would differ by the time between
 * the writes. A write of 0 always does: a vCPU starts so, no matter when it is created.
 */
static void write_tsc(struct vcpu *vcpu, u64 value)
{
	struct vm_clock *clock = &vcpu->vm->clock;
	struct clock_sample sample;

	take_sample(&sample);
	spin_lock(&clock->lock);
	if (!clock->tsc_known ||
	    (value && !tsc_write_matches(tsc_khz, clock->tsc_written,
					 sample.base - clock->tsc_written_ns, value)))
		clock->tsc_offset = value - sample.tsc;
	remember_tsc(clock, clock->tsc_offset, &sample);
	set_tsc_offset(vcpu, clock->tsc_offset);
	spin_unlock(&clock->lock);
}

void clock_set_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	struct vm_clock *clock = &vcpu->vm->clock;
	struct clock_sample sample;

	take_sample(&sample);
	spin_lock(&clock->lock);
	remember_tsc(clock, offset, &sample);
	set_tsc_offset(vcpu, offset);
	spin_unlock(&clock->lock);
	tsc_changed(vcpu);
}

/* The guest's WRMSR to IA32_TSC or IA32_TSC_ADJUST changes both (SDM 3B 18.17.3). */
static void adjust_tsc(struct vcpu *vcpu, u64 delta)
{
	vcpu->clock.tsc_adjust += delta;
	spin_lock(&vcpu->vm->clock.lock);
	set_tsc_offset(vcpu, vcpu->clock.tsc_offset + delta);
	spin_unlock(&vcpu->vm->clock.lock);
	tsc_changed(vcpu);
}

void clock_vcpu_init(struct vcpu *vcpu)
{
	vcpu->clock.tsc_khz = tsc_khz;
	write_tsc(vcpu, 0);
}

/*
 * The TSC's frequency is known to some ppm. So if the host's clock is not the TSC, the guest's
 * kvmclock, which counts TSC ticks, drifts away from the clock that KVM_GET_CLOCK shows.
 */
static bool published_long_ago(const struct vcpu_clock *clock, u64 now)
{
	return now - clock->published > (u64)tsc_khz * PUBLISH_MS;
}

/*
 * After a suspend of the host the TSC may have begun anew. Then add one step to the TSC offsets of
 * all vCPUs, so that they stay in step: the guest relies on it. With this step the TSC of the vCPU
 * that stopped last goes on from where it stopped. None of the vCPUs has been loaded since the
 * suspend. Under the clock's lock.
 */
static void catch_up(struct vm *vm, u64 now)
{
	u32 count = vcpu_count(vm);
	u64 last = 0, step;
	u32 i;

	for (i = 0; i < count; i++)
		last = max(last, vm->vcpus[i]->clock.last_host_tsc);
	if (last <= now)
		return;
	step = last - now;
	for (i = 0; i < count; i++) {
		struct vcpu_clock *clock = &vm->vcpus[i]->clock;

		WRITE_ONCE(clock->tsc_offset, clock->tsc_offset + step);
		clock->last_host_tsc -= min(clock->last_host_tsc, step);
	}
	vm->clock.tsc_offset += step;
}

/*
 * The vCPU is loaded for the first time after a suspend of the host. Out of line, so that other
 * loads save fewer registers.
 */
static noinline void follow_sleep(struct vcpu *vcpu, u64 now)
{
	struct vm_clock *clock = &vcpu->vm->clock;
	u32 sleeps = READ_ONCE(host_sleeps);

	spin_lock(&clock->lock);
	if (clock->sleeps != sleeps)
		catch_up(vcpu->vm, now);
	clock->sleeps = sleeps;
	vcpu->clock.sleeps = sleeps;
	set_tsc_offset(vcpu, vcpu->clock.tsc_offset);
	spin_unlock(&clock->lock);
	vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
}

void clock_load(struct vcpu *vcpu, bool moved)
{
	struct vcpu_clock *clock = &vcpu->clock;
	u64 now = rdtsc_ordered();

	if (unlikely(clock->sleeps != READ_ONCE(host_sleeps))) {
		follow_sleep(vcpu, now);
		/* Another vCPU may have done it, with a later TSC than @now. */
		now = rdtsc_ordered();
	}
	/* This CPU's TSC is behind the last CPU's: the guest's TSC goes on from where it was. */
	if (now < clock->last_host_tsc) {
		set_tsc_offset(vcpu, clock->tsc_offset + clock->last_host_tsc - now);
		vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
	}
	if (clock->source != clock_source() ||
	    (!READ_ONCE(vcpu->vm->clock.stable) && (moved || published_long_ago(clock, now))))
		vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
}

void clock_put(struct vcpu *vcpu)
{
	vcpu->clock.last_host_tsc = rdtsc_ordered();
}

int clock_set_tsc_khz(struct vcpu *vcpu, u64 khz)
{
	if (!khz)
		khz = tsc_khz;
	if (khz > U32_MAX || !tsc_khz_tolerated(tsc_khz, khz))
		return -EINVAL;
	vcpu->clock.tsc_khz = khz;
	return 0;
}

u32 clock_get_tsc_khz(const struct vcpu *vcpu)
{
	return vcpu->clock.tsc_khz;
}

/* ---- MSRs ---- */

int clock_read_tsc(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = clock_guest_tsc(vcpu);
	return 0;
}

int clock_write_tsc(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (host) {
		write_tsc(vcpu, data);
		tsc_changed(vcpu);
	} else {
		adjust_tsc(vcpu, data - clock_guest_tsc(vcpu));
	}
	return 0;
}

int clock_write_tsc_adjust(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	if (host)
		vcpu->clock.tsc_adjust = data;
	else
		adjust_tsc(vcpu, data - vcpu->clock.tsc_adjust);
	return 0;
}

/* With an address outside of memory nothing is ever written. */
int clock_write_system_time(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	vcpu->clock.system_time_msr = data;
	vcpu_make_request(vcpu, REQ_CLOCK_UPDATE);
	return 0;
}

int clock_read_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	*data = READ_ONCE(vcpu->vm->clock.wall_clock_gpa);
	return 0;
}

int clock_write_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	WRITE_ONCE(vcpu->vm->clock.wall_clock_gpa, data);
	if (data)
		write_wall_clock(vcpu->vm, data);
	return 0;
}
