/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct vcpu_event to and from the word in which the hardware describes an event.
 */
#ifndef ORIEL_VCPU_EVENT_H
#define ORIEL_VCPU_EVENT_H

#include "core/vcpu.h"
#include "x86/event_word.h"

/**
 * vcpu_event_to_word() - describe an event to the hardware
 *
 * The error code and the instruction's length have other places, which differ by vendor.
 *
 * Return: the word; 0, which is not valid, for EVENT_NONE.
 */
static inline u32 vcpu_event_to_word(const struct vcpu_event *event)
{
	static const u32 types[] = {
		[EVENT_IRQ] = EVENT_WORD_INTERRUPT,
		[EVENT_NMI] = EVENT_WORD_NMI,
		[EVENT_EXCEPTION] = EVENT_WORD_EXCEPTION,
		[EVENT_SOFT_INT] = EVENT_WORD_SOFT_INTERRUPT,
	};

	if (event->type == EVENT_NONE)
		return 0;
	return EVENT_WORD_VALID | types[event->type] | event->vector |
	       (event->has_error_code ? EVENT_WORD_ERROR_CODE : 0);
}

/**
 * vcpu_event_from_word() - name the event whose delivery an exit cut short
 * @word: the hardware's description, which is valid
 *
 * Return: the event without its error code. Its type is EVENT_NONE for INT n and INT1: their
 *	RIP is still that of the instruction, which the guest executes again.
 */
static inline struct vcpu_event vcpu_event_from_word(u32 word)
{
	struct vcpu_event event = {
		.vector = word & EVENT_WORD_VECTOR,
		.has_error_code = word & EVENT_WORD_ERROR_CODE,
	};

	switch (word & EVENT_WORD_TYPE) {
	case EVENT_WORD_INTERRUPT:
		event.type = EVENT_IRQ;
		break;
	case EVENT_WORD_NMI:
		event.type = EVENT_NMI;
		break;
	case EVENT_WORD_EXCEPTION:
	case EVENT_WORD_SOFT_EXCEPTION:
		event.type = EVENT_EXCEPTION;
		break;
	default:
		event.type = EVENT_NONE;
	}
	return event;
}

/** vcpu_event_injected() - return true if the last entry injected this exception */
static inline bool vcpu_event_injected(const struct vcpu *vcpu, u8 vector)
{
	return vcpu->event.type == EVENT_EXCEPTION && vcpu->event.vector == vector;
}

#endif
