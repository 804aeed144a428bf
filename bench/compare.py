#!/usr/bin/python3
"""Trackway beside hnswlib, faiss and systems of your own: one run on the same machine, data and threads.
Interleaved: in every round each system makes every search once, the disk's own rate (fio) beside them.

    bench/compare.py --dataset sift250k --data-dir DATA --output /tmp/compare
    bench/compare.py --dataset synthetic-ood --output /tmp/ood --system bench/configs/diskann.json
    bench/compare.py --vectors base.npy --queries query.npy --ground-truth truth.ibin --output /tmp/own

Writes OUTPUT/compare.json (bench/README.md says what is in it), prints it as Markdown tables and draws it (bench/plot.py):
pictures and OUTPUT/report.html.
"""
import argparse
import datetime
import json
import os
import pathlib
import sys

import measure
import plot
from compare_adaptor import Adapted
from compare_data import dataset_of
from compare_systems import SYSTEMS
from html_report import BUILD
from measure import Failure, print_table
from series import LOAD_FIELDS, MEMORY_FIELDS, POINT_FIELDS, SCHEMA

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERIES = {"points": ("setting", POINT_FIELDS), "load": ("queries_in_flight", LOAD_FIELDS),
          "memory": ("memory_budget_bytes", MEMORY_FIELDS)}
MIB = 2 ** 20


def say(text):
    """Progress, on stderr."""
    print(f"compare: {text}", file=sys.stderr, flush=True)


def texts(commands):
    """Commands as lists of strings."""
    return [[str(part) for part in command] for command in commands]


def index_bytes(system):
    """What the system's index takes on disk."""
    return sum(path.stat().st_size for path in system.index_files())


def stamps(paths):
    """What tells a file from the one that it was before: path, size, time."""
    return [[str(path), (found := os.stat(path)).st_size, found.st_mtime_ns] for path in paths]


def built(system):
    """What building the system's index took. One that the same programs built from the same files is kept."""
    commands = texts(system.build_commands())
    if not commands:
        return {"commands": [], "seconds": None, "cpu_seconds": None, "peak_resident_bytes": None,
                "index_bytes": index_bytes(system)}
    key = {"commands": commands, "version": system.version, "files": stamps(system.build_files())}
    record = system.work / "build.json"
    kept = kept_build(record, key)
    if kept:
        say(f"{system.name}: the index that was built before is kept")
        return kept
    record.unlink(missing_ok=True)
    for path in system.work.glob("index*"):
        if path.is_file():
            path.unlink()
    say(f"{system.name}: builds")
    ran = [measure.run(command, measure.peak_of) for command in commands]
    build = {"commands": commands, "seconds": sum(one.seconds for one in ran),
             "cpu_seconds": sum(one.cpu_seconds for one in ran),
             "peak_resident_bytes": max(one.memory_bytes or 0 for one in ran), "index_bytes": index_bytes(system)}
    write_whole(record, json.dumps({"key": key, "index": stamps(system.index_files()), "build": build}))
    return build


def kept_build(record, key):
    """What was written down of a build with that key whose files are as it left them; None of another, or of one whose
    record cannot be read."""
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        is_whole = kept["key"] == key and kept["index"] and kept["index"] == stamps(path for path, *_ in kept["index"])
        return kept["build"] if is_whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_whole(path, text):
    """Writes a file under another name first, so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)


class Device:
    """The rates of the disk that holds the indexes, by the page sizes that systems on disk read; once a round."""

    def __init__(self, args, systems):
        self.why = "left out by --no-device" if args.no_device else None
        on_disk = [system for system in systems if system.residence == "disk"]
        if not on_disk:
            self.why = self.why or "no system on disk"
        self.rates = {}
        if self.why is None:
            largest = max(on_disk[0].index_files(), key=lambda path: path.stat().st_size)
            for size in sorted({system.page_size_bytes for system in on_disk}):
                command = measure.fio_command(largest, size, args.threads, 1 if args.quick else 3)
                self.rates[size] = (command, [])

    def measure(self):
        """One round."""
        for command, rates in self.rates.values():
            rates.append(measure.reads_per_second(command))

    def described(self):
        """As the result file has it."""
        return {"device": [{"page_size_bytes": size, "command": command, "reads_per_second": measure.spread(rates)}
                           for size, (command, rates) in self.rates.items()], "device_why": self.why}


def searched(system, setting):
    """The fields of one search, in a process of its own. Ids of one before must not be taken for its own."""
    result = system.result_file(setting)
    if result:
        result.unlink(missing_ok=True)
    return system.fields(setting, measure.run(system.search_command(setting)))


def resident(system, setting):
    """The memory of the same search once more, apart: to look takes it time. Nothing where no picture shows it."""
    if "resident_bytes" not in SERIES[setting.series][1]:
        return None
    say(f"{system.name}: memory, {setting.label}")
    return measure.run(system.search_command(setting), measure.pss_of).memory_bytes


def interleaved(args, settings, device):
    """Fields of all searches of systems and their settings: a list of as many as there are rounds, and the memory."""
    memory = {id(setting): resident(system, setting) for system, of_system in settings for setting in of_system}
    found = {number: [] for number in memory}
    for number in range(args.rounds):
        device.measure()
        for system, of_system in settings:
            say(f"round {number + 1} of {args.rounds}: {system.name}, {len(of_system)} searches")
            for setting in of_system:
                found[id(setting)].append(searched(system, setting))
    return [(system, [(setting, found[id(setting)], memory[id(setting)]) for setting in of_system])
            for system, of_system in settings]


def described(system, build, settings):
    """A system as the result file has it."""
    result = {"name": system.name, "label": system.label, "version": system.version,
              "residence": system.residence, "page_size_bytes": system.page_size_bytes,
              "parameters": system.parameters, "build": build,
              "search_commands": texts(system.search_command(setting) for setting, _, _ in settings),
              **{series: [] for series in SERIES}}
    for setting, rounds, memory in settings:
        name, fields = SERIES[setting.series]
        value = setting.values if name == "setting" else setting.values[name]
        result[setting.series].append(
            {name: value, "label": setting.label} |
            {field: measure.spread([memory] if field == "resident_bytes" else [found[field] for found in rounds])
             for field in fields})
    return result


def text_of(spread, form=",.0f", scale=1.0):
    """The median of a spread; least and most where there were several rounds."""
    if spread is None:
        return "-"
    median, least, most = (format(spread[part] * scale, form) for part in ("median", "min", "max"))
    return median if least == most else f"{median} ({least} to {most})"


def print_tables(result):
    """The result as Markdown."""
    data, device = result["dataset"], result["device"]
    print(f"{data['name']}: {data['vectors']:,} x {data['dimension']} {data['element_type']}, {data['metric']}, "
          f"{data['queries']:,} queries, {result['threads']} threads, rounds: {result['rounds']}; "
          "medians (least to most)")
    for rate in device:
        print(f"Disk by fio, random reads of {rate['page_size_bytes'] // 1024} KiB a second: "
              f"{text_of(rate['reads_per_second'])}")
    if not device:
        print(f"Disk: {result['device_why']}")
    for system in result["systems"]:
        if "io" in system["parameters"]:
            print(f"{system['label']} reads by {system['parameters']['io']}")
    rows = [(system["label"], point) for system in result["systems"] for point in system["points"]]
    print_table(["system", "setting", f"recall@{data['k']}", "QPS", "mean us", "p50 us", "p99 us", "pages", "KiB read",
                 "PSS MiB", "CPU us"],
                [[label, point["label"], text_of(point["recall"], ".4f"), text_of(point["qps"]),
                  *(text_of(point[f"latency_us_{part}"]) for part in ("mean", "p50", "p99")),
                  text_of(point["pages_per_query"], ".2f"),
                  text_of(point["bytes_read_per_query"], ".1f", 1 / 1024),
                  text_of(point["resident_bytes"], ".1f", 1 / MIB),
                  text_of(point["cpu_us_per_query"])] for label, point in rows])
    print_table(["system", "build s", "CPU s", "peak MiB", "index MiB"],
                [[system["label"], *("-" if system["build"][field] is None else f"{system['build'][field] * factor:.1f}"
                                      for field, _, factor, _ in BUILD)] for system in result["systems"]])
    for system in result["systems"]:
        if system["load"]:
            print_table([f"load: {system['name']}", "recall", "QPS", "p50 us", "p99 us"],
                        [[one["label"], text_of(one["recall"], ".4f"), text_of(one["qps"]),
                          text_of(one["latency_us_p50"]), text_of(one["latency_us_p99"])] for one in system["load"]])
        if system["memory"]:
            print_table([f"memory: {system['name']}", "budget MiB", "PSS MiB", "recall", "QPS", "pages"],
                        [[one["label"], f"{one['memory_budget_bytes'] / MIB:.1f}",
                          text_of(one["resident_bytes"], ".1f", 1 / MIB), text_of(one["recall"], ".4f"),
                          text_of(one["qps"]), text_of(one["pages_per_query"], ".2f")] for one in system["memory"]])


def compare(args):
    """Data, builds, rounds; the result file."""
    if not args.no_pictures:
        plot.need_matplotlib()
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    args.output.mkdir(parents=True, exist_ok=True)
    dataset = dataset_of(args)
    systems = [SYSTEMS[name](args, dataset) for name in args.systems]
    systems += [Adapted(path, args, dataset) for path in args.system]
    names = [system.name for system in systems]
    if len(set(names)) != len(names):
        raise Failure(f"two systems of one name: {' '.join(names)}")
    if not args.no_device and any(system.residence == "disk" for system in systems):
        measure.need_fio()
    builds = [built(system) for system in systems]
    settings = [(system, system.settings()) for system in systems]
    device = Device(args, systems)
    found = interleaved(args, settings, device)
    result = {"schema": SCHEMA, "when": when, "command": [sys.argv[0], *sys.argv[1:]],
              "seed": args.seed, "rounds": args.rounds, "threads": args.threads,
              "machine": measure.machine(args.output), "dataset": dataset.described(), **device.described(),
              "systems": [described(system, build, settings)
                          for build, (system, settings) in zip(builds, found)]}
    write_whole(args.output / "compare.json", json.dumps(result, indent=1, allow_nan=False) + "\n")
    print_tables(result)
    if not args.no_pictures:
        plot.draw_all([args.output / "compare.json"], args.output)


def names_of_systems(text):
    """Names from a list with commas."""
    names = text.split(",") if text else []
    for name in names:
        if name not in SYSTEMS:
            raise argparse.ArgumentTypeError(f"no system '{name}', expected some of {','.join(SYSTEMS)}")
    return names


def positive(text):
    """A number of 1 or more."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}', expected 1 or more")
    return int(text)


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = pathlib.Path
    parser.add_argument("--dataset", help="synthetic-ood, which is made, or a folder of --data-dir; the name of "
                                          "the set where --vectors is given")
    parser.add_argument("--data-dir", type=path, default=os.environ.get("TRACKWAY_DATA"),
                        help="folder of datasets: base.*, query.*, gt100.ibin or truth.ibin, learn.* (workload) if "
                             "there is one; default: TRACKWAY_DATA")
    parser.add_argument("--vectors", type=path, help="data of your own, with --queries and --ground-truth")
    parser.add_argument("--queries", type=path)
    parser.add_argument("--ground-truth", type=path, help=".ibin or .ivecs")
    parser.add_argument("--workload", type=path, help="sample of queries by which Trackway is built")
    parser.add_argument("--metric", choices=("l2", "ip", "cosine"), help="default: the set's own, else l2")
    parser.add_argument("--output", type=path, required=True, help="folder for indexes, compare.json, pictures and report.html")
    parser.add_argument("--bin", type=path, default=ROOT / "build/release/bin", help="folder of the programs")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--k", type=positive, default=10, help="neighbours per query")
    parser.add_argument("--seed", type=int, default=1, help="of made data and of Trackway's build")
    parser.add_argument("--systems", type=names_of_systems, default=list(SYSTEMS), help="default: %(default)s")
    parser.add_argument("--system", action="append", default=[], metavar="FILE.json", help="a system of your own")
    parser.add_argument("--quick", action="store_true", help="few settings and small made data: does it work?")
    parser.add_argument("--no-pictures", action="store_true", help="neither pictures nor report.html")
    parser.add_argument("--no-device", action="store_true", help="no fio")
    args = parser.parse_args()
    own = (args.vectors, args.queries, args.ground_truth)
    if any(own) and not all(own):
        parser.error("--vectors, --queries and --ground-truth belong together")
    if args.workload and not args.vectors:
        parser.error("--workload belongs to --vectors; a set has its own, learn.*")
    if not args.dataset and not args.vectors:
        parser.error("--dataset or --vectors must say what is searched")
    if not args.systems and not args.system:
        parser.error("--systems or --system must name one")
    return args


def main():
    """The exit status: 1 when something could not be done."""
    measure.end_by_signals()
    try:
        compare(parsed())
    except (Failure, OSError) as failure:
        print(f"compare: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
