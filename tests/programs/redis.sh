# shellcheck shell=bash
# redis-server: a benchmark, then known data; background save, restart from the
# dump, and the data once more. Debian's redis-server is linked with jemalloc,
# which must be out of use under the preload.

needs redis-server redis-benchmark redis-cli perl

port=$(free_port)

client() {
	redis-cli -h 127.0.0.1 -p "$port" "$@"
}

answers() {
	[ "$(client ping)" = PONG ]
}

start() {
	serve redis-server --bind 127.0.0.1 --port "$port" --save '' \
		--enable-debug-command local --activedefrag no >>server.log
	wait_for "redis-server" answers
	check_mapped "$SERVER"
}

shut_down() {
	client shutdown "$1" || true
	wait_for "redis-server to end" has_ended "$SERVER"
	wait "$SERVER" || fail "redis-server ended with status $?"
}

# What INFO says of that name
info() {
	client info | tr -d '\r' | sed -n "s/^$1://p"
}

saved() {
	[ "$(info rdb_bgsave_in_progress)" = 0 ] &&
		[ "$(info rdb_last_bgsave_status)" = ok ]
}

# The server counts what malloc_usable_size() says; jemalloc itself must not
# have got more than a small part of that.
check_memory() {
	local used jemalloc
	used=$(info used_memory)
	jemalloc=$(info allocator_allocated)
	[ "$used" -gt 4000000 ] || fail "used_memory is $used"
	! is_preloaded || [ "$jemalloc" -lt $((used / 10)) ] ||
		fail "jemalloc holds $jemalloc of $used bytes"
}

# Keys of each type, on which the server's own digest depends.
commands() {
	perl -e '
		my $x = 12345;
		sub n { return ($x = $x * 16807 % 2147483647) % $_[0] }
		sub command {
			print "*", scalar @_, "\r\n", map {
				"\$" . length($_) . "\r\n$_\r\n" } @_;
		}
		for my $i (1 .. 12000) {
			command("set", "string$i", "v" x n(3000));
			command("append", "string" . n(1000), "w" x n(100));
			command("hset", "hash" . n(500), "field" . n(200), "x" x n(200));
			command("lpush", "list" . n(300), $i, "y" x n(100));
			command("sadd", "set" . n(200), n(10000), "member$i");
			command("zadd", "zset" . n(100), n(1000), "z" . n(5000));
			command("xadd", "stream" . n(50), "1-$i", "f", "d" x n(50));
			command("del", "string" . n($i + 1)) if $i % 3 == 0;
			command("ltrim", "list" . n(300), 0, 50) if $i % 50 == 0;
		}'
}

start
redis-benchmark -h 127.0.0.1 -p "$port" -q -n 6000 -c 30 -r 5000 -d 200 -P 8 \
	>benchmark.log
check_memory
client flushall >"$OUT/flushall"
commands | client --pipe | grep errors >"$OUT/load"
check_memory
digest=$(client debug digest)
echo "$digest" >"$OUT/digest"
client dbsize >"$OUT/dbsize"
client zrange zset7 0 -1 withscores >"$OUT/zset7"
client eval 'local t = {}
	for i = 1, 12000 do t[i] = redis.call("get", "string" .. i) or "" end
	return redis.sha1hex(table.concat(t))' 0 >"$OUT/script"

# the dump is written by a child while the parent goes on changing its data
client bgsave schedule >"$OUT/bgsave"
redis-benchmark -h 127.0.0.1 -p "$port" -q -n 10000 -c 10 -r 5000 -t set,lpush \
	>>benchmark.log
wait_for "the background save" saved
shut_down nosave
start
# (the benchmark's own keys may or may not be part of the dump)
client eval 'for _, key in ipairs(redis.call("keys", "key:*")) do
		redis.call("del", key)
	end
	redis.call("del", "mylist")' 0 >/dev/null
[ "$(client debug digest)" = "$digest" ] || fail "other data after the restart"
client bgrewriteaof >/dev/null
client memory purge >"$OUT/purge"
check_memory
shut_down save
redis-check-rdb dump.rdb | grep -c 'RDB looks OK' >"$OUT/check"
