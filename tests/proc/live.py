#!/usr/bin/env python3
"""live.py PAGODA LIBRARY PROGRAM: what the pagoda tool and the stats file show
of a program that runs on the library, against what the program did."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from program import LIBRARY, PAGODA, PROGRAM, main, running

FILES = ["modes", "meminfo", "zoneinfo", "buddyinfo", "pagetypeinfo",
         "slabinfo", "sheafinfo", "vmallocinfo", "maps", "smaps", "vmstat"]


def split_files(text):
    """Text with "==> name <==" lines -> {name: text}."""
    parts = re.split(r"^==> (\w+) <==\n", text, flags=re.M)
    assert parts[0] == "", text[:200]
    return dict(zip(parts[1::2], parts[2::2]))


class Stats:
    """The numbers in all files of one moment."""

    def __init__(self, text):
        self.files = split_files(text)
        self.modes = dict(line.split(": ", 1)
                          for line in self.lines("modes"))
        self.meminfo = {}
        for line in self.lines("meminfo"):
            key, value = re.fullmatch(r"(\w+): +(\d+) kB", line).groups()
            self.meminfo[key] = int(value) * 1024
        self.vmstat = {name: int(value) for name, value in
                       (line.split() for line in self.lines("vmstat"))}
        self.read_slabs()
        self.read_zones()

    def lines(self, name):
        return self.files[name].rstrip("\n").split("\n")

    def read_slabs(self):
        row = re.compile(r"(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)"
                         r" : tunables +(\d+) +(\d+) +0"
                         r" : slabdata +(\d+) +(\d+) +(\d+)")
        fields = ("active", "num", "size", "per_slab", "pages", "limit",
                  "batch", "active_slabs", "slabs", "barn")
        self.slabs = {}
        for line in self.lines("slabinfo")[2:]:
            name, *values = row.fullmatch(line).groups()
            self.slabs[name] = dict(zip(fields, map(int, values)))
        self.sheaves = {}
        for line in self.lines("sheafinfo")[2:]:
            name, *values = re.findall(r"[\w.-]+", line)
            self.sheaves[name] = [int(v) for v in values if v.isdigit()]

    def read_zones(self):
        """Zones with memory, by (node, name)."""
        self.zones = {}
        for part in self.files["zoneinfo"].split("\nNode "):
            head = re.match(r"(?:Node )?(\d+), zone +(\w+)\n", part)
            numbers = dict(re.findall(r"(\w+) +(\d+)$", part, re.M))
            zone = {key: int(value) for key, value in numbers.items()}
            if zone["present"]:
                self.zones[head[1], head[2]] = zone
        self.free_blocks = {}
        for line in self.lines("buddyinfo"):
            node, name, *counts = re.findall(r"\w+", line)[1:2] + \
                re.findall(r"\w+", line)[3:]
            self.free_blocks[node, name] = [int(count) for count in counts]

    def active(self, name):
        """A cache is listed from its first use on."""
        return self.slabs[name]["active"] if name in self.slabs else 0

    def cache_of(self, size):
        """Name of the kmalloc cache for requests of that size."""
        fitting = [(cache["size"], name) for name, cache in self.slabs.items()
                   if name.startswith("kmalloc-") and cache["size"] >= size]
        return min(fitting)[1]


def stat(program):
    return Stats(program.show())


class Case(unittest.TestCase):
    def check_sums(self, stats):
        """The numbers of a program at rest add up."""
        mem, vm, page = stats.meminfo, stats.vmstat, int(
            stats.modes["pagesize"].split()[0])
        self.assertEqual(mem["MemTotal"], mem["MemFree"] + mem["PcpFree"] +
                         mem["Slab"] + mem["LargeAlloc"] +
                         mem["LargeCached"] + mem["VmallocUsed"] + mem["VmallocFree"])
        self.assertEqual(mem["Slab"], mem["SReclaimable"] + mem["SUnreclaim"])
        self.assertEqual(mem["MemFree"], vm["nr_free_pages"] * page)
        for key, zone in stats.zones.items():
            self.assertEqual(
                zone["managed"], zone["nr_free_pages"] + zone["nr_pcp_pages"] +
                zone["nr_slab_pages"] + zone["nr_large_pages"], key)
            self.assertLessEqual(zone["managed"], zone["present"])
            self.assertLessEqual(zone["present"], zone["spanned"])
            self.assertLessEqual(zone["nr_free_resident"],
                                 zone["nr_free_pages"])
            self.assertEqual(
                sum(count << order for order, count in
                    enumerate(stats.free_blocks[key])),
                zone["nr_free_pages"], key)
        self.assertEqual(set(stats.free_blocks), set(stats.zones))
        self.check_caches(stats)

    def check_caches(self, stats):
        self.assertEqual(
            sum(cache["slabs"] * cache["pages"]
                for cache in stats.slabs.values()),
            sum(zone["nr_slab_pages"] for zone in stats.zones.values()))
        self.assertEqual(list(stats.slabs),
                         [name for name in stats.sheaves
                          if not name.startswith("block-")])
        for name, cache in stats.slabs.items():
            self.assertEqual(cache["num"], cache["slabs"] * cache["per_slab"])
            self.assertEqual(sum(stats.sheaves[name][:4]), cache["num"], name)
            self.assertEqual(stats.sheaves[name][0], cache["active"])

    def check_objects(self, program, size, count, threads=1):
        """Exactly the objects that are alive are counted, nothing else."""
        before = stat(program)
        program.do(f"alloc {size} {count} {threads}")
        during = stat(program)
        name = during.cache_of(size)
        self.check_sums(during)
        program.do(f"free {threads}")
        after = stat(program)
        self.check_sums(after)
        for other in during.slabs:
            expected = before.active(other)
            self.assertEqual(after.active(other), expected, other)
            if other == name:
                expected += count * threads
            self.assertEqual(during.active(other), expected, other)


class Objects(Case):
    SIZES = [1, 16, 17, 100, 128, 500, 1024, 5000, 10000, 32768]

    def test_each_size(self):
        for percpu in "rseq", "lock":
            with running(f"percpu={percpu}") as program:
                for size in self.SIZES:
                    with self.subTest(percpu=percpu, size=size):
                        self.check_objects(program, size, 1000)

    def test_one_object(self):
        with running() as program:
            for size in self.SIZES:
                with self.subTest(size=size):
                    self.check_objects(program, size, 1)

    def test_threads(self):
        for percpu in "rseq", "lock":
            with running(f"percpu={percpu}") as program:
                for size in 48, 3000:
                    with self.subTest(percpu=percpu, size=size):
                        program.do(f"alloc {size} 10 8")
                        program.do("free 8")
                        self.check_objects(program, size, 2000, 8)

    def test_nodes(self):
        with running("numa=fake=3") as program:
            self.assertTrue(stat(program).modes["numa"].startswith("3"))
            for size in 64, 2000:
                self.check_objects(program, size, 3000)

    def test_committed(self):
        with running() as program:
            before = stat(program)
            program.do("alloc 1024 10000 1")
            self.assertEqual(stat(program).meminfo["Committed_AS"] -
                             before.meminfo["Committed_AS"], 10240000)
            program.do("free 1")

    def test_after_churn(self):
        """Random work by several threads leaves the same objects behind."""
        for options in (["percpu=rseq"], ["percpu=lock"], ["numa=fake=3"]):
            with self.subTest(options), running(*options) as program:
                before = stat(program)
                program.do("churn 300 4")
                after = stat(program)
                self.check_sums(after)
                for name in after.slabs:
                    self.assertEqual(after.active(name), before.active(name),
                                     name)


class Pages(Case):
    def test_large(self):
        with running() as program:
            before = stat(program)
            program.do("alloc 100000 50 1")
            during = stat(program)
            self.check_sums(during)
            self.assertEqual(during.vmstat["nr_large_pages"] -
                             before.vmstat["nr_large_pages"], 50 * 28)
            self.assertEqual(during.meminfo["LargeAlloc"] -
                             before.meminfo["LargeAlloc"], 50 * 28 * 4096)
            program.do("free 1")
            after = stat(program)
            self.check_sums(after)
            self.assertEqual(after.vmstat["nr_large_pages"],
                             before.vmstat["nr_large_pages"])
            cached = after.sheaves["block-114688"][3]
            self.assertGreater(cached, 1)
            self.assertEqual(after.meminfo["LargeCached"] -
                             before.meminfo["LargeCached"],
                             cached * 28 * 4096)

    def test_cached_blocks(self):
        """What the CPUs keep of large blocks goes back when asked for, also
        blocks that reached a size only by growing in place."""
        with running() as program:
            program.do("trim")
            before = stat(program)
            program.do("grow 70000 140000 3")
            program.do("alloc 300000 20 1")
            program.do("free 1")
            cached = stat(program)
            self.assertGreater(cached.sheaves["block-163840"][3], 0)
            self.assertGreaterEqual(cached.meminfo["LargeCached"], 163840)
            program.do("trim")
            after = stat(program)
            self.check_sums(after)
            self.assertEqual(after.meminfo["LargeCached"], 0)
            for key, zone in after.zones.items():
                self.assertEqual(zone["nr_large_pages"],
                                 before.zones[key]["nr_large_pages"], key)

    def test_block_budget(self):
        for budget in 0, 1024:
            with running(f"block_budget={budget}") as program:
                for size in 1000000, 500000, 100000, 50000:
                    program.do(f"alloc {size} 20 1")
                    program.do("free 1")
                after = stat(program)
                self.assertLessEqual(after.meminfo["LargeCached"],
                                     2 * budget << 10)
                self.assertEqual(after.meminfo["LargeCached"] > 0, budget > 0)

    def test_vmalloc(self):
        with running() as program:
            before = stat(program)
            program.do("alloc 10000000 3 1")
            during = stat(program)
            self.check_sums(during)
            self.assertEqual(during.vmstat["nr_vmalloc_areas"] -
                             before.vmstat["nr_vmalloc_areas"], 3)
            self.assertGreaterEqual(during.meminfo["VmallocUsed"] -
                                    before.meminfo["VmallocUsed"], 30000000)
            program.do("free 1")
            after = stat(program)
            self.check_sums(after)
            self.assertEqual(after.meminfo["VmallocUsed"],
                             before.meminfo["VmallocUsed"])


class Reading(Case):
    def test_stopped(self):
        with running() as program:
            program.do("alloc 64 500 1")
            before = stat(program)
            os.kill(program.pid, signal.SIGSTOP)
            try:
                stopped = stat(program)
            finally:
                os.kill(program.pid, signal.SIGCONT)
            self.assertEqual(stopped.files, before.files)
            self.check_sums(stopped)
            program.do("free 1")

    def test_busy(self):
        """Numbers of a moving target are plausible, and reading is harmless."""
        with running() as program:
            program.begin("churn 1500 4")
            end = time.monotonic() + 1
            while time.monotonic() < end:
                stats = stat(program)
                for name, cache in stats.slabs.items():
                    self.assertLessEqual(cache["active"], cache["num"], name)
                self.assertLess(stats.meminfo["MemTotal"], 1 << 32)
            program.finish()
            self.check_sums(stat(program))

    def test_all(self):
        with running() as program:
            text = subprocess.run([PAGODA, "stat", "--all"], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            self.assertRegex(text, rf"(?m)^ *{program.pid} +[1-9]\d* +[1-9]\d*"
                             rf" +\d+ +\d+\.\d {re.escape(PROGRAM)}$")

    def test_modes(self):
        for percpu in "rseq", "lock":
            with running(f"percpu={percpu}") as program:
                modes = stat(program).modes
                self.assertRegex(modes["percpu"], rf"^{percpu}\b")
                self.assertEqual(modes["pagesize"].split()[0],
                                 str(os.sysconf("SC_PAGESIZE")))


class RunStats(unittest.TestCase):
    """pagoda run --stats: a summary at the end."""

    def run_stats(self, *command):
        with tempfile.TemporaryDirectory(prefix="pagoda-live.") as folder:
            run = subprocess.run(
                [PAGODA, "run", "--stats", "--lib", LIBRARY, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, timeout=60,
                env={**os.environ, "TMPDIR": folder})
            self.assertEqual(os.listdir(folder), [])
        return run

    def test_summary(self):
        run = self.run_stats(PROGRAM)
        self.assertEqual((run.returncode, run.stdout), (0, ""))
        self.assertIn("ended with status 0", run.stderr)
        numbers = dict(re.findall(r"^  (\S.*?) +(\d+)(?: KiB)?$", run.stderr,
                                  re.M))
        for name in ("peak RSS", "page faults", "ready for use at exit",
                     "pgalloc_normal"):
            self.assertGreater(int(numbers[name]), 0, name)
        self.assertIn("handed out at exit", numbers)

    def test_children(self):
        run = self.run_stats("sh", "-c", f"{PROGRAM} </dev/null; exit 7")
        self.assertEqual(run.returncode, 7)
        self.assertEqual(run.stderr.count("peak RSS"), 1)

    def test_signal(self):
        run = self.run_stats("sh", "-c", "kill -TERM $$")
        self.assertEqual(run.returncode, -signal.SIGTERM)
        self.assertIn("ended by signal 15", run.stderr)
        self.assertIn("no numbers of the library", run.stderr)

    def test_missing(self):
        run = self.run_stats("/missing")
        self.assertEqual(run.returncode, 127)
        self.assertIn("cannot run /missing", run.stderr)

    def check_forwarded(self, *before):
        process = subprocess.Popen(
            [*before, PAGODA, "run", "--stats", "--lib", LIBRARY, "sh", "-c",
             "trap 'exit 9' TERM; echo; while :; do sleep 0.1; done"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        process.stdout.readline()
        process.terminate()
        try:
            error = process.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        self.assertEqual(process.returncode, 9)
        self.assertIn(b"ended with status 9", error)

    def test_forwarded(self):
        """A signal to the command is the program's."""
        self.check_forwarded()

    def test_forwarded_early(self):
        """Also one that comes before the command can know the program."""
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        self.check_forwarded("strace", "-D", "-o", "/dev/null", "-e",
                             "inject=rt_sigaction:delay_enter=200000")


class StatsFile(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pagoda-live.")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def load(self, name):
        with open(os.path.join(self.folder, name)) as file:
            stats = Stats(file.read())
        self.assertEqual(list(stats.files), FILES)
        return stats

    def test_at_exit(self):
        with running(f"stats={self.folder}/s.%p") as program:
            before = stat(program)
            program.do("alloc 200 1234 1")
            self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(os.listdir(self.folder), [f"s.{program.pid}"])
        stats = self.load(f"s.{program.pid}")
        self.check_sums(stats)
        name = stats.cache_of(200)
        self.assertEqual(stats.active(name), before.active(name) + 1234)

    def test_interval(self):
        with running(f"stats={self.folder}/s",
                     "stats_interval=50") as program:
            program.begin("churn 1000 2")
            seen = set()
            end = time.monotonic() + 0.9
            while time.monotonic() < end:
                with contextlib.suppress(FileNotFoundError):
                    self.load("s")
                    seen.add(os.stat(os.path.join(self.folder, "s")).st_ino)
                time.sleep(0.005)
            program.finish()
            self.assertGreaterEqual(len(seen), 2)
            fds = os.listdir(f"/proc/{program.pid}/fd")
            self.assertEqual(sorted(fds), ["0", "1", "2"])
        self.assertEqual(os.listdir(self.folder), ["s"])
        self.check_sums(self.load("s"))

    def test_fork(self):
        with running(f"stats={self.folder}/s.%p") as program:
            program.do("fork")
            child, = os.listdir(self.folder)
            self.assertNotEqual(child, f"s.{program.pid}")
            stats = self.load(child)
            self.assertGreaterEqual(stats.active(stats.cache_of(40)), 10000)
        self.assertEqual(len(os.listdir(self.folder)), 2)

    def test_no_folder(self):
        program = subprocess.run(
            [PAGODA, "run", "--lib", LIBRARY, "--option",
             "stats=/missing/folder/s", "--", PROGRAM],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertEqual(program.returncode, 0)
        self.assertEqual(program.stderr.count("\n"), 1)
        self.assertIn("cannot write the stats file", program.stderr)


if __name__ == "__main__":
    main()
