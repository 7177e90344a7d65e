#!/bin/sh
# Run unit tests: run.sh DIRECTORY NAME...  One line each, a count at the end.
set -u
dir=$1; shift
passed=0; failed=0
out=$(mktemp); trap 'rm -f "$out"' EXIT
for t; do
	if ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 \
	    "$dir/$t" >"$out" 2>&1; then
		status=0
	else
		status=1
	fi
	line=$(grep -Eo 'Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$out" | tail -n 1)
	checks=$(echo "$line" | sed -n 's/^Checks: \([0-9]*\),.*/\1/p')
	broken=$(echo "$line" | awk -F'[:,]' '{ print $4 + $6 }')
	if [ "$status" -eq 0 ] && [ "${checks:-0}" -gt 0 ] && [ "$broken" -eq 0 ]; then
		passed=$((passed + checks)); echo "ok    $t ($checks)"
	else
		[ "${broken:-0}" -gt 0 ] || broken=1
		failed=$((failed + broken))
		passed=$((passed + ${checks:-0} - (${checks:-0} > 0 ? broken : 0)))
		echo "FAIL  $t"; cat "$out"
	fi
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
