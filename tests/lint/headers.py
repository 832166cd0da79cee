#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header of lib/ and include/ compiles alone and twice in a row; those of
include/ also as C++ and as plain C11, without lib/ in sight.

usage: headers.py CC [CXX]
"""

import os
import shlex
import subprocess
import sys

import source

LIB_ARGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
            "-I", str(source.ROOT / "lib"), "-I", str(source.ROOT / "include")]
C_ARGS = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror",
          "-I", str(source.ROOT / "include")]
CXX_ARGS = ["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror",
            "-I", str(source.ROOT / "include")]


def compiles(compiler, language, args, text):
    done = subprocess.run(
        compiler + ["-x", language, "-fsyntax-only", *args, "-"],
        input=text, text=True, capture_output=True,
        env=dict(os.environ, LC_ALL="C"))
    return None if done.returncode == 0 else done.stderr.strip()


def check(report, where, compiler, language, args, include):
    for times in (1, 2):
        # One declaration more: an empty translation unit is no C11.
        text = f"#include {include}\n" * times + "extern int pagoda_lint;\n"
        why = compiles(compiler, language, args, text)
        if why:
            report.add(where, f"as {language}, {times} times:\n{why}")
            break


def main():
    cc = shlex.split(sys.argv[1])
    cxx = shlex.split(sys.argv[2]) if len(sys.argv) > 2 else None
    report = source.Report()
    headers = source.files("lib", suffixes=(".h",))
    for path in headers:
        inside = path.relative_to(source.ROOT / "lib")
        check(report, source.name(path), cc, "c", LIB_ARGS, f'"{inside}"')
    public = source.files("include", suffixes=(".h",))
    for path in public:
        inside = path.relative_to(source.ROOT / "include")
        check(report, source.name(path), cc, "c", C_ARGS, f"<{inside}>")
        if cxx:
            check(report, source.name(path), cxx, "c++", CXX_ARGS,
                  f"<{inside}>")
    report.done(f"{len(headers)} headers of lib/, {len(public)} of include/")


main()
