"""Tables of results for the terminal."""

from .results import best, mean_ratios, median, samples, spread
from .startup import EMPTY

MIB = 1 << 20
TITLES = {"micro": "Micro workloads", "program": "Programs",
          "startup": "Start-up"}
CLOCKS = {"time": "wall time", "cpu": "CPU time"}
LOST = 1.10  # ratio to the best other allocator above which a row is lost


def number(value):
    """Three significant digits; thousands and millions as k and M."""
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if value >= limit:
            return number(value / (limit if suffix == "M" else 1e3)) + suffix
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _grid(lines):
    """Aligned columns: the first one left, the others right."""
    if not lines:
        return []
    widths = [max(len(line[i]) for line in lines if i < len(line))
              for i in range(max(map(len, lines)))]
    return ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                      for i, (cell, w) in enumerate(zip(line, widths)))
            for line in lines]


def _cell(row, name, metric, reference, scale):
    """Median, spread, and the ratio to that of the best reference."""
    value = median(row, name, metric)
    if value is None:
        failed = "failed" in row["results"].get(name, {"failed": 1})
        return "FAILED" if failed else "-"
    lowest = best(row, reference, metric)
    ratio = number(value / lowest) if lowest else "-"
    around = f" ±{spread(row, name, metric):3.0%}" \
        if len(samples(row, name, metric)) > 1 else ""
    return f"{number(value / scale)}{around} {ratio:>4}"


def _means(rows, names, metric):
    lines = []
    for label, against in (("to the best", None), ("to glibc", "glibc")):
        if against and against not in names:
            continue
        means = mean_ratios(rows, names, metric, against)
        most = max((count for _, count in means.values()), default=0)
        if most:
            lines.append([f"geometric mean {label}, {most} rows", *[
                "-" if not count else f"{mean:.2f}"
                + (f" ({count} rows)" if count < most else "")
                for mean, count in means.values()]])
    return lines


def _table(title, rows, names, metric, scale, reference=None):
    """Ratios are to the best of all, or to the one reference."""
    # Failures are shown once even if no allocator has a number.
    rows = [r for r in rows if metric in CLOCKS
            or any(median(r, n, metric) is not None for n in names)]
    if not rows:
        return []
    lines = [["", *names]]
    for row in rows:
        lines.append([row["name"], *[
            _cell(row, n, metric, [reference] if reference else names, scale)
            for n in names]])
    means = [] if reference else _means(rows, names, metric)
    return [title, *_grid(lines), *_grid([["", *names], *means])[1:], ""]


def _counters(rows, names):
    lines = []
    for row in rows:
        counters = {c for n in names
                    for c in row["results"].get(n, {}).get("counters", {})}
        for counter in sorted(counters):
            values = [median(row, n, counter) for n in names]
            lines.append([f"{row['name']} {counter}",
                          *["FAILED" if v is None else number(v)
                            for v in values]])
    return ["Counters, medians", *_grid([["", *names], *lines]), ""] \
        if lines else []


def _failures(rows):
    return [f"FAILED {row['name']} {name}: {result['failed']}"
            for row in rows for name, result in row["results"].items()
            if "failed" in result]


def _verdict(rows, names, clock, ours="pagoda"):
    """How one allocator stands against the best of the others."""
    peers = [n for n in names if n != ours]
    lines = []
    for metric, label in ((clock, CLOCKS[clock]), ("peak_rss", "peak RSS")):
        ratios = [(median(r, ours, metric) / best(r, peers, metric), r["name"])
                  for r in rows if samples(r, ours, metric)
                  and best(r, peers, metric)]
        lost = sorted((x for x in ratios if x[0] > LOST), reverse=True)
        if ratios:
            lines.append(f"{ours}, {label}: no worse than {LOST:.2f} of "
                         f"the best other allocator in "
                         f"{len(ratios) - len(lost)} of {len(ratios)} rows")
        if lost:
            lines.append("  above it: " + ", ".join(
                f"{name} {ratio:.2f}" for ratio, name in lost))
    return lines


def _compared(title, rows, names, clock):
    timed = [r for r in rows if r["timed"]]
    units = " / ".join(sorted({r["unit"] for r in timed}))
    lines = _table(f"{title}: {CLOCKS[clock]}, {units}, median, spread, "
                   "ratio to the best", timed, names, clock, 1)
    for metric, label in (("peak_rss", "peak"), ("final_rss", "final")):
        lines += _table(f"{title}: {label} RSS, MiB, ratio to the smallest",
                        rows, names, metric, MIB)
    return [*lines, *_counters(rows, names), *_verdict(rows, names, clock), ""]


def _startup(title, rows, names, clock):
    """The floor is known here: what the loader alone costs, and glibc."""
    timed = [r for r in rows if r["timed"]]
    return [*_table(f"{title}: {CLOCKS[clock]}, us, median, spread, ratio to "
                    "preloading an empty object", timed, [EMPTY, *names],
                    clock, 1, EMPTY),
            *_table(f"{title}: peak RSS, MiB, ratio to glibc", rows, names,
                    "peak_rss", MIB, "glibc")]


def render(results, clock="time"):
    """All tables of a run, as text; clock is "time" or "cpu"."""
    lines = []
    for kind, title in TITLES.items():
        rows = [r for r in results.rows if r["kind"] == kind]
        names = [n for n in results.allocators
                 if any(n in r["results"] for r in rows)]
        section = _startup if kind == "startup" else _compared
        if rows:
            lines += section(title, rows, names, clock)
    return "\n".join(lines + _failures(results.rows)).rstrip() + "\n"
