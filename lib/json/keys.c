#include <stdlib.h>

#include "json/keys.h"

#define INDEX_MAX INT64_C(4294967294)

int64_t
hq_json_index(const char *key)
{
	int64_t i = 0;

	if (*key < '0' || *key > '9' || (*key == '0' && key[1] != '\0'))
		return -1;
	for (; *key >= '0' && *key <= '9'; key++) {
		i = i * 10 + (*key - '0');
		if (i > INDEX_MAX)
			return -1;
	}
	return *key == '\0' ? i : -1;
}

/* The code units of a string, one by one; END after the last. */
enum { UNITS_END = -1 };

struct units {
	const unsigned char *s;
	int low; /* the second half of a pair, due next; or 0 */
};

/* A continuation byte; 0 where a broken string ends too early. */
static int
more(struct units *u)
{
	return (*u->s & 0xc0) == 0x80 ? *u->s++ & 0x3f : 0;
}

static int
next_unit(struct units *u)
{
	int c = u->low, c2, c3;

	u->low = 0;
	if (c != 0)
		return c;
	if (*u->s == '\0')
		return UNITS_END;
	c = *u->s++;
	if (c < 0xc0)
		return c;
	c2 = more(u);
	if (c < 0xe0)
		return (c & 0x1f) << 6 | c2;
	c3 = more(u);
	if (c < 0xf0)
		return (c & 0x0f) << 12 | c2 << 6 | c3;
	c = ((c & 0x07) << 18 | c2 << 12 | c3 << 6 | more(u)) - 0x10000;
	u->low = 0xdc00 | (c & 0x3ff);
	return 0xd800 | (c >> 10 & 0x3ff);
}

int
hq_json_compare_utf16(const char *a, const char *b)
{
	struct units ua = { .s = (const unsigned char *)a };
	struct units ub = { .s = (const unsigned char *)b };
	int x, y;

	do {
		x = next_unit(&ua);
		y = next_unit(&ub);
	} while (x == y && x != UNITS_END);
	return (x > y) - (x < y);
}

static const char *
key_of(const void *p)
{
	return (const char *)lh_entry_k(*(struct lh_entry *const *)p);
}

static int
by_index(const void *a, const void *b)
{
	int64_t x = hq_json_index(key_of(a)), y = hq_json_index(key_of(b));

	return (x > y) - (x < y);
}

static int
by_utf16(const void *a, const void *b)
{
	return hq_json_compare_utf16(key_of(a), key_of(b));
}

static struct lh_entry **
entries(struct json_object *o, bool indexes_only, size_t *ret_n)
{
	size_t n = 0, cap = (size_t)json_object_object_length(o) + 1;
	struct lh_entry **all = calloc(cap, sizeof(struct lh_entry *)), *e;

	if (all == NULL)
		HQ_BUG("out of memory");
	for (e = json_object_get_object(o)->head; e != NULL; e = e->next)
		if (!indexes_only || hq_json_index(lh_entry_k(e)) >= 0)
			all[n++] = e;
	*ret_n = n;
	return all;
}

struct lh_entry **
hq_json_index_entries(struct json_object *o, size_t *ret_n)
{
	struct lh_entry **all = entries(o, true, ret_n);

	qsort(all, *ret_n, sizeof(*all), by_index);
	return all;
}

struct lh_entry **
hq_json_sorted_entries(struct json_object *o, size_t *ret_n)
{
	struct lh_entry **all = entries(o, false, ret_n);

	qsort(all, *ret_n, sizeof(*all), by_utf16);
	return all;
}
