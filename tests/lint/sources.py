#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source file opens with a comment that says what it is and is short
enough to be read; what is installed or linked says its licence first; lib/ calls
nothing that may allocate, print or take libc's locks; the version is the same
everywhere.

usage: sources.py
"""

import re

import source

LICENCE = "SPDX-License-Identifier: MIT"

# Folder: most lines of a file. Tables of test cases may be longer.
FOLDERS = {"lib": 800, "include": 800, "tools": 800, "tests": 1000,
           "bench": 1000}
# Inputs of tests, not code of ours.
INPUTS = ["tests/programs/work"]
# Where the first lines are the licence, and the name of the file.
STRICT = ["lib", "include"]

FORBIDDEN = """
    malloc calloc realloc reallocarray free memalign aligned_alloc
    posix_memalign valloc pvalloc strdup strndup asprintf vasprintf getline
    printf fprintf vprintf vfprintf sprintf snprintf vsprintf vsnprintf puts
    fputs fputc putchar perror fopen fclose fwrite fread fflush scanf sscanf
    strerror strtok setlocale getenv setenv syslog exit atexit assert
    pthread_create pthread_mutex_lock pthread_mutex_unlock pthread_once
    pthread_key_create pthread_getspecific pthread_setspecific
    mmap munmap mprotect mremap madvise syscall sbrk brk
    qsort bsearch atoi strtol strtoul strtoull
    sleep usleep nanosleep sched_yield
""".split()

CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN) + r")\s*\(")

# Calls that are on purpose: entry points that call each other (symbols.py sees
# to it that these calls cannot be diverted), malloc_info() with its FILE, and the
# pager's thread.
ON_PURPOSE = {
    "lib/malloc/cxx.c": {"malloc", "free"},
    "lib/malloc/malloc.c": {"realloc"},
    "lib/malloc/mempool.c": {"malloc", "calloc", "free"},
    "lib/malloc/mmap.c": {"mprotect"},
    "lib/malloc/pages.c": {"free"},
    "lib/malloc/shrinker.c": {"calloc", "free"},
    "lib/malloc/vmalloc.c": {"free"},
    "lib/malloc/stats.c": {"fwrite"},
    # Called by pagoda_map(), never on the way of an allocation.
    "lib/vma/pager.c": {"pthread_create"},
}


def is_declaration(text, start):
    """Is the name at @start preceded by a type on its line?"""
    line = text[text.rfind("\n", 0, start) + 1:start]
    return bool(re.search(r"[\w\*]\s*\*?$", line)) and not re.search(
        r"\b(return|else|case|do)\s*$", line)


def check_opening(report, path, text):
    where = source.name(path)
    lines = text.splitlines()
    strict = where.split("/")[0] in STRICT
    if strict and (not lines or LICENCE not in lines[0]):
        report.add(where, "does not open with its licence")
    if lines and LICENCE in lines[0]:
        lines = lines[1:]
    rest = "\n".join(lines).lstrip()
    if not rest.startswith("/*"):
        report.add(where, "does not open with a comment on what it is")
    elif strict and path.name not in rest.split("*/")[0]:
        # "name.c - what it is": a copied comment would say another name.
        report.add(where, f"its opening comment does not name {path.name}")


def check_calls(report, path, text):
    clean = source.code(text)
    for match in CALL.finditer(clean):
        where = source.name(path)
        if is_declaration(clean, match.start()):
            continue
        if match.group(1) in ON_PURPOSE.get(where, ()):
            continue
        report.add(f"{where}:{source.line_of(clean, match.start())}",
                   f"calls {match.group(1)}()")


def check_version(report):
    meson = (source.ROOT / "meson.build").read_text()
    header = (source.ROOT / "lib/base/version.h").read_text()
    project = re.search(r"^\s*version:\s*'([^']+)'", meson, re.M).group(1)
    ours = re.search(r'PAGODA_VERSION "([^"]+)"', header).group(1)
    if project != ours:
        report.add("lib/base/version.h", f"{ours}, but meson.build {project}")


def main():
    report = source.Report()
    paths = source.files(*FOLDERS, suffixes=(".c", ".h", ".def", ".S", ".cc",
                                             ".cpp"))
    paths = [p for p in paths
             if not any(source.name(p).startswith(i) for i in INPUTS)]
    for path in paths:
        text = path.read_text()
        lines = len(text.splitlines())
        most = FOLDERS[source.name(path).split("/")[0]]
        if lines > most:
            report.add(source.name(path), f"{lines} lines, {most} at most")
        check_opening(report, path, text)
        if source.name(path).startswith("lib/"):
            check_calls(report, path, text)
    check_version(report)
    report.done(f"{len(paths)} files")


main()
