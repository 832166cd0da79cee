# shellcheck shell=bash
# nginx: serves files, compressed and through itself as a proxy, to wrk while it
# reloads its configuration; each file must arrive unchanged.

needs nginx wrk curl perl

port=$(free_port)
mkdir files temp
[ ! -O . ] || chmod 755 . files
head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -k pagoda \
	-pbkdf2 >noise
for size in 0 1 100 4096 40000 300000 3000000; do
	head -c "$size" noise >"files/$size.bin"
done
seq 1 40000 >files/lines.txt

cat >nginx.conf <<END
$([ "$(id -u)" != 0 ] || echo "user www-data;")
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 512; }
http {
	types { text/plain txt; }
	access_log off;
	client_body_temp_path temp/body;
	proxy_temp_path temp/proxy;
	fastcgi_temp_path temp/fastcgi;
	uwsgi_temp_path temp/uwsgi;
	scgi_temp_path temp/scgi;
	proxy_cache_path $PWD/temp/cache keys_zone=cache:1m;
	gzip on;
	gzip_types text/plain;
	gzip_min_length 1;
	server {
		listen 127.0.0.1:$port;
		root $PWD/files;
		location /proxy/ {
			proxy_pass http://127.0.0.1:$port/;
		}
		location /cached/ {
			proxy_pass http://127.0.0.1:$port/;
			proxy_cache cache;
			proxy_cache_valid 200 1m;
		}
	}
}
END

url=http://127.0.0.1:$port
serve nginx -p "$PWD" -c nginx.conf -e error.log
wait_for nginx curl -sf "$url/1.bin"
check_mapped "$SERVER"

workers() {
	local children
	read -r -a children <"/proc/$SERVER/task/$SERVER/children"
	echo "${children[@]}"
}
for worker in $(workers); do
	check_mapped "$worker"
done

load() {
	wrk -t 2 -c 32 -d 5s --timeout 10s "$@" >>wrk.log 2>&1
}
load "$url/4096.bin" &
load -H 'Accept-Encoding: gzip' "$url/lines.txt" &
load "$url/proxy/40000.bin" &
for _ in 1 2 3 4 5; do
	sleep 0.4
	kill -s HUP "$SERVER"
done
wait %2 %3 %4
grep -c 'Requests/sec: *[1-9]' wrk.log >"$OUT/wrk"
! grep 'Non-2xx' wrk.log || fail "errors seen by wrk"

for prefix in '' proxy/ cached/ cached/; do
	for file in files/*; do
		for encoding in identity gzip; do
			sum=$(curl -sSf --compressed \
				-H "Accept-Encoding: $encoding" \
				"$url/$prefix${file##*/}" | sha256sum)
			echo "${file##*/} ${sum%% *}"
		done
	done
done | sort | uniq -c >"$OUT/files"
for file in files/*; do
	grep -q "$(sha256sum <"$file" | cut -d ' ' -f 1)" "$OUT/files" ||
		fail "${file##*/} was changed"
done
curl -s -o /dev/null -w '%{http_code}\n' "$url/none" >"$OUT/missing"

stop QUIT "$SERVER"
# nginx counts a connection that wrk left half open as an alert of its own.
! grep -E 'exited on signal|\[(alert|emerg|crit)\]' error.log |
	grep -v 'open socket #[0-9]* left in connection' ||
	fail "errors in the server's log"
# the first and the five later pairs of workers, and the master
check_processes 13
