#include "json/name.h"

#include <stdlib.h>
#include <string.h>

/* Twice as many as there may be names: a probe soon meets an empty one. */
enum { SLOTS_BITS = 9, SLOTS = 1 << SLOTS_BITS };

static struct hq_json_name *slots[SLOTS];
static unsigned n_names;

/* n bytes, 8 at most: the first four, and the last four. */
static uint64_t
ends_of(const char *s, size_t n)
{
	uint32_t a = 0, b = 0;

	if (n >= sizeof(a)) {
		memcpy(&a, s, sizeof(a));
		memcpy(&b, s + n - sizeof(b), sizeof(b));
	} else if (n > 0) {
		a = (uint32_t)(unsigned char)s[0];
		b = (uint32_t)(unsigned char)s[n - 1];
	}
	return (uint64_t)a << 32 | b;
}

/* Where a name stands, or could. */
static struct hq_json_name **
slot_of(const char *s, size_t n)
{
	uint64_t h = (ends_of(s, n) ^ n) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(h >> (64 - SLOTS_BITS));

	while (slots[at] != NULL &&
	    (slots[at]->n != n || memcmp(slots[at]->key, s, n) != 0))
		at = (at + 1) % SLOTS;
	return &slots[at];
}

static unsigned long
hash_of(const char *key)
{
	struct json_object *o = hq_json_new_object();
	unsigned long h;

	h = lh_get_hash(json_object_get_object(o), key);
	(void)json_object_put(o);
	return h;
}

const char *
hq_json_name_add(const char *key)
{
	size_t n = strlen(key);
	struct hq_json_name **at = slot_of(key, n), *name;

	if (*at != NULL)
		return (*at)->key;
	if (n_names == HQ_JSON_NAMES_MAX)
		return key;
	name = malloc(sizeof(*name));
	HQ_ASSERT(name != NULL);
	*name =
	    (struct hq_json_name){ strdup(key), n, hash_of(key), n_names++ };
	HQ_ASSERT(name->key != NULL);
	*at = name;
	return name->key;
}

const struct hq_json_name *
hq_json_name_of(const char *s, size_t n)
{
	return *slot_of(s, n);
}

void
hq_json_name_put(struct json_object *o, const struct hq_json_name *name,
    struct json_object *v)
{
	struct lh_table *t = json_object_get_object(o);

	HQ_ASSERT(t != NULL);
	if (lh_table_insert_w_hash(t, name->key, v, name->hash,
		JSON_C_OBJECT_ADD_CONSTANT_KEY) != 0)
		HQ_BUG("out of memory");
}
