# shellcheck shell=bash
# strace: programs run the same while traced, and the allocator makes no other
# system calls after its start than it says, opens no file and starts no thread.

needs strace gcc /usr/bin/python3
strace -o /dev/null true || skip "strace may not trace here"

gcc -O1 -g -pthread -o objects "$HERE/work/objects.c"

# All that the allocator may ask the kernel for once the program runs.
allowed='futex madvise membarrier mmap mprotect mremap munmap'

# The names of the calls between the first and the last getppid().
calls_of() {
	sed -E 's/^[0-9]+ +//; s/^<\.\.\. ([a-z0-9_]+) resumed.*/\1(/' "$1" |
		sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' |
		awk '/^getppid$/ { n++ } n == 1' | grep -v '^getppid$' | sort -u
}

# compare_calls NAME COMMAND...: with the preload of the mode and, to know what
# the program itself asks for, without.
compare_calls() {
	local name=$1 pid more
	shift
	strace -f -qq -o "$name.trace" env "${PRELOAD_ENV[@]}" "$@" >"$OUT/$name"
	strace -f -qq -o "$name.plain-trace" "$@" >"$name.plain-output"
	cmp "$OUT/$name" "$name.plain-output"
	read -r pid _ <"$name.trace"
	record "$pid" "$@"

	calls_of "$name.trace" >"$name.calls"
	[ -s "$name.calls" ] || fail "no system calls of $name were seen"
	{
		tr ' ' '\n' <<<"$allowed"
		calls_of "$name.plain-trace"
	} | sort -u >"$name.allowed"
	more=$(comm -13 "$name.allowed" "$name.calls" | paste -sd ' ')
	[ -z "$more" ] || {
		grep -wE "${more// /|}" "$name.trace" | head -n 20 >&2
		fail "system calls of the allocator in $name: $more"
	}
}

compare_calls objects ./objects descriptors
compare_calls python3 /usr/bin/python3 -I -c '
import os, threading
os.getppid()
kept = []
def work():
    for i in range(20000):
        kept.append(bytearray(i % 5000))
        if len(kept) > 1000:
            del kept[:900]
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sorted(str(i) for i in range(50000))[12345])
os.getppid()
'
