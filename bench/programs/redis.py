"""redis-server under redis-benchmark, pipelined. Debian's redis links
jemalloc: the preload must win over it, and glibc itself is preloaded too."""

import time

from harness.measure import Failed
from harness.programs import Server

KEYS = 100000


class Redis(Server):
    def __init__(self):
        super().__init__(
            "redis", "redis-server: 900,000 pipelined SET, GET, LPUSH and "
            "others over a local socket",
            packages=["redis-server", "redis-tools"], quick=True,
            links_malloc=True)

    def start_argv(self):
        return ["redis-server", "--port", "0", "--unixsocket", self.socket(),
                "--save", "", "--appendonly", "no", "--daemonize", "no"]

    def socket(self):
        return str(self.dir / "redis.sock")

    def cli(self, *words):
        return self.client(["redis-cli", "-s", self.socket(), *words]).strip()

    def is_ready(self):
        try:
            return self.cli("ping") == "PONG"
        except Failed:
            return False

    def drive(self, short):
        n = 10000 if short else 150000
        start = time.monotonic()
        self.client(["redis-benchmark", "-s", self.socket(), "-q", "-P", "32",
                     "-c", "20", "-n", str(n), "-r", str(KEYS), "-d", "200",
                     "-t", "set,get,lpush,lpop,hset,zadd"])
        seconds = time.monotonic() - start
        self.check()
        return seconds

    def check(self):
        """What redis-benchmark leaves, and a value of our own."""
        self.cli("set", "own", "x" * 1000)
        if self.cli("get", "own") != "x" * 1000:
            raise Failed("redis lost a value")
        if not 0 < int(self.cli("dbsize")) <= 2 * KEYS + 10:
            raise Failed("redis holds an unlikely number of keys")


def programs():
    return [Redis()]
