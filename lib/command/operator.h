/*
 * command/operator.h - the operator at the console as a caller of procedures.
 *
 * What is called is what HTTP callers call: the contract checks what goes in
 * and what comes out, and the runner's bell is rung after a commit.  A dry run
 * rolls every transaction back and rings nobody.
 */
#ifndef HQ_COMMAND_OPERATOR_H
#define HQ_COMMAND_OPERATOR_H

#include "command/command.h"

struct hq_operator {
	struct hq_boundary boundary;
	struct hq_procs procs;
};

enum hq_rc hq_operator_open(struct hq_cli *c, struct hq_operator *o,
    struct hq_err *err) HQ_MUST;
void hq_operator_close(struct hq_operator *o);

/*
 * proc: "coordination.queueRun".  *ret is the boundary's arena's.  The deadline
 * is each call's own: a command may take longer than a request.
 * NOT_IMPLEMENTED if no linked plugin has it.
 */
enum hq_rc hq_operator_call(struct hq_operator *o, const char *proc,
    struct json_object *in, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/* Open, one call, close. */
enum hq_rc hq_operator_do(struct hq_cli *c, const char *proc,
    struct json_object *in, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/* The same with hq_cli_input() of word_member. */
enum hq_rc hq_operator_ask(struct hq_cli *c, const char *proc,
    const char *word_member, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/* The contracts of the whole composition. */
enum hq_rc hq_cli_procs(struct hq_cli *c, struct hq_procs *ret,
    struct hq_err *err) HQ_MUST;

/*
 * Sleep until another process has committed, wait_ms at most; *version is that
 * of hq_db_data_version() before the last look.
 */
enum { HQ_CLI_LOOK_MS = 100 };
enum hq_rc hq_cli_wait_change(struct hq_db *db, int64_t *version,
    int64_t wait_ms, bool *ret_changed, struct hq_err *err) HQ_MUST;

/* Ring the runner's bell; false if nobody hears it. */
bool hq_cli_ring(const struct hq_config *config);

#endif /* HQ_COMMAND_OPERATOR_H */
