#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Arrows point down only: a folder of lib/ includes headers of folders below it
and never above; x/internal.h is for x/ alone; and what a folder may ask of libc
and the kernel is written down here.

usage: layers.py
"""

import re

import source

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# Headers of libc that anyone may use: types, string functions, errno's numbers.
COMMON = {"errno.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h",
          "stdint.h", "string.h"}

# ... and those that only some may. A folder, or a single file with the reason.
SPECIAL = {
    "base/probe.h": {"sys/sdt.h"},
    "os": {"cpuid.h", "elf.h", "fcntl.h", "linux/futex.h", "linux/membarrier.h",
           "linux/userfaultfd.h",
           "sched.h", "sys/auxv.h", "sys/ioctl.h", "sys/mman.h", "sys/resource.h",
           "sys/rseq.h", "sys/single_threaded.h", "sys/syscall.h",
           "sys/sysinfo.h", "time.h", "unistd.h"},
    # The entry points that stand in for libc's declare what libc declares.
    "malloc/malloc.c": {"malloc.h", "stdlib.h"},
    "malloc/cxx.c": {"malloc.h", "stdlib.h", "unwind.h"},
    "malloc/mempool.c": {"stdlib.h"},
    "malloc/pages.c": {"stdlib.h"},
    "malloc/shrinker.c": {"stdlib.h"},
    "malloc/vmalloc.c": {"stdlib.h"},
    "malloc/stats.c": {"malloc.h", "stdio.h"},
    "malloc/dlopen.c": {"dlfcn.h"},
    "malloc/foreign.c": {"dlfcn.h"},
    "malloc/mlockall.c": {"fcntl.h", "sys/mman.h"},
    "malloc/mmap.c": {"dlfcn.h", "fcntl.h", "sys/mman.h", "sys/socket.h"},
    "malloc/fork.c": {"pthread.h"},
    "malloc/unshare.c": {"sched.h"},
    # Blocks all signals around a new thread of the kernel's.
    "os/aside.c": {"signal.h"},
    # The only thread there is; it is not started from inside malloc.
    "vma/pager.c": {"pthread.h", "signal.h"},
}

# System calls are made in os/; who else passes one on, and why.
SYSCALLS = {
    "malloc/mmap.c",  # wrappers of system calls
    "malloc/mlockall.c",  # a wrapper of a system call, not an allocator's need
    "malloc/unshare.c",  # the same
}


def check(report, path, layer, quote, header):
    where = source.name(path)
    inside = str(path.relative_to(source.ROOT / "lib"))
    if quote == "<":
        allowed = COMMON | SPECIAL.get(layer, set()) | SPECIAL.get(inside,
                                                                   set())
        public = header.startswith("pagoda/") and layer in ("vma", "malloc")
        if header not in allowed and not public:
            report.add(where, f"may not include <{header}>")
        return
    folder, _, rest = header.partition("/")
    if folder not in source.LAYERS or not rest:
        report.add(where, f'"{header}" is not written as layer/file')
        return
    if not (source.ROOT / "lib" / header).is_file():
        report.add(where, f'"{header}" does not exist')
    if source.LAYERS.index(folder) > source.LAYERS.index(layer):
        report.add(where, f'{layer} lies below {folder}: "{header}"')
    if rest == "internal.h" and folder != layer:
        report.add(where, f'"{header}" is for {folder}/ alone')
    if header == "os/syscall.h" and layer != "os" and inside not in SYSCALLS:
        report.add(where, "system calls are made in os/ only")


def main():
    report = source.Report()
    paths = source.files("lib")
    for path in paths:
        layer = path.relative_to(source.ROOT / "lib").parts[0]
        if layer not in source.LAYERS:
            report.add(source.name(path), "is in no layer")
            continue
        for quote, header in INCLUDE.findall(path.read_text()):
            check(report, path, layer, quote, header)
    report.done(f"{len(paths)} files")


main()
