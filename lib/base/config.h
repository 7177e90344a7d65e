/*
 * base/config.h - every setting, in one table.
 *
 * settings.def has a row for each: name, type, default, bounds, unit, meaning.
 * Values come from the environment (systemd's Environment=, spawn-fcgi's); a
 * value that is out of bounds or of the wrong type stops the start with a
 * message that names the setting.  docs/configuration.md is printed from the
 * same rows ("rawr settings").
 *
 * Secrets are not settings: they are files below RAWR_KEYS (see auth/keys.h).
 */
#ifndef HQ_BASE_CONFIG_H
#define HQ_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum hq_setting {
#define HQ_SETTING_INT(name, dflt, min, max, unit, text) HQ_SET_##name,
#define HQ_SETTING_STR(name, dflt, check, text) HQ_SET_##name,
#include "base/settings.def"
	HQ_SET__MAX
};

struct hq_config {
	struct hq_arena *arena;
	int64_t i[HQ_SET__MAX];
	const char *s[HQ_SET__MAX]; /* never NULL for a string setting */
};

/*
 * Read all settings through getenv_fn (the process's getenv, or a test's).
 * BAD_REQUEST names the first bad one.  Derived defaults: RAWR_BASE_URL is
 * http://127.0.0.1:<RAWR_PORT>, RAWR_ENGINE_URL is RAWR_BASE_URL (with
 * RAWR_ENGINE=inngest RAWR_INNGEST_URL), RAWR_KEYS is <RAWR_VAR>/keys, RAWR_STORE is <RAWR_VAR>/rawr.db, sockets stand in
 * <RAWR_VAR>/run.  One trailing slash of a URL is dropped.
 */
enum hq_rc hq_config_load(struct hq_config *c,
    const char *(*getenv_fn)(const char *name), struct hq_arena *a,
    struct hq_err *err) HQ_MUST;

/* Does an Inngest server run the functions, and not our runner? */
bool hq_config_is_inngest(const struct hq_config *c);

/* One row of the table, for `rawr settings` and its test. */
struct hq_setting_row {
	const char *name;
	bool is_int;
	const char *dflt;
	int64_t min, max;
	const char *unit; /* or, for a string, what it must be */
	const char *text;
};
const struct hq_setting_row *hq_setting_row(enum hq_setting s);

#endif /* HQ_BASE_CONFIG_H */
