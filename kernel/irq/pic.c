// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two cascaded 8259A: master at 0x20, slave at 0xa0 on the master's IR2. Page
 * and figure references are to Intel's 8259A data sheet (231468-003).
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "irq/fabric.h"
#include "irq/pic.h"

#define PIC_CASCADE 2
#define PIC_SPURIOUS 7

/* Pins that the PIIX allows to be level-triggered: all but IRQ 0, 1, 2, 8 and 13. */
#define PIC_ELCR_MASK_MASTER 0xf8
#define PIC_ELCR_MASK_SLAVE 0xde

#define PIC_ELCR_PORT 0x4d0

/* The command word that initialization expects next (figure 6). */
enum pic_init { PIC_READY, PIC_ICW2, PIC_ICW3, PIC_ICW4 };

#define PIC_ICW1 BIT(4)
#define PIC_ICW1_IC4 BIT(0)
#define PIC_ICW4_AEOI BIT(1)
#define PIC_ICW4_SFNM BIT(4)
#define PIC_OCW3 BIT(3)
#define PIC_OCW3_RIS BIT(0)
#define PIC_OCW3_RR BIT(1)
#define PIC_OCW3_POLL BIT(2)
#define PIC_OCW3_SMM BIT(5)
#define PIC_OCW3_ESMM BIT(6)

/* OCW2 bits 7:5 (figure 8). */
enum pic_ocw2 {
	PIC_ROTATE_AEOI_CLEAR,
	PIC_EOI,
	PIC_NOP,
	PIC_EOI_SPECIFIC,
	PIC_ROTATE_AEOI_SET,
	PIC_EOI_ROTATE,
	PIC_SET_PRIORITY,
	PIC_EOI_SPECIFIC_ROTATE,
};

/**
 * struct pic - both 8259A
 * @fabric: the VM's fabric
 * @lock: protects what follows; taken in hard irq
 * @chip: master and slave, in the form that userspace gets and sets
 * @sources: for each pin the enum irq_source bits that assert it
 * @output: the master's INTR; read without @lock
 */
struct pic {
	struct irq_fabric *fabric;
	raw_spinlock_t lock;
	struct kvm_pic_state chip[2];
	u8 sources[PIC_PINS];
	bool output;
};

/**
 * struct pic_effects - work for pic_finish(), after the lock is dropped
 * @acked: pins whose in-service bit was cleared
 * @rose: INTR went from low to high
 * @rose_again: INTR was high; in the chip it would have fallen and risen again
 */
struct pic_effects {
	u16 acked;
	bool rose;
	bool rose_again;
};

static bool pic_is_slave(const struct pic *pic, const struct kvm_pic_state *chip)
{
	return chip == &pic->chip[1];
}

/* Return the rank of the highest-priority bit, where 0 is the highest; 8 if no bit is set. */
static unsigned int pic_rank(const struct kvm_pic_state *chip, u8 bits)
{
	unsigned int rank;

	for (rank = 0; rank < 8; rank++)
		if (bits & BIT((rank + chip->priority_add) & 7))
			break;
	return rank;
}

/* Return the pin whose request the chip passes on, or -1. */
static int pic_request(const struct pic *pic, const struct kvm_pic_state *chip)
{
	unsigned int rank = pic_rank(chip, chip->irr & ~chip->imr);
	u8 blocking = chip->isr;

	if (rank == 8)
		return -1;
	/* Special mask mode: a masked level in service does not block lower ones. */
	if (chip->special_mask)
		blocking &= ~chip->imr;
	/* Special fully nested mode: the slave may interrupt while it is in service. */
	if (chip->special_fully_nested_mode && !pic_is_slave(pic, chip))
		blocking &= ~BIT(PIC_CASCADE);
	if (rank >= pic_rank(chip, blocking))
		return -1;
	return (rank + chip->priority_add) & 7;
}

/* Set the line of an input. Returns true if its bit of IRR changed from 0 to 1. */
static bool pic_drive(struct kvm_pic_state *chip, unsigned int ir, bool level)
{
	u8 bit = BIT(ir);
	bool fresh = false;

	if (chip->elcr & bit) {
		fresh = level && !(chip->irr & bit);
		chip->irr = level ? chip->irr | bit : chip->irr & ~bit;
	} else if (level && !(chip->last_irr & bit)) {
		fresh = !(chip->irr & bit);
		chip->irr |= bit;
	}
	chip->last_irr = level ? chip->last_irr | bit : chip->last_irr & ~bit;
	return fresh;
}

/*
 * The slave's INT is the master's IR2. When the slave has no request any more, the master's
 * request goes too, though an edge-triggered input would keep it.
 */
static void pic_drive_cascade(struct pic *pic, bool level)
{
	struct kvm_pic_state *master = &pic->chip[0];

	pic_drive(master, PIC_CASCADE, level);
	if (!level)
		master->irr &= ~BIT(PIC_CASCADE);
}

static void pic_update_output(struct pic *pic, struct pic_effects *effects)
{
	bool output = pic_request(pic, &pic->chip[0]) >= 0;

	if (output && !pic->output)
		effects->rose = true;
	WRITE_ONCE(pic->output, output);
}

/* Compute INTR after any change. Lock held. */
static void pic_update(struct pic *pic, struct pic_effects *effects)
{
	pic_drive_cascade(pic, pic_request(pic, &pic->chip[1]) >= 0);
	pic_update_output(pic, effects);
}

/* No lock held. */
static void pic_finish(struct pic *pic, const struct pic_effects *effects)
{
	unsigned int pin;

	if (effects->rose || effects->rose_again)
		fabric_set_lint0(pic->fabric, !effects->rose);
	if (!effects->acked || !fabric_has_acks(pic->fabric))
		return;
	for (pin = 0; pin < PIC_PINS; pin++)
		if (effects->acked & BIT(pin))
			fabric_notify_ack(pic->fabric,
					  pin < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
					  pin & 7);
}

/* Return the pin that INTR stands for, or -1. */
static int pic_winner(const struct pic *pic)
{
	int ir = pic_request(pic, &pic->chip[0]);

	if (ir != PIC_CASCADE)
		return ir;
	ir = pic_request(pic, &pic->chip[1]);
	return ir < 0 ? ir : ir + 8;
}

/* Drive a pin and compute INTR. Lock held. */
static int pic_drive_pin(struct pic *pic, unsigned int pin, bool level, enum irq_source source,
			 struct pic_effects *effects)
{
	struct kvm_pic_state *chip = &pic->chip[pin / 8];
	bool was_low = !(chip->last_irr & BIT(pin & 7));
	bool fresh;

	pic->sources[pin] = irq_sources_set(pic->sources[pin], source, level);
	fresh = pic_drive(chip, pin & 7, pic->sources[pin]);
	pic_update(pic, effects);
	/*
	 * Here an edge stays in IRR until the INTA, so that a short pulse is not lost. In the chip
	 * the bit falls and rises with the line, and INTR with it ("Edge and level triggered
	 * modes"). LINT0 in NMI mode depends on that, because an NMI has no INTA.
	 */
	if (level && !fresh && was_low && pic_winner(pic) == (int)pin)
		effects->rose_again = true;
	if (chip->imr & BIT(pin & 7))
		return -1;
	return fresh || !level;
}

int pic_set_irq(struct pic *pic, unsigned int pin, enum line_change change, enum irq_source source)
{
	struct pic_effects effects = {};
	unsigned long flags;
	int result;

	raw_spin_lock_irqsave(&pic->lock, flags);
	result = pic_drive_pin(pic, pin, change != LINE_LOWER, source, &effects);
	if (change == LINE_PULSE)
		pic_drive_pin(pic, pin, false, source, &effects);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic, &effects);
	return result;
}

static void pic_end(struct pic *pic, struct kvm_pic_state *chip, unsigned int ir,
		    struct pic_effects *effects)
{
	if (!(chip->isr & BIT(ir)))
		return;
	chip->isr &= ~BIT(ir);
	effects->acked |= BIT(ir) << (pic_is_slave(pic, chip) ? 8 : 0);
}

/* INTA for one chip: move the request from IRR to ISR. */
static void pic_begin(struct pic *pic, struct kvm_pic_state *chip, unsigned int ir,
		      struct pic_effects *effects)
{
	chip->isr |= BIT(ir);
	if (!(chip->elcr & BIT(ir)))
		chip->irr &= ~BIT(ir);
	if (chip->auto_eoi) {
		if (chip->rotate_on_auto_eoi)
			chip->priority_add = (ir + 1) & 7;
		pic_end(pic, chip, ir, effects);
	}
	/* The slave's INT falls at its INTA, so that its next request is a new edge. */
	if (pic_is_slave(pic, chip))
		pic_drive_cascade(pic, false);
}

bool fabric_pic_pending(const struct irq_fabric *fabric)
{
	return fabric_has_irqchip(fabric) && READ_ONCE(fabric->pic->output);
}

/* Returns the vector of IR7 (spurious) if the request is gone. */
int fabric_pic_ack(struct irq_fabric *fabric)
{
	struct pic *pic = fabric->pic;
	struct kvm_pic_state *master = &pic->chip[0], *slave = &pic->chip[1];
	struct pic_effects effects = {};
	unsigned long flags;
	int vector, ir;

	raw_spin_lock_irqsave(&pic->lock, flags);
	ir = pic_request(pic, master);
	if (ir < 0) {
		vector = master->irq_base + PIC_SPURIOUS;
	} else if (ir == PIC_CASCADE) {
		pic_begin(pic, master, ir, &effects);
		ir = pic_request(pic, slave);
		if (ir >= 0)
			pic_begin(pic, slave, ir, &effects);
		vector = slave->irq_base + (ir >= 0 ? ir : PIC_SPURIOUS);
	} else {
		pic_begin(pic, master, ir, &effects);
		vector = master->irq_base + ir;
	}
	pic_update(pic, &effects);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic, &effects);
	return vector;
}

/*
 * ICW1 (figure 7) clears masks, ISR and modes, and forgets the edges seen so far. Its SNGL and
 * LTIM have no effect: the PC's wiring and the PIIX's ELCR decide them.
 */
static void pic_write_icw1(struct kvm_pic_state *chip, u8 val)
{
	chip->irr &= chip->elcr;
	chip->imr = 0;
	chip->isr = 0;
	chip->priority_add = 0;
	chip->special_mask = 0;
	chip->read_reg_select = 0;
	chip->poll = 0;
	chip->auto_eoi = 0;
	chip->rotate_on_auto_eoi = 0;
	chip->special_fully_nested_mode = 0;
	chip->init4 = val & PIC_ICW1_IC4;
	chip->init_state = PIC_ICW2;
}

static void pic_write_ocw3(struct kvm_pic_state *chip, u8 val)
{
	if (val & PIC_OCW3_POLL)
		chip->poll = 1;
	if (val & PIC_OCW3_RR)
		chip->read_reg_select = val & PIC_OCW3_RIS;
	if (val & PIC_OCW3_ESMM)
		chip->special_mask = !!(val & PIC_OCW3_SMM);
}

/* Return the level that a non-specific EOI ends, or -1. Special mask mode spares masked ones. */
static int pic_in_service(const struct kvm_pic_state *chip)
{
	u8 isr = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
	unsigned int rank = pic_rank(chip, isr);

	return rank == 8 ? -1 : (int)((rank + chip->priority_add) & 7);
}

static void pic_write_ocw2(struct pic *pic, struct kvm_pic_state *chip, u8 val,
			   struct pic_effects *effects)
{
	enum pic_ocw2 command = val >> 5;
	int ir = val & 7;

	switch (command) {
	case PIC_ROTATE_AEOI_CLEAR:
	case PIC_ROTATE_AEOI_SET:
		chip->rotate_on_auto_eoi = command == PIC_ROTATE_AEOI_SET;
		break;
	case PIC_EOI:
	case PIC_EOI_ROTATE:
		ir = pic_in_service(chip);
		if (ir < 0)
			break;
		if (command == PIC_EOI_ROTATE)
			chip->priority_add = (ir + 1) & 7;
		pic_end(pic, chip, ir, effects);
		break;
	case PIC_EOI_SPECIFIC_ROTATE:
		chip->priority_add = (ir + 1) & 7;
		pic_end(pic, chip, ir, effects);
		break;
	case PIC_EOI_SPECIFIC:
		pic_end(pic, chip, ir, effects);
		break;
	case PIC_SET_PRIORITY:
		chip->priority_add = (ir + 1) & 7;
		break;
	case PIC_NOP:
		break;
	}
}

/* The odd port: ICW2 to ICW4 while initializing, else OCW1. */
static void pic_write_data(struct kvm_pic_state *chip, u8 val)
{
	switch ((enum pic_init)chip->init_state) {
	case PIC_READY:
		chip->imr = val;
		break;
	case PIC_ICW2:
		chip->irq_base = val & 0xf8;
		chip->init_state = PIC_ICW3;
		break;
	case PIC_ICW3:
		chip->init_state = chip->init4 ? PIC_ICW4 : PIC_READY;
		break;
	case PIC_ICW4:
		chip->special_fully_nested_mode = !!(val & PIC_ICW4_SFNM);
		chip->auto_eoi = !!(val & PIC_ICW4_AEOI);
		chip->init_state = PIC_READY;
		break;
	}
}

static void pic_write_elcr(struct pic *pic, unsigned int index, u8 val)
{
	struct kvm_pic_state *chip = &pic->chip[index];
	unsigned int ir;

	chip->elcr = val & chip->elcr_mask;
	/* A level-triggered input has no latch: its bit of IRR is its line. */
	for (ir = 0; ir < 8; ir++)
		if (chip->elcr & BIT(ir))
			pic_drive(chip, ir, pic->sources[index * 8 + ir]);
}

/* A read after a poll command is an INTA that returns the pin (page 16). */
static u8 pic_poll(struct pic *pic, struct kvm_pic_state *chip, struct pic_effects *effects)
{
	int ir = pic_request(pic, chip);

	chip->poll = 0;
	if (ir < 0)
		return 0;
	pic_begin(pic, chip, ir, effects);
	return 0x80 | ir;
}

bool pic_covers(u16 port)
{
	return (port & ~0x81) == 0x20 || (port & ~1) == PIC_ELCR_PORT;
}

u8 pic_pio_read(struct pic *pic, u16 port)
{
	bool elcr = (port & ~1) == PIC_ELCR_PORT;
	unsigned int index = elcr ? port & 1 : port >> 7 & 1;
	struct kvm_pic_state *chip = &pic->chip[index];
	struct pic_effects effects = {};
	unsigned long flags;
	u8 val;

	raw_spin_lock_irqsave(&pic->lock, flags);
	if (elcr)
		val = chip->elcr;
	else if (chip->poll)
		val = pic_poll(pic, chip, &effects);
	else if (port & 1)
		val = chip->imr;
	else
		val = chip->read_reg_select ? chip->isr : chip->irr;
	pic_update(pic, &effects);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic, &effects);
	return val;
}

void pic_pio_write(struct pic *pic, u16 port, u8 val)
{
	bool elcr = (port & ~1) == PIC_ELCR_PORT;
	unsigned int index = elcr ? port & 1 : port >> 7 & 1;
	struct kvm_pic_state *chip = &pic->chip[index];
	struct pic_effects effects = {};
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	if (elcr)
		pic_write_elcr(pic, index, val);
	else if (port & 1)
		pic_write_data(chip, val);
	else if (val & PIC_ICW1)
		pic_write_icw1(chip, val);
	else if (val & PIC_OCW3)
		pic_write_ocw3(chip, val);
	else
		pic_write_ocw2(pic, chip, val, &effects);
	pic_update(pic, &effects);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic, &effects);
}

struct pic *pic_create(struct irq_fabric *fabric)
{
	struct pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);

	if (!pic)
		return NULL;
	pic->fabric = fabric;
	raw_spin_lock_init(&pic->lock);
	pic->chip[0].elcr_mask = PIC_ELCR_MASK_MASTER;
	pic->chip[1].elcr_mask = PIC_ELCR_MASK_SLAVE;
	return pic;
}

void pic_destroy(struct pic *pic)
{
	kfree(pic);
}

void pic_get_state(struct pic *pic, bool slave, struct kvm_pic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*state = pic->chip[slave];
	raw_spin_unlock_irqrestore(&pic->lock, flags);
}

/* Cut userspace's values to the ranges that the code relies on. */
static void pic_sanitize(struct kvm_pic_state *chip, u8 elcr_mask)
{
	chip->priority_add &= 7;
	chip->irq_base &= 0xf8;
	chip->read_reg_select &= 1;
	chip->poll &= 1;
	chip->special_mask &= 1;
	chip->init_state &= 3;
	chip->auto_eoi &= 1;
	chip->rotate_on_auto_eoi &= 1;
	chip->special_fully_nested_mode &= 1;
	chip->init4 &= 1;
	chip->elcr_mask = elcr_mask;
	chip->elcr &= elcr_mask;
}

void pic_set_state(struct pic *pic, bool slave, const struct kvm_pic_state *state)
{
	struct kvm_pic_state *chip = &pic->chip[slave];
	struct pic_effects effects = {};
	unsigned long flags;
	unsigned int ir;
	u8 lines;

	raw_spin_lock_irqsave(&pic->lock, flags);
	*chip = *state;
	pic_sanitize(chip, slave ? PIC_ELCR_MASK_SLAVE : PIC_ELCR_MASK_MASTER);
	lines = (chip->irr & chip->elcr) | (chip->last_irr & ~chip->elcr);
	chip->last_irr = lines;
	for (ir = 0; ir < 8; ir++) {
		u8 *sources = &pic->sources[slave * 8 + ir];

		*sources = irq_sources_restore(*sources, lines & BIT(ir));
	}
	/*
	 * The master's state has the cascade's line. The slave, which is still the old one, must
	 * not change it, or the new slave would make an edge that the master has seen already.
	 */
	if (slave)
		pic_update(pic, &effects);
	else
		pic_update_output(pic, &effects);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	pic_finish(pic, &effects);
}
