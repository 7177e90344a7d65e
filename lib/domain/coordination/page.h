/*
 * domain/coordination/page.h - lists that are read a page at a time.
 *
 * What stands in a query string is a string, and what stands in JSON may be a
 * number: integers are taken as either.
 */
#ifndef HQ_DOMAIN_COORDINATION_PAGE_H
#define HQ_DOMAIN_COORDINATION_PAGE_H

#include <stdint.h>

#include "json/json.h"

enum { HQ_COORD_PAGE = 50 }; /* rows, where the caller names no limit */

struct hq_coord_page {
	struct json_object *items;
	int64_t n;
	bool more;
	const char *cursor; /* of the last item; NULL: none */
};

enum hq_rc hq_coord_page_open(struct hq_arena *a, struct hq_coord_page *ret,
    struct hq_err *err) HQ_MUST;

/* {<name>: items, "nextCursor"?: where the next page begins}. */
enum hq_rc hq_coord_page_json(struct hq_arena *a,
    const struct hq_coord_page *page, const char *name,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * A number or a string of digits, 1 to max; dflt if v is NULL.  BAD_REQUEST
 * names the input's member.
 */
enum hq_rc hq_coord_integer(struct json_object *v, const char *what,
    int64_t max, int64_t dflt, int64_t *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_PAGE_H */
