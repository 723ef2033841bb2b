/* SPDX-License-Identifier: GPL-2.0-only */
/* Conversions between struct vcpu_event and the word with which the CPU describes an event. */
#ifndef ORIEL_VCPU_EVENT_H
#define ORIEL_VCPU_EVENT_H

#include "core/vcpu.h"
#include "x86/event_word.h"

/**
 * vcpu_event_to_word() - return the word for an event; 0, which is not valid, for EVENT_NONE. It
 * has no error code and no length: their place differs by vendor.
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
 * vcpu_event_to_repeat() - return the event, without error code, whose delivery an exit cut short
 * @vcpu: after the exit
 * @word: from the CPU, and valid
 *
 * The type is EVENT_NONE for INT n, INT1, INT3 and INTO of the guest: RIP is still that of the
 * instruction, and the guest executes it again. But if Oriel has injected the event, RIP is behind
 * the instruction, and the event has to be injected again.
 */
static inline struct vcpu_event vcpu_event_to_repeat(const struct vcpu *vcpu, u32 word)
{
	struct vcpu_event event = {
		.vector = word & EVENT_WORD_VECTOR,
		.has_error_code = word & EVENT_WORD_ERROR_CODE,
	};
	bool soft = false;

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
		soft = exception_is_soft(event.vector);
		break;
	case EVENT_WORD_SOFT_INTERRUPT:
		event.type = EVENT_SOFT_INT;
		soft = true;
		break;
	default:
		event.type = EVENT_NONE;
	}
	if (soft && (vcpu->event.type != event.type || vcpu->event.vector != event.vector))
		event.type = EVENT_NONE;
	return event;
}

#endif
