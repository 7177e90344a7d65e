#!/bin/sh
# The whole system on one machine, for development and tests:
#
#	system.sh up     nginx, the responders, runner: whatever is not running;
#	                 ready when it returns
#	system.sh down   everything stopped, nothing left but data and logs
#	system.sh run    up, an example run, logs in the foreground until Ctrl-C
#
# RAWR_VAR holds everything (data, sockets, logs, pids), RAWR_PORT is nginx's.
# RAWR_BIN names another directory of programs (build/san).  No root needed.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${RAWR_BIN:-$here/build}
die() { echo "system.sh: $*" >&2; exit 1; }

load() {
	[ -x "$bin/rawr" ] || die "$bin/rawr is missing: run make build"
	# The programs check every setting; ask them for the values.
	values=$("$bin/rawr" setting RAWR_VAR RAWR_PORT RAWR_KEYS \
	    RAWR_WORKERS RAWR_RUNNER RAWR_BODY_MAX RAWR_FIRST_PARTY_FROM \
	    RAWR_ENGINE_FROM RAWR_APPS RAWR_APPS_FROM RAWR_PROBES_FROM) ||
	    exit 2
	{
		read -r var; read -r port; read -r keys
		read -r workers; read -r runner; read -r body_max
		read -r first_party_from; read -r engine_from
		read -r apps; read -r apps_from
		read -r probes_from
	} <<EOF
$values
EOF
	mkdir -p "$var/run" "$var/log"
	var=$(cd "$var" && pwd)
	RAWR_VAR=$var
	export RAWR_VAR
	# The engine API is for SDK apps: without them it is not there.
	responders="rpc openapi workflows inngest"
	[ -z "$apps" ] || responders="$responders engine"
	sock=$var/run/workflows.sock
	[ "$(LC_ALL=C; echo ${#sock})" -le 107 ] ||
	    die "RAWR_VAR=$var is too long for a unix socket's path (107 bytes)"
}

# ---------------------------------------------------------------- processes --

# A pid file holds "pid start-time", so that a reused pid is never killed.
started() { # pid -> its start time, "" if it is gone or a zombie
	{ IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	# Behind the name, which may hold anything: field 3 and on.
	# shellcheck disable=SC2086 # words are wanted
	set -- ${stat##*) }
	[ "$1" = Z ] || echo "${20}"
}
alive() { # name
	[ -s "$var/run/$1.pid" ] || return 1
	read -r pid since <"$var/run/$1.pid" || return 1
	[ -n "$pid" ] && [ "$(started "$pid")" = "$since" ]
}
note_pid() { # name pid
	echo "$2 $(started "$2")" >"$var/run/$1.pid"
}
wait_for() { # seconds, what, command...: until it succeeds
	limit=; seconds=$1; what=$2; shift 2
	until "$@"; do
		[ -n "$limit" ] || limit=$(($(date +%s) + seconds))
		[ "$(date +%s)" -lt "$limit" ] || {
			tail -n 5 "$var"/log/*.log >&2 2>/dev/null || true
			die "$what did not happen in time"
		}
		sleep 0.005
	done
}
gone() { ! alive "$1"; }
stop() { # name
	alive "$1" || { rm -f "$var/run/$1.pid"; return 0; }
	read -r pid _ <"$var/run/$1.pid"
	kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
	tries=0
	until gone "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 750 ] || kill -KILL "$pid" 2>/dev/null || true
		sleep 0.02
	done
	rm -f "$var/run/$1.pid"
}

no_socket() { # name: of one that was killed
	[ ! -S "$var/run/$1.sock" ] || rm -f "$var/run/$1.sock"
}
start_responder() { # name
	no_socket "$1"
	(
		umask 007
		exec setsid spawn-fcgi -n -s "$var/run/$1.sock" -M 0660 -- \
		    "$bin/$1.fcgi" >>"$var/log/$1.log" 2>&1 </dev/null
	) &
	note_pid "$1" $!
}
start_runner() {
	no_socket runner
	setsid "$bin/rawr-runner" >>"$var/log/runner.log" 2>&1 </dev/null &
	note_pid runner $!
}

# -------------------------------------------------------------------- nginx --

write_nginx() {
	mkdir -p "$var/nginx/conf.d" "$var/nginx/snippets" "$var/nginx/tmp" \
	    "$var/nginx/run" "$var/nginx/log"
	# Started as root, nginx would go on as somebody who may not use the
	# sockets.
	user=
	[ "$(id -u)" -ne 0 ] || user="user root;"
	sed -e "s|@VAR@|$var|" -e "s|@USER@|$user|" -e "s|@PORT@|$port|" \
	    -e "s|@WORKERS@|$workers|" \
	    "$here/nginx/local.conf.in" >"$var/nginx/nginx.conf"
	[ -z "$apps" ] || sed -i \
	    's|^\(.*\)include snippets/rawr.conf;|&\n\1include snippets/rawr-engine.conf;|' \
	    "$var/nginx/nginx.conf"
	awk -v run="$var/run" -v first="$first_party_from" \
	    -v engine="$engine_from" -v apps="$apps_from" \
	    -v probes="$probes_from" '
	    { gsub("unix:/run/rawr/", "unix:" run "/") }
	    /^geo \$rawr_first_party/ { list = first }
	    /^geo \$rawr_engine/ { list = engine }
	    /^geo \$rawr_apps/ { list = apps }
	    /^geo \$rawr_probes/ { list = probes }
	    /^\t[0-9:].* 1;$/ { next }
	    { print }
	    /^\tdefault 0;$/ {
		gsub(/[ \t]/, "", list)
		n = split(list, rows, ",")
		for (i = 1; i <= n; i++)
			if (rows[i] != "" && rows[i] != "unix")
				print "\t" rows[i] " 1;"
	    }' \
	    "$here/nginx/rawr-http.conf" >"$var/nginx/conf.d/rawr-http.conf"
	sed "s|client_max_body_size 1m;|client_max_body_size $body_max;|" \
	    "$here/nginx/rawr.conf" >"$var/nginx/snippets/rawr.conf"
	cp "$here/nginx/rawr-fastcgi.conf" "$here/nginx/rawr-engine.conf" \
	    "$here/nginx/rawr-probe.conf" "$var/nginx/snippets"
}
start_nginx() {
	rm -f "$var/nginx/run/nginx.pid" # of one that was killed
	nginx=$(command -v nginx || echo /usr/sbin/nginx)
	rm -f "$var/nginx/run/nginx.pid"
	"$nginx" -p "$var/nginx" -c nginx.conf -e log/nginx.log
	wait_for 5 "the start of nginx" test -s "$var/nginx/run/nginx.pid"
	note_pid nginx "$(cat "$var/nginx/run/nginx.pid")"
}
# A 4xx is an answer; 502 and its like are nginx's, for a responder that is not
# there.
all_answer() {
	codes=$(curl -sS -o /dev/null -w '%{http_code} ' --max-time 2 \
	    "http://127.0.0.1:$port/{health,api/orpc/,api/workflows/,api/inngest}" \
	    2>/dev/null) || return 1
	case $codes in
	"200 "[1-4]*" "[1-4]*" "[1-4]*) return 0 ;;
	esac
	return 1
}

# ------------------------------------------------------------------- verbs --

make_key() { # file, prefix: a key of this system's own, if it has none
	[ ! -s "$keys/$1" ] || return 0
	(
		umask 077
		mkdir -p "$keys"
		secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
		echo "$2$secret" >"$keys/$1"
	)
}
start() { # name: unless it runs
	if alive "$1"; then return; fi
	case $1 in
	nginx) write_nginx; start_nginx ;;
	runner) start_runner ;;
	*) start_responder "$1" ;;
	esac
}
up() {
	load
	make_key signing.key signkey-local-
	[ -z "$apps" ] || make_key event.keys ""
	said=$("$bin/rawr" db migrate 2>&1) || die "the store: $said"
	# What ran before stays up if the rest does not start.
	alive nginx || trap 'down' EXIT
	for r in $responders; do start "$r"; done
	for r in $responders; do
		wait_for 5 "the start of $r.fcgi" test -S "$var/run/$r.sock"
	done
	[ "$runner" = off ] || start runner
	start nginx
	[ "$runner" = off ] || wait_for 10 "the start of the runner" \
	    test -S "$var/run/runner.sock"
	wait_for 10 "an answer from every responder" all_answer
	trap - EXIT
}
down() {
	[ -n "${var:-}" ] || load
	stop nginx QUIT
	stop runner
	for r in rpc openapi workflows inngest engine; do
		stop $r
		rm -f "$var/run/$r.sock"
	done
	rm -f "$var/run/runner.sock"
}
show_run() {
	base=http://127.0.0.1:$port
	run=run-example-$(date +%s)
	post() {
		curl -fsS -X POST -H 'content-type: application/json' \
		    --data-binary "$2" "$base$1"
	}
	post /api/orpc/coordination/workflows "$(printf '{"workflow":%s}' \
	    "$(cat "$here/docs/examples/release-notes.json")")" >/dev/null
	post /api/orpc/coordination/workflows/release-notes/run \
	    "{\"runId\":\"$run\",\"input\":{\"version\":\"1.4.0\"}}" >/dev/null
	ended() { # shellcheck disable=SC2317 # wait_for calls it
		curl -fsS "$base/api/orpc/coordination/runs/$run" |
		    grep -Eq '"status":"(completed|failed)","startedAt"'
	}
	wait_for 30 "the end of the example run" ended
	echo; echo "status:"
	curl -fsS "$base/api/orpc/coordination/runs/$run"
	echo; echo; echo "timeline:"
	curl -fsS "$base/api/orpc/coordination/runs/$run/timeline" |
	    sed -e 's/{"eventId"/\n  {"eventId"/g'
	cat <<EOF


try:
  curl $base/api/orpc/coordination/workflows
  curl $base/api/orpc/coordination/runs/$run
  curl $base/api/orpc/openapi.json
  curl $base/api/workflows/coordination/openapi.json
  curl -X POST -H 'content-type: application/json' -d '{"json":{}}' \\
      $base/rpc/coordination/listWorkflows
  curl $base/health

logs follow; Ctrl-C stops everything
EOF
}
run() {
	up
	logs=
	leave() {
		trap - INT TERM EXIT
		# A background job of sh ignores Ctrl-C: end it by name.
		[ -z "$logs" ] || kill "$logs" 2>/dev/null || true
		down
	}
	trap 'leave; exit 0' INT TERM
	trap leave EXIT
	show_run
	tail -q -n 0 -F "$var"/log/*.log "$var/nginx/log/nginx.log" &
	logs=$!
	wait $logs
}

case ${1:-} in
up | down | run) "$1" ;;
*) echo "usage: system.sh up|down|run" >&2; exit 2 ;;
esac
