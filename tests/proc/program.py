"""What the live tests share: PAGODA LIBRARY PROGRAM of their command lines, the
program as a process that obeys, and how a test starts."""

import contextlib
import os
import subprocess
import sys
import unittest

PAGODA, LIBRARY, PROGRAM, *MORE = (os.path.realpath(arg)
                                   for arg in sys.argv[1:])


class Program:
    """The program, on the library, waiting for commands."""

    def __init__(self, *options, plain=False, **more):
        args = [] if plain else [PAGODA, "run", "--lib", LIBRARY]
        for option in options:
            args += ["--option", option]
        self.expected = 0
        self.process = subprocess.Popen(
            args + [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, **more)
        self.pid = self.process.pid
        self.do("free 1")

    def begin(self, command):
        self.process.stdin.write(command + "\n")

    def finish(self):
        answer = self.process.stdout.readline()
        assert answer == "ok\n", answer

    def do(self, command):
        self.begin(command)
        self.finish()

    def show(self, *args):
        """What "pagoda stat" prints of it."""
        return subprocess.run([PAGODA, "stat", *args, str(self.pid)],
                              check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        return status


@contextlib.contextmanager
def running(*options, **more):
    """@more: plain=True runs it without the library; or Popen's."""
    program = Program(*options, **more)
    try:
        yield program
        assert program.end() == program.expected, "the program failed"
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


class fake:
    """A process with the control block of fake_control.c; its id. The test's
    first argument behind those three is the library that has it."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        env = {**os.environ, "LD_PRELOAD": MORE[0], "FAKE": self.name}
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", "echo; read never"], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self.process.pid

    def __exit__(self, *exc):
        with self.process:
            self.process.kill()


def may_read():
    """Some systems let only root look at other processes (status 4)."""
    program = Program()
    status = subprocess.run([PAGODA, "stat", str(program.pid)],
                            stdout=subprocess.DEVNULL).returncode
    program.end()
    return status != 4


def main():
    if not may_read():
        print("SKIPPED: no permission to read other processes")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
