#!/usr/bin/env bash
# readme.sh README PKG-CONFIG-DIR COMPILER...: the user pager that README shows
# compiles without a warning and prints what the text says.
set -euo pipefail

readme=$(realpath "$1") pkgconfig=$2
shift 2
# shellcheck source=tests/examples/pager-lib.sh
. "$(dirname "$(realpath "$0")")/pager-lib.sh"
needs pkg-config

sed -n '/^## Memory whose pages come from you/,/^## /p' "$readme" |
	sed -n '/^```c$/,/^```$/{/^```/!p}' >snippet.c
[ -s snippet.c ] || fail "no program in $readme"
export PKG_CONFIG_PATH=$pkgconfig
flags=$(pkg-config --cflags --libs pagoda-uninstalled)
libs=$(pkg-config --variable=prefix pagoda-uninstalled)/lib
# shellcheck disable=SC2086
"$@" -std=c11 -Wall -Wextra -Werror snippet.c $flags "-Wl,-rpath,$libs" -o snippet
./snippet >got 2>said || {
	may_be_refused said
	fail "$(cat said)"
}
# The number that the program prints is also in the text.
grep -q "^[0-9]\+$" got && grep -q "prints $(cat got)" "$readme" ||
	fail "printed: $(cat got)"
