#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library asks libc only for what libc-allowed.txt lists, and neither its
objects nor the linked code call an allocator that may be someone else's.

usage: symbols.py LIBRARY CORE_ARCHIVE
"""

import pathlib
import re
import shutil
import subprocess
import sys

import source

ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "free",
              "memalign", "aligned_alloc", "posix_memalign", "valloc",
              "pvalloc", "cfree", "strdup", "strndup", "_Znwm", "_ZdlPv",
              "__libc_malloc", "__libc_free", "__libc_calloc",
              "__libc_realloc", "__tls_get_addr"}


def output_of(*command):
    return subprocess.run(command, check=True, text=True,
                          capture_output=True).stdout


def allowed_symbols():
    path = pathlib.Path(__file__).with_name("libc-allowed.txt")
    lines = [line.split("#")[0].strip()
             for line in path.read_text().splitlines()]
    return {line for line in lines if line}


def undefined(*nm_args):
    names = set()
    for line in output_of("nm", *nm_args).splitlines():
        match = re.match(r"\s+[Uw] (\w+)", line)
        if match:
            names.add(match.group(1))
    return names


def check_library(report, library):
    allowed = allowed_symbols()
    needed = undefined("-D", "-u", library)
    for symbol in sorted(needed - allowed):
        report.add("lib/", f"{symbol} is not in libc-allowed.txt")


def check_core(report, archive):
    """Below malloc/ nothing may even mention an allocator."""
    for symbol in sorted(undefined("-u", archive) & ALLOCATORS):
        report.add("the layers below lib/malloc", f"use {symbol}")


def check_calls(report, library):
    """Our own calls are direct: no entry of the PLT, no load from the GOT."""
    relocations = output_of("objdump", "-R", library)
    for line in relocations.splitlines():
        fields = line.split()
        if len(fields) == 3:
            symbol = fields[2].split("@")[0].split("+")[0]
            if symbol in ALLOCATORS:
                report.add("lib/malloc", f"reaches {symbol} by {fields[1]}")


def main():
    library, archive = sys.argv[1:3]
    for tool in ("nm", "objdump"):
        if not shutil.which(tool):
            print(f"skipped: there is no {tool}")
            sys.exit(77)
    report = source.Report()
    check_library(report, library)
    check_core(report, archive)
    check_calls(report, library)
    report.done("symbols")


main()
