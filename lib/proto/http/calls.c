#include "proto/http/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "proto/http/curl.h"

enum { EVENTS = 64 };

struct hq_calls_one {
	const struct hq_curl *lib;
	CURL *curl;
	struct curl_slist *headers;
	struct hq_buf head, body; /* of the answer */
	size_t answer_max;
	bool cut;
	void *arg;
};

struct hq_calls {
	struct hq_calls_opts o;
	const struct hq_curl *lib; /* NULL: no call yet */
	CURLM *multi;
	int ep;         /* curl's sockets */
	int64_t due_ms; /* monotonic: curl's timer */
	size_t n;       /* calls under way */
};

/* ---------------------------------------------------- what curl calls back -- */

/* CURL_POLL_...: as curl_socket_callback has it. */
static int
watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct hq_calls *c = arg;
	struct epoll_event ev = { .data.fd = fd };

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(c->ep, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		ev.events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(c->ep, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	return errno == ENOENT ? epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &ev) : -1;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct hq_calls *c = arg;

	(void)multi;
	c->due_ms = ms < 0 ? INT64_MAX : hq_mono_ms(c->o.env) + ms;
	return 0;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct hq_calls_one *one = arg;
	size_t room = one->answer_max + 1 - one->body.n;

	n *= size;
	one->cut = n >= room;
	hq_buf_put(&one->body, p, one->cut ? room : n);
	return one->cut ? 0 : n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct hq_calls_one *one = arg;

	n *= size;
	if (n >= 5 && strncmp(p, "HTTP/", 5) == 0)
		hq_buf_clear(&one->head); /* an answer before the answer */
	if (n <= HQ_CALLS_HEAD_BYTES_MAX - one->head.n &&
	    memchr(p, '\0', n) == NULL)
		hq_buf_put(&one->head, p, n);
	return n;
}

/* ---------------------------------------------------------------- the set -- */

enum hq_rc
hq_calls_new(const struct hq_calls_opts *o, struct hq_calls **ret,
    struct hq_err *err)
{
	struct hq_calls *c = calloc(1, sizeof(*c));

	if (c == NULL)
		HQ_BUG("out of memory");
	c->o = *o;
	c->due_ms = INT64_MAX;
	c->ep = epoll_create1(EPOLL_CLOEXEC);
	if (c->ep < 0) {
		free(c);
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "epoll_create1");
	}
	*ret = c;
	return HQ_OK;
}

void
hq_calls_free(struct hq_calls *c)
{
	if (c == NULL)
		return;
	HQ_ASSERT(c->n == 0);
	if (c->multi != NULL)
		(void)c->lib->multi_cleanup(c->multi);
	(void)close(c->ep);
	free(c);
}

/* Before the first call. */
static bool
start(struct hq_calls *c)
{
	const struct hq_curl *lib = hq_curl();

	if (c->multi != NULL)
		return true;
	if (lib == NULL || (c->multi = lib->multi_init()) == NULL)
		return false;
	c->lib = lib;
	return lib->multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch) ==
	    CURLM_OK &&
	    lib->multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
	    lib->multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer) ==
	    CURLM_OK &&
	    lib->multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) == CURLM_OK &&
	    lib->multi_setopt(c->multi, CURLMOPT_MAXCONNECTS,
		(long)c->o.connections) == CURLM_OK;
}

/* ----------------------------------------------------------------- a call -- */

static void
one_free(struct hq_calls_one *one)
{
	if (one->curl != NULL)
		one->lib->cleanup(one->curl);
	one->lib->free_all(one->headers);
	hq_buf_done(&one->head);
	hq_buf_done(&one->body);
	free(one);
}

static bool
set_headers(struct hq_calls_one *one, const char *const *v)
{
	struct curl_slist *list;

	for (; *v != NULL; v++) {
		if ((list = one->lib->append(one->headers, *v)) == NULL)
			return false;
		one->headers = list;
	}
	/* Bodies are sent at once, however large. */
	if ((list = one->lib->append(one->headers, "Expect:")) == NULL)
		return false;
	one->headers = list;
	return one->lib->setopt(one->curl, CURLOPT_HTTPHEADER, one->headers) ==
	    CURLE_OK;
}

static bool
set_options(struct hq_calls_one *one, const struct hq_calls_post *p)
{
	__typeof__(curl_easy_setopt) *set = one->lib->setopt;
	CURL *h = one->curl;

	return hq_curl_plain(h, p->url) &&
	    set(h, CURLOPT_PRIVATE, one) == CURLE_OK &&
	    set(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
	    CURLE_OK &&
	    set(h, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	    set(h, CURLOPT_CONNECTTIMEOUT_MS, (long)HQ_CALLS_CONNECT_MS) ==
	    CURLE_OK &&
	    set(h, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms) == CURLE_OK &&
	    set(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body_bytes) ==
	    CURLE_OK &&
	    set(h, CURLOPT_COPYPOSTFIELDS, p->body) == CURLE_OK &&
	    set(h, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
	    set(h, CURLOPT_HEADERDATA, one) == CURLE_OK &&
	    set(h, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	    set(h, CURLOPT_WRITEDATA, one) == CURLE_OK;
}

enum hq_rc
hq_calls_post(struct hq_calls *c, const struct hq_calls_post *p,
    struct hq_calls_one **ret, struct hq_err *err)
{
	struct hq_calls_one *one;

	if (!start(c))
		return HQ_FAIL(err, BAD_GATEWAY, "libcurl cannot be loaded");
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		HQ_BUG("out of memory");
	one->lib = c->lib;
	one->arg = p->arg;
	one->answer_max = p->answer_max;
	hq_buf_init(&one->head, NULL);
	hq_buf_init(&one->body, NULL);
	one->curl = c->lib->init();
	if (one->curl == NULL || !set_options(one, p) ||
	    !set_headers(one, p->headers) ||
	    c->lib->multi_add(c->multi, one->curl) != CURLM_OK) {
		one_free(one);
		return HQ_FAIL(err, BAD_GATEWAY, "the call cannot be made");
	}
	c->n++;
	*ret = one;
	return HQ_OK;
}

void
hq_calls_drop(struct hq_calls *c, struct hq_calls_one *one)
{
	c->n--;
	(void)c->lib->multi_remove(c->multi, one->curl);
	one_free(one);
}

/* --------------------------------------------------------------- its end -- */

const char *
hq_calls_header(const struct hq_calls_reply *r, const char *name)
{
	const char *p = r->one->head.p, *end = p + r->one->head.n;
	size_t n = strlen(name);

	for (; p != NULL && p < end; p += strlen(p) + 1)
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	return NULL;
}

/* Lines become strings. */
static void
split(struct hq_buf *head)
{
	size_t i;

	for (i = 0; i < head->n; i++)
		if (head->p[i] == '\r' || head->p[i] == '\n')
			head->p[i] = '\0';
}

/* Had the request begun to go out? */
static bool
is_sent(const struct hq_calls_one *one)
{
	curl_off_t us = 0;

	return one->lib->getinfo(one->curl, CURLINFO_PRETRANSFER_TIME_T, &us) ==
	    CURLE_OK &&
	    us > 0;
}

static void
finish(struct hq_calls *c, struct hq_calls_one *one, CURLcode rc)
{
	struct hq_calls_reply r = { .end = HQ_CALLS_ANSWERED, .one = one };
	long status = 0;

	if (rc != CURLE_OK && !one->cut) {
		r.why = c->lib->strerror(rc);
		r.end = HQ_CALLS_DIED;
		if (rc == CURLE_OPERATION_TIMEDOUT)
			r.end = HQ_CALLS_LATE;
		if (!is_sent(one))
			r.end = HQ_CALLS_REFUSED;
	}
	(void)c->lib->getinfo(one->curl, CURLINFO_RESPONSE_CODE, &status);
	r.status = (int)status;
	split(&one->head);
	r.body = hq_buf_str(&one->body);
	r.body_bytes = one->body.n;
	c->o.done(c->o.ctx, one->arg, &r);
	hq_calls_drop(c, one);
}

static void
take_ends(struct hq_calls *c)
{
	struct hq_calls_one *one;
	CURLMsg *m;
	char *p;
	int left;

	while ((m = c->lib->multi_read(c->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE ||
		    c->lib->getinfo(m->easy_handle, CURLINFO_PRIVATE, &p) !=
			CURLE_OK)
			continue;
		memcpy(&one, &p, sizeof(p));
		finish(c, one, m->data.result);
	}
}

int
hq_calls_fd(const struct hq_calls *c)
{
	return c->ep;
}

int64_t
hq_calls_next_ms(const struct hq_calls *c)
{
	return c->due_ms;
}

void
hq_calls_step(struct hq_calls *c)
{
	struct epoll_event ev[EVENTS];
	int running, i, n, what;

	if (c->multi == NULL)
		return;
	n = epoll_wait(c->ep, ev, EVENTS, 0);
	for (i = 0; i < n; i++) {
		what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		    (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR
							  : 0);
		(void)c->lib->multi_action(c->multi, ev[i].data.fd, what,
		    &running);
	}
	if (hq_mono_ms(c->o.env) >= c->due_ms) {
		c->due_ms = INT64_MAX;
		(void)c->lib->multi_action(c->multi, CURL_SOCKET_TIMEOUT, 0,
		    &running);
	}
	take_ends(c);
}
