"""What the tests of "pagoda mount" share: a mounted tree, and mounts that end
with the test."""

import contextlib
import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import live
import program
from program import PAGODA, running

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 1 << 14 | 1 << 18
MS_BIND = 1 << 12
# Longer than anything takes that is going to happen.
PATIENCE = 20


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def read(*path):
    with open(os.path.join(*map(str, path)), "rb", buffering=0) as file:
        return b"".join(iter(lambda: file.read(65536), b""))


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, **more)


class Tree:
    """A mounted tree, and the process that serves it in the foreground."""

    def __init__(self, *options, tool=PAGODA, **more):
        self.path = tempfile.mkdtemp(prefix="pagoda-mount.")
        if more:
            os.chown(self.path, more["user"], more["group"])
        self.process = subprocess.Popen(
            [tool, "mount", "-f", *options, self.path],
            stderr=subprocess.PIPE, text=True, **more)
        wait_for("the tree", lambda: self.is_mounted() or
                 self.process.poll() is not None)

    def is_mounted(self):
        return is_mounted(self.path)

    def end(self, number=signal.SIGTERM):
        """Return: its exit status and what it said."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        error = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, error

    def clean(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self.is_mounted():
            unmount(self.path)
        os.rmdir(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            if exc[0] is None:
                assert self.end() == (0, "")
        finally:
            self.clean()


def is_mounted(path):
    with open("/proc/self/mounts") as mounts:
        return any(line.split()[1] == path for line in mounts)


def unmount(path):
    subprocess.run(["fusermount3", "-u", "-z", path], check=True)


class Case(live.Case):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def tree(self, *options, **more):
        return self.stack.enter_context(Tree(*options, **more))

    def program(self, *options, **more):
        return self.stack.enter_context(running(*options, **more))

    def folder(self):
        path = tempfile.mkdtemp(prefix="pagoda-mount.")
        self.addCleanup(shutil.rmtree, path)
        os.chmod(path, 0o755)
        return path

    def check_same(self, folder, pid):
        """Of a process that is stopped."""
        for name in live.FILES:
            shown = run(PAGODA, "stat", str(pid), name, check=True).stdout
            self.assertEqual(read(folder, name).decode(), shown, name)
        self.assertEqual(read(folder, "cmdline"),
                         read("/proc", pid, "cmdline"))


class stopped:
    """Nothing moves in the process meanwhile."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_for("it to stop", lambda: read(
            "/proc", self.pid, "stat").rsplit(b")")[1].split()[0] == b"T")

    def __exit__(self, *exc):
        os.kill(self.pid, signal.SIGCONT)


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def use_private_mounts():
    """What this test mounts ends with it, whatever happens. /dev/fuse gets the
    rights that it usually has, for the tests as another user."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or \
            libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fuse")
        with contextlib.suppress(OSError):
            os.mknod(path, 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
            os.chmod(path, 0o666)
            os.close(os.open(path, os.O_RDWR))
            libc.mount(path.encode(), b"/dev/fuse", None, MS_BIND, None)


def main():
    if os.getuid() == 0 and os.path.exists("/dev/fuse"):
        use_private_mounts()
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        skip(f"cannot open /dev/fuse: {error.strerror}")
    if not shutil.which("fusermount3"):
        skip("fusermount3 is not installed (package fuse3)")
    with Tree() as first:
        if first.process.poll() is not None:
            skip(first.process.stderr.read().strip())
    program.main()
