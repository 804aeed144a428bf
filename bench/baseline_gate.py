#!/usr/bin/python3
"""Builds small seeded indexes, searches them and compares what is deterministic with
bench/baselines: recall, pages, distances, hops, bytes and allocations. Exits with 1 when any of
them is off by more than its tolerance, for the worse or for the better.

    bench/baseline_gate.py [--bin DIR] [--cases clustered-uint8,sharded] [--update]

--update writes what was measured into bench/baselines instead: the diff is to be reviewed.
"""
import argparse
import concurrent.futures
import json
import pathlib
import sys
import tempfile

from measure import Failure
from shard_report import run

BASELINES = pathlib.Path(__file__).parent / "baselines"
TOLERANCES = "tolerances"
OF_INDEX = ("page_size_bytes", "vertices_per_page", "bytes_on_disk", "bytes_of_tables",
            "bytes_of_hot_vertices")
OF_ROW = ("recall", "pages_read_per_query", "rerank_pages_per_query", "pages_from_cache_per_query",
          "bytes_read_per_query", "hops_per_query", "estimates_per_query",
          "exact_distances_per_query", "shards_probed_per_query")
OF_ALLOCATIONS = ("allocations_per_query", "allocations_per_call")
LARGER_IS_BETTER = ("recall",)
# One query at a time, one page at a time, on one thread: nothing depends on what is sooner.
ONE_BY_ONE = ("--threads", 1, "--queries-in-flight", 1, "--beam-width", 1, "--k", 10)
BUDGET = ("--memory-budget", "1GiB")  # without it, builds depend on the machine's memory


def names():
    """The cases that have a baseline."""
    return sorted(path.stem for path in BASELINES.glob("*.json") if path.stem != TOLERANCES)


def load(name):
    """The case of this name: how it is made, and its baseline."""
    return json.loads((BASELINES / f"{name}.json").read_text())


def options_of(fields):
    """A command line of long options."""
    return [part for name, value in fields.items() for part in ("--" + name, value)]


def build(case, folder, programs):
    """Makes the data of a case and its index; index, queries and ground truth."""
    extension = {"float32": "fbin", "uint8": "u8bin"}[case["dataset"]["element-type"]]
    base, workload, queries = (folder / f"{name}.{extension}"
                               for name in ("base", "learn", case["queries"]))
    run(programs / "make-dataset", "--output", folder, "--quiet", *options_of(case["dataset"]))
    metric = case["build"].get("metric", "l2")
    run(programs / "make-ground-truth", "--vectors", base, "--queries", queries, "--k", 10,
        "--metric", metric, "--output", folder / "truth.ibin", "--quiet")
    run(programs / "build-index", "--vectors", base, "--workload", workload, "--index",
        folder / "index", "--quiet", *BUDGET, *options_of(case["build"]))
    return folder / "index", queries, folder / "truth.ibin"


def row_name(options, row):
    """What a row of results is called in the baselines."""
    target = row["target_recall"]
    name = f"search-list {row['search_list']}" if target is None else f"target-recall {target}"
    others = options.keys() - {"search-list", "target-recall"}
    return ", ".join([name, *(f"{option} {options[option]}" for option in sorted(others))])


def search(case, built, programs):
    """What searches of a built case measured: {"index": {...}, "search-list 20": {...}, ...}."""
    index, queries, truth = built
    measured = {}
    for setting in case["search"]:
        options, figures = setting["options"], setting.get("figures", OF_ROW)
        report = json.loads(run(
            programs / "search-index", "--index", index, "--queries", queries, "--ground-truth",
            truth, *ONE_BY_ONE, "--quiet", "--json", "-", *options_of(options)))
        measured["index"] = {field: report["index"][field] for field in OF_INDEX}
        for row in report["rows"]:
            measured[row_name(options, row)] = {field: row[field] for field in figures}
    counted = json.loads(run(programs / "search_allocations", "--index", index, "--queries",
                             queries))
    measured["allocations"] = {field: counted[field] for field in OF_ALLOCATIONS}
    return measured


def measure(name, folder, programs):
    """Builds and searches one case in a folder."""
    case = load(name)
    return search(case, build(case, folder, programs), programs)


def off_by(expected, found, tolerance):
    """Whether a figure is outside its tolerance, which is absolute, relative or both."""
    allowed = tolerance.get("absolute", 0) + tolerance.get("relative", 0) * abs(expected)
    return abs(found - expected) > allowed * (1 + 1e-9)


def shown(tolerance):
    """A tolerance in words."""
    return " and ".join(f"{value} {kind}" for kind, value in tolerance.items()) or "none"


def compare(expected, measured, tolerances):
    """A line for every figure that is not as the baseline has it, within tolerance."""
    wrong = []
    for part in sorted(expected.keys() | measured.keys()):
        before, now = expected.get(part, {}), measured.get(part, {})
        for field in sorted(before.keys() | now.keys()):
            where = f"{part}: {field}"
            if field not in before or field not in now:
                wrong.append(f"{where}: expected {before.get(field, 'nothing')}, "
                             f"found {now.get(field, 'nothing')}")
            elif off_by(before[field], now[field], tolerances[field]):
                larger = now[field] > before[field]
                verdict = "better" if larger == (field in LARGER_IS_BETTER) else "worse"
                wrong.append(f"{where}: expected {before[field]:.6g}, found {now[field]:.6g}, "
                             f"{verdict} (tolerance {shown(tolerances[field])})")
    return wrong


def rounded(value):
    """As a baseline has it: no digits that nobody compares."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def update(name, measured):
    """Writes a new baseline of the case."""
    case = load(name)
    case["expected"] = {part: {field: rounded(value) for field, value in fields.items()}
                        for part, fields in measured.items()}
    (BASELINES / f"{name}.json").write_text(json.dumps(case, indent=2) + "\n")


def check(name, programs):
    """(name, what was measured, what is wrong) of one case."""
    with tempfile.TemporaryDirectory(prefix="trackway-baseline-") as folder:
        measured = measure(name, pathlib.Path(folder), programs)
    return name, measured, compare(load(name).get("expected", {}), measured, load(TOLERANCES))


def gate(cases, programs, lanes=2):
    """What check() says of all cases, some at a time."""
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        return list(pool.map(lambda name: check(name, programs), cases))


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--cases", type=lambda text: text.split(","), default=names(),
                        help="of bench/baselines, with commas; all without it")
    parser.add_argument("--update", action="store_true",
                        help="write new baselines instead of comparing")
    parser.add_argument("--json", type=pathlib.Path, help="file for all that was measured")
    options = parser.parse_args()
    unknown = set(options.cases) - set(names())
    if unknown:
        parser.error(f"--cases: expected some of {', '.join(names())}, "
                     f"found {', '.join(sorted(unknown))}")
    return options


def main():
    """Compares or updates, and says what came of it; the exit status is 1 if anything is off."""
    options = parsed()
    try:
        results = gate(options.cases, options.bin)
    except (OSError, Failure) as error:
        print(f"baseline_gate: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps({name: measured for name, measured, _ in results},
                                           indent=2) + "\n")
    for name, measured, wrong in results:
        if options.update:
            update(name, measured)
        for line in wrong:
            print(f"{name}: {line}")
        if not wrong:
            print(f"{name}: as the baseline")
    failed = any(wrong for _, _, wrong in results)
    if failed and not options.update:
        print("baseline_gate: figures are off; if they should be: bench/baseline_gate.py --update")
    return 1 if failed and not options.update else 0


if __name__ == "__main__":
    sys.exit(main())
