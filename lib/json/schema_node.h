/*
 * json/schema_node.h - a compiled schema; for json/schema*.c only.
 */
#ifndef HQ_JSON_SCHEMA_NODE_H
#define HQ_JSON_SCHEMA_NODE_H

#include "json/schema.h"

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
	struct json_object *required; /* array of strings, or NULL */
	struct json_object *known;    /* object whose keys are known */
	const struct hq_property *props;
	size_t n_props;
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

#endif /* HQ_JSON_SCHEMA_NODE_H */
