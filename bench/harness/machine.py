"""The machine a run is made on: its description, and warming it up."""

import mmap
import os
import platform
import subprocess
from pathlib import Path

MIB = 1 << 20


def _field(path, key):
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return line.split(":", 1)[-1].split("=", 1)[-1].strip().strip('"')
    return "?"


def commit(repository):
    """The short commit id, with "+" when files differ from it."""
    def git(*args):
        return subprocess.run(["git", "-C", str(repository), *args], text=True,
                              capture_output=True, check=False).stdout.strip()
    name = git("rev-parse", "--short=10", "HEAD")
    changed = "+" if git("status", "--porcelain") else ""
    return name + changed if name else "?"


def describe():
    thp = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    words = thp.read_text(encoding="utf-8").split() if thp.exists() else []
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": int(_field("/proc/meminfo", "MemTotal").split()[0])
        // 1024,
        "kernel": platform.release(),
        "system": _field("/etc/os-release", "PRETTY_NAME"),
        "thp": next((w[1:-1] for w in words if w[0] == "["), "?"),
        "load": round(os.getloadavg()[0], 2),
    }


def warm_up(quick):
    """Touches guest memory, which costs up to ten times as much the first
    time, so that the first allocator measured does not pay for the others."""
    available = int(_field("/proc/meminfo", "MemAvailable").split()[0]) * 1024
    size = min((2 if quick else 4) << 30, available // 3)
    chunk = b"\1" * MIB
    with mmap.mmap(-1, size) as memory:
        for _ in range(size // MIB):
            memory.write(chunk)
