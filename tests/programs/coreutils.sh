# shellcheck shell=bash
# coreutils and awk: pipelines over 400,000 lines.

needs awk sort

# A linear congruential generator gives the same lines on every run.
preloaded awk 'BEGIN {
	x = 12345
	for (i = 0; i < 400000; i++) {
		x = (x * 16807) % 2147483647
		printf "%010d key%05d %s\n", x, x % 50021, i
	}
}' >lines
preloaded wc -l lines >"$OUT/wc"
preloaded sort --parallel=2 -S 64M -T . lines >sorted
preloaded sort -c sorted
preloaded sort --parallel=2 -k2,2 -k1,1nr lines | preloaded tail -n 1000 \
	>"$OUT/by-key"
preloaded cut -d ' ' -f 2 sorted | preloaded sort -u | preloaded wc -l \
	>"$OUT/keys"
preloaded cut -d ' ' -f 2 lines | preloaded sort | preloaded uniq -c |
	preloaded sort -rn -k1,1 -k2,2 >"$OUT/counts"
# shellcheck disable=SC2016 # awk's own $1
preloaded awk '{ sum[$2] += $1; n[$2]++ }
	END { for (k in sum) printf "%s %.0f %d\n", k, sum[k], n[k] }' lines |
	preloaded sort >"$OUT/sums"
preloaded split -l 40000 sorted part.
preloaded cat part.* | preloaded sha256sum >"$OUT/sha256"
preloaded sort -m part.* | preloaded md5sum >"$OUT/merged"
preloaded comm -12 sorted sorted | preloaded wc -l >"$OUT/comm"
preloaded join -1 2 -2 2 -o 1.3,2.3 <(sort -k2,2 part.aa) \
	<(sort -k2,2 part.ab) | preloaded cksum >"$OUT/join"
preloaded tr a-z A-Z <sorted | preloaded sed -n 's/KEY0*\(7[0-9]*\) /<\1>/p' |
	preloaded grep -c '<77' >"$OUT/sed"
preloaded base64 sorted | preloaded base64 -d | preloaded cmp - sorted
preloaded tac sorted | preloaded rev | preloaded cksum >"$OUT/tac"
preloaded seq 1 200000 | preloaded shuf --random-source=sorted |
	preloaded sort -n | preloaded paste -sd+ | preloaded cksum >"$OUT/shuf"
preloaded ls -lR --time-style=+ /usr/bin >/dev/null
preloaded du -s /usr/include >/dev/null
preloaded factor 18446744073709551557 1000000007000000049 >"$OUT/factor"
