/*
 * hq/listing.h - every plugin of the manifest, for who tells what there is.
 *
 * The build writes it beside the composition; it refers to no plugin's code,
 * so a program may list what it does not serve.
 */
#ifndef HQ_HQ_LISTING_H
#define HQ_HQ_LISTING_H

#include "hq/page.h"
#include "proto/contract.h"

struct hq_listed {
	enum hq_kind kind;
	const char *capability;
	const char *name;
	const char *dir;             /* "plugins/agents/x" */
	int procedures;              /* that its contract declares */
	const struct hq_page *pages; /* of kind agents; ends with { 0 } */
};
extern const struct hq_listed hq_listing[]; /* ends with { 0 } */

#endif /* HQ_HQ_LISTING_H */
