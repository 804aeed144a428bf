"""Drives Trackway's programs for benchmark frameworks that time a Python class: vectors and queries go into files, ids
come out of one. There is no open index between two calls: each batch of queries starts search-index anew.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy

# What the frameworks call a distance, and what Trackway calls it.
METRICS = {"euclidean": "l2", "angular": "cosine", "ip": "ip"}
# Element type: extension of its vector file.
EXTENSIONS = {"float32": "fbin", "float16": "f16bin", "uint8": "u8bin", "int8": "i8bin"}
# Options of build-index and search-index that a configuration may give, spelled with underscores. Those of one graph:
# separate shards answer with fewer ids where shards are missing.
BUILD_OPTIONS = ("max_degree", "build_list", "alpha", "code_bytes", "code_type", "page_size", "page_order",
                 "vector_encoding", "memory_budget", "shards", "threads", "seed")
SEARCH_OPTIONS = ("search_list", "target_recall", "stop_margin", "beam_width", "page_limit", "expand_share", "rerank",
                  "memory_budget", "cache_vertices", "threads", "queries_in_flight", "io")


class AdaptorError(Exception):
    """What the framework, its data or its configuration gave cannot be measured; the message says why."""


def metric_of(distance):
    """Trackway's name of a framework's distance."""
    if distance not in METRICS:
        raise AdaptorError(f"distance: expected one of {', '.join(METRICS)}, found {distance!r}")
    return METRICS[distance]


def element_type_of(dtype):
    """The element type in which numbers of this numpy type are indexed; float64 is rounded to float32."""
    name = numpy.dtype(dtype).name
    element_type = "float32" if name == "float64" else name
    if element_type not in EXTENSIONS:
        raise AdaptorError(f"element type: expected one of {', '.join(EXTENSIONS)} or float64, found {name}")
    return element_type


def rows_as(rows, element_type, what):
    """The rows as numbers of this element type; an error where it does not hold them exactly, but for float64, which
    is rounded to float32."""
    if element_type not in EXTENSIONS:
        raise AdaptorError(f"element type: expected one of {', '.join(EXTENSIONS)}, found {element_type!r}")
    rows = numpy.asarray(rows)
    if rows.ndim != 2 or rows.size == 0:
        raise AdaptorError(f"{what}: expected rows of numbers, found an array of shape {rows.shape}")
    given = element_type_of(rows.dtype)
    with numpy.errstate(invalid="ignore", over="ignore"):
        cast = numpy.ascontiguousarray(rows, dtype=element_type)
    if element_type not in (given, "float32"):
        wrong = numpy.flatnonzero((cast != rows).any(axis=1))
        if wrong.size:
            raise AdaptorError(f"{what}: row {wrong[0]} holds numbers that {element_type} does not hold exactly")
    return cast


def write_vectors(path, rows):
    """Writes rows of an element type as a .*bin file whose extension says so."""
    with open(path, "wb") as file:
        numpy.array(rows.shape, dtype="<u4").tofile(file)
        rows.tofile(file)
    return path


def header_of(path, element_type):
    """Rows and dimension of a .*bin file, whatever its extension; checked against its size."""
    try:
        size, header = os.path.getsize(path), numpy.fromfile(path, dtype="<u4", count=2)
    except OSError as error:
        raise AdaptorError(f"{path}: {error.strerror}") from error
    expected = 8 + int(header[0]) * int(header[1]) * numpy.dtype(element_type).itemsize if header.size == 2 else 8
    if header.size < 2 or size < expected:
        raise AdaptorError(f"{path}: expected {expected} bytes or more of {element_type}, found {size}")
    return int(header[0]), int(header[1])


def read_ids(path, query_count, k):
    """Ids of a result file, a row per query."""
    counts = tuple(map(int, numpy.fromfile(path, dtype="<u4", count=2)))
    if counts != (query_count, k):
        raise AdaptorError(f"{path}: expected {query_count} x {k} ids, found {counts}")
    ids = numpy.fromfile(path, dtype="<u4", offset=8, count=query_count * k)
    return ids.reshape(query_count, k).astype(numpy.int32)


def flags_of(given, allowed, what):
    """Flags of a program for options that a configuration gives."""
    if not isinstance(given, dict):
        raise AdaptorError(f"{what}: expected names and values, found {given!r}")
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise AdaptorError(f"{what}: expected {', '.join(allowed)}, found {', '.join(unknown)}")
    return [part for name, value in given.items() for part in ("--" + name.replace("_", "-"), str(value))]


def search_flags_of(arguments):
    """Flags of search-index: those that a configuration gives, exactly one of which says how long to search."""
    flags = flags_of(arguments, SEARCH_OPTIONS, "query arguments")
    aims = [arguments[name] for name in ("search_list", "target_recall") if name in arguments]
    if len(aims) != 1 or isinstance(aims[0], (list, tuple)) or "," in str(aims[0]):
        raise AdaptorError(f"query arguments: expected one number, search_list or target_recall, found {arguments}")
    return flags


def run_program(program, *arguments):
    """What one of Trackway's programs prints to stdout; what it says to stderr is passed on."""
    folder = os.environ.get("TRACKWAY_BIN")
    path = shutil.which(program, path=folder)
    if path is None:
        raise AdaptorError(f"{program}: not found in {'PATH' if folder is None else folder}; "
                           "TRACKWAY_BIN must name the folder of Trackway's programs")
    finished = subprocess.run([path, *map(str, arguments), "--quiet"], capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise AdaptorError(f"{program} ended with status {finished.returncode}: {finished.stderr.strip()}")
    if finished.stderr:
        print(finished.stderr, end="", file=sys.stderr, flush=True)
    return finished.stdout


class BatchIndex:
    """An index that is built once and answers batches of queries; what the classes of both frameworks hold."""

    def __init__(self, distance, parameters):
        self.metric = metric_of(distance)
        self.build_flags = flags_of(parameters, BUILD_OPTIONS, "index parameters")
        self.search_flags, self.arguments = None, {}
        self.folder, self.element_type, self.resident_bytes = None, None, 0
        self.batch = self.ids = self.row = None
        self.exact_distances, self.io = 0, None
        for program in ("build-index", "search-index", "convert-vectors"):
            run_program(program, "--version")
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="trackway-adaptor-"))

    def build(self, vectors, folder, workload=None):
        """Builds the index of a vector file, in place of one that stands there."""
        run_program("build-index", "--vectors", vectors, "--index", folder, "--metric", self.metric,
                    *(("--overwrite",) if is_index(folder) else ()),
                    *(("--workload", workload) if workload else ()), *self.build_flags)

    def open(self, folder, vector_count, dimension, element_type):
        """Searches a finished index once, so that one that is damaged or of other data is an error here, and what it
        keeps resident is measured."""
        query = numpy.zeros((1, dimension), dtype=element_type)
        path = write_vectors(self.scratch / f"zero.{EXTENSIONS[element_type]}", query)
        index = json.loads(run_program("search-index", "--index", folder, "--queries", path, "--k", 1,
                                       "--search-list", 1, "--json", "-"))["index"]
        expected = (vector_count, dimension, element_type, self.metric)
        found = (index["vectors"], index["dimension"], index["element_type"], index["metric"])
        if found != expected:
            raise AdaptorError(f"{folder}: expected an index of {expected}, found one of {found}")
        self.folder, self.element_type, self.resident_bytes = folder, element_type, index["bytes_resident"]

    def set_search(self, arguments):
        """Takes the arguments of the searches to come; counts start anew."""
        self.search_flags, self.arguments = search_flags_of(arguments), dict(arguments)
        self.exact_distances = 0

    def write_queries(self, queries, k):
        """Writes the file of queries of the next search."""
        if self.folder is None:
            raise AdaptorError("queries before an index: fit or load_index comes first")
        rows = rows_as(queries, self.element_type, "queries")
        path = write_vectors(self.scratch / f"queries.{EXTENSIONS[self.element_type]}", rows)
        self.batch = (path, len(rows), k)

    def run_queries(self):
        """Runs search-index on the queries written last, and reads what it found."""
        if self.search_flags is None:
            raise AdaptorError("queries before query arguments: a configuration must give search_list or target_recall")
        queries, query_count, k = self.batch
        result = self.scratch / "result.ibin"
        report = json.loads(run_program("search-index", "--index", self.folder, "--queries", queries, "--k", k,
                                        "--result", result, "--json", "-", *self.search_flags))
        (self.row,) = report["rows"]
        self.ids = read_ids(result, query_count, k)
        self.io = report["machine"]["io"]
        self.exact_distances += round(self.row["exact_distances_per_query"] * query_count)

    def additional(self):
        """What the frameworks store beside a result. Their own names: dist_comps is the sum of all runs with these
        arguments, mean_latency is in microseconds; the others as search-index reports them for the last run."""
        row = self.row
        if row is None:
            return {}
        return {"dist_comps": self.exact_distances,
                "mean_ssd_ios": row["pages_read_per_query"] - row["pages_joined_per_query"],
                "mean_latency": row["latency_us_mean"], "trackway_latency_us_p99": row["latency_us_p99"],
                "trackway_pages_read_per_query": row["pages_read_per_query"], "trackway_qps": row["qps"],
                "trackway_cpu_us_per_query": row["cpu_us_per_query"], "trackway_search_list": row["search_list"],
                "trackway_io": self.io}

    def resident_kilobytes(self):
        """What search keeps resident for the open index; 0 before there is one."""
        return self.resident_bytes / 1024

    def close(self):
        """Removes the folder of queries and results; an index elsewhere stays."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def is_index(folder):
    """Whether a finished index stands in the folder."""
    return (pathlib.Path(folder) / "manifest.json").is_file()
