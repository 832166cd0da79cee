#!/usr/bin/env bash
# sparse_table.sh PROGRAM: its primes are those of factor(1), and its memory stays
# small.
set -euo pipefail

table=$(realpath "$1")
# shellcheck source=tests/examples/pager-lib.sh
. "$(dirname "$(realpath "$0")")/pager-lib.sh"
needs factor shuf

# The first ones and the last ones, both ends of the first segment, squares of
# primes, and others.
{
	seq 1 300
	seq 1048400 1048700
	echo 8795878660369 8796075192721 | tr ' ' '\n'
	seq 8796093022000 8796093022207
	shuf -n 1500 -i 1-8796093022207
	# In the first segment again: it was dropped meanwhile.
	seq 301 600
} >numbers
factor <numbers |
	awk '{ print substr($1, 1, length($1) - 1), NF == 2 ? "prime" : "composite" }' \
	>truth
"$table" <numbers >got 2>said || {
	may_be_refused said
	fail "$(cat said)"
}
cmp truth got || fail "not the primes of factor"
[ "$(grep -c prime got)" -gt 100 ] || fail "hardly a prime"
# Far more was sieved than was there at once.
read -r gib sieved peak < <(tr -dc '0-9 \n' <said)
[ "$gib" = 512 ] && [ "$sieved" -gt 40000 ] && [ "$peak" -lt 30000 ] ||
	fail "$(cat said)"
! echo 8796093022208 | "$table" 2>said || fail "beyond the end"
grep -q 'too large' said || fail "$(cat said)"
