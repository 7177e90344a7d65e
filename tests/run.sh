#!/bin/sh
# make test: everything that a change could break.  The unit tests run under
# ASan and UBSan; the systems run once as released and once under both.
#	tests/run.sh [lint|unit|differential|http|clients|sdk|plugin|faults|san ...]
set -u
cd "$(dirname "$0")/.." || exit 2
passed=0; failed=0
limit=1500 # seconds for one stage
[ "${RAWR_SOAK:-0}" != 1 ] || limit=7200
log=$(mktemp); trap 'rm -f "$log"' EXIT
count() { # "N passed, M failed" of a stage
	passed=$((passed + $1)); failed=$((failed + $2))
}
unit() {
	make --no-print-directory -j2 MODE=san unit | tee "$log" | grep -v '^gcc\|^ar '
	# shellcheck disable=SC2046
	set -- $(sed -n 's/^unit: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
	count "${1:-0}" "${2:-1}"
}
node_tests() { # name, files...
	name=$1; shift
	# One system at a time: they share two cores.
	timeout "$limit" node --test --test-concurrency=1 --test-reporter=tap "$@" >"$log" 2>&1
	grep -E '^\s*(ok|not ok) ' "$log" | sed 's/^ *//; s/ # .*//' |
	    sed "s/^ok [0-9]* - /ok    $name: /; s/^not ok [0-9]* - /FAIL  $name: /"
	p=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$log" | tail -n 1)
	f=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$log" | tail -n 1)
	if [ "${f:-1}" -ne 0 ] || [ "${p:-0}" -eq 0 ]; then
		cat "$log"
		[ "${f:-0}" -gt 0 ] || f=1
	fi
	count "${p:-0}" "${f:-1}"
}
packages() { # directory
	stamp=$1/node_modules/.package-lock.json
	[ -z "$(find "$1/package-lock.json" -newer "$stamp" 2>&1)" ] ||
	    (cd "$1" && npm ci --silent --no-audit --no-fund)
}
client_packages() { packages tests/clients; }
http() { node_tests http tests/http/*.test.mjs; }
sdk() { client_packages && node_tests sdk tests/sdk/*.test.mjs; }
clients() { client_packages && node_tests clients tests/clients/*.test.mjs; }
plugin() { node_tests plugin tests/plugin/*.test.mjs; }
differential() {
	# The same questions every time, unless it is to be a longer search.
	given=${RAWR_SEED:-}
	RAWR_SEED=${RAWR_SEED:-$([ -n "${RAWR_TIMES:-}" ] && date +%s || echo 1)}
	export RAWR_SEED
	echo "RAWR_SEED=$RAWR_SEED repeats it; RAWR_TIMES=n searches longer"
	packages tests/differential &&
	    make --no-print-directory -s MODE=san build/san/driver &&
	    node_tests differential tests/differential/*.test.mjs
	[ -n "$given" ] || unset RAWR_SEED # faults draw their own
}
faults() { node_tests faults tests/faults/*.test.mjs; }
san() {
	client_packages
	RAWR_BIN=$PWD/build/san
	export RAWR_BIN
	node_tests "sanitized http" tests/http/*.test.mjs
	node_tests "sanitized clients" tests/clients/rpc.test.mjs \
	    tests/clients/inngest.test.mjs
	node_tests "sanitized sdk" tests/sdk/*.test.mjs
	node_tests "sanitized faults" tests/faults/kill.test.mjs \
	    tests/faults/twins.test.mjs
	unset RAWR_BIN
}
lint() {
	if tests/lint/layers.sh && tests/lint/layers_test.sh; then
		echo "ok    layers"; count 1 0
	else
		echo "FAIL  layers"; count 0 1
	fi
}
[ $# -gt 0 ] || set -- lint unit differential http clients sdk plugin faults san
for stage; do
	echo "--- $stage"
	"$stage"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
