/*
 * engine/text.h - what JSON text as hq_json_write() makes it (no spaces) tells
 * without being parsed: one pass, no memory.
 */
#ifndef HQ_ENGINE_TEXT_H
#define HQ_ENGINE_TEXT_H

#include <stddef.h>

struct hq_text_shape {
	size_t bytes, containers, depth; /* containers: arrays and objects */
};

struct hq_text_shape hq_text_shape(const char *text);

/* The text of an object's member and its length; NULL if there is none. */
const char *hq_text_member(const char *object, const char *key, size_t *ret_n);

#endif /* HQ_ENGINE_TEXT_H */
