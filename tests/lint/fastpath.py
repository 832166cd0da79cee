#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""malloc, free and their like must not get longer: counts the instructions of the fast path
in the disassembly, from the entry to the first return, no conditional jump
taken, and compares with fastpath.golden.

More instructions fail the test. Fewer are welcome, and the golden file should
be brought up to date. Neither a call nor an atomic instruction may be on the
way.

usage: fastpath.py LIBRARY COMPILER OPTIMIZATION [--update]

COMPILER is e.g. x86_64-gcc-12: another compiler lays the code out differently.
"""

import pathlib
import re
import shutil
import subprocess
import sys

FUNCTIONS = ["malloc", "free", "pagoda_kmem_cache_alloc",
             "pagoda_kmem_cache_free"]
MOST = 200

GOLDEN = pathlib.Path(__file__).with_name("fastpath.golden")

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+(?:\s+\S.*)?)$")


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def read_golden():
    golden = {}
    for line in GOLDEN.read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields:
            golden[fields[0], fields[1]] = int(fields[2])
    return golden


def write_golden(golden):
    head = [line for line in GOLDEN.read_text().splitlines()
            if line.startswith("#")]
    lines = [f"{compiler} {function} {count}"
             for (compiler, function), count in sorted(golden.items())]
    GOLDEN.write_text("\n".join(head + lines) + "\n")


def output_of(*command):
    return subprocess.run(command, check=True, text=True,
                          capture_output=True).stdout


def entry_points(library):
    found = {}
    for line in output_of("nm", "-D", "--defined-only", library).splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2] in FUNCTIONS:
            found[fields[2]] = int(fields[0], 16)
    return found


def disassembly(library):
    """Address to (text, address of the next instruction)."""
    code, before = {}, None
    text = output_of("objdump", "-d", "--no-show-raw-insn", "-j", ".text",
                     library)
    for line in text.splitlines():
        match = INSTRUCTION.match(line)
        if not match:
            continue
        address = int(match.group(1), 16)
        if before is not None:
            code[before][1] = address
        code[address] = [match.group(2), None]
        before = address
    return code


def straight_path(code, address):
    path = []
    while len(path) < MOST:
        text, after = code[address]
        path.append(text)
        operation = text.split()[0]
        if operation.startswith("ret"):
            return path
        if operation.startswith("call") or operation == "lock":
            raise ValueError(f"'{text}' is on the fast path")
        if operation == "jmp":
            target = re.match(r"jmp\s+([0-9a-f]+)", text)
            if not target:
                raise ValueError(f"'{text}' is on the fast path")
            after = int(target.group(1), 16)
        address = after
    raise ValueError(f"no return within {MOST} instructions")


def main():
    library, compiler, optimization = sys.argv[1:4]
    update = "--update" in sys.argv
    if optimization not in ("2", "3"):
        skip("this build is not optimized")
    if not compiler.startswith("x86_64-"):
        skip("only the sequences of x86-64 are written by hand")
    if not shutil.which("objdump"):
        skip("there is no objdump")
    golden = read_golden()
    entries = entry_points(library)
    code = disassembly(library)
    failed = known = 0
    for function in FUNCTIONS:
        try:
            path = straight_path(code, entries[function])
        except ValueError as why:
            print(f"{function}: {why}")
            failed += 1
            continue
        count, want = len(path), golden.get((compiler, function))
        if update:
            golden[compiler, function] = count
        elif want is None:
            print(f"{function}: {count} instructions; fastpath.golden does "
                  f"not know {compiler}")
            continue
        known += 1
        if not update and count > want:
            failed += 1
            print(f"{function}: {count} instructions, {want} before: the fast "
                  "path got longer")
            print("\n".join("    " + text for text in path))
        elif not update and count < want:
            print(f"{function}: {count} instructions, {want} before: run "
                  "fastpath.py with --update")
        else:
            print(f"{function}: {count} instructions")
    if update:
        write_golden(golden)
    if failed:
        sys.exit(1)
    if not known:
        skip(f"no golden numbers for {compiler}")


main()
