#!/bin/sh
# Each rule of layers.sh fires on a fault planted in a copy.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fires() { # what must be said, file, line to add
	rm -rf "$tmp/t"; mkdir "$tmp/t"
	cp -r lib plugins fcgi runner cli nginx rawr.hq.json "$tmp/t"
	[ ! -d systemd ] || cp -r systemd "$tmp/t"
	printf '%s\n' "$3" >>"$tmp/t/$2"
	if tests/lint/layers.sh "$tmp/t" 2>"$tmp/said" ||
	    ! grep -q "$1" "$tmp/said"; then
		echo "no complaint \"$1\" about: $3" >&2
		cat "$tmp/said" >&2
		exit 1
	fi
}
fires "includes upward" lib/base/err.c '#include "store/db.h"'
fires "includes sibling" lib/proto/orpc/rpc.c '#include "proto/inngest/host.h"'
fires "lib includes" lib/hq/file.c '#include "plugins/api/state/router.h"'
fires "neither lib" plugins/api/state/router.c '#include "../coordination/x.h"'
fires "neither lib" plugins/api/state/router.c '#include "cli/cli.h"'
fires "neither lib" plugins/cli/coordination/commands.c '#include "cli/transfer.h"'
fires "belongs in lib/store" lib/hq/file.c '#include <sqlite3.h>'
fires "makes values without" fcgi/host.c 'void *f(void) { return json_object_new_array(); }'
fires "SQL built with printf" lib/hq/file.c 'void f(void) { printf("SELECT 1"); }'
fires "names the capability" fcgi/rpc.c 'static const char *x = "coordination";'
fires "not in lib/LAYERS" lib/stray.c 'int x;'
