# shellcheck shell=bash
# valgrind: the allocator on valgrind's own CPU, where there are no restartable
# sequences, so that it must fall back to locks; and memcheck, once with its own
# allocator in the place of ours and once beside ours.

needs valgrind gcc

# valgrind answers the rseq system call with ENOSYS.
# shellcheck disable=SC2034 # lib.sh looks at it
EXPECTED_PERCPU=lock

gcc -O1 -g -pthread -o objects "$HERE/work/objects.c"

checked() {
	"$@" || {
		cat valgrind.log >&2
		fail "see above: $*"
	}
}
options=(-q --error-exitcode=99 --log-file=valgrind.log)
ours=--soname-synonyms=somalloc=nouserintercepts

# As users would do it: the allocator sees valgrind and becomes quiet.
quietly=(checked env "${PRELOAD_ENV[@]}" valgrind "${options[@]}")
"${quietly[@]}" --tool=none /bin/cat /proc/self/maps >maps
! is_preloaded || grep -qF "$LIBRARY" maps ||
	fail "$LIBRARY was not loaded under valgrind"
"${quietly[@]}" --tool=none /bin/ls / >"$OUT/ls"
"${quietly[@]}" --tool=memcheck --leak-check=full ./objects >"$OUT/objects"

# It writes statistics only if it is told not to be quiet.
! is_preloaded || PRELOAD_ENV[1]+=,quiet=off
loudly=(checked preloaded valgrind "${options[@]}")
"${loudly[@]}" --tool=none ./objects >"$OUT/none"
# memcheck watches, but malloc stays ours
"${loudly[@]}" --tool=memcheck "$ours" ./objects >"$OUT/memcheck"
cmp "$OUT/objects" "$OUT/none"
cmp "$OUT/objects" "$OUT/memcheck"
