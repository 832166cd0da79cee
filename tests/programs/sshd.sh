# shellcheck shell=bash
# openssh: keys, then an sshd on the loopback interface with logins in a loop.
# Before a login sshd works in a seccomp sandbox, where a system call too many
# is death; the login itself looks whether its sshd has the allocator mapped.

needs /usr/sbin/sshd ssh ssh-keygen perl

port=$(free_port)
for name in host user; do
	preloaded ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$name"
done
preloaded ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f rsa
cat user.pub rsa.pub >authorized_keys
[ ! -O . ] || chmod 755 .
echo "[127.0.0.1]:$port $(cat host.pub)" >known_hosts

cat >sshd_config <<END
ListenAddress 127.0.0.1
Port $port
HostKey $PWD/host
AuthorizedKeysFile $PWD/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
Subsystem sftp internal-sftp
MaxStartups 100
END

# The folder that sshd's unprivileged part changes its root to
if [ "$(id -u)" = 0 ] && [ ! -e /run/sshd ]; then
	mkdir -m 755 /run/sshd
	trap 'kill_servers; rmdir /run/sshd 2>/dev/null || true' EXIT
fi

# sshd takes the environment to each connection's own process only if it has
# an absolute path.
serve /usr/sbin/sshd -D -f "$PWD/sshd_config" -E "$PWD/sshd.log"

options=(-F none -p "$port" -o BatchMode=yes -o IdentitiesOnly=yes
	-o "UserKnownHostsFile=$PWD/known_hosts" -o LogLevel=ERROR)
login() {
	local key=$1
	shift
	preloaded ssh "${options[@]}" -i "$key" "$USER@127.0.0.1" "$@"
}

wait_for sshd grep -q 'Server listening' sshd.log
check_mapped "$SERVER"
if [ "$MODE" = plain ] && ! login user true; then
	tail -n 5 sshd.log >&2
	skip "no login over the loopback interface"
fi

for i in 1 2 3 4; do
	login user "echo login $i; seq 1 1000 | cksum" >>"$OUT/logins"
done
login rsa 'echo rsa; echo to stderr >&2; exit 7' >>"$OUT/logins" 2>&1 ||
	echo "status $?" >>"$OUT/logins"
seq 1 200000 | login user 'cat | sort -rn | cksum' >"$OUT/through"
# shellcheck disable=SC2016 # for the other side
login user 'cat /proc/$PPID/maps' >maps
! is_preloaded || grep -qF "$LIBRARY" maps ||
	fail "the sshd that serves a login has not mapped $LIBRARY"

seq 1 300000 >numbers
preloaded scp -q -F none -P "$port" -i user -o BatchMode=yes \
	-o "UserKnownHostsFile=$PWD/known_hosts" numbers \
	"$USER@127.0.0.1:$PWD/copy" </dev/null
cmp numbers copy
cksum <copy >"$OUT/copy"

# a key that is not known (ssh then ends without an exit that could leave
# statistics), and many at once
preloaded ssh-keygen -q -t ed25519 -N '' -C stranger -f stranger
! env "${PRELOAD_ENV[@]}" ssh "${options[@]}" -i stranger \
	"$USER@127.0.0.1" true 2>"$OUT/stranger" || fail "a stranger logged in"
sed -i "s/^.*: Permission/Permission/" "$OUT/stranger"
pids=()
for i in 1 2 3 4 5 6 7 8; do
	login user "echo parallel" >"parallel.$i" &
	pids+=($!)
done
wait "${pids[@]}"
cat parallel.* >"$OUT/parallel"

kill -s TERM "$SERVER"
wait_for "sshd to end" has_ended "$SERVER"
! grep -iE 'fatal|signal|sandbox' sshd.log |
	grep -v 'Received signal 15; terminating' || fail "errors in sshd's log"
