#!/usr/bin/env python3
"""forms.py PAGODA LIBRARY PROGRAM FAKE: JSON and OpenMetrics of a program that
runs on the library and of one with a control block filled by hand."""

import json
import os
import re
import signal
import subprocess
import unittest

from program import PAGODA, fake, main, running

try:
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    openmetrics = None

NUMBER = int
TEXT = str
MODE = {"value": TEXT, "reason": TEXT}
BLOCKS = [NUMBER] * 11
TYPE = {"free_blocks": BLOCKS, "pageblocks": NUMBER}
ZONE = {"node": NUMBER, "zone": TEXT}


def zone_with(**more):
    return [{**ZONE, **more}, ...]


def numbers(*names):
    return {name: NUMBER for name in names}


# A list that ends in "..." has any number of its first element.
SCHEMA = {
    "version": NUMBER,
    "pagoda": TEXT,
    "pid": NUMBER,
    "page_bytes": NUMBER,
    "modes": {TEXT: MODE},
    "meminfo": numbers(
        "heap_bytes", "online_bytes", "available_bytes", "free_bytes",
        "free_resident_bytes", "pcp_bytes", "slab_bytes",
        "slab_hollow_bytes", "slab_reclaimable_bytes", "sheaves_bytes",
        "large_bytes",
        "large_cached_bytes", "vmalloc_used_bytes", "vmalloc_free_bytes",
        "vmalloc_unpurged_bytes", "metadata_bytes", "boot_used_bytes",
        "span_bytes", "vmalloc_largest_free_bytes"),
    "zoneinfo": zone_with(
        start_pfn=NUMBER, **numbers(*(f"{name}_pages" for name in (
            "spanned", "present", "managed", "free", "free_resident", "pcp",
            "slab", "slab_hollow", "large", "min", "low", "high"))),
        protection_pages=[NUMBER] * 4),
    "buddyinfo": zone_with(free_blocks=BLOCKS),
    "pagetypeinfo": zone_with(unmovable=TYPE, movable=TYPE, reclaimable=TYPE),
    "slabinfo": [{"name": TEXT, **numbers(
        "object_bytes", "padded_bytes", "objects_per_slab", "pages_per_slab",
        "active_objects", "objects", "slabs", "empty_slabs", "sheaf_limit",
        "batch")}, ...],
    "sheafinfo": [{"name": TEXT, **numbers(
        "active_objects", "free_in_slabs", "free_in_barn", "free_in_sheaves",
        "refills", "flushes", "grown_slabs", "reaped_slabs")}, ...],
    "vmstat": {TEXT: NUMBER},
}
HEAD = ["version", "pagoda", "pid", "page_bytes"]


def no_doubles(pairs):
    members = dict(pairs)
    assert len(members) == len(pairs), pairs
    return members


def load(text):
    return json.loads(text, object_pairs_hook=no_doubles)


class Case(unittest.TestCase):
    def check(self, value, schema, where="$"):
        if isinstance(schema, type):
            self.assertIs(type(value), schema, where)
        elif isinstance(schema, list):
            self.assertIsInstance(value, list, where)
            if schema[-1] is ...:
                schema = schema[:1] * len(value)
            self.assertEqual(len(value), len(schema), where)
            for i, (one, its) in enumerate(zip(value, schema)):
                self.check(one, its, f"{where}[{i}]")
        else:
            self.assertIsInstance(value, dict, where)
            if TEXT in schema:
                schema = dict.fromkeys(value, schema[TEXT])
            self.assertEqual(list(value), list(schema), where)
            for name, its in schema.items():
                self.check(value[name], its, f"{where}.{name}")


class Json(Case):
    def check_document(self, document):
        """Those files that only have lines are the ones without a schema."""
        lines = {name: [TEXT, ...] for name in document
                 if name not in SCHEMA}
        schema = {name: (SCHEMA | lines)[name] for name in document}
        self.check(document, schema)
        self.assertLessEqual(set(HEAD), set(document))

    def test_live(self):
        with running() as program:
            program.do("alloc 1000 500 1")
            program.do("alloc 10000000 2 1")
            os.kill(program.pid, signal.SIGSTOP)
            try:
                document = load(program.show("--json"))
                text = program.show()
            finally:
                os.kill(program.pid, signal.SIGCONT)
            self.check_document(document)
            self.assertLessEqual(set(SCHEMA), set(document))
            self.assertEqual(document["pid"], program.pid)
            self.check_numbers(document, text)
            program.do("free 1")

    def check_numbers(self, document, text):
        memory = document["meminfo"]
        for key, name in {"MemTotal": "online", "Committed_AS": "heap",
                          "Slab": "slab", "VmallocUsed": "vmalloc_used",
                          "MemFree": "free"}.items():
            shown = re.search(rf"(?m)^{key}: +(\d+) kB$", text)[1]
            self.assertEqual(memory[f"{name}_bytes"] // 1024, int(shown), key)
        events = document["vmstat"]
        for name, value in events.items():
            self.assertRegex(text, rf"(?m)^{name} {value}$")
        for cache in document["slabinfo"]:
            if not cache["objects_per_slab"]:
                continue
            self.assertRegex(
                text, r"(?m)^{name} +{active_objects} +{objects} "
                r"+{padded_bytes} +{objects_per_slab} +{pages_per_slab} :"
                .format(**cache))
        self.assertGreaterEqual(memory["vmalloc_used_bytes"], 20000000)

    def test_files(self):
        with running() as program:
            def names(*files):
                return list(load(subprocess.run(
                    [PAGODA, "stat", "--json", str(program.pid), *files],
                    check=True, stdout=subprocess.PIPE).stdout))

            self.assertEqual(names("vmstat"), HEAD + ["vmstat"])
            self.assertEqual(names("vmstat", "modes", "vmstat"),
                             HEAD + ["modes", "vmstat"])

    def test_fake(self):
        for name in "", "escape":
            with self.subTest(name), fake(name) as pid:
                text = subprocess.run([PAGODA, "stat", "--json", str(pid)],
                                      check=True, stdout=subprocess.PIPE,
                                      text=True).stdout
                document = load(text)
                self.check_document(document)
                self.assertNotIn("\033", text)
                self.assertEqual(document["vmstat"]["pgfree"], 2**40 + 1)
                sheaves = {cache["name"]: cache["free_in_sheaves"]
                           for cache in document["sheafinfo"]}
                self.assertEqual(sheaves["kmalloc-16"], 43)


@unittest.skipUnless(openmetrics, "python3-prometheus-client is not installed")
class OpenMetrics(Case):
    def families(self, pid):
        text = subprocess.run([PAGODA, "stat", "--openmetrics", str(pid)],
                              check=True, stdout=subprocess.PIPE,
                              text=True).stdout
        self.assertTrue(text.endswith("\n# EOF\n"))
        found = list(openmetrics.text_string_to_metric_families(text))
        self.assertEqual(len({f.name for f in found}), len(found))
        for family in found:
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("gauge", "counter", "info"))
            self.assertEqual(family.unit == "bytes",
                             family.name.endswith("_bytes"))
            self.assertTrue(family.samples, family.name)
        return {f.name: {tuple(sorted(s.labels.items())): s.value
                         for s in f.samples} for f in found}

    def test_live(self):
        with running() as program:
            program.do("alloc 1000 500 1")
            found = self.families(program.pid)
            document = load(program.show("--json"))
            program.do("free 1")
        for name, value in document["meminfo"].items():
            if f"pagoda_{name}" in found:
                self.assertEqual(found[f"pagoda_{name}"][()], value, name)
        self.assertEqual(found["pagoda_heap_bytes"][()],
                         document["meminfo"]["heap_bytes"])
        for name, value in document["vmstat"].items():
            self.assertEqual(found["pagoda_events"][("event", name),], value)
        active = found["pagoda_cache_active_objects"]
        for cache in document["slabinfo"]:
            self.assertEqual(active[("cache", cache["name"]),],
                             cache["active_objects"])
        self.assertEqual(list(found["pagoda"])[0][0],
                         ("pid", str(program.pid)))
        self.check_zones(found, document)

    def check_zones(self, found, document):
        for zone in document["zoneinfo"]:
            labels = [("node", str(zone["node"])), ("zone", zone["zone"])]
            used = [found["pagoda_zone_bytes"][
                tuple(sorted(labels + [("use", use)]))]
                for use in ("free", "pcp", "slab", "large")]
            self.assertEqual(sum(used), zone["managed_pages"] * 4096)

    def test_fake(self):
        for name in "", "escape":
            with self.subTest(name), fake(name) as pid:
                found = self.families(pid)
                self.assertEqual(
                    found["pagoda_events"][("event", "pgfree"),], 2**40 + 1)


if __name__ == "__main__":
    main()
