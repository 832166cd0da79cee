#!/usr/bin/env bash
# optional.sh PROGRAM INCLUDE LIBRARY COMPILER...: a program that has seen nothing of
# Pagoda but its header does without the library, and uses it when it is preloaded,
# however it was compiled.
set -euo pipefail

program=$(realpath "$1") include=$(realpath "$2") library=$(realpath "$3")
shift 3
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"
unset LD_PRELOAD

# says TEXT [VARIABLE=VALUE]
says() {
	local text=$1
	shift
	env "$@" ./program >said 2>&1 || fail "$how: $(cat said)"
	[ "$(cat said)" = "$text" ] || fail "$how: said $(cat said), not $text"
}

# compiled COMPILER ARGUMENT...
compiled() {
	how="$*"
	"$@" -Wall -Wextra -Werror -pedantic -I "$include" "$program" \
		-o program >log 2>&1 || fail "$how: $(cat log)"
}

ways=('-O0' '-O2' '-O2 -fPIE -pie' '-O2 -fPIE -no-pie' '-Os -flto')
# As the header says.
"$@" --version | grep -q clang || ways+=('-O2 -fno-pie -no-pie' '-O0 -fno-pie -no-pie')
for how in "${ways[@]}"; do
	# shellcheck disable=SC2086
	compiled "$@" -std=c11 $how
	says '499500 with malloc'
	says '499500 with a cache' "LD_PRELOAD=$library"
	# Nothing of ours is needed to link or load it.
	! readelf -d program | grep NEEDED | grep pagoda || fail "$how: needs it"
done
compiled "$@" -std=c11 -static
says '499500 with malloc'
says '499500 with malloc' "LD_PRELOAD=$library"
if command -v g++ >/dev/null; then
	compiled g++ -x c++ -std=c++11
	says '499500 with malloc'
	says '499500 with a cache' "LD_PRELOAD=$library"
fi
