/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS real-time clock and its memory (Motorola MC146818A). */
#ifndef ORIEL_RTC_H
#define ORIEL_RTC_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "devices/bus.h"
#include "devices/irq_line.h"

#define RTC_CMOS_SIZE 128

/**
 * struct rtc - one clock
 * @lock: protects all below
 * @irq: its interrupt
 * @irq_level: of the interrupt line
 * @timer_fd: timerfd, readable when rtc_tick() is due
 * @last_tick: guest time when the guest's interrupts were last looked at
 * @now: the host's clock; a test's own
 * @offset: seconds that the guest has set its clock ahead of the host's
 * @set: date and time while the guest sets them
 * @index: register chosen through port 0x70
 * @cmos: registers that are plain memory
 */
struct rtc {
	pthread_mutex_t lock;
	struct irq_line irq;
	bool irq_level;
	int timer_fd;
	time_t last_tick;
	time_t (*now)(void);
	time_t offset;
	struct tm set;
	uint8_t index;
	uint8_t cmos[RTC_CMOS_SIZE];
};

/**
 * rtc_init() - power on
 * @rtc: storage of the caller
 * @low_size: bytes of guest memory below 4 GiB
 * @high_size: bytes of guest memory from 4 GiB on
 * @irq: copied
 * @now: seconds since 1970, or NULL for the host's clock
 *
 * Return: 0, or -1 with the reason printed.
 */
int rtc_init(struct rtc *rtc, uint64_t low_size, uint64_t high_size, const struct irq_line *irq,
	     time_t (*now)(void));

/**
 * rtc_destroy() - give back what rtc_init() took
 * @rtc: as initialised; no vCPU runs any more
 */
void rtc_destroy(struct rtc *rtc);

/**
 * rtc_tick() - raise what became due
 * @rtc: as initialised
 *
 * To be called when @rtc's timer_fd is readable, which is once a second while the
 * guest waits for an alarm or for the clock's updates.
 */
void rtc_tick(struct rtc *rtc);

/**
 * rtc_register() - let it answer ports 0x70 and 0x71
 * @rtc: as initialised; stays where it is
 * @bus: of ports
 *
 * Return: 0, or -1 with the reason printed.
 */
int rtc_register(struct rtc *rtc, struct bus *bus);

#endif
