#!/usr/bin/env python3
"""whatis.py PAGODA LIBRARY LIVE-PROGRAM PROGRAM: what "pagoda whatis" says of a thousand
random addresses of all kinds, against what the program knows of them."""

import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from program import LIBRARY, MORE, PAGODA, main, running

PROGRAM = MORE[0]

FREE = {"free pages", "free pages kept by a CPU", "free vmalloc space",
        "freed large block kept by a CPU", "room of a vmalloc area",
        "gap in a slab", "reserved, not ready for use"}
# What a block of each label may be.
KINDS = {"malloc": {"object", "large block", "vmalloc area"},
         "kmem": {"object"}, "pages": {"large block"},
         "vmalloc": {"vmalloc area"},
         "mmap": {"mapping that is looked after"},
         "pager": {"mapping with a pager"},
         "own": {"the library's own data", "boot arena"}}
# Lines of each label, at least; "pager" only where the system allows it.
LABELS = {"malloc": 600, "kmem": 150, "pages": 100, "vmalloc": 60, "mmap": 60,
          "alien": 60, "own": 40, "never": 80, "stack": 20, "data": 20,
          "libc": 20, "code": 20}


def whatis(*args):
    return subprocess.run([PAGODA, "whatis", *map(str, args)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)


def parse(answer):
    return dict(line.split(maxsplit=1) for line in answer.splitlines())


class Whatis(unittest.TestCase):
    def run_program(self, seed, *options, trim=False, blocks=20000):
        args = [PAGODA, "run", "--lib", LIBRARY]
        for option in options:
            args += ["--option", option]
        process = subprocess.Popen(args + [PROGRAM, str(seed), str(blocks)]
                                   + trim * ["trim"], text=True,
                                   stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        lines = []
        while (line := process.stdout.readline().split()):
            lines.append(line)
        return process.pid, lines

    def check_one(self, line, answer):
        address, truth, start, size, label = line
        kind, state = answer["is:"], answer.get("state:", "")
        self.assertEqual(int(answer["address:"], 16), int(address, 16))
        if truth == "other":
            self.assertEqual(kind, "not of the library")
        elif truth == "freed":
            self.check_freed(kind, state, answer)
        else:
            self.assertIn(kind, KINDS[label])
        if truth == "live":
            self.check_live(line, answer)
        elif truth == "mapping":
            # Neighbours may have become one.
            shown = int(answer["start:"], 16)
            self.assertLessEqual(shown, int(start, 16))
            self.assertGreaterEqual(shown + int(answer["size:"]),
                                    int(start, 16) + int(size, 16))

    def check_live(self, line, answer):
        address, _, start, size, label = line
        self.assertEqual(int(answer["start:"], 16), int(start, 16))
        self.assertGreaterEqual(int(answer["size:"]), int(size, 16))
        self.assertEqual(int(answer["offset:"]),
                         int(address, 16) - int(start, 16))
        if answer["is:"] == "object":
            self.assertEqual(answer["state:"], "allocated")
        if label == "kmem":
            self.assertEqual(answer["cache:"], "whatis")

    def check_freed(self, kind, state, answer):
        if kind == "object":
            self.assertRegex(state, "^free, in ")
            # Its page may be in a slab of another size by now.
            self.assertLessEqual(int(answer["offset:"]),
                                 int(answer["size:"]))
        else:
            self.assertIn(kind, FREE)

    def check_lines(self, lines):
        """Are there enough of each label, of blocks also freed ones?"""
        labels = collections.Counter(line[4] for line in lines)
        self.assertGreater(len(lines), 1000)
        for label, count in LABELS.items():
            self.assertGreaterEqual(labels[label], count, label)
        self.assertLessEqual(set(labels), {*LABELS, "pager"})
        freed = collections.Counter(line[4] for line in lines
                                    if line[1] == "freed")
        for label in "malloc", "kmem", "pages", "vmalloc":
            self.assertTrue(0 < freed[label] < labels[label], freed)

    def check_text(self, lines, run):
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        answers = run.stdout.split("\n\n")
        self.assertEqual(len(answers), len(lines))
        for line, answer in zip(lines, map(parse, answers)):
            with self.subTest(line=line, answer=answer):
                self.check_one(line, answer)

    def check_all(self, seed, *options, trim=False):
        pid, lines = self.run_program(seed, *options, trim=trim)
        self.check_lines(lines)
        os.kill(pid, signal.SIGSTOP)
        try:
            run = whatis(pid, *(line[0] for line in lines))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.check_text(lines, run)

    def test_truth(self):
        for options in ([], ["percpu=lock"], ["barn_limit=16"],
                        ["numa=fake=3"], ["block_budget=0"]):
            for seed in 1, 2:
                with self.subTest(options=options, seed=seed):
                    self.check_all(seed, *options)

    def test_empty_barns(self):
        for options in [], ["percpu=lock"]:
            self.check_all(4, *options, trim=True)

    def test_running(self):
        """Of a program that is busy there is always an answer."""
        rng = random.Random(7)
        with running() as program:
            program.do("alloc 100 10000 4")
            zone = re.search(r"^(\w+)-(\w+) .*\[pagoda:Normal\]$",
                             program.show(), re.M)
            start, end = (int(text, 16) for text in zone.groups())
            program.begin("churn 2000 4")
            for _ in range(10):
                run = whatis(program.pid, *(hex(rng.randrange(start, end))
                                            for _ in range(100)))
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                kinds = [parse(answer)["is:"]
                         for answer in run.stdout.split("\n\n")]
                self.assertNotIn("not of the library", kinds)
                self.assertIn("object", kinds)
            program.finish()
            program.do("free 4")

    def test_json(self):
        """The same, in another form."""
        pid, lines = self.run_program(5)
        addresses = [line[0] for line in lines]
        os.kill(pid, signal.SIGSTOP)
        try:
            text = whatis(pid, *addresses).stdout
            places = json.loads(whatis("--json", pid, *addresses).stdout)
        finally:
            os.kill(pid, signal.SIGCONT)
        answers = [parse(answer) for answer in text.split("\n\n")]
        self.assertEqual(len(places), len(answers))
        for place, answer in zip(places, answers):
            with self.subTest(place=place, answer=answer):
                self.check_place(place, answer)

    def check_place(self, place, answer):
        for key in "address", "start", "offset", "size", "number", "is", "cache":
            self.assertEqual(str(place.get(key)),
                             answer.get(key + ":", "None"), key)
        state = answer.get("state:")
        if "cpu" in place:
            self.assertEqual(f"{place['state']} {place['cpu']}", state)
        else:
            self.assertEqual(place.get("state"), state)
        if "zone" in place:
            self.assertEqual(f"node {place['node']}, {place['zone']}",
                             answer["zone:"])
        if "cache" in place:
            self.assertEqual(
                "{slab}, {objects_per_slab} objects, {free_in_slab} free in it"
                .format(**place), answer["slab:"])

    @unittest.skipUnless(shutil.which("gcore"), "gdb is not installed")
    def test_core(self):
        # gdb saves all of the span, whether anything was ever in it or not.
        pid, lines = self.run_program(6, "span=512", blocks=1500)
        with tempfile.TemporaryDirectory(prefix="pagoda-whatis.") as folder:
            gcore = subprocess.run(["gcore", "-o", f"{folder}/core", str(pid)],
                                   stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.STDOUT)
            if not os.path.exists(f"{folder}/core.{pid}"):
                self.skipTest(gcore.stdout)
            addresses = [line[0] for line in lines]
            run = whatis("--core", f"{folder}/core.{pid}", *addresses)
            self.check_text(lines, run)
            self.assertEqual(run.stdout, whatis(pid, *addresses).stdout)

    def test_refused(self):
        pid, _ = self.run_program(3)
        run = whatis(os.getpid(), "1000")
        self.assertEqual(run.returncode, 5)
        self.assertEqual(run.stderr.count("\n"), 1)
        for wrong in "xyz", "", "-1", "1 2", "1" * 17:
            run = whatis(pid, wrong)
            self.assertEqual(run.returncode, 2)
            self.assertIn("is not an address", run.stderr)
        self.assertEqual(whatis(pid).returncode, 2)
        self.assertEqual(whatis("none", "1").returncode, 2)
        self.assertEqual(whatis(pid, "0x1000").returncode, 0)
        self.assertEqual(whatis("--core", PAGODA, "1").returncode, 7)
        self.assertEqual(whatis("--core", PAGODA).returncode, 2)
        self.assertEqual(whatis("--core", PAGODA + "x", "1").returncode, 1)
        self.assertEqual(whatis("--core").returncode, 2)


if __name__ == "__main__":
    main()
