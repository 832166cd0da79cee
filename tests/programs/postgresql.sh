# shellcheck shell=bash
# PostgreSQL: initdb, pgbench, then sums over what the benchmark must keep
# consistent, large sorts and joins, and a restart.

needs /usr/lib/postgresql/*/bin/postgres perl setpriv
bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1)

# The server refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then
	as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	chown postgres .
	chmod 755 .
	preload_copy
	export USER=postgres
fi
port=$(free_port)

# What the server runs for its own needs inherits the preload through it.
preloaded "${as_user[@]}" "$bin/initdb" -D data -U postgres -A trust --no-sync \
	--locale=C -E UTF8 >initdb.log

start() {
	serve "${as_user[@]}" "$bin/postgres" -D data -p "$port" -k '' \
		-c listen_addresses=127.0.0.1 -c fsync=off \
		-c max_parallel_workers_per_gather=2 \
		-c parallel_setup_cost=0 -c min_parallel_table_scan_size=0 \
		-c work_mem=4MB -c shared_buffers=64MB >>server.log 2>&1
	wait_for postgres "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" \
		-U postgres -d template1
	check_mapped "$SERVER"
}

sql() {
	preloaded "$bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h 127.0.0.1 \
		-p "$port" -U postgres "$@"
}

start
sql -d template1 -c 'CREATE DATABASE bench'
benchmark() {
	preloaded "$bin/pgbench" -h 127.0.0.1 -p "$port" -U postgres "$@" bench \
		>>benchmark.log 2>&1
}
benchmark -i -s 3
benchmark -n -c 8 -j 2 -t 200
# (each transaction in a process of its own)
benchmark -n -c 8 -j 2 -t 25 -C -S
grep 'actually processed' benchmark.log >"$OUT/pgbench"

# Each transaction adds the same amount in four places.
sql -d bench -c "
	SELECT 'sums agree', (SELECT sum(abalance) FROM pgbench_accounts)
		= (SELECT sum(delta) FROM pgbench_history),
		(SELECT sum(tbalance) FROM pgbench_tellers)
		= (SELECT sum(bbalance) FROM pgbench_branches);
	SELECT count(*) FROM pgbench_history;
" >"$OUT/sums"

queries="
	SELECT count(*), sum(hashtext(a::text || b)) FROM big;
	SELECT a % 100 AS g, count(*), sum(a), max(b) FROM big
		GROUP BY g ORDER BY g;
	SELECT md5(string_agg(b, ',' ORDER BY b, a)) FROM big;
	SELECT count(*) FROM big x JOIN big y ON x.a = y.c;
	SELECT j->>'k', count(*) FROM
		(SELECT jsonb_build_object('k', a % 7, 'v', b) AS j FROM big) s
		GROUP BY 1 ORDER BY 1;
	SELECT count(*) FROM big WHERE b ~ '^[0-9a-f]*7f[0-9]+';
"
sql -d bench -c "CREATE TABLE big AS
	SELECT i AS a, md5(i::text) AS b, i * 7 % 100000 AS c
	FROM generate_series(1, 100000) AS i" -c "ANALYZE big"
sql -d bench -c "$queries" >"$OUT/queries"
sql -d bench -c "
	CREATE FUNCTION collatz(n bigint) RETURNS int LANGUAGE plpgsql AS '
	DECLARE steps int := 0;
	BEGIN
		WHILE n <> 1 LOOP
			n := CASE WHEN n % 2 = 0 THEN n / 2 ELSE 3 * n + 1 END;
			steps := steps + 1;
		END LOOP;
		RETURN steps;
	END';
	SELECT max(collatz(i)) FROM generate_series(1, 2000) AS i;
	CREATE INDEX ON big (b);
	CREATE INDEX ON big USING gin (to_tsvector('simple', b));
" -c 'VACUUM ANALYZE' >"$OUT/more"

stop INT "$SERVER"
start
sql -d bench -c "$queries" >"$OUT/after-restart"
cmp "$OUT/queries" "$OUT/after-restart"
stop INT "$SERVER"
! grep -E 'PANIC|ERROR|out of memory|terminated by signal' server.log ||
	fail "errors in the server's log"
