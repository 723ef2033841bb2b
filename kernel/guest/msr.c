// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR and WRMSR: find the MSR's row in the table, and do what the row says.
 */
#include <linux/bug.h>
#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "core/vcpu.h"
#include "guest/cpuid_table.h"
#include "guest/msr.h"
#include "guest/msr_table.h"

/*
 * The row of each MSR, by a hash of the MSR's number. If another MSR has the place, the next free
 * one is taken. More than half of the places are free: they have row 0, which has no MSR.
 */
#define PLACE_BITS 10

static const struct msr_row *row_at[BIT(PLACE_BITS)] __ro_after_init;

static u32 first_place(u32 index)
{
	return hash_32(index, PLACE_BITS);
}

static u32 next_place(u32 place)
{
	return (place + 1) % ARRAY_SIZE(row_at);
}

static bool has_msr(const struct msr_row *row, u32 index)
{
	return index - row->first < row->count;
}

static void add_to_index(u32 index, const struct msr_row *row)
{
	u32 place = first_place(index);

	while (row_at[place]->count) {
		WARN(row_at[place] != row && has_msr(row_at[place], index),
		     "MSR %#x has two rows\n", index);
		place = next_place(place);
	}
	row_at[place] = row;
}

void msr_setup(void)
{
	const struct msr_row *row;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row_at); i++)
		row_at[i] = msr_rows;
	for (row = msr_rows; row < msr_rows + msr_row_count; row++)
		for (i = 0; i < row->count; i++)
			add_to_index(row->first + i, row);
}

/* The row of an MSR, or row 0, which refuses each access as MSR_UNKNOWN. */
static const struct msr_row *find_row(u32 index)
{
	u32 place = first_place(index);

	while (unlikely(!has_msr(row_at[place], index)) && row_at[place]->count)
		place = next_place(place);
	return row_at[place];
}

static bool has_fact(const struct cpuid_facts *facts, const struct msr_row *row)
{
	return !row->fact || *((const bool *)facts + row->fact);
}

/* For a row that has @without. */
static bool is_missing(const struct vcpu *vcpu, const struct msr_row *row, bool host)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;

	if (row->fact)
		return !host && !has_fact(facts, row);
	return vcpu->pv_enforced && !(facts->pv_features & row->pv);
}

/* Userspace and the guest choose @index: speculation must not leave the run. */
static u64 *kept_value(struct vcpu *vcpu, const struct msr_row *row, u32 index)
{
	index = array_index_nospec(index - row->first, row->count);
	return (u64 *)((u8 *)vcpu + row->offset) + index;
}

int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data)
{
	const struct msr_row *row = find_row(index);

	if (row->without && is_missing(vcpu, row, host))
		return row->read || row->offset ? row->without : MSR_UNKNOWN;
	if (row->read)
		return row->read(vcpu, index, host, data);
	if (!row->offset)
		return MSR_UNKNOWN;
	*data = *kept_value(vcpu, row, index);
	return 0;
}

static __always_inline int store(struct vcpu *vcpu, const struct msr_row *row, u32 index, bool host,
				 u64 data)
{
	if (row->write)
		return row->write(vcpu, index, host, data);
	if (!row->offset)
		return MSR_UNKNOWN;
	*kept_value(vcpu, row, index) = data;
	return 0;
}

/* Not inline: msr_write() would save registers for the call of @valid, which few rows have. */
static noinline int check_and_store(struct vcpu *vcpu, const struct msr_row *row, u32 index,
				    bool host, u64 data)
{
	return row->valid(vcpu, index, data) ? store(vcpu, row, index, host, data) : MSR_INVALID;
}

int msr_write(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	const struct msr_row *row = find_row(index);

	if (row->without && is_missing(vcpu, row, host))
		return row->without;
	if (data & row->reserved)
		return MSR_INVALID;
	if (row->valid)
		return check_and_store(vcpu, row, index, host, data);
	return store(vcpu, row, index, host, data);
}

/*
 * Lists.
 */

static bool is_listed(const struct msr_row *row)
{
	const struct cpuid_facts *host = cpuid_host_facts();

	if (row->listed != MSR_LISTED_IF_HOST)
		return row->listed;
	return has_fact(host, row) && (host->pv_features & row->pv) == row->pv;
}

static bool is_feature(const struct msr_row *row)
{
	u64 data;

	return row->feature && !row->feature(&data);
}

u32 msr_list(u32 list[MSR_LIST_MAX], bool features)
{
	const struct msr_row *row;
	u32 n = 0;

	for (row = msr_rows; row < msr_rows + msr_row_count; row++)
		if (features ? is_feature(row) : is_listed(row))
			list[n++] = row->first;
	return n;
}

int msr_read_feature(u32 index, u64 *data)
{
	const struct msr_row *row = find_row(index);

	return row->feature ? row->feature(data) : MSR_UNKNOWN;
}
