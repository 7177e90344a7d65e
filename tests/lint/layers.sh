#!/bin/sh
# The architecture, enforced.  Prints each broken rule; exits 1 if any.
# layers.sh [ROOT]
set -u
cd "${1:-.}" || exit 2
bad=0
say() { echo "layers: $*" >&2; bad=1; }
sources() { find "$@" -name '*.[ch]' 2>/dev/null; }
includes() { sed -n 's/^#include "\([^"]*\)".*/\1/p' "$1"; }
place() { # path below lib/ -> "rank directory", "0 -" if it has none
	awk -v p="$1" '/^#/ { next }
	{ for (i = 1; i <= NF; i++) {
		e = $i
		if (sub(/\*$/, "", e) && index(p, e) == 1) {
			split(substr(p, length(e) + 1), a, "/"); e = e a[1]
		}
		if (e ~ /\/$/)
			hit = index(p, e) == 1 && substr(p, length(e) + 1) !~ /\//
		else
			hit = index(p, e "/") == 1
		if (hit) { r = NR; d = e }
	} }
	END { print r + 0, (d ? d : "-") }' lib/LAYERS
}

# lib: only downwards, and never to a plugin or a program.
for f in $(sources lib); do
	# shellcheck disable=SC2046 # two words
	set -- $(place "${f#lib/}")
	rank=$1 dir=$2
	[ "$rank" -gt 0 ] || { say "$f: not in lib/LAYERS"; continue; }
	for i in $(includes "$f"); do
		case $i in
		plugins/* | fcgi/* | runner/* | cli/*)
			say "$f: lib includes $i"; continue ;;
		esac
		[ -e "lib/$i" ] || [ ! -e "$(dirname "$f")/$i" ] ||
			i=${f#lib/} # its own room's, by a bare name
		# shellcheck disable=SC2046
		set -- $(place "$i")
		[ "$1" -le "$rank" ] || say "$f: includes upward: $i"
		[ "$1" -ne "$rank" ] || [ "$2" = "$dir" ] ||
		    say "$f: includes sibling: $i"
	done
done

# plugins: the library and themselves.
for f in $(sources plugins); do
	here=$(dirname "$f")
	for i in $(includes "$f"); do
		[ -e "lib/$i" ] || [ -e "$here/$i" ] ||
		    [ "${i#"$here"/}" != "$i" ] ||
		    say "$f: includes $i, which is neither lib's nor its own"
		case $i in
		*..*) say "$f: climbs out of its directory: $i" ;;
		esac
	done
done

# Foreign libraries stay behind their fences.
all=$(sources lib plugins fcgi runner cli)
fence() { # header, the places that may include it
	header=$1; shift
	# shellcheck disable=SC2013,SC2086 # lists of paths without blanks
	for f in $(grep -l "#include <$header>" $all); do
		ok=no
		for place; do
			case $f in "$place"*) ok=yes ;; esac
		done
		[ $ok = yes ] || say "$f: <$header> belongs in $*"
	done
}
fence sqlite3.h lib/store/
fence fcgiapp.h lib/proto/http/
fence curl/curl.h lib/proto/http/
fence sodium.h lib/base/ lib/auth/ lib/proto/inngest/
fence openssl/sha.h lib/base/
fence openssl/evp.h lib/base/

# SQL is never printed together; a statement ends at ";".
for f in $all; do
	tr '\n' ' ' <"$f" | tr ';' '\n' |
	    grep -Eq 'printf[^"]*"[ ]*(SELECT|INSERT|UPDATE|DELETE) ' &&
	    say "$f: SQL built with printf"
done

# A responder's main is short; no host file names a capability.
for f in fcgi/rpc.c fcgi/openapi.c fcgi/workflows.c fcgi/inngest.c; do
	[ "$(wc -l <"$f")" -le 100 ] || say "$f: a main is at most 100 lines"
done
capabilities=$(sed -n 's/.*"capability": "\([^"]*\)".*/\1/p' rawr.hq.json | sort -u)
# shellcheck disable=SC2044 # no path here has a blank
for f in $(find fcgi runner nginx systemd lib -type f -not -path 'lib/domain/*' \
    -not -name LAYERS 2>/dev/null); do
	for c in $capabilities; do
		grep -Ev '^#include|^ ?\*|^/\*|^#' "$f" |
		    grep -Eq "[\"/]${c}[\"/.]" &&
		    say "$f: names the capability $c"
	done
done
exit $bad
