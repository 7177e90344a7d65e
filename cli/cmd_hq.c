/* rawr hq: the manifest and the composition. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "hq/manifest.h"

static enum hq_rc
run_sync(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *none;
	bool changed;
	enum hq_rc rc;

	if (c->dry_run) {
		rc = hq_manifest_check(c->root, c->arena, &none, err);
		changed = rc == HQ_E_CONFLICT;
		if (rc != HQ_OK && !changed)
			return rc;
	} else
		HQ_TRY(hq_manifest_sync(c->root, c->arena, &changed, err));
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "manifest", HQ_MANIFEST_FILE);
	hq_json_put_bool(*ret, "changed", changed);
	return HQ_OK;
}

static void
print_sync(const struct hq_cli *c, struct json_object *r)
{
	(void)printf("%s: %s\n", hq_json_str(r, "manifest"),
	    !hq_json_bool(r, "changed", false) ? "in step"
		: c->dry_run                   ? "would be written"
					       : "written");
}

/*
 * The manifest is in step with the plugins, every contract of the linked
 * composition has its handlers and nothing else, and so has every command.
 */
static enum hq_rc
run_check(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *manifest;
	struct hq_procs procs;
	enum hq_rc rc;

	rc = hq_manifest_check(c->root, c->arena, &manifest, err);
	c->drift = rc == HQ_E_CONFLICT;
	HQ_TRY(rc);
	HQ_TRY(hq_procs_load(hq_composition,
	    1u << HQ_KIND_API | 1u << HQ_KIND_WORKFLOWS, c->arena, &procs,
	    err));
	HQ_TRY(hq_cli_commands_load(c, err));
	*ret = hq_cli_object(c);
	hq_json_put_i64(*ret, "plugins",
	    (int64_t)json_object_array_length(
		hq_json_get(manifest, "plugins")));
	hq_json_put_i64(*ret, "procedures", (int64_t)procs.n);
	return HQ_OK;
}

static void
print_check(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("%lld plugins, %lld procedures: in step\n",
	    (long long)hq_json_i64(r, "plugins", 0),
	    (long long)hq_json_i64(r, "procedures", 0));
}

const struct hq_command hq_commands_hq[] = {
	{ "hq", "sync", "", 0, 0, "write rawr.hq.json from the plugins",
	    run_sync, print_sync, HQ_CMD_MUTATES, NULL },
	{ "hq", "check", "", 0, 0,
	    "manifest in step? every contract bound to its handlers?",
	    run_check, print_check, 0, NULL },
	{ 0 },
};
