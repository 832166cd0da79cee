#!/bin/sh
# SPDX-License-Identifier: MIT
# elf.sh LIBRARY: proves what the file itself shows. It exports what
# exported.txt lists and imports nothing but what imported.txt lists; no
# reference to an allocator's name can be bound to somebody else's; the compiler
# did not turn our calloc into a call of calloc; the loader is told to bind at
# once and never to unload; nothing but libc is needed.
set -eu

library=$1
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
	printf 'FAILED: %s\n' "$*" >&2
	failed=1
}

for tool in nm readelf objdump; do
	command -v $tool >/dev/null || {
		echo "skipped: $tool is not installed"
		exit 77
	}
done

# names_of FILE: the patterns of a list.
names_of() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$1"
}

# matches NAME FILE: whether a pattern of FILE fits.
matches() {
	while read -r pattern; do
		# shellcheck disable=SC2254 # it is a pattern
		case $1 in $pattern) return 0 ;; esac
	done <"$2"
	return 1
}

names_of "$here/exported.txt" >"$work/exported"
names_of "$here/imported.txt" >"$work/imported"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' \
	>"$work/defined"
nm -D -u "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' \
	>"$work/undefined"
[ -s "$work/defined" ] || wrong "nm shows no symbol at all"

# Both ways: too many, and too few.
while read -r name; do
	matches "$name" "$work/exported" || wrong "exported, not listed: $name"
done <"$work/defined"
while read -r pattern; do
	found=no
	while read -r name; do
		# shellcheck disable=SC2254
		case $name in $pattern) found=yes ;; esac
	done <"$work/defined"
	[ $found = yes ] || wrong "listed, not exported: $pattern"
done <"$work/exported"
while read -r name; do
	matches "$name" "$work/imported" || wrong "imported, not listed: $name"
done <"$work/undefined"

# A relocation names what another object may define instead of us. That would
# be the program's own malloc, or libc's through RTLD_DEEPBIND.
readelf -rW "$library" | awk '$3 ~ /^R_/ { sub(/@.*/, "", $5); print $5 }' \
	>"$work/relocated"
while read -r name; do
	! matches "$name" "$work/exported" ||
		wrong "reference to $name that others may serve"
done <"$work/relocated"

# Entry points that call themselves: memset after malloc became calloc.
objdump -d --no-show-raw-insn "$library" |
	awk '/^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name) }
	     /(call|jmp) .*<[^+]*>$/ {
		target = $NF; gsub(/[<>]/, "", target); sub(/@.*/, "", target)
		if (target == name) print name
	     }' | sort -u >"$work/recursive"
while read -r name; do
	! matches "$name" "$work/exported" || wrong "$name calls itself"
done <"$work/recursive"

readelf -dW "$library" >"$work/dynamic"
readelf -lW "$library" >"$work/segments"
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic" | tr '\n' ' ')
case $needed in
'libc.so.6 ' | 'libc.so.6 ld-linux-x86-64.so.2 ') ;;
*) wrong "needs: $needed" ;;
esac
grep -q 'FLAGS_1.*NODELETE' "$work/dynamic" || wrong "may be unloaded"
grep -q 'FLAGS.*NOW' "$work/dynamic" || wrong "is bound lazily"
! grep -q TEXTREL "$work/dynamic" || wrong "has text relocations"
grep -q 'GNU_STACK.* RW ' "$work/segments" || wrong "wants an executable stack"
# Thread-local data of another model is allocated by the loader, with malloc.
! grep -q __tls_get_addr "$work/undefined" || wrong "TLS is not initial-exec"
if grep -q ' TLS ' "$work/segments"; then
	grep -q 'FLAGS.*STATIC_TLS' "$work/dynamic" ||
		wrong "TLS, but no STATIC_TLS"
	# The loader has little static space for late comers.
	size=$(awk '$1 == "TLS" { print $6 }' "$work/segments")
	[ $((size)) -le 64 ] || wrong "$((size)) bytes of static TLS"
fi

[ $failed = 0 ] || exit 1
echo "$(wc -l <"$work/defined") exported, $(wc -l <"$work/undefined") imported"
