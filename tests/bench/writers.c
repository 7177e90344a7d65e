/*
 * bench/writers - several processes that do nothing but write to one store,
 * while this one checkpoints it as the runner does.
 *
 * usage: writers NEW-FILE PROCESSES SECONDS
 * Prints {"perSecond", "worstMs", "least", "most"}: commits of all, the longest
 * that anybody spent in one hq_db_tx(), commits of the unluckiest writer and
 * of the luckiest one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/admin.h"

enum {
	WRITERS_MAX = 64,
	BODY_BYTES = 1024,
	WRITE_WAIT_MS = 5000,
	CHECKPOINT_EVERY_MS = 250, /* as a runner that is busy */
	NS_PER_MS = 1000000,
	MS_PER_S = 1000,
};

enum { Q_INSERT, Q_COUNT, Q__MAX };

static const char *const migrations[] = {
	"CREATE TABLE bench_row (id INTEGER PRIMARY KEY, body TEXT NOT NULL);"
	"CREATE TABLE bench_total (who INTEGER PRIMARY KEY,"
	" n INTEGER NOT NULL)",
	NULL,
};
static const char *const sql[Q__MAX + 1] = {
	[Q_INSERT] = "INSERT INTO bench_row (body) VALUES ($1)",
	[Q_COUNT] = "INSERT INTO bench_total (who, n) VALUES ($1, 1)"
		    " ON CONFLICT (who) DO UPDATE SET n = bench_total.n + 1",
};
static const struct hq_module store = { "bench", migrations, sql };
static const struct hq_module *const modules[] = { &store, NULL };

struct tally {
	long commits;
	int64_t worst_ns;
};

struct writer {
	struct hq_db *db;
	int64_t id;
	char body[BODY_BYTES + 1];
};

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * MS_PER_S * NS_PER_MS + t.tv_nsec;
}

static void
must(enum hq_rc rc, const struct hq_err *err)
{
	if (rc == HQ_OK)
		return;
	(void)fprintf(stderr, "writers: %s\n", err->msg);
	exit(EXIT_FAILURE);
}

static struct hq_db *
connect_to(const char *path, bool checkpointer)
{
	struct hq_db_opts o = { .path = path,
		.modules = modules,
		.checkpointer = checkpointer,
		.write_wait_ms = WRITE_WAIT_MS };
	struct hq_err err = { 0 };
	struct hq_db *db;

	must(hq_db_open(&o, &db, &err), &err);
	return db;
}

static enum hq_rc
write_one(void *arg, struct hq_err *err)
{
	const struct writer *w = arg;

	HQ_TRY(hq_exec(w->db, &store, Q_INSERT, HQ_BIND(hq_text(w->body)), NULL,
	    err));
	return hq_exec(w->db, &store, Q_COUNT, HQ_BIND(hq_i64(w->id)), NULL,
	    err);
}

static void
write_until(const char *path, int64_t id, int64_t end_ns, struct tally *t)
{
	struct writer w = { .db = connect_to(path, false), .id = id };
	struct hq_err err = { 0 };
	int64_t start, took;

	memset(w.body, 'x', BODY_BYTES);
	while ((start = now_ns()) < end_ns) {
		must(hq_db_tx(w.db, write_one, &w, &err), &err);
		took = now_ns() - start;
		t->commits++;
		if (took > t->worst_ns)
			t->worst_ns = took;
	}
	hq_db_close(w.db);
}

static void
checkpoint_until(const char *path, int64_t end_ns)
{
	const struct timespec pause = { .tv_nsec = (long)CHECKPOINT_EVERY_MS *
		    NS_PER_MS };
	struct hq_db *db = connect_to(path, true);
	struct hq_err err = { 0 };
	int64_t wal;

	while (now_ns() < end_ns) {
		(void)nanosleep(&pause, NULL);
		must(hq_db_checkpoint(db, false, &wal, &err), &err);
	}
	hq_db_close(db);
}

static void
print(const struct tally *t, long n, long seconds)
{
	long sum = 0, least = t[0].commits, most = t[0].commits, i;
	int64_t worst = 0;

	for (i = 0; i < n; i++) {
		sum += t[i].commits;
		least = t[i].commits < least ? t[i].commits : least;
		most = t[i].commits > most ? t[i].commits : most;
		worst = t[i].worst_ns > worst ? t[i].worst_ns : worst;
	}
	(void)printf("{\"perSecond\":%ld,\"worstMs\":%.2f,\"least\":%ld,"
		     "\"most\":%ld}\n",
	    sum / seconds, (double)worst / NS_PER_MS, least, most);
}

int
main(int argc, char *argv[])
{
	long n = argc == 4 ? strtol(argv[2], NULL, 10) : 0, i;
	long seconds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	struct hq_err err = { 0 };
	struct tally *t;
	int64_t end_ns;
	int status, failed = 0;

	if (n < 1 || n > WRITERS_MAX || seconds < 1)
		return 2;
	t = mmap(NULL, sizeof(*t) * (size_t)n, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	HQ_ASSERT(t != MAP_FAILED);
	must(hq_db_migrate(argv[1], modules, NULL, NULL, &err), &err);
	end_ns = now_ns() + seconds * MS_PER_S * NS_PER_MS;
	for (i = 0; i < n; i++)
		if (fork() == 0) {
			write_until(argv[1], i, end_ns, &t[i]);
			return EXIT_SUCCESS;
		}
	checkpoint_until(argv[1], end_ns);
	while (wait(&status) > 0)
		failed |= status;
	print(t, n, seconds);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
