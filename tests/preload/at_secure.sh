#!/bin/sh
# SPDX-License-Identifier: MIT
# at_secure.sh LIBRARY LIMITS: proves that a program with raised privileges
# (AT_SECURE) works with the library and does not obey the environment of
# whoever started it: PAGODA_OPTIONS must not make it write a file. LIMITS is
# the program built from limits.c.
#
# The loader ignores LD_PRELOAD there, so the library comes from
# /etc/ld.so.preload, in a mount namespace where /etc is an overlay.
set -eu

if [ "${3-}" != inside ]; then
	[ "$(id -u)" = 0 ] || {
		echo "skipped: needs root for a mount namespace"
		exit 77
	}
	unshare --mount true 2>/dev/null || {
		echo "skipped: no mount namespace can be had here"
		exit 77
	}
	work=$(mktemp -d)
	trap 'rmdir "$work"' EXIT
	unshare --mount --propagation private "$0" "$1" "$2" inside "$work"
	exit
fi

library=$1
program=$2
work=$4

mount -t tmpfs -o mode=0755 tmpfs "$work"
mkdir -m 0777 "$work/files"
mkdir "$work/upper" "$work/workdir"
mount -t overlay -o "lowerdir=/etc,upperdir=$work/upper,workdir=$work/workdir" \
	overlay /etc 2>/dev/null || {
	echo "skipped: no overlay can be mounted here"
	exit 77
}
# Readable for the user that the program becomes, wherever the build is.
cp "$library" "$work/libpagoda.so"
cp "$program" "$work/raised"
cp "$program" "$work/ordinary"
chmod 0755 "$work/libpagoda.so" "$work/ordinary"
chown 65534:65534 "$work/raised"
chmod 4755 "$work/raised"
echo "$work/libpagoda.so" >/etc/ld.so.preload

fail() {
	rm -f /etc/ld.so.preload
	echo "FAILED: $*" >&2
	exit 1
}

# run PROGRAM: what it says, and whether a stats file appeared.
run() {
	rm -f "$work"/files/*
	said=$(PAGODA_OPTIONS="percpu=lock,stats=$work/files/stats" \
		"$work/$1" secure) || fail "$1 program ended with status $?"
	wrote=$(ls "$work/files")
}

run ordinary
[ "$said" = "AT_SECURE=0 $work/libpagoda.so" ] || fail "ordinary: $said"
[ -n "$wrote" ] || fail "the ordinary program wrote no stats"
run raised
[ "$said" = "AT_SECURE=1 $work/libpagoda.so" ] || fail "raised: $said"
[ -z "$wrote" ] || fail "the program with raised privileges wrote $wrote"
rm -f /etc/ld.so.preload
echo "AT_SECURE: ok"
