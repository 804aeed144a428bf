#!/usr/bin/python3
"""Pages per query at given recalls, for page orders, page sizes and encodings of one dataset, and
for workloads that are skewed and that drift. Counts only: nothing here depends on the clock.

    bench/layout_report.py orders --data-dir DATA/sift250k --output /tmp/report
    bench/layout_report.py skew --output /tmp/skew
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

from compare_data import find
from measure import Failure, print_table, run

RECALLS = (0.90, 0.95, 0.99)
LISTS = (10, 12, 14, 17, 20, 24, 28, 34, 40, 50, 60, 75, 95, 120)
PLOT = pathlib.Path(__file__).resolve().parent / "plot.py"
ORDERS = ("insertion", "breadth-first", "covisit", "affinity")


class Programs:
    """The programs of one build folder, run in one output folder."""

    def __init__(self, bin_dir, output):
        self.bin, self.output = pathlib.Path(bin_dir), pathlib.Path(output)
        self.output.mkdir(parents=True, exist_ok=True)

    def run(self, name, *options):
        """Runs a program and returns its --json report, if it has one."""
        report = self.output / f"{name}.json"
        reports = name in ("build-index", "relayout-index", "search-index")
        command = [self.bin / name, *map(str, options), "--quiet"]
        command += ["--json", report] if reports else []
        run(command)
        return json.loads(report.read_text()) if reports else None

    def curve(self, index, queries, truth, *options):
        """Rows of search-index over all list sizes."""
        lists = ",".join(map(str, LISTS))
        return self.run("search-index", "--index", index, "--queries", queries, "--ground-truth",
                        truth, "--search-list", lists, *options)["rows"]


def at_recall(rows, recall, field):
    """The field where the curve crosses the recall, between the lists around it; None if never."""
    before = None
    for row in rows:
        if row["recall"] >= recall:
            if before is None or row["recall"] == before["recall"]:
                return row[field]
            part = (recall - before["recall"]) / (row["recall"] - before["recall"])
            return before[field] + part * (row[field] - before[field])
        before = row
    return None


def cells(rows):
    """Pages at each recall and estimates at the middle one, as text."""
    pages = [at_recall(rows, recall, "pages_read_per_query") for recall in RECALLS]
    estimates = at_recall(rows, RECALLS[1], "estimates_per_query")
    return [f"{p:.2f}" if p is not None else "-" for p in pages] + \
        [f"{estimates:.0f}" if estimates is not None else "-"]


def copy_index(source, target):
    """A copy to reorder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def build(programs, args, data, index, size, encoding):
    """One index in affinity order; it is kept if it is there already."""
    if (index / "manifest.json").exists():
        return
    options = ["--vectors", find(data, "base"), "--workload", find(data, "learn"), "--index", index,
               "--metric", args.metric, "--page-size", size, "--overwrite"]
    if encoding != "as-given":
        options += ["--vector-encoding", encoding]
    programs.run("build-index", *options)


def report_orders(args):
    """Every order, page size and encoding of one dataset."""
    programs = Programs(args.bin, args.output)
    data = pathlib.Path(args.data_dir)
    queries, truth = find(data, "query"), find(data, "gt100")
    lines, reports = [], []
    for encoding in args.encodings.split(","):
        for size in args.page_sizes.split(","):
            built = programs.output / f"built-{encoding}-{size}"
            build(programs, args, data, built, size, encoding)
            for order in ORDERS:
                index = built
                if order != "affinity":
                    index = programs.output / "reordered"
                    copy_index(built, index)
                    programs.run("relayout-index", "--index", index, "--workload",
                                 find(data, "learn"), "--page-order", order)
                for share in args.expand_shares.split(","):
                    options = ["--expand-share", share] if share != "calibrated" else []
                    rows = programs.curve(index, queries, truth, "--cache-vertices", 0, *options)
                    lines.append([order, size, encoding, share, *cells(rows)])
                    reports.append(programs.output / f"{order}-{size}-{encoding}-{share}.json")
                    shutil.copy(programs.output / "search-index.json", reports[-1])
    print_table(["order", "page size", "encoding", "share"] +
                [f"pages at {r:.2f}" for r in RECALLS] + [f"estimates at {RECALLS[1]:.2f}"], lines)
    run([sys.executable, PLOT, *reports, "--output", programs.output / "layout.png"])


def make_skewed(programs, args):
    """A seeded dataset whose queries prefer topics by Zipf's law, and others that prefer others."""
    data = programs.output / "data"
    if not (data / "truth-drift.ibin").exists():
        programs.run("make-dataset", "--output", data, "--vectors", args.vectors, "--queries", 4000,
                     "--workload-queries", 24000, "--dimension", 96, "--clusters", 400,
                     "--element-type", "uint8", "--zipf", args.zipf, "--topic-spread",
                     args.topic_spread)
        for queries, truth in (("query-indist", "truth"), ("query-drift", "truth-drift")):
            programs.run("make-ground-truth", "--vectors", find(data, "base"), "--queries",
                         find(data, queries), "--output", data / f"{truth}.ibin", "--k", 20)
    return data


def report_skew(args):
    """What a workload and residence buy, and what reordering regains after a drift."""
    programs = Programs(args.bin, args.output)
    data = make_skewed(programs, args)
    base = ["--vectors", find(data, "base"), "--page-size", 4096, "--overwrite"]
    learn, drift = find(data, "learn-indist"), find(data, "learn-drift")
    indexes = {name: programs.output / name for name in
               ("trained", "untrained", "insertion", "reordered", "rebuilt")}
    programs.run("build-index", *base, "--workload", learn, "--index", indexes["trained"])
    programs.run("build-index", *base, "--index", indexes["untrained"])
    programs.run("build-index", *base, "--workload", drift, "--index", indexes["rebuilt"])
    copy_index(indexes["trained"], indexes["insertion"])
    programs.run("relayout-index", "--index", indexes["insertion"], "--workload", learn,
                 "--page-order", "insertion")
    copy_index(indexes["trained"], indexes["reordered"])
    programs.run("relayout-index", "--index", indexes["reordered"], "--workload", drift)
    cached = ["--cache-vertices", args.vectors // 20]
    lines = []
    for name, queries, truth in (("insertion", "query-indist", "truth"),
                                 ("untrained", "query-indist", "truth"),
                                 ("trained", "query-indist", "truth"),
                                 ("trained", "query-drift", "truth-drift"),
                                 ("reordered", "query-drift", "truth-drift"),
                                 ("rebuilt", "query-drift", "truth-drift")):
        for options, cache in ((["--cache-vertices", 0], "none"), (cached, "5 % of the vertices")):
            rows = programs.curve(indexes[name], find(data, queries), data / f"{truth}.ibin",
                                  *options)
            lines.append([name, queries, cache, *cells(rows)])
    print_table(["index", "queries", "resident"] + [f"pages at {r:.2f}" for r in RECALLS] +
                [f"estimates at {RECALLS[1]:.2f}"], lines)


def main():
    """Parses the command line."""
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", default=root / "build/release/bin", help="folder of the programs")
    kinds = parser.add_subparsers(required=True)
    orders = kinds.add_parser("orders", help="page orders, page sizes, encodings of a dataset")
    orders.add_argument("--data-dir", default=os.environ.get("TRACKWAY_DATA"),
                        required="TRACKWAY_DATA" not in os.environ,
                        help="folder with base, learn, query and gt100 files")
    orders.add_argument("--metric", default="l2")
    orders.add_argument("--page-sizes", default="4096,8192")
    orders.add_argument("--encodings", default="as-given")
    orders.add_argument("--expand-shares", default="calibrated")
    orders.set_defaults(report=report_orders)
    skew = kinds.add_parser("skew", help="skewed and drifted workloads, with and without residence")
    skew.add_argument("--vectors", type=int, default=100000)
    skew.add_argument("--zipf", type=float, default=1.0)
    skew.add_argument("--topic-spread", type=float, default=2.0)
    skew.set_defaults(report=report_skew)
    for kind in (orders, skew):
        kind.add_argument("--output", required=True, help="folder for indexes and reports")
    args = parser.parse_args()
    try:
        args.report(args)
    except Failure as failure:
        sys.exit(f"layout_report: {failure}")


if __name__ == "__main__":
    main()
