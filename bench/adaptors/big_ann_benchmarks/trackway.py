"""Trackway in big-ann-benchmarks: the out-of-distribution track of NeurIPS'23, and the disk track of NeurIPS'21."""
import os
import pathlib
import re

import numpy

from benchmark.datasets import DATASETS
from neurips23.ood.base import BaseOODANN
from .trackway_programs import EXTENSIONS, AdaptorError, BatchIndex, element_type_of, header_of, is_index, \
    metric_of, rows_as, run_program, write_vectors

WORKLOAD_ROWS = 20000


class Trackway(BaseOODANN):
    """An index under data/indices, searched with a file of queries at a time."""
    TRACK = "ood"

    def __init__(self, metric, index_params):
        options = dict(index_params)
        self.workload = options.pop("workload", None)
        self.workload_rows = options.pop("workload_rows", WORKLOAD_ROWS)
        self.index = BatchIndex(metric, options)
        self.index_params = dict(index_params)
        self.name = "trackway"

    def track(self):
        """The track that indexes are stored under."""
        return self.TRACK

    def index_name(self):
        """A folder name that says everything the index was built with."""
        named = (f"{name}-{value}" for name, value in sorted(self.index_params.items()))
        return "_".join([self.index.metric, *(re.sub(r"[^\w.-]", "-", part) for part in named)])

    def index_folder(self, ds):
        """Where the index of a dataset stands."""
        return pathlib.Path("data", "indices", self.track(), self.name, ds.short_name(), self.index_name()).absolute()

    def fit(self, dataset):
        """Builds the index from the dataset's own file, in place of one that stands there, and searches it once."""
        ds = self.dataset_of(dataset)
        folder = self.index_folder(ds)
        folder.parent.mkdir(parents=True, exist_ok=True)
        extension = EXTENSIONS[element_type_of(ds.dtype)]
        vectors, workload = (folder.with_name(f"{folder.name}.{part}.{extension}") for part in ("base", "workload"))
        try:
            self.take_vectors(ds, vectors)
            if self.workload:
                self.take_workload(ds, workload)
            self.index.build(vectors, folder, workload if self.workload else None)
        finally:
            vectors.unlink(missing_ok=True)
            workload.unlink(missing_ok=True)
        self.load_index(dataset)

    def load_index(self, dataset):
        """Whether an index of these parameters stands under data/indices; if so, it is searched once."""
        ds = self.dataset_of(dataset)
        folder = self.index_folder(ds)
        if not is_index(folder):
            return False
        self.index.open(folder, ds.nb, ds.d, element_type_of(ds.dtype))
        return True

    def dataset_of(self, dataset):
        """The dataset of a name, if it is one of dense vectors, nearest neighbours and the metric of this index."""
        ds = DATASETS[dataset]()
        kind, numbers = ds.search_type(), getattr(ds, "data_type", lambda: "dense")()
        if (kind, numbers) != ("knn", "dense"):
            raise AdaptorError(f"{dataset}: expected nearest neighbours (knn) of dense vectors, "
                               f"found {kind} of {numbers}")
        if metric_of(ds.distance()) != self.index.metric:
            raise AdaptorError(f"{dataset}: expected metric {self.index.metric}, found {ds.distance()}")
        return ds

    def take_vectors(self, ds, path):
        """Makes path a link to the dataset's file, whose name need not end in its element type; where the file is that
        of a larger dataset, a file of the rows that count."""
        source = pathlib.Path(ds.get_dataset_fn()).absolute()
        rows, dimension = header_of(source, ds.dtype)
        if dimension != ds.d or rows < ds.nb:
            raise AdaptorError(f"{source}: expected {ds.nb} x {ds.d} numbers, found {rows} x {dimension}")
        path.unlink(missing_ok=True)
        path.symlink_to(source)
        if rows > ds.nb:
            cropped = path.with_name("cropped-" + path.name)
            run_program("convert-vectors", "--input", path, "--output", cropped, "--limit", ds.nb)
            cropped.replace(path)

    def take_workload(self, ds, path):
        """Writes the first rows of a file of training queries of the dataset."""
        source = pathlib.Path(ds.basedir, self.workload)
        if source.name == pathlib.Path(ds.qs_fn).name:
            raise AdaptorError(f"{source}: these are the queries that are measured; a workload must be others")
        try:
            size, header = os.path.getsize(source), numpy.fromfile(source, dtype="<u4", count=2)
        except OSError as error:
            raise AdaptorError(f"{source}: workload: {error.strerror}; README.md says where it comes from") from error
        # Such files are often downloaded in part: only the rows that are taken must be there.
        wanted = 8 + self.workload_rows * ds.d * numpy.dtype(ds.dtype).itemsize
        if header.size < 2 or header[1] != ds.d or size < wanted:
            raise AdaptorError(f"{source}: expected {self.workload_rows} x {ds.d} numbers or more in {wanted} bytes, "
                               f"found header {header.tolist()} and {size} bytes")
        rows = numpy.fromfile(source, dtype=ds.dtype, offset=8, count=self.workload_rows * ds.d)
        write_vectors(path, rows_as(rows.reshape(-1, ds.d), element_type_of(ds.dtype), str(source)))

    def index_files_to_store(self, dataset):
        """Folder, common prefix and names of the files of a finished index."""
        folder = self.index_folder(self.dataset_of(dataset))
        if not is_index(folder):
            raise AdaptorError(f"{folder}: no index; names of its files are known once it is built, "
                               "so none is downloaded")
        return [str(folder), "", sorted(path.name for path in folder.iterdir() if path.is_file())]

    def set_query_arguments(self, query_args):
        """Options of search-index by their names, search_list or target_recall among them."""
        self.index.set_search(query_args)

    def query(self, X, k):
        """Answers all queries; the framework times this, and with it writing them and the start of the program."""
        self.index.write_queries(X, k)
        self.index.run_queries()

    def range_query(self, X, radius):
        """Trackway finds nearest neighbours only."""
        raise AdaptorError("Trackway does not search by radius: leave out datasets whose search type is range")

    def get_results(self):
        """Ids found, a row per query."""
        return self.index.ids

    def get_additional(self):
        """Pages, distances and latency of the searches."""
        return self.index.additional()

    def get_memory_usage(self):
        """Kilobytes that a search keeps resident, not those of this process, which holds no index."""
        return self.index.resident_kilobytes()

    def done(self):
        """Removes the files of queries and results; the index stays for load_index."""
        self.index.close()

    def __str__(self):
        return self.name


class TrackwayDisk(Trackway):
    """The same under the name of the disk track."""
    TRACK = "T2"
