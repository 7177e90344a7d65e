#include "proto/inngest/deliver.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/inngest/room.h"
#include "json/json.h"

enum { SEED_RANDOM = 10, SEED_BASE64 = 17 };

enum { STATUS_OK = 200, STATUS_BAD = 400, STATUS_LARGE = 413 };

void
hq_deliver_seed(const struct hq_env *env, char out[HQ_DELIVER_SEED_BYTES])
{
	unsigned char random[SEED_RANDOM];
	char text[SEED_BASE64];

	env->random(env->ctx, random, sizeof(random));
	sodium_bin2base64(text, sizeof(text), random, sizeof(random),
	    sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(out, HQ_DELIVER_SEED_BYTES, "%lld,%s",
	    (long long)hq_now_ms(env), text);
}

void
hq_deliver_headers(const char *seed, struct hq_arena *a,
    const char *ret[HQ_DELIVER_HEADERS])
{
	size_t n = 0;

	ret[n++] = "content-type: application/json";
	ret[n++] = "user-agent: " HQ_INNGEST_SDK;
	ret[n++] = "x-inngest-sdk: " HQ_INNGEST_SDK;
	ret[n++] = "x-inngest-sdk-handled: true";
	ret[n++] = hq_arena_printf(a, "x-inngest-event-id-seed: %s", seed);
	ret[n] = NULL;
	HQ_ASSERT(n < HQ_DELIVER_HEADERS);
}

/* Visible, and not too much of it. */
static const char *
words(const char *s, struct hq_arena *a)
{
	char *out = hq_arena_printf(a, "%.*s", HQ_DELIVER_WHY_BYTES_MAX, s);
	char *p;

	for (p = out; p != NULL && *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return out == NULL ? "" : out;
}

static void
failed(struct hq_delivery *ret, struct hq_arena *a, int status,
    const char *said)
{
	ret->what = HQ_DELIVERY_FAILED;
	ret->why = status == 401 || status == 403
	    ? hq_arena_printf(a,
		  "it does not accept the event key, inngest.key (%d%s%s)",
		  status, said[0] == '\0' ? "" : ": ", said)
	    : hq_arena_printf(a, "it answers %d%s%s", status,
		  said[0] == '\0' ? "" : ": ", said);
}

static void
refused(struct hq_delivery *ret, struct hq_arena *a, int status,
    const char *said)
{
	ret->what = HQ_DELIVERY_REFUSED;
	ret->why = hq_arena_printf(a, "it answers %d%s%s", status,
	    said[0] == '\0' ? "" : ": ", said);
}

/* A 200: as the SDK takes it, its body says whether it is one. */
static void
take_body(const struct hq_delivery_answer *in, struct json_object *body,
    struct hq_arena *a, struct hq_delivery *ret)
{
	struct json_object *ids = hq_json_get(body, "ids");
	int64_t status = hq_json_i64(body, "status", STATUS_OK);
	const char *error = hq_json_str(body, "error");

	if (status == STATUS_OK && (error == NULL || error[0] == '\0') &&
	    json_object_is_type(ids, json_type_array) &&
	    json_object_array_length(ids) == in->events) {
		ret->what = HQ_DELIVERED;
		return;
	}
	if (status == STATUS_BAD)
		refused(ret, a, STATUS_BAD,
		    error == NULL ? "" : words(error, a));
	else
		failed(ret, a, in->status,
		    error == NULL ? "and not with an id for each event"
				  : words(error, a));
}

void
hq_deliver_answer(const struct hq_delivery_answer *in, struct hq_arena *a,
    struct hq_delivery *ret)
{
	struct json_object *body = NULL;
	const char *error;

	*ret = (struct hq_delivery){ .why = "" };
	if (hq_json_parse(a, in->body, in->body_bytes, &body, NULL) != HQ_OK ||
	    !json_object_is_type(body, json_type_object))
		body = NULL;
	error = hq_json_str(body, "error");
	error = error == NULL ? "" : words(error, a);
	if (in->status >= STATUS_OK && in->status < 300 && body != NULL)
		take_body(in, body, a, ret);
	else if (in->status == STATUS_LARGE ||
	    (in->status == STATUS_BAD && error[0] != '\0'))
		refused(ret, a, in->status, error);
	else
		failed(ret, a, in->status, error);
	if (ret->why == NULL)
		ret->why = "";
}
