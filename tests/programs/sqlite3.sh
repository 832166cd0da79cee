# shellcheck shell=bash
# sqlite3: a table of a million rows, indices, joins, JSON and full text.

needs sqlite3

preloaded sqlite3 -batch -bail data.db <"$HERE/work/workload.sql" \
	>"$OUT/result"
preloaded sqlite3 data.db .dump | sha256sum >"$OUT/dump"
