#!/usr/bin/env python3
"""export.py PAGODA LIBRARY PROGRAM FAKE: what "pagoda export" serves, to whom,
and that neither processes that end nor bad clients disturb it."""

import contextlib
import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from exporter import (EPHEMERAL, OPENMETRICS, PLAIN, exporting, openmetrics,
                      plain, samples_of, stat)
from program import LIBRARY, PAGODA, fake, main, running

# Prometheus 2.42 and 3.0, curl, a browser, and odd ones.
NEGOTIATION = {
    None: PLAIN,
    "": PLAIN,
    "*/*": PLAIN,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": PLAIN,
    "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1": OPENMETRICS,
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2": OPENMETRICS,
    "text/plain;version=0.0.4;q=1,*/*;q=0.1": PLAIN,
    "text/plain;q=0.9, application/openmetrics-text;q=0.8": PLAIN,
    "text/plain;q=0.8 ,\tApplication/OpenMetrics-Text ; q=0.9": OPENMETRICS,
    "application/openmetrics-text": OPENMETRICS,
    'application/openmetrics-text; version="1.0.0"': OPENMETRICS,
    "application/openmetrics-text; version=2.0.0": PLAIN,
    "application/openmetrics-text;q=0, text/plain;q=0": PLAIN,
    "application/openmetrics-text;q=x": PLAIN,
    ";;,=,;q=,\"": PLAIN,
    "," * 5000: PLAIN,
}


def run(*args):
    return subprocess.run([PAGODA, "export", *args], text=True, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@unittest.skipUnless(openmetrics, "python3-prometheus-client is not installed")
class Text(unittest.TestCase):
    def test_values(self):
        """Several processes at once, each as "pagoda stat" shows it."""
        with running() as one, running("numa=fake=2") as two, \
                exporting() as exporter:
            one.do("alloc 1000 500 1")
            two.do("alloc 5000000 3 1")
            pids = one.pid, two.pid
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            try:
                for _ in range(2):  # for the first time, and again
                    self.check_values(exporter.families(), pids)
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
            one.do("free 1")
            two.do("free 1")

    def check_values(self, families, pids):
        names = [family.name for family in families]
        self.assertEqual(len(set(names)), len(names))
        for pid in pids:
            found = samples_of(families, pid)
            resident = found.pop(("pagoda_process_resident_bytes", ()))
            self.assertGreater(resident, 1000000)
            self.assertEqual(found, stat(pid))
        for family in families:
            self.assertTrue(family.documentation, family.name)
            for sample in family.samples:
                if "pid" in sample.labels:
                    self.assertTrue(sample.labels["comm"], sample)
                else:
                    self.assertEqual(family.name, "pagoda_export_processes")

    def test_plain(self):
        with running() as program, exporting() as exporter:
            kind, text = exporter.get()
            self.assertEqual(kind, PLAIN)
            families = list(plain.text_string_to_metric_families(text))
            # Nothing is ambiguous, so the number of names is that of types.
            types = re.findall(r"(?m)^# TYPE (\S+) (?:gauge|counter)$", text)
            self.assertEqual(len(set(types)), len(types))
            self.assertEqual(len(types), len(families))
            self.assertEqual(len(types), len(exporter.families()))
            self.assertNotIn("# UNIT", text)
            self.assertIn(("pagoda_heap_bytes", ()),
                          samples_of(families, program.pid))
            self.check_with_promtool(text)

    def check_with_promtool(self, text):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed")
        check = subprocess.run(["promtool", "check", "metrics"], input=text,
                               text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        self.assertEqual((check.returncode, check.stdout), (0, ""))

    def test_names(self):
        """A name that the process chose is a label, not markup."""
        with tempfile.TemporaryDirectory() as folder:
            odd = os.path.join(folder, 'a"b\\c\nd\x01\xff')
            shutil.copy("/bin/sleep", odd)
            process = subprocess.Popen(
                [PAGODA, "run", "--lib", LIBRARY, "--", odd, "60"])
            try:
                with exporting() as exporter:
                    self.wait_for(lambda: self.comms(exporter, process.pid)
                                  == {'a"b\\c?d???'})
            finally:
                process.kill()
                process.wait()

    def comms(self, exporter, pid):
        return {sample.labels["comm"] for family in exporter.families()
                for sample in family.samples
                if sample.labels.get("pid") == str(pid)}

    def test_some(self):
        with running() as one, running() as two, running() as three, \
                exporting("--pid", one.pid, "--pid", two.pid,
                          one.pid) as exporter:
            self.assertEqual(self.pids(exporter), {one.pid, two.pid})
            one.end()
            self.assertEqual(self.pids(exporter), {two.pid})
            self.assertNotIn(three.pid, self.pids(exporter))

    def test_reused_id(self):
        """The kernel gives the id of one that ended to another."""
        last = "/proc/sys/kernel/ns_last_pid"
        if not os.access(last, os.W_OK):
            self.skipTest("the kernel does not let us choose an id")
        with running() as one, exporting("--pid", one.pid) as exporter:
            self.assertEqual(self.pids(exporter), {one.pid})
            one.end()
            for _ in range(50):
                with open(last, "w", encoding="ascii") as file:
                    file.write(str(one.pid - 1))
                with running() as two:
                    if two.pid != one.pid:
                        continue
                    self.assertEqual(self.comms(exporter, two.pid), set())
                    return
            self.skipTest("the id was taken by other processes")

    def pids_in(self, families, name):
        family = next(f for f in families if f.name == name)
        return {int(sample.labels["pid"]) for sample in family.samples}

    def pids(self, exporter):
        return self.pids_in(exporter.families(), "pagoda")

    def test_changes(self):
        """Programs that become others, under the same id."""
        script = 'read x; exec env -u LD_PRELOAD bash -c "$0"'
        inner = f"read x; LD_PRELOAD={LIBRARY} exec sleep 60"
        process = subprocess.Popen(
            [PAGODA, "run", "--lib", LIBRARY, "--", "bash", "-c", script,
             inner], stdin=subprocess.PIPE)
        try:
            with exporting() as exporter:
                for expected in True, False, True:
                    self.wait_for(lambda: (process.pid in self.pids(exporter))
                                  == expected)
                    process.stdin.write(b"\n")
                    process.stdin.flush()
        finally:
            process.kill()
            process.wait()
            process.stdin.close()

    def wait_for(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_dying(self):
        """Whatever ends meanwhile, each answer is whole."""
        loop = f'while :; do LD_PRELOAD={LIBRARY} /bin/true & ' \
               f'LD_PRELOAD={LIBRARY} sleep 0.0$((RANDOM % 10)); done'
        churn = subprocess.Popen(["bash", "-c", loop],
                                 stdout=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            with exporting() as exporter:
                seen, asked, end = set(), 0, time.monotonic() + 20
                while asked < 40 or len(seen) < 10:
                    self.assertLess(time.monotonic(), end)
                    families = exporter.families()
                    asked += 1
                    pids = self.pids_in(families, "pagoda")
                    for name in "pagoda_heap_bytes", "pagoda_events":
                        self.assertEqual(self.pids_in(families, name), pids)
                    # Who has just started has no caches yet.
                    self.assertLessEqual(
                        self.pids_in(families, "pagoda_cache_slabs"), pids)
                    seen |= pids
        finally:
            os.killpg(churn.pid, signal.SIGKILL)
            churn.wait()
        print(len(seen), "processes came and went")

    def test_damaged(self):
        """One with two caches of a name does not spoil it for the others."""
        for name, shown in ("escape", True), ("twins", False):
            with self.subTest(name), fake(name) as pid, \
                    exporting("--pid", pid) as exporter:
                self.assertEqual(self.pids(exporter), {pid} if shown else set())
                self.assertIn('pagoda_export_processes{result="failed"} '
                              f"{int(not shown)}\n", exporter.get()[1])

    @unittest.skipUnless(os.getuid() == 0, "needs root to become another user")
    def test_other_user(self):
        """Who runs it decides what it shows."""
        nobody = pwd.getpwnam("nobody")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            tool, library = (shutil.copy(path, folder)
                             for path in (PAGODA, LIBRARY))
            theirs = subprocess.Popen(["sleep", "60"], user=nobody.pw_uid,
                                      env={"LD_PRELOAD": library})
            try:
                with running() as ours, exporting(
                        tool=tool, user=nobody.pw_uid) as exporter:
                    self.wait_for(lambda: theirs.pid in self.pids(exporter))
                    families = exporter.families()
                    self.assertNotIn(ours.pid, self.pids(exporter))
                    refused = run("--listen", EPHEMERAL, "--pid", "x")
                    self.assertEqual(refused.returncode, 2)
                counts = next(f for f in families
                              if f.name == "pagoda_export_processes")
                refused = {s.labels["result"]: s.value for s in counts.samples}
                self.assertGreaterEqual(refused["refused"], 1)
                self.assertEqual(refused["shown"], 1)
            finally:
                theirs.kill()
                theirs.wait()


class Http(unittest.TestCase):
    def test_negotiation(self):
        with exporting() as exporter:
            for accept, expected in NEGOTIATION.items():
                with self.subTest(accept):
                    self.assertEqual(exporter.get(accept)[0], expected)

    def request(self, exporter, method, path, **more):
        connection = http.client.HTTPConnection("127.0.0.1", exporter.port,
                                                timeout=20)
        connection.request(method, path, **more)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def test_pages(self):
        with exporting() as exporter:
            answer, body = self.request(exporter, "GET", "/")
            self.assertEqual(answer.status, 200)
            self.assertIn(b'href="/metrics"', body)
            self.assertEqual(
                self.request(exporter, "GET", "/metrics?x=1")[0].status, 200)
            for path in "/metrics/", "/x", "/../metrics", "//", "*":
                with self.subTest(path):
                    self.assertEqual(
                        self.request(exporter, "GET", path)[0].status, 404)

    def test_methods(self):
        with exporting() as exporter:
            answer, body = self.request(exporter, "HEAD", "/metrics")
            self.assertEqual((answer.status, body), (200, b""))
            self.assertEqual(answer.headers["Content-Type"], PLAIN)
            self.assertGreater(int(answer.headers["Content-Length"]), 100)
            self.assertEqual(
                self.request(exporter, "HEAD", "/x")[0].status, 404)
            for method in "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get":
                with self.subTest(method):
                    answer, _ = self.request(exporter, method, "/metrics",
                                             body=b"x" * 100000)
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            self.skipTest(f"there is no IPv6: {error}")
        with exporting(listen="[::1]:0") as exporter:
            self.assertRegex(exporter.url, r"^http://\[::1\]:\d+/metrics$")
            self.assertEqual(exporter.get()[0], PLAIN)

    def test_port_alone(self):
        with exporting(listen="0") as exporter:
            self.assertRegex(exporter.url, r"^http://127\.0\.0\.1:\d+/")


class Hostile(unittest.TestCase):
    def open_many(self, exporter, count, text):
        many = []
        for _ in range(count):
            client = socket.socket()
            self.addCleanup(client.close)
            client.settimeout(20)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", exporter.port))
            try:
                client.sendall(text)
            except OSError:
                pass  # it was cut already
            many.append(client)
        return many

    def check_serves(self, exporter):
        start = time.monotonic()
        self.assertEqual(exporter.get()[0], PLAIN)
        self.assertLess(time.monotonic() - start, 20)

    def test_idle(self):
        """Far more than may be open: silent, or with half a request."""
        for text in b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\n":
            with self.subTest(text), exporting() as exporter:
                self.open_many(exporter, 300, text)
                self.check_serves(exporter)

    def test_slow_readers(self):
        """Who reads nothing of an answer that no buffer holds."""
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(running())
            exporter = stack.enter_context(exporting())
            self.assertGreater(len(exporter.get()[1]), 200000)
            self.open_many(exporter, 100,
                           b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.check_serves(exporter)

    def test_trickle(self):
        """One that keeps itself alive is cut like one that does not."""
        with exporting() as exporter:
            client, = self.open_many(exporter, 1, b"GET /metrics HTTP/1.1\r\n")
            start = time.monotonic()
            try:
                while time.monotonic() - start < 60:
                    client.sendall(b"X: y\r\n")
                    time.sleep(0.5)
            except OSError:
                pass
            self.assertLess(time.monotonic() - start, 40)
            self.check_serves(exporter)

    def test_garbage(self):
        with exporting() as exporter:
            for text in (b"\0" * 1000, b"\xff" * 100000, b"GET\r\n\r\n",
                         b"GET /metrics HTTP/9.9\r\n\r\n",
                         b"GET " + b"/" * 1000000 + b" HTTP/1.1\r\n\r\n",
                         b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100000,
                         b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100):
                self.open_many(exporter, 1, text)
                self.check_serves(exporter)

    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM:
            with self.subTest(number), exporting() as exporter:
                self.open_many(exporter, 5, b"GET /metr")
                self.assertEqual(exporter.end(number), (0, ""))
                exporter.end = lambda: (0, "")
                with self.assertRaises(OSError):
                    socket.create_connection(("127.0.0.1", exporter.port))


class Refused(unittest.TestCase):
    def check(self, status, text, *args):
        done = run(*args)
        self.assertEqual(done.returncode, status, done)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2 if status == 2 else 1, lines)

    def test_addresses(self):
        for bad in ("", "x", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:x",
                    "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1",
                    "256.0.0.1:80", "::1:80", "[::1]", "[::1]80", "[:80",
                    "[]:80", "localhost:80", "[127.0.0.1]:80", "9" * 99,
                    "1" * 99 + ":80"):
            with self.subTest(bad):
                self.check(2, "no address to listen at", "--listen", bad)

    def test_in_use(self):
        with exporting() as exporter:
            self.check(1, "Address already in use", "--listen",
                       f"127.0.0.1:{exporter.port}")
        self.check(1, "Cannot assign requested address", "--listen",
                   "192.0.2.1:0")

    def test_processes(self):
        for bad in "x", "0", "-1", "":
            self.check(2, "not a process id", "--pid", bad)
        self.check(2, "is too much", "12")
        self.check(3, "there is no process", "--pid", "2147483647")
        self.check(5, "does not run on", "--pid", str(os.getpid()))
        with running() as program:
            self.check(5, "does not run on", "--listen", "0", "--pid",
                       str(program.pid), str(os.getpid()))

    def test_warning(self):
        """Where nobody else is: in a network of its own."""
        unshare = ["unshare", "--net"] + ["--map-root-user"] * (
            os.getuid() != 0)
        if subprocess.run(unshare + ["true"],
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no network namespaces")
        for listen in "0.0.0.0:0", "[::]:0":
            process = subprocess.Popen(
                unshare + [PAGODA, "export", "--listen", listen], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertIn("/metrics", process.stdout.readline())
            process.terminate()
            _, errors = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 0)
            self.assertIn("others can reach", errors)


if __name__ == "__main__":
    main()
