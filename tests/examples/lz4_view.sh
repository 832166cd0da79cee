#!/usr/bin/env bash
# lz4_view.sh PROGRAM: parts of files that lz4(1) made in several ways are what
# `lz4 -dc` gives, few blocks are decompressed for them, and bad files are
# refused.
set -euo pipefail

view=$(realpath "$1")
# shellcheck source=tests/examples/pager-lib.sh
. "$(dirname "$(realpath "$0")")/pager-lib.sh"
needs lz4 cmp split

# part FILE OFFSET LENGTH
part() {
	tail -c "+$(($2 + 1))" "$1" | head -c "$3" || [ $? = 141 ]
}

number() {
	echo $(((RANDOM << 30 | RANDOM << 15 | RANDOM) % $1))
}

# same FILE.lz4 BLOCK: all of it, and parts; BLOCK: plain size of its blocks.
same() {
	local file=$1 block=$2 size offset length most
	lz4 -dcq "$file" >truth
	size=$(stat -c %s truth)
	"$view" "$file" 0 "$size" 2>said | cmp - truth || fail "$file: all"
	[ "$(cat said)" = "$(((size + block - 1) / block)) of $(((size + block - 1) / block)) blocks decompressed" ] ||
		fail "$file: all: $(cat said)"
	for _ in 1 2 3 4 5; do
		offset=$(number "$size")
		length=$(number $((size - offset < 300000 ? size - offset : 300000)))
		"$view" "$file" "$offset" "$length" $((size - 1)) 1 2>said >got
		{ part truth "$offset" "$length" && tail -c 1 truth; } |
			cmp - got || fail "$file: $length at $offset"
		most=$((length / block + 3))
		[ "$(cut -d ' ' -f 1 said)" -le $most ] ||
			fail "$file: $(cat said), at most $most expected"
	done
}

# refused TEXT FILE [OFFSET LENGTH]: with that text in the message.
refused() {
	local status=0
	"$view" "$2" "${3-0}" "${4-1}" >got 2>said || status=$?
	[ $status = 1 ] && grep -q "$1" said ||
		fail "$2: status $status, said: $(cat said)"
}

KIB64=65536
# Text; then what cannot be compressed, so is stored; then text, and an odd end.
{
	seq 1 400000
	head -c 1500000 /dev/urandom
	seq 400000 700000
} >plain

lz4 -q -B4 plain 64k.lz4
"$view" 64k.lz4 0 1 >/dev/null 2>said || {
	may_be_refused said
	fail "$(cat said)"
}
same 64k.lz4 $KIB64
# With everything that may be in a frame besides blocks, and without.
lz4 -q -B5 -BX --content-size plain 256k.lz4 && same 256k.lz4 $((4 * KIB64))
lz4 -q -B6 --no-frame-crc plain 1m.lz4 && same 1m.lz4 $((16 * KIB64))
lz4 -q -9 -B4 --content-size plain best.lz4 && same best.lz4 $KIB64
# Frames of a block each, with their sizes and without; of several blocks.
split -b 1M plain part.
lz4 -q -m --content-size part.*
cat part.*.lz4 >split.lz4 && same split.lz4 $((16 * KIB64))
split -b 256K --filter='lz4 -qc' plain >filter.lz4
same filter.lz4 $((4 * KIB64))
split -b 1M --filter='lz4 -qc -B4' plain >several.lz4
same several.lz4 $KIB64
# Frames of the user's, which are skipped, before and between.
{
	printf '\x50\x2a\x4d\x18\x03\x00\x00\x00abc'
	cat part.aa.lz4
	printf '\x5f\x2a\x4d\x18\x00\x00\x00\x00'
	cat part.ab.lz4
} >skip.lz4
same skip.lz4 $((16 * KIB64))
# One block, of which more might be in a frame.
head -c 5000 plain >small && lz4 -q small small.lz4 && same small.lz4 5000

lz4 -q -B7 plain large.lz4
refused 'blocks of 4194304 bytes: use lz4 -B4' large.lz4
lz4 -q -BD -B4 plain linked.lz4
refused 'need each other' linked.lz4
refused 'not a frame of lz4' plain
head -c 100000 64k.lz4 >cut.lz4
refused 'ends inside' cut.lz4
cat small.lz4 64k.lz4 >uneven.lz4
refused 'different sizes' uneven.lz4
cat 64k.lz4 64k.lz4 >uneven.lz4
refused 'different sizes' uneven.lz4
refused 'bytes only' small.lz4 4990 11
# Frames of one block each, then larger or smaller ones.
head -c 65536 plain >block && lz4 -q block block.lz4
cat block.lz4 part.aa.lz4 >uneven.lz4
refused 'different sizes' uneven.lz4
cat part.aa.lz4 64k.lz4 >uneven.lz4
refused 'different sizes' uneven.lz4
# A header (15 bytes) that tells of more or less than follows.
head -c 200000 plain >less
lz4 -q -B4 --content-size less less.lz4
lz4 -q -B4 --content-size plain sized.lz4
{ head -c 15 sized.lz4 && tail -c +16 less.lz4; } >lies.lz4
refused 'another size' lies.lz4
{ head -c 15 less.lz4 && tail -c +16 sized.lz4; } >lies.lz4
refused 'another size' lies.lz4
# A damaged block: write(2) cannot have it; others are what they were.
lz4 -dcq 64k.lz4 >truth
cp 64k.lz4 damaged.lz4
printf '%0300d' 0 | tr 0 '\377' |
	dd of=damaged.lz4 bs=1 seek=50000 conv=notrunc status=none
refused 'output: Bad address' damaged.lz4 0 200000
grep -q 'pager failed at offset .* with error 5' said || fail "$(cat said)"
"$view" damaged.lz4 2000000 100000 2>said >got
part truth 2000000 100000 | cmp - got || fail "behind a damaged block"
