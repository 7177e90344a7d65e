/*
 * json/name.h - for lib/json only: the names that contracts give to members.
 *
 * Most keys that are read are one of these few.  Such a key is kept once for
 * good, with its hash, so that an object needs no copy of it and equal names
 * are equal pointers.  Only schemas add names, never what a client sends.
 */
#ifndef HQ_JSON_NAME_H
#define HQ_JSON_NAME_H

#include "json/json.h"

enum { HQ_JSON_NAMES_MAX = 256 };

struct hq_json_name {
	const char *key; /* lives as long as the process */
	size_t n;
	unsigned long hash; /* json-c's */
	unsigned number;    /* below HQ_JSON_NAMES_MAX */
};

/* Keep a name; the one that is kept, or key itself if there are too many. */
const char *hq_json_name_add(const char *key);

/* The name of n bytes; NULL if it is not kept. */
const struct hq_json_name *hq_json_name_of(const char *s, size_t n);

/* Put a member into o that is known to have none of this name. */
void hq_json_name_put(struct json_object *o, const struct hq_json_name *name,
    struct json_object *v);

#endif /* HQ_JSON_NAME_H */
