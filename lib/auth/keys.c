#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "auth/token.h"
#include "store/os.h"

enum { DIGEST_BYTES = crypto_generichash_BYTES };

struct entry {
	char id[HQ_TOKEN_ID_MAX + 1];
	unsigned char digest[DIGEST_BYTES];
};

struct list {
	struct entry *entries;
	size_t n;
};

struct hq_keys {
	unsigned char pepper[crypto_generichash_KEYBYTES]; /* of this process */
	char signing[HQ_SIGNING_KEY_MAX + 1];              /* "": none */
	char fallback[HQ_SIGNING_KEY_MAX + 1];
	char http[HQ_SIGNING_KEY_MAX + 1];
	char inngest[HQ_SIGNING_KEY_MAX + 1];
	struct list lists[HQ_TOKEN__MAX];
	struct list events; /* ids: none */
};

static const char signing_prefix[] = "signkey-";

static const char *const list_files[HQ_TOKEN__MAX] = {
	[HQ_TOKEN_FIRST_PARTY] = "first-party.tokens",
	[HQ_TOKEN_PUBLISHED] = "published.tokens",
};

/* ----------------------------------------------------------- the files -- */

static enum hq_rc
read_open_file(int fd, const char *path, struct hq_arena *a, char **ret,
    struct hq_err *err)
{
	struct stat st;
	size_t size, n = 0;
	ssize_t got;
	char *text;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return HQ_FAIL(err, BAD_REQUEST, "%s is not a file", path);
	if ((st.st_mode & 077) != 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s is open to others than its owner: chmod 600 it", path);
	if (st.st_size > HQ_KEY_FILE_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "%s is over %d bytes", path,
		    HQ_KEY_FILE_MAX);
	size = (size_t)st.st_size;
	if ((text = HQ_NEW(a, char, size + 1)) == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory for %s",
		    path);
	while (n < size && (got = read(fd, text + n, size - n)) > 0)
		n += (size_t)got;
	if (n != size || strlen(text) != size) {
		sodium_memzero(text, size);
		return HQ_FAIL(err, BAD_REQUEST, "%s cannot be read as text",
		    path);
	}
	*ret = text;
	return HQ_OK;
}

/* *ret is NULL if there is no such file.  The caller wipes the text. */
static enum hq_rc
read_file(const char *path, struct hq_arena *a, char **ret, struct hq_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum hq_rc rc;

	*ret = NULL;
	if (fd < 0 && errno == ENOENT)
		return HQ_OK;
	if (fd < 0)
		return HQ_FAIL(err, BAD_REQUEST, "cannot read %s: %s", path,
		    hq_os_error(errno));
	rc = read_open_file(fd, path, a, ret, err);
	(void)close(fd);
	return rc;
}

/* Cut one line off *text, without its comment and outer blanks. */
static char *
next_line(char **text)
{
	char *line = *text, *end = line + strcspn(line, "\n");

	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	return line;
}

/* ---------------------------------------------------------- the content -- */

static void
digest(const struct hq_keys *k, const char *token, size_t n,
    unsigned char out[DIGEST_BYTES])
{
	HQ_ASSERT(
	    crypto_generichash(out, DIGEST_BYTES, (const unsigned char *)token,
		n, k->pepper, sizeof(k->pepper)) == 0);
}

static enum hq_rc
take_tokens(struct hq_keys *k, enum hq_token_kind kind, char *text,
    const char *path, struct hq_err *err)
{
	struct list *l = &k->lists[kind];
	struct hq_token t;
	int number = 0;
	char *line;

	while (*text != '\0') {
		line = next_line(&text);
		number++;
		if (*line == '\0')
			continue;
		if (!hq_token_parse(line, &t))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s, line %d: not a token", path, number);
		if (t.kind != kind)
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s, line %d: a token of the other kind", path,
			    number);
		memcpy(l->entries[l->n].id, t.id, t.id_n);
		digest(k, line, t.n, l->entries[l->n].digest);
		l->n++;
	}
	return HQ_OK;
}

/* It is a part of a path as it is. */
static bool
is_path_part(const char *s, size_t n)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.~";

	return n <= HQ_EVENT_KEY_MAX && strspn(s, plain) >= n;
}

static bool
is_event_key(const char *s, size_t n)
{
	return n >= HQ_EVENT_KEY_MIN && is_path_part(s, n);
}

static enum hq_rc
take_event_keys(struct hq_keys *k, char *text, const char *path,
    struct hq_err *err)
{
	struct list *l = &k->events;
	int number = 0;
	char *line;

	while (*text != '\0') {
		line = next_line(&text);
		number++;
		if (*line == '\0')
			continue;
		if (!is_event_key(line, strlen(line)))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s, line %d: not a key: %d to %d of A-Z a-z 0-9 "
			    "- _ . ~ expected",
			    path, number, HQ_EVENT_KEY_MIN, HQ_EVENT_KEY_MAX);
		digest(k, line, strlen(line), l->entries[l->n++].digest);
	}
	return HQ_OK;
}

/* Room for as many tokens as there are lines. */
static enum hq_rc
make_room(struct list *l, const char *text, const char *path,
    struct hq_arena *a, struct hq_err *err)
{
	size_t lines = 1;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	if (lines > HQ_TOKENS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "%s has over %d lines", path,
		    HQ_TOKENS_MAX);
	if ((l->entries = HQ_NEW(a, struct entry, lines)) == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory for %s",
		    path);
	return HQ_OK;
}

static enum hq_rc
load_tokens(struct hq_keys *k, enum hq_token_kind kind, const char *path,
    struct hq_arena *a, struct hq_err *err)
{
	enum hq_rc rc;
	size_t n;
	char *text;

	HQ_TRY(read_file(path, a, &text, err));
	if (text == NULL)
		return HQ_OK;
	n = strlen(text);
	rc = make_room(&k->lists[kind], text, path, a, err);
	if (rc == HQ_OK)
		rc = take_tokens(k, kind, text, path, err);
	sodium_memzero(text, n);
	return rc;
}

static enum hq_rc
load_event_keys(struct hq_keys *k, const char *path, struct hq_arena *a,
    struct hq_err *err)
{
	enum hq_rc rc;
	size_t n;
	char *text;

	HQ_TRY(read_file(path, a, &text, err));
	if (text == NULL)
		return HQ_OK;
	n = strlen(text);
	rc = make_room(&k->events, text, path, a, err);
	if (rc == HQ_OK)
		rc = take_event_keys(k, text, path, err);
	sodium_memzero(text, n);
	return rc;
}

static bool
is_visible(const char *s, size_t min)
{
	size_t n = strlen(s), i;

	if (n > HQ_SIGNING_KEY_MAX || n < min)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

static bool
is_signing_key(const char *s)
{
	return is_visible(s, sizeof(signing_prefix)) &&
	    strncmp(s, signing_prefix, sizeof(signing_prefix) - 1) == 0;
}

static bool
is_http_key(const char *s)
{
	return is_visible(s, HQ_HTTP_KEY_MIN);
}

/* Its server has made it up, or taken it: a short one is not ours to refuse. */
static bool
is_inngest_key(const char *s)
{
	return s[0] != '\0' && s[0] != '.' && is_path_part(s, strlen(s));
}

/* A file of one line; what says what that has to be. */
struct key_file {
	bool (*is_key)(const char *s);
	const char *what;
};

static enum hq_rc
load_key(char out[HQ_SIGNING_KEY_MAX + 1], const char *path,
    const struct key_file *kf, struct hq_arena *a, struct hq_err *err)
{
	enum hq_rc rc = HQ_OK;
	char *text, *rest, *line;
	size_t n;

	HQ_TRY(read_file(path, a, &text, err));
	if (text == NULL)
		return HQ_OK;
	n = strlen(text);
	rest = text;
	line = next_line(&rest);
	if (kf->is_key(line) && rest[strspn(rest, " \t\r\n")] == '\0')
		memcpy(out, line, strlen(line) + 1);
	else
		rc = HQ_FAIL(err, BAD_REQUEST, "%s is not one line of %s", path,
		    kf->what);
	sodium_memzero(text, n);
	return rc;
}

/* ---------------------------------------------------------------- public -- */

static void
wipe(void *p)
{
	struct hq_keys *k = p;
	size_t i;

	for (i = 0; i < HQ_TOKEN__MAX; i++)
		if (k->lists[i].entries != NULL)
			sodium_memzero(k->lists[i].entries,
			    k->lists[i].n * sizeof(k->lists[i].entries[0]));
	if (k->events.entries != NULL)
		sodium_memzero(k->events.entries,
		    k->events.n * sizeof(k->events.entries[0]));
	sodium_memzero(k, sizeof(*k));
}

static enum hq_rc
load_key_files(struct hq_keys *k, const char *dir, struct hq_arena *a,
    struct hq_err *err)
{
	static const struct key_file signing = { is_signing_key,
		"signkey-..." };
	static const struct key_file http = { is_http_key,
		"32 to 512 visible characters" };
	static const struct key_file inngest = { is_inngest_key,
		"1 to 128 of A-Z a-z 0-9 - _ . ~" };
	const char *now = hq_arena_printf(a, "%s/signing.key", dir);
	const char *old = hq_arena_printf(a, "%s/signing.key.fallback", dir);
	const char *out = hq_arena_printf(a, "%s/http.key", dir);
	const char *server = hq_arena_printf(a, "%s/inngest.key", dir);

	if (now == NULL || old == NULL || out == NULL || server == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory");
	HQ_TRY(load_key(k->signing, now, &signing, a, err));
	HQ_TRY(load_key(k->fallback, old, &signing, a, err));
	HQ_TRY(load_key(k->http, out, &http, a, err));
	return load_key(k->inngest, server, &inngest, a, err);
}

static enum hq_rc
load_lists(struct hq_keys *k, const char *dir, struct hq_arena *a,
    struct hq_err *err)
{
	enum hq_rc rc = HQ_OK;
	const char *path;
	size_t i;

	for (i = 0; rc == HQ_OK && i < HQ_TOKEN__MAX; i++) {
		path = hq_arena_printf(a, "%s/%s", dir, list_files[i]);
		if (path == NULL)
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory");
		rc = load_tokens(k, (enum hq_token_kind)i, path, a, err);
	}
	path = hq_arena_printf(a, "%s/event.keys", dir);
	if (rc == HQ_OK && path == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory");
	return rc == HQ_OK ? load_event_keys(k, path, a, err) : rc;
}

enum hq_rc
hq_keys_load(const char *dir, struct hq_arena *a, const struct hq_keys **ret,
    struct hq_err *err)
{
	const struct hq_env *env = hq_env_system();
	struct hq_keys *k = HQ_NEW(a, struct hq_keys, 1);

	if (k == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "no memory for the keys");
	HQ_TRY(hq_arena_defer(a, wipe, k, err));
	env->random(env->ctx, k->pepper, sizeof(k->pepper));
	HQ_TRY(load_key_files(k, dir, a, err));
	HQ_TRY(load_lists(k, dir, a, err));
	*ret = k;
	return HQ_OK;
}

const char *
hq_keys_signing(const struct hq_keys *k)
{
	return k->signing[0] == '\0' ? NULL : k->signing;
}

const char *
hq_keys_signing_fallback(const struct hq_keys *k)
{
	return k->fallback[0] == '\0' ? NULL : k->fallback;
}

const char *
hq_keys_http(const struct hq_keys *k)
{
	return k->http[0] == '\0' ? NULL : k->http;
}

const char *
hq_keys_inngest(const struct hq_keys *k)
{
	return k->inngest[0] == '\0' ? NULL : k->inngest;
}

const char *
hq_keys_find(const struct hq_keys *k, const char *token)
{
	unsigned char d[DIGEST_BYTES];
	const struct list *l;
	struct hq_token t;
	size_t i;

	if (!hq_token_parse(token, &t))
		return NULL;
	digest(k, token, t.n, d);
	l = &k->lists[t.kind];
	for (i = 0; i < l->n; i++)
		if (sodium_memcmp(d, l->entries[i].digest, sizeof(d)) == 0)
			return l->entries[i].id;
	return NULL;
}

bool
hq_keys_is_event(const struct hq_keys *k, const char *key, size_t n)
{
	unsigned char d[DIGEST_BYTES];
	bool found = false;
	size_t i;

	if (!is_event_key(key, n))
		return false;
	digest(k, key, n, d);
	for (i = 0; i < k->events.n; i++)
		if (sodium_memcmp(d, k->events.entries[i].digest, sizeof(d)) ==
		    0)
			found = true;
	return found;
}
