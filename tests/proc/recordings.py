"""Recordings for the tests of what makes and reads them."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from program import LIBRARY, MORE, PAGODA


def pagoda(*args, **more):
    return subprocess.run([PAGODA, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120,
                          **more)


def lines_of(path):
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


def lines_of_type(path, kind):
    return [line for line in lines_of(path) if line["type"] == kind]


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def needs_reader(test):
    """Skips what the tool was built without."""
    run = pagoda("diff", "/dev/null")
    without = "built without" in run.stderr
    return unittest.skipIf(without, run.stderr.strip())(test)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pagoda-record.")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def check(self, status, *args, **more):
        """The command ends with that status; what failed said so in a line.
        Returns what it printed."""
        run = pagoda(*args, **more)
        self.assertEqual(run.returncode, status, run)
        if status not in (0, 10):
            self.assertRegex(run.stderr, r"\Apagoda: [^\n]+\n"
                             r"(Try 'pagoda \w+ --help'.\n)?\Z")
        return run.stdout or run.stderr

    def start(self, *args):
        """A program on the library; its process."""
        process = subprocess.Popen(
            [PAGODA, "run", "--lib", LIBRARY, "--", *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        return process

    def start_program(self, ticks=0):
        """tests/proc/record_program.c, when it is ready; its process."""
        process = self.start(MORE[0], ticks)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, "it takes too long")
            time.sleep(0.01)

    def record_program(self, ticks, name="program.rec", interval="0.02"):
        """Of tests/proc/record_program.c from its start to its end."""
        path = self.path(name)
        self.check(0, "run", "--lib", LIBRARY, "--record", path, "--interval",
                   interval, "--", MORE[0], ticks, stdin=subprocess.DEVNULL)
        return path

    @contextlib.contextmanager
    def redis(self):
        """A server on the library with 20,000 keys; its process, and a function
        that sets NUMBER keys that begin with NAME to SIZE bytes."""
        for need in "redis-server", "redis-cli":
            if not shutil.which(need):
                self.skipTest(f"{need} is not installed")
        socket = self.path("redis.sock")
        process = self.start("redis-server", "--port", "0", "--unixsocket",
                             socket, "--save", "", "--dir", self.folder,
                             "--logfile", self.path("log"))

        def ask(*args):
            return subprocess.run(
                ["redis-cli", "-s", socket, *map(str, args)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=60).stdout

        def fill(number, name, size):
            done = ask("eval", """for i = 1, ARGV[1] do
                redis.call("set", ARGV[2] .. i, string.rep("x", ARGV[3]))
                end return ARGV[1]""", 0, number, name, size)
            self.assertEqual(done, f"{number}\n")

        self.wait_for(lambda: ask("ping") == "PONG\n")
        fill(20000, "a", 300)
        yield process, fill
