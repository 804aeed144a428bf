#!/usr/bin/python3
"""Separate shards: how many a query searches, and how many pages it reads, at the same recall@10;
with the workload, and by k-means on the vectors alone.

    bench/separate_report.py --data-dir DATA --output DIR [--bin DIR] [--set NAME] [--shards 4,8,16]

DATA holds sift250k and code-ood-50k; DIR gets the indexes and separate.json. The table goes to stdout.
"""
import json

from shard_report import SETS, parsed, run, value_at

AIMED = (0.90, 0.95)
SHARES = (0, .3, .4, .5, .6, .7, .75, .8, .85, .9, .93, .96, .98, .99, 1)
LIST = 60
BUDGETS = {"sift250k": 260, "code-ood-50k": 240}  # MiB


def search(options, data, queries, index, *more):
    """The one row of a search, and the report that it stands in."""
    return json.loads(run(
        options.bin / "search-index", "--index", index, "--queries", queries, "--ground-truth",
        data / "gt100.ibin", "--search-list", LIST, "--beam-width", 1, "--quiet", "--json", "-",
        *more))["rows"][0]


def measure(options, name, shards, with_workload):
    """One index: probes and pages at the recalls aimed at, and what it does left to itself."""
    setting, data = SETS[name], options.data_dir / name
    base, workload, queries = (data / file for file in setting["files"])
    index = options.output / f"{name}-separate-{shards}-{'workload' if with_workload else 'alone'}"
    built = json.loads(run(
        options.bin / "build-index", "--vectors", base, "--index", index, "--overwrite", "--graph",
        "separate", "--shards", shards, "--memory-budget", f"{BUDGETS[name]}MiB",
        "--quiet", "--json", "-", *setting["options"],
        *(["--workload", workload] if with_workload else [])))
    shared = [search(options, data, queries, index, "--shard-share", share) for share in SHARES]
    fixed = [search(options, data, queries, index, "--shard-share", 1, "--shard-probes", probes)
             for probes in range(1, shards + 1)]
    usual = search(options, data, queries, index)

    def curve(rows, field):
        return [value_at(rows, field, recall) for recall in AIMED]
    return {"set": name, "shards": shards, "workload": with_workload,
            "budget_mib": BUDGETS[name],
            "peak_mib": built["peak_resident_bytes"] / 2 ** 20,
            "replicas": sum(shard["replicas"] for shard in built["shards"]),
            "adaptive_probes": curve(shared, "shards_probed_per_query"),
            "fixed_probes": curve(fixed, "shards_probed_per_query"),
            "pages": curve(shared, "pages_read_per_query"),
            "usual": [usual[field] for field in
                      ("recall", "shards_probed_per_query", "pages_read_per_query")]}


def texts(values):
    """Cells of a table."""
    return " / ".join("-" if value is None else f"{value:.2f}" for value in values)


def main():
    """Reads the command line, prints a line for each index."""
    options = parsed(__doc__, set="code-ood-50k", shards="4,8,16")
    report = []
    print("| set | shards | queries | probes at .90 / .95 | fixed | pages | left to itself: recall, "
          "probes, pages | budget, peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for shards in (int(text) for text in options.shards.split(",")):
        for with_workload in (False, True):
            row = measure(options, options.set, shards, with_workload)
            report.append(row)
            print(f"| {row['set']} | {shards} | {'workload' if with_workload else 'none'} | "
                  f"{texts(row['adaptive_probes'])} | {texts(row['fixed_probes'])} | "
                  f"{texts(row['pages'])} | {row['usual'][0]:.4f}, {row['usual'][1]:.2f}, "
                  f"{row['usual'][2]:.1f} | {row['budget_mib']}, {row['peak_mib']:.0f} |",
                  flush=True)
    (options.output / "separate.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
