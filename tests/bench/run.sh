#!/bin/sh
# make bench: ours beside other things, measured in turns in one run, as
# ratios.  Works on a copy of the tree, with the plugin of tests/bench/plugin
# added, below BENCH_DIR (default build/bench, on the disk that is measured).
# BENCH_ONLY=reads,durable does only these parts (their names stand in bench.mjs);
# growth, waiting, sleepers, sdk and engines, which fill and install more, have to be
# named, or "all" does everything.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bench=$root/tests/bench
dir=${BENCH_DIR:-$root/build/bench}
tree=$dir/tree
mkdir -p "$tree" "$dir/bin"

# The sources anew; what was built of them before is kept.
find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar -C "$root" -cf - Makefile cli docs fcgi lib nginx plugins rawr.hq.json \
    runner | tar -C "$tree" -xf -
mkdir -p "$tree/build/obj" "$tree/tests/unit"
[ -d "$tree/build/obj/hard" ] ||
    cp -a "$root/build/obj/hard" "$tree/build/obj/hard"
[ ! -d "$root/build/sqlite" ] || [ -d "$tree/build/sqlite" ] ||
    cp -a "$root/build/sqlite" "$tree/build/sqlite"
mkdir -p "$tree/plugins/workflows/bench"
cp -p "$bench"/plugin/* "$tree/plugins/workflows/bench/"
made=$(make -C "$tree" --no-print-directory -s sync 2>&1 &&
    make -C "$tree" --no-print-directory -s build 2>&1) ||
	{ printf '%s\n' "$made"; exit 1; }

sqlite=
[ -f "$tree/build/obj/hard/sqlite3.o" ] || sqlite=-lsqlite3
program() { # name, libraries...
	name=$1; shift
	gcc -std=c17 -O2 -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700 -I"$tree/lib" \
	    -isystem "$root/build/sqlite" -o "$dir/bin/$name" \
	    "$bench/$name.c" "$@"
}
# shellcheck disable=SC2086 # may be empty
{
	program hello -lfcgi
	program commit "$tree/build/obj/hard/libhq.a" $sqlite -lm
	program writers "$tree/build/obj/hard/libhq.a" $sqlite -lfcgi \
	    -ljson-c -lsodium -lcurl -lcrypto -lm
}

packages() { # directory
	stamp=$1/node_modules/.package-lock.json
	[ -z "$(find "$1/package-lock.json" -newer "$stamp" 2>&1)" ] ||
	    (cd "$1" && npm ci --silent --no-audit --no-fund)
}
packages "$bench/peer"
case ,${BENCH_ONLY:-}, in
*,sdk,* | *,all,*) packages "$root/tests/clients" ;;
esac
case ,${BENCH_ONLY:-}, in
*,engines,* | *,all,*)
	"$root/cli/packages.sh" engines
	packages "$bench/engines"
	;;
esac

# tests/lib/system.mjs starts these programs, and puts its data below TMPDIR.
rm -rf "$dir"/rawr-*
RAWR_BIN=$tree/build TMPDIR=$dir exec node "$bench/bench.mjs" "$dir"
