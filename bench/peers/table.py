# SPDX-License-Identifier: MIT
"""
table.py: what peers/run shows: ratios, their quartiles, and a verdict.

A ratio is a peer's time divided by portermem's, measured before and after it. A
verdict comes from a bootstrap: where 99 of 100 medians of samples drawn from the
rounds' ratios are above 1, portermem wins; where they are below, it loses.
"""
import datetime
import os
import platform
import random
import statistics

RESAMPLES = 2000
FEWEST = 6  # rounds, below which nothing can be told

# A job's title, and its columns: what people read, threads at it, live threads.
TABLES = [
    ("update", "An update alone, inlined where it can be",
     [("1 thread", 1, 1), ("2 threads", 2, 2)]),
    ("call", "An update behind a function call, as portermem's is",
     [("1 thread", 1, 1), ("2 threads", 2, 2)]),
    ("work", "An update and some ten nanoseconds of other work",
     [("1 thread", 1, 1), ("2 threads", 2, 2)]),
    ("pair", "Allocate and free, counted",
     [("1 thread", 1, 1), ("2 threads", 2, 2)]),
    ("read", "A read, by the threads that live and have counted",
     [("1", 1, 1), ("2", 1, 2), ("64", 1, 64), ("2, two read", 2, 2),
      ("64, two read", 2, 64)]),
]


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def interval(ratios):
    """What 99 of 100 resampled medians lie between."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios)))
                     for _ in range(RESAMPLES))
    return medians[RESAMPLES // 200], medians[-1 - RESAMPLES // 200]


def verdict(ratios):
    if len(ratios) < FEWEST:
        return "cannot tell"
    low, high = interval(ratios)
    if low > 1:
        return "wins"
    return "loses" if high < 1 else "cannot tell"


def whole_verdict(cells):
    """One for the row: [(column, verdict)]."""
    found = [v for _, v in cells]
    if len(set(found)) == 1:
        one = found[0]
        return one if one == "cannot tell" else "portermem " + one
    parts = []
    for word in ("wins", "loses", "cannot tell"):
        where = [c for c, v in cells if v == word]
        if where:
            parts.append("%s: %s" % (word, "; ".join(where)))
    return "portermem " + ", ".join(parts)


def number(x):
    """Three digits; two of what is small."""
    if x >= 1000:
        return "%.0f" % x
    if x < 0.1:
        return "%.2g" % x
    return "%.2f" % x if x < 10 else "%.1f" % x if x < 100 else "%.0f" % x


def cell(figures, key):
    q = quartiles(figures.ratios[key])
    mark = "~" if key in figures.marked else ""
    return "%s%s (%s-%s)" % (mark, number(q[1]), number(q[0]), number(q[2]))


def markdown(head, rows):
    """A table whose columns are in line."""
    widths = [max(len(r[i]) for r in [head] + rows) for i in range(len(head))]
    rule = ["-" * w for w in widths]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) +
                     " |" for r in [head, rule] + rows) + "\n"


def ours_line(figures, names, job, columns):
    parts = []
    for name in names:
        times = []
        for title, threads, live in columns:
            samples = figures.times.get((name, job, threads, live))
            if samples:
                times.append("%s ns (%s)" % (
                    number(statistics.median(samples)), title))
        if times:
            parts.append("%s: %s." % (name, ", ".join(times)))
    return "\n".join(parts) + "\n"


def job_table(variants, figures, job, title, columns):
    rows = []
    against = []
    for v in variants:
        cells, verdicts = [], []
        for head, threads, live in columns:
            key = (v["name"], job, threads, live)
            if key in figures.ratios:
                cells.append(cell(figures, key))
                verdicts.append((head, verdict(figures.ratios[key])))
            else:
                cells.append("")
        if not verdicts:
            continue
        if v["against"] not in against:
            against.append(v["against"])
        kind = {"real": "", "ours": "*", "floor": "*"}.get(v["kind"], "")
        rows.append([kind + v["name"] + kind, v["exact"], v["negative"],
                     v["peak"], v["limit"], *cells,
                     "" if v["kind"] in ("ours", "floor")
                     else whole_verdict(verdicts)])
    if not rows:
        return ""
    head = ["peer", "exact", "negative, low", "peak", "limit",
            *[c[0] for c in columns], "verdict"]
    return "\n## %s\n\n%s\n%s" % (
        title, ours_line(figures, against, job, columns), markdown(head, rows))


def facts(variants):
    rows = [[v["name"], {"real": "the real one", "idea": "written here"}.get(
        v["kind"], v["kind"]), v["counts"], v["against"], v["note"]]
        for v in variants if v["against"]]
    return "\n## The peers\n\n" + markdown(
        ["peer", "what stands here", "a block counts for", "divided by", "note"],
        rows)


def processor():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def page(variants, figures, options):
    text = ["<!-- SPDX-License-Identifier: MIT -->\n",
            "<!-- Written by `bench/peers/run --record`. -->\n",
            "# portermem beside other libraries\n\n",
            "How this is measured, and what it cannot say, is in "
            "[peers/README.md](../peers/README.md).\n\n",
            "%s, %s, %d processors, Linux %s; %d rounds; %d of %d samples were "
            "taken again, because their threads had to wait for a processor.\n"
            % (datetime.date.today(), processor(),
               len(os.sched_getaffinity(0)), platform.release(),
               options.rounds, figures.disturbed, figures.asked),
            "\nA figure is the peer's time divided by portermem's: the median of "
            "the rounds, and the quartiles. Above 1, portermem is faster. `~`: "
            "in some round the waiting had to be taken off.\n"]
    for job, title, columns in TABLES:
        text.append(job_table(variants, figures, job, title, columns))
    text.append(facts(variants))
    if options.skipped:
        text.append("\n## Not measured\n\n" +
                    "".join("* %s\n" % s for s in options.skipped))
    return "".join(text)
