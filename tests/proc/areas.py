#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""areas.py PAGODA LIBRARY PROGRAM: what vmallocinfo, maps and smaps show of a
program, from inside and from outside, against what the program did and against
the kernel's own maps."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import unittest

PAGODA, LIBRARY, PROGRAM = (os.path.realpath(arg) for arg in sys.argv[1:4])
FILES = ["vmallocinfo", "maps", "smaps"]
RECORDS = 1024
KIB, MIB = 1 << 10, 1 << 20

VMALLOC = re.compile(r"0x([0-9a-f]{16})-0x([0-9a-f]{16}) +(\d+) "
                     r"(?:pages=(\d+) vmalloc N0=(\d+)|unpurged vm_area)")
MAP = re.compile(r"([0-9a-f]{8,})-([0-9a-f]{8,}) ([r-][w-]-p) ([0-9a-f]{8,})"
                 r" 00:00 0 +\[pagoda:([\w:]+)\]")
VALUE = re.compile(r"([A-Z]\w*):( +)(\d+ kB|\d+|0x[0-9a-f]+)")
NOTE = re.compile(r"# (\d+) (?:more (vmalloc areas|unpurged areas|mappings):"
                  r" their table is full|\w+(?: areas)? being changed)")
KEYS = {"vmalloc": ["Size", "Used", "Pieces", "Moved"],
        "unpurged": ["Size"], "mmap": ["Size"],
        "pager": ["Size", "Faults", "Filled", "Pager"]}


class Broken(Exception):
    pass


def match(pattern, line):
    found = pattern.fullmatch(line)
    if not found:
        raise Broken(f"cannot parse {line!r}")
    return found


class Area:
    def __init__(self, start, end):
        if start % 4096 or end % 4096 or start >= end:
            raise Broken(f"not a range: {start:x}-{end:x}")
        self.start, self.end, self.size = start, end, end - start
        self.values = {}


def in_order(areas):
    for before, after in zip(areas, areas[1:]):
        if before.end > after.start:
            raise Broken(f"{before.start:x}-{before.end:x} and "
                         f"{after.start:x}-{after.end:x}")
    return areas


def read_number(text):
    if text.endswith(" kB"):
        return int(text[:-3]) * KIB
    return int(text, 0)


def parse_vmallocinfo(lines):
    areas = []
    for line in lines:
        start, end, size, pages, on_node = match(VMALLOC, line).groups()
        area = Area(int(start, 16), int(end, 16))
        area.name = "vmalloc" if pages else "unpurged"
        area.pages = int(pages) if pages else None
        if int(size) != area.size or pages != on_node or \
                (pages and not 0 < int(pages) * 4096 <= area.size):
            raise Broken(line)
        areas.append(area)
    return in_order(areas)


def parse_maps(lines):
    areas = []
    for line in lines:
        if areas and VALUE.fullmatch(line):
            key, blanks, value = VALUE.fullmatch(line).groups()
            if key in areas[-1].values or len(key) + 1 + len(blanks) < 16:
                raise Broken(line)
            areas[-1].values[key] = read_number(value)
            continue
        start, end, prot, offset, name = match(MAP, line).groups()
        if line.index("[") != 73:
            raise Broken(line)
        area = Area(int(start, 16), int(end, 16))
        area.prot, area.offset, area.name = prot, int(offset, 16), name
        areas.append(area)
    return in_order(areas)


class Shown:
    """One of the files: its areas, and what it says of those it lacks."""

    def __init__(self, name, text):
        if text and not text.endswith("\n"):
            raise Broken("no newline at the end")
        lines = text.split("\n")[:-1]
        notes = [line for line in lines if line.startswith("#")]
        if notes != lines[len(lines) - len(notes):]:
            raise Broken("a note is not at the end")
        self.notes = [match(NOTE, line).groups() for line in notes]
        self.text = text
        parse = parse_vmallocinfo if name == "vmallocinfo" else parse_maps
        self.areas = parse(lines[:len(lines) - len(notes)])
        for area in self.areas if name == "smaps" else []:
            if list(area.values) != KEYS.get(area.name, ["Size", "Rss"]) or \
                    area.values["Size"] != area.size:
                raise Broken(f"{area.name}: {area.values}")

    def named(self, name):
        return [area for area in self.areas if area.name == name]

    def at(self, start):
        area, = (area for area in self.areas if area.start == start)
        return area


class Program:
    def __init__(self):
        self.process = subprocess.Popen(
            [PAGODA, "run", "--lib", LIBRARY, "--", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.do("read modes", False)
        self.text()

    def do(self, command, wait=True):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        if not wait:
            return None
        return tuple(int(n) for n in self.process.stdout.readline().split())

    def new(self, command):
        addr = self.do(command)[0]
        assert addr, command
        return addr

    def text(self):
        length = int(self.process.stdout.readline())
        return self.process.stdout.read(length).decode()

    def inside(self, name, command="read"):
        self.do(f"{command} {name}", False)
        return Shown(name, self.text())

    def raw(self, name):
        return subprocess.run([PAGODA, "stat", str(self.pid), name],
                              check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def outside(self, name):
        return Shown(name, self.raw(name))

    def numbers(self, name):
        return {key: int(value) for key, value in
                re.findall(r"^(\w+):? +(\d+)", self.raw(name), re.M)}

    def kernel_maps(self):
        with open(f"/proc/{self.pid}/maps") as file:
            for line in file:
                found = re.match(r"(\w+)-(\w+) (....)", line)
                yield int(found[1], 16), int(found[2], 16), found[3]


@contextlib.contextmanager
def running():
    program = Program()
    try:
        yield program
        program.process.stdin.close()
        assert program.process.wait(20) == 0, "the program failed"
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        program.process.stdout.close()


class Case(unittest.TestCase):
    def check_kernel(self, program, shown):
        """The kernel has memory of that protection wherever we say so."""
        maps = list(program.kernel_maps())
        for area in shown.areas:
            reached = area.start
            for start, end, prot in maps:
                if start <= reached < end and reached < area.end:
                    self.assertEqual(prot[:2], area.prot[:2], area.name)
                    reached = end
            self.assertGreaterEqual(reached, area.end, area.name)

    def check(self, program):
        """All files, of a program at rest: the same from both sides, the same
        areas in each, and the sums that other files have."""
        files = {}
        for name in FILES:
            files[name] = program.outside(name)
            self.assertEqual(program.inside(name).text, files[name].text)
            self.assertEqual(files[name].notes, [])
        info, maps, smaps = (files[name] for name in FILES)
        self.check_kernel(program, maps)
        ranges = [[(a.name, a.start, a.end) for a in f.areas]
                  for f in (info, maps, smaps)]
        self.assertEqual(ranges[1], ranges[2])
        self.assertEqual(ranges[0], [r for r in ranges[1] if r[0] in
                                     ("vmalloc", "unpurged")])
        self.check_sums(program, info, smaps)
        return info, maps, smaps

    def check_sums(self, program, info, smaps):
        mem, vm = program.numbers("meminfo"), program.numbers("vmstat")
        used = info.named("vmalloc")
        self.assertEqual(len(used), vm["nr_vmalloc_areas"])
        self.assertEqual(sum(a.pages for a in used) * 4,
                         mem["VmallocUsed"])
        self.assertEqual([a.pages * 4096 for a in used],
                         [a.values["Used"] for a in smaps.named("vmalloc")])
        unpurged = sum(a.size for a in info.named("unpurged"))
        resident = sum(int(n) for n in re.findall(
            r"nr_free_resident +(\d+)", program.raw("zoneinfo")))
        self.assertEqual(mem["FreeResident"], resident * 4 + unpurged // KIB)
        zones = [a for a in smaps.areas if a.name not in KEYS]
        present = sum(int(n) for n in re.findall(
            r"present +(\d+)", program.raw("zoneinfo")))
        self.assertEqual(sum(a.size for a in zones), present * 4096)
        for zone in zones:
            self.assertLessEqual(zone.values["Rss"], zone.size)


class Vmalloc(Case):
    def test_alloc(self):
        with running() as program:
            self.assertEqual(self.check(program)[0].areas, [])
            sizes = 8 * MIB, 100 * MIB, 5 * MIB + 4097
            blocks = {program.new(f"alloc {size}"): size for size in sizes}
            info, _, smaps = self.check(program)
            self.assertEqual({a.start: a.pages for a in info.areas},
                             {p: -(-size // 4096)
                              for p, size in blocks.items()})
            for area in smaps.named("vmalloc"):
                self.assertEqual(area.values["Pieces"], 0)
                self.assertEqual(area.values["Moved"], 0)
            for addr in blocks:
                program.do(f"free {addr}")
                info = self.check(program)[0]
                self.assertNotIn(addr, [a.start for a in
                                        info.named("vmalloc")])
            self.assertEqual(info.named("vmalloc"), [])

    def test_realloc(self):
        with running() as program:
            first = program.new(f"alloc {10 * MIB}")
            program.new(f"alloc {8 * MIB}")
            moved = program.new(f"realloc {first} {300 * MIB}")
            self.assertNotEqual(moved, first)
            info, _, smaps = self.check(program)
            self.assertEqual(len(info.named("vmalloc")), 2)
            area = smaps.at(moved)
            self.assertEqual(area.values["Used"], 300 * MIB)
            self.assertEqual(area.values["Moved"], 10 * MIB)
            self.assertEqual(area.values["Pieces"], 1)
            self.assertGreater(area.size, 300 * MIB)
            # Into its room: nothing moves.
            size = area.size - 4096
            self.assertEqual(program.new(f"realloc {moved} {size}"), moved)
            area = self.check(program)[2].at(moved)
            self.assertEqual(area.values["Used"], size)
            self.assertEqual(area.values["Moved"], 10 * MIB)
            self.assertEqual(program.new(f"realloc {moved} {6 * MIB}"), moved)
            area = self.check(program)[2].at(moved)
            self.assertEqual(area.values["Used"], 6 * MIB)
            self.assertLessEqual(area.values["Moved"], 6 * MIB)
            program.do(f"free {moved}")
            self.check(program)

    def test_unpurged(self):
        with running() as program:
            kept = program.new(f"alloc {30 * MIB}")
            gone = program.new(f"alloc {6 * MIB}")
            program.new(f"alloc {30 * MIB}")
            program.do(f"free {gone}")
            info, _, _ = self.check(program)
            self.assertIn(gone, [a.start for a in info.named("unpurged")])
            self.assertEqual(program.new(f"alloc {6 * MIB}"), gone)
            self.assertEqual(self.check(program)[0].named("unpurged"), [])
            self.assertEqual(info.at(kept).pages * 4096, 30 * MIB)

    def test_stopped(self):
        with running() as program:
            program.new(f"alloc {9 * MIB}")
            before = [program.raw(name) for name in FILES]
            os.kill(program.pid, signal.SIGSTOP)
            try:
                self.assertEqual([program.raw(name) for name in FILES],
                                 before)
            finally:
                os.kill(program.pid, signal.SIGCONT)


class Mappings(Case):
    def test_mmap(self):
        with running() as program:
            addr = program.new(f"mmap {MIB}")
            self.assertEqual([(a.start, a.size, a.prot) for a in
                              self.check(program)[1].named("mmap")],
                             [(addr, MIB, "rw-p")])
            program.do(f"munmap {addr + 256 * KIB} {4 * KIB}")
            self.assertEqual([(a.start, a.end) for a in
                              self.check(program)[1].named("mmap")],
                             [(addr, addr + 256 * KIB),
                              (addr + 260 * KIB, addr + MIB)])
            program.do(f"munmap {addr} {MIB}")
            self.assertEqual(self.check(program)[1].named("mmap"), [])

    def test_pager(self):
        with running() as program:
            addr, ops = program.do(f"map {MIB} {16 * KIB} 0")
            if not addr:
                self.skipTest(f"pagoda_map: errno {ops}")
            for page in 0, 1, 20, 200:
                self.assertEqual(program.do(f"touch {addr + page * 4096}")[0],
                                 ord("x"))
            area, = self.check(program)[2].named("pager")
            self.assertEqual((area.start, area.size, area.prot, area.offset),
                             (addr, MIB, "rw-p", 0))
            self.assertEqual(area.values, {
                "Size": MIB, "Faults": 3, "Filled": 48 * KIB, "Pager": ops})
            program.do(f"munmap {addr + 512 * KIB} {64 * KIB}")
            readonly = program.do(f"map {MIB} 0 1")[0]
            self.assertEqual(
                [(a.start, a.size, a.prot, a.offset)
                 for a in self.check(program)[1].named("pager")],
                sorted([(addr, 512 * KIB, "rw-p", 0),
                        (addr + 576 * KIB, 448 * KIB, "rw-p", 576 * KIB),
                        (readonly, MIB, "r--p", 0)]))
            child = program.inside("maps", "forkread")
            self.assertEqual(child.named("pager"), [])
            program.do(f"munmap {addr} {MIB}")
            program.do(f"munmap {readonly} {MIB}")
            self.assertEqual(self.check(program)[1].named("pager"), [])


class Crowd(Case):
    def check_many(self, command, name, extra):
        count = RECORDS + extra
        with running() as program:
            self.assertEqual(program.do(command.format(count))[0], count)
            for read in program.inside, program.outside:
                shown = read("maps")
                self.assertEqual(len(shown.named(name)), RECORDS)
                self.assertEqual([int(nr) for nr, _ in shown.notes], [extra])
                self.assertEqual(read("smaps").notes, shown.notes)
            program.do("freemany")
            _, maps, _ = self.check(program)
            self.assertEqual(maps.named(name), [])
            self.assertEqual(program.do(command.format(3))[0], 3)
            self.assertEqual(len(self.check(program)[1].named(name)), 3)

    def test_many_blocks(self):
        self.check_many(f"many {5 * MIB} {{}}", "vmalloc", 50)

    def test_many_mappings(self):
        self.check_many(f"manymaps {MIB} {{}}", "mmap", 60)

    def test_busy(self):
        """No line of a changing process is torn, and no ranges overlap."""
        with running() as program:
            program.do("churn 4")
            end = time.monotonic() + 4
            seen = set()
            while time.monotonic() < end:
                for name in FILES:
                    for read in program.inside, program.outside:
                        shown = read(name)
                        seen.update(a.start for a in shown.areas)
                        for number, table in shown.notes:
                            if table != "unpurged areas":
                                self.assertLess(int(number), 100, table)
            self.assertGreater(len(seen), 10)
            program.do("stop")
            program.do("trim")
            info, maps, _ = self.check(program)
            self.assertEqual(info.named("unpurged"), [])
            self.assertEqual(info.named("vmalloc"), [])
            self.assertEqual(maps.named("mmap"), [])
            self.assertEqual(maps.named("pager"), [])


def may_read():
    """Some systems let only root look at other processes (status 4)."""
    with running() as program:
        return subprocess.run([PAGODA, "stat", str(program.pid)],
                              stdout=subprocess.DEVNULL).returncode != 4


if __name__ == "__main__":
    if not may_read():
        print("SKIPPED: no permission to read other processes")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
