"""The HTML report: one self-contained page with SVG charts.

A card for each family of rows holds a chart for each metric; which metric is
shown is chosen by radio buttons and CSS, so the page needs no script."""

import html
from itertools import groupby

from .results import best, complete, geomean, mean_ratios, median, samples
from .startup import EMPTY
from .table import MIB, TITLES, number

# Metric: label of its button, unit (None: the row's own), divisor.
METRICS = {"time": ("Time", None, 1), "cpu": ("CPU time", None, 1),
           "peak_rss": ("Peak memory", "MiB", MIB),
           "final_rss": ("Final memory", "MiB", MIB)}
COLOURS = ["pagoda", "glibc", "jemalloc", "mimalloc", "tcmalloc", "other1",
           "other2", "other3"]
LONGEST = 5  # bars end at this ratio to the best, at the latest

STYLE = """
:root { --paper: #fbfaf8; --card: #fff; --ink: #1f2328; --faint: #6e7781;
 --line: #e4e1dc; --pagoda: #c8371b; --glibc: #8a8f98; --jemalloc: #3b7dd8;
 --mimalloc: #1f9d87; --tcmalloc: #8b5cc7; --other1: #c48a1a;
 --other2: #5f7c2a; --other3: #b0487f; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a;
 --card: #1d2024; --ink: #e6e4e0; --faint: #979ea7; --line: #31353b;
 --pagoda: #f2694b; --glibc: #7f868f; --jemalloc: #6aa3ee;
 --mimalloc: #3fbfa8; --tcmalloc: #ad86e0; --other1: #dba945;
 --other2: #93b04e; --other3: #d97fb0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1rem 4rem;
 background: var(--paper); color: var(--ink); line-height: 1.45;
 font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans",
  sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .2rem 0; } .faint { color: var(--faint); font-size: .85rem; }
.grid { display: grid; gap: .9rem;
 grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.cards { columns: 23rem; column-gap: .9rem; }
.cards .card { break-inside: avoid; margin-bottom: .9rem; }
.card { background: var(--card); border: 1px solid var(--line);
 border-radius: .6rem; padding: .9rem 1rem; min-width: 0; }
.card svg { display: block; width: 100%; height: auto; margin-top: .5rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem;
 margin: .8rem 0 0; padding: 0; list-style: none; font-size: .85rem; }
.legend i { display: inline-block; width: .75rem; height: .75rem;
 border-radius: .2rem; margin-right: .4rem; vertical-align: -.05rem; }
svg text { fill: var(--ink); font-size: 10.5px; }
svg .faint { fill: var(--faint); font-size: 10px; }
svg .row { font-weight: 600; font-size: 11px; }
svg .name { fill: var(--faint); font-size: 10px; text-anchor: end; }
svg .bar { height: 9px; rx: 1.5px; }
svg .dots { stroke: var(--ink); stroke-width: 2.6px; stroke-linecap: round;
 opacity: .45; }
svg .rule { stroke: var(--line); }
svg .failed { fill: var(--pagoda); font-style: italic; }
input.pick { position: absolute; opacity: 0; }
.picks { position: sticky; top: 0; z-index: 1; display: flex;
 flex-wrap: wrap; gap: .4rem; padding: .6rem 0; margin-top: 1.2rem;
 background: var(--paper); }
.picks label { border: 1px solid var(--line); border-radius: 2rem;
 padding: .25rem .9rem; cursor: pointer; font-size: .9rem;
 background: var(--card); }
.chart { display: none; }
""" + "".join(f"svg .{c} {{ fill: var(--{c}); }}\n" for c in COLOURS)


def escape(text):
    return html.escape(str(text))


class Page:
    """Everything that is drawn for one set of results."""

    def __init__(self, results, history):
        self.results, self.history = results, history
        names = results.allocators
        self.names = sorted(names, key=lambda n: n != "pagoda")
        known = [n for n in names if n in COLOURS]
        spare = iter(COLOURS[5:] * len(names))
        self.colour = {n: n if n in known else next(spare) for n in names}
        self.colour[EMPTY] = "glibc"

    def fill(self, name):
        return f"var(--{self.colour[name]})"

    # -- the chart of one family and metric --------------------------------

    def bars(self, row, metric, y, unit, divisor, label, longest):
        """One row: a heading, then a bar for each allocator. Returns the SVG
        and the y below it."""
        names = [n for n in self.names if n in row["results"]]
        if row["kind"] == "startup" and metric in ("time", "cpu"):
            names = [*names, EMPTY]
        floor = best(row, names, metric)
        out = [f'<text class="row" x="0" y="{y + 9}">{escape(label)}</text>']
        y += 14
        for name in names:
            out.append(f'<text class="name" x="62" y="{y + 9}">'
                       f'{escape(name)}</text>')
            value = median(row, name, metric)
            if value is None:
                why = row["results"][name].get("failed", "no number")
                out.append(f'<text class="failed" x="68" y="{y + 9}">'
                           f'{escape(why[:44])}</text>')
                y += 13
                continue
            values = samples(row, name, metric)
            ratio = value / floor if floor else 1
            ratios = [v / floor if floor else 1 for v in values]
            out.append(self.bar(name, ratio, y, longest, ratios))
            end = max([ratio, *[r for r in ratios if r <= longest]])
            text = f"{number(value / divisor)} {unit}".strip()
            times = f"{number(ratio)}×" if ratio > 1.005 else "best"
            x = 71 + 190 * min(end, longest) / longest
            out.append(f'<text x="{x:.1f}" y="{y + 9}">{escape(text)} <tspan '
                       f'class="faint">{times}</tspan></text>')
            y += 13
        return "".join(out), y + 6

    def bar(self, name, ratio, y, longest, ratios):
        width = 190 * min(ratio, longest) / longest
        dots = "".join(f"M{66 + 190 * r / longest:.0f} {y + 5.5}h0"
                       for r in ratios if r <= longest and len(ratios) > 1)
        if dots:
            dots = f'<path class="dots" d="{dots}"/>'
        cut = ""
        if ratio > longest:  # a bar that goes on is shown broken
            cut = (f'<path d="M{66 + width - 9:.1f} {y + 11.5}l4 -12" '
                   'stroke="var(--card)" stroke-width="2.5"/>')
        return (f'<rect class="bar {self.colour[name]}" x="66" y="{y + 1}" '
                f'width="{width:.0f}"/>{cut}{dots}')

    def chart(self, rows, metric):
        """A metric of a family; what has no such number shows its counters,
        which belong to every metric's view."""
        _, fixed_unit, divisor = METRICS[metric]
        lines = []
        for row in rows:
            short = row["name"].split("/", 1)[1]
            if "commit" in row:
                short += f" (commit {row['commit']})"
            if any(median(row, n, metric) is not None for n in self.names) \
                    or metric == "time" and row["timed"]:
                lines.append((row, metric, fixed_unit or row["unit"],
                              divisor, short))
            if metric == "time":
                lines += [(row, c, self.counter_unit(row), 1,
                           f"{short}: {c}")
                          for c in self.counters(row)]
        if not lines:
            return '<p class="faint">not measured</p>'
        ratios = [median(row, n, m) / best(row, self.names, m)
                  for row, m, *_ in lines for n in self.names
                  if median(row, n, m) is not None
                  and best(row, self.names, m)]
        longest = max(1.5, min(LONGEST, max(ratios, default=1)))
        y, out = 0, []
        for row, name, unit, by, label in lines:
            svg, y = self.bars(row, name, y, unit, by, label, longest)
            out.append(svg)
        return (f'<svg viewBox="0 0 360 {y}" role="img">{"".join(out)}</svg>')

    @staticmethod
    def counter_unit(row):
        """What latency counts has the unit of its family; others are ratios
        or say in their name what they are."""
        return "ns" if row["name"].startswith("latency/") else ""

    @staticmethod
    def counters(row):
        return sorted({c for result in row["results"].values()
                       for c in result.get("counters", {})
                       if c != "minor_faults"})

    def cards(self, kind):
        rows = [r for r in self.results.rows if r["kind"] == kind]
        for family, members in groupby(rows, self.family):
            members = list(members)
            what = members[0]["what"]
            charts = "".join(
                f'<div class="chart {metric}">{self.chart(members, metric)}'
                "</div>" for metric in METRICS)
            yield (f'<section class="card"><h3>{escape(family)}</h3>'
                   f'<p class="faint">{escape(what)}</p>{charts}</section>')

    @staticmethod
    def family(row):
        """Cards: one for each workload or program; start-up is one."""
        kind, name = row["name"].split("/", 1)
        return name if row["kind"] == "program" else kind

    # -- the summary -------------------------------------------------------

    def summary(self):
        cards = []
        for kind, title in list(TITLES.items())[:2]:
            rows = [r for r in self.results.rows if r["kind"] == kind]
            for metric in ("time", "peak_rss"):
                means = mean_ratios(rows, self.names, metric)
                if any(count for _, count in means.values()):
                    cards.append(self.mean_card(
                        f"{title}: {METRICS[metric][0].lower()}", means))
        return "".join(cards)

    def mean_card(self, title, means):
        most = max(count for _, count in means.values())
        order = sorted((mean, n) for n, (mean, count) in means.items()
                       if count)
        longest = max(1.5, min(LONGEST, order[-1][0]))
        out, y = [], 0
        for mean, name in order:
            count = means[name][1]
            note = f" over {count} rows" if count < most else ""
            width = 190 * min(mean, longest) / longest
            out.append(
                f'<text x="62" y="{y + 11}" text-anchor="end">{escape(name)}'
                f'</text><rect x="66" y="{y}" width="{width:.1f}" '
                f'height="14" rx="2" fill="{self.fill(name)}"/>'
                f'<text x="{72 + width:.1f}" y="{y + 11}">{mean:.2f}'
                f'<tspan class="faint">{note}</tspan></text>')
            y += 20
        return (f'<section class="card"><h3>{escape(title)}</h3>'
                f'<p class="faint">geometric mean of the ratio to the best '
                f"allocator of each of {most} rows; 1 would be the best "
                f'everywhere</p><svg viewBox="0 0 360 {y}" role="img">'
                f'{"".join(out)}</svg></section>')

    # -- the trend over several files ---------------------------------------

    def trend(self):
        """How each allocator stood in each file, over the rows that all of
        them have in common; two files or more."""
        if len(self.history) < 2:
            return ""
        common = set.intersection(*[{r["name"] for r in h.rows}
                                    for h in self.history])
        cards = [self.trend_card(metric, common) for metric in
                 ("time", "peak_rss")]
        cards = [c for c in cards if c]
        return f'<h2>Over time</h2><div class="grid">{"".join(cards)}</div>' \
            if cards else ""

    def trend_card(self, metric, common):
        names = [n for n in self.names
                 if all(n in h.allocators for h in self.history)]
        points = []
        for results in self.history:
            rows = complete([r for r in results.rows if r["name"] in common],
                            names, metric)
            if not rows:
                return ""
            points.append({n: geomean(median(r, n, metric)
                                      / best(r, names, metric)
                                      for r in rows) for n in names})
        top = max(max(p.values()) for p in points)
        low = min(min(p.values()) for p in points)
        step = 250 / (len(points) - 1)

        def at(value):
            return 120 - 100 * (value - low) / ((top - low) or 1)
        out, label_y = [], 0
        for name in sorted(names, key=lambda n: -points[-1][n]):
            line = " ".join(f"{10 + i * step:.1f},{at(p[name]):.1f}"
                            for i, p in enumerate(points))
            out.append(f'<polyline points="{line}" fill="none" stroke='
                       f'"{self.fill(name)}" stroke-width="2"/>')
            label_y = max(label_y + 11, at(points[-1][name]) + 4)
            out.append(f'<text x="266" y="{label_y:.1f}">{escape(name)} '
                       f"{points[-1][name]:.2f}</text>")
        for i, results in enumerate(self.history):
            anchor = "start" if i == 0 else "middle"
            if i in (0, len(self.history) - 1):
                out.append(f'<text class="faint" x="{10 + i * step:.1f}" '
                           f'y="160" text-anchor="{anchor}">'
                           f'{escape(results.header["commit"])}</text>')
        return (f'<section class="card"><h3>{METRICS[metric][0]}</h3><p '
                f'class="faint">geometric mean of the ratio to the best, '
                f'{len(common)} rows</p><svg viewBox="0 0 360 175" '
                f'role="img">{"".join(out)}</svg></section>')

    # -- the page ------------------------------------------------------------

    def head(self):
        header = self.results.header
        machine = header["machine"]
        versions = {a["name"]: a["version"] for a in header["allocators"]}
        legend = "".join(
            f'<li><i style="background:{self.fill(n)}"></i>{escape(n)} '
            f'<span class="faint">{escape(versions[n])}</span></li>'
            for n in self.names)
        return (
            "<h1>Allocators side by side</h1>"
            f'<p class="faint">{escape(header["date"][:10])}, commit '
            f'{escape(header["commit"])}; {machine["cpus"]} × '
            f'{escape(machine["cpu"])}, {machine["memory_mib"] // 1024} GiB, '
            f'{escape(machine["system"])}, Linux '
            f'{escape(machine["kernel"])}, huge pages: '
            f'{escape(machine["thp"])}. Medians of '
            f'{header["settings"]["reps"]} interleaved repetitions; dots are '
            "the single runs. Shorter bars are better.</p>"
            f'<ul class="legend">{legend}</ul>')

    def picks(self):
        inputs = "".join(
            f'<input class="pick" type="radio" name="m" id="m-{m}"'
            f'{" checked" if m == "time" else ""}>' for m in METRICS)
        labels = "".join(f'<label for="m-{m}">{label}</label>'
                         for m, (label, *_) in METRICS.items())
        rules = "".join(
            f"#m-{m}:checked ~ main .chart.{m} {{ display: block; }}"
            f"#m-{m}:checked ~ .picks label[for=m-{m}] {{ background: "
            "var(--ink); color: var(--paper); }"
            f"#m-{m}:focus-visible ~ .picks label[for=m-{m}] {{ outline: "
            "2px solid var(--pagoda); }" for m in METRICS)
        return inputs, f'<div class="picks">{labels}</div>', rules

    def render(self):
        inputs, labels, rules = self.picks()
        sections = "".join(
            f'<h2>{escape(title)}</h2><div class="cards">'
            f'{"".join(self.cards(kind))}</div>'
            for kind, title in TITLES.items()
            if any(r["kind"] == kind for r in self.results.rows))
        return (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, '
            'initial-scale=1"><title>Allocators side by side</title>'
            f"<style>{STYLE}{rules}</style>{self.head()}"
            f'<h2>Summary</h2><div class="grid">{self.summary()}</div>'
            f"{self.trend()}{inputs}{labels}<main>{sections}</main></html>\n")
