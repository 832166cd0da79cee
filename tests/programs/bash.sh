# shellcheck shell=bash
# bash: a script with large arrays, string operations, subshells, pipes, traps
# and hundreds of forks.

preloaded bash "$HERE/work/script.bash" >"$OUT/result"
# ... and what it does without forks as a script on standard input
sed '/^# forks/,$d' "$HERE/work/script.bash" |
	preloaded bash -s one two >"$OUT/stdin"
