#!/bin/sh
# make check: what can be known without running a program of ours.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
passed=0
step() { # name, command...
	name=$1; shift
	start=$(date +%s)
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
		echo "ok    $name ($(($(date +%s) - start)) s)"
	else
		failed=$((failed + 1)); echo "FAIL  $name"
		printf '%s\n' "$out" | head -n 60
	fi
}
code() { find lib plugins fcgi runner cli tests -name '*.[ch]'; }
format() { code | xargs clang-format --dry-run -Werror; }
gcc_werror() { make --no-print-directory -j2 -s MODE=strict CC=gcc WERROR=-Werror objects; }
clang_werror() { make --no-print-directory -j2 -s MODE=clang WERROR=-Werror objects; }
tidy() { make --no-print-directory -j2 -k -s MODE=clang WERROR=-Werror tidy; }
cpp() {
	cppcheck --enable=warning,performance,portability --std=c11 \
	    --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
	    --suppress=unknownMacro -q -j 2 -Ilib -I. lib plugins fcgi runner cli
}
man() { mandoc -Tlint -W warning docs/man/*.[1-8]; }
sh_lint() {
	find . -name '*.sh' -not -path './build/*' -not -path '*/node_modules/*' \
	    -exec shellcheck -s sh -e SC2317 {} + # it does not see trap's calls
}

step "each room includes only downwards" tests/lint/layers.sh
step "the layer rules fire on planted faults" tests/lint/layers_test.sh
step "clang-format has nothing to say" format
step "gcc builds without a warning" gcc_werror
step "clang builds without a warning" clang_werror
step "clang-tidy has nothing to say" tidy
step "cppcheck has nothing to say" cpp
step "the man pages are well-formed" man
step "the shell scripts are clean" sh_lint
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
