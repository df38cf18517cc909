#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
summary.py: from what google-benchmark wrote to tables, a record and a plot.

    summary.py RAW              print the tables
    summary.py RAW --record DIR as well write DIR/RESULTS.md, and
                                DIR/results/last.json and .svg

RAW is the folder that bench/run fills: PROGRAM-ROUND.json for each program and
round, and shared_writes.txt. Which rows there are, and what is wanted of them,
is in rows.py; bench/README.md says what the numbers mean.
"""
import argparse
import collections
import json
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

from rows import (ADDS, ALIGNED, AT_LIMIT, BESIDE, CLIFFS, GROW, LIFE, LIMITS,
                  PAIRS, RATIOS, WORK)

# Groups of which every thread is always busy, and how large a part of the
# processors that it asked for a sample must have got, to be taken.
BUSY = ("pair/", "limit/", "at-limit/", "add/", "aligned/", "way/", "grow/",
        "read/", "beside-", "work/", "cliff/")
LEAST_SHARE = 0.9
ENOUGH = 5

DOUBTFUL = ("~ For these fewer than five samples had the processors to "
            "themselves; processor time is shown, in which contention between "
            "threads appears diluted.")


# ---- Reading ----

class Samples:
    """Costs in nanoseconds, by (name, threads) and round: what one pair took
    of one processor, so that a flat row is a perfect one."""

    def __init__(self, folder):
        self.rounds = collections.defaultdict(
            lambda: collections.defaultdict(list))
        # Processor time of samples that were left out.
        self.crowded = collections.defaultdict(
            lambda: collections.defaultdict(list))
        self.left_out = collections.Counter()
        self.taken = collections.Counter()
        self.context = {}
        every = sorted(folder.glob("*-*.json"))
        if not every:
            sys.exit(f"summary.py: {folder}: no *-ROUND.json in there")
        self.number_of_rounds = max(int(path.stem.rsplit("-", 1)[1])
                                    for path in every)
        for path in every:
            self.read(path, int(path.stem.rsplit("-", 1)[1]))

    def read(self, path, number):
        try:
            data = json.loads(path.read_text())
        except ValueError as error:
            sys.exit(f"summary.py: {path}: {error}")
        self.context = self.context or data["context"]
        cpus = data["context"]["num_cpus"]
        kept = collections.defaultdict(list)
        for run in data["benchmarks"]:
            if run["run_type"] != "iteration" or run.get("error_occurred"):
                continue
            threads = run["threads"]
            name = re.sub(r"/(real_time|manual_time|threads:\d+|"
                          r"iterations:\d+|repeats:\d+)", "", run["name"])
            # google-benchmark divides the wall time by the iterations of all
            # threads together: times the threads, it is what a pair took.
            # Where threads outnumber the processors that is time spent
            # waiting for one; there the processor time tells the cost. So it
            # does for a mutex, whose waiters sleep (that flatters it). A
            # cliff's sample says itself how much of its time it was given.
            sleeps = name.endswith("/mutex") and threads > 1
            if "measured" in run:
                cost, share = run["real_time"], run["measured"]
            elif threads <= cpus and not sleeps:
                cost = run["real_time"] * threads
                share = run["cpu_time"] / cost
            else:
                cost, share = run["cpu_time"], 1
            key = name, threads
            if name.startswith(BUSY) and share < LEAST_SHARE:
                self.left_out[key] += 1
                self.crowded[key][number].append(
                    cost * share if "measured" in run else run["cpu_time"])
                continue
            self.taken[key] += 1
            kept[key].append(cost)
        for key, costs in kept.items():
            self.rounds[key][number] += costs

    def has(self, key):
        return key in self.rounds or key in self.crowded

    def doubtful(self, key):
        """Too few samples had the processors: processor time it is."""
        return self.left_out[key] > 0 and self.taken[key] < ENOUGH

    def by_round(self, key):
        return (self.crowded if self.doubtful(key) else self.rounds)[key]

    def costs(self, key):
        return sorted(c for costs in self.by_round(key).values()
                      for c in costs)

    def names(self, prefix):
        return sorted({name for name, _ in [*self.rounds, *self.crowded]
                       if name.startswith(prefix)})

    def threads(self, prefix):
        return sorted({threads
                       for name, threads in [*self.rounds, *self.crowded]
                       if name.startswith(prefix)})


def quartiles(values):
    """The quartiles; of fewer than four values the extremes."""
    if len(values) < 4:
        return min(values), statistics.median(values), max(values)
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def ratio(samples, over, under):
    """The ratio of the medians; quartiles of the ratios of each round."""
    (name, threads), scale = over, 1.0
    top = samples.by_round((name, threads))
    value = statistics.median(samples.costs(over))
    if isinstance(under, float):
        each = [statistics.median(c) / under for c in top.values()]
        return value / under, quartiles(each)
    name, threads = under
    if name.startswith("read/"):
        scale, threads = threads, 1
    below = samples.by_round((name, threads))
    value /= statistics.median(samples.costs((name, threads))) * scale
    each = [statistics.median(top[n]) / statistics.median(below[n]) / scale
            for n in top if n in below]
    return value, quartiles(each or [value])


# ---- Tables ----

def table(header, rows):
    rows = [header] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]

    def line(cells):
        first = cells[0].ljust(widths[0])
        rest = [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]
        return "| " + " | ".join([first] + rest) + " |"

    rule = ["-" * widths[0]] + ["-" * (w - 1) + ":" for w in widths[1:]]
    return "\n".join([line(header), line(rule)] + [line(r) for r in rows[1:]])


def figure(ns, unit=1.0):
    value = ns / unit
    if value < 1:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def spread(samples, key, unit=1.0):
    if not samples.has(key):
        return "-"
    low, middle, high = quartiles(samples.costs(key))
    return (f"{'~' if samples.doubtful(key) else ''}{figure(middle, unit)} "
            f"({figure(low, unit)}-{figure(high, unit)})")


def by_threads(samples, rows, prefix, unit=1.0):
    threads = samples.threads(prefix)
    return table(
        [""] + [f"{t} thread{'s' * (t > 1)}" for t in threads],
        [[title] + [spread(samples, (name, t), unit) for t in threads]
         for name, title in rows if samples.names(name)])


def one_column(samples, rows, heading, unit=1.0):
    return table(["", heading], [[title, spread(samples, (name, 1), unit)]
                                 for name, title in rows
                                 if samples.has((name, 1))])


def cliffs(samples):
    """Each row has a unit of its own."""
    units = {"ns": 1.0, "us": 1e3, "ms": 1e6, "KiB": 1.0}
    return table(["", "cost"], [
        [title, f"{spread(samples, (name, 1), units[unit])} {unit}"]
        for name, title, unit in CLIFFS if samples.has((name, 1))])


def ratios(samples):
    rows, record, missed = [], [], 0
    for title, over, under, relation, target in RATIOS:
        needed = [over] if isinstance(under, float) else [
            over, (under[0], 1) if under[0].startswith("read/") else under]
        if not all(samples.has(key) for key in needed):
            continue
        value, (low, _, high) = ratio(samples, over, under)
        met = None
        if relation:
            met = value <= target if relation == "<=" else value >= target
            missed += not met
        doubt = "~" if any(samples.doubtful(k) for k in needed) else ""
        rows.append([title, f"{doubt}{value:.2f}", f"{low:.2f}-{high:.2f}",
                     f"{relation} {target:.2f}" if relation else "",
                     {None: "", True: "yes", False: "**no**"}[met]])
        record.append({"name": title, "ratio": round(value, 3),
                       "doubtful": bool(doubt),
                       "rounds_q1": round(low, 3), "rounds_q3": round(high, 3),
                       "target": f"{relation} {target}" if relation else None,
                       "met": met})
    return table(["", "ratio", "of rounds", "wanted", "met"], rows), record


def ways(samples):
    """Which way of aligning, by alignment."""
    rows = []
    for alignment in (2 ** n for n in range(5, 13)):
        row = [str(alignment)]
        for threads in samples.threads("way/"):
            for way in ("overallocate", "posix_memalign"):
                row.append(spread(
                    samples, (f"way/{way}@{alignment}", threads)))
        rows.append(row)
    header = ["alignment"] + [
        f"{way}, {t} thread{'s' * (t > 1)}"
        for t in samples.threads("way/")
        for way in ("allocate more", "posix_memalign")]
    return table(header, rows)


def reads(samples):
    return one_column(
        samples, [(f"read/slots/{n}", f"{n:,} slot{'s' * (n > 1)}")
                  for n in (1, 10, 100, 1000, 10000)], "us a read", 1000.0)


JOBS = [
    ("job-sqlite-2", "examples/sqlite_ingest, 2 threads:"),
    ("job-sqlite-4", "examples/sqlite_ingest, 4 threads:"),
    ("job-arrow", "bench/arrow_csv, a table read from CSV:"),
]


def read_jobs(folder):
    """What programs printed that make rounds of their own."""
    found = []
    for name, title in JOBS:
        path = folder / f"{name}.txt"
        if path.exists():
            text = re.sub(r".*\r", "", path.read_text()).strip("\n")
            found.append(f"{title}\n\n```\n{text}\n```")
    return "\n\n".join(found)


def sections(samples, shared, jobs):
    yield ("Ratios", "The ratio of the medians; the quartiles of the ratios "
           "within each round.", ratios(samples)[0])
    for title, prefix, text, make in [
        ("Allocate and free", "pair/",
         "ns of a processor for a pair: median (quartiles).",
         lambda: by_threads(samples, PAIRS, "pair/")),
        ("Counting", "add/", "ns of a processor for an add.",
         lambda: by_threads(samples, ADDS, "add/")),
        ("Cliffs", "cliff/",
         "What should not change a cost, and what the same costs without it; "
         "an operation: median (quartiles).", lambda: cliffs(samples)),
        ("Limits, hierarchies", "limit/",
         "ns of a processor for a pair, far from the limit.",
         lambda: by_threads(samples, LIMITS, "limit/")),
        ("At the limit", "at-limit/",
         "ns of a processor for a pair, where one in twenty does not fit.",
         lambda: by_threads(samples, AT_LIMIT, "at-limit/")),
        ("Aligned to 64 bytes", "aligned/", "ns of a processor for a pair.",
         lambda: by_threads(samples, ALIGNED, "aligned/")),
        ("A buffer that grows", "grow/",
         "us for a buffer aligned to 64 bytes that doubles from 1 KiB to "
         "16 MiB and is filled on the way.",
         lambda: by_threads(samples, GROW, "grow/", 1000.0)),
        ("Which way to align", "way/",
         "ns of a processor for a pair: to allocate more and align within, "
         "or posix_memalign.", lambda: ways(samples)),
        ("Reads", "read/", "porter_bytes_used() with so many live threads.",
         lambda: reads(samples)),
        ("Beside a reader", "beside-",
         "ns for one updater, while another thread wakes 10,000 times a "
         "second.", lambda: one_column(samples, BESIDE, "ns")),
        ("Adapters", "work/", "us for a file, or a run of the script.",
         lambda: by_threads(samples, WORK, "work/", 1000.0)),
        ("Lives", "life/", "us.",
         lambda: one_column(samples, LIFE, "us", 1000.0)),
    ]:
        if samples.names(prefix):
            yield title, text, make()
    if shared:
        yield ("Shared-line writes", "Writes to lines that another thread "
               "writes too; counted, not timed.",
               table(["", "a pair"], shared))
    if jobs:
        yield ("Whole programs", "Each compares its ways in turn, several "
               "times.", jobs)


def read_shared_writes(folder):
    path = folder / "shared_writes.txt"
    if not path.exists():
        return []
    found = re.findall(r"^(?!shared-line)(.*?) {2,}([0-9.]+)   ",
                       path.read_text(), re.M)
    return [list(row) for row in found]


# ---- The record ----

def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return re.search(r"^model name\s*: (.*)$", text, re.M).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def machine(samples):
    context = samples.context
    libc = " ".join(platform.libc_ver())
    return {
        "date": context["date"][:10],
        "processor": processor(),
        "processors": context["num_cpus"],
        "mhz": context["mhz_per_cpu"],
        "caches": context["caches"],
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "libc": libc,
        "rounds": samples.number_of_rounds,
    }


def record(samples, shared):
    results = []
    for key in sorted({*samples.rounds, *samples.crowded}):
        low, middle, high = quartiles(samples.costs(key))
        results.append({
            "name": key[0], "threads": key[1],
            "median_ns": round(middle, 3),
            "q1_ns": round(low, 3), "q3_ns": round(high, 3),
            "left_out": samples.left_out[key],
            "doubtful": samples.doubtful(key),
            "rounds_ns": [[round(c, 3) for c in costs] for _, costs
                          in sorted(samples.by_round(key).items())],
        })
    return {"machine": machine(samples), "ratios": ratios(samples)[1],
            "shared_line_writes": [{"name": n, "a_pair": float(w)}
                                   for n, w in shared],
            "results": results}


def compact_json(data):
    """One line for each entry: to be read, and compared line by line."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(v) for v in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, indent=1)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_plot(samples, svg):
    """Medians and quartiles, a block of lines for each curve."""
    script = pathlib.Path(__file__).parent / "plot.gp"
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as data:
        for rows in (PAIRS[:7], ADDS):
            for name, _ in rows:
                for threads in (1, 2, 4, 8):
                    if samples.has((name, threads)):
                        three = quartiles(samples.costs((name, threads)))
                        print(threads, *three, file=data)
                print("\n", file=data)
        data.flush()
        try:
            subprocess.run(["gnuplot", "-e",
                            f"data='{data.name}'; plot_file='{svg}'; "
                            f"cpus={samples.context['num_cpus']}",
                            str(script)], check=True)
        except FileNotFoundError:
            print("summary.py: no gnuplot, no plot", file=sys.stderr)


def conditions(samples):
    """How much the machine was shared with others."""
    left, taken = (sum(c.values()) for c in (samples.left_out, samples.taken))
    text = (f"{left} of {left + taken} samples were left out, because other "
            "programs held the processors meanwhile.")
    if any(samples.doubtful(key) for key in samples.left_out):
        text += f" {DOUBTFUL}"
    return text


def results_page(samples, shared, jobs):
    m = machine(samples)
    text = [
        "<!-- SPDX-License-Identifier: MIT -->",
        "<!-- Written by bench/summary.py: `bench/run --record`. -->",
        "# Results", "",
        "What is measured, and how, is in [README.md](README.md). The figures "
        "with all repetitions: [results/last.json](results/last.json).", "",
        f"{m['date']}, {m['processor']}, {m['processors']} processors, "
        f"{m['system']}, {m['libc']}; {m['rounds']} rounds. "
        + conditions(samples), "",
        "![Cost of a pair, and of an add, against threads]"
        "(results/last.svg)", ""]
    for title, what, rows in sections(samples, shared, jobs):
        text += [f"## {title}", "", what, "", rows, ""]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(
        description="Tables, record and plot from the results of bench/run.")
    parser.add_argument("raw", type=pathlib.Path,
                        help="folder of PROGRAM-ROUND.json")
    parser.add_argument("--record", type=pathlib.Path, metavar="DIR",
                        help="write DIR/RESULTS.md and DIR/results/last.*")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE",
                        help="write the plot alone; .svg or .png")
    args = parser.parse_args()
    samples = Samples(args.raw)
    shared = read_shared_writes(args.raw)
    jobs = read_jobs(args.raw)

    for title, what, rows in sections(samples, shared, jobs):
        print(f"\n{title}: {what}\n\n{rows}".replace("**", "  "))
    print("\n" + conditions(samples))
    if args.plot:
        write_plot(samples, args.plot)
    if args.record:
        results = args.record / "results"
        results.mkdir(exist_ok=True)
        (results / "last.json").write_text(
            compact_json(record(samples, shared)))
        write_plot(samples, results / "last.svg")
        (args.record / "RESULTS.md").write_text(
            results_page(samples, shared, jobs))
        print(f"\nWritten: {args.record}/RESULTS.md, results/last.json, "
              "results/last.svg")


if __name__ == "__main__":
    main()
