#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"

static const struct hq_setting_row rows[HQ_SET__MAX] = {
#define HQ_SETTING_INT(name, dflt, min, max, unit, text) \
	[HQ_SET_##name] = { #name, true, #dflt, min, max, unit, text },
#define HQ_SETTING_STR(name, dflt, check, text) \
	[HQ_SET_##name] = { #name, false, dflt, 0, 0, check, text },
#include "base/settings.def"
};

const struct hq_setting_row *
hq_setting_row(enum hq_setting s)
{
	HQ_ASSERT(s < HQ_SET__MAX);
	return &rows[s];
}

/*
 * Checks: NULL if v will do, else what is wrong with it.  must is the row's
 * own word for what it has to be.
 */
typedef const char *check_fn(const char *v, const char *must);

static const char *
check_path(const char *v, const char *must)
{
	(void)must;
	if (*v == '\0')
		return "is empty";
	for (; *v != '\0'; v++)
		if ((unsigned char)*v < 0x20 || *v == 0x7f)
			return "holds a control character";
	return NULL;
}

/* Something is appended to it, so it has no query; it is shown in links and
 * answers, so it has no user either. */
static const char *
url_fault(const char *v, size_t n)
{
	size_t scheme = strncmp(v, "https://", 8) == 0 ? 8 : 7, i;

	if (scheme == 7 && strncmp(v, "http://", 7) != 0)
		return "does not begin with http:// or https://";
	if (n <= scheme || v[scheme] == '/' || v[scheme] == ':')
		return "has no host";
	for (i = scheme; i < n; i++)
		if (v[i] <= ' ' || v[i] > '~' ||
		    strchr("?#@\"'<>\\^`{|};$", v[i]) != NULL)
			return "holds a character that has no place there";
	return NULL;
}

static const char *
check_url(const char *v, const char *must)
{
	(void)must;
	return url_fault(v, strlen(v));
}

static const char *
check_url_list(const char *v, const char *must)
{
	const char *why = NULL;
	size_t n;

	(void)must;
	if (*v == '\0')
		return NULL;
	for (;; v += n + 1) {
		n = strcspn(v, ",");
		if ((why = url_fault(v, n)) != NULL || v[n] == '\0')
			return why;
	}
}

/* must is itself the list: "on|off". */
static const char *
check_word(const char *v, const char *must)
{
	size_t n = strlen(v), len;

	for (; *must != '\0'; must += len + (must[len] == '|')) {
		len = strcspn(must, "|");
		if (n == len && memcmp(v, must, n) == 0)
			return NULL;
	}
	return "is none of these";
}

static const char *
check_cidr_list(const char *v, const char *must)
{
	(void)must;
	if (*v == '\0')
		return "is empty";
	for (;;) {
		if (strspn(v, "0123456789abcdefABCDEF.:/") == 0)
			return "holds an entry that is no address or network";
		v += strspn(v, "0123456789abcdefABCDEF.:/");
		if (*v == '\0')
			return NULL;
		if (*v++ != ',')
			return "holds a character that has no place there";
	}
}

static const struct {
	const char *must;
	check_fn *fn;
	bool is_url;
} checks[] = {
	{ "path", check_path, false },
	{ "url", check_url, true },
	{ "url-list-or-empty", check_url_list, false },
	{ "cidr-list", check_cidr_list, false },
	{ "on|off", check_word, false },
	{ "own|inngest", check_word, false },
	{ "open|required", check_word, false },
	{ "debug|info|warn|error", check_word, false },
};

enum { N_CHECKS = sizeof(checks) / sizeof(checks[0]) };

static enum hq_rc
load_str(const struct hq_setting_row *row, const char *v, struct hq_arena *a,
    const char **ret, struct hq_err *err)
{
	const char *why;
	size_t i = 0, n = strlen(v);

	while (i < N_CHECKS && strcmp(checks[i].must, row->unit) != 0)
		i++;
	HQ_ASSERT(i < N_CHECKS);
	if ((why = checks[i].fn(v, row->unit)) != NULL)
		return HQ_FAIL(err, BAD_REQUEST, "%s: \"%.80s\" %s (%s)",
		    row->name, v, why, row->unit);
	if (checks[i].is_url && n > 0 && v[n - 1] == '/')
		n--;
	if ((*ret = hq_arena_copy(a, v, n)) == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s: too long",
		    row->name);
	return HQ_OK;
}

static enum hq_rc
load_int(const struct hq_setting_row *row, const char *v, int64_t *ret,
    struct hq_err *err)
{
	const char *why = NULL;
	size_t digits = strspn(v + (*v == '-'), "0123456789");
	long long i = 0;

	errno = 0;
	if (digits == 0 || v[digits + (size_t)(*v == '-')] != '\0')
		why = "is not a whole number";
	else
		i = strtoll(v, NULL, 10);
	if (why == NULL && (errno != 0 || i < row->min || i > row->max))
		why = "is out of bounds";
	if (why != NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: \"%.80s\" %s (%" PRId64 " to %" PRId64 " %s)",
		    row->name, v, why, row->min, row->max, row->unit);
	*ret = i;
	return HQ_OK;
}

bool
hq_config_is_inngest(const struct hq_config *c)
{
	return strcmp(c->s[HQ_SET_RAWR_ENGINE], "inngest") == 0;
}

/* One engine, and one place that apps register with. */
static enum hq_rc
check_engine(const struct hq_config *c, struct hq_err *err)
{
	if (!hq_config_is_inngest(c) || *c->s[HQ_SET_RAWR_APPS] == '\0')
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST,
	    "RAWR_APPS: with RAWR_ENGINE=inngest apps register with the "
	    "Inngest server; leave it empty");
}

/* In this order: RAWR_ENGINE_URL follows RAWR_BASE_URL. */
static enum hq_rc
derive(struct hq_config *c, struct hq_err *err)
{
	const char *var = c->s[HQ_SET_RAWR_VAR];
	const char **s = c->s;

	if (*s[HQ_SET_RAWR_STORE] == '\0')
		s[HQ_SET_RAWR_STORE] =
		    hq_arena_printf(c->arena, "%s/rawr.db", var);
	if (*s[HQ_SET_RAWR_KEYS] == '\0')
		s[HQ_SET_RAWR_KEYS] = hq_arena_printf(c->arena, "%s/keys", var);
	if (*s[HQ_SET_RAWR_BASE_URL] == '\0')
		s[HQ_SET_RAWR_BASE_URL] = hq_arena_printf(c->arena,
		    "http://127.0.0.1:%" PRId64, c->i[HQ_SET_RAWR_PORT]);
	if (*s[HQ_SET_RAWR_ENGINE_URL] == '\0')
		s[HQ_SET_RAWR_ENGINE_URL] =
		    s[hq_config_is_inngest(c) ? HQ_SET_RAWR_INNGEST_URL
					      : HQ_SET_RAWR_BASE_URL];
	if (!hq_arena_ok(c->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the settings are too long");
	return HQ_OK;
}

enum hq_rc
hq_config_load(struct hq_config *c, const char *(*getenv_fn)(const char *name),
    struct hq_arena *a, struct hq_err *err)
{
	struct hq_config got = { .arena = a };
	enum hq_setting s;
	const char *v;

	for (s = 0; s < HQ_SET__MAX; s++) {
		v = getenv_fn(rows[s].name);
		if (rows[s].is_int)
			HQ_TRY(load_int(&rows[s], v == NULL ? rows[s].dflt : v,
			    &got.i[s], err));
		else if (v == NULL)
			got.s[s] = rows[s].dflt;
		else
			HQ_TRY(load_str(&rows[s], v, a, &got.s[s], err));
	}
	HQ_TRY(derive(&got, err));
	HQ_TRY(check_engine(&got, err));
	*c = got;
	return HQ_OK;
}
