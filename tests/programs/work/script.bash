# shellcheck shell=bash
# The script that the bash workload runs; prints the same on every run.
# shellcheck disable=SC2116,SC2046 # needless subshells are what it is about
set -u

# an indexed and an associative array with some ten thousand entries
declare -a squares jobs
declare -A by_name
for ((i = 0; i < 20000; i++)); do
	squares[i]=$((i * i))
	by_name[key$((i % 5000))]+=$i,
done
echo "squares: ${#squares[@]} last ${squares[19999]}"
echo "names: ${#by_name[@]} ${by_name[key4999]}"
unset 'squares[5000]' by_name
echo "after unset: ${#squares[@]}"

# strings: growth, replacement, patterns, case, substrings
text=
for ((i = 0; i < 3000; i++)); do
	text+="line $i: the quick brown fox;"
done
echo "text: ${#text} ${text:100:40}"
replaced=${text//quick/slow}
echo "replaced: ${#replaced} ${replaced: -40}"
upper=${text^^}
echo "upper: ${upper:0:30} ${upper##*LINE }"
IFS=';' read -r -a parts <<<"$text"
echo "parts: ${#parts[@]} ${parts[2999]}"
printf -v joined '%s|' "${parts[@]:10:5}"
echo "joined: $joined"
[[ $text =~ line\ 29([0-9]+) ]] && echo "match: ${BASH_REMATCH[0]}"

# functions: recursion and local variables
fib() {
	local n=$1
	if ((n < 2)); then
		REPLY=$n
	else
		local a
		fib $((n - 1))
		a=$REPLY
		fib $((n - 2))
		REPLY=$((a + REPLY))
	fi
}
fib 16
echo "fib: $REPLY"

# forks: command substitution, nested subshells, pipes, background jobs
sum=0
for ((i = 0; i < 500; i++)); do
	sum=$((sum + $(echo $((i * 3)))))
done
echo "substituted: $sum"
echo "nested: $(echo a$(echo b$(echo c$(echo "${#text}"))))"
seq 1 20000 | while read -r n; do
	((n % 4000)) || echo "pipe: $n"
done
for ((i = 0; i < 50; i++)); do
	(sleep 0.01; exit $((i % 7))) &
	jobs[i]=$!
done
failed=0
for job in "${jobs[@]}"; do
	wait "$job" || failed=$((failed + 1))
done
echo "jobs: $failed"

# here documents, process substitution, coprocess, mapfile, traps
mapfile -t lines < <(seq 1 10000)
echo "mapfile: ${#lines[@]} ${lines[9999]}"
diff <(printf '%s\n' a b c) <(printf '%s\n' a x c)
coproc CAT { cat; }
echo through >&"${CAT[1]}"
read -r answer <&"${CAT[0]}"
echo "coprocess: $answer"
trap 'echo "trap: usr1 $count"' USR1
for ((count = 0; count < 20; count++)); do
	kill -USR1 $$
done
case $# in
0) echo "no arguments" ;;
*) echo "arguments: $*" ;;
esac
trap 'echo bye' EXIT
