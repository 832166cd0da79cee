#!/usr/bin/env python3
"""top.py PAGODA LIBRARY CURSES: "pagoda top" in a terminal (tmux), and as text,
while redis-server runs on the library. CURSES: was it built with ncurses?"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PAGODA, LIBRARY = (os.path.realpath(arg) for arg in sys.argv[1:3])
CURSES = sys.argv[3] == "yes"
LIMIT = 30  # seconds for what takes a moment


class Redis:
    """A server on a socket in @folder, with some load behind it."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "redis")
        env = dict(os.environ, LD_PRELOAD=LIBRARY)
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path,
             "--save", "", "--dir", folder],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        end = time.monotonic() + LIMIT
        while not os.path.exists(self.path) or self.ask("PING") != b"+PONG":
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.05)
        # Values of many sizes, half of which go again, and a large one.
        self.ask("EVAL", """
            for i = 1, 20000 do
                redis.call('set', i, string.rep('x', i % 3000)) end
            for i = 1, 20000, 2 do redis.call('del', i) end
            redis.call('setrange', 'large', 12000000, 'x')""", "0")

    def ask(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            try:
                s.connect(self.path)
            except OSError:
                return b""
            text = f"*{len(words)}\r\n"
            for word in words:
                text += f"${len(word)}\r\n{word}\r\n"
            s.sendall(text.encode())
            return s.recv(100).split(b"\r\n")[0]

    def load(self):
        return subprocess.Popen(
            ["redis-benchmark", "-s", self.path, "-q", "-t", "set,lpush",
             "-r", "100000", "-n", "100000000", "-d", "64"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Terminal:
    """A tmux server of its own, with one window."""

    def __init__(self, folder):
        self.folder = folder
        self.nr = 0
        self.tmux = None
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("TMUX", "TMUX_PANE", "NO_COLOR")}

    def do(self, *args, check=True):
        return subprocess.run(self.tmux + list(args), check=check,
                              env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True,
                              timeout=LIMIT).stdout

    def open(self, command, width=80, height=24, term=None):
        """Run @command, with the settings of the terminal kept before and
        after it."""
        # A server that was told to end may still be there.
        self.nr += 1
        self.tmux = ["tmux", "-S", os.path.join(self.folder, f"tmux{self.nr}"),
                     "-f", "/dev/null"]
        after = os.path.join(self.folder, "after")
        if os.path.exists(after):
            os.unlink(after)
        script = os.path.join(self.folder, "script")
        with open(script, "w") as f:
            f.write(f"cd {self.folder}\n")
            f.write(f"TERM={term}; export TERM\n" if term else "")
            # It is for the tool; the shell is in the same group.
            f.write("trap : INT; echo the first line; stty -a >before\n")
            f.write(f"{command} 2>message; echo $? >status\n")
            f.write("stty -a >after.new; mv after.new after\n")
            f.write("read line\n")
        self.do("new-session", "-d", "-x", str(width), "-y", str(height),
                f"sh {script}")

    def close(self):
        if self.tmux:
            self.do("kill-server", check=False)

    def keys(self, *keys):
        self.do("send-keys", *keys)

    def resize(self, width, height):
        self.do("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, *options):
        return self.do("capture-pane", "-p", *options).split("\n")[:-1]

    def wait_for(self, *patterns, options=(), gone=()):
        """The screen as soon as it has all of these, and none of @gone."""
        end = time.monotonic() + LIMIT
        while True:
            lines = self.screen(*options)
            text = "\n".join(lines)
            if (all(re.search(p, text, re.M) for p in patterns) and
                    not any(re.search(p, text, re.M) for p in gone)):
                return lines
            assert time.monotonic() < end, f"no {patterns} in:\n{text}"
            time.sleep(0.05)

    def read(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read()

    def wait_for_end(self):
        """Return: the exit status."""
        end = time.monotonic() + LIMIT
        while not os.path.exists(os.path.join(self.folder, "after")):
            assert time.monotonic() < end, "\n".join(self.screen())
            time.sleep(0.02)
        return int(self.read("status"))

    def pid_of_tool(self):
        """The process that is on the screen."""
        shell = self.do("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children") as f:
            return int(f.read().split()[0])


def run(*args, **more):
    return subprocess.run([PAGODA, *args], text=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)


def number(text):
    """What a column says, and how far that may be from what is meant."""
    units = {"K": 1, "M": 2, "G": 3, "T": 4}
    if text[-1] in units:
        factor = 1024 ** units[text[-1]]
        return float(text[:-1]) * factor, 0.051 * factor
    return float(text), 0


class Test(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="pagoda-top")
        self.addCleanup(self.temporary.cleanup)
        self.folder = self.temporary.name
        self.redis = Redis(self.folder)
        self.addCleanup(self.redis.end)
        self.terminal = Terminal(self.folder)
        self.addCleanup(self.terminal.close)
        self.pid = str(self.redis.pid)

    def stop(self):
        """From now on nothing changes, and everything must agree."""
        os.kill(self.redis.pid, signal.SIGSTOP)

    def stat(self, name):
        return run("stat", self.pid, name, check=True).stdout.splitlines()

    def assert_is(self, text, value, what):
        shown, error = number(text)
        self.assertLessEqual(abs(shown - value), error, f"{what}: {text}")

    def rows(self, lines, first):
        """Below the line of titles: dictionaries by title."""
        titles = next(i for i, line in enumerate(lines)
                      if line.split()[:1] == [first])
        names = lines[titles].split()
        rows = []
        for line in lines[titles + 1:]:
            if len(line.split()) < len(names) or line.startswith("Tab"):
                break
            rows.append(dict(zip(names, line.split())))
        return rows


class Text(Test):
    """--batch, which needs no terminal."""

    def test_values(self):
        self.stop()
        result = run("top", "-b", "-n", "1", "-v", "all", self.pid)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.check_values(result.stdout.splitlines())

    def check_values(self, lines):
        meminfo = {line.split(":")[0]: int(line.split()[1]) * 1024
                   for line in self.stat("meminfo")}
        heap = re.search(r"heap (\S+)", "\n".join(lines)).group(1)
        self.assertLess(abs(number(heap)[0] - meminfo["Committed_AS"]),
                        number(heap)[1] + 1024)

        slabinfo = [line.split() for line in self.stat("slabinfo")[2:]]
        caches = self.rows(lines, "ACTIVE")
        self.assertEqual({row["NAME"] for row in caches},
                         {fields[0] for fields in slabinfo})
        for fields in slabinfo:
            row = next(row for row in caches if row["NAME"] == fields[0])
            for title, field in (("ACTIVE", 1), ("OBJS", 2), ("SIZE", 3),
                                 ("OB/S", 4), ("PG/S", 5), ("ACTSLB", 13),
                                 ("SLABS", 14)):
                self.assertEqual(int(row[title]), int(fields[field]), title)
            self.assert_is(row["CACHE"], int(fields[14]) * int(fields[5]) *
                           4096, "CACHE")

        events = {row["EVENT"]: row for row in self.rows(lines, "PER_S")}
        for line in self.stat("vmstat"):
            name, value = line.split()
            if not name.startswith("nr_"):
                self.assertEqual(events[name]["TOTAL"], value)
                self.assertEqual(events[name]["PER_S"], "-")

        buddyinfo = next(line for line in self.stat("buddyinfo")
                         if "Normal" in line).split()[4:]
        blocks = [line.split() for line in lines
                  if line.startswith("0 Normal") and "[" in line]
        self.assertEqual([row[4] for row in blocks], buddyinfo)

        areas = [line.split() for line in self.stat("vmallocinfo")]
        self.assertTrue(areas)
        for fields in areas:
            start = fields[0].split("-")[0][2:].lstrip("0")
            row = next(line.split() for line in lines
                       if line.strip().startswith(start))
            self.assert_is(row[1], int(fields[1]), "SIZE")

    def test_rates(self):
        load = self.redis.load()
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        before = self.vmstat("pgalloc_normal"), time.monotonic()
        result = run("top", "-b", "-n", "3", "-d", "0.7", "-v", "events",
                     self.pid)
        after = self.vmstat("pgalloc_normal"), time.monotonic()
        shown = re.findall(r"^ *(\S+) +(\d+) pgalloc_normal ", result.stdout,
                           re.M)
        self.assertEqual(len(shown), 3)
        self.assertEqual(shown[0][0], "-")
        # Each lies between what was counted before and after, and the rate is
        # the difference of two of them.
        totals = [int(total) for _, total in shown]
        self.assertEqual(sorted([before[0], *totals, after[0]]),
                         [before[0], *totals, after[0]])
        self.assertGreater(totals[2], totals[0])
        most = after[1] - before[1]
        for i in 1, 2:
            grown = totals[i] - totals[i - 1]
            rate = number(shown[i][0])[0]
            self.assertGreaterEqual(rate, grown / most - 1)
            self.assertLessEqual(rate, grown / 0.7 + 1)

    def vmstat(self, name):
        return next(int(line.split()[1]) for line in self.stat("vmstat")
                    if line.split()[0] == name)

    def test_sorting(self):
        self.stop()
        for key, title in (("a", "ACTIVE"), ("o", "OBJS"), ("u", "USE%"),
                           ("s", "SIZE"), ("l", "SLABS"), ("v", "ACTSLB"),
                           ("b", "OB/S"), ("p", "PG/S"), ("c", "CACHE")):
            by_key = run("top", "-bn1", "-s", key, self.pid).stdout
            by_title = run("top", "-bn1", "-s", title.lower(),
                           self.pid).stdout
            values = [number(row[title])[0] for row in
                      self.rows(by_key.splitlines(), "ACTIVE")]
            self.assertGreater(len(values), 10)
            self.assertEqual(values, sorted(values, reverse=True), title)
            self.assertEqual(by_key.splitlines()[6:],
                             by_title.splitlines()[6:])
        names = [row["NAME"] for row in self.rows(
            run("top", "-bn1", "-s", "n", self.pid).stdout.splitlines(),
            "ACTIVE")]
        self.assertEqual(names, sorted(names))

    def test_all(self):
        result = run("top", "--batch", "--count=2", "--delay", "0.2")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(
            len(re.findall(rf"^ *{self.pid} .* redis-server ", result.stdout,
                           re.M)), 2)
        self.assertNotIn("\033", result.stdout)

    def test_end(self):
        with subprocess.Popen([PAGODA, "top", "-b", "-d", "0.1", self.pid],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as top:
            self.assertIn("pagoda top", top.stdout.readline())
            self.redis.process.kill()
            # Not waited for yet, it is a zombie.
            out, err = top.communicate(timeout=LIMIT)
        self.assertEqual(err, f"pagoda: process {self.pid} has ended\n")
        self.assertEqual(top.returncode, 0)

    def test_reader_ends(self):
        with subprocess.Popen([PAGODA, "top", "-b", "-d", "0.1", self.pid],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as top:
            top.stdout.readline()
            top.stdout.close()
            self.assertIn(top.wait(LIMIT), (1, -signal.SIGPIPE))

    def test_errors(self):
        for status, text, args in (
                (2, "'x' is not a process id", ["x"]),
                (2, "too many arguments", ["1", "2"]),
                (2, "'0' is not a number of seconds", ["-d", "0", "1"]),
                (2, "'nan' is not a number of seconds", ["-d", "nan", "1"]),
                (2, "'-1' is not a number of samples", ["-n", "-1", "1"]),
                (2, "no view 'x'", ["-v", "x", self.pid]),
                (2, "--view all needs --batch", ["-v", "all", self.pid]),
                (2, "--view is of one process", ["-v", "zones"]),
                (2, "no column 'x' in Caches: ACTIVE OBJS",
                 ["-s", "x", self.pid]),
                (2, "no column 'rs' in Processes: PID RSS", ["-s", "rs"]),
                (5, "does not run on Pagoda", [str(os.getpid())])):
            result = run("top", *args)
            self.assertEqual(result.returncode, status, args)
            self.assertIn(text, result.stderr)
            self.assertEqual(result.stdout, "")

    @unittest.skipUnless(CURSES, "built without ncurses")
    def test_no_terminal(self):
        result = run("top", self.pid)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not a terminal: use -b", result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)

    @unittest.skipIf(CURSES, "built with ncurses")
    def test_no_curses(self):
        result = run("top", self.pid)
        self.assertEqual(result.returncode, 1)
        self.assertIn("libncurses-dev", result.stderr)


@unittest.skipUnless(CURSES and shutil.which("tmux"),
                     "needs ncurses and tmux")
class Screen(Test):
    def open(self, *args, **more):
        self.terminal.open(" ".join([PAGODA, "top", *args]), **more)

    def check_clean(self):
        """The terminal is as it was."""
        self.assertEqual(self.terminal.read("before"),
                         self.terminal.read("after"))
        state = self.terminal.do("display-message", "-p",
                                 "#{alternate_on} #{cursor_flag} "
                                 "#{keypad_flag} #{keypad_cursor_flag}")
        self.assertEqual(state, "0 1 0 0\n")
        self.assertEqual(
            [line for line in self.terminal.screen() if line],
            ["the first line"])

    def test_values(self):
        self.stop()
        self.open(self.pid)
        lines = self.terminal.wait_for(r"^ ACTIVE", r"Tab view")
        self.assertEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        slabinfo = {fields[0]: fields for fields in
                    (line.split() for line in self.stat("slabinfo")[2:])}
        rows = self.rows(lines, "ACTIVE")
        self.assertEqual(len(rows), 17)
        for row in rows:
            fields = slabinfo[row["NAME"]]
            self.assertEqual(row["ACTIVE"], fields[1])
            self.assertEqual(row["OBJS"], fields[2])
            self.assertEqual(row["SLABS"], fields[14])
        # The same as the text, at the same width or wider.
        self.terminal.resize(200, 60)
        self.terminal.keys("2")
        self.terminal.wait_for(r"above high")
        zone = next(line for line in self.terminal.screen()
                    if "| slabs " in line)
        pages = dict(re.findall(r"^ +(nr_\w+) +(\d+)$",
                                "\n".join(self.stat("zoneinfo")[-40:]),
                                re.M))
        self.assert_is(re.search(r"slabs (\S+)", zone).group(1),
                       int(pages["nr_slab_pages"]) * 4096, "slabs")
        self.terminal.keys("5")
        lines = self.terminal.wait_for(r"UNUSABLE")
        buddyinfo = next(line for line in self.stat("buddyinfo")
                         if "Normal" in line).split()[4:]
        self.assertEqual([line.split()[4] for line in lines
                          if line.startswith("0 Normal")], buddyinfo)
        self.terminal.keys("3")
        self.terminal.wait_for(r"vmalloc")
        self.terminal.keys("4")
        self.terminal.wait_for(r"pgalloc_normal")

    def test_sorting(self):
        self.stop()
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        for key, title in zip("aouslvbpc",
                              ("ACTIVE", "OBJS", "USE%", "SIZE", "SLABS",
                               "ACTSLB", "OB/S", "PG/S", "CACHE")):
            self.terminal.keys(key)
            self.check_sorted(title, True)
        self.terminal.keys("r")
        self.check_sorted("CACHE", False)
        self.terminal.keys("Left")
        self.check_sorted("PG/S", False)
        self.terminal.keys("<", "r")
        self.check_sorted("OB/S", True)
        self.terminal.keys("Right", ">")
        self.check_sorted("CACHE", True)

    def check_sorted(self, title, falling):
        end = time.monotonic() + LIMIT
        while True:
            lines = self.terminal.screen("-e")
            plain = [re.sub(r"\033\[[0-9;]*m", "", line) for line in lines]
            values = [number(row[title])[0]
                      for row in self.rows(plain, "ACTIVE")]
            # The column is marked in its title.
            marked = next(re.search(r"\033\[[0-9;]*46m *([^ \033]+)", line)
                          for line in lines if "ACTIVE" in line)
            if (values == sorted(values, reverse=falling) and
                    marked and marked.group(1) == title):
                return
            self.assertLess(time.monotonic(), end, (title, values))
            time.sleep(0.05)

    def test_scrolling(self):
        self.stop()
        self.open("-s", "n", self.pid, height=14)
        # All of it is drawn: the last line, and rows below the titles.
        lines = self.terminal.wait_for(r"^ ACTIVE.*\n *\d.*\n *\d",
                                       r"^Tab view")
        first = self.rows(lines, "ACTIVE")
        self.terminal.keys("Down")
        self.terminal.wait_for(first[1]["NAME"],
                               gone=[rf"{first[0]['NAME']}$"])
        self.terminal.keys("End")
        last = max(line.split()[0] for line in self.stat("slabinfo")[2:])
        lines = self.terminal.wait_for(rf"{last}$")
        self.assertEqual(len(self.rows(lines, "ACTIVE")), len(first))
        self.terminal.keys("Home")
        self.terminal.wait_for(rf"{first[0]['NAME']}$")

    def test_help(self):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        for key in "h", "?":
            self.terminal.keys(key)
            self.terminal.wait_for(r"a ACTIVE  o OBJS", r"any key: back")
            self.terminal.keys("q")
            self.terminal.wait_for(r"^ ACTIVE")

    def test_views(self):
        self.open(self.pid)
        titles = [r"REFIL/S", r"ready for use", r"PIECES", r"PER_S",
                  r"UNUSABLE"]
        for title in titles:
            self.terminal.wait_for(title)
            self.terminal.keys("Tab")
        for i in 5, 3, 1, 4, 2:
            self.terminal.keys(str(i))
            self.terminal.wait_for(titles[i - 1])
        self.terminal.keys("BTab")
        self.terminal.wait_for(titles[0])

    def test_resize(self):
        """At any moment, under load, with samples as fast as they come."""
        load = self.redis.load()
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        self.open("-d", "0.1", self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        for i in range(40):
            self.terminal.resize(20 + i * 37 % 180, 3 + i * 23 % 60)
            if i % 4 == 0:
                self.terminal.keys(str(1 + i % 5))
        for width, height in (40, 8), (41, 9), (80, 24), (132, 50):
            self.terminal.resize(width, height)
            self.wait_for_size(width, height)
        for width, height in (39, 24), (80, 7), (10, 2):
            self.terminal.resize(width, height)
            self.terminal.wait_for(r"^too small", gone=[r"Tab"])
        self.terminal.resize(80, 24)
        self.terminal.wait_for(r"^Tab view")
        self.terminal.keys("q")
        self.assertEqual(self.terminal.wait_for_end(), 0)

    def wait_for_size(self, width, height):
        """The screen fills the terminal, and nothing is wrapped."""
        end = time.monotonic() + LIMIT
        while True:
            lines = self.terminal.screen()
            if (len(lines) == height and max(map(len, lines)) <= width and
                    lines[0].startswith("pagoda top") and
                    lines[-1].startswith("Tab view") and
                    sum("Tab view" in line for line in lines) == 1):
                return
            self.assertLess(time.monotonic(), end, "\n".join(lines))
            time.sleep(0.05)

    def test_quit(self):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        self.terminal.keys("q")
        self.assertEqual(self.terminal.wait_for_end(), 0)
        self.check_clean()

    def test_control_d(self):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        self.terminal.keys("C-d")
        self.assertEqual(self.terminal.wait_for_end(), 0)
        self.check_clean()

    def test_count(self):
        self.open("-n", "3", "-d", "0.2", self.pid)
        self.assertEqual(self.terminal.wait_for_end(), 0)
        self.check_clean()

    def check_signal(self, sig, status):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        if sig == "C-c":
            self.terminal.keys(sig)
        else:
            os.kill(self.terminal.pid_of_tool(), sig)
        self.assertEqual(self.terminal.wait_for_end(), status)
        self.check_clean()

    def test_interrupt(self):
        self.check_signal("C-c", 130)

    def test_terminated(self):
        self.check_signal(signal.SIGTERM, 143)

    def test_hung_up(self):
        self.check_signal(signal.SIGHUP, 129)

    def test_terminal_gone(self):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        tool = self.terminal.pid_of_tool()
        self.terminal.close()
        end = time.monotonic() + LIMIT
        while os.path.exists(f"/proc/{tool}"):
            self.assertLess(time.monotonic(), end, "it runs on")
            time.sleep(0.05)

    def test_suspend(self):
        """Stopped by the shell's job control, and back."""
        self.terminal.open("bash --norc -i", height=20)
        self.terminal.wait_for("first line")
        self.terminal.keys(f"stty -a >shell.1; {PAGODA} top {self.pid}",
                           "Enter")
        self.terminal.wait_for(r"^ ACTIVE")
        self.terminal.keys("C-z")
        self.terminal.wait_for(r"first line", gone=[r"^ ACTIVE"])
        self.terminal.keys("stty -a >shell.2; echo sto''pped", "Enter")
        self.terminal.wait_for(r"^stopped", r"first line")
        self.terminal.keys("fg", "Enter")
        self.terminal.wait_for(r"^ ACTIVE", r"^Tab view")
        self.terminal.keys("q")
        self.terminal.wait_for(r"first line", gone=[r"^ ACTIVE"])
        self.terminal.keys("exit", "Enter")
        self.terminal.wait_for_end()
        self.assertEqual(self.terminal.read("shell.1"),
                         self.terminal.read("shell.2"))

    def test_target_killed(self):
        self.open("-d", "0.2", self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        self.redis.process.kill()
        lines = self.terminal.wait_for(rf"process {self.pid} has ended")
        # What was there last stays, and can be looked at.
        self.assertGreater(len(self.rows(lines, "ACTIVE")), 10)
        self.redis.process.wait()
        self.terminal.keys("2")
        self.terminal.wait_for(rf"process {self.pid} has ended",
                               r"ready for use")
        self.terminal.keys("q")
        self.assertEqual(self.terminal.wait_for_end(), 0)
        self.check_clean()

    def test_list(self):
        self.open("-d", "0.2", "-s", "p")
        self.terminal.wait_for(rf"^ *{self.pid} .* redis-server")
        # To the row of the server, however many others there are: they come and go,
        # and a slow screen shows where the cursor was.
        at = None
        for _ in range(200):
            screen = "\n".join(self.terminal.screen("-e"))
            found = re.search(r"\033\[[0-9;]*46m *(\d+) ", screen)
            at = int(found[1]) if found else 0
            if at == int(self.pid):
                break
            self.terminal.keys("Down" if at < int(self.pid) else "Up")
            time.sleep(0.05)
        self.assertEqual(at, int(self.pid), screen)
        self.terminal.keys("Enter")
        self.terminal.wait_for(rf"process {self.pid}  redis-server",
                               r"^ ACTIVE")
        self.terminal.keys("Escape")
        self.terminal.wait_for(r"processe?s? on Pagoda", r"COMMAND")
        self.terminal.keys("Enter")
        self.terminal.wait_for(rf"process {self.pid}  redis-server",
                               r"q back")
        self.redis.process.kill()
        self.terminal.wait_for(r"has ended")
        self.terminal.keys("q")
        self.terminal.wait_for(r"processe?s? on Pagoda",
                               gone=[rf"^ *{self.pid} "])
        self.terminal.keys("q")
        self.assertEqual(self.terminal.wait_for_end(), 0)
        self.check_clean()

    def test_colours(self):
        self.open(self.pid)
        self.terminal.wait_for(r"^ ACTIVE")
        self.assertRegex("\n".join(self.terminal.screen("-e")),
                         r"\033\[[0-9;]*32m")
        self.terminal.close()
        for term, env in (("tmux-256color", "NO_COLOR=1 "), ("vt100", "")):
            self.terminal.open(f"{env}{PAGODA} top {self.pid}", term=term)
            self.terminal.wait_for(r"^ ACTIVE", r"^Tab view")
            text = "\n".join(self.terminal.screen("-e"))
            self.assertNotRegex(text, r"\033\[([0-9]*;)*[34][0-7]m", term)
            self.assertRegex(text, r"\033\[[0-9;]*7m", term)
            self.terminal.keys("q")
            self.terminal.wait_for_end()
            self.terminal.close()

    def test_bad_terminals(self):
        for term, size, text in (
                ("dumb", (80, 24), "cannot move its cursor: use -b"),
                ("no-such-terminal", (80, 24), "is not known here"),
                (None, (39, 24), "too small: 39x24, at least 40x8"),
                (None, (80, 7), "too small: 80x7, at least 40x8")):
            self.open(self.pid, width=size[0], height=size[1], term=term)
            self.assertEqual(self.terminal.wait_for_end(), 1)
            message = self.terminal.read("message")
            self.assertIn(text, message)
            self.assertEqual(message.count("\n"), 1)
            self.check_clean()
            self.terminal.close()


if not shutil.which("redis-server"):
    print("skipped: redis-server is not installed")
    sys.exit(77)
if not CURSES or not shutil.which("tmux"):
    print("only the text is tried: there is no ncurses, or no tmux")
with tempfile.TemporaryDirectory() as top_folder:
    server = Redis(top_folder)
    readable = run("stat", str(server.pid)).returncode != 4
    server.end()
if not readable:
    print("skipped: no permission to read other processes")
    sys.exit(77)
unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
