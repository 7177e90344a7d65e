#include <string.h>

#include "proto/inngest/room.h"

enum { HASH_CHARS = 12 }; /* of a key's hash are shown */

struct json_object *
hq_inngest_capabilities(void)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "trust_probe", "v1");
	return o;
}

void
hq_inngest_put_sdk(struct json_object *o)
{
	hq_json_put(o, "capabilities", hq_inngest_capabilities());
	hq_json_put_str(o, "framework", HQ_INNGEST_FRAMEWORK);
	hq_json_put_str(o, "sdk", HQ_INNGEST_SDK);
}

/* The start of "signkey-test-<hash>", without the prefix. */
static void
put_hash(struct json_object *o, const char *name, const char *hash,
    struct hq_arena *a)
{
	const char *hex;

	if (hash == NULL) {
		hq_json_put(o, name, NULL);
		return;
	}
	hex = strrchr(hash, '-');
	hex = hex == NULL ? hash : hex + 1;
	hq_json_put_str(o, name, hq_arena_printf(a, "%.*s", HASH_CHARS, hex));
}

/* Only for who has proved to hold the key. */
static void
put_inner(struct json_object *o, const struct hq_inngest_ex *x)
{
	const struct hq_config *c = x->h->o.config;
	const char *origin =
	    c->s[hq_config_is_inngest(c) ? HQ_SET_RAWR_INNGEST_URL
					 : HQ_SET_RAWR_ENGINE_URL];
	struct hq_arena *a = x->req->arena;

	hq_json_put_bool(o, "authentication_succeeded", true);
	hq_json_put_str(o, "api_origin", origin);
	hq_json_put_str(o, "app_id", HQ_APP_ID);
	hq_json_put(o, "capabilities", hq_inngest_capabilities());
	hq_json_put(o, "env", NULL);
	hq_json_put_str(o, "event_api_origin", origin);
	hq_json_put(o, "event_key_hash", NULL);
	hq_json_put_str(o, "framework", HQ_INNGEST_FRAMEWORK);
	hq_json_put_str(o, "sdk_language", HQ_INNGEST_SDK_LANGUAGE);
	hq_json_put_str(o, "sdk_version", HQ_VERSION);
	hq_json_put_str(o, "serve_origin", c->s[HQ_SET_RAWR_BASE_URL]);
	hq_json_put_str(o, "serve_path", HQ_INNGEST_PATH);
	put_hash(o, "signing_key_fallback_hash", x->h->fallback_hash, a);
	put_hash(o, "signing_key_hash", x->h->hash, a);
}

struct json_object *
hq_inngest_inspect(const struct hq_inngest_ex *x)
{
	struct json_object *extra = hq_json_new_object();
	struct json_object *o = hq_json_new_object();
	bool dev = x->h->o.dev;

	hq_json_put_bool(extra, "is_streaming", false);
	hq_json_put(o, "extra", extra);
	hq_json_put_bool(o, "has_event_key", false);
	hq_json_put_bool(o, "has_signing_key", !dev);
	hq_json_put_i64(o, "function_count", (int64_t)x->h->fns.n);
	hq_json_put_str(o, "mode", dev ? "dev" : "cloud");
	hq_json_put_str(o, "schema_version", HQ_INNGEST_SCHEMA);
	if (!dev)
		put_inner(o, x);
	if (hq_json_own(x->req->arena, o, NULL) != HQ_OK)
		return NULL;
	return o;
}
