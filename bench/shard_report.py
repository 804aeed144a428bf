#!/usr/bin/python3
"""Builds in shards under memory budgets, merged into one graph: peak memory, and pages per query at
recall@10 0.95 and 0.99 against an index of one shard.

    bench/shard_report.py --data-dir DATA --output DIR [--bin DIR] [--sets sift250k,code-ood-50k]

DATA holds sift250k and code-ood-50k; DIR gets the indexes and report.json. The table goes to stdout.
"""
import argparse
import json
import pathlib

from measure import run as ran

LISTS = "13,15,17,20,24,28,32,36,40,46,52,60,70,80,90,100,110,120,130,140,160"
AIMED = (0.95, 0.99)
# Files of base, workload and queries, options of both, and shards with their budgets in MiB.
SETS = {
    "sift250k": {
        "files": ("base.u8bin", "learn.u8bin", "query.u8bin"),
        "options": ["--code-type", "opq"],
        "budgets": {1: 400, 4: 176, 8: 145, 16: 130}},
    "code-ood-50k": {
        "files": ("base.f16bin", "learn.f16bin", "query.f16bin"),
        "options": ["--metric", "ip", "--code-bytes", "64", "--code-type", "opq"],
        "budgets": {1: 400, 4: 165, 8: 136, 16: 138}},
}


def run(*command):
    """What a program prints; it must succeed."""
    return ran(command).out


def value_at(rows, field, recall):
    """A field of the rows, interpolated between two recalls; None beyond them."""
    points = sorted((row["recall"], row[field]) for row in rows)
    for (low, before), (high, after) in zip(points, points[1:]):
        if low < recall <= high:
            return before + (after - before) * (recall - low) / (high - low)
    return None


def measure(options, name, shards, budget):
    """One index: its build report in short, and its pages at the recalls aimed at."""
    setting, data = SETS[name], options.data_dir / name
    base, workload, queries = (data / file for file in setting["files"])
    index = options.output / f"{name}-{shards}"
    built = json.loads(run(options.bin / "build-index", "--vectors", base, "--workload", workload,
                           "--index", index, "--overwrite", "--shards", shards, "--memory-budget",
                           f"{budget}MiB", "--quiet", "--json", "-", *setting["options"]))
    found = json.loads(run(options.bin / "search-index", "--index", index, "--queries", queries,
                           "--ground-truth", data / "gt100.ibin", "--search-list", LISTS,
                           "--beam-width", 1, "--cache-vertices", 0, "--quiet", "--json", "-"))
    return {"set": name, "shards": shards, "budget_mib": budget,
            "peak_mib": built["peak_resident_bytes"] / 2 ** 20,
            "stage_peaks_mib": {stage["name"]: stage["peak_resident_bytes"] / 2 ** 20 for stage in built["stages"]},
            "replicas": sum(shard["replicas"] for shard in built["shards"]),
            "cpu_seconds": sum(stage["cpu_seconds"] for stage in built["stages"]),
            "workload_weight": built["partition"]["workload_weight"],
            "pages": [value_at(found["rows"], "pages_read_per_query", recall) for recall in AIMED]}


def parsed(description, **more):
    """The command line: what reports of shards have in common, and options with these defaults."""
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    parser.add_argument("--data-dir", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    return options


def main():
    """Reads the command line, prints a line for each index."""
    options = parsed(__doc__, sets=",".join(SETS))
    report = []
    print("| set | shards | budget MiB | peak MiB | pages at .95 | at .99 | build CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.sets.split(","):
        one = None
        for shards, budget in SETS[name]["budgets"].items():
            row = measure(options, name, shards, budget)
            one = one or row["pages"]
            report.append(row)
            pages = " | ".join(
                "-" if found is None or first is None else f"{found:.2f} ({found / first:.2f} x)"
                for found, first in zip(row["pages"], one))
            print(f"| {name} | {shards} | {budget} | {row['peak_mib']:.0f} | {pages} | "
                  f"{row['cpu_seconds']:.0f} |", flush=True)
    (options.output / "report.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
