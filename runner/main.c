/*
 * runner - the engine: claims jobs, calls the function host, records.
 *
 * usage: runner [--dev]     --dev: unsigned calls, without a signing key
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/process.h"
#include "runner.h"

enum { ARENA_BYTES = 64 << 20 };

static const char *
env(const char *name)
{
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* SIGTERM and SIGINT as a descriptor, so that poll() sees them. */
static int
signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	HQ_ASSERT(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	HQ_ASSERT(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum hq_rc
run(struct runner *r, struct hq_config *config, struct hq_err *err)
{
	enum hq_level level;

	HQ_TRY(hq_config_load(config, env, r->arena, err));
	r->config = config;
	if (hq_log_level_parse(config->s[HQ_SET_RAWR_LOG_LEVEL], &level))
		hq_log_open("runner", level);
	HQ_TRY(runner_start(r, err));
	hq_log(HQ_INFO, "ready", HQ_LI64("concurrency", (int64_t)r->n_calls),
	    HQ_LBOOL("dev", r->dev));
	runner_notify("READY=1");
	return runner_loop(r, err);
}

int
main(int argc, char *argv[])
{
	struct runner r = { .env = hq_env_system(),
		.bell = RUNNER_NO_BELL,
		.alive = HQ_ALIVE_NONE };
	struct hq_config config = { 0 };
	struct hq_err err = { 0 };
	enum hq_rc rc;

	hq_process_stack();
	hq_log_open("runner", HQ_INFO);
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--dev") != 0)) {
		hq_log(HQ_ERROR, "usage", HQ_LSTR("fix", "runner [--dev]"));
		return EXIT_FAILURE;
	}
	r.dev = argc == 2;
	hq_digest_open();
	r.arena = hq_arena_new(ARENA_BYTES);
	r.signal = signals();
	rc = run(&r, &config, &err);
	if (rc != HQ_OK)
		hq_log(HQ_ERROR, "failed", HQ_LSTR("why", err.msg),
		    HQ_LSTR("where", err.where));
	else
		hq_log(HQ_INFO, "stopped", { 0 });
	if (r.config != NULL)
		runner_stop(&r);
	(void)close(r.signal);
	hq_arena_free(r.arena);
	return rc == HQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
