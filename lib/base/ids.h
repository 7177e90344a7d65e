/*
 * base/ids.h - identifiers and times as they stand on the wire.
 */
#ifndef HQ_BASE_IDS_H
#define HQ_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/env.h"

enum {
	HQ_ULID_BYTES = 27, /* with NUL */
	HQ_ISO_BYTES = 32,  /* with NUL */
	HQ_UUID_BYTES = 37, /* with NUL */
};

/* 26 characters of Crockford base32: 48 bits of now, 80 random bits. */
void hq_ulid(const struct hq_env *env, char out[HQ_ULID_BYTES]);

/* Of that time and those ten bytes, which are as good as random. */
void hq_ulid_of(int64_t ms, const unsigned char random[10],
    char out[HQ_ULID_BYTES]);

/* The same, but one that sorts behind `last`, a ULID, whatever the clock says. */
void hq_ulid_after(const struct hq_env *env, const char *last,
    char out[HQ_ULID_BYTES]);

/* The least ULID of that time (Unix ms, 0 or later), and the time of one. */
void hq_ulid_least(int64_t ms, char out[HQ_ULID_BYTES]);
int64_t hq_ulid_ms(const char *ulid);

/* A UUID (version 5) that is always the same for this name. */
void hq_uuid_named(const char *name, char out[HQ_UUID_BYTES]);

/* "<prefix>-<unix ms>-<8 base36 characters>", as the reference makes them. */
char *hq_stamped_id(const struct hq_env *env, struct hq_arena *a,
    const char *prefix);

/* n random bytes as lower-case hex, in the arena. */
char *hq_random_hex(const struct hq_env *env, struct hq_arena *a, size_t n);

/* "2026-11-23T11:23:52.592Z" of Unix milliseconds; a time outside of
 * the years 0 to 9999 is moved to their edge. */
void hq_iso_from_ms(int64_t ms, char out[HQ_ISO_BYTES]);

/*
 * RFC 3339 with optional fraction (cut to ms) and zone Z or +hh:mm; false if
 * the text is anything else.
 */
bool hq_iso_to_ms(const char *text, int64_t *ret_ms);

#endif /* HQ_BASE_IDS_H */
