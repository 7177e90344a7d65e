#include <string.h>

#include "domain/state/document.h"
#include "domain/state/state.h"
#include "hq/export.h"

static enum hq_rc
write_state(struct hq_db *db, const char *dir, struct hq_arena *a,
    bool *ret_exported, struct hq_err *err)
{
	struct json_object *state;
	const char *at, *path;

	HQ_TRY(hq_state_load(db, a, &state, err));
	*ret_exported = state != NULL;
	if (state == NULL)
		return HQ_OK;
	at = hq_arena_printf(a, "%s/state", dir);
	path = hq_arena_printf(a, "%s/state/state.json", dir);
	if (at == NULL || path == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	HQ_TRY(hq_export_dir(at, err));
	return hq_export_file(path, state, a, err);
}

enum hq_rc
hq_state_export(struct hq_db *db, const char *dir, bool *ret_exported,
    struct hq_err *err)
{
	enum { ARENA_BYTES = 32 * HQ_STATE_FILE_BYTES_MAX };
	struct hq_arena *a = hq_arena_new(ARENA_BYTES);
	enum hq_rc rc = write_state(db, dir, a, ret_exported, err);

	hq_arena_free(a);
	return rc;
}
