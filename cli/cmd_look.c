/* rawr db shell, rawr db size: look into the live store. */
#include <string.h>

#include "cli.h"
#include "store/admin.h"

enum { SHELL_ROWS_MAX = 100000 };

/* A connection that cannot write, whatever schema the store has. */
static enum hq_rc
open_read_only(struct hq_cli *c, struct hq_db **ret, struct hq_err *err)
{
	static const struct hq_module *const none[] = { NULL };
	const struct hq_db_opts o = {
		.path = c->config.s[HQ_SET_RAWR_STORE],
		.modules = none,
		.read_only = true,
	};

	return hq_db_open(&o, ret, err);
}

struct look {
	struct hq_cli *c;
	struct json_object *rows;
	bool cut;
};

static struct json_object *
value_json(struct hq_cli *c, const struct hq_val *v)
{
	switch (v->type) {
	case HQ_VAL_NULL:
		return NULL;
	case HQ_VAL_I64:
		return hq_json_new_int64(v->i);
	case HQ_VAL_TEXT:
		return hq_json_new_string(v->s);
	case HQ_VAL_BLOB:
		return hq_json_new_string(
		    hq_arena_printf(c->arena, "<%lld bytes>", (long long)v->i));
	}
	HQ_BUG("a value of no type");
}

static bool
take_row(void *arg, const struct hq_db_row *row)
{
	struct look *l = arg;
	struct json_object *o = hq_json_new_object();
	size_t i;

	for (i = 0; i < row->n; i++)
		hq_json_put(o, row->names[i], value_json(l->c, &row->vals[i]));
	hq_json_push(l->rows, o);
	l->cut = json_object_array_length(l->rows) == SHELL_ROWS_MAX;
	return !l->cut;
}

static enum hq_rc
run_shell(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct look l = { .c = c, .rows = hq_json_new_array() };
	struct hq_db *db;
	enum hq_rc rc;
	char *sql;
	size_t n;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "rows", l.rows);
	if (c->argc > 0)
		sql = c->argv[0];
	else
		HQ_TRY(hq_cli_read(c, "-", &sql, &n, err));
	HQ_TRY(open_read_only(c, &db, err));
	rc = hq_db_select(db, sql, take_row, &l, err);
	hq_db_close(db);
	hq_json_put_bool(*ret, "cut", l.cut);
	return rc;
}

/* One line per row, tabs between. */
static void
print_shell(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "rows");
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		const char *tab = "";

		json_object_object_foreach (json_object_array_get_idx(rows, i),
		    key, v) {
			(void)key;
			(void)printf("%s%s", tab,
			    v == NULL ? "NULL"
				: json_object_is_type(v, json_type_string)
				? json_object_get_string(v)
				: hq_json_text(c->arena, v));
			tab = "\t";
		}
		(void)printf("\n");
	}
	if (hq_json_bool(r, "cut", false))
		(void)fprintf(stderr, "cut after %d rows\n", SHELL_ROWS_MAX);
}

/* --------------------------------------------------------------------- size -- */

static void
put_table(void *arg, const char *table, int64_t rows)
{
	hq_json_put_i64(arg, table, rows);
}

static enum hq_rc
run_size(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *tables = hq_json_new_object();
	struct hq_db_bytes bytes = { 0 };
	struct hq_db *db;
	enum hq_rc rc;

	*ret = hq_cli_object(c);
	HQ_TRY(open_read_only(c, &db, err));
	rc = hq_db_bytes(db, &bytes, err);
	hq_json_put_str(*ret, "store", c->config.s[HQ_SET_RAWR_STORE]);
	hq_json_put_i64(*ret, "file_bytes", bytes.file);
	hq_json_put_i64(*ret, "free_bytes", bytes.free);
	hq_json_put_i64(*ret, "wal_bytes", bytes.wal);
	hq_json_put(*ret, "rows", tables);
	if (rc == HQ_OK)
		rc = hq_db_tables(db, put_table, tables, err);
	hq_db_close(db);
	return rc;
}

static void
print_size(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *tables = hq_json_get(r, "rows");
	json_object_object_foreach (tables, name, n) {
		(void)printf("%12lld  rows of %s\n",
		    (long long)json_object_get_int64(n), name);
	}

	(void)c;
	(void)printf("%12lld  bytes of %s\n%12lld  of them free\n"
		     "%12lld  bytes of its WAL\n",
	    (long long)hq_json_i64(r, "file_bytes", 0), hq_json_str(r, "store"),
	    (long long)hq_json_i64(r, "free_bytes", 0),
	    (long long)hq_json_i64(r, "wal_bytes", 0));
}

const struct hq_command hq_commands_look[] = {
	{ "db", "shell", "[SQL]", 0, 1,
	    "run SQL that only reads; without SQL, from stdin", run_shell,
	    print_shell, 0, NULL },
	{ "db", "size", "", 0, 0, "bytes of the file and WAL, rows per table",
	    run_size, print_size, 0, NULL },
	{ 0 },
};
