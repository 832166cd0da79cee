"""What the tests of "pagoda export" share: the exporter as a process, and what it
serves, parsed."""

import contextlib
import signal
import subprocess
import urllib.request

from program import PAGODA

try:
    from prometheus_client import parser as plain
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    openmetrics = plain = None

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
EPHEMERAL = "127.0.0.1:0"


class Exporter:
    def __init__(self, *args, listen=EPHEMERAL, tool=PAGODA, **more):
        self.process = subprocess.Popen(
            [tool, "export", "--listen", listen, *map(str, args)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.url = self.process.stdout.readline().strip()
        assert self.url.endswith("/metrics"), (self.url,
                                               self.process.stderr.read())
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])

    def get(self, accept=None, url=None, method="GET"):
        """Return: (Content-Type, text)."""
        request = urllib.request.Request(url or self.url, method=method)
        if accept is not None:
            request.add_header("Accept", accept)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def families(self):
        kind, text = self.get("application/openmetrics-text")
        assert kind == OPENMETRICS, kind
        assert text.endswith("\n# EOF\n")
        return list(openmetrics.text_string_to_metric_families(text))

    def end(self, number=signal.SIGTERM):
        """Return: (status, what it had said on standard error)."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@contextlib.contextmanager
def exporting(*args, expected=(0, ""), **more):
    exporter = Exporter(*args, **more)
    try:
        yield exporter
        ended = exporter.end()
        assert ended == expected, ended
    finally:
        if exporter.process.poll() is None:
            exporter.process.kill()
            exporter.process.communicate()


def samples_of(families, pid):
    """{(name, other labels): value} of one process."""
    found = {}
    for family in families:
        for name, labels, value, *_ in family.samples:
            if labels.get("pid") != str(pid):
                continue
            rest = tuple(sorted((label, text) for label, text in labels.items()
                                if label not in ("pid", "comm")))
            assert (name, rest) not in found, name
            found[name, rest] = value
    return found


def stat(pid):
    """The same from "pagoda stat"."""
    text = subprocess.run([PAGODA, "stat", "--openmetrics", str(pid)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for family in openmetrics.text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            labels.pop("pid", None)
            found[name, tuple(sorted(labels.items()))] = value
    return found
