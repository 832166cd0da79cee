"""The allocators that are compared: Debian's, Pagoda's, and others by path."""

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# name: Debian package, file in the multiarch library directory
DEBIAN_PEERS = {
    "jemalloc": ("libjemalloc2", "libjemalloc.so.2"),
    "mimalloc": ("libmimalloc2.0", "libmimalloc.so.2"),
    "tcmalloc": ("libtcmalloc-minimal4", "libtcmalloc_minimal.so.4"),
}
STANDARD = ["glibc", *DEBIAN_PEERS, "pagoda"]


@dataclass(frozen=True)
class Allocator:
    """One column of the tables; path None is the C library's own."""

    name: str
    path: str | None
    version: str

    def describe(self):
        return {"name": self.name, "version": self.version,
                "file": os.path.basename(self.path or "libc.so.6")}


def _library_dir():
    """Where Debian puts shared libraries: where the C library itself is."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            if line.rstrip().endswith("/libc.so.6"):
                return Path(line.split(maxsplit=5)[5]).parent
    raise RuntimeError("no libc.so.6 in this process")


def libc_path():
    return str((_library_dir() / "libc.so.6").resolve())


def package_version(package):
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                         capture_output=True, text=True, check=False)
    return out.stdout or "?"


def install(packages):
    """Installs the Debian packages that are missing; says which stay away."""
    missing = [p for p in packages if package_version(p) == "?"]
    if not missing:
        return []
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return missing
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    if subprocess.run(command + missing, env=env, check=False,
                      stdout=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
        subprocess.run(command + missing, env=env, check=False,
                       stdout=subprocess.DEVNULL)
    return [p for p in missing if package_version(p) == "?"]


def find(build, commit, extra):
    """All allocators there are; extra is a list of name=path."""
    libs = _library_dir()
    glibc = ctypes.CDLL(None).gnu_get_libc_version
    glibc.restype = ctypes.c_char_p
    found = [Allocator("glibc", None, glibc().decode())]
    for name, (package, file) in DEBIAN_PEERS.items():
        if (libs / file).exists():
            found.append(Allocator(name, str((libs / file).resolve()),
                                   package_version(package)))
    pagoda = build / "lib" / "libpagoda.so"
    if pagoda.exists():
        found.append(Allocator("pagoda", str(pagoda.resolve()), commit))
    for item in extra:
        name, path = item.split("=", 1)
        if not Path(path).exists():
            raise SystemExit(f"{name}: no file {path}")
        found.append(Allocator(name, str(Path(path).resolve()), "by path"))
    return found
