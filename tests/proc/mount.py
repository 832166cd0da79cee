#!/usr/bin/env python3
"""mount.py PAGODA LIBRARY PROGRAM: the tree of "pagoda mount", read by what
reads /proc, while processes work, come, go and are killed."""

import contextlib
import ctypes
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import forms
import live
import program
from program import LIBRARY, PAGODA, PROGRAM, Program, running

try:
    from prometheus_client import parser as prometheus
except ImportError:
    prometheus = None

FILES = live.FILES + ["cmdline"]
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 1 << 14 | 1 << 18
MS_BIND = 1 << 12
# Longer than anything takes that is going to happen.
PATIENCE = 20


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def read(*path):
    with open(os.path.join(*map(str, path)), "rb", buffering=0) as file:
        return b"".join(iter(lambda: file.read(65536), b""))


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, **more)


class Tree:
    """A mounted tree, and the process that serves it in the foreground."""

    def __init__(self, *options, tool=PAGODA, **more):
        self.path = tempfile.mkdtemp(prefix="pagoda-mount.")
        if more:
            os.chown(self.path, more["user"], more["group"])
        self.process = subprocess.Popen(
            [tool, "mount", "-f", *options, self.path],
            stderr=subprocess.PIPE, text=True, **more)
        wait_for("the tree", lambda: self.is_mounted() or
                 self.process.poll() is not None)

    def is_mounted(self):
        return is_mounted(self.path)

    def end(self, number=signal.SIGTERM):
        """Return: its exit status and what it said."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        error = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, error

    def clean(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self.is_mounted():
            unmount(self.path)
        os.rmdir(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            if exc[0] is None:
                assert self.end() == (0, "")
        finally:
            self.clean()


def is_mounted(path):
    with open("/proc/self/mounts") as mounts:
        return any(line.split()[1] == path for line in mounts)


def unmount(path):
    subprocess.run(["fusermount3", "-u", "-z", path], check=True)


class Case(live.Case):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def tree(self, *options, **more):
        return self.stack.enter_context(Tree(*options, **more))

    def program(self, *options, **more):
        return self.stack.enter_context(running(*options, **more))

    def folder(self):
        path = tempfile.mkdtemp(prefix="pagoda-mount.")
        self.addCleanup(shutil.rmtree, path)
        os.chmod(path, 0o755)
        return path

    def check_same(self, folder, pid):
        """Of a process that is stopped."""
        for name in live.FILES:
            shown = run(PAGODA, "stat", str(pid), name, check=True).stdout
            self.assertEqual(read(folder, name).decode(), shown, name)
        self.assertEqual(read(folder, "cmdline"),
                         read("/proc", pid, "cmdline"))


class stopped:
    """Nothing moves in the process meanwhile."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_for("it to stop", lambda: read(
            "/proc", self.pid, "stat").rsplit(b")")[1].split()[0] == b"T")

    def __exit__(self, *exc):
        os.kill(self.pid, signal.SIGCONT)


def all_files(folder):
    return "".join(f"==> {name} <==\n{read(folder, name).decode()}\n"
                   for name in live.FILES)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@unittest.skipUnless(shutil.which("redis-server") and
                     shutil.which("redis-benchmark"),
                     "redis is not installed")
class Redis(Case):
    """A server that is kept busy, by a client that is not on the library."""

    def setUp(self):
        super().setUp()
        folder, self.port = self.folder(), str(free_port())
        self.server = self.start(
            PAGODA, "run", "--lib", LIBRARY, "redis-server", "--bind",
            "127.0.0.1", "--port", self.port, "--save", "", "--dir", folder)
        wait_for("redis-server", lambda: run(
            "redis-cli", "-p", self.port, "ping").stdout == "PONG\n")
        self.client = self.start(
            "redis-benchmark", "-p", self.port, "-l", "-c", "20", "-P", "8",
            "-r", "20000", "-d", "700", "-t", "set,get,lpush,lpop,hset,sadd")
        self.pid = self.server.pid
        self.path = os.path.join(self.tree().path, str(self.pid))

    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)
        return process

    def check_plausible(self, stats):
        self.assertEqual(stats.vmstat["oom"], 0)
        self.assertGreater(stats.meminfo["Committed_AS"], 1 << 20)
        self.assertLess(stats.meminfo["MemTotal"], 1 << 34)
        for name, cache in stats.slabs.items():
            self.assertLessEqual(cache["active"], cache["num"], name)
            self.assertEqual(cache["num"],
                             cache["slabs"] * cache["per_slab"], name)

    def test_busy(self):
        """Every file can be parsed at any time, and events only grow."""
        known = live.Stats(run(PAGODA, "stat", str(self.pid),
                               check=True).stdout)
        events, rounds = {}, 0
        end = time.monotonic() + 4
        while time.monotonic() < end:
            stats = live.Stats(all_files(self.path))
            self.check_plausible(stats)
            self.assertEqual(list(stats.meminfo), list(known.meminfo))
            self.assertEqual(list(stats.vmstat), list(known.vmstat))
            self.assertEqual(stats.modes, known.modes)
            self.assertLessEqual(set(known.slabs), set(stats.slabs))
            self.assertEqual(list(stats.zones), list(known.zones))
            for name, value in stats.vmstat.items():
                if not name.startswith("nr_"):
                    self.assertGreaterEqual(value, events.get(name, 0), name)
                    events[name] = value
            rounds += 1
        self.assertGreater(rounds, 20)
        self.assertGreater(sum(events.values()), sum(
            known.vmstat[name] for name in events), "it was not busy")
        self.assertEqual(run("redis-cli", "-p", self.port, "ping").stdout,
                         "PONG\n")

    def test_stopped(self):
        with stopped(self.pid):
            self.check_same(self.path, self.pid)
            text = all_files(self.path)
            document = forms.load(run(PAGODA, "stat", "--json", str(self.pid),
                                      check=True).stdout)
        stats = live.Stats(text)
        self.check_plausible(stats)
        self.check_json(document, stats)

    def check_json(self, document, stats):
        self.assertEqual(stats.vmstat | document["vmstat"], stats.vmstat)
        for key, name in {"MemTotal": "online", "Committed_AS": "heap",
                          "VmallocUsed": "vmalloc_used"}.items():
            self.assertEqual(stats.meminfo[key] // 1024,
                             document["meminfo"][f"{name}_bytes"] // 1024)
        active = {cache["name"]: cache["active_objects"]
                  for cache in document["slabinfo"]}
        for name, cache in stats.slabs.items():
            self.assertEqual(cache["active"], active[name], name)
        blocks = {(str(zone["node"]), zone["zone"]): zone["free_blocks"]
                  for zone in document["buddyinfo"]}
        for zone, counts in stats.free_blocks.items():
            self.assertEqual(counts, blocks[zone])

    @unittest.skipUnless(shutil.which("prometheus-node-exporter") and
                         prometheus, "no prometheus-node-exporter or no "
                         "python3-prometheus-client")
    def test_node_exporter(self):
        """Its parsers of /proc, told that our folder is that."""
        address = self.start_exporter()
        for _ in range(10):
            self.check_scrape(self.scrape(address))
        with stopped(self.pid):
            self.check_numbers(self.scrape(address),
                               live.Stats(all_files(self.path)))

    COLLECTORS = ["buddyinfo", "meminfo", "slabinfo", "vmstat", "zoneinfo"]

    @staticmethod
    def scrape(address):
        """{(metric, (label value, ...)): value}"""
        with urllib.request.urlopen(f"http://{address}/metrics",
                                    timeout=PATIENCE) as page:
            text = page.read().decode()
        return {(sample.name, tuple(v for _, v in sorted(
            sample.labels.items()))): sample.value
            for family in prometheus.text_string_to_metric_families(text)
            for sample in family.samples}

    def start_exporter(self):
        address = f"127.0.0.1:{free_port()}"
        self.start("prometheus-node-exporter", f"--path.procfs={self.path}",
                   f"--web.listen-address={address}",
                   "--collector.disable-defaults",
                   "--collector.vmstat.fields=.*",
                   *(f"--collector.{name}" for name in self.COLLECTORS))
        host, port = address.split(":")

        def answers():
            with contextlib.suppress(ConnectionError):
                socket.create_connection((host, int(port))).close()
                return True
        wait_for("prometheus-node-exporter", answers)
        return address

    def check_scrape(self, found):
        for name in self.COLLECTORS:
            self.assertEqual(
                found["node_scrape_collector_success", (name,)], 1, name)

    def check_numbers(self, found, stats):
        self.check_scrape(found)
        for name, value in stats.meminfo.items():
            self.assertEqual(found[f"node_memory_{name}_bytes", ()], value)
        for name, value in stats.vmstat.items():
            self.assertEqual(found[f"node_vmstat_{name}", ()], value, name)
        for name, cache in stats.slabs.items():
            for ours, its in {"active": "active_objects", "num": "objects",
                              "size": "object_size_bytes",
                              "per_slab": "objects_per_slab",
                              "pages": "pages_per_slab"}.items():
                self.assertEqual(found[f"node_slabinfo_{its}", (name,)],
                                 cache[ours], name)
        for (node, zone), counts in stats.free_blocks.items():
            for order, count in enumerate(counts):
                self.assertEqual(
                    found["node_buddyinfo_blocks", (node, str(order), zone)],
                    count)
        for (node, zone), numbers in stats.zones.items():
            for name in "min", "low", "high", "present", "managed", "spanned":
                self.assertEqual(
                    found[f"node_zoneinfo_{name}_pages", (node, zone)],
                    numbers[name], name)

    NETDATA = """
[directories]
config = {0}
stock config = {0}
cache = {0}
lib = {0}
home = {0}
log = {0}
web = {0}
plugins = {0}
[db]
mode = alloc
[web]
bind to = 127.0.0.1:{1}
[plugins]
enable running new plugins = no
cgroups = no
diskspace = no
idlejitter = no
statsd = no
tc = no
timex = no
[plugin:proc]
/proc/pagetypeinfo = yes
[plugin:proc:/proc/pagetypeinfo]
filename to monitor = {2}
enable detail per-type = yes
"""

    @unittest.skipUnless(shutil.which("netdata"), "netdata is not installed")
    def test_netdata(self):
        """Its parser of pagetypeinfo."""
        folder, port = self.folder(), free_port()
        config = os.path.join(folder, "netdata.conf")
        path = os.path.join(self.path, "pagetypeinfo")
        with open(config, "w") as file:
            file.write(self.NETDATA.format(folder, port, path))
        with stopped(self.pid):
            self.start("netdata", "-D", "-c", config, "-u",
                       pwd.getpwuid(os.getuid()).pw_name)
            expected = self.free_bytes(read(path).decode())
            wait_for("netdata", lambda: self.charts(port) == expected)
        self.assertTrue(any(sum(each.values()) for each in expected.values()))

    @staticmethod
    def free_bytes(text):
        """Of pagetypeinfo: {name of netdata's chart: {order: bytes}}."""
        page = os.sysconf("SC_PAGESIZE")
        rows = re.findall(r"(?m)^Node +(\d+), zone +(\w+), type +(\w+) "
                          r"([\d ]+)$", text)
        return {f"mem.pagetype_Node{node}_{zone},_{kind}": {
            str(order): int(count) * page << order
            for order, count in enumerate(counts.split())}
            for node, zone, kind, counts in rows}

    @staticmethod
    def charts(port):
        url = f"http://127.0.0.1:{port}/api/v1/allmetrics?format=json"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as page:
                found = json.load(page)
        except OSError:
            return None
        return {name: {order: numbers["value"] for order, numbers in
                       chart["dimensions"].items()}
                for name, chart in found.items()
                if name.startswith("mem.pagetype_Node")}

    def test_procps(self):
        """slabtop, vmstat and free, in a name space where our files lie over
        the kernel's."""
        script = """for name in slabinfo meminfo vmstat; do
                mount --bind "$0/$name" "/proc/$name" || exit 77
            done
            slabtop -o && echo === && vmstat -m && echo === && free -k"""
        with stopped(self.pid):
            shown = run("unshare", "-rm", "sh", "-c", script, self.path)
            stats = live.Stats(all_files(self.path))
        if shown.returncode == 77 or "unshare" in shown.stderr:
            self.skipTest(f"no mounting over /proc: {shown.stderr.strip()}")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        slabtop, vmstat, free = shown.stdout.split("===\n")
        largest = max(stats.slabs, key=lambda name: stats.slabs[name]["num"])
        cache = stats.slabs[largest]
        self.assertRegex(slabtop, rf"(?m)^ *{cache['num']} +{cache['active']}"
                                  rf" .* {largest} *$")
        for name, cache in stats.slabs.items():
            self.assertRegex(vmstat, rf"(?m)^{name[:24]} +{cache['active']} +"
                                     rf"{cache['num']} +{cache['size']} ")
        self.assertRegex(free, r"(?m)^Mem: +{} +\d+ +{} ".format(
            stats.meminfo["MemTotal"] >> 10, stats.meminfo["MemFree"] >> 10))


class Reading(Case):
    def setUp(self):
        super().setUp()
        self.one = self.program()
        self.mounted = self.tree()
        self.path = os.path.join(self.mounted.path, str(self.one.pid))

    def test_tree(self):
        self.assertIn(str(self.one.pid), os.listdir(self.mounted.path))
        self.assertEqual(sorted(os.listdir(self.path)), sorted(FILES))
        self.check_same(self.path, self.one.pid)
        for entry in os.scandir(self.path):
            self.assertTrue(entry.is_file(follow_symlinks=False))
            self.assertEqual(entry.inode(), os.stat(entry.path).st_ino)
        inodes = [os.stat(os.path.join(root, name)).st_ino
                  for root, folders, files in os.walk(self.mounted.path)
                  for name in folders + files]
        self.assertEqual(len(set(inodes)), len(inodes))

    def test_attributes(self):
        start = os.stat(f"/proc/{self.one.pid}").st_mtime
        for path, mode in (self.path, "dr-x------"), \
                (os.path.join(self.path, "maps"), "-r--------"):
            found = os.stat(path)
            self.assertEqual(stat.filemode(found.st_mode), mode)
            self.assertEqual((found.st_uid, found.st_gid),
                             (os.getuid(), os.getgid()))
            self.assertEqual(found.st_size, 0)
            self.assertAlmostEqual(found.st_mtime, start, delta=2)
            self.assertEqual(os.stat(path).st_mtime_ns, found.st_mtime_ns)

    def test_names(self):
        for name in ("0", "01", f"0{self.one.pid}", f"+{self.one.pid}", "x",
                     "1x", "-1", "99999999999999999999", "self",
                     f"{self.one.pid}/slabs", f"{self.one.pid}/meminfo/x",
                     str(os.getpid())):
            with self.assertRaises((FileNotFoundError, NotADirectoryError),
                                   msg=name):
                os.stat(os.path.join(self.mounted.path, name))

    def test_read_only(self):
        for attempt in (lambda: open(os.path.join(self.path, "maps"), "w"),
                        lambda: os.mkdir(os.path.join(self.path, "x")),
                        lambda: os.unlink(os.path.join(self.path, "maps"))):
            with self.assertRaises(OSError) as caught:
                attempt()
            self.assertIn(caught.exception.strerror,
                          ("Read-only file system", "Permission denied"))

    def test_snapshots(self):
        """What is read in pieces is of one moment; at the start a new one
        begins."""
        with open(os.path.join(self.path, "slabinfo"), "rb",
                  buffering=0) as file:
            fd = file.fileno()
            before = os.pread(fd, 1 << 20, 0)
            self.one.do("alloc 1000 5000 1")
            self.assertEqual(os.pread(fd, 1 << 20, 100), before[100:])
            self.assertEqual(os.pread(fd, 7, 3), before[3:10])
            self.assertEqual(os.pread(fd, 10, len(before)), b"")
            self.assertEqual(os.pread(fd, 10, 1 << 40), b"")
            self.assertEqual(file.seek(0), 0)
            pieces = []
            while piece := file.read(random.randrange(1, 50)):
                pieces.append(piece)
                self.one.do("free 1" if len(pieces) == 10 else "trim")
            during = b"".join(pieces)
            file.seek(0)
            after = file.read(1 << 20)
        self.assertEqual(len({before, during, after}), 3)

        def active(text):
            row = re.search(rb"(?m)^kmalloc-1024 +(\d+)", text)
            return int(row[1]) if row else 0
        self.assertEqual(active(during) - active(before), 5000)
        self.assertEqual(active(after), active(before))

    def test_many_areas(self):
        """A file that takes more than one request of the kernel's."""
        for _ in range(800):
            self.one.do("alloc 5000000 1 1")
        with stopped(self.one.pid):
            self.check_same(self.path, self.one.pid)
            self.assertGreater(len(read(self.path, "smaps")), 131072)

    def test_commands(self):
        """What people use."""
        meminfo = os.path.join(self.path, "meminfo")
        with stopped(self.one.pid):
            text = read(meminfo).decode()
            self.assertEqual(run("cat", meminfo).stdout, text)
            self.assertEqual(run("tail", "-n", "3", meminfo).stdout,
                             "".join(text.splitlines(True)[-3:]))
            self.assertEqual(run("head", "-n", "1", meminfo).stdout,
                             text.splitlines(True)[0])
        found = run("grep", "-r", "MemTotal", self.path)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertTrue(found.stdout.startswith(f"{meminfo}:MemTotal: "))
        found = run("find", self.path, "-type", "f")
        self.assertEqual((len(found.stdout.split()), found.stderr),
                         (len(FILES), ""))
        found = run("ls", "-lR", self.path)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        copy = os.path.join(self.folder(), "copy")
        found = run("cp", "-r", "--no-preserve=mode", self.path, copy)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(copy)), sorted(FILES))
        self.assertTrue(read(copy, "maps"))

    @unittest.skipUnless(shutil.which("script") and shutil.which("watch"),
                         "no script or no watch")
    def test_watch(self):
        shown = run("timeout", "-s", "INT", "2", "script", "-qec",
                    f"watch -n 0.2 cat {self.path}/meminfo", "/dev/null",
                    env={**os.environ, "TERM": "xterm"})
        self.assertIn("MemTotal:", shown.stdout)

    SELF = """if True:
        import os, sys, threading
        def look():
            print(os.readlink(sys.argv[1]), end=" ")
            print(open(sys.argv[1] + "/cmdline").read().split("\\0")[0])
        look()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        print(os.getpid(), "self" in os.listdir(sys.argv[1] + "/.."))"""

    def test_self(self):
        """The process that reads, whichever of its threads does."""
        python = sys.executable
        link = os.path.join(self.mounted.path, "self")
        shown = run(PAGODA, "run", "--lib", LIBRARY, python, "-c", self.SELF,
                    link)
        self.assertEqual(shown.stderr, "")
        pid = shown.stdout.split()[-2]
        self.assertEqual(shown.stdout,
                         f"{pid} {python}\n" * 2 + f"{pid} True\n")
        self.assertNotIn("self", os.listdir(self.mounted.path))
        self.assertIn("No such file", run("cat", f"{link}/meminfo").stderr)


class Going(Case):
    """Processes end while they are looked at."""

    def test_one(self):
        mounted = self.tree()
        with running() as one:
            path = os.path.join(mounted.path, str(one.pid))
            files = [self.stack.enter_context(open(
                os.path.join(path, name), "rb", buffering=0))
                for name in FILES]
            inside = os.open(path, os.O_RDONLY)
            self.addCleanup(os.close, inside)
            part = files[0].read(10)
        self.assertNotIn(str(one.pid), os.listdir(mounted.path))
        self.assertFalse(os.path.exists(path))
        with self.assertRaises(FileNotFoundError):
            os.listdir(inside)
        # What was read lasts, what would be new does not come.
        self.assertTrue(part + files[0].read(1000))
        for file in files:
            file.seek(0)
            with self.assertRaises(ProcessLookupError):
                file.read(1)

    def test_other_program(self):
        """A process that goes on without the library is not shown, and comes
        back with it."""
        tree = self.tree()
        script = f"""echo; read x; LD_PRELOAD= exec sh -c '
            echo; read x; LD_PRELOAD={LIBRARY} exec sh -c "echo; read x"'"""
        with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, bufsize=0,
                              env={**os.environ, "LD_PRELOAD": LIBRARY}) as sh:
            path = os.path.join(tree.path, str(sh.pid), "modes")
            for expected in True, False, True:
                sh.stdout.readline()
                self.assertEqual(os.path.exists(path), expected)
                if not expected:
                    # Long enough to be remembered.
                    time.sleep(1.1)
                    self.assertEqual(os.listdir(tree.path).count(
                        str(sh.pid)), 0)
                    self.assertFalse(os.path.exists(path))
                    with self.assertRaises(ProcessLookupError):
                        file.read(1)
                elif os.path.exists(path):
                    file = open(path, "rb", buffering=0)
                    self.stack.enter_context(file)
                sh.stdin.write(b"\n")

    def test_crowd(self):
        """Many that are started and killed, and readers of all of them."""
        tree = self.tree()
        end = time.monotonic() + 6
        failures, counts = [], {"data": 0, "gone": 0, "killed": 0}

        def look():
            for name in os.listdir(tree.path):
                for file in os.listdir(os.path.join(tree.path, name)):
                    read(tree.path, name, file)
                    counts["data"] += 1

        def look_on():
            while time.monotonic() < end:
                try:
                    look()
                except (FileNotFoundError, ProcessLookupError,
                        PermissionError):
                    counts["gone"] += 1
                except Exception as error:
                    failures.append(error)
                    return

        readers = [threading.Thread(target=look_on) for _ in range(4)]
        for reader in readers:
            reader.start()
        while time.monotonic() < end:
            crowd = [subprocess.Popen(
                ["sleep", "60"], env={**os.environ, "LD_PRELOAD": LIBRARY})
                for _ in range(10)]
            time.sleep(random.uniform(0, 0.05))
            for process in crowd:
                process.kill()
            for process in crowd:
                process.wait()
            counts["killed"] += len(crowd)
        for reader in readers:
            reader.join(PATIENCE)
            self.assertFalse(reader.is_alive(), "a reader hangs")
        self.assertEqual(failures, [])
        self.assertIsNone(tree.process.poll())
        for what, count in counts.items():
            self.assertGreater(count, 20, what)
        print(counts, end=" ", file=sys.stderr)

    def test_held(self):
        """Reads of one process by several, while it is killed."""
        tree = self.tree()
        for _ in range(30):
            one = Program()
            path = os.path.join(tree.path, str(one.pid))
            failures = []

            def look(name):
                try:
                    with open(os.path.join(path, name), "rb",
                              buffering=0) as file:
                        begun.release()
                        while file.read(1 << 16):
                            file.seek(0)
                        failures.append("nothing was read")
                except ProcessLookupError:
                    pass
                except OSError as error:
                    failures.append(error)
            begun = threading.Semaphore(0)
            readers = [threading.Thread(target=look, args=[name])
                       for name in ("slabinfo", "smaps", "cmdline")]
            for reader in readers:
                reader.start()
            for reader in readers:
                self.assertTrue(begun.acquire(timeout=PATIENCE))
            one.process.kill()
            one.process.communicate()
            for reader in readers:
                reader.join(PATIENCE)
                self.assertFalse(reader.is_alive(), "a reader hangs")
            self.assertEqual(failures, [])


class Life(Case):
    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            tree = self.tree()
            self.assertEqual(tree.end(number), (0, ""))
            self.assertFalse(tree.is_mounted())
            self.assertEqual(os.listdir(tree.path), [])
            self.stack.close()

    def test_unmount(self):
        tree = self.tree()
        self.assertEqual(run("fusermount3", "-u", tree.path).stderr, "")
        self.assertEqual(tree.wait(), (0, ""))
        self.assertFalse(tree.is_mounted())

    def test_in_use(self):
        """Nobody who uses it keeps it mounted after a signal."""
        tree, one = self.tree(), self.program()
        path = os.path.join(tree.path, str(one.pid))
        with subprocess.Popen(["sleep", "60"], cwd=path) as inside, \
                open(os.path.join(path, "maps"), "rb", buffering=0) as file:
            self.assertTrue(file.read(10))
            busy = run("fusermount3", "-u", tree.path)
            self.assertIn("busy", busy.stderr)
            self.assertTrue(tree.is_mounted())
            self.assertEqual(tree.end(), (0, ""))
            self.assertFalse(tree.is_mounted())
            with self.assertRaises(OSError):
                file.seek(0)
                file.read(1)
            inside.kill()

    def test_background(self):
        """Without --foreground it is mounted when the command ends."""
        path = self.folder()
        mounted = run(PAGODA, "mount", path)
        self.assertEqual((mounted.returncode, mounted.stderr), (0, ""))
        self.addCleanup(lambda: is_mounted(path) and unmount(path))
        servers = [pid for pid in os.listdir("/proc") if pid.isdigit() and
                   path.encode() in self.command_line(pid)]
        self.assertEqual(len(servers), 1)
        with running() as one:
            self.assertTrue(read(path, one.pid, "meminfo"))
        self.assertEqual(os.readlink(f"/proc/{servers[0]}/cwd"), "/")
        unmount(path)
        wait_for("the server to end",
                 lambda: not self.command_line(servers[0]))

    @staticmethod
    def command_line(pid):
        try:
            return read("/proc", pid, "cmdline")
        except OSError:
            return b""

    def refused(self, status, text, *args, **more):
        result = run(PAGODA, "mount", *args, **more)
        self.assertEqual(result.returncode, status, args)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 2 if status == 2 else 1,
                         result.stderr)

    def test_refusals(self):
        empty, full = self.folder(), self.folder()
        file = os.path.join(full, "file")
        open(file, "w").close()
        os.symlink(full, os.path.join(full, "link"))
        self.refused(2, "on which folder")
        self.refused(2, "too many arguments", empty, empty)
        self.refused(2, "unknown option '--wrong'", "--wrong", empty)
        self.refused(2, "needs a value", "-o")
        self.refused(1, "No such file", os.path.join(full, "missing"))
        self.refused(1, "Not a directory", file)
        self.refused(1, "not empty", full)
        self.refused(1, "not empty", os.path.join(full, "link"))
        self.refused(1, "unknown option", "-o", "wrong", empty)
        self.assertFalse(is_mounted(empty))
        self.assertEqual(os.listdir(empty), [])
        tree = self.tree()
        self.refused(1, "mounted there already", tree.path)
        os.symlink(tree.path, os.path.join(empty, "link"))
        self.refused(1, "mounted there already", os.path.join(empty, "link"))

    def test_killed(self):
        """Nothing can unmount it then, but what to do is said."""
        tree = self.tree()
        tree.process.kill()
        tree.process.communicate()
        self.refused(1, "fusermount3 -u", tree.path)
        unmount(tree.path)
        self.stack.pop_all()
        tree.clean()

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_no_device(self):
        empty = self.folder()
        result = run("unshare", "-m", "sh", "-c",
                     'mount -t tmpfs none /dev && exec "$0" mount "$1"',
                     PAGODA, empty)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn(f"cannot mount on {empty}: ", result.stderr)
        self.assertIn("modprobe fuse", result.stderr)


@unittest.skipUnless(os.getuid() == 0, "not root")
class Users(Case):
    """Somebody else sees what they could read with "pagoda stat"."""

    def setUp(self):
        super().setUp()
        folder = self.folder()
        self.tool, library, script = (
            shutil.copy(path, folder) for path in (PAGODA, LIBRARY, PROGRAM))
        self.root = self.program()
        self.theirs = subprocess.Popen(
            [self.tool, "run", "--lib", library, script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **NOBODY)
        self.addCleanup(self.theirs.communicate)
        self.theirs.stdin.write(b"free 1\n")
        self.theirs.stdin.flush()
        self.theirs.stdout.readline()

    def list(self, tree, **more):
        return run("ls", tree.path, **more).stdout.split()

    def test_allow_other(self):
        tree = self.tree("-o", "allow_other")
        pids = {str(self.root.pid), str(self.theirs.pid)}
        self.assertLessEqual(pids, set(self.list(tree)))
        self.assertEqual(self.list(tree, **NOBODY), [str(self.theirs.pid)])
        for name in FILES:
            path = os.path.join(tree.path, str(self.theirs.pid), name)
            shown = run("cat", path, **NOBODY)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertEqual(os.stat(path).st_uid, NOBODY["user"])
            for pid, why in (self.root.pid, "Permission denied"), \
                    (1, "Permission denied"), (99999999, "No such file"):
                shown = run("cat", f"{tree.path}/{pid}/{name}", **NOBODY)
                self.assertEqual(shown.stdout, "")
                self.assertIn(why, shown.stderr)
        # As for ptrace, the same user is not enough.
        other_group = {**NOBODY, "group": 100}
        self.assertEqual(run(self.tool, "stat", str(self.theirs.pid),
                             **other_group).returncode, 4)
        self.assertEqual(self.list(tree, **other_group), [])
        # What a reader was lent for a moment is given back.
        self.check_same(os.path.join(tree.path, str(self.root.pid)),
                        self.root.pid)
        for task in os.listdir(f"/proc/{tree.process.pid}/task"):
            status = read("/proc", tree.process.pid, "task", task, "status")
            own = read("/proc/self/status")
            for key in b"Uid", b"Gid", b"CapEff", b"CapPrm":
                line = re.compile(rb"(?m)^" + key + rb":.*$")
                self.assertEqual(line.search(status)[0], line.search(own)[0])

    def test_only_root(self):
        tree = self.tree()
        self.assertEqual(self.list(tree, **NOBODY), [])

    def test_open_file_handed_on(self):
        """Who got a file opened may not take new snapshots through it."""
        tree = self.tree("-o", "allow_other")
        with open(os.path.join(tree.path, str(self.root.pid), "modes"),
                  "rb") as file:
            shown = run("cat", f"/proc/self/fd/{file.fileno()}",
                        pass_fds=[file.fileno()], **NOBODY)
            self.assertEqual(shown.stdout, "")
            code = "import os, sys; os.pread(int(sys.argv[1]), 9, 0)"
            shown = run("/usr/bin/python3", "-c", code, str(file.fileno()),
                        pass_fds=[file.fileno()], **NOBODY)
            self.assertIn("Permission denied", shown.stderr)

    def test_unprivileged(self):
        """Mounted by somebody without privileges."""
        tree = self.tree(tool=self.tool, **NOBODY)
        self.assertEqual(self.list(tree, **NOBODY), [str(self.theirs.pid)])
        shown = run("cat", f"{tree.path}/{self.theirs.pid}/modes", **NOBODY)
        self.assertIn("version: ", shown.stdout)
        shown = run("cat", f"{tree.path}/{self.root.pid}/modes", **NOBODY)
        self.assertIn("Permission denied", shown.stderr)
        self.assertEqual(
            run("fusermount3", "-u", tree.path, **NOBODY).stderr, "")
        self.assertEqual(tree.wait(), (0, ""))

    def test_refusals(self):
        empty = self.folder()
        for text, *args in ("no write access", empty), \
                ("user_allow_other", "-o", "allow_other", empty):
            if len(args) > 1:
                os.chown(empty, NOBODY["user"], NOBODY["group"])
            shown = run(self.tool, "mount", *args, **NOBODY)
            self.assertEqual(shown.returncode, 1)
            self.assertEqual(shown.stderr.count("\n"), 1, shown.stderr)
            self.assertIn(text, shown.stderr)
            self.assertFalse(is_mounted(empty))


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def use_private_mounts():
    """What this test mounts ends with it, whatever happens. /dev/fuse gets the
    rights that it usually has, for the tests as another user."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or \
            libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fuse")
        with contextlib.suppress(OSError):
            os.mknod(path, 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
            os.chmod(path, 0o666)
            os.close(os.open(path, os.O_RDWR))
            libc.mount(path.encode(), b"/dev/fuse", None, MS_BIND, None)


if __name__ == "__main__":
    if os.getuid() == 0 and os.path.exists("/dev/fuse"):
        use_private_mounts()
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        skip(f"cannot open /dev/fuse: {error.strerror}")
    if not shutil.which("fusermount3"):
        skip("fusermount3 is not installed (package fuse3)")
    with Tree() as first:
        if first.process.poll() is not None:
            skip(first.process.stderr.read().strip())
    program.main()
