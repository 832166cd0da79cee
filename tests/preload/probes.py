#!/usr/bin/env python3
"""probes.py LIBRARY MAN PROGRAM yes|no: the static probes. Those in the notes of
the file are those in libpagoda(7), with as many arguments; and gdb sees each of
them fire with the right arguments, in Python and in PROGRAM (map.c). "no": the
library was built without probes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

LIBRARY, MAN, PROGRAM = (os.path.realpath(arg) for arg in sys.argv[1:4])
BUILT = sys.argv[4] == "yes"

SCRIPT = """
blocks = [bytearray(10 << 20) for i in range(3)]
del blocks
small = [object() for i in range(300000)]
del small
try:
    bytearray(1 << 46)
except MemoryError:
    print("refused")
"""


def notes():
    """Name and number of arguments of each site."""
    text = subprocess.run(["readelf", "-nW", LIBRARY], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    sites = re.findall(r"Provider: (\S+)\n\s*Name: (\S+)\n"
                       r"\s*Location:.*\n\s*Arguments:(.*)", text)
    return {(provider, name, len(args.split()))
            for provider, name, args in sites}


def documented():
    """{name: names of its arguments}"""
    with open(MAN) as man:
        text = re.search(r"probes:begin(.*)probes:end", man.read(),
                         re.S).group(1)
    probes = {}
    for line in re.findall(r"^\.BI (.*)$", text, re.M):
        words = shlex.split(line)
        probes[words[0].rstrip("(")] = words[1::2]
    return probes


def trace(probes, command, options=""):
    """Run @command and return what fired: (name, arguments as text)."""
    with tempfile.TemporaryDirectory() as folder:
        lines = ["set pagination off", "set confirm off",
                 "set breakpoint pending on", "set startup-with-shell off",
                 f"set environment LD_PRELOAD {LIBRARY}",
                 f"set environment PAGODA_OPTIONS {options}"]
        for name, args in probes.items():
            # A cache's name is a string, what else there is a number.
            values = [f"(char *)$_probe_arg{i}" if arg == "cache" else
                      f"(long)$_probe_arg{i}" for i, arg in enumerate(args)]
            form = " ".join("%s" if arg == "cache" else "%ld"
                            for arg in args)
            lines += [f"break -probe-stap pagoda:{name}", "commands",
                      "silent",
                      f'printf "FIRED {name} {form}\\n", {", ".join(values)}',
                      "continue", "end"]
        path = os.path.join(folder, "script.gdb")
        with open(path, "w") as script:
            script.write("\n".join(lines + ["run"]) + "\n")
        out = subprocess.run(
            ["gdb", "-nx", "-batch", "-x", path, "--args", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=100).stdout
    if "ptrace: " in out:
        raise unittest.SkipTest("gdb may not trace here")
    fired = [line.split()[1:] for line in out.splitlines()
             if line.startswith("FIRED ")]
    return [(f[0], f[1:]) for f in fired], out


class Probes(unittest.TestCase):
    def test_documented(self):
        expected = {("pagoda", name, len(args))
                    for name, args in documented().items()}
        self.assertEqual(notes(), expected if BUILT else set())

    @unittest.skipUnless(BUILT and shutil.which("gdb"),
                         "needs gdb and a library with probes")
    def test_python(self):
        probes = {name: args for name, args in documented().items()
                  if not name.startswith("pager_")}
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "script.py")
            stats = os.path.join(folder, "stats")
            with open(script, "w") as f:
                f.write(SCRIPT)
            fired, out = trace(probes, ["/usr/bin/python3", script],
                               f"decay_ms=0,stats={stats}")
            self.assertIn("refused\n", out)
            with open(stats) as f:
                counted = f.read()

        self.assertEqual({name for name, args in fired}, set(probes), out)

        def of(probe):
            return [args for name, args in fired if name == probe]

        def event(name):
            return int(re.search(rf"^{name} (\d+)$", counted,
                                 re.M).group(1))

        # What the library counts is what fired; a little may follow upon the
        # writing of the file.
        self.assertEqual(of("oom"), [[str((1 << 46) + 1)]])
        self.assertEqual(event("oom"), 1)
        for probe, name in (("arena_online", "arena_online"),
                            ("large_alloc", "large_alloc"),
                            ("purge", "purge_calls")):
            self.assertGreaterEqual(len(of(probe)), event(name))
            self.assertLess(len(of(probe)) - event(name), 10)
        grown = {fields[0]: int(fields[-2]) for fields in
                 (line.split() for line in counted.splitlines())
                 if len(fields) == 14 and fields[0].startswith("kmalloc-")}
        self.assertTrue(grown)
        for cache, times in grown.items():
            seen = sum(args[0] == cache for args in of("slab_grow"))
            self.assertGreaterEqual(seen, times, cache)
            self.assertLess(seen - times, 10, cache)

        # Three blocks, at addresses that are freed.
        blocks = [args for args in of("large_alloc")
                  if 10 << 20 <= int(args[1]) < 11 << 20]
        self.assertGreaterEqual(len(blocks), 3)
        freed = {args[0] for args in of("large_free")}
        self.assertTrue(all(args[0] in freed for args in blocks))
        for name in ("arena_online", "purge"):
            for address, size, error in of(name):
                self.assertEqual(int(address) % 4096, 0)
                self.assertEqual(int(size) % 4096, 0)
                self.assertEqual(error, "0")
        for name, most in (("buddy_split", 9), ("buddy_merge", 10)):
            for pfn, order in of(name):
                self.assertEqual(int(pfn) % (1 << int(order)), 0)
                self.assertLessEqual(int(order), most)

    @unittest.skipUnless(BUILT and shutil.which("gdb"),
                         "needs gdb and a library with probes")
    def test_pager(self):
        probes = {name: args for name, args in documented().items()
                  if name.startswith("pager_")}
        fired, out = trace(probes, [PROGRAM, "failing"])
        if not fired and "exited with code 0115" in out:
            self.skipTest("no userfaultfd here")
        begun = [args for name, args in fired if name == "pager_fault"]
        done = [args for name, args in fired if name == "pager_done"]
        self.assertTrue(begun, out)
        self.assertEqual(begun, [args[:2] for args in done])
        errors = {int(args[2]) for args in done}
        self.assertIn(0, errors)
        self.assertTrue(any(-4096 < error < 0 for error in errors), out)


if not shutil.which("readelf"):
    print("skipped: there is no readelf")
    sys.exit(77)
unittest.main(argv=sys.argv[:1], verbosity=2)
