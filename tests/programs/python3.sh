# shellcheck shell=bash
# python3: a part of its own regression tests, each test's result compared; the
# modules that allocate most with every Python object taken from malloc instead of
# Python's own pools.

needs /usr/bin/python3 /usr/lib/python3.11/test/test_list.py

heavy=(test_bytes test_collections test_dict test_gc test_generators
	test_json test_list test_pickle test_re test_set test_struct test_tuple
	test_unicode)
others=(test_array test_ctypes test_decimal test_deque test_descr test_embed
	test_functools test_itertools test_long test_memoryview test_mmap
	test_pty test_sort test_thread test_threadedtempfile
	test_threading_local test_tracemalloc test_xml_etree test_zlib)
# mostly asleep, so they come first and run beside the others
sleepers=(test_threading test_fork1)

# modules NAME JOBS MODULE...: runs them; the results are in NAME.xml.
modules() {
	local name=$1 jobs=$2
	shift 2
	mkdir -p "$name"
	preloaded /usr/bin/python3 -m test "-j$jobs" --timeout 100 \
		--tempdir "$PWD/$name" --junit-xml "$PWD/$name.xml" "$@" \
		>"$name.log" 2>&1
}

# regression NAME MODULE...
regression() {
	local name=$1 failed=()
	shift
	if ! modules "$name" 4 "$@"; then
		# A few depend on time, and on file systems: what fails must
		# fail again, and without the preload too.
		read -r -a failed < <(grep -A1 'tests\? failed:$' "$name.log" |
			tail -n 1)
		[ ${#failed[@]} -gt 0 ] || fail "$(tail -n 20 "$name.log")"
		modules "$name-again" 1 "${failed[@]}" || true
	fi
	/usr/bin/python3 "$HERE/work/results.py" "$name.xml" \
		"$name-again.xml" >"$OUT/$name"
}

export PYTHONHASHSEED=0
regression pools "${sleepers[@]}" "${others[@]}"
export PYTHONMALLOC=malloc
regression malloc "${heavy[@]}"
