"""Rows to be measured, and running one command under one allocator."""

import json
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field


class Failed(Exception):
    """A run that gives no number, and why."""


@dataclass
class Sample:
    """One run of one row under one allocator."""

    time: float | None = None  # on the wall, in the unit of the row
    cpu: float | None = None  # of all threads and processes, likewise
    peak_rss: int | None = None  # bytes
    final_rss: int | None = None
    counters: dict = field(default_factory=dict)


class Row:
    """Something that is measured under every allocator."""

    kind = "?"  # micro, program, startup
    unit = "ns"
    timeout = 60
    timed = True  # False: its time means nothing
    most_reps = 1000  # fewer for rows that take long and hardly vary
    quick_reps = 1000

    def __init__(self, name, what):
        self.name, self.what = name, what

    def prepare(self):
        """Before the first sample; may raise Failed for all of them."""

    def sample(self, allocator):
        raise NotImplementedError

    def sample_all(self, allocators):
        """A Sample or a Failed for each allocator, one after the other."""
        return {a.name: attempt(self.sample, a) for a in allocators}

    def describe(self):
        return {"name": self.name, "what": self.what, "kind": self.kind,
                "unit": self.unit, "timed": self.timed}


def attempt(function, *args):
    """What the function returns; or, as a Failed, why it does not: one row
    that goes wrong must not end a run of an hour."""
    try:
        return function(*args)
    except Failed as failed:
        return failed
    except (OSError, ValueError, LookupError,
            subprocess.SubprocessError) as error:
        return Failed(f"{type(error).__name__}: {error}")


def why(status):
    """A return code of subprocess in words."""
    if status >= 0:
        return f"exit {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def preloaded(allocator, env=None):
    """The environment of a child that runs under an allocator."""
    env = dict(os.environ if env is None else env)
    env.pop("LD_PRELOAD", None)
    if allocator.path:
        env["LD_PRELOAD"] = allocator.path
    return env


def run(argv, timeout, **options):
    """Runs a command in its own process group, which ends with it."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.PIPE)
    try:
        child = subprocess.Popen(argv, start_new_session=True, **options)
    except OSError as error:
        name = os.path.basename(argv[0])
        raise Failed(f"{name}: {error.strerror}") from None
    with child:
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise Failed(f"no end after {timeout} s") from None
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode:
        last = (err or b"").decode(errors="replace").strip().splitlines()
        raise Failed(": ".join([why(child.returncode), *last[-1:]])[:200])
    return out


class Launcher:
    """bench/launch: measures a command from a small process."""

    def __init__(self, build):
        self.path = build / "bench" / "launch"

    def run(self, argv, preloads, rounds, timeout, **options):
        """For each preload (None: none) its samples, in the order of rounds;
        or Failed, when the command did."""
        with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
            run([str(self.path), f"--rounds={rounds}",
                 *[f"--preload={p or 'none'}" for p in preloads],
                 f"--report={file.name}", "--", *argv], timeout, **options)
            reports = json.load(file)
        return [Failed(why(os.waitstatus_to_exitcode(r["status"])))
                if r["status"] else r["samples"] for r in reports]
