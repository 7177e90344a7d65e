/*
 * tests/fuzz/fuzz_mutate.h - inputs that are lines, some of them JSON, changed
 * so that they stay that: a byte in the wrong place is as far as a parser goes,
 * and what is behind it is to be reached too.
 */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max,
    unsigned int seed);

/* Values that are likely to mean something; the harness's, ends with NULL. */
static const char *const *fuzz_values(void);

enum { FUZZ_NODES_MAX = 512 };

/* A value and where it stands; key is NULL in an array. */
struct fuzz_node {
	struct json_object *in, *v;
	const char *key;
	size_t at;
};

struct fuzz_tree {
	struct fuzz_node v[FUZZ_NODES_MAX];
	size_t n;
	uint64_t dice;
};

static size_t
fuzz_below(struct fuzz_tree *t, size_t n)
{
	t->dice = t->dice * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(t->dice >> 33) % n;
}

static void
fuzz_note(struct fuzz_tree *t, struct fuzz_node node)
{
	if (t->n < FUZZ_NODES_MAX)
		t->v[t->n++] = node;
}

/* Every value below the root: what was noted is looked into in turn. */
static void
fuzz_walk(struct fuzz_tree *t, struct json_object *root)
{
	struct json_object_iter it;
	struct json_object *v = root;
	size_t i, next = 0;

	for (;;) {
		if (json_object_is_type(v, json_type_object))
			json_object_object_foreachC(v, it) fuzz_note(t,
			    (struct fuzz_node){ v, it.val, it.key, 0 });
		if (json_object_is_type(v, json_type_array))
			for (i = 0; i < json_object_array_length(v); i++)
				fuzz_note(t,
				    (struct fuzz_node){ v,
					json_object_array_get_idx(v, i), NULL,
					i });
		if (next == t->n)
			return;
		v = t->v[next++].v;
	}
}

static struct json_object *
fuzz_word(struct fuzz_tree *t)
{
	const char *const *words = fuzz_values();
	struct json_object *v;
	size_t n = 0, i;

	while (words[n] != NULL)
		n++;
	i = fuzz_below(t, n);
	if (hq_json_parse(arena, words[i], strlen(words[i]), &v, &err) != HQ_OK)
		HQ_BUG(words[i]);
	return json_object_get(v);
}

/* Change one node: another's value, a likely one, more or fewer of them. */
static void
fuzz_change(struct fuzz_tree *t)
{
	struct fuzz_node *to = &t->v[fuzz_below(t, t->n)];
	const struct fuzz_node *from = &t->v[fuzz_below(t, t->n)];
	struct json_object *v =
	    fuzz_below(t, 3) == 0 ? hq_json_clone(from->v) : fuzz_word(t);
	size_t what = fuzz_below(t, 6);
	const char *key = to->key;

	if (to->key == NULL && what == 0)
		json_object_array_del_idx(to->in, to->at, 1);
	else if (to->key == NULL && what == 1)
		json_object_array_add(to->in, hq_json_clone(to->v));
	else if (to->key == NULL)
		json_object_array_put_idx(to->in, to->at, json_object_get(v));
	else if (what == 0)
		json_object_object_del(to->in, to->key);
	else {
		if (what == 1 && from->key != NULL)
			key = from->key;
		hq_json_put(to->in, hq_arena_printf(arena, "%s", key),
		    json_object_get(v));
	}
	json_object_put(v);
}

/* The line changed, or NULL if it is no JSON with anything in it. */
static const char *
fuzz_change_line(const char *line, size_t n, unsigned int seed)
{
	static struct fuzz_tree t;
	struct json_object *root;
	size_t i;

	t.n = 0;
	t.dice = seed;
	if (hq_json_parse(arena, line, n, &root, &err) != HQ_OK)
		return NULL;
	fuzz_walk(&t, root);
	if (t.n == 0)
		return NULL;
	for (i = 1 + fuzz_below(&t, 3); i > 0 && t.n > 0; i--) {
		fuzz_change(&t);
		t.n = 0; /* what was noted may be gone */
		fuzz_walk(&t, root);
	}
	return hq_json_text(arena, root);
}

/* Every other time a line's values, else bytes, as libFuzzer does it. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned int seed)
{
	struct fuzz_rest r = { (const char *)data, n };
	const char *line = NULL, *text = NULL, *from = NULL;
	size_t lines = 1, i, bytes;

	if (seed % 2 == 0)
		return LLVMFuzzerMutate(data, n, max);
	fuzz_begin();
	for (i = 0; i < n; i++)
		lines += data[i] == '\n';
	for (i = seed / 2 % lines + 1; i > 0; i--) {
		from = r.p;
		line = fuzz_line(&r);
	}
	text = fuzz_change_line(line, strlen(line), seed);
	bytes = text == NULL ? 0 : strlen(text);
	if (text == NULL || n - strlen(line) + bytes > max)
		return LLVMFuzzerMutate(data, n, max);
	i = (size_t)(from - (const char *)data);
	memmove(data + i + bytes, data + i + strlen(line),
	    n - i - strlen(line));
	memcpy(data + i, text, bytes);
	return n - strlen(line) + bytes;
}

#endif /* FUZZ_MUTATE_H */
