#!/usr/bin/env bash
# completion.sh PAGODA FOLDER: the completions of bash and zsh in FOLDER, and that
# the manual page has the same commands.
set -euo pipefail

[ $# = 2 ] || exit 2
PATH=$(dirname "$(realpath "$1")"):$PATH
folder=$2
failures=0

# complete_words EXPECTED WORD...: is EXPECTED offered for the last word?
complete_words() {
	local expected=$1
	shift
	COMP_WORDS=(pagoda "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_pagoda
	printf '%s\n' "${COMPREPLY[@]}" | grep -Fx -e "$expected" >/dev/null || {
		echo "FAILED: no $expected for: pagoda $*" >&2
		failures=$((failures + 1))
	}
}

# Only available while the shell itself completes.
compopt() { :; }
# shellcheck source=/dev/null
. "$folder/pagoda.bash"

complete_words whatis w
complete_words --version --v
complete_words --json stat --j
complete_words slabinfo stat 12 slab
complete_words meminfo stat --json 12 modes mem
complete_words meminfo stat --core x mem
complete_words percpu= run --option perc
complete_words --stats run --s
complete_words --json doctor ''
complete_words --foreground mount --f
complete_words allow_other mount -o allow
complete_words --listen export --l
complete_words cat run cat
complete_words --view top --v
complete_words fragmentation top --view f
complete_words rss top -s rs
complete_words --record run --re
complete_words report re
complete_words --interval record --in
complete_words --core map --c
complete_words --output report --o
complete_words --json diff --j

# The commands, in the order of the help.
commands=$(pagoda --help | sed -n 's/^  pagoda \([a-z][a-z]*\) .*/\1/p')
[ -n "$commands" ] || exit 1

# same_commands FILE FOUND
same_commands() {
	[ "$2" = "$commands" ] || {
		echo "FAILED: $1 has ${2//$'\n'/ }, not ${commands//$'\n'/ }" >&2
		failures=$((failures + 1))
	}
}

COMP_WORDS=(pagoda '')
COMP_CWORD=1
_pagoda
same_commands pagoda.bash "$(printf '%s\n' "${COMPREPLY[@]}" | grep -v ^--)"
same_commands _pagoda "$(sed -n "s/^\t\t'\([a-z]*\):.*/\1/p" "$folder/_pagoda")"
same_commands pagoda.1 "$(sed -n 's/^\.SS pagoda //p' \
	"$folder/../../docs/man/pagoda.1")"

# Every long option is in both files.
for command in $commands; do
	for option in $(pagoda "$command" --help |
		sed -n 's/^  -., --\([a-z]*\).*/\1/p'); do
		for file in pagoda.bash _pagoda; do
			grep -qe "--$option" "$folder/$file" || {
				echo "FAILED: no --$option in $file" >&2
				failures=$((failures + 1))
			}
		done
	done
done

if command -v zsh >/dev/null; then
	zsh -n "$folder/_pagoda" || failures=$((failures + 1))
else
	echo "zsh is not installed: its completion was not tried"
fi

[ "$failures" = 0 ] || exit 1
echo "all passed"
