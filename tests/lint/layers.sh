#!/bin/sh
# The architecture, enforced.  Prints each broken rule; exits 1 if any.
# layers.sh [ROOT]
set -u
cd "${1:-.}" || exit 2
said=$(mktemp); trap 'rm -f "$said"' EXIT
say() { echo "layers: $*" >>"$said"; }
sources() { find "$@" -name '*.[ch]' 2>/dev/null; }

# lib: only downwards, and never to a plugin or a program.  Plugins: the
# library and themselves.  Of each include: the file, the name, where it is.
sources lib plugins | xargs grep -H '^#include "' |
    sed -n 's/^\([^:]*\):#include "\([^"]*\)".*/\1 \2/p' |
    while read -r f i; do
	here=${f%/*}
	where=neither
	[ ! -e "$here/$i" ] || where=here
	[ ! -e "lib/$i" ] || where=lib
	[ "${i#"$here"/}" = "$i" ] || where=here
	echo "$f $i $where"
done >"$said.includes"
sources lib >"$said.files"
awk '
# The line of LAYERS that a path below lib/ stands on, and its directory there.
function place(p,	i, e, a, hit, l) {
	rank = 0; dir = "-"
	for (i = 1; i <= n; i++) {
		e = entry[i]; l = line[i]
		if (sub(/\*$/, "", e) && index(p, e) == 1) {
			split(substr(p, length(e) + 1), a, "/"); e = e a[1]
		}
		if (e ~ /\/$/)
			hit = index(p, e) == 1 && substr(p, length(e) + 1) !~ /\//
		else
			hit = index(p, e "/") == 1
		if (hit) { rank = l; dir = e }
	}
}
function say(s) { print "layers: " s }
FILENAME == "lib/LAYERS" {
	if ($0 !~ /^#/)
		for (i = 1; i <= NF; i++) { entry[++n] = $i; line[n] = FNR }
	next
}
NF == 1 { place(substr($1, 5)); if (!rank) say($1 ": not in lib/LAYERS"); next }
$1 ~ /^plugins\// {
	if ($3 == "neither")
		say($1 ": includes " $2 ", which is neither lib'\''s nor its own")
	if ($2 ~ /\.\./) say($1 ": climbs out of its directory: " $2)
	next
}
$2 ~ /^(plugins|fcgi|runner|cli)\// { say($1 ": lib includes " $2); next }
{
	f = substr($1, 5); i = $2
	if ($3 == "here") i = f
	place(f); r = rank; d = dir
	if (!r) next
	place(i)
	if (rank > r) say($1 ": includes upward: " i)
	if (rank == r && dir != d) say($1 ": includes sibling: " i)
}' lib/LAYERS "$said.files" "$said.includes" >>"$said"
rm -f "$said.files" "$said.includes"

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

# json-c gives NULL without memory, and NULL is JSON's null: ours abort.
# shellcheck disable=SC2086 # a list of paths without blanks
grep -lE 'json_object_(new_|(object|array)_add)|json_tokener_' $all |
    grep -v '^lib/json/json\.c$' | while read -r f; do
	say "$f: makes values without lib/json"
done

# SQL is never printed together; a statement ends at ";".
# shellcheck disable=SC2086 # a list of paths without blanks
awk 'BEGIN { RS = ";" }
FNR == 1 { told = 0 }
{ gsub(/\n/, " ") }
!told && /printf[^"]*"[ ]*(SELECT|INSERT|UPDATE|DELETE) / {
	print "layers: " FILENAME ": SQL built with printf"; told = 1
}' $all >>"$said"

# A responder's main is short; no host file names a capability.
for f in fcgi/rpc.c fcgi/openapi.c fcgi/workflows.c fcgi/inngest.c; do
	[ "$(wc -l <"$f")" -le 100 ] || say "$f: a main is at most 100 lines"
done
capabilities=$(sed -n 's/.*"capability": "\([^"]*\)".*/\1/p' rawr.hq.json |
    sort -u | tr '\n' ' ')
# shellcheck disable=SC2016 # the $ are awk's
find fcgi runner nginx systemd lib -type f -not -path 'lib/domain/*' \
    -not -name LAYERS -exec awk -v list="$capabilities" '
BEGIN { n = split(list, names, " ") }
FNR == 1 { split("", told) }
/^#include|^ ?\*|^\/\*|^#/ { next }
{ gsub(/\/\*.*\*\//, "") }
{
	for (i = 1; i <= n; i++)
		if (!told[i] && $0 ~ "[\"/]" names[i] "[\"/.]") {
			print "layers: " FILENAME ": names the capability " \
			    names[i]
			told[i] = 1
		}
}' {} + >>"$said" 2>/dev/null

cat "$said" >&2
[ ! -s "$said" ]
