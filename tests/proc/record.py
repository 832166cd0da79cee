#!/usr/bin/env python3
"""record.py PAGODA LIBRARY LIVE-PROGRAM PROGRAM: "pagoda record" and "pagoda run
--record" against "pagoda stat", "pagoda diff" against a planted leak; recordings
that were cut off, spoiled or made up."""

import json
import os
import pwd
import random
import resource
import signal
import subprocess
import time
import unittest

from program import LIBRARY, PAGODA, main, running
from recordings import (Case, lines_of, lines_of_type, needs_reader, pagoda,
                        stopped)


class Record(Case):
    def test_stopped(self):
        """What is recorded of a stopped process is what it shows."""
        path = self.path("x.rec")
        with running() as program:
            program.do("alloc 700 5000 2")
            program.do("alloc 100000 20 1")
            program.do("alloc 9000000 2 1")
            program.do("churn 100 2")
            with stopped(program.pid):
                self.check(0, "record", program.pid, "-o", path, "-n", 1)
                shown = json.loads(program.show("--json"))
            program.do("free 1")
        header, *lines = lines_of(path)
        self.assertEqual(header["type"], "recording")
        self.assertEqual(header["version"], 1)
        self.assertEqual(header["pid"], program.pid)
        self.assertEqual({name: mode["value"] for name, mode in
                          shown["modes"].items()}, header["modes"])
        (sample,) = lines_of_type(path, "sample")
        for name, value in sample["memory"].items():
            self.assertEqual(value, shown["meminfo"][name], name)
        for zone in sample["zones"]:
            (its,) = [z for z in shown["zoneinfo"] if
                      (z["node"], z["zone"]) == (zone["node"], zone["zone"])]
            self.assertEqual(its, its | zone)
        self.assertEqual({name: n for name, n in shown["vmstat"].items() if n},
                         sample["events"])
        names = {line["id"]: line for line in lines
                 if line["type"] == "cache"}
        found = {names[id]["name"]: numbers
                 for id, *numbers in sample["caches"]}
        self.assertEqual(found, {
            cache["name"]: [cache["active_objects"], cache["objects"],
                            cache["slabs"]]
            for cache in shown["slabinfo"]
            if cache["objects_per_slab"] and cache["slabs"]})
        self.assertEqual(sample["areas"]["vmalloc"][0], 2)
        self.assertEqual(lines[-1], {"type": "end", "ms": lines[-1]["ms"],
                                     "reason": "its time was over"})

    def test_redis(self):
        path = self.path("redis.rec")
        with self.redis() as (process, fill):
            recorder = subprocess.Popen([PAGODA, "record", str(process.pid),
                                         "-o", path, "-i", "0.05"])
            self.addCleanup(recorder.wait)
            self.wait_for(lambda: os.path.exists(path))
            for i in range(10):
                fill(4000 * (i + 2), "b", 100 * (i + 1))
            recorder.send_signal(signal.SIGINT)
            self.assertEqual(recorder.wait(20), 0)
        samples = lines_of_type(path, "sample")
        self.assertGreater(len(samples), 3)
        self.check_samples(path)
        self.assertGreater(samples[-1]["memory"]["heap_bytes"],
                           samples[0]["memory"]["heap_bytes"] + 10**6)
        self.assertGreater(samples[-1]["rss_bytes"], 10**6)
        self.assertEqual(lines_of(path)[-1]["reason"], "it was interrupted")

    def check_samples(self, path, torn=0):
        """@torn: samples during which the heap may have grown by much, the
        recorder having to wait for a processor between two reads."""
        known, last, off = set(), -1, []
        for line in lines_of(path)[1:]:
            if line["type"] == "cache":
                known.add(line["id"])
            if line["type"] != "sample":
                continue
            self.assertGreater(line["ms"], last)
            last = line["ms"]
            self.assertLessEqual({c[0] for c in line["caches"]}, known)
            # Close to each other in a process that runs: zones grow by an
            # eighth, at least 1 MiB.
            memory = line["memory"]
            online = sum(memory[f"{name}_bytes"] for name in (
                "free", "pcp", "slab", "large", "large_cached",
                "vmalloc_used", "vmalloc_free"))
            if (abs(online - memory["online_bytes"]) >=
                    max(memory["online_bytes"] / 4, 2**21)):
                off.append(memory)
        self.assertLessEqual(len(off), torn, off)

    def test_interval(self):
        process = self.start_program()
        path = self.path("x.rec")
        self.check(0, "record", process.pid, "-o", path, "-i", "0.1",
                   "--duration", "1.05")
        times = [s["ms"] for s in lines_of_type(path, "sample")]
        self.assertLessEqual(len(times), 12)
        self.assertGreater(len(times), 1)
        for ms in times[:-1]:
            self.assertLess(ms, 1050)
        self.check(0, "record", process.pid, "-o", path, "-i", "0.01",
                   "--count", "7")
        self.assertEqual(len(lines_of_type(path, "sample")), 7)

    def test_run(self):
        """From the start to the end; the status is the program's."""
        path = self.path("x.rec")
        for script, status in ("exit 0", 0), ("exit 7", 7), \
                ("kill -KILL $$", -9):
            run = pagoda("run", "--lib", LIBRARY, "-r", path, "-i", "0.01",
                         "--", "/bin/sh", "-c", "sleep 0.2; " + script)
            self.assertEqual(run.returncode, status, run.stderr)
            lines = lines_of(path)
            self.assertIn("/bin/sh -c", lines[0]["command"])
            self.assertEqual(lines[-1]["reason"], "the process ended")
            self.check_samples(path)
        os.unlink(path)
        run = pagoda("run", "--lib", LIBRARY, "-r", self.path("no/x"), "--",
                     "touch", path)
        self.assertEqual(run.returncode, 1)
        self.assertFalse(os.path.exists(path), "the program was run")

    def test_run_not_pagoda(self):
        """A program that never uses the library leaves no recording."""
        path = self.path("x.rec")
        run = pagoda("run", "--lib", LIBRARY, "-r", path, "--", "/bin/sh",
                     "-c", "unset LD_PRELOAD; exec sleep 0.3")
        self.assertEqual(run.returncode, 0)
        # The shell itself may have been seen.
        self.assertTrue("nothing to record" in run.stderr or
                        "before there was anything" in run.stderr or
                        os.path.exists(path), run.stderr)

    def test_exec(self):
        """Another program in the same process, between two samples."""
        path = self.path("x.rec")
        run = pagoda("run", "--lib", LIBRARY, "-r", path, "-i", "0.02", "--",
                     "/bin/sh", "-c", "sleep 0.1; exec sleep 0.2")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(lines_of(path)[-1]["reason"], "the process ended")

    def test_busy(self):
        """A process that changes all the time."""
        path = self.path("x.rec")
        with running() as program:
            program.begin("churn 3000 8")
            self.check(0, "record", program.pid, "-o", path, "-i", "0.001",
                       "-n", 300)
            program.finish()
        self.check_samples(path, torn=3)

    def test_refused(self):
        process = self.start_program()
        path = self.path("x.rec")
        pid = process.pid
        plain = subprocess.Popen(["sleep", "60"])
        self.addCleanup(plain.wait)
        self.addCleanup(plain.kill)
        gone = subprocess.Popen(["true"])
        gone.wait()
        for status, args in (
                (2, []), (2, ["-o", path]), (2, [pid]), (2, ["x", "-o", path]),
                (2, [pid, pid, "-o", path]), (2, [pid, "-o"]),
                (2, [pid, "-o", path, "-i", "0"]),
                (2, [pid, "-o", path, "-i", "1e3"]),
                (2, [pid, "-o", path, "-i", "-1"]),
                (2, [pid, "-o", path, "-d", ""]),
                (2, [pid, "-o", path, "-n", "0"]),
                (2, [pid, "-o", path, "-n", "-1"]),
                (2, [pid, "-o", path, "-n", "1x"]),
                (2, [pid, "-o", path, "--wrong"]),
                (3, [gone.pid, "-o", path]), (5, [plain.pid, "-o", path]),
                (1, [pid, "-o", self.path("no/x")]),
                (1, [pid, "-o", self.folder]), (1, [pid, "-o", "/dev/full"])):
            with self.subTest(args=args):
                self.check(status, "record", *args)
                self.assertEqual(os.listdir(self.folder), [])

    def test_full(self):
        """No room for the first sample, and for a later one."""
        process = self.start_program(100000)
        path = self.path("x.rec")

        def record(room):
            limit = (resource.RLIMIT_FSIZE, (room, room))
            text = self.check(1, "record", process.pid, "-o", path, "-i",
                              "0.001", restore_signals=False,
                              preexec_fn=lambda: resource.setrlimit(*limit))
            self.assertIn("File too large", text)

        for room in 0, 100, 1500:
            record(room)
            self.assertFalse(os.path.exists(path), room)
        record(60000)
        self.check_samples(path)
        self.assertGreater(len(lines_of_type(path, "sample")), 5)

    @unittest.skipIf(os.geteuid(), "only root can become another user")
    def test_foreign(self):
        process = self.start_program()
        nobody = pwd.getpwnam("nobody").pw_uid
        if subprocess.run([PAGODA, "--version"], user=nobody,
                          stdout=subprocess.DEVNULL).returncode:
            self.skipTest("nobody may not run the tool where it was built")
        os.chmod(self.folder, 0o777)
        for command in "record", "map":
            self.check(4, command, process.pid, "-o", self.path("x.svg"),
                       user=nobody)
        self.assertEqual(os.listdir(self.folder), [])


@needs_reader
class Diff(Case):
    def diff(self, *paths, status=10):
        return json.loads(self.check(status, "diff", "--json", *paths))

    def test_leak(self):
        path = self.record_program(200)
        rows = self.diff(path)["grown"]
        by_name = {row["name"]: row for row in rows}
        leak = by_name["kmalloc-224"]
        self.assertEqual(rows[0], leak)
        self.assertTrue(leak["steady"])
        self.assertGreaterEqual(leak["last_objects"], 40 * 190)
        self.assertGreater(leak["bytes_per_second"], 0)
        # What was allocated at once is more, and ranks behind.
        jump = by_name["kmalloc-1024"]
        self.assertFalse(jump["steady"])
        self.assertGreater(jump["grown_bytes"], leak["grown_bytes"])
        for name in "kmalloc-512", "kmalloc-96", "kmalloc-3072":
            self.assertFalse(by_name.get(name, {}).get("steady"), name)
        text = self.check(10, "diff", path)
        self.assertLess(text.index("Grows steadily"),
                        text.index("kmalloc-224"))
        self.assertLess(text.index("kmalloc-224"),
                        text.index("not steadily"))

    def test_nothing(self):
        path = self.path("x.rec")
        process = self.start_program()
        self.check(0, "record", process.pid, "-o", path, "-i", "0.01", "-n",
                   20)
        self.assertEqual(self.diff(path, status=0)["grown"], [])
        self.assertIn("Nothing grew", self.check(0, "diff", path))
        self.check(0, "record", process.pid, "-o", path, "-n", 1)
        self.assertIn("Nothing grew", self.check(0, "diff", path))

    def test_two(self):
        """From the end of the one to the end of the other."""
        paths = [self.path("1.rec"), self.path("2.rec")]
        with running() as program:
            for path in paths:
                with stopped(program.pid):
                    self.check(0, "record", program.pid, "-o", path, "-n", 1)
                program.do("alloc 2000 3000 1")
            program.do("free 1")
        (row,) = [row for row in self.diff(*paths, status=0)["grown"]
                  if row["name"] == "kmalloc-2048"]
        self.assertEqual(row["last_objects"] - row["first_objects"], 3000)
        self.assertEqual(row["grown_bytes"], 3000 * 2048)
        self.assertFalse(row["steady"])
        self.assertNotIn("kmalloc-2048",
                         self.check(0, "diff", *reversed(paths)))


@needs_reader
class Files(Case):
    """Whatever is in the file: a line that says so, and no page."""

    def read(self, path):
        """The statuses of who reads it; the page is there or not."""
        page = self.path("page.html")
        statuses = set()
        for args in ["report", path, "-o", page], ["diff", path], \
                ["diff", "--json", path]:
            run = pagoda(*args)
            statuses.add(run.returncode if run.returncode != 10 else 0)
            self.assertLessEqual(run.stderr.count("\n"), 1)
        self.assertEqual(len(statuses), 1)
        (status,) = statuses
        self.assertEqual(os.path.exists(page), status == 0)
        if not status:
            os.unlink(page)
        return status

    def write(self, data):
        path = self.path("spoiled.rec")
        with open(path, "wb") as file:
            file.write(data)
        return path

    def make(self):
        with open(self.record_program(10), "rb") as file:
            return file.read()

    def test_cut(self):
        data = self.make()
        first = data.index(b'{"type":"sample"')
        first_end = data.index(b"\n", first) + 1
        rng = random.Random(1)
        for at in [0, 1, first, first_end - 1, first_end, first_end + 1,
                   len(data) - 1] + rng.sample(range(len(data)), 30):
            with self.subTest(at=at):
                path = self.write(data[:at])
                expected = 0 if at >= first_end else 7
                self.assertEqual(self.read(path), expected)
        run = pagoda("diff", self.write(data[:-1]))
        self.assertIn("cut off", run.stderr)

    def test_spoiled(self):
        data = self.make()
        lines = data.split(b"\n")
        rng = random.Random(2)
        statuses = set()
        for _ in range(60):
            spoiled = bytearray(data)
            for _ in range(rng.randrange(1, 4)):
                spoiled[rng.randrange(len(data))] = rng.randrange(256)
            statuses.add(self.read(self.write(bytes(spoiled))))
        self.assertLessEqual(statuses, {0, 6, 7})
        self.assertIn(7, statuses)
        sample = next(i for i, line in enumerate(lines)
                      if line.startswith(b'{"type":"sample"'))
        for change in (b"", b"[]", b"{}", b"null", b'"', b"\0\0",
                       lines[sample][:-3],
                       b'{"type":"sample","ms":1,"caches":[[255,1,1,1]]}',
                       b'{"type":"sample","ms":1,"caches":[["x"]]}',
                       b'{"type":"cache","id":0,"name":"x"}',
                       b'{"type":"cache","id":256,"name":"x"}',
                       b'{"type":"map","ms":1,"regions":[{"runs":[999,1]}]}',
                       b'{"type":"map","ms":1,"regions":[{"runs":[1]}]}',
                       b'{"type":"map","ms":1,"regions":[{"offset":512}]}',
                       b'{"type":"map","ms":1,"regions":['
                       b'{"runs":[1,4294967295,2,9]}]}',
                       b'{"type":"map","ms":1,"regions":['
                       b'{"runs":[1,1],"blocks":"UM"}]}',
                       b"[" * 100000):
            with self.subTest(change=change[:60]):
                path = self.write(b"\n".join(lines[:-2] + [change] +
                                             lines[-2:]))
                self.assertEqual(self.read(path), 7)
                run = pagoda("diff", path)
                self.assertIn(f"line {len(lines) - 1}", run.stderr)

    def test_other(self):
        data = self.make()
        other = data.replace(b'"version":1', b'"version":2', 1)
        self.assertEqual(self.read(self.write(other)), 6)
        self.assertIn("version 2", pagoda("diff", self.write(other)).stderr)
        more = data.replace(b'"ms":', b'"new":{"x":[1.5,-2,null]},"ms":')
        more = more.replace(b'\n{"type":"sample"',
                            b'\n{"type":"later"}\n{"type":"sample"', 1)
        self.assertEqual(self.read(self.write(more)), 0)
        for text in b"", b"\n", b"hello\n", b"\x7fELF\0\0\0", b"{}\n", \
                b'{"type":"sample"}\n':
            self.assertEqual(self.read(self.write(text)), 7)
        self.assertEqual(self.read(self.path("none")), 1)
        self.assertEqual(self.read(self.folder), 1)

    def test_killed(self):
        """What was written before is there, and is used."""
        path = self.path("x.rec")
        process = self.start_program(100000)
        for _ in range(3):
            recorder = subprocess.Popen([PAGODA, "record", str(process.pid),
                                         "-o", path, "-i", "0.001"])
            self.wait_for(lambda: os.path.exists(path) and
                          os.path.getsize(path) > 100000)
            recorder.kill()
            recorder.wait()
            with open(path, encoding="ascii") as file:
                *lines, _ = file.read().split("\n")
            self.assertGreater(len([json.loads(line) for line in lines]), 9)
            self.assertEqual(self.read(path), 0)

    def test_unwritable(self):
        path = self.record_program(10)
        for where in self.path("no/page.html"), self.folder, "/dev/full":
            self.check(1, "report", path, "-o", where)
        for args in [], [path], [path, path, "-o", "x"], ["-o", "x"], \
                [path, "-o"], [path, "-x"]:
            self.check(2, "report", *args)
        for args in [], [path] * 3, ["--wrong", path]:
            self.check(2, "diff", *args)
        self.assertEqual(os.listdir(self.folder), [os.path.basename(path)])


if __name__ == "__main__":
    main()
