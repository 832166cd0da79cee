#!/usr/bin/env python3
"""prometheus.py PAGODA LIBRARY PROGRAM EXAMPLE METRICS.MD: a real Prometheus, with
the configuration that the documents show, reads redis-server and others under
load; its numbers are those of "pagoda stat". And the list of numbers in the
documents is that of the numbers there are, with queries that work."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from exporter import exporting, openmetrics, stat
from program import LIBRARY, MORE, PAGODA, main, running

EXAMPLE, METRICS = MORE
NEEDED = ["prometheus", "promtool", "redis-server", "redis-benchmark"]
# Objects of many sizes that come and go, until it is ended.
CHURN = """
import random
kept = [None] * 1000
while True:
    kept[random.randrange(1000)] = bytes(random.randrange(100000))
"""


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"no {what} in {seconds} s"
        time.sleep(0.1)
    return value


@contextlib.contextmanager
def started(*args, **more):
    """A process that is ended at the end."""
    process = subprocess.Popen(args, **more)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, **parameters):
        with urllib.request.urlopen(
                f"{self.url}{path}?{urllib.parse.urlencode(parameters)}",
                timeout=20) as answer:
            return answer.read()

    def is_ready(self):
        try:
            return self.get("/-/ready")
        except OSError:
            return False

    def query(self, text):
        """Return: [(labels, value)]"""
        answer = json.loads(self.get("/api/v1/query", query=text))
        assert answer["status"] == "success", answer
        assert "warnings" not in answer, answer
        return [(found["metric"], float(found["value"][1]))
                for found in answer["data"]["result"]]

    def read_at(self, pid):
        """When the numbers of a process were read last; 0: never."""
        found = self.query(f'timestamp(pagoda_info{{pid="{pid}"}})')
        return found[0][1] if found else 0

    def samples_of(self, pid):
        found = {}
        for labels, value in self.query(
                f'{{__name__=~"pagoda_.+",pid="{pid}"}}'):
            name = labels.pop("__name__")
            assert labels.pop("job") == "pagoda", labels
            for label in "instance", "pid", "comm":
                labels.pop(label)
            found[name, tuple(sorted(labels.items()))] = value
        del found["pagoda_process_resident_bytes", ()]
        return found


def without_empty(samples):
    """Prometheus has no labels without a value."""
    return {(name, tuple((label, text) for label, text in labels if text)):
            value for (name, labels), value in samples.items()}


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """All of it once: an exporter, programs under load, Prometheus."""
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(
            prefix="pagoda-prometheus."))
        run = [PAGODA, "run", "--lib", LIBRARY, "--"]
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder}
        cls.redis = stack.enter_context(started(
            *run, "redis-server", "--port", "0", "--unixsocket", "socket",
            "--save", "", **quiet)).pid
        cls.churn = stack.enter_context(started(
            *run, "/usr/bin/python3", "-c", CHURN, **quiet)).pid
        wait_for(lambda: os.path.exists(f"{folder}/socket"), "redis-server")
        stack.enter_context(started(
            "redis-benchmark", "-s", "socket", "-q", "-l", "-r", "50000",
            "-d", "500", "-t", "set,lpush,hset", **quiet))
        exporter = stack.enter_context(exporting())
        cls.prometheus = cls.start_prometheus(stack, folder, exporter.port)
        wait_for(cls.prometheus.is_ready, "Prometheus")
        for pid in cls.redis, cls.churn:
            wait_for(lambda: cls.prometheus.read_at(pid), f"process {pid}")

    @staticmethod
    def start_prometheus(stack, folder, port):
        with open(EXAMPLE) as file:
            config, count = re.subn(r"(127\.0\.0\.1):7246", rf"\1:{port}",
                                    file.read())
        assert count == 2, "the address, and the comment that has it"
        with open(f"{folder}/prometheus.yml", "w") as file:
            file.write(config)
        log = stack.enter_context(open(f"{folder}/log", "w+"))
        own_port = free_port()
        stack.enter_context(started(
            "prometheus", f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{own_port}",
            stdout=log, stderr=log))
        return Prometheus(own_port)

    def next_read(self, pid):
        """Wait for one that has begun after now."""
        begun = time.time()
        wait_for(lambda: self.prometheus.read_at(pid) > begun, "next scrape")

    def test_up(self):
        self.assertEqual([value for _, value in self.prometheus.query(
            'up{job="pagoda"}')], [1])
        for pid, comm in (self.redis, "redis-server"), (self.churn, "python3"):
            with self.subTest(comm):
                labels, value = self.prometheus.query(
                    f'pagoda_info{{pid="{pid}"}}')[0]
                self.assertEqual((labels["comm"], value), (comm, 1))

    def test_under_load(self):
        """What only grows is between what was before and what is after."""
        for pid in self.redis, self.churn:
            with self.subTest(pid):
                before = stat(pid)
                self.next_read(pid)
                between = self.prometheus.samples_of(pid)
                after = stat(pid)
                self.check_growth(before, between, after)

    def check_growth(self, before, between, after):
        grown = 0
        for key, value in between.items():
            if not key[0].endswith("_total") or key not in before:
                continue
            self.assertLessEqual(before[key], value, key)
            self.assertLessEqual(value, after[key], key)
            grown += before[key] < value
        # How many depends on how busy the machine is.
        self.assertGreater(grown, 0)

    def test_stopped(self):
        """In a process that does not run everything is the same."""
        for pid in self.redis, self.churn:
            with self.subTest(pid):
                os.kill(pid, signal.SIGSTOP)
                try:
                    self.next_read(pid)
                    self.assertEqual(self.prometheus.samples_of(pid),
                                     without_empty(stat(pid)))
                finally:
                    os.kill(pid, signal.SIGCONT)

    def test_end(self):
        """A process that ended is gone at the next scrape."""
        with started(PAGODA, "run", "--lib", LIBRARY, "--", "sleep",
                     "100") as process:
            self.next_read(process.pid)
        self.next_read(self.redis)
        self.assertEqual(self.prometheus.query(
            f'pagoda_info{{pid="{process.pid}"}}'), [])
        self.test_up()

    def test_documented_queries(self):
        self.next_read(self.redis)  # two of them, for rates
        queries = [cell.strip("`") for row in documented() for cell in row
                   if "(" in cell or "{" in cell]
        self.assertGreater(len(queries), 30)
        for query in queries:
            with self.subTest(query):
                self.assertTrue(self.prometheus.query(query))


def documented():
    """The rows of all tables, but for their heads."""
    with open(METRICS) as file:
        return [[cell.strip() for cell in line.strip().strip("|").split("|")]
                for line in file if line.startswith("| `")]


class Document(unittest.TestCase):
    def test_complete(self):
        """Each number has its row, and each row its number."""
        with running(), exporting() as exporter:
            families = exporter.families()
        rows = []
        for family in families:
            sample = family.samples[0]
            labels = [label for label in sample.labels
                      if label not in ("pid", "comm")]
            rows.append([f"`{sample.name}`", family.type, family.unit,
                         ", ".join(labels), family.documentation])
        self.maxDiff = None
        self.assertEqual([row[:5] for row in documented() if len(row) == 6],
                         rows)

    def test_example(self):
        check = subprocess.run(["promtool", "check", "config", EXAMPLE],
                               stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT)
        self.assertEqual(check.returncode, 0, check.stdout)


def skip_without_programs():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if not openmetrics:
        missing.append("python3-prometheus-client")
    if missing:
        print("SKIPPED: not installed:", " ".join(missing))
        sys.exit(77)


if __name__ == "__main__":
    skip_without_programs()
    main()
