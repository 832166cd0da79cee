# shellcheck shell=bash
# What the workloads in this folder are written with. tests/programs/run
# sources this file and then one workload, once for each mode.
#
# Set by run: HERE (this folder), LIBRARY (the allocator), MODE (plain, rseq
# or lock), OUT (results, compared between modes), STATS (files written by the
# allocator itself). The current folder is empty and private to the mode.

: "${HERE:?}" "${LIBRARY:?}" "${MODE:?}" "${OUT:?}" "${STATS:?}"

# The mode that the allocator must report; a workload that runs where there is
# no rseq sets another one.
EXPECTED_PERCPU=$MODE

# Pid and command of everything started under the allocator
started_list=$STATS/started
: >"$started_list"
servers=()

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf 'SKIPPED: %s\n' "$*" >&2
	exit 77
}

needs() {
	local program
	for program in "$@"; do
		case $program in
		/*) [ -e "$program" ] ;;
		*) command -v "$program" >/dev/null ;;
		esac || skip "$program is not installed"
	done
}

is_preloaded() {
	[ "$MODE" != plain ]
}

# The settings of the mode, in the form that env(1) takes. lock is also the mode
# that fills mappings lazily, where the user may have that.
[ "$MODE" != lock ] || : "${LAZY:=on}"
PRELOAD_ENV=()
options=percpu=$MODE,stats=$STATS/stats.%p
options+=,lazy=${LAZY:-auto},lazy_min=64
! is_preloaded || PRELOAD_ENV=("LD_PRELOAD=$LIBRARY" "PAGODA_OPTIONS=$options")

# For programs that change to another user: the library may have been built in
# a folder that is closed to others.
preload_copy() {
	is_preloaded || return 0
	cp "$LIBRARY" .
	LIBRARY=$PWD/${LIBRARY##*/}
	PRELOAD_ENV[0]=LD_PRELOAD=$LIBRARY
}

# record PID COMMAND...: that process is one to find statistics of.
record() {
	local pid=$1 command
	shift
	printf -v command ' %q' "$@"
	echo "$pid$command" >>"$started_list"
}

# Replaces the shell by the command, under the allocator.
preloaded_exec() {
	record "$BASHPID" "$@"
	exec env "${PRELOAD_ENV[@]}" "$@"
}

# Runs a command under the allocator. That it was active in this very process
# is checked when the workload has ended, see check_started.
preloaded() {
	local status=0
	(preloaded_exec "$@") || status=$?
	if [ "$status" != 0 ]; then
		printf 'status %s from: env' "$status"
		printf ' %q' "${PRELOAD_ENV[@]}" "$@"
		printf '\n'
	fi >>"$STATS/failures"
	return "$status"
}

# Starts a server under the allocator; its pid is in $SERVER.
serve() {
	(preloaded_exec "$@") &
	SERVER=$!
	servers+=("$SERVER")
}

# stop SIGNAL PID: the server must end by itself, and well.
stop() {
	local status=0
	kill -s "$1" "$2"
	wait_for "process $2 to end" has_ended "$2"
	wait "$2" || status=$?
	[ "$status" = 0 ] || fail "server $2 ended with status $status"
}

has_ended() {
	[ ! -e "/proc/$1/stat" ] || grep -q ') Z ' "/proc/$1/stat" 2>/dev/null
}

# wait_for WHAT COMMAND...: repeats the command until it succeeds.
wait_for() {
	local what=$1 tries
	shift
	for ((tries = 0; tries < 400; tries++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	fail "timeout waiting for $what"
}

# What is left when a workload has failed. Each server knows the interrupt as
# a wish to end soon and clean up.
kill_servers() {
	local pid tries
	for pid in "${servers[@]}"; do
		kill -s INT "$pid" 2>/dev/null || continue
		for ((tries = 0; tries < 60; tries++)); do
			! has_ended "$pid" || continue 2
			sleep 0.05
		done
		kill -s KILL "$pid" 2>/dev/null || true
	done
}

# A TCP port of the loopback interface that nobody listens on now.
free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
		LocalAddr => "127.0.0.1", Listen => 1)->sockport'
}

# Fails unless the running process has the allocator mapped.
check_mapped() {
	is_preloaded || return 0
	grep -qF "$LIBRARY" "/proc/$1/maps" ||
		fail "$LIBRARY is not mapped in process $1"
}

# Fails unless each process started under the allocator left its statistics,
# and these name the mode: so the allocator was active in that very process.
check_started() {
	local pid command
	is_preloaded || return 0
	[ -s "$started_list" ] || fail "nothing was started under the allocator"
	[ -z "${UNPROVEN-}" ] || return 0
	while read -r pid command; do
		grep -Eqs "^percpu: *$EXPECTED_PERCPU\b" "$STATS/stats.$pid" ||
			fail "no statistics with percpu: $EXPECTED_PERCPU" \
				"from: $command"
	done <"$started_list"
}

# Fails unless at least so many processes in all, children of the started ones
# included, left statistics.
check_processes() {
	local files
	is_preloaded && [ -z "${UNPROVEN-}" ] || return 0
	files=("$STATS"/stats.*)
	[ ${#files[@]} -ge "$1" ] ||
		fail "only ${#files[@]} processes left statistics, not $1"
}
