"""Datasets that compare.py searches: found in a folder, made, or given; and recall against truth."""
import array
import ast
import json
import pathlib
import struct

from measure import Failure, run

# Of folders that datasets/fetch.py did not write; others are searched by squared L2 unless --metric says otherwise.
METRICS = {"code-ood-50k": "ip"}
SYNTHETIC = "synthetic-ood"
BIN_TYPES = {".fbin": ("float32", 4), ".f16bin": ("float16", 2), ".u8bin": ("uint8", 1), ".i8bin": ("int8", 1)}
VECS_TYPES = {".fvecs": ("float32", 4), ".bvecs": ("uint8", 1)}
NPY_TYPES = {"<f4": "float32", "<f2": "float16", "|u1": "uint8", "|i1": "int8"}


class Dataset:
    """Files of vectors, queries, workload (or None) and truth, and what they hold."""

    def __init__(self, name, files, metric, k):
        self.name, self.files, self.metric, self.k = name, files, metric, k
        self.vectors, self.dimension, self.element_type = shape_of(files["base"])
        self.queries, dimension, _ = shape_of(files["query"])
        if dimension != self.dimension:
            raise Failure(f"{files['query']}: dimension {dimension}, expected {self.dimension} of {files['base']}")
        self.truth = Ids(files["truth"])
        if self.truth.queries != self.queries or self.truth.k < k:
            raise Failure(f"{files['truth']}: {self.truth.queries} x {self.truth.k} neighbours, expected "
                          f"{self.queries} queries of {files['query']} with {k} or more")
        if max(self.truth.ids, default=0) >= self.vectors:
            raise Failure(f"{files['truth']}: id {max(self.truth.ids)}, expected ids below {self.vectors}, the vectors "
                          f"of {files['base']}")

    def described(self):
        """The dataset as the result file has it."""
        return {"name": self.name, "vectors": self.vectors, "dimension": self.dimension,
                "element_type": self.element_type, "metric": self.metric, "queries": self.queries, "k": self.k,
                "files": {kind: str(path) if path else None for kind, path in self.files.items()}}


class Ids:
    """Ids per query of an .ibin or .ivecs file, or of one that holds ids alone (count, k, ids);
    distances where the file has them."""

    def __init__(self, path):
        data = read(path)
        self.distances = None
        if path.suffix == ".ivecs":
            (self.k,) = header(path, data, "<i")
            if self.k < 1:
                raise Failure(f"{path}: {self.k} neighbours at its begin, expected 1 or more")
            numbers = whole(path, data, 0, "I")
            self.queries = len(numbers) // (self.k + 1)
            self.ids = array.array("I", (n for i, n in enumerate(numbers) if i % (self.k + 1)))
            expected = 4 * self.queries * (self.k + 1)
        else:
            self.queries, self.k = header(path, data, "<II")
            count = self.queries * self.k
            expected = 8 + 4 * count
            self.ids = array.array("I", data[8:expected] if len(data) >= expected else b"")
            if len(data) == 8 + 8 * count:
                self.distances = array.array("f", data[expected:])
                expected = len(data)
        if self.k < 1 or len(data) != expected:
            raise Failure(f"{path}: {len(data)} bytes, expected {expected} for {self.queries} x {self.k} neighbours")

    def nearest(self, query, k):
        """Ids of the k nearest, and those behind that are as near as the last of them."""
        row, counted = query * self.k, k
        if self.distances is not None:
            last = self.distances[row + k - 1]
            while counted < self.k and self.distances[row + counted] == last:
                counted += 1
        return self.ids[row:row + counted]


def recall(truth, found, k):
    """Mean share of the k true nearest among the k first found, counted as search-index does."""
    if found.queries != truth.queries or found.k < k:
        raise Failure(f"{found.queries} x {found.k} ids found, expected {truth.queries} x {k} or more")
    hits = sum(len(set(truth.nearest(q, k)) & set(found.ids[q * found.k:q * found.k + k]))
               for q in range(truth.queries))
    return hits / (truth.queries * k)


def regular(path):
    """The path of a file that can be read from its begin to its end, which a FIFO cannot."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        raise Failure(f"{path}: not a file")
    return path


def read(path):
    """All bytes of a file."""
    try:
        return regular(path).read_bytes()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


def header(path, data, form):
    """The numbers that a file begins with."""
    if len(data) < struct.calcsize(form):
        raise Failure(f"{path}: {len(data)} bytes, too few for a header")
    return struct.unpack_from(form, data)


def whole(path, data, start, code):
    """The rest of a file as 4-byte numbers."""
    if (len(data) - start) % 4:
        raise Failure(f"{path}: {len(data)} bytes, expected a multiple of 4")
    return array.array(code, data[start:])


def shape_of(path):
    """Rows, dimension and element type of a vector file, from its header and its size."""
    *shape, element_type = shape_by_header(regular(path))
    if len(shape) != 2 or not all(isinstance(count, int) and count > 0 for count in shape):
        raise Failure(f"{path}: shape {tuple(shape)}, expected rows of 1 or more numbers")
    return (*shape, element_type)


def shape_by_header(path):
    """What shape_of finds, unchecked."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    if path.suffix in BIN_TYPES:
        return (*header(path, start, "<II"), BIN_TYPES[path.suffix][0])
    if path.suffix in VECS_TYPES:
        name, element_bytes = VECS_TYPES[path.suffix]
        (dimension,) = header(path, start, "<i")
        return size // (4 + max(dimension, 0) * element_bytes), dimension, name
    if path.suffix == ".npy":
        try:
            (length,) = struct.unpack_from("<H" if start[6] == 1 else "<I", start, 8)
            begin = 10 if start[6] == 1 else 12
            fields = ast.literal_eval(start[begin:begin + length].decode())
            return (*fields["shape"], NPY_TYPES[fields["descr"]])
        except (IndexError, KeyError, SyntaxError, TypeError, ValueError, struct.error) as error:
            raise Failure(f"{path}: not a .npy header that Trackway reads") from error
    raise Failure(f"{path}: unknown extension, expected {' '.join([*BIN_TYPES, *VECS_TYPES])} .npy")


def find(folder, *stems, optional=False):
    """The one file in a folder that is called one of these stems, whatever its format."""
    found = [path for stem in stems for path in sorted(folder.glob(f"{stem}.*")) if path.suffix != ".partial"]
    if len(found) > 1:
        raise Failure(f"{folder}: {' and '.join(path.name for path in found)}: which one?")
    if not found and not optional:
        raise Failure(f"{folder}: no {' or '.join(f'{stem}.*' for stem in stems)}")
    return found[0] if found else None


def found_in(folder):
    """The files of a dataset's folder."""
    if not folder.is_dir():
        raise Failure(f"{folder}: no such folder; --data-dir (or TRACKWAY_DATA) is the one that holds datasets")
    return {"base": find(folder, "base"), "query": find(folder, "query"),
            "truth": find(folder, "gt100", "truth"), "workload": find(folder, "learn", optional=True)}


def make_synthetic(args):
    """The files of a seeded set whose queries are unlike the data, made unless they are there."""
    folder = args.output / "data"
    vectors, queries, workload = (10000, 500, 2000) if args.quick else (100000, 2000, 20000)
    command = [args.bin / "make-dataset", "--quiet", "--output", folder, "--vectors", vectors, "--dimension", 96,
               "--queries", queries, "--workload-queries", workload, "--seed", args.seed]
    files = {"base": folder / "base.fbin", "query": folder / "query.fbin", "truth": folder / "truth.ibin",
             "workload": folder / "learn.fbin"}
    commands = [command, [args.bin / "make-ground-truth", "--quiet", "--vectors", files["base"], "--queries",
                          files["query"], "--output", files["truth"], "--k", max(100, args.k), "--metric",
                          args.metric or "l2"]]
    made, marker = json.dumps([[str(part) for part in one] for one in commands]), folder / "made.json"
    if not marker.exists() or marker.read_text(encoding="utf-8") != made:
        marker.unlink(missing_ok=True)  # while the files are neither the old ones nor the new
        for one in commands:
            run(one)
        marker.write_text(made, encoding="utf-8")
    return files


def metric_of(name, folder, asked):
    """That of the set, as datasets/fetch.py wrote it down, or what was asked for where it did not."""
    described = folder / "dataset.json" if folder else None
    if described is None or not described.exists():
        return asked or METRICS.get(name, "l2")
    try:
        metric = json.loads(described.read_text(encoding="utf-8"))["metric"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{described}: no metric in it: {error!r}") from error
    if metric not in ("l2", "ip", "cosine"):
        raise Failure(f"{described}: metric {json.dumps(metric)}, expected l2, ip or cosine")
    if asked not in (None, metric):
        raise Failure(f"{described}: metric {metric}, found --metric {asked}")
    return metric


def dataset_of(args):
    """The dataset that the command line names."""
    folder = None
    if args.vectors:
        files = {"base": args.vectors, "query": args.queries, "truth": args.ground_truth, "workload": args.workload}
        name = args.dataset or args.vectors.stem
    elif args.dataset == SYNTHETIC:
        files, name = make_synthetic(args), SYNTHETIC
    elif args.data_dir is None:
        raise Failure(f"{args.dataset}: --data-dir or TRACKWAY_DATA must name the folder of datasets")
    else:
        folder = args.data_dir / args.dataset
        files, name = found_in(folder), args.dataset
    return Dataset(name, files, metric_of(name, folder, args.metric), args.k)
