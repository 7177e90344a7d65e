/*
 * compose - the composition, at build time, before there is a rawr.
 *
 *	compose ROOT KIND[,KIND...] OUT.c	write a program's table
 *	compose ROOT commands OUT.c		write the table of rawr's plugins
 *	compose ROOT listing OUT.c		write the table of all plugins
 *	compose ROOT sync			write rawr.hq.json
 */
#include <stdio.h>
#include <string.h>

#include "hq/compose.h"

static bool
parse_kinds(char *text, unsigned *ret)
{
	char *save = NULL, *word;
	enum hq_kind k;

	*ret = 0;
	for (word = strtok_r(text, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		for (k = 0; k < HQ_KIND__MAX; k++)
			if (strcmp(word, hq_kind_name(k)) == 0)
				break;
		if (k == HQ_KIND__MAX)
			return false;
		*ret |= 1u << k;
	}
	return *ret != 0;
}

static enum hq_rc
write_table(const char *root, char *what, const char *out, struct hq_arena *a,
    struct hq_err *err)
{
	const char *text;
	unsigned kinds;

	if (strcmp(what, "listing") == 0)
		HQ_TRY(hq_compose_listing(root, a, &text, err));
	else if (strcmp(what, "commands") == 0)
		HQ_TRY(hq_compose_commands(root, a, &text, err));
	else if (parse_kinds(what, &kinds))
		HQ_TRY(hq_compose(root, kinds, a, &text, err));
	else
		return HQ_FAIL(err, BAD_REQUEST, "no table of that name");
	return hq_file_write(out, text, strlen(text), err);
}

int
main(int argc, char *argv[])
{
	struct hq_arena *a = hq_arena_new((size_t)256 << 20);
	struct hq_err err = { 0 };
	enum hq_rc rc;
	bool changed;

	if (argc == 3 && strcmp(argv[2], "sync") == 0)
		rc = hq_manifest_sync(argv[1], a, &changed, &err);
	else if (argc == 4)
		rc = write_table(argv[1], argv[2], argv[3], a, &err);
	else
		rc = HQ_FAIL(&err, BAD_REQUEST,
		    "usage: compose ROOT sync | compose ROOT KINDS|commands|listing OUT");
	if (rc != HQ_OK)
		(void)fprintf(stderr, "compose: %s\n", err.msg);
	hq_arena_free(a);
	return rc == HQ_OK ? 0 : 1;
}
