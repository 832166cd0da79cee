# shellcheck shell=bash
# bash: a script with large arrays, string operations, subshells, pipes, traps
# and thousands of forks.

preloaded bash "$HERE/work/script.bash" >"$OUT/result"
# ... and as the shell of a script given on standard input
preloaded bash -s one two <"$HERE/work/script.bash" >"$OUT/stdin"
