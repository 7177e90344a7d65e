#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

static const struct {
	const char *name;
	int status;
	const char *text;
} codes[HQ_RC__MAX] = {
	[HQ_OK] = { "OK", 200, "OK" },
	[HQ_SUSPEND] = { "SUSPEND", 202, "Suspended" },
#define HQ_CODE(name, status, text) [HQ_E_##name] = { #name, status, text },
#include "base/codes.def"
};

/* Drop the start of a UTF-8 sequence whose end was cut off. */
static void
trim_utf8(char *s, size_t n)
{
	size_t i = n, more = 0;
	unsigned char c;

	while (i > 0 && more < 3 && ((unsigned char)s[i - 1] & 0xc0) == 0x80) {
		i--;
		more++;
	}
	if (i == 0)
		return;
	c = (unsigned char)s[i - 1];
	if ((c >= 0xc0 && more < 1) || (c >= 0xe0 && more < 2) ||
	    (c >= 0xf0 && more < 3))
		s[i - 1] = '\0';
}

/* The arguments may point into err->msg, so it is written last. */
static void HQ_PRINTF(2, 0)
    set_msg(struct hq_err *err, const char *fmt, va_list ap)
{
	char msg[HQ_ERR_MSG_BYTES];
	int n = vsnprintf(msg, sizeof(msg), fmt, ap);

	if (n < 0)
		msg[0] = '\0';
	if (n >= (int)sizeof(msg))
		trim_utf8(msg, sizeof(msg) - 1);
	memcpy(err->msg, msg, sizeof(msg));
}

void
hq_fail(struct hq_err *err, enum hq_rc code, const char *where, const char *fmt,
    ...)
{
	va_list ap;

	HQ_ASSERT(code > HQ_SUSPEND && code < HQ_E_DECLARED);
	if (err == NULL)
		return;
	va_start(ap, fmt);
	set_msg(err, fmt, ap);
	va_end(ap);
	err->code = code;
	err->name = codes[code].name;
	err->status = codes[code].status;
	err->where = where;
	err->data = NULL;
}

void
hq_fail_declared(struct hq_err *err, const char *wire_code,
    struct json_object *data, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, fmt);
	set_msg(err, fmt, ap);
	va_end(ap);
	err->code = HQ_E_DECLARED;
	err->name = wire_code;
	err->status = 0;
	err->where = where;
	err->data = data;
}

void
hq_bug(const char *where, const char *why)
{
	hq_log(HQ_ERROR, "bug", HQ_LSTR("where", where), HQ_LSTR("why", why));
	abort();
}

const char *
hq_rc_name(enum hq_rc rc)
{
	HQ_ASSERT(rc < HQ_RC__MAX);
	return codes[rc].name;
}

int
hq_rc_status(enum hq_rc rc)
{
	HQ_ASSERT(rc < HQ_RC__MAX);
	return codes[rc].status;
}

const char *
hq_rc_text(enum hq_rc rc)
{
	HQ_ASSERT(rc < HQ_RC__MAX);
	return codes[rc].text;
}
