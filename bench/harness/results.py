"""Results: medians, ratios and geometric means over what was measured.

A results object is what the JSON files hold:

    date, commit, machine, settings, allocators: [{name, version, file}],
    rows: [{name, what, kind, unit, timed,
            results: {allocator: {time, cpu, peak_rss, final_rss: [...],
                                  counters: {name: [...]}} or {failed: why}}
    }]
"""

import json
import math
import statistics

from .measure import Failed

METRICS = ("time", "cpu", "peak_rss", "final_rss")


class Results:
    def __init__(self, header, rows=()):
        self.header = header
        self.rows = list(rows)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        return cls({k: v for k, v in data.items() if k != "rows"},
                   data["rows"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**self.header, "rows": self.rows}, file, indent=1)
            file.write("\n")

    @property
    def allocators(self):
        return [a["name"] for a in self.header["allocators"]]

    def best_samples(self):
        """These results with only the best time of each allocator and row:
        on a busy machine the one that was disturbed least."""
        def reduced(result):
            return {key: [min(value)] if key in ("time", "cpu") else value
                    for key, value in result.items()}
        return Results(self.header, [
            {**row, "results": {name: reduced(result) for name, result
                                in row["results"].items()}}
            for row in self.rows])

    def add_row(self, row):
        self.rows.append({**row.describe(), "results": {}})
        return self.rows[-1]


def add_sample(row, name, sample):
    """A sample or a Failed; one failure fails the allocator on this row."""
    result = row["results"].setdefault(name, {})
    if isinstance(sample, Failed):
        result["failed"] = str(sample)
        return
    for metric in METRICS:
        value = getattr(sample, metric)
        if value is not None:
            result.setdefault(metric, []).append(round(value, 4))
    for counter, value in sample.counters.items():
        counters = result.setdefault("counters", {})
        counters.setdefault(counter, []).append(value)


def samples(row, name, metric):
    """The samples of a metric or counter; none if the allocator failed."""
    result = row["results"].get(name, {"failed": "not run"})
    if "failed" in result:
        return []
    return result.get(metric) or result.get("counters", {}).get(metric, [])


def median(row, name, metric):
    values = samples(row, name, metric)
    return statistics.median(values) if values else None


def spread(row, name, metric):
    """Half the range of the samples, relative to their median."""
    values = samples(row, name, metric)
    middle = statistics.median(values) if values else 0
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def best(row, names, metric):
    values = [median(row, n, metric) for n in names]
    return min((v for v in values if v), default=None)


def geomean(values):
    values = list(values)
    return math.exp(statistics.fmean(map(math.log, values))) \
        if values else None


def complete(rows, names, metric):
    """The rows in which every allocator has a number."""
    return [r for r in rows if all(median(r, n, metric) for n in names)]


def mean_ratios(rows, names, metric, against=None):
    """For each allocator the geometric mean of its ratio to the best one (or
    to `against`), and over how many rows. These are the rows in which every
    allocator that never failed has a number; one that failed somewhere has
    fewer of them, and its mean is not comparable with the others'."""
    rows = [r for r in rows if best(r, names, metric)
            and (not against or median(r, against, metric))]
    sound = [n for n in names
             if not any("failed" in r["results"].get(n, {}) for r in rows)]
    rows = complete(rows, sound, metric)
    means = {}
    for name in names:
        ratios = [median(r, name, metric)
                  / (median(r, against, metric) if against
                     else best(r, names, metric))
                  for r in rows if median(r, name, metric)]
        means[name] = (geomean(ratios), len(ratios))
    return means
