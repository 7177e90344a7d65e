#include "engine/text.h"

#include <stdbool.h>
#include <string.h>

/* Past the string that begins at p. */
static const char *
past_string(const char *p)
{
	for (p++;; p += p[1] == '\0' ? 1 : 2) {
		p += strcspn(p, "\"\\");
		if (*p != '\\')
			return *p == '\0' ? p : p + 1;
	}
}

static bool
opens(char c)
{
	return c == '{' || c == '[';
}

static bool
closes(char c)
{
	return c == '}' || c == ']';
}

struct hq_text_shape
hq_text_shape(const char *text)
{
	struct hq_text_shape s = { 0 };
	const char *p = text;
	size_t depth = 0;

	while (*p != '\0') {
		if (*p == '"') {
			p = past_string(p);
			continue;
		}
		if (opens(*p)) {
			s.containers++;
			if (++depth > s.depth)
				s.depth = depth;
		} else if (closes(*p)) {
			depth--;
		}
		p++;
	}
	s.bytes = (size_t)(p - text);
	return s;
}

const char *
hq_text_member(const char *object, const char *key, size_t *ret_n)
{
	const char *p = object, *from = NULL, *s;
	size_t depth = 0, n = strlen(key);

	while (*p != '\0') {
		if (from != NULL && depth == 1 && (*p == ',' || *p == '}')) {
			*ret_n = (size_t)(p - from);
			return from;
		}
		if (*p != '"') {
			depth += opens(*p);
			depth -= closes(*p);
			p++;
			continue;
		}
		s = p;
		p = past_string(p);
		if (from == NULL && depth == 1 && *p == ':' &&
		    (size_t)(p - s) == n + 2 && memcmp(s + 1, key, n) == 0)
			from = p + 1;
	}
	return NULL;
}
