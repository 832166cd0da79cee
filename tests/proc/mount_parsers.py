#!/usr/bin/env python3
"""mount_parsers.py PAGODA LIBRARY PROGRAM: the files of a busy redis-server in
the tree of "pagoda mount", read by our parsers and by those of others."""

import contextlib
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import unittest
import urllib.request

import forms
import live
from mounted import PATIENCE, Case, main, read, run, stopped, wait_for
from program import LIBRARY, PAGODA

try:
    from prometheus_client import parser as prometheus
except ImportError:
    prometheus = None


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
            # What faults take is measured again and again.
            self.assertEqual(dict(stats.modes, fault_ahead=""),
                             dict(known.modes, fault_ahead=""))
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
        self.start("netdata", "-D", "-c", config, "-u",
                   pwd.getpwuid(os.getuid()).pw_name)
        for _ in range(100):
            time.sleep(0.05)
            with stopped(self.pid):
                expected = self.free_bytes(read(path).decode())
                # Now and then every block is taken, or waits in a cache.
                if any(sum(each.values()) for each in expected.values()):
                    wait_for("netdata", lambda: self.charts(port) == expected)
                    return
        self.fail("nothing was ever free")

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


if __name__ == "__main__":
    main()
