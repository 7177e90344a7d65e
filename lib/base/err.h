/*
 * base/err.h - the one error vocabulary.
 *
 * Every fallible function returns enum hq_rc and takes a struct hq_err * as
 * its last argument.  The return value drives control flow; the struct says
 * what to tell whom.  It is written once, where the fault is found, and never
 * on success.
 */
#ifndef HQ_BASE_ERR_H
#define HQ_BASE_ERR_H

#define HQ_MUST __attribute__((warn_unused_result))
#define HQ_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HQ_NORETURN __attribute__((noreturn))

struct json_object;

enum hq_rc {
	HQ_OK = 0,
	HQ_SUSPEND, /* not a failure: stop now and be called again later */
#define HQ_CODE(name, status, text) HQ_E_##name,
#include "base/codes.def"
	HQ_RC__MAX
};

enum { HQ_ERR_MSG_BYTES = 256 };

struct hq_err {
	enum hq_rc code;
	const char *name;  /* wire code: hq_rc_name(code) unless DECLARED */
	int status;        /* HTTP status; 0 for DECLARED: the contract knows */
	const char *where; /* "file.c:12"; static; for the log only */
	struct json_object *data;   /* wire `data`; NULL if none; arena's */
	char msg[HQ_ERR_MSG_BYTES]; /* wire message; cut at the end if longer */
};

/*
 * Record a failure and yield its code, so callers write
 * "return HQ_FAIL(err, NOT_FOUND, ...)".  err may be NULL.  The code is a
 * constant, so the compiler can see that no success value leaks out.
 */
#define HQ_FAIL(err, code, ...) \
	(hq_fail((err), HQ_E_##code, HQ_WHERE, __VA_ARGS__), HQ_E_##code)

/*
 * A failure that a contract declares: wire_code is static ("RUN_NOT_FOUND"),
 * data may be NULL and lives in the request's arena.  The status comes from
 * the contract; a code which the contract does not declare is a bug.
 */
#define HQ_FAIL_DECLARED(err, wire_code, data, ...) \
	(hq_fail_declared((err), (wire_code), (data), HQ_WHERE, __VA_ARGS__), \
	    HQ_E_DECLARED)

/* A state this program cannot be in.  Never compiled out. */
#define HQ_BUG(why) hq_bug(HQ_WHERE, (why))
#define HQ_ASSERT(cond) ((cond) ? (void)0 : hq_bug(HQ_WHERE, #cond))

/* Propagate.  Only in a function that owns nothing. */
#define HQ_TRY(expr) \
	do { \
		enum hq_rc rc_ = (expr); \
		if (rc_ != HQ_OK) \
			return rc_; \
	} while (0)

/* Drop a result on purpose.  gcc rejects a (void) cast, and this greps. */
#define HQ_IGNORE(expr) \
	do { \
		enum hq_rc ignored_ = (expr); \
		(void)ignored_; \
	} while (0)

#define HQ_WHERE __FILE__ ":" HQ_STR_(__LINE__)
#define HQ_STR_(x) HQ_STR__(x)
#define HQ_STR__(x) #x

void hq_fail(struct hq_err *err, enum hq_rc code, const char *where,
    const char *fmt, ...) HQ_PRINTF(4, 5);
void hq_fail_declared(struct hq_err *err, const char *wire_code,
    struct json_object *data, const char *where, const char *fmt, ...)
    HQ_PRINTF(5, 6);
void hq_bug(const char *where, const char *why) HQ_NORETURN;

/* "NOT_FOUND", its HTTP status, its default text ("Not Found"). */
const char *hq_rc_name(enum hq_rc rc);
int hq_rc_status(enum hq_rc rc);
const char *hq_rc_text(enum hq_rc rc);

#endif /* HQ_BASE_ERR_H */
