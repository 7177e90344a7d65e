#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/utf8.h"

/*
 * PIPE_BUF: a write of no more is one piece even in a pipe that others share.
 * What does not fit is cut, a value at its end, then whole fields.
 */
enum {
	LINE_BYTES = 4096,
	TAIL_BYTES = 8,   /* the closing quote, brace, newline, one escape */
	FIELD_BYTES = 64, /* a field begins only if this much is left */
};

struct line {
	size_t n;
	char p[LINE_BYTES];
};

static const char *const levels[HQ_LEVEL__MAX] = {
	[HQ_DEBUG] = "debug",
	[HQ_INFO] = "info",
	[HQ_WARN] = "warn",
	[HQ_ERROR] = "error",
};

static const char *log_component = "rawr";
static enum hq_level log_level = HQ_INFO;

void
hq_log_open(const char *component, enum hq_level level)
{
	log_component = component;
	log_level = level;
}

bool
hq_log_level_parse(const char *text, enum hq_level *ret)
{
	enum hq_level l;

	for (l = HQ_DEBUG; l < HQ_LEVEL__MAX; l++) {
		if (strcmp(text, levels[l]) == 0) {
			*ret = l;
			return true;
		}
	}
	return false;
}

bool
hq_log_is_on(enum hq_level level)
{
	return level >= log_level;
}

static void
put(struct line *l, const char *p, size_t n)
{
	if (n > sizeof(l->p) - l->n)
		return;
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

/* Bytes that are not UTF-8, and DEL, are written as if they were Latin-1. */
static void
put_text(struct line *l, const char *s)
{
	size_t left = strlen(s), n;
	unsigned char c;
	char esc[8];
	bool ok;

	put(l, "\"", 1);
	for (; left > 0 && l->n < LINE_BYTES - 2 * TAIL_BYTES; left -= n) {
		n = hq_utf8_next(s, left, &ok);
		n = ok ? n : 1;
		c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			put(l, "\\", 1);
		if (!ok || c < 0x20 || c == 0x7f) {
			(void)snprintf(esc, sizeof(esc), "\\u%04x", c);
			put(l, esc, 6);
		} else {
			put(l, s, n);
		}
		s += n;
	}
	put(l, "\"", 1);
}

static void
put_field(struct line *l, const struct hq_field *f)
{
	char num[24];
	int n;

	if (f->type == HQ_F_STR && f->s == NULL)
		return;
	if (l->n + strlen(f->key) > sizeof(l->p) - FIELD_BYTES)
		return;
	if (l->n > 1)
		put(l, ",", 1);
	put_text(l, f->key);
	put(l, ":", 1);
	switch (f->type) {
	case HQ_F_STR:
		put_text(l, f->s);
		return;
	case HQ_F_BOOL:
		put(l, f->i ? "true" : "false", f->i ? 4 : 5);
		return;
	case HQ_F_I64:
		n = snprintf(num, sizeof(num), "%" PRId64, f->i);
		put(l, num, (size_t)n);
		return;
	}
}

static void
write_all(const char *p, size_t n)
{
	ssize_t did;

	while (n > 0) {
		did = write(STDERR_FILENO, p, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return;
		p += did;
		n -= (size_t)did;
	}
}

void
hq_log_fields(enum hq_level level, const char *event,
    const struct hq_field *fields)
{
	struct line l = { .n = 0 };
	char ts[HQ_ISO_BYTES];
	size_t i;

	if (level < log_level)
		return;
	hq_iso_from_ms(hq_now_ms(hq_env_system()), ts);
	put(&l, "{", 1);
	put_field(&l, &HQ_LSTR("ts", ts));
	put_field(&l, &HQ_LSTR("level", levels[level]));
	put_field(&l, &HQ_LSTR("component", log_component));
	put_field(&l, &HQ_LSTR("event", event));
	for (i = 0; fields[i].key != NULL; i++)
		put_field(&l, &fields[i]);
	put(&l, "}\n", 2);
	write_all(l.p, l.n);
}
