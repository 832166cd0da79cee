#!/usr/bin/env python3
"""cores.py PAGODA LIBRARY PROGRAM: core files show what the process showed;
cut and spoiled ones are refused in one line."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

from program import PAGODA, PROGRAM, main, running

STATUSES = {0, 5, 6, 7}


def stat(*args):
    return subprocess.run([PAGODA, "stat", *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)


def kernel_core():
    """How the kernel names a core file, if it writes one."""
    with open("/proc/sys/kernel/core_pattern") as file:
        pattern = file.read().strip()
    if pattern.startswith("|") or "/" in pattern or "%" in pattern:
        return None
    return pattern


class Cores(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pagoda-cores.")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.core = os.path.join(self.folder, "core")

    def check_same(self, live, core):
        for form, text in live.items():
            self.assertEqual(core[form], text)

    def forms(self, *args):
        found = {}
        for form in [], ["--json"], ["--openmetrics"]:
            run = stat(*form, *args)
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            found[tuple(form)] = run.stdout
        return found

    @unittest.skipUnless(shutil.which("gcore"), "gdb is not installed")
    def test_gcore(self):
        # gdb saves all of the span, whether anything was ever in it or not.
        with running("span=64") as program:
            program.do("alloc 777 1000 2")
            program.do("alloc 9000000 2 1")
            os.kill(program.pid, signal.SIGSTOP)
            try:
                live = self.forms(str(program.pid))
                gcore = subprocess.run(
                    ["gcore", "-o", self.core, str(program.pid)],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            finally:
                os.kill(program.pid, signal.SIGCONT)
            path = f"{self.core}.{program.pid}"
            if not os.path.exists(path):
                self.skipTest(gcore.stdout.decode(errors="replace"))
            self.check_same(live, self.forms("--core", path))
            program.do("free 2")

    def make_core(self):
        """A core file of the kernel's, and what the process showed before."""
        def prepare():
            os.chdir(self.folder)
            # A shell that runs the tests in the background ignores it.
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE,
                               (resource.RLIM_INFINITY,) * 2)

        name = kernel_core()
        if not name:
            self.skipTest("the kernel hands core files to a program")
        with running(preexec_fn=prepare) as program:
            program.do("alloc 777 1000 2")
            live = self.forms(str(program.pid))
            os.kill(program.pid, signal.SIGQUIT)
            program.process.wait()
            program.expected = -signal.SIGQUIT
        for path in name, f"{name}.{program.pid}":
            path = os.path.join(self.folder, path)
            if os.path.exists(path):
                return path, live
        self.skipTest("the kernel wrote no core file")

    def test_kernel(self):
        path, live = self.make_core()
        self.check_same(live, self.forms("--core", path))
        run = stat("--core", path, "--json", "meminfo")
        self.assertEqual(list(json.loads(run.stdout))[-1], "meminfo")

    def refused(self, path, status, text):
        run = stat("--core", path)
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertEqual(run.stdout, b"")
        self.assertEqual(run.stderr.count(b"\n"), 1)
        self.assertIn(text, run.stderr)

    def test_not_a_core(self):
        for content in b"", b"\x7fELF", b"text\n" * 100:
            with open(self.core, "wb") as file:
                file.write(content)
            self.refused(self.core, 7, b"not a 64-bit ELF core")
        self.refused(PROGRAM, 7, b"not a 64-bit ELF core")
        self.refused(self.folder, 7, b"not a 64-bit ELF core")
        self.refused(self.core + "x", 1, b"No such file")

    @unittest.skipUnless(shutil.which("gcore"), "gdb is not installed")
    def test_no_pagoda(self):
        with running(plain=True) as program:
            subprocess.run(["gcore", "-o", self.core, str(program.pid)],
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            self.refused(f"{self.core}.{program.pid}", 5, b"did not run on")

    def test_truncated(self):
        path, _ = self.make_core()
        size = os.path.getsize(path)
        for part in range(16, 0, -1):
            os.truncate(path, size * part // 16 - 1)
            self.refused(path, 7, b"truncated")

    def test_spoiled(self):
        """Whatever is in it: an answer, or one line and a status."""
        path, _ = self.make_core()
        rng = random.Random(5)
        with open(path, "rb") as file:
            head = file.read(16384)
        for _ in range(400):
            bad = bytearray(head)
            for _ in range(rng.choice((1, 1, 4, 64))):
                # Mostly in the tables.
                at = rng.randrange(rng.choice((64, 4096, len(head))))
                bad[at] = rng.choice((0, 1, 0x7f, 0xff, rng.randrange(256)))
            with open(path, "r+b") as file:
                file.write(bad)
            run = stat("--core", path, "slabinfo")
            self.assertIn(run.returncode, STATUSES, run.stderr)
            if run.returncode:
                self.assertEqual(run.stderr.count(b"\n"), 1)


if __name__ == "__main__":
    main()
