#!/usr/bin/env python3
"""Draws the rows of search-index reports: recall against QPS and against pages per query."""
import argparse
import json
import sys

PANELS = (("qps", "queries per second", "log"),
          ("pages_read_per_query", "pages read per query", "linear"))


def draw(reports, output):
    """One line per report in each panel; reports is a list of (label, rows)."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(12, 5), constrained_layout=True)
    for axis, (field, label, scale) in zip(axes, PANELS):
        for name, rows in reports:
            points = sorted((row["recall"], row[field], row["search_list"]) for row in rows)
            line, = axis.plot([p[0] for p in points], [p[1] for p in points], marker="o",
                              label=name)
            for recall, value, search_list in points:
                axis.annotate(f"L={search_list}", (recall, value), textcoords="offset points",
                              xytext=(5, 6), fontsize=8, color=line.get_color())
        axis.set_xlabel(f"recall@{reports[0][1][0]['k']}")
        axis.set_ylabel(label)
        axis.set_yscale(scale)
        axis.grid(True, which="both", alpha=0.3)
        axis.legend()
    figure.savefig(output, dpi=120)


def main():
    """Reads the reports and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+", help="files written by search-index --json")
    parser.add_argument("--output", required=True, help=".png or .svg")
    options = parser.parse_args()
    reports = []
    for path in options.reports:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        rows = [row for row in report["rows"] if row["recall"] is not None]
        if not rows:
            sys.exit(f"{path}: no recall in it: search with --ground-truth")
        index = report["index"]
        reports.append((f"Trackway, {index['vectors']:,} x {index['dimension']} "
                        f"{index['element_type']}", rows))
    try:
        draw(reports, options.output)
    except ImportError as error:
        sys.exit(f"matplotlib is missing (Debian: python3-matplotlib): {error}")


if __name__ == "__main__":
    main()
