"""Trackway in ann-benchmarks, in batch mode (run.py --batch)."""
from ..base.module import BaseANN
from .trackway_programs import EXTENSIONS, AdaptorError, BatchIndex, element_type_of, rows_as, write_vectors


class Trackway(BaseANN):
    """An index in a temporary folder, searched with a file of queries at a time."""

    def __init__(self, metric, parameters):
        self.parameters = dict(parameters)
        options = dict(parameters)
        self.element_type = options.pop("element_type", None)
        self.index = BatchIndex(metric, options)

    def fit(self, X):
        """Builds the index and searches it once. The vectors are indexed as they come, float64 as float32, or as
        element_type if the configuration gives one that holds them exactly."""
        element_type = self.element_type or element_type_of(X.dtype)
        vectors = self.index.scratch / f"train.{EXTENSIONS.get(element_type)}"
        rows = rows_as(X, element_type, "train")
        write_vectors(vectors, rows)
        folder = self.index.scratch / "index"
        self.index.build(vectors, folder)
        vectors.unlink()
        self.index.open(folder, *rows.shape, element_type)

    def set_query_arguments(self, arguments):
        """Options of search-index by their names, search_list or target_recall among them."""
        self.index.set_search(arguments)

    def query(self, q, n):
        """One query at a time would time the start of a program."""
        raise AdaptorError("Trackway has no Python binding: one query at a time would measure how long search-index "
                           "takes to start. Run ann-benchmarks with --batch; for the latency of a lone query see "
                           "search-index --threads 1 --queries-in-flight 1")

    def prepare_batch_query(self, X, n):
        """Writes the file of queries; the framework does not time this."""
        self.index.write_queries(X, n)

    def run_batch_query(self):
        """Runs search-index; the framework times this, and with it the start of the program."""
        self.index.run_queries()

    def batch_query(self, X, n):
        """Both, for versions of the framework that do not prepare."""
        self.prepare_batch_query(X, n)
        self.run_batch_query()

    def get_batch_results(self):
        """Ids found, a row per query."""
        return self.index.ids

    def get_additional(self):
        """Pages, distances and latency of the searches."""
        return self.index.additional()

    def get_memory_usage(self):
        """Kilobytes that a search keeps resident, not those of this process, which holds no index."""
        return self.index.resident_kilobytes()

    def done(self):
        """Removes the index."""
        self.index.close()

    def __str__(self):
        return f"trackway({self.index.metric}, {self.parameters}, {self.index.arguments})"
