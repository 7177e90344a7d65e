#include <string.h>

#include "auth/token.h"

enum { NEW_ID = 10, NEW_SECRET = 43 };

static const char *const prefixes[HQ_TOKEN__MAX] = {
	[HQ_TOKEN_FIRST_PARTY] = "rawr_fp_",
	[HQ_TOKEN_PUBLISHED] = "rawr_pub_",
};

/* The alphabets; an id takes the first 36 characters only. */
static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
enum { ID_CHARS = 36, SECRET_CHARS = 62 };
static const char id_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789";

bool
hq_token_parse(const char *text, struct hq_token *ret)
{
	enum hq_token_kind k;
	size_t secret_n;
	const char *p;

	for (k = 0; k < HQ_TOKEN__MAX; k++)
		if (strncmp(text, prefixes[k], strlen(prefixes[k])) == 0)
			break;
	if (k == HQ_TOKEN__MAX)
		return false;
	ret->kind = k;
	ret->id = text + strlen(prefixes[k]);
	ret->id_n = strspn(ret->id, id_chars);
	p = ret->id + ret->id_n;
	if (ret->id_n < HQ_TOKEN_ID_MIN || ret->id_n > HQ_TOKEN_ID_MAX ||
	    *p++ != '_')
		return false;
	secret_n = strspn(p, chars);
	if (secret_n < HQ_TOKEN_SECRET_MIN || secret_n > HQ_TOKEN_SECRET_MAX ||
	    p[secret_n] != '\0')
		return false;
	ret->n = (size_t)(p + secret_n - text);
	return true;
}

bool
hq_token_kind_of(const char *text, enum hq_token_kind *ret)
{
	struct hq_token t;

	if (!hq_token_parse(text, &t))
		return false;
	*ret = t.kind;
	return true;
}

/* One of the first n characters, each as likely as the others. */
static char
draw(const struct hq_env *env, unsigned n)
{
	unsigned char b;

	do
		env->random(env->ctx, &b, 1);
	while (b >= 256 / n * n);
	return chars[b % n];
}

char *
hq_token_make(enum hq_token_kind kind, const struct hq_env *env,
    struct hq_arena *a)
{
	char id[NEW_ID + 1] = "", secret[NEW_SECRET + 1] = "";
	size_t i;

	HQ_ASSERT(kind < HQ_TOKEN__MAX);
	for (i = 0; i < NEW_ID; i++)
		id[i] = draw(env, ID_CHARS);
	for (i = 0; i < NEW_SECRET; i++)
		secret[i] = draw(env, SECRET_CHARS);
	return hq_arena_printf(a, "%s%s_%s", prefixes[kind], id, secret);
}
