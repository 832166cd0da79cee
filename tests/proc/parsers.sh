#!/usr/bin/env bash
# parsers.sh TEST_RENDER: the system's own tools read our texts in the place of
# the kernel's, in a mount namespace where they lie over them.
set -euo pipefail

[ $# = 1 ] || exit 2
render=$(realpath "$1")

skip() {
	echo "SKIPPED: $*"
	exit 77
}

if [ -z "${INSIDE-}" ]; then
	for tool in slabtop vmstat free unshare; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
	unshare -rm true 2>/dev/null ||
		skip "this kernel or container allows no mount namespace"
	INSIDE=yes exec unshare -rm bash "$0" "$@"
fi

top=$(mktemp -d "${TMPDIR:-/tmp}/pagoda-parsers.XXXXXX")
trap 'rm -rf "$top"' EXIT
for name in slabinfo meminfo vmstat; do
	"$render" --print "$name" >"$top/$name"
	mount --bind "$top/$name" "/proc/$name" ||
		skip "no mounting over /proc/$name"
done

failures=0
# check PATTERN COMMAND...: the command ends well and its output matches.
check() {
	local pattern=$1 status=0
	shift
	"$@" >"$top/output" 2>&1 || status=$?
	if [ "$status" != 0 ] || ! grep -Eq "$pattern" "$top/output"; then
		echo "FAILED: status $status, or no '$pattern' from: $*" >&2
		cat "$top/output" >&2
		failures=$((failures + 1))
	fi
}

check '^ *5120 +4292 +83% +0\.06K +40 +128 +320K kmalloc-64 *$' slabtop -o
check '^ *12 +9 +75% +32\.00K +3 +4 +384K kmalloc-32k *$' slabtop -o
check '^kmalloc-16 +3823 +5120 +16 +512$' vmstat -m
check '^connection_descri.* +0 +0 +208 +39$' vmstat -m
check '^ *102400 K total memory$' vmstat -s
check '^ *52396 K free memory$' vmstat -s
# total, used, free, shared, cache, available
check '^Mem: +102400 +[0-9]+ +52396 +0 +268 +65144$' free -k

[ "$failures" = 0 ] || exit 1
echo "all passed"
