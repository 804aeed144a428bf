"""Stand-ins of ann-benchmarks and big-ann-benchmarks: the folders, base classes and files that an adaptor meets in a
checkout of either, and how each expands a configuration and drives a class. Written from what the frameworks do.
"""
import importlib
import itertools
import json
import subprocess
import sys

import numpy
import yaml

import programs

ADAPTORS = programs.VERSION_HEADER.parents[2] / "bench" / "adaptors"
BASE_CLASS = '''
class BaseANN:
    def done(self):
        pass

    def get_memory_usage(self):
        return 0

    def get_additional(self):
        return {}
'''
DATASETS = '''
import os
import numpy

DATASETS = {}

class Dataset:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def distance(self):
        return self.metric

    def search_type(self):
        return self.kind

    def data_type(self):
        return "dense"

    def short_name(self):
        return f"Dataset-{self.nb}"

    def get_dataset_fn(self):
        whole = os.path.join(self.basedir, self.ds_fn)
        return whole if os.path.exists(whole) else f"{whole}.crop_nb_{self.nb}"

    def get_queries(self):
        rows = numpy.fromfile(os.path.join(self.basedir, self.qs_fn), dtype=self.dtype, offset=8)
        return rows.reshape(self.nq, self.d).astype("float32")

    def get_groundtruth(self):
        path = os.path.join(self.basedir, self.gt_fn)
        count, k = map(int, numpy.fromfile(path, dtype="uint32", count=2))
        assert os.stat(path).st_size == 8 + count * k * 8
        return numpy.fromfile(path, dtype="int32", offset=8, count=count * k).reshape(count, k)
'''
CHECKOUTS = {
    "ann_benchmarks": {"ann_benchmarks/__init__.py": "", "ann_benchmarks/algorithms/__init__.py": "",
                       "ann_benchmarks/algorithms/base/module.py": BASE_CLASS},
    "big_ann_benchmarks": {"benchmark/__init__.py": "", "benchmark/algorithms/base.py": BASE_CLASS,
                           "benchmark/datasets.py": DATASETS,
                           "neurips23/ood/base.py": "from benchmark.algorithms.base import BaseANN\n\n\n"
                                                    "class BaseOODANN(BaseANN):\n"
                                                    "    def track(self):\n        return 'ood'\n"},
}


def make_checkout(folder, framework):
    """A checkout of a framework with the adaptor copied into it as a user does, first among what Python imports."""
    for name, text in CHECKOUTS[framework].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run([ADAPTORS / "copy_into.py", folder, "--without-source"], check=True, stdout=subprocess.DEVNULL)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    return folder


def combinations(given):
    """Every choice of one value per entry, of a list or a mapping."""
    if isinstance(given, str):
        return json.loads(given)
    if isinstance(given, dict):
        values = [value if isinstance(value, list) else [value] for value in given.values()]
        return [dict(zip(given, chosen)) for chosen in itertools.product(*values)]
    return [list(chosen) for chosen in itertools.product(*(e if isinstance(e, list) else [e] for e in given))]


def group_arguments(group, groups_key, key):
    """All argument lists of one kind that a run group makes."""
    if groups_key in group:
        made = combinations([combinations(g) if isinstance(g, dict) else g for g in group[groups_key]])
    else:
        made = combinations(group[key])
    return [arguments if isinstance(arguments, list) else [arguments] for arguments in made]


def definitions_of(path, separator):
    """(dataset or metric, algorithm, constructor arguments, lists of query arguments) of a configuration; words of
    keys are separated by _ in ann-benchmarks and by - in big-ann-benchmarks."""
    def key(name):
        return name.replace("_", separator)
    config = yaml.safe_load(path.read_text())
    if separator == "_":
        config = {metric: {entry["name"]: entry for entry in entries}
                  for metric, entries in config["float"].items()}
    for place, algorithms in config.items():
        for algorithm in algorithms.values():
            assert algorithm[key("docker_tag")]
            for group in algorithm[key("run_groups")].values():
                for arguments in group_arguments(group, key("arg_groups"), "args"):
                    yield (place, algorithm, algorithm[key("base_args")] + arguments,
                           group_arguments(group, key("query_arg_groups"), key("query_args")))


def nearest(base, queries, distance, k):
    """Ids of the k nearest rows by exact scan in double precision, and their measures."""
    base, queries = numpy.asarray(base, dtype=float), numpy.asarray(queries, dtype=float)
    if distance == "euclidean":
        measure = ((queries[:, None, :] - base[None, :, :]) ** 2).sum(axis=2)
    elif distance == "ip":
        measure = -queries @ base.T
    else:
        measure = 1 - queries @ base.T / numpy.outer(*(numpy.linalg.norm(x, axis=1) for x in (queries, base)))
    ids = measure.argsort(axis=1, kind="stable")[:, :k]
    return ids, numpy.take_along_axis(measure, ids, axis=1)


def recall_of(found, truth):
    """The share of true neighbours that were found."""
    k = truth.shape[1]
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / (len(truth) * k)


def write_rows(path, rows):
    """Writes rows in the layout of the .*bin files, whatever the name."""
    path.write_bytes(numpy.array(rows.shape, dtype="<u4").tobytes() + rows.tobytes())
    return path


def write_truth(path, ids, measures):
    """Writes a ground truth as big-ann-benchmarks publishes it."""
    path.write_bytes(numpy.array(ids.shape, dtype="<u4").tobytes() + ids.astype("<i4").tobytes() +
                     measures.astype("<f4").tobytes())


def write_hdf5(path, train, test, distance):
    """Writes a dataset as ann-benchmarks publishes it."""
    import h5py  # only where it is installed
    ids, measures = nearest(train, test, distance, 10)
    with h5py.File(path, "w") as file:
        file.attrs.update({"distance": distance, "point_type": "float", "dimension": train.shape[1], "type": "dense"})
        for name, rows in (("train", train), ("test", test), ("neighbors", ids.astype("i4")),
                           ("distances", measures.astype("f4"))):
            file.create_dataset(name, data=rows)
