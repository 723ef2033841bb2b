// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CMOS real-time clock and its memory (Motorola MC146818A). It keeps UTC. It has the alarm
 * and update interrupts but not the periodic one, for which kernels have better timers.
 */
#include "devices/rtc.h"

#include "base/diag.h"
#include "base/layout.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum rtc_register {
	REG_SECONDS = 0x00,
	REG_SECONDS_ALARM = 0x01,
	REG_MINUTES = 0x02,
	REG_MINUTES_ALARM = 0x03,
	REG_HOURS = 0x04,
	REG_HOURS_ALARM = 0x05,
	REG_WEEKDAY = 0x06,
	REG_DAY = 0x07,
	REG_MONTH = 0x08,
	REG_YEAR = 0x09,
	REG_A = 0x0a,
	REG_B = 0x0b,
	REG_C = 0x0c,
	REG_D = 0x0d,
	REG_CENTURY = LAYOUT_RTC_CENTURY,
};

#define A_DEFAULT 0x26 /* 32.768 kHz time base, 1024 Hz */
#define A_UPDATE_IN_PROGRESS 0x80
#define B_24_HOURS 0x02
#define B_SET 0x80 /* the guest sets the clock, which stands still meanwhile */
#define B_BINARY 0x04
/* Enable bits in register B, flags in register C. */
#define UPDATE_ENDED 0x10
#define ALARM 0x20
#define C_INTERRUPT 0x80
#define D_VALID 0x80
#define ALARM_ANY 0xc0 /* with both bits set, any value matches */
#define HOUR_PM 0x80

static time_t host_now(void)
{
	return time(NULL);
}

static void put_le(uint8_t *cmos, unsigned int at, uint64_t value, uint64_t max, unsigned int len)
{
	if (value > max)
		value = max;
	for (unsigned int i = 0; i < len; i++)
		cmos[at + i] = (uint8_t)(value >> (8 * i));
}

/* The sizes of memory, in the registers in which the firmware of a PC leaves them. */
static void put_memory_sizes(struct rtc *rtc, const struct guest_memory *memory)
{
	const uint64_t low_size = memory->low_size, high_size = memory->size - low_size;
	const uint64_t above_1m = low_size > 0x100000 ? low_size - 0x100000 : 0;
	const uint64_t above_16m = low_size > 0x1000000 ? low_size - 0x1000000 : 0;

	put_le(rtc->cmos, 0x15, 640, 640, 2); /* KiB below 1 MiB */
	put_le(rtc->cmos, 0x17, above_1m >> 10, 0xffff, 2); /* KiB */
	put_le(rtc->cmos, 0x30, above_1m >> 10, 0xffff, 2);
	put_le(rtc->cmos, 0x34, above_16m >> 16, 0xffff, 2); /* 64 KiB */
	put_le(rtc->cmos, 0x5b, high_size >> 16, 0xffffff, 3); /* 64 KiB */
}

static uint8_t encode(const struct rtc *rtc, int value)
{
	unsigned int number = (unsigned int)value % 100;

	if (rtc->cmos[REG_B] & B_BINARY)
		return (uint8_t)number;
	return (uint8_t)(number / 10 << 4 | number % 10);
}

static int decode(const struct rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 0xf);
}

static uint8_t encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return decode(rtc, value);
	return decode(rtc, value & ~HOUR_PM & 0xff) % 12 + (value & HOUR_PM ? 12 : 0);
}

static void guest_time(const struct rtc *rtc, struct tm *tm)
{
	time_t now = rtc->now() + rtc->offset;

	*tm = rtc->set;
	if (!(rtc->cmos[REG_B] & B_SET))
		gmtime_r(&now, tm);
}

static void update_irq(struct rtc *rtc)
{
	bool level = rtc->cmos[REG_B] & rtc->cmos[REG_C] & (ALARM | UPDATE_ENDED);

	rtc->cmos[REG_C] &= (uint8_t)~C_INTERRUPT;
	if (level)
		rtc->cmos[REG_C] |= C_INTERRUPT;
	if (level == rtc->irq_level)
		return;
	rtc->irq_level = level;
	irq_line_set(&rtc->irq, level);
}

static bool alarm_part(const struct rtc *rtc, uint8_t index, uint8_t value)
{
	uint8_t alarm = rtc->cmos[index];

	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

static bool alarm_at(const struct rtc *rtc, time_t when)
{
	struct tm tm = { 0 };

	gmtime_r(&when, &tm);
	return alarm_part(rtc, REG_SECONDS_ALARM, encode(rtc, tm.tm_sec)) &&
	       alarm_part(rtc, REG_MINUTES_ALARM, encode(rtc, tm.tm_min)) &&
	       alarm_part(rtc, REG_HOURS_ALARM, encode_hour(rtc, tm.tm_hour));
}

/* Raise the alarms and updates that are due; in the main thread. */
static void timer_expired(void *context)
{
	struct rtc *rtc = context;
	uint64_t expirations;
	time_t now;

	pthread_mutex_lock(&rtc->lock);
	if (read(rtc->timer_fd, &expirations, sizeof(expirations)) < 0)
		expirations = 0; /* a vCPU has stopped the timer meanwhile */
	now = rtc->now() + rtc->offset;
	/*
	 * Look at each second since the last tick, because this thread may be late. If the clock
	 * was set back, or forward by more than a day, look at the last second only: an alarm
	 * that was missed comes again the next day.
	 */
	if (now - rtc->last_tick > 86400 || now < rtc->last_tick)
		rtc->last_tick = now - 1;
	while (rtc->last_tick < now) {
		rtc->cmos[REG_C] |= UPDATE_ENDED;
		if (alarm_at(rtc, ++rtc->last_tick))
			rtc->cmos[REG_C] |= ALARM;
	}
	update_irq(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* Let the timer expire at each full second while the guest waits for an interrupt. */
static void set_timer(struct rtc *rtc)
{
	uint8_t b = rtc->cmos[REG_B];
	bool wanted = b & (ALARM | UPDATE_ENDED) && !(b & B_SET);
	struct itimerspec timer = { .it_interval.tv_sec = wanted };

	rtc->last_tick = rtc->now() + rtc->offset;
	if (wanted)
		timer.it_value.tv_sec = rtc->now() + 1;
	timerfd_settime(rtc->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static uint8_t read_flags(struct rtc *rtc)
{
	uint8_t flags = rtc->cmos[REG_C];

	rtc->cmos[REG_C] = 0;
	update_irq(rtc);
	return flags;
}

static uint8_t read_register(struct rtc *rtc, uint8_t index)
{
	struct tm tm;

	guest_time(rtc, &tm);
	switch (index) {
	case REG_SECONDS:
		return encode(rtc, tm.tm_sec);
	case REG_MINUTES:
		return encode(rtc, tm.tm_min);
	case REG_HOURS:
		return encode_hour(rtc, tm.tm_hour);
	case REG_WEEKDAY:
		return encode(rtc, tm.tm_wday + 1);
	case REG_DAY:
		return encode(rtc, tm.tm_mday);
	case REG_MONTH:
		return encode(rtc, tm.tm_mon + 1);
	case REG_YEAR:
		return encode(rtc, tm.tm_year + 1900);
	case REG_CENTURY:
		return encode(rtc, (tm.tm_year + 1900) / 100);
	case REG_C:
		return read_flags(rtc);
	default:
		return rtc->cmos[index];
	}
}

/* Return: true if @index is a part of the date and time, which is changed in @tm then. */
static bool change_time(const struct rtc *rtc, uint8_t index, uint8_t value, struct tm *tm)
{
	switch (index) {
	case REG_SECONDS:
		tm->tm_sec = decode(rtc, value);
		return true;
	case REG_MINUTES:
		tm->tm_min = decode(rtc, value);
		return true;
	case REG_HOURS:
		tm->tm_hour = decode_hour(rtc, value);
		return true;
	case REG_DAY:
		tm->tm_mday = decode(rtc, value);
		return true;
	case REG_MONTH:
		tm->tm_mon = decode(rtc, value) - 1;
		return true;
	case REG_YEAR:
		tm->tm_year += decode(rtc, value) - (tm->tm_year + 1900) % 100;
		return true;
	case REG_CENTURY:
		tm->tm_year = decode(rtc, value) * 100 - 1900 + (tm->tm_year + 1900) % 100;
		return true;
	default:
		return false;
	}
}

/*
 * When the guest clears SET, it has set all parts of the date. Before that they may not form a
 * date, for example because the day is new and the month is still the old one.
 */
static void write_register_b(struct rtc *rtc, uint8_t value)
{
	bool was_set = rtc->cmos[REG_B] & B_SET;

	guest_time(rtc, &rtc->set);
	rtc->cmos[REG_B] = value;
	if (was_set && !(value & B_SET))
		rtc->offset = timegm(&rtc->set) - rtc->now();
	set_timer(rtc);
	update_irq(rtc);
}

static void write_register(struct rtc *rtc, uint8_t index, uint8_t value)
{
	struct tm tm;

	guest_time(rtc, &tm);
	if (change_time(rtc, index, value, &tm)) {
		if (rtc->cmos[REG_B] & B_SET)
			rtc->set = tm;
		else
			rtc->offset = timegm(&tm) - rtc->now();
		return;
	}
	switch (index) {
	case REG_WEEKDAY: /* computed from the date */
	case REG_C:
	case REG_D:
		break;
	case REG_A:
		rtc->cmos[REG_A] = value & ~A_UPDATE_IN_PROGRESS & 0xff;
		break;
	case REG_B:
		write_register_b(rtc, value);
		break;
	default:
		rtc->cmos[index] = value;
		break;
	}
}

static uint64_t rtc_read(void *device, uint64_t offset, unsigned int len)
{
	struct rtc *rtc = device;
	uint8_t value;

	(void)len;
	if (!offset)
		return UINT64_MAX; /* port 0x70 is write-only */
	pthread_mutex_lock(&rtc->lock);
	value = read_register(rtc, rtc->index);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct rtc *rtc = device;

	(void)len;
	pthread_mutex_lock(&rtc->lock);
	if (offset)
		write_register(rtc, rtc->index, (uint8_t)value);
	else
		rtc->index = value & (RTC_CMOS_SIZE - 1); /* bit 7 masks NMIs */
	pthread_mutex_unlock(&rtc->lock);
}

static int connect(struct rtc *rtc, const struct device_host *host)
{
	const struct bus_range ports = {
		.name = "CMOS",
		.base = LAYOUT_RTC,
		.size = 2,
		.width = 1,
		.read = rtc_read,
		.write = rtc_write,
		.device = rtc,
	};

	const struct event_watch timer = {
		.fd = rtc->timer_fd,
		.ready = timer_expired,
		.context = rtc,
	};

	return bus_register(host->ports, &ports) || event_loop_add(host->loop, &timer) ? -1 : 0;
}

int rtc_create(void *device, const struct device_host *host)
{
	struct rtc *rtc = device;

	pthread_mutex_init(&rtc->lock, NULL);
	rtc->irq = device_irq_line(host, LAYOUT_RTC_IRQ);
	rtc->now = host_now;
	rtc->cmos[REG_A] = A_DEFAULT;
	rtc->cmos[REG_B] = B_24_HOURS;
	rtc->cmos[REG_D] = D_VALID;
	put_memory_sizes(rtc, host->memory);
	rtc->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (rtc->timer_fd < 0)
		return diag_error("timerfd_create: %s", strerror(errno));
	if (!connect(rtc, host))
		return 0;
	close(rtc->timer_fd);
	return -1;
}

void rtc_destroy(void *device)
{
	const struct rtc *rtc = device;

	close(rtc->timer_fd);
}
