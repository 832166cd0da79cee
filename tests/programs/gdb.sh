# shellcheck shell=bash
# gdb: single steps through malloc, calloc, realloc and free until each returns.
# Every step aborts a restartable sequence, which must get on nevertheless.

needs gdb gcc

gcc -O0 -g -Wl,-z,now -o steps "$HERE/work/steps.c"

# The program is under the allocator, gdb is not.
for setting in "${PRELOAD_ENV[@]}"; do
	echo "set environment ${setting/=/ = }"
done >environment.gdb
gdb -nx -batch -ex 'set startup-with-shell off' -x environment.gdb \
	-x "$HERE/work/steps.gdb" ./steps >gdb.log 2>&1 </dev/null || {
	tail -n 40 gdb.log >&2
	! grep -q 'ptrace: ' gdb.log || skip "gdb may not trace here"
	fail "gdb"
}
pid=$(sed -n 's/^process \([0-9]*\)$/\1/p' gdb.log | head -n 1)
record "${pid:-none}" ./steps
grep -E '^(through|lines|sum)|exited' gdb.log |
	sed 's/process [0-9]*/process/' >"$OUT/gdb"
