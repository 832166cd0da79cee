#!/usr/bin/env python3
"""mount.py PAGODA LIBRARY PROGRAM FAKE: the tree of "pagoda mount", used as
/proc is, while processes come, go and are killed, and by other users."""

import errno
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import unittest

import forms
import live
from mounted import (PATIENCE, Case, is_mounted, main, read, run, stopped,
                     unmount, wait_for)
from program import LIBRARY, PAGODA, PROGRAM, Program, running

FILES = live.FILES + ["cmdline"]
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


class Reading(Case):
    def setUp(self):
        super().setUp()
        self.one = self.program()
        self.mounted = self.tree()
        self.path = os.path.join(self.mounted.path, str(self.one.pid))

    def test_tree(self):
        self.assertIn(str(self.one.pid), os.listdir(self.mounted.path))
        self.assertEqual(sorted(os.listdir(self.path)), sorted(FILES))
        self.check_same(self.path, self.one.pid)
        for entry in os.scandir(self.path):
            self.assertTrue(entry.is_file(follow_symlinks=False))
            self.assertEqual(entry.inode(), os.stat(entry.path).st_ino)
        # Of all processes, which may end meanwhile: they are only listed.
        inodes = [entry.inode() for path in (self.mounted.path, self.path)
                  for entry in os.scandir(path)]
        self.assertEqual(len(set(inodes)), len(inodes))

    def test_attributes(self):
        start = os.stat(f"/proc/{self.one.pid}").st_mtime
        for path, mode in (self.path, "dr-x------"), \
                (os.path.join(self.path, "maps"), "-r--------"):
            found = os.stat(path)
            self.assertEqual(stat.filemode(found.st_mode), mode)
            self.assertEqual((found.st_uid, found.st_gid),
                             (os.getuid(), os.getgid()))
            self.assertEqual(found.st_size, 0)
            self.assertAlmostEqual(found.st_mtime, start, delta=2)
            self.assertEqual(os.stat(path).st_mtime_ns, found.st_mtime_ns)

    def test_names(self):
        for name in ("0", "01", f"0{self.one.pid}", f"+{self.one.pid}", "x",
                     "1x", "-1", "99999999999999999999", "self",
                     f"{self.one.pid}/slabs", f"{self.one.pid}/meminfo/x",
                     str(os.getpid())):
            with self.assertRaises((FileNotFoundError, NotADirectoryError),
                                   msg=name):
                os.stat(os.path.join(self.mounted.path, name))

    def test_read_only(self):
        for attempt in (lambda: open(os.path.join(self.path, "maps"), "w"),
                        lambda: os.mkdir(os.path.join(self.path, "x")),
                        lambda: os.unlink(os.path.join(self.path, "maps"))):
            with self.assertRaises(OSError) as caught:
                attempt()
            self.assertIn(caught.exception.strerror,
                          ("Read-only file system", "Permission denied"))

    def test_snapshots(self):
        """What is read in pieces is of one moment; at the start a new one
        begins."""
        with open(os.path.join(self.path, "slabinfo"), "rb",
                  buffering=0) as file:
            fd = file.fileno()
            before = os.pread(fd, 1 << 20, 0)
            self.one.do("alloc 1000 5000 1")
            self.assertEqual(os.pread(fd, 1 << 20, 100), before[100:])
            self.assertEqual(os.pread(fd, 7, 3), before[3:10])
            self.assertEqual(os.pread(fd, 10, len(before)), b"")
            self.assertEqual(os.pread(fd, 10, 1 << 40), b"")
            self.assertEqual(file.seek(0), 0)
            pieces = []
            while piece := file.read(random.randrange(1, 50)):
                pieces.append(piece)
                self.one.do("free 1" if len(pieces) == 10 else "trim")
            during = b"".join(pieces)
            file.seek(0)
            after = file.read(1 << 20)
        self.assertEqual(len({before, during, after}), 3)

        def active(text):
            row = re.search(rb"(?m)^kmalloc-1024 +(\d+)", text)
            return int(row[1]) if row else 0
        self.assertEqual(active(during) - active(before), 5000)
        self.assertEqual(active(after), active(before))

    def test_many_areas(self):
        """A file that takes more than one request of the kernel's."""
        for _ in range(800):
            self.one.do("alloc 5000000 1 1")
        with stopped(self.one.pid):
            self.check_same(self.path, self.one.pid)
            self.assertGreater(len(read(self.path, "smaps")), 131072)

    def test_commands(self):
        """What people use."""
        meminfo = os.path.join(self.path, "meminfo")
        with stopped(self.one.pid):
            text = read(meminfo).decode()
            self.assertEqual(run("cat", meminfo).stdout, text)
            self.assertEqual(run("tail", "-n", "3", meminfo).stdout,
                             "".join(text.splitlines(True)[-3:]))
            self.assertEqual(run("head", "-n", "1", meminfo).stdout,
                             text.splitlines(True)[0])
        found = run("grep", "-r", "MemTotal", self.path)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertTrue(found.stdout.startswith(f"{meminfo}:MemTotal: "))
        found = run("find", self.path, "-type", "f")
        self.assertEqual((len(found.stdout.split()), found.stderr),
                         (len(FILES), ""))
        found = run("ls", "-lR", self.path)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        copy = os.path.join(self.folder(), "copy")
        found = run("cp", "-r", "--no-preserve=mode", self.path, copy)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(copy)), sorted(FILES))
        self.assertTrue(read(copy, "maps"))

    @unittest.skipUnless(shutil.which("script") and shutil.which("watch"),
                         "no script or no watch")
    def test_watch(self):
        shown = run("timeout", "-s", "INT", "2", "script", "-qec",
                    f"watch -n 0.2 cat {self.path}/meminfo", "/dev/null",
                    env={**os.environ, "TERM": "xterm"})
        self.assertIn("MemTotal:", shown.stdout)

    SELF = """if True:
        import os, sys, threading
        def look():
            print(os.readlink(sys.argv[1]), end=" ")
            print(open(sys.argv[1] + "/cmdline").read().split("\\0")[0])
        look()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        print(os.getpid(), "self" in os.listdir(sys.argv[1] + "/.."))"""

    def test_self(self):
        """The process that reads, whichever of its threads does."""
        python = sys.executable
        link = os.path.join(self.mounted.path, "self")
        shown = run(PAGODA, "run", "--lib", LIBRARY, python, "-c", self.SELF,
                    link)
        self.assertEqual(shown.stderr, "")
        pid = shown.stdout.split()[-2]
        self.assertEqual(shown.stdout,
                         f"{pid} {python}\n" * 2 + f"{pid} True\n")
        self.assertNotIn("self", os.listdir(self.mounted.path))
        self.assertIn("No such file", run("cat", f"{link}/meminfo").stderr)


class Unreadable(Case):
    """Processes whose control block is not what it should be."""

    def errors(self, name):
        """{file: its error}"""
        found = {}
        tree = self.tree()
        with forms.fake(name) as pid:
            for file in os.listdir(os.path.join(tree.path, str(pid))):
                try:
                    self.assertTrue(read(tree.path, pid, file))
                except OSError as error:
                    found[file] = error.errno
        return found

    def test_other_version(self):
        self.assertEqual(self.errors("other-version"), dict.fromkeys(
            live.FILES, errno.EPROTONOSUPPORT))

    def test_damaged(self):
        self.assertEqual(self.errors("damaged"),
                         dict.fromkeys(live.FILES, errno.EIO))

    def test_not_started(self):
        with forms.fake("not-started") as pid:
            self.assertNotIn(str(pid), os.listdir(self.tree().path))


class Going(Case):
    """Processes end while they are looked at."""

    def test_one(self):
        mounted = self.tree()
        with running() as one:
            path = os.path.join(mounted.path, str(one.pid))
            files = [self.stack.enter_context(open(
                os.path.join(path, name), "rb", buffering=0))
                for name in FILES]
            inside = os.open(path, os.O_RDONLY)
            self.addCleanup(os.close, inside)
            part = files[0].read(10)
        self.assertNotIn(str(one.pid), os.listdir(mounted.path))
        self.assertFalse(os.path.exists(path))
        with self.assertRaises(FileNotFoundError):
            os.listdir(inside)
        # What was read lasts, what would be new does not come.
        self.assertTrue(part + files[0].read(1000))
        for file in files:
            file.seek(0)
            with self.assertRaises(ProcessLookupError):
                file.read(1)

    def test_other_program(self):
        """A process that goes on without the library is not shown, and comes
        back with it."""
        tree = self.tree()
        script = f"""echo; read x; LD_PRELOAD= exec sh -c '
            echo; read x; LD_PRELOAD={LIBRARY} exec sh -c "echo; read x"'"""
        with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, bufsize=0,
                              env={**os.environ, "LD_PRELOAD": LIBRARY}) as sh:
            path = os.path.join(tree.path, str(sh.pid), "modes")

            def go_on():
                sh.stdin.write(b"\n")
                sh.stdout.readline()

            sh.stdout.readline()
            file = self.stack.enter_context(open(path, "rb", buffering=0))
            go_on()
            for _ in range(3):
                self.assertNotIn(str(sh.pid), os.listdir(tree.path))
                self.assertFalse(os.path.exists(path))
                with self.assertRaises(ProcessLookupError):
                    file.read(1)
                # From then on it is remembered.
                time.sleep(1.1)
            go_on()
            self.assertIn(str(sh.pid), os.listdir(tree.path))
            self.assertTrue(os.path.exists(path))
            self.assertTrue(file.read(1))
            sh.stdin.write(b"\n")

    def test_crowd(self):
        """Many that are started and killed, and readers of all of them."""
        tree = self.tree()
        # Long enough to be found, where a look takes long.
        start = time.monotonic()
        os.listdir(tree.path)
        life = max(0.05, 4 * (time.monotonic() - start))
        end = time.monotonic() + 6
        failures, counts = [], {"data": 0, "gone": 0, "killed": 0}
        ours = set()

        def look():
            for name in ours.intersection(os.listdir(tree.path)):
                for file in os.listdir(os.path.join(tree.path, name)):
                    read(tree.path, name, file)
                    counts["data"] += 1

        def look_on():
            while time.monotonic() < end:
                try:
                    look()
                except (FileNotFoundError, ProcessLookupError,
                        PermissionError):
                    counts["gone"] += 1
                except Exception as error:
                    failures.append(error)
                    return

        readers = [threading.Thread(target=look_on) for _ in range(4)]
        for reader in readers:
            reader.start()
        while time.monotonic() < end:
            crowd = [subprocess.Popen(
                ["sleep", "60"], env={**os.environ, "LD_PRELOAD": LIBRARY})
                for _ in range(10)]
            ours.update(str(process.pid) for process in crowd)
            time.sleep(random.uniform(0, life))
            for process in crowd:
                process.kill()
            for process in crowd:
                process.wait()
            counts["killed"] += len(crowd)
        for reader in readers:
            reader.join(PATIENCE)
            self.assertFalse(reader.is_alive(), "a reader hangs")
        self.assertEqual(failures, [])
        self.assertIsNone(tree.process.poll())
        for what, count in counts.items():
            self.assertGreater(count, 20, what)
        print(counts, end=" ", file=sys.stderr)

    def test_held(self):
        """Reads of one process by several, while it is killed."""
        tree = self.tree()
        for _ in range(30):
            one = Program()
            path = os.path.join(tree.path, str(one.pid))
            failures = []

            def look(name):
                try:
                    with open(os.path.join(path, name), "rb",
                              buffering=0) as file:
                        begun.release()
                        while file.read(1 << 16):
                            file.seek(0)
                        failures.append("nothing was read")
                except ProcessLookupError:
                    pass
                except OSError as error:
                    failures.append(error)
            begun = threading.Semaphore(0)
            readers = [threading.Thread(target=look, args=[name])
                       for name in ("slabinfo", "smaps", "cmdline")]
            for reader in readers:
                reader.start()
            for reader in readers:
                self.assertTrue(begun.acquire(timeout=PATIENCE))
            one.process.kill()
            one.process.communicate()
            for reader in readers:
                reader.join(PATIENCE)
                self.assertFalse(reader.is_alive(), "a reader hangs")
            self.assertEqual(failures, [])


class Life(Case):
    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            tree = self.tree()
            self.assertEqual(tree.end(number), (0, ""))
            self.assertFalse(tree.is_mounted())
            self.assertEqual(os.listdir(tree.path), [])
            self.stack.close()

    def test_unmount(self):
        tree = self.tree()
        self.assertEqual(run("fusermount3", "-u", tree.path).stderr, "")
        self.assertEqual(tree.wait(), (0, ""))
        self.assertFalse(tree.is_mounted())

    def test_in_use(self):
        """Nobody who uses it keeps it mounted after a signal."""
        tree, one = self.tree(), self.program()
        path = os.path.join(tree.path, str(one.pid))
        with subprocess.Popen(["sleep", "60"], cwd=path) as inside, \
                open(os.path.join(path, "maps"), "rb", buffering=0) as file:
            self.assertTrue(file.read(10))
            busy = run("fusermount3", "-u", tree.path)
            self.assertIn("busy", busy.stderr)
            self.assertTrue(tree.is_mounted())
            self.assertEqual(tree.end(), (0, ""))
            self.assertFalse(tree.is_mounted())
            with self.assertRaises(OSError):
                file.seek(0)
                file.read(1)
            inside.kill()

    def test_background(self):
        """Without --foreground it is mounted when the command ends."""
        path = self.folder()
        mounted = run(PAGODA, "mount", path)
        self.assertEqual((mounted.returncode, mounted.stderr), (0, ""))
        self.addCleanup(lambda: is_mounted(path) and unmount(path))
        servers = [pid for pid in os.listdir("/proc") if pid.isdigit() and
                   path.encode() in self.command_line(pid)]
        self.assertEqual(len(servers), 1)
        with running() as one:
            self.assertTrue(read(path, one.pid, "meminfo"))
        self.assertEqual(os.readlink(f"/proc/{servers[0]}/cwd"), "/")
        unmount(path)
        wait_for("the server to end",
                 lambda: not self.command_line(servers[0]))

    @staticmethod
    def command_line(pid):
        try:
            return read("/proc", pid, "cmdline")
        except OSError:
            return b""

    def refused(self, status, text, *args, **more):
        result = run(PAGODA, "mount", *args, **more)
        self.assertEqual(result.returncode, status, args)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 2 if status == 2 else 1,
                         result.stderr)

    def test_refusals(self):
        empty, full = self.folder(), self.folder()
        file = os.path.join(full, "file")
        open(file, "w").close()
        os.symlink(full, os.path.join(full, "link"))
        self.refused(2, "on which folder")
        self.refused(2, "too many arguments", empty, empty)
        self.refused(2, "unknown option '--wrong'", "--wrong", empty)
        self.refused(2, "needs a value", "-o")
        self.refused(1, "No such file", os.path.join(full, "missing"))
        self.refused(1, "Not a directory", file)
        self.refused(1, "not empty", full)
        self.refused(1, "not empty", os.path.join(full, "link"))
        self.refused(1, "unknown option", "-o", "wrong", empty)
        self.assertFalse(is_mounted(empty))
        self.assertEqual(os.listdir(empty), [])
        tree = self.tree()
        self.refused(1, "mounted there already", tree.path)
        os.symlink(tree.path, os.path.join(empty, "link"))
        self.refused(1, "mounted there already", os.path.join(empty, "link"))

    def test_killed(self):
        """Nothing can unmount it then, but what to do is said."""
        tree = self.tree()
        tree.process.kill()
        tree.process.communicate()
        self.refused(1, "fusermount3 -u", tree.path)
        unmount(tree.path)
        self.stack.pop_all()
        tree.clean()

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_no_device(self):
        empty = self.folder()
        result = run("unshare", "-m", "sh", "-c",
                     'mount -t tmpfs none /dev && exec "$0" mount "$1"',
                     PAGODA, empty)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn(f"cannot mount on {empty}: ", result.stderr)
        self.assertIn("modprobe fuse", result.stderr)


NEEDS_MTAB = unittest.skipUnless(
    os.path.exists("/etc/mtab"), "fusermount3 needs /etc/mtab, which is missing")


@unittest.skipUnless(os.getuid() == 0, "not root")
class Users(Case):
    """Somebody else sees what they could read with "pagoda stat"."""

    def setUp(self):
        super().setUp()
        folder = self.folder()
        self.tool, library, script = (
            shutil.copy(path, folder) for path in (PAGODA, LIBRARY, PROGRAM))
        self.root = self.program()
        self.theirs = subprocess.Popen(
            [self.tool, "run", "--lib", library, script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **NOBODY)
        self.addCleanup(self.theirs.communicate)
        self.theirs.stdin.write(b"free 1\n")
        self.theirs.stdin.flush()
        self.theirs.stdout.readline()

    def list(self, tree, **more):
        return run("ls", tree.path, **more).stdout.split()

    def test_allow_other(self):
        tree = self.tree("-o", "allow_other")
        pids = {str(self.root.pid), str(self.theirs.pid)}
        self.assertLessEqual(pids, set(self.list(tree)))
        self.assertEqual(pids.intersection(self.list(tree, **NOBODY)),
                         {str(self.theirs.pid)})
        for name in FILES:
            path = os.path.join(tree.path, str(self.theirs.pid), name)
            shown = run("cat", path, **NOBODY)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""))
            self.assertEqual(os.stat(path).st_uid, NOBODY["user"])
            for pid, why in (self.root.pid, "Permission denied"), \
                    (1, "Permission denied"), (99999999, "No such file"):
                shown = run("cat", f"{tree.path}/{pid}/{name}", **NOBODY)
                self.assertEqual(shown.stdout, "")
                self.assertIn(why, shown.stderr)
        # As for ptrace, the same user is not enough.
        other_group = {**NOBODY, "group": 100}
        self.assertEqual(run(self.tool, "stat", str(self.theirs.pid),
                             **other_group).returncode, 4)
        self.assertEqual(pids.intersection(self.list(tree, **other_group)),
                         set())
        # What a reader was lent for a moment is given back.
        self.check_same(os.path.join(tree.path, str(self.root.pid)),
                        self.root.pid)
        for task in os.listdir(f"/proc/{tree.process.pid}/task"):
            status = read("/proc", tree.process.pid, "task", task, "status")
            own = read("/proc/self/status")
            for key in b"Uid", b"Gid", b"CapEff", b"CapPrm":
                line = re.compile(rb"(?m)^" + key + rb":.*$")
                self.assertEqual(line.search(status)[0], line.search(own)[0])

    def test_only_root(self):
        tree = self.tree()
        self.assertEqual(self.list(tree, **NOBODY), [])

    def test_open_file_handed_on(self):
        """Who got a file opened may not take new snapshots through it."""
        tree = self.tree("-o", "allow_other")
        with open(os.path.join(tree.path, str(self.root.pid), "modes"),
                  "rb") as file:
            shown = run("cat", f"/proc/self/fd/{file.fileno()}",
                        pass_fds=[file.fileno()], **NOBODY)
            self.assertEqual(shown.stdout, "")
            code = "import os, sys; os.pread(int(sys.argv[1]), 9, 0)"
            shown = run("/usr/bin/python3", "-c", code, str(file.fileno()),
                        pass_fds=[file.fileno()], **NOBODY)
            self.assertIn("Permission denied", shown.stderr)

    @NEEDS_MTAB
    def test_unprivileged(self):
        """Mounted by somebody without privileges."""
        tree = self.tree(tool=self.tool, **NOBODY)
        self.assertIn(str(self.theirs.pid), self.list(tree, **NOBODY))
        self.assertNotIn(str(self.root.pid), self.list(tree, **NOBODY))
        shown = run("cat", f"{tree.path}/{self.theirs.pid}/modes", **NOBODY)
        self.assertIn("version: ", shown.stdout)
        shown = run("cat", f"{tree.path}/{self.root.pid}/modes", **NOBODY)
        self.assertIn("Permission denied", shown.stderr)
        self.assertEqual(
            run("fusermount3", "-u", tree.path, **NOBODY).stderr, "")
        self.assertEqual(tree.wait(), (0, ""))

    @NEEDS_MTAB
    def test_refusals(self):
        empty = self.folder()
        for text, *args in ("no write access", empty), \
                ("user_allow_other", "-o", "allow_other", empty):
            if len(args) > 1:
                os.chown(empty, NOBODY["user"], NOBODY["group"])
            shown = run(self.tool, "mount", *args, **NOBODY)
            self.assertEqual(shown.returncode, 1)
            self.assertEqual(shown.stderr.count("\n"), 1, shown.stderr)
            self.assertIn(text, shown.stderr)
            self.assertFalse(is_mounted(empty))


if __name__ == "__main__":
    main()
