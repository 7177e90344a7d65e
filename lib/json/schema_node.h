/*
 * json/schema_node.h - a compiled schema; for json/schema*.c only.
 */
#ifndef HQ_JSON_SCHEMA_NODE_H
#define HQ_JSON_SCHEMA_NODE_H

#include "json/schema.h"
#include "json/value.h"

enum hq_schema_type {
	T_ANY,
	T_OBJECT,
	T_ARRAY,
	T_STRING,
	T_NUMBER,
	T_INTEGER,
	T_BOOLEAN,
	T_NULL,
	T__MAX
};

/* "object" ...; "" for T_ANY. */
extern const char *const hq_schema_type_names[T__MAX];

struct hq_property {
	const char *key;
	const struct hq_schema *schema;
	bool required;
};

struct hq_schema {
	enum hq_schema_type type;
	bool takes_all; /* no keyword that asks for anything */
	struct json_object *required; /* array of strings, or NULL */
	struct json_object *known;    /* object whose keys are known */
	const struct hq_property *props;
	size_t n_props;
	size_t n_required;       /* of the properties */
	bool required_elsewhere; /* a key that is no property */
	const struct hq_schema *pattern; /* of every key, or NULL */
	bool closed;                     /* additionalProperties: false */
	const struct hq_schema *extra;   /* or its schema */
	const struct hq_schema *items;
	size_t min_length;
	bool has_minimum;
	double minimum;
	bool has_const;
	struct json_object *constant;
	struct json_object *choices; /* enum */
	const struct hq_schema **any;
	size_t n_any;
};

/*
 * True if v fits for certain: no allocation, no issues.  False: it does not, or
 * only hq_schema_check() can tell.
 */
bool hq_schema_fits(const struct hq_schema *s, struct json_object *v);

/* t is v's type. */
bool hq_schema_has_type(enum hq_schema_type type, enum hq_js t,
    struct json_object *v);
/* json-c compares 1 and 1.0 as different; a schema does not. */
bool hq_schema_same(struct json_object *want, enum hq_js t,
    struct json_object *v);

#endif /* HQ_JSON_SCHEMA_NODE_H */
