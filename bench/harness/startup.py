"""Start-up: what an allocator costs programs that hardly allocate.

Time is that of /bin/true, against preloading an object with nothing in it
("empty"); memory is the peak RSS of small programs."""

import statistics
import subprocess

from .measure import Failed, Launcher, Row, Sample, run
from .peers import Allocator
from .programs import base_environment

ROUNDS = 1000
EMPTY = "empty"


class StartupRow(Row):
    """One command, spawned in turn under every allocator by the launcher."""

    kind = "startup"
    unit = "us"
    flags = ("quick",)

    def __init__(self, name, what, argv, rounds, *, timed=False, setup=None):
        super().__init__(f"startup/{name}", what)
        self.argv, self.rounds, self.timed = argv, rounds, timed
        self.setup = setup

    def open(self, build, scratch):
        self.launcher = Launcher(build)
        self.dir = scratch / self.name.replace("/", "-")
        self.empty = Allocator(EMPTY, str(build / "bench" / "libempty.so"), "")

    def prepare(self):
        self.dir.mkdir()
        if self.setup:
            self.setup(self.dir)

    def sample_all(self, allocators):
        allocators = [self.empty, *allocators]
        results = self.launcher.run(
            self.argv, [a.path for a in allocators], self.rounds, 600,
            cwd=self.dir, env=base_environment(self.dir),
            stdout=subprocess.DEVNULL)
        return {a.name: self.condense(r)
                for a, r in zip(allocators, results)}

    def condense(self, samples):
        if isinstance(samples, Failed):
            return samples
        median = {key: statistics.median(s[key] for s in samples)
                  for key in ("ns", "user_us", "sys_us", "peak_rss")}
        if not self.timed:
            return Sample(peak_rss=int(median["peak_rss"]))
        return Sample(median["ns"] / 1e3, median["user_us"] + median["sys_us"],
                      int(median["peak_rss"]))


def make_repository(directory):
    """A small tree under git, with a change that is not committed."""
    env = base_environment(directory)
    for i in range(50):
        (directory / f"file{i}.txt").write_text(f"file {i}\n" * 20,
                                                encoding="ascii")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "1"]):
        run([*git, *command], 60, cwd=directory, env=env)
    (directory / "file7.txt").write_text("changed\n", encoding="ascii")


def find(build, scratch, reps):
    """All rows; ROUNDS is divided among the repetitions."""
    rows = [
        StartupRow("true", "/bin/true, spawned and waited for", ["/bin/true"],
                   max(1, ROUNDS // reps), timed=True),
        StartupRow("bash", "bash -c true", ["bash", "-c", "true"], 25),
        StartupRow("python", "python3 -c pass", ["python3", "-c", "pass"], 11),
        StartupRow("git", "git status of 50 files", ["git", "status"], 11,
                   setup=make_repository),
    ]
    for row in rows:
        row.open(build, scratch)
    return rows
