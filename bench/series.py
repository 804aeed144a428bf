"""Reads result files of bench/compare.py and reports of search-index as the same series: what every picture draws."""
import dataclasses
import json
import math
import pathlib
import re
import unicodedata

SCHEMA = "trackway-compare/2"
POINT_FIELDS = ("recall", "qps", "latency_us_mean", "latency_us_p50", "latency_us_p99", "pages_per_query",
                "bytes_read_per_query", "resident_bytes", "cpu_us_per_query")
LOAD_FIELDS = ("recall", "qps", "latency_us_p50", "latency_us_p99")
MEMORY_FIELDS = ("resident_bytes", "recall", "qps", "pages_per_query")
# A field of a point, and what search-index calls it.
SEARCH_FIELDS = {field: field for field in POINT_FIELDS if field != "resident_bytes"} | {
    "pages_per_query": "pages_read_per_query"}
TABLES = ("points", "load", "memory")
ELEMENT_BYTES = {"float32": 4, "float16": 2, "uint8": 1, "int8": 1}
DATASET_FIELDS = {"name": str, "vectors": int, "dimension": int, "element_type": str, "metric": str, "k": int}
BUILD_FIELDS = ("seconds", "cpu_seconds", "peak_resident_bytes", "index_bytes")
NUMBER_LIMIT = 1e100
KINDS = {str: "text", int: "a whole number", dict: "an object", list: "a list", (int, float): "a number",
         (dict, type(None)): "an object or null"}


class InputError(Exception):
    """A file that cannot be drawn: names the file, the place in it, what was expected and found."""


@dataclasses.dataclass
class Spread:
    """One measured value: the median of the rounds, the least and the greatest."""
    median: float
    low: float
    high: float

    def times(self, factor):
        """The same in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


@dataclasses.dataclass
class Row:
    """One setting of a system, and what was measured there; None where it cannot say."""
    label: str
    setting: dict
    values: dict


@dataclasses.dataclass
class Run:
    """One file: where and how it was measured; the reads a second of the device by page size in bytes."""
    file: str
    when: str
    command: list
    facts: dict
    device_commands: list
    device_reads: dict
    device_why: str


@dataclasses.dataclass
class Series:
    """One system: its rows, and what it takes to repeat them. The id is short and the same wherever the label is."""
    name: str
    label: str
    residence: str
    page_size_bytes: int
    run: Run
    facts: dict
    build: dict
    commands: list
    points: list
    load: list
    memory: list
    id: str = ""


@dataclasses.dataclass
class Experiment:
    """All series measured with one dataset and one k."""
    name: str
    dataset: dict
    runs: list
    series: list


class Place:
    """A value of a JSON file and where it stands, for messages."""

    def __init__(self, value, file, path=""):
        self.value, self.file, self.path = value, file, path

    def fail(self, expected):
        """Refuses the value."""
        found = json.dumps(self.value, ensure_ascii=False)
        found = found if len(found) <= 60 else found[:57] + "..."
        raise InputError(f"{self.file}: {self.path or 'the file'}: expected {expected}, found {found}")

    def get(self, key, kind):
        """The member of an object, which must be there and of that kind."""
        if key not in self.value:
            raise InputError(f"{self.file}: {self.path or 'the file'}: no '{key}' in it")
        member = Place(self.value[key], self.file, f"{self.path}.{key}" if self.path else key)
        if not isinstance(member.value, kind) or isinstance(member.value, bool):
            member.fail(KINDS[kind])
        return member

    def words(self, key):
        """A command: a list of texts."""
        member = self.get(key, list)
        if not all(isinstance(word, str) for word in member.value):
            member.fail("a list of texts")
        return member.value

    def commands(self, key):
        """A list of commands."""
        member = self.get(key, list)
        for command in member.value:
            if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
                member.fail("a list of lists of texts")
        return member.value

    def numbers(self, fields):
        """These members, numbers, null where they are absent."""
        return {field: None if self.value.get(field) is None else self.get(field, (int, float)).value
                for field in fields}

    def items(self):
        """The items of a list, which must be objects."""
        for number, value in enumerate(self.value):
            item = Place(value, self.file, f"{self.path}[{number}]")
            if not isinstance(value, dict):
                item.fail("an object")
            yield item

    def needed(self, key):
        """A measured value that must be there."""
        self.get(key, dict)
        return self.spread(key)

    def spread(self, key, limit=math.inf):
        """A measured value, which null and an absent member leave open."""
        if self.value.get(key) is None:
            return None
        member = self.get(key, dict)
        numbers = [member.value.get(part) for part in ("median", "min", "max")]
        if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers):
            member.fail("numbers named median, min and max")
        median, low, high = numbers
        if not 0 <= low <= median <= high <= limit:
            member.fail("0 <= min <= median <= max" + (f" <= {limit:g}" if limit < math.inf else ""))
        return Spread(median, low, high)


def no_such_number(text):
    """Refuses NaN and Infinity, which are not JSON."""
    raise ValueError(f"{text} is not JSON")


def finite(text):
    """A number that can be counted with: none of a thousand digits."""
    value = float(text)
    if not abs(value) < NUMBER_LIMIT:
        raise ValueError(f"{text[:20]} is too great")
    return value if set(text) & set(".eE") else int(text)


def printable(value):
    """The same with a sign in place of what no picture and no page can show: control characters, lone surrogates."""
    if isinstance(value, str):
        return "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") or sign in "\ufffe\uffff" else sign
                       for sign in value)
    if isinstance(value, list):
        return [printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    return value


def load(path):
    """The JSON object that a file holds."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a file")
    try:
        value = printable(json.loads(path.read_text(encoding="utf-8"), parse_constant=no_such_number,
                                     parse_float=finite, parse_int=finite))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    place = Place(value, path)
    if not isinstance(value, dict):
        place.fail("an object")
    return place


def setting_of(place, known):
    """What was set: the members of "setting" and those that nothing else is known of."""
    setting = place.get("setting", dict).value if known.pop("setting", None) is not None else {}
    return setting | known


def rows_of(system, table, fields):
    """The rows of one table of a system."""
    rows = []
    for place in system.get(table, list).items():
        for field in ("recall", "qps"):
            place.get(field, (dict, type(None)))
        values = {field: place.spread(field, 1 if field == "recall" else math.inf) for field in fields}
        known = {key: value for key, value in place.value.items() if key not in fields and key != "label"}
        rows.append(Row(place.get("label", str).value, setting_of(place, known), values))
    return rows


def system_of(place, run):
    """One system of a result file as a series."""
    residence = place.get("residence", str)
    if residence.value not in ("disk", "memory"):
        residence.fail("disk or memory")
    build = place.get("build", dict)
    return Series(name=place.get("name", str).value, label=place.get("label", str).value, residence=residence.value,
                  page_size_bytes=place.get("page_size_bytes", int).value, run=run, facts={"version": place.value.get("version"), "parameters": place.value.get("parameters")},
                  build=build.numbers(BUILD_FIELDS),
                  commands=[*build.commands("commands"), *place.commands("search_commands")],
                  points=rows_of(place, "points", POINT_FIELDS), load=rows_of(place, "load", LOAD_FIELDS),
                  memory=rows_of(place, "memory", MEMORY_FIELDS))


def compared(place):
    """A result file of bench/compare.py: dataset, run, series."""
    if place.value["schema"] != SCHEMA:
        place.get("schema", str).fail(f'"{SCHEMA}"')
    dataset = place.get("dataset", dict)
    for field, kind in DATASET_FIELDS.items():
        dataset.get(field, kind)
    devices = list(place.get("device", list).items())
    facts = place.get("machine", dict).value | place.numbers(("threads", "rounds", "seed"))
    run = Run(file=str(place.file), when=place.get("when", str).value, command=place.words("command"),
              facts=facts, device_commands=[device.words("command") for device in devices],
              device_reads={device.get("page_size_bytes", int).value: device.needed("reads_per_second")
                            for device in devices},
              device_why=place.value.get("device_why") or "not measured")
    return dataset.value, run, [system_of(system, run) for system in place.get("systems", list).items()]


def number_of(row, field):
    """A number of a row of a search-index report as a spread of one round."""
    value = row.value.get(field)
    return None if value is None else Place({field: {"median": value, "min": value, "max": value}}, row.file,
                                            row.path).spread(field)


def searched(place):
    """A report of search-index: dataset, run, series."""
    index = place.get("index", dict)
    fields = {field: index.get(field, kind).value for field, kind in DATASET_FIELDS.items()
              if field not in ("name", "k")}
    rows = [row for row in place.get("rows", list).items() if row.value.get("recall") is not None]
    if not rows:
        raise InputError(f"{place.file}: no recall in it: search with --ground-truth")
    dataset = {"name": "{vectors:,} x {dimension} {element_type}".format(**fields), **fields,
               "k": rows[0].get("k", int).value}
    run = Run(file=str(place.file), when="", command=[], facts=place.get("machine", dict).value, device_commands=[],
              device_reads={}, device_why="search-index does not measure the device")
    resident = number_of(index, "bytes_resident")
    points = []
    for row in rows:
        values = {field: number_of(row, name) for field, name in SEARCH_FIELDS.items()}
        target = row.value.get("target_recall")
        points.append(Row(f"L={row.get('search_list', int).value}" if target is None else f"target {target:g}",
                          {key: row.value.get(key) for key in ("search_list", "stop_margin", "target_recall")},
                          values | {"resident_bytes": resident}))
    version = place.value.get("trackway", "")
    return dataset, run, [Series(name="trackway", label=f"Trackway {version}".strip(), residence="disk",
                                 page_size_bytes=index.get("page_size_bytes", int).value, run=run,
                                 facts={"version": version, "index": index.value},
                                 build={"index_bytes": index.value.get("bytes_on_disk")}, commands=[], points=points,
                                 load=[], memory=[])]


def read(path):
    """One file of either kind: dataset, run, series."""
    place = load(path)
    if "schema" in place.value:
        return compared(place)
    if "index" in place.value and "rows" in place.value:
        return searched(place)
    raise InputError(f"{path}: expected a result of bench/compare.py (schema {SCHEMA}) or a report of search-index, "
                     f"found an object of {', '.join(sorted(place.value)[:8]) or 'nothing'}")


def tell_apart(experiment):
    """Gives series of the same label, which come from several files, labels of their own."""
    labels = [series.label for series in experiment.series]
    taken = set()
    for series in experiment.series:
        if labels.count(series.label) > 1:
            series.label += f" ({pathlib.Path(series.run.file).stem})"
        label, number = series.label, 1
        while series.label in taken:
            number += 1
            series.label = f"{label} {number}"
        taken.add(series.label)


def slug(text):
    """Letters, digits and dashes alone: a part of a file's name or of an address."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text.replace(",", "")).strip("-.") or "unnamed"


def read_files(paths):
    """The experiments of all files, in the order in which they appear. Series of the same label have the same id."""
    experiments = {}
    for path in paths:
        dataset, run, series = read(path)
        if not any(getattr(one, table) for one in series for table in TABLES):
            raise InputError(f"{path}: no rows in it, so nothing to draw")
        key = tuple(dataset[field] for field in DATASET_FIELDS)
        experiment = experiments.setdefault(key, Experiment(slug(dataset["name"]), dataset, [], []))
        experiment.runs.append(run)
        experiment.series += series
    names, ids = set(), {}
    for experiment in experiments.values():
        tell_apart(experiment)
        experiment.name = unused(experiment.name, names)
        for series in experiment.series:
            if series.label not in ids:
                ids[series.label] = unused(slug(series.name), set(ids.values()))
            series.id = ids[series.label]
    return list(experiments.values())


def unused(name, taken):
    """The name, with a number behind it if it is taken; takes it."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    taken.add(candidate)
    return candidate
