#!/usr/bin/env python3
"""whatis.py PAGODA LIBRARY LIVE-PROGRAM PROGRAM: what "pagoda whatis" says of a thousand
addresses, against what the program knows of them."""

import os
import signal
import subprocess
import unittest

from program import LIBRARY, MORE, PAGODA, main

PROGRAM = MORE[0]

FREE = {"free pages", "free pages kept by a CPU", "free vmalloc space",
        "freed large block kept by a CPU", "room of a vmalloc area",
        "gap in a slab", "reserved, not ready for use"}
RUNS = {"large block", "vmalloc area"}


def whatis(pid, *addresses):
    return subprocess.run([PAGODA, "whatis", str(pid), *addresses],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)


def parse(answer):
    return dict(line.split(maxsplit=1) for line in answer.splitlines())


class Whatis(unittest.TestCase):
    def run_program(self, seed, *options, trim=False):
        args = [PAGODA, "run", "--lib", LIBRARY]
        for option in options:
            args += ["--option", option]
        process = subprocess.Popen(args + [PROGRAM, str(seed)] + trim * ["trim"],
                                   text=True,
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
        """Return: whether the answer leaves it open if it is allocated."""
        address, truth, start, usable = line
        kind, state = answer["is:"], answer.get("state:", "")
        self.assertEqual(int(answer["address:"], 16), int(address, 16))
        if truth == "other":
            self.assertEqual(kind, "not of the library")
        elif truth == "live":
            self.assertEqual(int(answer["start:"], 16), int(start, 16))
            self.assertGreaterEqual(int(answer["size:"]), int(usable, 16))
            self.assertEqual(int(answer["offset:"]),
                             int(address, 16) - int(start, 16))
            if kind == "object":
                self.assertRegex(state, "^allocated")
            else:
                self.assertIn(kind, RUNS)
        elif kind == "object":
            self.assertNotEqual(state, "allocated")
            # Its page may be in a slab of another size by now.
            self.assertLessEqual(int(answer["offset:"]),
                                 int(answer["size:"]))
        else:
            self.assertIn(kind, FREE)
        return "or free" in state

    def check_all(self, seed, *options, trim=False):
        pid, lines = self.run_program(seed, *options, trim=trim)
        os.kill(pid, signal.SIGSTOP)
        try:
            run = whatis(pid, *(line[0] for line in lines))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        answers = run.stdout.split("\n\n")
        self.assertEqual(len(answers), len(lines))
        self.assertGreater(len(lines), 990)
        unsure = 0
        for line, answer in zip(lines, map(parse, answers)):
            with self.subTest(line=line, answer=answer):
                unsure += self.check_one(line, answer)
        return len(lines), unsure

    def test_truth(self):
        for options in ([], ["percpu=lock"], ["barn_limit=16"],
                        ["numa=fake=3"], ["block_budget=0"]):
            for seed in 1, 2:
                with self.subTest(options=options, seed=seed):
                    print(options, seed, "of %d addresses %d unsure"
                          % self.check_all(seed, *options))

    def test_empty_barns(self):
        """Without objects in barns there is nothing unsure."""
        for options in [], ["percpu=lock"]:
            self.assertEqual(self.check_all(4, *options, trim=True)[1], 0)

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


if __name__ == "__main__":
    main()
