#!/bin/sh
# make fuzz: each harness for FUZZ_SECONDS (60), FUZZ_JOBS at a time (one per
# processor).  A finding's input stays in build/fuzz/found; run the harness on
# it to see it again.
#	tests/fuzz/run.sh [NAME ...]
set -u
cd "$(dirname "$0")/../.." || exit 2
out=build/fuzz
seconds=${FUZZ_SECONDS:-60}

one() { # name
	work=$out/corpus/$1
	mkdir -p "$work" "$out/found"
	if "$out/fuzz_$1" -max_total_time="$seconds" -max_len=8192 \
	    -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix="$out/found/$1-" -dict=tests/fuzz/words.dict \
	    "$work" "tests/fuzz/corpus/$1" >"$out/$1.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log")
		echo "ok    fuzz_$1 ($runs inputs)"
		return 0
	fi
	grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$out/$1.log"
	tail -n 25 "$out/$1.log"
	echo "FAIL  fuzz_$1 (see $out/$1.log)"
	return 1
}

if [ "${1:-}" = --one ]; then
	one "$2"
	exit
fi
if [ $# -eq 0 ]; then
	for f in tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_}
		set -- "$@" "${f%.c}"
	done
fi
make --no-print-directory -s -j"$(nproc)" MODE=fuzz fuzzers || exit 2
log=$out/run.log
printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-$(nproc)}" -n 1 "$0" --one | tee "$log"
failed=$(grep -c '^FAIL ' "$log")
echo "$(grep -c '^ok ' "$log") passed, $failed failed"
[ "$failed" -eq 0 ]
