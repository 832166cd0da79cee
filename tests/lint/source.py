# SPDX-License-Identifier: MIT
"""What the lint scripts share: the files of the tree, and their text without
comments and strings."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Bottom first: a folder includes only from itself and from those before it.
LAYERS = ["base", "os", "percpu", "page_alloc", "slab", "vmalloc", "vma",
          "proc", "malloc"]


def files(*folders, suffixes=(".c", ".h", ".def", ".S")):
    """Sources below @folders, in a fixed order."""
    found = []
    for folder in folders:
        found += [p for p in (ROOT / folder).rglob("*")
                  if p.suffix in suffixes and p.is_file()]
    return sorted(found)


def name(path):
    return str(path.relative_to(ROOT))


_SKIP = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+' """,
    re.S | re.X)


def code(text):
    """@text with comments and literals blanked; lines stay where they are."""
    return _SKIP.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Report:
    """Collects complaints; done() prints them and ends the script."""

    def __init__(self):
        self.complaints = []

    def add(self, where, what):
        self.complaints.append(f"{where}: {what}")

    def done(self, checked):
        for complaint in self.complaints:
            print(complaint)
        print(f"{checked}: {len(self.complaints)} complaints")
        sys.exit(1 if self.complaints else 0)
