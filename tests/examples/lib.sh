# shellcheck shell=bash
# What the tests of examples and of their use share; they run with bash -euo pipefail.

work=$(mktemp -d "${TMPDIR:-/tmp}/pagoda-example.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
export LC_ALL=C

fail() {
	echo "failed: $*" >&2
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# needs COMMAND...
needs() {
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null || skip "there is no $command"
	done
}
