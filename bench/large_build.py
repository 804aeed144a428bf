#!/usr/bin/python3
"""Builds 5 million x 96 float32 inside 1 GiB and searches them: peak memory, time of each stage, pages.

    bench/large_build.py --output DIR [--bin DIR] [--vectors 5000000] [--budget-mib 1024] [--max-degree 64] [--build-list 100]

DIR gets vectors, index and report.json, some 12 GB; what is there already is taken. Takes two hours on two cores. Exit status 1 when the
peak is more than the budget and a tenth.
"""
import argparse
import json
import pathlib
import sys

from shard_report import run

LISTS = "10,20,40,80,160"


def make_data(options):
    """Vectors, workload and queries; exact neighbours of the queries."""
    data = options.output / "data"
    if not (data / "query.fbin").exists():
        run(options.bin / "make-dataset", "--output", data, "--vectors", options.vectors, "--dimension", 96,
            "--queries", 2000, "--workload-queries", 20000)
    if not (data / "truth.ibin").exists():
        run(options.bin / "make-ground-truth", "--vectors", data / "base.fbin", "--queries",
            data / "query.fbin", "--output", data / "truth.ibin", "--k", 100)
    return data


def main():
    """Reads the command line, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--vectors", type=int, default=5_000_000)
    parser.add_argument("--budget-mib", type=int, default=1024)
    parser.add_argument("--max-degree", type=int, default=64)
    parser.add_argument("--build-list", type=int, default=100)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    data = make_data(options)
    index = options.output / "index"
    built = json.loads(run(
        options.bin / "build-index", "--vectors", data / "base.fbin", "--workload", data / "learn.fbin",
        "--index", index, "--overwrite", "--memory-budget", f"{options.budget_mib}MiB", "--quiet",
        "--max-degree", options.max_degree, "--build-list", options.build_list, "--json", "-"))
    found = json.loads(run(
        options.bin / "search-index", "--index", index, "--queries", data / "query.fbin",
        "--ground-truth", data / "truth.ibin", "--search-list", LISTS, "--beam-width", 1, "--quiet", "--json", "-"))
    peak = built["peak_resident_bytes"] / 2 ** 20
    print(f"{built['plan']}\npeak {peak:.0f} MiB of {options.budget_mib}")
    print("| stage | s | CPU s |\n| --- | --- | --- |")
    for stage in built["stages"]:
        print(f"| {stage['name']} | {stage['seconds']:.0f} | {stage['cpu_seconds']:.0f} |")
    print("| list | recall@10 | pages |\n| --- | --- | --- |")
    for row in found["rows"]:
        print(f"| {row['search_list']} | {row['recall']:.4f} | {row['pages_read_per_query']:.1f} |")
    (options.output / "report.json").write_text(
        json.dumps({"build": built, "search": found["rows"]}, indent=2) + "\n")
    return 0 if peak <= 1.1 * options.budget_mib else 1


if __name__ == "__main__":
    sys.exit(main())
