/*
 * POST /fn/register: an app's functions take the place of those it had.
 *
 * The SDK looks at the body's status, not at the reply's.  An app is called at
 * the URLs that it tells here, so they have to be on RAWR_APPS.
 */
#include <string.h>

#include "base/config.h"
#include "base/ids.h"
#include "engine/api.h"
#include "engine/limits.h"
#include "flow/function.h"
#include "proto/http/allow.h"
#include "proto/inngest/api_room.h"
#include "proto/inngest/room.h"

/* A call's URL is longer: it names the step. */
enum {
	APP_URL_BYTES_MAX = HQ_ALLOW_URL_BYTES_MAX - HQ_ENGINE_STEP_ID_MAX -
	    (int)sizeof("&stepId="),
};

static bool
is_plain(const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_. ";
	size_t n = s == NULL ? 0 : strlen(s);

	return n > 0 && n <= HQ_INNGEST_ID_MAX && strspn(s, plain) == n;
}

/* Our own functions' ids begin so: nobody may come before them. */
static bool
is_reserved(const char *app)
{
	size_t n = strlen(HQ_APP_ID);

	return strncmp(app, HQ_APP_ID, n) == 0 &&
	    (app[n] == '\0' || app[n] == '-');
}

static enum hq_rc
check_url(const struct hq_api_ex *x, const char *url, const char *what,
    struct hq_err *err)
{
	if (url != NULL && strlen(url) > APP_URL_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%.80s: its url is too long: more than %d bytes", what,
		    APP_URL_BYTES_MAX);
	if (url != NULL &&
	    hq_url_allowed(x->api->o.config->s[HQ_SET_RAWR_APPS], url))
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST,
	    "%.80s: its url is not one that RAWR_APPS allows", what);
}

static enum hq_rc
check_function(const struct hq_api_ex *x, struct json_object *f,
    const char *app, struct hq_err *err)
{
	const char *id = hq_json_str(f, "id");
	struct json_object *step = hq_json_get(hq_json_get(f, "steps"), "step");
	size_t n = strlen(app);

	if (id == NULL || strncmp(id, app, n) != 0 || id[n] != '-')
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %.80s: its id does not begin with the app's",
		    id == NULL ? "without an id" : id);
	return check_url(x, hq_json_str(hq_json_get(step, "runtime"), "url"),
	    id, err);
}

static enum hq_rc
check_kind(const struct hq_api_ex *x, struct hq_err *err)
{
	const char *kind =
	    hq_http_header(x->req, "x-inngest-expected-server-kind");
	const char *ours = x->api->o.dev ? "dev" : "cloud";

	if (kind == NULL || strcmp(kind, ours) == 0)
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST,
	    "this server is of the kind %s; the app expects another", ours);
}

static enum hq_rc
check(const struct hq_api_ex *x, struct json_object *body, struct hq_err *err)
{
	struct json_object *list = hq_json_get(body, "functions");
	const char *app = hq_json_str(body, "appName");
	size_t i, n;

	HQ_TRY(check_kind(x, err));
	if (!is_plain(app) || is_reserved(app))
		return HQ_FAIL(err, BAD_REQUEST,
		    "appName: 1 to %d of A-Z a-z 0-9 - _ . and blank, not "
		    "beginning with " HQ_APP_ID,
		    HQ_INNGEST_ID_MAX);
	HQ_TRY(check_url(x, hq_json_str(body, "url"), app, err));
	if (!json_object_is_type(list, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "functions: not a list");
	n = json_object_array_length(list);
	if (n > HQ_INNGEST_FUNCTIONS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "functions: more than %d",
		    HQ_INNGEST_FUNCTIONS_MAX);
	for (i = 0; i < n; i++)
		HQ_TRY(check_function(x, json_object_array_get_idx(list, i),
		    app, err));
	return HQ_OK;
}

struct back {
	const struct hq_inngest_api_opts *o;
	const char *app;
};

static enum hq_rc
is_back(void *arg, struct hq_err *err)
{
	const struct back *b = arg;

	return hq_app_is_back(b->o->db, b->o->env, b->app, err);
}

static enum hq_rc
enroll(const struct hq_api_ex *x, const char **ret_app, bool *ret_modified,
    struct hq_err *err)
{
	const struct hq_inngest_api_opts *o = &x->api->o;
	struct back back = { .o = o };
	struct json_object *body;

	HQ_TRY(hq_api_body(x, &body, err));
	HQ_TRY(check(x, body, err));
	*ret_app = back.app = hq_json_str(body, "appName");
	HQ_TRY(hq_eng_register(o->db, o->env, *ret_app,
	    hq_json_get(body, "functions"), ret_modified, err));
	return hq_db_tx(o->db, is_back, &back, err);
}

void
hq_api_register(const struct hq_api_ex *x)
{
	struct hq_err err = { 0 };
	char id[HQ_UUID_BYTES];
	const char *app;
	bool modified;

	if (enroll(x, &app, &modified, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	hq_api_wake(x);
	hq_uuid_named(app, id);
	hq_api_text(x, 200,
	    hq_arena_printf(x->a,
		"{\"app_id\":\"%s\",\"modified\":%s,\"ok\":true}", id,
		modified ? "true" : "false"));
}
