#!/bin/sh
# Lay down what was built: install.sh DESTDIR PREFIX
#
# Programs and data go below PREFIX, configuration to /etc.  A configuration
# file that is there and differs is kept; the new one goes beside it as *.new.
# Nothing is started, nothing is enabled, no user is made.
set -eu
dest=${1:-}
prefix=${2:-/usr}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${RAWR_BIN:-$here/build}
cd "$here"

put() { # mode, file, directory[, name]
	install -D -m "$1" "$2" "$dest$3/${4:-$(basename "$2")}"
}
# Text that names places: they follow PREFIX.
put_text() { # mode, file, directory[, name]
	put "$@"
	sed -i -e "s|/usr/libexec/rawr|$prefix/libexec/rawr|g" \
	    -e "s|/usr/share/rawr|$prefix/share/rawr|g" \
	    "$dest$3/${4:-$(basename "$2")}"
}
put_config() { # mode, file, directory[, name]
	to=$dest$3/${4:-$(basename "$2")}
	if [ -e "$to" ] && ! cmp -s "$2" "$to"; then
		put "$1" "$2" "$3" "$(basename "$to").new"
		echo "kept $to; the new one is $to.new"
	else
		put "$@"
	fi
}

case $prefix in
/*) ;;
*) echo "install.sh: PREFIX must begin with /: $prefix" >&2; exit 2 ;;
esac
for p in rpc.fcgi openapi.fcgi workflows.fcgi inngest.fcgi engine.fcgi \
    rawr-runner rawr; do
	[ -x "$bin/$p" ] || {
		echo "install.sh: $bin/$p is missing: run make build" >&2
		exit 1
	}
done

put 755 "$bin/rawr" "$prefix/bin"
for p in rpc.fcgi openapi.fcgi workflows.fcgi inngest.fcgi engine.fcgi \
    rawr-runner; do
	put 755 "$bin/$p" "$prefix/libexec/rawr"
done

find plugins/web plugins/agents -type f | while IFS= read -r f; do
	put 644 "$f" "$prefix/share/rawr/$(dirname "$f")"
done
put 644 rawr.hq.json "$prefix/share/rawr"

for f in systemd/*.socket systemd/*.service systemd/*.target; do
	put_text 644 "$f" "$prefix/lib/systemd/system"
done
put 644 systemd/rawr.sysusers "$prefix/lib/sysusers.d" rawr.conf
put 644 systemd/rawr.tmpfiles "$prefix/lib/tmpfiles.d" rawr.conf
put_config 644 systemd/rawr.env /etc/rawr rawr.env

put_config 644 nginx/rawr-http.conf /etc/nginx/conf.d
put_config 644 nginx/rawr.conf /etc/nginx/snippets
put_config 644 nginx/rawr-engine.conf /etc/nginx/snippets
put_config 644 nginx/rawr-fastcgi.conf /etc/nginx/snippets
put_config 644 nginx/rawr-probe.conf /etc/nginx/snippets
put 644 nginx/example.conf "$prefix/share/doc/rawr/examples" nginx-site.conf

for f in docs/man/*.[1-8]; do
	[ -e "$f" ] || continue
	put 644 "$f" "$prefix/share/man/man${f##*.}"
done
for f in README.md docs/*.md; do
	put 644 "$f" "$prefix/share/doc/rawr"
done
put 644 docs/examples/release-notes.json "$prefix/share/doc/rawr/examples"
