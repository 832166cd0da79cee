"""The micro workloads: one process for each case, sample and allocator."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from .measure import Failed, Row, Sample, attempt, preloaded, run

# What every workload counts; the other counters are shown by name.
STANDARD_COUNTERS = {"peak_rss", "final_rss", "minor_faults", "user_s",
                     "sys_s"}
GOOGLE_FIELDS = {"name", "family_index", "per_family_instance_index",
                 "run_name", "run_type", "repetitions", "repetition_index",
                 "threads", "iterations", "real_time", "cpu_time",
                 "time_unit", "label"}


class MicroRow(Row):
    kind = "micro"
    timeout = 60

    def __init__(self, binary, name, flags, what):
        super().__init__(name, what)
        self.binary, self.flags = binary, flags
        self.timed = "untimed" not in flags
        if "idle" in flags:
            self.timeout, self.most_reps, self.quick_reps = 180, 3, 1

    def sample(self, allocator):
        out = run([str(self.binary), f"--case={self.name}",
                   "--benchmark_format=json"],
                  self.timeout, env=preloaded(allocator),
                  stdout=subprocess.PIPE)
        report = json.loads(out)
        answers = report["context"]["malloc"]
        if allocator.path and answers != allocator.path:
            raise Failed("preload not active: malloc is in "
                         + os.path.basename(answers))
        result = report["benchmarks"][0]
        cpu = (result["user_s"] + result["sys_s"]) / result["iterations"] * 1e9
        return Sample(result["real_time"] if self.timed else None,
                      cpu if self.timed else None,
                      int(result["peak_rss"]), int(result["final_rss"]),
                      {name: value for name, value in result.items()
                       if name not in GOOGLE_FIELDS | STANDARD_COUNTERS})

    def sample_all(self, allocators):
        if "idle" not in self.flags:
            return super().sample_all(allocators)
        # They sleep nearly all the time, and sleep together.
        with ThreadPoolExecutor(len(allocators)) as pool:
            return dict(zip([a.name for a in allocators],
                            pool.map(partial(attempt, self.sample),
                                     allocators)))


def find(build):
    """Every case of every workload that has been built."""
    rows = []
    for binary in sorted((build / "bench" / "micro").glob("bench-*")):
        if not binary.is_file():
            continue
        out = run([str(binary), "--list"], 10, stdout=subprocess.PIPE)
        for line in out.decode().splitlines():
            name, flags, what = line.split("\t")
            rows.append(MicroRow(binary, name, flags.split(), what))
    return rows
