#!/usr/bin/env bash
# tool.sh PAGODA FAKE.SO FAKE-BSS.SO GOLDEN: the pagoda command against
# programs that carry a control block filled by hand.
set -euo pipefail

[ $# = 4 ] || exit 2
tool=$(realpath "$1")
fake=$(realpath "$2")
fake_bss=$(realpath "$3")
golden=$(realpath "$4")

top=$(mktemp -d "${TMPDIR:-/tmp}/pagoda-tool.XXXXXX")
chmod 755 "$top"
pids=()
cleanup() {
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
	rm -rf "$top"
}
trap cleanup EXIT

failures=0
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	failures=$((failures + 1))
}

# check STATUS TEXT COMMAND...: the command must end with that status, and its
# output (both streams) must contain the text. The output is in $top/output.
check() {
	local expected=$1 expected_text=$2 status=0
	shift 2
	"$@" >"$top/output" 2>&1 </dev/null || status=$?
	[ "$status" = "$expected" ] ||
		fail "status $status instead of $expected: $*"
	[ -z "$expected_text" ] ||
		grep -qF -e "$expected_text" "$top/output" || {
		fail "no '$expected_text' from: $*"
		cat "$top/output" >&2
	}
}

same() {
	diff "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# start LIBRARY [NAME=VALUE]...: a process with that library; $pid is its id.
start() {
	local library=$1
	shift
	env "$@" LD_PRELOAD="$library" "$top/waiting" &
	pid=$!
	pids+=("$pid")
	disown "$pid"
	# The library's constructor has run when this returns.
	read -r -t 20 _ <>"$top/ready" || fail "no process with $library"
}

mkfifo "$top/ready" "$top/never"
cat >"$top/waiting" <<-END
	#!/bin/sh
	echo >"$top/ready"
	: <"$top/never"
END
chmod +x "$top/waiting"

# --- help and errors in the arguments ---

check 2 "which command" "$tool"
check 2 "unknown command 'stats'" "$tool" stats
check 2 "unknown option '--wrong'" "$tool" --wrong
check 0 "pagoda stat [--json] PID" "$tool" --help
check 0 "pagoda 0." "$tool" --version
check 0 "sheafinfo" "$tool" stat --help
check 0 "--listen ADDRESS:PORT" "$tool" export --help
check 2 "unknown option '--wrong'" "$tool" export --wrong
check 2 "needs a value" "$tool" export --listen
check 0 "--lib PATH" "$tool" run --help
check 0 "Usage: pagoda options" "$tool" options --help
check 0 "stats_interval=0 (0..3600000 ms)" "$tool" options
check 0 "percpu=auto (auto|rseq|lock)" "$tool" options
check 2 "too many arguments" "$tool" options percpu
check 2 "unknown option '--wrong'" "$tool" options --wrong
check 2 "unknown option '--wrong'" "$tool" stat --wrong 1
check 2 "unknown option '-w'" "$tool" stat -w
check 2 "which process" "$tool" stat
for wrong in x 1x 0 -1 '' 99999999999 ' '; do
	check 2 "pagoda stat --help" "$tool" stat -- "$wrong"
done
check 2 "there is no file 'slabs'" "$tool" stat 1 slabs
check 2 "--all takes no process" "$tool" stat --all 1
check 2 "--all has no other form" "$tool" stat --all --json
check 2 "--all takes no process" "$tool" stat --all --core core
check 2 "there is no file '1'" "$tool" stat --core core 1
check 2 "needs a value" "$tool" stat --core
check 2 "--openmetrics shows all" "$tool" stat --openmetrics 1 modes
check 2 "there is no file 'slabs'" "$tool" stat --json 1 slabs
# shellcheck disable=SC2016 # the inner shell expands it
check 1 "cannot write the output: No space left" \
	sh -c '"$0" options >/dev/full' "$tool"

# --- what the machine allows ---

check 2 "too many arguments" "$tool" doctor x
check 0 "--json" "$tool" doctor --help
check 0 "runs in its default mode" "$tool" doctor
for name in kernel 'page size' rseq userfaultfd overcommit max_map_count; do
	grep -Eq "^$name +(ok|limited|off) " "$top/output" ||
		fail "no line for $name"
done
! grep -q $'\033' "$top/output" || fail "colours in a file"
check 0 "libc registered no area" env GLIBC_TUNABLES=glibc.pthread.rseq=0 \
	"$tool" doctor
grep -q "to change it: unset GLIBC_TUNABLES" "$top/output" ||
	fail "no line that enables rseq"
check 0 "MiB at once" prlimit --as=100000000 "$tool" doctor
grep -Eq "^RLIMIT_AS +limited +97656 KiB" "$top/output" ||
	fail "the limit is not shown"
check 1 "cannot run in its default mode" prlimit --as=6000000 "$tool" doctor
check 0 '"default_mode": true' "$tool" doctor --json
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for check in json.load(sys.stdin)["checks"]:
    assert check["verdict"] in ("ok", "limited", "off"), check
    assert check["effect"] and check["value"] and check["name"], check
' <"$top/output" || fail "the JSON is not as documented"
fi
if command -v script >/dev/null; then
	colours() {
		script -qec "$* '$tool' doctor" /dev/null </dev/null |
			grep $'\033' >/dev/null
	}
	colours env TERM=xterm NO_COLOR= || fail "no colours on a terminal"
	! colours env TERM=xterm NO_COLOR=1 || fail "NO_COLOR was ignored"
fi

# --- reading a process ---

start "$fake"
first=$pid
status=0
"$tool" stat "$first" >/dev/null 2>"$top/output" || status=$?
if [ "$status" = 4 ]; then
	echo "SKIPPED: $(cat "$top/output")"
	exit 77
fi
while read -r name; do
	check 0 "" "$tool" stat "$pid" "$name"
	same "$golden/$name" "$top/output"
done < <(ls "$golden")

check 0 "==> modes <==" "$tool" stat "$pid"
cp "$top/output" "$top/all"
while read -r name; do
	printf '==> %s <==\n' "$name"
	cat "$golden/$name"
	echo
done < <(sed -n 's/^==> \(.*\) <==$/\1/p' "$top/all") >"$top/expected"
same "$top/expected" "$top/all"
[ "$(grep -c '^==>' "$top/all")" = "$(find "$golden" -type f | wc -l)" ] ||
	fail "not every file was shown"

check 0 "" "$tool" stat "$pid" buddyinfo modes
printf '==> buddyinfo <==\n%s\n\n==> modes <==\n%s\n\n' \
	"$(cat "$golden/buddyinfo")" "$(cat "$golden/modes")" >"$top/expected"
same "$top/expected" "$top/output"

kill -STOP "$pid"
check 0 "" "$tool" stat "$pid" slabinfo
same "$golden/slabinfo" "$top/output"
kill -CONT "$pid"

start "$fake_bss"
check 0 "" "$tool" stat "$pid" slabinfo
same "$golden/slabinfo" "$top/output"

check 0 "PID" "$tool" stat --list
check 0 "WASTE%" "$tool" stat --all
for pid in "${pids[@]}"; do
	grep -Eq "^ *$pid +[1-9][0-9]* +37195 +9656 +20.6 /bin/sh $top/waiting$" \
		"$top/output" || fail "no line for $pid in the list"
done
awk '$1 ~ /^[0-9]+$/ { print $2 }' "$top/output" >"$top/rss"
sort -rnc "$top/rss" || fail "the list is not sorted by RSS"

# --- processes that cannot be read ---

start "$fake" FAKE=other-version
check 6 "runs another version of Pagoda: control block" "$tool" stat "$pid"
start "$fake"
check 6 "runs Pagoda 1.2.3-fake, but this command knows" \
	"$tool" whatis "$pid" 1000
start "$fake" FAKE=boot
# Of the library's pages of variables one is the boot arena.
while read -r range perms _; do
	[[ $perms == rw* ]] || continue
	for ((page = 0x${range%-*}; page < 0x${range#*-}; page += 4096)); do
		printf '%x\n' "$page"
	done
done < <(grep -A1 libpagoda-fake "/proc/$pid/maps") >"$top/pages"
mapfile -t pages <"$top/pages"
check 0 "boot arena" "$tool" whatis "$pid" "${pages[@]}"
found=$(grep -c "boot arena" "$top/output") || true
[ "$found" = 16 ] || fail "$found pages of the boot arena instead of 16"
check 1 "cannot read process $pid: Bad address" \
	"$tool" whatis "$pid" 7f0001000000
start "$fake" FAKE=damaged
check 1 "control block is damaged" "$tool" stat "$pid"
start "$fake" FAKE=not-started
check 5 "it has not started" "$tool" stat "$pid"
start "$fake" FAKE=escape
check 0 "?[31mred" "$tool" stat "$pid" slabinfo
check 5 "does not run on Pagoda" "$tool" stat $$
sh -c 'exit 0' &
wait $!
check 3 "there is no process $!" "$tool" stat $!

if [ "$(id -u)" = 0 ]; then
	mkdir "$top/public"
	cp "$tool" "$top/public/pagoda"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for command in "stat $first" "stat --json $first" "whatis $first 1"; do
		# shellcheck disable=SC2086 # several words
		check 4 "no permission" "${nobody[@]}" "$top/public/pagoda" \
			$command
		[ "$(wc -l <"$top/output")" = 1 ] ||
			fail "more than one line: $command"
	done
	check 0 "no permission to look at" "${nobody[@]}" \
		"$top/public/pagoda" stat --all
else
	echo "not root: a process of someone else was not tried"
fi

# --- running a program ---

mkdir -p "$top/prefix/bin" "$top/prefix/lib"
cp "$tool" "$top/prefix/bin/pagoda"
cp "$fake" "$top/prefix/lib/libpagoda.so"
run=("$top/prefix/bin/pagoda" run)
library=$(realpath "$top/prefix/lib/libpagoda.so")
# shellcheck disable=SC2016 # the inner shell expands it
show=(sh -c 'echo "$LD_PRELOAD" "$PAGODA_OPTIONS" "$@"' sh)
unset LD_PRELOAD PAGODA_OPTIONS

check 0 "$library  a b c" "${run[@]}" "${show[@]}" a 'b c'
check 0 "$library  --help" "${run[@]}" "${show[@]}" --help
check 0 "$library percpu=lock,thp=off x" "${run[@]}" --option percpu=lock \
	-o thp=off -- "${show[@]}" x
check 0 "$library thp=off,percpu=lock" env PAGODA_OPTIONS=thp=off \
	"${run[@]}" --option=percpu=lock "${show[@]}"
check 0 "$library:$fake_bss" env LD_PRELOAD="$fake_bss" "${run[@]}" "${show[@]}"
check 0 "$fake_bss" "${run[@]}" --lib "$fake_bss" "${show[@]}"
cd "$top/prefix"
check 0 "$library" "${run[@]}" -l lib/libpagoda.so "${show[@]}"
cd /
# Not twice.
check 0 "$library" "${run[@]}" "${run[@]}" "${show[@]}"
! grep -q "$library.*$library" "$top/output" || fail "preloaded twice"

check 7 "" "${run[@]}" sh -c 'exit 7'
check 127 "cannot run /missing: No such file" "${run[@]}" /missing
check 126 "cannot run /: " "${run[@]}" /
check 2 "which program" "${run[@]}"
check 2 "which program" "${run[@]}" --option percpu=lock --
check 2 "there is no option 'percp'" "${run[@]}" -o percp=lock true
check 2 "'percpu' is not NAME=VALUE" "${run[@]}" -o percpu true
check 2 "must not contain a comma" "${run[@]}" -o stats=a,b true
check 2 "needs a value" "${run[@]}" --option
check 2 "unknown option '--wrong'" "${run[@]}" --wrong true
check 1 "cannot read /missing.so" "${run[@]}" --lib /missing.so true
mkdir "$top/with blank"
cp "$fake" "$top/with blank/libpagoda.so"
check 1 "blanks or colons" "${run[@]}" -l "$top/with blank/libpagoda.so" true
rm "$library"
check 1 "use --lib PATH" "${run[@]}" true

[ "$failures" = 0 ] || exit 1
echo "all passed"
