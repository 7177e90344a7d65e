#include <string.h>

#include "hq/compose.h"
#include "hq/listing.h"

/* ------------------------------------------------------------ references -- */

struct resolver {
	const char *root;
	struct hq_arena *arena;
	struct json_object *own;  /* the contract's "types", or NULL */
	struct json_object *sets; /* name -> types.json, as they are read */
	int depth;
};

static enum hq_rc
type_set(struct resolver *r, const char *set, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *o;
	const char *path;
	char *text;
	size_t n;

	if ((*ret = hq_json_get(r->sets, set)) != NULL)
		return HQ_OK;
	if (strspn(set, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(set))
		return HQ_FAIL(err, BAD_REQUEST, "\"%s\" names no type set",
		    set);
	path = hq_arena_printf(r->arena, "%s/lib/domain/%s/types.json", r->root,
	    set);
	HQ_TRY(
	    hq_file_read(path, HQ_MANIFEST_FILE_MAX, r->arena, &text, &n, err));
	HQ_TRY(hq_json_parse(r->arena, text, n, &o, err));
	if (!json_object_is_type(o, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "%s: must be an object", path);
	hq_json_put(r->sets, set, json_object_get(o));
	*ret = o;
	return HQ_OK;
}

static enum hq_rc resolve(struct resolver *r, struct json_object *in,
    struct json_object *home, struct json_object **ret, struct hq_err *err);

/* home: the types that "#/types/X" looks in, those of the text it stands in. */
static enum hq_rc
follow(struct resolver *r, const char *ref, struct json_object *home,
    struct json_object **ret, struct hq_err *err)
{
	const char *mark = strstr(ref, "#/types/");
	struct json_object *types = home, *target;
	enum hq_rc rc;

	if (mark == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "$ref \"%s\": write \"#/types/Name\" or "
		    "\"<set>#/types/Name\"",
		    ref);
	if (mark != ref)
		HQ_TRY(type_set(r,
		    hq_arena_copy(r->arena, ref, (size_t)(mark - ref)), &types,
		    err));
	target = types == NULL ? NULL
			       : hq_json_get(types, mark + strlen("#/types/"));
	if (target == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "$ref \"%s\" leads nowhere",
		    ref);
	if (r->depth == HQ_REF_DEPTH_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "$ref \"%s\" leads in a circle", ref);
	r->depth++;
	rc = resolve(r, target, types, ret, err);
	r->depth--;
	return rc;
}

static enum hq_rc
resolve_object(struct resolver *r, struct json_object *in,
    struct json_object *home, struct json_object *out, struct hq_err *err)
{
	struct json_object *v;

	json_object_object_foreach (in, key, val) {
		HQ_TRY(resolve(r, val, home, &v, err));
		hq_json_put(out, key, json_object_get(v));
	}
	return HQ_OK;
}

static enum hq_rc
resolve_array(struct resolver *r, struct json_object *in,
    struct json_object *home, struct json_object *out, struct hq_err *err)
{
	struct json_object *v;
	size_t i;

	for (i = 0; i < json_object_array_length(in); i++) {
		HQ_TRY(resolve(r, json_object_array_get_idx(in, i), home, &v,
		    err));
		hq_json_push(out, json_object_get(v));
	}
	return HQ_OK;
}

/* A copy of in with its references replaced; owned by the arena. */
static enum hq_rc
resolve(struct resolver *r, struct json_object *in, struct json_object *home,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *out;
	const char *ref;

	if (json_object_is_type(in, json_type_object)) {
		if ((ref = hq_json_str(in, "$ref")) != NULL)
			return follow(r, ref, home, ret, err);
		out = hq_json_new_object();
		HQ_TRY(hq_json_own(r->arena, out, err));
		*ret = out;
		return resolve_object(r, in, home, out, err);
	}
	if (!json_object_is_type(in, json_type_array)) {
		*ret = in;
		return HQ_OK;
	}
	out = hq_json_new_array();
	HQ_TRY(hq_json_own(r->arena, out, err));
	*ret = out;
	return resolve_array(r, in, home, out, err);
}

enum hq_rc
hq_contract_resolve(const char *root, struct json_object *contract,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct resolver r = { .root = root, .arena = a };
	struct json_object *types = hq_json_get(contract, "types");

	r.sets = hq_json_new_object();
	HQ_TRY(hq_json_own(a, r.sets, err));
	HQ_TRY(resolve(&r, contract, types, ret, err));
	json_object_object_del(*ret, "types");
	return HQ_OK;
}

/* -------------------------------------------------------------- the table -- */

/* "plugins/api/my-thing" -> "hq_plugin_api_my_thing" */
static char *
symbol(struct hq_arena *a, const char *dir)
{
	char *s = hq_arena_printf(a, "hq_plugin_%s", dir + strlen("plugins/"));
	char *p;

	for (p = s; p != NULL && *p != '\0'; p++)
		if (*p == '/' || *p == '-')
			*p = '_';
	return s;
}

/* Adjacent literals, a line each: C compilers bound the length of a line. */
static void
put_literal(struct hq_buf *b, const char *text)
{
	enum { LINE = 64 };
	size_t i;

	hq_buf_puts(b, "\t    \"");
	for (i = 0; text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i > 0 && i % LINE == 0)
			hq_buf_puts(b, "\"\n\t    \"");
		if (c == '"' || c == '\\')
			hq_buf_putc(b, '\\');
		if (c < 0x20 || c >= 0x7f || c == '?')
			hq_buf_printf(b, "\\%03o", c);
		else
			hq_buf_putc(b, (char)c);
	}
	hq_buf_puts(b, "\"");
}

/* The linker would only say "undefined reference"; say what to write. */
static enum hq_rc
check_symbol(const char *root, const char *file, const char *type,
    const char *sym, struct hq_arena *a, struct hq_err *err)
{
	const char *path = hq_arena_printf(a, "%s/%s", root, file);
	char *text;

	HQ_TRY(hq_file_read(path, HQ_MANIFEST_FILE_MAX, a, &text, NULL, err));
	if (strstr(text, sym) == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: must define `const struct %s %s`", file, type, sym);
	return HQ_OK;
}

static enum hq_rc
read_json(const char *root, const char *file, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	struct hq_err why = { 0 };
	char *text;
	size_t n;

	HQ_TRY(hq_file_read(hq_arena_printf(a, "%s/%s", root, file),
	    HQ_MANIFEST_FILE_MAX, a, &text, &n, err));
	if (hq_json_parse(a, text, n, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", file, why.msg);
	return HQ_OK;
}

static const char *const kinds[HQ_KIND__MAX] = {
	[HQ_KIND_API] = "HQ_KIND_API",
	[HQ_KIND_WORKFLOWS] = "HQ_KIND_WORKFLOWS",
	[HQ_KIND_WEB] = "HQ_KIND_WEB",
	[HQ_KIND_CLI] = "HQ_KIND_CLI",
	[HQ_KIND_AGENTS] = "HQ_KIND_AGENTS",
};

/* Of a row of the manifest, which has been checked. */
static enum hq_kind
kind_of(struct json_object *row)
{
	enum hq_kind k;

	for (k = 0; k < HQ_KIND__MAX; k++)
		if (strcmp(hq_json_str(row, "kind"), hq_kind_name(k)) == 0)
			return k;
	HQ_BUG("a plugin of no kind");
}

/* With its references replaced. */
static enum hq_rc
read_contract(const char *root, const char *dir, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	const char *file = hq_arena_printf(a, "%s/contract.json", dir);
	struct hq_err why = { 0 };

	HQ_TRY(read_json(root, file, a, ret, err));
	if (hq_contract_resolve(root, *ret, a, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", file, why.msg);
	return HQ_OK;
}

static enum hq_rc
put_row(const char *root, struct json_object *row, struct hq_arena *a,
    struct hq_buf *externs, struct hq_buf *rows, struct hq_err *err)
{
	const char *dir = hq_json_str(row, "dir"), *sym = symbol(a, dir);
	struct json_object *contract;

	HQ_TRY(check_symbol(root, hq_arena_printf(a, "%s/router.c", dir),
	    "hq_plugin", sym, a, err));
	HQ_TRY(read_contract(root, dir, a, &contract, err));
	hq_buf_printf(externs, "extern const struct hq_plugin %s;\n", sym);
	hq_buf_printf(rows,
	    "\t{ .kind = %s,\n\t    .capability = \"%s\",\n"
	    "\t    .name = \"%s\",\n\t    .dir = \"%s\",\n"
	    "\t    .plugin = &%s,\n\t    .contract =\n",
	    kinds[kind_of(row)], hq_json_str(row, "capability"),
	    hq_json_str(row, "name"), dir, sym);
	put_literal(rows, hq_json_text(a, contract));
	hq_buf_puts(rows, " },\n");
	return HQ_OK;
}

/* ------------------------------------------------------------ the commands -- */

static enum hq_rc
put_commands(const char *root, struct json_object *row, struct hq_arena *a,
    struct hq_buf *externs, struct hq_buf *rows, struct hq_err *err)
{
	const char *dir = hq_json_str(row, "dir"), *sym = symbol(a, dir);
	struct json_object *commands;

	HQ_TRY(check_symbol(root, hq_arena_printf(a, "%s/commands.c", dir),
	    "hq_cli_plugin", sym, a, err));
	HQ_TRY(read_json(root, hq_arena_printf(a, "%s/commands.json", dir), a,
	    &commands, err));
	hq_buf_printf(externs, "extern const struct hq_cli_plugin %s;\n", sym);
	hq_buf_printf(rows,
	    "\t{ .name = \"%s\",\n\t    .dir = \"%s\",\n"
	    "\t    .plugin = &%s,\n\t    .commands =\n",
	    hq_json_str(row, "name"), dir, sym);
	put_literal(rows, hq_json_text(a, commands));
	hq_buf_puts(rows, " },\n");
	return HQ_OK;
}

/* ------------------------------------------------------------- the listing -- */

static void
put_pages(const struct hq_page *p, const char *name, struct hq_buf *b)
{
	hq_buf_printf(b, "static const struct hq_page %s[] = {\n", name);
	for (; p->path != NULL; p++) {
		hq_buf_puts(b, "\t{ .path =\n");
		put_literal(b, p->path);
		hq_buf_puts(b, ",\n");
		if (p->name != NULL) {
			hq_buf_printf(b,
			    "\t    .name = \"%s\",\n\t    .description =\n",
			    p->name);
			put_literal(b, p->description);
			hq_buf_puts(b, ",\n");
		}
		hq_buf_puts(b, "\t    .text =\n");
		put_literal(b, p->text);
		hq_buf_puts(b, " },\n");
	}
	hq_buf_puts(b, "\t{ 0 }\n};\n");
}

static enum hq_rc
put_listed(const char *root, struct json_object *row, struct hq_arena *a,
    struct hq_buf *pages, struct hq_buf *rows, struct hq_err *err)
{
	const char *dir = hq_json_str(row, "dir"), *sym = symbol(a, dir);
	struct json_object *contract = NULL, *procedures;
	const struct hq_page *read;
	enum hq_kind k = kind_of(row);

	if (k == HQ_KIND_API || k == HQ_KIND_WORKFLOWS)
		HQ_TRY(read_contract(root, dir, a, &contract, err));
	procedures = hq_json_get(contract, "procedures");
	hq_buf_printf(rows,
	    "\t{ .kind = %s,\n\t    .capability = \"%s\",\n"
	    "\t    .name = \"%s\",\n\t    .dir = \"%s\",\n"
	    "\t    .procedures = %d",
	    kinds[k], hq_json_str(row, "capability"), hq_json_str(row, "name"),
	    dir,
	    json_object_is_type(procedures, json_type_object)
		? json_object_object_length(procedures)
		: 0);
	if (k == HQ_KIND_AGENTS) {
		HQ_TRY(hq_pages_read(root, dir, a, &read, err));
		put_pages(read, sym, pages);
		hq_buf_printf(rows, ",\n\t    .pages = %s", sym);
	}
	hq_buf_puts(rows, " },\n");
	return HQ_OK;
}

/* -------------------------------------------------------------- the tables -- */

/* A C table of plugins: a row of each, and what stands before the rows. */
struct table {
	unsigned kinds;     /* 1u << enum hq_kind */
	const char *header; /* that declares it */
	const char *declared;
	enum hq_rc (*put)(const char *root, struct json_object *row,
	    struct hq_arena *a, struct hq_buf *before, struct hq_buf *rows,
	    struct hq_err *err);
};

static enum hq_rc
write_table(const char *root, const struct table *t, struct hq_arena *a,
    const char **ret_text, struct hq_err *err)
{
	struct json_object *m, *plugins, *row;
	struct hq_buf before, rows;
	size_t i;

	HQ_TRY(hq_manifest_check(root, a, &m, err));
	hq_buf_init(&before, a);
	hq_buf_init(&rows, a);
	plugins = hq_json_get(m, "plugins");
	for (i = 0; i < json_object_array_length(plugins); i++) {
		row = json_object_array_get_idx(plugins, i);
		if ((t->kinds & 1u << kind_of(row)) != 0)
			HQ_TRY(t->put(root, row, a, &before, &rows, err));
	}
	*ret_text = hq_arena_printf(a,
	    "/* Generated from rawr.hq.json by build/compose. */\n"
	    "#include \"%s\"\n\n%s\nconst struct %s[] = {\n%s\t{ 0 }\n};\n",
	    t->header, hq_buf_str(&before), t->declared, hq_buf_str(&rows));
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory");
	return HQ_OK;
}

enum hq_rc
hq_compose(const char *root, unsigned mask, struct hq_arena *a,
    const char **ret_text, struct hq_err *err)
{
	const struct table t = {
		mask & (1u << HQ_KIND_API | 1u << HQ_KIND_WORKFLOWS),
		"proto/contract.h",
		"hq_composed hq_composition",
		put_row,
	};

	return write_table(root, &t, a, ret_text, err);
}

enum hq_rc
hq_compose_commands(const char *root, struct hq_arena *a, const char **ret_text,
    struct hq_err *err)
{
	static const struct table t = {
		1u << HQ_KIND_CLI,
		"command/command.h",
		"hq_cli_composed hq_cli_composition",
		put_commands,
	};

	return write_table(root, &t, a, ret_text, err);
}

enum hq_rc
hq_compose_listing(const char *root, struct hq_arena *a, const char **ret_text,
    struct hq_err *err)
{
	static const struct table t = {
		~0u,
		"hq/listing.h",
		"hq_listed hq_listing",
		put_listed,
	};

	return write_table(root, &t, a, ret_text, err);
}
