#!/bin/sh
# Install the Debian packages that are missing: packages.sh run|test|engines ...
# Only this step needs root (or sudo); with everything there it does nothing.
set -eu

run="gcc libc6-dev make pkg-config libfcgi-dev libjson-c-dev libsodium-dev
	libcurl4-openssl-dev libssl-dev nginx-light spawn-fcgi curl
	ca-certificates"
test="check clang clang-format clang-tidy libclang-rt-14-dev cppcheck jq
	mandoc nodejs shellcheck wrk"
engines="postgresql redis-server" # what the benchmark measures ours beside

wanted=
for group; do
	case $group in
	run) wanted="$wanted $run" ;;
	test) wanted="$wanted $test" ;;
	engines) wanted="$wanted $engines" ;;
	*) echo "packages.sh: no group $group" >&2; exit 2 ;;
	esac
done
# npm brings the SQLite source (and the test clients); a Node.js that is there
# already, from wherever, will do.
if ! command -v npm >/dev/null 2>&1; then
	wanted="$wanted npm"
fi

missing=
for p in $wanted; do
	case $p in
	nodejs) command -v node >/dev/null 2>&1 && continue ;;
	nginx-light) command -v nginx >/dev/null 2>&1 && continue
		[ -x /usr/sbin/nginx ] && continue ;;
	esac
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
	    grep -q '^install ok installed$' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "These packages are missing, and there is no sudo:$missing" >&2
		exit 1
	}
	as_root=sudo
fi
echo "installing:$missing"
install() {
	# shellcheck disable=SC2086 # a list of names
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends $missing >/dev/null
}
install 2>/dev/null || { $as_root apt-get update -qq; install; }
