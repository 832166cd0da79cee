#!/usr/bin/env bash
# foreign.sh subproject SOURCES
# foreign.sh installed BUILD PREFIX LIBDIR
# foreign.sh uninstalled BUILD COMPILER...
#
# A project of someone else's (foreign/) is built with Pagoda as its subproject, with
# an installed one, and with one in its build folder, and runs on it without
# LD_PRELOAD. An installed one also has man pages that man has nothing to say about.
set -euo pipefail

how=$1
from=$(realpath "$2")
shift 2
project=$(dirname "$(realpath "$0")")/foreign
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$project")/lib.sh"
unset LD_PRELOAD PAGODA_OPTIONS
export CC="${CC-cc}"

quietly() {
	"$@" >log 2>&1 </dev/null || {
		cat log >&2
		fail "$*"
	}
}

# build MESON-OPTION...
build() {
	needs meson ninja
	cp -r "$project" foreign
	[ "$how" != subproject ] || {
		mkdir foreign/subprojects
		ln -s "$from" foreign/subprojects/pagoda
	}
	quietly meson setup "$@" build foreign
	quietly ninja -C build
	quietly meson test -C build
}

subproject() {
	# Not one that may be installed on this machine.
	build --wrap-mode=forcefallback
	[ -e build/subprojects/pagoda/lib/libpagoda.so ] ||
		fail "not built as a subproject"
	# Whoever uses the library did not ask for its tests.
	! ninja -C build -t targets all | grep -E 'pagoda/(tests|bench)/' >log ||
		fail "the subproject builds $(head -n 1 log)"
}

# check_man FOLDER
check_man() {
	local page said
	command -v man >/dev/null || return 0
	for page in "$1"/man*/*; do
		# In the folder above man3, as ".so man3/..." wants it.
		said=$(cd "$1" && MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
		[ -z "$said" ] || fail "$page: $said"
	done
}

# check_pages INCLUDE MAN: each function of a header has a page.
check_pages() {
	local name
	# Declarations begin in the first column, with PAGODA_API or after it.
	cat "$1"/pagoda/*.h | grep -v -e '^typedef' -e 'pagoda_probe' |
		sed -nE 's/^([A-Za-z][^()]*[ *])?(pagoda_[a-z_]+)\(.*/\2/p' |
		sort -u >names
	[ "$(wc -l <names)" -gt 40 ] || fail "found only $(wc -l <names) functions"
	while read -r name; do
		[ -e "$2/man3/$name.3" ] || fail "$name has no man page"
	done <names
}

installed() {
	local prefix=$1 libdir=$2 to=$work/root
	needs pkg-config
	quietly env DESTDIR="$to" meson install --no-rebuild -C "$from"
	export PKG_CONFIG_SYSROOT_DIR=$to
	export PKG_CONFIG_LIBDIR=$to$prefix/$libdir/pkgconfig
	export LD_LIBRARY_PATH=$to$prefix/$libdir
	build --wrap-mode=nofallback
	check_pages "$to$prefix/include" "$to$prefix/share/man"
	check_man "$to$prefix/share/man"
}

uninstalled() {
	local flags version libs
	needs pkg-config
	export PKG_CONFIG_PATH=$from/meson-uninstalled
	flags=$(pkg-config --cflags --libs pagoda-uninstalled)
	version=$(pkg-config --modversion pagoda-uninstalled)
	libs=$(pkg-config --variable=prefix pagoda-uninstalled)/lib
	# shellcheck disable=SC2086
	quietly "$@" -Wall -Wextra -Werror "$project/foreign.c" $flags \
		"-Wl,-rpath,$libs" -o program
	./program "$version"
}

"$how" "$@"
