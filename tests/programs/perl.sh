# shellcheck shell=bash
# perl: hashes, regular expressions, sorting, Storable, threads and forks.

needs perl

export PERL_HASH_SEED=0
preloaded perl "$HERE/work/script.pl" >"$OUT/result"
