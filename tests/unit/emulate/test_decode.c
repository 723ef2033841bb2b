// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder against Zydis, over a corpus of encodings that is the same in every
 * run: each opcode of each map under many prefixes and ModRM bytes, in all three modes, and then
 * random bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <Zydis/Zydis.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/decode.h"
#include "emulate/opcodes.h"

/* The bits of a disagreement, one for each comparison. */
#define DIFF_DECODE BIT(0) /* Zydis decodes, insn_decode() does not */
#define DIFF_LENGTH BIT(1)
#define DIFF_MODRM BIT(2)
#define DIFF_SIB BIT(3)
#define DIFF_DISP BIT(4)
#define DIFF_IMM BIT(5)
#define DIFF_OPSIZE BIT(6)
#define DIFF_ADSIZE BIT(7)
#define DIFF_MEMORY BIT(8)
#define DIFF_SEGMENT BIT(9)
#define DIFF_TRUNCATED BIT(10)

/* Print so many disagreements, and only count the rest. */
#define REPORT_LIMIT 40

static struct {
	ZydisDecoder zydis[3];
	u64 random;
	unsigned long tried, compared, refused, accepted_alone, justified, wrong;
} corpus;

/* xorshift64*, because the corpus must be the same on every machine. */
static u64 next_random(void)
{
	corpus.random ^= corpus.random >> 12;
	corpus.random ^= corpus.random << 25;
	corpus.random ^= corpus.random >> 27;
	return corpus.random * 0x2545f4914f6cdd1dULL;
}

static u8 gpr_number(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE || reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return INSN_REG_NONE;
	return ZydisRegisterGetId(reg);
}

static unsigned int diff_memory(const struct insn *insn, const ZydisDecodedInstruction *z,
				const ZydisDecodedOperand *operand)
{
	static const u8 segments[] = { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
	unsigned int diff = 0;
	u8 scale = operand->mem.scale ? __builtin_ctz(operand->mem.scale) : 0;
	/* A displacement has the bits of the address size. */
	u64 mask = ~0ULL >> (64 - 8 * insn->address_size);

	if (!insn->has_mem || insn->base != gpr_number(operand->mem.base) ||
	    ((insn->disp ^ z->raw.disp.value) & mask))
		diff |= DIFF_MEMORY;
	/* struct insn shows a vector index as a GPR, because the executor knows none. */
	if (operand->mem.type != ZYDIS_MEMOP_TYPE_VSIB &&
	    (insn->index != gpr_number(operand->mem.index) ||
	     (insn->index != INSN_REG_NONE && insn->scale != scale)))
		diff |= DIFF_MEMORY;
	if (insn->rip_relative !=
	    (operand->mem.base == ZYDIS_REGISTER_RIP || operand->mem.base == ZYDIS_REGISTER_EIP))
		diff |= DIFF_MEMORY;
	/* LEA and similar instructions use no segment. */
	if (operand->mem.type != ZYDIS_MEMOP_TYPE_AGEN &&
	    operand->mem.segment != ZYDIS_REGISTER_NONE &&
	    insn->segment != segments[ZydisRegisterGetId(operand->mem.segment)])
		diff |= DIFF_SEGMENT;
	return diff;
}

/* Return the operand of ModRM or moffs if it is memory, else NULL. */
static const ZydisDecodedOperand *memory_operand(const ZydisDecodedInstruction *z,
						 const ZydisDecodedOperand *operands)
{
	unsigned int i;

	for (i = 0; i < z->operand_count; i++) {
		if (operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (operands[i].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
		    operands[i].encoding == ZYDIS_OPERAND_ENCODING_DISP16_32_64)
			return &operands[i];
	}
	return NULL;
}

static unsigned int compare(const struct insn *insn, const ZydisDecodedInstruction *z,
			    const ZydisDecodedOperand *operands)
{
	const ZydisDecodedOperand *memory = memory_operand(z, operands);
	unsigned int diff = 0;

	if (insn->length != z->length)
		diff |= DIFF_LENGTH;
	if (insn->has_modrm != !!(z->attributes & ZYDIS_ATTRIB_HAS_MODRM) ||
	    (insn->has_modrm &&
	     (insn->modrm >> 6 != z->raw.modrm.mod || (insn->modrm >> 3 & 7) != z->raw.modrm.reg ||
	      (insn->modrm & 7) != z->raw.modrm.rm)))
		diff |= DIFF_MODRM;
	if (insn->has_sib != !!(z->attributes & ZYDIS_ATTRIB_HAS_SIB) ||
	    (insn->has_sib && insn->sib >> 6 != z->raw.sib.scale))
		diff |= DIFF_SIB;
	if (insn->disp_size * 8 != z->raw.disp.size)
		diff |= DIFF_DISP;
	if (insn->imm_size * 8 != z->raw.imm[0].size || insn->imm2_size * 8 != z->raw.imm[1].size)
		diff |= DIFF_IMM;
	/* Vector and cache line instructions use the operand-size prefix for something else. */
	if (insn->op != OP_UNKNOWN && insn->op != OP_VECTOR && insn->op != OP_CLFLUSH &&
	    insn->op != OP_MOVDIR64B && insn->operand_size * 8 != z->operand_width)
		diff |= DIFF_OPSIZE;
	if (insn->address_size * 8 != z->address_width)
		diff |= DIFF_ADSIZE;
	if (memory)
		diff |= diff_memory(insn, z, memory);
	return diff;
}

/* The decoder must ask for more of a truncated instruction, but never for too much. */
static unsigned int check_truncation(const u8 *bytes, const struct insn *whole)
{
	struct insn insn;
	unsigned int len;

	for (len = 0; len < whole->length; len++) {
		int more = insn_decode(&insn, bytes, len, whole->mode);

		if (more <= 0 || len + more > whole->length)
			return DIFF_TRUNCATED;
	}
	return 0;
}

/*
 * The known disagreements in which Zydis 4.0 is not the reference. Any other disagreement fails
 * the test.
 */
static const struct {
	ZydisMnemonic mnemonic;
	unsigned int diff;
} justified[] = {
	/* VIA PadLock: #UD on Intel and AMD (SDM 2D table A-3, APM 3 table A-5). */
	{ ZYDIS_MNEMONIC_XSTORE, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_MONTMUL, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XSHA1, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XSHA256, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XCRYPT_ECB, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XCRYPT_CBC, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XCRYPT_CTR, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XCRYPT_CFB, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_XCRYPT_OFB, DIFF_DECODE },
	/* Knights Corner's jumps on a mask; Zydis has no switch for these two. */
	{ ZYDIS_MNEMONIC_JKZD, DIFF_DECODE },
	{ ZYDIS_MNEMONIC_JKNZD, DIFF_DECODE },
	/* Zydis gives the address size that its leaf functions use for RCX. */
	{ ZYDIS_MNEMONIC_ENCLS, DIFF_ADSIZE },
	{ ZYDIS_MNEMONIC_ENCLU, DIFF_ADSIZE },
	{ ZYDIS_MNEMONIC_ENCLV, DIFF_ADSIZE },
	/* CMPXCHG8B always has 8 bytes (SDM 2A CMPXCHG8B), which no operand size selects. */
	{ ZYDIS_MNEMONIC_CMPXCHG8B, DIFF_OPSIZE },
	/* XLAT loads a byte in each mode (SDM 2D XLAT). */
	{ ZYDIS_MNEMONIC_XLAT, DIFF_OPSIZE },
	/* The size stays 4 with REX.W, because no port is 8 bytes wide (APM 3 table B-1). */
	{ ZYDIS_MNEMONIC_INSD, DIFF_OPSIZE },
	{ ZYDIS_MNEMONIC_OUTSD, DIFF_OPSIZE },
};

/*
 * A SIB base of 13 with ModRM.mod 0 is no base, like one of 5 (SDM 2A table 2-5, note on REX.B).
 * Zydis is right about 8-byte addresses, but wrong about 4-byte addresses.
 */
static bool zydis_invents_r13d(const struct insn *insn, unsigned int diff)
{
	return diff == DIFF_MEMORY && insn->mode == INSN_MODE_64 && insn->address_size == 4 &&
	       insn->has_sib && (insn->sib & 7) == 5 && insn->modrm < 0x40 &&
	       (insn->rex & INSN_REX_B);
}

static bool is_justified(const struct insn *insn, const ZydisDecodedInstruction *z,
			 unsigned int diff)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(justified); i++)
		if (justified[i].mnemonic == z->mnemonic && justified[i].diff == diff)
			return true;
	return zydis_invents_r13d(insn, diff);
}

static void report(const u8 *bytes, const struct insn *insn, const ZydisDecodedInstruction *z,
		   unsigned int diff)
{
	unsigned int i;

	if (corpus.wrong++ >= REPORT_LIMIT)
		return;
	fprintf(stderr, "# mode %u diff %#x length %u, Zydis %u (%s):", insn->mode, diff,
		insn->length, z->length, ZydisMnemonicGetString(z->mnemonic));
	for (i = 0; i < INSN_MAX_LENGTH; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, "\n");
}

static void try_bytes(const u8 bytes[INSN_MAX_LENGTH], enum insn_mode mode)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;
	struct insn insn;
	unsigned int diff;
	int ret = insn_decode(&insn, bytes, INSN_MAX_LENGTH, mode);

	corpus.tried++;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&corpus.zydis[mode], bytes, INSN_MAX_LENGTH, &z,
						 operands))) {
		corpus.refused++;
		corpus.accepted_alone += !ret;
		return;
	}
	if (ret) {
		diff = DIFF_DECODE;
	} else {
		corpus.compared++;
		diff = compare(&insn, &z, operands) | check_truncation(bytes, &insn);
	}
	if (!diff)
		return;
	if (is_justified(&insn, &z, diff))
		corpus.justified++;
	else
		report(bytes, &insn, &z, diff);
}

static void finish(const char *what, unsigned long least)
{
	printf("# %s: %lu tried, %lu compared, %lu justified, %lu undefined (%lu decoded)\n", what,
	       corpus.tried, corpus.compared, corpus.justified, corpus.refused,
	       corpus.accepted_alone);
	assert_int_equal(corpus.wrong, 0);
	assert_true(corpus.compared >= least);
}

/* Try @head with each ModRM.mod and reg; rm and the bytes after it are random. */
static void try_all_modrm(const u8 *head, unsigned int len, enum insn_mode mode)
{
	u8 bytes[INSN_MAX_LENGTH];
	unsigned int mod_reg, i, j;

	for (mod_reg = 0; mod_reg < 32; mod_reg++) {
		for (i = 0; i < 2; i++) {
			u64 tail = next_random();

			memcpy(bytes, head, len);
			bytes[len] = mod_reg << 3 | (i ? 4 | (tail >> 63) : tail >> 61);
			for (j = len + 1; j < INSN_MAX_LENGTH; j++, tail = tail >> 8 | tail << 56)
				bytes[j] = tail;
			try_bytes(bytes, mode);
		}
	}
}

static const struct {
	u8 len;
	u8 bytes[4];
} prefixes[] = {
	{ 0, { 0 } },
	{ 1, { 0x66 } },
	{ 1, { 0x67 } },
	{ 1, { 0xf2 } },
	{ 1, { 0xf3 } },
	{ 1, { 0x64 } },
	{ 2, { 0x66, 0x67 } },
	{ 2, { 0x66, 0xf2 } },
	{ 3, { 0xf2, 0x65, 0xf3 } },
	{ 2, { 0x66, 0x36 } },
	{ 1, { 0x48 } },
	{ 1, { 0x47 } },
	{ 2, { 0x66, 0x48 } },
	{ 2, { 0xf3, 0x4f } },
	{ 2, { 0x41, 0x67 } },
	{ 3, { 0x64, 0x2e, 0x44 } },
	{ 1, { 0xf0 } },
};

static const struct {
	u8 len;
	u8 bytes[2];
} escapes[] = { { 0, { 0 } }, { 1, { 0x0f } }, { 2, { 0x0f, 0x38 } }, { 2, { 0x0f, 0x3a } } };

static void test_legacy_maps(void **state)
{
	unsigned int mode, p, e, opcode;

	(void)state;
	for (mode = INSN_MODE_16; mode <= INSN_MODE_64; mode++) {
		for (p = 0; p < ARRAY_SIZE(prefixes); p++) {
			for (e = 0; e < ARRAY_SIZE(escapes); e++) {
				u8 head[INSN_MAX_LENGTH];
				unsigned int len = prefixes[p].len + escapes[e].len;

				memcpy(head, prefixes[p].bytes, prefixes[p].len);
				memcpy(head + prefixes[p].len, escapes[e].bytes, escapes[e].len);
				for (opcode = 0; opcode < 256; opcode++) {
					head[len] = opcode;
					try_all_modrm(head, len + 1, mode);
				}
			}
		}
	}
	finish("legacy maps", 1000000);
}

static void test_vex(void **state)
{
	static const u8 p0[] = { 0xe1, 0xe2, 0xe3, 0x41, 0xc2, 0x03 };
	static const u8 p1[] = { 0x78, 0x79, 0x7e, 0x7f, 0xf9, 0x0b, 0x30 };
	unsigned int mode, i, j, opcode;

	(void)state;
	for (mode = INSN_MODE_16; mode <= INSN_MODE_64; mode++) {
		for (opcode = 0; opcode < 256; opcode++) {
			for (j = 0; j < ARRAY_SIZE(p1); j++) {
				u8 vex2[] = { 0xc5, p1[j] | 0xc0, opcode };

				for (i = 0; i < ARRAY_SIZE(p0); i++) {
					u8 vex3[] = { 0xc4, p0[i], p1[j], opcode };

					try_all_modrm(vex3, sizeof(vex3), mode);
				}
				try_all_modrm(vex2, sizeof(vex2), mode);
			}
		}
	}
	finish("VEX", 100000);
}

static void test_evex_xop_3dnow(void **state)
{
	static const u8 xop[] = { 0xe8, 0xe9, 0xea, 0x48, 0x69 };
	static const u8 evex[][3] = {
		{ 0xf1, 0x7c, 0x48 }, { 0xf1, 0x7d, 0x28 }, { 0xf2, 0x7d, 0x48 },
		{ 0xf3, 0x7d, 0x08 }, { 0xf1, 0xfe, 0x49 }, { 0xf5, 0x7c, 0x08 },
		{ 0xf6, 0x7d, 0x48 }, { 0x62, 0xfd, 0x48 },
	};
	unsigned int mode, i, opcode;

	(void)state;
	for (mode = INSN_MODE_16; mode <= INSN_MODE_64; mode++) {
		for (opcode = 0; opcode < 256; opcode++) {
			u8 now[] = { 0x0f, 0x0f };

			for (i = 0; i < ARRAY_SIZE(xop); i++) {
				u8 head[] = { 0x8f, xop[i], 0x78, opcode };

				try_all_modrm(head, sizeof(head), mode);
			}
			for (i = 0; i < ARRAY_SIZE(evex); i++) {
				u8 head[] = { 0x62, evex[i][0], evex[i][1], evex[i][2], opcode };

				try_all_modrm(head, sizeof(head), mode);
			}
			try_all_modrm(now, sizeof(now), mode);
		}
	}
	finish("EVEX, XOP, 3DNow!", 50000);
}

static void test_random_bytes(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 500000; i++) {
		u8 bytes[INSN_MAX_LENGTH];

		for (j = 0; j < INSN_MAX_LENGTH; j++)
			bytes[j] = next_random() >> 56;
		/* Half of them get a few prefixes in any order. */
		for (j = 0; i & 1 && j < (i >> 1 & 3); j++)
			bytes[j] = "\x66\x67\xf2\xf3\x2e\x36\x64\x48"[next_random() >> 61];
		try_bytes(bytes, i % 3);
	}
	finish("random bytes", 300000);
}

/* Return the length of the instruction that @bytes start with, or insn_decode()'s error. */
static int length_of(const u8 *bytes, size_t len, enum insn_mode mode)
{
	struct insn insn;
	int ret = insn_decode(&insn, bytes, len, mode);

	return ret ?: insn.length;
}

/* The hypervisor steps over the instructions that it intercepts by their length. */
static void test_intercepted_lengths(void **state)
{
	static const struct {
		const char *name;
		u8 length[3]; /* by enum insn_mode; 0 is undefined */
		u8 bytes[8];
	} table[] = {
		{ "cpuid", { 2, 2, 2 }, { 0x0f, 0xa2 } },
		{ "rdmsr", { 2, 2, 2 }, { 0x0f, 0x32 } },
		{ "wrmsr", { 2, 2, 2 }, { 0x0f, 0x30 } },
		{ "rdtsc", { 2, 2, 2 }, { 0x0f, 0x31 } },
		{ "rdtscp", { 3, 3, 3 }, { 0x0f, 0x01, 0xf9 } },
		{ "rdpmc", { 2, 2, 2 }, { 0x0f, 0x33 } },
		{ "hlt", { 1, 1, 1 }, { 0xf4 } },
		{ "pause", { 2, 2, 2 }, { 0xf3, 0x90 } },
		{ "int3", { 1, 1, 1 }, { 0xcc } },
		{ "int n", { 2, 2, 2 }, { 0xcd, 0x80 } },
		{ "into", { 1, 1, 0 }, { 0xce } },
		{ "iret", { 1, 1, 1 }, { 0xcf } },
		{ "iretq", { 1, 1, 2 }, { 0x48, 0xcf } },
		{ "vmcall", { 3, 3, 3 }, { 0x0f, 0x01, 0xc1 } },
		{ "vmmcall", { 3, 3, 3 }, { 0x0f, 0x01, 0xd9 } },
		{ "vmrun", { 3, 3, 3 }, { 0x0f, 0x01, 0xd8 } },
		{ "xsetbv", { 3, 3, 3 }, { 0x0f, 0x01, 0xd1 } },
		{ "monitor", { 3, 3, 3 }, { 0x0f, 0x01, 0xc8 } },
		{ "mwait", { 3, 3, 3 }, { 0x0f, 0x01, 0xc9 } },
		{ "invlpg [di]/[ebp+d]", { 3, 3, 3 }, { 0x0f, 0x01, 0x3f } },
		{ "invlpg disp", { 5, 7, 7 }, { 0x0f, 0x01, 0xbe, 0, 0, 0, 0 } },
		{ "invlpga", { 3, 3, 3 }, { 0x0f, 0x01, 0xdf } },
		{ "invd", { 2, 2, 2 }, { 0x0f, 0x08 } },
		{ "wbinvd", { 2, 2, 2 }, { 0x0f, 0x09 } },
		{ "wbnoinvd", { 3, 3, 3 }, { 0xf3, 0x0f, 0x09 } },
		{ "clts", { 2, 2, 2 }, { 0x0f, 0x06 } },
		{ "lmsw ax", { 3, 3, 3 }, { 0x0f, 0x01, 0xf0 } },
		{ "smsw ax", { 3, 3, 3 }, { 0x0f, 0x01, 0xe0 } },
		{ "mov cr0, eax", { 3, 3, 3 }, { 0x0f, 0x22, 0xc0 } },
		{ "mov cr0, mod 0", { 3, 3, 3 }, { 0x0f, 0x22, 0x05 } },
		{ "mov cr8, rax", { 1, 1, 4 }, { 0x44, 0x0f, 0x22, 0xc0 } },
		{ "lock mov cr0", { 4, 4, 4 }, { 0xf0, 0x0f, 0x20, 0xc0 } },
		{ "mov eax, dr7", { 3, 3, 3 }, { 0x0f, 0x21, 0xf8 } },
		{ "in al, imm", { 2, 2, 2 }, { 0xe4, 0x60 } },
		{ "out dx, eax", { 1, 1, 1 }, { 0xef } },
		{ "rep insw", { 3, 3, 3 }, { 0xf3, 0x66, 0x6d } },
		{ "fs rep outsb", { 3, 3, 3 }, { 0x64, 0xf3, 0x6e } },
		{ "lgdt", { 5, 3, 3 }, { 0x0f, 0x01, 0x16, 0, 0 } },
		{ "ltr", { 3, 3, 3 }, { 0x0f, 0x00, 0xd8 } },
		{ "task switch jmp", { 5, 7, 0 }, { 0xea, 0, 0, 0, 0, 0x28, 0 } },
		{ "rsm", { 2, 2, 2 }, { 0x0f, 0xaa } },
		{ "icebp", { 1, 1, 1 }, { 0xf1 } },
		{ "pushf", { 1, 1, 1 }, { 0x9c } },
	};
	unsigned int i, mode;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (mode = INSN_MODE_16; mode <= INSN_MODE_64; mode++) {
			int ret = length_of(table[i].bytes, sizeof(table[i].bytes), mode);

			if (ret != (table[i].length[mode] ?: -EILSEQ))
				fail_msg("%s in mode %u: %d", table[i].name, mode, ret);
		}
	}
}

static void test_fifteen_bytes(void **state)
{
	u8 bytes[32];
	struct insn insn;

	(void)state;
	memset(bytes, 0x66, sizeof(bytes));
	bytes[14] = 0xf4;
	assert_int_equal(length_of(bytes, sizeof(bytes), INSN_MODE_64), 15);
	bytes[14] = 0xcd; /* its immediate is the sixteenth byte */
	assert_int_equal(length_of(bytes, sizeof(bytes), INSN_MODE_64), -E2BIG);
	assert_int_equal(insn_decode(&insn, bytes, 15, INSN_MODE_64), -E2BIG);
	bytes[14] = 0x66;
	assert_int_equal(length_of(bytes, sizeof(bytes), INSN_MODE_64), -E2BIG);
	assert_int_equal(insn_decode(&insn, bytes, 14, INSN_MODE_64), 1);
	assert_int_equal(insn_decode(&insn, bytes, 0, INSN_MODE_16), 1);
}

/* Turn Knights Corner off, and MPX, whose instructions are NOPs on a CPU without it. */
static bool init_zydis(ZydisDecoder *zydis, ZydisMachineMode mode, ZydisStackWidth width)
{
	return ZYAN_SUCCESS(ZydisDecoderInit(zydis, mode, width)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(zydis, ZYDIS_DECODER_MODE_KNC, ZYAN_FALSE)) &&
	       ZYAN_SUCCESS(ZydisDecoderEnableMode(zydis, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE));
}

static int reset(void **state)
{
	static const struct {
		ZydisMachineMode mode;
		ZydisStackWidth width;
	} modes[3] = {
		{ ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
		{ ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
		{ ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
	};
	unsigned int i;

	(void)state;
	memset(&corpus, 0, sizeof(corpus));
	corpus.random = 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < 3; i++)
		if (!init_zydis(&corpus.zydis[i], modes[i].mode, modes[i].width))
			return -1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intercepted_lengths),
		cmocka_unit_test(test_fifteen_bytes),
		cmocka_unit_test_setup(test_legacy_maps, reset),
		cmocka_unit_test_setup(test_vex, reset),
		cmocka_unit_test_setup(test_evex_xop_3dnow, reset),
		cmocka_unit_test_setup(test_random_bytes, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
