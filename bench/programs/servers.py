"""nginx under wrk and PostgreSQL under pgbench, over loopback and a socket."""

import hashlib
import re
import socket
import subprocess
import time

from harness.measure import Failed, run
from harness.programs import Server, base_environment

PORT = 18743
NGINX = """
daemon off; master_process on; worker_processes 2; pid {dir}/nginx.pid;
error_log {dir}/error.log; user root;
events {{ worker_connections 256; }}
http {{
  access_log off; root {dir}/www; gzip on; gzip_min_length 100;
  gzip_types text/plain; default_type text/plain;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{port}; location / {{ ssi on; ssi_types *; }} }}
}}
"""


class Nginx(Server):
    """wrk runs for a time, not for a number of requests: what is reported is
    for 10,000 of them."""

    def __init__(self):
        super().__init__(
            "nginx", "nginx: 10,000 requests of wrk for a page that is put "
            "together and compressed",
            packages=["nginx-light", "wrk"], setup=self.write)

    @staticmethod
    def write(directory):
        www = directory / "www"
        www.mkdir()
        (www / "part.txt").write_text("a part of the page\n" * 200,
                                      encoding="ascii")
        (www / "page.txt").write_text(
            'page\n<!--# include virtual="/part.txt" -->\n' * 4,
            encoding="ascii")
        (directory / "nginx.conf").write_text(
            NGINX.format(dir=directory, port=PORT), encoding="ascii")

    def start_argv(self):
        return ["nginx", "-e", "error.log", "-p", str(self.dir), "-c",
                str(self.dir / "nginx.conf")]

    def is_ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", PORT)) == 0

    def drive(self, short):
        out = self.client(["wrk", "-t1", "-c32", "-d1s" if short else "-d3s",
                           "-H", "Accept-Encoding: gzip",
                           f"http://127.0.0.1:{PORT}/page.txt"])
        if "Non-2xx" in out or "Socket errors" in out:
            raise Failed("nginx answered with errors")
        page = self.fetch()
        if page.count("a part of the page") != 800:
            raise Failed("nginx sent another page")
        self.units = int(re.search(r"(\d+) requests in", out)[1]) / 10000
        return 10000 / float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])

    @staticmethod
    def fetch():
        with socket.create_connection(("127.0.0.1", PORT), 5) as client:
            client.sendall(b"GET /page.txt HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()


class Postgres(Server):
    """The server runs as Debian's user postgres; it refuses to be root."""

    user = "postgres"

    def __init__(self):
        super().__init__(
            "postgres", "PostgreSQL: pgbench, 4 clients, 8,000 transactions, "
            "and a report over all accounts",
            packages=["postgresql-15"], setup=self.write)

    def write(self, directory):
        self.bin = "/usr/lib/postgresql/15/bin/"
        directory.chmod(0o777)
        self.as_user([self.bin + "initdb", "-D", "data", "-A", "trust",
                      "--no-sync", "-E", "UTF8", "--locale=C"])

    def as_user(self, argv):
        run(argv, self.timeout, cwd=self.dir, user=self.user, group=self.user,
            env=base_environment(self.dir), stdout=subprocess.DEVNULL)

    def start_argv(self):
        return [self.bin + "postgres", "-D", "data", "-k", str(self.dir),
                "-c", "listen_addresses=", "-c", "fsync=off",
                "-c", "autovacuum=off", "-c", "shared_buffers=64MB"]

    def psql(self, query):
        return self.client([self.bin + "psql", "-h", str(self.dir), "-U",
                            self.user, "-AXtc", query, "postgres"]).strip()

    def is_ready(self):
        try:
            return self.psql("SELECT 1") == "1"
        except Failed:
            return False

    def drive(self, short):
        pgbench = [self.bin + "pgbench", "-h", str(self.dir), "-U", self.user]
        self.client([*pgbench, "-i", "-q", "-s", "2", "postgres"])
        start = time.monotonic()
        self.client([*pgbench, "-n", "-c", "4", "-j", "1", "-t",
                     "50" if short else "2000", "postgres"])
        report = self.psql(
            "SELECT count(*), md5(string_agg(aid || ':' || filler, ',' "
            "ORDER BY md5(aid::text))) FROM pgbench_accounts")
        seconds = time.monotonic() - start
        self.check(report)
        return seconds

    def check(self, report):
        """Money is neither made nor lost, and every account is there."""
        rows = sorted(range(1, 200001), key=lambda i: hashlib.md5(
            str(i).encode()).hexdigest())
        text = ",".join(f"{i}:" for i in rows)  # the filler is blank
        expected = f"200000|{hashlib.md5(text.encode()).hexdigest()}"
        sums = self.psql("SELECT (SELECT sum(abalance) FROM pgbench_accounts)"
                         " = (SELECT sum(delta) FROM pgbench_history)")
        if report != expected or sums != "t":
            raise Failed("PostgreSQL's tables are not what they must be")


def programs():
    return [Nginx(), Postgres()]
