/*
 * engine/register.h - what hq_engine_register() does, without an engine.
 */
#ifndef HQ_ENGINE_REGISTER_H
#define HQ_ENGINE_REGISTER_H

#include "base/env.h"
#include "store/db.h"
#include "json/json.h"

/* See hq_engine_register(). */
enum hq_rc hq_eng_register(struct hq_db *db, const struct hq_env *env,
    const char *app, struct json_object *functions, bool *ret_modified,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_REGISTER_H */
