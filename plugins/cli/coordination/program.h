/*
 * plugins/cli/coordination/program.h - one run of a program: a text goes to its
 * stdin, its stdout is taken, its stderr is ours.
 *
 * It runs in a process group of its own, so that a Ctrl-C reaches only us.  When
 * we end it, the whole group is told.  When we are killed it dies with us, but
 * it alone: what it has started itself lives on.
 */
#ifndef HQ_PLUGIN_CLI_COORDINATION_PROGRAM_H
#define HQ_PLUGIN_CLI_COORDINATION_PROGRAM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	PROGRAM_OUT_MAX = 4 << 20, /* bytes of stdout; more ends it */
	PROGRAM_GRACE_MS = 5000,   /* from SIGTERM to SIGKILL */
};

struct program {
	char *const *argv; /* ends with NULL */
	const char *in;
	/*
	 * Called when it has begun and whenever something happens: ms until it
	 * is to be called again, or -1 to end the program.
	 */
	int64_t (*look)(void *ctx);
	void *ctx;
};

struct program_end {
	bool exited; /* false: by a signal */
	int code;    /* the exit status, or the signal */
	bool ended;  /* because look() said so */
	bool too_much;
	const char *out; /* the arena's */
	size_t out_bytes;
};

/* NOT_FOUND if argv[0] is no program, on PATH where it has no slash. */
enum hq_rc program_find(const char *name, struct hq_err *err) HQ_MUST;

/* Returns when it has ended.  SIGPIPE must be ignored. */
enum hq_rc program_run(const struct program *p, struct hq_arena *a,
    struct program_end *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_PLUGIN_CLI_COORDINATION_PROGRAM_H */
