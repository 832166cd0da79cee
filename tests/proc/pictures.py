#!/usr/bin/env python3
"""pictures.py PAGODA LIBRARY LIVE-PROGRAM PROGRAM: maps and reports, read by other
programs' parsers, against what "pagoda stat" and the recording say."""

import collections
import html.parser
import json
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as xml

from program import PAGODA, main, running
from recordings import (Case, lines_of_type, needs_reader, pagoda, stopped)

try:
    from PIL import Image
except ImportError:
    Image = None

HAVE_PNG = "built without" not in pagoda("map", "1", "-o", "x.png").stderr
SVG = "{http://www.w3.org/2000/svg}"
RECT = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
HOLLOW = "slabs' free pages, given back"
# States in the legend, and what they are in zoneinfo (pages).
FIXED = {"large blocks": "large", "large blocks kept by a CPU": "large",
         "free, resident": "free", "free, given back": "free",
         "free, kept by a CPU": "pcp"}


def area(path):
    """Of the rectangles, which do not overlap."""
    rects = RECT.findall(path)
    assert "".join("M%s %sh%sv%sh-%sz" % r for r in rects) == path, path[:99]
    return sum(int(w) * int(h) for _, _, w, h, _ in rects)


def size_of(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


class Svg:
    """A map: pages by label of the legend."""

    def __init__(self, path):
        root = xml.parse(path).getroot()
        assert root.tag == SVG + "svg"
        self.cell, per_cell, self.swatch = map(int, re.match(
            r"cell (\d+) px, (\d+) pages each; swatch (\d+) px$",
            root.find(SVG + "desc").text).groups())
        assert per_cell == 1
        cells = collections.Counter()
        for path in root.iter(SVG + "path"):
            cells[path.get("class")] += area(path.get("d"))
        # A swatch, its label and its amount follow each other.
        rows = [e for e in root if e.tag in (SVG + "rect", SVG + "text")]
        self.pages, self.amounts = {}, {}
        for swatch, label, amount in zip(rows, rows[1:], rows[2:]):
            if swatch.get("width") == str(self.swatch):
                colour = swatch.get("class")
                self.amounts[label.text] = amount.text
                self.pages[label.text] = cells.pop(colour, 0) / self.cell**2
        assert not cells, cells
        style = root.find(SVG + "style").text.split("@media")[0]
        self.colours = dict(re.findall(r"\.(c\d+)\{fill:#(\w{6})", style))
        self.colour_of = {label.text: self.colours[swatch.get("class")]
                          for swatch, label in zip(rows, rows[1:])
                          if swatch.get("width") == str(self.swatch)}


class Map(Case):
    def check_stat(self, pages, shown):
        """Pages by label are those that stat --json shows."""
        sums = collections.Counter()
        for label, nr in pages.items():
            sums[FIXED.get(label, label)] += nr
        zones = collections.Counter()
        for zone in shown["zoneinfo"]:
            for name in "free", "free_resident", "pcp", "large":
                zones[name] += zone[f"{name}_pages"]
        for name in "free", "pcp", "large":
            self.assertEqual(sums.pop(name, 0), zones[name], name)
        self.assertEqual(pages.get("free, resident", 0),
                         zones["free_resident"])
        memory = shown["meminfo"]
        self.assertEqual(sums.pop("vmalloc areas", 0) * 4096,
                         memory["vmalloc_used_bytes"])
        free = sums["room of vmalloc areas"]
        unpurged = sums.pop("free vmalloc space, resident", 0)
        free += unpurged + sums.pop("free vmalloc space, given back", 0)
        del sums["room of vmalloc areas"]
        self.assertEqual(unpurged * 4096, memory["vmalloc_unpurged_bytes"])
        self.assertEqual(free * 4096, memory["vmalloc_free_bytes"])
        hollow = sums.pop(HOLLOW, 0)
        # Only caches are left.
        slabs = {c["name"]: c["slabs"] * c["pages_per_slab"]
                 for c in shown["slabinfo"]}
        others = sum(slabs.values())
        for label, nr in sums.items():
            if label in slabs:
                self.assertLessEqual(nr, slabs[label], label)
                self.assertGreaterEqual(nr, slabs[label] - hollow, label)
                others -= nr
            else:
                self.assertEqual(label, "other caches")
        self.assertEqual(sums.get("other caches", 0) + hollow, others)

    def fill(self, program):
        program.do("alloc 60 30000 2")
        program.do("alloc 3000 2000 1")
        program.do("alloc 300000 30 1")
        program.do("free 2")
        program.do("alloc 700 9000 1")
        program.do("alloc 50000 20 1")
        program.do("alloc 9000000 2 1")
        program.do("grow 5000000 8000000 2")

    def test_stopped(self):
        for options in [], ["percpu=lock"], ["numa=fake=3"], ["decay_ms=0"]:
            with self.subTest(options), running(*options) as program:
                self.fill(program)
                with stopped(program.pid):
                    shown = json.loads(program.show("--json"))
                    self.check_pictures(program.pid, shown)
                program.do("free 1")

    def check_pictures(self, pid, shown):
        name = self.path("map.svg")
        self.check(0, "map", pid, "-o", name)
        svg = Svg(name)
        bars = {label: svg.pages.pop(label) for label in list(svg.pages)
                if label.startswith("bar: ")}
        self.check_stat(svg.pages, shown)
        for label, nr in svg.pages.items():
            self.assertLess(abs(size_of(svg.amounts[label]) / 4096 - nr),
                            nr / 100 + 1, label)
        types = collections.Counter()
        for zone in shown["pagetypeinfo"]:
            for kind in "movable", "unmovable", "reclaimable":
                types[kind] += zone[kind]["pageblocks"]
        for label in bars:
            self.assertEqual(int(svg.amounts[label]), types[label.split()[1]])
        if Image and HAVE_PNG:
            self.check_png(pid, svg)

    def check_png(self, pid, svg):
        name = self.path("map.png")
        self.check(0, "map", pid, "-o", name)
        with Image.open(name) as image:
            image.load()
            self.assertIn(f"cell {svg.cell} px", image.text["Comment"])
            counts = collections.Counter(
                "%02x%02x%02x" % rgb for rgb in image.convert("RGB").getdata())
        for label, colour in svg.colour_of.items():
            if label.startswith("bar: "):
                continue
            pixels = counts[colour] - svg.swatch**2
            self.assertEqual(pixels / svg.cell**2, svg.pages[label], label)

    @unittest.skipUnless(Image, "python3-pil is not installed")
    def test_png_is_tested(self):
        if not HAVE_PNG:
            self.skipTest("built without libpng")

    def test_hollow(self):
        with running() as program:
            program.do("alloc 2000 1000 1")
            program.do("thin 16")
            program.do("trim")
            with stopped(program.pid):
                shown = json.loads(program.show("--json"))
                self.check_pictures(program.pid, shown)
                pages = Svg(self.path("map.svg")).pages
            self.assertGreater(pages[HOLLOW], 30)
            self.assertLessEqual(pages[HOLLOW],
                                 shown["vmstat"]["slab_hollow"])
            self.assertEqual(pages[HOLLOW] * 4096,
                             shown["meminfo"]["slab_hollow_bytes"])
            program.do("free 1")
            program.do("trim")
            shown = json.loads(program.show("--json"))
            self.assertLess(shown["meminfo"]["slab_hollow_bytes"],
                            pages[HOLLOW] * 4096 / 4)

    def test_busy(self):
        """Tables that change while they are read."""
        with running() as program:
            program.begin("churn 3000 8")
            for _ in range(40):
                self.check(0, "map", program.pid, "-o", self.path("x.svg"))
                xml.parse(self.path("x.svg"))
            program.finish()

    @unittest.skipUnless(shutil.which("gcore"), "gdb is not installed")
    def test_core(self):
        live, core = self.path("live.svg"), self.path("core")
        with running("span=64") as program:
            program.do("alloc 777 1000 2")
            program.do("alloc 9000000 2 1")
            with stopped(program.pid):
                self.check(0, "map", program.pid, "-o", live)
                gcore = subprocess.run(
                    ["gcore", "-o", core, str(program.pid)],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            program.do("free 1")
        core += f".{program.pid}"
        if not os.path.exists(core):
            self.skipTest(gcore.stdout.decode(errors="replace"))
        self.check(0, "map", "--core", core, "-o", self.path("core.svg"))
        self.assertEqual(Svg(live).pages, Svg(self.path("core.svg")).pages)
        os.truncate(core, os.path.getsize(core) // 2)
        os.unlink(self.path("core.svg"))
        self.check(7, "map", "--core", core, "-o", self.path("core.svg"))
        self.assertFalse(os.path.exists(self.path("core.svg")))

    def test_refused(self):
        process = self.start_program()
        pid, name = process.pid, self.path("x.svg")
        gone = subprocess.Popen(["true"])
        gone.wait()
        plain = subprocess.Popen(["sleep", "60"])
        self.addCleanup(plain.wait)
        self.addCleanup(plain.kill)
        for status, args in (
                (2, []), (2, [pid]), (2, ["x", "-o", name]),
                (2, [pid, pid, "-o", name]), (2, [pid, "-o", "x.gif"]),
                (2, [pid, "-o", ".svg"]), (2, ["--core", "x", pid, "-o", name]),
                (3, [gone.pid, "-o", name]), (5, [plain.pid, "-o", name]),
                (1, ["--core", self.path("no"), "-o", name]),
                (7, ["--core", "/etc/passwd", "-o", name]),
                (1, [pid, "-o", self.path("no/x.svg")])):
            with self.subTest(args=args):
                self.check(status, "map", *args)
                self.assertEqual(os.listdir(self.folder), [])


class Page(html.parser.HTMLParser):
    """A page of "pagoda report": well-formed, and what is in it."""

    VOID = {"meta", "br", "input"}

    def __init__(self, path):
        super().__init__()
        self.stack, self.ids, self.tags = [], [], collections.Counter()
        self.texts, self.addresses = collections.defaultdict(list), []
        self.charts, self.rows = {}, collections.defaultdict(list)
        self.areas = collections.defaultdict(collections.Counter)
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.feed(self.text)
        self.close()
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] += 1
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.addresses += [attrs[a] for a in ("src", "href", "xlink:href",
                                              "action", "data", "srcset")
                           if a in attrs]
        if tag == "tr":
            self.rows[self.inside("table")].append([])
        if "data-value" in attrs:
            self.rows[self.inside("table")][-1].append(
                int(attrs["data-value"]))
        if tag == "path" and self.inside("div", "map"):
            self.areas[self.inside("div", "map")][attrs["class"]] += area(
                attrs["d"])
        if tag not in self.VOID:
            self.stack.append((tag, attrs))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag, (tag, self.getpos())

    def handle_data(self, data):
        if not self.stack:
            return
        tag, attrs = self.stack[-1]
        self.texts[tag].append(data)
        if attrs.get("type") == "application/json":
            self.charts[attrs.get("id") or self.inside("figure")] = json.loads(
                data)
        if tag == "th" and self.inside("tbody") is not None:
            self.rows[self.inside("table")][-1].append(data)

    def inside(self, tag, kind=None):
        for its, attrs in reversed(self.stack):
            if its == tag and (not kind or attrs.get("class") == kind):
                return attrs.get("id", "")
        return None

    def values(self, chart, name):
        """Those of a series; one that is not there has only zeros."""
        found = [s["values"] for s in self.charts[chart]["series"]
                 if s["name"] == name]
        return found[0] if found else [0] * len(self.charts["times"]["ms"])


@needs_reader
class Report(Case):
    def page(self, recording):
        name = self.path("page.html")
        self.check(0, "report", recording, "-o", name)
        page = Page(name)
        # Nothing is fetched from anywhere.
        self.assertEqual(page.addresses, [])
        self.assertNotRegex(page.text, r"(?i)https?://|@import|url\(|//www")
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertIn("prefers-color-scheme", page.text)
        self.assertIn("width=device-width", page.text)
        self.assertNotIn("nan", " ".join(page.texts["text"]))
        return page

    def check_values(self, page, path):
        samples = lines_of_type(path, "sample")
        self.assertEqual(page.charts["times"]["ms"],
                         [s["ms"] for s in samples])
        self.assertEqual(page.values("memory", "RSS"),
                         [s["rss_bytes"] for s in samples])
        for chart, series, name in (
                ("memory", "in use", "heap_bytes"),
                ("uses", "large blocks", "large_bytes"),
                ("uses", "the allocator's tables", "metadata_bytes")):
            self.assertEqual(page.values(chart, series),
                             [s["memory"][name] for s in samples])
        # The first sample may be taken before there is a zone.
        none = {"free_pages": 0, "free_resident_pages": 0}
        zone = [s["zones"][-1] if s["zones"] else none for s in samples]
        self.assertEqual(
            page.values("free", f"{zone[-1]['zone']}, given back"),
            [4096 * (z["free_pages"] - z["free_resident_pages"])
             for z in zone])
        faults = page.values("faults", "minor")
        for before, after, rate in zip(samples, samples[1:], faults[1:]):
            expected = (after["minor_faults"] - before["minor_faults"]) \
                * 1000 / (after["ms"] - before["ms"])
            self.assertAlmostEqual(rate, expected, delta=expected / 1e6)
        self.check_caches(page, path, samples)
        last = samples[-1]
        for name, first, _, value in page.rows["totals"][1:]:
            self.assertEqual(value, last["memory"][name])
            self.assertEqual(first, samples[0]["memory"][name])
        self.assertEqual({row[0]: row[1] for row in page.rows["events"][1:]},
                         last["events"])

    def check_caches(self, page, path, samples):
        caches = {c["id"]: c for c in lines_of_type(path, "cache")}
        use = {c["name"]: [0] * len(samples) for c in caches.values()}
        for i, sample in enumerate(samples):
            for id, active, _, _ in sample["caches"]:
                use[caches[id]["name"]][i] += \
                    active * caches[id]["padded_bytes"]
        for chart, base in ("caches", 0), ("growth", 1):
            rest = [0] * len(samples)
            shown = {s["name"]: s["values"]
                     for s in page.charts[chart]["series"]}
            for name, values in use.items():
                values = [v - base * values[0] for v in values]
                if name in shown:
                    self.assertEqual(shown.pop(name), values, name)
                else:
                    rest = [a + b for a, b in zip(rest, values)]
            self.assertEqual(shown.pop("all other caches", rest), rest)
            self.assertEqual(shown, {})
        self.assertEqual({row[0]: row[3] for row in page.rows["cache-table"][1:]},
                         {name: values[-1] for name, values in use.items()})

    def check_maps(self, page, path):
        maps = lines_of_type(path, "map")
        self.assertGreater(len(page.areas), 0)
        # The last one is there; by state, with as many pages as it has.
        last = page.areas[max(page.areas, key=lambda name: int(name[3:]))]
        counts = collections.Counter()
        for region in maps[-1]["regions"]:
            runs = region["runs"]
            for state, nr in zip(runs[::2], runs[1::2]):
                counts[state] += nr
        self.assertEqual(sum(last.values()), sum(counts.values()))
        for state in range(10):
            if counts[state]:
                self.assertIn(counts[state], last.values(), state)

    def test_program(self):
        path = self.record_program(120)
        page = self.page(path)
        self.check_values(page, path)
        self.check_maps(page, path)
        self.assertIn("Memory of record_program", page.texts["h1"])
        self.assertIn("grows steadily", page.texts["b"])

    def test_redis(self):
        path = self.path("redis.rec")
        with self.redis() as (process, fill):
            recorder = subprocess.Popen(
                [PAGODA, "record", str(process.pid), "-o", path, "-i", "0.05",
                 "-n", "30"])
            for i in range(8):
                fill(3000 * (i + 2), "b", 100 * (i + 1))
            fill(1, "big", 9000000)
            self.assertEqual(recorder.wait(60), 0)
        page = self.page(path)
        self.check_values(page, path)
        self.check_maps(page, path)
        self.assertIn("Memory of redis-server", page.texts["h1"])

    def test_one_sample(self):
        process = self.start_program()
        path = self.path("x.rec")
        self.check(0, "record", process.pid, "-o", path, "-n", 1)
        page = self.page(path)
        self.check_values(page, path)

    def test_many_samples(self):
        """More than are drawn: the largest is."""
        path = self.record_program(10)
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        sample = json.loads([line for line in lines if '"sample"' in line][-1])
        ms, peak = sample["ms"], 0
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(lines[:-1]) + "\n")
            for i in range(5000):
                sample["ms"] = ms + i * 1000
                sample["rss_bytes"] = 2**30 + i * 7919 % 104729
                peak = max(peak, sample["rss_bytes"])
                file.write(json.dumps(sample) + "\n")
        page = self.page(path)
        values = page.values("memory", "RSS")
        self.assertEqual(max(values), peak)
        self.assertEqual(values[-1], sample["rss_bytes"])
        self.assertLess(len(values), 1000)
        self.assertIn("The recorder did not end", page.text)

    def test_hostile_names(self):
        """Names of caches and programs are text and nothing else."""
        path = self.record_program(10)
        evil = "</script><script>x()//"
        with open(path, encoding="ascii") as file:
            text = file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace("kmalloc-224", evil)
                       .replace('"command":"', '"command":"<b>&amp;\\u00e9 '))
        plain = self.page(self.record_program(10, "plain.rec"))
        page = self.page(path)
        self.assertEqual(page.tags["script"], plain.tags["script"])
        self.assertIn(evil, [s["name"] for s in
                             page.charts["caches"]["series"]])


if __name__ == "__main__":
    main()
