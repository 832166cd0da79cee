"""Programs of Debian as rows: commands that end, and servers.

A descriptor in bench/programs/ has a function programs(), which returns
Commands and Servers. Every run's output is checked against that of a run
without preload, and in a first, discarded run under each allocator the dynamic
linker is made to tell which object answers for malloc in every process."""

import hashlib
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from . import peers
from .measure import Failed, Launcher, Row, Sample, preloaded, run, why

MALLOC_BINDING = re.compile(
    r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: "
    r"normal symbol `malloc'")


def base_environment(home):
    """Debian's programs, no configuration of this user, nothing that differs
    between runs."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home),
            "LC_ALL": "C", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONHASHSEED": "0"}


def check_bindings(directory, path):
    """Whether malloc is bound to path wherever it is bound at all, by what
    LD_DEBUG has written into directory."""
    found = set()
    for file in directory.glob("bindings.*"):
        text = file.read_text(encoding="utf-8", errors="replace")
        found.update(MALLOC_BINDING.findall(text))
        file.unlink()
    # A program that takes malloc's address stands in for it with a jump of
    # its own; where that leads is another of its bindings.
    jumps = {user for user, provider in found
             if user != provider and ".so" not in os.path.basename(user)}
    real = {os.path.realpath(provider) for _, provider in found
            if provider not in jumps}
    if not real:
        raise Failed("no process has called malloc through the linker")
    if real != {os.path.realpath(path)}:
        raise Failed("preload not active: malloc is in "
                     + ", ".join(sorted(map(os.path.basename, real))))


class Program(Row):
    """What commands and servers have in common."""

    kind = "program"
    unit = "s"
    timeout = 120

    def __init__(self, name, what, *, packages=(), quick=False, setup=None,
                 env=None, links_malloc=False):
        super().__init__(f"programs/{name}", what)
        self.flags = ["quick"] if quick else []
        self.packages, self.setup, self.extra_env = packages, setup, env or {}
        # A program linked with an allocator is on glibc's only by a preload.
        self.links_malloc = links_malloc
        self.proven = set()

    def open(self, build, scratch):
        self.launcher = Launcher(build)
        self.dir = scratch / self.name.replace("/", "-")

    def prepare(self):
        absent = peers.install(self.packages)
        if absent:
            raise Failed("not installed: " + " ".join(absent))
        self.dir.mkdir(mode=0o755)
        if self.setup:
            self.setup(self.dir)

    def preload_of(self, allocator):
        if allocator.path or not self.links_malloc:
            return allocator.path
        return peers.libc_path()

    def environment(self, allocator, debug=False):
        env = {**base_environment(self.dir), **self.extra_env}
        if debug:
            env["LD_DEBUG"] = "bindings"
            env["LD_DEBUG_OUTPUT"] = str(self.dir / "bindings")
        env = preloaded(allocator, env)
        if self.preload_of(allocator):
            env["LD_PRELOAD"] = self.preload_of(allocator)
        return env

    def sample(self, allocator):
        """The first run under an allocator only proves that it is in use."""
        if allocator.name not in self.proven:
            self.measure(allocator, debug=True)
            check_bindings(self.dir,
                           self.preload_of(allocator) or peers.libc_path())
            self.proven.add(allocator.name)
        return self.measure(allocator)

    def measure(self, allocator, debug=False):
        raise NotImplementedError


class Command(Program):
    """A command that ends: its time and the peak RSS of its processes.

    `outputs` are the files it writes, relative to its directory; `digest` is a
    command whose output is compared instead, for those whose own output may
    differ though the work is the same."""

    def __init__(self, name, what, argv, *, stdin=None, outputs=(),
                 digest=None, before=None, **options):
        super().__init__(name, what, **options)
        self.argv, self.stdin, self.outputs = argv, stdin, outputs
        self.digest, self.before = digest, before
        self.expected = None

    def output_digest(self):
        digest = hashlib.sha256()
        if self.digest:
            digest.update(run(self.digest, self.timeout, cwd=self.dir,
                              env=base_environment(self.dir),
                              stdout=subprocess.PIPE))
        else:
            for name in ("stdout", *self.outputs):
                digest.update((self.dir / name).read_bytes())
        return digest.hexdigest()

    def measure(self, allocator, debug=False):
        stdin = self.dir / self.stdin if self.stdin else os.devnull
        if self.before:
            self.before(self.dir)
        with open(stdin, "rb") as source, \
                open(self.dir / "stdout", "wb") as sink:
            samples, = self.launcher.run(
                self.argv, [self.preload_of(allocator)], 1, self.timeout,
                cwd=self.dir, env=self.environment(allocator, debug),
                stdin=source, stdout=sink)
        if isinstance(samples, Failed):
            raise samples
        self.check()
        sample, = samples
        cpu = (sample["user_us"] + sample["sys_us"]) / 1e6
        return Sample(sample["ns"] / 1e9, cpu, sample["peak_rss"], None,
                      {"minor_faults": sample["minor_faults"]})

    def prepare(self):
        super().prepare()
        nothing = peers.Allocator("reference", None, "")
        self.measure(nothing)
        self.expected = self.output_digest()

    def check(self):
        if self.expected and self.output_digest() != self.expected:
            raise Failed("its output is not that of the plain program")


def _tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for known in pids:
        children = Path(f"/proc/{known}/task/{known}/children")
        try:
            pids += map(int, children.read_text(encoding="ascii").split())
        except OSError:
            pass
    return pids


def anonymous_memory(pid):
    """Bytes of anonymous memory of a process tree: now, and the sum of the
    processes' peaks. Shared memory and files are not the allocator's."""
    now = peak = 0
    for each in _tree(pid):
        try:
            text = Path(f"/proc/{each}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        kib = dict(re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M))
        if "RssAnon" not in kib:
            continue
        other = int(kib["RssFile"]) + int(kib["RssShmem"])
        now += int(kib["RssAnon"]) * 1024
        peak += max(0, int(kib["VmHWM"]) - other) * 1024
    return now, peak


def cpu_seconds(pid):
    """CPU time of a process tree so far, with what it has waited for."""
    ticks = 0
    for each in _tree(pid):
        try:
            text = Path(f"/proc/{each}/stat").read_text(encoding="utf-8")
        except OSError:
            continue  # Over: its parent's, once that has waited for it.
        ticks += sum(map(int, text.rsplit(")", 1)[1].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class MemoryWatch(threading.Thread):
    """The highest sum of the peaks that a server's processes had together."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.stop = pid, 0, threading.Event()

    def run(self):
        while not self.stop.wait(0.2):
            self.look()

    def look(self):
        now, peak = anonymous_memory(self.pid)
        self.peak = max(self.peak, peak)
        return now

    def finish(self):
        self.stop.set()
        self.join()
        return self.look()


class Server(Program):
    """A server under the allocator, and clients that are not: the time the
    clients take. Subclasses in bench/programs/ say how."""

    user = None
    units = 1  # how many times drive() has done what is reported

    def start_argv(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def drive(self, short):
        """Runs the clients, checks what they got, returns their seconds; with
        `short` only as long as it takes to make the server allocate."""
        raise NotImplementedError

    def client(self, argv, **options):
        return run(argv, self.timeout, cwd=self.dir,
                   env=base_environment(self.dir), stdout=subprocess.PIPE,
                   **options).decode()

    def measure(self, allocator, debug=False):
        with open(self.dir / "server.log", "wb") as log, \
                subprocess.Popen(self.start_argv(), cwd=self.dir,
                                 env=self.environment(allocator, debug),
                                 user=self.user, group=self.user, stdout=log,
                                 stderr=log, stdin=subprocess.DEVNULL) as it:
            try:
                self.wait_ready(it)
                watch = MemoryWatch(it.pid)
                watch.start()
                seconds = self.drive(debug)
                now = watch.finish()
                cpu = cpu_seconds(it.pid)
                if it.poll() is not None:
                    raise Failed("the server ended: " + why(it.returncode))
            finally:
                self.end(it)
        if it.returncode:
            raise Failed("the server ended with " + why(it.returncode))
        return Sample(seconds, cpu / self.units, watch.peak, now)

    def wait_ready(self, process):
        until = time.monotonic() + 20
        while not self.is_ready():
            if process.poll() is not None:
                raise Failed("the server did not start: "
                             + why(process.returncode))
            if time.monotonic() > until:
                raise Failed("the server was not ready after 20 s")
            time.sleep(0.02)

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in reversed(_tree(process.pid)):
                os.kill(pid, 9)
            process.wait()


class Scratch:
    """The directory in which programs find their inputs; removed at the end.
    Readable by others, for servers that do not run as root."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="bench-scratch-"))
        self.path.chmod(0o755)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def find(build, scratch):
    """Every program that a descriptor in bench/programs/ describes."""
    import programs as descriptors
    rows = []
    for module in pkgutil.iter_modules(descriptors.__path__):
        described = importlib.import_module(f"programs.{module.name}")
        rows += described.programs()
    for row in rows:
        row.open(build, scratch)
    return sorted(rows, key=lambda row: row.name)
